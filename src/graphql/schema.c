// Schemas: the tables' types by name and their type references, resolved once; what can be looked up in them.
#include <stdlib.h>

#include "base/hash.h"
#include "graphql/internal.h"

// What these accept is in scalars.c.
static const struct gql_type scalars[] = {
	{.kind = GQL_SCALAR, .name = "Boolean", .description = "true or false."},
	{.kind = GQL_SCALAR, .name = "Float", .description = "A number of double precision."},
	{.kind = GQL_SCALAR, .name = "ID", .description = "A text that identifies something."},
	{.kind = GQL_SCALAR, .name = "Int", .description = "A whole number."},
	{.kind = GQL_SCALAR, .name = "String", .description = "A text of UTF-8."},
};

// ---- look-ups ------------------------------------------------------------------------------------------------------

struct named {
	struct map_node node;
	const struct gql_type *type;
};
struct interned {
	struct map_node node;
	struct gql_ref ref;
};

static uint64_t hash_of(struct str text) {
	return hash_bytes(text.ptr, text.len);
}

const struct gql_type *gql_type_find(const struct gql_schema *schema, struct str name) {
	for (struct map_node *node = map_first(&schema->by_name, hash_of(name)); node != NULL; node = map_next(node)) {
		const struct named *named = container_of(node, struct named, node);
		if (str_eq_cstr(name, named->type->name)) return named->type;
	}
	return NULL;
}

const struct gql_field *gql_field_find(const struct gql_type *type, struct str name) {
	if (type->kind != GQL_OBJECT_TYPE) return NULL;
	for (const struct gql_field *field = type->fields; field->name != NULL; field++) {
		if (str_eq_cstr(name, field->name)) return field;
	}
	return NULL;
}

const struct gql_input *gql_input_find(const struct gql_input *inputs, struct str name) {
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++) {
		if (str_eq_cstr(name, input->name)) return input;
	}
	return NULL;
}

bool gql_enum_has(const struct gql_type *type, struct str name) {
	for (const struct gql_enum_value *value = type->values; value->name != NULL; value++) {
		if (str_eq_cstr(name, value->name)) return true;
	}
	return false;
}

bool gql_union_has(const struct gql_type *type, struct str name) {
	for (const char *const *member = type->members; *member != NULL; member++) {
		if (str_eq_cstr(name, *member)) return true;
	}
	return false;
}

bool gql_type_is(const struct gql_type *type, const struct gql_type *condition) {
	if (type == condition) return true;
	return condition->kind == GQL_UNION && gql_union_has(condition, str_from_cstr(type->name));
}

// ---- references ----------------------------------------------------------------------------------------------------

static const struct gql_ref *ref_find(const struct gql_schema *schema, struct str text) {
	for (struct map_node *node = map_first(&schema->refs, hash_of(text)); node != NULL; node = map_next(node)) {
		const struct interned *interned = container_of(node, struct interned, node);
		if (str_eq_cstr(text, interned->ref.text)) return &interned->ref;
	}
	return NULL;
}

static const struct gql_ref *ref_intern(struct gql_schema *schema, struct str text);

// False when the text is no reference to a known type.
static bool ref_read(struct gql_schema *schema, struct str text, struct gql_ref *out) {
	*out = (struct gql_ref){0};
	if (str_ends_with(text, STR("!"))) {
		const struct gql_ref *plain = ref_intern(schema, str_first(text, text.len - 1));
		if (plain == NULL || plain->is_required) return false;
		*out = *plain;
		out->is_required = true;
		return true;
	}
	if (str_starts_with(text, STR("[")) && str_ends_with(text, STR("]"))) {
		out->of = ref_intern(schema, (struct str){text.ptr + 1, text.len - 2});
	} else {
		out->type = gql_type_find(schema, text);
	}
	return out->of != NULL || out->type != NULL;
}

