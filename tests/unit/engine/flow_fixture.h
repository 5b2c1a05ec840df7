// What the tests of flow control share. Runs go by letters: `begin(f, 'a', …)` sends an event whose run is called a,
// and what the engine did since one last asked is told in letters too: calls "ab", ends "a+b-cx", outcomes
// "Skipped:Singleton".
#ifndef INNGEST_TESTS_UNIT_ENGINE_FLOW_FIXTURE_H
#define INNGEST_TESTS_UNIT_ENGINE_FLOW_FIXTURE_H

#include "fixture.h"

#define SECOND 1000u
#define RETRY_AFTER (5 * SECOND)

// A function with one event trigger, retries and these settings.
#define FLOW(id, event, settings)                                                                   \
	"{\"id\":\"" id "\",\"name\":\"" id "\",\"triggers\":[{\"event\":\"" event "\"}]," settings \
	",\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","   \
	"\"url\":\"http://localhost:3000/api?fnId=" id "&stepId=step\"},\"retries\":{\"attempts\":3}}}}"
#define NO_SETTINGS "\"cancel\":[]"
#define OUTER FLOW("app-outer", "x/go", NO_SETTINGS)

static struct flow {
	struct ulid ids[128];       // of runs, by letter
	struct target targets[128]; // of their last calls
	char coming[32];            // letters of runs that will begin
	char calls[512], ends[512], outcomes[1024];
} flow;

static inline char flow_name(const struct ulid *id) {
	for (int c = 0; c < 128; c++) {
		if (ulid_cmp(&flow.ids[c], id) == 0) return (char)c;
	}
	return '?';
}

static inline void flow_add(char *out, size_t size, const char *text) {
	assert_true(strlen(out) + strlen(text) < size);
	memcpy(out + strlen(out), text, strlen(text) + 1);
}

static inline void flow_note_history(const struct history_item *item) {
	char text[64] = "";
	size_t named = strlen(flow.coming);
	switch (item->kind) {
	case HISTORY_RUN:
		if (named == 0) break;
		flow.ids[(int)flow.coming[0]] = item->run.run_id;
		memmove(flow.coming, flow.coming + 1, named);
		break;
	case HISTORY_FINISH:
		snprintf(text, sizeof text, "%c%c", flow_name(&item->finish.run_id),
			 item->finish.status[2] == 'm'   ? '+' // Completed
			 : item->finish.status[0] == 'F' ? '-'
							 : 'x');
		flow_add(flow.ends, sizeof flow.ends, text);
		break;
	case HISTORY_OUTCOME:
		snprintf(text, sizeof text, "%s%s%s%s", flow.outcomes[0] != '\0' ? " " : "",
			 outcome_names[item->outcome.outcome], item->outcome.reason != REASON_NONE ? ":" : "",
			 item->outcome.reason != REASON_NONE ? outcome_reason_names[item->outcome.reason] : "");
		flow_add(flow.outcomes, sizeof flow.outcomes, text);
		break;
	default:
		break;
	}
}

static inline void flow_note(struct fixture *f) {
	for (size_t i = 0; i < f->batch->history_count; i++) flow_note_history(&f->batch->history[i]);
	for (unsigned i = 0; i < fixture_calls(f); i++) {
		const struct call *call = fixture_call(f, i);
		char name[2] = {flow_name(&call->run_id)};
		flow.targets[(int)name[0]] = fixture_target(call);
		flow_add(flow.calls, sizeof flow.calls, name);
	}
}

