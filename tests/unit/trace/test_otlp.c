// Reading and answering OTLP in both encodings.
#include <math.h>

#include "model/limits.h"
#include "otlp_helper.h"

static struct arena arena;
static int set_up(void **state) {
	(void)state;
	arena_init(&arena, 0);
	return 0;
}
static int tear_down(void **state) {
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct otlp_request request;
static struct error error;

static enum err read_json(const char *body) {
	return otlp_read(&arena, OTLP_JSON, str_from_cstr(body), &request, &error);
}

static void expect_attribute(const struct otlp_span *span, size_t i, const char *key, bool is_text, const char *value) {
	assert_true(i < span->attribute_count);
	assert_str(span->attributes[i].key, key);
	assert_str(span->attributes[i].value, value);
	assert_int_equal(span->attributes[i].is_text, is_text);
}

#define TRACE "41a0847972bf9c6fa980989993b092a2"

static void expect_full_span(void) {
	assert_int_equal(request.count, 1);
	const struct otlp_span *span = &request.spans[0];
	assert_str(span->scope->service_name, "shop");
	assert_str(span->scope->name, "http");
	assert_str(span->scope->version, "1.2");
	assert_string_equal(span->trace_id, TRACE);
	assert_string_equal(span->id, "1222ceb2701ceb83");
	assert_string_equal(span->parent_id, "fbd6b50f698332d5");
	assert_str(span->name, "GET /");
	assert_int_equal(span->kind, OTLP_CLIENT);
	assert_int_equal(span->start_ns, 1795249333896000001);
	assert_int_equal(span->end_ns, 1795249333897000002);
	assert_int_equal(span->status, OTLP_ERROR);
	assert_int_equal(span->attribute_count, 8);
	expect_attribute(span, 0, "text", true, "a\"b");
	expect_attribute(span, 1, "yes", false, "true");
	expect_attribute(span, 2, "int", false, "-9007199254740993");
	expect_attribute(span, 3, "double", false, "0.5");
	expect_attribute(span, 4, "nan", true, "NaN");
	expect_attribute(span, 5, "array", false, "[1,\"x\",[],null,\"AQI=\"]");
	expect_attribute(span, 6, "list", false, "{\"k\":{\"l\":true}}");
	expect_attribute(span, 7, "bytes", true, "AQI=");
}

static void json_spans(void **state) {
	(void)state;
	assert_int_equal(
		read_json(
			"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"x\"},{\"key\":\"service.name\","
			"\"value\":{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"http\","
			"\"version\":\"1.2\"},\"spans\":[{\"traceId\":\"41A0847972bf9c6fa980989993b092a2\",\"spanId\":"
			"\"1222ceb2701ceb83\",\"parentSpanId\":\"fbd6b50f698332d5\",\"name\":\"GET /\",\"kind\":3,"
			"\"startTimeUnixNano\":\"1795249333896000001\",\"endTimeUnixNano\":1795249333897000002,"
			"\"status\":{\"code\":2,\"message\":\"no\"},\"events\":[],\"flags\":257,\"attributes\":["
			"{\"key\":\"text\",\"value\":{\"stringValue\":\"a\\\"b\"}},"
			"{\"key\":\"yes\",\"value\":{\"boolValue\":true}},"
			"{\"key\":\"int\",\"value\":{\"intValue\":\"-9007199254740993\"}},"
			"{\"key\":\"double\",\"value\":{\"doubleValue\":0.5}},"
			"{\"key\":\"nan\",\"value\":{\"doubleValue\":\"NaN\"}},"
			"{\"key\":\"array\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":1},{\"stringValue\":"
			"\"x\"},{\"arrayValue\":{}},{},{\"bytesValue\":\"AQI=\"}]}}},"
			"{\"key\":\"list\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":"
			"{\"kvlistValue\":{\"values\":[{\"key\":\"l\",\"value\":{\"boolValue\":true}}]}}}]}}},"
			"{\"key\":\"bytes\",\"value\":{\"bytesValue\":\"AQI=\"}}]}]}]}]}"),
		ERR_OK);
	expect_full_span();
}

static void pb_values(struct buf *span) {
	struct buf value, inner, pair, list;
	buf_init(&value, SIZE_MAX / 2);
	buf_init(&inner, SIZE_MAX / 2);
	buf_init(&pair, SIZE_MAX / 2);
	buf_init(&list, SIZE_MAX / 2);
	pb_text_pair(span, 9, "text", "a\"b");
	pb_uint(&value, 2, 1);
	pb_pair(span, 9, "yes", &value);
	pb_uint(&value, 3, (uint64_t)-9007199254740993);
	pb_pair(span, 9, "int", &value);
	pb_double(&value, 4, 0.5);
	pb_pair(span, 9, "double", &value);
	pb_double(&value, 4, (double)NAN);
	pb_pair(span, 9, "nan", &value);
	pb_uint(&inner, 3, 1); // [1,"x",[],null,bytes]
	pb_message(&list, 1, &inner);
	pb_bytes(&inner, 1, STR("x"));
	pb_message(&list, 1, &inner);
	pb_bytes(&inner, 5, STR(""));
	pb_message(&list, 1, &inner);
	pb_message(&list, 1, &inner);
	pb_bytes(&inner, 7, STR("\1\2"));
	pb_message(&list, 1, &inner);
	pb_message(&value, 5, &list);
	pb_pair(span, 9, "array", &value);
	pb_uint(&inner, 2, 1); // {"k":{"l":true}}
	pb_pair(&list, 1, "l", &inner);
	pb_message(&value, 6, &list);
	pb_pair(&list, 1, "k", &value);
	pb_message(&value, 6, &list);
	pb_pair(span, 9, "list", &value);
	pb_bytes(&value, 7, STR("\1\2"));
	pb_pair(span, 9, "bytes", &value);
}

static void protobuf_spans(void **state) {
	(void)state;
	struct buf body, span, message, scope_spans, resource_spans;
	struct buf *all[] = {&body, &span, &message, &scope_spans, &resource_spans};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) buf_init(all[i], SIZE_MAX / 2);
	pb_hex(&span, 1, TRACE);
	pb_hex(&span, 2, "1222ceb2701ceb83");
	pb_bytes(&span, 3, STR("tracestate"));
	pb_hex(&span, 4, "fbd6b50f698332d5");
	pb_bytes(&span, 5, STR("GET /"));
	pb_uint(&span, 6, 3);
	pb_fixed64(&span, 7, 1795249333896000001);
	pb_fixed64(&span, 8, 1795249333897000002);
	pb_values(&span);
	pb_bytes(&message, 2, STR("no"));
	pb_uint(&message, 3, 2);
	pb_message(&span, 15, &message);
	pb_text_pair(&message, 1, "service.name", "shop");
	pb_message(&resource_spans, 1, &message);
	pb_bytes(&message, 1, STR("http"));
	pb_bytes(&message, 2, STR("1.2"));
	pb_message(&scope_spans, 1, &message);
	pb_message(&scope_spans, 2, &span);
	pb_message(&resource_spans, 2, &scope_spans);
	pb_message(&body, 1, &resource_spans);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_OK);
	expect_full_span();
	for (size_t cut = 1; cut < body.len; cut++)
		assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, str_first(buf_view(&body), cut), &request, &error),
				 ERR_INVALID);
	buf_free(&body);
}

