// Where settings come from: precedence, environment, files, log settings and startOpts (spec 05 §18, §19, §11.1).
#include "fixture.h"

#include <yyjson.h>

#include "cli/config_file.h"
#include "cli/logging.h"

static void stronger_sources_win(void **state) {
	(void)state;
	file_write("inngest.yaml", "port: 9001\nqueue-workers: 7\nretry-interval: 3\n");
	CLI("dev");
	assert_int_equal(notes.config.port, 9001);
	setenv("INNGEST_PORT", "9002", 1);
	CLI("dev");
	assert_int_equal(notes.config.port, 9002);
	CLI("dev", "--port", "9003");
	assert_int_equal(notes.config.port, 9003);
	assert_int_equal(notes.config.queue_workers, 7);
	assert_int_equal(notes.config.retry_interval_s, 3);
	setenv("INNGEST_PORT", "junk", 1); // overridden: never looked at
	assert_int_equal(CLI("dev", "--port", "9003").code, 0);
}

static void explicit_list_replaces_weaker_ones(void **state) {
	(void)state;
	file_write("inngest.yaml", "sdk-url: [http://file/a, http://file/b]\n");
	CLI("dev");
	assert_string_equal(notes.urls, "http://file/a http://file/b ");
	setenv("INNGEST_SDK_URL", "http://env/a,env/b", 1);
	CLI("dev");
	assert_string_equal(notes.urls, "http://env/a env/b ");
	CLI("dev", "-u", "http://flag");
	assert_string_equal(notes.urls, "http://flag ");
}

static void environment(void **state) {
	(void)state;
	setenv("INNGEST_HOST", "127.0.0.1", 1);
	setenv("INNGEST_PERSIST", "1", 1);
	setenv("INNGEST_NO_POLL", "true", 1);
	setenv("INNGEST_SQLITE_DIR", "/data", 1);
	setenv("INNGEST_DURABILITY", "fsync", 1);
	setenv("INNGEST_POLL_INTERVAL", "", 1);     // empty: missing
	setenv("INNGEST_SIGNING_KEY", "nothex", 1); // not of this command
	setenv("INNGEST_NO_SUCH_THING", "x", 1);
	setenv("INNGEST_VERSION", "true", 1); // only a flag
	setenv("INNGEST_HELP", "true", 1);
	assert_int_equal(CLI("dev").code, 0);
	assert_string_equal(notes.host, "127.0.0.1");
	assert_true(notes.config.persist && !notes.config.poll);
	assert_string_equal(notes.sqlite_dir, "/data");
	assert_int_equal(notes.config.durability, DURABILITY_FSYNC);
	assert_int_equal(notes.config.poll_interval_s, 5);
}

static void unreadable_environment_is_fatal(void **state) {
	(void)state;
	setenv("INNGEST_POLL_INTERVAL", "soon", 1);
	struct cli_result result = CLI("dev");
	assert_int_equal(result.code, 1);
	assert_contains(result.out, "error unmarshaling config: decoding failed due to the following error(s): "
				    "'poll-interval' cannot parse value as 'int': strconv.ParseInt: parsing \"soon\": "
				    "invalid syntax");
	setenv("INNGEST_POLL_INTERVAL", "1", 1);
	setenv("INNGEST_PERSIST", "yes", 1);
	assert_contains(CLI("dev").out, "'persist' cannot parse value as 'bool'");
	assert_int_equal(notes.runs, 0);
}

