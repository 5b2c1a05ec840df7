// The evaluation model of spec 04 §B5: a walk over the tree, in which missing data, errors and "nothing" are values.
#include "base/check.h"
#include "cel/functions.h"
#include "cel/program.h"
#include "cel/regex.h"

#define LOCAL_PATHS 32
#define LOCAL_VARIABLES 8
#define LOCAL_ARGS 4

enum path_state { PATH_UNKNOWN, PATH_FOUND, PATH_MISSING };

struct resolved {      // a checked path, looked up when something asks for it
	uint8_t state; // enum path_state
	struct cel_value value;
};

struct frame {
	const struct cel_program *program;
	const struct cel_input *input;
	struct evaluation evaluation;
	struct resolved *paths;
	struct cel_value *variables;
	uint64_t cost;
	uint8_t aborted; // enum cel_error_code: the whole evaluation ends with it
};

static struct cel_value eval(struct frame *frame, const struct node *node);

static struct cel_value error_simple(enum cel_error_code code) {
	return cel_error(code, STR(""));
}

static struct cel_value abort_with(struct frame *frame, enum cel_error_code code) {
	if (frame->aborted == CEL_OK) frame->aborted = (uint8_t)code;
	return error_simple(code);
}

// ---- references ------------------------------------------------------------------------------------------------

static bool find_root(const struct frame *frame, struct str name, struct cel_value *out) {
	for (size_t i = 0; i < frame->input->count; i++) {
		const struct cel_binding *binding = &frame->input->bindings[i];
		if (binding->value == NULL || !str_eq(binding->name, name)) continue;
		*out = cel_from_json(binding->value);
		return true;
	}
	return false;
}

static void spend(struct frame *frame, uint64_t cost) {
	frame->cost += cost;
	if (frame->cost > CEL_COST_MAX) (void)abort_with(frame, CEL_COST);
}

// JSON is searched from its beginning.
#define MEMBERS_PER_COST 16
#define BYTES_PER_COST 32

static void charge_search(struct frame *frame, const struct cel_value *in) {
	size_t size = in->type == CEL_MAP ? cel_map_size(in) : in->type == CEL_LIST ? cel_list_size(in) : 0;
	if (size >= MEMBERS_PER_COST) spend(frame, size / MEMBERS_PER_COST);
}

static bool path_is_missing(struct frame *frame, uint32_t index) {
	const struct path *path = &frame->program->paths[index];
	struct resolved *resolved = &frame->paths[index];
	if (resolved->state != PATH_UNKNOWN) return resolved->state == PATH_MISSING;
	bool found = find_root(frame, path->root, &resolved->value);
	for (uint32_t i = 0; i < path->count && found; i++) {
		struct cel_value map = resolved->value;
		charge_search(frame, &map);
		found = map.type == CEL_MAP && cel_map_get_name(&map, path->fields[i], &resolved->value);
	}
	resolved->state = found ? PATH_FOUND : PATH_MISSING;
	return !found;
}

static bool index_list(const struct cel_value *list, const struct cel_value *index, struct cel_value *out) {
	int64_t at = -1;
	if (index->type == CEL_INT)
		at = index->integer;
	else if (index->type == CEL_UINT)
		at = index->uinteger <= INT64_MAX ? (int64_t)index->uinteger : -1;
	else if (index->type == CEL_DOUBLE && index->number >= 0 && index->number < 9007199254740992.0 &&
		 (double)(int64_t)index->number == index->number)
		at = (int64_t)index->number;
	else if (index->type != CEL_DOUBLE || index->number >= 0) {
		*out = error_simple(CEL_INDEX_TYPE);
		return false;
	}
	if (at < 0 || (uint64_t)at >= cel_list_size(list)) {
		*out = error_simple(CEL_INDEX_OUT_OF_BOUNDS);
		return false;
	}
	*out = cel_list_at(list, (size_t)at);
	return true;
}

static struct cel_value key_error(struct frame *frame, const struct cel_value *key) {
	struct buf text;
	buf_init(&text, 1024);
	cel_text(&text, key);
	struct str copy = arena_dup(frame->evaluation.scratch, buf_view(&text));
	buf_free(&text);
	return cel_error(CEL_NO_SUCH_KEY, copy);
}

static struct cel_value select_field(struct frame *frame, const struct cel_value *base, struct str field) {
	struct cel_value out;
	charge_search(frame, base);
	if (base->type == CEL_UNKNOWN || base->type == CEL_ERROR) return *base;
	if (base->type == CEL_MAP && cel_map_get_name(base, field, &out)) return out;
	return cel_error(CEL_NO_SUCH_KEY, field);
}

