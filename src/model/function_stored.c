// The stored form of a function as a whole: put together, and read back (spec 01 §12).
#include "base/buf.h"
#include "base/clock.h"
#include "model/function_input.h"
#include "model/limits.h"

struct str function_config_json(struct arena *arena, const struct uuid *id, uint32_t version, struct str members) {
	char id_text[UUID_TEXT_LEN + 1];
	struct buf text;
	uuid_text(id, id_text);
	buf_init(&text, SIZE_MAX / 2);
	buf_lit(&text, "{\"id\":\"");
	buf_append(&text, id_text, UUID_TEXT_LEN);
	buf_lit(&text, "\",\"fv\":");
	buf_u64(&text, version);
	if (members.len > 0) buf_byte(&text, ',');
	buf_str(&text, members);
	buf_byte(&text, '}');
	struct str json = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return json;
}

// Everything but id and fv, without the braces.
static struct str members_restore(struct arena *arena, yyjson_val *root) {
	struct buf text;
	struct buf canonical;
	buf_init(&text, SIZE_MAX / 2);
	buf_init(&canonical, SIZE_MAX / 2);
	buf_byte(&text, '{');
	yyjson_obj_iter iter = yyjson_obj_iter_with(root);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (str_eq(json_str(key), STR("id")) || str_eq(json_str(key), STR("fv"))) continue;
		if (text.len > 1) buf_byte(&text, ',');
		buf_json_str(&text, json_str(key));
		buf_byte(&text, ':');
		json_canonical(&text, yyjson_obj_iter_get_val(key));
	}
	buf_byte(&text, '}');
	struct str members = {NULL, 0};
	if (json_canonicalise(&canonical, buf_view(&text), NULL) == ERR_OK && canonical.len > 2)
		members = arena_dup(arena, str_make(canonical.ptr + 1, canonical.len - 2));
	buf_free(&canonical);
	buf_free(&text);
	return members;
}

struct str stored_text(struct arena *arena, yyjson_val *object, struct str name) {
	return arena_dup(arena, json_str(json_get_exact(object, name)));
}

static void triggers_restore(struct arena *arena, yyjson_val *list, struct function_config *out) {
	out->triggers = ARENA_ARRAY(arena, struct trigger, yyjson_arr_size(list));
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		out->triggers[out->trigger_count++] = (struct trigger){
			stored_text(arena, element, STR("event")),
			stored_text(arena, element, STR("expression")),
			stored_text(arena, element, STR("cron")),
			stored_text(arena, element, STR("jitter")),
		};
	}
}

static void cancels_restore(struct arena *arena, yyjson_val *list, struct function_config *out) {
	out->cancels = ARENA_ARRAY(arena, struct cancel_rule, yyjson_arr_size(list));
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		out->cancels[out->cancel_count++] = (struct cancel_rule){
			.event = stored_text(arena, element, STR("event")),
			.is_conditional = json_get_exact(element, STR("if")) != NULL,
			.condition = stored_text(arena, element, STR("if")),
			.timeout = stored_text(arena, element, STR("timeout")),
		};
	}
}

// Registration takes any text for a timeout (01 §22).
uint64_t stored_duration_ns(yyjson_val *object, struct str name) {
	int64_t ns;
	struct error unused;
	struct str text = json_str(json_get_exact(object, name));
	return duration_parse(text, &ns, &unused) == ERR_OK && ns > 0 ? (uint64_t)ns : 0;
}

static uint64_t duration_restore(yyjson_val *object, struct str name) {
	return ms_rounded_up(stored_duration_ns(object, name));
}

static void settings_restore(struct arena *arena, yyjson_val *root, struct function_config *out) {
	cancels_restore(arena, json_get_exact(root, STR("cancel")), out);
	yyjson_val *timeouts = json_get_exact(root, STR("timeouts"));
	out->start_timeout_ms = duration_restore(timeouts, STR("start"));
	out->finish_timeout_ms = duration_restore(timeouts, STR("finish"));
	flow_control_restore(arena, root, &out->flow);
}

static int retries_restore(yyjson_val *step) {
	yyjson_val *value = json_get_exact(step, STR("retries"));
	if (!yyjson_is_int(value)) return FUNCTION_RETRIES_DEFAULT;
	if (yyjson_is_sint(value) && yyjson_get_sint(value) < 0) return 0;
	return yyjson_get_uint(value) > FUNCTION_RETRIES_MAX ? FUNCTION_RETRIES_MAX : yyjson_get_int(value);
}

static enum err restore(struct arena *arena, yyjson_val *root, struct uuid *id, uint32_t *version,
			struct function_config *out, struct error *error) {
	yyjson_val *fv = json_get_exact(root, STR("fv"));
	yyjson_val *step = yyjson_arr_get_first(json_get_exact(root, STR("steps")));
	if (!uuid_parse(json_str(json_get_exact(root, STR("id"))), id))
		return error_set(error, ERR_CORRUPT, "stored function has no valid id");
	if (!yyjson_is_uint(fv) || yyjson_get_uint(fv) > UINT32_MAX)
		return error_set(error, ERR_CORRUPT, "stored function has no valid version");
	*version = (uint32_t)yyjson_get_uint(fv);
	out->slug = stored_text(arena, root, STR("slug"));
	if (out->slug.len == 0) return error_set(error, ERR_CORRUPT, "stored function has no slug");
	out->name = stored_text(arena, root, STR("name"));
	out->uri = stored_text(arena, step, STR("uri"));
	out->retries = retries_restore(step);
	out->derived_id = uuid_v5(arena_cat(arena, out->name, out->uri));
	triggers_restore(arena, json_get_exact(root, STR("triggers")), out);
	settings_restore(arena, root, out);
	out->config_members = members_restore(arena, root);
	return ERR_OK;
}

enum err function_config_restore(struct arena *arena, struct str json, struct uuid *id, uint32_t *version,
				 struct function_config *out, struct error *error) {
	memset(out, 0, sizeof(*out));
	yyjson_doc *doc = json_read(json, false, NULL, error);
	if (doc == NULL) return ERR_CORRUPT;
	enum err err = restore(arena, yyjson_doc_get_root(doc), id, version, out, error);
	yyjson_doc_free(doc);
	return err;
}
