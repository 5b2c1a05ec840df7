// /v1/runs/{id}, its jobs, cancelling, and /v1/events/{id}/runs (05 §12.4 – §12.7).
#include "server/v1.h"

enum err run_history(struct request *request, const struct ulid *run_id, struct history_run *out) {
	struct reading reading;
	if (!reading_open(&reading, request)) return ERR_CLOSED;
	struct error error;
	enum err err = history_run(reading.history, &request->arena, run_id, out, &error);
	reading_close(&reading);
	if (err == ERR_OK || err == ERR_NOT_FOUND) return err;
	json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
	return ERR_CLOSED;
}

static bool read_run_id(struct request *request, struct ulid *out) {
	if (ulid_parse(request->params[0], out)) return true;
	json_reply_about(request, 400, STR("Invalid run ID: "), request->params[0]);
	return false;
}

static void answer_unknown(struct request *request) {
	json_reply_about(request, 404, STR("Unable to load function run: "), request->params[0]);
}

void v1_run_work(struct request *request) {
	struct ulid run_id;
	struct history_run run;
	if (!read_run_id(request, &run_id)) return;
	struct reading reading;
	size_t count = 1;
	if (!reading_open(&reading, request)) return;
	struct error error;
	enum err err = history_run(reading.history, &request->arena, &run_id, &run, &error);
	if (err == ERR_OK) err = v1_runs_complete(&reading, &request->arena, &run, &count, &error);
	reading_close(&reading);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && count == 0)) {
		answer_unknown(request);
	} else if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
	} else {
		json_envelope_open(request);
		v1_run_write(&request->out, &run);
		json_envelope_send(request, 3);
	}
}

// Ours: `limit`, and `cursor`, the last run that was seen.
static bool read_page(struct request *request, size_t *limit, struct ulid *cursor, const struct ulid **after) {
	struct str text;
	int64_t given;
	*limit = EVENT_RUNS_PAGE_MAX;
	*after = NULL;
	if (request_query(request, "limit", &text) && str_to_i64(text, &given) && given > 0 &&
	    given < EVENT_RUNS_PAGE_MAX)
		*limit = (size_t)given;
	if (!request_query(request, "cursor", &text) || text.len == 0) return true;
	*after = cursor;
	if (ulid_parse(text, cursor)) return true;
	json_reply_error(request, 400, STR("Invalid cursor query parameter"));
	return false;
}

void v1_event_runs_work(struct request *request) {
	struct ulid event_id, cursor;
	const struct ulid *after;
	size_t limit;
	struct reading reading;
	if (!v1_event_id(request, &event_id) || !read_page(request, &limit, &cursor, &after) ||
	    !reading_open(&reading, request)) {
		return;
	}
	struct history_run *runs = NULL;
	size_t count = 0;
	struct error error;
	enum err err =
		history_event_runs(reading.history, &request->arena, &event_id, after, limit, &runs, &count, &error);
	if (err == ERR_OK) err = v1_runs_complete(&reading, &request->arena, runs, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	v1_runs_send(request, runs, count, 15);
}

static void post_run(struct request *request, enum command_kind kind) {
	struct ulid run_id;
	if (!read_run_id(request, &run_id)) return;
	struct command *command = command_new(kind);
	command->run.run_id = run_id;
	request_post(request, command);
}

// The engine knows runs under way only: history tells a run that is over from one that never was.
static bool answer_ended(struct request *request, struct reply *reply, void (*ended)(struct request *request)) {
	struct ulid run_id;
	struct history_run run;
	if ((reply->status != 404 && reply->status != 410) || !ulid_parse(request->params[0], &run_id)) return false;
	enum err err = run_history(request, &run_id, &run);
	if (err == ERR_OK) ended(request);
	if (err == ERR_NOT_FOUND) answer_unknown(request);
	return true;
}

static void answer_cancelled(struct request *request) {
	respond(request, 200, TYPE_JSON, (struct str){NULL, 0});
}

void v1_cancel_start(struct request *request) {
	post_run(request, COMMAND_CANCEL);
}

void v1_cancel_finish(struct request *request, struct reply *reply) {
	(void)reply;
	answer_cancelled(request);
}

bool v1_cancel_failed(struct request *request, struct reply *reply) {
	return answer_ended(request, reply, answer_cancelled);
}

static void answer_jobs(struct request *request, struct str jobs) {
	json_envelope_open(request);
	buf_str(&request->out, jobs.len > 0 ? jobs : STR("[]"));
	json_envelope_send(request, 5);
}

static void answer_no_jobs(struct request *request) {
	answer_jobs(request, STR("[]"));
}

void v1_jobs_start(struct request *request) {
	post_run(request, COMMAND_RUN_JOBS);
}

void v1_jobs_finish(struct request *request, struct reply *reply) {
	answer_jobs(request, reply->text);
}

bool v1_jobs_failed(struct request *request, struct reply *reply) {
	return answer_ended(request, reply, answer_no_jobs);
}
