// Apps (spec 06 §4.1, §4.2).
#include "server/gql/types.h"

typedef struct catalogue_app app;

// ---- queries -------------------------------------------------------------------------------------------------------

static const struct {
	const char *stored, *shown;
} methods[] = {{"serve", "SERVE"}, {"connect", "CONNECT"}, {"api", "API"}};

static const char *method_shown(struct str stored) {
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq_cstr(stored, methods[i].stored)) return methods[i].shown;
	return NULL;
}

void resolve_apps(struct gql_call *call) {
	static const struct catalogue_query live = {.which = CATALOGUE_LIVE};
	struct str method = member_str(gql_argument_get(call, "filter"), "method");
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	app *apps;
	size_t count, kept = 0;
	if (reader == NULL || catalogue_apps(reader, call->arena, &live, &apps, &count, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *shown = method_shown(apps[i].method);
		if (method.len == 0 || (shown != NULL && str_eq_cstr(method, shown))) apps[kept++] = apps[i];
	}
	resolve_all(call, list_of(call->arena, apps, kept, sizeof *apps));
}

void resolve_app(struct gql_call *call) {
	struct uuid id = {{0}};
	(void)uuid_parse(gql_argument_str(call, "id"), &id);
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	app *apps;
	size_t count;
	if (reader == NULL || catalogue_apps_by_id(reader, call->arena, &id, 1, &apps, &count, &error) != ERR_OK)
		fail_all(call, "%s", error.message);
	else if (count == 0)
		fail_all(call, NO_ROWS);
	else
		resolve_all(call, gql_object(apps));
}

// ---- look-ups ------------------------------------------------------------------------------------------------------

void look_up_apps(struct gql_call *call, size_t id_at, bool is_required) {
	struct ids ids = {.arena = call->arena};
	for (size_t i = 0; i < call->count; i++) ids_add(&ids, (const uint8_t *)call->parents[i] + id_at);
	ids_sort(&ids);
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	app *apps = NULL;
	size_t count = 0;
	if (reader == NULL ||
	    catalogue_apps_by_id(reader, call->arena, ids_uuids(&ids), ids.count, &apps, &count, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < call->count; i++) {
		const struct uuid *id = (const void *)((const char *)call->parents[i] + id_at);
		const app *found = catalogue_find_app(apps, count, id);
		if (found != NULL || !is_required)
			call->out[i] = gql_object(found);
		else
			call->out[i] = gql_fail(call->arena, NO_ROWS);
	}
}

const app *app_at_url(const app *apps, size_t count, struct str url) {
	const app *found = NULL;
	for (size_t i = 0; i < count; i++) {
		// A registered app goes before the placeholder of its URL.
		if (!apps[i].is_archived && str_eq(apps[i].url, url) && (found == NULL || found->name.len == 0))
			found = &apps[i];
	}
	return found;
}

// ---- fields --------------------------------------------------------------------------------------------------------

static void resolve_method(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str stored = PARENT(app, i)->method;
		const char *shown = method_shown(stored);
		call->out[i] = shown != NULL ? gql_text(str_from_cstr(shown))
					     : gql_fail(call->arena, "unknown app method: %.*s", STR_ARG(stored));
	}
}

static void resolve_connected(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_bool(PARENT(app, i)->error.len == 0);
}

static void resolve_discovered(struct gql_call *call) {
	const struct gql_context *context = call->context;
	const struct server_config *config = &context->server->config;
	for (size_t i = 0; i < call->count; i++) {
		struct str url = PARENT(app, i)->url;
		call->out[i] = gql_bool(config->discovered != NULL && config->discovered(config->context, url));
	}
}

static void resolve_function_count(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_int((int64_t)PARENT(app, i)->function_count);
}

static struct gql_value functions_of(struct arena *arena, const app *parent, struct catalogue_function *functions,
				     size_t count) {
	size_t own = 0;
	for (size_t i = 0; i < count; i++) own += uuid_eq(&functions[i].app_id, &parent->id);
	struct gql_value list = gql_list(arena, own);
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		if (uuid_eq(&functions[i].app_id, &parent->id)) list.items[at++] = gql_object(&functions[i]);
	}
	return list;
}

