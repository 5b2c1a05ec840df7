// Metadata out of the attributes of a span (spec 06 §18.2, §19.1): what members a record has and which attributes they
// come from stands in tables.
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "model/exchange.h"
#include "model/limits.h"
#include "trace/prices.h"
#include "trace/userland.h"

enum form {
	TEXT,    // also the first text of an array
	INTEGER, // numbers may also come as texts
	NUMBER,
	TEXTS,   // an array of texts, or one text
	OBJECT,  // also as text
	LATENCY, // of the span, ms
};
enum need {
	OPTIONAL,
	ALWAYS,   // "" or 0 when it is not there
	REQUIRED, // no record without it
};

struct field {
	const char *name;
	enum form form;
	enum need need;
	const char *attributes[2]; // the first one that is there
};

static const struct field ai_fields[] = {
	{"input_tokens", INTEGER, ALWAYS, {"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"}},
	{"output_tokens", INTEGER, ALWAYS, {"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"}},
	{"request_model", TEXT, ALWAYS, {"gen_ai.request.model"}},
	{"provider", TEXT, ALWAYS, {"gen_ai.system", "gen_ai.provider.name"}},
	{"operation_name", TEXT, ALWAYS, {"gen_ai.operation.name"}},
	{"response_model", TEXT, OPTIONAL, {"gen_ai.response.model"}},
	{"response_id", TEXT, OPTIONAL, {"gen_ai.response.id"}},
	{"finish_reasons", TEXTS, OPTIONAL, {"gen_ai.response.finish_reasons"}},
	{"total_tokens", INTEGER, OPTIONAL, {"gen_ai.usage.total_tokens"}},
	{"cache_read_tokens", INTEGER, OPTIONAL, {"gen_ai.usage.cache_read.input_tokens"}},
	{"cache_creation_tokens", INTEGER, OPTIONAL, {"gen_ai.usage.cache_creation.input_tokens"}},
	{"reasoning_tokens", INTEGER, OPTIONAL, {"gen_ai.usage.reasoning.output_tokens"}},
	{"temperature", NUMBER, OPTIONAL, {"gen_ai.request.temperature"}},
	{"top_p", NUMBER, OPTIONAL, {"gen_ai.request.top_p"}},
	{"max_tokens", INTEGER, OPTIONAL, {"gen_ai.request.max_tokens"}},
	{"frequency_penalty", NUMBER, OPTIONAL, {"gen_ai.request.frequency_penalty"}},
	{"presence_penalty", NUMBER, OPTIONAL, {"gen_ai.request.presence_penalty"}},
	{"seed", INTEGER, OPTIONAL, {"gen_ai.request.seed"}},
	{"latency_ms", LATENCY, ALWAYS, {NULL}},
};

static const struct field http_fields[] = {
	{"method", TEXT, REQUIRED, {"http.request.method"}},
	{"domain", TEXT, OPTIONAL, {"url.domain", "server.address"}},
	{"path", TEXT, OPTIONAL, {"url.path"}},
	{"request_content_type", TEXT, OPTIONAL, {"http.request.header.content-type"}},
	{"response_content_type", TEXT, OPTIONAL, {"http.response.header.content-type"}},
	{"request_size", INTEGER, OPTIONAL, {"http.request.size"}},
	{"response_size", INTEGER, OPTIONAL, {"http.response.size"}},
	{"response_status", INTEGER, OPTIONAL, {"http.response.status_code"}},
};

static const struct field experiment_fields[] = {
	{"name", TEXT, REQUIRED, {"inngest.experiment.name"}},
	{"variant", TEXT, ALWAYS, {"inngest.experiment.variant"}},
	{"selection_strategy", TEXT, ALWAYS, {"inngest.experiment.selection_strategy"}},
	{"available_variants", TEXTS, OPTIONAL, {"inngest.experiment.available_variants"}},
	{"variant_weights", OBJECT, OPTIONAL, {"inngest.experiment.variant_weights"}},
};

// ---- values of one form ---------------------------------------------------------------------------------------

