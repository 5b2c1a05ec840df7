// The type check of spec 04 §B9: what is under a root, and the result of `+`, is dynamic and accepted everywhere.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cel/functions.h"
#include "cel/program.h"

#define SCOPES_MAX 256 // nested macros; the parser allows fewer

enum { KIND_DYN = CEL_UNKNOWN, KIND_BAD = CEL_ERROR }; // of a type, besides enum cel_type

struct type {
	uint8_t kind;
	const struct type *key;   // CEL_MAP
	const struct type *value; // CEL_MAP, CEL_LIST
};

struct checker {
	const struct cel_program *program;
	const struct str *roots;
	size_t root_count;
	struct cel_failure *failure;
	struct arena arena;
	const struct type *variables[SCOPES_MAX]; // of macros
};

static const struct type simple[CEL_TYPE_COUNT] = {
	{KIND_DYN, NULL, NULL},      {KIND_BAD, NULL, NULL},       {CEL_NOTHING, NULL, NULL},
	{CEL_NULL, NULL, NULL},      {CEL_BOOL, NULL, NULL},       {CEL_INT, NULL, NULL},
	{CEL_UINT, NULL, NULL},      {CEL_DOUBLE, NULL, NULL},     {CEL_STRING, NULL, NULL},
	{CEL_BYTES, NULL, NULL},     {CEL_LIST, NULL, &simple[0]}, {CEL_MAP, &simple[0], &simple[0]},
	{CEL_TIMESTAMP, NULL, NULL}, {CEL_DURATION, NULL, NULL},   {CEL_TYPE, NULL, NULL},
};
#define DYN (&simple[KIND_DYN])
#define BAD (&simple[KIND_BAD])
static const struct type string_map = {CEL_MAP, &simple[CEL_STRING], DYN};

static const struct type *check(struct checker *checker, const struct node *node);

// ---- types -----------------------------------------------------------------------------------------------------

static const struct type *list_of(struct checker *checker, const struct type *value) {
	struct type *type = ARENA_NEW(&checker->arena, struct type);
	*type = (struct type){CEL_LIST, NULL, value};
	return type;
}

static const struct type *map_of(struct checker *checker, const struct type *key, const struct type *value) {
	struct type *type = ARENA_NEW(&checker->arena, struct type);
	*type = (struct type){CEL_MAP, key, value};
	return type;
}

// Types are as deep as the expression, so is the recursion.
static bool is_assignable(const struct type *to, const struct type *from) {
	if (to->kind == KIND_DYN || from->kind == KIND_DYN) return true;
	if (from->kind == CEL_NULL && (to->kind == CEL_TIMESTAMP || to->kind == CEL_DURATION)) return true;
	if (to->kind != from->kind) return false;
	if (to->kind == CEL_LIST) return is_assignable(to->value, from->value);
	return to->kind != CEL_MAP || (is_assignable(to->key, from->key) && is_assignable(to->value, from->value));
}

static bool is_bool(const struct type *type) {
	return type->kind == CEL_BOOL || type->kind == KIND_DYN;
}

// The type of things of both types.
static const struct type *join(const struct type *a, const struct type *b) {
	if (a == NULL) return b;
	return is_assignable(a, b) && is_assignable(b, a) ? (a->kind == KIND_DYN ? a : b) : DYN;
}

static void append_type(struct buf *out, const struct type *type) {
	switch (type->kind) {
	case KIND_DYN:
		buf_lit(out, "dyn");
		break;
	case CEL_NULL:
		buf_lit(out, "null");
		break;
	case CEL_LIST:
		buf_lit(out, "list(");
		append_type(out, type->value);
		buf_byte(out, ')');
		break;
	case CEL_MAP:
		buf_lit(out, "map(");
		append_type(out, type->key);
		buf_lit(out, ", ");
		append_type(out, type->value);
		buf_byte(out, ')');
		break;
	default:
		buf_str(out, str_from_cstr(cel_type_name((enum cel_type)type->kind)));
	}
}

