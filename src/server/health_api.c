// GET /health and GET /v2/health: the process answers. GET /ready: it also takes events (05 §9, §13.3).
#include "server/server_internal.h"

void health_start(struct request *request) {
	respond(request, 200, TYPE_JSON, STR("{\"status\":200,\"message\":\"OK\"}\n"));
}

void ready_start(struct request *request) {
	const struct server *server = request->server;
	bool ready = !atomic_load(&server->quiescing) && server->config.ready(server->config.context);
	if (ready)
		respond(request, 200, TYPE_JSON, STR("{\"status\":200,\"message\":\"OK\"}\n"));
	else
		respond(request, 503, TYPE_JSON, STR("{\"status\":503,\"message\":\"Not ready\"}\n"));
}

void v2_health_start(struct request *request) {
	v2_envelope_open(request);
	buf_lit(&request->out, "{\"status\":\"ok\"}");
	v2_envelope_close(request);
	respond_out(request, 200);
}
