// GraphQL over HTTP (spec 06 §1.2, §1.3): what a request asks, and its execution on a thread of the pool.
#include "base/clock.h"
#include "server/gql/gql.h"
#include "server/gql/multipart.h"
#include "server/gql/persisted.h"

// ---- errors before the execution -----------------------------------------------------------------------------------

static void answer_error(struct request *request, int status, const char *message, const char *code) {
	gql_write_error(respond_begin(request), str_from_cstr(message), code);
	respond_out(request, status);
}

static void answer_transport(struct request *request) {
	gql_write_error(respond_begin(request), STR("transport not supported"), NULL);
	respond(request, 400, TYPE_TEXT, buf_view(&request->out));
}

// ---- what is asked -------------------------------------------------------------------------------------------------

struct asked {
	struct gql_request request;
	yyjson_doc *body;       // POST; the texts above are in it
	yyjson_doc *variables;  // GET
	yyjson_doc *extensions; // GET
	yyjson_val *persisted;  // extensions.persistedQuery; NULL: none
};

static void asked_free(struct asked *asked) {
	yyjson_doc_free(asked->body);
	yyjson_doc_free(asked->variables);
	yyjson_doc_free(asked->extensions);
}

static void take_extensions(struct asked *asked, yyjson_val *extensions) {
	yyjson_val *persisted = yyjson_obj_get(extensions, "persistedQuery");
	if (yyjson_is_obj(persisted)) asked->persisted = persisted;
}

static bool is_text_or_null(yyjson_val *value) {
	return value == NULL || yyjson_is_null(value) || yyjson_is_str(value);
}

static bool is_object_or_null(yyjson_val *value) {
	return value == NULL || yyjson_is_null(value) || yyjson_is_obj(value);
}

// A body in the wrong form is refused as one that is no JSON.
static enum err read_text(struct str text, struct asked *asked, struct error *error) {
	asked->body = json_read(text, false, NULL, error);
	if (asked->body == NULL) return ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(asked->body);
	if (yyjson_is_arr(root)) return error_set(error, ERR_INVALID, "batches of requests are not supported");
	if (!yyjson_is_obj(root)) return error_set(error, ERR_INVALID, "the body should be an object");
	yyjson_val *query = yyjson_obj_get(root, "query"), *name = yyjson_obj_get(root, "operationName"),
		   *variables = yyjson_obj_get(root, "variables"), *extensions = yyjson_obj_get(root, "extensions");
	if (!is_text_or_null(query)) return error_set(error, ERR_INVALID, "query should be a string");
	if (!is_text_or_null(name)) return error_set(error, ERR_INVALID, "operationName should be a string");
	if (!is_object_or_null(variables)) return error_set(error, ERR_INVALID, "variables should be an object");
	if (!is_object_or_null(extensions)) return error_set(error, ERR_INVALID, "extensions should be an object");
	asked->request = (struct gql_request){
		.query = json_str(query), .operation_name = json_str(name), .variables = variables};
	take_extensions(asked, extensions);
	return ERR_OK;
}

static enum err read_body(struct request *request, struct asked *asked, struct error *error) {
	enum err err = read_text(buf_view(&request->body), asked, error);
	if (err != ERR_OK) error_prefix(error, "json request body could not be decoded");
	return err;
}

// The GraphQL multipart request specification: the first two parts are the request, and the files that go to its
// variables. No type of the schema takes files, so they are left out, and the variables stay what the request says.
static enum err read_form(struct request *request, struct asked *asked, struct error *error) {
	struct multipart form;
	struct str name, text;
	if (!multipart_begin(&form, request_header(request, "Content-Type"), buf_view(&request->body)))
		return error_set(error, ERR_INVALID, "failed to parse multipart form");
	if (!multipart_next(&form, &name, &text) || !str_eq(name, STR("operations")))
		return error_set(error, ERR_INVALID, "first part must be operations");
	if (read_text(text, asked, error) != ERR_OK)
		return error_set(error, ERR_INVALID, "operations form field could not be decoded");
	if (!multipart_next(&form, &name, &text) || !str_eq(name, STR("map")))
		return error_set(error, ERR_INVALID, "second part must be map");
	yyjson_doc *map = json_read(text, false, NULL, error);
	bool is_map = yyjson_is_obj(yyjson_doc_get_root(map));
	yyjson_doc_free(map);
	return is_map ? ERR_OK : error_set(error, ERR_INVALID, "map form field could not be decoded");
}

// An object in a parameter; none when it is absent, empty or null.
static enum err read_parameter(struct request *request, const char *name, yyjson_doc **out, struct error *error) {
	struct str text;
	if (!request_query(request, name, &text) || text.len == 0) return ERR_OK;
	*out = json_read(text, false, NULL, error);
	if (*out != NULL && is_object_or_null(yyjson_doc_get_root(*out))) return ERR_OK;
	return error_set(error, ERR_INVALID, "%s could not be decoded", name);
}

