// The examples of docs/schedules.md: each row of a table that ends with a schedule, a moment and the times after it, or
// with a text and the word refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/zone.h"
#include "model/cron.h"

#define GUIDE_FILE "../docs/schedules.md"
#define CELLS_MAX 8
#define MS_PER_S 1000

static void read_guide(struct buf *out) {
	char path[1000];
	snprintf(path, sizeof path, "%s/%s", TESTS_DIR, GUIDE_FILE);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	buf_init(out, 1u << 20);
	for (int c; (c = fgetc(file)) != EOF;) buf_byte(out, (char)c);
	fclose(file);
}

// The cells of a row; no cell has a `|` in it. 0: the line is none.
static size_t split(struct str line, struct str cells[CELLS_MAX]) {
	size_t count = 0;
	if (!str_starts_with(line, STR("|"))) return 0;
	for (struct str rest = str_skip(line, 1), cell; str_cut(rest, '|', &cell, &rest);) {
		assert_true(count < CELLS_MAX);
		cells[count++] = str_trim(cell);
	}
	return count;
}

// The next text between backticks.
static bool take_code(struct str *rest, struct str *code) {
	struct str before;
	return str_cut(*rest, '`', &before, rest) && str_cut(*rest, '`', code, rest);
}

static bool read_time(struct str text, struct date_instant *out) {
	return date_instant_parse_rfc3339(text, out) && out->ns == 0;
}

// What the guide writes is in UTC or as the clocks of the schedule's zone show it.
static void check_offset(const struct cron_schedule *schedule, struct str text, int64_t at_s) {
	if (text.ptr[text.len - 1] == 'Z') return;
	int32_t offset_s;
	zone_at(schedule->zone, at_s, &offset_s, NULL);
	int minutes = abs(offset_s) / 60;
	char wanted[16];
	snprintf(wanted, sizeof wanted, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
	if (!str_eq(str_skip(text, text.len - 6), str_from_cstr(wanted)))
		fail_msg("%.*s is not at %s", STR_ARG(text), wanted);
}

static void check_tick(const struct cron_schedule *schedule, struct str text, struct str wanted, int64_t *after_ms) {
	struct date_instant instant;
	int64_t next_ms;
	if (!read_time(wanted, &instant)) fail_msg("%.*s is no time", STR_ARG(wanted));
	if (!cron_next(schedule, *after_ms, &next_ms)) fail_msg("%.*s ends", STR_ARG(text));
	struct buf found;
	buf_init(&found, 64);
	date_format_rfc3339(&found, next_ms * 1000000);
	if (next_ms != instant.unix_s * MS_PER_S)
		fail_msg("%.*s: %.*s instead of %.*s", STR_ARG(text), STR_ARG(buf_view(&found)), STR_ARG(wanted));
	buf_free(&found);
	check_offset(schedule, wanted, instant.unix_s);
	*after_ms = next_ms;
}

static void check_ticks(struct str text, const struct date_instant *after, struct str ticks) {
	struct cron_schedule schedule;
	int64_t after_ms = after->unix_s * MS_PER_S, unused;
	if (!cron_parse(text, &schedule)) fail_msg("refused: %.*s", STR_ARG(text));
	if (str_eq(ticks, STR("never"))) {
		assert_false(cron_next(&schedule, after_ms, &unused));
		return;
	}
	size_t count = 0;
	for (struct str tick; take_code(&ticks, &tick); count++) check_tick(&schedule, text, tick, &after_ms);
	if (count == 0) fail_msg("no times: %.*s", STR_ARG(text));
}

// Whether the row is an example, and so has been checked.
static bool check_row(const struct str *cells, size_t count) {
	struct str code, text;
	if (count < 3) return false;
	struct str last = cells[count - 1], middle = cells[count - 2], first = cells[count - 3];
	if (str_eq(last, STR("refused"))) {
		assert_true(take_code(&middle, &text));
		if (cron_valid(text)) fail_msg("accepted: %.*s", STR_ARG(text));
		return true;
	}
	struct date_instant after;
	if (!take_code(&middle, &code) || !read_time(code, &after)) return false;
	assert_true(take_code(&first, &text));
	check_ticks(text, &after, last);
	return true;
}

static void test_examples(void **state) {
	(void)state;
	if (access("/usr/share/zoneinfo/America/New_York", R_OK) != 0) skip();
	struct buf guide;
	read_guide(&guide);
	size_t examples = 0;
	bool more = true;
	for (struct str rest = buf_view(&guide), line; more;) {
		struct str cells[CELLS_MAX];
		more = str_cut(rest, '\n', &line, &rest);
		size_t count = split(line, cells);
		examples += check_row(cells, count);
	}
	buf_free(&guide);
	assert_true(examples >= 45);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
