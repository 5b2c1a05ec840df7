// POST /v2/runs/{id}/cancel (05 §13.10).
#include "server/server_internal.h"

static void answer_unknown(struct request *request) {
	v2_reply_error(request, 404, STR("not_found"), STR("Run not found"));
}

static void answer_ended(struct request *request, const struct history_run *run) {
	if (str_eq(run->status, STR("Cancelled")))
		v2_reply_error(request, 409, STR("run_already_cancelled"), STR("Run is already cancelled"));
	else
		v2_reply_error(request, 409, STR("run_already_ended"), STR("Cannot cancel an ended run"));
}

// False when history says that the run has ended; the request is answered then. What it does not know may be under way
// all the same: a server may keep no history.
static bool may_be_under_way(struct request *request, const struct ulid *run_id) {
	struct history_run run;
	enum err err = run_history(request, run_id, &run);
	if (err == ERR_NOT_FOUND) return true;
	if (err != ERR_OK) return false;
	if (run.ended) answer_ended(request, &run);
	return !run.ended;
}

void v2_cancel_start(struct request *request) {
	struct ulid run_id;
	struct v2_refusal refusal;
	if (v2_cancel_parse(&request->arena, buf_view(&request->body), &refusal) != ERR_OK) {
		v2_refuse(request, &refusal);
		return;
	}
	if (!v2_run_id(request, &run_id) || !may_be_under_way(request, &run_id)) return;
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = run_id;
	request_post(request, command);
}

void v2_cancel_finish(struct request *request, struct reply *reply) {
	(void)reply;
	struct ulid run_id;
	if (!v2_run_id(request, &run_id)) return;
	v2_write_id(request, STR("runId"), &run_id);
	respond_out(request, 200);
}

// The run may have ended while the command was on its way.
bool v2_cancel_failed(struct request *request, struct reply *reply) {
	struct ulid run_id;
	if (reply->status != 404 && reply->status != 410)
		v2_reply_error(request, 500, STR("internal_error"), STR("Unable to cancel run"));
	else if (v2_run_id(request, &run_id) && may_be_under_way(request, &run_id))
		answer_unknown(request);
	return true;
}
