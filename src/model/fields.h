// Reading a JSON object the way the reference's v2 API does (05 §13.2): the JSON form of a protobuf message. Private to
// src/model.
//
// A field is named in camelCase or snake_case, in exactly these letters; null counts as absent. What is unknown, given
// twice or of the wrong type is an error.
#ifndef INNGEST_MODEL_FIELDS_H
#define INNGEST_MODEL_FIELDS_H

#include "base/error.h"
#include "base/json.h"

enum field_type {
	FIELD_STRING,
	FIELD_INT64, // a whole number, or one as text
	FIELD_OBJECT,
	FIELD_ARRAY,
	FIELD_ANY,
};

struct field_rule {
	struct str name;
	struct str snake; // its other name; empty: none
	enum field_type type;
};

// Fills values[0 … count-1] (NULL: absent).
ERR_CHECKED enum err fields_read(yyjson_val *object, const struct field_rule *rules, size_t count, yyjson_val **values,
				 struct error *error);
// Of a FIELD_INT64; 0 when absent.
int64_t fields_int64(yyjson_val *value);

#endif
