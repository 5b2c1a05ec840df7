// Why an expression gave what it gave: the parts that decided the result, each with its value, and the data that was
// missing. For people who ask; evaluations pay nothing for it.
//
// The program is parsed once more and evaluated part by part, all together within the cost of one evaluation.
// Everything in an explanation borrows from the program's text, from the data and from the arena. Nothing can fail; any
// thread.
#ifndef INNGEST_CEL_EXPLAIN_H
#define INNGEST_CEL_EXPLAIN_H

#include "cel/cel.h"

// More than anybody reads.
#define CEL_REASONS_MAX 200u
#define CEL_MISSING_MAX 100u

// A part of the expression that decided the one before it that is less deep: the first falsy operand of &&, the first
// truthy one of ||, the condition and the chosen branch of ?:, the operands of comparisons and calls. Parts that are
// constant are left out where they decide nothing. What macros evaluate for each element is not shown.
struct cel_reason {
	struct str text;        // as written
	struct cel_value value; // CEL_UNKNOWN: missing data; CEL_ERROR, CEL_NOTHING: as they flow
	uint32_t depth;         // 0: the whole
	// Not empty: data is there, but counts as missing because this path below it is missing (spec 04 §B5).
	struct str hidden_by;
};
struct cel_missing {
	struct str text;   // the path as written
	struct str absent; // the first name or index of it that is not there
};
struct cel_explanation {
	const struct cel_reason *reasons; // the whole is the first
	size_t reason_count;
	const struct cel_missing *missing; // anywhere in the expression, each once
	size_t missing_count;
	bool is_cut; // there would have been more
};
void cel_explain(const struct cel_program *program, const struct cel_input *input, struct arena *arena,
		 struct cel_explanation *out);

#endif
