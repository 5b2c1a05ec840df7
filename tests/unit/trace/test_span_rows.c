// From facts to rows and back: what is seen of the rows is what is seen of the facts (spec 06 §13 to §16).
#include "base/buf.h"
#include "facts_fixture.h"
#include "trace/span_rows.h"
#include "trace/tree.h"

#define ROWS_MAX 256

struct rows_fixture {
	struct fixture base;
	struct span_row_out made[ROWS_MAX];
	struct span_row rows[ROWS_MAX];
	size_t count;
	struct trace_spans read;
};

static int set_up_rows(void **state) {
	struct rows_fixture *f = mem_calloc(1, sizeof *f);
	struct fixture *base = NULL;
	set_up((void **)&base);
	f->base = *base;
	free(base);
	f->base.run.facts = f->base.facts;
	f->base.run.steps = f->base.steps;
	f->base.run.live = f->base.live;
	*state = f;
	return 0;
}

// ---- there and back ------------------------------------------------------------------------------------------------

static const struct span_rows_run *rows_run(struct rows_fixture *f) {
	static struct span_rows_run run;
	run = (struct span_rows_run){.id = f->base.run.id,
				     .account_id = STR("account"),
				     .env_id = STR("env"),
				     .app_id = STR("app"),
				     .function_id = STR("function"),
				     .root = STR(",\"_inngest.function.slug\":\"app-fn\"")};
	return &run;
}

static struct str copy_attributes(struct rows_fixture *f, struct str text) {
	yyjson_doc *doc = yyjson_read(text.ptr, text.len, 0);
	if (doc == NULL || !yyjson_is_obj(yyjson_doc_get_root(doc))) fail_msg("no object: %.*s", STR_ARG(text));
	yyjson_doc_free(doc);
	return arena_dup(&f->base.arena, text);
}

// Last rows first: the file has them in any order.
static void make_rows(struct rows_fixture *f) {
	struct arena *arena = &f->base.arena;
	const struct trace_spans *spans = &f->base.spans;
	uint32_t number = 0;
	f->count = 0;
	for (size_t i = 0; i < spans->count; i++) {
		assert_true(f->count + SPAN_ROWS_MAX < ROWS_MAX);
		f->count += span_rows_of_span(arena, rows_run(f), &spans->spans[i], &number, &f->made[f->count]);
	}
	for (size_t i = 0; i < spans->metadata_count; i++) {
		assert_true(f->count < ROWS_MAX);
		span_row_of_metadata(arena, rows_run(f), &spans->metadata[i], &number, &f->made[f->count++]);
	}
	for (size_t i = 0; i < f->count; i++) {
		struct span_row *row = &f->rows[f->count - 1 - i];
		*row = f->made[i].row;
		row->attributes = copy_attributes(f, row->attributes);
		row->is_made = true;
		row->has_output = f->made[i].output.source != SPAN_NOTHING;
		row->has_input = f->made[i].input.source != SPAN_NOTHING;
		for (size_t k = 0; k < i; k++) assert_false(str_eq(f->made[k].row.span_id, f->made[i].row.span_id));
	}
}

// What the text of a row was made from.
static struct span_text text_behind(const struct rows_fixture *f, const struct span_text *text) {
	if (text->source != SPAN_OF_ROW && text->source != SPAN_OF_ROW_INPUT) return *text;
	for (size_t i = 0; i < f->count; i++) {
		if (!str_eq(f->made[i].row.span_id, text->text)) continue;
		return text->source == SPAN_OF_ROW ? f->made[i].output : f->made[i].input;
	}
	fail_msg("no row %.*s", STR_ARG(text->text));
	return (struct span_text){0};
}

// ---- a tree as text ------------------------------------------------------------------------------------------------

struct dump {
	const struct rows_fixture *f;
	struct buf text;
};

static void put_str(struct dump *d, const char *name, struct str value) {
	if (value.len > 0) buf_printf(&d->text, " %s=%.*s", name, STR_ARG(value));
}

