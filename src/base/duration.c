// Durations of clock.h: numbers with units, read and written.
#include "base/check.h"
#include "base/clock.h"

struct unit {
	struct str name;
	uint64_t ns;
	bool extended; // not in grammar G
};

// Largest first: the formatter walks them in this order and stops at "ns".
static const struct unit units[] = {
	{STR_INIT("w"), 604800000000000, true}, {STR_INIT("d"), 86400000000000, true},
	{STR_INIT("h"), 3600000000000, false},  {STR_INIT("m"), 60000000000, false},
	{STR_INIT("s"), 1000000000, false},     {STR_INIT("ms"), 1000000, false},
	{STR_INIT("us"), 1000, false},          {STR_INIT("ns"), 1, false},
	{STR_INIT("\u00b5s"), 1000, false}, // micro sign
	{STR_INIT("\u03bcs"), 1000, false}, // Greek mu
};
#define FORMAT_UNITS 8

#define NS_LIMIT ((uint64_t)1 << 63) // magnitude of the most negative duration

static const struct unit *find_unit(struct str name, bool extended) {
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (str_eq(units[i].name, name) && (extended || !units[i].extended)) return &units[i];
	}
	return NULL;
}

// Go's quoting of the text in its error messages.
static void quote(struct buf *out, struct str text) {
	buf_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < ' ' || c >= 0x80) {
			buf_printf(out, "\\x%02x", c);
			continue;
		}
		if (c == '"' || c == '\\') buf_byte(out, '\\');
		buf_byte(out, (char)c);
	}
	buf_byte(out, '"');
}

static enum err fail(struct error *error, const char *what, const struct str *unit, struct str text) {
	struct buf message;
	buf_init(&message, sizeof(error->message));
	buf_printf(&message, "time: %s ", what);
	if (unit != NULL) {
		quote(&message, str_first(*unit, 32));
		buf_lit(&message, " in duration ");
	} else if (what[0] == 'm') {
		buf_lit(&message, "in duration ");
	}
	quote(&message, str_first(text, 64));
	(void)error_set(error, ERR_INVALID, "%.*s", STR_ARG(buf_view(&message)));
	buf_free(&message);
	return ERR_INVALID;
}

