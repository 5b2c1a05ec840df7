// Recursive descent over the grammar of spec 04 §B3. Macros are recognised here, references collected into chains.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cel/functions.h"
#include "cel/lexer.h"
#include "cel/regex.h"

// Nodes deep, beyond what the grammar's own nesting makes: keeps every walk over the tree within the stack.
#define DEPTH_MAX 400

// Literal patterns that are compiled with their expression, and kept; more of them are compiled by each evaluation,
// which bounds the time that it takes.
#define PATTERNS_MAX 16u
#define PATTERN_BYTES_MAX 4096u // of all of them

struct parser {
	struct arena *arena;
	struct lexer lexer;
	struct token token;
	struct cel_failure *failure;
	uint32_t patterns_left, pattern_bytes_left; // that are compiled ahead
	uint32_t nesting;
	size_t end; // of the token that was taken last
	bool spans; // nodes are spanned_nodes
	bool makes_constants;
};

struct nodes { // a list that grows
	struct node **items;
	uint32_t count, cap;
};

void cel_fail_at(struct cel_failure *failure, struct str text, size_t at, const char *format, ...) {
	va_list arguments;
	if (failure == NULL) return;
	failure->line = failure->column = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			failure->line++;
			failure->column = 1;
		} else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
			failure->column++;
		}
	}
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof failure->message, format, arguments);
	va_end(arguments);
}

// ---- tools -----------------------------------------------------------------------------------------------------

// All parse functions return NULL after a failure; the first one is the one that is reported.
static struct node *fail(struct parser *parser, size_t at, const char *what, struct str detail) {
	if (parser->failure != NULL && parser->failure->message[0] == '\0')
		cel_fail_at(parser->failure, parser->lexer.text, at, "Syntax error: %s%s%.*s", what,
			    detail.len > 0 ? " " : "", STR_ARG(str_first(detail, 80)));
	return NULL;
}

static struct node *fail_here(struct parser *parser) {
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_BAD) return NULL;
	if (token->kind == TOKEN_END) return fail(parser, token->at, "mismatched input '<EOF>'", STR(""));
	return fail(parser, token->at, "extraneous input", token->text);
}

static void next(struct parser *parser) {
	parser->end = parser->token.at + parser->token.text.len;
	lexer_next(&parser->lexer, &parser->token);
}

static bool at_symbol(const struct parser *parser, char symbol) {
	return parser->token.kind == TOKEN_SYMBOL && parser->token.symbol == symbol;
}

static bool take(struct parser *parser, char symbol) {
	if (!at_symbol(parser, symbol)) return false;
	next(parser);
	return true;
}

static bool at_name(const struct parser *parser, const char *name) {
	return parser->token.kind == TOKEN_NAME && str_eq_cstr(parser->token.text, name);
}

static struct node *node_new(struct parser *parser, enum node_kind kind, size_t at) {
	struct node *node = arena_calloc(parser->arena, 1, parser->spans ? sizeof(struct spanned_node) : sizeof *node);
	node->kind = (uint8_t)kind;
	node->at = (uint32_t)at;
	node->depth = 1;
	return node;
}

// The node's text ends with the token that was taken last. Gives the node back.
static struct node *set_span(const struct parser *parser, struct node *node, size_t start) {
	if (!parser->spans || node == NULL) return node;
	struct spanned_node *spanned = container_of(node, struct spanned_node, node);
	spanned->start = (uint32_t)start;
	spanned->end = (uint32_t)parser->end;
	return node;
}

// Takes note of a child's depth; false when the tree gets too deep.
static bool node_over(struct parser *parser, struct node *node, const struct node *child) {
	if (child == NULL) return false;
	if (child->depth >= node->depth) node->depth = (uint16_t)(child->depth + 1);
	if (child->may_abort) node->may_abort = true;
	if (node->depth <= DEPTH_MAX) return true;
	fail(parser, node->at, "expression recursion limit exceeded: 250", STR(""));
	return false;
}

