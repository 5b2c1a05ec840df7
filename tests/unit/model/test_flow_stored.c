// Flow control of a function: what registration stores comes back as settings (spec 01 §12, 04 §A2).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/function.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MS_NS 1000000ull

static int setup(void **state) {
	struct arena *arena = mem_calloc(1, sizeof(*arena));
	arena_init(arena, 0);
	*state = arena;
	return 0;
}

static int teardown(void **state) {
	arena_free(*state);
	free(*state);
	return 0;
}

static struct function_config restore(struct arena *arena, struct str members) {
	const struct uuid id = {{7}};
	struct uuid id_back;
	uint32_t version;
	struct function_config out;
	struct error error = {0};
	struct str json = function_config_json(arena, &id, 1, members);
	if (function_config_restore(arena, json, &id_back, &version, &out, &error) != ERR_OK)
		fail_msg("%.*s: %s", STR_ARG(json), error.message);
	return out;
}

// Of a stored form with this setting, whoever wrote it.
static struct flow_control stored(struct arena *arena, const char *setting) {
	return restore(arena, arena_printf(arena, "\"slug\":\"s\",%s", setting)).flow;
}

// By way of a registration with this setting.
static struct function_config registered(struct arena *arena, const char *setting) {
	struct registration out;
	struct error error = {0};
	struct str body =
		arena_printf(arena,
			     "{\"functions\":[{\"id\":\"f\",\"name\":\"F\",\"triggers\":[{\"event\":\"a\"}],%s,"
			     "\"steps\":{\"s\":{\"id\":\"s\",\"name\":\"s\",\"runtime\":{\"url\":\"http://h\"}}}}]}",
			     setting);
	if (registration_parse(arena, body, &out, &error) != ERR_OK) fail_msg("%s: %s", setting, error.message);
	if (out.problems.len > 0) fail_msg("%s: %.*s", setting, STR_ARG(out.problems));
	return restore(arena, out.functions[0].config_members);
}

#define expect_str(s, text)                                                                      \
	do {                                                                                     \
		if (!str_eq_cstr((s), (text))) fail_msg("%.*s\nis not\n%s", STR_ARG(s), (text)); \
	} while (0)

// "2 fn event.data.k|…": the limits of calls, then after / the one of runs.
static struct str concurrency_text(struct arena *arena, const struct flow_control *flow) {
	static const char *const scopes[SCOPE_COUNT] = {"fn", "env", "account"};
	struct str text = STR("");
	for (size_t i = 0; i < flow->step_count; i++) {
		const struct concurrency_limit *limit = &flow->steps[i];
		text = arena_printf(arena, "%.*s%s%u %s %.*s", STR_ARG(text), i > 0 ? "|" : "", limit->limit,
				    scopes[limit->scope], STR_ARG(limit->key));
	}
	if (flow->runs.limit == 0) return text;
	return arena_printf(arena, "%.*s/%u %s %.*s", STR_ARG(text), flow->runs.limit, scopes[flow->runs.scope],
			    STR_ARG(flow->runs.key));
}

struct concurrency_case {
	const char *setting, *text;
};

