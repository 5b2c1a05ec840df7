#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/function.h"

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

static struct registration parse(struct arena *arena, const char *body) {
	struct registration out;
	struct error error;
	if (registration_parse(arena, str_from_cstr(body), &out, &error) != ERR_OK)
		fail_msg("%s: %s", body, error.message);
	return out;
}

static void expect_invalid(struct arena *arena, const char *body, const char *message) {
	struct registration out;
	struct error error;
	if (registration_parse(arena, str_from_cstr(body), &out, &error) == ERR_OK) fail_msg("taken: %s", body);
	if (strcmp(error.message, message) != 0) fail_msg("%s\ngave %s", body, error.message);
}

#define expect_str(s, text)                                                                      \
	do {                                                                                     \
		if (!str_eq_cstr((s), (text))) fail_msg("%.*s\nis not\n%s", STR_ARG(s), (text)); \
	} while (0)

static void envelope_is_read(void **state) {
	struct registration out =
		parse(*state, "{\"appname\":\"shop\",\"URL\":\"http://127.0.0.1:3000/x?deployId=1\","
			      "\"sdk\":\"js:v4.24.0\",\"framework\":\"express\",\"appVersion\":\"7\","
			      "\"deployType\":\"ping\",\"capabilities\":{\"connect\":\"v1\"},\"x\":[]} junk");
	expect_str(out.app_name, "shop");
	expect_str(out.url, "http://localhost:3000/x");
	expect_str(out.sdk_language, "js");
	expect_str(out.sdk_version, "v4.24.0");
	expect_str(out.framework, "express");
	expect_str(out.app_version, "7");
	expect_str(out.method, "serve");
	expect_str(out.metadata, "{}");
	assert_false(out.has_observations);
	assert_false(out.sdk_denied);
	assert_int_equal(out.function_count, 0);
	assert_int_equal(out.problems.len, 0);
	out = parse(*state, "{\"appName\":\"a\",\"sdk\":\"js:v3.30.0\",\"deployType\":\"connect\","
			    "\"capabilities\":{\"connect\":\"v1\"},\"functions\":null}");
	expect_str(out.method, "connect");
	assert_true(out.sdk_denied);
	out = parse(*state, "{\"sdk\":\"go\",\"deployType\":\"connect\"}");
	expect_str(out.method, "serve");
	expect_str(out.sdk_language, "go");
	assert_int_equal(out.sdk_version.len, 0);
	assert_int_equal(out.app_name.len, 0);
	out = parse(*state, "null");
	assert_int_equal(out.app_name.len, 0);
	out = parse(*state, "{\"sdk\":\"a:b:c\"}");
	expect_str(out.sdk_version, "b");
}

