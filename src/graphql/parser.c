// Recursive descent, one token ahead. The first mistake ends it: `fail` adds the error, everything above returns false.
#include "graphql/array.h"
#include "graphql/internal.h"
#include "graphql/lexer.h"

struct parser {
	struct gql_lexer lexer;
	struct gql_token token;
	struct arena *arena;
	struct gql_errors *errors;
	size_t nesting;
};

static bool fail(struct parser *p, struct gql_location at, struct str message) {
	struct gql_error *error = gql_error_add(p->errors);
	error->message = message;
	error->location = at;
	error->code = "GRAPHQL_PARSE_FAILED";
	return false;
}

// The current token is a mistake: the lexer's, or it stands in a wrong place.
static bool fail_expected(struct parser *p, const char *wanted) {
	if (p->token.kind == GQL_TOKEN_BAD) return fail(p, p->lexer.problem_at, p->lexer.problem);
	return fail(p, p->token.location,
		    arena_printf(p->arena, "Expected %s, found %s", wanted, gql_token_names[p->token.kind]));
}
static bool fail_unexpected(struct parser *p) {
	const char *name = gql_token_names[p->token.kind];
	if (p->token.kind == GQL_TOKEN_BAD) return fail(p, p->lexer.problem_at, p->lexer.problem);
	if (p->token.kind < GQL_TOKEN_NAME || p->token.kind > GQL_TOKEN_STRING)
		return fail(p, p->token.location, arena_printf(p->arena, "Unexpected %s", name));
	struct buf text;
	buf_init(&text, 1024);
	buf_printf(&text, "Unexpected %s ", name);
	buf_json_str(&text, gql_clip(p->token.text));
	fail(p, p->token.location, arena_dup(p->arena, buf_view(&text)));
	buf_free(&text);
	return false;
}

static void advance(struct parser *p) {
	gql_lexer_next(&p->lexer, &p->token);
}
static bool is_at(const struct parser *p, enum gql_token_kind kind) {
	return p->token.kind == kind;
}
static bool accept(struct parser *p, enum gql_token_kind kind) {
	if (!is_at(p, kind)) return false;
	advance(p);
	return true;
}
static bool expect(struct parser *p, enum gql_token_kind kind) {
	return accept(p, kind) || fail_expected(p, gql_token_names[kind]);
}
static bool is_word(const struct parser *p, struct str word) {
	return is_at(p, GQL_TOKEN_NAME) && str_eq(p->token.text, word);
}
static bool name(struct parser *p, struct str *out) {
	*out = p->token.text;
	return expect(p, GQL_TOKEN_NAME);
}

// Each opening bracket counts, so that no recursion over the document gets deep.
static bool enter(struct parser *p) {
	if (p->nesting++ < GQL_NESTING_MAX) return true;
	return fail(p, p->token.location, arena_printf(p->arena, "exceeded nesting limit of %d", GQL_NESTING_MAX));
}
static bool leave(struct parser *p, bool good) {
	p->nesting--;
	return good;
}

// ---- values --------------------------------------------------------------------------------------------------------

static bool value(struct parser *p, bool is_constant, struct gql_literal *out);

static bool list_value(struct parser *p, bool is_constant, struct gql_literal *out) {
	out->kind = GQL_LITERAL_LIST;
	advance(p);
	while (!accept(p, GQL_TOKEN_BRACKET_CLOSE)) {
		struct gql_literal item;
		if (!value(p, is_constant, &item)) return false;
		GQL_PUSH(p->arena, out->items, out->count, item);
	}
	return true;
}

// name: value, of an argument or of an object's member.
static bool named_value(struct parser *p, bool is_constant, struct gql_argument *out) {
	*out = (struct gql_argument){.location = p->token.location};
	return name(p, &out->name) && expect(p, GQL_TOKEN_COLON) && value(p, is_constant, &out->value);
}

static bool object_value(struct parser *p, bool is_constant, struct gql_literal *out) {
	out->kind = GQL_LITERAL_OBJECT;
	advance(p);
	while (!accept(p, GQL_TOKEN_BRACE_CLOSE)) {
		struct gql_argument member;
		if (!named_value(p, is_constant, &member)) return false;
		GQL_PUSH(p->arena, out->members, out->count, member);
	}
	return true;
}

static enum gql_literal_kind kind_of_name(struct str text) {
	if (str_eq(text, STR("true")) || str_eq(text, STR("false"))) return GQL_LITERAL_BOOL;
	return str_eq(text, STR("null")) ? GQL_LITERAL_NULL : GQL_LITERAL_ENUM;
}

