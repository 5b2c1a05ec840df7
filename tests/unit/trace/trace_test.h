// What the tests of trees share: spans by hand, and trees as texts in the manner of spec 06 §21.
#ifndef INNGEST_TESTS_TRACE_TEST_H
#define INNGEST_TESTS_TRACE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "trace/tree.h"

#define RUN_MS UINT64_C(1795249334008) // the run's queue time: all times are milliseconds after it
#define NONE (-1)
#define SPANS_MAX 64
#define ROOT "b5b850b4d28c2ca2"

struct fixture {
	struct arena arena;
	struct trace_subject subject;
	struct span spans[SPANS_MAX];
	struct span_metadata metadata[SPANS_MAX];
	struct trace_spans all;
	struct buf text;
};

static inline int64_t at(int64_t ms) {
	return ms == NONE ? 0 : ((int64_t)RUN_MS + ms) * 1000000;
}

static inline struct str cstr(const char *text) {
	return str_from_cstr(text);
}

static inline int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	static const uint8_t entropy[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	f->subject.run_id = ulid_make(RUN_MS, entropy);
	f->subject.function_slug = STR("app-fn");
	f->subject.status = TRACE_RUN_COMPLETED;
	f->all.spans = f->spans;
	f->all.metadata = f->metadata;
	buf_init(&f->text, 1 << 20);
	*state = f;
	return 0;
}

static inline int teardown(void **state) {
	struct fixture *f = *state;
	arena_free(&f->arena);
	buf_free(&f->text);
	free(f);
	return 0;
}

// ---- spans ---------------------------------------------------------------------------------------------------------

static inline struct span *add(struct fixture *f, enum span_kind kind, const char *id, const char *parent) {
	CHECK(f->all.count < SPANS_MAX);
	struct span *span = &f->spans[f->all.count++];
	span->kind = kind;
	span->id = cstr(id);
	span->parent = cstr(parent);
	span->trace_id = STR("5a4ae3fe5a4ae3fe5a4ae3fe5a4ae3fe");
	span->name = cstr(span_kind_names[kind]);
	return span;
}

static inline void set_times(struct span *span, int64_t queued, int64_t scheduled, int64_t started, int64_t ended) {
	span->first_ns = at(queued);
	span->last_ns = at(ended);
	span->queued_ns = at(queued);
	span->scheduled_ns = at(scheduled);
	span->started_ns = at(started);
	span->ended_ns = at(ended);
}

static inline void add_metadata(struct fixture *f, struct str parent, const char *scope, const char *kind,
				const char *op, const char *values) {
	CHECK(f->all.metadata_count < SPANS_MAX);
	f->metadata[f->all.metadata_count++] =
		(struct span_metadata){parent, cstr(scope), cstr(kind), cstr(op), cstr(values), at(1)};
}

static inline struct span *add_root(struct fixture *f, enum span_status status, int64_t started, int64_t ended) {
	struct span *span = add(f, SPAN_RUN, ROOT, SPAN_ID_NONE);
	span->status = status;
	set_times(span, 0, 0, started, ended);
	span->input = (struct span_text){.source = SPAN_OF_EVENTS, .row_id = STR("events")};
	if (ended != NONE) span->output = (struct span_text){.source = SPAN_OF_RUN, .row_id = STR("final")};
	return span;
}

static inline struct span *add_discovery(struct fixture *f, const char *id, const char *group, int64_t queued) {
	struct span *span = add(f, SPAN_DISCOVERY, id, ROOT);
	span->group_id = cstr(group);
	span->first_ns = span->queued_ns = at(queued);
	return span;
}

static inline void respond(struct span *span, int status) {
	span->has_response = span->has_headers = true;
	span->status_code = status;
	span->headers = STR("{\"a\":\"b\"}");
}

// A request that is over, with its response and the two records of its times.
static inline struct span *add_execution(struct fixture *f, const char *id, const char *parent, const char *group,
					 enum span_status status, int64_t queued, int64_t scheduled, int64_t started,
					 int64_t ended) {
	struct span *span = add(f, SPAN_EXECUTION, id, parent);
	span->status = status;
	span->group_id = cstr(group);
	span->has_attempt = true;
	set_times(span, queued, scheduled, started, ended);
	if (ended == NONE) return span;
	respond(span, 206);
	add_metadata(f, span->id, "request", "inngest.timing", "merge", "{\"total_inngest_ms\":3}");
	add_metadata(f, span->id, "request", "inngest.http.timing", "merge", "{\"total_ms\":4}");
	return span;
}

