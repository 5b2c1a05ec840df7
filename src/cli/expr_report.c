#include "base/check.h"
#include "cli/expr.h"
#include "model/utf8.h"

#define SHOWN_TEXT_MAX 200u // bytes of a part of the expression, or of a text
#define SHOWN_ITEMS_MAX 20u // of lists and maps, all levels together
#define POLICY_MAX (64u << 10)

#define BOLD "1"
#define RED "31"
#define GREEN "32"
#define YELLOW "33"

static const struct str roots[] = {STR_INIT("event"), STR_INIT("async"), STR_INIT("vars")};

const char *expr_type_name(enum cel_type type) {
	switch (type) {
	case CEL_NULL:
		return "null";
	case CEL_TIMESTAMP:
		return "timestamp";
	case CEL_DURATION:
		return "duration";
	default:
		return cel_type_name(type);
	}
}

static void start_colour(const struct expr_report *report, const char *colour) {
	if (report->colour) buf_printf(report->out, "\033[%sm", colour);
}

static void end_colour(const struct expr_report *report) {
	if (report->colour) buf_lit(report->out, "\033[0m");
}

static void heading(const struct expr_report *report, const char *text) {
	buf_byte(report->out, '\n');
	start_colour(report, BOLD);
	buf_str(report->out, str_from_cstr(text));
	end_colour(report);
	buf_byte(report->out, '\n');
}

// ---- failures --------------------------------------------------------------------------------------------------

static struct str line_of(struct str text, uint32_t number) {
	struct str line = text;
	while (number-- > 0) (void)str_cut(text, '\n', &line, &text);
	return line;
}

void expr_report_failure(const struct expr_report *report, struct str text, const struct cel_failure *failure) {
	struct str line = line_of(text, failure->line);
	start_colour(report, RED);
	buf_printf(report->out, "Error: %u:%u: %s", (unsigned)failure->line, (unsigned)failure->column,
		   failure->message);
	end_colour(report);
	buf_printf(report->out, "\n  %.*s\n  ", STR_ARG(line));
	// A tab stays one, so that both lines are equally far to the right.
	uint32_t column = 1;
	for (size_t i = 0; column < failure->column; column++) {
		buf_byte(report->out, i < line.len && line.ptr[i] == '\t' ? '\t' : ' ');
		if (i < line.len) i++;
		while (i < line.len && ((unsigned char)line.ptr[i] & 0xc0) == 0x80) i++;
	}
	buf_lit(report->out, "^\n");
}

// ---- values ----------------------------------------------------------------------------------------------------

// Whether a value has few items in all.
static bool is_small(const struct cel_value *value, unsigned *items) {
	struct cel_walk walk;
	struct cel_value item;
	if (value->type == CEL_STRING) return value->text.len <= SHOWN_TEXT_MAX;
	if (value->type != CEL_LIST && value->type != CEL_MAP) return true;
	for (cel_walk_start(&walk, value); cel_walk_next(&walk, NULL, &item);) {
		if (++*items > SHOWN_ITEMS_MAX || !is_small(&item, items)) return false;
	}
	return true;
}

static void append_value(struct buf *out, const struct cel_value *value) {
	unsigned items = 0;
	bool text = value->type == CEL_STRING || value->type == CEL_BYTES;
	if (text && value->text.len > SHOWN_TEXT_MAX) {
		struct cel_value start = *value;
		start.text = utf8_clip(value->text, SHOWN_TEXT_MAX);
		cel_json(out, &start);
		buf_printf(out, "… (%zu bytes)", value->text.len);
	} else if (is_small(value, &items)) {
		cel_json(out, value);
	} else if (value->type == CEL_LIST) {
		buf_printf(out, "a list of %zu", cel_list_size(value));
	} else {
		buf_printf(out, "an object with %zu members", cel_map_size(value));
	}
}

// Types that JSON does not show.
static bool needs_type(const struct cel_value *value) {
	switch ((enum cel_type)value->type) {
	case CEL_NULL:
	case CEL_BOOL:
	case CEL_STRING:
	case CEL_LIST:
	case CEL_MAP:
		return false;
	default:
		return true;
	}
}

