#include "model/utf8.h"

size_t utf8_sequence(struct str s) {
	if (s.len == 0) return 0;
	uint8_t lead = (uint8_t)s.ptr[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	return s.len >= len && str_utf8_prefix(str_first(s, len)) == len ? len : 0;
}

bool utf8_valid(struct str s) {
	return str_utf8_prefix(s) == s.len;
}

struct str utf8_clip(struct str s, size_t max) {
	if (s.len <= max) return s;
	size_t len = max;
	// At most three continuation bytes belong to the character that is cut.
	for (int i = 0; i < 3 && len > 0 && ((uint8_t)s.ptr[len] & 0xC0) == 0x80; i++) len--;
	return str_first(s, len);
}

void utf8_repair(struct buf *out, struct str s) {
	while (s.len > 0) {
		size_t good = str_utf8_prefix(s);
		buf_append(out, s.ptr, good);
		s = str_skip(s, good);
		if (s.len == 0) break;
		buf_lit(out, "\xEF\xBF\xBD");
		s = str_skip(s, 1);
	}
}

void utf8_json_str(struct buf *out, struct str s) {
	if (utf8_valid(s)) {
		buf_json_str(out, s);
		return;
	}
	struct buf repaired;
	buf_init(&repaired, s.len * 3);
	utf8_repair(&repaired, s);
	buf_json_str(out, buf_view(&repaired));
	buf_free(&repaired);
}
