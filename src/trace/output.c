// Output ids, and stored outputs as they are shown (spec 06 §17).
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "trace/tree.h"

#define OUTPUT_ID_MAX 4096 // ours: of the text; ids of rows are short
#define UUID_NONE "00000000-0000-0000-0000-000000000000"

static const struct ulid no_run;

static struct str to_arena(struct arena *arena, struct buf *buf) {
	struct str copy = arena_dup(arena, buf_view(buf));
	buf_free(buf);
	return copy;
}

// ---- writing -------------------------------------------------------------------------------------------------------

static void put_member(struct buf *json, const char *before, struct str value) {
	buf_str(json, str_from_cstr(before));
	buf_json_str(json, value);
}

struct str trace_output_id_text(struct arena *arena, const struct trace_output_id *id) {
	char app[UUID_TEXT_LEN + 1] = UUID_NONE, function[UUID_TEXT_LEN + 1] = UUID_NONE, run[ULID_TEXT_LEN + 1];
	if (!id->is_preview) {
		uuid_text(&id->app_id, app);
		uuid_text(&id->function_id, function);
	}
	struct buf json, text;
	buf_init(&json, SIZE_MAX);
	buf_init(&text, SIZE_MAX);
	put_member(&json, "{\"acctID\":", STR(UUID_NONE));
	put_member(&json, ",\"wsID\":", STR(UUID_NONE));
	put_member(&json, ",\"appID\":", str_from_cstr(app));
	put_member(&json, ",\"fnID\":", str_from_cstr(function));
	put_member(&json, ",\"tid\":", id->is_preview ? STR("") : id->trace_id);
	put_member(&json, ",\"sid\":", id->row_id);
	if (id->is_preview || ulid_cmp(&id->run_id, &no_run) != 0) {
		ulid_text(&id->run_id, run);
		put_member(&json, ",\"rid\":", str_from_cstr(run));
	}
	if (id->is_preview) {
		buf_lit(&json, ",\"preview\":true");
		if (id->input_row_id.len > 0) put_member(&json, ",\"in_sid\":", id->input_row_id);
	}
	buf_byte(&json, '}');
	base64_append(&text, buf_view(&json), true);
	buf_free(&json);
	return to_arena(arena, &text);
}

// ---- reading -------------------------------------------------------------------------------------------------------

