// Reading the members of a JSON object that an app sent into a fixed set of slots, in one pass.
//
// Names match in any (ASCII) letter case and the last one of a kind wins (spec 02 §6.1); unknown members are ignored.
// A member of the wrong type is an error; null counts as absent unless the slot takes any value.
#ifndef INNGEST_MODEL_MEMBERS_H
#define INNGEST_MODEL_MEMBERS_H

#include "base/error.h"
#include "base/json.h"

enum member_type {
	MEMBER_ANY,     // any value, null included
	MEMBER_STRING,  // the rest: or null
	MEMBER_INTEGER, // fits in int64_t
	MEMBER_BOOL,
	MEMBER_OBJECT,
	MEMBER_ARRAY,
};

struct member_rule {
	struct str name;
	enum member_type type;
};

// Fills values[0 … count-1] (NULL: absent). `what` begins the message: "name should be a string, got a number".
ERR_CHECKED enum err members_read(yyjson_val *object, const struct member_rule *rules, size_t count,
				  yyjson_val **values, const char *what, struct error *error);
// "a string", "an object", … for messages.
const char *json_type_text(yyjson_val *value);

#endif
