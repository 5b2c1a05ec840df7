// Evaluation of searches.
#include "base/check.h"
#include "base/json.h"
#include "history/search_internal.h"

// Documents are parsed when the first comparison asks for them.
struct document {
	struct str text;
	yyjson_doc *doc;
	bool is_read;
};
struct evaluation_of_run {
	const struct search_subject *subject;
	struct document *data, *users; // one for each event
	struct document result;
};

static yyjson_val *document_root(struct document *document) {
	if (!document->is_read) {
		struct error error;
		document->is_read = true;
		document->doc = json_read(document->text, false, NULL, &error);
	}
	return yyjson_doc_get_root(document->doc);
}

// ---- Comparisons ---------------------------------------------------------------------------------------------------

static bool compare_values(const struct search_node *node, const struct cel_value *value) {
	int order = 2;
	if (node->op == SEARCH_EQUAL) return cel_equal(value, &node->value);
	if (node->op == SEARCH_NOT_EQUAL) return !cel_equal(value, &node->value);
	if (!cel_is_number(value) || !cel_order(value, &node->value, &order) || order == 2) return false;
	switch (node->op) {
	case SEARCH_LESS:
		return order < 0;
	case SEARCH_AT_MOST:
		return order <= 0;
	case SEARCH_MORE:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool compare_path(const struct search_node *node, yyjson_val *value) {
	for (uint32_t i = 0; i < node->path_count && value != NULL; i++)
		value = yyjson_is_obj(value) ? json_get_exact(value, node->path[i]) : NULL;
	if (value == NULL) return false;
	struct cel_value found = cel_from_json(value);
	return compare_values(node, &found);
}

static bool compare_text(const struct search_node *node, struct str text) {
	if (text.len == 0) return false; // missing
	return str_eq(text, node->value.text) == (node->op == SEARCH_EQUAL);
}

// An event has two ids: its own and the internal one.
static bool compare_id(const struct search_node *node, const struct search_event *event) {
	char internal[ULID_TEXT_LEN + 1];
	ulid_text(&event->internal_id, internal);
	bool is_equal = str_eq(event->id, node->value.text) || str_eq_cstr(node->value.text, internal);
	return is_equal == (node->op == SEARCH_EQUAL);
}

static bool compare_event(const struct evaluation_of_run *run, const struct search_node *node, size_t index) {
	const struct search_event *event = &run->subject->events[index];
	struct cel_value ts = cel_int(event->ts_ms);
	switch (node->subject) {
	case SEARCH_EVENT_ID:
		return compare_id(node, event);
	case SEARCH_EVENT_NAME:
		return compare_text(node, event->name);
	case SEARCH_EVENT_V:
		return compare_text(node, event->v);
	case SEARCH_EVENT_TS:
		return compare_values(node, &ts);
	case SEARCH_EVENT_USER:
		return compare_path(node, document_root(&run->users[index]));
	default:
		return compare_path(node, document_root(&run->data[index]));
	}
}

static bool compare_result(struct evaluation_of_run *run, const struct search_node *node) {
	bool wants_error = node->subject == SEARCH_ERROR;
	if (!run->subject->has_result || run->subject->has_failed != wants_error) return false;
	return compare_path(node, document_root(&run->result));
}

// ---- Lines ---------------------------------------------------------------------------------------------------------

// `index`: of the event; the count of events when there is none.
static bool matches(struct evaluation_of_run *run, const struct search_node *node, size_t index) {
	if (node->kind == SEARCH_AND) return matches(run, node->a, index) && matches(run, node->b, index);
	if (node->kind == SEARCH_OR) return matches(run, node->a, index) || matches(run, node->b, index);
	if (node->subject == SEARCH_OUTPUT || node->subject == SEARCH_ERROR) return compare_result(run, node);
	if (index == run->subject->event_count) return false;
	return compare_event(run, node, index);
}

static bool line_matches(struct evaluation_of_run *run, const struct search_node *line) {
	size_t count = run->subject->event_count;
	for (size_t i = 0; i < count; i++) {
		if (matches(run, line, i)) return true;
	}
	return count == 0 && matches(run, line, 0);
}

bool run_search_matches(const struct run_search *search, const struct search_subject *subject) {
	struct arena arena;
	struct evaluation_of_run run = {.subject = subject, .result = {.text = subject->result}};
	bool matched = true;
	arena_init(&arena, 256);
	run.data = ARENA_ARRAY(&arena, struct document, subject->event_count);
	run.users = ARENA_ARRAY(&arena, struct document, subject->event_count);
	for (size_t i = 0; i < subject->event_count; i++) {
		run.data[i].text = subject->events[i].data;
		run.users[i].text = subject->events[i].user;
	}
	for (size_t i = 0; i < search->count && matched; i++) matched = line_matches(&run, search->lines[i]);
	for (size_t i = 0; i < subject->event_count; i++) {
		yyjson_doc_free(run.data[i].doc);
		yyjson_doc_free(run.users[i].doc);
	}
	yyjson_doc_free(run.result.doc);
	arena_free(&arena);
	return matched;
}
