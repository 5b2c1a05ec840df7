// Which run and span an OTLP span belongs to, and the row that it becomes.
#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/limits.h"
#include "model/utf8.h"
#include "trace/userland.h"

#define NAME_MAX_BYTES 1024 // of a span's name

#define ATTRIBUTE_TRACEREF "inngest.traceref"
#define ATTRIBUTE_RUN "sdk.run.id"
#define ATTRIBUTE_FUNCTION "sys.function.id"
#define ATTRIBUTE_STEP_PARENT "inngest.step.parentSpanId"
#define ATTRIBUTE_STEP_ID "inngest.step.id"
#define ATTRIBUTE_STEP_INDEX "inngest.step.index"
#define ATTRIBUTE_STEP_HASH "inngest.step.hash"
#define ATTRIBUTE_STEP_ATTEMPT "inngest.step.attempt"

// Not for people.
static const char *const own_attributes[] = {
	ATTRIBUTE_TRACEREF,    ATTRIBUTE_RUN,     ATTRIBUTE_FUNCTION,   "sys.app.id",        "inngest.traceparent",
	ATTRIBUTE_STEP_PARENT, ATTRIBUTE_STEP_ID, ATTRIBUTE_STEP_INDEX, ATTRIBUTE_STEP_HASH, ATTRIBUTE_STEP_ATTEMPT,
};

const struct otlp_attribute *otlp_attribute_find(const struct otlp_span *span, const char *key) {
	struct str wanted = str_from_cstr(key);
	for (size_t i = span->attribute_count; i > 0; i--)
		if (str_eq(span->attributes[i - 1].key, wanted)) return &span->attributes[i - 1];
	return NULL;
}

static struct str text_of(const struct otlp_span *span, const char *key) {
	const struct otlp_attribute *attribute = otlp_attribute_find(span, key);
	return attribute != NULL && attribute->is_text ? attribute->value : (struct str){NULL, 0};
}

// ---- where it belongs -----------------------------------------------------------------------------------------

