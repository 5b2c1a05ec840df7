// Bounds: no expression and no data makes an evaluation, or a compilation, take long or much.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "cel/cel.h"

struct subject {
	struct arena arena;
	struct buf text, data;
	yyjson_doc *doc;
};

static void open_subject(struct subject *subject) {
	arena_init(&subject->arena, 0);
	buf_init(&subject->text, CEL_TEXT_MAX);
	buf_init(&subject->data, 64u << 20);
	subject->doc = NULL;
}

static void close_subject(struct subject *subject) {
	yyjson_doc_free(subject->doc);
	buf_free(&subject->text);
	buf_free(&subject->data);
	arena_free(&subject->arena);
}

// With `data` as the event's data; its type, or the error's code plus 100.
static int evaluate(struct subject *subject) {
	struct cel_failure failure;
	assert_false(subject->text.overflow);
	const struct cel_program *program =
		cel_compile(&subject->arena, buf_view(&subject->text), CEL_EVALUATE, &failure);
	if (program == NULL) print_error("%s\n", failure.message);
	assert_non_null(program);
	if (subject->data.len == 0) buf_lit(&subject->data, "{}");
	assert_false(subject->data.overflow);
	subject->doc = yyjson_read(subject->data.ptr, subject->data.len, 0);
	assert_non_null(subject->doc);
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(subject->doc)};
	struct cel_input input = {.bindings = &binding, .count = 1, .now_ns = 1};
	struct cel_value value = cel_eval(program, &input, &subject->arena);
	return value.type == CEL_ERROR ? 100 + value.error : value.type;
}

static void check(const char *text, struct str data, int expected) {
	struct subject subject;
	open_subject(&subject);
	buf_str(&subject.text, str_from_cstr(text));
	buf_str(&subject.data, data);
	int found = evaluate(&subject);
	if (found != expected) print_error("%s: %d instead of %d\n", text, found, expected);
	assert_int_equal(found, expected);
	close_subject(&subject);
}
#define TOO_LONG (100 + CEL_COST)

static struct str list_of(struct buf *out, const char *item, unsigned count) {
	buf_init(out, 64u << 20);
	buf_lit(out, "{\"list\":[");
	for (unsigned i = 0; i < count; i++) buf_printf(out, "%s%s", i > 0 ? "," : "", item);
	buf_lit(out, "]}");
	return buf_view(out);
}

static void test_macros(void **state) {
	struct buf data;
	(void)state;
	struct str list = list_of(&data, "1", 2000);
	check("event.list.all(a, event.list.all(b, a == b))", list, TOO_LONG);
	check("size(event.list.map(a, event.list.filter(b, a == b)))", list, TOO_LONG);
	check("size(event.list.map(a, string(a)))", list, CEL_INT);
	check("event.list.map(a, event.list.map(b, event.list.map(c, [a, b, c]))).size() > 0", list, TOO_LONG);
	buf_free(&data);
}

// Texts that are made of large data, again and again.
static void test_text(void **state) {
	struct buf data;
	(void)state;
	struct str list = list_of(&data, "\"0123456789012345678901234567890123456789\"", 20000);
	check("event.list.all(a, size(event + 'x') > 0)", list, TOO_LONG);
	check("size((event + 'x') + 'y') > 0", list, CEL_BOOL);
	check("size(event.list.map(a, event) + 'x') > 0", list, TOO_LONG);
	buf_free(&data);
}

static void append_object(struct buf *out, unsigned from, int step, unsigned count) {
	buf_byte(out, '{');
	for (unsigned i = 0; i < count; i++, from += (unsigned)step)
		buf_printf(out, "%s\"k%u\":%u", i > 0 ? "," : "", from, from);
	buf_byte(out, '}');
}

static void test_equality(void **state) {
	struct buf data;
	(void)state;
	buf_init(&data, 64u << 20);
	buf_lit(&data, "{\"a\":");
	append_object(&data, 0, 1, 50000);
	buf_lit(&data, ",\"b\":");
	append_object(&data, 0, 1, 50000);
	buf_lit(&data, ",\"backwards\":");
	append_object(&data, 49999, -1, 50000);
	buf_lit(&data, ",\"other\":");
	append_object(&data, 1, 1, 50000);
	buf_lit(&data, "}");
	check("event.a == event.b", buf_view(&data), CEL_BOOL);
	check("event.a == event.other", buf_view(&data), CEL_BOOL);
	check("event.a == event.backwards", buf_view(&data), TOO_LONG);
	check("[event.a, event.a].all(x, x in [event.b, event.a])", buf_view(&data), CEL_BOOL);
	buf_free(&data);
}

static void test_search_in_large_objects(void **state) {
	struct subject subject;
	(void)state;
	open_subject(&subject);
	append_object(&subject.data, 0, 1, 100000);
	for (unsigned i = 0; subject.text.len < CEL_TEXT_MAX - 40; i++)
		buf_printf(&subject.text, "%sevent.k%u == -1", i > 0 ? "||" : "", 99999 - i);
	assert_int_equal(evaluate(&subject), TOO_LONG);
	close_subject(&subject);
}

static void test_patterns(void **state) {
	struct buf data;
	(void)state;
	buf_init(&data, 4u << 20);
	buf_lit(&data, "{\"text\":\"");
	for (unsigned i = 0; i < 200000; i++) buf_lit(&data, "abcde");
	buf_lit(&data, "\"}");
	check("event.text.matches('bcda') || event.text.matches('e$')", buf_view(&data), CEL_BOOL);
	check("event.text.matches('([a-e]{30}){30}x')", buf_view(&data), TOO_LONG);
	check("[1, 2, 3].all(x, event.text.matches('[^x]{900}y'))", buf_view(&data), TOO_LONG);
	buf_free(&data);
	struct str list = list_of(&data, "\"[a-z]{100}\"", 20000);
	check("event.list.exists(p, 'A'.matches(p))", list, TOO_LONG);
	buf_free(&data);
}

static void test_json_parse(void **state) {
	struct buf data;
	(void)state;
	struct str list = list_of(&data, "\"{\\\"a\\\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0]}\"", 100000);
	check("event.list.all(p, json_parse(p).a.size() == 20)", list, TOO_LONG);
	buf_free(&data);
}

// Rows of terms that would take quadratic time or memory if each path were held against each reference.
static void test_many_paths(void **state) {
	struct subject subject;
	(void)state;
	open_subject(&subject);
	for (unsigned i = 0; subject.text.len < CEL_TEXT_MAX / 2; i++)
		buf_printf(&subject.text, "event.data.x%u == 1 || ", i);
	while (subject.text.len < CEL_TEXT_MAX - 20) buf_lit(&subject.text, "event.data || ");
	buf_lit(&subject.text, "false");
	buf_lit(&subject.data, "{\"data\":{}}");
	assert_int_equal(evaluate(&subject), CEL_BOOL);
	close_subject(&subject);
	open_subject(&subject);
	buf_lit(&subject.text, "event");
	while (subject.text.len < CEL_TEXT_MAX - 2) buf_lit(&subject.text, ".a");
	assert_int_equal(evaluate(&subject), CEL_BOOL);
	close_subject(&subject);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macros),     cmocka_unit_test(test_text),
		cmocka_unit_test(test_equality),   cmocka_unit_test(test_search_in_large_objects),
		cmocka_unit_test(test_patterns),   cmocka_unit_test(test_json_parse),
		cmocka_unit_test(test_many_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