// `text`, with %s standing for the type.
static const struct type *fail_type(struct checker *checker, const struct node *node, const char *before,
				    const struct type *type, const char *after) {
	struct buf text;
	buf_init(&text, 4096);
	append_type(&text, type);
	cel_fail_at(checker->failure, checker->program->text, node->at, "%s%.*s%s", before,
		    STR_ARG(str_first(buf_view(&text), 100)), after);
	buf_free(&text);
	return BAD;
}

// ---- signatures ------------------------------------------------------------------------------------------------
// "(string,int)bool .(string)int": overloads, each with its argument types and its result; '.' marks a method, whose
// first argument is the receiver. A stands for any type, the same at each place. Names: int uint double string bytes
// bool dyn type timestamp duration list(T) map(K,V).

struct matcher {
	struct checker *checker;
	const char *at;
	const struct type *parameter; // what A stands for; NULL: nothing yet
};

static bool accept(struct matcher *matcher, const char *text) {
	size_t len = strlen(text);
	if (strncmp(matcher->at, text, len) != 0) return false;
	matcher->at += len;
	return true;
}

// Reads a type; an unbound A takes `actual`, which may be NULL.
static const struct type *read_type(struct matcher *matcher, const struct type *actual) {
	static const struct {
		const char *name;
		int kind;
	} names[] = {{"int", CEL_INT},          {"uint", CEL_UINT},   {"double", CEL_DOUBLE},
		     {"string", CEL_STRING},    {"bytes", CEL_BYTES}, {"bool", CEL_BOOL},
		     {"dyn", KIND_DYN},         {"type", CEL_TYPE},   {"timestamp", CEL_TIMESTAMP},
		     {"duration", CEL_DURATION}};
	const struct type *key, *value;
	if (accept(matcher, "list(")) {
		bool list = actual != NULL && actual->kind == CEL_LIST;
		value = read_type(matcher, list ? actual->value : NULL);
		CHECK(accept(matcher, ")"));
		return list_of(matcher->checker, value);
	}
	if (accept(matcher, "map(")) {
		bool map = actual != NULL && actual->kind == CEL_MAP;
		key = read_type(matcher, map ? actual->key : NULL);
		CHECK(accept(matcher, ","));
		value = read_type(matcher, map ? actual->value : NULL);
		CHECK(accept(matcher, ")"));
		return map_of(matcher->checker, key, value);
	}
	if (accept(matcher, "A")) {
		if (matcher->parameter == NULL || matcher->parameter->kind == KIND_DYN) matcher->parameter = actual;
		return matcher->parameter != NULL ? matcher->parameter : DYN;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (accept(matcher, names[i].name)) return &simple[names[i].kind];
	}
	CHECK(false);
	return BAD;
}

// Passes one overload; its result when it takes these arguments, else NULL.
static const struct type *match_one(struct matcher *matcher, bool method, const struct type *const *args,
				    uint32_t count) {
	bool good = accept(matcher, ".") == method;
	uint32_t seen = 0;
	matcher->parameter = NULL;
	CHECK(accept(matcher, "("));
	while (!accept(matcher, ")")) {
		if (seen > 0) CHECK(accept(matcher, ","));
		const struct type *wanted = read_type(matcher, seen < count ? args[seen] : NULL);
		good = good && seen < count && is_assignable(wanted, args[seen]);
		seen++;
	}
	const struct type *result = read_type(matcher, NULL);
	return good && seen == count ? result : NULL;
}

static const struct type *match(struct checker *checker, const struct cel_function *function, bool method,
				const struct type *const *args, uint32_t count) {
	struct matcher matcher = {.checker = checker, .at = function->signatures};
	const struct type *result = NULL;
	do {
		const struct type *one = match_one(&matcher, method, args, count);
		if (one != NULL) result = join(result, one);
	} while (accept(&matcher, " "));
	return result;
}

// ---- nodes -----------------------------------------------------------------------------------------------------

