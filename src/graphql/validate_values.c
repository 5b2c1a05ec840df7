// Arguments and the values in them; and which variables stand where.
#include "graphql/array.h"
#include "graphql/suggest.h"
#include "graphql/validate.h"

static void check_unique(struct gql_validator *v, const struct gql_argument *arguments, size_t count,
			 const char *what) {
	struct gql_names names;
	if (count < 2) return;
	gql_names_init(&names, v->arena, count);
	for (size_t i = 0; i < count; i++) {
		if (!gql_names_add(&names, arguments[i].name, NULL))
			INVALID(v, arguments[i].location, "There can be only one %s named \"%.*s\".", what,
				SHOWN(arguments[i].name));
	}
}

// ---- values --------------------------------------------------------------------------------------------------------

static void note_members(struct gql_validator *v, const struct gql_literal *literal, const struct gql_ref *ref);

// Members of objects have names of their own, whatever the type; variables are noted with the type wanted there.
static void note(struct gql_validator *v, const struct gql_literal *literal, const struct gql_ref *ref,
		 bool has_fallback) {
	if (literal->kind == GQL_LITERAL_VARIABLE) {
		struct gql_usage usage = {literal, ref, has_fallback};
		GQL_PUSH(v->arena, v->part->usages, v->part->usage_count, usage);
	} else if (literal->kind == GQL_LITERAL_LIST) {
		const struct gql_ref *of = ref != NULL ? ref->of : NULL;
		for (size_t i = 0; i < literal->count; i++) note(v, &literal->items[i], of, false);
	} else if (literal->kind == GQL_LITERAL_OBJECT) {
		note_members(v, literal, ref);
	}
}

static void note_members(struct gql_validator *v, const struct gql_literal *literal, const struct gql_ref *ref) {
	// One object may stand for a list of one.
	const struct gql_type *type = ref != NULL ? gql_ref_named(ref) : NULL;
	bool is_input = type != NULL && type->kind == GQL_INPUT_TYPE;
	check_unique(v, literal->members, literal->count, "input field");
	for (size_t i = 0; i < literal->count; i++) {
		const struct gql_argument *member = &literal->members[i];
		const struct gql_input *input = is_input ? gql_input_find(type->inputs, member->name) : NULL;
		const struct gql_ref *wanted = input != NULL ? gql_ref_of_text(v->schema, input->type) : NULL;
		note(v, &member->value, wanted, input != NULL && input->fallback != NULL);
	}
}

void gql_check_value(struct gql_validator *v, const struct gql_literal *literal, const struct gql_ref *ref,
		     bool has_fallback) {
	note(v, literal, ref, has_fallback);
	(void)gql_literal_fits(v->schema, v->arena, literal, ref, v->errors);
}

// ---- arguments -----------------------------------------------------------------------------------------------------

static void unknown_argument(struct gql_validator *v, const struct gql_call_site *site, const struct gql_input *inputs,
			     const struct gql_argument *argument) {
	struct gql_suggestions similar;
	gql_suggest_init(&similar, argument->name);
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++)
		gql_suggest(&similar, input->name);
	struct str hint = gql_did_you_mean(v->arena, &similar, "");
	if (site->parent != NULL) {
		INVALID(v, argument->location, "Unknown argument \"%.*s\" on field \"%s.%.*s\".%.*s",
			SHOWN(argument->name), site->parent->name, SHOWN(site->name), STR_ARG(hint));
	} else {
		INVALID(v, argument->location, "Unknown argument \"%.*s\" on directive \"@%.*s\".%.*s",
			SHOWN(argument->name), SHOWN(site->name), STR_ARG(hint));
	}
}

static bool is_given(const struct gql_argument *arguments, size_t count, const char *name) {
	for (size_t i = 0; i < count; i++) {
		if (str_eq_cstr(arguments[i].name, name)) return true;
	}
	return false;
}

static void missing_argument(struct gql_validator *v, const struct gql_call_site *site, const struct gql_input *input) {
	const char *what = site->parent != NULL ? "Field \"" : "Directive \"@";
	INVALID(v, site->location, "%s%.*s\" argument \"%s\" of type \"%s\" is required, but it was not provided.",
		what, SHOWN(site->name), input->name, input->type);
}

void gql_check_arguments(struct gql_validator *v, const struct gql_call_site *site, const struct gql_input *inputs,
			 const struct gql_argument *arguments, size_t count) {
	check_unique(v, arguments, count, "argument");
	for (size_t i = 0; i < count; i++) {
		const struct gql_input *input = gql_input_find(inputs, arguments[i].name);
		if (input == NULL) {
			unknown_argument(v, site, inputs, &arguments[i]);
			note(v, &arguments[i].value, NULL, false);
		} else {
			gql_check_value(v, &arguments[i].value, gql_ref_of_text(v->schema, input->type),
					input->fallback != NULL);
		}
	}
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++) {
		bool is_required = gql_ref_of_text(v->schema, input->type)->is_required && input->fallback == NULL;
		if (is_required && !is_given(arguments, count, input->name)) missing_argument(v, site, input);
	}
}

void gql_note_arguments(struct gql_validator *v, const struct gql_argument *arguments, size_t count) {
	check_unique(v, arguments, count, "argument");
	for (size_t i = 0; i < count; i++) note(v, &arguments[i].value, NULL, false);
}
