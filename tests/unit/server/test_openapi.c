// The OpenAPI document: it has every route of v1 and v2, and replies are as it says.
#include "runs_fixture.h"
#include "server/server_internal.h"

static yyjson_doc *document;
static yyjson_val *root;

static int setup_document(void **state) {
	setup(state);
	struct http http = call(*state, "GET", "/openapi.json", NULL);
	assert_int_equal(http.status, 200);
	assert_string_equal(http_header(&http, "Content-Type"), "application/json");
	document = yyjson_read(http.body, http.body_len, 0);
	assert_non_null(document);
	root = yyjson_doc_get_root(document);
	http_free(&http);
	return 0;
}
static int teardown_document(void **state) {
	yyjson_doc_free(document);
	return teardown(state);
}

// ---- a checker for the part of JSON Schema that the document uses; unknown members are errors ----------------------

static bool is_valid(yyjson_val *schema, yyjson_val *value);

static yyjson_val *resolve(yyjson_val *schema) {
	const char *ref = yyjson_get_str(yyjson_obj_get(schema, "$ref"));
	if (ref == NULL) return schema;
	yyjson_val *found = yyjson_ptr_get(root, ref + 1);
	if (found == NULL) fail_msg("%s is not there", ref);
	return resolve(found);
}

static bool is_type(const char *type, yyjson_val *value) {
	return strcmp(type, "object") == 0    ? yyjson_is_obj(value)
	       : strcmp(type, "array") == 0   ? yyjson_is_arr(value)
	       : strcmp(type, "string") == 0  ? yyjson_is_str(value)
	       : strcmp(type, "integer") == 0 ? yyjson_is_int(value)
	       : strcmp(type, "boolean") == 0 ? yyjson_is_bool(value)
					      : yyjson_is_null(value);
}

static bool is_of_form(const char *form, const char *text) {
	int64_t ns;
	struct uuid id;
	if (strcmp(form, "date-time") == 0) return date_parse_rfc3339(str_from_cstr(text), &ns);
	if (strcmp(form, "uuid") == 0) return uuid_parse(str_from_cstr(text), &id);
	return strspn(text, "-0123456789") == strlen(text);
}

static bool is_object_valid(yyjson_val *schema, yyjson_val *value) {
	size_t i, max;
	yyjson_val *name, *member;
	yyjson_val *properties = yyjson_obj_get(schema, "properties");
	yyjson_val *others = yyjson_obj_get(schema, "additionalProperties");
	yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, max, name) {
		if (yyjson_obj_get(value, yyjson_get_str(name)) == NULL) return false;
	}
	yyjson_obj_foreach(value, i, max, name, member) {
		yyjson_val *expected = properties != NULL ? yyjson_obj_get(properties, yyjson_get_str(name)) : others;
		if (expected != NULL && !is_valid(expected, member)) {
			print_message("member %s\n", yyjson_get_str(name));
			return false;
		}
		if (expected == NULL && properties != NULL) {
			print_message("unknown member %s\n", yyjson_get_str(name));
			return false;
		}
	}
	return true;
}

static bool is_one_of(yyjson_val *list, yyjson_val *value, bool are_schemas) {
	size_t i, max;
	yyjson_val *item;
	yyjson_arr_foreach(list, i, max, item) {
		if (are_schemas ? is_valid(item, value) : yyjson_equals(item, value)) return true;
	}
	return false;
}

static bool is_valid(yyjson_val *schema, yyjson_val *value) {
	schema = resolve(schema);
	yyjson_val *any_of = yyjson_obj_get(schema, "anyOf"), *words = yyjson_obj_get(schema, "enum");
	const char *type = yyjson_get_str(yyjson_obj_get(schema, "type"));
	const char *form = yyjson_get_str(yyjson_obj_get(schema, "format"));
	yyjson_val *length = yyjson_obj_get(schema, "minLength");
	if (any_of != NULL) return is_one_of(any_of, value, true);
	if (words != NULL) return is_one_of(words, value, false);
	if (type == NULL) return true;
	if (!is_type(type, value)) return false;
	if (form != NULL && !is_of_form(form, yyjson_get_str(value))) return false;
	if (length != NULL && yyjson_get_len(value) != yyjson_get_uint(length)) return false;
	if (yyjson_is_obj(value)) return is_object_valid(schema, value);
	size_t i, max;
	yyjson_val *item;
	yyjson_arr_foreach(value, i, max, item) {
		if (!is_valid(yyjson_obj_get(schema, "items"), item)) return false;
	}
	return true;
}

// ---- the tests -----------------------------------------------------------------------------------------------------

// "/v2/runs/{runId}" as the route table has it: "/v2/runs/:".
static void as_pattern(const char *path, char *out) {
	for (; *path != '\0'; path++) {
		*out++ = *path == '{' ? ':' : *path;
		if (*path == '{') path += strcspn(path, "}");
	}
	*out = '\0';
}

static yyjson_val *find_operation(const char *method, const char *pattern) {
	size_t i, max;
	yyjson_val *path, *operations;
	char lower[16] = "", other[200];
	for (size_t c = 0; method[c] != '\0'; c++) lower[c] = (char)(method[c] | 0x20);
	yyjson_obj_foreach(yyjson_obj_get(root, "paths"), i, max, path, operations) {
		as_pattern(yyjson_get_str(path), other);
		if (strcmp(other, pattern) == 0) return yyjson_obj_get(operations, lower);
	}
	return NULL;
}