static const struct type *fail_overload(struct checker *checker, const struct node *node, struct str name,
					const struct type *const *args, uint32_t count, bool method) {
	struct buf text;
	buf_init(&text, 4096);
	for (uint32_t i = 0; i < count; i++) {
		if (i == (method ? 1 : 0)) buf_str(&text, method ? STR(".(") : STR("("));
		if (i > (method ? 1u : 0u)) buf_lit(&text, ", ");
		append_type(&text, args[i]);
	}
	if (count <= (method ? 1u : 0u)) buf_str(&text, method ? STR(".(") : STR("("));
	buf_byte(&text, ')');
	cel_fail_at(checker->failure, checker->program->text, node->at,
		    "found no matching overload for '%.*s' applied to '%.*s'", STR_ARG(str_first(name, 60)),
		    STR_ARG(str_first(buf_view(&text), 90)));
	buf_free(&text);
	return BAD;
}

static const struct type *fail_undeclared(struct checker *checker, const struct node *node, struct str name) {
	cel_fail_at(checker->failure, checker->program->text, node->at,
		    "undeclared reference to '%.*s' (in container '')", STR_ARG(str_first(name, 100)));
	return BAD;
}

static const struct type *check_call(struct checker *checker, const struct node *node) {
	const struct cel_call *call = &node->call;
	const struct type **args = ARENA_ARRAY(&checker->arena, const struct type *, call->count + 1);
	bool method = call->receiver != NULL;
	uint32_t count = 0;
	if (call->function == NULL) return fail_undeclared(checker, node, call->name);
	if (method) args[count++] = check(checker, call->receiver);
	for (uint32_t i = 0; i < call->count; i++) args[count++] = check(checker, call->args[i]);
	for (uint32_t i = 0; i < count; i++) {
		if (args[i] == BAD) return BAD;
	}
	const struct type *result = match(checker, call->function, method, args, count);
	return result != NULL ? result : fail_overload(checker, node, call->name, args, count, method);
}

static const struct type *select_from(struct checker *checker, const struct node *node, const struct type *base) {
	if (base == BAD || base->kind == KIND_DYN) return base;
	if (base->kind == CEL_MAP && is_assignable(base->key, &simple[CEL_STRING])) return base->value;
	return fail_type(checker, node, "type '", base, "' does not support field selection");
}

static const struct type *index_into(struct checker *checker, const struct node *node, const struct type *base,
				     const struct type *index) {
	const struct type *args[] = {base, index};
	if (base == BAD || index == BAD) return BAD;
	if (base->kind == KIND_DYN) return DYN;
	bool good = (base->kind == CEL_LIST && is_assignable(&simple[CEL_INT], index)) ||
		    (base->kind == CEL_MAP && is_assignable(base->key, index));
	return good ? base->value : fail_overload(checker, node, STR("_[_]"), args, 2, false);
}

static const struct type *root_type(struct checker *checker, const struct node *node) {
	const struct reference *reference = &node->reference;
	if (reference->variable >= 0) return checker->variables[reference->variable];
	for (size_t i = 0; i < checker->root_count; i++) {
		if (str_eq(reference->root, checker->roots[i])) return &string_map;
	}
	for (int type = CEL_NULL; type < CEL_TYPE_COUNT; type++) {
		if (str_eq_cstr(reference->root, cel_type_name((enum cel_type)type))) return &simple[CEL_TYPE];
	}
	return fail_undeclared(checker, node, reference->root);
}

static const struct type *check_reference(struct checker *checker, const struct node *node) {
	const struct reference *reference = &node->reference;
	const struct type *type = root_type(checker, node);
	for (uint32_t i = 0; i < reference->count && type != BAD; i++) {
		const struct segment *segment = &reference->segments[i];
		type = segment->index == NULL ? select_from(checker, node, type)
					      : index_into(checker, node, type, check(checker, segment->index));
	}
	return type;
}

static const struct type *check_logic(struct checker *checker, const struct node *node) {
	const struct node *sides[] = {node->logic.a, node->logic.b};
	for (size_t i = 0; i < 2; i++) {
		const struct type *type = check(checker, sides[i]);
		if (type == BAD) return BAD;
		if (!is_bool(type)) return fail_type(checker, sides[i], "expected type 'bool' but found '", type, "'");
	}
	return &simple[CEL_BOOL];
}

