// Search texts to trees: which expressions are searches, and what is said of others (spec 06 §6.1, §6.2; 04 §B12).
#include "base/check.h"
#include "cel/functions.h"
#include "cel/program.h"
#include "history/search_internal.h"

#define LINE_SHOWN_MAX 300 // bytes of what is quoted in messages
#define VALUE_SHOWN_MAX 200

struct parse {
	struct arena *arena;
	struct run_search *search;
	struct error *error;
	enum err err;
};

static struct search_node *refuse(struct parse *parse, const char *what) {
	if (parse->err == ERR_OK) parse->err = error_set(parse->error, ERR_INVALID, "%s", what);
	return NULL;
}

static struct search_node *refuse_macros(struct parse *parse) {
	return refuse(parse, "macros are currently not supported");
}

static struct search_node *refuse_syntax(struct parse *parse) {
	return refuse(parse, "invalid syntax detected");
}

// As much of a text as is shown: whole characters.
static struct str shown(struct str text, size_t max) {
	text = str_first(text, max);
	return str_first(text, str_utf8_prefix(text));
}

// ---- Operators -----------------------------------------------------------------------------------------------------

static const struct operator{
	enum operator_id id;
	const char *name;
	enum search_op negated, mirrored;
}
operators[] = {
	[SEARCH_EQUAL] = {OPERATOR_EQUAL, "_==_", SEARCH_NOT_EQUAL, SEARCH_EQUAL},
	[SEARCH_NOT_EQUAL] = {OPERATOR_NOT_EQUAL, "_!=_", SEARCH_EQUAL, SEARCH_NOT_EQUAL},
	[SEARCH_LESS] = {OPERATOR_LESS, "_<_", SEARCH_AT_LEAST, SEARCH_MORE},
	[SEARCH_AT_MOST] = {OPERATOR_LESS_EQUAL, "_<=_", SEARCH_MORE, SEARCH_AT_LEAST},
	[SEARCH_MORE] = {OPERATOR_GREATER, "_>_", SEARCH_AT_MOST, SEARCH_LESS},
	[SEARCH_AT_LEAST] = {OPERATOR_GREATER_EQUAL, "_>=_", SEARCH_LESS, SEARCH_AT_MOST},
};

static bool find_operator(const struct node *node, enum search_op *out) {
	if (node->kind != NODE_CALL || node->call.function == NULL || node->call.count != 2) return false;
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		*out = (enum search_op)i;
		if (node->call.function->op == (uint8_t)operators[i].id) return true;
	}
	return false;
}

// ---- What is compared ----------------------------------------------------------------------------------------------

static bool is_path(const struct node *node) {
	if (node->kind != NODE_REFERENCE || node->reference.variable >= 0) return false;
	for (uint32_t i = 0; i < node->reference.count; i++) {
		if (node->reference.segments[i].is_index) return false;
	}
	return true;
}

static bool is_literal(const struct node *node) {
	if (node->kind != NODE_LITERAL) return false;
	const struct cel_value *value = &node->literal;
	return cel_is_number(value) || value->type == CEL_STRING || value->type == CEL_BOOL || value->type == CEL_NULL;
}

static const struct subject {
	const char *root, *field; // NULL field: any path below the root
	enum search_subject_kind kind;
	bool has_path; // may go on below it
	unsigned needs;
} subjects[] = {
	{"event", "id", SEARCH_EVENT_ID, false, SEARCH_NEEDS_EVENT},
	{"event", "name", SEARCH_EVENT_NAME, false, SEARCH_NEEDS_EVENT},
	{"event", "v", SEARCH_EVENT_V, false, SEARCH_NEEDS_EVENT},
	{"event", "ts", SEARCH_EVENT_TS, false, SEARCH_NEEDS_EVENT | SEARCH_NEEDS_TS},
	{"event", "data", SEARCH_EVENT_DATA, true, SEARCH_NEEDS_EVENT | SEARCH_NEEDS_DATA},
	{"event", "user", SEARCH_EVENT_USER, true, SEARCH_NEEDS_EVENT | SEARCH_NEEDS_DATA},
	{"output", NULL, SEARCH_OUTPUT, true, SEARCH_NEEDS_RESULT},
	{"error", NULL, SEARCH_ERROR, true, SEARCH_NEEDS_RESULT},
};