static inline int flow_setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1000;
	f->config.retry_interval_ms = RETRY_AFTER;
	fixture_open(f);
	f->watch = flow_note;
	flow = (struct flow){0};
	*state = f;
	return 0;
}
static inline int flow_teardown(void **state) {
	fixture_assert_stored(*state);
	return fixture_teardown(state);
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

// ---- what happened since one last asked ----------------------------------------------------------------------------

static inline void flow_expect(char *seen, const char *expected) {
	char text[1024];
	snprintf(text, sizeof text, "%s", seen);
	seen[0] = '\0';
	assert_string_equal(text, expected);
}
#define expect_calls(expected) flow_expect(flow.calls, expected)
static inline int flow_compare(const void *a, const void *b) {
	return *(const char *)a - *(const char *)b;
}
// In whatever order.
static inline void expect_calls_of(const char *expected) {
	qsort(flow.calls, strlen(flow.calls), 1, flow_compare);
	expect_calls(expected);
}
#define expect_ends(expected) flow_expect(flow.ends, expected)
#define expect_outcomes(expected) flow_expect(flow.outcomes, expected)

// ---- what tests do -------------------------------------------------------------------------------------------------

// The next runs to begin have these names.
static inline void coming(const char *names) {
	snprintf(flow.coming, sizeof flow.coming, "%s", names);
}

// An event with this data; `data` NULL: none.
static inline void send(struct fixture *f, const char *event, const char *data) {
	char json[512];
	snprintf(json, sizeof json, "{\"name\":\"%s\",\"data\":%s}", event, data != NULL ? data : "null");
	fixture_event(f, json);
}
static inline void begin(struct fixture *f, char name, const char *event, const char *data) {
	coming((char[]){name, '\0'});
	send(f, event, data);
	if (!f->joins) assert_int_equal(flow.coming[0], '\0');
}
// With `{"k": key}`, a JSON value.
static inline void begin_key(struct fixture *f, char name, const char *event, const char *key) {
	char data[256];
	snprintf(data, sizeof data, "{\"k\":%s}", key);
	begin(f, name, event, data);
}

static inline void answer(struct fixture *f, char name, const char *ops) {
	fixture_answer(f, flow.targets[(int)name], 206, "2", ops);
}
static inline void done(struct fixture *f, char name) {
	fixture_answer(f, flow.targets[(int)name], 200, "2", "1");
}
static inline void fails(struct fixture *f, char name) { // to be retried in RETRY_AFTER
	fixture_answer(f, flow.targets[(int)name], 500, "2", "{\"name\":\"Error\",\"message\":\"no\"}");
}
static inline void fails_for_good(struct fixture *f, char name) {
	fixture_answer(f, flow.targets[(int)name], 400, "2", "{\"name\":\"Error\",\"message\":\"no\"}");
}
static inline void cancel(struct fixture *f, char name) {
	fixture_cancel(f, &flow.ids[(int)name]);
}
#define STEP(id) "[{\"op\":\"StepRun\",\"id\":\"" id "\",\"data\":1}]"
#define SLEEP(id, time) "[{\"op\":\"Sleep\",\"id\":\"" id "\",\"name\":\"" time "\"}]"
#define PLAN(a, b)                                                   \
	"[{\"op\":\"StepPlanned\",\"id\":\"" a "\",\"name\":\"s\"}," \
	"{\"op\":\"StepPlanned\",\"id\":\"" b "\",\"name\":\"s\"}]"
#define INVOKE(id, function, payload)                                                                          \
	"{\"op\":\"InvokeFunction\",\"id\":\"" id "\",\"name\":\"call\",\"opts\":{\"function_id\":\"" function \
	"\",\"payload\":" payload "}}"

// kill -9, and start again a moment later; memory and store agree before and after.
static inline void restart(struct fixture *f) {
	fixture_assert_stored(f);
	f->now++;
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
}

static inline void pause_function(struct fixture *f, const char *function, bool paused) {
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->request = ++f->next_request;
	command->pause.function = str_from_cstr(function);
	command->pause.paused = paused;
	fixture_apply(f, command);
}

static inline const struct reply *flow_reply(const struct fixture *f) {
	assert_non_null(f->batch->replies);
	return (const struct reply *)f->batch->replies;
}

// Through the API: with a new event (v2 invoke), or with one that is there (rerun).
static inline const struct reply *ask(struct fixture *f, const char *function, const char *event, bool is_new) {
	struct command *events = fixture_event_command(f, event);
	struct command *command = command_new(COMMAND_START);
	command->request = ++f->next_request;
	command->start.function = str_from_cstr(function);
	command->start.is_new_event = is_new;
	command->start.event = events->events.events[0];
	command->start.event.id = arena_dup(&command->arena, command->start.event.id);
	command->start.event.name = arena_dup(&command->arena, command->start.event.name);
	events->events.events[0].text = NULL;
	command_free(events);
	fixture_apply(f, command);
	return flow_reply(f);
}
static inline void expect_reply(const struct reply *reply, int status, const char *code) {
	assert_int_equal(reply->status, status);
	assert_true(str_eq_cstr(reply->code, code));
}

// What is said of the jobs of a run.
static inline struct str jobs(struct fixture *f, char name) {
	struct command *command = command_new(COMMAND_RUN_JOBS);
	command->request = ++f->next_request;
	command->run.run_id = flow.ids[(int)name];
	fixture_apply(f, command);
	assert_int_equal(flow_reply(f)->kind, REPLY_TEXT);
	return flow_reply(f)->text;
}
static inline void expect_job(struct fixture *f, char name, const char *piece) {
	struct str text = jobs(f, name);
	if (str_find_str(text, str_from_cstr(piece)) < 0) fail_msg("%.*s\nis without %s", STR_ARG(text), piece);
}

// In the first call of the last batch, the value of a step.
static inline void expect_memo(struct fixture *f, const char *step, const char *piece) {
	const struct call *call = fixture_call(f, 0);
	assert_non_null(call);
	for (size_t i = 0; i < call->step_count; i++) {
		if (!str_eq_cstr(call->steps[i].id, step)) continue;
		const struct payload_ref *ref = &call->steps[i].value;
		struct payload *value = payload_ref(ref->data);
		struct error error;
		if (value == NULL)
			assert_int_equal(
				store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &value, &error),
				ERR_OK);
		bool has_it = str_find_str(payload_str(value), str_from_cstr(piece)) >= 0;
		if (!has_it) print_error("%.*s\n", STR_ARG(payload_str(value)));
		payload_unref(value);
		assert_true(has_it);
		return;
	}
	fail_msg("step %s is not memoised", step);
}

// The events that a run has, as stored.
static inline void expect_events(struct fixture *f, char name, const char *expected) {
	struct payload *body = NULL;
	struct error error;
	struct str key = str_make(flow.ids[(int)name].bytes, 16);
	assert_int_equal(store_body(f->store, RECORD_RUN, key, &body, &error), ERR_OK);
	char found[512] = ""; // the n of their data
	struct error unused;
	yyjson_doc *doc = json_read(payload_str(body), false, NULL, &unused);
	assert_non_null(doc);
	size_t i, max;
	yyjson_val *event;
	yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, event) {
		char n[16];
		snprintf(n, sizeof n, "%d", yyjson_get_int(json_get(json_get(event, STR("data")), STR("n"))));
		flow_add(found, sizeof found, n);
	}
	yyjson_doc_free(doc);
	payload_unref(body);
	assert_string_equal(found, expected);
}

#endif
