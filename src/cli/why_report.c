#include "base/check.h"
#include "base/clock.h"
#include "cli/flag.h"
#include "cli/reply.h"
#include "cli/show.h"
#include "cli/why.h"
#include "model/limits.h"

static void start_colour(const struct why_report *report, const char *colour) {
	show_colour_start(report->out, report->colour, colour);
}

static void end_colour(const struct why_report *report, const char *colour) {
	show_colour_end(report->out, report->colour, colour);
}

// From the server's clock at the time of the reply.
static void append_time(struct buf *out, int64_t at_ns, yyjson_doc *doc) {
	int64_t now_ns;
	show_time(out, at_ns, reply_fetched_at(doc, &now_ns) ? &now_ns : NULL);
}

// ---- what a job waits for --------------------------------------------------------------------------------------

// Further facts of a sentence: the first one follows a colon.
struct facts {
	struct buf *out;
	bool any;
};

static void next_fact(struct facts *facts) {
	buf_str(facts->out, facts->any ? STR(", ") : STR(": "));
	facts->any = true;
}

static void fact_key(struct facts *facts, yyjson_val *waiting) {
	struct str key = reply_str(waiting, "key"), value = reply_str(waiting, "value");
	if (key.len == 0) return;
	next_fact(facts);
	buf_lit(facts->out, "key ");
	show_text(facts->out, key);
	if (value.ptr == NULL) return;
	buf_lit(facts->out, " = ");
	show_quoted(facts->out, value);
}

static void fact_use(struct facts *facts, yyjson_val *waiting, const char *of_what) {
	unsigned long long limit, in_use;
	if (of_what == NULL || !reply_count(waiting, "limit", &limit) || !reply_count(waiting, "in_use", &in_use))
		return;
	next_fact(facts);
	buf_printf(facts->out, "%llu of %llu %s", in_use, limit, of_what);
}

static void fact_rate(struct facts *facts, yyjson_val *waiting) {
	unsigned long long limit, burst;
	struct str period = reply_str(waiting, "period");
	if (period.len == 0 || !reply_count(waiting, "limit", &limit)) return;
	next_fact(facts);
	buf_printf(facts->out, "%llu per ", limit);
	show_text(facts->out, period);
	if (reply_count(waiting, "burst", &burst) && burst > 0) buf_printf(facts->out, " and a burst of %llu", burst);
}

static void fact_next(struct facts *facts, yyjson_val *waiting, yyjson_doc *doc) {
	int64_t at_ns;
	if (!reply_time(waiting, "next_at", &at_ns)) return;
	next_fact(facts);
	buf_lit(facts->out, "next start at ");
	append_time(facts->out, at_ns, doc);
}

static void fact_ahead(struct facts *facts, yyjson_val *waiting) {
	unsigned long long ahead;
	if (!reply_count(waiting, "ahead", &ahead)) return;
	next_fact(facts);
	if (ahead == 0)
		buf_lit(facts->out, "it is the next one");
	else
		buf_printf(facts->out, "%llu ahead of it", ahead);
}

// Whose limit it is.
static const char *scope_name(yyjson_val *waiting) {
	static const struct {
		const char *scope, *name;
	} scopes[] = {{"env", "the environment"}, {"account", "the account"}};
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (str_eq_cstr(reply_str(waiting, "scope"), scopes[i].scope)) return scopes[i].name;
	return "the function";
}

static const struct {
	const char *on;
	const char *text;
	bool scoped; // followed by whose limit it is
	const char *of_what;
} reasons[] = {
	{"concurrency", "waits for the concurrency of ", true, "calls in use"},
	{"runs", "waits for the end of a run of ", true, "runs under way"},
	{"throttle", "waits for the throttle of the function", false, NULL},
	{"workers", "no worker is free", false, "calls to the app under way"},
	{"paused", "the function is paused; the run goes on once it is unpaused", false, NULL},
};

