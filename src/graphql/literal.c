// Whether literals fit the types of the places they stand in.
#include "graphql/scalars.h"
#include "graphql/suggest.h"
#include "graphql/validate.h"

struct check {
	const struct gql_schema *schema;
	struct arena *arena;
	struct gql_errors *errors;
};

static bool fits(const struct check *c, const struct gql_literal *literal, const struct gql_ref *ref);

// Always false.
static bool fail_type(const struct check *c, const struct gql_literal *literal, const char *type, const char *reason) {
	struct str shown = gql_literal_show(c->arena, literal);
	INVALID(c, literal->location, "Expected value of type \"%s\", found %.*s.%s%.300s", type, STR_ARG(shown),
		reason[0] != '\0' ? " " : "", reason);
	return false;
}

// ---- scalars -------------------------------------------------------------------------------------------------------

static bool builtin_fits(const struct check *c, const struct gql_literal *literal, const struct gql_builtin *builtin) {
	yyjson_val value = {0};
	bool is_kind = (builtin->kinds >> literal->kind & 1) != 0;
	if (is_kind && builtin->of_literal(literal, &value)) return true;
	struct str shown = gql_literal_show(c->arena, literal);
	const char *complaint = builtin->complaint;
	if (is_kind && literal->kind == GQL_LITERAL_INT && strcmp(builtin->name, "Int") == 0)
		complaint = "Int cannot represent non 32-bit signed integer value";
	INVALID(c, literal->location, "%s: %.*s", complaint, STR_ARG(shown));
	return false;
}

// With variables in it, it is looked at when they have values.
static bool scalar_fits(const struct check *c, const struct gql_literal *literal, const struct gql_type *type) {
	const struct gql_builtin *builtin = gql_builtin_of(type);
	struct error error = {.message = ""};
	if (builtin != NULL) return builtin_fits(c, literal, builtin);
	if (gql_literal_has_variable(literal)) return true;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	CHECK(doc != NULL);
	yyjson_mut_val *value = gql_literal_json(doc, literal, NULL);
	bool good = value != NULL && gql_type_accepts(type, value, &error);
	yyjson_mut_doc_free(doc);
	return good || fail_type(c, literal, type->name, error.message);
}

// ---- enums and input types -----------------------------------------------------------------------------------------

static bool enum_fits(const struct check *c, const struct gql_literal *literal, const struct gql_type *type) {
	bool is_name = literal->kind == GQL_LITERAL_ENUM;
	if (is_name && gql_enum_has(type, literal->text)) return true;
	struct gql_suggestions similar;
	gql_suggest_init(&similar, literal->text);
	for (const struct gql_enum_value *value = type->values; value->name != NULL; value++)
		gql_suggest(&similar, value->name);
	struct str hint = gql_did_you_mean(c->arena, &similar, "the enum value ");
	struct str shown = gql_literal_show(c->arena, literal);
	if (is_name) {
		INVALID(c, literal->location, "Value \"%.*s\" does not exist in \"%s\" enum.%.*s", STR_ARG(shown),
			type->name, STR_ARG(hint));
	} else {
		INVALID(c, literal->location, "Enum \"%s\" cannot represent non-enum value: %.*s.%.*s", type->name,
			STR_ARG(shown), STR_ARG(hint));
	}
	return false;
}

static bool member_fits(const struct check *c, const struct gql_argument *member, const struct gql_type *type) {
	const struct gql_input *input = gql_input_find(type->inputs, member->name);
	if (input != NULL) return fits(c, &member->value, gql_ref_of_text(c->schema, input->type));
	struct gql_suggestions similar;
	gql_suggest_init(&similar, member->name);
	for (input = type->inputs; input->name != NULL; input++) gql_suggest(&similar, input->name);
	struct str hint = gql_did_you_mean(c->arena, &similar, "");
	INVALID(c, member->location, "Field \"%.*s\" is not defined by type \"%s\".%.*s", SHOWN(member->name),
		type->name, STR_ARG(hint));
	return false;
}

static bool has_member(const struct gql_literal *literal, const char *name) {
	for (size_t i = 0; i < literal->count; i++) {
		if (str_eq_cstr(literal->members[i].name, name)) return true;
	}
	return false;
}

static bool object_fits(const struct check *c, const struct gql_literal *literal, const struct gql_type *type) {
	bool good = true;
	if (literal->kind != GQL_LITERAL_OBJECT) return fail_type(c, literal, type->name, "");
	for (size_t i = 0; i < literal->count; i++) good = member_fits(c, &literal->members[i], type) && good;
	for (const struct gql_input *input = type->inputs; input->name != NULL; input++) {
		bool is_required = gql_ref_of_text(c->schema, input->type)->is_required && input->fallback == NULL;
		if (!is_required || has_member(literal, input->name)) continue;
		INVALID(c, literal->location, "Field \"%s.%s\" of required type \"%s\" was not provided.", type->name,
			input->name, input->type);
		good = false;
	}
	return good;
}

// ---- any type ------------------------------------------------------------------------------------------------------

// A value that is no list stands for a list of one.
static bool list_fits(const struct check *c, const struct gql_literal *literal, const struct gql_ref *of) {
	bool good = true;
	if (literal->kind != GQL_LITERAL_LIST) return fits(c, literal, of);
	for (size_t i = 0; i < literal->count; i++) good = fits(c, &literal->items[i], of) && good;
	return good;
}

static bool fits(const struct check *c, const struct gql_literal *literal, const struct gql_ref *ref) {
	if (literal->kind == GQL_LITERAL_VARIABLE) return true;
	if (literal->kind == GQL_LITERAL_NULL) return !ref->is_required || fail_type(c, literal, ref->text, "");
	if (ref->of != NULL) return list_fits(c, literal, ref->of);
	if (ref->type->kind == GQL_ENUM) return enum_fits(c, literal, ref->type);
	if (ref->type->kind == GQL_INPUT_TYPE) return object_fits(c, literal, ref->type);
	return ref->type->kind != GQL_SCALAR || scalar_fits(c, literal, ref->type);
}

bool gql_literal_fits(const struct gql_schema *schema, struct arena *arena, const struct gql_literal *literal,
		      const struct gql_ref *ref, struct gql_errors *errors) {
	struct check check = {schema, arena, errors};
	return ref == NULL || fits(&check, literal, ref);
}
