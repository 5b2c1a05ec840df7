// Values of variables and arguments: what the client gave, as the types want it.
//
// Of a variable comes JSON that may be wrong in any way; literals have been validated, and only the variables in them
// may still surprise. NULL from the functions below means that an error was added.
#include "graphql/names.h"
#include "graphql/scalars.h"

#define CODE "GRAPHQL_VALIDATION_FAILED"

struct coercion {
	const struct gql_schema *schema;
	yyjson_mut_doc *doc;
	struct gql_errors *errors;
	struct arena *arena;       // of messages; NULL: literals
	yyjson_mut_val *variables; // of literals
};

static struct str key_text(const char *name) {
	return str_from_cstr(name);
}

// ---- JSON of the client --------------------------------------------------------------------------------------------

// The steps stand on the stack until there is an error.
static const struct gql_step *keep_path(struct arena *arena, const struct gql_step *last) {
	const struct gql_step *kept = NULL, **link = &kept;
	for (; last != NULL; last = last->parent) {
		struct gql_step *step = ARENA_NEW(arena, struct gql_step);
		*step = (struct gql_step){.key = arena_dup(arena, gql_clip(last->key)), .index = last->index};
		*link = step;
		link = &step->parent;
	}
	return kept;
}

static yyjson_mut_val *fail_at(struct coercion *c, const struct gql_step *path, struct str message) {
	if (c->errors->count >= GQL_ERRORS_MAX) return NULL;
	struct gql_error *error = gql_error_add(c->errors);
	error->message = message;
	error->path = keep_path(c->arena, path);
	error->code = CODE;
	return NULL;
}

static const char *kind_of(yyjson_val *value) {
	if (yyjson_is_str(value)) return "string";
	if (yyjson_is_num(value)) return "number";
	if (yyjson_is_bool(value)) return "bool";
	return yyjson_is_arr(value) ? "list" : "map";
}

static yyjson_mut_val *fail_use(struct coercion *c, yyjson_val *value, const struct gql_type *type,
				const struct gql_step *path) {
	return fail_at(c, path, arena_printf(c->arena, "cannot use %s as %s", kind_of(value), type->name));
}

static yyjson_mut_val *value_of(struct coercion *c, yyjson_val *value, const struct gql_ref *ref,
				const struct gql_step *path);
static yyjson_mut_val *fallback_of(const struct coercion *c, const struct gql_input *input);

static yyjson_mut_val *scalar_of(struct coercion *c, yyjson_val *value, const struct gql_type *type,
				 const struct gql_step *path) {
	const struct gql_builtin *builtin = gql_builtin_of(type);
	struct error error = {.message = ""};
	if (builtin != NULL) {
		yyjson_mut_val *made = builtin->of_json(c->doc, value);
		return made != NULL ? made : fail_use(c, value, type, path);
	}
	if (type->accepts == NULL || type->accepts(value, &error)) return yyjson_val_mut_copy(c->doc, value);
	if (error.message[0] == '\0') return fail_use(c, value, type, path);
	return fail_at(c, path, arena_dup(c->arena, str_from_cstr(error.message)));
}

static yyjson_mut_val *enum_of(struct coercion *c, yyjson_val *value, const struct gql_type *type,
			       const struct gql_step *path) {
	struct str name = json_str(value);
	if (!yyjson_is_str(value)) return fail_use(c, value, type, path);
	if (gql_enum_has(type, name)) return yyjson_val_mut_copy(c->doc, value);
	return fail_at(c, path, arena_printf(c->arena, "%.*s is not a valid %s", STR_ARG(gql_clip(name)), type->name));
}

// One member that the type has; *out stays NULL when it has no value.
static bool member_of(struct coercion *c, yyjson_val *object, const struct gql_input *input,
		      const struct gql_step *path, yyjson_mut_val **out) {
	const struct gql_ref *ref = gql_ref_of_text(c->schema, input->type);
	yyjson_val *given = json_get_exact(object, key_text(input->name));
	if (given != NULL) {
		*out = value_of(c, given, ref, path);
	} else if (input->fallback != NULL) {
		*out = fallback_of(c, input);
	} else if (ref->is_required) {
		fail_at(c, path, STR("must be defined"));
	} else {
		return true;
	}
	return *out != NULL;
}

