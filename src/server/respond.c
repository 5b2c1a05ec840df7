// Answers: status, headers that every reply carries, body.
#include "base/log.h"
#include "server/server_internal.h"

void respond_header(struct request *request, const char *name, const char *value) {
	CHECK(request->header_count < ROUTE_HEADERS_MAX);
	request->headers[request->header_count].name = name;
	request->headers[request->header_count].value = value;
	request->header_count++;
}

// What MHD allows to the connection's own thread only.
static void queue(struct request *request, unsigned status, struct MHD_Response *response) {
	request->state = REQUEST_ANSWERED;
	request->result = MHD_NO;
	if (response == NULL) return; // out of memory: the connection is closed
	if (atomic_load_explicit(&request->server->quiescing, memory_order_relaxed)) {
		(void)MHD_add_response_header(response, "Connection", "close");
	}
	request->result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	LOG_DEBUG("http", LOG_STR("method", request->method), LOG_INT("status", status));
}

static void answer(struct request *request, int status, const char *type, struct MHD_Response *response) {
	if (response != NULL) {
		if (type != NULL) (void)MHD_add_response_header(response, "Content-Type", type);
		if (cors_preflight(request)) {
			cors_add_preflight(request, response);
		} else {
			(void)MHD_add_response_header(response, "X-Inngest-Server-Kind",
						      request->server->config.server_kind);
			cors_add(request, response);
		}
		for (unsigned i = 0; i < request->header_count; i++) {
			(void)MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
		}
	}
	if (request->state == REQUEST_WORKING) {
		CHECK(request->response == NULL); // one answer only
		request->response = response;
		request->response_status = (unsigned)status;
	} else {
		queue(request, (unsigned)status, response);
	}
}

void respond_worked(struct request *request) {
	struct MHD_Response *response = request->response;
	request->response = NULL;
	queue(request, request->response_status, response);
}

void respond(struct request *request, int status, const char *type, struct str body) {
	// MHD never writes to a persistent buffer; its prototype is older than its const.
	union {
		const char *text;
		void *bytes;
	} content = {.text = body.len > 0 ? body.ptr : ""};
	answer(request, status, type, MHD_create_response_from_buffer(body.len, content.bytes, MHD_RESPMEM_PERSISTENT));
}

struct buf *respond_begin(struct request *request) {
	buf_clear(&request->out);
	request->out.max_bytes = HTTP_REPLY_MAX;
	request->out.overflow = false;
	return &request->out;
}

void respond_out(struct request *request, int status) {
	if (request->out.overflow) {
		json_reply_error(request, 500, STR("The reply is too large"));
		return;
	}
	respond(request, status, TYPE_JSON, buf_view(&request->out));
}

void respond_stream(struct request *request, const char *type, struct MHD_Response *response) {
	if (response != NULL) {
		(void)MHD_add_response_header(response, "Cache-Control", "no-cache");
		(void)MHD_add_response_header(response, "X-Accel-Buffering", "no"); // for proxies in between
	}
	answer(request, 200, type, response);
}

void respond_empty(struct request *request, int status) {
	respond(request, status, NULL, (struct str){NULL, 0});
}

void respond_pieces(struct request *request, int status, const struct MHD_IoVec *pieces, unsigned count) {
	answer(request, status, TYPE_JSON, MHD_create_response_from_iovec(pieces, count, NULL, NULL));
}

void respond_not_found(struct request *request) {
	respond_header(request, "X-Content-Type-Options", "nosniff");
	respond(request, 404, TYPE_TEXT, STR("404 page not found\n"));
}
