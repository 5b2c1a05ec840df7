// Registrations, triggers, idempotency, checkpoints, reads.
#include "fixture.h"

static unsigned runs_for(struct fixture *f, const char *event) {
	char json[128];
	snprintf(json, sizeof json, "{\"name\":\"%s\"}", event);
	fixture_event(f, json);
	unsigned count = 0;
	while (fixture_history(f, HISTORY_RUN, count) != NULL) count++;
	return count;
}

static void test_register_and_repeat(void **state) {
	struct fixture *f = *state;
	const struct reply *reply = fixture_register(f, "shop", "shop-one|a/b|2");
	assert_int_equal(reply->kind, REPLY_REGISTERED);
	assert_true(reply->modified);
	char id[37];
	uuid_text(&reply->app_id, id);
	assert_string_equal(id, "a8fd5300-06f2-541e-8b69-ded0c0c7c233"); // 01 §13
	reply = fixture_register(f, "shop", "shop-one|a/b|2");
	assert_false(reply->modified);
	assert_int_equal(f->batch->record_count, 0);
}

static void test_versions_rise_and_survive(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2 app-b|x/b|2");
	fixture_register(f, "app", "app-a|x/a|2");
	const struct history_item *item = fixture_history(f, HISTORY_FUNCTION, 0);
	assert_true(str_find_str(item->function.config, STR("\"fv\":2")) >= 0);
	assert_non_null(fixture_history(f, HISTORY_FUNCTION_ARCHIVE, 0));
	assert_int_equal(runs_for(f, "x/b"), 0);
	assert_int_equal(fixture_restart(f), 0);
	assert_int_equal(runs_for(f, "x/a"), 1);
	assert_int_equal(runs_for(f, "x/b"), 0);
	fixture_register(f, "app", "app-a|x/a|2 app-b|x/b|2");
	assert_true(str_find_str(fixture_history(f, HISTORY_FUNCTION, 1)->function.config, STR("\"fv\":2")) >= 0);
	assert_int_equal(runs_for(f, "x/b"), 1);
}

static void test_archived_function_runs_go_on(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2 app-b|x/b|2");
	fixture_event(f, "{\"name\":\"x/b\"}");
	struct target to = fixture_target(fixture_call(f, 0));
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_answer(f, to, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_invalid_function_changes_nothing(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	const struct reply *reply = fixture_register(f, "app", "app-a|x/a,x/a|2"); // duplicate trigger
	assert_int_equal(reply->kind, REPLY_FAILED);
	assert_int_equal(reply->status, 400);
	assert_true(str_eq(reply->text, STR("At least one function is invalid")));
	assert_true(str_find_str(fixture_history(f, HISTORY_APP, 0)->app.error, STR("1 errors occurred:")) >= 0);
	assert_int_equal(runs_for(f, "x/a"), 1);
}

static void test_no_functions(void **state) {
	struct fixture *f = *state;
	assert_true(fixture_register(f, "app", "")->modified);
	assert_true(
		str_eq(fixture_history(f, HISTORY_APP, 0)->app.error, STR("No functions registered within your app")));
	assert_true(fixture_register(f, "app", "")->modified); // in error: again in full
}

static void test_wildcards(void **state) {
	struct fixture *f = *state;
	fixture_register(
		f, "app",
		"app-a|app/*|2 app-b|app/user.*|2 app-c|app/user.created|2 app-d|*|2 app-e|app/*,app/user.*|2");
	assert_int_equal(runs_for(f, "app/user.created"), 4); // e once, d never
	assert_int_equal(runs_for(f, "app/x"), 2);
	assert_int_equal(runs_for(f, "app"), 0);
	assert_int_equal(runs_for(f, "app/a/b"), 2);
	assert_int_equal(runs_for(f, "other/user.created"), 0);
}

static void test_event_ids_start_one_run(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2 app-b|x/a|2");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"same\"}");
	assert_int_equal(fixture_calls(f), 2);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"same\"}");
	assert_int_equal(fixture_calls(f), 0);
	assert_non_null(fixture_history(f, HISTORY_EVENT, 0)); // stored all the same
	fixture_restart(f);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"same\"}");
	assert_null(fixture_history(f, HISTORY_RUN, 0));
	f->now += RUN_IDEMPOTENCY_MS + 1;
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"same\"}");
	assert_non_null(fixture_history(f, HISTORY_RUN, 1));
}

