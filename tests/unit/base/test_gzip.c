// gzip there and back, and what is not whole or too much.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/gzip.h"

#define PLAIN_MAX (1u << 20)

static struct buf packed, plain, again;

static int set_up(void **state) {
	(void)state;
	buf_init(&packed, 2 * PLAIN_MAX);
	buf_init(&plain, PLAIN_MAX);
	buf_init(&again, PLAIN_MAX);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	buf_free(&packed);
	buf_free(&plain);
	buf_free(&again);
	return 0;
}

static void pack_bytes(size_t count) {
	buf_clear(&plain);
	buf_clear(&packed);
	buf_clear(&again);
	uint32_t noise = 1;
	for (size_t i = 0; i < count; i++) {
		noise = noise * 1664525u + 1013904223u;
		buf_byte(&plain, (char)(noise >> 24));
	}
	gzip_pack(&packed, buf_view(&plain));
}

static void there_and_back(void **state) {
	(void)state;
	static const size_t sizes[] = {0, 1, 100, 16383, 16384, 16385, 500000};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pack_bytes(sizes[i]);
		assert_int_equal(gzip_unpack(&again, buf_view(&packed)), ERR_OK);
		assert_true(str_eq(buf_view(&again), buf_view(&plain)));
	}
}

static void every_cut_is_found(void **state) {
	(void)state;
	pack_bytes(200);
	for (size_t len = 0; len < packed.len; len++) {
		buf_clear(&again);
		assert_int_equal(gzip_unpack(&again, str_first(buf_view(&packed), len)), ERR_INVALID);
	}
}

static void what_follows_is_refused(void **state) {
	(void)state;
	pack_bytes(200);
	buf_byte(&packed, 'x');
	assert_int_equal(gzip_unpack(&again, buf_view(&packed)), ERR_INVALID);
	assert_int_equal(gzip_unpack(&again, STR("this is no gzip")), ERR_INVALID);
}

// As `cat a.gz b.gz` and writers that flush by ending a member make it.
static void members_come_one_after_the_other(void **state) {
	(void)state;
	static const size_t sizes[] = {200, 0, 16384, 1};
	struct buf whole, members;
	buf_init(&whole, PLAIN_MAX);
	buf_init(&members, PLAIN_MAX);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pack_bytes(sizes[i]);
		buf_str(&whole, buf_view(&plain));
		buf_str(&members, buf_view(&packed));
	}
	assert_int_equal(gzip_unpack(&again, buf_view(&members)), ERR_OK);
	assert_true(str_eq(buf_view(&again), buf_view(&whole)));
	for (size_t cut = 1; cut < packed.len; cut++) { // the last one is not whole
		buf_clear(&again);
		assert_int_equal(gzip_unpack(&again, str_first(buf_view(&members), members.len - cut)), ERR_INVALID);
	}
	struct buf small;
	buf_init(&small, whole.len - 1);
	assert_int_equal(gzip_unpack(&small, buf_view(&members)), ERR_TOO_LARGE);
	buf_free(&small);
	buf_free(&whole);
	buf_free(&members);
}

static void a_bomb_is_bounded(void **state) {
	(void)state;
	for (size_t i = 0; i < PLAIN_MAX; i++) buf_byte(&plain, 'a');
	gzip_pack(&packed, buf_view(&plain));
	assert_true(packed.len < PLAIN_MAX / 100);
	buf_free(&again);
	buf_init(&again, PLAIN_MAX);
	assert_int_equal(gzip_unpack(&again, buf_view(&packed)), ERR_OK);
	struct buf small;
	buf_init(&small, PLAIN_MAX - 1);
	assert_int_equal(gzip_unpack(&small, buf_view(&packed)), ERR_TOO_LARGE);
	buf_free(&small);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_cut_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_follows_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(members_come_one_after_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bomb_is_bounded, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
