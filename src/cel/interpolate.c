// Partial evaluation: each node is folded after its parts, and what is known by then is evaluated at once.
#include "cel/interpolate.h"

#include "base/check.h"
#include "cel/functions.h"
#include "cel/program.h"

enum state {   // of a folded node; that of a whole is the greatest of its parts
	KNOWN, // an ordinary value: a NODE_LITERAL
	LOCAL, // known as soon as the variables of macros are
	OPEN,  // depends on later data, on missing data or on the time, or is an error
};

// What may become of a result, and so which ones are alike.
enum position {
	POSITION_VALUE, // anything
	POSITION_TRUTH, // what is falsy counts as false
	POSITION_MATCH, // the whole: and so does an evaluation that ends early
};

struct folded {
	struct node *node;
	enum state state;
	uint32_t outermost; // LOCAL: the variable
	bool mentions_known, mentions_unknown;
	bool is_missing_path;   // a path of selections from a known root, to data that is not there
	struct node *reference; // to missing data, where `node` is the error that it is; NULL: `node` will do
};

struct folder {
	struct arena *arena;
	const struct cel_program *program;
	const struct cel_input *known;
	const struct str *unknown;
	size_t unknown_count;
	struct frame *frame;
	bool *open_variables; // whose range mentions an unknown root
	bool is_changed;      // the text would mean something else without its data
	bool is_spent;        // the budget
};

static struct folded fold(struct folder *folder, const struct node *node, enum position position);

// ---- nodes -----------------------------------------------------------------------------------------------------

static struct node *node_new(struct folder *folder, enum node_kind kind) {
	struct node *node = ARENA_NEW(folder->arena, struct node);
	node->kind = (uint8_t)kind;
	return node;
}

static struct node *node_copy(struct folder *folder, const struct node *node) {
	struct node *copy = arena_alloc(folder->arena, sizeof *copy);
	*copy = *node;
	return copy;
}

static struct node *literal_new(struct folder *folder, struct cel_value value, const struct node *origin) {
	struct node *node = node_new(folder, NODE_LITERAL);
	node->literal = value;
	node->origin = origin;
	return node;
}

static struct node *logic_new(struct folder *folder, enum node_kind kind, struct node *a, struct node *b) {
	struct node *node = node_new(folder, kind);
	node->logic.a = a;
	node->logic.b = b;
	node->may_abort = a->may_abort || b->may_abort;
	return node;
}

static struct node *index_new(struct folder *folder, struct node *operand, struct node *index) {
	struct node *node = node_new(folder, NODE_INDEX);
	node->select.operand = operand;
	node->select.index = index;
	node->may_abort = operand->may_abort || index->may_abort;
	return node;
}

static bool is_unknown_root(const struct folder *folder, const struct reference *reference) {
	for (size_t i = 0; i < folder->unknown_count; i++) {
		if (str_eq(folder->unknown[i], reference->root)) return true;
	}
	return false;
}

static bool is_known_root(const struct folder *folder, const struct reference *reference) {
	for (size_t i = 0; i < folder->known->count; i++) {
		if (str_eq(folder->known->bindings[i].name, reference->root)) return true;
	}
	return false;
}

// Members of a reference would be taken for more segments of it, which counts as missing in another way. Where it is
// missing anyhow that is no matter.
static struct node *as_operand(struct folder *folder, struct node *node) {
	const struct node *printed = node->kind == NODE_LITERAL && node->literal.type == CEL_TYPE ? node->origin : node;
	if (printed == NULL || printed->kind != NODE_REFERENCE || printed->reference.variable >= 0) return node;
	if (printed->reference.count > 0 && !is_unknown_root(folder, &printed->reference)) return node;
	return logic_new(folder, NODE_OR, literal_new(folder, cel_bool(false), NULL), node);
}

// ---- what is known ---------------------------------------------------------------------------------------------

static bool is_ordinary(const struct cel_value *value) {
	return value->type >= CEL_NULL;
}

static const struct folded nothing_open = {.state = KNOWN, .outermost = UINT32_MAX};

