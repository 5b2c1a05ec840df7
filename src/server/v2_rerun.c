// POST /v2/runs/{id}/rerun: the function again, with the same event, and on demand with the results of the steps before
// a certain one (05 §13.10).
#include "server/server_internal.h"

static void answer_problem(struct request *request, enum rerun_problem problem) {
	switch (problem) {
	case RERUN_UNKNOWN_RUN:
		v2_reply_error(request, 404, STR("not_found"), STR("Run not found"));
		break;
	case RERUN_STEP_UNKNOWN:
		v2_reply_error(request, 400, STR("invalid_request"), STR("Step not found in original run"));
		break;
	case RERUN_STEP_AMBIGUOUS:
		v2_reply_error(request, 400, STR("invalid_request"),
			       STR("Step name matches multiple steps in original run"));
		break;
	case RERUN_REMOVED:
		v2_reply_error(request, 410, STR("payload_removed"), STR(RERUN_REMOVED_TEXT));
		break;
	default:
		v2_reply_error(request, 500, STR("internal_error"), STR("Unable to rerun run"));
	}
}

static void rerun(struct request *request, const struct ulid *run_id, struct v2_rerun *wanted) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct command *command = NULL;
	struct error error;
	enum rerun_problem problem = rerun_make(reading.history, &request->arena, run_id, wanted, &command, &error);
	reading_close(&reading);
	if (problem == RERUN_FINE)
		request_post(request, command);
	else
		answer_problem(request, problem);
}

void v2_rerun_start(struct request *request) {
	struct ulid run_id;
	struct v2_rerun wanted;
	struct v2_refusal refusal;
	if (v2_rerun_parse(&request->arena, buf_view(&request->body), &wanted, &refusal) != ERR_OK) {
		v2_refuse(request, &refusal);
		return;
	}
	if (v2_run_id(request, &run_id)) rerun(request, &run_id, &wanted);
	payload_unref(wanted.input);
}

void v2_rerun_finish(struct request *request, struct reply *reply) {
	v2_write_id(request, STR("runId"), &reply->run_id);
	respond_out(request, 200);
}

bool v2_rerun_failed(struct request *request, struct reply *reply) {
	v2_reply_not_started(request, reply, STR("Unable to rerun run"));
	return true;
}
