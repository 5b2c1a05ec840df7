// A configuration file in JSON.
#include "base/json.h"
#include "cli/config_file.h"

// The scalar as the text that a flag would take; empty for null.
static bool scalar_text(struct arena *arena, yyjson_val *value, struct str *out) {
	*out = STR("");
	if (yyjson_is_null(value)) return true;
	if (yyjson_is_str(value)) return *out = arena_dup(arena, json_str(value)), true;
	if (yyjson_is_bool(value)) return *out = yyjson_get_bool(value) ? STR("true") : STR("false"), true;
	if (yyjson_is_uint(value))
		return *out = arena_printf(arena, "%llu", (unsigned long long)yyjson_get_uint(value)), true;
	if (yyjson_is_sint(value)) return *out = arena_printf(arena, "%lld", (long long)yyjson_get_sint(value)), true;
	if (yyjson_is_real(value)) return *out = arena_printf(arena, "%.17g", yyjson_get_real(value)), true;
	return false;
}

// False when the value is no scalar and no list of scalars.
static bool member_read(struct arena *arena, yyjson_val *value, struct config_member *out) {
	bool list = yyjson_is_arr(value);
	size_t count = list ? yyjson_arr_size(value) : 1;
	if (count > CONFIG_LIST_MAX) return false;
	out->values = ARENA_ARRAY(arena, struct str, count);
	out->count = count;
	if (!list) return scalar_text(arena, value, &out->values[0]);
	size_t index, max;
	yyjson_val *item;
	yyjson_arr_foreach(value, index, max, item) {
		if (!scalar_text(arena, item, &out->values[index])) return false;
	}
	return true;
}

enum err config_json_read(struct arena *arena, struct str text, struct config_members *out, struct error *error) {
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(doc);
	enum err err = ERR_OK;
	if (!yyjson_is_obj(root)) {
		err = error_set(error, ERR_INVALID, "the file must hold one JSON object");
		goto done;
	}
	*out = (struct config_members){ARENA_ARRAY(arena, struct config_member, yyjson_obj_size(root)), 0};
	size_t index, max;
	yyjson_val *key, *value;
	yyjson_obj_foreach(root, index, max, key, value) {
		struct config_member *member = &out->list[out->count];
		member->key = arena_dup(arena, json_str(key));
		if (member_read(arena, value, member)) out->count++;
	}
done:
	yyjson_doc_free(doc);
	return err;
}
