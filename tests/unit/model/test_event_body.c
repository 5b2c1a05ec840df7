#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/event.h"
#include "model/limits.h"

#define NOW 1700000000123ull

struct intake {
	struct arena arena;
	struct event *events;
	size_t count;
	struct error error;
	enum err err;
};

static void take_with(struct intake *in, struct str body, struct str type, const char *seed_text) {
	struct event_seed seed;
	(void)event_seed_parse(str_from_cstr(seed_text), &seed);
	memset(in, 0, sizeof(*in));
	arena_init(&in->arena, 0);
	in->err = events_parse_body(&in->arena, body, type, &seed, NOW, &in->events, &in->count, &in->error);
}

static void take(struct intake *in, struct str body) {
	take_with(in, body, STR(""), NULL);
}

static void drop(struct intake *in) {
	for (size_t i = 0; i < in->count; i++) event_release(&in->events[i]);
	arena_free(&in->arena);
}

struct body_case {
	const char *body;
	size_t count;
	const char *error; // NULL: none; "": any
};

static void expect(const struct body_case *c) {
	struct intake in;
	take(&in, str_from_cstr(c->body));
	if (in.count != c->count) fail_msg("%s: %zu events", c->body, in.count);
	if (c->error == NULL && in.err != ERR_OK) fail_msg("%s: %s", c->body, in.error.message);
	if (c->error != NULL && in.err == ERR_OK) fail_msg("%s: taken", c->body);
	if (c->error != NULL && c->error[0] != '\0') assert_string_equal(in.error.message, c->error);
	drop(&in);
}