static void nodes_add(struct parser *parser, struct nodes *nodes, struct node *node) {
	if (nodes->count == nodes->cap) {
		uint32_t cap = nodes->cap > 0 ? nodes->cap * 2 : 4;
		struct node **items = ARENA_ARRAY(parser->arena, struct node *, cap);
		if (nodes->count > 0) memcpy(items, nodes->items, nodes->count * sizeof *items);
		nodes->items = items;
		nodes->cap = cap;
	}
	nodes->items[nodes->count++] = node;
}

static struct node *parse_expression(struct parser *parser);
static struct node *parse_unary(struct parser *parser);

static struct node *call_new(struct parser *parser, const char *name, size_t at, struct node *a, struct node *b) {
	struct node *node = node_new(parser, NODE_CALL, at);
	node->call.name = str_from_cstr(name);
	node->call.function = cel_function_find(node->call.name);
	CHECK(node->call.function != NULL);
	node->call.takes_count = true;
	node->call.count = b != NULL ? 2 : 1;
	node->call.args = ARENA_ARRAY(parser->arena, struct node *, 2);
	node->call.args[0] = a;
	node->call.args[1] = b;
	if (!node_over(parser, node, a) || (b != NULL && !node_over(parser, node, b))) return NULL;
	return node;
}

// ---- primaries -------------------------------------------------------------------------------------------------

// expression, … `end`; a comma may stand before the end where `trailing` says so.
static bool parse_list(struct parser *parser, char end, bool trailing, struct nodes *out) {
	if (take(parser, end)) return true;
	for (;;) {
		struct node *item = parse_expression(parser);
		if (item == NULL) return false;
		nodes_add(parser, out, item);
		if (take(parser, end)) return true;
		if (!take(parser, ',')) break;
		if (trailing && take(parser, end)) return true;
	}
	fail_here(parser);
	return false;
}

static struct node *items_node(struct parser *parser, enum node_kind kind, size_t at, const struct nodes *keys,
			       const struct nodes *items) {
	struct node *node = node_new(parser, kind, at);
	node->items.count = items->count;
	node->items.items = items->items;
	node->items.keys = keys != NULL ? keys->items : NULL;
	for (uint32_t i = 0; i < items->count; i++) {
		if (!node_over(parser, node, items->items[i])) return NULL;
		if (keys != NULL && !node_over(parser, node, keys->items[i])) return NULL;
	}
	if (parser->makes_constants) cel_make_constant(parser->arena, node);
	return node;
}

static struct node *parse_map(struct parser *parser, size_t at) {
	struct nodes keys = {0}, values = {0};
	while (!at_symbol(parser, '}')) {
		struct node *key = parse_expression(parser);
		if (key == NULL) return NULL;
		if (!take(parser, ':')) return fail_here(parser);
		struct node *value = parse_expression(parser);
		if (value == NULL) return NULL;
		nodes_add(parser, &keys, key);
		nodes_add(parser, &values, value);
		if (!take(parser, ',')) break;
	}
	if (!take(parser, '}')) return fail_here(parser);
	return items_node(parser, NODE_MAP, at, &keys, &values);
}

static bool is_reserved(struct str name) {
	static const char *const words[] = {"as",       "break",     "const",  "continue", "else", "for",
					    "function", "if",        "import", "in",       "let",  "loop",
					    "package",  "namespace", "return", "var",      "void", "while"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq_cstr(name, words[i])) return true;
	}
	return false;
}

static bool is_constant_name(struct str name, struct cel_value *out) {
	*out = cel_simple(CEL_NULL);
	if (str_eq(name, STR("null"))) return true;
	*out = cel_bool(str_eq(name, STR("true")));
	return out->boolean || str_eq(name, STR("false"));
}