static void put_number(struct dump *d, const char *name, int64_t value) {
	if (value != 0) buf_printf(&d->text, " %s=%lld", name, (long long)value);
}

static void put_time(struct dump *d, const char *name, int64_t ns) {
	if (ns != TRACE_NO_TIME) put_number(d, name, ns / 1000000 - (int64_t)AT + 1);
}

static void put_source(struct dump *d, const char *name, const struct span_text *text) {
	struct span_text behind = text_behind(d->f, text);
	if (behind.source == SPAN_NOTHING) return;
	buf_printf(&d->text, " %s=%d:%d:%.*s", name, (int)behind.source, behind.is_result, STR_ARG(behind.text));
}

static void put_info(struct dump *d, const struct trace_info *info) {
	if (info->kind == TRACE_INFO_NONE) return;
	put_number(d, "info", (int)info->kind);
	put_str(d, "type", info->type);
	if (info->kind == TRACE_INFO_SLEEP) put_time(d, "until", info->sleep_until_ns);
	if (info->kind != TRACE_INFO_SLEEP && info->kind != TRACE_INFO_RUN) put_time(d, "timeout", info->timeout_ns);
	put_str(d, "event", info->event_name);
	put_str(d, "if", info->expression);
	put_str(d, "found", info->found_event_id);
	put_str(d, "signal", info->signal);
	put_str(d, "triggering", info->triggering_event_id);
	put_str(d, "function", info->function);
	put_str(d, "returned", info->return_event_id);
	put_str(d, "run", info->run_id);
	put_number(d, "timed_out", (int)info->timed_out);
}

static void put_metadata(struct dump *d, const struct trace_metadata *metadata) {
	buf_printf(&d->text, " [%.*s %.*s", STR_ARG(metadata->scope), STR_ARG(metadata->kind));
	put_str(d, "values", metadata->values);
	put_time(d, "at", metadata->updated_ns);
	buf_byte(&d->text, ']');
}

static void put_node(struct dump *d, const struct trace_node *node, int depth) {
	buf_printf(&d->text, "%*s%.*s %s", 2 * depth, "", STR_ARG(node->name), trace_status_names[node->status]);
	put_str(d, "id", node->span_id);
	put_str(d, "trace", node->trace_id);
	put_str(d, "parent", node->parent_id);
	put_str(d, "group", node->group_id);
	put_str(d, "op", node->step_op);
	put_str(d, "step", node->step_id);
	put_str(d, "step_type", node->step_type);
	put_number(d, "attempts", node->attempts);
	put_time(d, "q", node->queued_ns);
	put_time(d, "sch", node->scheduled_ns);
	put_time(d, "st", node->started_ns);
	put_time(d, "en", node->ended_ns);
	if (node->has_duration) put_number(d, "dur", node->duration_ms + 1);
	if (node->has_response) put_number(d, "response", node->status_code + 1);
	if (node->has_response) put_str(d, "headers", node->headers);
	put_str(d, "skip", node->skip_reason);
	put_str(d, "skip_run", node->skip_existing_run_id);
	put_source(d, "out", &node->output);
	put_source(d, "in", &node->input);
	put_info(d, &node->info);
	for (size_t i = 0; i < node->metadata_count; i++) put_metadata(d, &node->metadata[i]);
	buf_byte(&d->text, '\n');
	for (size_t i = 0; i < node->child_count; i++) put_node(d, node->children[i], depth + 1);
}

typedef struct trace_node *make_tree(struct arena *arena, const struct trace_subject *subject,
				     const struct trace_spans *spans);

static void compare(struct rows_fixture *f, make_tree *make) {
	struct trace_subject subject = {.run_id = f->base.run.id, .status = f->base.run.status, .now_ns = 1};
	struct dump facts = {.f = f}, rows = {.f = f};
	buf_init(&facts.text, 1u << 20);
	buf_init(&rows.text, 1u << 20);
	put_node(&facts, make(&f->base.arena, &subject, &f->base.spans), 0);
	put_node(&rows, make(&f->base.arena, &subject, &f->read), 0);
	buf_byte(&facts.text, '\0');
	buf_byte(&rows.text, '\0');
	assert_false(facts.text.overflow || rows.text.overflow);
	assert_string_equal(rows.text.ptr, facts.text.ptr);
	buf_free(&facts.text);
	buf_free(&rows.text);
}

