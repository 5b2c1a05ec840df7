#include "model/semver.h"

static bool is_identifier(char c) {
	return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

// One numeric part without leading zeros; absurdly long ones count as the largest number.
static bool take_number(struct str *text, uint64_t *out) {
	size_t len = 0;
	while (len < text->len && char_is_digit(text->ptr[len])) len++;
	if (len == 0 || (len > 1 && text->ptr[0] == '0')) return false;
	if (!str_to_u64(str_first(*text, len), out)) *out = UINT64_MAX;
	*text = str_skip(*text, len);
	return true;
}

// Dot-separated identifiers after '-' or '+'; numeric ones of a pre-release have no leading zeros.
static bool take_identifiers(struct str *text, bool prerelease) {
	for (;;) {
		size_t len = 0;
		bool numeric = true;
		for (; len < text->len && is_identifier(text->ptr[len]); len++)
			numeric &= char_is_digit(text->ptr[len]);
		if (len == 0 || (prerelease && numeric && len > 1 && text->ptr[0] == '0')) return false;
		*text = str_skip(*text, len);
		if (text->len == 0 || text->ptr[0] != '.') return true;
		*text = str_skip(*text, 1);
	}
}

bool semver_parse(struct str text, struct semver *out) {
	*out = (struct semver){0};
	for (int part = 0; part < 3; part++) {
		if (part > 0) {
			if (text.ptr[0] != '.') return false;
			text = str_skip(text, 1);
		}
		if (!take_number(&text, &out->numbers[part])) return false;
		if (text.len == 0) return true;
	}
	if (text.ptr[0] == '-') {
		out->prerelease = true;
		text = str_skip(text, 1);
		if (!take_identifiers(&text, true)) return false;
	}
	if (text.len > 0 && text.ptr[0] == '+') {
		text = str_skip(text, 1);
		if (!take_identifiers(&text, false)) return false;
	}
	return text.len == 0;
}

int semver_cmp(const struct semver *a, const struct semver *b) {
	for (int i = 0; i < 3; i++)
		if (a->numbers[i] != b->numbers[i]) return a->numbers[i] < b->numbers[i] ? -1 : 1;
	return (int)b->prerelease - (int)a->prerelease;
}
