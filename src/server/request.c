// The life of one HTTP request: headers, body, the route's start, the wait for the engine, the answer.
#include <stdlib.h>

#include "base/log.h"
#include "server/server_internal.h"

static void resume(struct waiter *waiter, struct reply *reply) {
	request_resume((struct request *)waiter, reply);
}

static struct request *request_new(struct server *server, struct MHD_Connection *connection, const char *method) {
	struct request *request = mem_calloc(1, sizeof *request);
	request->waiter.resume = resume;
	request->server = server;
	request->connection = connection;
	request->method = str_from_cstr(method);
	request->body_state = BODY_IGNORED;
	request->result = MHD_YES;
	atomic_fetch_add(&server->requests, 1);
	return request;
}

static void drop_body(struct request *request) {
	if (request->body.len == 0) return;
	atomic_fetch_sub(&request->server->body_bytes, request->body.len);
	buf_free(&request->body);
}

static void request_free(struct request *request) {
	struct server *server = request->server;
	drop_body(request);
	buf_free(&request->out);
	reply_free(request->reply);
	if (request->response != NULL) MHD_destroy_response(request->response);
	arena_free(&request->arena);
	free(request);
	if (atomic_fetch_sub(&server->requests, 1) == 1 && atomic_load(&server->quiescing)) {
		pthread_mutex_lock(&server->idle_lock);
		pthread_cond_broadcast(&server->idle);
		pthread_mutex_unlock(&server->idle_lock);
	}
}

void request_completed(void *context, struct MHD_Connection *connection, void **slot,
		       enum MHD_RequestTerminationCode code) {
	(void)context;
	(void)connection;
	(void)code;
	if (*slot != NULL) request_free(*slot);
	*slot = NULL;
}

static void refuse_body(struct request *request) {
	if (request->body_state == BODY_NO_ROOM) {
		respond_header(request, "Retry-After", "1");
		json_reply_error(request, 503, STR("Too many requests are being received at the moment"));
		return;
	}
	const struct route *route = request->route;
	bool v2 = route->shape == SHAPE_V2;
	if (route->shape == SHAPE_OTLP) {
		json_reply_error(request, 413, STR("Request body too large"));
		return;
	}
	if (v2) respond_header(request, "Connection", "close");
	json_reply_error(request, 413,
			 arena_printf(&request->arena,
				      v2 ? "Request body cannot exceed %u bytes"
					 : "Request body is over the max size: Max %u bytes",
				      route->body_max));
}

static void answer_malformed(struct request *request) {
	respond_header(request, "Connection", "close");
	respond(request, 400, TYPE_TEXT, STR("400 Bad Request"));
}

static void answer_unrouted(struct request *request, struct str path, enum route_result found, struct str allow) {
	if (v2_unrouted(request, path, found)) return;
	switch (found) {
	case ROUTE_WRONG_METHOD:
		respond_header(request, "Allow", allow.ptr);
		respond_empty(request, 405);
		break;
	case ROUTE_BAD_PATH:
		answer_malformed(request);
		break;
	default:
		respond_not_found(request);
	}
}

// What a request must get right about itself (05 §1); the library checks the rest.
struct head {
	struct str length; // Content-Length
	bool host, conflict;
};

static enum MHD_Result read_head(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
				 const char *value, size_t value_len) {
	(void)kind;
	struct head *head = context;
	struct str text = str_make(value, value != NULL ? value_len : 0);
	if (str_eq_nocase(str_make(name, name_len), STR("Host"))) head->host = true;
	if (!str_eq_nocase(str_make(name, name_len), STR("Content-Length"))) return MHD_YES;
	head->conflict |= head->length.len > 0 && !str_eq(head->length, text);
	head->length = text;
	return MHD_YES;
}

// The path of a request target in absolute form (http://host/path), as proxies send it.
static struct str skip_origin(struct str target) {
	if (!str_starts_with_nocase(target, STR("http://"))) return target;
	struct str rest = str_skip(target, sizeof "http://" - 1);
	ptrdiff_t slash = str_find(rest, '/');
	return slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
}

