// Documents as text again, as short as they can be: what tests of the parser compare.
#ifndef INNGEST_TESTS_GRAPHQL_PRINT_H
#define INNGEST_TESTS_GRAPHQL_PRINT_H

#include "graphql/internal.h"

static inline void print_literal(struct buf *out, const struct gql_literal *literal);

static inline void print_arguments(struct buf *out, const struct gql_argument *arguments, size_t count) {
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "%s%.*s:", i > 0 ? " " : "", STR_ARG(arguments[i].name));
		print_literal(out, &arguments[i].value);
	}
}

static inline void print_literal(struct buf *out, const struct gql_literal *literal) {
	if (literal->kind == GQL_LITERAL_OBJECT) {
		buf_byte(out, '{');
		print_arguments(out, literal->members, literal->count);
		buf_byte(out, '}');
	} else if (literal->kind == GQL_LITERAL_LIST) {
		buf_byte(out, '[');
		for (size_t i = 0; i < literal->count; i++) {
			if (i > 0) buf_byte(out, ' ');
			print_literal(out, &literal->items[i]);
		}
		buf_byte(out, ']');
	} else if (literal->kind == GQL_LITERAL_STRING) {
		buf_json_str(out, literal->text);
	} else {
		buf_printf(out, "%s%.*s", literal->kind == GQL_LITERAL_VARIABLE ? "$" : "", STR_ARG(literal->text));
	}
}

static inline void print_call(struct buf *out, const struct gql_argument *arguments, size_t count) {
	if (count == 0) return;
	buf_byte(out, '(');
	print_arguments(out, arguments, count);
	buf_byte(out, ')');
}

static inline void print_directives(struct buf *out, const struct gql_directive *directives, size_t count) {
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "@%.*s", STR_ARG(directives[i].name));
		print_call(out, directives[i].arguments, directives[i].argument_count);
	}
}

static inline void print_selections(struct buf *out, const struct gql_selections *selections) {
	if (selections->count == 0) return;
	buf_byte(out, '{');
	for (size_t i = 0; i < selections->count; i++) {
		const struct gql_selection *item = &selections->items[i];
		if (i > 0) buf_byte(out, ' ');
		if (item->kind != GQL_SELECTION_FIELD) buf_lit(out, "...");
		if (item->kind == GQL_SELECTION_FIELD && !str_eq(item->key, item->name))
			buf_printf(out, "%.*s:", STR_ARG(item->key));
		buf_str(out, item->name);
		if (item->condition.len > 0) buf_printf(out, "on %.*s", STR_ARG(item->condition));
		print_call(out, item->arguments, item->argument_count);
		print_directives(out, item->directives, item->directive_count);
		print_selections(out, &item->children);
	}
	buf_byte(out, '}');
}

static inline void print_type(struct buf *out, const struct gql_type_name *type) {
	if (type->of != NULL) {
		buf_byte(out, '[');
		print_type(out, type->of);
		buf_byte(out, ']');
	} else {
		buf_str(out, type->name);
	}
	if (type->is_required) buf_byte(out, '!');
}

static inline void print_variables(struct buf *out, const struct gql_operation *operation) {
	if (operation->variable_count == 0) return;
	for (size_t i = 0; i < operation->variable_count; i++) {
		const struct gql_variable *item = &operation->variables[i];
		bool follows_directive = i > 0 && item[-1].directive_count > 0;
		buf_printf(out, "%s$%.*s:", i == 0 ? "(" : follows_directive ? " " : "", STR_ARG(item->name));
		print_type(out, &item->type);
		if (item->has_fallback) {
			buf_byte(out, '=');
			print_literal(out, &item->fallback);
		}
		print_directives(out, item->directives, item->directive_count);
	}
	buf_byte(out, ')');
}

static inline void print_document(struct buf *out, const struct gql_document *document) {
	static const char *const kinds[] = {"query", "mutation", "subscription"};
	for (size_t i = 0; i < document->operation_count; i++) {
		const struct gql_operation *item = &document->operations[i];
		buf_printf(out, "%s%s%.*s", kinds[item->kind], item->name.len > 0 ? " " : "", STR_ARG(item->name));
		print_variables(out, item);
		print_directives(out, item->directives, item->directive_count);
		print_selections(out, &item->selections);
	}
	for (size_t i = 0; i < document->fragment_count; i++) {
		const struct gql_fragment *item = &document->fragments[i];
		buf_printf(out, "fragment %.*s on %.*s", STR_ARG(item->name), STR_ARG(item->condition));
		print_directives(out, item->directives, item->directive_count);
		print_selections(out, &item->selections);
	}
}

#endif
