#include "model/form.h"

bool form_decode(struct arena *arena, struct str text, struct str *out) {
	char *bytes = arena_alloc(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%') {
			int high = i + 2 < text.len ? char_hex(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? char_hex(text.ptr[i + 2]) : -1;
			if (high < 0 || low < 0) return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		bytes[len++] = c;
	}
	*out = str_make(bytes, len);
	return true;
}

bool form_find(struct arena *arena, struct str form, struct str name, struct str *out) {
	for (bool more = form.len > 0; more;) {
		struct str pair, key, value = {NULL, 0};
		more = str_cut(form, '&', &pair, &form);
		if (str_find(pair, ';') >= 0) continue;
		str_cut(pair, '=', &key, &value);
		if (!form_decode(arena, key, &key) || !str_eq(key, name)) continue;
		if (form_decode(arena, value, out)) return true;
	}
	return false;
}
