#include "model/fields.h"

#include "model/members.h"
#include "model/utf8.h"

#define NAME_SHOWN_MAX 64u // bytes of a client's name in a message

static const char *const type_texts[] = {
	[FIELD_STRING] = "a string", [FIELD_INT64] = "a 64-bit integer", [FIELD_OBJECT] = "an object",
	[FIELD_ARRAY] = "an array",  [FIELD_ANY] = "any value",
};

static bool int64_read(yyjson_val *value, int64_t *out) {
	if (yyjson_is_str(value)) return str_to_i64(json_str(value), out);
	if (yyjson_is_real(value)) {
		double number = yyjson_get_real(value);
		if (!(number >= -0x1p63 && number < 0x1p63)) return false;
		*out = (int64_t)number;
		return (double)*out == number;
	}
	if (!yyjson_is_int(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX)) return false;
	*out = yyjson_is_uint(value) ? (int64_t)yyjson_get_uint(value) : yyjson_get_sint(value);
	return true;
}

int64_t fields_int64(yyjson_val *value) {
	int64_t number = 0;
	return int64_read(value, &number) ? number : 0;
}

static bool type_fits(yyjson_val *value, enum field_type type) {
	int64_t number;
	switch (type) {
	case FIELD_STRING:
		return yyjson_is_str(value);
	case FIELD_INT64:
		return int64_read(value, &number);
	case FIELD_OBJECT:
		return yyjson_is_obj(value);
	case FIELD_ARRAY:
		return yyjson_is_arr(value);
	case FIELD_ANY:
		return true;
	}
	return false;
}

static const struct field_rule *rule_find(const struct field_rule *rules, size_t count, struct str name) {
	for (size_t i = 0; i < count; i++) {
		if (str_eq(name, rules[i].name) || (name.len > 0 && str_eq(name, rules[i].snake))) return &rules[i];
	}
	return NULL;
}

// `seen` has a bit for each rule.
static enum err field_read(yyjson_val *key, const struct field_rule *rules, size_t count, yyjson_val **values,
			   uint64_t *seen, struct error *error) {
	struct str name = utf8_clip(json_str(key), NAME_SHOWN_MAX);
	const struct field_rule *rule = rule_find(rules, count, json_str(key));
	if (rule == NULL) return error_set(error, ERR_INVALID, "unknown field \"%.*s\"", STR_ARG(name));
	size_t index = (size_t)(rule - rules);
	if ((*seen >> index & 1) != 0) return error_set(error, ERR_INVALID, "duplicate field \"%.*s\"", STR_ARG(name));
	*seen |= UINT64_C(1) << index;
	yyjson_val *value = yyjson_obj_iter_get_val(key);
	if (yyjson_is_null(value)) return ERR_OK;
	if (!type_fits(value, rule->type))
		return error_set(error, ERR_INVALID, "invalid value for field \"%.*s\": it should be %s, got %s",
				 STR_ARG(name), type_texts[rule->type], json_type_text(value));
	values[index] = value;
	return ERR_OK;
}

enum err fields_read(yyjson_val *object, const struct field_rule *rules, size_t count, yyjson_val **values,
		     struct error *error) {
	memset(values, 0, count * sizeof *values);
	if (!yyjson_is_obj(object))
		return error_set(error, ERR_INVALID, "it should be an object, got %s", json_type_text(object));
	uint64_t seen = 0;
	enum err err = ERR_OK;
	yyjson_obj_iter iter = yyjson_obj_iter_with(object);
	for (yyjson_val *key; err == ERR_OK && (key = yyjson_obj_iter_next(&iter)) != NULL;)
		err = field_read(key, rules, count, values, &seen, error);
	return err;
}