static void append_reason(const struct why_report *report, yyjson_val *waiting, yyjson_doc *doc) {
	struct str on = reply_str(waiting, "on");
	struct facts facts = {report->out, false};
	size_t i = 0;
	while (i < ARRAY_LEN(reasons) && !str_eq_cstr(on, reasons[i].on)) i++;
	if (i == ARRAY_LEN(reasons)) { // of a newer server
		buf_lit(report->out, "waits for ");
		show_quoted(report->out, on);
	} else {
		buf_str(report->out, str_from_cstr(reasons[i].text));
		if (reasons[i].scoped) buf_str(report->out, str_from_cstr(scope_name(waiting)));
	}
	fact_key(&facts, waiting);
	fact_rate(&facts, waiting);
	fact_use(&facts, waiting, i < ARRAY_LEN(reasons) ? reasons[i].of_what : "in use");
	fact_next(&facts, waiting, doc);
	fact_ahead(&facts, waiting);
}

// ---- a job -----------------------------------------------------------------------------------------------------

struct job {
	yyjson_doc *doc; // the reply
	yyjson_val *value;
	yyjson_val *raw;
	unsigned long long attempt;
	struct str kind, step, state;
};

static const struct {
	const char *kind, *name;
	const char *until; // before the time at which it is due
} kinds[] = {
	{"start", "start", "starts at "},
	{"edge", "call", "is called at "},
	{"sleep", "sleep", "sleeps until "},
	{"pause", "wait", "waits for an event, a signal or another run, until "},
};

static const struct {
	const char *state, *colour;
} states[] = {{"running", SHOW_GREEN}, {"ready", SHOW_YELLOW}, {"waiting", SHOW_YELLOW}};

// The server calls a call for one step and a call for whatever comes next the same.
static void append_kind(struct buf *out, const struct job *job) {
	if (str_eq_cstr(job->kind, "edge") && job->step.len > 0) {
		buf_lit(out, "step");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_eq_cstr(job->kind, kinds[i].kind)) continue;
		buf_str(out, str_from_cstr(kinds[i].name));
		return;
	}
	show_text(out, job->kind);
}

static void append_heading(const struct why_report *report, const struct job *job) {
	struct buf *out = report->out;
	const char *colour = NULL;
	start_colour(report, SHOW_BOLD);
	append_kind(out, job);
	if (job->step.len > 0) {
		buf_byte(out, ' ');
		show_quoted(out, job->step);
	}
	end_colour(report, SHOW_BOLD);
	buf_lit(out, ": ");
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq_cstr(job->state, states[i].state)) colour = states[i].colour;
	start_colour(report, colour);
	show_text(out, job->state);
	end_colour(report, colour);
	buf_printf(out, ", attempt %llu\n", job->attempt);
}

static const char *until_text(const struct job *job) {
	if (str_eq_cstr(job->kind, "edge") && job->attempt > 0) return "is tried again at ";
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq_cstr(job->kind, kinds[i].kind)) return kinds[i].until;
	return "is due at ";
}

static void append_due(const struct why_report *report, const struct job *job, yyjson_val *waiting) {
	int64_t at_ns;
	if (!reply_time(waiting, "at", &at_ns) && !reply_time(job->value, "at", &at_ns)) {
		buf_lit(report->out, "is not due yet");
		return;
	}
	buf_str(report->out, str_from_cstr(until_text(job)));
	append_time(report->out, at_ns, job->doc);
}

static void append_sentence(const struct why_report *report, const struct job *job) {
	yyjson_val *waiting = json_get_exact(job->raw, STR("waiting"));
	struct str on = reply_str(waiting, "on");
	buf_lit(report->out, "  ");
	if (str_eq_cstr(job->state, "running"))
		buf_lit(report->out, "is being called now");
	else if (on.len > 0 && !str_eq_cstr(on, "time"))
		append_reason(report, waiting, job->doc);
	else if (on.len > 0 || str_eq_cstr(job->state, "scheduled"))
		append_due(report, job, waiting);
	else
		buf_lit(report->out, "waits for nothing, and is about to be called");
	buf_byte(report->out, '\n');
}

