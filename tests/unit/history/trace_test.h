// Shared by the tests of traces: a database with the store's tables, and what the engine tells of a run.
#ifndef INNGEST_TESTS_TRACE_TEST_H
#define INNGEST_TESTS_TRACE_TEST_H

#include "history/traces.h"
#include "history_test.h"
#include "model/trace_fact.h"

#define AT UINT64_C(1795249334008) // 2026-11-21 08:22:14.008
#define STEP "98bf98df193bcce7c33e6bc50927cf2ac21206cb"

// The store's tables, which the schema of history has not.
static inline int set_up_store(void **state) {
	int failed = set_up(state);
	struct fixture *f = *state;
	exec(f->db, "CREATE TABLE engine_record(kind INTEGER NOT NULL, key BLOB NOT NULL, head BLOB NOT NULL,"
		    " body_id INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
		    "CREATE TABLE engine_body(id INTEGER PRIMARY KEY, body BLOB NOT NULL);");
	return failed;
}

// Of the function "f", by the event 1.
static inline struct ulid add_run(struct fixture *f, uint8_t n, uint64_t started_ms) {
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT};
	item.run.run_id = make_ulid(AT, n);
	item.run.event_id = make_ulid(AT, 1);
	item.run.function_id = make_uuid("f");
	item.run.started_ms = started_ms;
	write_item(f, &item);
	return item.run.run_id;
}

static inline void add_finish(struct fixture *f, const struct ulid *run_id, const char *status, const char *output) {
	struct history_item item = {.kind = HISTORY_FINISH, .at_ms = AT + 100};
	item.finish.run_id = *run_id;
	item.finish.status = status;
	if (output != NULL) item.finish.output = payload_new(str_from_cstr(output));
	write_item(f, &item);
	payload_unref(item.finish.output);
}

static inline void add_fact(struct fixture *f, const struct ulid *run_id, const struct trace_fact *fact) {
	struct buf text;
	buf_init(&text, 64u << 20);
	trace_fact_encode(fact, &text);
	struct history_item item = {.kind = HISTORY_TRACE, .at_ms = AT};
	item.trace.run_id = *run_id;
	item.trace.data = buf_view(&text);
	write_item(f, &item);
	buf_free(&text);
}

// ---- what is seen of it --------------------------------------------------------------------------------------------

static inline struct trace_loaded load(struct fixture *f, const struct ulid *run_id) {
	struct trace_loaded loaded;
	assert_ok(history_trace(f->reader, &f->arena, run_id, NULL, 0, &loaded, &f->error), &f->error);
	return loaded;
}

static inline const struct span *span_of(const struct trace_loaded *loaded, enum span_kind kind) {
	for (size_t i = 0; i < loaded->spans.count; i++)
		if (loaded->spans.spans[i].kind == kind) return &loaded->spans.spans[i];
	fail_msg("no span of kind %d", kind);
	return NULL;
}

static inline struct str text_of(struct fixture *f, const struct ulid *run_id, const struct span_text *text) {
	struct str out = {NULL, 0};
	assert_ok(history_trace_text(f->reader, &f->arena, run_id, text, &out, &f->error), &f->error);
	return out;
}

#endif
