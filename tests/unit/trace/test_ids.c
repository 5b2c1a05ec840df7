// Ids of spans against the vectors of spec 06 §12.1 and 09 §1.2.
#include <stdlib.h>

#include "facts_fixture.h"

static struct ulid parse_run(const char *text) {
	struct ulid id;
	assert_true(ulid_parse(str_from_cstr(text), &id));
	return id;
}

#define assert_id(call, expected)                        \
	do {                                             \
		struct span_id id_ = (call);             \
		assert_string_equal(id_.text, expected); \
	} while (0)

static void test_runs(void **state) {
	(void)state;
	static const struct {
		const char *run, *trace, *span;
	} vectors[] = {
		{"01M7YJ5BWCF0PFDBZ4W11SMC6R", "41a0847972bf9c6fa980989993b092a2", "1222ceb2701ceb83"},
		{"01M7YHSDSZW77HW7C51DX099JF", "b121a60e3d546423982561ed81a7b13b", "b22073be5c7832d2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct ulid run = parse_run(vectors[i].run);
		char trace[TRACE_ID_LEN + 1];
		span_trace_id(&run, trace);
		assert_string_equal(trace, vectors[i].trace);
		assert_id(span_id_run(&run), vectors[i].span);
	}
}

static void test_steps(void **state) {
	(void)state;
	assert_id(span_id_step(STR(FIRST_STEP)), "fbd6b50f698332d5");
	assert_id(span_id_step(STR("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8")), "2d32f4eb8dbb5b91");
	assert_id(span_id_attempt(STR(FLAKY), 0), "3549b3c9415fe0e0");
	assert_id(span_id_sleep(STR(NAP)), "178a65911607390b");
	struct uuid group;
	assert_true(uuid_parse(STR("21e6fd91-4f8a-49ce-ab27-1234f227f9ed"), &group));
	assert_id(span_id_nonstep(&group, 0), "b27621059222f13b");
}

static void test_metadata(void **state) {
	(void)state;
	assert_id(span_id_metadata(STR("9b8dea122f512a5a"), STR("inngest.http.timing")), "bb51c5abada4159d");
	assert_id(span_id_metadata(STR("8236ced14c1c3a3b"), STR("inngest.timing")), "342f3d26b1dfb899");
}

// The reference server draws these: here they only have to differ, and to be the same again.
static void test_own(void **state) {
	(void)state;
	struct ulid run = make_run_id(), other = make_run_id();
	other.bytes[15]++;
	struct span_id ids[] = {
		span_id_discovery(&run, 1),    span_id_discovery(&run, 2),    span_id_discovery(&other, 1),
		span_id_execution(&run, 1, 0), span_id_execution(&run, 1, 1), span_id_execution(&run, 2, 0),
		span_id_wait(&run, STR("a")),  span_id_wait(&run, STR("b")),  span_id_wait(&other, STR("a")),
	};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(strlen(ids[i].text), SPAN_ID_LEN);
		assert_string_not_equal(ids[i].text, SPAN_ID_NONE);
		for (size_t k = 0; k < i; k++) assert_string_not_equal(ids[i].text, ids[k].text);
	}
	assert_id(span_id_execution(&run, 1, 1), ids[4].text);
	struct uuid group = span_group_id(&run, 1), again = span_group_id(&run, 1), next = span_group_id(&run, 2);
	assert_true(uuid_eq(&group, &again));
	assert_false(uuid_eq(&group, &next));
	assert_int_equal(group.bytes[6] >> 4, 4);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
