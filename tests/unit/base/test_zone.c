#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/zone.h"

#define SYSTEM_ZONES "/usr/share/zoneinfo"

static int64_t instant(const char *rfc3339) {
	struct date_instant out;
	if (!date_instant_parse_rfc3339(str_from_cstr(rfc3339), &out)) fail_msg("%s", rfc3339);
	return out.unix_s;
}

static void check_at(const struct zone *zone, const char *when, int32_t offset_s, const char *abbreviation) {
	int32_t got_s = 1;
	const char *got = NULL;
	zone_at(zone, instant(when), &got_s, &got);
	if (got_s != offset_s || strcmp(got, abbreviation) != 0) fail_msg("%s: %d %s", when, got_s, got);
}

// ---- The system's zones ----

#define MINUTES(h, m) ((h)*3600 + ((h) < 0 ? -1 : 1) * (m)*60)

static void zones_of_the_system(void **state) {
	(void)state;
	static const struct {
		const char *zone, *when;
		int32_t offset_s;
		const char *abbreviation;
	} cases[] = {
		{"America/New_York", "1883-11-18T16:59:59Z", -17762, "LMT"},
		{"America/New_York", "1883-11-18T17:00:00Z", MINUTES(-5, 0), "EST"},
		{"America/New_York", "1944-07-01T00:00:00Z", MINUTES(-4, 0), "EWT"},
		{"America/New_York", "2024-03-10T06:59:59Z", MINUTES(-5, 0), "EST"},
		{"America/New_York", "2024-03-10T07:00:00Z", MINUTES(-4, 0), "EDT"},
		{"America/New_York", "2024-11-03T05:59:59Z", MINUTES(-4, 0), "EDT"},
		{"America/New_York", "2024-11-03T06:00:00Z", MINUTES(-5, 0), "EST"},
		{"America/New_York", "2100-03-14T06:59:59Z", MINUTES(-5, 0), "EST"},
		{"America/New_York", "2100-03-14T07:00:00Z", MINUTES(-4, 0), "EDT"},
		{"America/New_York", "9999-12-31T23:59:59Z", MINUTES(-5, 0), "EST"},
		{"Europe/London", "2024-03-31T00:59:59Z", 0, "GMT"},
		{"Europe/London", "2024-03-31T01:00:00Z", MINUTES(1, 0), "BST"},
		{"Europe/London", "1941-06-01T00:00:00Z", MINUTES(2, 0), "BDST"},
		{"Europe/London", "1970-01-01T00:00:00Z", MINUTES(1, 0), "BST"},
		{"Asia/Kolkata", "2024-05-01T10:00:00Z", MINUTES(5, 30), "IST"},
		{"Asia/Kolkata", "2100-05-01T10:00:00Z", MINUTES(5, 30), "IST"},
		{"Asia/Kathmandu", "1985-12-31T18:29:59Z", MINUTES(5, 30), "+0530"},
		{"Asia/Kathmandu", "1985-12-31T18:30:00Z", MINUTES(5, 45), "+0545"},
		{"Asia/Kathmandu", "2150-01-01T00:00:00Z", MINUTES(5, 45), "+0545"},
		{"Australia/Sydney", "2024-04-06T15:59:59Z", MINUTES(11, 0), "AEDT"},
		{"Australia/Sydney", "2024-04-06T16:00:00Z", MINUTES(10, 0), "AEST"},
		{"Australia/Sydney", "2100-01-01T00:00:00Z", MINUTES(11, 0), "AEDT"},
		{"Australia/Sydney", "2100-07-01T00:00:00Z", MINUTES(10, 0), "AEST"},
		{"Australia/Lord_Howe", "2024-01-01T00:00:00Z", MINUTES(11, 0), "+11"},
		{"Australia/Lord_Howe", "2060-07-01T00:00:00Z", MINUTES(10, 30), "+1030"},
		{"America/Sao_Paulo", "2018-12-01T00:00:00Z", MINUTES(-2, 0), "-02"},
		{"America/Sao_Paulo", "2024-12-01T00:00:00Z", MINUTES(-3, 0), "-03"},
		// Where Amsterdam was an alias of Brussels the first months of 1940 differ, but not these.
		{"Europe/Amsterdam", "1940-05-19T00:00:00Z", MINUTES(2, 0), "CEST"},
		{"Europe/Amsterdam", "1940-07-01T00:00:00Z", MINUTES(2, 0), "CEST"},
		{"Europe/Amsterdam", "2100-03-28T00:59:59Z", MINUTES(1, 0), "CET"},
		{"Europe/Amsterdam", "2100-03-28T01:00:00Z", MINUTES(2, 0), "CEST"},
		{"Europe/Amsterdam", "2100-10-31T00:59:59Z", MINUTES(2, 0), "CEST"},
		{"Europe/Amsterdam", "2100-10-31T01:00:00Z", MINUTES(1, 0), "CET"},
		{"Europe/Dublin", "2070-01-01T00:00:00Z", 0, "GMT"}, // winter is the exception there
		{"Europe/Dublin", "2070-07-01T00:00:00Z", MINUTES(1, 0), "IST"},
		{"America/Nuuk", "2060-07-01T00:00:00Z", MINUTES(-1, 0), "-01"},
		{"Pacific/Apia", "2011-12-30T09:59:59Z", MINUTES(-10, 0), "-10"}, // the day that Samoa left out
		{"Pacific/Apia", "2011-12-30T10:00:00Z", MINUTES(14, 0), "+14"},
		{"Etc/GMT+5", "2024-05-01T10:00:00Z", MINUTES(-5, 0), "-05"},
		{"America/Argentina/Buenos_Aires", "2024-05-01T10:00:00Z", MINUTES(-3, 0), "-03"},
	};
	if (access(SYSTEM_ZONES "/America/New_York", R_OK) != 0) skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct zone *zone = zone_find(str_from_cstr(cases[i].zone));
		if (zone == NULL) fail_msg("%s", cases[i].zone);
		check_at(zone, cases[i].when, cases[i].offset_s, cases[i].abbreviation);
		assert_ptr_equal(zone_find(str_from_cstr(cases[i].zone)), zone);
	}
}

