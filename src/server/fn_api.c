// DELETE /fn/remove?url= (05 §11.3), and the limits of single functions (05 §11.4).
#include "server/server_internal.h"

void fn_remove_start(struct request *request) {
	struct str url;
	(void)request_query(request, "url", &url);
	struct command *command = command_new(COMMAND_APP_REMOVE);
	command->app.url = url_normalise(&command->arena, arena_dup(&command->arena, url), NULL);
	request_post(request, command);
}

void fn_remove_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_empty(request, 200);
}

bool fn_remove_failed(struct request *request, struct reply *reply) {
	if (reply->status != 404) return false;
	struct str url;
	(void)request_query(request, "url", &url);
	json_reply_about(request, 404, STR("App not found: "), url_normalise(&request->arena, url, NULL));
	return true;
}

// ---- limits --------------------------------------------------------------------------------------------------------

// Of the query or, beside POST, of a form.
static bool read_parameter(struct request *request, const char *name, struct str *out) {
	bool is_post = str_eq(request->method, STR("POST"));
	return is_post ? request_parameter(request, name, out) : request_query(request, name, out);
}

static bool read_function(struct request *request, struct uuid *out) {
	struct str text;
	(void)read_parameter(request, "functionId", &text);
	if (uuid_parse(text, out)) return true;
	json_reply_about(request, 400, STR("Invalid function ID: "), text);
	return false;
}

static bool read_limit(struct request *request, uint64_t *out) {
	struct str text;
	int64_t value = 0;
	(void)read_parameter(request, "limit", &text);
	bool is_good = str_to_i64(text, &value) && value >= 0;
	if (!is_good) json_reply_about(request, 400, STR("Invalid limit: "), text);
	*out = (uint64_t)value;
	return is_good;
}

static void post_limit(struct request *request, enum run_limit limit, bool removed) {
	struct uuid id;
	uint64_t value = 0;
	if (!read_function(request, &id) || (!removed && !read_limit(request, &value))) return;
	struct command *command = command_new(COMMAND_FUNCTION_LIMIT);
	command->limit.function_id = id;
	command->limit.limit = limit;
	command->limit.value = value;
	command->limit.removed = removed;
	request_post(request, command);
}

void fn_step_limit_start(struct request *request) {
	post_limit(request, RUN_LIMIT_STEPS, false);
}

void fn_step_limit_remove_start(struct request *request) {
	post_limit(request, RUN_LIMIT_STEPS, true);
}

void fn_state_limit_start(struct request *request) {
	post_limit(request, RUN_LIMIT_STATE, false);
}

void fn_state_limit_remove_start(struct request *request) {
	post_limit(request, RUN_LIMIT_STATE, true);
}

void fn_limit_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_empty(request, 200);
}
