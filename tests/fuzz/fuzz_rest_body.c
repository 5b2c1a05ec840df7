// The bodies of REST v1 and v2 that are not events in bulk: one text, read as each of them. And an event is read back
// from what history keeps of it.
#include "fuzz.h"
#include "model/event.h"
#include "model/limits.h"
#include "model/v1_body.h"
#include "model/v1_metadata.h"
#include "model/v2_body.h"

static const struct ulid id = {{0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};

static void check_refusal(const struct v2_refusal *refusal) {
	CHECK((refusal->status == 400 || refusal->status == 413) && refusal->code[0] != '\0');
	CHECK(refusal->text.len > 0);
	fuzz_check_utf8(refusal->text);
}

static void read_cancellation(struct arena *arena, struct str body) {
	struct v1_cancellation out;
	struct str problem = {NULL, 0};
	if (v1_cancellation_parse(arena, body, FUZZ_NOW_MS, &out, &problem) != ERR_OK) {
		CHECK(problem.len > 0);
		fuzz_check_utf8(problem);
		return;
	}
	CHECK(out.app_id.len > 0 && out.function_id.len > 0);
	CHECK(out.before_ms <= FUZZ_NOW_MS + CANCELLATION_CLOCK_SKEW_MS);
	CHECK(out.has_after || out.after_ms == 0);
	fuzz_check_utf8(out.condition);
}

static void read_rerun(struct arena *arena, struct str body) {
	struct v2_refusal refusal;
	struct v2_rerun out;
	if (v2_rerun_parse(arena, body, &out, &refusal) != ERR_OK) {
		CHECK(out.input == NULL);
		check_refusal(&refusal);
		return;
	}
	CHECK(out.from_step == (out.step_id.len > 0) && (out.from_step || out.input == NULL));
	fuzz_check_utf8(out.step_id);
	fuzz_check_payload(out.input);
	payload_unref(out.input);
}

// What is stored of an event gives the same event again.
static void check_restored(struct arena *arena, const struct event *event) {
	struct event_parts parts = {.internal_id = event->internal_id,
				    .id = event->id,
				    .name = event->name,
				    .v = event->v,
				    .data = event->data,
				    .user = event->user,
				    .ts_ms = event->ts_ms,
				    .received_ms = event->received_ms};
	struct event back;
	struct error error;
	CHECK(event_restore(arena, &parts, &back, &error) == ERR_OK);
	CHECK(str_eq(payload_str(back.text), payload_str(event->text)));
	CHECK(str_eq(back.invoke_fn_id, event->invoke_fn_id));
	event_release(&back);
}

static void check_event(struct arena *arena, struct event *event) {
	fuzz_check_payload(event->text);
	fuzz_check_canonical(event->data);
	fuzz_check_canonical(event->user);
	CHECK(event->name.len > 0 && event->id.len > 0 && event->data.ptr[0] == '{');
	check_restored(arena, event);
	event_release(event);
}

static void read_events(struct arena *arena, struct str body) {
	static const struct uuid function_id = {{1}};
	struct v2_refusal refusal;
	struct v2_invoke invoke;
	struct event event;
	if (v2_event_parse(arena, body, &id, FUZZ_NOW_MS, &event, &refusal) == ERR_OK)
		check_event(arena, &event);
	else
		check_refusal(&refusal);
	if (v2_invoke_parse(arena, body, &function_id, &id, FUZZ_NOW_MS, &invoke, &refusal) == ERR_OK)
		check_event(arena, &invoke.event);
	else
		check_refusal(&refusal);
}

// History may have been written by others.
static void read_stored(struct arena *arena, struct str text) {
	struct event_parts parts = {.internal_id = id, .name = STR("a"), .data = text, .user = text};
	struct event event;
	struct error error;
	if (event_restore(arena, &parts, &event, &error) != ERR_OK) {
		fuzz_check_error(&error);
		return;
	}
	fuzz_check_payload(event.text);
	event_release(&event);
}

static void check_record(const struct metadata_record *record) {
	CHECK(record->size <= METADATA_RECORD_MAX && metadata_kind_is_allowed(record->kind));
	CHECK(record->values.len >= 2 && record->values.ptr[0] == '{');
	fuzz_check_canonical(record->values);
}

static void read_metadata(struct arena *arena, struct str body) {
	struct v1_metadata out;
	struct str problem;
	if (v1_metadata_parse(arena, body, &out, &problem) != ERR_OK) {
		CHECK(problem.len > 0);
		return;
	}
	CHECK((out.target.scope == METADATA_RUN) == (out.target.step[0] == '\0'));
	CHECK((out.target.scope == METADATA_EXTENDED_TRACE) == (out.target.span_id[0] != '\0'));
	for (size_t i = 0; i < out.count; i++) check_record(&out.records[i]);
}

static void read_scores(struct arena *arena, struct str body) {
	struct v2_refusal refusal;
	struct v2_score *scores;
	size_t count;
	if (v2_scores_parse(arena, body, &scores, &count, &refusal) != ERR_OK) {
		check_refusal(&refusal);
		return;
	}
	CHECK(count > 0 && count <= V2_SCORES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct metadata_target target;
		struct metadata_record records[V2_SCORE_RECORDS_MAX];
		size_t made = v2_score_records(arena, &scores[i], &target, records);
		CHECK(made == (scores[i].experiment_id.len > 0 ? 2 : 1));
		for (size_t k = 0; k < made; k++) check_record(&records[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str body = str_make(data, size);
	struct arena arena;
	arena_init(&arena, 4096);
	struct v2_refusal refusal;
	if (v2_cancel_parse(&arena, body, &refusal) != ERR_OK) check_refusal(&refusal);
	if (v2_env_parse(&arena, body, &refusal) != ERR_OK) check_refusal(&refusal);
	read_cancellation(&arena, body);
	read_rerun(&arena, body);
	read_events(&arena, body);
	read_metadata(&arena, body);
	read_scores(&arena, body);
	read_stored(&arena, body);
	arena_free(&arena);
	return 0;
}