static void utc_needs_no_file(void **state) {
	(void)state;
	const struct zone *utc = zone_find(STR("UTC"));
	assert_non_null(utc);
	assert_ptr_equal(zone_find(STR("")), utc);
	assert_ptr_equal(zone_find((struct str){NULL, 0}), utc);
	check_at(utc, "2024-05-01T10:00:00Z", 0, "UTC");
	assert_int_equal(zone_resolve_local(utc, 12345), 12345);
	assert_int_equal(zone_resolve_local(utc, INT64_MIN), INT64_MIN);
}

static void bad_names_are_refused(void **state) {
	(void)state;
	static const struct str names[] = {
		STR_INIT("Local"),
		STR_INIT("utc"),
		STR_INIT("america/new_york"),
		STR_INIT("America/Nowhere"),
		STR_INIT("Mars"),
		STR_INIT("America"), // a directory
		STR_INIT("zone.tab"),
		STR_INIT("zone1970.tab"),
		STR_INIT("tzdata.zi"),
		STR_INIT("leapseconds"), // no zone
		STR_INIT(".."),
		STR_INIT("../../../etc/passwd"),
		STR_INIT("America/../UTC"),
		STR_INIT("America/./New_York"),
		STR_INIT("/etc/localtime"),
		STR_INIT("/UTC"),
		STR_INIT("America/"),
		STR_INIT("America//New_York"), // one spelling only, or they would fill the table
		STR_INIT("/"),
		STR_INIT("America\\New_York"),
		STR_INIT("America/New_York\0"),
		STR_INIT("America/New_York\0.txt"),
		STR_INIT("America/New York"),
		STR_INIT(" UTC"),
		STR_INIT("\u00dcTC"),
		STR_INIT("+02"),
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (zone_find(names[i]) != NULL) fail_msg("%.*s", STR_ARG(names[i]));
	}
	static char large[100000];
	memset(large, 'A', sizeof(large));
	assert_null(zone_find(str_make(large, sizeof(large))));
	assert_null(zone_find(str_make(large, ZONE_NAME_MAX)));
}

static size_t system_files, system_zones;

