#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/why.h"
#include "model/limits.h"
#include "model/utf8.h"

#define SHOWN_TEXT_MAX 200u // bytes of a text of the server

#define BOLD "1"
#define RED "31"
#define GREEN "32"
#define YELLOW "33"

static void start_colour(const struct why_report *report, const char *colour) {
	if (report->colour && colour != NULL) buf_printf(report->out, "\033[%sm", colour);
}

static void end_colour(const struct why_report *report, const char *colour) {
	if (report->colour && colour != NULL) buf_lit(report->out, "\033[0m");
}

// ---- texts, times and numbers ----------------------------------------------------------------------------------

// Of well-formed UTF-8: the length of a control character at `text`, of the first or the second set, or 0.
static size_t control_length(struct str text) {
	unsigned char first = (unsigned char)text.ptr[0];
	if (first < ' ' || first == 0x7f) return 1;
	return first == 0xc2 && text.len > 1 && (unsigned char)text.ptr[1] < 0xa0 ? 2 : 0;
}

// A terminal obeys control characters: they become blanks.
static void append_text(struct buf *out, struct str text) {
	struct str shown = utf8_clip(text, SHOWN_TEXT_MAX);
	for (size_t i = 0; i < shown.len;) {
		size_t control = control_length(str_skip(shown, i));
		buf_byte(out, control > 0 ? ' ' : shown.ptr[i]);
		i += control > 0 ? control : 1;
	}
	if (shown.len < text.len) buf_lit(out, "…");
}

static void append_quoted(struct buf *out, struct str text) {
	buf_byte(out, '"');
	append_text(out, text);
	buf_byte(out, '"');
}

// The two largest units: "3.2 s", "59 min 58 s", "2 d 3 h".
static void append_duration(struct buf *out, uint64_t ms) {
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

static struct str member_str(yyjson_val *object, const char *name) {
	return json_str(json_get_exact(object, str_from_cstr(name)));
}

static bool member_time(yyjson_val *object, const char *name, int64_t *out_ns) {
	return date_parse_rfc3339(member_str(object, name), out_ns);
}

static bool member_count(yyjson_val *object, const char *name, unsigned long long *out) {
	yyjson_val *value = json_get_exact(object, str_from_cstr(name));
	if (!yyjson_is_uint(value)) return false;
	*out = yyjson_get_uint(value);
	return true;
}

static uint64_t distance_ms(int64_t from_ns, int64_t to_ns) {
	uint64_t ns = from_ns < to_ns ? (uint64_t)to_ns - (uint64_t)from_ns : (uint64_t)from_ns - (uint64_t)to_ns;
	return ns / 1000000;
}

// "2027-03-01T10:00:00Z (in 3.2 s)", from the server's clock at the time of the reply.
static void append_time(struct buf *out, int64_t at_ns, yyjson_val *root) {
	int64_t now_ns;
	date_format_rfc3339(out, at_ns);
	if (!member_time(json_get_exact(root, STR("metadata")), "fetched_at", &now_ns)) return;
	buf_str(out, at_ns > now_ns ? STR(" (in ") : STR(" ("));
	append_duration(out, distance_ms(now_ns, at_ns));
	buf_str(out, at_ns > now_ns ? STR(")") : STR(" ago)"));
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
	struct str key = member_str(waiting, "key"), value = member_str(waiting, "value");
	if (key.len == 0) return;
	next_fact(facts);
	buf_lit(facts->out, "key ");
	append_text(facts->out, key);
	if (value.ptr == NULL) return;
	buf_lit(facts->out, " = ");
	append_quoted(facts->out, value);
}

static void fact_use(struct facts *facts, yyjson_val *waiting, const char *of_what) {
	unsigned long long limit, in_use;
	if (of_what == NULL || !member_count(waiting, "limit", &limit) || !member_count(waiting, "in_use", &in_use))
		return;
	next_fact(facts);
	buf_printf(facts->out, "%llu of %llu %s", in_use, limit, of_what);
}

static void fact_rate(struct facts *facts, yyjson_val *waiting) {
	unsigned long long limit, burst;
	struct str period = member_str(waiting, "period");
	if (period.len == 0 || !member_count(waiting, "limit", &limit)) return;
	next_fact(facts);
	buf_printf(facts->out, "%llu per ", limit);
	append_text(facts->out, period);
	if (member_count(waiting, "burst", &burst) && burst > 0) buf_printf(facts->out, " and a burst of %llu", burst);
}

static void fact_next(struct facts *facts, yyjson_val *waiting, yyjson_val *root) {
	int64_t at_ns;
	if (!member_time(waiting, "next_at", &at_ns)) return;
	next_fact(facts);
	buf_lit(facts->out, "next start at ");
	append_time(facts->out, at_ns, root);
}

static void fact_ahead(struct facts *facts, yyjson_val *waiting) {
	unsigned long long ahead;
	if (!member_count(waiting, "ahead", &ahead)) return;
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
		if (str_eq_cstr(member_str(waiting, "scope"), scopes[i].scope)) return scopes[i].name;
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

static void append_reason(const struct why_report *report, yyjson_val *waiting, yyjson_val *root) {
	struct str on = member_str(waiting, "on");
	struct facts facts = {report->out, false};
	size_t i = 0;
	while (i < ARRAY_LEN(reasons) && !str_eq_cstr(on, reasons[i].on)) i++;
	if (i == ARRAY_LEN(reasons)) { // of a newer server
		buf_lit(report->out, "waits for ");
		append_quoted(report->out, on);
	} else {
		buf_str(report->out, str_from_cstr(reasons[i].text));
		if (reasons[i].scoped) buf_str(report->out, str_from_cstr(scope_name(waiting)));
	}
	fact_key(&facts, waiting);
	fact_rate(&facts, waiting);
	fact_use(&facts, waiting, i < ARRAY_LEN(reasons) ? reasons[i].of_what : "in use");
	fact_next(&facts, waiting, root);
	fact_ahead(&facts, waiting);
}

// ---- a job -----------------------------------------------------------------------------------------------------

struct job {
	yyjson_val *root; // of the reply
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
} states[] = {{"running", GREEN}, {"ready", YELLOW}, {"waiting", YELLOW}};

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
	append_text(out, job->kind);
}

static void append_heading(const struct why_report *report, const struct job *job) {
	struct buf *out = report->out;
	const char *colour = NULL;
	start_colour(report, BOLD);
	append_kind(out, job);
	if (job->step.len > 0) {
		buf_byte(out, ' ');
		append_quoted(out, job->step);
	}
	end_colour(report, BOLD);
	buf_lit(out, ": ");
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq_cstr(job->state, states[i].state)) colour = states[i].colour;
	start_colour(report, colour);
	append_text(out, job->state);
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
	if (!member_time(waiting, "at", &at_ns) && !member_time(job->value, "at", &at_ns)) {
		buf_lit(report->out, "is not due yet");
		return;
	}
	buf_str(report->out, str_from_cstr(until_text(job)));
	append_time(report->out, at_ns, job->root);
}

