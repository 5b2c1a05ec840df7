#include "graphql/graphql.h"

struct gql_error *gql_error_add(struct gql_errors *errors) {
	static _Thread_local struct gql_error spare;
	struct gql_error *error = errors->count < GQL_ERRORS_MAX ? &errors->items[errors->count++] : &spare;
	*error = (struct gql_error){0};
	return error;
}

#define CLIP_BYTES 100

struct str gql_clip(struct str text) {
	struct str start = str_first(text, CLIP_BYTES);
	// A character cut in two is left out.
	return text.len > CLIP_BYTES ? str_first(start, str_utf8_prefix(start)) : start;
}

static bool is_markup(char c) {
	return c == '<' || c == '>' || c == '&';
}

// A JSON string that may stand in HTML, as the reference writes it (spec 06 §1.3).
static void write_text(struct buf *out, struct str text) {
	static const char hex[] = "0123456789abcdef";
	buf_byte(out, '"');
	while (text.len > 0 && !out->overflow) {
		size_t plain = 0;
		while (plain < text.len && !is_markup(text.ptr[plain])) plain++;
		size_t quote = out->len;
		buf_json_str(out, str_first(text, plain));
		if (out->overflow) return;
		out->len -= 2; // without the quotes
		memmove(out->ptr + quote, out->ptr + quote + 1, out->len - quote);
		if (plain == text.len) break;
		unsigned char c = (unsigned char)text.ptr[plain];
		buf_printf(out, "\\u00%c%c", hex[c >> 4], hex[c & 15]);
		text = str_skip(text, plain + 1);
	}
	buf_byte(out, '"');
}

// Iterative, since a path in variables is as long as JSON is deep: the steps are found from the last to the first.
static const struct gql_step *step_at(const struct gql_step *last, size_t from_end) {
	while (from_end-- > 0) last = last->parent;
	return last;
}

static void write_path(struct buf *out, const struct gql_step *last) {
	size_t count = 0;
	for (const struct gql_step *step = last; step != NULL; step = step->parent) count++;
	buf_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		const struct gql_step *step = step_at(last, count - 1 - i);
		if (i > 0) buf_byte(out, ',');
		if (step->key.len > 0) {
			write_text(out, step->key);
		} else {
			buf_u64(out, step->index);
		}
	}
	buf_byte(out, ']');
}

static void write_error(struct buf *out, const struct gql_error *error) {
	buf_lit(out, "{\"message\":");
	write_text(out, error->message);
	if (error->path != NULL) {
		buf_lit(out, ",\"path\":");
		write_path(out, error->path);
	}
	if (error->location.line > 0)
		buf_printf(out, ",\"locations\":[{\"line\":%u,\"column\":%u}]", error->location.line,
			   error->location.column);
	if (error->code != NULL) {
		buf_lit(out, ",\"extensions\":{\"code\":");
		write_text(out, str_from_cstr(error->code));
		buf_byte(out, '}');
	}
	buf_byte(out, '}');
}

void gql_errors_write(struct buf *out, const struct gql_errors *errors) {
	buf_byte(out, '[');
	for (size_t i = 0; i < errors->count; i++) {
		if (i > 0) buf_byte(out, ',');
		write_error(out, &errors->items[i]);
	}
	buf_byte(out, ']');
}

void gql_write_error(struct buf *out, struct str message, const char *code) {
	struct gql_error error = {.message = message, .code = code};
	buf_lit(out, "{\"errors\":[");
	write_error(out, &error);
	buf_lit(out, "],\"data\":null}");
}
