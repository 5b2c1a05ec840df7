#include "model/event.h"

#include "base/check.h"
#include "base/clock.h"
#include "model/event_read.h"
#include "model/limits.h"
#include "model/members.h"
#include "model/sessions.h"
#include "model/utf8.h"

#define INVOKED STR("inngest/function.invoked")
#define FINISHED STR("inngest/function.finished")
#define RESERVED STR("_inngest") // member of `data` that only the server may set

static const struct member_rule event_members[] = {
	{STR_INIT("name"), MEMBER_STRING}, {STR_INIT("data"), MEMBER_OBJECT}, {STR_INIT("id"), MEMBER_STRING},
	{STR_INIT("ts"), MEMBER_ANY},      {STR_INIT("v"), MEMBER_STRING},    {STR_INIT("user"), MEMBER_OBJECT},
	{STR_INIT("meta"), MEMBER_OBJECT},
};
enum { EVENT_NAME, EVENT_DATA, EVENT_ID, EVENT_TS, EVENT_V, EVENT_USER, EVENT_META, EVENT_MEMBERS };

// What a client sent, with its types checked.
struct event_input {
	yyjson_val *object;
	yyjson_val *data; // NULL: none
	yyjson_val *user;
	struct str name;
	struct str id;
	struct str v;
	int64_t ts_ms; // 0: none
	struct sessions sessions;
	struct str raw_meta; // instead of the sessions, if it is not empty
	struct str reserved; // `"_inngest":…` to put into the data, for invocations
};

struct span {
	size_t from;
	size_t len;
};

static enum err ts_read(yyjson_val *value, int64_t *out, struct error *error) {
	int64_t ns;
	*out = 0;
	if (value == NULL || yyjson_is_null(value)) return ERR_OK;
	if (yyjson_is_sint(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX)) {
		*out = yyjson_is_sint(value) ? yyjson_get_sint(value) : (int64_t)yyjson_get_uint(value);
		return ERR_OK;
	}
	if (!yyjson_is_str(value))
		return error_set(error, ERR_INVALID,
				 "event member ts should be an integer of milliseconds or RFC 3339 text, got %s",
				 json_type_text(value));
	if (!date_parse_rfc3339(json_str(value), &ns))
		return error_set(error, ERR_INVALID, "event member ts is not RFC 3339 text: %.*s",
				 STR_ARG(utf8_clip(json_str(value), 64)));
	*out = ns / 1000000;
	return ERR_OK;
}

static enum err input_read(struct arena *arena, yyjson_val *value, struct event_input *in, struct error *error) {
	yyjson_val *members[EVENT_MEMBERS];
	memset(in, 0, sizeof(*in));
	if (!yyjson_is_obj(value) && !yyjson_is_null(value))
		return error_set(error, ERR_INVALID, "an event should be an object, got %s", json_type_text(value));
	enum err err = members_read(value, event_members, EVENT_MEMBERS, members, "event member ", error);
	if (err != ERR_OK) return err;
	in->object = value;
	in->name = json_str(members[EVENT_NAME]);
	in->data = members[EVENT_DATA];
	in->id = json_str(members[EVENT_ID]);
	in->v = json_str(members[EVENT_V]);
	in->user = members[EVENT_USER];
	err = ts_read(members[EVENT_TS], &in->ts_ms, error);
	return err != ERR_OK ? err : sessions_read(arena, members[EVENT_META], &in->sessions, error);
}

static enum err input_validate(const struct event_input *in, struct error *error) {
	if (in->name.len == 0) return error_set(error, ERR_INVALID, "event name is empty");
	if (in->ts_ms != 0 && in->ts_ms < EVENT_TS_MIN_MS)
		return error_set(error, ERR_INVALID, "timestamp is before Jan 1, 1980");
	if (in->ts_ms > EVENT_TS_MAX_MS) return error_set(error, ERR_INVALID, "timestamp is after Jan 1, 2100");
	return sessions_validate(&in->sessions, error);
}

// True when a second member has this name in whatever letter case.
static bool member_repeats(yyjson_val *object, struct str name) {
	int count = 0;
	yyjson_obj_iter iter = yyjson_obj_iter_with(object);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (yyjson_get_len(key) == name.len && str_eq_nocase(json_str(key), name)) count++;
	}
	return count > 1;
}