static bool has_unknown(struct coercion *c, yyjson_val *object, const struct gql_type *type,
			const struct gql_step *path) {
	yyjson_obj_iter keys = yyjson_obj_iter_with(object);
	bool found = false;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&keys)) != NULL;) {
		if (gql_input_find(type->inputs, json_str(key)) != NULL) continue;
		struct gql_step step = {.key = json_str(key), .parent = path};
		fail_at(c, &step, STR("unknown field"));
		found = true;
	}
	return found;
}

static yyjson_mut_val *object_of(struct coercion *c, yyjson_val *value, const struct gql_type *type,
				 const struct gql_step *path) {
	if (!yyjson_is_obj(value)) return fail_at(c, path, arena_printf(c->arena, "must be a %s", type->name));
	bool good = !has_unknown(c, value, type, path);
	yyjson_mut_val *object = yyjson_mut_obj(c->doc);
	for (const struct gql_input *input = type->inputs; input->name != NULL; input++) {
		struct gql_step step = {.key = key_text(input->name), .parent = path};
		yyjson_mut_val *member = NULL;
		good = member_of(c, value, input, &step, &member) && good;
		if (member != NULL) yyjson_mut_obj_add_val(c->doc, object, input->name, member);
	}
	return good ? object : NULL;
}

// A value that is no list stands for a list of one.
static yyjson_mut_val *list_of(struct coercion *c, yyjson_val *value, const struct gql_ref *of,
			       const struct gql_step *path) {
	yyjson_mut_val *list = yyjson_mut_arr(c->doc), *made;
	bool good = true;
	if (!yyjson_is_arr(value)) {
		made = value_of(c, value, of, path);
		return made != NULL && yyjson_mut_arr_append(list, made) ? list : NULL;
	}
	yyjson_arr_iter items = yyjson_arr_iter_with(value);
	for (size_t i = 0; (value = yyjson_arr_iter_next(&items)) != NULL; i++) {
		struct gql_step step = {.index = i, .parent = path};
		made = value_of(c, value, of, &step);
		good = made != NULL && yyjson_mut_arr_append(list, made) && good;
		if (c->errors->count >= GQL_ERRORS_MAX) break;
	}
	return good ? list : NULL;
}

static yyjson_mut_val *value_of(struct coercion *c, yyjson_val *value, const struct gql_ref *ref,
				const struct gql_step *path) {
	if (yyjson_is_null(value))
		return ref->is_required ? fail_at(c, path, STR("cannot be null")) : yyjson_mut_null(c->doc);
	if (ref->of != NULL) return list_of(c, value, ref->of, path);
	if (ref->type->kind == GQL_ENUM) return enum_of(c, value, ref->type, path);
	if (ref->type->kind == GQL_INPUT_TYPE) return object_of(c, value, ref->type, path);
	return scalar_of(c, value, ref->type, path);
}

// ---- literals ------------------------------------------------------------------------------------------------------

static yyjson_mut_val *literal_of(const struct coercion *c, const struct gql_literal *literal,
				  const struct gql_ref *ref);

static yyjson_mut_val *fail_literal(const struct coercion *c, struct gql_location at, struct str message) {
	struct gql_error *error = gql_error_add(c->errors);
	error->message = message;
	error->location = at;
	error->code = CODE;
	return NULL;
}

// NULL, and no error: it has no value.
static yyjson_mut_val *variable_of(const struct coercion *c, const struct gql_literal *literal) {
	if (literal->kind != GQL_LITERAL_VARIABLE) return NULL;
	return yyjson_mut_obj_getn(c->variables, literal->text.ptr, literal->text.len);
}

