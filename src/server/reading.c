// A reader of the store, borrowed for the time of one request.
#include "base/clock.h"
#include "server/server_internal.h"

bool reading_take(struct reading *reading, struct server *server, uint64_t deadline_ns) {
	*reading = (struct reading){.server = server};
	reading->store = server->config.reader_borrow(server->config.context);
	if (reading->store == NULL) return false;
	reading->history = server->config.history_of(server->config.context, reading->store);
	if (reading->history == NULL) {
		reading_close(reading);
		return false;
	}
	history_deadline(reading->history, deadline_ns);
	return true;
}

bool reading_open(struct reading *reading, struct request *request) {
	uint64_t deadline_ns = clock_mono_ns() + READ_TIME_MAX_MS * 1000000ull;
	arena_limit(&request->arena, REST_MEMORY_MAX);
	if (reading_take(reading, request->server, deadline_ns)) return true;
	respond_header(request, "Retry-After", "1");
	json_reply_error(request, 503, STR("The server cannot read its store at the moment"));
	return false;
}

void reading_close(struct reading *reading) {
	if (reading->store == NULL) return;
	if (reading->history != NULL) history_deadline(reading->history, 0);
	reading->history = NULL;
	reading->server->config.reader_return(reading->server->config.context, reading->store);
	reading->store = NULL;
}

int reading_status(const struct error *error) {
	return error->code == ERR_BUSY ? 503 : 500;
}
