#include "model/problem.h"

#include "base/buf.h"
#include "model/utf8.h"

#define QUOTE_MAX 1024u

bool problems_count(struct problems *problems) {
	return ++problems->count <= PROBLEMS_LISTED_MAX;
}

void problems_list(struct problems *problems, const char *code, struct str message) {
	if (problems->listed == problems->capacity) {
		size_t capacity = problems->capacity == 0 ? 8 : 2 * problems->capacity;
		struct problem *list = ARENA_ARRAY(problems->arena, struct problem, capacity);
		if (problems->listed > 0) memcpy(list, problems->list, problems->listed * sizeof(*list));
		problems->list = list;
		problems->capacity = capacity;
	}
	problems->list[problems->listed++] = (struct problem){code, message};
}

struct str problem_quote(struct str text) {
	return utf8_clip(text, QUOTE_MAX);
}

static struct str keep(const struct problems *problems, struct buf *text) {
	struct str kept = arena_dup(problems->arena, buf_view(text));
	buf_free(text);
	return kept;
}

struct str problems_text(const struct problems *problems) {
	if (problems->count == 0) return STR("");
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	buf_u64(&text, problems->count);
	buf_lit(&text, " errors occurred:");
	for (size_t i = 0; i < problems->listed; i++) {
		buf_lit(&text, " * ");
		buf_str(&text, problems->list[i].message);
	}
	return keep(problems, &text);
}

struct str problems_json(const struct problems *problems) {
	if (problems->count == 0) return STR("");
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	buf_byte(&text, '[');
	for (size_t i = 0; i < problems->listed; i++) {
		if (i > 0) buf_byte(&text, ',');
		buf_lit(&text, "{\"code\":");
		buf_json_str(&text, str_from_cstr(problems->list[i].code));
		buf_lit(&text, ",\"data\":null,\"message\":");
		buf_json_str(&text, problems->list[i].message);
		buf_byte(&text, '}');
	}
	buf_byte(&text, ']');
	return keep(problems, &text);
}
