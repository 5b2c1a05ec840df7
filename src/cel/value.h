// Values of the expression language (spec 04 §B4, §B8).
//
// Small and copied freely. Text, lists and maps borrow: from the JSON that was given as data, from the program's
// literals, or from the arena of the evaluation; a result lives as long as all three. Pure functions, any thread.
#ifndef INNGEST_CEL_VALUE_H
#define INNGEST_CEL_VALUE_H

#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "cel/time.h"

enum cel_type {
	CEL_UNKNOWN, // missing data; flows through an evaluation, never out of it
	CEL_ERROR,
	CEL_NOTHING, // what date() makes of garbage
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TIMESTAMP,
	CEL_DURATION, // nanoseconds
	CEL_TYPE,     // a type as a value: type(1) == int
	CEL_TYPE_COUNT,
};

enum cel_error_code {
	CEL_OK,
	CEL_COMPILE,
	CEL_NO_SUCH_OVERLOAD,
	CEL_NO_SUCH_ATTRIBUTE,
	CEL_NO_SUCH_KEY,
	CEL_NO_RESULT,
	CEL_CONVERSION,
	CEL_INDEX_OUT_OF_BOUNDS,
	CEL_INDEX_TYPE,
	CEL_DIVIDE_BY_ZERO,
	CEL_OVERFLOW,
	CEL_NOT_ITERABLE,
	CEL_BAD_REGEX,
	CEL_BAD_TIMEZONE,
	CEL_COST, // the evaluation takes too long
	CEL_ERROR_COUNT,
};

struct cel_list;
struct cel_map;
struct cel_value {
	uint8_t type;  // enum cel_type
	bool is_json;  // lists and maps: `json` instead of `list` and `map`
	uint8_t error; // enum cel_error_code of a CEL_ERROR
	union {
		bool boolean;
		int64_t integer; // CEL_INT, CEL_DURATION
		uint64_t uinteger;
		double number;
		struct str text; // CEL_STRING, CEL_BYTES; details of a CEL_ERROR, may be empty
		yyjson_val *json;
		const struct cel_list *list;
		const struct cel_map *map;
		struct cel_time time;
		enum cel_type named; // CEL_TYPE
	};
};

struct cel_list {
	size_t count;
	struct cel_value *items;
};
struct cel_map { // in the order of writing; keys are bool, int, uint or string
	size_t count;
	struct cel_value *keys;
	struct cel_value *values;
};

static inline struct cel_value cel_bool(bool value) {
	return (struct cel_value){.type = CEL_BOOL, .boolean = value};
}
static inline struct cel_value cel_int(int64_t value) {
	return (struct cel_value){.type = CEL_INT, .integer = value};
}
static inline struct cel_value cel_uint(uint64_t value) {
	return (struct cel_value){.type = CEL_UINT, .uinteger = value};
}
static inline struct cel_value cel_double(double value) {
	return (struct cel_value){.type = CEL_DOUBLE, .number = value};
}
static inline struct cel_value cel_string(struct str text) {
	return (struct cel_value){.type = CEL_STRING, .text = text};
}
static inline struct cel_value cel_simple(enum cel_type type) {
	return (struct cel_value){.type = (uint8_t)type};
}
static inline struct cel_value cel_error(enum cel_error_code code, struct str detail) {
	return (struct cel_value){.type = CEL_ERROR, .error = (uint8_t)code, .text = detail};
}

// A JSON value as data: numbers are doubles (§B4).
struct cel_value cel_from_json(yyjson_val *json);

static inline bool cel_is_number(const struct cel_value *value) {
	return value->type == CEL_INT || value->type == CEL_UINT || value->type == CEL_DOUBLE;
}
// Truthiness (§B5): false for unknown, error, nothing, null, false, "", and zero of any number type.
bool cel_truthy(const struct cel_value *value);
// Deep; numbers by value across their types; values of different types differ.
bool cel_equal(const struct cel_value *a, const struct cel_value *b);
// The same for as long as *steps last: what is compared and searched for is taken off; false when nothing is left.
bool cel_equal_within(const struct cel_value *a, const struct cel_value *b, uint64_t *steps);
// Takes `count` off; false, with nothing left, when that is too much.
static inline bool cel_step(uint64_t *steps, uint64_t count) {
	if (count < *steps) {
		*steps -= count;
		return true;
	}
	*steps = 0;
	return false;
}
// False when the two have no order. NaN has none either: *order is 2, which no comparison accepts.
bool cel_order(const struct cel_value *a, const struct cel_value *b, int *order);

size_t cel_list_size(const struct cel_value *list);
struct cel_value cel_list_at(const struct cel_value *list, size_t index);
size_t cel_map_size(const struct cel_value *map);
// False when absent. Numeric keys are found by value.
bool cel_map_get(const struct cel_value *map, const struct cel_value *key, struct cel_value *out);
bool cel_map_get_name(const struct cel_value *map, struct str name, struct cel_value *out);

// Walks lists (`value` only) and maps; lists in JSON are linked, so an index would be slow.
struct cel_walk {
	const struct cel_value *over;
	size_t index, count;
	yyjson_val *next; // JSON
};
void cel_walk_start(struct cel_walk *walk, const struct cel_value *over);
bool cel_walk_next(struct cel_walk *walk, struct cel_value *key, struct cel_value *value);

// Text form (§B8), as keys use it.
void cel_text(struct buf *out, const struct cel_value *value);
// The double rule of §B8.
void cel_text_double(struct buf *out, double value);
// As JSON: what §B15 calls "result".
void cel_json(struct buf *out, const struct cel_value *value);
const char *cel_type_name(enum cel_type type);        // as type() names it: "int", "null_type", …
const char *cel_error_name(enum cel_error_code code); // "no_such_overload", …
// "no such key: x"
void cel_error_text(struct buf *out, const struct cel_value *error);

#endif
