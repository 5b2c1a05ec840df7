// What a registration asks of an expression (spec 01 §9.3, 04 §B9). Private to src/model.
//
// Takes time in proportion to the text, which is never longer than CEL_TEXT_MAX. Any thread.
#ifndef INNGEST_MODEL_EXPRESSION_CHECK_H
#define INNGEST_MODEL_EXPRESSION_CHECK_H

#include "base/buf.h"
#include "base/str.h"

enum expression_level {
	EXPRESSION_SYNTAX,      // "P": it can be parsed
	EXPRESSION_TYPED,       // "C": it also names only what exists, and gives it what it takes
	EXPRESSION_RESTRICTIVE, // "R": it also does nothing but compare
};

// False when the expression is not good enough; `reason` then gets a message in the reference's form, of a few lines
// and of bounded length. An empty text is no expression.
bool expression_check(struct str text, enum expression_level level, struct buf *reason);

#endif