static void file_formats(void **state) {
	(void)state;
	static const struct {
		const char *name, *text;
	} files[] = {
		{"c.json",
		 "{\"port\": 9100, \"persist\": true, \"sdk-url\": [\"http://a\", \"http://b\"], \"host\": null, "
		 "\"x\": {\"port\": 1}, \"poll-interval\": \"9\"}"},
		{"c.yaml", "# comment\nport: 9100\npersist: true\nsdk-url:\n  - http://a\n  - http://b\nhost: ~\n"
			   "x:\n  port: 1\npoll-interval: \"9\"\n"},
		{"c.yml", "---\n{port: 9100, persist: true, sdk-url: 'http://a,http://b', host: , x: [[1]], "
			  "poll-interval: 9}\n"},
		{"c.conf", "port: 9100\npersist: true\nsdk-url: [http://a, http://b]\npoll-interval: 9\n"},
		{"c", "{\"port\": 9100, \"persist\": true,\t\"sdk-url\": [\"http://a\", \"http://b\"], "
		      "\"poll-interval\": 9}"},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_write(files[i].name, files[i].text);
		struct cli_result result = CLI("dev", "--config", files[i].name);
		assert_string_equal(result.out, "");
		assert_int_equal(result.code, 0);
		assert_int_equal(notes.config.port, 9100);
		assert_int_equal(notes.config.poll_interval_s, 9);
		assert_true(notes.config.persist);
		assert_string_equal(notes.urls, "http://a http://b ");
		assert_string_equal(notes.host, "");
	}
	setenv("INNGEST_CONFIG", "c.json", 1);
	CLI("dev");
	assert_int_equal(notes.config.port, 9100);
}

static void bad_files_named_explicitly_are_fatal(void **state) {
	(void)state;
	static const struct {
		const char *name, *text, *part;
	} files[] = {
		{"absent.json", NULL, "error reading config file absent.json: No such file"},
		{"bad.json", "{\"port\": ", "error reading config file bad.json: "},
		{"list.json", "[1]", "one JSON object"},
		{"empty.json", "", "error reading config file empty.json: "},
		{"bad.yaml", "port: [1\n", "error reading config file bad.yaml: yaml: line "},
		{"text.yaml", "just words\n", "one mapping"},
		{"tab.yaml", "a:\n\t- b\n", "yaml: line 2"},
		{"int.yaml", "port: many\n", "error unmarshaling config: "},
		{"real.json", "{\"port\": 1.5}", "'port' cannot parse value as 'int'"},
		{"range.json", "{\"port\": 65536}", "'port' cannot parse value as 'int'"},
		{"lists.yaml", "port: [1, 2]\n", "'port' takes one value, not a list"},
		{"nul.json", "{\"host\": \"a\\u0000b\"}", "NUL"},
		{".", NULL, "error reading config file .: Is a directory"},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].text != NULL) file_write(files[i].name, files[i].text);
		struct cli_result result = CLI("dev", "--config", files[i].name);
		assert_int_equal(result.code, 1);
		assert_contains(result.out, files[i].part);
		assert_int_equal(notes.runs, 0);
	}
}

static void empty_yaml_is_no_configuration(void **state) {
	(void)state;
	static const char *const texts[] = {"", "# nothing\n", "---\n", "{}\n", "~\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_write("c.yaml", texts[i]);
		assert_int_equal(CLI("dev", "--config=c.yaml").code, 0);
		assert_int_equal(notes.config.port, 8288);
	}
}

static void hostile_files_cost_little(void **state) {
	(void)state;
	FILE *file = fopen("deep.yaml", "w");
	assert_non_null(file);
	fputs("x: ", file);
	for (int i = 0; i < 100000; i++) fputc('[', file);
	fclose(file);
	assert_contains(CLI("dev", "--config", "deep.yaml").out, "nested deeper than 64");
	file_write("bomb.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nport: 9200\nport: 9201\n");
	assert_int_equal(CLI("dev", "--config", "bomb.yaml").code, 0);
	assert_int_equal(notes.config.port, 9201);
	file = fopen("large.json", "w");
	assert_non_null(file);
	for (unsigned i = 0; i < CONFIG_FILE_MAX / 8 + 1; i++) fputs("        ", file);
	fputs("{}", file);
	fclose(file);
	assert_contains(CLI("dev", "--config", "large.json").out, "larger than 1048576 bytes");
}

static void search_goes_up_and_home(void **state) {
	char path[256];
	assert_int_equal(mkdir(".config", 0700), 0);
	assert_int_equal(mkdir(".config/inngest", 0700), 0);
	file_write(".config/inngest/inngest.yml", "port: 9300\n");
	assert_int_equal(mkdir("deep", 0700), 0);
	assert_int_equal(mkdir("deep/er", 0700), 0);
	assert_int_equal(chdir("deep/er"), 0);
	CLI("dev");
	assert_int_equal(notes.config.port, 9300);
	snprintf(path, sizeof(path), "%s/deep/inngest.yaml", (const char *)*state);
	file_write(path, "port: 9301\n");
	CLI("dev");
	assert_int_equal(notes.config.port, 9301);
	file_write("inngest.json", "{broken"); // reported, and the search goes on
	assert_int_equal(CLI("dev").code, 0);
	assert_int_equal(notes.config.port, 9301);
	assert_int_equal(mkdir("inngest.yaml", 0700), 0); // no file
	file_write("inngest.yml", "port: 9302\n");
	CLI("dev");
	assert_int_equal(notes.config.port, 9302);
}

