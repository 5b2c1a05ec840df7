// Headers of replies inside trace facts: there and back, as files have them, and damaged.
#include "encoding_fixture.h"
#include "model/answer.h"
#include "model/headers_pack.h"

static struct str pack(struct fixture *f, struct str json) {
	buf_clear(&f->text);
	put_headers(&f->text, json);
	return buf_view(&f->text);
}

// The packed form, which is followed by something else.
static struct str assert_there_and_back(struct fixture *f, struct str json) {
	struct str packed = pack(f, json);
	buf_lit(&f->text, "rest");
	struct decoder d = {.rest = buf_view(&f->text)};
	assert_true(str_eq(take_headers(&d, &f->arena), json));
	assert_true(!d.failed && str_eq(d.rest, STR("rest")));
	return packed;
}

static struct str some_of(struct fixture *f, size_t len, const char *pattern) {
	char *text = arena_alloc(&f->arena, len);
	for (size_t i = 0; i < len; i++) text[i] = pattern[i % strlen(pattern)];
	return str_make(text, len);
}

static const struct str of_an_sdk = STR_INIT(
	"{\"Connection\":\"keep-alive\",\"Content-Type\":\"application/json\","
	"\"Date\":\"Sun, 22 Nov 2026 08:20:13 GMT\",\"Keep-Alive\":\"timeout=5\","
	"\"Server-Timing\":\"handler, action;dur=9\",\"Transfer-Encoding\":\"chunked\","
	"\"User-Agent\":\"inngest-js:v4.24.0\",\"X-Inngest-Framework\":\"nodejs\",\"X-Inngest-Req-Version\":\"2\","
	"\"X-Inngest-Sdk\":\"inngest-js:v4.24.0\",\"X-Inngest-Sdk-Handled\":\"true\"}");

static void test_there_and_back(void **state) {
	struct fixture *f = *state;
	struct str packed = assert_there_and_back(f, of_an_sdk);
	assert_true(packed.len < of_an_sdk.len / 3);
	assert_int_equal(assert_there_and_back(f, (struct str){NULL, 0}).len, 1);
	assert_there_and_back(f, STR("{"));
	assert_there_and_back(f, STR("{}"));
	assert_there_and_back(f, STR("{\"X-Own\":\"\xc3\xa9\\u0000\"}"));
}

static void test_sizes(void **state) {
	struct fixture *f = *state;
	static const size_t lens[] = {3, 100, ANSWER_HEADERS_MAX - 1, ANSWER_HEADERS_MAX};
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) assert_there_and_back(f, some_of(f, lens[i], "ab\"c:\","));
	// Not in this form, and yet not lost.
	assert_true(assert_there_and_back(f, some_of(f, ANSWER_HEADERS_MAX + 1, "ab")).len > ANSWER_HEADERS_MAX);
}

// What does not get shorter stands there as it is.
static void test_random_text(void **state) {
	struct fixture *f = *state;
	char *text = arena_alloc(&f->arena, ANSWER_HEADERS_MAX);
	uint64_t seed = 1;
	for (size_t i = 0; i < ANSWER_HEADERS_MAX; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		text[i] = (char)(seed >> 56);
	}
	assert_true(assert_there_and_back(f, str_make(text, ANSWER_HEADERS_MAX)).len < ANSWER_HEADERS_MAX + 8);
}

// Files hold this: whoever changes the dictionary or the form can no longer read them.
static void test_stored_form(void **state) {
	struct fixture *f = *state;
	static const unsigned char stored[] = {
		0xe4, 0x02, 0x3d, 0x0f, 0xfc, 0x01, 0x11, 0x03, 0x9f, 0x02, 0x0c, 0xe9, 0x01, 0x06, 0xda, 0x01,
		0x01, 0x80, 0x02, 0x63, 0x32, 0x32, 0x20, 0x4e, 0x6f, 0x76, 0xe4, 0x01, 0x7f, 0x38, 0x3a, 0x32,
		0x30, 0x3a, 0x31, 0x33, 0xe4, 0x01, 0x31, 0x12, 0x39, 0xcd, 0x01, 0x0f, 0x62, 0x01, 0x24, 0x1f,
		0x34, 0x63, 0x01, 0x4c, 0x0c, 0x60, 0x00, 0x0b, 0x64, 0x01, 0x50, 0x72, 0x75, 0x65, 0x22, 0x7d};
	struct decoder d = {.rest = str_make(stored, sizeof stored)};
	assert_true(str_eq(take_headers(&d, &f->arena), of_an_sdk));
	assert_true(!d.failed && d.rest.len == 0);
}

static void assert_damaged(struct fixture *f, struct str packed) {
	// At the end of its memory, for the sanitizer to see reads beyond.
	char *copy = mem_strndup(packed.ptr, packed.len);
	struct decoder d = {.rest = str_make(copy, packed.len)};
	assert_int_equal(take_headers(&d, &f->arena).len, 0);
	assert_true(d.failed);
	free(copy);
}

static void test_damaged(void **state) {
	struct fixture *f = *state;
	struct str packed = pack(f, of_an_sdk);
	for (size_t len = 0; len < packed.len; len++) assert_damaged(f, str_first(packed, len));
	char *copy = mem_strndup(packed.ptr, packed.len);
	copy[0]++; // another length than the block's text has
	assert_damaged(f, str_make(copy, packed.len));
	free(copy);
	assert_damaged(f, STR("\x80\x80\x80\x80\x10\x02\x10z")); // a gigabyte of text
	assert_damaged(f, STR("\x10\x80\x80\x80\x80\x10z"));     // a gigabyte of block
	assert_damaged(f, STR("\x10\x05\xff\xff\xff\xff\xff"));  // no block
	assert_damaged(f, STR("\x10\x05\x0f\xff\xff\x10\x10"));  // from before the dictionary
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stored_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