static void add_part(struct folded *whole, const struct folded *part) {
	if (part->state > whole->state) whole->state = part->state;
	if (part->outermost < whole->outermost) whole->outermost = part->outermost;
	whole->mentions_known |= part->mentions_known;
	whole->mentions_unknown |= part->mentions_unknown;
}

static struct folded fold_part(struct folder *folder, const struct node *node, struct folded *whole) {
	struct folded part = fold(folder, node, POSITION_VALUE);
	add_part(whole, &part);
	return part;
}

static struct cel_value evaluate(struct folder *folder, const struct node *node, bool *aborted) {
	struct cel_value value = cel_frame_eval(folder->frame, node, aborted);
	if (*aborted && value.error == CEL_COST) folder->is_spent = true;
	return value;
}

// A node over folded parts: its value when they are known and it has an ordinary one. `evaluated`: a node that gives
// it.
static struct folded settle_as(struct folder *folder, struct node *node, const struct node *evaluated,
			       struct folded whole) {
	bool aborted;
	whole.node = node;
	if (whole.state != KNOWN) return whole;
	struct cel_value value = evaluate(folder, evaluated, &aborted);
	if (!aborted && is_ordinary(&value))
		whole.node = literal_new(folder, value, node);
	else
		whole.state = OPEN;
	return whole;
}

static struct folded settle(struct folder *folder, struct node *node, struct folded whole) {
	return settle_as(folder, node, node, whole);
}

static struct node **fold_all(struct folder *folder, struct node *const *nodes, uint32_t count, struct folded *whole) {
	struct node **folded = ARENA_ARRAY(folder->arena, struct node *, count);
	for (uint32_t i = 0; i < count; i++) folded[i] = fold_part(folder, nodes[i], whole).node;
	return folded;
}

// ---- references ------------------------------------------------------------------------------------------------

// A copy with folded indexes.
static struct node *fold_indexes(struct folder *folder, const struct node *node, struct folded *whole) {
	struct node *copy = node_copy(folder, node);
	struct reference *reference = &copy->reference;
	reference->segments = ARENA_ARRAY(folder->arena, struct segment, reference->count);
	for (uint32_t i = 0; i < reference->count; i++) {
		struct segment *segment = &reference->segments[i];
		*segment = node->reference.segments[i];
		if (segment->index != NULL) segment->index = fold_part(folder, segment->index, whole).node;
	}
	return copy;
}

static struct node *bare_reference(struct folder *folder, struct str root) {
	struct node *node = node_new(folder, NODE_REFERENCE);
	node->reference.root = root;
	node->reference.variable = node->reference.path = -1;
	return node;
}

// A root that does not exist. Alone it could have the name of a type, or missing paths.
static struct node *no_name(struct folder *folder, const struct node *reference) {
	return bare_reference(folder, arena_cat(folder->arena, reference->reference.root, STR("_")));
}

// A root that is missing because a path from it is: such a path.
static struct node *path_below(struct folder *folder, const struct reference *reference) {
	const struct path *path = &folder->program->paths[reference->first];
	struct node *node = bare_reference(folder, reference->root);
	node->reference.count = path->count;
	node->reference.segments = ARENA_ARRAY(folder->arena, struct segment, path->count);
	for (uint32_t i = 0; i < path->count; i++) node->reference.segments[i].field = path->fields[i];
	return node;
}

// What gives the same when nothing is known: a path for missing data, and an error by other means.
static struct node *absent(struct folder *folder, struct node *reference, const struct cel_value *value) {
	bool is_list = value->error == CEL_INDEX_OUT_OF_BOUNDS || value->error == CEL_INDEX_TYPE;
	struct cel_value index = cel_int(0);
	if (value->type == CEL_UNKNOWN)
		return reference->reference.count > 0 ? reference : path_below(folder, &reference->reference);
	if (value->error == CEL_NO_SUCH_ATTRIBUTE)
		return reference->reference.count == 0 ? reference : no_name(folder, reference);
	if (value->error != CEL_INDEX_OUT_OF_BOUNDS) index = cel_string(value->text);
	return index_new(folder, node_new(folder, is_list ? NODE_LIST : NODE_MAP), literal_new(folder, index, NULL));
}