static struct cel_value apply_index(struct frame *frame, const struct cel_value *base, const struct cel_value *index) {
	struct cel_value out;
	charge_search(frame, base);
	if (base->type == CEL_UNKNOWN || base->type == CEL_ERROR) return *base;
	if (index->type == CEL_UNKNOWN || index->type == CEL_ERROR) return *index;
	if (index->type == CEL_NOTHING) return abort_with(frame, CEL_NO_RESULT);
	if (base->type == CEL_LIST) {
		(void)index_list(base, index, &out);
		return out;
	}
	if (base->type == CEL_MAP && cel_map_get(base, index, &out)) return out;
	return key_error(frame, index);
}

// Whether a missing path is related to a reference whose indexes are known by now.
static bool relates(const struct path *path, const struct reference *reference, const struct cel_value *indexes) {
	uint32_t common = path->count < reference->count ? path->count : reference->count;
	for (uint32_t i = 0; i < common; i++) {
		bool is_text = reference->segments[i].index == NULL || indexes[i].type == CEL_STRING;
		struct str field =
			reference->segments[i].index == NULL ? reference->segments[i].field : indexes[i].text;
		if (!is_text || !str_eq(field, path->fields[i])) return false;
	}
	return true;
}

static bool any_is_missing(struct frame *frame, const struct reference *reference, const struct cel_value *indexes,
			   uint32_t *looked_at) {
	for (uint32_t i = 0; i < reference->before_count; i++) {
		++*looked_at;
		if (path_is_missing(frame, reference->before[i])) return true;
	}
	for (uint32_t i = reference->first; i < reference->end; i++) {
		++*looked_at;
		if (!path_is_missing(frame, i)) continue;
		if (!reference->dynamic || relates(&frame->program->paths[i], reference, indexes)) return true;
	}
	return false;
}

static bool is_unknown(struct frame *frame, const struct reference *reference, const struct cel_value *indexes) {
	uint32_t looked_at = 0;
	bool unknown = any_is_missing(frame, reference, indexes, &looked_at);
	if (looked_at > 1) spend(frame, looked_at - 1);
	return unknown;
}

static bool type_by_name(struct str name, enum cel_type *out) {
	for (int type = CEL_NULL; type < CEL_TYPE_COUNT; type++) {
		*out = (enum cel_type)type;
		if (str_eq_cstr(name, cel_type_name(*out))) return true;
	}
	return false;
}

static bool reference_base(struct frame *frame, const struct reference *reference, struct cel_value *out) {
	enum cel_type type;
	if (reference->variable >= 0) {
		*out = frame->variables[reference->variable];
		return true;
	}
	if (find_root(frame, reference->root, out)) return true;
	if (reference->count > 0 || !type_by_name(reference->root, &type)) return false;
	*out = (struct cel_value){.type = CEL_TYPE, .named = type};
	return true;
}

static struct cel_value no_base(const struct frame *frame, const struct reference *reference) {
	if (frame->program->mode == CEL_INTERPOLATED && reference->count > 0) return cel_simple(CEL_UNKNOWN);
	return cel_error(CEL_NO_SUCH_ATTRIBUTE, reference->root);
}

// `test`: has() of its last selection.
static struct cel_value eval_reference(struct frame *frame, const struct reference *reference, bool test) {
	struct cel_value local[LOCAL_ARGS], *indexes = local, value;
	if (reference->dynamic) {
		if (reference->count > LOCAL_ARGS)
			indexes = ARENA_ARRAY(frame->evaluation.scratch, struct cel_value, reference->count);
		for (uint32_t i = 0; i < reference->count; i++) {
			const struct node *index = reference->segments[i].index;
			if (index != NULL) indexes[i] = eval(frame, index);
		}
	}
	if (is_unknown(frame, reference, indexes)) return cel_simple(CEL_UNKNOWN);
	if (reference->path >= 0) return test ? cel_bool(true) : frame->paths[reference->path].value;
	if (!reference_base(frame, reference, &value)) return no_base(frame, reference);
	uint32_t count = reference->count - (test ? 1 : 0);
	for (uint32_t i = 0; i < count; i++) {
		const struct segment *segment = &reference->segments[i];
		if (segment->index == NULL)
			value = select_field(frame, &value, segment->field);
		else
			value = apply_index(frame, &value, reference->dynamic ? &indexes[i] : &segment->index->literal);
	}
	if (!test || value.type == CEL_UNKNOWN || value.type == CEL_ERROR) return value;
	struct cel_value ignored;
	return cel_bool(value.type == CEL_MAP && cel_map_get_name(&value, reference->segments[count].field, &ignored));
}