static void append_outcome(const struct expr_report *report, const struct cel_reason *reason) {
	const struct cel_value *value = &reason->value;
	if (value->type == CEL_UNKNOWN) {
		start_colour(report, YELLOW);
		buf_lit(report->out, " is missing");
		end_colour(report);
		if (reason->hidden_by.len > 0)
			buf_printf(report->out, ": it is there, but %.*s is not", STR_ARG(reason->hidden_by));
	} else if (value->type == CEL_NOTHING) {
		buf_lit(report->out, " has no result");
	} else if (value->type == CEL_ERROR) {
		buf_lit(report->out, " is an error: ");
		cel_error_text(report->out, value);
	} else {
		buf_lit(report->out, " is ");
		append_value(report->out, value);
		if (needs_type(value)) buf_printf(report->out, " (%s)", expr_type_name((enum cel_type)value->type));
	}
	buf_byte(report->out, '\n');
}

// A part of the expression on one line.
static void append_source(struct buf *out, struct str text) {
	struct str shown = utf8_clip(text, SHOWN_TEXT_MAX);
	bool blank = false;
	for (size_t i = 0; i < shown.len; i++) {
		bool was_blank = blank;
		blank = (unsigned char)shown.ptr[i] <= ' ';
		if (!blank)
			buf_byte(out, shown.ptr[i]);
		else if (!was_blank)
			buf_byte(out, ' ');
	}
	if (shown.len < text.len) buf_lit(out, "…");
}

// ---- the result ------------------------------------------------------------------------------------------------

static void report_value(const struct expr_report *report, const struct cel_value *result) {
	if (result->type == CEL_ERROR) {
		start_colour(report, RED);
		buf_lit(report->out, "Error: ");
		cel_error_text(report->out, result);
	} else {
		start_colour(report, cel_truthy(result) ? GREEN : RED);
		cel_json(report->out, result);
		buf_printf(report->out, " (%s)", expr_type_name((enum cel_type)result->type));
	}
	end_colour(report);
	buf_byte(report->out, '\n');
}

static void report_missing(const struct expr_report *report, const struct cel_missing *missing) {
	buf_lit(report->out, "  ");
	append_source(report->out, missing->text);
	buf_lit(report->out, ": there is no \"");
	append_source(report->out, missing->absent);
	buf_byte(report->out, '"');
	bool option = str_eq(missing->absent, roots[0]) || str_eq(missing->absent, roots[1]);
	if (option && str_starts_with(missing->text, missing->absent))
		buf_printf(report->out, "; give it with --%.*s FILE", STR_ARG(missing->absent));
	buf_byte(report->out, '\n');
}

void expr_report_result(const struct expr_report *report, const struct cel_value *result,
			const struct cel_explanation *explanation) {
	report_value(report, result);
	if (explanation->reason_count > 1) heading(report, "Because");
	for (size_t i = 1; i < explanation->reason_count; i++) {
		const struct cel_reason *reason = &explanation->reasons[i];
		buf_printf(report->out, "%*s", (int)(2 * reason->depth), "");
		append_source(report->out, reason->text);
		append_outcome(report, reason);
	}
	if (explanation->missing_count > 0) heading(report, "Missing");
	for (size_t i = 0; i < explanation->missing_count; i++) report_missing(report, &explanation->missing[i]);
	if (explanation->is_cut && explanation->reason_count > 1) buf_lit(report->out, "  … and more\n");
}

// ---- registration ----------------------------------------------------------------------------------------------

// Each complaint once; the first line only counts them.
static void report_policy(const struct expr_report *report, const struct cel_program *program) {
	struct buf policy;
	struct str line, rest;
	buf_init(&policy, POLICY_MAX);
	if (!cel_check_restrictive(program, &policy)) {
		heading(report, "Refused in a cancelOn");
		(void)str_cut(buf_view(&policy), '\n', &line, &rest);
		while (rest.len > 0) {
			(void)str_cut(rest, '\n', &line, &rest);
			struct str before = str_make(policy.ptr, (size_t)(line.ptr - policy.ptr));
			if (str_find_str(before, line) < 0)
				buf_printf(report->out, "  %.*s\n", STR_ARG(str_trim(line)));
		}
	}
	buf_free(&policy);
}

void expr_report_registration(const struct expr_report *report, struct str text) {
	struct arena arena;
	struct cel_failure failure;
	arena_init(&arena, 0);
	const struct cel_program *program = cel_compile(&arena, text, CEL_STANDARD, &failure);
	if (program == NULL) {
		heading(report, "Refused at registration");
	} else if (!cel_check(program, roots, ARRAY_LEN(roots), &failure)) {
		heading(report, "Refused at registration where types are checked: conditions and most keys");
	} else {
		report_policy(report, program);
		arena_free(&arena);
		return;
	}
	buf_printf(report->out, "  %u:%u: %s\n", (unsigned)failure.line, (unsigned)failure.column, failure.message);
	arena_free(&arena);
}
