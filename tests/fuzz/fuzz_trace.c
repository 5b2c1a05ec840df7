// Traces: facts and rows as they may stand in a file, made into spans and into both trees. The input is pieces of a
// kind (a byte), a length (two bytes) and that many bytes.
#include <stdlib.h>

#include "base/codec.h"
#include "base/id.h"
#include "fuzz.h"
#include "trace/span_rows.h"
#include "trace/tree.h"

#define PIECES_MAX 256
#define LEVELS_MAX (TRACE_DEPTH_MAX + 4) // attempts and groups that the plain tree makes

enum piece { PIECE_FACT, PIECE_STEP, PIECE_LIVE, PIECE_ROW, PIECE_RUN, PIECE_COUNT };

struct input {
	struct arena arena;
	struct trace_fact facts[PIECES_MAX];
	struct trace_step steps[PIECES_MAX];
	struct trace_live live[PIECES_MAX];
	struct span_row rows[PIECES_MAX];
	size_t row_count;
	struct trace_run run;
};

static void read_step(struct input *in, struct decoder *d) {
	struct trace_step *step = &in->steps[in->run.step_count++];
	step->op = (enum opcode_kind)(take_u8(d) % OPCODE_COUNT);
	step->id = d->rest;
}

static void read_live(struct input *in, struct decoder *d) {
	struct trace_live *live = &in->live[in->run.live_count++];
	uint8_t flags = take_u8(d);
	live->is_call = (flags & 1) != 0;
	live->is_planned = (flags & 2) != 0;
	live->job = take_varint(d);
	live->parent_job = take_varint(d);
	live->queued_ms = take_varint(d);
	live->due_ms = take_varint(d);
	live->started_ms = take_varint(d);
	live->attempt = (uint32_t)take_varint(d);
	live->target = take_short_text(d);
	live->slept = take_short_text(d);
}

static void read_row(struct input *in, struct decoder *d) {
	struct span_row *row = &in->rows[in->row_count++];
	uint8_t flags = take_u8(d);
	row->has_output = (flags & 1) != 0;
	row->has_input = (flags & 2) != 0;
	row->start_ns = (int64_t)take_varint(d);
	row->end_ns = (int64_t)take_varint(d);
	row->name = take_short_text(d);
	row->span_id = take_short_text(d);
	row->dynamic_id = take_short_text(d);
	row->parent_id = take_short_text(d);
	row->status = take_short_text(d);
	row->attributes = d->rest;
}

static void read_run(struct input *in, struct decoder *d) {
	in->run.status = (enum trace_run_status)(100 * (1 + take_u8(d) % 6));
	in->run.has_output = (take_u8(d) & 1) != 0;
	in->run.started_ms = take_varint(d);
	in->run.ended_ms = take_varint(d);
}

static void read_piece(struct input *in, uint8_t kind, struct str text) {
	struct decoder d = {.rest = text};
	struct error error = {0};
	switch ((enum piece)(kind % PIECE_COUNT)) {
	case PIECE_FACT:
		if (in->run.fact_count == PIECES_MAX) return;
		if (trace_fact_decode(&in->arena, text, &in->facts[in->run.fact_count], &error) == ERR_OK)
			in->run.fact_count++;
		else
			fuzz_check_error(&error);
		return;
	case PIECE_STEP:
		if (in->run.step_count < PIECES_MAX) read_step(in, &d);
		return;
	case PIECE_LIVE:
		if (in->run.live_count < PIECES_MAX) read_live(in, &d);
		return;
	case PIECE_ROW:
		if (in->row_count < PIECES_MAX) read_row(in, &d);
		return;
	case PIECE_RUN:
	case PIECE_COUNT:
		read_run(in, &d);
		return;
	}
}