static int parse_system_file(const char *path, const struct stat *info, int type) {
	if (type != FTW_F || info->st_size > ZONE_FILE_MAX) return 0;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	static char bytes[ZONE_FILE_MAX];
	size_t len = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	struct zone *zone = zone_parse(str_make(bytes, len));
	bool is_zone = len > 4 && memcmp(bytes, "TZif", 4) == 0;
	if ((zone != NULL) != is_zone) fail_msg("%s", path);
	system_files++;
	system_zones += is_zone ? 1 : 0;
	zone_free(zone);
	return 0;
}

static void every_file_of_the_system_is_understood(void **state) {
	(void)state;
	if (access(SYSTEM_ZONES "/America/New_York", R_OK) != 0) skip();
	assert_int_equal(ftw(SYSTEM_ZONES, parse_system_file, 16), 0);
	assert_true(system_zones > 300 && system_files > system_zones);
}

// ---- Civil times ----

static void civil_times_resolve_as_in_go(void **state) {
	(void)state;
	static const struct {
		const char *zone, *civil, *instant;
	} cases[] = {
		{"America/New_York", "2024-05-01T06:00:00Z", "2024-05-01T10:00:00Z"},
		{"America/New_York", "2024-01-01T06:00:00Z", "2024-01-01T11:00:00Z"},
		{"America/New_York", "2024-03-10T01:59:59Z", "2024-03-10T06:59:59Z"},
		{"America/New_York", "2024-03-10T02:30:00Z", "2024-03-10T06:30:00Z"}, // never shown
		{"America/New_York", "2024-03-10T03:00:00Z", "2024-03-10T07:00:00Z"},
		{"America/New_York", "2024-11-03T01:30:00Z", "2024-11-03T05:30:00Z"}, // shown twice
		{"America/New_York", "2024-11-03T02:00:00Z", "2024-11-03T07:00:00Z"},
		{"America/New_York", "2100-07-01T12:00:00Z", "2100-07-01T16:00:00Z"},
		{"Australia/Sydney", "2024-10-06T01:59:59Z", "2024-10-05T15:59:59Z"},
		{"Australia/Sydney", "2024-10-06T02:30:00Z", "2024-10-05T16:30:00Z"}, // never
		{"Australia/Sydney", "2024-10-06T03:00:00Z", "2024-10-05T16:00:00Z"},
		{"Australia/Sydney", "2024-04-07T02:30:00Z", "2024-04-06T16:30:00Z"}, // twice
		{"Asia/Kolkata", "2024-05-01T15:30:00Z", "2024-05-01T10:00:00Z"},
		{"Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-29T22:00:00Z"},
		{"Pacific/Apia", "2011-12-31T12:00:00Z", "2011-12-30T22:00:00Z"},
	};
	if (access(SYSTEM_ZONES "/America/New_York", R_OK) != 0) skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct zone *zone = zone_find(str_from_cstr(cases[i].zone));
		assert_non_null(zone);
		if (zone_resolve_local(zone, instant(cases[i].civil)) != instant(cases[i].instant))
			fail_msg("%s %s", cases[i].zone, cases[i].civil);
	}
	// Every half hour of three years comes back, or as the other hour of a doubled one.
	const struct zone *zone = zone_find(STR("America/New_York"));
	size_t others = 0;
	for (int64_t t = instant("2036-01-01T00:00:00Z"); t < instant("2039-01-01T00:00:00Z"); t += 1800) {
		int32_t offset_s, other_s;
		zone_at(zone, t, &offset_s, NULL);
		int64_t back = zone_resolve_local(zone, t + offset_s);
		if (back == t) continue;
		zone_at(zone, back, &other_s, NULL);
		assert_true(back + other_s == t + offset_s);
		others++;
	}
	assert_int_equal(others, 2 * 3);
}

// ---- Changes ----

// From `from_s` to `end_s` nothing changes but where zone_next_change says. Returns how often something did.
static size_t check_changes(const struct zone *zone, int64_t from_s, int64_t end_s, int64_t step_s) {
	int64_t change_s = zone_next_change(zone, from_s);
	int32_t offset_s, before_s;
	const char *abbreviation, *before;
	size_t changes = 0;
	zone_at(zone, from_s, &before_s, &before);
	for (int64_t at_s = from_s + step_s; at_s < end_s; at_s += step_s) {
		bool passed = at_s >= change_s;
		zone_at(zone, at_s, &offset_s, &abbreviation);
		bool same = offset_s == before_s && strcmp(abbreviation, before) == 0;
		if (!same && !passed) fail_msg("something else at %lld", (long long)at_s);
		changes += same ? 0 : 1;
		before_s = offset_s, before = abbreviation;
		while (at_s >= change_s) {
			int64_t next_s = zone_next_change(zone, change_s);
			assert_true(next_s > change_s);
			assert_true(zone_next_change(zone, change_s - 1) == change_s);
			assert_true(zone_next_change(zone, next_s - 1) == next_s || next_s == INT64_MAX);
			change_s = next_s;
		}
	}
	return changes;
}