static void bodies_are_read_up_to_the_first_flaw(void **state) {
	(void)state;
	static const struct body_case cases[] = {
		{"", 0, NULL},
		{" \r\n\t", 0, NULL},
		{"[]", 0, NULL},
		{" [ ] trailing", 0, NULL},
		{"[", 0, NULL},
		{"{\"name\":\"a\"}", 1, NULL},
		{" {\"name\":\"a\"} \n", 1, NULL},
		{"{\"name\":\"a\"} x", 0, ""},
		{"{\"name\":\"a\"", 0, ""},
		{"{bad}", 0, ""},
		{"[{\"name\":\"a\"},{\"name\":\"b\"}]", 2, NULL},
		{"[{\"name\":\"a\"} , {\"name\":\"b\"} ] trailing", 2, NULL},
		{"[{\"name\":\"a\"},{\"name\":\"b\"}", 2, NULL},
		{"[{\"name\":\"a]},{\"},{\"name\":\"\\\"b\"}", 2, NULL},
		{"[{\"name\":\"a\"},{\"name\":\"\"},{\"name\":\"c\"}]", 1, "event name is empty"},
		{"[{\"name\":\"a\"},{bad},{\"name\":\"c\"}]", 1, ""},
		{"[{\"name\":\"a\"},", 1, ""},
		{"[{\"name\":\"a\"},]", 1, ""},
		{"[{\"name\":\"a\"}{\"name\":\"b\"}]", 1, "invalid JSON: expected ',' or ']' after an array element"},
		{"[{\"name\":\"a\"},7]", 1, "an event should be an object, got a number"},
		{"[{\"name\":\"a\"},{\"name\":\"b", 1, ""},
		{"[{\"name\":\"a\"},[[{\"name\":\"b\"}]", 1, ""},
		{"[\"x\\", 0, ""},
		{"[}", 0, ""},
		{"[,]", 0, ""},
		{"7", 0, "Request body must contain an event object or an array of event objects"},
		{"name=x", 0, "Request body must contain an event object or an array of event objects"},
		{"\"{}\"", 0, "Request body must contain an event object or an array of event objects"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) expect(&cases[i]);
}

static void forms_never_hold_an_event(void **state) {
	(void)state;
	static const char *const types[] = {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
					    "Application/X-WWW-Form-UrlEncoded;charset=utf-8"};
	struct intake in;
	for (size_t i = 0; i < 3; i++) {
		take_with(&in, STR("name=x"), str_from_cstr(types[i]), NULL);
		assert_int_equal(in.err, ERR_INVALID);
		assert_string_equal(in.error.message,
				    "json: cannot unmarshal array into Go struct field raw.name of type string");
		drop(&in);
	}
	take_with(&in, STR("{\"name\":\"x\"}"), str_from_cstr(types[0]), NULL);
	assert_int_equal(in.err, ERR_OK);
	drop(&in);
}

// {"name":"a","data":{"x":"…"}} of exactly `len` bytes.
static void append_event(struct buf *out, size_t len) {
	size_t frame = sizeof("{\"name\":\"a\",\"data\":{\"x\":\"\"}}") - 1;
	buf_lit(out, "{\"name\":\"a\",\"data\":{\"x\":\"");
	for (size_t i = frame; i < len; i++) buf_byte(out, 'y');
	buf_lit(out, "\"}}");
}

static void sizes_are_limited_one_by_one(void **state) {
	(void)state;
	struct intake in;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	append_event(&body, EVENT_SIZE_MAX);
	take(&in, buf_view(&body));
	assert_int_equal(in.err, ERR_OK);
	drop(&in);
	buf_byte(&body, ' ');
	take(&in, buf_view(&body));
	assert_int_equal(in.err, ERR_TOO_LARGE);
	assert_string_equal(in.error.message, "Event is over the max size: Max 3145728 bytes / Size 3145729 bytes");
	drop(&in);

	buf_clear(&body);
	buf_byte(&body, '[');
	append_event(&body, EVENT_SIZE_MAX);
	buf_byte(&body, ',');
	append_event(&body, EVENT_SIZE_MAX);
	buf_byte(&body, ',');
	append_event(&body, EVENT_SIZE_MAX + 2);
	buf_byte(&body, ']');
	take(&in, buf_view(&body));
	assert_int_equal(in.count, 2);
	assert_int_equal(in.err, ERR_TOO_LARGE);
	assert_string_equal(in.error.message, "Event is over the max size: Max 3145728 bytes / Size 3145730 bytes");
	drop(&in);
	buf_free(&body);
}

static void stored_text_cannot_grow_without_end(void **state) {
	(void)state;
	struct intake in;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	buf_lit(&body, "{\"name\":\"a\",\"data\":{\"x\":[1");
	while (body.len < EVENT_SIZE_MAX - 10) buf_lit(&body, ",1e20");
	buf_lit(&body, "]}}");
	take(&in, buf_view(&body));
	assert_int_equal(in.err, ERR_OK);
	assert_true(in.events[0].text->len > 4 * EVENT_SIZE_MAX);
	drop(&in);
	buf_free(&body);
}

static void count_is_limited(void **state) {
	(void)state;
	for (int missing_bracket = 0; missing_bracket < 2; missing_bracket++) { // both ways of reading
		struct intake in;
		struct buf body;
		buf_init(&body, SIZE_MAX);
		for (size_t i = 0; i <= EVENT_BATCH_MAX; i++)
			buf_printf(&body, "%c{\"name\":\"e%zu\"}", i == 0 ? '[' : ',', i);
		if (!missing_bracket) buf_byte(&body, ']');
		take(&in, buf_view(&body));
		assert_int_equal(in.err, ERR_TOO_LARGE);
		assert_string_equal(in.error.message, "Cannot have more than 5000 events in a batch");
		assert_int_equal(in.count, EVENT_BATCH_MAX);
		assert_true(str_eq(in.events[4999].name, STR("e4999")));
		drop(&in);
		buf_free(&body);
	}
}

static void deep_values_are_refused(void **state) {
	(void)state;
	struct intake in;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	buf_lit(&body, "[{\"name\":\"a\"},{\"name\":\"b\",\"data\":{\"x\":");
	for (int i = 0; i < 100000; i++) buf_byte(&body, '[');
	for (int i = 0; i < 100000; i++) buf_byte(&body, ']');
	buf_lit(&body, "}}]");
	take(&in, buf_view(&body));
	assert_int_equal(in.err, ERR_INVALID);
	assert_int_equal(in.count, 1);
	drop(&in);
	buf_free(&body);
}

static void expect_id(const struct ulid *id, const char *text) {
	char found[ULID_TEXT_LEN + 1];
	ulid_text(id, found);
	assert_string_equal(found, text);
}

#define SEED "1743130137367,eii2YKXRVTJPuA=="

static void seeds_give_the_same_ids_again(void **state) {
	(void)state;
	struct intake in;
	struct event_seed seed;
	take_with(&in, STR("[{\"name\":\"a\"},{\"name\":\"b\"}]"), STR(""), SEED);
	assert_int_equal(in.count, 2);
	expect_id(&in.events[0].internal_id, "01JQDAE4RQF8MBCR55T5AK4KXS");
	expect_id(&in.events[1].internal_id, "01JQDAE4RQF8MBCR55T5AK4KXT");
	assert_true(in.events[0].stable_id);
	assert_true(str_eq(in.events[0].id, STR("01JQDAE4RQF8MBCR55T5AK4KXS")));
	drop(&in);
	assert_true(event_seed_parse(STR(SEED), &seed));
	struct ulid id = event_id_make(&seed, 0, NOW);
	expect_id(&id, "01JQDAE4RQF8MBCR55T5AK4KXR");
	// The position wraps within its four bytes.
	memset(seed.entropy, 0xff, sizeof(seed.entropy));
	id = event_id_make(&seed, 1, NOW);
	assert_int_equal(id.bytes[11], 0xff);
	assert_int_equal(id.bytes[12], 0);
	assert_int_equal(id.bytes[15], 0);
}

static void malformed_seeds_are_ignored(void **state) {
	(void)state;
	static const char *const seeds[] = {
		"",
		"x",
		"1743130137367",
		"1743130137367,",
		",eii2YKXRVTJPuA==",
		"0,eii2YKXRVTJPuA==",
		"-1,eii2YKXRVTJPuA==",
		"1743130137367,eii2YKXRVTJPuA",
		"1743130137367,eii2YKXRVTJPuA==,",
		"1743130137367,eii2YKXRVTJPuAAA",
		"1743130137367,eii2YKXRVTJPuAA=",
		"1743130137367,!!!!YKXRVTJPuA==",
		"99999999999999999999,eii2YKXRVTJPuA==",
		"281474976710656,eii2YKXRVTJPuA==",
	};
	struct event_seed seed;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		if (event_seed_parse(str_from_cstr(seeds[i]), &seed) || seed.present) fail_msg("taken: %s", seeds[i]);
	}
	struct ulid a = event_id_make(&seed, 1, NOW);
	struct ulid b = event_id_make(NULL, 1, NOW);
	assert_int_equal(ulid_time_ms(&a), NOW);
	assert_int_not_equal(ulid_cmp(&a, &b), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_up_to_the_first_flaw),
		cmocka_unit_test(forms_never_hold_an_event),
		cmocka_unit_test(sizes_are_limited_one_by_one),
		cmocka_unit_test(stored_text_cannot_grow_without_end),
		cmocka_unit_test(count_is_limited),
		cmocka_unit_test(deep_values_are_refused),
		cmocka_unit_test(seeds_give_the_same_ids_again),
		cmocka_unit_test(malformed_seeds_are_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
