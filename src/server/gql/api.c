// GraphQL over HTTP (spec 06 §1.2, §1.3): what a request asks, and its execution on a thread of the pool.
#include "server/gql/gql.h"
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
static enum err read_body(struct request *request, struct asked *asked, struct error *error) {
	asked->body = json_read(buf_view(&request->body), false, NULL, error);
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
	*asked = (struct asked){.body = NULL};
	if ((is_get ? read_parameters : read_body)(request, asked, &error) == ERR_OK) return true;
	if (!is_get) error_prefix(&error, "json request body could not be decoded");
	answer_error(request, 400, error.message, NULL);
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
	static const struct gql_limits limits = {.depth = GQL_DEPTH_MAX, .cost = GQL_COST_MAX};
	struct server *server = request->server;
	struct gql_context context = {.server = server, .request = request};
	struct str query = asked->query;
	if (str_utf8_prefix(query) != query.len) {
		answer_error(request, 422, "the query is not valid UTF-8", "GRAPHQL_PARSE_FAILED");
		return;
	}
	int status = gql_execute(server->gql, &context, &request->arena, asked, &limits, respond_begin(request));
	context_release(&context);
	if (!context.is_put_off) respond_out(request, status);
}

static void work(struct request *request) {
	struct asked asked;
	if (read_asked(request, &asked) && use_cache(request, &asked)) execute(request, &asked.request);
	asked_free(&asked);
}

// ---- routes --------------------------------------------------------------------------------------------------------

static bool is_json(struct str type) {
	struct str name, rest;
	(void)str_cut(type, ';', &name, &rest);
	return str_eq_nocase(str_trim(name), STR("application/json"));
}

// Every method comes here: those that GraphQL does not know get an answer of its own.
void gql_start(struct request *request) {
	bool is_post = str_eq(request->method, STR("POST"));
	if (request->server->gql == NULL) {
		respond_not_found(request);
	} else if (str_eq(request->method, STR("OPTIONS"))) {
		respond_header(request, "Allow", "OPTIONS, GET, POST");
		respond_empty(request, 200);
	} else if (is_post ? is_json(request_header(request, "Content-Type")) : str_eq(request->method, STR("GET"))) {
		request_work(request, work);
	} else {
		answer_transport(request);
	}
}
