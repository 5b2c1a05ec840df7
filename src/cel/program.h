// Inside the library: the syntax tree, which is also what is evaluated.
#ifndef INNGEST_CEL_PROGRAM_H
#define INNGEST_CEL_PROGRAM_H

#include "cel/cel.h"

enum node_kind {
	NODE_LITERAL,
	NODE_REFERENCE, // a chain of selections and indexes that starts at a name: `reference`
	NODE_SELECT,    // .field of anything else
	NODE_INDEX,     // [ ] of anything else
	NODE_HAS,       // has(x.y), over either
	NODE_CALL,      // operators and functions: `call`
	NODE_AND,
	NODE_OR,
	NODE_CONDITION,
	NODE_LIST,
	NODE_MAP,
	NODE_MACRO,
};

enum macro_kind { MACRO_ALL, MACRO_EXISTS, MACRO_EXISTS_ONE, MACRO_MAP, MACRO_FILTER };

struct node;
struct cel_call {
	const struct cel_function *function; // NULL: no such function
	struct str name;
	struct node *receiver; // NULL for f(x) and operators
	struct node **args;
	uint32_t count;
	bool takes_count;              // some overload of the function has this many arguments, receiver included
	const struct cel_regex *regex; // of a literal pattern
};

// One step of a reference.
struct segment {
	struct str field;   // a selection, or an index with a literal string
	struct node *index; // otherwise NULL for a selection
	bool is_index;
};

// A distinct path of dots that is looked up once per evaluation at most ("checked path", §B5).
struct path {
	struct str root;
	struct str *fields;
	uint32_t count;
};

struct reference {
	struct str root;
	struct segment *segments;
	uint32_t count;
	int32_t variable; // of a macro: index into the frame's variables; -1: a root
	int32_t path;     // the path that it is as a whole; -1: none
	bool dynamic;     // has an index that is only known when it is evaluated
	// Paths that make it unknown when they are missing: those it goes through, and the row of those that go on from
	// it (when it is dynamic: from its first segments, and they may or may not).
	const uint32_t *before;
	uint32_t before_count;
	uint32_t first, end;
};

struct macro {
	enum macro_kind kind;
	struct str name; // of the variable
	uint32_t variable;
	struct node *range;
	struct node *predicate; // NULL: none
	struct node *transform; // MACRO_MAP
};

struct node {
	uint8_t kind;   // enum node_kind
	bool may_abort; // holds a call that can end the evaluation as a whole
	uint16_t depth; // of the tree below, itself included
	uint32_t at;    // byte offset of what an error about it points at
	union {
		struct {
			struct cel_value literal;
			const struct node *origin; // what an interpolation made it of; NULL: it was written so
		};
		struct reference reference;
		struct {
			struct node *operand;
			struct str field;
			struct node *index;
		} select; // NODE_SELECT, NODE_INDEX, NODE_HAS
		struct cel_call call;
		struct {
			struct node *a, *b, *c;
		} logic; // NODE_AND, NODE_OR, NODE_CONDITION
		struct {
			struct node **keys; // NODE_MAP
			struct node **items;
			uint32_t count;
		} items;
		struct macro macro;
	};
};

struct cel_program {
	struct str text;
	struct node *root;
	struct path *paths; // sorted: those that begin alike stand together, the shortest first
	uint32_t path_count;
	uint32_t variable_count; // of macros, at once
	uint8_t mode;            // enum cel_mode
};

// What a node is when the parser is asked for spans: only explanations want them, so no other node pays for them.
struct spanned_node {
	struct node node;
	uint32_t start, end; // of its text; brackets around the whole are left out
};

// parser.c; with `spans` each node is a struct spanned_node.
struct node *cel_parse(struct arena *arena, struct str text, enum cel_mode mode, bool spans,
		       struct cel_failure *failure);
// Fills line and column from a byte offset.
void cel_fail_at(struct cel_failure *failure, struct str text, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

// eval.c: an evaluation in pieces, for explanations. The pieces share `now`, what was looked up, and the budget of one
// evaluation. Lives in `scratch`.
struct frame;
struct frame *cel_frame_new(const struct cel_program *program, const struct cel_input *input, struct arena *scratch);
// The value of a node outside of macro bodies, as it flows: missing data is CEL_UNKNOWN. *aborted: it is the error that
// ends the evaluation as a whole.
struct cel_value cel_frame_eval(struct frame *frame, const struct node *node, bool *aborted);

// constants.c: makes a literal of a NODE_LIST or NODE_MAP over literals, when it is a value.
void cel_make_constant(struct arena *arena, struct node *node);

// print.c: the text of a tree, as little of it as reads back as the same. A literal that cannot be written is printed
// as its origin. False when there is no such text, or when it takes too long.
bool cel_print(struct buf *out, const struct node *root);

// paths.c: the checked paths, and what each reference has to do with them.
void cel_find_paths(struct arena *arena, struct cel_program *program);

#endif