// Headers are there. Answers at once (libmicrohttpd then closes the connection after a body it has not read) only
// when a body is announced that is too large to be read anyway.
static enum MHD_Result begin(struct request *request, struct str path, const char *version) {
	struct head head = {0};
	(void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, read_head, &head);
	if (head.conflict || (!head.host && strcmp(version, MHD_HTTP_VERSION_1_1) == 0)) {
		answer_malformed(request);
		return request->result;
	}
	if (cors_preflight(request)) return MHD_YES;
	uint64_t announced = 0;
	if (head.length.len > 0 && !str_to_u64(head.length, &announced)) announced = UINT64_MAX;
	struct str allow;
	enum route_result found = route_find(request, path, &allow);
	if (found != ROUTE_FOUND) {
		// Kept for later: the answer is the same, but the connection lives on.
		request->route = NULL;
		request->params[0] = path;
		if (announced > HTTP_BODY_DEFAULT_MAX) answer_unrouted(request, path, found, allow);
		return request->result;
	}
	const struct route *route = request->route;
	if (route->body_max == 0) return MHD_YES;
	request->body_state = BODY_WANTED;
	buf_init(&request->body, route->body_max);
	if (announced <= route->body_max) return MHD_YES;
	request->body_state = BODY_TOO_LARGE;
	refuse_body(request);
	return request->result;
}

// Keeps a piece of the body if route and server have room for it; else the body is read and dropped, so that the
// client gets its answer, but not for ever.
static enum MHD_Result take_body(struct request *request, const char *piece, size_t len) {
	if (request->body_state == BODY_WANTED) {
		struct server *server = request->server;
		size_t total = atomic_fetch_add(&server->body_bytes, len) + len;
		bool room = total <= HTTP_BODIES_MAX;
		if (room) buf_append(&request->body, piece, len);
		if (room && !request->body.overflow) return MHD_YES;
		atomic_fetch_sub(&server->body_bytes, len);
		drop_body(request);
		request->body_state = room ? BODY_TOO_LARGE : BODY_NO_ROOM;
	}
	request->body_dropped += len;
	return request->body_state == BODY_IGNORED || request->body_dropped <= EVENT_BODY_MAX ? MHD_YES : MHD_NO;
}

// The whole request is there.
static void run(struct request *request) {
	if (cors_preflight(request)) {
		respond_empty(request, 200);
	} else if (request->route == NULL) {
		struct str allow;
		struct str path = request->params[0];
		enum route_result found = route_find(request, path, &allow);
		answer_unrouted(request, path, found, allow);
	} else if (request->body_state == BODY_TOO_LARGE || request->body_state == BODY_NO_ROOM) {
		refuse_body(request);
	} else if (request->route->work != NULL) {
		request_work(request, request->route->work);
	} else {
		request->route->start(request);
	}
}

static void finish(struct request *request) {
	struct reply *reply = request->reply;
	const struct route *route = request->route;
	if (reply == NULL) {
		respond_header(request, "Retry-After", "1");
		json_reply_error(request, 503, STR("The server is busy; please try again"));
	} else if (reply->kind != REPLY_FAILED) {
		route->finish(request, reply);
	} else if (route->failed == NULL || !route->failed(request, reply)) {
		if (route->shape == SHAPE_PUB) {
			json_reply_pub(request, reply->status, reply->code, reply->text, reply->data);
		} else if (route->shape == SHAPE_V2) {
			v2_reply_error(request, reply->status, reply->code, reply->text);
		} else {
			json_reply_error(request, reply->status, reply->text);
		}
	}
}

enum MHD_Result request_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_len, void **slot) {
	struct request *request = *slot;
	if (request == NULL) {
		request = request_new(context, connection, method);
		*slot = request;
		return begin(request, skip_origin(str_from_cstr(url)), version);
	}
	if (*upload_len > 0) {
		size_t len = *upload_len;
		*upload_len = 0;
		return take_body(request, upload, len);
	}
	switch ((enum request_state)atomic_load(&request->state)) {
	case REQUEST_READING:
		run(request);
		break;
	case REQUEST_RESUMED:
		finish(request);
		break;
	case REQUEST_WORKED:
		respond_worked(request);
		break;
	case REQUEST_WAITING:
	case REQUEST_WORKING:
	case REQUEST_ANSWERED:
		break;
	}
	// A request that was posted may belong to another thread now, but its memory stays until this thread goes on.
	return request->state == REQUEST_ANSWERED ? request->result : MHD_YES;
}

void request_post(struct request *request, struct command *command) {
	struct server *server = request->server;
	drop_body(request);
	request->state = REQUEST_WAITING;
	MHD_suspend_connection(request->connection);
	struct waiter *waiter = &request->waiter;
	uint64_t token = pending_add(&server->pending, waiter);
	command->request = token;
	if (token != 0 && server->config.post(server->config.context, command) == ERR_OK) return;
	command_free(command);
	if (token != 0) waiter = pending_take(&server->pending, token);
	if (waiter != NULL) waiter->resume(waiter, NULL);
}

void request_resume(struct request *request, struct reply *reply) {
	request->reply = reply;
	request->state = REQUEST_RESUMED;
	MHD_resume_connection(request->connection);
}
