// Output ids and outputs as they are shown (spec 06 §17).
#include "base/hash.h"
#include "trace_test.h"

#define ZERO "00000000-0000-0000-0000-000000000000"

// The id's JSON.
static const char *json_of(struct fixture *f, struct str id) {
	buf_clear(&f->text);
	assert_true(base64_parse(id, true, &f->text));
	buf_byte(&f->text, '\0');
	return f->text.ptr;
}

static void test_id_text(void **state) {
	struct fixture *f = *state;
	struct trace_output_id id = {
		.is_preview = true, .run_id = f->subject.run_id, .row_id = STR("fbd6b50f698332d5")};
	char run[ULID_TEXT_LEN + 1];
	ulid_text(&id.run_id, run);
	struct str expected =
		arena_printf(&f->arena,
			     "{\"acctID\":\"" ZERO "\",\"wsID\":\"" ZERO "\",\"appID\":\"" ZERO "\",\"fnID\":\"" ZERO
			     "\",\"tid\":\"\",\"sid\":\"fbd6b50f698332d5\",\"rid\":\"%s\","
			     "\"preview\":true}",
			     run);
	assert_string_equal(json_of(f, trace_output_id_text(&f->arena, &id)), expected.ptr);

	id.row_id = STR("");
	id.input_row_id = STR("1a2b");
	expected = arena_printf(&f->arena,
				"{\"acctID\":\"" ZERO "\",\"wsID\":\"" ZERO "\",\"appID\":\"" ZERO "\",\"fnID\":\"" ZERO
				"\",\"tid\":\"\",\"sid\":\"\",\"rid\":\"%s\",\"preview\":true,\"in_sid\":\"1a2b\"}",
				run);
	assert_string_equal(json_of(f, trace_output_id_text(&f->arena, &id)), expected.ptr);

	struct trace_output_id plain = {
		.app_id = {{0xab}}, .function_id = {{0xcd}}, .trace_id = STR("41a08479"), .row_id = STR("9\"9")};
	assert_string_equal(json_of(f, trace_output_id_text(&f->arena, &plain)),
			    "{\"acctID\":\"" ZERO "\",\"wsID\":\"" ZERO
			    "\",\"appID\":\"ab000000-0000-0000-0000-000000000000\",\"fnID\":\"cd000000-0000-0000-0000-"
			    "000000000000\",\"tid\":\"41a08479\",\"sid\":\"9\\\"9\"}");
}

static void test_id_back(void **state) {
	struct fixture *f = *state;
	struct error error;
	struct trace_output_id id = {.is_preview = true,
				     .run_id = f->subject.run_id,
				     .row_id = STR("fbd6b50f698332d5"),
				     .input_row_id = STR("1a2b")},
			       back;
	struct str text = trace_output_id_text(&f->arena, &id);
	assert_int_equal(trace_output_id_parse(&f->arena, text, &back, &error), ERR_OK);
	assert_true(back.is_preview);
	assert_int_equal(ulid_cmp(&back.run_id, &id.run_id), 0);
	assert_true(str_eq(back.row_id, id.row_id) && str_eq(back.input_row_id, id.input_row_id));
}

static void check_refused(struct fixture *f, struct str text, const char *message) {
	struct trace_output_id id;
	struct error error = {0};
	assert_int_equal(trace_output_id_parse(&f->arena, text, &id, &error), ERR_INVALID);
	assert_string_equal(error.message, message);
}

static void check_json_refused(struct fixture *f, const char *json, const char *message) {
	struct buf text;
	buf_init(&text, 1 << 20);
	base64_append(&text, cstr(json), true);
	check_refused(f, buf_view(&text), message);
	buf_free(&text);
}

static void test_bad_base64(void **state) {
	static const struct {
		const char *text;
		int at;
	} cases[] = {
		{"!", 0},      {"not base64", 3}, {"abcd!", 4},    {"abcde", 4},  {"ab", 0},
		{"abcdab", 4}, {"abcda===", 5},   {"abcdab=x", 7}, {"ab==cd", 4}, {"abcd=", 4},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str message = arena_printf(
			&f->arena, "error parsing span identifier: illegal base64 data at input byte %d", cases[i].at);
		check_refused(f, cstr(cases[i].text), message.ptr);
	}
}

