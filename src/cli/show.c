#include "cli/show.h"

#include "base/check.h"
#include "base/clock.h"
#include "model/utf8.h"

void show_colour_start(struct buf *out, bool wanted, const char *colour) {
	if (wanted && colour != NULL) buf_printf(out, "\033[%sm", colour);
}

void show_colour_end(struct buf *out, bool wanted, const char *colour) {
	if (wanted && colour != NULL) buf_lit(out, "\033[0m");
}

const char *show_status_colour(struct str status) {
	static const struct {
		const char *status, *colour;
	} colours[] = {{"COMPLETED", SHOW_GREEN},
		       {"FAILED", SHOW_RED},
		       {"CANCELLED", SHOW_YELLOW},
		       {"RUNNING", SHOW_BLUE},
		       {"WAITING", SHOW_YELLOW}};
	for (size_t i = 0; i < ARRAY_LEN(colours); i++)
		if (str_eq_nocase(status, str_from_cstr(colours[i].status))) return colours[i].colour;
	return NULL;
}

// ---- texts -----------------------------------------------------------------------------------------------------

// Of well-formed UTF-8: the length of a control character at `text`, of the first or the second set, or 0.
static size_t control_length(struct str text) {
	unsigned char first = (unsigned char)text.ptr[0];
	if (first < ' ' || first == 0x7f) return 1;
	return first == 0xc2 && text.len > 1 && (unsigned char)text.ptr[1] < 0xa0 ? 2 : 0;
}

static void append_clean(struct buf *out, struct str text) {
	for (size_t i = 0; i < text.len;) {
		size_t control = control_length(str_skip(text, i));
		buf_byte(out, control > 0 ? ' ' : text.ptr[i]);
		i += control > 0 ? control : 1;
	}
}

void show_text_first(struct buf *out, struct str text, size_t max) {
	struct str shown = utf8_clip(text, max);
	append_clean(out, shown);
	if (shown.len < text.len) buf_lit(out, "…");
}

void show_text(struct buf *out, struct str text) {
	show_text_first(out, text, SHOW_TEXT_MAX);
}

void show_quoted(struct buf *out, struct str text) {
	buf_byte(out, '"');
	show_text(out, text);
	buf_byte(out, '"');
}

void show_lines(struct buf *out, struct str text, size_t indent) {
	struct str rest = text, line;
	bool more = text.len > 0;
	while (more) {
		more = str_cut(rest, '\n', &line, &rest) && rest.len > 0;
		buf_printf(out, "%*s", (int)indent, "");
		append_clean(out, line);
		buf_byte(out, '\n');
	}
}

size_t show_width(struct str text) {
	size_t width = 0;
	for (size_t i = 0; i < text.len; i++) width += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return width;
}

// ---- times -----------------------------------------------------------------------------------------------------

void show_duration(struct buf *out, uint64_t ms) {
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}};
	for (size_t i = 0; i + 1 < ARRAY_LEN(units); i++) {
		if (ms < units[i].ms) continue;
		uint64_t rest = ms % units[i].ms / units[i + 1].ms;
		buf_printf(out, "%llu %s", (unsigned long long)(ms / units[i].ms), units[i].name);
		if (rest > 0) buf_printf(out, " %llu %s", (unsigned long long)rest, units[i + 1].name);
		return;
	}
	buf_printf(out, "%llu.%llu s", (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000 / 100));
}

void show_elapsed(struct buf *out, uint64_t ms) {
	if (ms < 1000)
		buf_printf(out, "%llu ms", (unsigned long long)ms);
	else
		show_duration(out, ms);
}

uint64_t show_distance_ms(int64_t from_ns, int64_t to_ns) {
	uint64_t ns = from_ns < to_ns ? (uint64_t)to_ns - (uint64_t)from_ns : (uint64_t)from_ns - (uint64_t)to_ns;
	return ns / 1000000;
}

// Milliseconds always, so that times stand below each other.
static void append_date(struct buf *out, int64_t at_ns) {
	int64_t at_ms = at_ns / 1000000, ms = at_ms % 1000;
	if (ms < 0) ms += 1000;
	struct date_civil date = date_civil_from_s((at_ms - ms) / 1000);
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)date.year, (int)date.month, (int)date.day,
		   (int)date.hour, (int)date.minute, (int)date.second, (int)ms);
}

void show_time(struct buf *out, int64_t at_ns, const int64_t *now_ns) {
	append_date(out, at_ns);
	if (now_ns == NULL) return;
	buf_str(out, at_ns > *now_ns ? STR(" (in ") : STR(" ("));
	show_duration(out, show_distance_ms(*now_ns, at_ns));
	buf_str(out, at_ns > *now_ns ? STR(")") : STR(" ago)"));
}