static yyjson_mut_val *scalar_literal(const struct coercion *c, const struct gql_literal *literal,
				      const struct gql_type *type) {
	const struct gql_builtin *builtin = gql_builtin_of(type);
	struct error error;
	yyjson_val value = {0};
	if (builtin != NULL) {
		bool good = (builtin->kinds >> literal->kind & 1) != 0 && builtin->of_literal(literal, &value);
		if (good) return gql_json_mutable(c->doc, &value);
	} else {
		yyjson_mut_val *made = gql_literal_json(c->doc, literal, c->variables);
		if (made != NULL && (!gql_literal_has_variable(literal) || gql_type_accepts(type, made, &error)))
			return made;
	}
	return fail_literal(c, literal->location, STR("The type does not accept this value."));
}

static yyjson_mut_val *list_literal(const struct coercion *c, const struct gql_literal *literal,
				    const struct gql_ref *of) {
	yyjson_mut_val *list = yyjson_mut_arr(c->doc), *made;
	if (literal->kind != GQL_LITERAL_LIST) {
		made = literal_of(c, literal, of);
		return made != NULL && yyjson_mut_arr_append(list, made) ? list : NULL;
	}
	for (size_t i = 0; i < literal->count; i++) {
		made = literal_of(c, &literal->items[i], of);
		if (made == NULL || !yyjson_mut_arr_append(list, made)) return NULL;
	}
	return list;
}

// What was given for an input, else its fallback. False with an error; *out stays NULL when it has no value.
static bool input_of(const struct coercion *c, const struct gql_input *input, const struct gql_argument *given,
		     struct gql_location at, yyjson_mut_val **out) {
	const struct gql_ref *ref = gql_ref_of_text(c->schema, input->type);
	bool is_given =
		given != NULL && (given->value.kind != GQL_LITERAL_VARIABLE || variable_of(c, &given->value) != NULL);
	if (is_given) {
		*out = literal_of(c, &given->value, ref);
	} else if (input->fallback != NULL) {
		*out = fallback_of(c, input);
	} else if (ref->is_required) {
		*out = fail_literal(c, given != NULL ? given->location : at, STR("must be defined"));
	} else {
		return true;
	}
	return *out != NULL;
}

static const struct gql_argument *find(const struct gql_argument *arguments, size_t count, const char *name) {
	for (size_t i = 0; i < count; i++) {
		if (str_eq_cstr(arguments[i].name, name)) return &arguments[i];
	}
	return NULL;
}

static yyjson_mut_val *inputs_of(const struct coercion *c, const struct gql_input *inputs,
				 const struct gql_argument *arguments, size_t count, struct gql_location at) {
	yyjson_mut_val *object = yyjson_mut_obj(c->doc);
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++) {
		yyjson_mut_val *value = NULL;
		if (!input_of(c, input, find(arguments, count, input->name), at, &value)) return NULL;
		if (value != NULL) yyjson_mut_obj_add_val(c->doc, object, input->name, value);
	}
	return object;
}

static yyjson_mut_val *enum_literal(const struct coercion *c, const struct gql_literal *literal,
				    const struct gql_type *type) {
	if (literal->kind == GQL_LITERAL_ENUM && gql_enum_has(type, literal->text))
		return yyjson_mut_strn(c->doc, literal->text.ptr, literal->text.len);
	return fail_literal(c, literal->location, STR("The type does not accept this value."));
}

// A variable has been coerced to its own type already, so that only a null can be wrong.
static yyjson_mut_val *variable_literal(const struct coercion *c, const struct gql_literal *literal,
					const struct gql_ref *ref) {
	yyjson_mut_val *value = variable_of(c, literal);
	if (ref->is_required && (value == NULL || yyjson_mut_is_null(value)))
		return fail_literal(c, literal->location, STR("cannot be null"));
	return value != NULL ? gql_json_share(c->doc, value) : yyjson_mut_null(c->doc);
}

static yyjson_mut_val *literal_of(const struct coercion *c, const struct gql_literal *literal,
				  const struct gql_ref *ref) {
	if (literal->kind == GQL_LITERAL_VARIABLE) return variable_literal(c, literal, ref);
	if (literal->kind == GQL_LITERAL_NULL)
		return ref->is_required ? fail_literal(c, literal->location, STR("cannot be null"))
					: yyjson_mut_null(c->doc);
	if (ref->of != NULL) return list_literal(c, literal, ref->of);
	if (ref->type->kind == GQL_ENUM) return enum_literal(c, literal, ref->type);
	if (ref->type->kind == GQL_SCALAR) return scalar_literal(c, literal, ref->type);
	if (literal->kind != GQL_LITERAL_OBJECT)
		return fail_literal(c, literal->location, STR("The type does not accept this value."));
	return inputs_of(c, ref->type->inputs, literal->members, literal->count, literal->location);
}