static inline struct span *add_step(struct fixture *f, const char *id, const char *group, enum span_status status,
				    int64_t queued, int64_t scheduled, int64_t started, int64_t ended) {
	struct span *span = add(f, SPAN_STEP, id, ROOT);
	span->status = status;
	span->group_id = cstr(group);
	set_times(span, queued, scheduled, started, ended);
	return span;
}

static inline void set_output(struct span *span, const char *row) {
	span->output = (struct span_text){.source = SPAN_OF_ROW, .text = cstr(row), .row_id = cstr(row)};
}

// What an op says of its step. All but these are dropped: their requests led to other spans.
static inline void set_op(struct span *span, enum opcode_kind op, const char *step, const char *name) {
	span->op = op;
	span->step_id = cstr(step);
	span->step_name = cstr(name);
	bool is_kept = op == OPCODE_STEP || op == OPCODE_STEP_RUN || op == OPCODE_STEP_ERROR ||
		       op == OPCODE_AI_GATEWAY || op == OPCODE_GATEWAY;
	span->is_dropped = span->kind == SPAN_EXECUTION && !is_kept;
}

static inline void set_attempt(struct span *span, uint32_t attempt, uint32_t max_attempts) {
	span->has_attempt = true;
	span->attempt = attempt;
	span->max_attempts = max_attempts;
}

static inline void set_result(struct span *span, int status) {
	span->is_output = span->kind == SPAN_EXECUTION;
	if (span->kind == SPAN_EXECUTION) respond(span, status);
	span->output = (struct span_text){.source = SPAN_OF_RUN, .row_id = span->id};
}

// The final request: `Finalization` and `executor.nonstep`.
static inline void add_result(struct fixture *f, const char *before, const char *group, int64_t queued, int64_t started,
			      int64_t ended) {
	add_discovery(f, "dfin", before, queued);
	set_result(add_execution(f, "efin", "dfin", group, SPAN_COMPLETED, queued, queued, started, ended - 1), 200);
	struct span *result = add(f, SPAN_NONSTEP, "nonstep", ROOT);
	result->status = SPAN_COMPLETED;
	result->group_id = cstr(group);
	set_times(result, queued, queued, started, ended);
	set_result(result, 0);
}

static inline struct span *add_userland(struct fixture *f, const char *id, const char *parent, const char *name,
					int64_t started, int64_t ended) {
	struct span *span = add(f, SPAN_USERLAND, id, parent);
	span->name = cstr(name);
	span->first_ns = at(started);
	span->last_ns = at(ended);
	return span;
}

// ---- texts ---------------------------------------------------------------------------------------------------------

static inline void put_time(struct buf *out, const char *label, int64_t ns) {
	if (ns == TRACE_NO_TIME)
		buf_printf(out, " %s-", label);
	else
		buf_printf(out, " %s%lld", label, (long long)(ns / 1000000 - (int64_t)RUN_MS));
}

static inline void put_field(struct buf *out, const char *label, struct str value) {
	if (value.len > 0) buf_printf(out, " %s %.*s", label, STR_ARG(value));
}

static inline void put_timed_out(struct buf *out, enum tristate value) {
	static const char *const names[] = {"null", "false", "true"};
	buf_printf(out, " timedOut %s", names[value]);
}