static const struct node *last_selection(const struct node *node) {
	if (node->kind == NODE_SELECT) return node;
	if (node->kind != NODE_REFERENCE || node->reference.count == 0) return NULL;
	return node->reference.segments[node->reference.count - 1].is_index ? NULL : node;
}

static struct node *has_macro(struct parser *parser, size_t at, const struct nodes *args) {
	if (args->count != 1 || last_selection(args->items[0]) == NULL)
		return fail(parser, at, "invalid argument to has() macro", STR(""));
	struct node *node = node_new(parser, NODE_HAS, at);
	node->select.operand = args->items[0];
	return node_over(parser, node, args->items[0]) ? node : NULL;
}

// A literal pattern is compiled once; one that is bad becomes an error when it is evaluated.
static void prepare_pattern(struct parser *parser, struct cel_call *call) {
	struct error error;
	const struct node *pattern = call->count > 0 ? call->args[call->count - 1] : NULL;
	bool literal = pattern != NULL && pattern->kind == NODE_LITERAL && pattern->literal.type == CEL_STRING;
	if (!literal || !str_eq(call->name, STR("matches"))) return;
	if (parser->patterns_left == 0 || pattern->literal.text.len > parser->pattern_bytes_left) return;
	parser->patterns_left--;
	parser->pattern_bytes_left -= (uint32_t)pattern->literal.text.len;
	call->regex = cel_regex_compile(parser->arena, pattern->literal.text, &error);
}

static struct node *function_call_node(struct parser *parser, size_t at, struct str name, struct node *receiver,
				       const struct nodes *args) {
	struct node *node = node_new(parser, NODE_CALL, at);
	node->call.name = name;
	node->call.function = cel_function_find(name);
	node->call.receiver = receiver;
	node->call.args = args->items;
	node->call.count = args->count;
	uint32_t given = args->count + (receiver != NULL ? 1 : 0);
	node->call.takes_count = node->call.function != NULL && cel_function_takes(node->call.function, given);
	node->may_abort = node->call.function != NULL && node->call.function->may_abort;
	if (receiver != NULL && !node_over(parser, node, receiver)) return NULL;
	for (uint32_t i = 0; i < args->count; i++) {
		if (!node_over(parser, node, args->items[i])) return NULL;
	}
	prepare_pattern(parser, &node->call);
	return node;
}

static struct node *parse_name(struct parser *parser) {
	struct token name = parser->token;
	struct cel_value constant;
	next(parser);
	if (is_constant_name(name.text, &constant)) {
		struct node *node = node_new(parser, NODE_LITERAL, name.at);
		node->literal = constant;
		return node;
	}
	if (is_reserved(name.text)) return fail(parser, name.at, "reserved identifier:", name.text);
	if (at_symbol(parser, '{')) return fail_here(parser); // messages
	if (!take(parser, '(')) {
		struct node *node = node_new(parser, NODE_REFERENCE, name.at);
		node->reference.root = name.text;
		node->reference.variable = node->reference.path = -1;
		return node;
	}
	struct nodes args = {0};
	if (!parse_list(parser, ')', false, &args)) return NULL;
	if (str_eq(name.text, STR("has"))) return has_macro(parser, name.at, &args);
	return function_call_node(parser, name.at, name.text, NULL, &args);
}

static struct node *parse_primary(struct parser *parser) {
	struct token token = parser->token;
	struct nodes items = {0};
	if (token.kind == TOKEN_LITERAL) {
		struct node *node = node_new(parser, NODE_LITERAL, token.at);
		node->literal = token.value;
		if (token.is_number && !lexer_number(&parser->lexer, &token, false, &node->literal)) return NULL;
		next(parser);
		return node;
	}
	if (take(parser, '.') && parser->token.kind != TOKEN_NAME) return fail_here(parser);
	if (parser->token.kind == TOKEN_NAME) return parse_name(parser);
	if (take(parser, '(')) {
		struct node *node = parse_expression(parser);
		if (node == NULL) return NULL;
		if (!take(parser, ')')) return fail_here(parser);
		return node;
	}
	if (take(parser, '['))
		return parse_list(parser, ']', true, &items) ? items_node(parser, NODE_LIST, token.at, NULL, &items)
							     : NULL;
	if (take(parser, '{')) return parse_map(parser, token.at);
	return fail_here(parser);
}

