// Inside the library: query text to tokens (GraphQL October 2021 §2.1, and its later \u{…} escapes).
//
// Ignored: a byte order mark, blanks, line ends, commas, comments. The text is UTF-8. Decoded strings live in the
// arena, all else borrows the text. A text that is no token gives GQL_TOKEN_BAD, and again each time after.
#ifndef INNGEST_GRAPHQL_LEXER_H
#define INNGEST_GRAPHQL_LEXER_H

#include "graphql/document.h"

enum gql_token_kind {
	GQL_TOKEN_END,
	GQL_TOKEN_BAD, // `problem` says why, `problem_at` where
	GQL_TOKEN_NAME,
	GQL_TOKEN_INT,
	GQL_TOKEN_FLOAT,
	GQL_TOKEN_STRING, // decoded; block strings too
	GQL_TOKEN_BANG,
	GQL_TOKEN_DOLLAR,
	GQL_TOKEN_AMP,
	GQL_TOKEN_PAREN_OPEN,
	GQL_TOKEN_PAREN_CLOSE,
	GQL_TOKEN_SPREAD,
	GQL_TOKEN_COLON,
	GQL_TOKEN_EQUALS,
	GQL_TOKEN_AT,
	GQL_TOKEN_BRACKET_OPEN,
	GQL_TOKEN_BRACKET_CLOSE,
	GQL_TOKEN_BRACE_OPEN,
	GQL_TOKEN_PIPE,
	GQL_TOKEN_BRACE_CLOSE,
	GQL_TOKEN_KINDS
};
extern const char *const gql_token_names[GQL_TOKEN_KINDS]; // for people: "Name", "}", "<EOF>"

struct gql_token {
	enum gql_token_kind kind;
	struct str text;
	struct gql_location location;
};

struct gql_lexer {
	struct arena *arena;
	struct str text;
	size_t at;
	size_t tokens; // so far
	size_t seen;   // `location` is that of this offset
	struct gql_location location;
	struct str problem;
	struct gql_location problem_at;
};

void gql_lexer_init(struct gql_lexer *lexer, struct arena *arena, struct str text);
void gql_lexer_next(struct gql_lexer *lexer, struct gql_token *out);
// The content of a block string without its common indentation and its blank first and last lines (§2.9.4).
struct str gql_block_string(struct arena *arena, struct str raw);

#endif