// A fact that could be read is the same when it has been written and read again.
static void check_fact(struct arena *arena, const struct trace_fact *fact) {
	struct buf first, second;
	struct trace_fact again;
	buf_init(&first, 64u << 20);
	buf_init(&second, 64u << 20);
	trace_fact_encode(fact, &first);
	CHECK(trace_fact_decode(arena, buf_view(&first), &again, NULL) == ERR_OK);
	trace_fact_encode(&again, &second);
	CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void check_time(int64_t ns) {
	CHECK(ns >= 0 && ns <= INT64_MAX / 2);
}

static void check_spans(const struct trace_spans *spans) {
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		CHECK(span->id.len > 0 && span->name.len + (span->kind == SPAN_OTHER) > 0);
		check_time(span->first_ns);
		check_time(span->last_ns);
		check_time(span->queued_ns);
		check_time(span->scheduled_ns);
		check_time(span->started_ns);
		check_time(span->ended_ns);
		check_time(span->sleep_ms);
		if (span->headers.len > 0 && span->kind == SPAN_USERLAND) fuzz_check_canonical(span->headers);
	}
}

static size_t check_node(const struct trace_node *node, int level) {
	size_t count = 1;
	CHECK(level <= LEVELS_MAX && node->status >= 0 && node->status < TRACE_STATUS_COUNT);
	for (size_t i = 0; i < node->child_count; i++) count += check_node(node->children[i], level + 1);
	return count;
}

static void check_trees(struct input *in, const struct trace_spans *spans) {
	struct trace_subject subject = {.run_id = in->run.id, .status = in->run.status};
	const struct trace_node *tree = trace_tree(&in->arena, &subject, spans);
	const struct trace_node *plain = trace_tree_plain(&in->arena, &subject, spans);
	CHECK(tree != NULL && plain != NULL); // there always is a root
	CHECK(check_node(tree, 0) <= spans->count);
	(void)check_node(plain, 0);
}

// Spans written as rows (span_rows.h) and read again: the same spans. Attributes of a text that is no UTF-8 are lost.
static void check_rows(struct input *in, const struct trace_spans *spans) {
	const struct span_rows_run run = {.id = in->run.id, .root = STR("")};
	struct span_row *rows = ARENA_ARRAY(&in->arena, struct span_row, spans->count * SPAN_ROWS_MAX);
	size_t count = 0;
	uint32_t number = 0;
	for (size_t i = 0; i < spans->count; i++) {
		struct span_row_out out[SPAN_ROWS_MAX];
		size_t row_count = span_rows_of_span(&in->arena, &run, &spans->spans[i], &number, out);
		CHECK(row_count > 0 && row_count <= SPAN_ROWS_MAX);
		for (size_t k = 0; k < row_count; k++) {
			CHECK(out[k].row.start_ns <= out[k].row.end_ns);
			CHECK(k == 0 || out[k].row.start_ns > out[k - 1].row.end_ns);
			out[k].row.is_made = true;
			rows[count++] = out[k].row;
		}
	}
	struct trace_spans again = {0};
	trace_spans_of_rows(&in->arena, rows, count, &again);
	CHECK(again.count == spans->count);
	for (size_t i = 0; i < again.count; i++) CHECK(again.spans[i].kind != SPAN_OTHER);
	check_spans(&again);
	check_trees(in, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct input *in = mem_calloc(1, sizeof *in);
	struct decoder d = {.rest = str_make(data, size)};
	arena_init(&in->arena, 64u << 10);
	in->run = (struct trace_run){
		.status = TRACE_RUN_RUNNING, .facts = in->facts, .steps = in->steps, .live = in->live};
	while (d.rest.len >= 3) {
		uint8_t kind = take_u8(&d);
		size_t len = (size_t)take_uint(&d, 2);
		struct str text = str_first(d.rest, len);
		d.rest = str_skip(d.rest, text.len);
		read_piece(in, kind, text);
	}
	for (size_t i = 0; i < in->run.fact_count; i++) check_fact(&in->arena, &in->facts[i]);
	struct trace_spans spans;
	trace_spans_of_facts(&in->arena, &in->run, &spans);
	check_spans(&spans);
	check_rows(in, &spans);
	trace_spans_of_rows(&in->arena, in->rows, in->row_count, &spans);
	check_spans(&spans);
	check_trees(in, &spans);
	arena_free(&in->arena);
	free(in);
	return 0;
}