static bool is_digit64(char c) {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// Where Go's decoder stops: at the first byte that does not belong, or at the start of what is incomplete.
static size_t illegal_byte(struct str text) {
	size_t digits = 0;
	while (digits < text.len && is_digit64(text.ptr[digits])) digits++;
	if (digits == text.len) return digits - digits % 4;
	if (text.ptr[digits] != '=' || digits % 4 < 2) return digits;
	size_t padding = 4 - digits % 4, i = digits;
	while (i < text.len && i < digits + padding && text.ptr[i] == '=') i++;
	return i;
}

static enum err decode(struct str text, struct buf *json, struct error *error) {
	if (base64_parse(text, true, json)) return ERR_OK;
	if (text.len > OUTPUT_ID_MAX) return error_set(error, ERR_INVALID, "error parsing span identifier: too long");
	return error_set(error, ERR_INVALID, "error parsing span identifier: illegal base64 data at input byte %zu",
			 illegal_byte(text));
}

static enum err read_uuid(yyjson_val *object, struct str name, struct uuid *out, struct error *error) {
	yyjson_val *value = json_get(object, name);
	*out = (struct uuid){{0}};
	if (value == NULL || yyjson_is_null(value) || uuid_parse(json_str(value), out)) return ERR_OK;
	return error_set(error, ERR_INVALID, "error parsing span identifier: invalid UUID in %.*s", STR_ARG(name));
}

static enum err read_run_id(yyjson_val *object, struct ulid *out, struct error *error) {
	yyjson_val *value = json_get(object, STR("rid"));
	*out = (struct ulid){{0}};
	if (value == NULL || yyjson_is_null(value) || ulid_parse(json_str(value), out)) return ERR_OK;
	return error_set(error, ERR_INVALID, "error parsing span identifier: ulid: bad data size when unmarshaling");
}

static struct str read_text(struct arena *arena, yyjson_val *object, struct str name) {
	return arena_dup(arena, json_str(json_get(object, name)));
}

static enum err read_members(struct arena *arena, yyjson_val *object, struct trace_output_id *out,
			     struct error *error) {
	if (!yyjson_is_obj(object))
		return error_set(error, ERR_INVALID, "error parsing span identifier: it is no object");
	struct uuid other;
	enum err err;
	if ((err = read_uuid(object, STR("acctID"), &other, error)) != ERR_OK) return err;
	if ((err = read_uuid(object, STR("wsID"), &other, error)) != ERR_OK) return err;
	if ((err = read_uuid(object, STR("appID"), &out->app_id, error)) != ERR_OK) return err;
	if ((err = read_uuid(object, STR("fnID"), &out->function_id, error)) != ERR_OK) return err;
	if ((err = read_run_id(object, &out->run_id, error)) != ERR_OK) return err;
	out->is_preview = yyjson_is_true(json_get(object, STR("preview")));
	out->trace_id = read_text(arena, object, STR("tid"));
	out->row_id = read_text(arena, object, STR("sid"));
	out->input_row_id = read_text(arena, object, STR("in_sid"));
	return ERR_OK;
}

// What must be there (§17.2).
static enum err check_members(const struct trace_output_id *id, struct error *error) {
	const char *missing = NULL;
	if (id->is_preview) {
		if (id->row_id.len == 0 && id->input_row_id.len == 0)
			missing = "span ID or input span ID is required to retrieve output";
		else if (ulid_cmp(&id->run_id, &no_run) == 0)
			missing = "run ID is required to retrieve span output";
	} else if (id->trace_id.len == 0) {
		missing = "traceID is required to retrieve output";
	} else if (id->row_id.len == 0) {
		missing = "spanID is required to retrieve output";
	}
	return missing == NULL ? ERR_OK : error_set(error, ERR_INVALID, "%s", missing);
}

enum err trace_output_id_parse(struct arena *arena, struct str text, struct trace_output_id *out, struct error *error) {
	*out = (struct trace_output_id){0};
	struct buf json;
	buf_init(&json, OUTPUT_ID_MAX / 4 * 3);
	yyjson_doc *doc = NULL;
	enum err err = decode(text, &json, error);
	if (err == ERR_OK) {
		doc = json_read(buf_view(&json), false, NULL, error);
		if (doc == NULL) {
			error_prefix(error, "error parsing span identifier");
			err = ERR_INVALID;
		} else if ((err = read_members(arena, yyjson_doc_get_root(doc), out, error)) == ERR_OK) {
			err = check_members(out, error);
		}
	}
	yyjson_doc_free(doc);
	buf_free(&json);
	return err;
}

// ---- showing -------------------------------------------------------------------------------------------------------

static struct str json_of(struct arena *arena, yyjson_val *value) {
	size_t len;
	char *text = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, &len);
	struct str copy = text != NULL ? arena_dup(arena, str_make(text, len)) : STR("");
	free(text);
	return copy;
}

// What there is, null counting as nothing.
static yyjson_val *member(yyjson_val *object, struct str name) {
	yyjson_val *value = json_get_exact(object, name);
	return yyjson_is_null(value) ? NULL : value;
}

static void show_error(struct arena *arena, yyjson_val *value, struct trace_output *out) {
	out->has_error = true;
	yyjson_val *message = json_get_exact(value, STR("message"));
	if (!yyjson_is_str(message)) { // made by somebody else: all of it, rather than nothing
		out->stack = json_of(arena, value);
		return;
	}
	out->message = arena_dup(arena, json_str(message));
	out->name = arena_dup(arena, json_str(json_get_exact(value, STR("name"))));
	out->stack = arena_dup(arena, json_str(json_get_exact(value, STR("stack"))));
	yyjson_val *cause = member(value, STR("cause"));
	if (cause != NULL) out->cause = json_of(arena, cause);
}

void trace_output_show(struct arena *arena, struct str stored, struct trace_output *out) {
	*out = (struct trace_output){.data = stored};
	yyjson_doc *doc = json_read(stored, false, NULL, &(struct error){0});
	yyjson_val *object = yyjson_doc_get_root(doc);
	bool is_event = json_get_exact(object, STR("name")) != NULL && json_get_exact(object, STR("data")) != NULL &&
			json_get_exact(object, STR("ts")) != NULL;
	if (yyjson_is_obj(object) && !is_event) {
		yyjson_val *error = member(object, STR("error")), *data = json_get_exact(object, STR("data"));
		if (error != NULL) {
			out->data = (struct str){NULL, 0};
			show_error(arena, error, out);
		} else if (data != NULL) {
			out->data = json_of(arena, data);
		}
	}
	yyjson_doc_free(doc);
}
