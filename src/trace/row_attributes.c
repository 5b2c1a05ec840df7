#include "trace/row_attributes.h"

#include "base/check.h"
#include "trace/builder.h"

#define PREFIX STR("_inngest.")
#define TEXT_MAX (16u << 20) // of a JSON value as text: more than any row holds

enum attribute_type {
	ATTRIBUTE_TEXT,
	ATTRIBUTE_NAME, // text that is cut
	ATTRIBUTE_TIME, // ms as text
	ATTRIBUTE_MS,
	ATTRIBUTE_BOOL,
	ATTRIBUTE_TRISTATE,
	ATTRIBUTE_INT,
	ATTRIBUTE_COUNT,
	ATTRIBUTE_STATUS,
	ATTRIBUTE_OP,
	ATTRIBUTE_OBJECT, // JSON, or a text with it
};

#define NO_FLAG SIZE_MAX
#define MEMBER(name, type, member) \
	{ STR_INIT(name), ATTRIBUTE_##type, offsetof(struct span, member), NO_FLAG }
#define FLAGGED(name, type, member, flag) \
	{ STR_INIT(name), ATTRIBUTE_##type, offsetof(struct span, member), offsetof(struct span, flag) }

static const struct attribute {
	struct str name;
	enum attribute_type type;
	size_t offset;
	size_t flag; // that it is there
} attributes[] = {
	MEMBER("queued_at", TIME, queued_ns),
	MEMBER("scheduled_at", TIME, scheduled_ns),
	MEMBER("started_at", TIME, started_ns),
	MEMBER("ended_at", TIME, ended_ns),
	MEMBER("dynamic.status", STATUS, status),
	MEMBER("dynamic.trace.id", TEXT, trace_id),
	MEMBER("job.group.id", TEXT, group_id),
	FLAGGED("response.status_code", INT, status_code, has_response),
	FLAGGED("response.headers", OBJECT, headers, has_headers),
	MEMBER("step.id", TEXT, step_id),
	MEMBER("step.name", NAME, step_name),
	MEMBER("step.op", OP, op),
	MEMBER("step.run.type", TEXT, run_type),
	FLAGGED("step.attempt", COUNT, attempt, has_attempt),
	MEMBER("step.max_attempts", COUNT, max_attempts),
	MEMBER("step.output_ref", TEXT, output_ref),
	MEMBER("is.function.output", BOOL, is_output),
	MEMBER("executor.drop", BOOL, is_dropped),
	FLAGGED("step.sleep.duration", MS, sleep_ms, has_sleep),
	FLAGGED("step.wait.expiry", TIME, expiry_ns, has_expiry),
	MEMBER("step.wait.expired", TRISTATE, is_expired),
	MEMBER("step.wait_for_event.name", TEXT, wait_event),
	MEMBER("step.wait_for_event.if", TEXT, wait_expression),
	MEMBER("step.wait_for_event.matched_id", TEXT, matched_event_id),
	MEMBER("step.signal.name", TEXT, signal),
	MEMBER("step.invoke.function.id", TEXT, invoke_function),
	MEMBER("step.invoke.trigger.event.id", TEXT, trigger_event_id),
	MEMBER("step.invoke.finish.event.id", TEXT, matched_event_id),
	MEMBER("step.invoke.run.id", TEXT, invoke_run_id),
	MEMBER("run.skip_reason", TEXT, skip_reason),
	MEMBER("run.skip_existing_run_id", TEXT, skip_existing_run_id),
	MEMBER("debug.run.id", TEXT, debug_run_id),
	MEMBER("debug.session.id", TEXT, debug_session_id),
	MEMBER("userland.name", TEXT, name),
	MEMBER("userland.kind", TEXT, user_kind),
	MEMBER("userland.service.name", TEXT, service_name),
	MEMBER("userland.scope.name", TEXT, scope_name),
	MEMBER("userland.scope.version", TEXT, scope_version),
};

// ---- values --------------------------------------------------------------------------------------------------------

static struct str keep(struct arena *arena, yyjson_val *value) {
	struct str text = json_str(value);
	return text.len > 0 ? arena_dup(arena, text) : (struct str){NULL, 0};
}

// A number, or one as text.
static bool integer(yyjson_val *value, int64_t *out) {
	if (yyjson_is_str(value)) return str_to_i64(json_str(value), out);
	if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX) return false;
	if (yyjson_is_int(value)) return *out = yyjson_get_sint(value), true;
	if (!yyjson_is_real(value)) return false;
	double number = yyjson_get_real(value);
	if (!(number > -9e15 && number < 9e15)) return false;
	*out = (int64_t)number;
	return true;
}

static bool boolean(yyjson_val *value, bool *out) {
	if (yyjson_is_bool(value)) return *out = yyjson_get_bool(value), true;
	struct str text = json_str(value);
	*out = str_eq(text, STR("true"));
	return *out || str_eq(text, STR("false"));
}

// JSON text of an object; null, which says that there is nothing in it, is an empty one.
static struct str object_text(struct arena *arena, yyjson_val *value) {
	struct str text = {NULL, 0};
	yyjson_doc *doc = NULL;
	if (yyjson_is_str(value)) {
		doc = json_read(json_str(value), false, NULL, NULL);
		value = yyjson_doc_get_root(doc);
	}
	if (yyjson_is_null(value)) text = STR("{}");
	if (yyjson_is_obj(value)) {
		struct buf buf;
		buf_init(&buf, TEXT_MAX);
		json_canonical(&buf, value);
		if (!buf.overflow) text = arena_dup(arena, buf_view(&buf));
		buf_free(&buf);
	}
	yyjson_doc_free(doc);
	return text;
}

// ---- into members --------------------------------------------------------------------------------------------------

#define AT(type) (*(type *)(void *)at)

static bool set_text(struct arena *arena, char *at, enum attribute_type type, yyjson_val *value) {
	struct str text = type == ATTRIBUTE_OBJECT ? object_text(arena, value) : keep(arena, value);
	if (text.len == 0) return false;
	AT(struct str) = type == ATTRIBUTE_NAME ? span_step_name(text) : text;
	return true;
}

static bool set_number(char *at, enum attribute_type type, yyjson_val *value) {
	int64_t number;
	if (!integer(value, &number)) return false;
	switch (type) {
	case ATTRIBUTE_TIME:
		AT(int64_t) = number > 0 ? span_time((uint64_t)number) : 0;
		return true;
	case ATTRIBUTE_MS:
		if (number < 0 || number > SPAN_TIME_MAX_NS / 1000000) return false;
		AT(int64_t) = number;
		return true;
	case ATTRIBUTE_INT:
		if (number < INT32_MIN || number > INT32_MAX) return false;
		AT(int) = (int)number;
		return true;
	default:
		if (number < 0 || number > INT32_MAX) return false;
		AT(uint32_t) = (uint32_t)number;
		return true;
	}
}

static bool set_bool(char *at, enum attribute_type type, yyjson_val *value) {
	bool flag;
	if (!boolean(value, &flag)) return false;
	if (type == ATTRIBUTE_TRISTATE)
		AT(enum tristate) = flag ? YES : NO;
	else
		AT(bool) = flag;
	return true;
}

static bool set_name(char *at, enum attribute_type type, yyjson_val *value) {
	if (type == ATTRIBUTE_OP) return opcode_from_name(json_str(value), (enum opcode_kind *)(void *)at);
	enum span_status status = span_status_of(json_str(value));
	if (status == SPAN_STATUS_NONE) return false;
	AT(enum span_status) = status;
	return true;
}

static bool set_member(struct arena *arena, char *at, enum attribute_type type, yyjson_val *value) {
	switch (type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT:
		return set_text(arena, at, type, value);
	case ATTRIBUTE_BOOL:
	case ATTRIBUTE_TRISTATE:
		return set_bool(at, type, value);
	case ATTRIBUTE_STATUS:
	case ATTRIBUTE_OP:
		return set_name(at, type, value);
	case ATTRIBUTE_TIME:
	case ATTRIBUTE_MS:
	case ATTRIBUTE_INT:
	case ATTRIBUTE_COUNT:
		return set_number(at, type, value);
	}
	return false;
}

static const struct attribute *attribute_named(struct str name) {
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (str_eq(attributes[i].name, name)) return &attributes[i];
	return NULL;
}

void row_attributes_apply(struct arena *arena, yyjson_val *object, struct span *span) {
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(object, &iter)) return;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str name = json_str(key);
		if (!str_starts_with(name, PREFIX)) continue;
		const struct attribute *attribute = attribute_named(str_skip(name, PREFIX.len));
		if (attribute == NULL) continue;
		char *base = (char *)span;
		if (!set_member(arena, base + attribute->offset, attribute->type, yyjson_obj_iter_get_val(key)))
			continue;
		if (attribute->flag != NO_FLAG) *(bool *)(base + attribute->flag) = true;
	}
}

