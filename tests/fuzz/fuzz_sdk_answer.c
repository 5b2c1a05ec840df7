// An app's reply: the status on the first line, headers, an empty line, the body.
#include "fuzz.h"
#include "model/answer.h"

#define HEADERS_MAX 16

static size_t read_headers(struct str *text, struct answer_header *headers) {
	size_t count = 0;
	struct str line;
	while (text->len > 0) {
		str_cut(*text, '\n', &line, text);
		if (line.len == 0) break;
		struct answer_header header;
		if (count < HEADERS_MAX && str_cut(line, ':', &header.name, &header.value)) headers[count++] = header;
	}
	return count;
}

static void check(const struct answer *answer) {
	for (size_t i = 0; i < answer->op_count; i++) fuzz_check_opcode(&answer->ops[i]);
	fuzz_check_payload(answer->output);
	fuzz_check_payload(answer->standard_error);
	fuzz_check_utf8(answer->error);
	struct str described = answer->exchange.headers;
	CHECK(described.len <= ANSWER_HEADERS_MAX);
	yyjson_doc *doc = described.len > 0 ? json_read(described, false, NULL, NULL) : NULL;
	CHECK((doc != NULL) == (described.len > 0));
	fuzz_check_utf8(described);
	yyjson_doc_free(doc);
	bool failed = answer->kind == ANSWER_ERROR;
	CHECK((answer->error.len > 0) == failed && (answer->standard_error != NULL) == failed);
	CHECK((answer->op_count > 0) == (answer->kind == ANSWER_OPCODES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str text = str_make(data, size), status_text;
	struct answer_header headers[HEADERS_MAX];
	uint64_t status = 0;
	str_cut(text, '\n', &status_text, &text);
	if (!str_to_u64(status_text, &status) || status > 999) status = 200;
	struct http_reply reply = {.status = (int)status, .headers = headers};
	reply.header_count = read_headers(&text, headers);
	reply.body = text;
	struct arena arena;
	arena_init(&arena, 4096);
	struct answer answer;
	answer_read(&arena, &reply, FUZZ_NOW_MS, &answer);
	check(&answer);
	answer_release(&answer);
	arena_free(&arena);
	return 0;
}