// ---- members ---------------------------------------------------------------------------------------------------

static struct node *extend_reference(struct parser *parser, struct node *node, struct segment segment) {
	struct reference *reference = &node->reference;
	if ((reference->count & (reference->count - 1)) == 0) { // 0, 1, 2, 4, …: full
		uint32_t cap = reference->count > 0 ? reference->count * 2 : 1;
		struct segment *segments = ARENA_ARRAY(parser->arena, struct segment, cap);
		if (reference->count > 0) memcpy(segments, reference->segments, reference->count * sizeof segment);
		reference->segments = segments;
	}
	reference->segments[reference->count++] = segment;
	if (segment.index != NULL && !node_over(parser, node, segment.index)) return NULL;
	if (segment.index != NULL && segment.index->kind != NODE_LITERAL) reference->dynamic = true;
	return node;
}

static struct node *select_node(struct parser *parser, struct node *base, size_t at, struct str field) {
	if (base->kind == NODE_REFERENCE) return extend_reference(parser, base, (struct segment){.field = field});
	struct node *node = node_new(parser, NODE_SELECT, at);
	node->select.operand = base;
	node->select.field = field;
	return node_over(parser, node, base) ? node : NULL;
}

static struct node *index_node(struct parser *parser, struct node *base, size_t at) {
	struct node *index = parse_expression(parser);
	if (index == NULL) return NULL;
	if (!take(parser, ']')) return fail_here(parser);
	if (base->kind == NODE_REFERENCE) {
		struct segment segment = {.index = index, .is_index = true};
		if (index->kind == NODE_LITERAL && index->literal.type == CEL_STRING)
			segment.field = index->literal.text;
		return extend_reference(parser, base, segment);
	}
	struct node *node = node_new(parser, NODE_INDEX, at);
	node->select.operand = base;
	node->select.index = index;
	return node_over(parser, node, base) && node_over(parser, node, index) ? node : NULL;
}

static bool macro_find(struct str name, uint32_t count, enum macro_kind *out) {
	static const struct {
		const char *name;
		enum macro_kind kind;
	} macros[] = {{"all", MACRO_ALL}, {"exists", MACRO_EXISTS}, {"exists_one", MACRO_EXISTS_ONE},
		      {"map", MACRO_MAP}, {"filter", MACRO_FILTER}, {"existsOne", MACRO_EXISTS_ONE}};
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		*out = macros[i].kind;
		if (str_eq_cstr(name, macros[i].name)) return count == 2 || (count == 3 && *out == MACRO_MAP);
	}
	return false;
}

static struct node *macro_node(struct parser *parser, enum macro_kind kind, size_t at, struct node *range,
			       const struct nodes *args) {
	const struct node *variable = args->items[0];
	struct node *node = node_new(parser, NODE_MACRO, at);
	struct macro *macro = &node->macro;
	if (variable->kind != NODE_REFERENCE || variable->reference.count > 0)
		return fail(parser, variable->at, "argument must be a simple name", STR(""));
	macro->kind = kind;
	macro->name = variable->reference.root;
	macro->range = range;
	macro->transform = kind == MACRO_MAP ? args->items[args->count - 1] : NULL;
	macro->predicate = kind != MACRO_MAP || args->count == 3 ? args->items[1] : NULL;
	if (!node_over(parser, node, range)) return NULL;
	for (uint32_t i = 1; i < args->count; i++) {
		if (!node_over(parser, node, args->items[i])) return NULL;
	}
	return node;
}

