// Shared by the tests of traces: a run that is put together fact by fact. Times are milliseconds after the run's id.
#ifndef INNGEST_TESTS_FACTS_FIXTURE_H
#define INNGEST_TESTS_FACTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "trace/span.h"

#define AT UINT64_C(1795249334008) // 2026-11-21 08:22:14.008
#define ITEMS_MAX 32

// Hashed ids of spec 06 §21.
#define FIRST_STEP "98bf98df193bcce7c33e6bc50927cf2ac21206cb"
#define FLAKY "0612bcf5b16a1ec368ef4ebb92d6be2f7040260b"
#define NAP "c2640f79b4ed481b838ce4ad75330aa3f825d4d9"
#define COMPLETE "0737c22d3bfae812339732d14d8c7dbd6dc4e09c"

struct fixture {
	struct arena arena;
	struct trace_fact facts[ITEMS_MAX];
	struct trace_step steps[ITEMS_MAX];
	struct trace_live live[ITEMS_MAX];
	struct trace_run run;
	struct trace_spans spans;
};

static inline struct ulid make_run_id(void) {
	return ulid_make(AT, (const uint8_t[10]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

static inline int set_up(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	arena_init(&f->arena, 0);
	f->run = (struct trace_run){.id = make_run_id(),
				    .status = TRACE_RUN_RUNNING,
				    .started_ms = AT + 100,
				    .facts = f->facts,
				    .steps = f->steps,
				    .live = f->live};
	*state = f;
	return 0;
}

static inline int tear_down(void **state) {
	struct fixture *f = *state;
	arena_free(&f->arena);
	free(f);
	return 0;
}

static inline struct trace_fact *add_fact(struct fixture *f, enum trace_fact_kind kind, uint64_t at) {
	assert_true(f->run.fact_count < ITEMS_MAX);
	struct trace_fact *fact = &f->facts[f->run.fact_count++];
	*fact = (struct trace_fact){.kind = kind, .at_ms = AT + at};
	return fact;
}

// An answer with status 206 to the call of a job, which another one led to.
static inline struct trace_fact *add_call(struct fixture *f, uint64_t job, uint64_t parent, uint64_t queued,
					  uint64_t started, uint64_t at) {
	struct trace_fact *fact = add_fact(f, FACT_CALL, at);
	fact->job = job;
	fact->parent_job = parent;
	fact->max_attempts = 2;
	fact->queued_ms = fact->due_ms = AT + queued;
	fact->started_ms = AT + started;
	fact->status = 206;
	fact->headers = STR("{\"a\":\"b\"}");
	fact->total_ms = 5;
	return fact;
}

static inline struct trace_op *add_op(struct fixture *f, struct trace_fact *fact, enum opcode_kind kind, const char *id,
				      const char *name) {
	struct trace_op *ops = ARENA_ARRAY(&f->arena, struct trace_op, fact->op_count + 1);
	if (fact->op_count > 0) memcpy(ops, fact->ops, fact->op_count * sizeof *ops);
	fact->ops = ops;
	struct trace_op *op = &ops[fact->op_count++];
	*op = (struct trace_op){.op = kind, .id = str_from_cstr(id), .name = str_from_cstr(name)};
	return op;
}

static inline void took(struct trace_op *op, uint64_t started, uint64_t ended) {
	op->started_ms = AT + started;
	op->ended_ms = AT + ended;
}

static inline void memoise(struct fixture *f, enum opcode_kind kind, const char *id) {
	assert_true(f->run.step_count < ITEMS_MAX);
	f->steps[f->run.step_count++] = (struct trace_step){.id = str_from_cstr(id), .op = kind};
}

static inline void end_run(struct fixture *f, enum trace_run_status status, uint64_t at) {
	f->run.status = status;
	f->run.ended_ms = AT + at;
	f->run.has_output = status != TRACE_RUN_CANCELLED;
}

static inline struct trace_fact *add_wait(struct fixture *f, enum opcode_kind kind, uint64_t parent, uint64_t at,
					  uint64_t until, const char *id, const char *name) {
	struct trace_fact *fact = add_fact(f, FACT_WAIT, at);
	fact->op = kind;
	fact->parent = parent;
	fact->until_ms = AT + until;
	fact->step_id = str_from_cstr(id);
	fact->name = str_from_cstr(name);
	return fact;
}

static inline void make_spans(struct fixture *f) {
	trace_spans_of_facts(&f->arena, &f->run, &f->spans);
}

static inline const struct span *find_span(const struct trace_spans *spans, struct str id) {
	for (size_t i = 0; i < spans->count; i++)
		if (str_eq(spans->spans[i].id, id)) return &spans->spans[i];
	return NULL;
}

#define assert_str(actual, expected)                                                      \
	do {                                                                              \
		struct str actual_ = (actual);                                            \
		if (!str_eq_cstr(actual_, (expected)))                                    \
			fail_msg("'%.*s' instead of '%s'", STR_ARG(actual_), (expected)); \
	} while (0)

#endif