// Undoes URL escapes; what is none stays.
static struct str unescape(struct arena *arena, struct str text) {
	char *out = arena_alloc(arena, text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		int high = text.ptr[i] == '%' && i + 2 < text.len ? char_hex(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? char_hex(text.ptr[i + 2]) : -1;
		out[len++] = low >= 0 ? (char)(high * 16 + low) : text.ptr[i];
		if (low >= 0) i += 2;
	}
	return str_make(out, len);
}

// Lower-case digits of an id that is not zero; `out` has 2 * bytes digits and a NUL.
static bool id_read(struct str text, size_t bytes, char *out) {
	uint8_t raw[TRACE_ID_LEN / 2], any = 0;
	if (!hex_parse(text, raw, bytes)) return false;
	for (size_t i = 0; i < bytes; i++) any |= raw[i];
	hex_text(raw, bytes, out);
	return any != 0;
}

// 00-TRACE-SPAN-01
static bool read_traceparent(struct str text, struct userland_span *out) {
	struct str version, trace, span, rest;
	return str_cut(text, '-', &version, &rest) && str_cut(rest, '-', &trace, &rest) &&
	       str_cut(rest, '-', &span, &rest) && version.len == 2 &&
	       id_read(trace, TRACE_ID_LEN / 2, out->trace_id) && id_read(span, SPAN_ID_LEN / 2, out->parent_id);
}

static bool read_traceref(struct arena *arena, struct str text, struct userland_span *out) {
	yyjson_doc *doc = text.len > 0 ? json_read(unescape(arena, text), false, NULL, NULL) : NULL;
	bool good = doc != NULL && read_traceparent(json_str(json_get_exact(yyjson_doc_get_root(doc), STR("tp"))), out);
	yyjson_doc_free(doc);
	return good;
}

// The SDK's span around everything hangs under the request; its own parent is in another trace.
static bool is_sdk_root(const struct otlp_span *span) {
	return str_eq(span->name, STR("inngest.execution")) && str_eq(span->scope->name, STR("inngest"));
}

static void choose_parent(const struct otlp_span *span, struct userland_span *out) {
	char id[SPAN_ID_LEN + 1];
	struct str own = str_from_cstr(span->parent_id);
	bool chosen = id_read(text_of(span, ATTRIBUTE_STEP_PARENT), SPAN_ID_LEN / 2, id) ||
		      (!is_sdk_root(span) && id_read(own, SPAN_ID_LEN / 2, id));
	if (chosen && strcmp(id, out->id) != 0) memcpy(out->parent_id, id, sizeof id);
}

static bool find_place(struct arena *arena, const struct otlp_span *span, struct userland_span *out) {
	if (!id_read(str_from_cstr(span->id), SPAN_ID_LEN / 2, out->id) ||
	    !ulid_parse(text_of(span, ATTRIBUTE_RUN), &out->run_id) ||
	    !uuid_parse(text_of(span, ATTRIBUTE_FUNCTION), &out->function_id) ||
	    !read_traceref(arena, text_of(span, ATTRIBUTE_TRACEREF), out))
		return false;
	choose_parent(span, out);
	return strcmp(out->parent_id, out->id) != 0;
}

// ---- the row --------------------------------------------------------------------------------------------------

static void append_key(struct buf *out, const char *key) {
	buf_str(out, out->len > 1 ? STR(",\"_inngest.") : STR("\"_inngest."));
	buf_str(out, str_from_cstr(key));
	buf_lit(out, "\":");
}

static void append_text(struct buf *out, const char *key, struct str text) {
	if (text.len == 0) return;
	append_key(out, key);
	buf_json_str(out, text);
}

static void append_uuid(struct buf *out, const char *key, const struct uuid *id) {
	char text[UUID_TEXT_LEN + 1];
	uuid_text(id, text);
	append_text(out, key, str_make(text, UUID_TEXT_LEN));
}

// Times are texts of milliseconds.
static void append_time(struct buf *out, const char *key, int64_t ns) {
	append_key(out, key);
	buf_byte(out, '"');
	buf_i64(out, ns / 1000000);
	buf_byte(out, '"');
}

// A whole number, given as such or as text.
static void append_number(struct buf *out, const char *key, const struct otlp_attribute *attribute) {
	uint64_t number;
	if (attribute == NULL || !str_to_u64(attribute->value, &number)) return;
	append_key(out, key);
	buf_u64(out, number);
}

static void append_identity(struct buf *out, const struct userland_span *span) {
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(&span->run_id, run_id);
	append_text(out, "account.id", STR(ACCOUNT_ID));
	append_text(out, "env.id", STR(ENV_ID));
	append_uuid(out, "app.id", &span->app_id);
	append_uuid(out, "function.id", &span->function_id);
	append_text(out, "run.id", str_from_cstr(run_id));
	append_text(out, "dynamic.span.id", str_from_cstr(span->id));
	append_text(out, "dynamic.status", str_from_cstr(span->status));
	append_time(out, "started_at", span->start_ns);
	append_time(out, "ended_at", span->end_ns);
}

static void append_step(struct buf *out, const struct otlp_span *from) {
	struct str user_id = utf8_clip(text_of(from, ATTRIBUTE_STEP_ID), 256); // 06 §13
	append_text(out, "step.id", text_of(from, ATTRIBUTE_STEP_HASH));
	append_number(out, "step.attempt", otlp_attribute_find(from, ATTRIBUTE_STEP_ATTEMPT));
	append_text(out, "step.userland.id", user_id);
	append_number(out, "step.userland.index", otlp_attribute_find(from, ATTRIBUTE_STEP_INDEX));
}

static void append_userland(struct buf *out, const struct otlp_span *from) {
	append_key(out, "userland");
	buf_lit(out, "true");
	append_text(out, "userland.span.id", str_from_cstr(from->id));
	append_text(out, "userland.name", utf8_clip(from->name, NAME_MAX_BYTES));
	append_text(out, "userland.kind", str_from_cstr(otlp_kind_names[from->kind]));
	append_text(out, "userland.service.name", utf8_clip(from->scope->service_name, NAME_MAX_BYTES));
	append_text(out, "userland.scope.name", utf8_clip(from->scope->name, NAME_MAX_BYTES));
	append_text(out, "userland.scope.version", utf8_clip(from->scope->version, NAME_MAX_BYTES));
}

static bool is_shown(const struct otlp_span *span, const struct otlp_attribute *attribute) {
	if (str_starts_with(attribute->key, STR("_inngest."))) return false;
	for (size_t i = 0; i < ARRAY_LEN(own_attributes); i++)
		if (str_eq_cstr(attribute->key, own_attributes[i])) return false;
	for (const struct otlp_attribute *later = attribute + 1; later < span->attributes + span->attribute_count;
	     later++)
		if (str_eq(later->key, attribute->key)) return false;
	return true;
}

static void append_users(struct buf *out, const struct otlp_span *from) {
	for (size_t i = 0; i < from->attribute_count; i++) {
		const struct otlp_attribute *attribute = &from->attributes[i];
		if (!is_shown(from, attribute)) continue;
		buf_byte(out, ',');
		buf_json_str(out, attribute->key);
		buf_byte(out, ':');
		if (attribute->is_text)
			buf_json_str(out, attribute->value);
		else
			buf_str(out, attribute->value);
	}
}

static struct str make_attributes(struct arena *arena, const struct otlp_span *from, const struct userland_span *span) {
	struct buf out;
	buf_init(&out, SIZE_MAX / 2); // what is in it is bounded
	buf_byte(&out, '{');
	append_identity(&out, span);
	append_step(&out, from);
	append_userland(&out, from);
	append_users(&out, from);
	buf_byte(&out, '}');
	struct str json = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return json;
}

static int64_t clip(uint64_t ns) {
	return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

// OTLP only has spans that are over, so one that does not say how it ended ended well.
static const char *status_of(const struct otlp_span *span) {
	if (span->status == OTLP_ERROR) return "Failed";
	return span->status == OTLP_OK || span->end_ns > 0 ? "Completed" : "Running";
}

static void fill(struct arena *arena, const struct otlp_span *from, struct userland_span *out) {
	struct metadata_record found[USERLAND_METADATA_MAX];
	out->start_ns = clip(from->start_ns);
	out->end_ns = clip(from->end_ns > from->start_ns ? from->end_ns : from->start_ns);
	out->status = status_of(from);
	out->attributes = make_attributes(arena, from, out);
	out->metadata_count = userland_metadata(arena, from, found);
	out->metadata = ARENA_ARRAY(arena, struct metadata_record, out->metadata_count);
	if (out->metadata_count > 0) memcpy(out->metadata, found, out->metadata_count * sizeof *found);
}

void userland_read(struct arena *arena, const struct otlp_request *request, userland_function *find, void *context,
		   struct userland *out) {
	struct uuid known = {{0}}, app_id = {{0}};
	bool is_known = false, asked = false; // of the function before: mostly the same
	*out = (struct userland){.rejected = request->left_out};
	out->spans = ARENA_ARRAY(arena, struct userland_span, request->count);
	for (size_t i = 0; i < request->count; i++) {
		struct userland_span span = {.start_ns = 0};
		bool good = find_place(arena, &request->spans[i], &span);
		if (good && (!asked || !uuid_eq(&known, &span.function_id))) {
			known = span.function_id;
			is_known = find(context, &known, &app_id);
			asked = true;
		}
		if (!good || !is_known) {
			out->rejected++;
			continue;
		}
		span.app_id = app_id;
		fill(arena, &request->spans[i], &span);
		out->spans[out->count++] = span;
	}
}
