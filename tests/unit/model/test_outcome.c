// Every outcome and every reason has a name of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/history_item.h"

static void check_names(const char *const *names, int count) {
	for (int i = 0; i < count; i++) {
		assert_non_null(names[i]);
		for (int k = 0; k < i; k++) assert_string_not_equal(names[i], names[k]);
	}
}

static void test_names(void **state) {
	(void)state;
	check_names(outcome_names, OUTCOME_COUNT);
	check_names(outcome_reason_names, REASON_COUNT);
	assert_string_equal(outcome_names[OUTCOME_RATE_LIMITED], "RateLimited");
	assert_string_equal(outcome_names[OUTCOME_DROPPED], "Dropped");
	assert_string_equal(outcome_reason_names[REASON_NONE], "None");
	assert_string_equal(outcome_reason_names[REASON_EXPRESSION_FAILED], "ExpressionFailed");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
