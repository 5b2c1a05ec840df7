// Zones of zone.h. A file holds the transitions up to some year, and in its last line the rule for all that follow.
#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"

#define S_PER_DAY 86400
#define CALENDAR_CYCLE_S (INT64_C(146097) * S_PER_DAY) // 400 years, after which dates and weekdays repeat
// What a zone may be away from UTC (RFC 8536 §3.2).
#define OFFSET_MIN_S (-89999)
#define OFFSET_MAX_S 93599

struct period { // what holds between two transitions
	int32_t offset_s;
	const char *abbreviation;
};

// A day of every year, and the time of that day when clocks change.
struct rule_day {
	enum { MONTH_WEEK_DAY, JULIAN, DAY_OF_YEAR } kind; // POSIX: M, J, n
	int month, week, day;
	int32_t time_s;
};
struct rule {
	bool exists, has_dst;
	struct period standard, dst;
	struct rule_day dst_start, dst_end;
};

struct zone {
	struct arena arena; // holds the zone itself too
	struct zone *next;  // of the same bucket; fixed once the zone is in it
	struct str name;
	size_t transition_count;
	int64_t *transitions; // ascending
	uint8_t *kinds;       // the period after each transition
	size_t period_count;
	struct period *periods; // the first holds before the first transition
	struct rule rule;       // holds after the last transition
};

// ---- The rule ----

static bool take_char(struct str *text, char c) {
	if (text->len == 0 || text->ptr[0] != c) return false;
	*text = str_skip(*text, 1);
	return true;
}

static bool take_int(struct str *text, int min, int max, int *out) {
	size_t len = 0;
	int value = 0;
	for (; len < text->len && len < 3 && text->ptr[len] >= '0' && text->ptr[len] <= '9'; len++)
		value = value * 10 + (text->ptr[len] - '0');
	*text = str_skip(*text, len);
	*out = value;
	return len > 0 && value >= min && value <= max;
}

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// An abbreviation: letters, or also digits and signs in <>.
static bool take_abbreviation(struct arena *arena, struct str *text, const char **out) {
	bool quoted = take_char(text, '<');
	size_t len = 0;
	for (; len < text->len; len++) {
		char c = text->ptr[len];
		if (!is_letter(c) && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))) break;
	}
	if (len < 3) return false;
	*out = arena_dup(arena, str_first(*text, len)).ptr;
	*text = str_skip(*text, len);
	return !quoted || take_char(text, '>');
}

