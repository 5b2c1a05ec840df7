#include "base/check.h"
#include "cel/program.h"

static size_t code_points(struct str text) {
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

const struct cel_program *cel_compile(struct arena *arena, struct str text, enum cel_mode mode,
				      struct cel_failure *failure) {
	struct cel_failure ignored;
	if (failure == NULL) failure = &ignored;
	*failure = (struct cel_failure){.line = 1, .column = 1};
	if (code_points(text) > CEL_TEXT_MAX) {
		cel_fail_at(failure, text, 0, "expression code point size exceeds limit: size: %zu, limit %d",
			    code_points(text), CEL_TEXT_MAX);
		return NULL;
	}
	struct cel_program *program = ARENA_NEW(arena, struct cel_program);
	program->text = arena_dup(arena, text);
	program->mode = (uint8_t)mode;
	program->root = cel_parse(arena, program->text, mode, false, failure);
	if (program->root == NULL) return NULL;
	cel_find_paths(arena, program);
	return program;
}

struct str cel_source(const struct cel_program *program) {
	return program->text;
}
