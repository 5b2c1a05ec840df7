// Cron schedules: which texts are one (spec 01 §9.2).
#include <stdio.h>

#include "model/function.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX 128u

struct cron_field {
	unsigned min;
	unsigned max;
	const char *names; // three letters each, the first one means `min`
};

static const struct cron_field cron_fields[] = {
	{0, 59, ""},
	{0, 23, ""},
	{1, 31, ""},
	{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{0, 6, "sunmontuewedthufrisat"},
};
#define CRON_FIELD_COUNT (sizeof(cron_fields) / sizeof(cron_fields[0]))

static bool number_read(struct str s, unsigned *out) {
	uint64_t value;
	if (!str_to_u64(s, &value) || value > 1000000) return false;
	*out = (unsigned)value;
	return true;
}

// A number within the field's bounds, or one of its names.
static bool value_read(const struct cron_field *field, struct str s, unsigned *out) {
	for (unsigned i = 0; s.len == 3 && i < strlen(field->names) / 3; i++) {
		if (!str_eq_nocase(s, str_make(field->names + 3 * i, 3))) continue;
		*out = field->min + i;
		return true;
	}
	return number_read(s, out) && *out >= field->min && *out <= field->max;
}

// `*`, `?`, `N` or `N-M`, each with an optional `/step`.
static bool item_valid(const struct cron_field *field, struct str item) {
	struct str range;
	struct str step;
	struct str from;
	struct str to;
	unsigned number;
	if (str_cut(item, '/', &range, &step) && (!number_read(step, &number) || number == 0)) return false;
	if (str_eq(range, STR("*")) || str_eq(range, STR("?"))) return true;
	bool has_end = str_cut(range, '-', &from, &to);
	unsigned first;
	if (!value_read(field, from, &first)) return false;
	return !has_end || (value_read(field, to, &number) && first <= number);
}

static bool field_valid(const struct cron_field *field, struct str text) {
	bool more = true;
	while (more) {
		struct str item;
		more = str_cut(text, ',', &item, &text);
		if (!item_valid(field, item)) return false;
	}
	return true;
}

// The zone exists on this machine. The name becomes a path: it must not lead out of the folder.
static bool zone_exists(struct str name) {
	if (name.len == 0 || str_eq(name, STR("UTC"))) return true;
	if (name.len > ZONE_NAME_MAX || name.ptr[0] == '/' || str_find_str(name, STR("..")) >= 0) return false;
	if (str_find(name, '\0') >= 0 || str_find(name, '\\') >= 0) return false;
	char path[sizeof(ZONE_FOLDER) + ZONE_NAME_MAX];
	snprintf(path, sizeof(path), ZONE_FOLDER "%.*s", STR_ARG(name));
	FILE *file = fopen(path, "rb");
	if (file == NULL) return false;
	char magic[4];
	bool found = fread(magic, 1, sizeof(magic), file) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
	fclose(file);
	return found;
}

static bool is_blank(char c) {
	return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next field separated by white space; empty at the end.
static struct str next_field(struct str *rest) {
	*rest = str_trim(*rest);
	size_t len = 0;
	while (len < rest->len && !is_blank(rest->ptr[len])) len++;
	struct str field = str_first(*rest, len);
	*rest = str_skip(*rest, len);
	return field;
}

bool cron_valid(struct str text) {
	if (str_starts_with(text, STR("TZ=")) || str_starts_with(text, STR("CRON_TZ="))) {
		struct str zone;
		struct str prefix;
		if (!str_cut(text, ' ', &prefix, &text)) return false;
		str_cut(prefix, '=', &prefix, &zone);
		if (!zone_exists(zone)) return false;
	}
	for (size_t i = 0; i < CRON_FIELD_COUNT; i++) {
		struct str field = next_field(&text);
		if (field.len == 0 || !field_valid(&cron_fields[i], field)) return false;
	}
	return str_trim(text).len == 0;
}
