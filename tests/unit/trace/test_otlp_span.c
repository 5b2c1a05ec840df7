// The rules by which OTLP spans become spans of runs, and what their attributes say.
#include "otlp_helper.h"
#include "trace/prices.h"
#include "trace/userland.h"

#define RUN "01M7YJ5BWCF0PFDBZ4W11SMC6R"
#define FUNCTION "f7030000-1111-5222-8333-444455556666"
#define APP "a0000000-1111-5222-8333-444455556666"
#define TRACE "41a0847972bf9c6fa980989993b092a2"
#define EXECUTION "00000000000000e1"
#define TRACEREF "%7B%22tp%22%3A%2200-" TRACE "-" EXECUTION "-01%22%2C%22ts%22%3A%22%22%7D"
#define SPAN "1222ceb2701ceb83"

static struct arena arena;
static struct otlp_scope scope;
static struct otlp_attribute attributes[40];
static struct otlp_span span;
static struct userland out;
static int lookups;

static void attribute(const char *key, const char *value, bool is_text) {
	assert_true(span.attribute_count < ARRAY_LEN(attributes));
	attributes[span.attribute_count++] =
		(struct otlp_attribute){.key = str_from_cstr(key), .is_text = is_text, .value = str_from_cstr(value)};
}
static void text(const char *key, const char *value) {
	attribute(key, value, true);
}
static void json(const char *key, const char *value) {
	attribute(key, value, false);
}

static int set_up(void **state) {
	(void)state;
	arena_init(&arena, 0);
	scope = (struct otlp_scope){STR("shop"), STR("http"), STR("1.2")};
	span = (struct otlp_span){.scope = &scope,
				  .name = STR("GET /"),
				  .kind = OTLP_CLIENT,
				  .start_ns = 1795249333896000001,
				  .end_ns = 1795249334897000002,
				  .id = SPAN,
				  .trace_id = TRACE,
				  .attributes = attributes};
	text("inngest.traceref", TRACEREF);
	text("sdk.run.id", RUN);
	text("sys.function.id", FUNCTION);
	lookups = 0;
	return 0;
}
static int tear_down(void **state) {
	(void)state;
	arena_free(&arena);
	return 0;
}

static bool find(void *context, const struct uuid *function_id, struct uuid *app_id) {
	struct uuid known;
	assert_ptr_equal(context, &lookups);
	lookups++;
	return uuid_parse(STR(FUNCTION), &known) && uuid_parse(STR(APP), app_id) && uuid_eq(function_id, &known);
}

static const struct userland_span *read(void) {
	struct otlp_request request = {.spans = &span, .count = 1};
	userland_read(&arena, &request, find, &lookups, &out);
	assert_int_equal(out.count + out.rejected, 1);
	return out.count == 1 ? &out.spans[0] : NULL;
}

static const struct userland_span *accept(void) {
	const struct userland_span *row = read();
	assert_non_null(row);
	yyjson_doc *doc = json_read(row->attributes, false, NULL, NULL);
	assert_non_null(doc);
	yyjson_doc_free(doc);
	return row;
}

#define IDENTITY                                                                                  \
	"{\"_inngest.account.id\":\"00000000-0000-4000-a000-000000000000\",\"_inngest.env.id\":"  \
	"\"00000000-0000-4000-b000-000000000000\",\"_inngest.app.id\":\"" APP                     \
	"\",\"_inngest.function.id\":\"" FUNCTION "\",\"_inngest.run.id\":\"" RUN                 \
	"\",\"_inngest.dynamic.span.id\":\"" SPAN                                                 \
	"\",\"_inngest.dynamic.status\":\"Completed\",\"_inngest.started_at\":\"1795249333896\"," \
	"\"_inngest.ended_at\":\"1795249334897\","
#define USERLAND                                                                                 \
	"\"_inngest.userland\":true,\"_inngest.userland.span.id\":\"" SPAN                       \
	"\",\"_inngest.userland.name\":\"GET /\",\"_inngest.userland.kind\":\"client\","         \
	"\"_inngest.userland.service.name\":\"shop\",\"_inngest.userland.scope.name\":\"http\"," \
	"\"_inngest.userland.scope.version\":\"1.2\""