static struct cel_value eval_has(struct frame *frame, const struct node *operand) {
	if (operand->kind == NODE_REFERENCE) return eval_reference(frame, &operand->reference, true);
	struct cel_value base = eval(frame, operand->select.operand), ignored;
	if (base.type == CEL_UNKNOWN || base.type == CEL_ERROR) return base;
	return cel_bool(base.type == CEL_MAP && cel_map_get_name(&base, operand->select.field, &ignored));
}

// ---- calls -----------------------------------------------------------------------------------------------------

static bool is_absent(const struct cel_value *value) {
	return value->type == CEL_UNKNOWN || value->type == CEL_ERROR;
}

static bool is_no_attribute(const struct cel_value *value) {
	return value->type == CEL_ERROR && value->error == CEL_NO_SUCH_ATTRIBUTE;
}

// Rule 3: one of the first two operands is missing.
static struct cel_value call_absent(enum operator_id op, const struct cel_value *args, uint32_t count) {
	uint32_t seen = count < 2 ? count : 2;
	for (uint32_t i = 0; i < seen; i++) {
		if (args[i].type == CEL_UNKNOWN && i + 1 < seen && is_no_attribute(&args[i + 1])) return args[i];
		if (is_no_attribute(&args[i])) return args[i];
	}
	bool left = is_absent(&args[0]);
	const struct cel_value *other = seen == 2 ? &args[left ? 1 : 0] : NULL;
	switch (op) {
	case OPERATOR_ADD:
		if (args[0].type != CEL_UNKNOWN)
			return args[0].type == CEL_ERROR ? args[0]
							 : args[seen == 2 && args[1].type == CEL_ERROR ? 1 : 0];
		return seen == 2 && args[1].type != CEL_UNKNOWN ? args[1] : cel_bool(false);
	case OPERATOR_EQUAL:
		return cel_bool(other != NULL && other->type == CEL_NULL);
	case OPERATOR_NOT_EQUAL:
		return cel_bool(!(other != NULL && other->type == CEL_NULL));
	case OPERATOR_LESS:
	case OPERATOR_LESS_EQUAL:
		return cel_bool(left);
	case OPERATOR_GREATER:
	case OPERATOR_GREATER_EQUAL:
		return cel_bool(!left);
	case OPERATOR_SIZE:
		return cel_int(0);
	default:
		return cel_bool(false);
	}
}

static bool has_nothing(const struct cel_value *args, uint32_t count) {
	for (uint32_t i = 0; i < count && i < 2; i++) {
		if (args[i].type == CEL_NOTHING) return true;
	}
	return false;
}

// Only the comparison with null survives "nothing".
static struct cel_value call_nothing(struct frame *frame, enum operator_id op, const struct cel_value *args,
				     uint32_t count) {
	bool null = count == 2 && (args[0].type == CEL_NULL || args[1].type == CEL_NULL);
	if (null && op == OPERATOR_EQUAL) return cel_bool(false);
	if (null && op == OPERATOR_NOT_EQUAL) return cel_bool(true);
	return abort_with(frame, CEL_NO_RESULT);
}

static struct cel_value join_texts(struct frame *frame, const struct cel_value *args) {
	struct buf text;
	buf_init(&text, (size_t)CEL_COST_MAX * BYTES_PER_COST);
	cel_text(&text, &args[0]);
	cel_text(&text, &args[1]);
	if (text.overflow) {
		buf_free(&text);
		return abort_with(frame, CEL_COST);
	}
	struct cel_value joined = cel_string(arena_dup(frame->evaluation.scratch, buf_view(&text)));
	buf_free(&text);
	return joined;
}

// Rule 4: null is the zero of the other type.
static struct cel_value compare_null(enum operator_id op, const struct cel_value *args) {
	struct cel_value zeroed[2] = {args[0], args[1]};
	int null = args[0].type == CEL_NULL ? 0 : 1, order;
	switch ((enum cel_type)args[!null].type) {
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
		zeroed[null] = cel_int(0);
		break;
	case CEL_STRING:
		zeroed[null] = cel_string(STR(""));
		break;
	default:
		return error_simple(CEL_NO_SUCH_OVERLOAD);
	}
	if (!cel_order(&zeroed[0], &zeroed[1], &order)) return error_simple(CEL_NO_SUCH_OVERLOAD);
	return cel_bool(cel_operator_accepts(op, order));
}

