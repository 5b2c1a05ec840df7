// Selections: fields are there, fragments fit, directives stand where they may.
#include "graphql/array.h"
#include "graphql/suggest.h"
#include "graphql/validate.h"

// ---- names of types ------------------------------------------------------------------------------------------------

void gql_unknown_type(struct gql_validator *v, struct str name, struct gql_location at) {
	struct gql_suggestions similar;
	gql_suggest_init(&similar, name);
	for (size_t i = 0; i < v->schema->type_count; i++) gql_suggest(&similar, v->schema->types[i]->name);
	struct str hint = gql_did_you_mean(v->arena, &similar, "");
	INVALID(v, at, "Unknown type \"%.*s\".%.*s", SHOWN(name), STR_ARG(hint));
}

const struct gql_type *gql_check_condition(struct gql_validator *v, struct str condition, struct str fragment,
					   struct gql_location at) {
	const struct gql_type *type = gql_type_find(v->schema, condition);
	if (type != NULL && gql_is_composite(type)) return type;
	if (type == NULL) {
		gql_unknown_type(v, condition, at);
	} else if (fragment.len > 0) {
		INVALID(v, at, "Fragment \"%.*s\" cannot condition on non composite type \"%s\".", SHOWN(fragment),
			type->name);
	} else {
		INVALID(v, at, "Fragment cannot condition on non composite type \"%s\".", type->name);
	}
	return NULL;
}

// ---- directives ----------------------------------------------------------------------------------------------------

static void check_directive(struct gql_validator *v, const struct gql_directive *directive, enum gql_place place,
			    uint64_t *seen) {
	const struct gql_directive_type *type = gql_directive_find(directive->name);
	if (type == NULL) {
		INVALID(v, directive->location, "Unknown directive \"@%.*s\".", SHOWN(directive->name));
		gql_note_arguments(v, directive->arguments, directive->argument_count);
		return;
	}
	if ((type->places & (unsigned)place) == 0)
		INVALID(v, directive->location, "Directive \"@%s\" may not be used on %s.", type->name,
			gql_place_name(place));
	uint64_t bit = (uint64_t)1 << (type - gql_directive_types);
	if ((*seen & bit) != 0)
		INVALID(v, directive->location, "The directive \"@%s\" can only be used once at this location.",
			type->name);
	*seen |= bit;
	struct gql_call_site site = {.name = directive->name, .location = directive->location};
	gql_check_arguments(v, &site, type->arguments, directive->arguments, directive->argument_count);
}

void gql_check_directives(struct gql_validator *v, const struct gql_directive *directives, size_t count,
			  enum gql_place place) {
	uint64_t seen = 0; // by number in the table
	for (size_t i = 0; i < count; i++) check_directive(v, &directives[i], place, &seen);
}

// ---- fields --------------------------------------------------------------------------------------------------------

static const struct gql_field *find_field(const struct gql_validator *v, const struct gql_type *parent,
					  struct str name) {
	bool is_root = parent == v->schema->query;
	if (str_eq(name, STR("__typename"))) return &gql_typename_field;
	if (is_root && str_eq(name, STR("__schema"))) return &gql_schema_field;
	if (is_root && str_eq(name, STR("__type"))) return &gql_type_field;
	return gql_field_find(parent, name);
}

// Members of a union that have the field.
static struct str members_hint(struct gql_validator *v, const struct gql_type *parent, struct str name) {
	struct gql_suggestions members;
	gql_suggest_init(&members, name);
	for (const char *const *member = parent->members; *member != NULL; member++) {
		const struct gql_type *type = gql_type_find(v->schema, str_from_cstr(*member));
		if (type != NULL && gql_field_find(type, name) != NULL) gql_suggest_always(&members, *member);
	}
	return gql_did_you_mean(v->arena, &members, "to use an inline fragment on ");
}

static struct str fields_hint(struct gql_validator *v, const struct gql_type *parent, struct str name) {
	struct gql_suggestions similar;
	gql_suggest_init(&similar, name);
	for (const struct gql_field *field = parent->fields; field->name != NULL; field++)
		gql_suggest(&similar, field->name);
	return gql_did_you_mean(v->arena, &similar, "");
}

static void unknown_field(struct gql_validator *v, const struct gql_selection *item, const struct gql_type *parent) {
	struct str hint =
		parent->kind == GQL_UNION ? members_hint(v, parent, item->name) : fields_hint(v, parent, item->name);
	INVALID(v, item->location, "Cannot query field \"%.*s\" on type \"%s\".%.*s", SHOWN(item->name), parent->name,
		STR_ARG(hint));
}

