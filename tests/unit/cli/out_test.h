// Shared by the tests of what is printed: a buffer that they print to.
#ifndef INNGEST_TESTS_OUT_TEST_H
#define INNGEST_TESTS_OUT_TEST_H

#include "base/buf.h"
#include "fixture.h"

static struct buf out;

static inline int buf_setup(void **state) {
	(void)state;
	buf_init(&out, 64u << 20);
	return 0;
}
static inline int buf_teardown(void **state) {
	(void)state;
	buf_free(&out);
	return 0;
}
#define BUF_TEST(function) cmocka_unit_test_setup_teardown(function, buf_setup, buf_teardown)

// What has been written since the last look.
static inline const char *written(void) {
	buf_byte(&out, '\0');
	assert_false(out.overflow);
	out.len = 0;
	return out.ptr;
}

#endif
