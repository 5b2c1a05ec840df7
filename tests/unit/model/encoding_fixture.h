// What tests of stored encodings share: an arena and a text that is written to.
#ifndef INNGEST_TESTS_ENCODING_FIXTURE_H
#define INNGEST_TESTS_ENCODING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"

struct fixture {
	struct arena arena;
	struct buf text;
};

static inline int set_up(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	arena_init(&f->arena, 0);
	buf_init(&f->text, 16u << 20);
	*state = f;
	return 0;
}

static inline int tear_down(void **state) {
	struct fixture *f = *state;
	arena_free(&f->arena);
	buf_free(&f->text);
	free(f);
	return 0;
}

#endif