static void changes_are_foreseen(void **state) {
	(void)state;
	static const struct {
		const char *zone, *after, *change; // NULL: never
	} cases[] = {
		{"America/New_York", "1880-01-01T00:00:00Z", "1883-11-18T17:00:00Z"},
		{"America/New_York", "2024-03-10T06:59:59Z", "2024-03-10T07:00:00Z"},
		{"America/New_York", "2024-03-10T07:00:00Z", "2024-11-03T06:00:00Z"},
		{"America/New_York", "2100-01-01T00:00:00Z", "2100-03-14T07:00:00Z"},
		{"America/New_York", "2099-12-31T23:59:59Z", "2100-03-14T07:00:00Z"},
		{"America/New_York", "2100-12-31T23:59:59Z", "2101-03-13T07:00:00Z"},
		{"Australia/Sydney", "2100-12-31T23:59:59Z", "2101-04-02T16:00:00Z"},
		{"Asia/Kathmandu", "2100-01-01T00:00:00Z", NULL},
		{"UTC", "2024-01-01T00:00:00Z", NULL},
	};
	assert_true(zone_next_change(zone_find(STR("UTC")), INT64_MIN) == INT64_MAX);
	if (access(SYSTEM_ZONES "/America/New_York", R_OK) != 0) skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct zone *zone = zone_find(str_from_cstr(cases[i].zone));
		assert_non_null(zone);
		int64_t wanted_s = cases[i].change != NULL ? instant(cases[i].change) : INT64_MAX;
		if (zone_next_change(zone, instant(cases[i].after)) != wanted_s) fail_msg("%zu", i);
	}
	static const char *const zones[] = {"America/New_York",  "Europe/London", "Europe/Dublin",     "Asia/Kathmandu",
					    "Australia/Sydney",  "Pacific/Apia",  "Africa/Casablanca", "Asia/Gaza",
					    "America/Sao_Paulo", "America/Nuuk",  "Antarctica/Troll",  "Asia/Kolkata"};
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		const struct zone *zone = zone_find(str_from_cstr(zones[i]));
		assert_non_null(zone);
		(void)check_changes(zone, instant("1850-01-01T00:00:00Z"), instant("2120-01-01T00:00:00Z"), 6 * 3600);
		(void)zone_next_change(zone, INT64_MIN);
		(void)zone_next_change(zone, INT64_MAX);
		assert_true(zone_next_change(zone, INT64_MAX - 1) == INT64_MAX);
	}
}

// ---- Files made here ----

struct made_file {
	char version;
	const int64_t *times;
	const char *kinds;
	size_t transitions;
	const int32_t *offsets; // their abbreviations are "AAA", "BBB", …
	size_t periods;
	const char *rule; // NULL: without its line
};

static void put_int(struct buf *out, int64_t value, int width) {
	for (int i = width - 1; i >= 0; i--) buf_byte(out, (char)((uint64_t)value >> (8 * i)));
}

static void put_block(struct buf *out, const struct made_file *file, int width) {
	buf_lit(out, "TZif");
	buf_byte(out, file->version);
	for (int i = 0; i < 15; i++) buf_byte(out, '\0');
	const size_t counts[] = {1, 2, 1, file->transitions, file->periods, 4 * file->periods};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) put_int(out, (int64_t)counts[i], 4);
	for (size_t i = 0; i < file->transitions; i++) put_int(out, file->times[i], width);
	buf_append(out, file->kinds, file->transitions);
	for (size_t i = 0; i < file->periods; i++) {
		put_int(out, file->offsets[i], 4);
		put_int(out, (int64_t)(i % 2 * 256 + 4 * i), 2);
	}
	for (size_t i = 0; i < file->periods; i++) {
		for (int j = 0; j < 3; j++) buf_byte(out, (char)('A' + i));
		buf_byte(out, '\0');
	}
	put_int(out, 78796800, width); // a leap second, and the flags
	put_int(out, 1, 4);
	put_int(out, 0, 3);
}