static void check_spans(struct rows_fixture *f) {
	for (size_t i = 0; i < f->base.spans.count; i++) {
		const struct span *span = &f->base.spans.spans[i], *read = find_span(&f->read, span->id);
		assert_non_null(read);
		assert_int_equal(read->kind, span->kind);
		assert_int_equal(read->status, span->status);
		assert_int_equal(read->rank, span->rank);
		assert_int_equal(read->op, span->op);
		assert_int_equal(read->first_ns / 1000000, span->first_ns / 1000000);
		assert_int_equal(read->last_ns / 1000000, span->last_ns / 1000000);
		assert_int_equal(read->max_attempts, span->max_attempts);
		assert_int_equal(read->has_output_bytes, span->has_output_bytes);
		assert_int_equal(read->output_bytes, span->output_bytes);
		assert_int_equal(read->is_dropped, span->is_dropped);
		assert_int_equal(read->is_output, span->is_output);
	}
	assert_int_equal(f->read.count, f->base.spans.count);
	assert_int_equal(f->read.metadata_count, f->base.spans.metadata_count);
}

static void check(struct rows_fixture *f) {
	make_spans(&f->base);
	make_rows(f);
	f->read = (struct trace_spans){0};
	trace_spans_of_rows(&f->base.arena, f->rows, f->count, &f->read);
	check_spans(f);
	compare(f, trace_tree);
	compare(f, trace_tree_plain);
}

// ---- the runs ------------------------------------------------------------------------------------------------------

static void finish(struct fixture *f, uint64_t job, uint64_t parent, uint64_t queued, uint64_t started, uint64_t at) {
	struct trace_fact *last = add_call(f, job, parent, queued, started, at);
	last->outcome = TRACE_RESULT;
	last->status = 200;
	last->output_bytes = 17;
	end_run(f, TRACE_RUN_COMPLETED, at);
}

static void test_queued(void **state) {
	struct rows_fixture *f = *state;
	f->base.run.status = TRACE_RUN_QUEUED;
	f->base.run.started_ms = 0;
	check(f);
	assert_int_equal(f->count, 1);
	f->base.run.status = TRACE_RUN_RUNNING;
	f->base.run.started_ms = AT + 3;
	check(f);
	assert_int_equal(f->count, 2);
}

static void test_sequential(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 108, 128);
	took(add_op(&f->base, call, OPCODE_STEP_RUN, FIRST_STEP, "first \"step\""), 125, 126);
	call->ops[0].metadata = STR("[{\"kind\":\"userland.a\",\"op\":\"add\",\"values\":{\"n\":2}},"
				    "{\"kind\":\"userland.a\",\"op\":\"add\",\"values\":{\"n\":3}},"
				    "{\"kind\":\"userland.a\",\"op\":\"set\",\"values\":{\"n\":4}}]");
	memoise(&f->base, OPCODE_STEP_RUN, FIRST_STEP);
	call = add_call(&f->base, 2, 1, 130, 255, 255); // over in the same millisecond
	took(add_op(&f->base, call, OPCODE_STEP_RUN, "352f", "second"), 255, 255);
	call->ops[0].type = STR("step.ai.wrap");
	call->ops[0].input = STR("[1]");
	call->headers = STR("{\"a\":[\"1\",\"2\"],\"b\":\"\\\"\"}");
	memoise(&f->base, OPCODE_STEP_RUN, "352f");
	check(f); // under way
	finish(&f->base, 3, 2, 317, 404, 418);
	check(f);
}