static void members_append(struct buf *out, yyjson_val *object, struct str except) {
	yyjson_obj_iter iter = yyjson_obj_iter_with(object);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (except.len > 0 && str_eq(json_str(key), except)) continue;
		if (out->len > 1) buf_byte(out, ',');
		buf_json_str(out, json_str(key));
		buf_byte(out, ':');
		json_canonical(out, yyjson_obj_iter_get_val(key));
	}
}

// The uncommon way: objects of the same name are merged, `except` is left out, `extra` (a member) is put in.
static void object_rebuild(struct buf *out, yyjson_val *event, struct str name, struct str except, struct str extra) {
	struct buf text;
	buf_init(&text, out->max_bytes);
	buf_byte(&text, '{');
	yyjson_obj_iter iter = yyjson_obj_iter_with(event);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (str_eq_nocase(json_str(key), name)) members_append(&text, yyjson_obj_iter_get_val(key), except);
	}
	if (extra.len > 0 && text.len > 1) buf_byte(&text, ',');
	buf_str(&text, extra);
	buf_byte(&text, '}');
	if (text.overflow || json_canonicalise(out, buf_view(&text), NULL) != ERR_OK) out->overflow = true;
	buf_free(&text);
}

static void data_write(struct buf *out, const struct event_input *in) {
	bool rebuild = in->reserved.len > 0;
	if (in->data != NULL && !rebuild)
		rebuild = json_get_exact(in->data, RESERVED) != NULL || member_repeats(in->object, STR("data"));
	if (rebuild) {
		object_rebuild(out, in->object, STR("data"), RESERVED, in->reserved);
	} else {
		json_canonical(out, in->data);
	}
}

static void user_write(struct buf *out, const struct event_input *in) {
	if (in->user == NULL) {
		buf_lit(out, "{}");
	} else if (member_repeats(in->object, STR("user"))) {
		object_rebuild(out, in->object, STR("user"), STR(""), STR(""));
	} else {
		json_canonical(out, in->user);
	}
}

static struct span str_write(struct buf *out, struct str s) {
	struct span span = {out->len, 0};
	buf_json_str(out, s);
	span.len = out->len - span.from;
	return span;
}

// The decoded text of a JSON string in `text`: in place unless it needed escapes.
static struct str decoded(struct arena *arena, struct str text, struct span span, struct str original) {
	if (span.len != original.len + 2) return arena_dup(arena, original);
	return str_make(text.ptr + span.from + 1, original.len);
}

// Writes the stored form and takes the slices of the event from it. `raw_data` is used when it is not empty.
static enum err event_build(struct arena *arena, struct buf *out, const struct event_input *in, struct str raw_data,
			    struct event *event, struct error *error) {
	char id_text[ULID_TEXT_LEN + 1];
	struct str id = in->id;
	if (id.len == 0) {
		ulid_text(&event->internal_id, id_text);
		id = str_make(id_text, ULID_TEXT_LEN);
	}
	buf_clear(out);
	buf_lit(out, "{\"data\":");
	struct span data = {out->len, 0};
	if (raw_data.len > 0) {
		buf_str(out, raw_data);
	} else {
		data_write(out, in);
	}
	data.len = out->len - data.from;
	buf_lit(out, ",\"id\":");
	struct span id_span = str_write(out, id);
	struct span meta = {0, 0};
	if (in->sessions.count > 0 || in->raw_meta.len > 0) {
		buf_lit(out, ",\"meta\":");
		meta.from = out->len;
		if (in->raw_meta.len > 0)
			buf_str(out, in->raw_meta);
		else
			sessions_write(out, &in->sessions);
		meta.len = out->len - meta.from;
	}
	buf_lit(out, ",\"name\":");
	struct span name = str_write(out, in->name);
	buf_lit(out, ",\"ts\":");
	buf_u64(out, event->ts_ms);
	buf_lit(out, ",\"user\":");
	struct span user = {out->len, 0};
	user_write(out, in);
	user.len = out->len - user.from;
	struct span v = {0, 0};
	if (in->v.len > 0) {
		buf_lit(out, ",\"v\":");
		v = str_write(out, in->v);
	}
	buf_byte(out, '}');
	if (out->overflow)
		return error_set(error, ERR_TOO_LARGE,
				 "Event is over the max size: Max %u bytes / Size more than %u bytes", EVENT_SIZE_MAX,
				 EVENT_SIZE_MAX);
	event->text = payload_new(buf_view(out));
	struct str text = payload_str(event->text);
	event->data = str_make(text.ptr + data.from, data.len);
	event->user = str_make(text.ptr + user.from, user.len);
	event->id = decoded(arena, text, id_span, id);
	event->name = decoded(arena, text, name, in->name);
	event->meta = str_make(text.ptr + meta.from, meta.len);
	if (in->v.len > 0) event->v = decoded(arena, text, v, in->v);
	return ERR_OK;
}

