// GET /health: the process answers. GET /ready: it also takes events (05 §9).
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