static struct node *parse_selection(struct parser *parser, struct node *base) {
	struct token name = parser->token;
	struct cel_value constant;
	enum macro_kind macro;
	bool word = name.kind == TOKEN_NAME && !is_constant_name(name.text, &constant) && !at_name(parser, "in");
	if (!word) return fail_here(parser);
	next(parser);
	if (!take(parser, '(')) return select_node(parser, base, name.at, name.text);
	struct nodes args = {0};
	if (!parse_list(parser, ')', false, &args)) return NULL;
	if (macro_find(name.text, args.count, &macro)) return macro_node(parser, macro, name.at, base, &args);
	return function_call_node(parser, name.at, name.text, base, &args);
}

static struct node *parse_member(struct parser *parser) {
	size_t start = parser->token.at;
	bool in_brackets = at_symbol(parser, '(');
	struct node *node = parse_primary(parser);
	if (!in_brackets) set_span(parser, node, start);
	while (node != NULL) {
		size_t at = parser->token.at;
		if (take(parser, '.'))
			node = parse_selection(parser, node);
		else if (take(parser, '['))
			node = index_node(parser, node, at);
		else
			break;
		set_span(parser, node, start);
	}
	return node;
}

// ---- operators -------------------------------------------------------------------------------------------------

// A number with its sign; it has no members.
static struct node *parse_signed(struct parser *parser, size_t at, bool negative) {
	struct node *node = node_new(parser, NODE_LITERAL, at);
	struct token number = parser->token;
	if (!lexer_number(&parser->lexer, &number, negative, &node->literal)) return NULL;
	next(parser);
	return at_symbol(parser, '.') || at_symbol(parser, '[') ? fail_here(parser) : node;
}

// One kind of sign, repeated; pairs vanish (§B3). A minus before a number belongs to it.
static struct node *parse_unary(struct parser *parser) {
	struct token sign = parser->token;
	size_t start = sign.at;
	bool minus = at_symbol(parser, '-');
	if (!minus && !at_symbol(parser, '!')) return parse_member(parser);
	unsigned count = 0;
	while (at_symbol(parser, sign.symbol)) {
		sign.at = parser->token.at;
		next(parser);
		count++;
	}
	if (at_symbol(parser, '-') || at_symbol(parser, '!')) return fail_here(parser);
	if (minus && parser->token.kind == TOKEN_LITERAL && parser->token.is_number)
		return set_span(parser, parse_signed(parser, sign.at, count % 2 == 1), start);
	struct node *operand = parse_member(parser);
	if (operand == NULL || count % 2 == 0) return operand;
	return set_span(parser, call_new(parser, minus ? "-_" : "!_", sign.at, operand, NULL), start);
}

struct binary {
	char symbol; // 'i': the word "in"
	const char *name;
};
static const struct binary relations[] = {{'=', "_==_"}, {'n', "_!=_"}, {'l', "_<=_"}, {'g', "_>=_"},
					  {'<', "_<_"},  {'>', "_>_"},  {'i', "@in"},  {0, NULL}};
static const struct binary sums[] = {{'+', "_+_"}, {'-', "_-_"}, {0, NULL}};
static const struct binary products[] = {{'*', "_*_"}, {'/', "_/_"}, {'%', "_%_"}, {0, NULL}};
static const struct binary *const levels[] = {relations, sums, products};

static const struct binary *binary_here(const struct parser *parser, const struct binary *table) {
	for (; table->name != NULL; table++) {
		if (table->symbol == 'i' ? at_name(parser, "in") : at_symbol(parser, table->symbol)) return table;
	}
	return NULL;
}

static struct node *parse_binary(struct parser *parser, size_t level) {
	if (level == ARRAY_LEN(levels)) return parse_unary(parser);
	size_t start = parser->token.at;
	struct node *left = parse_binary(parser, level + 1);
	const struct binary *binary;
	while (left != NULL && (binary = binary_here(parser, levels[level])) != NULL) {
		size_t at = parser->token.at;
		next(parser);
		struct node *right = parse_binary(parser, level + 1);
		left = right != NULL ? call_new(parser, binary->name, at, left, right) : NULL;
		set_span(parser, left, start);
	}
	return left;
}