// ---- out of members ------------------------------------------------------------------------------------------------

static struct str number_text(struct arena *arena, int64_t number) {
	return arena_printf(arena, "%lld", (long long)number);
}

// As stored: times are texts, numbers and booleans are not (§13). An empty text: there is nothing to tell.
static void tell(struct arena *arena, const char *at, enum attribute_type type, struct otlp_attribute *out) {
#define GET(type_) (*(const type_ *)(const void *)at)
	out->is_text = true;
	switch (type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
		out->value = GET(struct str);
		return;
	case ATTRIBUTE_TIME:
		if (GET(int64_t) > 0) out->value = number_text(arena, GET(int64_t) / 1000000);
		return;
	case ATTRIBUTE_STATUS:
		if (GET(enum span_status) != SPAN_STATUS_NONE)
			out->value = str_from_cstr(span_status_names[GET(enum span_status)]);
		return;
	case ATTRIBUTE_OP:
		if (GET(enum opcode_kind) != OPCODE_NONE)
			out->value = str_from_cstr(opcode_table[GET(enum opcode_kind)].name);
		return;
	case ATTRIBUTE_OBJECT:
		return;
	default:
		break;
	}
	out->is_text = false;
	if (type == ATTRIBUTE_BOOL && GET(bool)) out->value = STR("true");
	if (type == ATTRIBUTE_TRISTATE && GET(enum tristate) != UNSET)
		out->value = GET(enum tristate) == YES ? STR("true") : STR("false");
	if (type == ATTRIBUTE_MS) out->value = number_text(arena, GET(int64_t));
	if (type == ATTRIBUTE_INT) out->value = number_text(arena, GET(int));
	if (type == ATTRIBUTE_COUNT) out->value = number_text(arena, GET(uint32_t));
#undef GET
}

