// Apps and functions as people list them.
#include "history/catalogue.h"
#include "history_test.h"

#define assert_text(text, expected) assert_true(str_eq_cstr((text), (expected)))

static const struct uuid apps[] = {{{1}}, {{2}}, {{3}}};
static const struct uuid functions[] = {{{0x11}}, {{0x12}}, {{0x13}}, {{0x14}}};

static void add_function(struct fixture *f, size_t i, size_t app, const char *slug) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = 1700000000000};
	item.function.id = functions[i];
	item.function.app_id = apps[app];
	item.function.name = STR("Name");
	item.function.slug = str_from_cstr(slug);
	item.function.config = STR("{\"x\":1}");
	write_item(f, &item);
}

static void add_app(struct fixture *f, size_t i, const char *name) {
	struct history_item item = {.kind = HISTORY_APP, .at_ms = 1700000000000};
	item.app.id = apps[i];
	item.app.name = str_from_cstr(name);
	item.app.sdk_language = STR("js");
	item.app.sdk_version = STR("4.0.0");
	item.app.metadata = STR("{}");
	item.app.url = STR("http://x");
	item.app.method = STR("serve");
	item.app.app_version = i == 0 ? STR("7") : STR("");
	item.app.error = i == 1 ? STR("unreachable") : STR("");
	write_item(f, &item);
}

// Apps "web", "" and (archived) "old"; functions of web: two live ones and an archived one, of old: one.
static int set_up_rows(void **state) {
	static const char *const names[] = {"web", "", "old"};
	set_up(state);
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(apps); i++) add_app(f, i, names[i]);
	add_function(f, 0, 0, "web-a");
	add_function(f, 1, 0, "web-web-a");
	add_function(f, 2, 0, "web-gone");
	add_function(f, 3, 2, "old-a");
	exec(f->db, "UPDATE functions SET archived_at = '2026-11-21 08:22:14' WHERE slug = 'web-gone';"
		    "UPDATE apps SET archived_at = '2026-11-21 08:22:14' WHERE name = 'old';"
		    "UPDATE functions SET engine_paused_at = 1700000000001 WHERE slug = 'web-web-a'");
	return 0;
}

// First bytes of the ids: "1 2 ".
static const char *listed(const void *rows, size_t count, size_t size) {
	static char text[256];
	size_t len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%x ", ((const uint8_t *)rows)[i * size]);
	return text;
}

static const char *list_apps(struct fixture *f, struct catalogue_query query) {
	struct catalogue_app *out;
	size_t count;
	assert_ok(catalogue_apps(f->reader, &f->arena, &query, &out, &count, &f->error), &f->error);
	return listed(out, count, sizeof *out);
}

static const char *list_functions(struct fixture *f, struct catalogue_query query) {
	struct catalogue_function *out;
	size_t count;
	assert_ok(catalogue_functions(f->reader, &f->arena, &query, &out, &count, &f->error), &f->error);
	return listed(out, count, sizeof *out);
}

static void pages(void **state) {
	struct fixture *f = *state;
	assert_string_equal(list_apps(f, (struct catalogue_query){CATALOGUE_LIVE, NULL, 0}), "1 2 ");
	assert_string_equal(list_apps(f, (struct catalogue_query){CATALOGUE_ARCHIVED, NULL, 0}), "3 ");
	assert_string_equal(list_apps(f, (struct catalogue_query){CATALOGUE_ALL, NULL, 2}), "1 2 ");
	assert_string_equal(list_apps(f, (struct catalogue_query){CATALOGUE_ALL, &apps[0], 1}), "2 ");
	assert_string_equal(list_functions(f, (struct catalogue_query){CATALOGUE_LIVE, NULL, 0}), "11 12 ");
	assert_string_equal(list_functions(f, (struct catalogue_query){CATALOGUE_ARCHIVED, NULL, 0}), "13 14 ");
	assert_string_equal(list_functions(f, (struct catalogue_query){CATALOGUE_ALL, &functions[1], 0}), "13 14 ");
}

static void whole_rows(void **state) {
	struct fixture *f = *state;
	struct catalogue_app app;
	assert_ok(catalogue_app(f->reader, &f->arena, STR("web"), &app, &f->error), &f->error);
	assert_text(app.name, "web");
	assert_text(app.sdk_language, "js");
	assert_text(app.sdk_version, "4.0.0");
	assert_text(app.url, "http://x");
	assert_text(app.method, "serve");
	assert_text(app.app_version, "7");
	assert_text(app.metadata, "{}");
	assert_text(app.error, "");
	assert_int_equal(app.created_ns, 1700000000000000000);
	assert_false(app.is_archived);
	assert_int_equal(app.function_count, 2);
	assert_ok(catalogue_app(f->reader, &f->arena, STR("02000000-0000-0000-0000-000000000000"), &app, &f->error),
		  &f->error);
	assert_text(app.error, "unreachable");
	assert_ok(catalogue_app(f->reader, &f->arena, STR("old"), &app, &f->error), &f->error);
	assert_true(app.is_archived);
	assert_int_equal(app.archived_ns, 1795249334000000000);
	assert_int_equal(catalogue_app(f->reader, &f->arena, STR("none"), &app, &f->error), ERR_NOT_FOUND);
}