static bool append_text(struct buf *out, const struct otlp_attribute *attribute) {
	yyjson_doc *doc = attribute->is_text ? NULL : json_read(attribute->value, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	if (yyjson_is_arr(root)) root = yyjson_arr_get_first(root);
	struct str text = attribute->is_text ? attribute->value : json_str(root);
	if (text.len > 0) buf_json_str(out, text);
	yyjson_doc_free(doc);
	return text.len > 0;
}

static bool append_number(struct buf *out, const struct otlp_attribute *attribute, bool is_whole) {
	int64_t whole;
	if (str_to_i64(attribute->value, &whole)) {
		buf_i64(out, whole);
		return true;
	}
	char *end;
	double number = strtod(attribute->value.ptr, &end); // values end with a NUL
	if (attribute->value.len == 0 || end != attribute->value.ptr + attribute->value.len || !isfinite(number))
		return false;
	json_number(out, is_whole ? trunc(number) : number);
	return true;
}

static bool append_texts(struct buf *out, const struct otlp_attribute *attribute) {
	yyjson_doc *doc = json_read(attribute->value, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_arr_iter iter;
	size_t count = 0;
	size_t before = out->len;
	buf_byte(out, '[');
	if (attribute->is_text && !yyjson_is_arr(root) && attribute->value.len > 0) {
		buf_json_str(out, attribute->value);
		count++;
	}
	yyjson_arr_iter_init(root, &iter);
	for (yyjson_val *value; (value = yyjson_arr_iter_next(&iter)) != NULL;) {
		if (json_str(value).len == 0) continue;
		if (count++ > 0) buf_byte(out, ',');
		buf_json_str(out, json_str(value));
	}
	buf_byte(out, ']');
	if (count == 0) out->len = before;
	yyjson_doc_free(doc);
	return count > 0;
}

static bool append_object(struct buf *out, const struct otlp_attribute *attribute) {
	yyjson_doc *doc = json_read(attribute->value, false, NULL, NULL);
	bool good = yyjson_is_obj(yyjson_doc_get_root(doc));
	if (good) json_canonical(out, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	return good;
}

static bool append_latency(struct buf *out, const struct otlp_span *span) {
	buf_u64(out, span->end_ns > span->start_ns ? (span->end_ns - span->start_ns) / 1000000 : 0);
	return true;
}

static bool append_value(struct buf *out, enum form form, const struct otlp_attribute *attribute) {
	switch (form) {
	case TEXT:
		return append_text(out, attribute);
	case INTEGER:
	case NUMBER:
		return append_number(out, attribute, form == INTEGER);
	case TEXTS:
		return append_texts(out, attribute);
	case OBJECT:
		return append_object(out, attribute);
	case LATENCY:
		break;
	}
	return false;
}

// ---- records --------------------------------------------------------------------------------------------------

static const struct otlp_attribute *attribute_of(const struct otlp_span *span, const struct field *field) {
	const struct otlp_attribute *attribute = NULL;
	for (size_t i = 0; i < ARRAY_LEN(field->attributes) && attribute == NULL && field->attributes[i] != NULL; i++)
		attribute = otlp_attribute_find(span, field->attributes[i]);
	return attribute;
}

// Appends a member; *found when it came from an attribute. False: there can be no record.
static bool append_member(struct buf *out, const struct otlp_span *span, const struct field *field, bool *found) {
	const struct otlp_attribute *attribute = attribute_of(span, field);
	size_t before = out->len;
	if (out->len > 1) buf_byte(out, ',');
	buf_json_str(out, str_from_cstr(field->name));
	buf_byte(out, ':');
	bool good = field->form == LATENCY ? append_latency(out, span)
					   : attribute != NULL && append_value(out, field->form, attribute);
	*found = *found || (good && attribute != NULL);
	if (good) return true;
	if (field->need == ALWAYS)
		buf_str(out, field->form == TEXT ? STR("\"\"") : STR("0"));
	else
		out->len = before;
	return field->need != REQUIRED;
}

static bool append_record(struct buf *out, const struct otlp_span *span, const struct field *fields, size_t count) {
	bool found = false, good = true;
	buf_byte(out, '{');
	for (size_t i = 0; i < count && good; i++) good = append_member(out, span, &fields[i], &found);
	buf_byte(out, '}');
	return good && found;
}

// {"name":"value or array",…} as the middleware of an app noted it.
static bool append_response_headers(struct buf *out, const struct otlp_span *span) {
	const struct otlp_attribute *attribute = otlp_attribute_find(span, "_inngest.response.headers");
	yyjson_doc *doc = attribute != NULL ? json_read(attribute->value, false, NULL, NULL) : NULL;
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(yyjson_doc_get_root(doc), &iter);
	size_t count = 0;
	buf_byte(out, '{');
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (count++ > 0) buf_byte(out, ',');
		buf_json_str(out, json_str(key));
		buf_byte(out, ':');
		if (exchange_header_is_secret(json_str(key)))
			buf_lit(out, "\"[REDACTED]\"");
		else
			json_canonical(out, yyjson_obj_iter_get_val(key));
	}
	buf_byte(out, '}');
	yyjson_doc_free(doc);
	return count > 0;
}

// Measures the record; false when it is too large.
static bool finish(struct arena *arena, const char *kind, struct str text, struct metadata_record *out) {
	struct str values = arena_dup(arena, text);
	if (strcmp(kind, METADATA_KIND_AI) == 0) values = price_complete(arena, values);
	yyjson_doc *doc = json_read(values, false, NULL, NULL);
	*out = (struct metadata_record){
		.scope = METADATA_EXTENDED_TRACE,
		.kind = str_from_cstr(kind),
		.op = METADATA_MERGE,
		.values = values,
		.size = metadata_size(yyjson_doc_get_root(doc)),
	};
	yyjson_doc_free(doc);
	return out->size <= METADATA_RECORD_MAX;
}

size_t userland_metadata(struct arena *arena, const struct otlp_span *span, struct metadata_record *out) {
	static const struct {
		const char *kind;
		const struct field *fields; // NULL: response headers
		size_t count;
	} kinds[USERLAND_METADATA_MAX] = {
		{METADATA_KIND_AI, ai_fields, ARRAY_LEN(ai_fields)},
		{METADATA_KIND_HTTP, http_fields, ARRAY_LEN(http_fields)},
		{METADATA_KIND_EXPERIMENT, experiment_fields, ARRAY_LEN(experiment_fields)},
		{METADATA_KIND_RESPONSE_HEADERS, NULL, 0},
	};
	struct buf text;
	size_t count = 0;
	buf_init(&text, 2 * METADATA_RECORD_MAX);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		buf_clear(&text);
		bool found = kinds[i].fields != NULL ? append_record(&text, span, kinds[i].fields, kinds[i].count)
						     : append_response_headers(&text, span);
		if (found && !text.overflow && finish(arena, kinds[i].kind, buf_view(&text), &out[count])) count++;
	}
	buf_free(&text);
	return count;
}
