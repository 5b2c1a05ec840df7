// The variables of OpenTelemetry that say whether and where spans go.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "node/export_settings.h"

#define VARIABLES_MAX 16
static const char *variables[VARIABLES_MAX][2];
static size_t variable_count;
static struct export_settings settings;
static struct error error;

static char *get(const char *name) {
	for (size_t i = 0; i < variable_count; i++)
		if (strcmp(variables[i][0], name) == 0) return (char *)(uintptr_t)variables[i][1];
	return NULL;
}

static void set(const char *name, const char *value) {
	assert_true(variable_count < VARIABLES_MAX);
	variables[variable_count][0] = name;
	variables[variable_count++][1] = value;
}

static int set_up(void **state) {
	(void)state;
	variable_count = 0;
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	export_settings_free(&settings);
	return 0;
}

static enum err read_them(void) {
	return export_settings_read(&settings, get, STR("1.2"), &error);
}

static void assert_str(struct str actual, const char *expected) {
	if (!str_eq_cstr(actual, expected)) fail_msg("'%.*s' instead of '%s'", STR_ARG(actual), expected);
}

static const char *resource(const char *key) {
	for (size_t i = 0; i < settings.resource_count; i++)
		if (str_eq_cstr(settings.resource[i].key, key)) return settings.resource[i].value.ptr;
	return "";
}

static void off_by_default(void **state) {
	(void)state;
	assert_int_equal(read_them(), ERR_OK);
	assert_false(settings.is_on);
}

static void by_default(void **state) {
	(void)state;
	set("OTEL_EXPORTER_OTLP_ENDPOINT", " http://collector:4318// ");
	assert_int_equal(read_them(), ERR_OK);
	assert_true(settings.is_on);
	assert_str(settings.url, "http://collector:4318/v1/traces");
	assert_int_equal(settings.encoding, OTLP_PROTOBUF);
	assert_false(settings.gzips);
	assert_int_equal(settings.timeout_ms, 10000);
	assert_int_equal(settings.delay_ms, 5000);
	assert_int_equal(settings.batch_max, 512);
	assert_int_equal(settings.header_count, 0);
	assert_string_equal(resource("service.name"), "inngest");
	assert_string_equal(resource("service.version"), "1.2");
}

// Logs name the endpoint, but not what may be a secret in it.
static void secrets_are_not_shown(void **state) {
	static const char *const urls[][2] = {
		{"https://me:pass@word@tempo/otlp/v1/traces?key=secret", "https://tempo/otlp/v1/traces"},
		{"https://tempo?key=a/b@c", "https://tempo"},
		{"http://tempo:4318/a@b#secret", "http://tempo:4318/a@b"},
		{"me:secret@tempo/v1", "tempo/v1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		(void)set_up(state);
		set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", urls[i][0]);
		enum err err = read_them();
		assert_str(settings.url, urls[i][0]);
		assert_str(settings.shown_url, urls[i][1]);
		assert_true(err == ERR_OK || strstr(error.message, "secret") == NULL);
		(void)tear_down(state);
	}
}

static void traces_alone_win(void **state) {
	(void)state;
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a");
	set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://b/x");
	set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
	set("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json");
	set("OTEL_EXPORTER_OTLP_HEADERS", "a=1");
	set("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b = x%20y%2 , =no, none ,c=d=e");
	set("OTEL_EXPORTER_OTLP_TIMEOUT", "7");
	set("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
	set("OTEL_BSP_SCHEDULE_DELAY", "0");
	set("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3");
	assert_int_equal(read_them(), ERR_OK);
	assert_str(settings.url, "https://b/x");
	assert_int_equal(settings.encoding, OTLP_JSON);
	assert_true(settings.gzips);
	assert_int_equal(settings.header_count, 2);
	assert_str(settings.headers[0].name, "b");
	assert_str(settings.headers[0].value, "x y%2");
	assert_str(settings.headers[1].value, "d=e");
	assert_int_equal(settings.timeout_ms, 7);
	assert_int_equal(settings.delay_ms, 0);
	assert_int_equal(settings.batch_max, 3);
}

static void the_resource(void **state) {
	(void)state;
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a");
	set("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=jobs");
	assert_int_equal(read_them(), ERR_OK);
	assert_string_equal(resource("service.name"), "other");
	assert_string_equal(resource("team"), "jobs");
	export_settings_free(&settings);
	set("OTEL_SERVICE_NAME", "mine");
	assert_int_equal(read_them(), ERR_OK);
	assert_string_equal(resource("service.name"), "mine");
}

static void what_is_not_to_be_had(void **state) {
	(void)state;
	static const char *const wrong[][2] = {{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
					       {"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"},
					       {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317"}};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		variable_count = 0;
		if (i > 0) export_settings_free(&settings);
		set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a");
		set(wrong[i][0], wrong[i][1]);
		assert_int_equal(read_them(), ERR_INVALID);
		assert_false(settings.is_on);
	}
}

static void turned_off(void **state) {
	(void)state;
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a");
	set("OTEL_SDK_DISABLED", "TRUE");
	assert_int_equal(read_them(), ERR_OK);
	assert_false(settings.is_on);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(off_by_default),        TEST(by_default), TEST(traces_alone_win),     TEST(the_resource),
		TEST(what_is_not_to_be_had), TEST(turned_off), TEST(secrets_are_not_shown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
