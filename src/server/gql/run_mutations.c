// Mutations of runs (spec 06 §10.2 to §10.4).
#include "base/clock.h"
#include "model/sessions.h"
#include "server/gql/types.h"

#define BUSY "The server is busy; please try again"

// The scalars have checked them.
static struct debug_ids debug_of(const struct gql_call *call) {
	struct debug_ids ids = {0};
	(void)ulid_parse(gql_argument_str(call, "debugRunID"), &ids.run_id);
	(void)ulid_parse(gql_argument_str(call, "debugSessionID"), &ids.session_id);
	return ids;
}

// ---- invokeFunction ------------------------------------------------------------------------------------------------

static enum err check_sessions(struct arena *arena, yyjson_val *meta, yyjson_val *layer, struct error *error) {
	if (!yyjson_is_obj(layer)) return error_set(error, ERR_INVALID, "event meta sessions must be an object");
	yyjson_obj_iter iter = yyjson_obj_iter_with(layer);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		yyjson_val *value = yyjson_obj_iter_get_val(key);
		if (yyjson_is_str(value) || yyjson_is_num(value)) continue;
		return error_set(error, ERR_INVALID, "session \"%.*s\" must be a string or number",
				 STR_ARG(json_str(key)));
	}
	struct sessions sessions;
	enum err err = sessions_read(arena, meta, &sessions, error);
	if (err == ERR_OK) err = sessions_validate(&sessions, error);
	if (err != ERR_OK) error_prefix(error, "invalid sessions");
	return err;
}

static enum err check_meta(struct arena *arena, yyjson_val *meta, struct error *error) {
	if (meta == NULL || yyjson_is_null(meta)) return ERR_OK;
	yyjson_val *layer = NULL;
	yyjson_obj_iter iter = yyjson_obj_iter_with(meta);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (!str_eq(json_str(key), STR("sessions")))
			return error_set(error, ERR_INVALID, "event meta \"%.*s\" is not supported",
					 STR_ARG(json_str(key)));
		layer = yyjson_obj_iter_get_val(key);
	}
	return layer != NULL ? check_sessions(arena, meta, layer, error) : ERR_OK;
}

// The arguments have the names of an event's members: data, user, meta.
static struct command *invocation(struct gql_call *call, struct error *error) {
	static const struct event_seed no_seed = {.present = false};
	uint64_t now_ms = clock_wall_ms();
	struct ulid id = event_id_make(&no_seed, 0, now_ms);
	struct debug_ids debug = debug_of(call);
	struct command *command = command_new(COMMAND_EVENTS);
	struct str slug = arena_dup(&command->arena, gql_argument_str(call, "functionSlug"));
	command->events.events = ARENA_NEW(&command->arena, struct event);
	if (event_parse_invoke(&command->arena, call->arguments, slug, &debug, &id, false, now_ms,
			       command->events.events, error) == ERR_OK) {
		command->events.count = 1;
		return command;
	}
	command_free(command);
	return NULL;
}

void resolve_invoke_function(struct gql_call *call) {
	struct error error;
	struct command *command = NULL;
	if (check_meta(call->arena, gql_argument_get(call, "meta"), &error) == ERR_OK)
		command = invocation(call, &error);
	if (command == NULL) {
		fail_all(call, "%s", error.message);
		return;
	}
	struct reply *reply = context_ask(call->context, command);
	if (reply == NULL)
		fail_all(call, BUSY);
	else if (reply->kind == REPLY_FAILED)
		fail_all(call, "%.*s", STR_ARG(reply->text));
	else
		resolve_all(call, gql_bool(true));
	reply_free(reply);
}

// ---- cancelRun -----------------------------------------------------------------------------------------------------

// The run as history has it now. True: it is under way; else all is answered.
static bool is_under_way(struct gql_call *call, const struct ulid *id) {
	struct api_run *run;
	struct error error;
	enum err err = api_run_load(call->context, call->arena, id, &run, &error);
	if (err == ERR_NOT_FOUND)
		fail_all(call, "not found");
	else if (err != ERR_OK)
		fail_all(call, "%s", error.message);
	else if (run->row.status == TRACE_RUN_CANCELLED)
		resolve_all(call, gql_object(run));
	else if (run_is_over(&run->row) || run->row.status == TRACE_RUN_SKIPPED)
		fail_all(call, "cannot cancel an ended run");
	else
		return true;
	return false;
}

