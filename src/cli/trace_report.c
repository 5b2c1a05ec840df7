// The trace of a run as a tree. Where the server names a step twice, as a request and as what that did (06 §15), one
// line is enough for people.
#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "cli/runs.h"
#include "cli/show.h"

#define COLUMNS 5
#define DEPTH_SHOWN 20u // deeper lines are indented no more
#define ERROR_MAX 200u

static const char *const headings[COLUMNS] = {"STEP", "STATUS", "DURATION", "OP", "ERROR"};

// The spans of one step.
struct twin {
	struct map_node node;
	struct str step;
	size_t count;
	yyjson_val *chosen, *place; // what is shown, at the place of which
};

static struct twin *twin_find(const struct map *twins, struct str step) {
	for (struct map_node *n = map_first(twins, hash_bytes(step.ptr, step.len)); n != NULL; n = map_next(n)) {
		struct twin *twin = container_of(n, struct twin, node);
		if (str_eq(twin->step, step)) return twin;
	}
	return NULL;
}

static bool has_children(yyjson_val *span) {
	return yyjson_arr_size(reply_get(span, "children")) > 0;
}

// The one with attempts tells more; else the last one has its own times. A request begins before the steps that it
// runs, and a step that follows a sleep is said to begin with that (06 §14): so the later of the two tells when the
// step began.
static void twin_add(struct map *twins, struct arena *arena, yyjson_val *span) {
	struct str step = reply_str(span, "stepId");
	struct twin *twin = twin_find(twins, step);
	if (step.len == 0) return;
	if (twin == NULL) {
		twin = ARENA_NEW(arena, struct twin);
		twin->step = step;
		map_insert(twins, &twin->node, hash_bytes(step.ptr, step.len));
	}
	if (twin->count++ < 2) twin->place = span;
	if (twin->chosen == NULL || !has_children(twin->chosen)) twin->chosen = span;
}

// The executor's own account of a request that a sibling tells about.
static bool is_internal(yyjson_val *span) {
	return str_eq_cstr(reply_str(span, "name"), "executor.nonstep");
}

// ---- a line ----------------------------------------------------------------------------------------------------

static void cell_name(struct table *table, struct str name, size_t depth) {
	struct buf *cell = table_cell_start(table);
	buf_printf(cell, "%*s", (int)(2 * (depth < DEPTH_SHOWN ? depth : DEPTH_SHOWN)), "");
	show_text(cell, name.len > 0 ? name : STR("?"));
	table_cell_end(table, depth == 0 ? SHOW_BOLD : NULL);
}

static bool span_ms(yyjson_val *span, uint64_t *out) {
	int64_t from_ns, to_ns;
	if (reply_count_text(span, "durationMs", out)) return true;
	if (!reply_time(span, "startedAt", &from_ns) || !reply_time(span, "endedAt", &to_ns)) return false;
	*out = show_distance_ms(from_ns, to_ns);
	return true;
}

static void cell_duration(struct table *table, yyjson_val *span) {
	uint64_t ms;
	struct buf *cell = table_cell_start(table);
	if (span_ms(span, &ms)) show_elapsed(cell, ms);
	table_cell_end(table, NULL);
}

static void cell_error(struct table *table, yyjson_val *span) {
	yyjson_val *output = reply_get(span, "output"), *error = reply_get(output, "error");
	struct buf *cell = table_cell_start(table);
	if (str_eq_cstr(reply_str(span, "status"), "FAILED"))
		runs_report_error_line(cell, yyjson_is_obj(error) ? error : output, ERROR_MAX);
	table_cell_end(table, SHOW_RED);
}

static void report_span(struct table *table, yyjson_val *span, struct str name, size_t depth) {
	struct str status = reply_str(span, "status");
	if (status.len == 0) status = STR("QUEUED"); // version 2 has no such one for spans (05 §13.10)
	cell_name(table, name, depth);
	table_coloured(table, status, show_status_colour(status));
	cell_duration(table, span);
	table_text(table, reply_str(span, "stepOp"));
	cell_error(table, span);
}

// ---- the tree --------------------------------------------------------------------------------------------------

// As deep as the reply, which JSON_DEPTH_MAX bounds.
static void report_below(struct table *table, yyjson_val *span, size_t depth) {
	size_t i, max;
	yyjson_val *child;
	report_span(table, span, reply_str(span, "name"), depth);
	yyjson_arr_foreach(reply_get(span, "children"), i, max, child) report_below(table, child, depth + 1);
}

// Steps are children of the root. The attempts of a step are its children, and have its id, too.
static void report_steps(struct table *table, struct arena *arena, yyjson_val *root) {
	size_t i, max;
	yyjson_val *child, *children = reply_get(root, "children");
	struct map twins;
	map_init(&twins);
	yyjson_arr_foreach(children, i, max, child) twin_add(&twins, arena, child);
	yyjson_arr_foreach(children, i, max, child) {
		const struct twin *twin = twin_find(&twins, reply_str(child, "stepId"));
		yyjson_val *shown = twin == NULL ? child : twin->place == child ? twin->chosen : NULL;
		if (shown != NULL && !is_internal(shown)) report_below(table, shown, 1);
	}
	map_free(&twins);
}

static void report_tree(const struct run_report *report, yyjson_val *root) {
	struct table table;
	struct arena arena;
	arena_init(&arena, 0);
	table_init(&table, headings, COLUMNS, report->terminal, report->colour);
	report_span(&table, root, STR("Run"), 0);
	report_steps(&table, &arena, root);
	buf_byte(report->out, '\n');
	table_print(&table, report->out);
	table_free(&table);
	arena_free(&arena);
}

enum err runs_report_trace(const struct run_report *report, struct str reply, struct error *error) {
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	enum err err = ERR_OK;
	yyjson_val *root = reply_get(reply_data(doc), "rootSpan");
	if (yyjson_is_obj(root))
		report_tree(report, root);
	else
		err = error_set(error, ERR_INVALID, "there is no trace in it");
	yyjson_doc_free(doc);
	return err;
}
