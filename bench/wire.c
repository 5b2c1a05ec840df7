#include "wire.h"

#define HEAD_MAX 65536

static bool header_value(struct str line, struct str name, struct str *value) {
	if (!str_starts_with_nocase(line, name)) return false;
	*value = str_trim(str_skip(line, name.len));
	return true;
}

// Reads one header line; false when the message cannot be framed.
static bool read_header(struct str line, struct wire_message *out, uint64_t *length) {
	struct str value;
	switch (line.len > 0 ? line.ptr[0] | 0x20 : 0) {
	case 'c':
		if (header_value(line, STR("content-length:"), &value)) return str_to_u64(value, length);
		if (header_value(line, STR("connection:"), &value)) out->close = str_eq_nocase(value, STR("close"));
		return true;
	case 't':
		return !header_value(line, STR("transfer-encoding:"), &value);
	default:
		return true;
	}
}

enum wire_state wire_parse(struct str input, struct wire_message *out) {
	ptrdiff_t end = str_find_str(input, STR("\r\n\r\n"));
	if (end < 0) return input.len > HEAD_MAX ? WIRE_MALFORMED : WIRE_INCOMPLETE;
	uint64_t length = 0;
	struct str rest = str_first(input, (size_t)end + 2);
	*out = (struct wire_message){0};
	while (rest.len > 0) {
		ptrdiff_t eol = str_find(rest, '\n');
		if (eol < 1) return WIRE_MALFORMED;
		struct str line = str_first(rest, (size_t)eol - 1);
		if (out->first_line.ptr == NULL)
			out->first_line = line;
		else if (!read_header(line, out, &length))
			return WIRE_MALFORMED;
		rest = str_skip(rest, (size_t)eol + 1);
	}
	size_t head = (size_t)end + 4;
	if (input.len - head < length) return WIRE_INCOMPLETE;
	out->body = str_first(str_skip(input, head), (size_t)length);
	out->size = head + (size_t)length;
	return WIRE_WHOLE;
}

unsigned wire_status(struct str first_line) {
	uint64_t status = 0;
	if (first_line.len < sizeof "HTTP/1.1 200" - 1) return 0;
	return str_to_u64(str_first(str_skip(first_line, 9), 3), &status) ? (unsigned)status : 0;
}

struct str wire_query(struct str first_line, struct str name) {
	ptrdiff_t at = str_find_str(first_line, name);
	if (at < 0) return (struct str){NULL, 0};
	struct str value = str_skip(first_line, (size_t)at + name.len);
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] == '&' || value.ptr[i] == ' ') return str_first(value, i);
	return value;
}