// The segments from the first index on that is not known, over the value of those before it.
static struct node *apply_segments(struct folder *folder, const struct node *node, struct folded *whole) {
	struct node *start = node_copy(folder, node);
	struct reference *reference = &start->reference;
	uint32_t i = 0;
	bool aborted;
	while (reference->segments[i].index == NULL || reference->segments[i].index->kind == NODE_LITERAL) i++;
	reference->count = i;
	reference->path = -1;
	// Whether paths that go on from it do so by this index is not known; one that ends here counts.
	bool ends_here = reference->first < reference->end && folder->program->paths[reference->first].count == i;
	reference->end = reference->first + (ends_here ? 1 : 0);
	struct cel_value value = evaluate(folder, start, &aborted);
	if (value.type == CEL_TYPE || value.error == CEL_NO_SUCH_ATTRIBUTE) {
		start = no_name(folder, start);
		whole->state = OPEN;
	} else if (is_ordinary(&value)) {
		start = literal_new(folder, value, start);
	} else {
		start = absent(folder, start, &value);
		whole->state = OPEN;
	}
	for (; i < node->reference.count; i++) {
		const struct segment *segment = &node->reference.segments[i];
		start = as_operand(folder, start);
		if (segment->index != NULL) {
			start = index_new(folder, start, segment->index);
			continue;
		}
		struct node *selection = node_new(folder, NODE_SELECT);
		selection->select.operand = start;
		selection->select.field = segment->field;
		selection->may_abort = start->may_abort;
		start = selection;
	}
	return start;
}

// Fills `whole` with what holds for any reference; true when its value is known by now.
static bool open_reference(struct folder *folder, const struct node *node, struct folded *whole) {
	*whole = nothing_open;
	whole->node = fold_indexes(folder, node, whole);
	const struct reference *reference = &whole->node->reference;
	if (reference->variable >= 0) {
		struct folded variable = {.state = LOCAL, .outermost = (uint32_t)reference->variable};
		variable.mentions_unknown = folder->open_variables[reference->variable];
		add_part(whole, &variable);
		return false;
	}
	if (is_unknown_root(folder, reference)) {
		whole->state = OPEN;
		whole->mentions_unknown = true;
		return false;
	}
	if (is_known_root(folder, reference)) whole->mentions_known = folder->is_changed = true;
	if (whole->state == KNOWN) return true;
	folder->is_changed = true;
	whole->node = apply_segments(folder, whole->node, whole);
	return false;
}

static bool has_index(const struct reference *reference) {
	for (uint32_t i = 0; i < reference->count; i++) {
		if (reference->segments[i].is_index) return true;
	}
	return false;
}

static struct folded fold_reference(struct folder *folder, const struct node *node) {
	struct folded whole;
	bool aborted;
	if (!open_reference(folder, node, &whole)) return whole;
	struct node *reference = whole.node;
	struct cel_value value = evaluate(folder, reference, &aborted);
	if (is_ordinary(&value)) {
		whole.node = literal_new(folder, value, reference);
		return whole;
	}
	whole.state = OPEN;
	whole.node = absent(folder, reference, &value);
	if (value.error == CEL_NO_SUCH_ATTRIBUTE && reference->reference.count > 0) folder->is_changed = true;
	bool is_key = value.type == CEL_ERROR && value.error == CEL_NO_SUCH_KEY;
	if (!whole.mentions_known || (value.type != CEL_UNKNOWN && !is_key)) return whole;
	whole.is_missing_path = reference->reference.count > 0 && !has_index(&reference->reference);
	if (is_key) whole.reference = reference;
	return whole;
}

