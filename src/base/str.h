// Byte slices: the text type of the whole program.
//
// A `struct str` borrows memory that somebody else owns; it is never NUL-terminated by promise.
// Pure functions, any thread, nothing can fail.
#ifndef INNGEST_BASE_STR_H
#define INNGEST_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

// A slice over a string literal.
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
// For static initialisers.
#define STR_INIT(literal) \
	{ (literal), sizeof(literal) - 1 }
// printf("%.*s", STR_ARG(s))
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_make(const void *ptr, size_t len) {
	return (struct str){(const char *)ptr, len};
}
// The text of a C string; NULL gives the empty slice.
static inline struct str str_from_cstr(const char *text) {
	return (struct str){text, text != NULL ? strlen(text) : 0};
}
static inline bool str_eq(struct str a, struct str b) {
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool str_eq_cstr(struct str a, const char *b) {
	return str_eq(a, str_from_cstr(b));
}
static inline struct str str_skip(struct str s, size_t n) {
	return n >= s.len ? (struct str){NULL, 0} : (struct str){s.ptr + n, s.len - n};
}
static inline struct str str_first(struct str s, size_t n) {
	return (struct str){s.ptr, n < s.len ? n : s.len};
}
static inline bool str_starts_with(struct str s, struct str prefix) {
	return s.len >= prefix.len && str_eq(str_first(s, prefix.len), prefix);
}
static inline bool str_ends_with(struct str s, struct str suffix) {
	return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

// Of ASCII.
static inline bool char_is_digit(char c) {
	return c >= '0' && c <= '9';
}
static inline bool char_is_name(char c) { // what names begin with
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static inline int char_hex(char c) { // value of a hexadecimal digit; -1: it is none
	if (char_is_digit(c)) return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

// ASCII case folding only.
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with_nocase(struct str s, struct str prefix);
// <0, 0, >0; bytewise, a prefix sorts first.
int str_cmp(struct str a, struct str b);
// Index of the first/last `c`, or -1.
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_rfind(struct str s, char c);
// Index of the first occurrence of `needle`, or -1.
ptrdiff_t str_find_str(struct str s, struct str needle);
// Without leading and trailing ASCII white space.
struct str str_trim(struct str s);
// Splits at the first `c`: head gets what is before, *tail what is after; false when `c` is absent (head = all).
bool str_cut(struct str s, char c, struct str *head, struct str *tail);
// Decimal digits only (an optional leading '-' for the signed form), no blanks, range-checked.
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_i64(struct str s, int64_t *out);
// Length of the longest prefix that is well-formed UTF-8.
size_t str_utf8_prefix(struct str s);
// malloc'd NUL-terminated copy; the caller frees. Aborts when memory is out.
char *str_to_cstr(struct str s);

#endif