static bool is_ordering(enum operator_id op) {
	return op >= OPERATOR_LESS && op <= OPERATOR_GREATER_EQUAL;
}

static struct cel_value call_values(struct frame *frame, const struct cel_call *call, const struct cel_value *args,
				    uint32_t count) {
	enum operator_id op = call->function != NULL ? (enum operator_id)call->function->op : OPERATOR_OTHER;
	struct cel_value out;
	if (count > 0 && (is_absent(&args[0]) || (count > 1 && is_absent(&args[1]))))
		return call_absent(op, args, count);
	if (has_nothing(args, count)) return call_nothing(frame, op, args, count);
	frame->evaluation.regex = call->regex;
	if (call->takes_count && call->function->call(&frame->evaluation, args, count, &out)) return out;
	bool mixed = count == 2 && args[0].type != args[1].type;
	if (mixed && op == OPERATOR_ADD) return join_texts(frame, args);
	if (mixed && is_ordering(op) && (args[0].type == CEL_NULL || args[1].type == CEL_NULL))
		return compare_null(op, args);
	return cel_error(CEL_NO_SUCH_OVERLOAD, call->name);
}

// Large operands cost more than small ones: what is copied, compared or searched is bounded with the rest.
static void charge(struct frame *frame, const struct cel_value *value) {
	size_t size = 0;
	if (value->type == CEL_STRING || value->type == CEL_BYTES)
		size = value->text.len / BYTES_PER_COST;
	else if (value->type == CEL_LIST)
		size = cel_list_size(value);
	else if (value->type == CEL_MAP)
		size = cel_map_size(value);
	frame->cost += size;
}

static struct cel_value eval_call(struct frame *frame, const struct cel_call *call) {
	struct cel_value local[LOCAL_ARGS], *args = local;
	uint32_t count = 0, wanted = call->count + (call->receiver != NULL ? 1 : 0);
	if (wanted > LOCAL_ARGS) args = ARENA_ARRAY(frame->evaluation.scratch, struct cel_value, wanted);
	if (call->receiver != NULL) args[count++] = eval(frame, call->receiver);
	for (uint32_t i = 0; i < call->count; i++) args[count++] = eval(frame, call->args[i]);
	for (uint32_t i = 0; i < count; i++) charge(frame, &args[i]);
	if (frame->cost > CEL_COST_MAX) return abort_with(frame, CEL_COST);
	struct cel_value value = call_values(frame, call, args, count);
	charge(frame, &value);
	if (frame->evaluation.steps_left == 0) return abort_with(frame, CEL_COST);
	return value;
}

// ---- logic -----------------------------------------------------------------------------------------------------

// Both sides count, but the second one changes nothing when the first decides, unless it can end the evaluation.
static struct cel_value eval_logic(struct frame *frame, const struct node *node, bool decides) {
	struct cel_value a = eval(frame, node->logic.a);
	if (cel_truthy(&a) != decides) return eval(frame, node->logic.b);
	if (node->logic.b->may_abort) (void)eval(frame, node->logic.b);
	return a;
}

static struct cel_value eval_condition(struct frame *frame, const struct node *node) {
	struct cel_value condition = eval(frame, node->logic.a);
	return eval(frame, cel_truthy(&condition) ? node->logic.b : node->logic.c);
}

// ---- lists, maps, macros ---------------------------------------------------------------------------------------

// What an element makes of the whole literal; true when it is no value.
static bool spoils(struct frame *frame, const struct cel_value *item, struct cel_value *out) {
	if (item->type == CEL_NOTHING)
		*out = abort_with(frame, CEL_NO_RESULT);
	else if (is_absent(item))
		*out = *item;
	else
		return false;
	return true;
}

static struct cel_value eval_list(struct frame *frame, const struct node *node) {
	struct cel_list *list = ARENA_NEW(frame->evaluation.scratch, struct cel_list);
	struct cel_value spoilt;
	list->items = ARENA_ARRAY(frame->evaluation.scratch, struct cel_value, node->items.count);
	for (; list->count < node->items.count; list->count++) {
		list->items[list->count] = eval(frame, node->items.items[list->count]);
		if (spoils(frame, &list->items[list->count], &spoilt)) return spoilt;
	}
	return (struct cel_value){.type = CEL_LIST, .list = list};
}

