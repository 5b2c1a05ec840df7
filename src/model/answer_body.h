// What the body of an answer holds (spec 02 §4.6), and the errors made from it (§5.2, §5.3). Private to this layer.
#ifndef INNGEST_MODEL_ANSWER_BODY_H
#define INNGEST_MODEL_ANSWER_BODY_H

#include "base/json.h"

// Larger than any canonical text that a body of CALL_RESPONSE_MAX can become.
#define ANSWER_OUTPUT_MAX (64u << 20)

struct answer_body {
	enum {
		BODY_EMPTY,
		BODY_OBJECT, // `value` is an object, perhaps unwrapped from a JSON string
		BODY_VALUE,  // any other JSON in `value`
		BODY_TEXT,   // not JSON: `text`
	} kind;
	yyjson_val *value;
	struct str text;     // borrowed
	yyjson_doc *docs[2]; // what `value` lives in
};
void answer_body_from_text(struct str text, struct answer_body *out);
// `value` stays with its owner; NULL is an empty body.
void answer_body_from_value(yyjson_val *value, struct answer_body *out);
void answer_body_clear(struct answer_body *body);
// Canonical JSON of the whole, NULL for an empty body.
struct payload *answer_body_output(const struct answer_body *body);

// Canonical StandardError of a failed answer; `attempt_error` fills in what the body does not say.
struct payload *standard_error_from_body(const struct answer_body *body, struct str attempt_error);
// The error that stands for a body that did not come from an SDK.
struct payload *standard_error_upstream(int status, struct str content_type, struct str body);

#endif
