// CEL, the Common Expression Language, in the dialect of spec 04 part B: missing data is tolerated, `&&`, `||` and `?:`
// take any value by its truthiness, `+` joins different types as text. Knows nothing of events and runs.
//
//   struct cel_program *program;
//   cel_compile(&arena, STR("event.data.amount > 100"), CEL_EVALUATE, &program, &error);
//   struct cel_binding binding = {STR("event"), yyjson_doc_get_root(doc)};
//   struct cel_value result = cel_eval(program, &(struct cel_input){.bindings = &binding, .count = 1}, &scratch);
//
// A program is immutable and lives in the arena that it was compiled into, together with a copy of its text; any number
// of threads may evaluate it at once. Memory for values that are made on the way (text, lists) comes from `scratch`;
// comparisons of data with literals need none.
#ifndef INNGEST_CEL_CEL_H
#define INNGEST_CEL_CEL_H

#include "cel/value.h"

// §B13
#define CEL_TEXT_MAX 100000 // code points
#define CEL_NESTING_MAX 250
// Nodes that one evaluation may visit, and as many elements or 32 bytes of text that its calls may be given: only
// macros over large data get there. Bounds time to a fraction of a second and memory to some 100 MB.
#define CEL_COST_MAX 2000000u
// Steps that its functions may take in all: comparisons within lists and maps, states of `matches`.
#define CEL_STEPS_MAX 50000000u

enum cel_mode {
	CEL_EVALUATE, // string literals keep what is between their quotes, unless the text contains "vars." (§B3)
	CEL_STANDARD, // escapes are decoded and have to be right: what registration checks (§B9)
	// What cel_interpolate made: escapes are decoded as in CEL_STANDARD, and a path whose root is not given counts
	// as missing data wherever it stands, also where §B5 would make it an error.
	CEL_INTERPOLATED,
};

struct cel_failure { // why a text is no expression
	char message[200];
	uint32_t line, column; // from 1, in code points
};

struct cel_program;
// NULL when the text is no expression; `failure` may be NULL.
const struct cel_program *cel_compile(struct arena *arena, struct str text, enum cel_mode mode,
				      struct cel_failure *failure);

struct str cel_source(const struct cel_program *program); // the text that was compiled

struct cel_binding {
	struct str name;
	yyjson_val *value;
};
struct cel_input {
	const struct cel_binding *bindings;
	size_t count;
	uint64_t now_ns; // since the epoch, for now(); 0: the wall clock
};
// The final result: missing data has become false (§B5); a CEL_ERROR says what went wrong.
struct cel_value cel_eval(const struct cel_program *program, const struct cel_input *input, struct arena *scratch);

// The type check of §B9 over a program that was compiled with CEL_STANDARD. `roots`: the names that exist.
bool cel_check(const struct cel_program *program, const struct str *roots, size_t root_count,
	       struct cel_failure *failure);
// The restrictive policy of §B9: false when the program uses more than comparisons and logic; `out` gets the report,
// "validation failed: …".
bool cel_check_restrictive(const struct cel_program *program, struct buf *out);

// ---- what must hold --------------------------------------------------------------------------------------------

struct cel_path { // root.field.field…; slices of the program's text
	struct str root;
	const struct str *fields;
	uint32_t count;
};
struct cel_equality {
	struct cel_path path;
	struct cel_value value; // string, bool or number; CEL_UNKNOWN when it is the value of `other`
	struct cel_path other;
};
// Equalities without which the result cannot be true, for indexes: terms `path == literal` and `path == path`, either
// way round, that are joined by && at the top. Writes at most `max`, the first ones, and returns how many. The arrays
// live in `arena`. Between two paths a missing value counts as null.
size_t cel_equalities(const struct cel_program *program, struct arena *arena, struct cel_equality *out, size_t max);
// False when the result cannot depend on what is at the path, in it, or on whether it is there.
bool cel_reads(const struct cel_program *program, const struct cel_path *path);
// The value of a path; false when it is missing.
bool cel_path_value(const struct cel_path *path, const struct cel_input *input, struct cel_value *out);
// Equal values (cel_equal) have equal hashes; for strings, bools and numbers.
uint64_t cel_hash(const struct cel_value *value);

#endif