static void one_function(void **state) {
	static const struct {
		const char *app, *id, *slug;
	} cases[] = {{"web", "a", "web-a"},
		     {"web", "web-a", "web-web-a"},
		     {"web", "web-web-a", "web-web-a"},
		     {"web", "gone", NULL},
		     {"old", "a", NULL},
		     {"nope", "a", NULL}};
	struct fixture *f = *state;
	struct catalogue_function out;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum err err = catalogue_function(f->reader, &f->arena, str_from_cstr(cases[i].app),
						  str_from_cstr(cases[i].id), &out, &f->error);
		assert_int_equal(err, cases[i].slug != NULL ? ERR_OK : ERR_NOT_FOUND);
		if (err == ERR_OK) assert_text(out.slug, cases[i].slug);
	}
	assert_ok(catalogue_function(f->reader, &f->arena, STR("web"), STR("web-a"), &out, &f->error), &f->error);
	assert_text(out.app_name, "web");
	assert_text(out.config, "{\"x\":1}");
	assert_true(out.is_paused);
	assert_int_equal(out.paused_ns, 1700000000001000000);
	assert_false(out.is_archived);
	assert_text(catalogue_own_id(&out), "web-a");
}

static void several_at_once(void **state) {
	struct fixture *f = *state;
	const struct uuid ids[] = {functions[3], {{0x99}}, functions[0]};
	const struct str slugs[] = {STR_INIT("web-a"), STR_INIT("web-gone"), STR_INIT("\"'x"), STR_INIT("old-a")};
	struct catalogue_function *out;
	struct catalogue_app *found;
	size_t count;
	assert_ok(catalogue_functions_by_id(f->reader, &f->arena, ids, 3, &out, &count, &f->error), &f->error);
	assert_string_equal(listed(out, count, sizeof *out), "11 14 ");
	assert_ptr_equal(catalogue_find_function(out, count, &functions[3]), &out[1]);
	assert_ptr_equal(catalogue_find_function(out, count, &functions[0]), &out[0]);
	assert_null(catalogue_find_function(out, count, &functions[1]));
	assert_null(catalogue_find_function(NULL, 0, &functions[1]));
	assert_ok(catalogue_functions_by_id(f->reader, &f->arena, NULL, 0, &out, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
	assert_ok(catalogue_functions_by_slug(f->reader, &f->arena, slugs, 3, &out, &count, &f->error), &f->error);
	assert_string_equal(listed(out, count, sizeof *out), "11 ");
	exec(f->db,
	     "UPDATE functions SET app_id = (SELECT id FROM apps WHERE name = 'old') WHERE slug = 'web-a';"
	     "UPDATE functions SET slug = 'web-a' WHERE slug = 'web-web-a'"); // two of them, one of an archived app
	assert_ok(catalogue_functions_by_slug(f->reader, &f->arena, slugs, 4, &out, &count, &f->error), &f->error);
	assert_string_equal(listed(out, count, sizeof *out), "12 11 14 ");
	assert_false(out[0].is_archived);
	assert_true(out[1].is_archived);
	exec(f->db, "UPDATE functions SET slug = 'web-web-a' WHERE engine_paused_at IS NOT NULL;"
		    "UPDATE functions SET app_id = (SELECT id FROM apps WHERE name = 'web') WHERE slug = 'web-a'");
	struct catalogue_query query = {CATALOGUE_ALL, NULL, 0};
	assert_ok(catalogue_functions_of_apps(f->reader, &f->arena, apps, 2, &query, &out, &count, &f->error),
		  &f->error);
	assert_string_equal(listed(out, count, sizeof *out), "11 12 13 ");
	query.limit = 1;
	assert_ok(catalogue_functions_of_apps(f->reader, &f->arena, &apps[2], 1, &query, &out, &count, &f->error),
		  &f->error);
	assert_string_equal(listed(out, count, sizeof *out), "14 ");
	assert_ok(catalogue_apps_by_id(f->reader, &f->arena, apps, 3, &found, &count, &f->error), &f->error);
	assert_string_equal(listed(found, count, sizeof *found), "1 2 3 ");
	assert_ptr_equal(catalogue_find_app(found, count, &apps[1]), &found[1]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(whole_rows),
		cmocka_unit_test(one_function),
		cmocka_unit_test(several_at_once),
	};
	return cmocka_run_group_tests(tests, set_up_rows, tear_down);
}