static void concurrency_as_sdks_send_it(void **state) {
	static const struct concurrency_case cases[] = {
		{"5", "5 fn "},
		{"0", "0 fn "},
		{"-3", "0 fn "},
		{"4294967296", "4294967295 fn "},
		{"9223372036854775807", "4294967295 fn "},
		{"{\"limit\":2}", "2 fn "},
		{"{\"limit\":2,\"key\":\"event.data.k\"}", "2 fn event.data.k"},
		{"[]", ""},
		{"\"5\"", ""},
		{"1.5", ""},
		{"[{\"limit\":9,\"key\":\"event.data.k\",\"scope\":\"ENV\"},{\"limit\":2}]",
		 "2 fn |9 env event.data.k"},
		{"{\"limit\":1,\"scope\":\"account\",\"key\":\"'all'\"}", "1 account 'all'"},
		{"{\"fn\":[{\"limit\":3}]}", "/3 fn "},
		{"{\"fn\":[{\"limit\":3,\"scope\":\"fn\",\"key\":\"event.data.k\"}],\"step\":[{\"limit\":4}]}",
		 "4 fn /3 fn event.data.k"},
		{"{\"step\":[{\"limit\":4,\"key\":\"event.data.k\"}]}", "4 fn event.data.k"},
		{"{\"fn\":[],\"step\":[]}", "0 fn "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str setting = arena_printf(*state, "\"concurrency\":%s", cases[i].setting);
		struct flow_control flow = registered(*state, setting.ptr).flow;
		expect_str(concurrency_text(*state, &flow), cases[i].text);
	}
}

static void concurrency_as_others_store_it(void **state) {
	static const struct concurrency_case cases[] = {
		{"null", ""},
		{"7", "7 fn "},
		{"{\"limit\":7,\"scope\":\"Account\",\"key\":\"k\"}", "7 account k"},
		{"[{\"limit\":1e300,\"scope\":\"Fn\",\"hash\":\"\"}]", "4294967295 fn "},
		{"[{\"limit\":\"2\"}]", "0 fn "},
		{"[{\"limit\":-1e300}]", "0 fn "},
		{"[{\"limit\":1,\"key\":null,\"scope\":null}]", "1 fn "},
		// A scope that is unknown or has to have a key.
		{"[{\"limit\":1,\"scope\":\"moon\"},{\"limit\":2,\"scope\":\"Env\"},{\"limit\":3}]", "3 fn "},
		{"[{\"limit\":1},{\"limit\":2},{\"limit\":3}]", "1 fn |2 fn "},
		{"{\"fn\":[{\"limit\":0,\"scope\":\"app\",\"id\":\"app:aae6c03a\"}]}", ""},
		{"{\"fn\":[{\"limit\":9,\"scope\":\"app\"},{\"limit\":2,\"scope\":\"FN\",\"key\":\"k\"},"
		 "{\"limit\":1}]}",
		 "/2 fn k"},
		{"{\"fn\":[{\"limit\":-2}],\"step\":[]}", ""},
		{"{\"fn\":7,\"step\":[{\"limit\":1,\"scope\":\"Env\",\"key\":\"k\"}]}", "1 env k"},
		{"[null,[],7,\"x\"]", "0 fn |0 fn "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str setting = arena_printf(*state, "\"concurrency\":%s", cases[i].setting);
		struct flow_control flow = stored(*state, setting.ptr);
		struct str text = concurrency_text(*state, &flow);
		if (!str_eq_cstr(text, cases[i].text)) fail_msg("%s gave %.*s", cases[i].setting, STR_ARG(text));
	}
}

static void throttle_is_restored(void **state) {
	struct flow_control flow = registered(*state, "\"throttle\":{\"limit\":2,\"burst\":3,\"period\":\"1m\","
						      "\"key\":\"event.data.k\"}")
					   .flow;
	assert_int_equal(flow.throttle.limit, 2);
	assert_int_equal(flow.throttle.burst, 3);
	assert_int_equal(flow.throttle.period_ns, 60000 * MS_NS);
	expect_str(flow.throttle.key, "event.data.k");
	flow = registered(*state, "\"throttle\":{\"limit\":0,\"period\":\"1ms500us1ns\",\"key\":\"\"}").flow;
	assert_int_equal(flow.throttle.limit, 1);
	assert_int_equal(flow.throttle.burst, 0);
	assert_int_equal(flow.throttle.period_ns, 1500001);
	assert_int_equal(flow.throttle.key.len, 0);
	flow = stored(*state, "\"throttle\":{\"period\":\"1s\",\"burst\":1e99}");
	assert_int_equal(flow.throttle.limit, 1);
	assert_int_equal(flow.throttle.burst, UINT32_MAX);
	assert_int_equal(registered(*state, "\"throttle\":{\"limit\":5,\"period\":\"-1s\"}").flow.throttle.limit, 0);
	static const char *const off[] = {"null", "7", "{}", "{\"limit\":5,\"period\":\"soon\"}",
					  "{\"limit\":5,\"period\":\"0\"}"};
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		flow = stored(*state, arena_printf(*state, "\"throttle\":%s", off[i]).ptr);
		assert_int_equal(flow.throttle.limit, 0);
	}
}

static void rate_limit_is_restored(void **state) {
	struct function_config config =
		registered(*state, "\"rateLimit\":{\"limit\":20,\"period\":\"1.5s\",\"key\":\"event.data.k\"}");
	assert_int_equal(config.flow.rate_limit.limit, 20);
	assert_int_equal(config.flow.rate_limit.period_ns, 1500 * MS_NS);
	expect_str(config.flow.rate_limit.key, "event.data.k");
	config = registered(*state, "\"rateLimit\":{\"limit\":1,\"period\":\"24h\"}");
	assert_int_equal(config.flow.rate_limit.limit, 1);
	assert_int_equal(config.flow.rate_limit.key.len, 0);
	config = registered(*state, "\"rateLimit\":{\"limit\":1,\"period\":\"-5s\"}");
	assert_int_equal(config.flow.rate_limit.limit, 0);
	static const char *const off[] = {"null",
					  "[]",
					  "{\"period\":\"1s\"}",
					  "{\"limit\":-1,\"period\":\"1s\"}",
					  "{\"limit\":1}",
					  "{\"limit\":1,\"period\":\"x\"}"};
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		struct flow_control flow = stored(*state, arena_printf(*state, "\"rateLimit\":%s", off[i]).ptr);
		assert_int_equal(flow.rate_limit.limit, 0);
	}
}