static void event_start(const struct event_input *in, const struct ulid *internal_id, bool stable_id, uint64_t now_ms,
			struct event *event) {
	memset(event, 0, sizeof(*event));
	event->internal_id = *internal_id;
	event->stable_id = stable_id || in->id.len > 0;
	event->received_ms = now_ms;
	event->ts_ms = in->ts_ms != 0 ? (uint64_t)in->ts_ms : now_ms;
}

enum err event_name_check(struct str name, struct error *error) {
	if (!str_starts_with_nocase(name, STR("inngest/"))) return ERR_OK;
	return error_set(error, ERR_INVALID, "event name is reserved for internal use: %.*s",
			 STR_ARG(utf8_clip(name, 256)));
}

enum err event_read(struct arena *arena, struct buf *scratch, yyjson_val *value, const struct ulid *internal_id,
		    bool stable_id, uint64_t now_ms, struct event *out, struct error *error) {
	struct event_input in;
	enum err err = input_read(arena, value, &in, error);
	if (err != ERR_OK) return err;
	err = event_name_check(in.name, error);
	if (err == ERR_OK) err = input_validate(&in, error);
	if (err != ERR_OK) return err;
	event_start(&in, internal_id, stable_id, now_ms, out);
	return event_build(arena, scratch, &in, STR(""), out, error);
}

enum err event_parse(struct arena *arena, yyjson_val *value, const struct ulid *internal_id, bool stable_id,
		     uint64_t now_ms, struct event *out, struct error *error) {
	struct buf scratch;
	buf_init(&scratch, EVENT_TEXT_MAX);
	enum err err = event_read(arena, &scratch, value, internal_id, stable_id, now_ms, out, error);
	buf_free(&scratch);
	return err;
}

enum err event_read_members(struct arena *arena, const struct event_members *members, const struct ulid *internal_id,
			    uint64_t now_ms, struct event *out, struct error *error) {
	struct event_input in = {.object = members->object,
				 .data = members->data,
				 .user = members->user,
				 .name = members->name,
				 .id = members->id,
				 .ts_ms = members->ts_ms};
	enum err err = input_validate(&in, error);
	if (err != ERR_OK) return err;
	event_start(&in, internal_id, false, now_ms, out);
	struct buf scratch;
	buf_init(&scratch, EVENT_TEXT_MAX);
	err = event_build(arena, &scratch, &in, in.data == NULL ? STR("{}") : STR(""), out, error);
	buf_free(&scratch);
	return err;
}

static void debug_member(struct buf *text, const char *name, const struct ulid *id) {
	static const struct ulid none;
	if (ulid_cmp(id, &none) == 0) return;
	char id_text[ULID_TEXT_LEN + 1];
	ulid_text(id, id_text);
	buf_printf(text, "\"%s\":\"%s\",", name, id_text);
}

// The member of `data` that tells which function is meant, and for whom.
static struct str invocation_member(struct arena *arena, const struct invocation *invocation) {
	struct buf text;
	buf_init(&text, EVENT_TEXT_MAX);
	buf_lit(&text, "\"_inngest\":{");
	if (invocation->correlation_id.len > 0) {
		buf_lit(&text, "\"correlation_id\":");
		utf8_json_str(&text, invocation->correlation_id);
		buf_byte(&text, ',');
	}
	debug_member(&text, "debug_run_id", &invocation->debug.run_id);
	debug_member(&text, "debug_session_id", &invocation->debug.session_id);
	buf_printf(&text, "\"expire\":%llu,\"fn_id\":", (unsigned long long)invocation->expire_ms);
	utf8_json_str(&text, invocation->fn_id);
	buf_lit(&text, ",\"gid\":\"\"");
	if (invocation->idempotency.len > 0) {
		buf_lit(&text, ",\"invoke_idempotency\":");
		utf8_json_str(&text, invocation->idempotency);
	}
	buf_lit(&text, ",\"name\":");
	utf8_json_str(&text, invocation->name);
	buf_lit(&text, ",\"source_app_id\":");
	utf8_json_str(&text, invocation->source_app_id);
	buf_lit(&text, ",\"source_fn_id\":");
	utf8_json_str(&text, invocation->source_fn_id);
	buf_printf(&text, ",\"source_fn_v\":%u", invocation->source_fn_version);
	if (invocation->type.len > 0) {
		buf_lit(&text, ",\"type\":");
		utf8_json_str(&text, invocation->type);
	}
	buf_byte(&text, '}');
	struct str member = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return member;
}

