#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

// What is written to standard error between begin() and end() lands in a file that has no name.
static int saved_stderr = -1, capture = -1;
static char captured[512 * 1024];

static void begin(enum log_level level, enum log_format format, bool colour) {
	capture = memfd_create("stderr", 0);
	assert_true(capture >= 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(capture, STDERR_FILENO);
	log_configure(level, format, colour);
}

static struct str end(void) {
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ssize_t len = pread(capture, captured, sizeof(captured) - 1, 0);
	close(capture);
	assert_true(len >= 0);
	captured[len] = '\0';
	return str_make(captured, (size_t)len);
}

static void json_lines_are_json(void **state) {
	(void)state;
	begin(LOG_LEVEL_INFO, LOG_FORMAT_JSON, false);
	LOG_INFO("starting \"server\"", LOG_CSTR("addr", "[::1]:8288"), LOG_INT("port", -8288),
		 LOG_STR("odd", STR("a\xff\n\u00fc")));
	struct str line = end();
	struct error error;
	assert_int_equal(line.ptr[line.len - 1], '\n');
	yyjson_doc *doc = json_read(line, false, NULL, &error);
	assert_non_null(doc);
	yyjson_val *root = yyjson_doc_get_root(doc);
	int64_t ns;
	assert_true(date_parse_rfc3339(json_str(json_get_exact(root, STR("time"))), &ns));
	assert_string_equal(yyjson_get_str(json_get_exact(root, STR("level"))), "INFO");
	assert_string_equal(yyjson_get_str(json_get_exact(root, STR("msg"))), "starting \"server\"");
	assert_string_equal(yyjson_get_str(json_get_exact(root, STR("addr"))), "[::1]:8288");
	assert_int_equal(yyjson_get_int(json_get_exact(root, STR("port"))), -8288);
	assert_string_equal(yyjson_get_str(json_get_exact(root, STR("odd"))), "a\ufffd\n\u00fc");
	yyjson_doc_free(doc);
}

static void text_is_logfmt(void **state) {
	(void)state;
	begin(LOG_LEVEL_TRACE, LOG_FORMAT_TEXT, false);
	LOG_WARN("two words", LOG_CSTR("plain", "a-b"), LOG_CSTR("spaced", "a b"), LOG_CSTR("empty", ""),
		 LOG_INT("n", 7));
	struct str line = end();
	assert_true(str_starts_with(line, STR("time=")));
	const char *rest = strchr(line.ptr, ' ');
	assert_string_equal(rest, " level=WARN msg=\"two words\" plain=a-b spaced=\"a b\" empty=\"\" n=7\n");
}

static void dev_form_is_short(void **state) {
	(void)state;
	begin(LOG_LEVEL_DEBUG, LOG_FORMAT_DEV, false);
	LOG_DEBUG("hello there", LOG_INT("n", 1));
	struct str line = end();
	assert_int_equal(line.ptr[0], '[');
	assert_string_equal(line.ptr + 14, " DBG hello there n=1\n");
	begin(LOG_LEVEL_DEBUG, LOG_FORMAT_DEV, true);
	LOG_ERROR("bad", LOG_CSTR("error", "x y"));
	line = end();
	assert_true(str_find_str(line, STR("\033[31mERR\033[0m bad")) > 0);
	assert_true(str_ends_with(line, STR("error=\033[0m\"x y\"\n")));
}

static void levels_filter(void **state) {
	(void)state;
	begin(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, false);
	LOG_INFO("no");
	LOG_DEBUG("no");
	log_write(LOG_LEVEL_NOTICE, "no", NULL, 0);
	LOG_WARN("yes");
	log_write(LOG_LEVEL_EMERGENCY, "yes", NULL, 0);
	assert_false(log_enabled(LOG_LEVEL_INFO));
	struct str text = end();
	assert_int_equal(str_find_str(text, STR("no")), -1);
	assert_true(str_find_str(text, STR("level=WARN msg=yes\n")) > 0);
	assert_true(str_find_str(text, STR("level=EMERGENCY msg=yes\n")) > 0);
}

static void large_values_are_cut(void **state) {
	(void)state;
	char *large = malloc(1000000);
	memset(large, 'x', 1000000);
	memcpy(large + 16 * 1024 - 1, "\u20ac", 3); // a character on the border
	struct log_field fields[40];
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) fields[i] = LOG_STR("large", str_make(large, 1000000));
	begin(LOG_LEVEL_INFO, LOG_FORMAT_JSON, false);
	log_write(LOG_LEVEL_INFO, "m", fields, (int)ARRAY_LEN(fields));
	struct str line = end();
	assert_true(line.len < 300000);
	yyjson_doc *doc = json_read(line, false, NULL, NULL);
	assert_non_null(doc);
	struct str value = json_str(json_get_exact(yyjson_doc_get_root(doc), STR("large")));
	assert_int_equal(value.len, 16 * 1024 - 1 + 3);
	assert_true(str_ends_with(value, STR("x…")));
	yyjson_doc_free(doc);
	free(large);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines_are_json),  cmocka_unit_test(text_is_logfmt),
		cmocka_unit_test(dev_form_is_short),    cmocka_unit_test(levels_filter),
		cmocka_unit_test(large_values_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
