// The body of POST /e/{key}: one event or many, taken in order up to the first bad one (spec 05 §7.2).
#include "model/event_read.h"
#include "model/limits.h"

// Events as they are accepted.
struct intake {
	struct arena *arena;
	const struct event_seed *seed;
	uint64_t now_ms;
	struct buf scratch;
	struct event *events;
	size_t count;
	size_t capacity;
};

static void intake_grow(struct intake *in) {
	size_t capacity = in->capacity == 0 ? 1 : 4 * in->capacity;
	struct event *events = ARENA_ARRAY(in->arena, struct event, capacity);
	if (in->count > 0) memcpy(events, in->events, in->count * sizeof(*events));
	in->events = events;
	in->capacity = capacity;
}

static enum err intake_take(struct intake *in, yyjson_val *value, struct error *error) {
	if (in->count == EVENT_BATCH_MAX)
		return error_set(error, ERR_TOO_LARGE, "Cannot have more than %u events in a batch", EVENT_BATCH_MAX);
	if (in->count == in->capacity) intake_grow(in);
	struct ulid id = event_id_make(in->seed, (uint32_t)in->count + 1, in->now_ms);
	bool stable_id = in->seed != NULL && in->seed->present;
	enum err err =
		event_read(in->arena, &in->scratch, value, &id, stable_id, in->now_ms, &in->events[in->count], error);
	if (err == ERR_OK) in->count++;
	return err;
}

static enum err size_check(struct str text, struct error *error) {
	if (text.len <= EVENT_SIZE_MAX) return ERR_OK;
	return error_set(error, ERR_TOO_LARGE, "Event is over the max size: Max %u bytes / Size %zu bytes",
			 EVENT_SIZE_MAX, text.len);
}

static enum err take_text(struct intake *in, struct str text, struct error *error) {
	enum err err = size_check(text, error);
	if (err != ERR_OK) return err;
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	err = intake_take(in, yyjson_doc_get_root(doc), error);
	yyjson_doc_free(doc);
	return err;
}

static struct str skip_blanks(struct str s) {
	size_t at = 0;
	while (at < s.len && strchr(" \t\r\n", s.ptr[at]) != NULL && s.ptr[at] != '\0') at++;
	return str_skip(s, at);
}

// Length of the string literal at the start, up to the end of the text when it is not closed.
static size_t string_length(struct str s) {
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == '\\') {
			i++;
		} else if (s.ptr[i] == '"') {
			return i + 1;
		}
	}
	return s.len;
}

// Length of the array element at the start: as far as its brackets go, or to what ends a scalar.
static size_t element_length(struct str s) {
	size_t depth = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c == '"') {
			i += string_length(str_make(s.ptr + i, s.len - i)) - 1;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']')) return i;
		if (c == '{' || c == '[') depth++;
		if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) return i + 1;
	}
	return s.len;
}

// Element by element: for large bodies, where each one's size counts, and for those with a flaw somewhere.
static enum err take_elements(struct intake *in, struct str rest, struct error *error) {
	rest = skip_blanks(str_skip(rest, 1));
	if (rest.len == 0 || rest.ptr[0] == ']') return ERR_OK;
	for (;;) {
		if (in->count == EVENT_BATCH_MAX) return intake_take(in, NULL, error);
		struct str element = str_first(rest, element_length(rest));
		enum err err = take_text(in, element, error);
		if (err != ERR_OK) return err;
		rest = skip_blanks(str_skip(rest, element.len));
		if (rest.len == 0 || rest.ptr[0] == ']') return ERR_OK; // the closing bracket may be missing
		if (rest.ptr[0] != ',')
			return error_set(error, ERR_INVALID,
					 "invalid JSON: expected ',' or ']' after an array element");
		rest = skip_blanks(str_skip(rest, 1));
	}
}

static enum err take_array(struct intake *in, struct str body, struct error *error) {
	struct error unused;
	// No element of a body of this size can be too large, so one parse serves all of them.
	yyjson_doc *doc = body.len <= EVENT_SIZE_MAX ? json_read(body, true, NULL, &unused) : NULL;
	if (doc == NULL) return take_elements(in, body, error);
	enum err err = ERR_OK;
	yyjson_arr_iter iter = yyjson_arr_iter_with(yyjson_doc_get_root(doc));
	for (yyjson_val *value; err == ERR_OK && (value = yyjson_arr_iter_next(&iter)) != NULL;)
		err = intake_take(in, value, error);
	yyjson_doc_free(doc);
	return err;
}

static bool is_form(struct str content_type) {
	struct str media;
	struct str parameters;
	str_cut(content_type, ';', &media, &parameters);
	media = str_trim(media);
	return str_eq_nocase(media, STR("multipart/form-data")) ||
	       str_eq_nocase(media, STR("application/x-www-form-urlencoded"));
}

enum err events_parse_body(struct arena *arena, struct str body, struct str content_type, const struct event_seed *seed,
			   uint64_t now_ms, struct event **events, size_t *count, struct error *error) {
	struct intake in = {.arena = arena, .seed = seed, .now_ms = now_ms};
	enum err err = ERR_OK;
	buf_init(&in.scratch, EVENT_TEXT_MAX);
	body = skip_blanks(body);
	if (body.len == 0) {
		err = ERR_OK;
	} else if (body.ptr[0] == '{') {
		err = take_text(&in, body, error);
	} else if (body.ptr[0] == '[') {
		err = take_array(&in, body, error);
	} else if (is_form(content_type)) {
		// A form is an object of arrays of text, and the name of an event is no array.
		err = error_set(error, ERR_INVALID,
				"json: cannot unmarshal array into Go struct field raw.name of type string");
	} else {
		err = error_set(error, ERR_INVALID,
				"Request body must contain an event object or an array of event objects");
	}
	buf_free(&in.scratch);
	*events = in.events;
	*count = in.count;
	return err;
}
