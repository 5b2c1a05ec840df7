#include "cel/value.h"

#include <math.h>

static const char *const type_names[CEL_TYPE_COUNT] = {
	[CEL_UNKNOWN] = "unknown",
	[CEL_ERROR] = "error",
	[CEL_NOTHING] = "nothing",
	[CEL_NULL] = "null_type",
	[CEL_BOOL] = "bool",
	[CEL_INT] = "int",
	[CEL_UINT] = "uint",
	[CEL_DOUBLE] = "double",
	[CEL_STRING] = "string",
	[CEL_BYTES] = "bytes",
	[CEL_LIST] = "list",
	[CEL_MAP] = "map",
	[CEL_TIMESTAMP] = "google.protobuf.Timestamp",
	[CEL_DURATION] = "google.protobuf.Duration",
	[CEL_TYPE] = "type",
};

const char *cel_type_name(enum cel_type type) {
	return type_names[type];
}

struct cel_value cel_from_json(yyjson_val *json) {
	switch (yyjson_get_type(json)) {
	case YYJSON_TYPE_BOOL:
		return cel_bool(yyjson_get_bool(json));
	case YYJSON_TYPE_NUM:
		return cel_double(yyjson_get_num(json));
	case YYJSON_TYPE_STR:
		return cel_string(str_make(yyjson_get_str(json), yyjson_get_len(json)));
	case YYJSON_TYPE_ARR:
		return (struct cel_value){.type = CEL_LIST, .is_json = true, .json = json};
	case YYJSON_TYPE_OBJ:
		return (struct cel_value){.type = CEL_MAP, .is_json = true, .json = json};
	default:
		return cel_simple(CEL_NULL);
	}
}

bool cel_truthy(const struct cel_value *value) {
	switch ((enum cel_type)value->type) {
	case CEL_UNKNOWN:
	case CEL_ERROR:
	case CEL_NOTHING:
	case CEL_NULL:
		return false;
	case CEL_BOOL:
		return value->boolean;
	case CEL_INT:
		return value->integer != 0;
	case CEL_UINT:
		return value->uinteger != 0;
	case CEL_DOUBLE:
		return value->number != 0;
	case CEL_STRING:
		return value->text.len > 0;
	default:
		return true;
	}
}

#define STEP_BYTES 32 // of text, compared in about the time of a step

// ---- comparison ------------------------------------------------------------------------------------------------

static int order_of(bool less, bool equal) {
	return less ? -1 : !equal;
}

static int order_int_uint(int64_t a, uint64_t b) {
	return a < 0 ? -1 : order_of((uint64_t)a < b, (uint64_t)a == b);
}

// Exact: neither is rounded to the other's type.
static int order_int_double(int64_t a, double b) {
	if (isnan(b)) return 2;
	if (b >= 9223372036854775808.0) return -1;
	if (b < -9223372036854775808.0) return 1;
	int64_t whole = (int64_t)b; // toward zero
	if (a != whole) return a < whole ? -1 : 1;
	double rest = b - (double)whole;
	return order_of(rest > 0, rest == 0);
}

static int order_uint_double(uint64_t a, double b) {
	if (isnan(b)) return 2;
	if (b >= 18446744073709551616.0) return -1;
	if (b < 0) return 1;
	uint64_t whole = (uint64_t)b;
	if (a != whole) return a < whole ? -1 : 1;
	double rest = b - (double)whole;
	return order_of(rest > 0, rest == 0);
}

static int reverse(int order) {
	return order == 2 ? 2 : -order;
}

static int order_numbers(const struct cel_value *a, const struct cel_value *b) {
	if (a->type == b->type) {
		if (a->type == CEL_INT) return order_of(a->integer < b->integer, a->integer == b->integer);
		if (a->type == CEL_UINT) return order_of(a->uinteger < b->uinteger, a->uinteger == b->uinteger);
		if (isnan(a->number) || isnan(b->number)) return 2;
		return order_of(a->number < b->number, a->number == b->number);
	}
	if (a->type > b->type) return reverse(order_numbers(b, a));
	if (a->type == CEL_UINT) return order_uint_double(a->uinteger, b->number);
	return b->type == CEL_UINT ? order_int_uint(a->integer, b->uinteger) : order_int_double(a->integer, b->number);
}

bool cel_order(const struct cel_value *a, const struct cel_value *b, int *order) {
	if (cel_is_number(a) && cel_is_number(b)) {
		*order = order_numbers(a, b);
		return true;
	}
	if (a->type != b->type) return false;
	switch ((enum cel_type)a->type) {
	case CEL_BOOL:
		*order = (int)a->boolean - (int)b->boolean;
		return true;
	case CEL_STRING:
	case CEL_BYTES:
		*order = str_cmp(a->text, b->text);
		*order = (*order > 0) - (*order < 0);
		return true;
	case CEL_TIMESTAMP:
		*order = cel_time_compare(a->time, b->time);
		return true;
	case CEL_DURATION:
		*order = order_of(a->integer < b->integer, a->integer == b->integer);
		return true;
	default:
		return false;
	}
}