static void json_is_lenient(void **state) {
	(void)state;
	// Names of the .proto files, names of enumerations, nothing where something might be.
	assert_int_equal(
		read_json("{\"resource_spans\":[{\"scope_spans\":[{\"spans\":[{\"trace_id\":\"zz\",\"span_id\":"
			  "\"aSLOsnAc64M=\",\"parent_span_id\":null,\"kind\":\"SPAN_KIND_CONSUMER\",\"status\":"
			  "{\"code\":\"STATUS_CODE_OK\"},\"attributes\":[{\"key\":\"a\",\"value\":{\"int_value\":"
			  "2.0}},{\"key\":\"b\",\"value\":{}},{\"key\":\"\",\"value\":{\"stringValue\":\"x\"}}]}]}]}],"
			  "\"more\":1}"),
		ERR_OK);
	assert_int_equal(request.count, 1);
	const struct otlp_span *span = &request.spans[0];
	assert_string_equal(span->trace_id, "");
	assert_string_equal(span->id, "");
	assert_int_equal(span->kind, OTLP_CONSUMER);
	assert_int_equal(span->status, OTLP_OK);
	assert_int_equal(span->attribute_count, 2);
	expect_attribute(span, 0, "a", false, "2");
	expect_attribute(span, 1, "b", false, "null");
	assert_int_equal(read_json("{}"), ERR_OK);
	assert_int_equal(request.count, 0);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, STR(""), &request, &error), ERR_OK);
	assert_int_equal(request.count, 0);
}

