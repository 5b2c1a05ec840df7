// Query parameters as REST v2 takes them: named in camelCase or snake_case, given once, of a type (05 §13.2, §13.5).
#include "base/clock.h"
#include "server/v2.h"

// All values of one parameter, in their order.
struct found {
	struct request *request;
	const struct v2_query_rule *rule;
	struct v2_texts texts;
	bool too_many;
};

static bool is_named(const struct v2_query_rule *rule, struct str name) {
	return str_eq_cstr(name, rule->name) || (rule->snake != NULL && str_eq_cstr(name, rule->snake));
}

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
			       const char *value, size_t value_len) {
	(void)kind;
	struct found *found = context;
	if (!is_named(found->rule, str_make(name, name_len))) return MHD_YES;
	found->too_many = found->texts.count == V2_FILTER_MAX;
	if (found->too_many) return MHD_NO;
	struct arena *arena = &found->request->arena;
	if (found->texts.items == NULL) found->texts.items = ARENA_ARRAY(arena, struct str, V2_FILTER_MAX);
	struct str text;
	(void)percent_decode(arena, str_make(value, value != NULL ? value_len : 0), &text); // as it is, when malformed
	found->texts.items[found->texts.count++] = text;
	return MHD_YES;
}

void v2_query_error(struct request *request, int status, struct str code, struct str text) {
	if (request->route->shape == SHAPE_V2)
		v2_reply_error(request, status, code, text);
	else
		json_reply_pub(request, status, (struct str){NULL, 0}, text, (struct str){NULL, 0});
}

static bool refuse(struct request *request, const char *format, const char *name, struct str text) {
	v2_query_error(request, 400, STR("api_error"), arena_printf(&request->arena, format, name, STR_ARG(text)));
	return false;
}

static bool refuse_repeated(struct request *request, const struct found *found) {
	struct arena *arena = &request->arena;
	struct str list = found->texts.items[0];
	for (size_t i = 1; i < found->texts.count && i < 10; i++)
		list = arena_printf(arena, "%.*s, %.*s", STR_ARG(list), STR_ARG(found->texts.items[i]));
	return refuse(request, "too many values for field \"%s\": %.*s", found->rule->name, list);
}

static bool store(struct request *request, const struct found *found, void *out) {
	struct str text = found->texts.items[0];
	int64_t number;
	bool flag;
	switch (found->rule->type) {
	case V2_QUERY_TEXT:
		*(struct str *)out = text;
		return true;
	case V2_QUERY_TEXTS:
		*(struct v2_texts *)out = found->texts;
		return true;
	case V2_QUERY_INT:
		if (!str_to_i64(text, &number) || number > INT32_MAX || number < INT32_MIN) break;
		*(int64_t *)out = number;
		return true;
	case V2_QUERY_TIME:
		if (!date_parse_rfc3339(text, &number)) break;
		*(int64_t *)out = number;
		return true;
	case V2_QUERY_BOOL:
		if (!bool_parse(text, &flag)) break;
		*(enum tristate *)out = flag ? YES : NO;
		return true;
	}
	return refuse(request, "parsing field \"%s\": invalid value \"%.*s\"", found->rule->name, text);
}

bool v2_query_read(struct request *request, const struct v2_query_rule *rules, size_t count, void *out) {
	for (size_t i = 0; i < count; i++) {
		struct found found = {.request = request, .rule = &rules[i]};
		(void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, collect, &found);
		if (found.texts.count == 0) continue;
		bool repeated = found.texts.count > 1 && rules[i].type != V2_QUERY_TEXTS;
		if (repeated || found.too_many) return refuse_repeated(request, &found);
		if (!store(request, &found, (char *)out + rules[i].offset)) return false;
	}
	return true;
}

bool v2_query_refuse(struct request *request, struct str text) {
	v2_query_error(request, 400, STR("invalid_field_format"), text);
	return false;
}

bool v2_query_limit(struct request *request, int64_t given, size_t max, size_t *out) {
	*out = V2_PAGE_DEFAULT;
	if (given == V2_NOT_GIVEN || given == 0) return true;
	if (given < 1) return v2_query_refuse(request, STR("Limit must be at least 1"));
	if ((size_t)given > max)
		return v2_query_refuse(request, arena_printf(&request->arena, "Limit cannot exceed %zu", max));
	*out = (size_t)given;
	return true;
}

bool v2_query_after(struct request *request, struct str cursor, struct uuid *id, const struct uuid **after) {
	*after = NULL;
	if (cursor.len == 0) return true;
	if (!uuid_parse(cursor, id)) return v2_query_refuse(request, STR("Cursor is invalid"));
	*after = id;
	return true;
}

bool v2_catalogue_ask(struct request *request, int64_t limit_given, struct str cursor, struct uuid *after,
		      struct catalogue_query *query) {
	if (!v2_query_limit(request, limit_given, V2_PAGE_MAX, &query->limit) ||
	    !v2_query_after(request, cursor, after, &query->after)) {
		return false;
	}
	query->limit++;
	return true;
}

void v2_catalogue_send(struct request *request, const struct v2_items *items, const struct catalogue_query *query) {
	size_t limit = query->limit - 1;
	struct v2_page page = {.limit = limit, .has_more = items->count > limit};
	const char *item = items->first;
	char cursor[UUID_TEXT_LEN + 1];
	v2_list_open(request);
	for (size_t i = 0; i < items->count && i < limit; i++, item += items->size) {
		v2_element_open(&request->out);
		items->write(request, item);
		v2_object_close(&request->out);
		uuid_text((const void *)(item + items->id_at), cursor);
	}
	if (page.has_more) page.cursor = str_from_cstr(cursor);
	v2_list_send(request, &page);
}