static void make_file(struct buf *out, const struct made_file *file) {
	buf_clear(out);
	put_block(out, file, 4);
	if (file->version == '\0') return;
	put_block(out, file, 8);
	if (file->rule != NULL) buf_printf(out, "\n%s\n", file->rule);
}

static const int64_t some_times[] = {-1000, 0, 1000000};
static const int32_t some_offsets[] = {1234, 3600, -7200};
static const struct made_file some_file = {
	.version = '2',
	.times = some_times,
	.kinds = "\1\2\1",
	.transitions = 3,
	.offsets = some_offsets,
	.periods = 3,
	.rule = "EST5EDT,M3.2.0,M11.1.0",
};

static void check_some(const struct zone *zone, bool has_rule) {
	static const struct {
		int64_t at;
		const char *abbreviation;
		int32_t offset_s;
	} cases[] = {
		{INT64_MIN, "AAA", 1234}, {-1001, "AAA", 1234}, {-1000, "BBB", 3600},
		{-1, "BBB", 3600},        {0, "CCC", -7200},    {999999, "CCC", -7200},
	};
	int32_t offset_s;
	const char *abbreviation;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		zone_at(zone, cases[i].at, &offset_s, &abbreviation);
		assert_int_equal(offset_s, cases[i].offset_s);
		assert_string_equal(abbreviation, cases[i].abbreviation);
	}
	zone_at(zone, 1000000, &offset_s, &abbreviation);
	assert_string_equal(abbreviation, has_rule ? "EST" : "BBB");
	zone_at(zone, INT64_MAX, &offset_s, &abbreviation);
	assert_true(has_rule ? offset_s == -5 * 3600 || offset_s == -4 * 3600 : offset_s == 3600);
	(void)zone_resolve_local(zone, INT64_MAX);
	(void)zone_resolve_local(zone, INT64_MIN);
}

static void files_of_all_versions_read(void **state) {
	(void)state;
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	static const char versions[] = {'\0', '2', '3', '4', '5'};
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct made_file file = some_file;
		file.version = versions[i];
		make_file(&bytes, &file);
		struct zone *zone = zone_parse(buf_view(&bytes));
		assert_non_null(zone);
		check_some(zone, versions[i] != '\0');
		zone_free(zone);
	}
	struct made_file without_rule = some_file;
	without_rule.rule = "";
	make_file(&bytes, &without_rule);
	struct zone *zone = zone_parse(buf_view(&bytes));
	assert_non_null(zone);
	check_some(zone, false);
	zone_free(zone);
	buf_free(&bytes);
	zone_free(NULL);
}

static void cut_and_changed_files_do_no_harm(void **state) {
	(void)state;
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	make_file(&bytes, &some_file);
	for (size_t len = 0; len < bytes.len; len++) {
		char *exact = malloc(len + 1); // so that the sanitizer sees one byte too many
		assert_non_null(exact);
		memcpy(exact, bytes.ptr, len);
		exact = realloc(exact, len > 0 ? len : 1);
		assert_non_null(exact);
		if (zone_parse(str_make(exact, len)) != NULL) fail_msg("%zu bytes", len);
		free(exact);
	}
	for (size_t i = 0; i < bytes.len; i++) {
		char old = bytes.ptr[i];
		for (int value = 0; value < 256; value++) {
			bytes.ptr[i] = (char)value;
			struct zone *zone = zone_parse(buf_view(&bytes));
			int32_t offset_s;
			const char *abbreviation;
			for (int64_t t = -2000; zone != NULL && t < 3000000; t += 100000) {
				zone_at(zone, t, &offset_s, &abbreviation);
				assert_true(strlen(abbreviation) < 12);
			}
			zone_free(zone);
		}
		bytes.ptr[i] = old;
	}
	buf_free(&bytes);
}

