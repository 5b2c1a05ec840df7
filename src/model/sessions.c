#include "model/sessions.h"
#include "model/utf8.h"

#include "base/buf.h"
#include "model/members.h"

// Entries of the manual layer that are looked at, null ones included: keeps the merge linear in what a client sends.
#define MANUAL_ENTRIES_MAX 100u
#define ID_NUMBER_MAX 64u // text of a number

static const struct member_rule meta_members[] = {
	{STR_INIT("sessions"), MEMBER_ANY},
	{STR_INIT("propagated_sessions"), MEMBER_ANY},
};
enum { META_SESSIONS, META_PROPAGATED, META_COUNT };

// The text of a session id; numbers are taken as they are written.
static struct str id_text(struct arena *arena, yyjson_val *value) {
	if (yyjson_is_str(value)) return json_str(value);
	struct buf text;
	buf_init(&text, ID_NUMBER_MAX);
	if (yyjson_is_uint(value)) {
		buf_u64(&text, yyjson_get_uint(value));
	} else if (yyjson_is_sint(value)) {
		buf_i64(&text, yyjson_get_sint(value));
	} else {
		json_number(&text, yyjson_get_real(value));
	}
	struct str id = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return id;
}

static enum err layer_check(yyjson_val *layer, bool null_allowed, struct error *error) {
	yyjson_obj_iter iter = yyjson_obj_iter_with(layer);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		yyjson_val *value = yyjson_obj_iter_get_val(key);
		if (yyjson_is_str(value) || yyjson_is_num(value)) continue;
		if (null_allowed && yyjson_is_null(value)) continue;
		return error_set(error, ERR_INVALID, "event session \"%.*s\" must be a string%s",
				 STR_ARG(json_str(key)), null_allowed ? ", number, or null" : " or number");
	}
	return ERR_OK;
}

static struct session *session_find(struct sessions *sessions, struct str key) {
	for (size_t i = 0; i < sessions->count; i++) {
		if (str_eq(sessions->entries[i].key, key)) return &sessions->entries[i];
	}
	return NULL;
}

static void manual_take(struct arena *arena, yyjson_val *layer, struct sessions *out) {
	out->too_many = yyjson_obj_size(layer) > MANUAL_ENTRIES_MAX;
	if (out->too_many) return;
	yyjson_obj_iter iter = yyjson_obj_iter_with(layer);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str name = json_str(key);
		yyjson_val *value = json_get_exact(layer, name); // the last one of a name counts
		if (yyjson_is_null(value) || session_find(out, name) != NULL) continue;
		out->too_many = out->count == EVENT_SESSIONS_MAX;
		if (out->too_many) return;
		out->entries[out->count++] = (struct session){name, id_text(arena, value)};
	}
}

// Keeps `entries` sorted by key and at most `max` long, so that the smallest keys stay.
static void propagated_keep(struct sessions *kept, size_t max, struct str key, yyjson_val **values, yyjson_val *value) {
	size_t at = 0;
	int order = 1;
	while (at < kept->count && (order = str_cmp(key, kept->entries[at].key)) > 0) at++;
	if (at < kept->count && order == 0) {
		values[at] = value;
		return;
	}
	if (at == max) return;
	size_t moved = (kept->count < max ? kept->count : max - 1) - at;
	memmove(&kept->entries[at + 1], &kept->entries[at], moved * sizeof(kept->entries[0]));
	memmove(&values[at + 1], &values[at], moved * sizeof(values[0]));
	kept->entries[at].key = key;
	values[at] = value;
	if (kept->count < max) kept->count++;
}

// Fills the slots that the manual layer leaves free; a manual key, also a null one, hides the propagated one.
static void propagated_take(struct arena *arena, yyjson_val *layer, yyjson_val *manual, struct sessions *out) {
	struct sessions kept = {.count = 0};
	yyjson_val *values[EVENT_SESSIONS_MAX] = {NULL};
	size_t free_slots = EVENT_SESSIONS_MAX - out->count;
	yyjson_obj_iter iter = yyjson_obj_iter_with(layer);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str name = json_str(key);
		if (manual != NULL && json_get_exact(manual, name) != NULL) continue;
		propagated_keep(&kept, free_slots, name, values, yyjson_obj_iter_get_val(key));
	}
	for (size_t i = 0; i < kept.count; i++) {
		out->entries[out->count++] = (struct session){kept.entries[i].key, id_text(arena, values[i])};
	}
}

enum err sessions_read(struct arena *arena, yyjson_val *meta, struct sessions *out, struct error *error) {
	*out = (struct sessions){.count = 0};
	if (meta == NULL) return ERR_OK;
	yyjson_val *values[META_COUNT];
	enum err err = members_read(meta, meta_members, META_COUNT, values, "event meta.", error);
	if (err != ERR_OK) return err;
	yyjson_val *manual = values[META_SESSIONS];
	yyjson_val *propagated = values[META_PROPAGATED];
	bool cleared = yyjson_is_null(manual);
	if (cleared) manual = NULL;
	if (yyjson_is_null(propagated)) propagated = NULL;
	if ((manual != NULL && !yyjson_is_obj(manual)) || (propagated != NULL && !yyjson_is_obj(propagated)))
		return error_set(error, ERR_INVALID, "event sessions must be an object");
	if (manual != NULL) {
		err = layer_check(manual, true, error);
		if (err != ERR_OK) return err;
		manual_take(arena, manual, out);
	}
	if (propagated != NULL) {
		err = layer_check(propagated, false, error);
		if (err != ERR_OK) return err;
		if (!cleared && !out->too_many && out->count < EVENT_SESSIONS_MAX)
			propagated_take(arena, propagated, manual, out);
	}
	return ERR_OK;
}

enum err sessions_validate(const struct sessions *sessions, struct error *error) {
	if (sessions->too_many)
		return error_set(error, ERR_INVALID, "event sessions can include at most %u entries",
				 EVENT_SESSIONS_MAX);
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *entry = &sessions->entries[i];
		if (entry->key.len == 0) return error_set(error, ERR_INVALID, "event session keys cannot be empty");
		if (entry->key.len > EVENT_SESSION_KEY_MAX)
			return error_set(error, ERR_INVALID, "event session key \"%.*s\" exceeds %u bytes",
					 STR_ARG(utf8_clip(entry->key, 2 * EVENT_SESSION_KEY_MAX)),
					 EVENT_SESSION_KEY_MAX);
		if (entry->id.len == 0)
			return error_set(error, ERR_INVALID, "event session \"%.*s\" cannot have an empty ID",
					 STR_ARG(entry->key));
		if (entry->id.len > EVENT_SESSION_ID_MAX)
			return error_set(error, ERR_INVALID, "event session \"%.*s\" exceeds %u bytes",
					 STR_ARG(entry->key), EVENT_SESSION_ID_MAX);
	}
	return ERR_OK;
}

void sessions_write(struct buf *out, const struct sessions *sessions) {
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	buf_lit(&text, "{\"sessions\":{");
	for (size_t i = 0; i < sessions->count; i++) {
		if (i > 0) buf_byte(&text, ',');
		buf_json_str(&text, sessions->entries[i].key);
		buf_byte(&text, ':');
		buf_json_str(&text, sessions->entries[i].id);
	}
	buf_lit(&text, "}}");
	// Canonical order differs from byte order beyond the basic plane.
	struct error unused;
	if (json_canonicalise(out, buf_view(&text), &unused) != ERR_OK) out->overflow = true;
	buf_free(&text);
}
