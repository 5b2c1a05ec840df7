// Tokens of those who wait: good for one reply, never for a later request.
#include "fixture.h"
#include "server/server_internal.h"

static struct waiter *as_waiter(uintptr_t n) {
	return (struct waiter *)(n * sizeof(void *));
}

static void test_tokens_are_good_once(void **state) {
	(void)state;
	struct pending pending;
	pending_init(&pending);
	uint64_t first = pending_add(&pending, as_waiter(1));
	uint64_t second = pending_add(&pending, as_waiter(2));
	assert_int_not_equal(first, 0);
	assert_int_not_equal(first, second);
	assert_ptr_equal(pending_take(&pending, first), as_waiter(1));
	assert_null(pending_take(&pending, first));
	uint64_t third = pending_add(&pending, as_waiter(3)); // the same slot again
	assert_int_not_equal(first, third);
	assert_null(pending_take(&pending, first));
	assert_ptr_equal(pending_take(&pending, third), as_waiter(3));
	assert_ptr_equal(pending_take(&pending, second), as_waiter(2));
	assert_null(pending_take(&pending, 0));
	assert_null(pending_take(&pending, UINT64_MAX));
	pending_free(&pending);
}

static void test_growth_and_close(void **state) {
	(void)state;
	struct pending pending;
	pending_init(&pending);
	uint64_t tokens[1000];
	for (uintptr_t i = 0; i < ARRAY_LEN(tokens); i++) tokens[i] = pending_add(&pending, as_waiter(i + 1));
	for (uintptr_t i = 0; i < ARRAY_LEN(tokens); i += 2) {
		assert_ptr_equal(pending_take(&pending, tokens[i]), as_waiter(i + 1));
	}
	size_t left = 0;
	while (pending_close(&pending) != NULL) left++;
	assert_int_equal(left, ARRAY_LEN(tokens) / 2);
	assert_int_equal(pending_add(&pending, as_waiter(1)), 0);
	pending_free(&pending);
}

static void test_percent_decode(void **state) {
	(void)state;
	struct arena arena;
	arena_init(&arena, 0);
	struct str out;
	assert_true(percent_decode(&arena, STR("a+b%20%2f%C3%A4"), &out));
	assert_true(str_eq(out, STR("a+b /\xc3\xa4")));
	assert_true(percent_decode(&arena, STR(""), &out));
	assert_int_equal(out.len, 0);
	static const char *const bad[] = {"%", "a%2", "%zz", "%%41", "abc%4"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(percent_decode(&arena, str_from_cstr(bad[i]), &out));
	}
	arena_free(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens_are_good_once),
		cmocka_unit_test(test_growth_and_close),
		cmocka_unit_test(test_percent_decode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
