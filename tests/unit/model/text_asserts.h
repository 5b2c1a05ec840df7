// For tests of texts: what a slice holds. Include <cmocka.h> and what it wants before.
#ifndef INNGEST_TESTS_UNIT_MODEL_TEXT_ASSERTS_H
#define INNGEST_TESTS_UNIT_MODEL_TEXT_ASSERTS_H

#include "base/str.h"

static inline void assert_text(struct str actual, const char *expected) {
	if (!str_eq_cstr(actual, expected)) fail_msg("got `%.*s`, expected `%s`", STR_ARG(actual), expected);
}

#endif
