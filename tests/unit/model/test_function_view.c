// What people see of a function's settings.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/function_view.h"

#define assert_text(text, expected) assert_true(str_eq_cstr((text), (expected)))

static struct arena arena;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena, 0);
	return 0;
}
static int tear_down(void **state) {
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct function_view view(const char *config) {
	struct function_view out;
	function_view_read(&arena, str_from_cstr(config), &out);
	return out;
}

static const char everything[] =
	"{\"batchEvents\":{\"key\":\"event.data.k\",\"maxSize\":10,\"timeout\":\"5s\"},"
	"\"cancel\":[{\"event\":\"a/stop\",\"if\":\"event.x\",\"timeout\":\"1h\"},{\"event\":\"b\"}],"
	"\"concurrency\":[{\"hash\":\"\",\"limit\":2,\"scope\":\"Fn\"},"
	"{\"hash\":\"x\",\"key\":\"event.u\",\"limit\":3,\"scope\":\"Account\"}],"
	"\"debounce\":{\"key\":\"d\",\"period\":\"10s\"},\"priority\":{\"run\":\"event.p\"},"
	"\"rateLimit\":{\"key\":\"r\",\"limit\":1,\"period\":\"24h0m0s\"},"
	"\"singleton\":{\"key\":\"s\",\"mode\":\"cancel\"},"
	"\"steps\":[{\"id\":\"step\",\"name\":\"step\",\"retries\":2,\"uri\":\"http://x/?fnId=a\"}],"
	"\"throttle\":{\"burst\":2,\"key\":\"t\",\"limit\":5,\"period\":\"2d\"},"
	"\"triggers\":[{\"event\":\"a/*\",\"expression\":\"true\"},{\"cron\":\"* * * * *\"}]}";

static void steps_triggers_and_limits(void **state) {
	(void)state;
	struct function_view v = view(everything);
	assert_text(v.url, "http://x/?fnId=a");
	assert_int_equal(v.retries, 2);
	assert_false(v.retries_default);
	assert_int_equal(v.trigger_count, 2);
	assert_text(v.triggers[0].value, "a/*");
	assert_text(v.triggers[0].condition, "true");
	assert_true(v.triggers[1].is_cron);
	assert_text(v.triggers[1].value, "* * * * *");
	assert_int_equal(v.concurrency_count, 2);
	assert_int_equal(v.concurrency[0].value, 2);
	assert_int_equal(v.concurrency[1].scope, SCOPE_ACCOUNT);
	assert_text(v.concurrency[1].key, "event.u");
	assert_int_equal(v.concurrency_limit, 2);
}

static void flow_control(void **state) {
	(void)state;
	struct function_view v = view(everything);
	assert_text(v.priority, "event.p");
	assert_true(v.has_batch && v.has_rate_limit && v.has_debounce && v.has_throttle && v.has_singleton);
	assert_int_equal(v.batch.size_max, 10);
	assert_text(v.batch.timeout, "5s");
	assert_text(v.rate_limit.period, "24h0m0s");
	assert_int_equal(v.rate_limit.limit, 1);
	assert_text(v.debounce.period, "10s");
	assert_int_equal(v.throttle.limit, 5);
	assert_int_equal(v.throttle.burst, 2);
	assert_text(v.throttle.period, "48h0m0s");
	assert_int_equal(v.singleton.mode, SINGLETON_CANCEL);
	assert_int_equal(v.cancellation_count, 2);
	assert_text(v.cancellations[0].condition, "event.x");
	assert_text(v.cancellations[1].event, "b");
	assert_text(v.cancellations[1].timeout, "");
}

static void nothing(void **state) {
	(void)state;
	static const char *const configs[] = {"",
					      "{",
					      "[]",
					      "null",
					      "{}",
					      "{\"concurrency\":null,\"triggers\":null}",
					      "{\"triggers\":{},\"steps\":[],\"concurrency\":[],\"throttle\":1}"};
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		struct function_view v = view(configs[i]);
		assert_int_equal(v.retries, 4);
		assert_true(v.retries_default);
		assert_int_equal(v.trigger_count, 0);
		assert_int_equal(v.concurrency_count, 1);
		assert_int_equal(v.concurrency[0].value, -1);
		assert_int_equal(v.concurrency[0].scope, SCOPE_ACCOUNT);
		assert_true(v.concurrency[0].is_plan_limit);
		assert_int_equal(v.concurrency_limit, 0);
		assert_false(v.has_batch || v.has_rate_limit || v.has_debounce || v.has_throttle || v.has_singleton);
		assert_int_equal(v.cancellation_count, 0);
	}
}

static void shapes_of_concurrency(void **state) {
	(void)state;
	static const struct {
		const char *config;
		size_t count;
		int64_t limit;
	} cases[] = {
		{"{\"concurrency\":7}", 1, 7},
		{"{\"concurrency\":{\"limit\":3}}", 1, 3},
		{"{\"concurrency\":{\"fn\":[{\"limit\":4}],\"step\":[{\"limit\":5,\"scope\":\"Fn\"}]}}", 2, 4},
		{"{\"concurrency\":[{\"limit\":9,\"scope\":\"Fn\",\"key\":\"k\"}]}", 1, 0},
		{"{\"concurrency\":[{\"limit\":9,\"scope\":\"Mars\"}]}", 1, 0}, // the plan's
		{"{\"concurrency\":[1,\"x\",null]}", 3, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct function_view v = view(cases[i].config);
		assert_int_equal(v.concurrency_count, cases[i].count);
		assert_int_equal(v.concurrency_limit, cases[i].limit);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_triggers_and_limits),
		cmocka_unit_test(flow_control),
		cmocka_unit_test(nothing),
		cmocka_unit_test(shapes_of_concurrency),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