// Both operators are associative also over values that are no bools, so a long chain may become a low tree.
static struct node *balance(struct parser *parser, enum node_kind kind, struct node **items, uint32_t count,
			    size_t at) {
	if (count == 1) return items[0];
	struct node *node = node_new(parser, kind, at);
	node->logic.a = balance(parser, kind, items, count / 2, at);
	node->logic.b = balance(parser, kind, items + count / 2, count - count / 2, at);
	return node_over(parser, node, node->logic.a) && node_over(parser, node, node->logic.b) ? node : NULL;
}

static struct node *parse_and(struct parser *parser) {
	struct nodes terms = {0};
	size_t start = parser->token.at, at = start;
	do {
		struct node *term = parse_binary(parser, 0);
		if (term == NULL) return NULL;
		nodes_add(parser, &terms, term);
		if (terms.count == 1) at = parser->token.at;
	} while (take(parser, '&'));
	struct node *node = balance(parser, NODE_AND, terms.items, terms.count, at);
	return terms.count > 1 ? set_span(parser, node, start) : node;
}

static struct node *parse_or(struct parser *parser) {
	struct nodes terms = {0};
	size_t start = parser->token.at, at = start;
	do {
		struct node *term = parse_and(parser);
		if (term == NULL) return NULL;
		nodes_add(parser, &terms, term);
		if (terms.count == 1) at = parser->token.at;
	} while (take(parser, '|'));
	struct node *node = balance(parser, NODE_OR, terms.items, terms.count, at);
	return terms.count > 1 ? set_span(parser, node, start) : node;
}

static struct node *parse_condition(struct parser *parser) {
	size_t start = parser->token.at;
	struct node *condition = parse_or(parser);
	size_t at = parser->token.at;
	if (condition == NULL || !take(parser, '?')) return condition;
	struct node *node = node_new(parser, NODE_CONDITION, at);
	node->logic.a = condition;
	node->logic.b = parse_or(parser);
	if (node->logic.b == NULL) return NULL;
	if (!take(parser, ':')) return fail_here(parser);
	node->logic.c = parse_expression(parser);
	if (node->logic.c == NULL) return NULL;
	set_span(parser, node, start);
	return node_over(parser, node, condition) && node_over(parser, node, node->logic.b) &&
			       node_over(parser, node, node->logic.c)
		       ? node
		       : NULL;
}

static struct node *parse_expression(struct parser *parser) {
	if (parser->nesting == CEL_NESTING_MAX)
		return fail(parser, parser->token.at, "expression recursion limit exceeded: 250", STR(""));
	parser->nesting++;
	struct node *node = parse_condition(parser);
	parser->nesting--;
	return node;
}

struct node *cel_parse(struct arena *arena, struct str text, enum cel_mode mode, bool spans,
		       struct cel_failure *failure) {
	struct parser parser = {.arena = arena, .failure = failure, .spans = spans};
	parser.makes_constants = mode == CEL_INTERPOLATED; // whole parts of events stand in such texts
	if (mode != CEL_STANDARD) {                        // which only checks
		parser.patterns_left = PATTERNS_MAX;
		parser.pattern_bytes_left = PATTERN_BYTES_MAX;
	}
	parser.lexer = (struct lexer){
		.text = text,
		.arena = arena,
		.failure = failure,
		.raw_strings = mode == CEL_EVALUATE && str_find_str(text, STR("vars.")) < 0,
	};
	next(&parser);
	struct node *node = parse_expression(&parser);
	if (node != NULL && parser.token.kind != TOKEN_END) return fail_here(&parser);
	return node;
}
