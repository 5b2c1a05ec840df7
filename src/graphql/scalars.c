#include "graphql/scalars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_BYTES 1024 // a longer one is refused
#define SHOWN_BYTES 100

// ---- literals ------------------------------------------------------------------------------------------------------

static bool real_of(struct str text, double *out) {
	char copy[NUMBER_BYTES];
	if (text.len >= sizeof(copy)) return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, NULL);
	return isfinite(*out);
}

static bool number_of(struct str text, yyjson_val *out) {
	int64_t number;
	uint64_t large;
	double real;
	if (str_to_i64(text, &number)) return yyjson_set_sint(out, number);
	if (str_to_u64(text, &large)) return yyjson_set_uint(out, large);
	return real_of(text, &real) && yyjson_set_real(out, real);
}

bool gql_leaf_json(const struct gql_literal *literal, yyjson_val *out) {
	struct str text = literal->text;
	*out = (yyjson_val){0}; // yyjson sets nothing that looks like a list or an object
	switch (literal->kind) {
	case GQL_LITERAL_INT:
	case GQL_LITERAL_FLOAT:
		return number_of(text, out);
	case GQL_LITERAL_STRING:
	case GQL_LITERAL_ENUM:
		return yyjson_set_strn(out, text.len > 0 ? text.ptr : "", text.len);
	case GQL_LITERAL_BOOL:
		return yyjson_set_bool(out, str_eq(text, STR("true")));
	default:
		return yyjson_set_null(out);
	}
}

yyjson_mut_val *gql_json_mutable(yyjson_mut_doc *doc, const yyjson_val *leaf) {
	yyjson_val copy = *leaf;
	if (yyjson_is_str(&copy)) return yyjson_mut_strn(doc, yyjson_get_str(&copy), yyjson_get_len(&copy));
	return yyjson_val_mut_copy(doc, &copy);
}

static yyjson_mut_val *key_of(yyjson_mut_doc *doc, struct str name) {
	return yyjson_mut_strn(doc, name.ptr, name.len);
}

static yyjson_mut_val *list_json(yyjson_mut_doc *doc, const struct gql_literal *literal, yyjson_mut_val *variables) {
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	for (size_t i = 0; i < literal->count; i++) {
		yyjson_mut_val *item = gql_literal_json(doc, &literal->items[i], variables);
		if (item == NULL || !yyjson_mut_arr_append(list, item)) return NULL;
	}
	return list;
}

static yyjson_mut_val *object_json(yyjson_mut_doc *doc, const struct gql_literal *literal, yyjson_mut_val *variables) {
	yyjson_mut_val *object = yyjson_mut_obj(doc);
	for (size_t i = 0; i < literal->count; i++) {
		const struct gql_argument *member = &literal->members[i];
		yyjson_mut_val *value = gql_literal_json(doc, &member->value, variables);
		if (value == NULL || !yyjson_mut_obj_add(object, key_of(doc, member->name), value)) return NULL;
	}
	return object;
}

yyjson_mut_val *gql_literal_json(yyjson_mut_doc *doc, const struct gql_literal *literal, yyjson_mut_val *variables) {
	yyjson_val leaf = {0};
	if (literal->kind == GQL_LITERAL_LIST) return list_json(doc, literal, variables);
	if (literal->kind == GQL_LITERAL_OBJECT) return object_json(doc, literal, variables);
	if (literal->kind == GQL_LITERAL_VARIABLE) {
		yyjson_mut_val *value = yyjson_mut_obj_getn(variables, literal->text.ptr, literal->text.len);
		return value != NULL ? gql_json_share(doc, value) : yyjson_mut_null(doc);
	}
	return gql_leaf_json(literal, &leaf) ? gql_json_mutable(doc, &leaf) : NULL;
}

bool gql_literal_has_variable(const struct gql_literal *literal) {
	if (literal->kind == GQL_LITERAL_VARIABLE) return true;
	bool is_object = literal->kind == GQL_LITERAL_OBJECT;
	for (size_t i = 0; i < literal->count; i++) {
		if (gql_literal_has_variable(is_object ? &literal->members[i].value : &literal->items[i])) return true;
	}
	return false;
}

// ---- showing -------------------------------------------------------------------------------------------------------

static void show(struct buf *out, const struct gql_literal *literal) {
	bool is_object = literal->kind == GQL_LITERAL_OBJECT;
	if (is_object || literal->kind == GQL_LITERAL_LIST) {
		buf_byte(out, is_object ? '{' : '[');
		for (size_t i = 0; i < literal->count && out->len < SHOWN_BYTES; i++) {
			if (i > 0) buf_lit(out, ", ");
			if (is_object) buf_printf(out, "%.*s: ", STR_ARG(gql_clip(literal->members[i].name)));
			show(out, is_object ? &literal->members[i].value : &literal->items[i]);
		}
		buf_byte(out, is_object ? '}' : ']');
	} else if (literal->kind == GQL_LITERAL_STRING) {
		buf_json_str(out, gql_clip(literal->text));
	} else {
		if (literal->kind == GQL_LITERAL_VARIABLE) buf_byte(out, '$');
		buf_str(out, gql_clip(literal->text));
	}
}

