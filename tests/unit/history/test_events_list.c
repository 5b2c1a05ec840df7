// Lists of events: every combination of window, names and scope against a list in memory; search; by id.
#include <stdlib.h>

#include "history/events.h"
#include "runs_test.h"

#define EVENTS 400

static uint32_t seed;
static uint32_t roll(uint32_t sides) {
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

static const char *const names[] = {"a",       "b", "shop/x", "inngest/function.finished", "inngest/scheduled.timer",
				    "inngest0"};

static struct test_event {
	struct ulid id;
	uint64_t received_ms;
	const char *name;
	bool began_run;
} events[EVENTS];

static void make_events(struct fixture *f) {
	for (int i = 0; i < EVENTS; i++) {
		struct test_event *event = &events[i];
		uint64_t apart = roll(20) == 0 ? 3600000 : roll(300); // some ids lie about their time
		event->received_ms = AT + roll(60000);
		event->id = make_ulid(roll(2) == 0 ? event->received_ms + apart : event->received_ms - apart, 0);
		event->id.bytes[14] = (uint8_t)i;
		event->id.bytes[13] = (uint8_t)(i >> 8);
		event->name = names[roll(ARRAY_LEN(names))];
		struct history_item item = {.kind = HISTORY_EVENT, .at_ms = event->received_ms};
		item.event.internal_id = event->id;
		item.event.id = STR("client");
		item.event.name = str_from_cstr(event->name);
		item.event.data = roll(3) == 0 ? STR("{\"n\":1}") : STR("{\"n\":2}");
		item.event.ts_ms = event->received_ms;
		write_item(f, &item);
		event->began_run = roll(5) == 0;
		if (!event->began_run) continue;
		struct test_run run = {.id = event->id, .event_id = event->id, .started_ms = NONE, .ended_ms = 1};
		run.status = TRACE_RUN_COMPLETED;
		add_run(f, &run);
	}
}

static bool is_due(const struct history_events_filter *filter, const struct test_event *event) {
	int64_t at = NS(event->received_ms);
	bool internal = strncmp(event->name, "inngest/", 8) == 0, named = !filter->has_names;
	if (at < filter->from_ns || at > filter->until_ns) return false;
	if (internal && filter->scope == EVENTS_OF_APPS) return false;
	if (internal && filter->scope == EVENTS_THAT_BEGAN_RUNS && !event->began_run) return false;
	for (size_t i = 0; i < filter->name_count; i++) named = named || str_eq_cstr(filter->names[i], event->name);
	return named;
}

static int newest_first(const void *a, const void *b) {
	return ulid_cmp(&(*(struct test_event *const *)b)->id, &(*(struct test_event *const *)a)->id);
}

static void check(struct fixture *f, struct history_events_filter filter, uint32_t number) {
	const struct test_event *due[EVENTS];
	size_t total = 0, count = 0, got = 0;
	uint64_t counted;
	bool is_cut;
	for (int i = 0; i < EVENTS; i++) {
		if (!is_due(&filter, &events[i])) continue;
		total++;
		if (filter.before != NULL && ulid_cmp(&events[i].id, filter.before) >= 0) continue;
		if (filter.after != NULL && ulid_cmp(&events[i].id, filter.after) <= 0) continue;
		due[count++] = &events[i];
	}
	qsort(due, count, sizeof *due, newest_first);
	assert_ok(history_events_count(f->reader, &filter, &counted, &is_cut, &f->error), &f->error);
	if (counted != total) fail_msg("filter %u: counted %u of %zu", number, (unsigned)counted, total);
	struct history_events_page page = {.has_more = true};
	for (struct ulid end; page.has_more; end = page.end, filter.before = &end) {
		filter.limit = 1 + roll(EVENTS / 2);
		assert_ok(history_events_search(f->reader, &f->arena, &filter, &page, &f->error), &f->error);
		for (size_t i = 0; i < page.count; i++, got++) {
			if (got >= count || ulid_cmp(&page.events[i].internal_id, &due[got]->id) != 0)
				fail_msg("filter %u: event %zu of %zu is another one", number, got, count);
		}
		assert_int_equal(page.has_more, got < count);
	}
	assert_int_equal(got, count);
}

static void test_all_filters(void **state) {
	struct fixture *f = *state;
	struct str asked[3];
	seed = 7;
	make_events(f);
	for (uint32_t i = 0; i < 500; i++) {
		struct history_events_filter filter = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .names = asked};
		filter.has_names = roll(2) == 0;
		filter.name_count = filter.has_names ? roll(4) : 0;
		for (size_t k = 0; k < filter.name_count; k++) asked[k] = str_from_cstr(names[roll(ARRAY_LEN(names))]);
		filter.scope = (enum event_scope)roll(3);
		if (roll(2) == 0) filter.from_ns = NS(AT + roll(60000)) - roll(2);
		if (roll(2) == 0) filter.until_ns = NS(AT + roll(60000)) + roll(2);
		if (roll(4) == 0) filter.before = &events[roll(EVENTS)].id;
		if (roll(4) == 0) filter.after = &events[roll(EVENTS)].id;
		check(f, filter, i);
	}
}