static void rows(void **state) {
	(void)state;
	text("sys.app.id", APP);
	text("sdk.app.id", "kept");
	text("inngest.traceparent", "00-1-2-01");
	text("inngest.step.id", "charge");
	json("inngest.step.index", "0");
	text("inngest.step.hash", "86f7e4");
	json("inngest.step.attempt", "2");
	text("_inngest.run.id", "forged");
	text("twice", "no");
	json("array", "[1,\"x\"]");
	text("twice", "a\"b");
	const struct userland_span *row = accept();
	assert_str(row->attributes,
		   IDENTITY "\"_inngest.step.id\":\"86f7e4\",\"_inngest.step.attempt\":2,\"_inngest.step.userland.id\":"
			    "\"charge\",\"_inngest.step.userland.index\":0," USERLAND
			    ",\"sdk.app.id\":\"kept\",\"array\":[1,\"x\"],\"twice\":\"a\\\"b\"}");
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(&row->run_id, run_id);
	assert_string_equal(run_id, RUN);
	assert_string_equal(row->trace_id, TRACE);
	assert_string_equal(row->id, SPAN);
	assert_string_equal(row->parent_id, EXECUTION);
	assert_string_equal(row->status, "Completed");
	assert_int_equal(row->start_ns, 1795249333896000001);
	assert_int_equal(row->end_ns, 1795249334897000002);
	assert_int_equal(row->metadata_count, 0);
}

static void empty_rows(void **state) {
	(void)state;
	scope = (struct otlp_scope){.name = {NULL, 0}};
	span.name = STR("");
	span.kind = OTLP_UNSPECIFIED;
	assert_str(accept()->attributes, IDENTITY "\"_inngest.userland\":true,\"_inngest.userland.span.id\":\"" SPAN
						  "\",\"_inngest.userland.kind\":\"unspecified\"}");
}

static void parents(void **state) {
	(void)state;
	strcpy(span.parent_id, "00000000000000aa");
	assert_string_equal(accept()->parent_id, "00000000000000aa");
	strcpy(span.parent_id, SPAN); // not itself
	assert_string_equal(accept()->parent_id, EXECUTION);
	strcpy(span.parent_id, "0000000000000000");
	assert_string_equal(accept()->parent_id, EXECUTION);
	strcpy(span.parent_id, "00000000000000aa");
	span.name = STR("inngest.execution"); // of another scope
	assert_string_equal(accept()->parent_id, "00000000000000aa");
	scope.name = STR("inngest");
	assert_string_equal(accept()->parent_id, EXECUTION);
	text("inngest.step.parentSpanId", "FBD6B50F698332D5");
	assert_string_equal(accept()->parent_id, "fbd6b50f698332d5");
	text("inngest.step.parentSpanId", "not hex");
	assert_string_equal(accept()->parent_id, EXECUTION);
}

static void statuses(void **state) {
	(void)state;
	span.status = OTLP_ERROR;
	assert_string_equal(accept()->status, "Failed");
	span.status = OTLP_UNSET;
	span.end_ns = 0;
	assert_string_equal(accept()->status, "Running");
	assert_int_equal(accept()->end_ns, accept()->start_ns);
	span.start_ns = span.end_ns = UINT64_MAX;
	assert_int_equal(accept()->start_ns, INT64_MAX);
}