static bool is_digit(struct str s) {
	return s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

// Whole part of a number; false when it cannot be a duration any more.
static bool take_whole(struct str *rest, uint64_t *whole) {
	for (*whole = 0; is_digit(*rest); *rest = str_skip(*rest, 1)) {
		if (*whole > NS_LIMIT / 10) return false;
		*whole = *whole * 10 + (uint64_t)(rest->ptr[0] - '0');
		if (*whole > NS_LIMIT) return false;
	}
	return true;
}

// Digits after the point as fraction / scale; those that no longer matter are read and dropped.
static void take_fraction(struct str *rest, uint64_t *fraction, double *scale) {
	bool full = false;
	for (*fraction = 0, *scale = 1; is_digit(*rest); *rest = str_skip(*rest, 1)) {
		if (full) continue;
		uint64_t digit = (uint64_t)(rest->ptr[0] - '0');
		full = *fraction > ((NS_LIMIT - 1) - digit) / 10;
		if (full) continue;
		*fraction = *fraction * 10 + digit;
		*scale *= 10;
	}
}

static struct str take_unit(struct str *rest) {
	size_t len = 0;
	while (len < rest->len && rest->ptr[len] != '.' && !(rest->ptr[len] >= '0' && rest->ptr[len] <= '9')) len++;
	struct str name = str_first(*rest, len);
	*rest = str_skip(*rest, len);
	return name;
}

// One number with its unit, added to *sum.
static enum err take_term(struct str text, struct str *rest, bool extended, uint64_t *sum, struct error *error) {
	static const char invalid[] = "invalid duration";
	uint64_t whole, fraction = 0;
	double scale = 1;
	bool has_digits = is_digit(*rest);
	if (!has_digits && rest->ptr[0] != '.') return fail(error, invalid, NULL, text);
	if (!take_whole(rest, &whole)) return fail(error, invalid, NULL, text);
	if (rest->len > 0 && rest->ptr[0] == '.') {
		*rest = str_skip(*rest, 1);
		has_digits = has_digits || is_digit(*rest);
		take_fraction(rest, &fraction, &scale);
	}
	if (!has_digits) return fail(error, invalid, NULL, text);
	struct str name = take_unit(rest);
	if (name.len == 0) return fail(error, "missing unit", NULL, text);
	const struct unit *unit = find_unit(name, extended);
	if (unit == NULL) return fail(error, "unknown unit", &name, text);
	if (whole > NS_LIMIT / unit->ns) return fail(error, invalid, NULL, text);
	uint64_t ns = whole * unit->ns + (uint64_t)((double)fraction * ((double)unit->ns / scale));
	if (ns > NS_LIMIT || *sum + ns > NS_LIMIT) return fail(error, invalid, NULL, text);
	*sum += ns;
	return ERR_OK;
}

static enum err parse(struct str text, bool extended, int64_t *out_ns, struct error *error) {
	struct str rest = text;
	bool negative = rest.len > 0 && rest.ptr[0] == '-';
	if (negative || (rest.len > 0 && rest.ptr[0] == '+')) rest = str_skip(rest, 1);
	if (str_eq(rest, STR("0"))) {
		*out_ns = 0;
		return ERR_OK;
	}
	if (rest.len == 0) return fail(error, "invalid duration", NULL, text);
	uint64_t sum = 0;
	while (rest.len > 0) {
		enum err code = take_term(text, &rest, extended, &sum, error);
		if (code != ERR_OK) return code;
	}
	if (sum == NS_LIMIT && !negative) return fail(error, "invalid duration", NULL, text);
	*out_ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
	return ERR_OK;
}

enum err duration_parse(struct str text, int64_t *out_ns, struct error *error) {
	return parse(text, true, out_ns, error);
}

enum err duration_parse_go(struct str text, int64_t *out_ns, struct error *error) {
	return parse(text, false, out_ns, error);
}

void duration_format(struct buf *out, int64_t ns) {
	if (ns == 0) {
		buf_lit(out, "0s");
		return;
	}
	if (ns < 0) buf_byte(out, '-');
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	for (size_t i = 0; i < FORMAT_UNITS; i++) {
		uint64_t count = left / units[i].ns;
		if (count == 0) continue;
		buf_u64(out, count);
		buf_str(out, units[i].name);
		left -= count * units[i].ns;
	}
}

// A number with what is left over after the point, without trailing zeros.
static void format_fraction(struct buf *out, uint64_t value, uint64_t unit) {
	buf_u64(out, value / unit);
	uint64_t rest = value % unit;
	if (rest == 0) return;
	buf_byte(out, '.');
	for (uint64_t digit = unit / 10; rest > 0; digit /= 10) {
		buf_byte(out, (char)('0' + rest / digit));
		rest %= digit;
	}
}

void duration_format_go(struct buf *out, int64_t ns) {
	static const struct {
		uint64_t ns;
		const char *name;
	} small[] = {{1000000, "ms"}, {1000, "\302\265s"}, {1, "ns"}};
	uint64_t value = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (ns < 0) buf_byte(out, '-');
	for (size_t i = 0; value > 0 && value < 1000000000 && i < sizeof small / sizeof *small; i++) {
		if (value < small[i].ns) continue;
		format_fraction(out, value, small[i].ns);
		buf_str(out, str_from_cstr(small[i].name));
		return;
	}
	uint64_t seconds = value / 1000000000;
	if (seconds >= 3600) {
		buf_u64(out, seconds / 3600);
		buf_byte(out, 'h');
	}
	if (seconds >= 60) {
		buf_u64(out, seconds / 60 % 60);
		buf_byte(out, 'm');
	}
	format_fraction(out, value % 60000000000, 1000000000);
	buf_byte(out, 's');
}
