// The operators (spec 04 §B6), for operands that are there. What missing ones give is in eval.c.
#include <math.h>

#include "base/check.h"
#include "cel/functions.h"

static bool both(const struct cel_value *args, enum cel_type type) {
	return args[0].type == type && args[1].type == type;
}

static bool give(struct cel_value *out, struct cel_value value) {
	*out = value;
	return true;
}

static bool give_int(struct cel_value *out, bool overflow, int64_t value) {
	return give(out, overflow ? cel_error(CEL_OVERFLOW, STR("")) : cel_int(value));
}

static bool give_uint(struct cel_value *out, bool overflow, uint64_t value) {
	return give(out, overflow ? cel_error(CEL_OVERFLOW, STR("")) : cel_uint(value));
}

static bool give_duration(struct cel_value *out, bool good, int64_t value) {
	if (!good) return give(out, cel_error(CEL_OVERFLOW, STR("")));
	return give(out, (struct cel_value){.type = CEL_DURATION, .integer = value});
}

static bool give_time(struct cel_value *out, bool good, struct cel_time time) {
	if (!good) return give(out, cel_error(CEL_OVERFLOW, STR("")));
	return give(out, (struct cel_value){.type = CEL_TIMESTAMP, .time = time});
}

// ---- comparison ------------------------------------------------------------------------------------------------

static bool equal(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation, (void)count;
	return give(out, cel_bool(cel_equal(&args[0], &args[1])));
}

static bool not_equal(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	(void)evaluation, (void)count;
	return give(out, cel_bool(!cel_equal(&args[0], &args[1])));
}

bool operator_accepts(enum operator_id op, int order) {
	switch (op) {
	case OPERATOR_LESS:
		return order == -1;
	case OPERATOR_LESS_EQUAL:
		return order == -1 || order == 0;
	case OPERATOR_GREATER:
		return order == 1;
	case OPERATOR_GREATER_EQUAL:
		return order == 1 || order == 0;
	default:
		return false;
	}
}

#define ORDER(name, id)                                                                                           \
	static bool name(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,             \
			 struct cel_value *out) {                                                                 \
		int order;                                                                                        \
		(void)evaluation, (void)count;                                                                    \
		return cel_order(&args[0], &args[1], &order) && give(out, cel_bool(operator_accepts(id, order))); \
	}
ORDER(less, OPERATOR_LESS)
ORDER(less_equal, OPERATOR_LESS_EQUAL)
ORDER(greater, OPERATOR_GREATER)
ORDER(greater_equal, OPERATOR_GREATER_EQUAL)
#undef ORDER

static bool in(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	struct cel_walk walk;
	struct cel_value item;
	(void)evaluation, (void)count;
	if (args[1].type == CEL_MAP) return give(out, cel_bool(cel_map_get(&args[1], &args[0], &item)));
	if (args[1].type != CEL_LIST) return false;
	bool found = false;
	for (cel_walk_start(&walk, &args[1]); !found && cel_walk_next(&walk, NULL, &item);)
		found = cel_equal(&item, &args[0]);
	return give(out, cel_bool(found));
}

// ---- arithmetic ------------------------------------------------------------------------------------------------

static struct cel_value join_lists(struct arena *scratch, const struct cel_value *args) {
	struct cel_list *list = ARENA_NEW(scratch, struct cel_list);
	list->items = ARENA_ARRAY(scratch, struct cel_value, cel_list_size(&args[0]) + cel_list_size(&args[1]));
	for (int i = 0; i < 2; i++) {
		struct cel_walk walk;
		for (cel_walk_start(&walk, &args[i]); cel_walk_next(&walk, NULL, &list->items[list->count]);)
			list->count++;
	}
	return (struct cel_value){.type = CEL_LIST, .list = list};
}

static bool add_times(const struct cel_value *args, struct cel_value *out) {
	struct cel_time time;
	int64_t duration;
	if (both(args, CEL_DURATION)) {
		bool good = !__builtin_add_overflow(args[0].integer, args[1].integer, &duration);
		return give_duration(out, good, duration);
	}
	bool time_first = args[0].type == CEL_TIMESTAMP;
	if (!(time_first ? args[1].type == CEL_DURATION
			 : args[0].type == CEL_DURATION && args[1].type == CEL_TIMESTAMP))
		return false;
	bool good = cel_time_add(args[!time_first].time, args[time_first].integer, &time);
	return give_time(out, good, time);
}

static bool add(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)count;
	if (both(args, CEL_INT)) {
		int64_t sum;
		bool overflow = __builtin_add_overflow(args[0].integer, args[1].integer, &sum);
		return give_int(out, overflow, sum);
	}
	if (both(args, CEL_UINT)) {
		uint64_t sum;
		bool overflow = __builtin_add_overflow(args[0].uinteger, args[1].uinteger, &sum);
		return give_uint(out, overflow, sum);
	}
	if (both(args, CEL_DOUBLE)) return give(out, cel_double(args[0].number + args[1].number));
	if (both(args, CEL_STRING) || both(args, CEL_BYTES)) {
		*out = cel_string(arena_cat(evaluation->scratch, args[0].text, args[1].text));
		out->type = args[0].type;
		return true;
	}
	if (both(args, CEL_LIST)) return give(out, join_lists(evaluation->scratch, args));
	return add_times(args, out);
}

static bool subtract_times(const struct cel_value *args, struct cel_value *out) {
	struct cel_time time;
	int64_t duration;
	if (both(args, CEL_DURATION)) {
		bool good = !__builtin_sub_overflow(args[0].integer, args[1].integer, &duration);
		return give_duration(out, good, duration);
	}
	if (both(args, CEL_TIMESTAMP)) {
		bool good = cel_time_difference(args[0].time, args[1].time, &duration);
		return give_duration(out, good, duration);
	}
	if (args[0].type != CEL_TIMESTAMP || args[1].type != CEL_DURATION) return false;
	bool good = cel_time_subtract(args[0].time, args[1].integer, &time);
	return give_time(out, good, time);
}