static struct folded fold_has(struct folder *folder, const struct node *node) {
	const struct node *operand = node->select.operand;
	struct node *copy = node_copy(folder, node);
	struct folded whole = nothing_open;
	bool aborted;
	if (operand->kind != NODE_REFERENCE) { // a selection
		struct node *selection = node_copy(folder, operand);
		struct folded base = fold_part(folder, operand->select.operand, &whole);
		copy->select.operand = selection;
		selection->select.operand = base.node;
		whole = settle(folder, copy, whole);
		if (whole.state != KNOWN) selection->select.operand = as_operand(folder, base.node);
		return whole;
	}
	bool is_known = open_reference(folder, operand, &whole);
	copy->select.operand = whole.node;
	whole.node = copy;
	if (!is_known) return whole;
	struct cel_value value = evaluate(folder, copy, &aborted);
	if (is_ordinary(&value)) {
		whole.node = literal_new(folder, value, copy);
		return whole;
	}
	whole.state = OPEN;
	if (value.type == CEL_ERROR) whole.node = absent(folder, copy->select.operand, &value);
	if (value.type == CEL_ERROR) folder->is_changed = true;
	return whole;
}

static struct folded fold_member(struct folder *folder, const struct node *node) {
	struct node *copy = node_copy(folder, node);
	struct folded whole = nothing_open;
	copy->select.operand = fold_part(folder, node->select.operand, &whole).node;
	if (node->select.index != NULL) copy->select.index = fold_part(folder, node->select.index, &whole).node;
	whole = settle(folder, copy, whole);
	if (whole.state != KNOWN) copy->select.operand = as_operand(folder, copy->select.operand);
	return whole;
}

// ---- calls -----------------------------------------------------------------------------------------------------

static bool is_comparison(const struct cel_call *call) {
	return call->function != NULL && call->function->op >= OPERATOR_EQUAL &&
	       call->function->op <= OPERATOR_GREATER_EQUAL;
}

static bool is_constant(const struct folded *folded) {
	return folded->state == KNOWN && folded->node->literal.type < CEL_LIST;
}

// Comparisons in which missing data counts as null. Operands that are only tested for equality may stand where the
// reference puts them: missing data before a literal, and null behind a path.
static bool compare_missing(struct folder *folder, const struct node *node, struct folded *sides) {
	bool is_path = node->call.args[1]->kind == NODE_REFERENCE && sides[1].state != KNOWN, swap;
	struct node *null = literal_new(folder, cel_simple(CEL_NULL), NULL);
	if (sides[0].is_missing_path && (is_path || is_constant(&sides[1]))) {
		sides[0].node = null;
		if (sides[1].reference != NULL) sides[1].node = sides[1].reference;
		swap = is_path;
	} else if (sides[1].is_missing_path && is_constant(&sides[0])) {
		sides[1].node = null;
		swap = true;
	} else {
		return false;
	}
	if (!swap || node->call.function->op > OPERATOR_NOT_EQUAL) return true;
	struct node *first = sides[0].node;
	sides[0].node = sides[1].node;
	sides[1].node = first;
	return true;
}

// A name that does not exist at all is the one error that missing data does not hide.
static bool may_be_no_name(const struct folder *folder, const struct node *node, const struct folded *folded) {
	if (folded->state == KNOWN) return false;
	if (node->kind != NODE_REFERENCE) return true;
	return node->reference.variable < 0 && !is_unknown_root(folder, &node->reference) && !folded->mentions_known;
}

// To most calls missing data and the error of a missing key are the same, and a path reads better.
static void show_references(const struct folder *folder, const struct node *node, struct folded *sides,
			    const struct node *const *operands, uint32_t count) {
	if (node->call.function != NULL && node->call.function->op == OPERATOR_ADD) return;
	for (uint32_t i = 0; i < count && i < 2; i++) {
		uint32_t other = count > 1 ? 1 - i : i;
		if (sides[i].reference == NULL) continue;
		if (other == i || !may_be_no_name(folder, operands[other], &sides[other]))
			sides[i].node = sides[i].reference;
	}
}

static bool tells_time(const struct cel_call *call) {
	return str_eq(call->name, STR("now")) || str_eq(call->name, STR("now_plus")) ||
	       str_eq(call->name, STR("now_minus"));
}

