// What can be wrong with tables. The types of fields and inputs are known already: schema.c has resolved them.
#include "graphql/internal.h"

#define FAIL(...) error_set(error, ERR_INVALID, __VA_ARGS__)

static bool is_name(const char *text) {
	static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char others[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	if (text == NULL || text[0] == '\0' || strchr(letters, text[0]) == NULL) return false;
	return text[strspn(text, others)] == '\0';
}

// Names of which two are the same, whatever the structures that hold them.
static enum err check_names(const char *owner, const void *first, size_t stride, struct error *error) {
	const char *at = first;
	const char *name, *other;
	for (size_t i = 0; memcpy(&name, at + i * stride, sizeof name), name != NULL; i++) {
		if (!is_name(name)) return FAIL("%s: %s is no name", owner, name);
		for (size_t k = 0; k < i; k++) {
			memcpy(&other, at + k * stride, sizeof other);
			if (strcmp(name, other) == 0) return FAIL("%s: %s is there twice", owner, name);
		}
	}
	return ERR_OK;
}
// The name is the first member of each of them.
#define CHECK_NAMES(owner, array, error) check_names((owner), (array), sizeof *(array), (error))
_Static_assert(offsetof(struct gql_field, name) == 0 && offsetof(struct gql_input, name) == 0 &&
		       offsetof(struct gql_enum_value, name) == 0,
	       "the name comes first");

// ---- inputs --------------------------------------------------------------------------------------------------------

static enum err check_fallback(const struct gql_schema *schema, const char *owner, const struct gql_input *input,
			       struct error *error) {
	struct arena arena = {0};
	struct gql_errors errors = {.count = 0};
	struct gql_literal literal;
	const struct gql_ref *ref = gql_ref_of_text(schema, input->type);
	bool fits = gql_parse_literal(&arena, str_from_cstr(input->fallback), &literal, &errors) &&
		    gql_literal_fits(schema, &arena, &literal, ref, &errors);
	if (!fits) (void)FAIL("%s(%s): %s is no %s", owner, input->name, input->fallback, input->type);
	arena_free(&arena);
	return fits ? ERR_OK : ERR_INVALID;
}

static enum err check_inputs(const struct gql_schema *schema, const char *owner, const struct gql_input *inputs,
			     struct error *error) {
	enum err err = CHECK_NAMES(owner, inputs, error);
	for (const struct gql_input *input = inputs; err == ERR_OK && input->name != NULL; input++) {
		if (!gql_is_input(gql_ref_named(gql_ref_of_text(schema, input->type)))) {
			return FAIL("%s(%s): %s is no input type", owner, input->name, input->type);
		}
		if (input->fallback != NULL) err = check_fallback(schema, owner, input, error);
	}
	return err;
}

// ---- fields --------------------------------------------------------------------------------------------------------

static enum err check_source(const char *owner, const struct gql_field *field, const struct gql_ref *ref,
			     struct error *error) {
	bool is_composite = gql_is_composite(gql_ref_named(ref));
	if (field->resolve != NULL) {
		if (field->member == GQL_MEMBER_NONE) return ERR_OK;
		return FAIL("%s.%s has both a resolver and a member", owner, field->name);
	}
	if (field->member == GQL_MEMBER_NONE) return FAIL("%s.%s has no resolver nor member", owner, field->name);
	if (field->member == GQL_MEMBER_SELF) {
		if (ref->type != NULL && ref->type->kind == GQL_OBJECT_TYPE) return ERR_OK;
	} else if (!is_composite && (ref->type != NULL || field->member == GQL_MEMBER_JSON)) {
		return ERR_OK;
	}
	return FAIL("%s.%s: its member cannot be a %s", owner, field->name, field->type);
}

static enum err check_field(const struct gql_schema *schema, const char *owner, const struct gql_field *field,
			    struct error *error) {
	const struct gql_ref *ref = gql_ref_of_text(schema, field->type);
	if (gql_ref_named(ref)->kind == GQL_INPUT_TYPE) {
		return FAIL("%s.%s: %s is an input type", owner, field->name, field->type);
	}
	enum err err = check_source(owner, field, ref, error);
	if (err == ERR_OK && field->arguments != NULL) {
		err = check_inputs(schema, field->name, field->arguments, error);
		if (err != ERR_OK) error_prefix(error, "%s", owner);
	}
	return err;
}

// ---- types ---------------------------------------------------------------------------------------------------------

static enum err check_object(const struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	if (type->fields == NULL || type->fields->name == NULL) return FAIL("%s has no fields", type->name);
	enum err err = CHECK_NAMES(type->name, type->fields, error);
	for (const struct gql_field *field = type->fields; err == ERR_OK && field->name != NULL; field++) {
		err = check_field(schema, type->name, field, error);
	}
	return err;
}

static enum err check_union(const struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	if (type->members == NULL || *type->members == NULL) return FAIL("%s has no members", type->name);
	enum err err = CHECK_NAMES(type->name, type->members, error);
	for (const char *const *name = type->members; err == ERR_OK && *name != NULL; name++) {
		const struct gql_type *member = gql_type_find(schema, str_from_cstr(*name));
		if (member == NULL || member->kind != GQL_OBJECT_TYPE) {
			return FAIL("%s: its member %s is no object type", type->name, *name);
		}
	}
	return err;
}

static enum err check_input_type(const struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	if (type->inputs == NULL || type->inputs->name == NULL) return FAIL("%s has no fields", type->name);
	return check_inputs(schema, type->name, type->inputs, error);
}

static enum err check_enum(const struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	(void)schema;
	if (type->values == NULL || type->values->name == NULL) return FAIL("%s has no values", type->name);
	return CHECK_NAMES(type->name, type->values, error);
}

static enum err check_scalar(const struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	(void)schema;
	(void)type;
	(void)error;
	return ERR_OK;
}

typedef enum err check_type(const struct gql_schema *schema, const struct gql_type *type, struct error *error);
static check_type *const checks[] = {
	[GQL_SCALAR] = check_scalar, [GQL_OBJECT_TYPE] = check_object,    [GQL_UNION] = check_union,
	[GQL_ENUM] = check_enum,     [GQL_INPUT_TYPE] = check_input_type,
};

enum err gql_schema_check(const struct gql_schema *schema, struct error *error) {
	for (size_t i = 0; i < schema->type_count; i++) {
		const struct gql_type *type = schema->types[i];
		if (!is_name(type->name)) return FAIL("%s is no name of a type", type->name);
		if (i < schema->table_count && strncmp(type->name, "__", 2) == 0) {
			return FAIL("%s: names with __ are those of introspection", type->name);
		}
		enum err err = checks[type->kind](schema, type, error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}