static void rejections(void **state) {
	(void)state;
	static const struct {
		const char *key, *value;
	} cases[] = {
		{"inngest.traceref", ""},
		{"inngest.traceref", "{\"tp\":1}"},
		{"inngest.traceref", "%7B%22tp%22%3A%2200-00-00-01%22%7D"},
		{"inngest.traceref", "{\"tp\":\"00-00000000000000000000000000000000-" EXECUTION "-01\"}"},
		{"inngest.traceref", "{\"tp\":\"00-" TRACE "-" EXECUTION "\"}"},
		{"inngest.traceref", "%"},
		{"sdk.run.id", "not a ulid"},
		{"sys.function.id", "not a uuid"},
		{"sys.function.id", "f7030000-1111-5222-8333-444455556667"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		span.attribute_count = 3;
		text(cases[i].key, cases[i].value);
		if (read() != NULL) fail_msg("%s %s", cases[i].key, cases[i].value);
	}
	span.attribute_count = 3;
	text("inngest.traceref", "{\"tp\":\"00-" TRACE "-" EXECUTION "-01\"}"); // as it is, without escapes
	assert_non_null(read());
	strcpy(span.id, EXECUTION); // the span that it hangs under
	assert_null(read());
	strcpy(span.id, "");
	assert_null(read());
	strcpy(span.id, "0000000000000000");
	assert_null(read());
	strcpy(span.id, SPAN);
	span.attribute_count = 2;
	assert_null(read());
}

static void functions_are_asked_for_once(void **state) {
	(void)state;
	struct otlp_span spans[3] = {span, span, span};
	struct otlp_request request = {.spans = spans, .count = 3, .left_out = 4};
	spans[1].attribute_count = 2;
	userland_read(&arena, &request, find, &lookups, &out);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.rejected, 5);
	assert_int_equal(lookups, 1);
}

static void expect_metadata(const char *kind, const char *values) {
	const struct userland_span *row = accept();
	assert_int_equal(row->metadata_count, 1);
	assert_str(row->metadata[0].kind, kind);
	assert_str(row->metadata[0].values, values);
	assert_int_equal(row->metadata[0].scope, METADATA_EXTENDED_TRACE);
	assert_int_equal(row->metadata[0].op, METADATA_MERGE);
	assert_true(row->metadata[0].size > 0 && row->metadata[0].size < row->metadata[0].values.len);
	span.attribute_count = 3;
}

static void ai_metadata(void **state) {
	(void)state;
	text("gen_ai.request.model", "gpt-4o");
	expect_metadata("inngest.ai", "{\"input_tokens\":0,\"output_tokens\":0,\"request_model\":\"gpt-4o\","
				      "\"provider\":\"\",\"operation_name\":\"\",\"latency_ms\":1001}");
	text("gen_ai.request.model", "gpt-4o");
	text("gen_ai.operation.name", "chat");
	text("gen_ai.provider.name", "openai");
	text("gen_ai.response.model", "gpt-4o-2024-08-06");
	text("gen_ai.response.id", "r1");
	json("gen_ai.response.finish_reasons", "[\"stop\",1,\"\"]");
	json("gen_ai.usage.input_tokens", "1000");
	text("gen_ai.usage.output_tokens", "500");
	json("gen_ai.usage.total_tokens", "1500");
	json("gen_ai.usage.cache_read.input_tokens", "1");
	json("gen_ai.usage.cache_creation.input_tokens", "2");
	json("gen_ai.usage.reasoning.output_tokens", "3");
	json("gen_ai.request.temperature", "0.7");
	text("gen_ai.request.top_p", "NaN");
	json("gen_ai.request.max_tokens", "100.5");
	json("gen_ai.request.frequency_penalty", "0");
	json("gen_ai.request.presence_penalty", "-1");
	text("gen_ai.request.seed", "x");
	expect_metadata(
		"inngest.ai",
		"{\"input_tokens\":1000,\"output_tokens\":500,\"request_model\":\"gpt-4o\",\"provider\":"
		"\"openai\",\"operation_name\":\"chat\",\"response_model\":\"gpt-4o-2024-08-06\",\"response_id\":"
		"\"r1\",\"finish_reasons\":[\"stop\"],\"total_tokens\":1500,\"cache_read_tokens\":1,"
		"\"cache_creation_tokens\":2,\"reasoning_tokens\":3,\"temperature\":0.7,\"max_tokens\":100,"
		"\"frequency_penalty\":0,\"presence_penalty\":-1,\"latency_ms\":1001,\"estimated_cost\":0.0075}");
	json("gen_ai.request.model", "[]"); // nothing that says anything
	assert_int_equal(accept()->metadata_count, 0);
}

