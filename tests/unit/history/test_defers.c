// What runs have deferred, and which runs came of it.
#include "history/defers.h"
#include "history/runs.h"
#include "history_test.h"

#define MS 1700000000000

static void write_defer(struct fixture *f, const char *id, enum defer_status status) {
	struct history_item item = {.kind = HISTORY_DEFER, .at_ms = MS};
	item.defer.run_id = make_ulid(MS, 1);
	item.defer.id = str_from_cstr(id);
	item.defer.name = STR("mine");
	item.defer.function = STR("app-later");
	item.defer.status = status;
	write_item(f, &item);
}

static void write_run(struct fixture *f, uint8_t n, const struct ulid *event_id, bool is_rerun) {
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = MS};
	item.run.run_id = make_ulid(MS + n, n);
	item.run.event_id = *event_id;
	item.run.function_id = make_uuid("later");
	item.run.is_deferred = true;
	if (is_rerun) item.run.original_run_id = make_ulid(MS, 9);
	write_item(f, &item);
}

static void write_event(struct fixture *f, const struct ulid *id, const char *name, const char *data) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = MS};
	item.event.internal_id = *id;
	item.event.id = STR("e");
	item.event.name = str_from_cstr(name);
	item.event.data = str_from_cstr(data);
	write_item(f, &item);
}

static int set_up_defers(void **state) {
	(void)set_up(state);
	struct fixture *f = *state;
	struct ulid parent = make_ulid(MS, 1), first = defer_event_id(&parent, STR("a")),
		    other = defer_event_id(&parent, STR("c"));
	char sql[400];
	(void)snprintf(sql, sizeof sql,
		       "INSERT INTO functions(id, name, slug, config) VALUES('%s', 'l', 'app-later', '')",
		       uuid_of("later"));
	exec(f->db, sql);
	write_defer(f, "c", DEFER_AFTER_RUN);
	write_defer(f, "b", DEFER_AFTER_RUN);
	write_defer(f, "b", DEFER_ABORTED); // the later one counts
	write_defer(f, "a", DEFER_AFTER_RUN);
	write_defer(f, "d", DEFER_REJECTED);
	write_event(f, &first, "inngest/deferred.schedule",
		    "{\"_inngest\":{\"parent_run_id\":\"01HF7YAT00000000000000000Z\"}}");
	write_run(f, 20, &first, true); // by its id before the one that it repeats, which cannot be
	write_run(f, 21, &first, false);
	write_run(f, 22, &other, false);
	return 0;
}

static void test_of_a_run(void **state) {
	struct fixture *f = *state;
	struct history_defer *defers;
	struct ulid parent = make_ulid(MS, 1);
	size_t count;
	char text[128] = "";
	assert_ok(history_defers(f->reader, &f->arena, &parent, &defers, &count, &f->error), &f->error);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(text);
		(void)snprintf(text + len, sizeof text - len, "%.*s:%d:%u ", STR_ARG(defers[i].hashed_id),
			       (int)defers[i].status, defers[i].run_id.bytes[15]);
	}
	assert_string_equal(text, "a:2:21 b:3:0 c:2:22 d:4:0 ");
	assert_str(defers[0].userland_id, "mine");
	assert_str(defers[0].function, "app-later");
}

static void test_parents(void **state) {
	struct fixture *f = *state;
	struct ulid *parents, child = make_ulid(MS + 21, 21), orphan = make_ulid(MS + 22, 22);
	size_t count;
	char text[ULID_TEXT_LEN + 1];
	assert_ok(history_deferred_from(f->reader, &f->arena, &child, &parents, &count, &f->error), &f->error);
	assert_int_equal(count, 1);
	ulid_text(&parents[0], text);
	assert_string_equal(text, "01HF7YAT00000000000000000Z");
	// Its event is no more.
	assert_ok(history_deferred_from(f->reader, &f->arena, &orphan, &parents, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
	assert_rows(f->db, "SELECT DISTINCT engine_flags FROM function_runs", "2");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_a_run, set_up_defers, tear_down),
		cmocka_unit_test_setup_teardown(test_parents, set_up_defers, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