static void wrong_files_are_refused(void **state) {
	(void)state;
	static const int64_t unsorted[] = {0, 0, 1};
	static const int32_t far_offsets[] = {0, 93600, 0}, far_west[] = {0, -90000, 0}, least[] = {INT32_MIN, 0, 0};
	struct made_file files[10];
	for (size_t i = 0; i < ARRAY_LEN(files); i++) files[i] = some_file;
	files[0].version = '1';
	files[1].times = unsorted;
	files[2].kinds = "\0\1\3";
	files[3].kinds = "\0\1\377";
	files[4].offsets = far_offsets;
	files[5].offsets = far_west;
	files[6].offsets = least;
	files[7].rule = NULL;
	files[8].periods = 0, files[8].transitions = 0;
	files[9].version = 'x' + 1, files[9].rule = "nonsense";
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		make_file(&bytes, &files[i]);
		if (zone_parse(buf_view(&bytes)) != NULL) fail_msg("%zu", i);
	}
	make_file(&bytes, &some_file);
	size_t len = bytes.len;
	buf_printf(&bytes, "%*s", ZONE_FILE_MAX, ""); // what follows the rule does not matter, but the size does
	struct zone *zone = zone_parse(str_make(bytes.ptr, ZONE_FILE_MAX));
	assert_non_null(zone);
	zone_free(zone);
	assert_null(zone_parse(str_make(bytes.ptr, ZONE_FILE_MAX + 1)));
	static const unsigned char wrong_letters[] = {' ', 0x7f, 0x80, 0xff, '\n'};
	ptrdiff_t name = str_rfind(str_first(buf_view(&bytes), len - 40), 'B');
	assert_true(name > 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong_letters); i++) {
		bytes.ptr[name] = (char)wrong_letters[i];
		assert_null(zone_parse(str_make(bytes.ptr, len)));
	}
	buf_free(&bytes);
	static const char all_ones[44] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" // counts of four thousand million
					 "\377\377\377\377\377\377\377\377\377\377\377\377"
					 "\377\377\377\377\377\377\377\377\377\377\377\377";
	assert_null(zone_parse(str_make(all_ones, sizeof(all_ones))));
	assert_null(zone_parse((struct str){NULL, 0}));
}

// ---- Rules ----

static struct zone *zone_of_rule(const char *rule) {
	struct made_file file = some_file;
	file.transitions = 0;
	file.rule = rule;
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	make_file(&bytes, &file);
	struct zone *zone = zone_parse(buf_view(&bytes));
	buf_free(&bytes);
	return zone;
}

