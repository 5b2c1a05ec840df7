// Inside the library: text to tokens (spec 04 §B3).
#ifndef INNGEST_CEL_LEXER_H
#define INNGEST_CEL_LEXER_H

#include "cel/program.h"

enum token_kind {
	TOKEN_END,
	TOKEN_BAD, // `failure` says why
	TOKEN_NAME,
	TOKEN_LITERAL, // `value`
	TOKEN_SYMBOL,  // `symbol`: one of the characters, or for == != <= >= && ||: = n l g & |
};

struct token {
	uint8_t kind;
	char symbol;
	bool is_number; // of a literal: a minus before it belongs to it
	size_t at;
	struct str text;
	struct cel_value value;
};

struct lexer {
	struct str text;
	size_t at;
	bool raw_strings;
	struct arena *arena;
	struct cel_failure *failure;
};

// `negative`: for a number that follows a minus; only then does -9223372036854775808 fit.
bool lexer_number(struct lexer *lexer, const struct token *token, bool negative, struct cel_value *out);
void lexer_next(struct lexer *lexer, struct token *out);

#endif
