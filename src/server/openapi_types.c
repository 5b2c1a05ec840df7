// From the short types of the tables to JSON Schema.
#include <string.h>

#include "server/openapi.h"

static const struct {
	const char *name, *schema;
} simple_types[] = {
	{"string", "{\"type\":\"string\"}"},
	{"integer", "{\"type\":\"integer\"}"},
	{"boolean", "{\"type\":\"boolean\"}"},
	{"object", "{\"type\":\"object\"}"},
	{"any", "{}"},
	{"time", "{\"type\":\"string\",\"format\":\"date-time\"}"},
	{"uuid", "{\"type\":\"string\",\"format\":\"uuid\"}"},
	{"ulid", "{\"type\":\"string\",\"minLength\":26,\"maxLength\":26}"},
	{"int64", "{\"type\":\"string\",\"format\":\"int64\"}"},
};

static void write_enum(struct buf *out, struct str words) {
	struct str word;
	buf_lit(out, "{\"enum\":[");
	for (bool more = true, first = true; more; first = false) {
		more = str_cut(words, '|', &word, &words);
		if (!first) buf_byte(out, ',');
		buf_json_str(out, word);
	}
	buf_lit(out, "]}");
}

static void write_named(struct buf *out, struct str name) {
	for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++) {
		if (!str_eq_cstr(name, simple_types[i].name)) continue;
		buf_str(out, str_from_cstr(simple_types[i].schema));
		return;
	}
	if (str_find(name, '|') >= 0) {
		write_enum(out, name);
		return;
	}
	buf_lit(out, "{\"$ref\":\"#/components/schemas/");
	buf_str(out, name);
	buf_lit(out, "\"}");
}

static const char *write_inner(struct buf *out, const char *type) {
	if (*type == '[' || *type == '{') {
		buf_str(out, *type == '[' ? STR("{\"type\":\"array\",\"items\":")
					  : STR("{\"type\":\"object\",\"additionalProperties\":"));
		const char *end = openapi_write_type(out, type + 1);
		buf_byte(out, '}');
		return *end != '\0' ? end + 1 : end; // the closing bracket
	}
	size_t len = strcspn(type, " ]}~");
	write_named(out, str_make(type, len));
	return type + len;
}

const char *openapi_write_type(struct buf *out, const char *type) {
	size_t start = out->len;
	const char *end = write_inner(out, type);
	if (*end != '~') return end;
	// Once more, inside of the alternative.
	out->len = start;
	buf_lit(out, "{\"anyOf\":[");
	end = write_inner(out, type);
	buf_lit(out, ",{\"type\":\"null\"}]}");
	return end + 1;
}

void openapi_write_members(struct buf *out, const char *members) {
	struct buf required;
	buf_init(&required, 65536);
	buf_lit(out, "{\"type\":\"object\",\"properties\":{");
	for (const char *at = members; *at != '\0'; at += *at == ' ') {
		size_t len = strcspn(at, "?:");
		bool is_optional = at[len] == '?';
		if (at != members) buf_byte(out, ',');
		buf_json_str(out, str_make(at, len));
		buf_byte(out, ':');
		if (!is_optional) {
			if (required.len > 0) buf_byte(&required, ',');
			buf_json_str(&required, str_make(at, len));
		}
		at = openapi_write_type(out, at + len + (is_optional ? 2 : 1));
	}
	buf_byte(out, '}');
	if (required.len > 0) {
		buf_lit(out, ",\"required\":[");
		buf_str(out, buf_view(&required));
		buf_byte(out, ']');
	}
	buf_byte(out, '}');
	buf_free(&required);
}