static enum err invocation_build(struct arena *arena, struct event_input *in, const struct invocation *invocation,
				 struct event *out, struct error *error) {
	struct buf scratch;
	buf_init(&scratch, EVENT_TEXT_MAX);
	enum err err = event_build(arena, &scratch, in, STR(""), out, error);
	buf_free(&scratch);
	if (err != ERR_OK) return err;
	out->invoke_fn_id = arena_dup(arena, invocation->fn_id);
	out->correlation_id = arena_dup(arena, invocation->correlation_id);
	out->debug = invocation->debug;
	return ERR_OK;
}

enum err event_parse_invoke(struct arena *arena, yyjson_val *value, struct str slug, const struct debug_ids *debug,
			    const struct ulid *internal_id, bool stable_id, uint64_t now_ms, struct event *out,
			    struct error *error) {
	struct event_input in;
	struct invocation invocation = {.fn_id = slug,
					.correlation_id = STR(""),
					.name = STR(""),
					.source_app_id = STR(""),
					.source_fn_id = STR("")};
	if (debug != NULL) invocation.debug = *debug;
	if (!yyjson_is_obj(value) || input_read(arena, value, &in, error) != ERR_OK)
		return error_set(error, ERR_INVALID, "Unable to read post data request");
	in.name = INVOKED;
	in.reserved = invocation_member(arena, &invocation);
	if (input_validate(&in, error) != ERR_OK) return error_set(error, ERR_INVALID, "Invalid invocation event");
	event_start(&in, internal_id, stable_id, now_ms, out);
	return invocation_build(arena, &in, &invocation, out, error);
}

enum err event_parse_invocation(struct arena *arena, yyjson_val *value, const struct invocation *invocation,
				const struct ulid *internal_id, uint64_t now_ms, struct event *out,
				struct error *error) {
	struct event_input in;
	enum err err = input_read(arena, value, &in, error);
	if (err != ERR_OK) return err;
	in.name = INVOKED;
	in.reserved = invocation_member(arena, invocation);
	err = input_validate(&in, error);
	if (err != ERR_OK) return err;
	event_start(&in, internal_id, false, now_ms, out);
	return invocation_build(arena, &in, invocation, out, error);
}

// What the engine looks for in the events of an invocation.
static void invocation_find(struct arena *arena, struct event *event) {
	bool invoked = str_eq(event->name, INVOKED);
	if (!invoked && !str_eq(event->name, FINISHED)) return;
	if (str_find_str(event->data, invoked ? RESERVED : STR("correlation_id")) < 0) return;
	struct error unused;
	yyjson_doc *doc = json_read(event->data, false, NULL, &unused);
	if (doc == NULL) return;
	yyjson_val *source = yyjson_doc_get_root(doc);
	if (invoked) {
		source = json_get_exact(source, RESERVED);
		event->invoke_fn_id = arena_dup(arena, json_str(json_get_exact(source, STR("fn_id"))));
		(void)ulid_parse(json_str(json_get_exact(source, STR("debug_run_id"))), &event->debug.run_id);
		(void)ulid_parse(json_str(json_get_exact(source, STR("debug_session_id"))), &event->debug.session_id);
	}
	event->correlation_id = arena_dup(arena, json_str(json_get_exact(source, STR("correlation_id"))));
	yyjson_doc_free(doc);
}