static bool is_key(const struct cel_value *key) {
	return key->type == CEL_BOOL || key->type == CEL_INT || key->type == CEL_UINT || key->type == CEL_STRING;
}

static struct cel_value eval_map(struct frame *frame, const struct node *node) {
	struct arena *scratch = frame->evaluation.scratch;
	struct cel_map *map = ARENA_NEW(scratch, struct cel_map);
	struct cel_value spoilt;
	map->keys = ARENA_ARRAY(scratch, struct cel_value, node->items.count);
	map->values = ARENA_ARRAY(scratch, struct cel_value, node->items.count);
	for (uint32_t i = 0; i < node->items.count; i++) {
		struct cel_value key = eval(frame, node->items.keys[i]), value = eval(frame, node->items.items[i]);
		if (spoils(frame, &key, &spoilt) || spoils(frame, &value, &spoilt)) return spoilt;
		if (!is_key(&key)) return cel_error(CEL_NO_SUCH_OVERLOAD, STR("unsupported key type"));
		uint32_t at = 0; // the last one of equal keys counts
		while (at < map->count && !cel_equal_within(&map->keys[at], &key, &frame->evaluation.steps_left)) at++;
		if (frame->evaluation.steps_left == 0) return abort_with(frame, CEL_COST);
		map->keys[at] = key;
		map->values[at] = value;
		if (at == map->count) map->count++;
	}
	return (struct cel_value){.type = CEL_MAP, .map = map};
}

struct vector { // a list that grows in the arena
	struct arena *arena;
	struct cel_list list;
	size_t cap;
};

static void vector_add(struct vector *vector, const struct cel_value *value) {
	if (vector->list.count == vector->cap) {
		size_t cap = vector->cap > 0 ? 2 * vector->cap : 8;
		struct cel_value *items = ARENA_ARRAY(vector->arena, struct cel_value, cap);
		if (vector->cap > 0) memcpy(items, vector->list.items, vector->cap * sizeof *items);
		vector->list.items = items;
		vector->cap = cap;
	}
	vector->list.items[vector->list.count++] = *value;
}

struct loop {
	const struct macro *macro;
	struct cel_value result; // all, exists
	uint64_t hits;           // exists_one
	struct vector vector;    // map, filter
};

// One element; false ends the loop.
static bool loop_step(struct frame *frame, struct loop *loop, const struct cel_value *element) {
	const struct macro *macro = loop->macro;
	struct cel_value test = cel_bool(true);
	frame->variables[macro->variable] = *element;
	if (macro->predicate != NULL) test = eval(frame, macro->predicate);
	bool wanted = cel_truthy(&test);
	switch (macro->kind) {
	case MACRO_EXISTS:
		loop->result = test;
		return test.type == CEL_BOOL && !test.boolean;
	case MACRO_ALL:
		if (cel_truthy(&loop->result)) loop->result = test;
		return !is_absent(&loop->result) && !(loop->result.type == CEL_BOOL && !loop->result.boolean);
	case MACRO_EXISTS_ONE:
		loop->hits += wanted;
		return true;
	case MACRO_FILTER:
		if (wanted) vector_add(&loop->vector, element);
		return true;
	case MACRO_MAP:
		break;
	}
	if (!wanted) return true;
	struct cel_value item = eval(frame, macro->transform);
	if (item.type == CEL_UNKNOWN) return true; // left out
	loop->result = item;
	if (item.type == CEL_NOTHING) loop->result = abort_with(frame, CEL_NO_RESULT);
	if (loop->result.type == CEL_ERROR) return false;
	vector_add(&loop->vector, &item);
	return true;
}

static struct cel_value loop_result(struct frame *frame, const struct loop *loop) {
	switch (loop->macro->kind) {
	case MACRO_ALL:
	case MACRO_EXISTS:
		return loop->result;
	case MACRO_EXISTS_ONE:
		return cel_bool(loop->hits == 1);
	default:
		if (loop->result.type == CEL_ERROR) return loop->result;
	}
	struct cel_list *list = ARENA_NEW(frame->evaluation.scratch, struct cel_list);
	*list = loop->vector.list;
	return (struct cel_value){.type = CEL_LIST, .list = list};
}