static void test_idempotency_is_forgotten(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"same\"}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "1");
	assert_int_equal(engine_deadline(f->engine), T0 + RUN_IDEMPOTENCY_MS);
	fixture_tick(f, RUN_IDEMPOTENCY_MS);
	assert_int_equal(f->batch->records[0].op, RECORD_DELETE);
	assert_int_equal(f->batch->records[0].kind, RECORD_IDEMPOTENCY);
	assert_int_equal(engine_deadline(f->engine), UINT64_MAX);
}

static struct command *app_command(enum command_kind kind, const char *url, const char *error, bool sdk) {
	struct command *command = command_new(kind);
	command->request = 5;
	command->app.url = arena_dup(&command->arena, str_from_cstr(url));
	command->app.error = arena_dup(&command->arena, str_from_cstr(error));
	command->app.sdk = sdk;
	return command;
}

static void test_placeholders(void **state) {
	struct fixture *f = *state;
	fixture_apply(f, app_command(COMMAND_APP_ADD, "http://localhost:3000/api", "", false));
	const struct history_item *item = fixture_history(f, HISTORY_APP, 0);
	assert_true(str_eq(item->app.error, STR("unreachable")));
	assert_true(str_eq(item->app.name, STR("")));
	fixture_register(f, "app", "app-a|x/a|2");
	assert_non_null(fixture_history(f, HISTORY_APP_ARCHIVE, 0));
	fixture_apply(f, app_command(COMMAND_APP_ERROR, "http://localhost:3000/api", "unreachable", false));
	assert_true(str_eq(fixture_history(f, HISTORY_APP, 0)->app.error, STR("unreachable")));
	fixture_apply(f, app_command(COMMAND_APP_ERROR, "http://localhost:3000/api", "unreachable", false));
	assert_int_equal(f->batch->history_count, 0);                     // the same again is no change
	assert_true(fixture_register(f, "app", "app-a|x/a|2")->modified); // in error: cleared in full
	fixture_apply(f, app_command(COMMAND_APP_ERROR, "http://elsewhere/", "unreachable", false));
	assert_int_equal(f->batch->history_count, 0);
	fixture_apply(f, app_command(COMMAND_APP_ERROR, "http://elsewhere/", "internal_server_error", true));
	assert_int_equal(f->batch->history_count, 1);
}

static void test_remove_and_return(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_apply(f, app_command(COMMAND_APP_REMOVE, "http://localhost:3000/api", "", false));
	assert_int_equal(((struct reply *)f->batch->replies)->status, 200);
	assert_int_equal(runs_for(f, "x/a"), 0);
	fixture_apply(f, app_command(COMMAND_APP_REMOVE, "http://localhost:3000/api", "", false));
	assert_int_equal(((struct reply *)f->batch->replies)->status, 404);
	fixture_restart(f);
	assert_true(fixture_register(f, "app", "app-a|x/a|2")->modified);
	assert_int_equal(runs_for(f, "x/a"), 1);
}

// Its functions are hidden, not archived themselves (01 §7.3).
static void test_remove_by_id_and_return(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	struct uuid id = fixture_history(f, HISTORY_APP, 0)->app.id;
	struct command *command = app_command(COMMAND_APP_REMOVE, "", "", false);
	command->app.app_id = id;
	fixture_apply(f, command);
	assert_int_equal(((struct reply *)f->batch->replies)->status, 200);
	assert_true(uuid_eq(&fixture_history(f, HISTORY_APP_ARCHIVE, 0)->app.id, &id));
	assert_null(fixture_history(f, HISTORY_FUNCTION_ARCHIVE, 0));
	assert_int_equal(runs_for(f, "x/a"), 0);
	fixture_restart(f);
	assert_int_equal(runs_for(f, "x/a"), 0);
	assert_true(fixture_register(f, "app", "app-a|x/a|2")->modified);
	assert_int_equal(runs_for(f, "x/a"), 1);
}

// ---- invokes -------------------------------------------------------------------------------------------------------

static void test_invoke_starts_the_named_function_only(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2 app-b|x/b|2");
	struct command *command = command_new(COMMAND_EVENTS);
	struct error error;
	yyjson_doc *doc = json_read(STR("{\"data\":{\"k\":1}}"), false, NULL, &error);
	uint8_t entropy[10] = {9};
	struct ulid id = ulid_make(f->now, entropy);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	command->events.count = 1;
	assert_int_equal(event_parse_invoke(&command->arena, yyjson_doc_get_root(doc), STR("app-b"), NULL, &id, false,
					    f->now, command->events.events, &error),
			 ERR_OK);
	yyjson_doc_free(doc);
	fixture_apply(f, command);
	assert_int_equal(fixture_calls(f), 1);
	assert_true(str_find_str(fixture_call(f, 0)->url, STR("fnId=app-b")) >= 0);
}