static void test_checkpointed(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *steps = add_fact(&f->base, FACT_CHECKPOINT, 155);
	took(add_op(&f->base, steps, OPCODE_STEP_RUN, FIRST_STEP, "first step"), 151, 152);
	memoise(&f->base, OPCODE_STEP_RUN, FIRST_STEP);
	f->base.steps[0].bytes = 12;
	steps = add_fact(&f->base, FACT_CHECKPOINT, 212);
	add_op(&f->base, steps, OPCODE_STEP_ERROR, "352f", "second")->output = STR("{\"error\":{}}");
	add_op(&f->base, steps, OPCODE_STEP_PLANNED, "9057", "third");
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 137, 221);
	add_op(&f->base, call, OPCODE_RUN_COMPLETE, COMPLETE, COMPLETE);
	end_run(&f->base, TRACE_RUN_COMPLETED, 221);
	check(f);
	const struct span_id id = span_id_step(STR(FIRST_STEP));
	assert_int_equal(find_span(&f->read, str_from_cstr(id.text))->output_bytes, 12);
}

static void test_parallel(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 10, 28);
	static const char *const ids[] = {"dddd", "aaaa", "cccc", "bbbb"};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) add_op(&f->base, call, OPCODE_STEP_PLANNED, ids[i], ids[i]);
	check(f); // all start at once: in the order of the plan
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		call = add_call(&f->base, 2 + i, 1, 28, 160, 255 - i);
		call->target = str_from_cstr(ids[i]);
		took(add_op(&f->base, call, OPCODE_STEP_RUN, ids[i], ids[i]), 172, 252);
		memoise(&f->base, OPCODE_STEP_RUN, ids[i]);
		check(f);
	}
	finish(&f->base, 8, 5, 260, 270, 280);
	check(f);
}

static void test_retry(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 7, 19);
	call->will_retry = true;
	struct trace_op *op = add_op(&f->base, call, OPCODE_STEP_ERROR, FLAKY, "flaky");
	took(op, 17, 18);
	op->output = STR("{\"error\":{}}");
	check(f);
	call = add_call(&f->base, 1, 0, 19, 21453, 21458);
	call->attempt = 1;
	call->due_ms = AT + 21394;
	took(add_op(&f->base, call, OPCODE_STEP_RUN, FLAKY, "flaky"), 21457, 21458);
	memoise(&f->base, OPCODE_STEP_RUN, FLAKY);
	finish(&f->base, 2, 1, 21460, 21470, 21480);
	check(f);
}

static void test_failed(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 10, 20);
	add_op(&f->base, call, OPCODE_STEP_FAILED, FLAKY, "fails");
	memoise(&f->base, OPCODE_STEP_FAILED, FLAKY);
	call = add_call(&f->base, 2, 1, 110, 120, 130);
	call->outcome = TRACE_ERROR;
	call->status = 500;
	call->will_retry = true;
	call->output = STR("{\"error\":{\"message\":\"first\"}}");
	call = add_call(&f->base, 2, 1, 130, 220, 230);
	call->attempt = 1;
	call->outcome = TRACE_ERROR;
	call->status = 0; // no reply
	call->headers = (struct str){NULL, 0};
	end_run(&f->base, TRACE_RUN_FAILED, 230);
	check(f);
}

static void test_sleep(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 300, 321);
	add_op(&f->base, call, OPCODE_SLEEP, NAP, "nap");
	add_wait(&f->base, OPCODE_SLEEP, 1, 321, 2321, NAP, "nap");
	check(f);
	memoise(&f->base, OPCODE_SLEEP, NAP);
	call = add_call(&f->base, 2, 1, 321, 2323, 2329);
	call->due_ms = AT + 2321;
	call->slept = STR(NAP);
	took(add_op(&f->base, call, OPCODE_STEP_RUN, "9057", "post"), 2325, 2329);
	memoise(&f->base, OPCODE_STEP_RUN, "9057");
	finish(&f->base, 3, 2, 2330, 2340, 2350);
	check(f);
}

static void resume(struct fixture *f, const struct trace_fact *wait, uint64_t at, bool is_timeout, bool is_error) {
	struct trace_fact *fact = add_fact(f, FACT_RESUMED, at);
	fact->op = wait->op;
	fact->step_id = wait->step_id;
	fact->is_timeout = is_timeout;
	fact->is_error = is_error;
	if (!is_timeout) fact->event_id = make_run_id();
	memoise(f, wait->op, wait->step_id.ptr);
}

