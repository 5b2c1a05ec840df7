#include "base/str.h"

#include "base/check.h"

static unsigned char lower(char c) {
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_space(char c) {
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq_nocase(struct str a, struct str b) {
	if (a.len != b.len) return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i])) return false;
	}
	return true;
}

bool str_starts_with_nocase(struct str s, struct str prefix) {
	return s.len >= prefix.len && str_eq_nocase(str_first(s, prefix.len), prefix);
}

int str_cmp(struct str a, struct str b) {
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
	if (order != 0) return order;
	return (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t str_find(struct str s, char c) {
	const char *found = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
	return found != NULL ? found - s.ptr : -1;
}

ptrdiff_t str_rfind(struct str s, char c) {
	for (size_t i = s.len; i > 0; i--) {
		if (s.ptr[i - 1] == c) return (ptrdiff_t)(i - 1);
	}
	return -1;
}

ptrdiff_t str_find_str(struct str s, struct str needle) {
	if (needle.len == 0) return 0;
	if (s.len < needle.len) return -1;
	const char *found = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return found != NULL ? found - s.ptr : -1;
}

struct str str_trim(struct str s) {
	while (s.len > 0 && is_space(s.ptr[0])) s = (struct str){s.ptr + 1, s.len - 1};
	while (s.len > 0 && is_space(s.ptr[s.len - 1])) s.len--;
	return s;
}

bool str_cut(struct str s, char c, struct str *head, struct str *tail) {
	ptrdiff_t at = str_find(s, c);
	if (at < 0) {
		*head = s;
		*tail = (struct str){NULL, 0};
		return false;
	}
	*head = str_first(s, (size_t)at);
	*tail = (struct str){s.ptr + at + 1, s.len - (size_t)at - 1};
	return true;
}

bool str_to_u64(struct str s, uint64_t *out) {
	if (s.len == 0) return false;
	uint64_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
		uint64_t digit = (uint64_t)(s.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10) return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool str_to_i64(struct str s, int64_t *out) {
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t magnitude;
	if (!str_to_u64(negative ? str_skip(s, 1) : s, &magnitude)) return false;
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

// Length of the well-formed UTF-8 sequence at the start of `s` (not empty), 0 when it is malformed.
static size_t utf8_sequence(const unsigned char *s, size_t len) {
	static const struct {
		unsigned char first, last, second_min, second_max, len;
	} table[] = {
		{0x00, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (s[0] < table[i].first || s[0] > table[i].last) continue;
		if (len < table[i].len) return 0;
		if (table[i].len > 1 && (s[1] < table[i].second_min || s[1] > table[i].second_max)) return 0;
		for (size_t k = 2; k < table[i].len; k++) {
			if (s[k] < 0x80 || s[k] > 0xbf) return 0;
		}
		return table[i].len;
	}
	return 0;
}

size_t str_utf8_prefix(struct str s) {
	const unsigned char *bytes = (const unsigned char *)s.ptr;
	size_t at = 0;
	while (at < s.len) {
		size_t step = bytes[at] < 0x80 ? 1 : utf8_sequence(bytes + at, s.len - at);
		if (step == 0) break;
		at += step;
	}
	return at;
}

char *str_to_cstr(struct str s) {
	return mem_strndup(s.ptr, s.len);
}