static void rules_change_clocks(void **state) {
	(void)state;
	static const struct {
		const char *rule, *when;
		int32_t offset_s;
		const char *abbreviation;
	} cases[] = {
		{"UTC0", "2024-05-01T10:00:00Z", 0, "UTC"},
		{"<-03>3", "2024-05-01T10:00:00Z", MINUTES(-3, 0), "-03"},
		{"<+0530>-5:30", "2024-05-01T10:00:00Z", MINUTES(5, 30), "+0530"},
		{"LMT+0:20:10", "2024-05-01T10:00:00Z", -1210, "LMT"},
		{"FAR24:59:59", "2024-05-01T10:00:00Z", -89999, "FAR"},
		// Weeks of months; the fifth is the last.
		{"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59Z", MINUTES(1, 0), "CET"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00Z", MINUTES(2, 0), "CEST"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T00:59:59Z", MINUTES(2, 0), "CEST"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00Z", MINUTES(1, 0), "CET"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "9999-07-01T00:00:00Z", MINUTES(2, 0), "CEST"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "0001-07-01T00:00:00Z", MINUTES(2, 0), "CEST"},
		{"AAA0BBB,M2.5.4/0,M2.5.5/0", "2024-02-29T12:00:00Z", MINUTES(1, 0), "BBB"}, // 5th Thursday
		{"AAA0BBB,M2.5.4/0,M2.5.5/0", "2023-02-23T12:00:00Z", MINUTES(1, 0), "BBB"}, // there are only 4
		// The south, where summer time passes the new year; another difference than one hour.
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-12-31T23:00:00Z", MINUTES(11, 0), "AEDT"},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-07-01T00:00:00Z", MINUTES(10, 0), "AEST"},
		{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-01-01T00:00:00Z", MINUTES(11, 0), "+11"},
		// A winter time that goes back.
		{"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01T00:00:00Z", 0, "GMT"},
		{"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-03-31T00:59:59Z", 0, "GMT"},
		{"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-03-31T01:00:00Z", MINUTES(1, 0), "IST"},
		// Times outside of their day.
		{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", MINUTES(-2, 0), "-02"},
		{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", MINUTES(-1, 0), "-01"},
		{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2024-03-29T23:59:59Z", MINUTES(2, 0), "EET"},
		{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2024-03-30T00:00:00Z", MINUTES(3, 0), "EEST"},
		{"AAA0BBB,0/-167,100/0", "2023-12-25T00:59:59Z", 0, "AAA"},
		{"AAA0BBB,0/-167,100/0", "2023-12-25T01:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,10/0,J360/167", "2024-01-01T21:59:59Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,10/0,J360/167", "2024-01-01T22:00:00Z", 0, "AAA"},
		// Days counted without 29 February, and with it.
		{"AAA0BBB,J59/0,J60/0", "2024-02-28T12:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,J59/0,J60/1", "2024-02-29T12:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,J59/0,J60/1", "2024-03-01T00:00:00Z", 0, "AAA"},
		{"AAA0BBB,J60/0,J61/1", "2024-02-29T12:00:00Z", 0, "AAA"},
		{"AAA0BBB,J60/0,J61/1", "2024-03-01T12:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,J60/0,J61/1", "2023-03-01T12:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,59/0,60/1", "2024-02-29T12:00:00Z", MINUTES(1, 0), "BBB"},
		{"AAA0BBB,59/0,60/1", "2024-03-01T00:00:00Z", 0, "AAA"},
		{"AAA0BBB,59/0,60/1", "2023-03-01T12:00:00Z", MINUTES(1, 0), "BBB"},
		// Summer all year round.
		{"XXX3EDT4,0/0,J365/23", "2024-01-01T04:00:00Z", MINUTES(-4, 0), "EDT"},
		{"XXX3EDT4,0/0,J365/23", "2023-12-31T23:59:59Z", MINUTES(-4, 0), "EDT"},
		{"XXX3EDT4,0/0,J365/23", "2024-01-01T02:59:59Z", MINUTES(-4, 0), "EDT"},
		{"XXX3EDT4,0/0,J365/23", "2024-01-01T03:00:00Z", MINUTES(-4, 0), "EDT"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone *zone = zone_of_rule(cases[i].rule);
		if (zone == NULL) fail_msg("%s", cases[i].rule);
		check_at(zone, cases[i].when, cases[i].offset_s, cases[i].abbreviation);
		bool has_dst = str_find(str_from_cstr(cases[i].rule), ',') >= 0;
		bool always_dst = str_starts_with(str_from_cstr(cases[i].rule), STR("XXX"));
		// Two in each of eight years, but for a Friday that comes before its Thursday and the edges.
		size_t changes =
			check_changes(zone, instant("1966-02-15T12:34:56Z"), instant("1974-02-15T12:34:56Z"), 1800);
		if (has_dst && !always_dst ? changes < 14 || changes > 17 : changes > 0)
			fail_msg("%s: %zu changes", cases[i].rule, changes);
		zone_free(zone);
	}
}

static void bad_rules_are_refused(void **state) {
	(void)state;
	static const char *const rules[] = {
		"X",
		"AB5",
		"EST",
		"EST+",
		"EST-",
		"EST25",
		"EST1234",
		"EST5:60",
		"EST5:00:60",
		"EST5:",
		"EST5 ",
		"<EST5",
		"<ES>5",
		"<E T>5",
		"EST5ED",
		"EST5EDT",
		"EST5EDT4",
		"EST5EDT,M3.2.0",
		"EST5EDT,M3.2.0,",
		"EST5EDT,M0.2.0,M11.1.0",
		"EST5EDT,M13.2.0,M11.1.0",
		"EST5EDT,M3.0.0,M11.1.0",
		"EST5EDT,M3.6.0,M11.1.0",
		"EST5EDT,M3.2.7,M11.1.0",
		"EST5EDT,M3.2,M11.1.0",
		"EST5EDT,M3.2.0/,M11.1.0",
		"EST5EDT,M3.2.0/168,M11.1.0",
		"EST5EDT,M3.2.0/-168,M11.1.0",
		"EST5EDT,M3.2.0,M11.1.0/2x",
		"EST5EDT,M3.2.0,M11.1.0,",
		"EST5EDT,J0,J365",
		"EST5EDT,J1,J366",
		"EST5EDT,0,366",
		"EST5EDT,-1,365",
		"EST5EDT,,",
		"EST5EDT,J,J",
		"\xc3\x89ST5",
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (zone_of_rule(rules[i]) != NULL) fail_msg("%s", rules[i]);
	}
}

// ---- The directory and the table ----

static void write_file(const char *directory, const char *name, struct str bytes) {
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *directory, const char *name) {
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(unlink(path), 0);
}

static void *find_many(void *directory) {
	(void)directory;
	uintptr_t sum = 0;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 8; i++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "Test_%d", i);
			const struct zone *zone = zone_find(str_from_cstr(name));
			CHECK(zone != NULL);
			sum += (uintptr_t)zone;
		}
	}
	return (void *)sum; // the same for all threads
}

static void zones_are_kept(void **state) {
	(void)state;
	char directory[] = "/tmp/test_zone_XXXXXX", name[32], path[256];
	assert_non_null(mkdtemp(directory));
	assert_int_equal(setenv("ZONEINFO", directory, 1), 0);
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	make_file(&bytes, &some_file);
	assert_null(zone_find(STR("Test_0")));
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "Test_%d", i);
		write_file(directory, name, buf_view(&bytes)); // that it was missing is not remembered
	}
	pthread_t threads[4];
	void *sums[ARRAY_LEN(threads)];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_many, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) assert_int_equal(pthread_join(threads[i], &sums[i]), 0);
	for (size_t i = 1; i < ARRAY_LEN(threads); i++) assert_ptr_equal(sums[i], sums[0]);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "Test_%d", i);
		remove_file(directory, name);
	}
	const struct zone *zone = zone_find(STR("Test_0"));
	assert_non_null(zone);
	check_some(zone, true);

	write_file(directory, "Empty", STR(""));
	write_file(directory, "Garbage", STR("garbage"));
	buf_printf(&bytes, "%*s", ZONE_FILE_MAX, "");
	write_file(directory, "Large", buf_view(&bytes));
	(void)snprintf(path, sizeof(path), "%s/Fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(zone_find(STR("Empty")));
	assert_null(zone_find(STR("Garbage")));
	assert_null(zone_find(STR("Large")));
	assert_null(zone_find(STR("Fifo")));
	remove_file(directory, "Empty");
	remove_file(directory, "Garbage");
	remove_file(directory, "Large");
	remove_file(directory, "Fifo");
	buf_free(&bytes);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(unsetenv("ZONEINFO"), 0);
}