static enum err read_parameters(struct request *request, struct asked *asked, struct error *error) {
	asked->request.queries_only = true;
	(void)request_query(request, "query", &asked->request.query);
	(void)request_query(request, "operationName", &asked->request.operation_name);
	enum err err = read_parameter(request, "variables", &asked->variables, error);
	if (err == ERR_OK) err = read_parameter(request, "extensions", &asked->extensions, error);
	if (err != ERR_OK) return err;
	asked->request.variables = yyjson_doc_get_root(asked->variables);
	take_extensions(asked, yyjson_doc_get_root(asked->extensions));
	return ERR_OK;
}

// False: the request is answered.
static bool read_asked(struct request *request, struct asked *asked) {
	struct error error;
	bool is_get = str_eq(request->method, STR("GET"));
	bool is_form = !is_get && multipart_is_form(request_header(request, "Content-Type"));
	*asked = (struct asked){.body = NULL};
	if ((is_get ? read_parameters : is_form ? read_form : read_body)(request, asked, &error) == ERR_OK) return true;
	answer_error(request, is_form ? 422 : 400, error.message, NULL);
	return false;
}

// Finds the query by its hash, or notes it under that. False: the request is answered.
static bool use_cache(struct request *request, struct asked *asked) {
	if (asked->persisted == NULL) return true;
	struct str hash = json_str(yyjson_obj_get(asked->persisted, "sha256Hash"));
	if (yyjson_get_sint(yyjson_obj_get(asked->persisted, "version")) != 1) {
		answer_error(request, 200, "unsupported persisted query version", NULL);
		return false;
	}
	struct gql_cache *cache = request->server->gql_cache;
	if (asked->request.query.len == 0) {
		if (gql_cache_find(cache, &request->arena, hash, &asked->request.query)) return true;
		answer_error(request, 200, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND");
		return false;
	}
	if (gql_cache_note(cache, hash, asked->request.query)) return true;
	answer_error(request, 200, "provided APQ hash does not match query", NULL);
	return false;
}

// ---- execution -----------------------------------------------------------------------------------------------------

static void execute(struct request *request, const struct gql_request *asked) {
	struct server *server = request->server;
	struct arena arena;
	arena_init(&arena, 0);
	struct gql_context context = {.server = server,
				      .request = request,
				      .arena = &arena,
				      .deadline_ns = clock_mono_ns() + READ_TIME_MAX_MS * 1000000ull};
	const struct gql_limits limits = {.depth = GQL_DEPTH_MAX,
					  .cost = GQL_COST_MAX,
					  .bytes = GQL_MEMORY_MAX,
					  .deadline_ns = &context.deadline_ns};
	struct buf *out = respond_begin(request);
	out->max_bytes = GQL_REPLY_MAX;
	int status = gql_execute(server->gql, &context, &arena, asked, &limits, out);
	context_end(&context);
	arena_free(&arena);
	if (context.is_put_off)
		buf_free(&request->out); // it may wait for long, and begins anew
	else
		respond_out(request, status);
}

static void work(struct request *request) {
	struct asked asked;
	if (read_asked(request, &asked) && use_cache(request, &asked)) {
		struct str query = asked.request.query;
		if (str_utf8_prefix(query) == query.len)
			execute(request, &asked.request);
		else
			answer_error(request, 422, "the query is not valid UTF-8", "GRAPHQL_PARSE_FAILED");
	}
	asked_free(&asked);
}

// ---- routes --------------------------------------------------------------------------------------------------------

static bool is_json(struct str type) {
	struct str name, rest;
	(void)str_cut(type, ';', &name, &rest);
	return str_eq_nocase(str_trim(name), STR("application/json"));
}

static bool takes_body(struct request *request) {
	struct str type = request_header(request, "Content-Type");
	return is_json(type) || multipart_is_form(type);
}

// The reference server takes WebSockets, which serve subscriptions; there are none. So a client is told at once that it
// has to do without.
static bool is_upgrade(struct request *request) {
	return str_eq_nocase(request_header(request, "Upgrade"), STR("websocket"));
}

// Every method comes here: those that GraphQL does not know get an answer of its own.
void gql_start(struct request *request) {
	bool is_post = str_eq(request->method, STR("POST"));
	if (request->server->gql == NULL) {
		respond_not_found(request);
	} else if (str_eq(request->method, STR("OPTIONS"))) {
		respond_header(request, "Allow", "OPTIONS, GET, POST");
		respond_empty(request, 200);
	} else if (is_post ? takes_body(request) : str_eq(request->method, STR("GET")) && !is_upgrade(request)) {
		request_work(request, work);
	} else {
		answer_transport(request);
	}
}