// A selection of its own is there just when the type has fields.
static void check_leaf(struct gql_validator *v, const struct gql_selection *item, const struct gql_type *type) {
	const char *name = item->field->name, *written = item->field->type;
	if (!gql_is_composite(type) && item->children.count > 0)
		INVALID(v, item->location, "Field \"%s\" must not have a selection since type \"%s\" has no subfields.",
			name, written);
	if (gql_is_composite(type) && item->children.count == 0)
		INVALID(v, item->location,
			"Field \"%s\" of type \"%s\" must have a selection of subfields. Did you mean \"%s { ... }\"?",
			name, written, name);
}

static void check_field(struct gql_validator *v, struct gql_selection *item, const struct gql_type *parent) {
	gql_check_directives(v, item->directives, item->directive_count, GQL_ON_FIELD);
	item->field = parent != NULL ? find_field(v, parent, item->name) : NULL;
	if (item->field == NULL) {
		if (parent != NULL) unknown_field(v, item, parent);
		gql_note_arguments(v, item->arguments, item->argument_count);
		gql_check_selections(v, &item->children, NULL);
		return;
	}
	struct gql_call_site site = {parent, item->name, item->location};
	gql_check_arguments(v, &site, item->field->arguments, item->arguments, item->argument_count);
	const struct gql_type *type = gql_ref_named(gql_ref_of_text(v->schema, item->field->type));
	check_leaf(v, item, type);
	gql_check_selections(v, &item->children, gql_is_composite(type) ? type : NULL);
}

// ---- fragments -----------------------------------------------------------------------------------------------------

static bool overlap(const struct gql_type *a, const struct gql_type *b) {
	if (a->kind == GQL_OBJECT_TYPE) return gql_type_is(a, b);
	if (b->kind == GQL_OBJECT_TYPE) return gql_type_is(b, a);
	for (const char *const *name = a->members; *name != NULL; name++) {
		if (gql_union_has(b, str_from_cstr(*name))) return true;
	}
	return false;
}

static void check_overlap(struct gql_validator *v, const struct gql_selection *item, const struct gql_type *parent,
			  const struct gql_type *type) {
	if (parent == NULL || type == NULL || overlap(parent, type)) return;
	if (item->kind == GQL_SELECTION_SPREAD) {
		INVALID(v, item->location,
			"Fragment \"%.*s\" cannot be spread here as objects of type \"%s\" can never be of type "
			"\"%s\".",
			SHOWN(item->name), parent->name, type->name);
	} else {
		INVALID(v, item->location,
			"Fragment cannot be spread here as objects of type \"%s\" can never be of type \"%s\".",
			parent->name, type->name);
	}
}

static void check_inline(struct gql_validator *v, struct gql_selection *item, const struct gql_type *parent) {
	gql_check_directives(v, item->directives, item->directive_count, GQL_ON_INLINE_FRAGMENT);
	if (item->condition.len > 0) {
		item->type = gql_check_condition(v, item->condition, (struct str){NULL, 0}, item->location);
		check_overlap(v, item, parent, item->type);
		parent = item->type;
	}
	gql_check_selections(v, &item->children, parent);
}

static void check_spread(struct gql_validator *v, struct gql_selection *item, const struct gql_type *parent) {
	size_t number;
	gql_check_directives(v, item->directives, item->directive_count, GQL_ON_FRAGMENT_SPREAD);
	if (!gql_names_find(&v->fragments, item->name, &number)) {
		INVALID(v, item->location, "Unknown fragment \"%.*s\".", SHOWN(item->name));
		return;
	}
	item->fragment = &v->document->fragments[number];
	check_overlap(v, item, parent, item->fragment->type);
	GQL_PUSH(v->arena, v->part->spreads, v->part->spread_count, number);
}

void gql_check_selections(struct gql_validator *v, struct gql_selections *selections, const struct gql_type *parent) {
	typedef void check(struct gql_validator *, struct gql_selection *, const struct gql_type *);
	static check *const checks[] = {
		[GQL_SELECTION_FIELD] = check_field,
		[GQL_SELECTION_SPREAD] = check_spread,
		[GQL_SELECTION_INLINE] = check_inline,
	};
	for (size_t i = 0; i < selections->count; i++)
		checks[selections->items[i].kind](v, &selections->items[i], parent);
}