static bool subtract(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		     struct cel_value *out) {
	(void)evaluation, (void)count;
	if (both(args, CEL_INT)) {
		int64_t difference;
		bool overflow = __builtin_sub_overflow(args[0].integer, args[1].integer, &difference);
		return give_int(out, overflow, difference);
	}
	if (both(args, CEL_UINT)) {
		uint64_t difference;
		bool overflow = __builtin_sub_overflow(args[0].uinteger, args[1].uinteger, &difference);
		return give_uint(out, overflow, difference);
	}
	if (both(args, CEL_DOUBLE)) return give(out, cel_double(args[0].number - args[1].number));
	return subtract_times(args, out);
}

static bool multiply(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		     struct cel_value *out) {
	(void)evaluation, (void)count;
	if (both(args, CEL_INT)) {
		int64_t product;
		bool overflow = __builtin_mul_overflow(args[0].integer, args[1].integer, &product);
		return give_int(out, overflow, product);
	}
	if (both(args, CEL_UINT)) {
		uint64_t product;
		bool overflow = __builtin_mul_overflow(args[0].uinteger, args[1].uinteger, &product);
		return give_uint(out, overflow, product);
	}
	return both(args, CEL_DOUBLE) && give(out, cel_double(args[0].number * args[1].number));
}

// The one quotient that is too large, and no quotient at all.
static bool bad_division(const struct cel_value *args, struct cel_value *out) {
	bool zero = args[0].type == CEL_INT ? args[1].integer == 0 : args[1].uinteger == 0;
	bool overflow = args[0].type == CEL_INT && args[0].integer == INT64_MIN && args[1].integer == -1;
	if (zero || overflow) *out = cel_error(zero ? CEL_DIVIDE_BY_ZERO : CEL_OVERFLOW, STR(""));
	return zero || overflow;
}

static bool divide(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation, (void)count;
	if (both(args, CEL_DOUBLE)) return give(out, cel_double(args[0].number / args[1].number));
	if (!both(args, CEL_INT) && !both(args, CEL_UINT)) return false;
	if (bad_division(args, out)) return true;
	return give(out, args[0].type == CEL_INT ? cel_int(args[0].integer / args[1].integer)
						 : cel_uint(args[0].uinteger / args[1].uinteger));
}

static bool modulo(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation, (void)count;
	if (!both(args, CEL_INT) && !both(args, CEL_UINT)) return false;
	if (bad_division(args, out)) return true;
	return give(out, args[0].type == CEL_INT ? cel_int(args[0].integer % args[1].integer)
						 : cel_uint(args[0].uinteger % args[1].uinteger));
}

static bool negate(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	int64_t result;
	(void)evaluation, (void)count;
	if (args[0].type == CEL_DOUBLE) return give(out, cel_double(-args[0].number));
	if (args[0].type != CEL_INT && args[0].type != CEL_DURATION) return false;
	bool overflow = __builtin_sub_overflow(0, args[0].integer, &result);
	if (args[0].type == CEL_DURATION) return give_duration(out, !overflow, result);
	return give_int(out, overflow, result);
}

static bool not(struct evaluation * evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation, (void)count;
	return args[0].type == CEL_BOOL && give(out, cel_bool(!args[0].boolean));
}

// Signatures: check.c. `+` and the comparisons take anything (§B9, relaxed operators).
const struct function operator_table[] = {
	{"_==_", OPERATOR_EQUAL, false, true, equal, "(dyn,dyn)bool"},
	{"_!=_", OPERATOR_NOT_EQUAL, false, true, not_equal, "(dyn,dyn)bool"},
	{"_<_", OPERATOR_LESS, false, true, less, "(dyn,dyn)bool"},
	{"_<=_", OPERATOR_LESS_EQUAL, false, true, less_equal, "(dyn,dyn)bool"},
	{"_>_", OPERATOR_GREATER, false, true, greater, "(dyn,dyn)bool"},
	{"_>=_", OPERATOR_GREATER_EQUAL, false, true, greater_equal, "(dyn,dyn)bool"},
	{"@in", OPERATOR_OTHER, false, true, in, "(A,list(A))bool (A,map(A,dyn))bool"},
	{"_+_", OPERATOR_ADD, false, false, add, "(dyn,dyn)dyn"},
	{"_-_", OPERATOR_OTHER, false, false, subtract,
	 "(int,int)int (uint,uint)uint (double,double)double (timestamp,timestamp)duration "
	 "(timestamp,duration)timestamp (duration,duration)duration"},
	{"_*_", OPERATOR_OTHER, false, false, multiply, "(int,int)int (uint,uint)uint (double,double)double"},
	{"_/_", OPERATOR_OTHER, false, false, divide, "(int,int)int (uint,uint)uint (double,double)double"},
	{"_%_", OPERATOR_OTHER, false, false, modulo, "(int,int)int (uint,uint)uint"},
	{"-_", OPERATOR_OTHER, false, false, negate, "(int)int (double)double"},
	{"!_", OPERATOR_OTHER, false, true, not, "(bool)bool"},
	{NULL, 0, false, false, NULL, NULL},
};

const struct function *cel_function_find(struct str name) {
	static const struct function *const tables[] = {operator_table, conversion_table, text_table, time_table};
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (const struct function *function = tables[i]; function->name != NULL; function++) {
			if (str_eq_cstr(name, function->name)) return function;
		}
	}
	return NULL;
}