void event_make_internal(struct arena *arena, struct str name, struct str id, const struct ulid *internal_id,
			 struct str data, struct str meta, uint64_t now_ms, struct event *out) {
	struct event_input in = {.name = name, .id = id, .raw_meta = meta};
	event_start(&in, internal_id, false, now_ms, out);
	out->stable_id = false; // ids that the server makes are new
	struct buf text;
	buf_init(&text, UINT32_MAX);
	CHECK(event_build(arena, &text, &in, data, out, NULL) == ERR_OK);
	buf_free(&text);
	invocation_find(arena, out);
}

static enum err restore(struct arena *arena, const struct event_parts *parts, yyjson_doc *user, struct str data,
			struct event *out, struct error *error) {
	yyjson_val *root = yyjson_doc_get_root(user);
	struct event_input in = {.name = parts->name,
				 .id = parts->id,
				 .v = parts->v,
				 .user = yyjson_is_obj(root) ? root : NULL,
				 .raw_meta = parts->meta};
	event_start(&in, &parts->internal_id, false, parts->received_ms, out);
	out->ts_ms = parts->ts_ms;
	char id_text[ULID_TEXT_LEN + 1];
	ulid_text(&parts->internal_id, id_text);
	out->stable_id = in.id.len > 0 && !str_eq_cstr(in.id, id_text);
	struct buf text;
	buf_init(&text, UINT32_MAX);
	enum err err = event_build(arena, &text, &in, data, out, error);
	buf_free(&text);
	if (err == ERR_OK) invocation_find(arena, out);
	return err;
}

// `data` as it is stored, or null when it is no object.
static enum err data_restore(struct buf *out, struct str data, struct error *error) {
	if (data.len == 0) data = STR("null");
	if (json_canonicalise(out, data, error) != ERR_OK) return ERR_CORRUPT;
	if (out->ptr[0] == '{') return ERR_OK;
	buf_clear(out);
	buf_lit(out, "null");
	return ERR_OK;
}

enum err event_restore(struct arena *arena, const struct event_parts *parts, struct event *out, struct error *error) {
	memset(out, 0, sizeof *out);
	struct buf data;
	buf_init(&data, UINT32_MAX);
	yyjson_doc *user = json_read(parts->user.len > 0 ? parts->user : STR("{}"), false, NULL, error);
	enum err err = user == NULL ? ERR_CORRUPT : data_restore(&data, parts->data, error);
	if (err == ERR_OK) err = restore(arena, parts, user, buf_view(&data), out, error);
	yyjson_doc_free(user);
	buf_free(&data);
	return err;
}

static struct str canonical(struct arena *arena, yyjson_val *value) {
	if (value == NULL) return STR("");
	struct buf text;
	buf_init(&text, UINT32_MAX);
	json_canonical(&text, value);
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static enum err reread(struct arena *arena, yyjson_val *root, const struct ulid *internal_id, uint64_t received_ms,
		       struct event *out, struct error *error) {
	yyjson_val *user = json_get_exact(root, STR("user"));
	struct event_input in = {
		.name = json_str(json_get_exact(root, STR("name"))),
		.id = json_str(json_get_exact(root, STR("id"))),
		.v = json_str(json_get_exact(root, STR("v"))),
		.user = yyjson_is_obj(user) ? user : NULL,
		.raw_meta = canonical(arena, json_get_exact(root, STR("meta"))),
	};
	event_start(&in, internal_id, false, received_ms, out);
	out->stable_id = false;
	yyjson_val *ts = json_get_exact(root, STR("ts"));
	if (yyjson_is_uint(ts)) out->ts_ms = yyjson_get_uint(ts);
	struct buf text;
	buf_init(&text, UINT32_MAX);
	enum err err = event_build(arena, &text, &in, canonical(arena, json_get_exact(root, STR("data"))), out, error);
	buf_free(&text);
	if (err == ERR_OK) invocation_find(arena, out);
	return err;
}

enum err event_reread(struct arena *arena, struct str text, const struct ulid *internal_id, uint64_t received_ms,
		      struct event *out, struct error *error) {
	memset(out, 0, sizeof *out);
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return ERR_CORRUPT;
	enum err err = reread(arena, yyjson_doc_get_root(doc), internal_id, received_ms, out, error);
	yyjson_doc_free(doc);
	return err;
}

void event_release(struct event *event) {
	payload_unref(event->text);
	event->text = NULL;
}
