// Operations of REST v2 that only the hosted platform has: 501, after what is checked before (05 §13.3).
#include "model/v2_body.h"
#include "server/v2.h"

static void answer_absent(struct request *request) {
	v2_reply_error(request, 501, STR("not_implemented"), str_from_cstr(request->route->text));
}

void v2_absent_start(struct request *request) {
	answer_absent(request);
}

void v2_env_create_start(struct request *request) {
	struct v2_refusal refusal;
	if (v2_env_parse(&request->arena, buf_view(&request->body), &refusal) == ERR_OK)
		answer_absent(request);
	else
		v2_refuse(request, &refusal);
}

void v2_webhooks_start(struct request *request) {
	if (request_header(request, "X-Inngest-Env").len > 0)
		answer_absent(request);
	else
		v2_reply_error(request, 400, STR("missing_field"), STR("X-Inngest-Env header is required"));
}

// Two reasons at once.
void v2_partner_create_start(struct request *request) {
	respond(request, 501, TYPE_JSON,
		STR("{\"errors\":[{\"code\":\"not_implemented\",\"message\":\"Accounts not implemented in OSS\"},"
		    "{\"code\":\"not_implemented\",\"message\":\"Partners not implemented in OSS\"}]}"));
}

void v2_sandbox_start(struct request *request) {
	v2_reply_error(request, 501, STR("api_error"), str_from_cstr(request->route->text));
}
