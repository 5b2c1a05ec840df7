// What pages of events cost: steps of the library's machine, in a file where nearly all events are internal ones and
// apps have many names. One event that is looked at takes some 20 steps, so to go through all of them is more than five
// times the bound.
#include "history/history_internal.h"
#include "runs_test.h"

#define EVENTS 60000u
#define STEPS_MAX 150000
#define STEPS_NAMED_MAX 1000
#define OLD 100u  // events of apps at the beginning
#define NEW 10u   // and at the end
#define NAMES 50u // that they have, more than are gone through before the events

static const char *name_of(unsigned n) {
	static char name[32];
	bool is_internal = n >= OLD && n < EVENTS - NEW && n != EVENTS / 2;
	(void)snprintf(name, sizeof name, is_internal ? "inngest/function.finished" : "app/%02u", n % NAMES);
	return name;
}

static struct ulid id_of(unsigned n) {
	struct ulid id = make_ulid(AT + n, 0);
	memcpy(id.bytes + 12, &n, sizeof n);
	return id;
}

static int set_up_events(void **state) {
	set_up_runs(state);
	struct fixture *f = *state;
	exec(f->db, "BEGIN");
	for (unsigned n = 0; n < EVENTS; n++) {
		struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT + n};
		item.event.internal_id = id_of(n);
		item.event.id = STR("client");
		item.event.name = str_from_cstr(name_of(n));
		item.event.data = STR("{}");
		item.event.ts_ms = AT + n;
		write_item(f, &item);
	}
	exec(f->db, "COMMIT");
	return 0;
}

// Every page from the newest event on, against what was written.
static void check_pages(struct fixture *f, struct history_events_query query, const char *only, int most) {
	struct history_event *events;
	size_t count = 0;
	unsigned n = EVENTS;
	do {
		(void)steps_taken(f->db);
		assert_ok(history_events(f->reader, &f->arena, &query, &events, &count, &f->error), &f->error);
		int steps = steps_taken(f->db);
		if (steps > most) fail_msg("%d steps before event %u", steps, n);
		for (size_t i = 0; i < count; i++) {
			do n--;
			while (strncmp(name_of(n), only, strlen(only)) != 0);
			struct ulid expected = id_of(n);
			if (ulid_cmp(&events[i].internal_id, &expected) != 0) fail_msg("event %u is missing", n);
		}
		if (count > 0) query.cursor = events[count - 1].internal_id;
		query.has_cursor = true;
	} while (count == query.limit);
	while (n-- > 0)
		if (strncmp(name_of(n), only, strlen(only)) == 0) fail_msg("event %u is missing", n);
}

static const struct history_events_query latest = {.limit = 51, .after_ns = 0, .before_ns = NS(AT + EVENTS)};

static void test_many_names(void **state) {
	check_pages(*state, latest, "app/", STEPS_MAX);
	struct history_events_query small = latest;
	small.limit = 7;
	check_pages(*state, small, "app/", STEPS_MAX);
}

static void test_few_names(void **state) {
	struct fixture *f = *state;
	exec(f->db, "UPDATE events SET event_name = 'app/00' WHERE event_name LIKE 'app/%'");
	check_pages(f, latest, "app/", 10 * STEPS_NAMED_MAX);
}

static void test_one_name(void **state) {
	struct history_events_query one = latest;
	one.name = STR("app/07");
	one.limit = 2;
	check_pages(*state, one, "app/07", STEPS_NAMED_MAX);
}

// None at all, whatever there is (05 §12.2).
static void test_internal_names(void **state) {
	struct history_events_query one = latest;
	one.name = STR("inngest/function.finished");
	check_pages(*state, one, "none", STEPS_NAMED_MAX);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_names), cmocka_unit_test(test_one_name),
		cmocka_unit_test(test_internal_names),
		cmocka_unit_test(test_few_names), // changes the names
	};
	return cmocka_run_group_tests(tests, set_up_events, tear_down);
}