// NULL: nothing that can be searched for.
static const struct subject *find_subject(const struct reference *reference) {
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		const struct subject *subject = &subjects[i];
		uint32_t own = subject->field != NULL ? 1 : 0;
		if (!str_eq_cstr(reference->root, subject->root) || reference->count < own) continue;
		if (own > 0 && !str_eq_cstr(reference->segments[0].field, subject->field)) continue;
		return reference->count == own || subject->has_path ? subject : NULL;
	}
	return NULL;
}

// The reference server takes it for a comparison that always holds (06 §6.3), so a slip of the pen finds everything.
static struct search_node *refuse_name(struct parse *parse, const struct reference *reference) {
	struct buf name;
	buf_init(&name, SEARCH_TEXT_MAX);
	buf_str(&name, reference->root);
	for (uint32_t i = 0; i < reference->count; i++) {
		buf_byte(&name, '.');
		buf_str(&name, reference->segments[i].field);
	}
	struct str text = shown(buf_view(&name), VALUE_SHOWN_MAX);
	if (parse->err == ERR_OK)
		parse->err = error_set(parse->error, ERR_INVALID,
				       "nothing is called '%.*s': searches compare event.id, event.name, event.ts, "
				       "event.v, event.data, event.user, output and error",
				       STR_ARG(text));
	buf_free(&name);
	return NULL;
}

static struct search_node *refuse_type(struct parse *parse, const struct search_node *node, const char *field,
				       const char *type) {
	struct buf text;
	buf_init(&text, SEARCH_TEXT_MAX);
	if (node->value.type == CEL_STRING)
		cel_text(&text, &node->value);
	else
		cel_json(&text, &node->value);
	struct str value = shown(buf_view(&text), VALUE_SHOWN_MAX);
	if (parse->err == ERR_OK)
		parse->err = error_set(parse->error, ERR_INVALID, "expects 'event.%s' to be %s: %.*s", field, type,
				       STR_ARG(value));
	buf_free(&text);
	return NULL;
}

static struct search_node *refuse_operator(struct parse *parse, const struct search_node *node, const char *type) {
	if (parse->err == ERR_OK)
		parse->err = error_set(parse->error, ERR_INVALID, "unsupported %s operator: %s", type,
				       operators[node->op].name);
	return NULL;
}

// The literal's type has to be the field's, and the operator one of the type's.
static struct search_node *check_types(struct parse *parse, struct search_node *node, const struct subject *subject) {
	bool is_string = node->value.type == CEL_STRING;
	bool is_integer = node->value.type == CEL_INT || node->value.type == CEL_UINT;
	if (node->subject == SEARCH_EVENT_TS && !is_integer)
		return refuse_type(parse, node, subject->field, "an integer");
	if (node->subject < SEARCH_EVENT_TS && !is_string) return refuse_type(parse, node, subject->field, "a string");
	bool has_order = cel_is_number(&node->value) || node->op == SEARCH_EQUAL || node->op == SEARCH_NOT_EQUAL;
	if (has_order) return node;
	return refuse_operator(parse, node, is_string ? "string" : node->value.type == CEL_BOOL ? "bool" : "null");
}

static struct search_node *comparison(struct parse *parse, const struct node *path, const struct node *literal,
				      enum search_op op) {
	const struct subject *subject = find_subject(&path->reference);
	if (subject == NULL) return refuse_name(parse, &path->reference);
	struct search_node *node = ARENA_NEW(parse->arena, struct search_node);
	uint32_t own = subject->field != NULL ? 1 : 0;
	node->subject = subject->kind;
	node->op = op;
	node->value = literal->literal;
	node->path_count = path->reference.count - own;
	node->path = ARENA_ARRAY(parse->arena, struct str, node->path_count);
	for (uint32_t i = 0; i < node->path_count; i++) node->path[i] = path->reference.segments[own + i].field;
	parse->search->needs |= subject->needs;
	return check_types(parse, node, subject);
}

// ---- Trees ---------------------------------------------------------------------------------------------------------

static bool has_macro(const struct node *node);

static bool any_has_macro(struct node *const *nodes, uint32_t count) {
	for (uint32_t i = 0; i < count; i++) {
		if (has_macro(nodes[i])) return true;
	}
	return false;
}

