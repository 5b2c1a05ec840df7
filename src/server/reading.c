// A reader of the store, borrowed for the time of one request.
#include "server/server_internal.h"

bool reading_open(struct reading *reading, struct request *request) {
	struct server *server = request->server;
	*reading = (struct reading){.server = server};
	reading->store = server->config.reader_borrow(server->config.context);
	if (reading->store != NULL) {
		reading->history = server->config.history_of(server->config.context, reading->store);
		if (reading->history != NULL) return true;
		reading_close(reading);
	}
	respond_header(request, "Retry-After", "1");
	json_reply_error(request, 503, STR("The server cannot read its store at the moment"));
	return false;
}

void reading_close(struct reading *reading) {
	if (reading->store == NULL) return;
	reading->server->config.reader_return(reading->server->config.context, reading->store);
	reading->store = NULL;
}