static bool simple_value(struct parser *p, enum gql_literal_kind kind, struct gql_literal *out) {
	out->kind = kind;
	out->text = p->token.text;
	advance(p);
	return true;
}

static bool variable_value(struct parser *p, bool is_constant, struct gql_literal *out) {
	if (is_constant) return fail_unexpected(p);
	out->kind = GQL_LITERAL_VARIABLE;
	advance(p);
	return name(p, &out->text);
}

static bool value(struct parser *p, bool is_constant, struct gql_literal *out) {
	*out = (struct gql_literal){.location = p->token.location};
	switch (p->token.kind) {
	case GQL_TOKEN_INT:
		return simple_value(p, GQL_LITERAL_INT, out);
	case GQL_TOKEN_FLOAT:
		return simple_value(p, GQL_LITERAL_FLOAT, out);
	case GQL_TOKEN_STRING:
		return simple_value(p, GQL_LITERAL_STRING, out);
	case GQL_TOKEN_NAME:
		return simple_value(p, kind_of_name(p->token.text), out);
	case GQL_TOKEN_DOLLAR:
		return variable_value(p, is_constant, out);
	case GQL_TOKEN_BRACKET_OPEN:
		return enter(p) && leave(p, list_value(p, is_constant, out));
	case GQL_TOKEN_BRACE_OPEN:
		return enter(p) && leave(p, object_value(p, is_constant, out));
	default:
		return fail_unexpected(p);
	}
}

// ---- arguments, directives, types ----------------------------------------------------------------------------------

static bool arguments(struct parser *p, bool is_constant, struct gql_argument **out, size_t *count) {
	if (!accept(p, GQL_TOKEN_PAREN_OPEN)) return true;
	do {
		struct gql_argument argument;
		if (!named_value(p, is_constant, &argument)) return false;
		GQL_PUSH(p->arena, *out, *count, argument);
	} while (!accept(p, GQL_TOKEN_PAREN_CLOSE));
	return true;
}

static bool directives(struct parser *p, bool is_constant, struct gql_directive **out, size_t *count) {
	while (is_at(p, GQL_TOKEN_AT)) {
		struct gql_directive directive = {.location = p->token.location};
		advance(p);
		if (!name(p, &directive.name) ||
		    !arguments(p, is_constant, &directive.arguments, &directive.argument_count))
			return false;
		GQL_PUSH(p->arena, *out, *count, directive);
	}
	return true;
}

static bool type_name(struct parser *p, struct gql_type_name *out);

static bool list_type(struct parser *p, struct gql_type_name *out) {
	struct gql_type_name *of = ARENA_NEW(p->arena, struct gql_type_name);
	advance(p);
	if (!type_name(p, of) || !expect(p, GQL_TOKEN_BRACKET_CLOSE)) return false;
	out->name = of->name;
	out->of = of;
	return true;
}

static bool type_name(struct parser *p, struct gql_type_name *out) {
	bool good = is_at(p, GQL_TOKEN_BRACKET_OPEN) ? enter(p) && leave(p, list_type(p, out)) : name(p, &out->name);
	out->is_required = good && accept(p, GQL_TOKEN_BANG);
	return good;
}

// ---- selections ----------------------------------------------------------------------------------------------------

static bool selections(struct parser *p, struct gql_selections *out);

static bool field(struct parser *p, struct gql_selection *out) {
	out->kind = GQL_SELECTION_FIELD;
	if (!name(p, &out->name)) return false;
	out->key = out->name;
	if (accept(p, GQL_TOKEN_COLON) && !name(p, &out->name)) return false;
	return arguments(p, false, &out->arguments, &out->argument_count) &&
	       directives(p, false, &out->directives, &out->directive_count) &&
	       (!is_at(p, GQL_TOKEN_BRACE_OPEN) || selections(p, &out->children));
}

static bool spread_or_inline(struct parser *p, struct gql_selection *out) {
	advance(p);
	if (is_at(p, GQL_TOKEN_NAME) && !is_word(p, STR("on"))) {
		out->kind = GQL_SELECTION_SPREAD;
		return name(p, &out->name) && directives(p, false, &out->directives, &out->directive_count);
	}
	out->kind = GQL_SELECTION_INLINE;
	if (is_word(p, STR("on"))) {
		advance(p);
		if (!name(p, &out->condition)) return false;
	}
	return directives(p, false, &out->directives, &out->directive_count) && selections(p, &out->children);
}

