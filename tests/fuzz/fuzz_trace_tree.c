// Trees of spans that may claim anything: of userland spans and of rows that others wrote. And stored outputs.
#include "fuzz.h"
#include "trace/tree.h"

#define SPANS_MAX 300
#define BYTES_EACH 8

struct input {
	struct arena arena;
	struct trace_spans all;
	struct trace_subject subject;
};

// Few names, so that they meet.
static struct str name_of(struct arena *arena, unsigned n) {
	return n % 64 == 0 ? STR("") : arena_printf(arena, "%u", n % 64);
}

static void make_span(struct input *in, const uint8_t *bytes) {
	struct span *span = &in->all.spans[in->all.count++];
	struct arena *arena = &in->arena;
	span->kind = (enum span_kind)(bytes[0] % SPAN_KIND_COUNT);
	span->name = bytes[0] & 0x80 ? STR("inngest.execution") : STR("executor.step");
	span->id = name_of(arena, bytes[1]);
	span->parent = name_of(arena, bytes[2]);
	span->output_ref = name_of(arena, bytes[2] + 1u);
	span->status = (enum span_status)(bytes[3] % SPAN_STATUS_COUNT);
	span->op = (enum opcode_kind)(bytes[4] % OPCODE_COUNT);
	span->is_dropped = bytes[4] & 0x80;
	span->is_output = bytes[4] & 0x40;
	span->has_attempt = bytes[5] & 1;
	span->attempt = bytes[5] >> 1 & 3;
	span->max_attempts = bytes[5] >> 3 & 3;
	span->step_id = name_of(arena, bytes[5] >> 5);
	span->step_name = name_of(arena, bytes[5] >> 5);
	span->started_ns = (int64_t)((uint64_t)bytes[6] << 56);
	span->ended_ns = (int64_t)((uint64_t)bytes[7] << 56);
	span->first_ns = bytes[6];
	span->has_sleep = bytes[7] & 1;
	span->sleep_ms = span->started_ns;
	if (bytes[3] & 0x80) span->output = (struct span_text){.source = SPAN_OF_ROW, .row_id = span->id};
	if (bytes[3] & 0x40) span->input = span->output;
}

static void make_metadata(struct input *in, struct str text) {
	static const char *const ops[] = {"merge", "set", "delete", "add"};
	struct str line;
	for (unsigned i = 0; text.len > 0 && i < SPANS_MAX; i++) {
		if (!str_cut(text, '\n', &line, &text)) text.len = 0;
		in->all.metadata[in->all.metadata_count++] =
			(struct span_metadata){.parent = name_of(&in->arena, i % 3 + 1),
					       .scope = STR("step"),
					       .kind = name_of(&in->arena, i % 5),
					       .op = str_from_cstr(ops[i % 4]),
					       .values = line};
	}
}

static void check_node(const struct trace_node *node, unsigned depth) {
	CHECK(depth <= TRACE_DEPTH_MAX + 2); // groups and attempts that were made up
	CHECK(node->status < TRACE_STATUS_COUNT);
	for (size_t i = 0; i < node->metadata_count; i++) {
		yyjson_doc *doc = json_read(node->metadata[i].values, false, NULL, &(struct error){0});
		CHECK(yyjson_is_obj(yyjson_doc_get_root(doc)));
		yyjson_doc_free(doc);
	}
	for (size_t i = 0; i < node->child_count; i++) check_node(node->children[i], depth + 1);
}

static void check_output(struct arena *arena, struct str text) {
	struct trace_output_id id;
	struct error error = {0};
	if (trace_output_id_parse(arena, text, &id, &error) != ERR_OK)
		fuzz_check_error(&error);
	else
		CHECK(trace_output_id_parse(arena, trace_output_id_text(arena, &id), &id, &error) == ERR_OK);
	struct trace_output out;
	trace_output_show(arena, text, &out);
	CHECK(!out.has_error || out.data.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct input in = {.subject = {.status = TRACE_RUN_CANCELLED}};
	in.all.spans = ARENA_ARRAY(&in.arena, struct span, SPANS_MAX);
	in.all.metadata = ARENA_ARRAY(&in.arena, struct span_metadata, SPANS_MAX);
	check_output(&in.arena, str_make(data, size));
	if (size > 0) in.subject.status = (enum trace_run_status)(data[0] % 7 * 100);
	size_t spans = size > 1 ? data[1] : 0;
	for (size_t at = 2; spans-- > 0 && at + BYTES_EACH <= size; at += BYTES_EACH) make_span(&in, data + at);
	size_t used = 2 + in.all.count * BYTES_EACH;
	if (used < size) make_metadata(&in, str_make(data + used, size - used));
	struct trace_node *tree = trace_tree(&in.arena, &in.subject, &in.all);
	struct trace_node *plain = trace_tree_plain(&in.arena, &in.subject, &in.all);
	CHECK((tree == NULL) == (plain == NULL));
	if (tree != NULL) check_node(tree, 0);
	if (plain != NULL) check_node(plain, 0);
	arena_free(&in.arena);
	return 0;
}