// What SDKs use among themselves and what is not here (501) is not in the document.
static bool is_documented(const struct route *route) {
	struct str path = str_from_cstr(route->path);
	bool of_sdks = str_starts_with(path, STR("/v1/checkpoint")) || str_starts_with(path, STR("/v1/http"));
	return (str_starts_with(path, STR("/v1/")) || str_starts_with(path, STR("/v2/"))) && !of_sdks &&
	       route->text == NULL;
}

static void every_route_is_there(void **state) {
	(void)state;
	size_t expected = 0, count = 0, i, max;
	for (size_t r = 0; r < route_count; r++) {
		if (!is_documented(&routes[r])) continue;
		expected++;
		if (find_operation(routes[r].method, routes[r].path) == NULL)
			fail_msg("%s %s is not in the document", routes[r].method, routes[r].path);
	}
	yyjson_val *path, *operations;
	yyjson_obj_foreach(yyjson_obj_get(root, "paths"), i, max, path, operations) {
		count += yyjson_obj_size(operations);
	}
	assert_int_equal(count, expected);
}

// Every reference leads somewhere.
static void check_references(yyjson_val *value) {
	size_t i, max;
	yyjson_val *name, *member;
	if (yyjson_is_obj(value)) (void)resolve(value);
	yyjson_obj_foreach(value, i, max, name, member) {
		check_references(member);
	}
	yyjson_arr_foreach(value, i, max, member) {
		check_references(member);
	}
}

static void references_lead_somewhere(void **state) {
	(void)state;
	check_references(root);
}

static void check_reply(struct fixture *fixture, const char *pattern, const char *path) {
	struct http http = call(fixture, "GET", path, NULL);
	yyjson_doc *reply = yyjson_read(http.body, http.body_len, 0);
	yyjson_val *responses = yyjson_obj_get(find_operation("GET", pattern), "responses");
	yyjson_val *response = yyjson_obj_get(responses, http.status == 200 ? "200" : "default");
	yyjson_val *schema = yyjson_ptr_get(response, "/content/application~1json/schema");
	if (schema == NULL) fail_msg("no schema for %s", pattern);
	if (!is_valid(schema, yyjson_doc_get_root(reply))) fail_msg("%s: %s", path, http.body);
	yyjson_doc_free(reply);
	http_free(&http);
}

static void replies_are_as_it_says(void **state) {
	static const struct {
		const char *pattern, *path; // %s: a run, or the event
	} cases[] = {
		{"/v1/events", "/v1/events?received_after=2020-01-01"},
		{"/v1/events/:", "/v1/events/EVENT"},
		{"/v1/events/:", "/v1/events/x"},
		{"/v1/events/:/outcomes", "/v1/events/EVENT/outcomes"},
		{"/v1/events/:/runs", "/v1/events/EVENT/runs"},
		{"/v1/runs", "/v1/runs?includeOutput=true"},
		{"/v1/runs", "/v1/runs?limit=x"},
		{"/v1/runs/:", "/v1/runs/RUN"},
		{"/v1/functions", "/v1/functions"},
		{"/v1/apps/:/functions", "/v1/apps/shop/functions"},
		{"/v2/health", "/v2/health"},
		{"/v2/operations", "/v2/operations"},
		{"/v2/account", "/v2/account"},
		{"/v2/envs", "/v2/envs"},
		{"/v2/keys/events", "/v2/keys/events"},
		{"/v2/events/:/runs", "/v2/events/EVENT/runs?limit=2&includeOutput=true"},
		{"/v2/apps", "/v2/apps"},
		{"/v2/apps/:", "/v2/apps/shop"},
		{"/v2/apps/:", "/v2/apps/none"},
		{"/v2/apps/:/functions", "/v2/apps/shop/functions?limit=1"},
		{"/v2/apps/:/functions/:", "/v2/apps/shop/functions/one"},
		{"/v2/apps/:/functions/:/runs", "/v2/apps/shop/functions/one/runs"},
		{"/v2/runs", "/v2/runs?includeOutput=true&from=2020-01-01T00:00:00Z&until=2030-01-01T00:00:00Z"},
		{"/v2/runs/:", "/v2/runs/RUN?includeOutput=true"},
		{"/v2/runs/:/trace", "/v2/runs/RUN/trace?includeOutput=true"},
		{"/v2/runs/:/trace", "/v2/runs/x/trace"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t run = 0; run < RUNS; run++) {
			char path[300];
			const char *at = strstr(cases[i].path, "RUN"), *event = strstr(cases[i].path, "EVENT");
			const char *place = at != NULL ? at : event;
			if (at == NULL && run > 0) break;
			(void)snprintf(path, sizeof path, "%.*s%s%s",
				       place != NULL ? (int)(place - cases[i].path) : 1000, cases[i].path,
				       at != NULL      ? ids[run]
				       : event != NULL ? event_text
						       : "",
				       at != NULL      ? at + 3
				       : event != NULL ? event + 5
						       : "");
			check_reply(*state, cases[i].pattern, path);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_there),
		cmocka_unit_test(references_lead_somewhere),
		cmocka_unit_test(replies_are_as_it_says),
	};
	return cmocka_run_group_tests(tests, setup_document, teardown_document);
}
