// What SDKs call: registration, checkpoints, state fetch, telemetry.
#include "fixture.h"
#include "model/limits.h"

static const struct uuid app_id = {
	{0xa8, 0xfd, 0x53, 0, 6, 0xf2, 0x54, 0x1e, 0x8b, 0x69, 0xde, 0xd0, 0xc0, 0xc7, 0xc2, 0x33}};
#define RUN_ID "01JQDAE4RQF8MBCR55T5AK4KXS"

// --- register, remove -----------------------------------------------------------------------------------------

static struct reply *engine_registers(struct fixture *fixture, struct command *command) {
	assert_int_equal(command->kind, COMMAND_REGISTER);
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%.*s %.*s %zu", STR_ARG(command->registration.app_name),
		       STR_ARG(command->registration.url), command->registration.function_count);
	struct reply *reply = reply_new(command->request, REPLY_REGISTERED, 200);
	reply->modified = true;
	reply->app_id = app_id;
	return reply;
}

#define REGISTER_BODY                                                                                               \
	"{\"url\":\"http://127.0.0.1:3000/api/inngest\",\"appname\":\"shop\",\"sdk\":\"js:v4.24.0\",\"v\":\"0.1\"," \
	"\"functions\":[{\"id\":\"shop-hello\",\"name\":\"Hello\",\"triggers\":[{\"event\":\"demo/hello\"}],"       \
	"\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","                    \
	"\"url\":\"http://127.0.0.1:3000/api/inngest?fnId=shop-hello&stepId=step\"}}}}]}"

static void test_register(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_registers;
	struct http http = call_with(fixture, "POST", "/fn/register?deployId=1",
				     "X-Inngest-Expected-Server-Kind: dev\r\n", REGISTER_BODY);
	assert_string_equal(fixture->noted, "shop http://localhost:3000/api/inngest 1");
	const char *head = "{\"ok\":true,\"modified\":true,\"sync_id\":\"";
	const char *tail = "\",\"app_id\":\"a8fd5300-06f2-541e-8b69-ded0c0c7c233\"}\n";
	assert_int_equal(http.status, 200);
	assert_int_equal(http.body_len, strlen(head) + UUID_TEXT_LEN + strlen(tail));
	assert_memory_equal(http.body, head, strlen(head));
	assert_string_equal(http.body + strlen(head) + UUID_TEXT_LEN, tail);
	http_free(&http);
	fixture->engine = engine_says_ok;
}

static void test_register_refused(void **state) {
	struct http http = call_with(*state, "POST", "/fn/register", "X-Inngest-Expected-Server-Kind: cloud\r\n", "{}");
	assert_reply(http, 400, "{\"error\":\"Expected server kind dev, got cloud\"}\n");
	http = call(*state, "POST", "/fn/register", "{\"functions\":[]}");
	assert_reply(http, 400, "{\"error\":\"App ID required\",\"data\":null,\"status\":400}\n");
	static const char *const bodies[] = {"", "{", "[]", "{\"appName\":7}", "{\"appName\":\"a\",\"functions\":{}}"};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		http = call(*state, "POST", "/fn/register", bodies[i]);
		assert_int_equal(http.status, 400);
		assert_non_null(strstr(http.body, "{\"error\":\"Invalid request: "));
		assert_null(strstr(http.body, ",\"status\":400}"));
		http_free(&http);
	}
}

static struct reply *engine_denies(struct fixture *fixture, struct command *command) {
	(void)fixture;
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 400);
	reply->code = STR("sdk_version_denied");
	reply->text = STR("too old");
	reply->data = STR("{\"x\":1}");
	return reply;
}

static void test_register_denied(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_denies;
	struct http http = call(fixture, "POST", "/fn/register", REGISTER_BODY);
	assert_reply(http, 400,
		     "{\"code\":\"sdk_version_denied\",\"error\":\"too old\",\"data\":{\"x\":1},\"status\":400}\n");
	fixture->engine = engine_says_ok;
}

static struct reply *engine_knows_one_app(struct fixture *fixture, struct command *command) {
	(void)fixture;
	assert_int_equal(command->kind, COMMAND_APP_REMOVE);
	if (str_eq(command->app.url, STR("http://localhost:3000/api")))
		return reply_new(command->request, REPLY_OK, 200);
	return reply_new(command->request, REPLY_FAILED, 404);
}

static void test_remove(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_knows_one_app;
	struct http http = call(fixture, "DELETE", "/fn/remove?url=http%3A%2F%2F127.0.0.1%3A3000%2Fapi", NULL);
	assert_reply(http, 200, "");
	http = call(fixture, "DELETE", "/fn/remove?url=http://other/x", NULL);
	assert_reply(http, 404, "{\"error\":\"App not found: http://other/x\",\"data\":null,\"status\":404}\n");
	http = call(fixture, "DELETE", "/fn/remove", NULL);
	assert_int_equal(http.status, 404);
	http_free(&http);
	fixture->engine = engine_says_ok;
}