static void idempotency_is_a_rate_limit(void **state) {
	static const char *const settings[] = {
		"\"idempotency\":\"event.data.k\"",
		"\"idempotency\":\"event.data.k\",\"rateLimit\":{\"limit\":5,\"period\":\"1s\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		struct flow_control flow = registered(*state, settings[i]).flow;
		expect_str(flow.rate_limit.key, "event.data.k");
		assert_int_equal(flow.rate_limit.limit, 1);
		assert_int_equal(flow.rate_limit.period_ns, 86400000 * MS_NS);
	}
}

static void debounce_is_restored(void **state) {
	struct flow_control flow = registered(*state, "\"debounce\":{\"period\":\"1s500us\",\"timeout\":\"1d\","
						      "\"key\":\"event.data.k\"}")
					   .flow;
	assert_int_equal(flow.debounce.period_ms, 1001); // rounded up
	assert_int_equal(flow.debounce.timeout_ms, 86400000);
	expect_str(flow.debounce.key, "event.data.k");
	static const char *const no_timeout[] = {"", ",\"timeout\":\"later\"", ",\"timeout\":\"\"",
						 ",\"timeout\":\"-1s\"", ",\"key\":\"\""};
	for (size_t i = 0; i < ARRAY_LEN(no_timeout); i++) {
		struct str setting = arena_printf(*state, "\"debounce\":{\"period\":\"1w\"%s}", no_timeout[i]);
		flow = registered(*state, setting.ptr).flow;
		assert_int_equal(flow.debounce.period_ms, 604800000);
		assert_int_equal(flow.debounce.timeout_ms, 0);
		assert_int_equal(flow.debounce.key.len, 0);
	}
	flow = stored(*state, "\"debounce\":{\"period\":\"x\",\"timeout\":\"5s\",\"key\":\"k\"}");
	assert_int_equal(flow.debounce.period_ms, 0);
	assert_int_equal(flow.debounce.timeout_ms, 0);
}

static void batch_is_restored(void **state) {
	struct flow_control flow = registered(*state, "\"batchEvents\":{\"maxSize\":100,\"timeout\":\"1.0005s\","
						      "\"key\":\"event.data.k\",\"if\":\"event.data.x == 1\"}")
					   .flow;
	assert_int_equal(flow.batch.size_max, 100);
	assert_int_equal(flow.batch.timeout_ms, 1001); // rounded up
	expect_str(flow.batch.key, "event.data.k");
	expect_str(flow.batch.condition, "event.data.x == 1");
	assert_true(flow.batch.is_conditional);
	flow = registered(*state, "\"batchEvents\":{\"maxSize\":99999999999,\"timeout\":\"24h\"}").flow;
	assert_int_equal(flow.batch.size_max, UINT32_MAX);
	assert_int_equal(flow.batch.timeout_ms, 86400000);
	assert_int_equal(flow.batch.key.len, 0);
	assert_false(flow.batch.is_conditional);
	flow = stored(*state, "\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"if\":\"\"}");
	assert_true(flow.batch.is_conditional);
	static const char *const off[] = {
		"null",
		"7",
		"{\"maxSize\":1,\"timeout\":\"5s\"}",
		"{\"maxSize\":-7,\"timeout\":\"5s\"}",
		"{\"maxSize\":5}",
		"{\"maxSize\":5,\"timeout\":\"\"}",
		"{\"maxSize\":5,\"timeout\":\"0s\"}",
		"{\"maxSize\":5,\"timeout\":\"-5s\"}",
		"{\"maxSize\":5,\"timeout\":\"1d\"}", // days are of the other grammar
		"{\"maxSize\":5,\"timeout\":5}",
	};
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		flow = stored(*state, arena_printf(*state, "\"batchEvents\":%s", off[i]).ptr);
		assert_int_equal(flow.batch.size_max, 0);
		assert_int_equal(flow.batch.timeout_ms, 0);
	}
}

