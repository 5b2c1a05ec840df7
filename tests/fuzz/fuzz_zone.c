// Time zone files, and the rule in their last line: what does not start as a file is taken as a rule.
#include "base/clock.h"
#include "base/zone.h"
#include "fuzz.h"

#define DAY_S 86400

// A file without transitions, whose rule holds always.
static void wrap_rule(struct buf *out, struct str rule) {
	static const char counts[24] = {[19] = 1, [23] = 4}; // one period, four letters
	static const char data[10] = {[6] = 'L', 'M', 'T'};
	for (int i = 0; i < 2; i++) {
		buf_lit(out, "TZif2");
		for (int j = 0; j < 15; j++) buf_byte(out, '\0');
		buf_append(out, counts, sizeof(counts));
		buf_append(out, data, sizeof(data));
	}
	buf_byte(out, '\n');
	buf_str(out, rule);
	buf_byte(out, '\n');
}

static int32_t check_at(const struct zone *zone, int64_t unix_s) {
	int32_t offset_s;
	const char *abbreviation;
	zone_at(zone, unix_s, &offset_s, &abbreviation);
	CHECK(offset_s > -26 * 3600 && offset_s <= 26 * 3600);
	fuzz_check_utf8(str_from_cstr(abbreviation));
	return offset_s;
}

// Nothing changes but where it is foreseen.
static void check_change(const struct zone *zone, int64_t unix_s) {
	int64_t change_s = zone_next_change(zone, unix_s);
	CHECK(change_s > unix_s || unix_s == INT64_MAX);
	int64_t before_s = change_s - 1, middle_s = unix_s / 2 + before_s / 2;
	if (unix_s == INT64_MAX) return;
	if (middle_s < unix_s || middle_s > before_s) middle_s = before_s; // halves were rounded to zero
	CHECK(zone_next_change(zone, before_s) == change_s && zone_next_change(zone, middle_s) == change_s);
	int32_t offset_s = check_at(zone, unix_s);
	CHECK(check_at(zone, before_s) == offset_s && check_at(zone, middle_s) == offset_s);
}

static void check_zone(const struct zone *zone) {
	for (int shift = 0; shift < 64; shift++) {
		int64_t unix_s = (int64_t)(UINT64_MAX >> shift);
		(void)check_at(zone, unix_s);
		(void)check_at(zone, -unix_s);
		(void)zone_resolve_local(zone, unix_s);
		(void)zone_resolve_local(zone, -unix_s);
		check_change(zone, unix_s);
		check_change(zone, -unix_s);
	}
	(void)zone_resolve_local(zone, INT64_MIN);
	for (int64_t unix_s = -400 * DAY_S; unix_s < 800 * DAY_S; unix_s += 40000) {
		int32_t offset_s = check_at(zone, unix_s);
		check_change(zone, unix_s);
		// Never far from the right instant, and on it when nothing changes around it.
		int64_t back = zone_resolve_local(zone, unix_s + offset_s);
		CHECK(back > unix_s - 3 * DAY_S && back < unix_s + 3 * DAY_S);
		CHECK(back == unix_s || check_at(zone, unix_s + offset_s) != offset_s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str bytes = str_make(data, size);
	struct buf wrapped;
	buf_init(&wrapped, size + 256);
	if (!str_starts_with(bytes, STR("TZif"))) {
		wrap_rule(&wrapped, bytes);
		bytes = buf_view(&wrapped);
	}
	struct zone *zone = zone_parse(bytes);
	if (zone != NULL) check_zone(zone);
	zone_free(zone);
	buf_free(&wrapped);
	return 0;
}