static struct cel_value eval_macro(struct frame *frame, const struct macro *macro) {
	struct cel_value range = eval(frame, macro->range), key, value;
	struct loop loop = {.macro = macro,
			    .result = cel_bool(macro->kind == MACRO_ALL),
			    .vector = {.arena = frame->evaluation.scratch}};
	struct cel_walk walk;
	if (is_absent(&range)) return range;
	if (range.type == CEL_NOTHING) return abort_with(frame, CEL_NO_RESULT);
	if (range.type != CEL_LIST && range.type != CEL_MAP)
		return cel_error(CEL_NOT_ITERABLE, str_from_cstr(cel_type_name((enum cel_type)range.type)));
	for (cel_walk_start(&walk, &range); cel_walk_next(&walk, &key, &value) && frame->aborted == CEL_OK;) {
		if (!loop_step(frame, &loop, range.type == CEL_MAP ? &key : &value)) break;
	}
	return loop_result(frame, &loop);
}

// ---- the whole -------------------------------------------------------------------------------------------------

static struct cel_value eval_select(struct frame *frame, const struct node *node) {
	struct cel_value base = eval(frame, node->select.operand);
	if (base.type == CEL_NOTHING) return abort_with(frame, CEL_NO_RESULT);
	return select_field(frame, &base, node->select.field);
}

static struct cel_value eval_index(struct frame *frame, const struct node *node) {
	struct cel_value base = eval(frame, node->select.operand), index = eval(frame, node->select.index);
	if (base.type == CEL_NOTHING) return abort_with(frame, CEL_NO_RESULT);
	return apply_index(frame, &base, &index);
}

// Recursion is bounded by the depth that the parser lets through.
static struct cel_value eval(struct frame *frame, const struct node *node) {
	if (++frame->cost > CEL_COST_MAX) return abort_with(frame, CEL_COST);
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		return node->literal;
	case NODE_REFERENCE:
		return eval_reference(frame, &node->reference, false);
	case NODE_SELECT:
		return eval_select(frame, node);
	case NODE_INDEX:
		return eval_index(frame, node);
	case NODE_HAS:
		return eval_has(frame, node->select.operand);
	case NODE_CALL:
		return eval_call(frame, &node->call);
	case NODE_AND:
		return eval_logic(frame, node, false);
	case NODE_OR:
		return eval_logic(frame, node, true);
	case NODE_CONDITION:
		return eval_condition(frame, node);
	case NODE_LIST:
		return eval_list(frame, node);
	case NODE_MAP:
		return eval_map(frame, node);
	case NODE_MACRO:
		return eval_macro(frame, &node->macro);
	}
	return error_simple(CEL_NO_RESULT);
}

struct cel_value cel_eval(const struct cel_program *program, const struct cel_input *input, struct arena *scratch) {
	struct resolved local_paths[LOCAL_PATHS], *paths = local_paths;
	struct cel_value local_variables[LOCAL_VARIABLES], *variables = local_variables;
	if (program->path_count > LOCAL_PATHS) paths = ARENA_ARRAY(scratch, struct resolved, program->path_count);
	if (program->variable_count > LOCAL_VARIABLES)
		variables = ARENA_ARRAY(scratch, struct cel_value, program->variable_count);
	for (uint32_t i = 0; i < program->path_count; i++) paths[i].state = PATH_UNKNOWN;
	struct frame frame = {
		.program = program,
		.input = input,
		.evaluation = {.scratch = scratch, .now_ns = input->now_ns, .steps_left = CEL_STEPS_MAX},
		.paths = paths,
		.variables = variables,
	};
	struct cel_value value = eval(&frame, program->root);
	if (frame.aborted != CEL_OK) return error_simple((enum cel_error_code)frame.aborted);
	if (value.type == CEL_UNKNOWN) return cel_bool(false);
	return value.type == CEL_NOTHING ? error_simple(CEL_NO_RESULT) : value;
}

// ---- in pieces -------------------------------------------------------------------------------------------------

struct frame *cel_frame_new(const struct cel_program *program, const struct cel_input *input, struct arena *scratch) {
	struct frame *frame = ARENA_NEW(scratch, struct frame);
	*frame = (struct frame){
		.program = program,
		.input = input,
		.evaluation = {.scratch = scratch, .now_ns = input->now_ns, .steps_left = CEL_STEPS_MAX},
		.paths = ARENA_ARRAY(scratch, struct resolved, program->path_count),
		.variables = ARENA_ARRAY(scratch, struct cel_value, program->variable_count),
	};
	return frame;
}

struct cel_value cel_frame_eval(struct frame *frame, const struct node *node, bool *aborted) {
	frame->aborted = CEL_OK;
	struct cel_value value = eval(frame, node);
	*aborted = frame->aborted != CEL_OK;
	return *aborted ? error_simple((enum cel_error_code)frame->aborted) : value;
}