static void priority_is_restored(void **state) {
	expect_str(registered(*state, "\"priority\":{\"run\":\"event.data.paid ? 100 : 0\"}").flow.priority,
		   "event.data.paid ? 100 : 0");
	assert_int_equal(registered(*state, "\"priority\":{}").flow.priority.len, 0);
	static const char *const none[] = {"null", "7", "[]", "{\"run\":null}", "{\"run\":100}"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		struct flow_control flow = stored(*state, arena_printf(*state, "\"priority\":%s", none[i]).ptr);
		assert_int_equal(flow.priority.len, 0);
	}
}

static void singleton_is_restored(void **state) {
	static const struct {
		const char *value;
		enum singleton_mode mode;
		const char *key;
	} cases[] = {
		{"{}", SINGLETON_SKIP, ""},
		{"{\"mode\":\"skip\",\"key\":\"\"}", SINGLETON_SKIP, ""},
		{"{\"mode\":\"Cancel\",\"key\":\"event.data.k\"}", SINGLETON_CANCEL, "event.data.k"},
		{"{\"key\":\"event.data.k\"}", SINGLETON_SKIP, "event.data.k"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str setting = arena_printf(*state, "\"singleton\":%s", cases[i].value);
		struct flow_control flow = registered(*state, setting.ptr).flow;
		assert_int_equal(flow.singleton.mode, cases[i].mode);
		expect_str(flow.singleton.key, cases[i].key);
		flow = stored(*state, setting.ptr);
		assert_int_equal(flow.singleton.mode, cases[i].mode);
	}
	assert_int_equal(stored(*state, "\"singleton\":null").singleton.mode, SINGLETON_NONE);
	assert_int_equal(stored(*state, "\"singleton\":\"skip\"").singleton.mode, SINGLETON_NONE);
	assert_int_equal(stored(*state, "\"singleton\":{\"mode\":1}").singleton.mode, SINGLETON_SKIP);
}

static void settings_that_are_absent_are_off(void **state) {
	struct flow_control flow = stored(*state, "\"name\":\"n\"");
	assert_int_equal(flow.step_count + flow.runs.limit + flow.throttle.limit + flow.rate_limit.limit, 0);
	assert_int_equal(flow.debounce.period_ms + flow.batch.size_max + flow.priority.len, 0);
	assert_int_equal(flow.singleton.mode, SINGLETON_NONE);
}

static void expect_bounds(struct flow_control flow) {
	assert_true(flow.step_count <= FUNCTION_CONCURRENCY_MAX);
	assert_true((flow.batch.size_max > 1) == (flow.batch.timeout_ms > 0));
	assert_true((flow.throttle.limit > 0) == (flow.throttle.period_ns > 0));
}

// Any kind of value in any place: nothing but a setting that is off, or one in bounds.
static void nonsense_is_survived(void **state) {
	static const char *const members[] = {"concurrency", "throttle", "rateLimit", "debounce",
					      "batchEvents", "priority", "singleton"};
	static const char *const values[] = {
		"null", "true",        "0",  "-1", "1e308", "18446744073709551615",
		"\"\"", "\"\\u0000\"", "[]", "{}", "[[]]",  "[{},{},{}]",
	};
	static const char *const inner[] = {"limit", "period", "key",     "scope", "fn",   "step",   "burst",
					    "run",   "mode",   "maxSize", "if",    "hash", "timeout"};
	for (size_t m = 0; m < ARRAY_LEN(members); m++) {
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			struct str object = arena_printf(*state, "\"%s\":{\"x\":1", members[m]);
			stored(*state, arena_printf(*state, "\"%s\":%s", members[m], values[v]).ptr);
			for (size_t i = 0; i < ARRAY_LEN(inner); i++)
				object = arena_printf(*state, "%.*s,\"%s\":%s", STR_ARG(object), inner[i], values[v]);
			// Alone, and with the durations as they should be.
			expect_bounds(stored(*state, arena_printf(*state, "%.*s}", STR_ARG(object)).ptr));
			object = arena_printf(*state, "%.*s,\"period\":\"1s\",\"timeout\":\"1s\"}", STR_ARG(object));
			expect_bounds(stored(*state, object.ptr));
		}
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(concurrency_as_sdks_send_it), TEST(concurrency_as_others_store_it),
		TEST(throttle_is_restored),        TEST(rate_limit_is_restored),
		TEST(idempotency_is_a_rate_limit), TEST(debounce_is_restored),
		TEST(batch_is_restored),           TEST(priority_is_restored),
		TEST(singleton_is_restored),       TEST(settings_that_are_absent_are_off),
		TEST(nonsense_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
