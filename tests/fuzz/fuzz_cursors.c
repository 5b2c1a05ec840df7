// Cursors of lists, of GraphQL and of REST: the first byte says of which list, the rest is what stands in the cursor,
// or the cursor itself. Encoded here, since a mutated base64 text is hardly ever one.
#include "api_world.h"
#include "base/codec.h"
#include "base/hash.h"
#include "server/v2.h"

#define RUNS(order, arguments)                                                                                        \
	"query ($c: String) {runs(after: $c, orderBy: [" order "], filter: {from: \"2020-01-01T00:00:00Z\"" arguments \
	") {edges {cursor node {id}} pageInfo {hasNextPage startCursor endCursor}}}"
#define EVENTS                                                                              \
	"query ($c: String) {eventsV2(after: $c, filter: {from: \"2020-01-01T00:00:00Z\", " \
	"includeInternalEvents: true}) {edges {cursor node {id}} pageInfo {hasNextPage endCursor}}}"
#define WORKERS                                                                                        \
	"query ($c: String) {workerConnections(after: $c, orderBy: [{field: CONNECTED_AT, direction: " \
	"ASC} {field: DISCONNECTED_AT, direction: DESC}], filter: {}) {edges {cursor}}}"
static const char *const queries[] = {
	RUNS("", "}"),
	RUNS("{field: QUEUED_AT, direction: ASC}", "}"),
	RUNS("{field: ENDED_AT, direction: DESC}", "}"),
	RUNS("{field: ENDED_AT, direction: ASC} {field: QUEUED_AT, direction: DESC}", "}, preview: false"),
	RUNS("{field: STARTED_AT, direction: DESC}", ", timeField: ENDED_AT}"),
	RUNS("{field: QUEUED_AT, direction: DESC}", ", query: \"output.k != 2\"}"),
	EVENTS,
	WORKERS,
};
#define REST_LISTS 2

static struct str base64(struct arena *arena, struct str text) {
	struct buf out;
	buf_init(&out, 2 * text.len + 8);
	base64_append(&out, text, true);
	struct str copy = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return copy;
}

// What is read gives the same when it is written and read again.
static void check_rest(struct arena *arena, struct str cursor, enum run_time by) {
	struct run_order order = {.by = by, .descending = true};
	struct run_cursor first, second;
	if (!v2_run_cursor_parse(cursor, &order, &first)) return;
	struct str again = v2_run_cursor(arena, &order, &first);
	CHECK(v2_run_cursor_parse(again, &order, &second));
	CHECK(ulid_cmp(&first.run_id, &second.run_id) == 0 && first.at_ns[0] == second.at_ns[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 1) return 0;
	open_world();
	struct arena arena = {0};
	size_t which = (data[0] & 0x7f) % (ARRAY_LEN(queries) + REST_LISTS);
	bool is_bare = (data[0] & 0x80) != 0;
	struct str text = str_make(data + 1, size - 1);
	struct str cursor = is_bare ? text : base64(&arena, text);
	if (which >= ARRAY_LEN(queries)) {
		check_rest(&arena, cursor, which == ARRAY_LEN(queries) ? RUN_TIME_QUEUED : RUN_TIME_ENDED);
	} else if (str_utf8_prefix(cursor) == cursor.len) {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *root = yyjson_mut_obj(doc);
		yyjson_mut_obj_add_strn(doc, root, "c", cursor.len > 0 ? cursor.ptr : "", cursor.len);
		yyjson_mut_doc_set_root(doc, root);
		yyjson_doc *variables = yyjson_mut_doc_imut_copy(doc, NULL);
		CHECK(ask_world(str_from_cstr(queries[which]), yyjson_doc_get_root(variables)) == 200);
		yyjson_doc_free(variables);
		yyjson_mut_doc_free(doc);
	}
	arena_free(&arena);
	return 0;
}