// The event that ended a wait, and the one that ended an invoke, are one member.
static bool is_of_other(const struct attribute *attribute, const struct span *span) {
	if (attribute->offset != offsetof(struct span, matched_event_id)) return false;
	bool is_invoke = str_eq(attribute->name, STR("step.invoke.finish.event.id"));
	return is_invoke != (span->op == OPCODE_INVOKE_FUNCTION);
}

size_t row_attributes_tell(struct arena *arena, const struct span *span,
			   struct otlp_attribute out[ROW_ATTRIBUTES_MAX]) {
	_Static_assert(ARRAY_LEN(attributes) <= ROW_ATTRIBUTES_MAX, "room for all");
	const char *base = (const char *)span;
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		const struct attribute *attribute = &attributes[i];
		bool is_there = attribute->flag == NO_FLAG || *(const bool *)(base + attribute->flag);
		bool is_whose = !str_eq(attribute->name, STR("dynamic.trace.id")) &&
				!str_starts_with(attribute->name, STR("userland.")) && !is_of_other(attribute, span);
		if (!is_there || !is_whose) continue;
		struct otlp_attribute told = {.value = {NULL, 0}};
		tell(arena, base + attribute->offset, attribute->type, &told);
		if (told.value.len == 0) continue;
		told.key = arena_cat(arena, PREFIX, attribute->name);
		out[count++] = told;
	}
	return count;
}

// ---- the rest ------------------------------------------------------------------------------------------------------

yyjson_doc *row_attributes_read(struct str text) {
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	if (doc != NULL && yyjson_is_str(yyjson_doc_get_root(doc))) { // as older files have it (09 §3.3)
		yyjson_doc *inner = json_read(json_str(yyjson_doc_get_root(doc)), false, NULL, NULL);
		yyjson_doc_free(doc);
		doc = inner;
	}
	if (yyjson_is_obj(yyjson_doc_get_root(doc))) return doc;
	yyjson_doc_free(doc);
	return NULL;
}

struct str row_attributes_of_user(struct arena *arena, yyjson_val *object) {
	struct buf text;
	buf_init(&text, TEXT_MAX);
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(object, &iter);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (str_starts_with(json_str(key), PREFIX)) continue;
		buf_byte(&text, text.len == 0 ? '{' : ',');
		buf_json_str(&text, json_str(key));
		buf_byte(&text, ':');
		json_canonical(&text, yyjson_obj_iter_get_val(key));
	}
	if (text.len > 0) buf_byte(&text, '}');
	struct str out = text.len > 0 && !text.overflow ? arena_dup(arena, buf_view(&text)) : (struct str){NULL, 0};
	buf_free(&text);
	return out;
}

bool row_attributes_metadata(struct arena *arena, yyjson_val *object, struct span_metadata *out) {
	out->kind = keep(arena, json_get_exact(object, STR("_inngest.metadata.kind")));
	out->scope = keep(arena, json_get_exact(object, STR("_inngest.metadata.scope")));
	out->op = keep(arena, json_get_exact(object, STR("_inngest.metadata.op")));
	out->values = object_text(arena, json_get_exact(object, STR("_inngest.metadata.values")));
	return out->kind.len > 0 && out->values.len > 0;
}
