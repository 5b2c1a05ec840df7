// Check values of spec 01 §14.1, and of 09 §1.2 and 06 §12.1 for the derived trace ids.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/id.h"
#include "driver/signing.h"
#include "trace/trace_id.h"

static void expect_signature(const char *key, const char *body, const char *expected) {
	struct buf out;
	buf_init(&out, 1000);
	signature_append(&out, str_from_cstr(key), str_from_cstr(body), 1700000000);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
}

static void signatures(void **state) {
	(void)state;
	const char *key = "0123456789abcdef0123456789abcdef";
	expect_signature(key, "{\"url\":\"http://localhost:3000/api/inngest\"}",
			 "t=1700000000&s=ec31f215106eeded8cdfa7714fcf6c728e094bc61262616984aff9f990728fe3");
	expect_signature(key, "", "t=1700000000&s=6458320a3e327061ab7bfe28ace9cb02bb2b840c75b483a0c002831176bd6256");
	expect_signature(key, "{\"a\":1,\"b\":\"<&>\"}",
			 "t=1700000000&s=5eff072b438104e0682f98ffba9d9f06dde5cf499416e03944d41e6be0602fce");
	expect_signature("signkey-prod-0123456789abcdef0123456789abcdef", "",
			 "t=1700000000&s=6458320a3e327061ab7bfe28ace9cb02bb2b840c75b483a0c002831176bd6256");
}

static void prefixes(void **state) {
	(void)state;
	static const char *const cases[][2] = {
		{"signkey-prod-abc", "abc"},    {"signkey-a_1-x-y", "x-y"},     {"signkey--abc", "signkey--abc"},
		{"signkey-abc", "signkey-abc"}, {"Signkey-a-b", "Signkey-a-b"}, {"", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(str_eq_cstr(signing_key_strip(str_from_cstr(cases[i][0])), cases[i][1]));
}

static void expect_ids(struct str seed, const char *trace, const char *span) {
	struct trace_id id = trace_id_derive(seed);
	char text[33];
	if (trace != NULL) {
		hex_text(id.trace, sizeof id.trace, text);
		assert_string_equal(text, trace);
	}
	hex_text(id.span, sizeof id.span, text);
	assert_string_equal(text, span);
}

static void trace_ids(void **state) {
	(void)state;
	struct ulid run;
	assert_true(ulid_parse(STR("01M7YHSDSZW77HW7C51DX099JF"), &run));
	expect_ids(str_make(run.bytes, sizeof run.bytes), "b121a60e3d546423982561ed81a7b13b", "b22073be5c7832d2");
	assert_true(ulid_parse(STR("01M7YJ5BWCF0PFDBZ4W11SMC6R"), &run));
	expect_ids(str_make(run.bytes, sizeof run.bytes), "41a0847972bf9c6fa980989993b092a2", "1222ceb2701ceb83");
	expect_ids(STR("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"), NULL, "2d32f4eb8dbb5b91");
	expect_ids(STR("nonstep:21e6fd91-4f8a-49ce-ab27-1234f227f9ed:0"), NULL, "b27621059222f13b");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(trace_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
