#include "model/members.h"

static const char *const type_texts[] = {
	[MEMBER_ANY] = "any value", [MEMBER_STRING] = "a string",  [MEMBER_INTEGER] = "an integer",
	[MEMBER_BOOL] = "a bool",   [MEMBER_OBJECT] = "an object", [MEMBER_ARRAY] = "an array",
};

const char *json_type_text(yyjson_val *value) {
	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_NULL:
		return "null";
	case YYJSON_TYPE_BOOL:
		return "a bool";
	case YYJSON_TYPE_NUM:
		return "a number";
	case YYJSON_TYPE_STR:
		return "a string";
	case YYJSON_TYPE_ARR:
		return "an array";
	case YYJSON_TYPE_OBJ:
		return "an object";
	default:
		return "nothing";
	}
}

static bool type_fits(yyjson_val *value, enum member_type type) {
	switch (type) {
	case MEMBER_ANY:
		return true;
	case MEMBER_STRING:
		return yyjson_is_str(value);
	case MEMBER_INTEGER:
		return yyjson_is_int(value) && (yyjson_is_sint(value) || yyjson_get_uint(value) <= INT64_MAX);
	case MEMBER_BOOL:
		return yyjson_is_bool(value);
	case MEMBER_OBJECT:
		return yyjson_is_obj(value);
	case MEMBER_ARRAY:
		return yyjson_is_arr(value);
	}
	return false;
}

enum err members_read(yyjson_val *object, const struct member_rule *rules, size_t count, yyjson_val **values,
		      const char *what, struct error *error) {
	memset(values, 0, count * sizeof(*values));
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(object, &iter)) return ERR_OK;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str name = json_str(key);
		for (size_t i = 0; i < count; i++) {
			if (name.len != rules[i].name.len || !str_eq_nocase(name, rules[i].name)) continue;
			yyjson_val *value = yyjson_obj_iter_get_val(key);
			enum member_type type = rules[i].type;
			if (type != MEMBER_ANY && yyjson_is_null(value)) break;
			if (!type_fits(value, type))
				return error_set(error, ERR_INVALID, "%s%.*s should be %s, got %s", what,
						 STR_ARG(rules[i].name), type_texts[type], json_type_text(value));
			values[i] = value;
			break;
		}
	}
	return ERR_OK;
}
