// DELETE /fn/remove?url= (05 §11.3).
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