static struct folded fold_call(struct folder *folder, const struct node *node) {
	const struct cel_call *call = &node->call;
	uint32_t before = call->receiver != NULL ? 1 : 0, count = call->count + before;
	struct folded *operands = ARENA_ARRAY(folder->arena, struct folded, count), whole = nothing_open;
	const struct node **written = ARENA_ARRAY(folder->arena, const struct node *, count);
	for (uint32_t i = 0; i < count; i++) {
		written[i] = i < before ? call->receiver : call->args[i - before];
		operands[i] = fold_part(folder, written[i], &whole);
	}
	if (is_comparison(call) && compare_missing(folder, node, operands))
		whole.state = OPEN;
	else
		show_references(folder, node, operands, written, count);
	struct node *copy = node_copy(folder, node);
	copy->call.args = ARENA_ARRAY(folder->arena, struct node *, count);
	if (before > 0) copy->call.receiver = operands[0].node;
	for (uint32_t i = before; i < count; i++) copy->call.args[i - before] = operands[i].node;
	if (tells_time(call)) whole.state = OPEN;
	return settle(folder, copy, whole);
}

// ---- logic -----------------------------------------------------------------------------------------------------

struct chain { // of && or ||
	struct folder *folder;
	enum node_kind kind;
	enum position position; // of the chain
	struct folded *terms;
	uint32_t count;
};

static uint32_t count_terms(const struct node *node, enum node_kind kind) {
	return node->kind == kind ? count_terms(node->logic.a, kind) + count_terms(node->logic.b, kind) : 1;
}

static void collect_terms(struct chain *chain, const struct node *node, struct folded *whole) {
	if (node->kind == chain->kind) {
		collect_terms(chain, node->logic.a, whole);
		collect_terms(chain, node->logic.b, whole);
		return;
	}
	enum position position = chain->position;
	if (chain->kind == NODE_OR && position == POSITION_MATCH) position = POSITION_TRUTH;
	chain->terms[chain->count] = fold(chain->folder, node, position);
	add_part(whole, &chain->terms[chain->count++]);
}

// The value with which the chain ends.
static bool decides(const struct chain *chain, const struct folded *term) {
	return term->state == KNOWN && cel_truthy(&term->node->literal) == (chain->kind == NODE_OR);
}

static bool is_bool_literal(const struct node *node, bool value) {
	return node->kind == NODE_LITERAL && node->literal.type == CEL_BOOL && node->literal.boolean == value;
}

// Whether it cannot be truthy without being true.
static bool is_boolean(const struct node *node) {
	static const char *const names[] = {"@in", "!_", "contains", "startsWith", "endsWith", "matches", "bool"};
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		return node->literal.type == CEL_BOOL;
	case NODE_HAS:
		return true;
	case NODE_AND:
	case NODE_OR:
		return is_boolean(node->logic.a) && is_boolean(node->logic.b);
	case NODE_CALL:
		if (is_comparison(&node->call)) return true;
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (str_eq_cstr(node->call.name, names[i])) return true;
		}
		return false;
	default:
		return false;
	}
}

// Known operands that are no bools do not count next to what depends on later data.
static void drop_odd(struct chain *chain) {
	uint32_t kept = 0;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct folded *term = &chain->terms[i];
		bool is_odd = term->state == KNOWN && term->mentions_known && !term->mentions_unknown &&
			      term->node->literal.type != CEL_BOOL;
		if (!is_odd) chain->terms[kept++] = *term;
	}
	chain->count = kept;
}

static bool any_may_abort(const struct chain *chain, uint32_t from, uint32_t to) {
	for (uint32_t i = from; i < to; i++) {
		if (chain->terms[i].node->may_abort) return true;
	}
	return false;
}

static bool all_boolean(const struct chain *chain, uint32_t count) {
	for (uint32_t i = 0; i < count; i++) {
		if (!is_boolean(chain->terms[i].node)) return false;
	}
	return true;
}

// What stands behind a known term that ends the chain, and known terms before the last that do not.
static void drop_idle(struct chain *chain) {
	bool may_drop_aborts = chain->kind == NODE_AND && chain->position == POSITION_MATCH;
	uint32_t end = 0, kept = 0;
	while (end < chain->count && !decides(chain, &chain->terms[end])) end++;
	if (end < chain->count && (may_drop_aborts || !any_may_abort(chain, end + 1, chain->count)))
		chain->count = end + 1;
	for (uint32_t i = 0; i < chain->count; i++) {
		bool is_idle = chain->terms[i].state == KNOWN && !decides(chain, &chain->terms[i]);
		if (!is_idle || i + 1 == chain->count) chain->terms[kept++] = chain->terms[i];
	}
	chain->count = kept;
}