static void wrong_types(void **state) {
	(void)state;
	static const char *const bodies[] = {
		"",
		"[]",
		"null",
		"{} x",
		"{\"resourceSpans\":{}}",
		"{\"resourceSpans\":[1]}",
		"{\"resourceSpans\":[{\"resource\":[]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"scope\":\"x\"}]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[[]]}]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":1}]}]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":\"client\"}]}]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":-1}]}]}]}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"a\",\"value\":1}]}]}]}]}",
		("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"a\",\"value\":"
		 "{\"arrayValue\":{\"values\":[1]}}}]}]}]}]}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		if (read_json(bodies[i]) != ERR_INVALID) fail_msg("%s", bodies[i]);
		assert_int_equal(request.count, 0);
	}
}

// Arrays in arrays: what is too deep is null, in both encodings.
static void deep_values(void **state) {
	(void)state;
	struct buf body, value, span;
	buf_init(&body, SIZE_MAX / 2);
	buf_init(&value, SIZE_MAX / 2);
	buf_init(&span, SIZE_MAX / 2);
	buf_lit(&body, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"a\",\"value\":");
	for (int i = 0; i < 40; i++) buf_lit(&body, "{\"arrayValue\":{\"values\":[");
	for (int i = 0; i < 40; i++) buf_lit(&body, "]}}");
	buf_lit(&body, "}]}]}]}]}");
	const char *nested = "[[[[[[[[[[[[[[[[null]]]]]]]]]]]]]]]]";
	assert_int_equal(otlp_read(&arena, OTLP_JSON, buf_view(&body), &request, &error), ERR_OK);
	expect_attribute(&request.spans[0], 0, "a", false, nested);
	buf_clear(&body);
	for (int i = 0; i < 100000; i++) { // deep enough for any stack
		struct buf array;
		if (value.len > 60000) break;
		buf_init(&array, SIZE_MAX / 2);
		pb_message(&array, 1, &value);
		pb_message(&value, 5, &array);
	}
	pb_pair(&span, 9, "a", &value);
	pb_request(&body, &span);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_OK);
	expect_attribute(&request.spans[0], 0, "a", false, nested);
	buf_free(&body);
}

static void many_spans(void **state) {
	(void)state;
	struct buf body;
	buf_init(&body, SIZE_MAX / 2);
	buf_lit(&body, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}");
	for (unsigned i = 0; i < OTLP_SPANS_MAX + 2; i++) buf_lit(&body, ",{}");
	buf_lit(&body, "]}]}]}");
	assert_int_equal(otlp_read(&arena, OTLP_JSON, buf_view(&body), &request, &error), ERR_OK);
	assert_int_equal(request.count, OTLP_SPANS_MAX);
	assert_int_equal(request.left_out, 3);
	buf_free(&body);
}

