#include "model/expression_check.h"

#include "base/arena.h"
#include "cel/cel.h"
#include "model/utf8.h"

// Of a source line that is shown, in code points.
#define EXCERPT_MAX 120u
#define EXCERPT_BEFORE 60u // the place that it is about
#define REPORT_MAX 1024u   // bytes of a policy's report

static const struct str roots[] = {STR_INIT("event"), STR_INIT("async"), STR_INIT("vars")};

// ---- where it went wrong ---------------------------------------------------------------------------------------

// Text from outside as part of one line.
static void append_inline(struct buf *out, struct str text) {
	size_t start = out->len;
	utf8_repair(out, text);
	for (size_t i = start; i < out->len; i++) {
		if ((unsigned char)out->ptr[i] < ' ' || out->ptr[i] == '\x7f') out->ptr[i] = ' ';
	}
}

// Lines count from 1.
static struct str line_of(struct str text, uint32_t number) {
	struct str line = text;
	while (str_cut(text, '\n', &line, &text) && --number > 0) {}
	return line;
}

static size_t bytes_of(struct str text, size_t code_points) {
	size_t bytes = 0;
	for (; bytes < text.len; bytes++) {
		bool begins = ((unsigned char)text.ptr[bytes] & 0xc0) != 0x80;
		if (begins && code_points-- == 0) break;
	}
	return bytes;
}

// The source line, and beneath it a caret at the column; of a long line only what is around that.
static void append_excerpt(struct buf *out, struct str line, size_t column) {
	size_t before = column - 1;
	size_t hidden = before > EXCERPT_BEFORE ? before - EXCERPT_BEFORE : 0;
	struct str rest = str_skip(line, bytes_of(line, hidden));
	struct str shown = str_first(rest, bytes_of(rest, EXCERPT_MAX));
	buf_lit(out, "\n | ");
	if (hidden > 0) {
		buf_lit(out, "…");
		before = EXCERPT_BEFORE + 1;
	}
	append_inline(out, shown);
	if (shown.len < rest.len) buf_lit(out, "…");
	buf_lit(out, "\n | ");
	for (size_t i = 0; i < before; i++) buf_byte(out, '.');
	buf_byte(out, '^');
}

static void append_failure(struct buf *out, struct str text, const struct cel_failure *failure) {
	buf_printf(out, "error compiling expression: ERROR: <input>:%u:%u: ", failure->line, failure->column);
	append_inline(out, str_from_cstr(failure->message));
	append_excerpt(out, line_of(text, failure->line), failure->column);
}

// ---- levels ----------------------------------------------------------------------------------------------------

static bool is_restrictive(const struct cel_program *program, struct buf *reason) {
	struct buf report;
	buf_init(&report, SIZE_MAX / 2);
	bool good = cel_check_restrictive(program, &report);
	if (!good) buf_str(reason, utf8_clip(buf_view(&report), REPORT_MAX));
	buf_free(&report);
	return good;
}

bool expression_check(struct str text, enum expression_level level, struct buf *reason) {
	struct arena arena;
	struct cel_failure failure;
	arena_init(&arena, 0);
	const struct cel_program *program = cel_compile(&arena, text, CEL_STANDARD, &failure);
	bool good = program != NULL;
	if (good && level >= EXPRESSION_TYPED)
		good = cel_check(program, roots, sizeof roots / sizeof roots[0], &failure);
	if (!good)
		append_failure(reason, text, &failure);
	else if (level == EXPRESSION_RESTRICTIVE)
		good = is_restrictive(program, reason);
	arena_free(&arena);
	return good;
}