// The last term decides: is that the result whatever the others are?
static bool last_is_result(const struct chain *chain) {
	uint32_t before = chain->count - 1;
	if (chain->kind == NODE_OR)
		return is_bool_literal(chain->terms[before].node, true) && all_boolean(chain, before) &&
		       !any_may_abort(chain, 0, before);
	return chain->position == POSITION_MATCH ||
	       (chain->position == POSITION_TRUTH && !any_may_abort(chain, 0, before));
}

// The last term is known and does not decide: is the result the same without it?
static bool last_is_idle(const struct chain *chain) {
	uint32_t last = chain->count - 1;
	if (chain->kind == NODE_OR) return chain->position != POSITION_VALUE;
	return is_bool_literal(chain->terms[last].node, true) && is_boolean(chain->terms[last - 1].node);
}

static struct node *balance(struct chain *chain, uint32_t from, uint32_t to) {
	if (to - from == 1) return chain->terms[from].node;
	uint32_t middle = from + (to - from) / 2;
	return logic_new(chain->folder, chain->kind, balance(chain, from, middle), balance(chain, middle, to));
}

static struct folded fold_chain(struct folder *folder, const struct node *node, enum position position) {
	struct chain chain = {.folder = folder, .kind = (enum node_kind)node->kind, .position = position};
	struct folded all = nothing_open, whole = nothing_open;
	chain.terms = ARENA_ARRAY(folder->arena, struct folded, count_terms(node, chain.kind));
	collect_terms(&chain, node, &all);
	if (all.mentions_unknown) drop_odd(&chain);
	drop_idle(&chain);
	const struct folded *last = &chain.terms[chain.count - 1];
	if (chain.count > 1 && decides(&chain, last) && last_is_result(&chain)) {
		chain.terms[0] = nothing_open;
		chain.terms[0].node = literal_new(folder, cel_bool(chain.kind == NODE_OR), NULL);
		chain.count = 1;
	} else if (chain.count > 1 && last->state == KNOWN && !decides(&chain, last) && last_is_idle(&chain)) {
		chain.count--;
	}
	for (uint32_t i = 0; i < chain.count; i++) add_part(&whole, &chain.terms[i]);
	whole.node = balance(&chain, 0, chain.count);
	whole.mentions_known = all.mentions_known;
	whole.mentions_unknown = all.mentions_unknown;
	return whole;
}

static struct folded fold_condition(struct folder *folder, const struct node *node, enum position position) {
	struct folded whole = nothing_open, condition = fold(folder, node->logic.a, POSITION_TRUTH);
	struct folded b = fold(folder, node->logic.b, position), c = fold(folder, node->logic.c, position);
	add_part(&whole, &condition);
	add_part(&whole, &b);
	add_part(&whole, &c);
	if (condition.state == KNOWN) {
		struct folded chosen = cel_truthy(&condition.node->literal) ? b : c;
		chosen.mentions_known = whole.mentions_known;
		chosen.mentions_unknown = whole.mentions_unknown;
		chosen.is_missing_path = false;
		return chosen;
	}
	whole.node = node_copy(folder, node);
	whole.node->logic.a = condition.node;
	whole.node->logic.b = b.node;
	whole.node->logic.c = c.node;
	return whole;
}

// ---- lists, maps, macros ---------------------------------------------------------------------------------------

static struct folded fold_items(struct folder *folder, const struct node *node) {
	struct folded whole = nothing_open;
	struct node *copy = node_copy(folder, node);
	copy->items.items = fold_all(folder, node->items.items, node->items.count, &whole);
	if (node->kind == NODE_MAP) copy->items.keys = fold_all(folder, node->items.keys, node->items.count, &whole);
	return settle(folder, copy, whole);
}