static void append_sentence(const struct why_report *report, const struct job *job) {
	yyjson_val *waiting = json_get_exact(job->raw, STR("waiting"));
	struct str on = member_str(waiting, "on");
	buf_lit(report->out, "  ");
	if (str_eq_cstr(job->state, "running"))
		buf_lit(report->out, "is being called now");
	else if (on.len > 0 && !str_eq_cstr(on, "time"))
		append_reason(report, waiting, job->root);
	else if (on.len > 0 || str_eq_cstr(job->state, "scheduled"))
		append_due(report, job, waiting);
	else
		buf_lit(report->out, "waits for nothing, and is about to be called");
	buf_byte(report->out, '\n');
}

static void report_job(const struct why_report *report, yyjson_val *root, yyjson_val *value) {
	yyjson_val *raw = json_get_exact(value, STR("Raw"));
	struct job job = {.root = root,
			  .value = value,
			  .raw = raw,
			  .kind = member_str(value, "kind"),
			  .step = member_str(raw, "name"),
			  .state = member_str(raw, "state")};
	(void)member_count(value, "attempt", &job.attempt);
	if (job.step.len == 0) job.step = member_str(raw, "step");
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

static yyjson_val *reply_data(yyjson_doc *doc) {
	return json_get_exact(yyjson_doc_get_root(doc), STR("data"));
}

static void report_jobs(const struct why_report *report, yyjson_val *root, yyjson_val *jobs) {
	size_t count = yyjson_arr_size(jobs), i, max;
	yyjson_val *job;
	append_run(report);
	buf_lit(report->out, ", scheduled at ");
	append_time(report->out, (int64_t)ulid_time_ms(report->run_id) * 1000000, root);
	buf_printf(report->out, ", has %zu %s%s:\n", count, count == 1 ? "job" : "jobs",
		   count >= JOBS_PAGE_MAX ? " or more" : "");
	yyjson_arr_foreach(jobs, i, max, job) {
		if (i < JOBS_PAGE_MAX) report_job(report, root, job); // no server of ours sends more
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
		report_jobs(report, yyjson_doc_get_root(doc), jobs);
	yyjson_doc_free(doc);
	return err;
}

static const struct {
	const char *status, *colour;
} ends[] = {{"Completed", GREEN}, {"Failed", RED}, {"Cancelled", YELLOW}};

static void report_end(const struct why_report *report, struct str status, int64_t ended_ns, yyjson_val *root) {
	const char *colour = NULL;
	char id[ULID_TEXT_LEN + 1];
	ulid_text(report->run_id, id);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_eq_cstr(status, ends[i].status)) colour = ends[i].colour;
	buf_lit(report->out, " has ended and waits for nothing: ");
	start_colour(report, colour);
	append_text(report->out, status);
	end_colour(report, colour);
	buf_lit(report->out, " at ");
	append_time(report->out, ended_ns, root);
	buf_printf(report->out,
		   ".\n\nWhat it returned:  curl %.*s/v1/runs/%s\nTo run it again:   curl -X POST "
		   "%.*s/v2/runs/%s/rerun\n",
		   STR_ARG(report->url), id, STR_ARG(report->url), id);
}

enum err why_report_run(const struct why_report *report, struct str reply, struct error *error) {
	int64_t ended_ns;
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *run = reply_data(doc);
	struct str status = member_str(run, "status");
	enum err err = ERR_OK;
	if (status.len == 0) {
		err = error_set(error, ERR_INVALID, "there is no run in it");
	} else {
		append_run(report);
		if (member_time(run, "ended_at", &ended_ns))
			report_end(report, status, ended_ns, yyjson_doc_get_root(doc));
		else // it got on between the two replies
			buf_lit(report->out, " has no job at this moment, but has not ended: ask again.\n");
	}
	yyjson_doc_free(doc);
	return err;
}

void why_report_error(struct buf *out, struct str reply) {
	struct error error;
	yyjson_doc *doc = json_read(reply, false, NULL, &error);
	struct str text = member_str(yyjson_doc_get_root(doc), "error");
	if (text.len > 0) {
		append_text(out, text);
	} else {
		struct buf repaired;
		buf_init(&repaired, SIZE_MAX);
		utf8_repair(&repaired, str_trim(str_first(reply, 4 * (size_t)SHOWN_TEXT_MAX)));
		append_text(out, buf_view(&repaired));
		buf_free(&repaired);
	}
	yyjson_doc_free(doc);
}
