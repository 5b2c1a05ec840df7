// Small things that many resolvers need.
#include "server/gql/gql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

#define FAIL_TEXT_MAX 1024

void resolve_all(struct gql_call *call, struct gql_value value) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = value;
}

void fail_all(struct gql_call *call, const char *format, ...) {
	char text[FAIL_TEXT_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	resolve_all(call, gql_fail(call->arena, "%s", text));
}

struct gql_value list_of(struct arena *arena, const void *items, size_t count, size_t size) {
	struct gql_value list = gql_list(arena, count);
	for (size_t i = 0; i < count; i++) list.items[i] = gql_object((const char *)items + i * size);
	return list;
}

void resolve_null(struct gql_call *call) {
	(void)call; // that is what it is
}
void resolve_false(struct gql_call *call) {
	resolve_all(call, gql_bool(false));
}
void resolve_zero(struct gql_call *call) {
	resolve_all(call, gql_int(0));
}
void resolve_zero_uuid(struct gql_call *call) {
	static const struct uuid none;
	resolve_all(call, gql_uuid(call->arena, &none));
}

// ---- arguments -----------------------------------------------------------------------------------------------------

yyjson_val *member(yyjson_val *object, const char *name) {
	yyjson_val *value = yyjson_obj_get(object, name);
	return yyjson_is_null(value) ? NULL : value;
}

struct str member_str(yyjson_val *object, const char *name) {
	return json_str(member(object, name));
}

bool member_bool(yyjson_val *object, const char *name, bool otherwise) {
	yyjson_val *value = member(object, name);
	return value != NULL ? yyjson_is_true(value) : otherwise;
}

int64_t member_time(yyjson_val *object, const char *name, int64_t otherwise) {
	int64_t ns;
	yyjson_val *value = member(object, name);
	return value != NULL && date_parse_rfc3339(json_str(value), &ns) ? ns : otherwise;
}

struct uuid *member_uuids(struct arena *arena, yyjson_val *object, const char *name, size_t *count) {
	yyjson_val *list = member(object, name), *item;
	struct uuid *ids = ARENA_ARRAY(arena, struct uuid, yyjson_arr_size(list));
	*count = 0;
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while ((item = yyjson_arr_iter_next(&iter)) != NULL) *count += uuid_parse(json_str(item), &ids[*count]);
	return ids;
}

// ---- ids -----------------------------------------------------------------------------------------------------------

static const uint8_t zero[16];

bool ulid_is_none(const struct ulid *id) {
	return memcmp(id->bytes, zero, sizeof zero) == 0;
}

void ids_add(struct ids *ids, const uint8_t id[16]) {
	if (memcmp(id, zero, sizeof zero) == 0) return;
	if (ids->count == ids->cap) {
		size_t cap = ids->cap == 0 ? 16 : ids->cap * 2;
		uint8_t(*grown)[16] = arena_alloc(ids->arena, cap * 16);
		if (ids->count > 0) memcpy(grown, ids->all, ids->count * 16);
		ids->all = grown;
		ids->cap = cap;
	}
	memcpy(ids->all[ids->count++], id, 16);
}

static int id_order(const void *a, const void *b) {
	return memcmp(a, b, 16);
}

void ids_sort(struct ids *ids) {
	if (ids->count > 1) qsort(ids->all, ids->count, 16, id_order);
	size_t kept = 0;
	for (size_t i = 0; i < ids->count; i++) {
		if (kept > 0 && memcmp(ids->all[kept - 1], ids->all[i], 16) == 0) continue;
		memmove(ids->all[kept++], ids->all[i], 16);
	}
	ids->count = kept;
}

// ---- base64 --------------------------------------------------------------------------------------------------------

struct str base64_text(struct arena *arena, struct str text) {
	struct buf out;
	buf_init(&out, text.len * 2 + 8);
	base64_append(&out, text, true);
	struct str copy = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return copy;
}

bool base64_bytes(struct arena *arena, struct str text, struct str *out) {
	struct buf bytes;
	buf_init(&bytes, text.len + 8);
	bool ok = base64_parse(text, true, &bytes);
	*out = ok ? arena_dup(arena, buf_view(&bytes)) : STR("");
	buf_free(&bytes);
	return ok;
}