static bool has_macro(const struct node *node) {
	if (node == NULL) return false;
	switch ((enum node_kind)node->kind) {
	case NODE_MACRO:
	case NODE_HAS:
		return true;
	case NODE_CALL:
		return has_macro(node->call.receiver) || any_has_macro(node->call.args, node->call.count);
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		return has_macro(node->logic.a) || has_macro(node->logic.b) || has_macro(node->logic.c);
	case NODE_SELECT:
	case NODE_INDEX:
		return has_macro(node->select.operand) || has_macro(node->select.index);
	case NODE_LIST:
	case NODE_MAP:
		return any_has_macro(node->items.items, node->items.count);
	case NODE_LITERAL:
	case NODE_REFERENCE:
		break;
	}
	return false;
}

static struct search_node *translate(struct parse *parse, const struct node *node, bool negated);

static struct search_node *join(struct parse *parse, const struct node *node, bool negated) {
	struct search_node *a = translate(parse, node->logic.a, negated);
	struct search_node *b = translate(parse, node->logic.b, negated);
	if (a == NULL || b == NULL) return NULL; // refused
	struct search_node *joined = ARENA_NEW(parse->arena, struct search_node);
	joined->kind = (node->kind == NODE_AND) != negated ? SEARCH_AND : SEARCH_OR; // De Morgan
	joined->a = a;
	joined->b = b;
	return joined;
}

static struct search_node *compare(struct parse *parse, const struct node *node, enum search_op op, bool negated) {
	const struct node *left = node->call.args[0], *right = node->call.args[1];
	if (negated) op = operators[op].negated;
	if (is_path(left) && is_literal(right)) return comparison(parse, left, right, op);
	if (is_literal(left) && is_path(right)) return comparison(parse, right, left, operators[op].mirrored);
	return refuse_syntax(parse);
}

static struct search_node *translate(struct parse *parse, const struct node *node, bool negated) {
	enum search_op op;
	if (parse->err != ERR_OK) return NULL;
	if (node->kind == NODE_AND || node->kind == NODE_OR) return join(parse, node, negated);
	if (is_path(node)) return refuse_macros(parse); // as the reference server says
	if (find_operator(node, &op)) return compare(parse, node, op, negated);
	if (node->kind == NODE_CALL && str_eq(node->call.name, STR("!_")) && node->call.count == 1)
		return translate(parse, node->call.args[0], !negated);
	return refuse_syntax(parse);
}

static void parse_line(struct parse *parse, struct str line) {
	struct cel_failure failure;
	const struct cel_program *program = cel_compile(parse->arena, line, CEL_STANDARD, &failure);
	if (program == NULL) {
		struct str what = shown(str_from_cstr(failure.message), sizeof failure.message);
		line = shown(line, LINE_SHOWN_MAX);
		parse->err = error_set(parse->error, ERR_INVALID, "%.*s\n | %.*s", STR_ARG(what), STR_ARG(line));
		return;
	}
	if (has_macro(program->root)) {
		(void)refuse_macros(parse);
		return;
	}
	struct search_node *node = translate(parse, program->root, false);
	if (node == NULL) return; // refused
	parse->search->lines[parse->search->count++] = node;
}

enum err run_search_new(struct arena *arena, struct str text, struct run_search **out, struct error *error) {
	struct parse parse = {.arena = arena, .error = error};
	size_t lines = 0;
	*out = NULL;
	if (text.len > SEARCH_TEXT_MAX)
		return error_set(error, ERR_INVALID, "the query is longer than %d bytes", SEARCH_TEXT_MAX);
	parse.search = ARENA_NEW(arena, struct run_search);
	for (struct str line; text.len > 0 && parse.err == ERR_OK;) {
		(void)str_cut(text, '\n', &line, &text);
		line = str_trim(line);
		if (line.len == 0) continue;
		if (lines++ == SEARCH_LINES_MAX)
			return error_set(error, ERR_INVALID, "the query has more than %d lines", SEARCH_LINES_MAX);
		parse_line(&parse, line);
	}
	if (parse.err == ERR_OK && parse.search->count > 0) *out = parse.search;
	return parse.err;
}