// --- checkpoint -----------------------------------------------------------------------------------------------

static struct reply *engine_checkpoints(struct fixture *fixture, struct command *command) {
	assert_int_equal(command->kind, COMMAND_CHECKPOINT);
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(&command->checkpoint.run_id, run_id);
	int len = snprintf(fixture->noted, sizeof fixture->noted, "%s %.*s %d", run_id,
			   STR_ARG(command->checkpoint.item), command->checkpoint.too_large);
	for (size_t i = 0; i < command->checkpoint.op_count; i++) {
		const struct opcode *op = &command->checkpoint.ops[i];
		len += snprintf(fixture->noted + len, sizeof fixture->noted - (size_t)len, " %.*s=%s", STR_ARG(op->id),
				op->output->bytes);
	}
	if (command->checkpoint.parse_error.len == 0) return reply_new(command->request, REPLY_OK, 200);
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 413);
	reply->text = arena_dup(&reply->arena, command->checkpoint.parse_error);
	return reply;
}

#define CHECKPOINT_HEAD \
	"{\"run_id\":\"" RUN_ID "\",\"fn_id\":\"a8fd5300-06f2-541e-8b69-ded0c0c7c233\",\"qi_id\":\"q1\",\"steps\":"

static void test_checkpoint(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_checkpoints;
	static const char *const paths[] = {"/v1/checkpoint/" RUN_ID "/async", "/v1/http/runs/x/async"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(fixture, "POST", paths[i],
					CHECKPOINT_HEAD "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1},"
							"{\"op\":\"StepRun\",\"id\":\"b\",\"data\":null}]}");
		assert_string_equal(http_header(&http, "Content-Type"), "application/json");
		assert_reply(http, 200, "");
		assert_string_equal(fixture->noted, RUN_ID " q1 0 a={\"data\":1} b={\"data\":null}");
	}
	fixture->engine = engine_says_ok;
}

static void test_checkpoint_too_large(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_checkpoints;
	char *body = mem_alloc(STEP_OUTPUT_MAX + 1000);
	int len = sprintf(body, CHECKPOINT_HEAD "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1},"
						"{\"op\":\"StepRun\",\"id\":\"b\",\"data\":\"");
	memset(body + len, 'x', STEP_OUTPUT_MAX);
	strcpy(body + len + STEP_OUTPUT_MAX, "\"}]}");
	struct http http = call(fixture, "POST", "/v1/checkpoint/x/async", body);
	assert_string_equal(fixture->noted, RUN_ID " q1 1 a={\"data\":1}");
	assert_reply(http, 413,
		     "{\"error\":\"step b output too large: step output size is greater than the limit\","
		     "\"data\":null,\"status\":413}\n");
	free(body);
	fixture->engine = engine_says_ok;
}

static void test_checkpoint_unreadable(void **state) {
	static const char *const bodies[] = {"",
					     "[]",
					     "{\"run_id\":7}",
					     "{\"run_id\":\"x\"}",
					     "{\"run_id\":\"" RUN_ID "\",\"fn_id\":\"x\"}",
					     "{\"run_id\":\"" RUN_ID "\",\"qi_id\":{}}",
					     CHECKPOINT_HEAD "{}}",
					     CHECKPOINT_HEAD "[null]}",
					     CHECKPOINT_HEAD "[{\"op\":\"Nonsense\",\"id\":\"a\"}]}"};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct http http = call(*state, "POST", "/v1/checkpoint/" RUN_ID "/async", bodies[i]);
		if (http.status != 400) fail_msg("body %zu: status %d", i, http.status);
		assert_non_null(strstr(http.body, "{\"error\":\"invalid request body: "));
		http_free(&http);
	}
}

// --- state fetch ----------------------------------------------------------------------------------------------

static void set_ref(struct payload_ref *ref, struct str text, const char *key) {
	ref->data = text.ptr != NULL ? payload_new(text) : NULL;
	ref->kind = RECORD_STEP;
	ref->key_len = (uint8_t)strlen(key);
	memcpy(ref->key, key, ref->key_len);
}