// [+-]h[h][h][:mm[:ss]]
static bool take_time(struct str *text, int hours_max, int32_t *out_s) {
	bool negative = take_char(text, '-');
	if (!negative) (void)take_char(text, '+');
	int hours, minutes = 0, seconds = 0;
	if (!take_int(text, 0, hours_max, &hours)) return false;
	if (take_char(text, ':')) {
		if (!take_int(text, 0, 59, &minutes)) return false;
		if (take_char(text, ':') && !take_int(text, 0, 59, &seconds)) return false;
	}
	*out_s = (negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool take_rule_day(struct str *text, struct rule_day *out) {
	*out = (struct rule_day){.time_s = 2 * 3600};
	if (!take_char(text, ',')) return false;
	bool ok;
	if (take_char(text, 'M')) {
		out->kind = MONTH_WEEK_DAY;
		ok = take_int(text, 1, 12, &out->month) && take_char(text, '.') && take_int(text, 1, 5, &out->week) &&
		     take_char(text, '.') && take_int(text, 0, 6, &out->day);
	} else if (take_char(text, 'J')) {
		out->kind = JULIAN;
		ok = take_int(text, 1, 365, &out->day);
	} else {
		out->kind = DAY_OF_YEAR;
		ok = take_int(text, 0, 365, &out->day);
	}
	if (!ok) return false;
	return !take_char(text, '/') || take_time(text, 167, &out->time_s);
}

// Offsets in the rule count westwards.
static bool take_rule_offset(struct str *text, int32_t *offset_s) {
	if (!take_time(text, 24, offset_s)) return false;
	*offset_s = -*offset_s;
	return true;
}

static bool parse_rule(struct arena *arena, struct str text, struct rule *rule) {
	*rule = (struct rule){.exists = text.len > 0};
	if (text.len == 0) return true;
	if (!take_abbreviation(arena, &text, &rule->standard.abbreviation) ||
	    !take_rule_offset(&text, &rule->standard.offset_s))
		return false;
	if (text.len == 0) return true;
	rule->has_dst = true;
	if (!take_abbreviation(arena, &text, &rule->dst.abbreviation)) return false;
	rule->dst.offset_s = rule->standard.offset_s + 3600;
	if (text.len > 0 && text.ptr[0] != ',' && !take_rule_offset(&text, &rule->dst.offset_s)) return false;
	return take_rule_day(&text, &rule->dst_start) && take_rule_day(&text, &rule->dst_end) && text.len == 0;
}

// The civil time of the change in one year.
static int64_t rule_day_in(const struct rule_day *rule, int64_t year) {
	struct date_civil first = {.year = year, .month = rule->kind == MONTH_WEEK_DAY ? rule->month : 1, .day = 1};
	int64_t first_s = date_civil_to_s(&first);
	first = date_civil_from_s(first_s);
	int64_t days = rule->day;
	if (rule->kind == JULIAN) { // 29 February has no number
		struct date_civil leap_day = date_civil_from_s(first_s + 59 * S_PER_DAY);
		days = rule->day - 1 + (rule->day >= 60 && leap_day.month == 2 ? 1 : 0);
	} else if (rule->kind == MONTH_WEEK_DAY) {
		days = (rule->day - first.weekday + 7) % 7 + (rule->week - 1) * 7;
		// The fifth is the last, which may be the fourth.
		if (date_civil_from_s(first_s + days * S_PER_DAY).month != rule->month) days -= 7;
	}
	return first_s + days * S_PER_DAY + rule->time_s;
}

static const struct period *rule_at(const struct rule *rule, int64_t unix_s) {
	if (!rule->has_dst) return &rule->standard;
	unix_s %= CALENDAR_CYCLE_S; // the rule is the same in all cycles, and nothing can overflow in this one
	int64_t year = date_civil_from_s(unix_s).year;
	int64_t last_start = INT64_MIN, last_end = INT64_MIN;
	// Changes may lie up to a week outside of their year.
	for (int64_t y = year - 2; y <= year + 1; y++) {
		int64_t start = rule_day_in(&rule->dst_start, y) - rule->standard.offset_s;
		int64_t end = rule_day_in(&rule->dst_end, y) - rule->dst.offset_s;
		if (start <= unix_s) last_start = start;
		if (end <= unix_s) last_end = end;
	}
	// Both at once: summer time all year round.
	return last_start >= last_end ? &rule->dst : &rule->standard;
}

// The next instant after `unix_s` at which one of the two periods begins; INT64_MAX when 64 bits cannot hold it.
static int64_t rule_next_change(const struct rule *rule, int64_t unix_s) {
	int64_t in_cycle_s = unix_s % CALENDAR_CYCLE_S, cycle_s = unix_s - in_cycle_s, next = INT64_MAX;
	int64_t year = date_civil_from_s(in_cycle_s).year;
	for (int64_t y = year - 1; y <= year + 2; y++) { // up to a week outside of their year, as above
		int64_t start = rule_day_in(&rule->dst_start, y) - rule->standard.offset_s;
		int64_t end = rule_day_in(&rule->dst_end, y) - rule->dst.offset_s;
		if (start > in_cycle_s && start < next) next = start;
		if (end > in_cycle_s && end < next) next = end;
	}
	return cycle_s > 0 && next > INT64_MAX - cycle_s ? INT64_MAX : cycle_s + next;
}

// ---- The file ----

struct header {
	char version;
	uint64_t is_ut, is_standard, leaps, transitions, periods, letters; // counts, in this order
};

static bool take_bytes(struct str *rest, uint64_t len, struct str *out) {
	if (len > rest->len) return false;
	*out = str_first(*rest, (size_t)len);
	*rest = str_skip(*rest, (size_t)len);
	return true;
}

// Big endian, two's complement.
static int64_t int_at(struct str bytes, size_t index, size_t width) {
	const unsigned char *at = (const unsigned char *)bytes.ptr + index * width;
	uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < width; i++) value = value << 8 | at[i];
	return (int64_t)value;
}

static bool take_header(struct str *rest, struct header *out) {
	struct str bytes;
	if (!take_bytes(rest, 44, &bytes) || !str_starts_with(bytes, STR("TZif"))) return false;
	struct str counts = str_skip(bytes, 20);
	*out = (struct header){
		.version = bytes.ptr[4],
		.is_ut = (uint32_t)int_at(counts, 0, 4),
		.is_standard = (uint32_t)int_at(counts, 1, 4),
		.leaps = (uint32_t)int_at(counts, 2, 4),
		.transitions = (uint32_t)int_at(counts, 3, 4),
		.periods = (uint32_t)int_at(counts, 4, 4),
		.letters = (uint32_t)int_at(counts, 5, 4),
	};
	return out->version == '\0' || out->version >= '2';
}

static bool are_letters_clean(struct str letters) {
	for (size_t i = 0; i < letters.len; i++) {
		if (letters.ptr[i] != '\0' && (letters.ptr[i] <= ' ' || letters.ptr[i] > '~')) return false;
	}
	return letters.len > 0 && letters.ptr[letters.len - 1] == '\0';
}

static bool fill_periods(struct zone *zone, struct str records, struct str letters) {
	letters = arena_dup(&zone->arena, letters);
	for (size_t i = 0; i < zone->period_count; i++) {
		struct str record = str_make(records.ptr + i * 6, 6);
		int64_t offset_s = int_at(record, 0, 4);
		size_t name_at = (unsigned char)record.ptr[5];
		if (offset_s < OFFSET_MIN_S || offset_s > OFFSET_MAX_S || name_at >= letters.len) return false;
		zone->periods[i] = (struct period){(int32_t)offset_s, letters.ptr + name_at};
	}
	return true;
}

static bool fill_transitions(struct zone *zone, struct str times, struct str kinds, size_t time_bytes) {
	for (size_t i = 0; i < zone->transition_count; i++) {
		zone->transitions[i] = int_at(times, i, time_bytes);
		zone->kinds[i] = (uint8_t)kinds.ptr[i];
		if (zone->kinds[i] >= zone->period_count) return false;
		if (i > 0 && zone->transitions[i] <= zone->transitions[i - 1]) return false;
	}
	return true;
}

// The data block behind `header`. Leap seconds and how the transitions were once written are of no interest.
static bool take_block(struct zone *zone, struct str *rest, const struct header *header, size_t time_bytes) {
	struct str times, kinds, periods, letters, ignored;
	if (!take_bytes(rest, header->transitions * time_bytes, &times) ||
	    !take_bytes(rest, header->transitions, &kinds) || !take_bytes(rest, header->periods * 6, &periods) ||
	    !take_bytes(rest, header->letters, &letters) ||
	    !take_bytes(rest, header->leaps * (time_bytes + 4) + header->is_standard + header->is_ut, &ignored))
		return false;
	if (header->periods == 0 || header->periods > 256 || !are_letters_clean(letters)) return false;
	zone->transition_count = (size_t)header->transitions;
	zone->transitions = ARENA_ARRAY(&zone->arena, int64_t, zone->transition_count);
	zone->kinds = ARENA_ARRAY(&zone->arena, uint8_t, zone->transition_count);
	zone->period_count = (size_t)header->periods;
	zone->periods = ARENA_ARRAY(&zone->arena, struct period, zone->period_count);
	return fill_periods(zone, periods, letters) && fill_transitions(zone, times, kinds, time_bytes);
}

static bool parse_file(struct zone *zone, struct str rest) {
	struct header header;
	if (!take_header(&rest, &header)) return false;
	if (header.version == '\0') return take_block(zone, &rest, &header, 4);
	// The first block is for readers that know 32 bits only; a second file follows it.
	struct str ignored;
	uint64_t skip = header.transitions * 5 + header.periods * 6 + header.letters + header.leaps * 8 +
			header.is_standard + header.is_ut;
	if (!take_bytes(&rest, skip, &ignored) || !take_header(&rest, &header) || header.version == '\0' ||
	    !take_block(zone, &rest, &header, 8))
		return false;
	struct str rule, after;
	if (!take_char(&rest, '\n') || !str_cut(rest, '\n', &rule, &after)) return false;
	return parse_rule(&zone->arena, rule, &zone->rule);
}

struct zone *zone_parse(struct str tzif) {
	if (tzif.len > ZONE_FILE_MAX) return NULL;
	struct arena arena;
	arena_init(&arena, 1024);
	struct zone *zone = ARENA_NEW(&arena, struct zone);
	zone->arena = arena;
	if (parse_file(zone, tzif)) return zone;
	zone_free(zone);
	return NULL;
}

void zone_free(struct zone *zone) {
	if (zone == NULL) return;
	struct arena arena = zone->arena; // the zone is inside
	arena_free(&arena);
}

// ---- Asking ----

// How many transitions are not after the instant.
static size_t transitions_until(const struct zone *zone, int64_t unix_s) {
	size_t low = 0, high = zone->transition_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zone->transitions[middle] <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct period *period_at(const struct zone *zone, int64_t unix_s) {
	size_t passed = transitions_until(zone, unix_s);
	if (passed == zone->transition_count && zone->rule.exists) return rule_at(&zone->rule, unix_s);
	return &zone->periods[passed == 0 ? 0 : zone->kinds[passed - 1]];
}

void zone_at(const struct zone *zone, int64_t unix_s, int32_t *offset_s, const char **abbreviation) {
	const struct period *period = period_at(zone, unix_s);
	*offset_s = period->offset_s;
	if (abbreviation != NULL) *abbreviation = period->abbreviation;
}

int64_t zone_next_change(const struct zone *zone, int64_t unix_s) {
	size_t passed = transitions_until(zone, unix_s);
	if (passed < zone->transition_count) return zone->transitions[passed];
	return zone->rule.exists && zone->rule.has_dst ? rule_next_change(&zone->rule, unix_s) : INT64_MAX;
}

static int64_t minus_saturated(int64_t a, int32_t b) {
	int64_t difference;
	if (__builtin_sub_overflow(a, (int64_t)b, &difference)) return b > 0 ? INT64_MIN : INT64_MAX;
	return difference;
}

int64_t zone_resolve_local(const struct zone *zone, int64_t civil_s) {
	int64_t guess = minus_saturated(civil_s, period_at(zone, civil_s)->offset_s);
	return minus_saturated(civil_s, period_at(zone, guess)->offset_s);
}

// ---- Finding ----

static struct period utc_period = {0, "UTC"};
static const struct zone utc = {.name = STR_INIT("UTC"), .period_count = 1, .periods = &utc_period};

// Zones are only ever added, at the head of a bucket, so readers need no lock.
static struct zone *_Atomic buckets[512];
static size_t zone_count; // under the lock
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// One spelling per file (no "a//b"), and none that leads out of the directory.
static bool is_name(struct str name) {
	if (name.len == 0 || name.len > ZONE_NAME_MAX || str_eq(name, STR("Local"))) return false;
	char before = '/';
	for (size_t i = 0; i < name.len; before = name.ptr[i++]) {
		char c = name.ptr[i];
		if (c == '/' ? before == '/'
			     : !is_letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '-')
			return false;
	}
	return before != '/';
}

// The bytes of a regular file of bounded size, malloc'd; false when it is anything else.
static bool read_file(const char *path, struct str *out) {
	bool ok = false;
	char *bytes = NULL;
	size_t len = 0;
	struct stat info;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file < 0) return false;
	if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 || info.st_size > ZONE_FILE_MAX)
		goto done;
	bytes = mem_alloc((size_t)info.st_size);
	while (len < (size_t)info.st_size) {
		ssize_t n = read(file, bytes + len, (size_t)info.st_size - len);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) goto done;
		len += (size_t)n;
	}
	*out = str_make(bytes, len);
	ok = true;