static void test_search(void **state) {
	struct fixture *f = *state;
	struct history_events_filter filter = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .scope = EVENTS_ALL};
	struct history_events_page page;
	struct run_search *search;
	uint64_t counted;
	bool is_cut;
	seed = 9;
	make_events(f);
	assert_ok(run_search_new(&f->arena, STR("event.data.n == 1\nevent.name == \"a\""), &search, &f->error),
		  &f->error);
	filter.search = search;
	filter.budget_ms = 3600000;
	filter.limit = EVENTS;
	assert_ok(history_events_search(f->reader, &f->arena, &filter, &page, &f->error), &f->error);
	assert_true(page.count > 5);
	assert_false(page.has_more);
	for (size_t i = 0; i < page.count; i++) {
		assert_str(page.events[i].name, "a");
		assert_str(page.events[i].data, "{\"n\":1}");
	}
	assert_ok(history_events_count(f->reader, &filter, &counted, &is_cut, &f->error), &f->error);
	assert_int_equal(counted, page.count);
	exec(f->db, "UPDATE events SET event_user = '{\"id\":\"u1\"}' WHERE rowid = 7");
	assert_ok(run_search_new(&f->arena, STR("event.user.id == \"u1\""), &search, &f->error), &f->error);
	struct history_events_filter of_user = filter;
	of_user.search = search;
	assert_ok(history_events_count(f->reader, &of_user, &counted, &is_cut, &f->error), &f->error);
	assert_int_equal(counted, 1);
	counted = page.count;
	// Page by page, in however many parts.
	filter.limit = 3;
	filter.budget_ms = 1;
	size_t got = 0;
	page.has_more = true;
	for (struct ulid end; page.has_more; end = page.end, filter.before = &end) {
		assert_ok(history_events_search(f->reader, &f->arena, &filter, &page, &f->error), &f->error);
		got += page.count;
	}
	assert_int_equal(got, counted);
	assert_ok(run_search_new(&f->arena, STR("output.n == 1"), &search, &f->error), &f->error);
	filter.search = search;
	filter.before = NULL;
	filter.budget_ms = 3600000;
	assert_ok(history_events_count(f->reader, &filter, &counted, &is_cut, &f->error), &f->error);
	assert_int_equal(counted, 0);
}

// A file may have events twice, as the reference server has no key on them: pages go on behind them.
static void test_events_that_are_there_twice(void **state) {
	struct fixture *f = *state;
	make_events(f);
	exec(f->db, "INSERT INTO events SELECT * FROM events");
	struct history_events_filter all = {
		.from_ns = INT64_MIN, .until_ns = INT64_MAX, .scope = EVENTS_ALL, .limit = 7};
	struct history_events_page page = {.has_more = true};
	size_t got = 0;
	for (struct ulid end; page.has_more; end = page.end, all.before = &end) {
		assert_ok(history_events_search(f->reader, &f->arena, &all, &page, &f->error), &f->error);
		got += page.count;
	}
	assert_int_equal(got, EVENTS);
}

// A page of apps' events does not go through the internal ones that have come in since.
static void test_few_among_internal_ones(void **state) {
	struct fixture *f = *state;
	struct history_events_filter few = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 5};
	struct history_events_page page;
	static const char *const of_apps[] = {"a", "inngest", "inngest0", "z"};
	for (uint8_t i = 0; i < 12; i++) {
		struct ulid id = make_ulid(AT + i, i);
		add_event_data(f, &id, of_apps[i % 4], "{}");
	}
	for (int i = 0; i < 5000; i++) {
		struct ulid id = make_ulid(AT + 1000 + (uint64_t)i, 0);
		add_event_data(f, &id, i % 2 == 0 ? "inngest/function.finished" : "inngest/scheduled.timer", "{}");
	}
	(void)steps_taken(f->db);
	assert_ok(history_events_search(f->reader, &f->arena, &few, &page, &f->error), &f->error);
	int steps = steps_taken(f->db);
	assert_int_equal(page.count, 5);
	assert_true(page.has_more);
	for (size_t i = 0; i < page.count; i++) assert_str(page.events[i].name, of_apps[(11 - i) % 4]);
	if (steps > 5000) fail_msg("%d steps", steps);
	// More names than are gone by.
	for (uint8_t i = 0; i < 40; i++) {
		char name[8];
		struct ulid id = make_ulid(AT + 100 + i, i);
		(void)snprintf(name, sizeof name, "n%d", i);
		add_event_data(f, &id, name, "{}");
	}
	assert_ok(history_events_search(f->reader, &f->arena, &few, &page, &f->error), &f->error);
	assert_int_equal(page.count, 5);
	assert_str(page.events[0].name, "n39");
}

static void test_by_id(void **state) {
	struct fixture *f = *state;
	struct history_event *found;
	size_t count;
	struct ulid ids[] = {make_ulid(AT, 2), make_ulid(AT, 3), make_ulid(AT, 1)};
	add_event_data(f, &ids[0], "b", "{}");
	add_event_data(f, &ids[2], "a", "{}");
	assert_ok(history_events_by_id(f->reader, &f->arena, ids, 3, &found, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_str(found[0].name, "b");
	assert_str(found[1].name, "a");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_filters, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_search, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_events_that_are_there_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_few_among_internal_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_id, set_up_runs, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