// Answers when the cancellation is recorded.
void resolve_cancel_run(struct gql_call *call) {
	struct ulid id = {{0}};
	(void)ulid_parse(gql_argument_str(call, "runID"), &id);
	if (!is_under_way(call, &id)) return;
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = id;
	struct reply *reply = context_ask(call->context, command);
	if (reply == NULL)
		fail_all(call, BUSY);
	else if (reply->kind == REPLY_FAILED && reply->status != 404 && reply->status != 410)
		fail_all(call, "%.*s", STR_ARG(reply->text));
	else if (is_under_way(call, &id)) // it may have ended while the command was on its way
		fail_all(call, "not found");
	reply_free(reply);
}

// ---- rerun ---------------------------------------------------------------------------------------------------------

#define NO_ARRAY "input is not a valid JSON array"

static enum err read_input(struct str text, struct v2_rerun *wanted, struct error *error) {
	if (!str_starts_with(str_trim(text), STR("["))) return error_set(error, ERR_INVALID, NO_ARRAY);
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return error_set(error, ERR_INVALID, NO_ARRAY);
	wanted->input = json_canonical_payload(STR("{\"input\":"), yyjson_doc_get_root(doc), STR("}"), STEP_INPUT_MAX);
	yyjson_doc_free(doc);
	if (wanted->input != NULL) return ERR_OK;
	return error_set(error, ERR_TOO_LARGE, "input is larger than %u bytes", STEP_INPUT_MAX);
}

static enum err read_rerun(struct gql_call *call, struct v2_rerun *wanted, struct error *error) {
	yyjson_val *from_step = gql_argument_get(call, "fromStep");
	*wanted = (struct v2_rerun){.from_step = yyjson_is_obj(from_step)};
	if (!wanted->from_step) return ERR_OK;
	wanted->step_id = member_str(from_step, "stepID");
	yyjson_val *input = member(from_step, "input");
	return input != NULL ? read_input(json_str(input), wanted, error) : ERR_OK;
}

static void fail_rerun(struct gql_call *call, enum rerun_problem problem, const struct error *error) {
	switch (problem) {
	case RERUN_UNKNOWN_RUN:
		fail_all(call, NO_ROWS);
		break;
	case RERUN_NO_EVENT:
		fail_all(call, "failed to get run event: %s", error->message);
		break;
	case RERUN_REMOVED:
		fail_all(call, RERUN_REMOVED_TEXT);
		break;
	case RERUN_STEP_UNKNOWN:
		fail_all(call, "error reconstructing input state: rerun step not found");
		break;
	case RERUN_STEP_AMBIGUOUS:
		fail_all(call, "error reconstructing input state: rerun step name is ambiguous");
		break;
	default:
		fail_all(call, "%s", error->message);
	}
}

static void start(struct gql_call *call, struct command *command) {
	struct reply *reply = context_ask(call->context, command);
	if (reply == NULL)
		fail_all(call, BUSY);
	else if (reply->kind == REPLY_STARTED)
		resolve_all(call, gql_ulid(call->arena, &reply->run_id));
	else
		fail_all(call, "%.*s", STR_ARG(reply->text.len > 0 ? reply->text : STR("Unable to rerun run")));
	reply_free(reply);
}

void resolve_rerun(struct gql_call *call) {
	struct ulid id = {{0}};
	(void)ulid_parse(gql_argument_str(call, "runID"), &id);
	struct v2_rerun wanted;
	struct error error;
	struct command *command = NULL;
	enum rerun_problem problem = RERUN_UNREADABLE;
	if (read_rerun(call, &wanted, &error) == ERR_OK) {
		struct history_reader *reader = call_reader(call, &error);
		if (reader != NULL) problem = rerun_make(reader, call->arena, &id, &wanted, &command, &error);
	}
	payload_unref(wanted.input);
	if (problem != RERUN_FINE) {
		fail_rerun(call, problem, &error);
		return;
	}
	command->start.debug = debug_of(call);
	start(call, command);
}
