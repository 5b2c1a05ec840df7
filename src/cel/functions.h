// Inside the library: operators and functions, as one table (spec 04 §B6, §B7).
#ifndef INNGEST_CEL_FUNCTIONS_H
#define INNGEST_CEL_FUNCTIONS_H

#include "cel/program.h"

enum operator_id { // those that treat missing data in a way of their own (§B5, Calls)
	OPERATOR_OTHER,
	OPERATOR_ADD,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_GREATER_EQUAL,
	OPERATOR_SIZE,
};

struct evaluation { // what functions may need besides their arguments
	struct arena *scratch;
	uint64_t now_ns;               // 0: not asked for yet
	const struct cel_regex *regex; // of a literal pattern, for matches()
};

// Arguments in order, the receiver first. False: no overload takes these values.
typedef bool function_call(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
			   struct cel_value *out);

struct function {
	const char *name; // operators as cel-go names them: "_+_"
	uint8_t op;       // enum operator_id
	bool may_abort;   // may give "nothing"
	bool restrictive; // allowed by the restrictive policy
	function_call *call;
	const char *signatures; // overloads, for the type check: see check.c; a leading '.' is a method
};
// One table each, ended by a NULL name.
extern const struct function operator_table[];   // operators.c
extern const struct function conversion_table[]; // conversions.c
extern const struct function text_table[];       // functions_text.c
extern const struct function time_table[];       // functions_time.c

const struct function *cel_function_find(struct str name);
// Comparison for < <= > >= given -1, 0, 1 or 2 (no order).
bool operator_accepts(enum operator_id op, int order);

#endif