// Last, because the table is full after it.
static void the_table_is_bounded(void **state) {
	(void)state;
	char directory[] = "/tmp/test_zone_XXXXXX", name[32];
	assert_non_null(mkdtemp(directory));
	assert_int_equal(setenv("ZONEINFO", directory, 1), 0);
	struct buf bytes;
	buf_init(&bytes, SIZE_MAX);
	make_file(&bytes, &some_file);
	size_t found = 0;
	for (int i = 0; i < ZONES_MAX + 10; i++) {
		(void)snprintf(name, sizeof(name), "Fill_%d", i);
		write_file(directory, name, buf_view(&bytes));
		if (zone_find(str_from_cstr(name)) != NULL) found++;
		remove_file(directory, name);
	}
	assert_true(found > ZONES_MAX / 2 && found <= ZONES_MAX);
	assert_non_null(zone_find(STR("Fill_0")));
	assert_non_null(zone_find(STR("UTC")));
	buf_free(&bytes);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(unsetenv("ZONEINFO"), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_of_the_system),
		cmocka_unit_test(utc_needs_no_file),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(every_file_of_the_system_is_understood),
		cmocka_unit_test(civil_times_resolve_as_in_go),
		cmocka_unit_test(changes_are_foreseen),
		cmocka_unit_test(files_of_all_versions_read),
		cmocka_unit_test(cut_and_changed_files_do_no_harm),
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(rules_change_clocks),
		cmocka_unit_test(bad_rules_are_refused),
		cmocka_unit_test(zones_are_kept),
		cmocka_unit_test(the_table_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
