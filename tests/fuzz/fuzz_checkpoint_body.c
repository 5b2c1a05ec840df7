// The body of POST /v1/checkpoint/{run}/async.
#include "fuzz.h"
#include "model/step_metadata.h"

static void check_json(struct str text) {
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	CHECK(yyjson_is_arr(yyjson_doc_get_root(doc)));
	yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct error error = {0};
	yyjson_doc *doc = json_read(str_make(data, size), false, NULL, &error);
	if (doc == NULL) {
		fuzz_check_error(&error);
		return 0;
	}
	struct arena arena;
	arena_init(&arena, 4096);
	struct opcode *ops;
	size_t count;
	enum err err = opcodes_parse_value(&arena, json_get(yyjson_doc_get_root(doc), STR("steps")), false, &ops,
					   &count, &error);
	yyjson_doc_free(doc);
	if (err != ERR_OK) fuzz_check_error(&error);
	CHECK(err == ERR_OK || err == ERR_TOO_LARGE || count == 0);
	for (size_t i = 0; i < count; i++) {
		fuzz_check_opcode(&ops[i]);
		struct str metadata = step_metadata(&arena, &ops[i]);
		if (metadata.len > 0) check_json(metadata);
		opcode_release(&ops[i]);
	}
	arena_free(&arena);
	return 0;
}
