// Schemas in the schema definition language, as graphql-js prints them: what everybody has built in is left out.
#include "graphql/internal.h"

#define NO_REASON "No longer supported"

static void write_cstr(struct buf *out, const char *text) {
	buf_str(out, str_from_cstr(text));
}

// As a block string, on a line of its own when it is one; NULL writes nothing.
static void write_description(struct buf *out, const char *indent, const char *description) {
	if (description == NULL) return;
	write_cstr(out, indent);
	buf_lit(out, "\"\"\"");
	bool is_long = strchr(description, '\n') != NULL;
	struct str line, rest = str_from_cstr(description);
	for (bool more = true; more;) {
		more = str_cut(rest, '\n', &line, &rest);
		if (is_long) buf_printf(out, "\n%s", line.len > 0 ? indent : "");
		for (ptrdiff_t quotes; (quotes = str_find_str(line, STR("\"\"\""))) >= 0;) {
			buf_str(out, str_first(line, (size_t)quotes));
			buf_lit(out, "\\\"\"\"");
			line = str_skip(line, (size_t)quotes + 3);
		}
		buf_str(out, line);
	}
	// A quote at the end would become part of the three that follow.
	bool is_open = str_ends_with(str_from_cstr(description), STR("\""));
	if (is_long || is_open) buf_printf(out, "\n%s", indent);
	buf_lit(out, "\"\"\"\n");
}

static void write_deprecated(struct buf *out, const char *reason) {
	if (reason == NULL) return;
	buf_lit(out, " @deprecated");
	if (strcmp(reason, NO_REASON) == 0) return;
	buf_lit(out, "(reason: ");
	buf_json_str(out, str_from_cstr(reason));
	buf_byte(out, ')');
}

static void write_input(struct buf *out, const struct gql_input *input) {
	buf_printf(out, "%s: %s", input->name, input->type);
	if (input->fallback != NULL) buf_printf(out, " = %s", input->fallback);
}

static bool has_descriptions(const struct gql_input *inputs) {
	for (const struct gql_input *input = inputs; input->name != NULL; input++) {
		if (input->description != NULL) return true;
	}
	return false;
}

static void write_arguments(struct buf *out, const char *indent, const struct gql_input *inputs) {
	if (inputs == NULL || inputs->name == NULL) return;
	bool in_lines = has_descriptions(inputs);
	buf_byte(out, '(');
	if (in_lines) buf_byte(out, '\n');
	for (const struct gql_input *input = inputs; input->name != NULL; input++) {
		if (in_lines) {
			struct buf deeper;
			buf_init(&deeper, SIZE_MAX);
			buf_printf(&deeper, "%s  ", indent);
			buf_byte(&deeper, '\0');
			write_description(out, deeper.ptr, input->description);
			write_cstr(out, deeper.ptr);
			buf_free(&deeper);
		} else if (input != inputs) {
			buf_lit(out, ", ");
		}
		write_input(out, input);
		if (in_lines) buf_byte(out, '\n');
	}
	if (in_lines) write_cstr(out, indent);
	buf_byte(out, ')');
}

static void write_scalar(struct buf *out, const struct gql_type *type) {
	buf_printf(out, "scalar %s\n", type->name);
}

static void write_object(struct buf *out, const struct gql_type *type) {
	buf_printf(out, "type %s {\n", type->name);
	for (const struct gql_field *field = type->fields; field->name != NULL; field++) {
		write_description(out, "  ", field->description);
		buf_printf(out, "  %s", field->name);
		write_arguments(out, "  ", field->arguments);
		buf_printf(out, ": %s", field->type);
		write_deprecated(out, field->deprecated);
		buf_byte(out, '\n');
	}
	buf_lit(out, "}\n");
}

static void write_union(struct buf *out, const struct gql_type *type) {
	buf_printf(out, "union %s = ", type->name);
	for (const char *const *member = type->members; *member != NULL; member++) {
		if (member != type->members) buf_lit(out, " | ");
		write_cstr(out, *member);
	}
	buf_byte(out, '\n');
}

static void write_enum(struct buf *out, const struct gql_type *type) {
	buf_printf(out, "enum %s {\n", type->name);
	for (const struct gql_enum_value *value = type->values; value->name != NULL; value++) {
		buf_printf(out, "  %s", value->name);
		write_deprecated(out, value->deprecated);
		buf_byte(out, '\n');
	}
	buf_lit(out, "}\n");
}

static void write_input_type(struct buf *out, const struct gql_type *type) {
	buf_printf(out, "input %s {\n", type->name);
	for (const struct gql_input *input = type->inputs; input->name != NULL; input++) {
		write_description(out, "  ", input->description);
		buf_lit(out, "  ");
		write_input(out, input);
		buf_byte(out, '\n');
	}
	buf_lit(out, "}\n");
}

static void (*const writers[])(struct buf *out, const struct gql_type *type) = {
	[GQL_SCALAR] = write_scalar, [GQL_OBJECT_TYPE] = write_object,    [GQL_UNION] = write_union,
	[GQL_ENUM] = write_enum,     [GQL_INPUT_TYPE] = write_input_type,
};

// The only one listed that is not of the language itself.
static void write_defer(struct buf *out) {
	const struct gql_directive_type *type = gql_directive_find(STR("defer"));
	write_description(out, "", type->description);
	buf_printf(out, "directive @%s", type->name);
	write_arguments(out, "", type->arguments);
	const char *before = " on ";
	for (unsigned place = 1; place != 0 && place <= type->places; place <<= 1) {
		if ((type->places & place) == 0) continue;
		buf_printf(out, "%s%s", before, gql_place_name((enum gql_place)place));
		before = " | ";
	}
	buf_byte(out, '\n');
}

static void write_roots(const struct gql_schema *schema, struct buf *out) {
	bool is_usual = strcmp(schema->query->name, "Query") == 0 &&
			(schema->mutation == NULL || strcmp(schema->mutation->name, "Mutation") == 0);
	if (is_usual) return;
	buf_printf(out, "schema {\n  query: %s\n", schema->query->name);
	if (schema->mutation != NULL) buf_printf(out, "  mutation: %s\n", schema->mutation->name);
	buf_lit(out, "}\n\n");
}

void gql_schema_write(const struct gql_schema *schema, struct buf *out) {
	write_roots(schema, out);
	write_defer(out);
	for (size_t i = 0; i < schema->table_count; i++) {
		const struct gql_type *type = schema->types[i];
		buf_byte(out, '\n');
		write_description(out, "", type->description);
		writers[type->kind](out, type);
	}
}
