// What the log says of apps that are pinged in each round: everything once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "node/told.h"

#define URL STR("http://localhost:3000/api/inngest")
#define PROBLEMS STR("2 errors occurred: * a * b")

static int set_up_told(void **state) {
	struct told *told = mem_alloc(sizeof *told);
	told_init(told);
	*state = told;
	return 0;
}

static int tear_down_told(void **state) {
	told_free(*state);
	free(*state);
	return 0;
}

static void a_problem_once(void **state) {
	struct told *told = *state;
	assert_int_equal(told_next(told, URL, STR("unreachable"), STR("unreachable")), TELL_PROBLEM);
	assert_int_equal(told_next(told, URL, STR("unreachable"), STR("unreachable")), TELL_NOTHING);
	assert_int_equal(told_next(told, URL, STR("unreachable"), STR("not_sdk")), TELL_PROBLEM);
	assert_int_equal(told_next(told, URL, STR("not_sdk"), STR("")), TELL_SYNCED);
	assert_int_equal(told_next(told, URL, STR(""), STR("")), TELL_NOTHING);
	assert_int_equal(told_next(told, URL, STR(""), STR("unreachable")), TELL_PROBLEM);
}

// An app that is fine is no news; but it is when an earlier process has told of a problem.
static void the_first_ping(void **state) {
	struct told *told = *state;
	assert_int_equal(told_next(told, URL, STR(""), STR("")), TELL_NOTHING);
	assert_int_equal(told_next(told, STR("http://b"), STR("unreachable"), STR("")), TELL_SYNCED);
	assert_int_equal(told_next(told, STR("http://c"), STR(""), STR("unreachable")), TELL_PROBLEM);
}

// What the registration says stays the error of the app, and the ping goes on to say something else.
static void another_error_is_stored(void **state) {
	struct told *told = *state;
	assert_int_equal(told_next(told, URL, STR(""), STR("invalid_function")), TELL_PROBLEM);
	for (int round = 0; round < 3; round++)
		assert_int_equal(told_next(told, URL, PROBLEMS, STR("invalid_function")), TELL_NOTHING);
	assert_int_equal(told_next(told, STR("http://empty"), STR(""), STR("")), TELL_NOTHING);
	for (int round = 0; round < 3; round++)
		assert_int_equal(
			told_next(told, STR("http://empty"), STR("No functions registered within your app"), STR("")),
			TELL_NOTHING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_told, tear_down_told)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(a_problem_once),
		TEST(the_first_ping),
		TEST(another_error_is_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
