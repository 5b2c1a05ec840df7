#include "server/gql/multipart.h"

// Where it begins; the length of the text when it is not there.
static size_t find(struct str text, struct str what) {
	ptrdiff_t at = str_find_str(text, what);
	return at >= 0 ? (size_t)at : text.len;
}

// The next parameter of a header's value behind its first word: `; name="value"`. False at the end. A quoted value ends
// at the next quote: browsers escape those inside.
static bool next_parameter(struct str *rest, struct str *name, struct str *value) {
	struct str before;
	*value = (struct str){"", 0};
	if (!str_cut(*rest, ';', &before, rest)) return false;
	struct str text = *rest;
	size_t end = 0;
	while (end < text.len && text.ptr[end] != '=' && text.ptr[end] != ';') end++;
	*name = str_trim(str_first(text, end));
	if (end == text.len || text.ptr[end] == ';') {
		*rest = str_skip(text, end);
		return true;
	}
	text = str_trim(str_skip(text, end + 1));
	char stop = ';';
	if (text.len > 0 && text.ptr[0] == '"') {
		stop = '"';
		text = str_skip(text, 1);
	}
	for (end = 0; end < text.len && text.ptr[end] != stop; end++) continue;
	*value = stop == ';' ? str_trim(str_first(text, end)) : str_first(text, end);
	*rest = str_skip(text, end);
	return true;
}

static struct str parameter_of(struct str header, struct str wanted) {
	struct str name, value;
	while (next_parameter(&header, &name, &value))
		if (str_eq_nocase(name, wanted)) return value;
	return (struct str){"", 0};
}

static struct str first_word(struct str header) {
	struct str word, rest;
	(void)str_cut(header, ';', &word, &rest);
	return str_trim(word);
}

bool multipart_is_form(struct str type) {
	return str_eq_nocase(first_word(type), STR("multipart/form-data"));
}

bool multipart_begin(struct multipart *form, struct str type, struct str body) {
	struct str boundary = parameter_of(type, STR("boundary"));
	if (boundary.len == 0 || boundary.len > MULTIPART_BOUNDARY_MAX) return false;
	memcpy(form->delimiter, "\r\n--", 4);
	memcpy(form->delimiter + 4, boundary.ptr, boundary.len);
	form->delimiter_len = boundary.len + 4;
	// What stands before the first line with the boundary is nothing.
	struct str delimiter = str_make(form->delimiter, form->delimiter_len);
	if (str_starts_with(body, str_skip(delimiter, 2))) {
		form->rest = str_skip(body, delimiter.len - 2);
		return true;
	}
	size_t at = find(body, delimiter);
	form->rest = at < body.len ? str_skip(body, at + delimiter.len) : (struct str){"", 0};
	return at < body.len;
}

static struct str name_of(struct str headers) {
	struct str line, field, value;
	while (headers.len > 0) {
		(void)str_cut(headers, '\n', &line, &headers);
		if (!str_cut(line, ':', &field, &value)) continue;
		if (!str_eq_nocase(str_trim(field), STR("Content-Disposition"))) continue;
		return parameter_of(value, STR("name"));
	}
	return (struct str){"", 0};
}

bool multipart_next(struct multipart *form, struct str *name, struct str *content) {
	struct str text = form->rest, delimiter = str_make(form->delimiter, form->delimiter_len);
	form->rest = (struct str){"", 0};
	if (str_starts_with(text, STR("--"))) return false; // the last delimiter
	size_t line = find(text, STR("\r\n"));
	if (line >= text.len) return false;
	text = str_skip(text, line); // headers begin behind its end, and end with an empty line
	size_t head = find(text, STR("\r\n\r\n"));
	if (head >= text.len) return false;
	*name = name_of(str_first(text, head));
	text = str_skip(text, head + 2); // its second line end may be that of the delimiter: no content
	size_t end = find(text, delimiter);
	if (end >= text.len) return false;
	*content = end >= 2 ? str_skip(str_first(text, end), 2) : (struct str){"", 0};
	form->rest = str_skip(text, end + delimiter.len);
	return true;
}