struct str gql_literal_show(struct arena *arena, const struct gql_literal *literal) {
	struct buf text;
	buf_init(&text, 64 * SHOWN_BYTES);
	show(&text, literal);
	struct str copy = arena_dup(arena, gql_clip(buf_view(&text)));
	buf_free(&text);
	return copy;
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

static yyjson_mut_val *share_list(yyjson_mut_doc *doc, yyjson_mut_val *value) {
	yyjson_mut_val *list = yyjson_mut_arr(doc), *item;
	yyjson_mut_arr_iter items = yyjson_mut_arr_iter_with(value);
	while ((item = yyjson_mut_arr_iter_next(&items)) != NULL)
		yyjson_mut_arr_append(list, gql_json_share(doc, item));
	return list;
}

static yyjson_mut_val *share_object(yyjson_mut_doc *doc, yyjson_mut_val *value) {
	yyjson_mut_val *object = yyjson_mut_obj(doc), *key;
	yyjson_mut_obj_iter keys = yyjson_mut_obj_iter_with(value);
	while ((key = yyjson_mut_obj_iter_next(&keys)) != NULL)
		yyjson_mut_obj_add(object, gql_json_share(doc, key),
				   gql_json_share(doc, yyjson_mut_obj_iter_get_val(key)));
	return object;
}

// As deep as JSON that was read: JSON_DEPTH_MAX.
yyjson_mut_val *gql_json_share(yyjson_mut_doc *doc, yyjson_mut_val *value) {
	if (yyjson_mut_is_arr(value)) return share_list(doc, value);
	if (yyjson_mut_is_obj(value)) return share_object(doc, value);
	if (yyjson_mut_is_str(value)) return yyjson_mut_strn(doc, yyjson_mut_get_str(value), yyjson_mut_get_len(value));
	return yyjson_mut_val_mut_copy(doc, value);
}

bool gql_type_accepts(const struct gql_type *type, yyjson_mut_val *value, struct error *error) {
	if (type->accepts == NULL) return true;
	yyjson_doc *copy = yyjson_mut_val_imut_copy(value, NULL);
	CHECK(copy != NULL);
	bool good = type->accepts(yyjson_doc_get_root(copy), error);
	yyjson_doc_free(copy);
	return good;
}

// ---- built-in scalars ----------------------------------------------------------------------------------------------

static bool literal_int(const struct gql_literal *literal, yyjson_val *out) {
	int64_t number;
	*out = (yyjson_val){0};
	return str_to_i64(literal->text, &number) && number >= INT32_MIN && number <= INT32_MAX &&
	       yyjson_set_sint(out, number);
}

static bool literal_float(const struct gql_literal *literal, yyjson_val *out) {
	double number;
	*out = (yyjson_val){0};
	return real_of(literal->text, &number) && yyjson_set_real(out, number);
}

static bool literal_text(const struct gql_literal *literal, yyjson_val *out) {
	*out = (yyjson_val){0};
	return yyjson_set_strn(out, literal->text.len > 0 ? literal->text.ptr : "", literal->text.len);
}

static yyjson_mut_val *json_text(yyjson_mut_doc *doc, yyjson_val *value) {
	return yyjson_is_str(value) ? yyjson_val_mut_copy(doc, value) : NULL;
}

// 5.0 is the integer 5 in JSON.
static yyjson_mut_val *json_int(yyjson_mut_doc *doc, yyjson_val *value) {
	double number = yyjson_get_num(value);
	bool good = yyjson_is_num(value) && number >= INT32_MIN && number <= INT32_MAX && number == floor(number);
	return good ? yyjson_mut_sint(doc, (int64_t)number) : NULL;
}

static yyjson_mut_val *json_float(yyjson_mut_doc *doc, yyjson_val *value) {
	return yyjson_is_num(value) ? yyjson_mut_real(doc, yyjson_get_num(value)) : NULL;
}

static yyjson_mut_val *json_bool(yyjson_mut_doc *doc, yyjson_val *value) {
	return yyjson_is_bool(value) ? yyjson_mut_bool(doc, yyjson_get_bool(value)) : NULL;
}

static yyjson_mut_val *json_id(yyjson_mut_doc *doc, yyjson_val *value) {
	char text[32];
	if (!yyjson_is_int(value)) return json_text(doc, value);
	int len = yyjson_is_uint(value)
			  ? snprintf(text, sizeof(text), "%llu", (unsigned long long)yyjson_get_uint(value))
			  : snprintf(text, sizeof(text), "%lld", (long long)yyjson_get_sint(value));
	return yyjson_mut_strncpy(doc, text, (size_t)len);
}

#define KIND(kind) (1u << GQL_LITERAL_##kind)
static const struct gql_builtin builtins[] = {
	{"Boolean", "Boolean cannot represent a non boolean value", KIND(BOOL), gql_leaf_json, json_bool},
	{"Float", "Float cannot represent non numeric value", KIND(INT) | KIND(FLOAT), literal_float, json_float},
	{"ID", "ID cannot represent a non-string and non-integer value", KIND(INT) | KIND(STRING), literal_text,
	 json_id},
	{"Int", "Int cannot represent non-integer value", KIND(INT), literal_int, json_int},
	{"String", "String cannot represent a non string value", KIND(STRING), literal_text, json_text},
};

const struct gql_builtin *gql_builtin_of(const struct gql_type *type) {
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
		if (strcmp(type->name, builtins[i].name) == 0) return &builtins[i];
	}
	return NULL;
}