static void wrong_types_are_refused(void **state) {
	static const struct {
		const char *body, *message;
	} cases[] = {
		{"", "Invalid request: unexpected end of JSON input"},
		{"{\"appName\":", "Invalid request: unexpected end of JSON input"},
		{"[]", "Invalid request: the body should be an object, got an array"},
		{"{\"appName\":1}", "Invalid request: appName should be a string, got a number"},
		{"{\"functions\":{}}", "Invalid request: functions should be an array, got an object"},
		{"{\"capabilities\":{\"connect\":1}}",
		 "Invalid request: capabilities.connect should be a string, got a number"},
		{"{\"headers\":{\"env\":1}}", "Invalid request: headers.env should be a string, got a number"},
		{"{\"functions\":[{},7]}",
		 "Invalid request: functions[1]: a function should be an object, got a number"},
		{"{\"functions\":[{\"name\":[]}]}",
		 "Invalid request: functions[0]: name should be a string, got an array"},
		{"{\"functions\":[{\"retries\":5.0}]}",
		 "Invalid request: functions[0]: retries should be an integer, got a number"},
		{"{\"functions\":[{\"triggers\":[7]}]}",
		 "Invalid request: functions[0]: a trigger should be an object, got a number"},
		{"{\"functions\":[{\"triggers\":[{\"event\":7}]}]}",
		 "Invalid request: functions[0]: trigger event should be a string, got a number"},
		{"{\"functions\":[{\"steps\":{\"a\":7}}]}",
		 "Invalid request: functions[0]: a step should be an object, got a number"},
		{"{\"functions\":[{\"steps\":{\"a\":{\"retries\":{\"attempts\":\"1\"}}}}]}",
		 "Invalid request: functions[0]: step retries.attempts should be an integer, got a string"},
		{"{\"functions\":[{\"batchEvents\":7}]}",
		 "Invalid request: functions[0]: batchEvents should be an object, got a number"},
		{"{\"functions\":[{\"rateLimit\":{\"limit\":-1}}]}",
		 "Invalid request: functions[0]: rateLimit.limit should not be negative"},
		{"{\"functions\":[{\"throttle\":{\"limit\":-1,\"period\":\"1s\"}}]}",
		 "Invalid request: functions[0]: throttle.limit should not be negative"},
		{"{\"functions\":[{\"throttle\":{\"burst\":-1,\"period\":\"1s\"}}]}",
		 "Invalid request: functions[0]: throttle.burst should not be negative"},
		{"{\"functions\":[{\"throttle\":{\"period\":\"x\"}}]}",
		 "Invalid request: functions[0]: time: invalid duration \"x\""},
		{"{\"functions\":[{\"throttle\":{}}]}", "Invalid request: functions[0]: time: invalid duration \"\""},
		{"{\"functions\":[{\"checkpoint\":{\"batch_interval\":\"x\"}}]}",
		 "Invalid request: functions[0]: time: invalid duration \"x\""},
		{"{\"functions\":[{\"checkpoint\":{\"max_runtime\":true}}]}",
		 "Invalid request: functions[0]: checkpoint.max_runtime should be a duration, got a bool"},
		{"{\"functions\":[{\"checkpoint\":{\"max_runtime\":1e300}}]}",
		 "Invalid request: functions[0]: checkpoint.max_runtime is out of range"},
		{"{\"functions\":[{\"singleton\":{\"mode\":\"x\"}}]}",
		 "Invalid request: functions[0]: x does not belong to SingletonMode values"},
		{"{\"functions\":[{\"concurrency\":[{\"scope\":\"zzz\"}]}]}",
		 "Invalid request: functions[0]: zzz does not belong to ConcurrencyScope values"},
		{"{\"functions\":[{\"concurrency\":[7]}]}",
		 "Invalid request: functions[0]: a concurrency limit should be an object, got a number"},
		{"{\"functions\":[{\"concurrency\":{\"limit\":\"7\"}}]}",
		 "Invalid request: functions[0]: concurrency limit should be an integer, got a string"},
		{"{\"functions\":[{\"cancel\":[7]}]}",
		 "Invalid request: functions[0]: a cancellation should be an object, got a number"},
		{"{\"functions\":[{\"debounce\":{\"period\":7}}]}",
		 "Invalid request: functions[0]: debounce.period should be a string, got a number"},
		{"{\"functions\":[{\"timeouts\":{\"start\":7}}]}",
		 "Invalid request: functions[0]: timeouts.start should be a string, got a number"},
		{"{\"functions\":[{\"priority\":{\"run\":7}}]}",
		 "Invalid request: functions[0]: priority.run should be a string, got a number"},
		{"{\"featureObservations\":{\"sendEvents\":7}}",
		 "Invalid request: proto: sendEvents should be an object, got a number"},
		{"{\"featureObservations\":{\"sendEvents\":{\"readinessReason\":[]}}}",
		 "Invalid request: proto: sendEvents.readinessReason should be a name or a number, got an array"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) expect_invalid(*state, cases[i].body, cases[i].message);
}

static void observations_become_metadata(void **state) {
	struct registration out = parse(
		*state, "{\"featureObservations\":{\"aiMetadataExtraction\":{\"readinessReason\":"
			"\"AI_METADATA_EXTRACTION_READINESS_REASON_OTEL_PROVIDER_MISSING\"},"
			"\"extended_traces\":{\"readiness_reason\":6},\"sendEvents\":{\"readinessReason\":\"NEW\"},"
			"\"other\":7}}");
	assert_true(out.has_observations);
	expect_str(out.metadata, "{\"featureObservations\":\"{\\\"aiMetadataExtraction\\\":{\\\"readinessReason\\\":3},"
				 "\\\"extendedTraces\\\":{\\\"readinessReason\\\":6},"
				 "\\\"sendEvents\\\":{\\\"readinessReason\\\":0}}\"}");
	out = parse(*state, "{\"featureObservations\":{\"AIMetadataExtraction\":{},\"sendEvents\":null}}");
	assert_false(out.has_observations);
	expect_str(out.metadata, "{}");
}

#define STEP(url) \
	"\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\",\"url\":\"" url "\"}}}"
#define ONE(members) \
	"{\"appName\":\"shop\",\"functions\":[{\"id\":\"shop-f\",\"name\":\"F\"," STEP("http://h/x") members "}]}"
#define STORED(before, middle, after)                                                                        \
	before "\"name\":\"F\"," middle "\"slug\":\"shop-f\",\"steps\":[{\"id\":\"step\",\"name\":\"step\"," \
	       "\"uri\":\"http://h/x\"}]," after

static void stored_form_is_normalised(void **state) {
	static const struct {
		const char *body, *members;
	} cases[] = {
		{ONE(""), STORED("", "", "\"triggers\":null")},
		{ONE(",\"triggers\":[]"), STORED("", "", "\"triggers\":[]")},
		{ONE(",\"triggers\":[{\"event\":\"a/b\",\"expression\":null},{\"cron\":\"0 0 * * "
		     "*\",\"jitter\":\"1m\"}]"),
		 STORED("", "", "\"triggers\":[{\"event\":\"a/b\"},{\"cron\":\"0 0 * * *\",\"jitter\":\"1m\"}]")},
		{ONE(",\"concurrency\":5"),
		 STORED("\"concurrency\":[{\"hash\":\"\",\"limit\":5,\"scope\":\"Fn\"}],", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":[{\"limit\":9},{\"limit\":-2,\"scope\":null}]"),
		 STORED("\"concurrency\":[{\"hash\":\"\",\"limit\":0,\"scope\":\"Fn\"},"
			"{\"hash\":\"\",\"limit\":9,\"scope\":\"Fn\"}],",
			"", "\"triggers\":null")},
		{ONE(",\"concurrency\":[]"), STORED("\"concurrency\":[],", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":\"5\""), STORED("\"concurrency\":null,", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":1.5"), STORED("\"concurrency\":null,", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":{}"),
		 STORED("\"concurrency\":[{\"hash\":\"\",\"limit\":0,\"scope\":\"Fn\"}],", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":{\"fn\":[7],\"step\":[{\"limit\":3}],\"limit\":4}"),
		 STORED("\"concurrency\":[{\"hash\":\"\",\"limit\":4,\"scope\":\"Fn\"}],", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":{\"fn\":[],\"step\":[{\"limit\":3}]}"),
		 STORED("\"concurrency\":[{\"hash\":\"\",\"limit\":3,\"scope\":\"Fn\"}],", "", "\"triggers\":null")},
		{ONE(",\"concurrency\":{\"fn\":[{\"limit\":2,\"id\":\"i\"}],\"step\":[{\"limit\":3}]}"),
		 STORED("\"concurrency\":{\"fn\":[{\"id\":\"i\",\"limit\":2}],"
			"\"step\":[{\"hash\":\"\",\"limit\":3,\"scope\":\"Fn\"}]},",
			"", "\"triggers\":null")},
		{ONE(",\"concurrency\":{\"fn\":[{\"limit\":2,\"scope\":\"fn\"}]}"),
		 STORED("\"concurrency\":{\"fn\":[{\"limit\":2,\"scope\":\"fn\"}]},", "", "\"triggers\":null")},
		{ONE(",\"rateLimit\":{\"limit\":3,\"period\":\"1h\"},\"throttle\":{\"period\":\"90m\"}"),
		 STORED("", "\"rateLimit\":{\"limit\":3,\"period\":\"1h\"},",
			"\"throttle\":{\"burst\":0,\"limit\":1,\"period\":\"1h30m\"},\"triggers\":null")},
		{ONE(",\"throttle\":{\"limit\":2,\"burst\":4,\"period\":\"-1s\",\"key\":\"\"}"),
		 STORED("", "", "\"throttle\":{\"burst\":4,\"limit\":2,\"period\":\"0s\"},\"triggers\":null")},
		{ONE(",\"debounce\":{\"period\":\"90s\",\"key\":\"\",\"timeout\":\"x\"}"),
		 STORED("\"debounce\":{\"period\":\"90s\",\"timeout\":\"x\"},", "", "\"triggers\":null")},
		{ONE(",\"batchEvents\":{\"MaxSize\":7,\"timeout\":\"90s\"},\"priority\":{}"),
		 STORED("\"batchEvents\":{\"maxSize\":7,\"timeout\":\"90s\"},", "\"priority\":{\"run\":null},",
			"\"triggers\":null")},
		{ONE(",\"cancel\":[{\"event\":\"c\",\"timeout\":\"\\\"30s\\\"\",\"match\":\"x\"},{}]"),
		 STORED("\"cancel\":[{\"event\":\"c\",\"timeout\":\"\\\"30s\\\"\"},{\"event\":\"\"}],", "",
			"\"triggers\":null")},
		{ONE(",\"timeouts\":{\"start\":\"1m\",\"finish\":\"1h\"},\"Singleton\":{\"mode\":null}"),
		 STORED("", "\"singleton\":{\"mode\":\"skip\"},",
			"\"timeouts\":{\"finish\":\"1h\",\"start\":\"1m\"},\"triggers\":null")},
		{ONE(",\"singleton\":null,\"timeouts\":{},\"cancel\":[]"),
		 STORED("", "", "\"timeouts\":{},\"triggers\":null")},
		{ONE(",\"checkpoint\":{\"batch_steps\":3,\"batch_interval\":\"90s\",\"max_runtime\":60000000000}"),
		 STORED("\"checkpoint\":{\"batch_interval\":\"1m30s\",\"batch_steps\":3,\"max_runtime\":\"1m\"},", "",
			"\"triggers\":null")},
		{ONE(",\"triggers\":[{\"event\":\"a\",\"expression\":\"event.x == 'é'\"}]"),
		 STORED("", "", "\"triggers\":[{\"event\":\"a\",\"expression\":\"event.x == 'é'\"}]")},
		{ONE(",\"concurrency\":{\"limit\":5,\"key\":\"event.data.id\",\"scope\":\"env\"}"),
		 STORED("\"concurrency\":[{\"hash\":\"1qli8ewrvdw7i\",\"key\":\"event.data.id\",\"limit\":5,"
			"\"scope\":\"Env\"}],",
			"", "\"triggers\":null")},
		{ONE(",\"concurrency\":{\"fn\":[{\"limit\":2,\"key\":\"foo\"}]}"),
		 STORED("\"concurrency\":{\"fn\":[{\"id\":\"sbu9qsxbpven\",\"key\":\"foo\",\"limit\":2}]},", "",
			"\"triggers\":null")},
		{ONE(",\"idempotency\":\"event.id\",\"rateLimit\":{\"limit\":7}"),
		 STORED("", "\"rateLimit\":{\"key\":\"event.id\",\"limit\":1,\"period\":\"24h0m0s\"},",
			"\"triggers\":null")},
		{ONE(",\"batchEvents\":{\"maxSize\":7,\"timeout\":\"9s\",\"key\":\"event.k\",\"if\":\"true\"}"),
		 STORED("\"batchEvents\":{\"if\":\"true\",\"key\":\"event.k\",\"maxSize\":7,\"timeout\":\"9s\"},", "",
			"\"triggers\":null")},
		{ONE(",\"cancel\":[{\"event\":\"c\",\"if\":\"event.x == async.x\"}],"
		     "\"debounce\":{\"period\":\"9s\",\"key\":\"event.k\"},\"priority\":{\"run\":\"120\"}"),
		 STORED("\"cancel\":[{\"event\":\"c\",\"if\":\"event.x == async.x\"}],"
			"\"debounce\":{\"key\":\"event.k\",\"period\":\"9s\"},",
			"\"priority\":{\"run\":\"120\"},", "\"triggers\":null")},
		{ONE(",\"singleton\":{\"key\":\"what ever\"},\"throttle\":{\"period\":\"1s\",\"key\":\"k ==\"}"),
		 STORED("", "\"singleton\":{\"key\":\"what ever\",\"mode\":\"skip\"},",
			"\"throttle\":{\"burst\":0,\"key\":\"k ==\",\"limit\":1,\"period\":\"1s\"},\"triggers\":null")},
		{ONE(",\"checkpoint\":{\"batch_interval\":\" \",\"max_runtime\":null}"),
		 STORED("\"checkpoint\":{},", "", "\"triggers\":null")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct registration out = parse(*state, cases[i].body);
		if (out.function_count != 1) fail_msg("%s: %.*s", cases[i].body, STR_ARG(out.problems));
		expect_str(out.functions[0].config_members, cases[i].members);
	}
}

static void retries_are_resolved_and_clamped(void **state) {
	static const struct {
		const char *function, *step;
		int retries;
		const char *stored; // NULL: not stored
	} cases[] = {
		{"", "", 4, NULL},
		{",\"retries\":null", ",\"retries\":null", 4, NULL},
		{",\"retries\":7", "", 7, "\"retries\":7"},
		{",\"retries\":7", ",\"retries\":{\"attempts\":2}", 2, "\"retries\":2"},
		{",\"retries\":7", ",\"retries\":{}", 0, "\"retries\":0"},
		{"", ",\"retries\":{\"attempts\":99}", 20, "\"retries\":20"},
		{",\"retries\":-3", "", 0, "\"retries\":0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str body = arena_printf(*state,
					       "{\"functions\":[{\"name\":\"F\",\"steps\":{\"s\":{\"name\":\"s\","
					       "\"runtime\":{\"url\":\"http://h\"}%s}}%s}]}",
					       cases[i].step, cases[i].function);
		struct registration out = parse(*state, body.ptr);
		assert_int_equal(out.function_count, 1);
		assert_int_equal(out.functions[0].retries, cases[i].retries);
		struct str members = out.functions[0].config_members;
		if (cases[i].stored == NULL) {
			assert_true(str_find_str(members, STR("retries")) < 0);
		} else {
			assert_true(str_find_str(members, str_from_cstr(cases[i].stored)) > 0);
		}
	}
}

#define SECOND_STEP STEP("http://127.0.0.1:3000/api/inngest?deployId=7&stepId=step&fnId=shop-two")

static void identity_follows_name_and_url(void **state) {
	struct registration out = parse(*state, "{\"functions\":[{\"id\":\"shop-two\",\"name\":\"Second\"," SECOND_STEP
						"},{\"name\":\"My Cool Function!\"," STEP("http://h") "}]}");
	char text[UUID_TEXT_LEN + 1];
	assert_int_equal(out.function_count, 2);
	expect_str(out.functions[0].uri, "http://localhost:3000/api/inngest?fnId=shop-two&stepId=step");
	uuid_text(&out.functions[0].derived_id, text);
	assert_string_equal(text, "1dfc5af9-15fc-5d7f-a1a0-12bc134c4016");
	expect_str(out.functions[1].slug, "my-cool-function");
}

static void stored_form_is_read_back(void **state) {
	struct arena *arena = *state;
	struct registration out =
		parse(arena, ONE(",\"retries\":9,\"triggers\":[{\"event\":\"a/b\","
				 "\"expression\":\"event.data.x\"},{\"cron\":\"0 0 * * *\",\"jitter\":\"1m\"}],"
				 "\"concurrency\":5"));
	const struct function_config *config = &out.functions[0];
	struct str json = function_config_json(arena, &config->derived_id, 7, config->config_members);
	struct uuid id;
	uint32_t version;
	struct function_config back;
	struct error error;
	assert_int_equal(function_config_restore(arena, json, &id, &version, &back, &error), ERR_OK);
	assert_true(uuid_eq(&id, &config->derived_id));
	assert_true(uuid_eq(&back.derived_id, &config->derived_id));
	assert_int_equal(version, 7);
	assert_true(str_eq(back.name, config->name));
	assert_true(str_eq(back.slug, config->slug));
	assert_true(str_eq(back.uri, config->uri));
	assert_true(str_eq(back.config_members, config->config_members));
	assert_int_equal(back.retries, 9);
	assert_int_equal(back.trigger_count, 2);
	expect_str(back.triggers[0].event, "a/b");
	expect_str(back.triggers[0].expression, "event.data.x");
	expect_str(back.triggers[1].cron, "0 0 * * *");
	expect_str(back.triggers[1].jitter, "1m");
	assert_int_equal(back.triggers[1].event.len, 0);
}

#define ID "\"id\":\"1dfc5af9-15fc-5d7f-a1a0-12bc134c4016\""

static void foreign_stored_forms_are_read(void **state) {
	struct arena *arena = *state;
	struct uuid id;
	uint32_t version;
	struct function_config back;
	struct error error;
	assert_int_equal(
		function_config_restore(arena,
					STR("{" ID ",\"fv\":1,\"slug\":\"s\",\"name\":\"n\",\"triggers\":null,"
					    "\"steps\":[{\"uri\":\"u\",\"retries\":-5}],\"zz\": {\"id\" : 1}}"),
					&id, &version, &back, &error),
		ERR_OK);
	expect_str(back.config_members, "\"name\":\"n\",\"slug\":\"s\",\"steps\":[{\"retries\":-5,\"uri\":\"u\"}],"
					"\"triggers\":null,\"zz\":{\"id\":1}");
	assert_int_equal(back.retries, 0);
	static const char *const corrupt[] = {
		"",
		"7",
		"{}",
		"{\"id\":\"x\",\"fv\":1,\"slug\":\"s\"}",
		"{" ID ",\"fv\":-1,\"slug\":\"s\"}",
		"{" ID ",\"fv\":4294967296,\"slug\":\"s\"}",
		"{" ID ",\"slug\":\"s\"}",
		"{" ID ",\"fv\":1}",
		"{" ID ",\"fv\":1,\"slug\":7}",
	};
	for (size_t i = 0; i < ARRAY_LEN(corrupt); i++)
		assert_int_equal(
			function_config_restore(arena, str_from_cstr(corrupt[i]), &id, &version, &back, &error),
			ERR_CORRUPT);
	assert_int_equal(function_config_restore(arena,
						 STR("{" ID ",\"fv\":1,\"slug\":\"s\",\"steps\":7,\"triggers\":[7]}"),
						 &id, &version, &back, &error),
			 ERR_OK);
	assert_int_equal(back.uri.len, 0);
}

#define FULL(app, url, extra, functions) \
	"{\"appName\":\"" app "\",\"url\":\"" url "\",\"functions\":[" functions "]" extra "}"
#define FN(id, url, extra) "{\"id\":\"" id "\",\"name\":\"N\"," STEP(url) extra "}"

static void checksum_covers_what_counts(void **state) {
	struct registration base = parse(
		*state, FULL("a", "http://localhost:1/x", "", FN("a", "http://h", "") "," FN("b", "http://h", "")));
	static const char *const same[] = {
		FULL("a", "http://127.0.0.1:1/x", "", FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x?deployId=4", ",\"deployId\":\"4\"",
		     FN("a", "http://h?deployId=4", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"headers\":{\"env\":\"e\"},\"unknown\":1",
		     FN("a", "http://h", ",\"unknown\":1") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", "", FN("b", "http://h", "") "," FN("a", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"featureObservations\":{\"sendEvents\":{}}",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
	};
	static const char *const different[] = {
		FULL("b", "http://localhost:1/x", "", FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:2/x", "", FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", "", FN("a", "http://h", "")),
		FULL("a", "http://localhost:1/x", "",
		     FN("a", "http://h", ",\"retries\":1") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", "", FN("a", "http://h", "") "," FN("b", "http://g", "")),
		FULL("a", "http://localhost:1/x", ",\"appVersion\":\"2\"",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"v\":\"2\"", FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"sdk\":\"2\"",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"framework\":\"2\"",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"deployType\":\"2\"",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"idempotencyKey\":\"2\"",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", ",\"capabilities\":{\"trust_probe\":\"v1\"}",
		     FN("a", "http://h", "") "," FN("b", "http://h", "")),
		FULL("a", "http://localhost:1/x", "",
		     FN("a", "http://h", ",\"idempotency\":\"event.id\"") "," FN("b", "http://h", "")),
	};
	assert_int_equal(strlen(base.checksum), 64);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct registration out = parse(*state, same[i]);
		if (strcmp(out.checksum, base.checksum) != 0) fail_msg("differs: %s", same[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(different); i++) {
		struct registration out = parse(*state, different[i]);
		if (strcmp(out.checksum, base.checksum) == 0) fail_msg("the same: %s", different[i]);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(envelope_is_read),
		TEST(wrong_types_are_refused),
		TEST(observations_become_metadata),
		TEST(stored_form_is_normalised),
		TEST(retries_are_resolved_and_clamped),
		TEST(identity_follows_name_and_url),
		TEST(stored_form_is_read_back),
		TEST(foreign_stored_forms_are_read),
		TEST(checksum_covers_what_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