static void report_job(const struct why_report *report, yyjson_doc *doc, yyjson_val *value) {
	yyjson_val *raw = json_get_exact(value, STR("Raw"));
	struct job job = {.doc = doc,
			  .value = value,
			  .raw = raw,
			  .kind = reply_str(value, "kind"),
			  .step = reply_str(raw, "name"),
			  .state = reply_str(raw, "state")};
	(void)reply_count(value, "attempt", &job.attempt);
	if (job.step.len == 0) job.step = reply_str(raw, "step");
	buf_byte(report->out, '\n');
	append_heading(report, &job);
	append_sentence(report, &job);
}

// ---- replies ---------------------------------------------------------------------------------------------------

static void append_run(const struct why_report *report) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(report->run_id, id);
	buf_printf(report->out, "Run %s", id);
}

static void report_jobs(const struct why_report *report, yyjson_doc *doc, yyjson_val *jobs) {
	size_t count = yyjson_arr_size(jobs), i, max;
	yyjson_val *job;
	append_run(report);
	buf_lit(report->out, ", scheduled at ");
	append_time(report->out, ulid_time_ns(report->run_id), doc);
	buf_printf(report->out, ", has %zu %s%s:\n", count, count == 1 ? "job" : "jobs",
		   count >= JOBS_PAGE_MAX ? " or more" : "");
	yyjson_arr_foreach(jobs, i, max, job) {
		if (i < JOBS_PAGE_MAX) report_job(report, doc, job); // no server of ours sends more
	}
}

enum err why_report_jobs(const struct why_report *report, struct str reply, size_t *count, struct error *error) {
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *jobs = reply_data(doc);
	enum err err = ERR_OK;
	*count = yyjson_arr_size(jobs);
	if (!yyjson_is_arr(jobs))
		err = error_set(error, ERR_INVALID, "there is no list of jobs in it");
	else if (*count > 0)
		report_jobs(report, doc, jobs);
	yyjson_doc_free(doc);
	return err;
}

static const struct {
	const char *status, *colour;
} ends[] = {{"Completed", SHOW_GREEN}, {"Failed", SHOW_RED}, {"Cancelled", SHOW_YELLOW}};

// For the server that was asked, wherever that was said.
static void append_command(const struct why_report *report, const char *command, const char *id) {
	buf_printf(report->out, "%s%s", command, id);
	if (!str_eq_cstr(report->url, cli_flags[FLAG_ID_URL].fallback))
		buf_printf(report->out, " --url %.*s", STR_ARG(report->url));
	buf_byte(report->out, '\n');
}

static void report_end(const struct why_report *report, struct str status, int64_t ended_ns, yyjson_doc *doc) {
	const char *colour = NULL;
	char id[ULID_TEXT_LEN + 1];
	ulid_text(report->run_id, id);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_eq_cstr(status, ends[i].status)) colour = ends[i].colour;
	buf_lit(report->out, " has ended and waits for nothing: ");
	start_colour(report, colour);
	show_text(report->out, status);
	end_colour(report, colour);
	buf_lit(report->out, " at ");
	append_time(report->out, ended_ns, doc);
	buf_lit(report->out, ".\n\n");
	append_command(report, "What it returned:  inngest runs get ", id);
	append_command(report, "To run it again:   inngest runs rerun ", id);
}

enum err why_report_run(const struct why_report *report, struct str reply, struct error *error) {
	int64_t ended_ns;
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *run = reply_data(doc);
	struct str status = reply_str(run, "status");
	enum err err = ERR_OK;
	if (status.len == 0) {
		err = error_set(error, ERR_INVALID, "there is no run in it");
	} else {
		append_run(report);
		if (reply_time(run, "ended_at", &ended_ns))
			report_end(report, status, ended_ns, doc);
		else // it got on between the two replies
			buf_lit(report->out, " has no job at this moment, but has not ended: ask again.\n");
	}
	yyjson_doc_free(doc);
	return err;
}