static bool selection_list(struct parser *p, struct gql_selections *out) {
	if (!expect(p, GQL_TOKEN_BRACE_OPEN)) return false;
	do {
		struct gql_selection item = {.location = p->token.location};
		bool good = is_at(p, GQL_TOKEN_SPREAD) ? spread_or_inline(p, &item) : field(p, &item);
		if (!good) return false;
		GQL_PUSH(p->arena, out->items, out->count, item);
	} while (!accept(p, GQL_TOKEN_BRACE_CLOSE));
	return true;
}

static bool selections(struct parser *p, struct gql_selections *out) {
	return enter(p) && leave(p, selection_list(p, out));
}

// ---- definitions ---------------------------------------------------------------------------------------------------

static bool variable(struct parser *p, struct gql_variable *out) {
	*out = (struct gql_variable){.location = p->token.location};
	if (!expect(p, GQL_TOKEN_DOLLAR) || !name(p, &out->name) || !expect(p, GQL_TOKEN_COLON) ||
	    !type_name(p, &out->type))
		return false;
	if (accept(p, GQL_TOKEN_EQUALS)) {
		out->has_fallback = true;
		if (!value(p, true, &out->fallback)) return false;
	}
	return directives(p, true, &out->directives, &out->directive_count);
}

static bool variables(struct parser *p, struct gql_operation *out) {
	if (!accept(p, GQL_TOKEN_PAREN_OPEN)) return true;
	do {
		struct gql_variable item;
		if (!variable(p, &item)) return false;
		GQL_PUSH(p->arena, out->variables, out->variable_count, item);
	} while (!accept(p, GQL_TOKEN_PAREN_CLOSE));
	return true;
}

static bool operation(struct parser *p, enum gql_operation_kind kind, struct gql_operation *out) {
	*out = (struct gql_operation){.kind = kind, .location = p->token.location};
	if (is_at(p, GQL_TOKEN_BRACE_OPEN)) return selections(p, &out->selections);
	advance(p);
	if (is_at(p, GQL_TOKEN_NAME) && !name(p, &out->name)) return false;
	return variables(p, out) && directives(p, false, &out->directives, &out->directive_count) &&
	       selections(p, &out->selections);
}

static bool fragment(struct parser *p, struct gql_fragment *out) {
	*out = (struct gql_fragment){.location = p->token.location};
	advance(p);
	if (is_word(p, STR("on"))) return fail_unexpected(p);
	if (!name(p, &out->name)) return false;
	if (!is_word(p, STR("on"))) return fail_expected(p, "\"on\"");
	advance(p);
	return name(p, &out->condition) && directives(p, false, &out->directives, &out->directive_count) &&
	       selections(p, &out->selections);
}

static bool add_operation(struct parser *p, enum gql_operation_kind kind, struct gql_document *out) {
	struct gql_operation item;
	if (!operation(p, kind, &item)) return false;
	GQL_PUSH(p->arena, out->operations, out->operation_count, item);
	return true;
}

static bool definition(struct parser *p, struct gql_document *out) {
	static const struct str names[] = {
		[GQL_QUERY] = STR_INIT("query"),
		[GQL_MUTATION] = STR_INIT("mutation"),
		[GQL_SUBSCRIPTION] = STR_INIT("subscription"),
	};
	if (is_at(p, GQL_TOKEN_BRACE_OPEN)) return add_operation(p, GQL_QUERY, out);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (is_word(p, names[i])) return add_operation(p, (enum gql_operation_kind)i, out);
	}
	if (!is_word(p, STR("fragment"))) return fail_unexpected(p);
	struct gql_fragment item;
	if (!fragment(p, &item)) return false;
	GQL_PUSH(p->arena, out->fragments, out->fragment_count, item);
	return true;
}

static bool start(struct parser *p, struct arena *arena, struct str text, struct gql_errors *errors) {
	*p = (struct parser){.arena = arena, .errors = errors};
	if (str_utf8_prefix(text) < text.len)
		return fail(p, (struct gql_location){1, 1}, STR("The document is not valid UTF-8."));
	gql_lexer_init(&p->lexer, arena, text);
	advance(p);
	return true;
}

bool gql_parse(struct arena *arena, struct str text, struct gql_document *out, struct gql_errors *errors) {
	struct parser parser;
	*out = (struct gql_document){0};
	if (!start(&parser, arena, text, errors)) return false;
	while (!is_at(&parser, GQL_TOKEN_END)) {
		if (!definition(&parser, out)) return false;
	}
	return true;
}

bool gql_parse_literal(struct arena *arena, struct str text, struct gql_literal *out, struct gql_errors *errors) {
	struct parser parser;
	return start(&parser, arena, text, errors) && value(&parser, true, out) &&
	       (is_at(&parser, GQL_TOKEN_END) || fail_unexpected(&parser));
}