done:
	close(file);
	if (!ok) free(bytes);
	return ok;
}

static struct zone *load_from(const char *directory, struct str name) {
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%.*s", directory, STR_ARG(name));
	struct str bytes;
	if (len < 0 || (size_t)len >= sizeof(path) || !read_file(path, &bytes)) return NULL;
	struct zone *zone = zone_parse(bytes);
	if (zone != NULL) zone->name = arena_dup(&zone->arena, name);
	free((char *)bytes.ptr);
	return zone;
}

static const struct zone *look_up(size_t bucket, struct str name) {
	for (const struct zone *zone = atomic_load_explicit(&buckets[bucket], memory_order_acquire); zone != NULL;
	     zone = zone->next) {
		if (str_eq(zone->name, name)) return zone;
	}
	return NULL;
}

// The zone that the table then has under this name, which another thread may have put there; NULL when it is full.
static const struct zone *keep(size_t bucket, struct zone *zone) {
	CHECK(pthread_mutex_lock(&lock) == 0);
	const struct zone *kept = look_up(bucket, zone->name);
	if (kept == NULL && zone_count < ZONES_MAX) {
		zone->next = atomic_load_explicit(&buckets[bucket], memory_order_relaxed);
		atomic_store_explicit(&buckets[bucket], zone, memory_order_release);
		zone_count++;
		kept = zone;
	}
	CHECK(pthread_mutex_unlock(&lock) == 0);
	if (kept != zone) zone_free(zone);
	return kept;
}

const struct zone *zone_find(struct str name) {
	if (name.len == 0 || str_eq(name, STR("UTC"))) return &utc;
	if (!is_name(name)) return NULL;
	size_t bucket = (size_t)hash_xxh64(name) % ARRAY_LEN(buckets);
	const struct zone *known = look_up(bucket, name);
	if (known != NULL) return known;
	const char *directory = getenv("ZONEINFO");
	struct zone *zone = directory != NULL && directory[0] != '\0' ? load_from(directory, name) : NULL;
	if (zone == NULL) zone = load_from("/usr/share/zoneinfo", name);
	return zone != NULL ? keep(bucket, zone) : NULL;
}