// ---- checkpoints ---------------------------------------------------------------------------------------------------

static const struct reply *checkpoint(struct fixture *f, struct ulid run_id, const char *ops) {
	struct command *command = command_new(COMMAND_CHECKPOINT);
	command->request = 6;
	command->checkpoint.run_id = run_id;
	struct error error;
	assert_int_equal(opcodes_parse(&command->arena, str_from_cstr(ops), false, &command->checkpoint.ops,
				       &command->checkpoint.op_count, &error),
			 ERR_OK);
	fixture_apply(f, command);
	return (const struct reply *)f->batch->replies;
}

static void test_checkpoint(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_event(f, "{\"name\":\"x/a\"}");
	struct target to = fixture_target(fixture_call(f, 0));
	assert_int_equal(checkpoint(f, to.run_id, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]")->status, 200);
	assert_int_equal(fixture_calls(f), 0); // the SDK goes on by itself
	assert_int_equal(checkpoint(f, to.run_id, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":2}]")->status, 200);
	// The fallback: the same step in the answer is kept as it was, and the run goes on (02 §21.10).
	fixture_answer(f, to, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":3}]");
	const struct call *call = fixture_call(f, 0);
	assert_non_null(call);
	assert_true(str_eq(payload_str(call->steps[0].value.data), STR("{\"data\":1}")));
	fixture_restart(f);
	assert_int_equal(fixture_call(f, 0)->step_count, 1);
}

static void test_checkpoint_refusals(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_event(f, "{\"name\":\"x/a\"}");
	struct target to = fixture_target(fixture_call(f, 0));
	const struct reply *reply = checkpoint(
		f, to.run_id,
		"[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1},{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1s\"}]");
	assert_int_equal(reply->status, 400);
	assert_true(str_eq(reply->text, STR("cannot checkpoint async steps")));
	assert_int_equal(f->batch->record_count, 0);
	reply = checkpoint(
		f, to.run_id,
		"[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1},{\"op\":\"RunComplete\",\"id\":\"c\",\"data\":1}]");
	assert_int_equal(reply->status, 400);
	assert_true(str_eq(reply->text, STR("cannot checkpoint opcode: RunComplete")));
	assert_int_equal(f->batch->record_count, 1); // the step before it is kept
	struct ulid nobody = {{1}};
	reply = checkpoint(f, nobody, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]");
	assert_int_equal(reply->status, 400);
	assert_true(str_eq(reply->text, STR("run not found in state store")));
	assert_true(str_starts_with(reply->data, STR("{\"run_id\":\"")));
}

// ---- reads ---------------------------------------------------------------------------------------------------------

static struct command *run_command(enum command_kind kind, struct ulid id) {
	struct command *command = command_new(kind);
	command->request = 4;
	command->run.run_id = id;
	return command;
}

static void test_reads(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/a|2");
	fixture_event(f, "{\"name\":\"x/a\"}");
	struct target to = fixture_target(fixture_call(f, 0));
	fixture_answer(f, to, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1h\"}]");
	fixture_apply(f, run_command(COMMAND_RUN_JOBS, to.run_id));
	struct str jobs = ((struct reply *)f->batch->replies)->text;
	assert_true(str_find_str(jobs, STR("\"kind\":\"sleep\"")) >= 0);
	fixture_apply(f, run_command(COMMAND_RUN_STATE, to.run_id));
	const struct reply *reply = (struct reply *)f->batch->replies;
	assert_int_equal(reply->kind, REPLY_RUN_STATE);
	assert_int_equal(reply->step_count, 0);
	assert_null(reply->events.data);
	assert_int_equal(f->batch->record_count, 0);
	struct ulid nobody = {{1}};
	fixture_apply(f, run_command(COMMAND_RUN_STATE, nobody));
	assert_int_equal(((struct reply *)f->batch->replies)->status, 410);
	fixture_apply(f, run_command(COMMAND_CANCEL, nobody));
	assert_int_equal(((struct reply *)f->batch->replies)->status, 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_register_and_repeat),
		TEST(test_versions_rise_and_survive),
		TEST(test_archived_function_runs_go_on),
		TEST(test_invalid_function_changes_nothing),
		TEST(test_no_functions),
		TEST(test_wildcards),
		TEST(test_event_ids_start_one_run),
		TEST(test_idempotency_is_forgotten),
		TEST(test_placeholders),
		TEST(test_remove_and_return),
		TEST(test_remove_by_id_and_return),
		TEST(test_invoke_starts_the_named_function_only),
		TEST(test_checkpoint),
		TEST(test_checkpoint_refusals),
		TEST(test_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
