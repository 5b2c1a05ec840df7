// /v0/runs: the state that SDKs fetch themselves (02 §3), and cancelling (05 §10).
#include "server/server_internal.h"

// Posts a command about the run of the path; 400 when the id is none.
static void post_run(struct request *request, enum command_kind kind) {
	struct ulid run_id;
	if (!ulid_parse(request->params[0], &run_id)) {
		json_reply_error(request, 400, STR("The run ID specified is invalid"));
		return;
	}
	struct command *command = command_new(kind);
	command->run.run_id = run_id;
	request_post(request, command);
}

void v0_state_start(struct request *request) {
	post_run(request, COMMAND_RUN_STATE);
}

static void answer_gone(struct request *request) {
	json_reply_about(request, 410, STR("runtime state is no longer available for runID: "), request->params[0]);
}

bool v0_state_failed(struct request *request, struct reply *reply) {
	if (reply->status != 404 && reply->status != 410) return false;
	answer_gone(request);
	return true;
}

// Fetches what the engine does not hold in memory. Answers itself when that fails.
static bool resolve(struct request *request, struct payload_ref **refs, size_t count) {
	struct reading reading = {.store = NULL};
	enum err err = ERR_OK;
	struct error error;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (refs[i]->data != NULL) continue;
		if (reading.store == NULL && !reading_open(&reading, request)) return false;
		err = store_reader_body(reading.store, refs[i]->kind, str_make(refs[i]->key, refs[i]->key_len),
					&refs[i]->data, &error);
	}
	reading_close(&reading);
	if (err == ERR_NOT_FOUND)
		answer_gone(request); // the run ended meanwhile
	else if (err != ERR_OK)
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
	return err == ERR_OK;
}

static struct MHD_IoVec piece(struct str text) {
	return (struct MHD_IoVec){.iov_base = text.ptr, .iov_len = text.len};
}

// `{"<id>":`, value, `,"<id>":`, value, …, `}`: the values are sent from where they lie. The keys are written to
// request->out first, and cut out of it when it does not move any more.
static void send_actions(struct request *request, const struct reply *reply) {
	struct buf *out = respond_begin(request);
	size_t *ends = ARENA_ARRAY(&request->arena, size_t, reply->step_count + 1);
	for (size_t i = 0; i < reply->step_count; i++) {
		buf_byte(out, i == 0 ? '{' : ',');
		buf_json_str(out, reply->steps[i].id);
		buf_byte(out, ':');
		ends[i] = out->len;
	}
	if (reply->step_count == 0) buf_byte(out, '{');
	buf_lit(out, "}\n");
	ends[reply->step_count] = out->len;
	struct MHD_IoVec *pieces = ARENA_ARRAY(&request->arena, struct MHD_IoVec, 2 * reply->step_count + 1);
	unsigned count = 0;
	size_t start = 0;
	for (size_t i = 0; i <= reply->step_count; i++) {
		pieces[count++] = piece(str_make(out->ptr + start, ends[i] - start));
		start = ends[i];
		if (i < reply->step_count) pieces[count++] = piece(payload_str(reply->steps[i].value.data));
	}
	respond_pieces(request, 200, pieces, count);
}

void v0_actions_finish(struct request *request, struct reply *reply) {
	struct payload_ref **refs = ARENA_ARRAY(&request->arena, struct payload_ref *, reply->step_count);
	for (size_t i = 0; i < reply->step_count; i++) refs[i] = &reply->steps[i].value;
	if (resolve(request, refs, reply->step_count)) send_actions(request, reply);
}

void v0_batch_finish(struct request *request, struct reply *reply) {
	struct payload_ref *ref = &reply->events;
	if (!resolve(request, &ref, 1)) return;
	struct MHD_IoVec pieces[] = {piece(payload_str(ref->data)), piece(STR("\n"))};
	respond_pieces(request, 200, pieces, ARRAY_LEN(pieces));
}

// Beacons of the UI: accepted and dropped.
void v0_telemetry_start(struct request *request) {
	respond_empty(request, 200);
}

void v0_cancel_start(struct request *request) {
	post_run(request, COMMAND_CANCEL);
}

void v0_cancel_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_empty(request, 204);
}

bool v0_cancel_failed(struct request *request, struct reply *reply) {
	if (reply->status != 404) return false;
	struct ulid run_id;
	struct history_run run;
	if (!ulid_parse(request->params[0], &run_id)) return false;
	switch (run_history(request, &run_id, &run)) {
	case ERR_OK:
		if (str_eq(run.status, STR("Cancelled")))
			respond_empty(request, 204);
		else
			json_reply_error(request, 409, STR("This function has already completed"));
		return true;
	case ERR_NOT_FOUND:
		json_reply_error(request, 404, STR("A function run with the given ID could not be found"));
		return true;
	default:
		return true; // answered
	}
}