static struct reply *engine_tells_state(struct fixture *fixture, struct command *command) {
	(void)fixture;
	assert_int_equal(command->kind, COMMAND_RUN_STATE);
	struct reply *reply = reply_new(command->request, REPLY_RUN_STATE, 200);
	set_ref(&reply->events, STR("[{\"name\":\"a\"}]"), "");
	reply->step_count = 3;
	reply->steps = ARENA_ARRAY(&reply->arena, struct call_step, 3);
	reply->steps[0].id = STR("zz\"");
	set_ref(&reply->steps[0].value, STR("{\"data\":1}"), "");
	reply->steps[1].id = STR("aa");
	set_ref(&reply->steps[1].value, (struct str){NULL, 0}, "stored");
	reply->steps[2].id = STR("mm");
	set_ref(&reply->steps[2].value, STR("null"), "");
	return reply;
}

static struct reply *engine_tells_no_steps(struct fixture *fixture, struct command *command) {
	(void)fixture;
	struct reply *reply = reply_new(command->request, REPLY_RUN_STATE, 200);
	set_ref(&reply->events, (struct str){NULL, 0}, "missing");
	return reply;
}

static struct reply *engine_knows_no_run(struct fixture *fixture, struct command *command) {
	(void)fixture;
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 410);
	reply->text = STR("gone");
	return reply;
}

static void store_one(struct fixture *fixture) {
	struct error error;
	if (store_open_sqlite(NULL, DURABILITY_NONE, 1, &fixture->store, &error) != ERR_OK)
		fail_msg("%s", error.message);
	struct record record = {.op = RECORD_PUT, .kind = RECORD_STEP, .key_len = 6, .head = STR("h")};
	memcpy(record.key, "stored", 6);
	record.body = payload_new(STR("{\"data\":\"from the store\"}"));
	assert_int_equal(store_begin(fixture->store, &error), ERR_OK);
	assert_int_equal(store_write(fixture->store, &record, &error), ERR_OK);
	assert_int_equal(store_commit(fixture->store, &error), ERR_OK);
	payload_unref(record.body);
	assert_int_equal(store_reader_open(fixture->store, &fixture->reader, &error), ERR_OK);
	assert_int_equal(history_migrate(store_sql(fixture->store), &error), ERR_OK);
	assert_int_equal(history_reader_new(store_reader_sql(fixture->reader), &fixture->history, &error), ERR_OK);
}

static void test_run_state(void **state) {
	struct fixture *fixture = *state;
	store_one(fixture);
	fixture->engine = engine_tells_state;
	struct http http = call(fixture, "GET", "/v0/runs/" RUN_ID "/actions", NULL);
	assert_string_equal(http_header(&http, "Content-Type"), "application/json");
	assert_reply(http, 200, "{\"zz\\\"\":{\"data\":1},\"aa\":{\"data\":\"from the store\"},\"mm\":null}\n");
	http = call(fixture, "GET", "/v0/runs/" RUN_ID "/batch", NULL);
	assert_reply(http, 200, "[{\"name\":\"a\"}]\n");
	fixture->engine = engine_tells_no_steps;
	http = call(fixture, "GET", "/v0/runs/" RUN_ID "/actions", NULL);
	assert_reply(http, 200, "{}\n");
	// The run ended between the engine's answer and the look into the store.
	http = call(fixture, "GET", "/v0/runs/" RUN_ID "/batch", NULL);
	const char *gone = "{\"error\":\"runtime state is no longer available for runID: " RUN_ID
			   "\",\"data\":null,\"status\":410}\n";
	assert_reply(http, 410, gone);
	fixture->engine = engine_knows_no_run;
	http = call(fixture, "GET", "/v0/runs/" RUN_ID "/batch", NULL);
	assert_reply(http, 410, gone);
	http = call(fixture, "GET", "/v0/runs/nonsense/batch", NULL);
	assert_reply(http, 400, "{\"error\":\"The run ID specified is invalid\",\"data\":null,\"status\":400}\n");
	fixture->engine = engine_says_ok;
	history_reader_free(fixture->history);
	fixture->history = NULL;
	store_reader_close(fixture->reader);
	fixture->reader = NULL;
	store_close(fixture->store);
}

static void test_telemetry(void **state) {
	struct http http = call(*state, "POST", "/v0/telemetry", "not json");
	assert_reply(http, 200, "");
}

static void test_no_reader(void **state) {
	struct http http = call(*state, "GET", "/dev", NULL);
	assert_int_equal(http.status, 503);
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	http_free(&http);
}

static void test_dev_is_hidden_in_cloud(void **state) {
	(void)state;
	struct fixture fixture = {0};
	fixture_start_as(&fixture, "cloud");
	struct http http = call(&fixture, "GET", "/dev", NULL);
	assert_reply(http, 404, "404 page not found\n");
	fixture_stop(&fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_register_denied),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_too_large),
		cmocka_unit_test(test_checkpoint_unreadable),
		cmocka_unit_test(test_run_state),
		cmocka_unit_test(test_telemetry),
		cmocka_unit_test(test_no_reader),
		cmocka_unit_test(test_dev_is_hidden_in_cloud),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
