#include "model/observations.h"

#include "base/buf.h"
#include "model/members.h"

struct feature {
	struct str name;
	struct str snake_name;
	struct str prefix;      // of the names of its reasons
	const char *reasons[8]; // by number
};

static const struct feature features[] = {
	{STR_INIT("aiMetadataExtraction"),
	 STR_INIT("ai_metadata_extraction"),
	 STR_INIT("AI_METADATA_EXTRACTION_READINESS_REASON_"),
	 {"UNSPECIFIED", "READY", "DISABLED_BY_USER", "OTEL_PROVIDER_MISSING", "OTEL_SPAN_PROCESSOR_NOT_ADDED"}},
	{STR_INIT("extendedTraces"),
	 STR_INIT("extended_traces"),
	 STR_INIT("EXTENDED_TRACES_READINESS_REASON_"),
	 {"UNSPECIFIED", "READY", "NOT_ENABLED_BY_USER", "DISABLED_BY_USER", "OTEL_PROVIDER_MISSING",
	  "OTEL_SPAN_PROCESSOR_NOT_ADDED", "OTEL_PROVIDER_CREATION_FAILED"}},
	{STR_INIT("sendEvents"),
	 STR_INIT("send_events"),
	 STR_INIT("SEND_EVENTS_READINESS_REASON_"),
	 {"UNSPECIFIED", "READY", "EVENT_KEY_MISSING"}},
};

// Either spelling; null is absent.
static yyjson_val *member(yyjson_val *object, struct str name, struct str snake_name) {
	yyjson_val *value = json_get_exact(object, name);
	if (value == NULL) value = json_get_exact(object, snake_name);
	return yyjson_is_null(value) ? NULL : value;
}

// An unknown name counts as reason 0.
static int64_t reason_number(const struct feature *feature, struct str text) {
	if (!str_starts_with(text, feature->prefix)) return 0;
	text = str_skip(text, feature->prefix.len);
	for (int i = 0; i < 8 && feature->reasons[i] != NULL; i++) {
		if (str_eq_cstr(text, feature->reasons[i])) return i;
	}
	return 0;
}

static enum err reason_read(const struct feature *feature, yyjson_val *value, int64_t *out, struct error *error) {
	*out = 0;
	if (!yyjson_is_obj(value))
		return error_set(error, ERR_INVALID, "proto: %s should be an object, got %s", feature->name.ptr,
				 json_type_text(value));
	yyjson_val *reason = member(value, STR("readinessReason"), STR("readiness_reason"));
	if (reason == NULL) return ERR_OK;
	if (yyjson_is_str(reason)) {
		*out = reason_number(feature, json_str(reason));
	} else if (yyjson_is_int(reason)) {
		*out = (int32_t)yyjson_get_uint(reason);
	} else {
		return error_set(error, ERR_INVALID, "proto: %s.readinessReason should be a name or a number, got %s",
				 feature->name.ptr, json_type_text(reason));
	}
	return ERR_OK;
}

static enum err observations_write(yyjson_val *object, struct buf *out, bool *any, struct error *error) {
	buf_byte(out, '{');
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		int64_t reason;
		yyjson_val *value = member(object, features[i].name, features[i].snake_name);
		if (value == NULL) continue;
		enum err err = reason_read(&features[i], value, &reason, error);
		if (err != ERR_OK) return err;
		if (*any) buf_byte(out, ',');
		*any = true;
		buf_printf(out, "\"%s\":{\"readinessReason\":%lld}", features[i].name.ptr, (long long)reason);
	}
	buf_byte(out, '}');
	return ERR_OK;
}

enum err observations_read(struct arena *arena, yyjson_val *value, struct str *metadata, bool *any,
			   struct error *error) {
	struct buf text;
	struct buf wrapped;
	*any = false;
	*metadata = STR("{}");
	if (value == NULL) return ERR_OK;
	buf_init(&text, 4096);
	buf_init(&wrapped, 8192);
	enum err err = observations_write(value, &text, any, error);
	if (err == ERR_OK && *any) {
		buf_lit(&wrapped, "{\"featureObservations\":");
		buf_json_str(&wrapped, buf_view(&text));
		buf_byte(&wrapped, '}');
		*metadata = arena_dup(arena, buf_view(&wrapped));
	}
	buf_free(&wrapped);
	buf_free(&text);
	return err;
}