// The tables' fallbacks are texts, checked when the schema was made. What is made must not borrow from the copy that
// is parsed here.
static yyjson_mut_val *fallback_of(const struct coercion *c, const struct gql_input *input) {
	struct arena arena;
	struct gql_literal literal;
	struct coercion inner = *c;
	arena_init(&arena, 0);
	yyjson_mut_val *value = NULL;
	inner.variables = NULL;
	if (gql_parse_literal(&arena, str_from_cstr(input->fallback), &literal, c->errors))
		value = literal_of(&inner, &literal, gql_ref_of_text(c->schema, input->type));
	if (value != NULL) value = yyjson_mut_val_mut_copy(c->doc, value);
	arena_free(&arena);
	return value;
}

// ---- operations and fields -----------------------------------------------------------------------------------------

// What the client gave for each variable: one pass over what may be far more members than there are variables.
static yyjson_val **assign(struct arena *arena, const struct gql_operation *operation, yyjson_val *given) {
	struct gql_names names;
	yyjson_val **values = ARENA_ARRAY(arena, yyjson_val *, operation->variable_count);
	gql_names_init(&names, arena, operation->variable_count);
	for (size_t i = 0; i < operation->variable_count; i++) {
		size_t number = i;
		(void)gql_names_add(&names, operation->variables[i].name, &number);
	}
	yyjson_obj_iter keys = yyjson_obj_iter_with(given);
	if (!yyjson_is_obj(given)) return values;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&keys)) != NULL;) {
		size_t number;
		if (gql_names_find(&names, json_str(key), &number)) values[number] = yyjson_obj_iter_get_val(key);
	}
	return values;
}

static bool set_variable(struct coercion *c, const struct gql_variable *variable, yyjson_val *given,
			 yyjson_mut_val *out) {
	static const struct gql_step root = {.key = STR_INIT("variable")};
	struct gql_step path = {.key = variable->name, .parent = &root};
	const struct gql_ref *ref = gql_ref_of_name(c->schema, c->arena, &variable->type);
	yyjson_mut_val *value;
	CHECK(ref != NULL);
	if (given != NULL) {
		value = value_of(c, given, ref, &path);
	} else if (variable->has_fallback) {
		value = literal_of(c, &variable->fallback, ref);
	} else if (ref->is_required) {
		value = fail_at(c, &path, STR("must be defined"));
	} else {
		return true;
	}
	if (value == NULL) return false;
	return yyjson_mut_obj_add(out, yyjson_mut_strn(c->doc, variable->name.ptr, variable->name.len), value);
}

yyjson_mut_val *gql_coerce_variables(const struct gql_schema *schema, struct arena *arena, yyjson_mut_doc *doc,
				     const struct gql_operation *operation, yyjson_val *given,
				     struct gql_errors *errors) {
	struct coercion c = {.schema = schema, .doc = doc, .errors = errors, .arena = arena};
	yyjson_val **values = assign(arena, operation, given);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	bool good = true;
	for (size_t i = 0; i < operation->variable_count; i++)
		good = set_variable(&c, &operation->variables[i], values[i], out) && good;
	return good ? out : NULL;
}

yyjson_mut_val *gql_coerce_arguments(const struct gql_schema *schema, yyjson_mut_doc *doc,
				     const struct gql_input *inputs, const struct gql_argument *arguments, size_t count,
				     yyjson_mut_val *variables, struct gql_errors *errors) {
	struct coercion c = {.schema = schema, .doc = doc, .errors = errors, .variables = variables};
	return inputs_of(&c, inputs, arguments, count, count > 0 ? arguments[0].location : (struct gql_location){0});
}