static struct folded fold_macro(struct folder *folder, const struct node *node) {
	struct folded whole = nothing_open;
	struct node *copy = node_copy(folder, node), *evaluated = node_copy(folder, node);
	struct macro *macro = &copy->macro;
	macro->range = evaluated->macro.range = fold_part(folder, macro->range, &whole).node;
	folder->open_variables[macro->variable] = whole.mentions_unknown;
	if (macro->predicate != NULL) macro->predicate = fold_part(folder, macro->predicate, &whole).node;
	if (macro->transform != NULL) macro->transform = fold_part(folder, macro->transform, &whole).node;
	if (whole.outermost == macro->variable) { // and so of no macro around it
		whole.outermost = UINT32_MAX;
		if (whole.state == LOCAL) whole.state = KNOWN;
	}
	return settle_as(folder, copy, evaluated, whole);
}

// Recursion is bounded by the depth that the parser lets through.
static struct folded fold(struct folder *folder, const struct node *node, enum position position) {
	struct folded whole = nothing_open;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		return fold_reference(folder, node);
	case NODE_SELECT:
	case NODE_INDEX:
		return fold_member(folder, node);
	case NODE_HAS:
		return fold_has(folder, node);
	case NODE_CALL:
		return fold_call(folder, node);
	case NODE_AND:
	case NODE_OR:
		return fold_chain(folder, node, position);
	case NODE_CONDITION:
		return fold_condition(folder, node, position);
	case NODE_LIST:
	case NODE_MAP:
		return fold_items(folder, node);
	case NODE_MACRO:
		return fold_macro(folder, node);
	}
	whole.node = node_copy(folder, node);
	return whole;
}

// ---- the whole -------------------------------------------------------------------------------------------------

static bool fail(struct cel_failure *failure, const char *what) {
	*failure = (struct cel_failure){.line = 1, .column = 1};
	cel_fail_at(failure, STR(""), 0, "the expression cannot be interpolated: %s", what);
	return false;
}

static bool is_expression(struct arena *arena, struct str text, struct cel_failure *failure) {
	return cel_compile(arena, text, CEL_INTERPOLATED, failure) != NULL;
}

// Text whose string literals mean the same with their escapes decoded.
static bool reads_the_same(struct arena *arena, struct str text, struct cel_failure *failure) {
	bool has_escapes = str_find(text, '\\') >= 0 && str_find_str(text, STR("vars.")) < 0;
	return !has_escapes && is_expression(arena, text, failure);
}

static bool interpolate(struct folder *folder, struct buf *out, struct cel_failure *failure) {
	struct folded whole = fold(folder, folder->program->root, POSITION_MATCH);
	if (folder->is_spent) return fail(failure, "that takes too long");
	if (!folder->is_changed && reads_the_same(folder->arena, folder->program->text, failure)) {
		buf_str(out, folder->program->text);
		return true;
	}
	if (!cel_print(out, whole.node))
		return fail(failure, out->overflow ? "the result is too long" : "a value has no text");
	if (is_expression(folder->arena, buf_view(out), failure)) return true;
	char why[sizeof failure->message];
	memcpy(why, failure->message, sizeof why);
	return fail(failure, why);
}

bool cel_interpolate(struct arena *arena, struct str text, const struct cel_input *known, const struct str *unknown,
		     size_t unknown_count, struct str *out, struct cel_failure *failure) {
	struct arena scratch;
	struct cel_failure ignored;
	struct buf result;
	bool good = false;
	if (failure == NULL) failure = &ignored;
	arena_init(&scratch, 0);
	buf_init(&result, (size_t)CEL_TEXT_MAX * 4); // bytes of a code point
	const struct cel_program *program = cel_compile(&scratch, text, CEL_EVALUATE, failure);
	if (program != NULL) {
		struct folder folder = {
			.arena = &scratch,
			.program = program,
			.known = known,
			.unknown = unknown,
			.unknown_count = unknown_count,
			.frame = cel_frame_new(program, known, &scratch),
			.open_variables = ARENA_ARRAY(&scratch, bool, program->variable_count),
		};
		good = interpolate(&folder, &result, failure);
	}
	if (good) *out = arena_dup(arena, buf_view(&result));
	buf_free(&result);
	arena_free(&scratch);
	return good;
}