static void http_metadata(void **state) {
	(void)state;
	text("url.path", "/");
	assert_int_equal(accept()->metadata_count, 0);
	text("http.request.method", "POST");
	text("server.address", "example.com");
	json("http.request.header.content-type", "[\"application/json\"]");
	text("http.response.header.content-type", "text/html");
	json("http.request.size", "10");
	json("http.response.size", "20");
	json("http.response.status_code", "200");
	expect_metadata("inngest.http",
			"{\"method\":\"POST\",\"domain\":\"example.com\",\"path\":\"/\","
			"\"request_content_type\":\"application/json\",\"response_content_type\":"
			"\"text/html\",\"request_size\":10,\"response_size\":20,\"response_status\":200}");
}

static void other_metadata(void **state) {
	(void)state;
	text("inngest.experiment.name", "prompt");
	text("inngest.experiment.variant", "b");
	json("inngest.experiment.available_variants", "[\"a\",\"b\"]");
	text("inngest.experiment.variant_weights", "{\"b\":2,\"a\":1}");
	expect_metadata("inngest.experiment",
			"{\"name\":\"prompt\",\"variant\":\"b\",\"selection_strategy\":\"\",\"available_variants\":"
			"[\"a\",\"b\"],\"variant_weights\":{\"a\":1,\"b\":2}}");
	text("_inngest.response.headers", "{\"date\":\"today\",\"set-cookie\":[\"x\"]}");
	expect_metadata("inngest.response_headers", "{\"date\":\"today\",\"set-cookie\":\"[REDACTED]\"}");
	text("_inngest.response.headers", "no JSON");
	assert_int_equal(accept()->metadata_count, 0);
	// All at once; what is too large is left out.
	char *large = mem_calloc(1, (64u << 10) + 1);
	memset(large, 'x', 64u << 10);
	text("inngest.experiment.name", "n");
	text("gen_ai.system", "openai");
	text("http.request.method", large);
	text("_inngest.response.headers", "{\"a\":\"b\"}");
	const struct userland_span *row = accept();
	assert_int_equal(row->metadata_count, 3);
	assert_str(row->metadata[1].kind, "inngest.experiment");
	free(large);
}

static void expect_price(const char *model, double input, double output, double expected) {
	double usd = -1;
	bool known = price_estimate(str_from_cstr(model), input, output, &usd);
	assert_int_equal(known, expected >= 0);
	if (known) assert_float_equal(usd, expected, 1e-12);
}

static void prices(void **state) {
	(void)state;
	expect_price("gpt-4o", 1000, 500, 0.0075);
	expect_price("gpt-4o", 10, 5, 0.000075);
	expect_price("GPT-4o-mini-2024-07-18", 1000000, 1000000, 0.75);
	expect_price("claude-3-5-sonnet-latest", 1000, 0, 0.003);
	expect_price("gpt", 1, 1, -1);
	expect_price("-gpt-4o", 1, 1, -1);
	expect_price("", 1, 1, -1);
	assert_str(price_complete(&arena, STR("{\"request_model\":\"gpt-4o\",\"input_tokens\":1000,\"output_tokens\":"
					      "500,\"response_model\":\"unknown\"} ")),
		   "{\"request_model\":\"gpt-4o\",\"input_tokens\":1000,\"output_tokens\":500,\"response_model\":"
		   "\"unknown\",\"estimated_cost\":0.0075}");
	static const char *const unchanged[] = {
		"{\"request_model\":\"gpt-4o\",\"input_tokens\":1,\"estimated_cost\":1}",
		"{\"request_model\":\"gpt-4o\",\"input_tokens\":\"1\"}",
		"{\"request_model\":\"mine\",\"input_tokens\":1}",
		"{}",
		"[]",
		"no JSON",
		"",
	};
	for (size_t i = 0; i < ARRAY_LEN(unchanged); i++)
		assert_str(price_complete(&arena, str_from_cstr(unchanged[i])), unchanged[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(empty_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(statuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rejections, set_up, tear_down),
		cmocka_unit_test_setup_teardown(functions_are_asked_for_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ai_metadata, set_up, tear_down),
		cmocka_unit_test_setup_teardown(http_metadata, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_metadata, set_up, tear_down),
		cmocka_unit_test_setup_teardown(prices, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
