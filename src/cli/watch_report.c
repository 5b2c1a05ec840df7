#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/show.h"
#include "cli/watch.h"
#include "model/utf8.h"

static const char *const kind_names[] = {[WATCH_UNKNOWN] = "",
					 [WATCH_RUN] = "run",
					 [WATCH_STEP] = "step",
					 [WATCH_EVENT] = "event",
					 [WATCH_LAGGED] = "lagged"};

static enum watch_kind kind_named(struct str name) {
	for (size_t i = WATCH_RUN; i < ARRAY_LEN(kind_names); i++)
		if (str_eq_cstr(name, kind_names[i])) return (enum watch_kind)i;
	return WATCH_UNKNOWN;
}

static void read_status(struct watch_update *update, struct str status) {
	update->completed = str_eq_cstr(status, "COMPLETED");
	update->ended = update->completed || str_eq_cstr(status, "FAILED") || str_eq_cstr(status, "CANCELLED");
}

// ---- lines -----------------------------------------------------------------------------------------------------

// What a line is made of; texts that there are not are empty.
struct line {
	struct str at, kind, id, function, name, op, status;
	unsigned long long attempt;
	bool has_attempt;
};

static void plain_line(struct buf *out, const struct line *line) {
	const struct str texts[] = {line->kind, line->id, line->function, line->name, line->op, line->status};
	int64_t at_ns;
	if (date_parse_rfc3339(line->at, &at_ns))
		show_time(out, at_ns, NULL);
	else
		show_text(out, line->at);
	buf_byte(out, '\t');
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		show_text(out, texts[i]);
		buf_byte(out, '\t');
	}
	if (line->has_attempt) buf_printf(out, "%llu", line->attempt);
	buf_byte(out, '\n');
}

// "10:22:13.896"
static void append_clock(struct buf *out, struct str at) {
	int64_t at_ns;
	if (!date_parse_rfc3339(at, &at_ns) || at_ns < 0) {
		show_text(out, at);
		return;
	}
	int64_t ms = at_ns / 1000000 % 86400000;
	buf_printf(out, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
		   (int)(ms % 1000));
}

static void append_part(struct buf *out, struct str text) {
	if (text.len == 0) return;
	buf_lit(out, "  ");
	show_text(out, text);
}

static void terminal_line(const struct watch_report *report, const struct line *line) {
	struct buf *out = report->out;
	const char *colour = show_status_colour(line->status);
	append_clock(out, line->at);
	buf_printf(out, "  %-5.*s", STR_ARG(line->kind));
	if (report->run_function == NULL) {
		append_part(out, line->id);
		append_part(out, line->function);
	}
	append_part(out, line->name);
	append_part(out, line->op);
	if (line->status.len > 0) buf_lit(out, "  ");
	show_colour_start(out, report->colour, colour);
	show_text(out, line->status);
	show_colour_end(out, report->colour, colour);
	if (line->has_attempt && line->attempt > 0) buf_printf(out, "  attempt %llu", line->attempt);
	buf_byte(out, '\n');
}

static void json_line(struct buf *out, struct str event, yyjson_val *data) {
	size_t len;
	char *text = yyjson_val_write(data, 0, &len);
	buf_lit(out, "{\"event\":");
	utf8_json_str(out, event);
	buf_lit(out, ",\"data\":");
	buf_str(out, text != NULL ? str_make(text, len) : STR("null"));
	buf_lit(out, "}\n");
	free(text);
}

static void report_line(const struct watch_report *report, const struct line *line) {
	if (report->terminal)
		terminal_line(report, line);
	else
		plain_line(report->out, line);
}

// ---- messages --------------------------------------------------------------------------------------------------

// Events of the server's own follow each run: `inngest events list` does not show them either.
static bool is_internal(enum watch_kind kind, yyjson_val *data) {
	return kind == WATCH_EVENT && str_starts_with(reply_str(data, "name"), STR("inngest/"));
}

static void report_data(const struct watch_report *report, enum watch_kind kind, yyjson_val *data) {
	struct str function = reply_str(data, "function_id");
	struct line line = {.at = reply_str(data, "at"),
			    .kind = str_from_cstr(kind_names[kind]),
			    .id = reply_str(data, kind == WATCH_EVENT ? "id" : "run_id"),
			    .name = reply_str(data, "name"),
			    .op = reply_str(data, "op"),
			    .status = reply_str(data, "status")};
	line.has_attempt = kind == WATCH_STEP && reply_count(data, "attempt", &line.attempt);
	if (report->run_function != NULL)
		line.function = buf_view(report->run_function);
	else if (function.len > 0)
		line.function = report->name(report->context, function);
	report_line(report, &line);
}

bool watch_report_message(const struct watch_report *report, struct str event, struct str data,
			  struct watch_update *update) {
	struct error error;
	yyjson_doc *doc = json_read(data, false, NULL, &error);
	yyjson_val *root = yyjson_doc_get_root(doc);
	*update = (struct watch_update){.kind = kind_named(event)};
	if (!yyjson_is_obj(root)) {
		yyjson_doc_free(doc);
		return false;
	}
	if (update->kind == WATCH_RUN && ulid_parse(reply_str(root, "run_id"), &update->run_id))
		read_status(update, reply_str(root, "status"));
	(void)reply_count(root, "dropped", &update->dropped);
	if (report->json)
		json_line(report->out, event, root);
	else if (update->kind != WATCH_UNKNOWN && update->kind != WATCH_LAGGED && !is_internal(update->kind, root))
		report_data(report, update->kind, root);
	yyjson_doc_free(doc);
	return true;
}

// ---- the state of a run ----------------------------------------------------------------------------------------

static void terminal_state(const struct watch_report *report, yyjson_doc *doc, yyjson_val *run) {
	struct buf *out = report->out;
	int64_t now_ns, queued_ns;
	struct str status = reply_str(run, "status");
	const char *colour = show_status_colour(status);
	buf_lit(out, "Run ");
	show_text(out, reply_str(run, "id"));
	buf_lit(out, " of ");
	show_text(out, buf_view(report->run_function));
	buf_lit(out, ": ");
	show_colour_start(out, report->colour, colour);
	show_text(out, status);
	show_colour_end(out, report->colour, colour);
	if (reply_time(run, "queuedAt", &queued_ns)) {
		buf_lit(out, ", queued at ");
		show_time(out, queued_ns, reply_fetched_at(doc, &now_ns) ? &now_ns : NULL);
	}
	buf_byte(out, '\n');
}

static void plain_state(const struct watch_report *report, yyjson_doc *doc, yyjson_val *run) {
	struct line line = {.at = reply_str(reply_get(yyjson_doc_get_root(doc), "metadata"), "fetchedAt"),
			    .kind = STR("state"),
			    .id = reply_str(run, "id"),
			    .function = buf_view(report->run_function),
			    .status = reply_str(run, "status")};
	plain_line(report->out, &line);
}

enum err watch_report_state(const struct watch_report *report, struct str reply, struct watch_update *update,
			    struct error *error) {
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *run = reply_data(doc);
	enum err err = ERR_OK;
	*update = (struct watch_update){.kind = WATCH_RUN};
	buf_clear(report->run_function);
	reply_function(report->run_function, run);
	read_status(update, reply_str(run, "status"));
	if (reply_str(run, "status").len == 0)
		err = error_set(error, ERR_INVALID, "there is no run in it");
	else if (report->json)
		json_line(report->out, STR("state"), run);
	else if (report->terminal)
		terminal_state(report, doc, run);
	else
		plain_state(report, doc, run);
	yyjson_doc_free(doc);
	return err;
}