static const struct gql_ref *ref_intern(struct gql_schema *schema, struct str text) {
	const struct gql_ref *found = ref_find(schema, text);
	if (found != NULL) return found;
	struct gql_ref ref;
	if (!ref_read(schema, text, &ref)) return NULL;
	struct interned *interned = ARENA_NEW(&schema->arena, struct interned);
	struct str copy = arena_dup(&schema->arena, text);
	ref.text = copy.ptr;
	interned->ref = ref;
	map_insert(&schema->refs, &interned->node, hash_of(text));
	return &interned->ref;
}

const struct gql_ref *gql_ref_of_text(const struct gql_schema *schema, const char *text) {
	return ref_find(schema, str_from_cstr(text));
}

static void name_write(struct buf *out, const struct gql_type_name *name) {
	if (name->of != NULL) {
		buf_byte(out, '[');
		name_write(out, name->of);
		buf_byte(out, ']');
	} else {
		buf_str(out, name->name);
	}
	if (name->is_required) buf_byte(out, '!');
}

static const struct gql_ref *ref_make(const struct gql_schema *schema, struct arena *arena,
				      const struct gql_type_name *name, struct str text) {
	struct gql_ref ref = {.is_required = name->is_required};
	if (name->of != NULL) {
		ref.of = gql_ref_of_name(schema, arena, name->of);
	} else {
		ref.type = gql_type_find(schema, name->name);
	}
	if (ref.of == NULL && ref.type == NULL) return NULL;
	struct str copy = arena_dup(arena, text);
	ref.text = copy.ptr;
	struct gql_ref *made = ARENA_NEW(arena, struct gql_ref);
	*made = ref;
	return made;
}

// Recursion: the parser allows GQL_NESTING_MAX lists in each other.
const struct gql_ref *gql_ref_of_name(const struct gql_schema *schema, struct arena *arena,
				      const struct gql_type_name *name) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	name_write(&text, name);
	const struct gql_ref *ref = ref_find(schema, buf_view(&text));
	if (ref == NULL) ref = ref_make(schema, arena, name, buf_view(&text));
	buf_free(&text);
	return ref;
}

const struct gql_type *gql_ref_named(const struct gql_ref *ref) {
	while (ref->type == NULL) ref = ref->of;
	return ref->type;
}

// ---- making --------------------------------------------------------------------------------------------------------

static int by_name(const void *left, const void *right) {
	const struct gql_type *const *a = left, *const *b = right;
	return strcmp((*a)->name, (*b)->name);
}

static size_t introspection_count(void) {
	size_t count = 0;
	while (gql_introspection_types[count] != NULL) count++;
	return count;
}

static void take_types(struct gql_schema *schema, const struct gql_type *const *tables, size_t count) {
	size_t own = introspection_count();
	schema->types = ARENA_ARRAY(&schema->arena, const struct gql_type *, count + ARRAY_LEN(scalars) + own);
	for (size_t i = 0; i < count; i++) schema->types[schema->type_count++] = tables[i];
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) schema->types[schema->type_count++] = &scalars[i];
	for (size_t i = 0; i < own; i++) schema->types[schema->type_count++] = gql_introspection_types[i];
	schema->table_count = count;
	if (count > 0) qsort(schema->types, count, sizeof *schema->types, by_name);
}

static enum err name_types(struct gql_schema *schema, struct error *error) {
	for (size_t i = 0; i < schema->type_count; i++) {
		const struct gql_type *type = schema->types[i];
		struct str name = str_from_cstr(type->name);
		if (gql_type_find(schema, name) != NULL) {
			return error_set(error, ERR_INVALID, "type %s is there twice", type->name);
		}
		struct named *named = ARENA_NEW(&schema->arena, struct named);
		named->type = type;
		map_insert(&schema->by_name, &named->node, hash_of(name));
	}
	return ERR_OK;
}