static void test_waits(void **state) {
	struct rows_fixture *f = *state;
	static const enum opcode_kind kinds[] = {OPCODE_WAIT_FOR_EVENT, OPCODE_WAIT_FOR_SIGNAL, OPCODE_INVOKE_FUNCTION};
	static const char *const ids[] = {"e1", "e2", "e3", "s1", "s2", "s3", "i1", "i2", "i3"};
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t end = 0; end < 3; end++) { // open, resumed, timed out
			size_t n = 3 * k + end;
			struct trace_fact *wait =
				add_wait(&f->base, kinds[k], 1, 10 * n, 9000, ids[n], "a wait of some kind");
			if (kinds[k] == OPCODE_WAIT_FOR_EVENT) wait->event = STR("app/go");
			if (kinds[k] == OPCODE_WAIT_FOR_EVENT) wait->expression = STR("async.data.k == 1");
			if (kinds[k] == OPCODE_WAIT_FOR_SIGNAL) wait->signal = STR("sig");
			if (kinds[k] != OPCODE_INVOKE_FUNCTION) goto resumed;
			wait->function = STR("app-child");
			wait->event_id = make_run_id();
			struct trace_fact *invoked = add_fact(&f->base, FACT_INVOKED, 10 * n + 1);
			invoked->op = wait->op;
			invoked->step_id = wait->step_id;
			invoked->run_id = make_run_id();
		resumed:
			if (end > 0) resume(&f->base, wait, 10 * n + 5, end == 2, end == 1 && k > 0);
			check(f);
		}
	}
}

static void test_cancelled(void **state) {
	struct rows_fixture *f = *state;
	add_wait(&f->base, OPCODE_SLEEP, 1, 321, 99999, NAP, "nap");
	struct trace_fact *call = add_call(&f->base, 2, 1, 1, 20, 500);
	call->outcome = TRACE_CANCELLED;
	call->status = 0;
	end_run(&f->base, TRACE_RUN_CANCELLED, 500);
	check(f);
}

static void test_skipped(void **state) {
	struct rows_fixture *f = *state;
	f->base.run.status = TRACE_RUN_SKIPPED;
	f->base.run.started_ms = 0;
	f->base.run.skip_reason = STR("Singleton");
	f->base.run.skip_existing_run_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6R");
	check(f);
	assert_int_equal(f->count, 1);
	assert_str(f->rows[0].status, "Skipped");
}

// ---- the rows themselves -------------------------------------------------------------------------------------------

