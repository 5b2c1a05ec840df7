// Hashes, text encodings, identifiers. Check values: spec 01 §13, §14.1; 02 §2.3, §2.6; 09 §1.1.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/id.h"

static void xxhash_in_base36(void **state) {
	(void)state;
	static const struct {
		struct str text;
		const char *expected;
	} cases[] = {
		{STR_INIT(""), "3mzsru4d4ty1l"},
		{STR_INIT("abc"), "11mo2jbx36f89"},
		{STR_INIT("default"), "336fl9udh461i"},
	};
	char out[BASE36_LEN + 1];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(base36_text(hash_xxh64(cases[i].text), out), 13);
		assert_string_equal(out, cases[i].expected);
	}
	assert_true(hash_xxh64((struct str){NULL, 0}) == hash_xxh64(STR("")));
	assert_true(hash_xxh64(STR("{\"attempt\":0,\"id\":\"1nz2j55ab85gi\"}")) == 0x72ddd93c333ee51eu);
	assert_int_equal(base36_text(0, out), 1);
	assert_string_equal(out, "0");
	assert_int_equal(base36_text(UINT64_MAX, out), 13);
	assert_string_equal(out, "3w5e11264sgsf");
}

static void digests(void **state) {
	(void)state;
	uint8_t sha1[20], sha256[32];
	char hex[65];
	hash_sha1(STR("a"), sha1);
	hex_text(sha1, 20, hex);
	assert_string_equal(hex, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
	hash_sha256((struct str){NULL, 0}, sha256);
	hex_text(sha256, 32, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha256(STR("1imo9rfbo38rp:1"), sha256);
	hex_text(sha256, 10, hex);
	assert_string_equal(hex, "de46d8aaed380dfcfdf3");
}

static void signs(void **state) {
	(void)state;
	static const struct {
		struct str body;
		const char *expected;
	} cases[] = {
		{STR_INIT("{\"url\":\"http://localhost:3000/api/inngest\"}"),
		 "ec31f215106eeded8cdfa7714fcf6c728e094bc61262616984aff9f990728fe3"},
		{STR_INIT(""), "6458320a3e327061ab7bfe28ace9cb02bb2b840c75b483a0c002831176bd6256"},
		{STR_INIT("{\"a\":1,\"b\":\"<&>\"}"),
		 "5eff072b438104e0682f98ffba9d9f06dde5cf499416e03944d41e6be0602fce"},
	};
	uint8_t mac[32], other[32];
	char hex[65];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hash_hmac_sha256(STR("0123456789abcdef0123456789abcdef"), cases[i].body, STR("1700000000"), mac);
		hex_text(mac, sizeof(mac), hex);
		assert_string_equal(hex, cases[i].expected);
	}
	struct str none = {NULL, 0};
	hash_hmac_sha256(none, none, none, mac); // an empty key and an empty text
	hash_hmac_sha256(STR("k"), STR("ab"), STR("c"), mac);
	hash_hmac_sha256(STR("k"), STR("a"), STR("bc"), other);
	assert_memory_equal(mac, other, sizeof(mac));
}

static void hex_reads_and_writes(void **state) {
	(void)state;
	uint8_t bytes[3];
	assert_true(hex_parse(STR("00aFff"), bytes, 3));
	assert_memory_equal(bytes, "\x00\xaf\xff", 3);
	assert_false(hex_parse(STR("00aF"), bytes, 3));
	assert_false(hex_parse(STR("00aFf"), bytes, 3));
	assert_false(hex_parse(STR("00aFfg"), bytes, 3));
	char text[7];
	hex_text(bytes, 3, text);
	assert_string_equal(text, "00afff");
}

static void base64_goes_both_ways(void **state) {
	(void)state;
	static const struct {
		struct str bytes;
		const char *padded, *bare;
	} cases[] = {
		{STR_INIT(""), "", ""},
		{STR_INIT("f"), "Zg==", "Zg"},
		{STR_INIT("fo"), "Zm8=", "Zm8"},
		{STR_INIT("foo"), "Zm9v", "Zm9v"},
		{STR_INIT("foob"), "Zm9vYg==", "Zm9vYg"},
		{STR_INIT("\xfb\xff\xfe\x00"), "+//+AA==", "+//+AA"},
	};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		base64_append(&out, cases[i].bytes, true);
		assert_true(str_eq_cstr(buf_view(&out), cases[i].padded));
		buf_clear(&out);
		base64_append(&out, cases[i].bytes, false);
		assert_true(str_eq_cstr(buf_view(&out), cases[i].bare));
		buf_clear(&out);
		assert_true(base64_parse(str_from_cstr(cases[i].padded), true, &out));
		assert_true(base64_parse(str_from_cstr(cases[i].bare), false, &out));
		assert_int_equal(out.len, 2 * cases[i].bytes.len);
	}
	buf_clear(&out);
	static const char *const wrong[] = {"Zg", "Zg=", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zg=a"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_false(base64_parse(str_from_cstr(wrong[i]), true, &out));
	assert_false(base64_parse(STR("Zg=="), false, &out));
	assert_false(base64_parse(STR("Z"), false, &out));
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_init(&out, 3);
	base64_append(&out, STR("foo"), true);
	assert_true(out.overflow);
	buf_byte(&out, 'x');
	base64_append(&out, STR(""), true);
	assert_true(out.overflow); // sticky
	buf_clear(&out);
	assert_false(base64_parse(STR("Zm9vYg=="), true, &out));
	buf_free(&out);
}

static void compares_secrets(void **state) {
	(void)state;
	assert_true(bytes_eq_constant_time(STR("abc"), STR("abc")));
	assert_false(bytes_eq_constant_time(STR("abc"), STR("abd")));
	assert_false(bytes_eq_constant_time(STR("abc"), STR("abcd")));
	assert_true(bytes_eq_constant_time((struct str){NULL, 0}, STR("")));
}

static void ulid_round_trips(void **state) {
	(void)state;
	static const uint8_t entropy[10] = {0xde, 0x46, 0xd8, 0xaa, 0xed, 0x38, 0x0d, 0xfc, 0xfd, 0xf3};
	struct ulid ulid = ulid_make(1795247902496, entropy), back;
	assert_true(ulid_time_ms(&ulid) == 1795247902496);
	char text[ULID_TEXT_LEN + 1];
	ulid_text(&ulid, text);
	assert_int_equal(strlen(text), ULID_TEXT_LEN);
	assert_true(ulid_parse(str_from_cstr(text), &back));
	assert_int_equal(ulid_cmp(&ulid, &back), 0);
	assert_true(ulid_parse(STR("01arz3ndektsv4rrffq69g5fav"), &back));
	ulid_text(&back, text);
	assert_string_equal(text, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	assert_true(ulid_time_ms(&back) == 1469922850259); // ULID's own example
	assert_true(ulid_parse(STR("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &back));
	for (int i = 0; i < 16; i++) assert_int_equal(back.bytes[i], 0xff);
	assert_true(ulid_cmp(&ulid, &back) < 0);
	static const char *const wrong[] = {
		"",
		"8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		"01ARZ3NDEKTSV4RRFFQ69G5FA",
		"01ARZ3NDEKTSV4RRFFQ69G5FAVV",
		"01ARZ3NDEKTSV4RRFFQ69G5FAU",
		"01ARZ3NDEKTSV4RRFFQ69G5FAI",
		"01ARZ3NDEKTSV4RRFFQ69G5FA-",
		"z1ARZ3NDEKTSV4RRFFQ69G5FAV",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_false(ulid_parse(str_from_cstr(wrong[i]), &back));
	assert_false(ulid_parse((struct str){"01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26}, &back));
}

static void uuid_derives_and_reads(void **state) {
	(void)state;
	static const struct {
		struct str name;
		const char *expected;
	} cases[] = {
		{STR_INIT("shop"), "a8fd5300-06f2-541e-8b69-ded0c0c7c233"},
		{STR_INIT("http://localhost:3000/api/inngest"), "ed1dd999-5829-5a8a-b82a-e8258ddeb289"},
		{STR_INIT("Secondhttp://localhost:3000/api/inngest?fnId=shop-two&stepId=step"),
		 "1dfc5af9-15fc-5d7f-a1a0-12bc134c4016"},
		{STR_INIT("lab"), "8f253c51-a9fe-5a4b-933c-8b28abe7935a"},
	};
	char text[UUID_TEXT_LEN + 1];
	struct uuid back;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct uuid uuid = uuid_v5(cases[i].name);
		uuid_text(&uuid, text);
		assert_string_equal(text, cases[i].expected);
		assert_true(uuid_parse(str_from_cstr(text), &back));
		assert_true(uuid_eq(&uuid, &back));
	}
	assert_true(uuid_parse(STR("A8FD5300-06F2-541E-8B69-DED0C0C7C233"), &back));
	static const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	back = uuid_v4(ones);
	uuid_text(&back, text);
	assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	static const char *const wrong[] = {
		"",
		"a8fd5300-06f2-541e-8b69-ded0c0c7c23",
		"a8fd530006f2541e8b69ded0c0c7c233",
		"a8fd5300-06f2-541e-8b69-ded0c0c7c23g",
		"a8fd53000-6f2-541e-8b69-ded0c0c7c233",
		"a8fd5300-06f2-541e-8b69-ded0c0c7c2-3",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_false(uuid_parse(str_from_cstr(wrong[i]), &back));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xxhash_in_base36),
		cmocka_unit_test(digests),
		cmocka_unit_test(signs),
		cmocka_unit_test(hex_reads_and_writes),
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test(compares_secrets),
		cmocka_unit_test(ulid_round_trips),
		cmocka_unit_test(uuid_derives_and_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