// Those of documents that are likely: see `struct gql_ref`.
static void intern_common(struct gql_schema *schema) {
	static const char *const forms[] = {"%s", "%s!", "[%s]!", "[%s!]!"};
	for (size_t i = 0; i < schema->type_count; i++) {
		const struct gql_type *type = schema->types[i];
		size_t count = gql_is_input(type) ? ARRAY_LEN(forms) : 1;
		for (size_t k = 0; k < count; k++) {
			struct buf text;
			buf_init(&text, SIZE_MAX);
			const char *mark = strchr(forms[k], '%');
			buf_append(&text, forms[k], (size_t)(mark - forms[k]));
			buf_str(&text, str_from_cstr(type->name));
			buf_str(&text, str_from_cstr(mark + 2));
			CHECK(ref_intern(schema, buf_view(&text)) != NULL);
			buf_free(&text);
		}
	}
}

static enum err intern_inputs(struct gql_schema *schema, const char *owner, const struct gql_input *inputs,
			      struct error *error) {
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++) {
		if (ref_intern(schema, str_from_cstr(input->type)) != NULL) continue;
		return error_set(error, ERR_INVALID, "%s(%s): unknown type %s", owner, input->name, input->type);
	}
	return ERR_OK;
}

static enum err intern_type(struct gql_schema *schema, const struct gql_type *type, struct error *error) {
	enum err err = intern_inputs(schema, type->name, type->inputs, error);
	for (const struct gql_field *field = type->fields; err == ERR_OK && field != NULL && field->name != NULL;
	     field++) {
		if (ref_intern(schema, str_from_cstr(field->type)) == NULL) {
			return error_set(error, ERR_INVALID, "%s.%s: unknown type %s", type->name, field->name,
					 field->type != NULL ? field->type : "(none)");
		}
		err = intern_inputs(schema, field->name, field->arguments, error);
		if (err != ERR_OK) error_prefix(error, "%s", type->name);
	}
	return err;
}

// Those of fields that no table has.
static void intern_meta(struct gql_schema *schema) {
	const struct gql_field *const fields[] = {&gql_typename_field, &gql_schema_field, &gql_type_field};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		CHECK(ref_intern(schema, str_from_cstr(fields[i]->type)) != NULL);
	}
}

static enum err intern_all(struct gql_schema *schema, struct error *error) {
	intern_common(schema);
	intern_meta(schema);
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < schema->type_count; i++) {
		err = intern_type(schema, schema->types[i], error);
	}
	for (const struct gql_directive_type *type = gql_directive_types; err == ERR_OK && type->name != NULL; type++) {
		err = intern_inputs(schema, type->name, type->arguments, error);
	}
	return err;
}

static enum err find_root(const struct gql_schema *schema, const char *name, const struct gql_type **out,
			  struct error *error) {
	const struct gql_type *type = gql_type_find(schema, str_from_cstr(name));
	if (type == NULL || type->kind != GQL_OBJECT_TYPE) {
		return error_set(error, ERR_INVALID, "root %s is no object type", name);
	}
	*out = type;
	return ERR_OK;
}

enum err gql_schema_new(const struct gql_type *const *tables, size_t count, const char *query, const char *mutation,
			struct gql_schema **out, struct error *error) {
	for (size_t i = 0; i < count; i++) {
		if (tables[i]->name == NULL) return error_set(error, ERR_INVALID, "a type has no name");
	}
	struct gql_schema *schema = mem_calloc(1, sizeof *schema);
	take_types(schema, tables, count);
	enum err err = name_types(schema, error);
	if (err == ERR_OK) err = intern_all(schema, error);
	if (err == ERR_OK) err = find_root(schema, query, &schema->query, error);
	if (err == ERR_OK && mutation != NULL) err = find_root(schema, mutation, &schema->mutation, error);
	if (err == ERR_OK) err = gql_schema_check(schema, error);
	if (err != ERR_OK) {
		gql_schema_free(schema);
		return err;
	}
	*out = schema;
	return ERR_OK;
}

void gql_schema_free(struct gql_schema *schema) {
	if (schema == NULL) return;
	map_free(&schema->by_name);
	map_free(&schema->refs);
	arena_free(&schema->arena);
	free(schema);
}