static void resolve_app_functions(struct gql_call *call) {
	static const struct catalogue_query live = {.which = CATALOGUE_LIVE};
	struct ids ids = {.arena = call->arena};
	for (size_t i = 0; i < call->count; i++) ids_add(&ids, PARENT(app, i)->id.bytes);
	ids_sort(&ids);
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	struct catalogue_function *functions = NULL;
	size_t count = 0;
	if (reader == NULL || catalogue_functions_of_apps(reader, call->arena, ids_uuids(&ids), ids.count, &live,
							  &functions, &count, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = functions_of(call->arena, call->parents[i], functions, count);
}

// ---- features of the SDK -------------------------------------------------------------------------------------------

struct feature { // SDKFeatureStatus
	bool is_known, ready;
	int64_t reason;
};
struct readiness { // SDKFeatureReadiness
	struct feature ai, traces;
};

static void read_feature(yyjson_val *features, const char *name, struct feature *out) {
	yyjson_val *reason = yyjson_obj_get(yyjson_obj_get(features, name), "readinessReason");
	if (!yyjson_is_int(reason)) return;
	*out = (struct feature){.is_known = true, .reason = (int64_t)yyjson_get_uint(reason)};
	out->ready = out->reason == 1;
}

// {"featureObservations":"<JSON text>"} (01 §5.5).
static void read_readiness(struct str metadata, struct readiness *out) {
	struct error unused;
	yyjson_doc *outer = json_read(metadata, false, NULL, &unused);
	if (outer == NULL) return;
	struct str text = json_str(yyjson_obj_get(yyjson_doc_get_root(outer), "featureObservations"));
	yyjson_doc *doc = text.len > 0 ? json_read(text, false, NULL, &unused) : NULL;
	if (doc != NULL) {
		read_feature(yyjson_doc_get_root(doc), "aiMetadataExtraction", &out->ai);
		read_feature(yyjson_doc_get_root(doc), "extendedTraces", &out->traces);
		yyjson_doc_free(doc);
	}
	yyjson_doc_free(outer);
}

static void resolve_readiness(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct readiness *readiness = ARENA_NEW(call->arena, struct readiness);
		read_readiness(PARENT(app, i)->metadata, readiness);
		call->out[i] = gql_object(readiness);
	}
}

static void resolve_ai(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct feature *feature = &PARENT(struct readiness, i)->ai;
		call->out[i] = gql_object(feature->is_known ? feature : NULL);
	}
}

static void resolve_traces(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct feature *feature = &PARENT(struct readiness, i)->traces;
		call->out[i] = gql_object(feature->is_known ? feature : NULL);
	}
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_sdk_feature_status) = {
	READ("ready", "Boolean!", BOOL, struct feature, ready),
	READ("reason", "Int", INT, struct feature, reason),
	END,
};
OBJECT(type_sdk_feature_status, "SDKFeatureStatus")

FIELDS(type_sdk_feature_readiness) = {
	CALL("aiMetadataExtraction", "SDKFeatureStatus", resolve_ai),
	CALL("extendedTraces", "SDKFeatureStatus", resolve_traces),
	END,
};
OBJECT(type_sdk_feature_readiness, "SDKFeatureReadiness")

FIELDS(type_app) = {
	READ("id", "ID!", UUID, app, id),
	READ("externalID", "String!", STR, app, name),
	READ("name", "String!", STR, app, name),
	READ("sdkLanguage", "String!", STR, app, sdk_language),
	READ("sdkVersion", "String!", STR, app, sdk_version),
	READ("framework", "String", STR, app, framework),
	READ("url", "String", STR, app, url),
	READ("checksum", "String", STR, app, checksum),
	READ("error", "String", STR_OR_NULL, app, error),
	CALL("functions", "[Function!]!", resolve_app_functions),
	CALL("method", "AppMethod!", resolve_method),
	READ("appVersion", "String", STR, app, app_version),
	CALL("sdkFeatureReadiness", "SDKFeatureReadiness!", resolve_readiness),
	CALL("connected", "Boolean!", resolve_connected),
	CALL("functionCount", "Int!", resolve_function_count),
	CALL("autodiscovered", "Boolean!", resolve_discovered),
	END,
};
OBJECT(type_app, "App")