static inline void put_info(struct buf *out, const struct trace_info *info) {
	switch (info->kind) {
	case TRACE_INFO_NONE:
		break;
	case TRACE_INFO_RUN:
		put_field(out, "info", info->type);
		break;
	case TRACE_INFO_SLEEP:
		put_time(out, "until ", info->sleep_until_ns);
		break;
	case TRACE_INFO_WAIT:
		put_field(out, "event", info->event_name);
		put_field(out, "if", info->expression);
		put_time(out, "timeout ", info->timeout_ns);
		put_field(out, "found", info->found_event_id);
		put_timed_out(out, info->timed_out);
		break;
	case TRACE_INFO_SIGNAL:
		put_field(out, "signal", info->signal);
		put_time(out, "timeout ", info->timeout_ns);
		put_timed_out(out, info->timed_out);
		break;
	case TRACE_INFO_INVOKE:
		put_field(out, "by", info->triggering_event_id);
		put_field(out, "fn", info->function);
		put_time(out, "timeout ", info->timeout_ns);
		put_field(out, "returned", info->return_event_id);
		put_field(out, "run", info->run_id);
		put_timed_out(out, info->timed_out);
		break;
	}
}

// out{sid,in_sid}
static inline void put_output(struct fixture *f, struct buf *out, struct str text) {
	struct trace_output_id id;
	struct error error = {0};
	if (text.len == 0) return;
	enum err err = trace_output_id_parse(&f->arena, text, &id, &error);
	assert_string_equal(error.message, "");
	assert_int_equal(err, ERR_OK);
	buf_printf(out, " out{%.*s", STR_ARG(id.row_id));
	if (id.input_row_id.len > 0) buf_printf(out, ",%.*s", STR_ARG(id.input_row_id));
	buf_byte(out, '}');
}

static inline void put_metadata(struct buf *out, const struct trace_node *node) {
	const struct trace_metadata *all = node->metadata;
	if (node->metadata_count == 2 && str_eq(all[0].kind, STR("inngest.http.timing")) &&
	    str_eq(all[1].kind, STR("inngest.timing"))) {
		buf_lit(out, " md(req)");
		return;
	}
	for (size_t i = 0; i < node->metadata_count; i++)
		buf_printf(out, " md[%.*s %.*s]", STR_ARG(all[i].scope), STR_ARG(all[i].kind));
}

static inline void put_node(struct fixture *f, struct buf *out, const struct trace_node *node, bool plain, int level) {
	buf_printf(out, "%*s%.*s %s", 2 * level, "", STR_ARG(node->name), trace_status_names[node->status]);
	if (node->step_op.len > 0) buf_printf(out, " %.*s", STR_ARG(node->step_op));
	if (node->is_root) buf_lit(out, " isRoot");
	if (node->is_userland) buf_lit(out, " userland");
	if (node->attempts != 0) buf_printf(out, " attempts%lld", (long long)node->attempts);
	put_time(out, "q", node->queued_ns);
	if (!plain) put_time(out, "sch", node->scheduled_ns);
	put_time(out, "st", node->started_ns);
	put_time(out, "en", node->ended_ns);
	if (node->has_duration)
		buf_printf(out, " dur%lld", (long long)node->duration_ms);
	else
		buf_lit(out, " dur-");
	put_field(out, "grp", node->group_id);
	put_field(out, "id", plain && !node->is_root ? node->span_id : (struct str){NULL, 0});
	put_field(out, "step", node->step_id);
	if (!plain && !str_eq(node->step_type, node->step_op)) put_field(out, "type", node->step_type);
	if (node->has_response) buf_printf(out, " response %lld", (long long)node->status_code);
	put_metadata(out, node);
	put_output(f, out, node->output_id);
	put_info(out, &node->info);
	put_field(out, "skipped", node->skip_reason);
	put_field(out, "by", node->skip_existing_run_id);
	buf_byte(out, '\n');
	for (size_t i = 0; i < node->child_count; i++) put_node(f, out, node->children[i], plain, level + 1);
}

static inline void check_text(struct fixture *f, const struct trace_node *root, bool plain, const char *expected) {
	assert_non_null(root);
	buf_clear(&f->text);
	put_node(f, &f->text, root, plain, 0);
	buf_byte(&f->text, '\0');
	assert_false(f->text.overflow);
	assert_string_equal(f->text.ptr, expected);
}

static inline void check_tree(struct fixture *f, const char *expected) {
	check_text(f, trace_tree(&f->arena, &f->subject, &f->all), false, expected);
}

static inline void check_plain(struct fixture *f, const char *expected) {
	check_text(f, trace_tree_plain(&f->arena, &f->subject, &f->all), true, expected);
}

#define TRACE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