static void many_attributes(void **state) {
	(void)state;
	struct buf body, span;
	buf_init(&body, SIZE_MAX / 2);
	buf_init(&span, SIZE_MAX / 2);
	for (unsigned i = 0; i < OTLP_ATTRIBUTES_MAX + 5; i++) pb_text_pair(&span, 9, "k", "v");
	pb_request(&body, &span);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_OK);
	assert_int_equal(request.spans[0].attribute_count, OTLP_ATTRIBUTES_MAX);
	// And large ones.
	char *large = mem_calloc(1, OTLP_ATTRIBUTES_BYTES_MAX + 1);
	memset(large, 'x', OTLP_ATTRIBUTES_BYTES_MAX - 10);
	buf_clear(&body);
	pb_text_pair(&span, 9, "a", "0123456789");
	pb_text_pair(&span, 9, "b", large);
	pb_text_pair(&span, 9, "c", "d");
	pb_request(&body, &span);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_OK);
	assert_int_equal(request.spans[0].attribute_count, 2);
	expect_attribute(&request.spans[0], 1, "c", true, "d");
	free(large);
	buf_free(&body);
}

// Empty messages cost two bytes each, and much more unpacked.
static void unpacking_is_bounded(void **state) {
	(void)state;
	struct buf body, span;
	buf_init(&body, SIZE_MAX / 2);
	buf_init(&span, SIZE_MAX / 2);
	for (unsigned i = 0; i < OTLP_BODY_MAX / 2; i++) buf_lit(&span, "\x4a"); // field 9, lengths 0x4a: nonsense
	for (unsigned i = 1; i < span.len; i += 2) span.ptr[i] = 0;
	pb_request(&body, &span);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_TOO_LARGE);
	buf_free(&body);
}

static void broken_text(void **state) {
	(void)state;
	struct buf body, span;
	buf_init(&body, SIZE_MAX / 2);
	buf_init(&span, SIZE_MAX / 2);
	pb_bytes(&span, 5, STR("a\xff"));
	pb_text_pair(&span, 9, "\xfe", "\xc3");
	pb_request(&body, &span);
	assert_int_equal(otlp_read(&arena, OTLP_PROTOBUF, buf_view(&body), &request, &error), ERR_OK);
	assert_str(request.spans[0].name, "a\xEF\xBF\xBD");
	expect_attribute(&request.spans[0], 0, "\xEF\xBF\xBD", true, "\xEF\xBF\xBD");
	buf_free(&body);
}

static void replies(void **state) {
	(void)state;
	struct buf out;
	buf_init(&out, 1000);
	otlp_write_response(&out, OTLP_JSON, 0);
	assert_str(buf_view(&out), "{}");
	buf_clear(&out);
	otlp_write_response(&out, OTLP_JSON, 12);
	assert_str(buf_view(&out), "{\"partialSuccess\":{\"rejectedSpans\":\"12\"}}");
	buf_clear(&out);
	otlp_write_error(&out, OTLP_JSON, STR("Invalid payload"));
	assert_str(buf_view(&out), "{\"message\":\"Invalid payload\"}");
	buf_clear(&out);
	otlp_write_response(&out, OTLP_PROTOBUF, 0);
	assert_int_equal(out.len, 0);
	otlp_write_response(&out, OTLP_PROTOBUF, 12);
	assert_str(buf_view(&out), "\x0a\x02\x08\x0c");
	buf_clear(&out);
	otlp_write_error(&out, OTLP_PROTOBUF, STR("Invalid payload"));
	assert_str(buf_view(&out), "\x12\x0fInvalid payload");
	buf_free(&out);
	assert_int_equal(otlp_encoding_of(STR("application/JSON; charset=utf-8")), OTLP_JSON);
	assert_int_equal(otlp_encoding_of(STR("application/x-protobuf")), OTLP_PROTOBUF);
	assert_int_equal(otlp_encoding_of(STR("")), OTLP_PROTOBUF);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(json_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(protobuf_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_is_lenient, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deep_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_attributes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unpacking_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replies, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