// As spec 06 §14 has them: what was known when, times as text, JSON as text.
static void test_encoding(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 108, 128);
	call->output_bytes = 9;
	call->outcome = TRACE_RESULT;
	end_run(&f->base, TRACE_RUN_COMPLETED, 128);
	f->base.run.started_ms = AT + 108;
	check(f);
	const struct span_row *first = &f->made[0].row, *started = &f->made[1].row, *last = &f->made[2].row;
	assert_str(first->name, "executor.run");
	assert_str(first->status, "Queued");
	assert_str(first->parent_id, SPAN_ID_NONE);
	assert_int_equal(first->start_ns, (int64_t)AT * 1000000);
	assert_int_equal(f->made[0].input.source, SPAN_OF_EVENTS);
	assert_int_equal(f->made[2].input.source, SPAN_NOTHING);
	assert_int_equal(f->made[2].output.source, SPAN_OF_RUN);
	struct str id = f->base.spans.spans[0].id, trace_id = f->base.spans.spans[0].trace_id;
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(&f->base.run.id, run_id);
#define IDENTITY                                                                                       \
	"{\"_inngest.run.id\":\"%s\",\"_inngest.account.id\":\"account\",\"_inngest.env.id\":\"env\"," \
	"\"_inngest.app.id\":\"app\",\"_inngest.function.id\":\"function\",\"_inngest.dynamic.span.id\":\"%.*s\""
	assert_str(first->attributes,
		   arena_printf(&f->base.arena,
				IDENTITY
				",\"_inngest.function.slug\":\"app-fn\",\"_inngest.queued_at\":\"1795249334008\","
				"\"_inngest.scheduled_at\":\"1795249334008\","
				"\"_inngest.dynamic.status\":\"Queued\"}",
				run_id, STR_ARG(id))
			   .ptr);
	assert_str(started->name, "EXTEND");
	assert_str(started->attributes,
		   arena_printf(&f->base.arena,
				IDENTITY
				",\"_inngest.dynamic.trace.id\":\"%.*s\",\"_inngest.started_at\":\"1795249334116\","
				"\"_inngest.dynamic.status\":\"Running\"}",
				run_id, STR_ARG(id), STR_ARG(trace_id))
			   .ptr);
	assert_str(last->status, "Completed");
	assert_int_equal(last->end_ns, (int64_t)(AT + 128) * 1000000);
	struct uuid group = span_group_id(&f->base.run.id, 1);
	char group_id[UUID_TEXT_LEN + 1];
	uuid_text(&group, group_id);
	assert_str(last->attributes,
		   arena_printf(&f->base.arena,
				IDENTITY
				",\"_inngest.dynamic.trace.id\":\"%.*s\",\"_inngest.ended_at\":\"1795249334136\","
				"\"_inngest.dynamic.status\":\"Completed\",\"_inngest.job.group.id\":\"%s\","
				"\"_inngest.response.status_code\":206,"
				"\"_inngest.response.headers\":\"{\\\"a\\\":\\\"b\\\"}\","
				"\"_inngest.response.output_size\":9}",
				run_id, STR_ARG(id), STR_ARG(trace_id), group_id)
			   .ptr);
}

// Metadata that came in names an attempt by an id that no span has.
static void test_alias(void **state) {
	struct rows_fixture *f = *state;
	struct trace_fact *call = add_call(&f->base, 1, 0, 1, 108, 128);
	took(add_op(&f->base, call, OPCODE_STEP_RUN, FIRST_STEP, "first step"), 125, 126);
	memoise(&f->base, OPCODE_STEP_RUN, FIRST_STEP);
	check(f);
	struct span_id id = span_id_step(STR(FIRST_STEP)), alias = span_id_attempt(STR(FIRST_STEP), 0);
	const struct span *step = find_span(&f->base.spans, str_from_cstr(id.text));
	span_row_of_alias(&f->base.arena, rows_run(f), step, str_from_cstr(alias.text), &f->made[f->count]);
	f->rows[f->count] = f->made[f->count].row;
	f->count++;
	struct span_metadata note = {.parent = str_from_cstr(alias.text),
				     .scope = STR("step_attempt"),
				     .kind = STR("userland.note"),
				     .op = STR("merge"),
				     .values = STR("{\"a\":1}"),
				     .updated_ns = (int64_t)(AT + 200) * 1000000};
	uint32_t number = 100;
	span_row_of_metadata(&f->base.arena, rows_run(f), &note, &number, &f->made[f->count]);
	f->rows[f->count] = f->made[f->count].row;
	f->count++;
	// The same is seen of the facts with the record.
	f->base.spans.metadata[f->base.spans.metadata_count++] = note;
	f->read = (struct trace_spans){0};
	trace_spans_of_rows(&f->base.arena, f->rows, f->count, &f->read);
	compare(f, trace_tree);
}

#define ROWS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_rows, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		ROWS_TEST(test_queued),   ROWS_TEST(test_sequential), ROWS_TEST(test_checkpointed),
		ROWS_TEST(test_parallel), ROWS_TEST(test_retry),      ROWS_TEST(test_failed),
		ROWS_TEST(test_sleep),    ROWS_TEST(test_waits),      ROWS_TEST(test_cancelled),
		ROWS_TEST(test_skipped),  ROWS_TEST(test_encoding),   ROWS_TEST(test_alias),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