static void test_bad_ids(void **state) {
	struct fixture *f = *state;
	check_json_refused(f, "", "error parsing span identifier: unexpected end of JSON input");
	check_json_refused(f, "[]", "error parsing span identifier: it is no object");
	check_json_refused(f, "{\"appID\":\"x\"}", "error parsing span identifier: invalid UUID in appID");
	check_json_refused(f, "{\"rid\":7}", "error parsing span identifier: ulid: bad data size when unmarshaling");
	check_json_refused(f, "{\"preview\":true,\"rid\":\"01M7YJ5BWCF0PFDBZ4W11SMC6R\"}",
			   "span ID or input span ID is required to retrieve output");
	check_json_refused(f, "{\"preview\":true,\"sid\":\"a\"}", "run ID is required to retrieve span output");
	check_json_refused(f, "{\"preview\":true,\"in_sid\":\"a\"}", "run ID is required to retrieve span output");
	check_json_refused(f, "{\"sid\":\"a\"}", "traceID is required to retrieve output");
	check_json_refused(f, "{\"tid\":\"a\"}", "spanID is required to retrieve output");
	char *large = mem_alloc(8192);
	memset(large, 'a', 8192);
	check_refused(f, str_make(large, 8192), "error parsing span identifier: too long");
	free(large);
}

static void check_data(struct fixture *f, const char *stored, const char *data) {
	struct trace_output out;
	trace_output_show(&f->arena, cstr(stored), &out);
	assert_false(out.has_error);
	assert_int_equal(out.data.len, strlen(data));
	assert_memory_equal(out.data.ptr, data, out.data.len);
}

static void test_data(void **state) {
	struct fixture *f = *state;
	check_data(f, "", "");
	check_data(f, "7", "7");
	check_data(f, "[1, 2]", "[1, 2]");
	check_data(f, "no JSON", "no JSON");
	check_data(f, "{\"data\":{\"done\":true,\"b\":2}}", "{\"done\":true,\"b\":2}");
	check_data(f, "{\"data\":\"text\"}", "\"text\"");
	check_data(f, "{\"data\":null}", "null");
	check_data(f, "{\"error\":null,\"data\":1}", "1");
	check_data(f, "{\"a\": 1}", "{\"a\": 1}");
	check_data(f, "{\"name\":\"app/go\", \"data\":{}, \"ts\":1}", "{\"name\":\"app/go\", \"data\":{}, \"ts\":1}");
	check_data(f, "{\"data\":18446744073709551615}", "18446744073709551615");
}

static void check_error(struct fixture *f, const char *stored, const char *parts) {
	struct trace_output out;
	trace_output_show(&f->arena, cstr(stored), &out);
	assert_true(out.has_error);
	assert_int_equal(out.data.len, 0);
	assert_string_equal(arena_printf(&f->arena, "%.*s|%.*s|%.*s|%.*s", STR_ARG(out.message), STR_ARG(out.name),
					 STR_ARG(out.stack), STR_ARG(out.cause))
				    .ptr,
			    parts);
}

static void test_error(void **state) {
	struct fixture *f = *state;
	check_error(f, "{\"error\":{\"message\":\"boom\"}}", "boom|||");
	check_error(f, "{\"error\":{\"name\":\"Error\",\"message\":\"boom\",\"stack\":\"at x\",\"cause\":{\"a\":[1]}}}",
		    "boom|Error|at x|{\"a\":[1]}");
	check_error(f, "{\"error\":{\"message\":\"\",\"cause\":null,\"name\":7},\"data\":1}", "|||");
	check_error(f, "{\"error\":\"boom\"}", "||\"boom\"|");
	check_error(f, "{\"error\":{\"message\":{\"a\":1}}}", "||{\"message\":{\"a\":1}}|");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_id_text), TRACE_TEST(test_id_back), TRACE_TEST(test_bad_base64),
		TRACE_TEST(test_bad_ids), TRACE_TEST(test_data),    TRACE_TEST(test_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