static struct logging choose(const char *name, const char *value, bool terminal) {
	struct arena arena;
	struct settings settings;
	struct error error;
	arena_init(&arena, 0);
	settings_init(&settings, &arena, COMMAND_ID_DEV);
	setenv(name, value, 1);
	assert_int_equal(settings_read_environment(&settings, &error), ERR_OK);
	struct logging logging = logging_choose(&settings, terminal);
	arena_free(&arena);
	return logging;
}

static void log_settings(void **state) {
	(void)state;
	unsetenv("LOG_LEVEL");
	assert_int_equal(choose("X", "", true).level, LOG_LEVEL_INFO);
	assert_int_equal(choose("X", "", true).format, LOG_FORMAT_DEV);
	assert_true(choose("X", "", true).colour);
	assert_int_equal(choose("X", "", false).format, LOG_FORMAT_JSON);
	assert_int_equal(choose("INNGEST_VERBOSE", "true", true).level, LOG_LEVEL_DEBUG);
	assert_int_equal(choose("INNGEST_LOG_LEVEL", "warn", true).level, LOG_LEVEL_WARN);
	assert_int_equal(choose("INNGEST_LOG_LEVEL", "nonsense", true).level, LOG_LEVEL_INFO);
	assert_int_equal(choose("LOG_LEVEL", "ERROR", true).level, LOG_LEVEL_ERROR);
	assert_int_equal(choose("LOG_HANDLER", "text", true).format, LOG_FORMAT_TEXT);
	assert_int_equal(choose("LOG_HANDLER", "text", false).format, LOG_FORMAT_JSON);
	assert_int_equal(choose("LOG_HANDLER", "json", true).format, LOG_FORMAT_JSON);
	assert_false(choose("NO_COLOR", "1", true).colour);
	assert_int_equal(choose("INNGEST_JSON", "true", true).format, LOG_FORMAT_JSON);
}

static void start_opts_are_json(void **state) {
	(void)state;
	CLI("dev", "-u", "localhost:1/\"x\"", "--no-poll", "--persist", "--sqlite-dir", "d\\e");
	yyjson_doc *doc = yyjson_read(notes.start_opts, strlen(notes.start_opts), 0);
	assert_non_null(doc);
	yyjson_val *root = yyjson_doc_get_root(doc);
	assert_int_equal(yyjson_obj_size(root), 22);
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(root, "/urls/0")), "localhost:1/\"x\"");
	assert_false(yyjson_get_bool(yyjson_obj_get(root, "poll")));
	assert_true(yyjson_get_bool(yyjson_obj_get(root, "autodiscover")));
	assert_true(yyjson_get_bool(yyjson_obj_get(root, "persist")));
	assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "sqlite_dir")), "d\\e");
	assert_int_equal(yyjson_get_int(yyjson_ptr_get(root, "/connectGRPCConfig/Executor/Port")), 50053);
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(root, "/connectGRPCConfig/Gateway/IP")), "127.0.0.1");
	assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "debugAPIPort")), 7777);
	yyjson_doc_free(doc);
	CLI("dev");
	assert_contains(notes.start_opts, "{\"dir\":\"\",\"urls\":null,\"autodiscover\":true,");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(stronger_sources_win),
		SCRATCH_TEST(explicit_list_replaces_weaker_ones),
		SCRATCH_TEST(environment),
		SCRATCH_TEST(unreadable_environment_is_fatal),
		SCRATCH_TEST(file_formats),
		SCRATCH_TEST(bad_files_named_explicitly_are_fatal),
		SCRATCH_TEST(empty_yaml_is_no_configuration),
		SCRATCH_TEST(hostile_files_cost_little),
		SCRATCH_TEST(search_goes_up_and_home),
		SCRATCH_TEST(log_settings),
		SCRATCH_TEST(start_opts_are_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
