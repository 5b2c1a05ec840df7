// Forms: the value of Content-Type on the first line, the body after it.
#include "fuzz.h"
#include "server/gql/multipart.h"

static bool is_within(struct str part, struct str whole) {
	return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str type, body, name, content;
	struct multipart form;
	if (!str_cut(str_make(data, size), '\n', &type, &body)) return 0;
	(void)multipart_is_form(type);
	if (!multipart_begin(&form, type, body)) return 0;
	struct str delimiter = str_make(form.delimiter, form.delimiter_len);
	for (size_t left = body.len + 1; multipart_next(&form, &name, &content); left = form.rest.len) {
		CHECK(is_within(name, body) && is_within(content, body));
		CHECK(form.rest.len < left); // it ends
		CHECK(str_find_str(content, delimiter) < 0);
	}
	return 0;
}
