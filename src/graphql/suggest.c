#include "graphql/suggest.h"

#include "base/buf.h"

#define NAME_MAX 128 // longer ones are not compared

static char lower(char c) {
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t smallest(size_t a, size_t b, size_t c) {
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

// Insertions, deletions, replacements and swaps of neighbours that make one name the other, letter case aside.
static size_t distance(struct str a, struct str b) {
	size_t rows[3][NAME_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t k = 0; k <= b.len; k++) above[k] = k;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t k = 1; k <= b.len; k++) {
			char x = lower(a.ptr[i - 1]), y = lower(b.ptr[k - 1]);
			row[k] = smallest(row[k - 1] + 1, above[k] + 1, above[k - 1] + (x == y ? 0 : 1));
			bool swapped = i > 1 && k > 1 && x == lower(b.ptr[k - 2]) && y == lower(a.ptr[i - 2]);
			if (swapped && before[k - 2] + 1 < row[k]) row[k] = before[k - 2] + 1;
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

void gql_suggest_init(struct gql_suggestions *suggestions, struct str wanted) {
	*suggestions = (struct gql_suggestions){.wanted = wanted};
}

// By distance, then by name.
static bool is_better(const char *name, size_t away, const char *other, size_t other_away) {
	return away != other_away ? away < other_away : strcmp(name, other) < 0;
}

static void insert(struct gql_suggestions *s, const char *name, size_t away) {
	size_t at = s->count;
	while (at > 0 && is_better(name, away, s->best[at - 1].name, s->best[at - 1].distance)) at--;
	if (at == GQL_SUGGESTIONS_MAX) return;
	if (s->count < GQL_SUGGESTIONS_MAX) s->count++;
	memmove(&s->best[at + 1], &s->best[at], (s->count - 1 - at) * sizeof(s->best[0]));
	s->best[at].name = name;
	s->best[at].distance = away;
}

void gql_suggest(struct gql_suggestions *suggestions, const char *name) {
	struct str option = str_from_cstr(name), wanted = suggestions->wanted;
	size_t most = wanted.len * 2 / 5 + 1;
	if (option.len > NAME_MAX || wanted.len > option.len + most || option.len > wanted.len + most) return;
	size_t away = str_eq_nocase(wanted, option) ? 1 : distance(wanted, option);
	if (away <= most) insert(suggestions, name, away);
}

void gql_suggest_always(struct gql_suggestions *suggestions, const char *name) {
	if (suggestions->count < GQL_SUGGESTIONS_MAX) suggestions->best[suggestions->count++].name = name;
}

struct str gql_did_you_mean(struct arena *arena, const struct gql_suggestions *suggestions, const char *what) {
	size_t count = suggestions->count;
	struct buf text;
	if (count == 0) return STR("");
	buf_init(&text, 4096);
	buf_printf(&text, " Did you mean %s", what);
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_str(&text, count > 2 ? STR(", ") : STR(" "));
		if (i > 0 && i + 1 == count) buf_lit(&text, "or ");
		buf_printf(&text, "\"%s\"", suggestions->best[i].name);
	}
	buf_byte(&text, '?');
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}
