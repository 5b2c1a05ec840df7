// An export of traces, JSON when it begins like that, else protobuf: the spans, the rows that they become, and the same
// spans written and read again.
#include "fuzz.h"
#include "model/limits.h"
#include "trace/userland.h"

static void check_json(struct str text) {
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	CHECK(doc != NULL && yyjson_is_obj(yyjson_doc_get_root(doc)));
	yyjson_doc_free(doc);
	fuzz_check_utf8(text);
}

static void check_span(const struct otlp_span *span) {
	CHECK(span->attribute_count <= OTLP_ATTRIBUTES_MAX && span->kind < OTLP_KIND_COUNT && span->scope != NULL);
	fuzz_check_utf8(span->name);
	fuzz_check_utf8(span->scope->service_name);
	fuzz_check_utf8(span->scope->name);
	fuzz_check_utf8(span->scope->version);
	for (size_t i = 0; i < span->attribute_count; i++) {
		const struct otlp_attribute *attribute = &span->attributes[i];
		fuzz_check_utf8(attribute->key);
		fuzz_check_utf8(attribute->value);
		yyjson_doc *doc = attribute->is_text ? NULL : json_read(attribute->value, false, NULL, NULL);
		CHECK((doc != NULL) != attribute->is_text);
		yyjson_doc_free(doc);
	}
}

static bool find(void *context, const struct uuid *function_id, struct uuid *app_id) {
	*app_id = *function_id;
	return context == NULL;
}

static void check_row(const struct userland_span *row) {
	CHECK(strlen(row->id) == SPAN_ID_LEN && strlen(row->parent_id) == SPAN_ID_LEN &&
	      strcmp(row->id, row->parent_id) != 0);
	CHECK(strlen(row->trace_id) == TRACE_ID_LEN && row->start_ns >= 0 && row->end_ns >= row->start_ns);
	check_json(row->attributes);
	for (size_t i = 0; i < row->metadata_count; i++) {
		check_json(row->metadata[i].values);
		CHECK(row->metadata[i].size <= METADATA_RECORD_MAX && metadata_kind_is_allowed(row->metadata[i].kind));
	}
}

#define AGAIN_MAX (64u << 20)

static void check_again(struct arena *arena, const struct otlp_request *request, enum otlp_encoding encoding) {
	struct otlp_export batch = {.scope_name = STR("again"), .spans = request->spans, .count = request->count};
	struct otlp_request again;
	struct buf text;
	buf_init(&text, AGAIN_MAX);
	otlp_write_export(&text, encoding, &batch);
	CHECK(text.overflow || otlp_read(arena, encoding, buf_view(&text), &again, NULL) == ERR_OK);
	for (size_t i = 0; i < request->count && !text.overflow; i++) {
		const struct otlp_span *a = &request->spans[i], *b = &again.spans[i];
		CHECK(again.count == request->count && a->kind == b->kind && a->status == b->status);
		CHECK(a->start_ns == b->start_ns && a->end_ns == b->end_ns);
		CHECK(strcmp(a->id, b->id) == 0 && strcmp(a->trace_id, b->trace_id) == 0);
		CHECK(strcmp(a->parent_id, b->parent_id) == 0);
		CHECK(encoding == OTLP_PROTOBUF || str_eq(a->name, b->name)); // there a NUL ends a text
	}
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena arena;
	struct otlp_request request;
	struct userland out;
	struct error error = {0};
	arena_init(&arena, 4096);
	struct str body = str_make(data, size);
	enum otlp_encoding encoding = str_starts_with(str_trim(body), STR("{")) ? OTLP_JSON : OTLP_PROTOBUF;
	if (otlp_read(&arena, encoding, body, &request, &error) != ERR_OK) {
		fuzz_check_error(&error);
		CHECK(request.count == 0);
	}
	for (size_t i = 0; i < request.count; i++) check_span(&request.spans[i]);
	if (request.count > 0) check_again(&arena, &request, OTLP_JSON);
	if (request.count > 0) check_again(&arena, &request, OTLP_PROTOBUF);
	userland_read(&arena, &request, find, NULL, &out);
	CHECK(out.count + out.rejected == request.count + request.left_out);
	for (size_t i = 0; i < out.count; i++) check_row(&out.spans[i]);
	arena_free(&arena);
	return 0;
}