static const struct type *check_condition(struct checker *checker, const struct node *node) {
	const struct type *args[] = {check(checker, node->logic.a), check(checker, node->logic.b),
				     check(checker, node->logic.c)};
	if (args[0] == BAD || args[1] == BAD || args[2] == BAD) return BAD;
	if (is_bool(args[0]) && is_assignable(args[1], args[2])) return join(args[1], args[2]);
	return fail_overload(checker, node, STR("_?_:_"), args, 3, false);
}

static const struct type *check_items(struct checker *checker, struct node *const *items, uint32_t count) {
	const struct type *all = NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct type *type = check(checker, items[i]);
		if (type == BAD) return BAD;
		all = join(all, type);
	}
	return all != NULL ? all : DYN;
}

static const struct type *check_list(struct checker *checker, const struct node *node) {
	const struct type *value = check_items(checker, node->items.items, node->items.count);
	return value == BAD ? BAD : list_of(checker, value);
}

static const struct type *check_map(struct checker *checker, const struct node *node) {
	const struct type *key = check_items(checker, node->items.keys, node->items.count);
	const struct type *value = check_items(checker, node->items.items, node->items.count);
	return key == BAD || value == BAD ? BAD : map_of(checker, key, value);
}

static const struct type *check_macro(struct checker *checker, const struct node *node) {
	const struct macro *macro = &node->macro;
	const struct type *range = check(checker, macro->range), *item;
	if (range == BAD) return BAD;
	if (range->kind != KIND_DYN && range->kind != CEL_LIST && range->kind != CEL_MAP)
		return fail_type(checker, macro->range, "expression of type '", range,
				 "' cannot be range of a comprehension (must be list, map, or dynamic)");
	item = range->kind == CEL_LIST ? range->value : range->kind == CEL_MAP ? range->key : DYN;
	CHECK(macro->variable < SCOPES_MAX);
	checker->variables[macro->variable] = item;
	const struct type *predicate = macro->predicate != NULL ? check(checker, macro->predicate) : DYN;
	if (predicate == BAD) return BAD;
	if (!is_bool(predicate))
		return fail_type(checker, macro->predicate, "expected type 'bool' but found '", predicate, "'");
	if (macro->kind == MACRO_FILTER) return list_of(checker, item);
	if (macro->kind != MACRO_MAP) return &simple[CEL_BOOL];
	const struct type *result = check(checker, macro->transform);
	return result == BAD ? BAD : list_of(checker, result);
}

static const struct type *check_has(struct checker *checker, const struct node *node) {
	return check(checker, node->select.operand) == BAD ? BAD : &simple[CEL_BOOL];
}

// Recursion: as deep as the parser lets expressions be.
static const struct type *check(struct checker *checker, const struct node *node) {
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		return &simple[node->literal.type];
	case NODE_REFERENCE:
		return check_reference(checker, node);
	case NODE_SELECT:
		return select_from(checker, node, check(checker, node->select.operand));
	case NODE_INDEX:
		return index_into(checker, node, check(checker, node->select.operand),
				  check(checker, node->select.index));
	case NODE_HAS:
		return check_has(checker, node);
	case NODE_CALL:
		return check_call(checker, node);
	case NODE_AND:
	case NODE_OR:
		return check_logic(checker, node);
	case NODE_CONDITION:
		return check_condition(checker, node);
	case NODE_LIST:
		return check_list(checker, node);
	case NODE_MAP:
		return check_map(checker, node);
	case NODE_MACRO:
		return check_macro(checker, node);
	}
	return BAD;
}

bool cel_check(const struct cel_program *program, const struct str *roots, size_t root_count,
	       struct cel_failure *failure) {
	struct cel_failure ignored;
	struct checker checker = {
		.program = program,
		.roots = roots,
		.root_count = root_count,
		.failure = failure != NULL ? failure : &ignored,
	};
	arena_init(&checker.arena, 0);
	bool good = check(&checker, program->root) != BAD;
	arena_free(&checker.arena);
	return good;
}
