// /v1/runs/{id}, its jobs, cancelling, and /v1/events/{id}/runs (05 §12.4 – §12.7).
#include "server/server_internal.h"

static void write_ulid_member(struct buf *out, const char *name, const struct ulid *id) {
	buf_printf(out, ",\"%s\":", name);
	json_ulid(out, id);
}

static void write_run(struct buf *out, const struct history_run *run) {
	buf_lit(out, "{\"run_id\":");
	json_ulid(out, &run->run_id);
	buf_lit(out, ",\"run_started_at\":");
	json_time(out, (int64_t)ulid_time_ms(&run->run_id) * 1000000);
	buf_lit(out, ",\"function_id\":");
	json_uuid(out, &run->function_id);
	buf_lit(out, ",\"function_version\":0,\"environment_id\":\"" ENV_ID "\"");
	write_ulid_member(out, "event_id", &run->event_id);
	if (run->has_batch) write_ulid_member(out, "batch_id", &run->batch_id);
	if (run->has_original) write_ulid_member(out, "original_run_id", &run->original_run_id);
	if (run->cron.len > 0) {
		buf_lit(out, ",\"cron\":");
		buf_json_str(out, run->cron);
	}
	// A run has a finish row from its end on; until then it is under way.
	buf_lit(out, ",\"status\":");
	buf_json_str(out, run->status.len > 0 ? run->status : STR("Running"));
	buf_lit(out, ",\"ended_at\":");
	if (run->ended)
		json_time(out, run->ended_ns);
	else
		buf_lit(out, "null");
	if (run->output.len > 0) {
		buf_lit(out, ",\"output\":");
		buf_str(out, run->output);
	}
	buf_byte(out, '}');
}

enum err run_history(struct request *request, const struct ulid *run_id, struct history_run *out) {
	struct reading reading;
	if (!reading_open(&reading, request)) return ERR_CLOSED;
	struct error error;
	enum err err = history_run(reading.history, &request->arena, run_id, out, &error);
	reading_close(&reading);
	if (err == ERR_OK || err == ERR_NOT_FOUND) return err;
	json_reply_error(request, 500, str_from_cstr(error.message));
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

void v1_run_start(struct request *request) {
	struct ulid run_id;
	struct history_run run;
	if (!read_run_id(request, &run_id)) return;
	enum err err = run_history(request, &run_id, &run);
	if (err == ERR_NOT_FOUND) answer_unknown(request);
	if (err != ERR_OK) return;
	json_envelope_open(request);
	write_run(&request->out, &run);
	json_envelope_send(request, 3);
}

void v1_event_runs_start(struct request *request) {
	struct ulid event_id;
	struct reading reading;
	if (!v1_event_id(request, &event_id) || !reading_open(&reading, request)) return;
	struct history_run *runs = NULL;
	size_t count = 0;
	struct error error;
	enum err err = history_event_runs(reading.history, &request->arena, &event_id, &runs, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, 500, str_from_cstr(error.message));
		return;
	}
	json_envelope_open(request);
	buf_byte(&request->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&request->out, ',');
		write_run(&request->out, &runs[i]);
	}
	buf_byte(&request->out, ']');
	json_envelope_send(request, 15);
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