static bool lists_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps) {
	struct cel_walk walk_a, walk_b;
	struct cel_value x, y;
	if (cel_list_size(a) != cel_list_size(b)) return false;
	cel_walk_start(&walk_a, a);
	cel_walk_start(&walk_b, b);
	while (cel_walk_next(&walk_a, NULL, &x) && cel_walk_next(&walk_b, NULL, &y)) {
		if (!cel_equal_within(&x, &y, steps)) return false;
	}
	return true;
}

// Equal maps mostly have their keys in the same order: what stands at the same place is looked at first.
static bool maps_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps) {
	struct cel_walk walk_a, walk_b;
	struct cel_value key_a, key_b, x, y;
	if (cel_map_size(a) != cel_map_size(b)) return false;
	cel_walk_start(&walk_a, a);
	cel_walk_start(&walk_b, b);
	while (cel_walk_next(&walk_a, &key_a, &x) && cel_walk_next(&walk_b, &key_b, &y)) {
		if (!cel_equal_within(&key_a, &key_b, steps)) {
			if (!cel_step(steps, cel_map_size(b)) || !cel_map_get(b, &key_a, &y)) return false;
		}
		if (!cel_equal_within(&x, &y, steps)) return false;
	}
	return true;
}

// Recursion is bounded by the depth of JSON (JSON_DEPTH_MAX) and of programs.
bool cel_equal_within(const struct cel_value *a, const struct cel_value *b, uint64_t *steps) {
	int order;
	if (a->type != b->type && !(cel_is_number(a) && cel_is_number(b))) return false;
	bool text = a->type == CEL_STRING || a->type == CEL_BYTES;
	if (text && a->text.len != b->text.len) return false;
	if (!cel_step(steps, 1 + (text ? a->text.len / STEP_BYTES : 0))) return false;
	if (cel_order(a, b, &order)) return order == 0;
	switch ((enum cel_type)a->type) {
	case CEL_NULL:
		return true;
	case CEL_LIST:
		return lists_equal(a, b, steps);
	case CEL_MAP:
		return maps_equal(a, b, steps);
	case CEL_TYPE:
		return a->named == b->named;
	default:
		return false;
	}
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b) {
	uint64_t steps = UINT64_MAX;
	return cel_equal_within(a, b, &steps);
}

// ---- lists and maps --------------------------------------------------------------------------------------------

size_t cel_list_size(const struct cel_value *list) {
	return list->is_json ? yyjson_arr_size(list->json) : list->list->count;
}

struct cel_value cel_list_at(const struct cel_value *list, size_t index) {
	return list->is_json ? cel_from_json(yyjson_arr_get(list->json, index)) : list->list->items[index];
}

size_t cel_map_size(const struct cel_value *map) {
	return map->is_json ? yyjson_obj_size(map->json) : map->map->count;
}

bool cel_map_get_name(const struct cel_value *map, struct str name, struct cel_value *out) {
	if (map->is_json) {
		yyjson_val *found = yyjson_obj_getn(map->json, name.ptr, name.len);
		if (found == NULL) return false;
		*out = cel_from_json(found);
		return true;
	}
	for (size_t i = 0; i < map->map->count; i++) {
		const struct cel_value *key = &map->map->keys[i];
		if (key->type != CEL_STRING || !str_eq(key->text, name)) continue;
		*out = map->map->values[i];
		return true;
	}
	return false;
}

bool cel_map_get(const struct cel_value *map, const struct cel_value *key, struct cel_value *out) {
	if (key->type == CEL_STRING) return cel_map_get_name(map, key->text, out);
	if (map->is_json) return false;
	for (size_t i = 0; i < map->map->count; i++) {
		if (!cel_equal(&map->map->keys[i], key)) continue;
		*out = map->map->values[i];
		return true;
	}
	return false;
}

void cel_walk_start(struct cel_walk *walk, const struct cel_value *over) {
	*walk = (struct cel_walk){.over = over};
	walk->count = over->type == CEL_LIST ? cel_list_size(over) : cel_map_size(over);
	if (over->is_json && walk->count > 0) walk->next = unsafe_yyjson_get_first(over->json);
}

bool cel_walk_next(struct cel_walk *walk, struct cel_value *key, struct cel_value *value) {
	const struct cel_value *over = walk->over;
	if (walk->index == walk->count) return false;
	size_t i = walk->index++;
	if (!over->is_json) {
		if (over->type == CEL_MAP && key != NULL) *key = over->map->keys[i];
		*value = over->type == CEL_MAP ? over->map->values[i] : over->list->items[i];
		return true;
	}
	yyjson_val *at = walk->next;
	if (over->type == CEL_MAP) {
		if (key != NULL) *key = cel_from_json(at);
		at++; // the value stands behind its key
	}
	*value = cel_from_json(at);
	walk->next = unsafe_yyjson_get_next(at);
	return true;
}
