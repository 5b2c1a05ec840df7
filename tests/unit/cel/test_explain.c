// Why results are what they are: the parts that decided them, and what was missing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "cel/explain.h"

static const char data[] = "{\"name\":\"shop/order\",\"data\":{\"id\":\"o_1\",\"n\":42,\"nul\":null,\"t\":true,"
			   "\"list\":[\"a\",\"b\"],\"obj\":{\"a\":1},\"i\":1,\"json\":\"{\\\"x\\\":1}\"}}";

struct explained {
	struct arena arena;
	yyjson_doc *doc;
	struct cel_explanation explanation;
};

static void explain(struct str text, struct str json, struct explained *out) {
	struct error error;
	arena_init(&out->arena, 0);
	out->doc = json_read(json, false, NULL, &error);
	assert_non_null(out->doc);
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(out->doc)};
	struct cel_input input = {.bindings = &binding, .count = 1, .now_ns = 1800000000000000000};
	const struct cel_program *program = cel_compile(&out->arena, text, CEL_EVALUATE, NULL);
	assert_non_null(program);
	cel_explain(program, &input, &out->arena, &out->explanation);
	// The first reason is the whole, and nothing is further to the right than one step below what is before it.
	const struct cel_explanation *explanation = &out->explanation;
	assert_true(explanation->reason_count > 0 && explanation->reason_count <= CEL_REASONS_MAX);
	assert_int_equal(explanation->reasons[0].depth, 0);
	for (size_t i = 1; i < explanation->reason_count; i++) {
		assert_in_range(explanation->reasons[i].depth, 1, explanation->reasons[i - 1].depth + 1);
		assert_true(explanation->reasons[i].text.len > 0);
	}
}

static void release(struct explained *explained) {
	yyjson_doc_free(explained->doc);
	arena_free(&explained->arena);
}

// "1 event.data.n = 42; 2 …": depth, text, value
static void describe_reasons(struct buf *out, const struct cel_explanation *explanation) {
	for (size_t i = 1; i < explanation->reason_count; i++) {
		const struct cel_reason *reason = &explanation->reasons[i];
		if (i > 1) buf_lit(out, "; ");
		buf_printf(out, "%u %.*s = ", (unsigned)reason->depth, STR_ARG(reason->text));
		if (reason->value.type == CEL_UNKNOWN)
			buf_lit(out, "missing");
		else if (reason->value.type == CEL_ERROR)
			buf_str(out, str_from_cstr(cel_error_name((enum cel_error_code)reason->value.error)));
		else if (reason->value.type == CEL_NOTHING)
			buf_lit(out, "nothing");
		else
			cel_json(out, &reason->value);
		if (reason->hidden_by.len > 0) buf_printf(out, " by %.*s", STR_ARG(reason->hidden_by));
	}
}

static void describe_missing(struct buf *out, const struct cel_explanation *explanation) {
	for (size_t i = 0; i < explanation->missing_count; i++) {
		const struct cel_missing *missing = &explanation->missing[i];
		buf_printf(out, "%s%.*s/%.*s", i > 0 ? ", " : "", STR_ARG(missing->text), STR_ARG(missing->absent));
	}
}

static void assert_text(const char *text, const struct buf *is, const char *wanted) {
	if (!str_eq_cstr(buf_view(is), wanted))
		fail_msg("%s\n  gave   %.*s\n  wanted %s", text, STR_ARG(buf_view(is)), wanted);
}

static void test_reasons_and_missing(void **state) {
	static const struct {
		const char *text, *reasons, *missing;
	} cases[] = {
		// comparisons and calls: their operands, constants left out
		{"event.data.n == 1", "1 event.data.n = 42", ""},
		{"event.data.n", "", ""},
		{"1 == 2", "", ""},
		{"event.data.n in [1, 2]", "1 event.data.n = 42", ""},
		{"event.data.n in [1, event.data.i]",
		 "1 event.data.n = 42; 1 [1, event.data.i] = [1,1]; 2 event.data.i = 1", ""},
		{"lowercase(event.data.id) == 'x'", "1 lowercase(event.data.id) = \"o_1\"; 2 event.data.id = \"o_1\"",
		 ""},
		{"event.data.id.contains(event.name)", "1 event.data.id = \"o_1\"; 1 event.name = \"shop/order\"", ""},
		{"!(event.data.t)", "1 event.data.t = true", ""},
		{"!!event.data.t", "", ""},
		{"-event.data.id", "1 event.data.id = \"o_1\"", ""},
		// logic: what decides
		{"event.data.t && event.data.n > 50 && event.data.x",
		 "1 event.data.n > 50 = false; 2 event.data.n = 42", "event.data.x/x"},
		{"event.data.t && event.data.n > 40",
		 "1 event.data.t = true; 1 event.data.n > 40 = true; 2 event.data.n = 42", ""},
		{"event.data.n > 50 || event.data.t || event.data.x", "1 event.data.t = true", "event.data.x/x"},
		{"event.data.n > 50 || (event.data.x || false)",
		 "1 event.data.n > 50 = false; 2 event.data.n = 42; 1 event.data.x = missing; 1 false = false",
		 "event.data.x/x"},
		{"event.data.t && (event.data.x || event.data.nul)",
		 "1 event.data.x || event.data.nul = null; 2 event.data.x = missing; 2 event.data.nul = null",
		 "event.data.x/x"},
		{"event.data.t ? event.data.x : event.data.y", "1 event.data.t = true; 1 event.data.x = missing",
		 "event.data.x/x, event.data.y/y"},
		{"event.data.x ? 1 : 'no'", "1 event.data.x = missing; 1 'no' = \"no\"", "event.data.x/x"},
		{"event.data.t && event.data.id > 1",
		 "1 event.data.id > 1 = no_such_overload; 2 event.data.id = \"o_1\"", ""},
		// what ends the whole evaluation
		{"event.data.t || date('x') < now() || event.data.n == 42",
		 "1 date('x') < now() = no_result; 2 date('x') = nothing; 2 now() = \"2027-01-15T08:00:00Z\"", ""},
		// missing data in all its forms
		{"event.user.address.city == 'x'", "1 event.user.address.city = missing",
		 "event.user.address.city/user"},
		{"event.data.obj.a.b == 1", "1 event.data.obj.a.b = missing", "event.data.obj.a.b/b"},
		{"event.data[\"x y\"] == 1", "1 event.data[\"x y\"] = no_such_key", "event.data[\"x y\"]/x y"},
		{"event.data.list[ 7 ] == 1", "1 event.data.list[ 7 ] = index_out_of_bounds", "event.data.list[ 7 ]/7"},
		{"event.data.list[event.data.i] == 'b'", "1 event.data.list[event.data.i] = \"b\"; 2 event.data.i = 1",
		 ""},
		{"event.data.list[event.data.x] == 'b'",
		 "1 event.data.list[event.data.x] = missing; 2 event.data.x = missing", "event.data.x/x"},
		{"async.data.x == 1", "1 async.data.x = missing", "async.data.x/async"},
		{"nope == 1", "1 nope = no_such_attribute", "nope/nope"},
		{"event.data.obj != null && event.data.obj.zz == null",
		 "1 event.data.obj != null = false; 2 event.data.obj = missing by event.data.obj.zz",
		 "event.data.obj.zz/zz"},
		{"json_parse(event.data.json).y == 1",
		 "1 json_parse(event.data.json).y = no_such_key; 2 json_parse(event.data.json) = {\"x\":1}; "
		 "3 event.data.json = \"{\\\"x\\\":1}\"",
		 "json_parse(event.data.json).y/y"},
		{"has(event.data.x)", "1 event.data.x = missing", "event.data.x/x"},
		{"event.data.x == 1 || event.data.x == 2",
		 "1 event.data.x == 1 = false; 2 event.data.x = missing; 1 event.data.x == 2 = false; "
		 "2 event.data.x = missing",
		 "event.data.x/x"},
		// macros: the range; what is missing for each element
		{"event.data.list.exists(x, x == event.data.y)", "1 event.data.list = [\"a\",\"b\"]", "event.data.y/y"},
		{"event.data.list.all(x, event.data.list[x] == x.y)", "1 event.data.list = [\"a\",\"b\"]", ""},
		{"event.data.x.filter(x, x)", "1 event.data.x = missing", "event.data.x/x"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct explained explained;
		struct buf reasons, missing;
		buf_init(&reasons, 10000);
		buf_init(&missing, 10000);
		explain(str_from_cstr(cases[i].text), STR(data), &explained);
		describe_reasons(&reasons, &explained.explanation);
		describe_missing(&missing, &explained.explanation);
		assert_text(cases[i].text, &reasons, cases[i].reasons);
		assert_text(cases[i].text, &missing, cases[i].missing);
		assert_false(explained.explanation.is_cut);
		release(&explained);
		buf_free(&reasons);
		buf_free(&missing);
	}
}

// Each part is text of the program, and as long as it is written: brackets and blanks within, none around.
static void test_texts(void **state) {
	static const struct {
		const char *text, *part; // the first reason below the whole
	} cases[] = {
		{"  ( event.data.n )==1", "event.data.n"},
		{"( (event.data.n + (1)) ) == 1", "event.data.n + (1)"},
		{"(event.data).n == 1", "(event.data).n"},
		{"(event.data.list + [1])[0] == 1", "(event.data.list + [1])[0]"},
		{"1 == event.data.list . size ( )", "event.data.list . size ( )"},
		{"!( event.data.n == 1 // why\n )", "event.data.n == 1"},
		{".event.data.n == 'é'", ".event.data.n"},
		{"{'a': event.data.n}.a == 1", "{'a': event.data.n}.a"},
		{"(event.data.t ? event.data.n : -1) == 1", "event.data.t ? event.data.n : -1"},
		{"event.data.list.exists(x, x == 'q') == true", "event.data.list.exists(x, x == 'q')"},
		{"- - -event.data.n == 1", "- - -event.data.n"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct explained explained;
		explain(str_from_cstr(cases[i].text), STR(data), &explained);
		assert_true(explained.explanation.reason_count > 1);
		struct str part = explained.explanation.reasons[1].text;
		if (!str_eq_cstr(part, cases[i].part)) fail_msg("%s: %.*s", cases[i].text, STR_ARG(part));
		release(&explained);
	}
}

static struct str repeat(struct buf *out, const char *before, const char *piece, size_t times, const char *after) {
	buf_init(out, 1u << 20);
	buf_str(out, str_from_cstr(before));
	for (size_t i = 0; i < times; i++) buf_str(out, str_from_cstr(piece));
	buf_str(out, str_from_cstr(after));
	assert_false(out->overflow);
	return buf_view(out);
}

// Long, deep and costly expressions are explained as far as the budget goes, and say so.
static void test_limits(void **state) {
	static const struct {
		const char *before, *piece, *after;
		size_t times;
	} cases[] = {
		{"", "event.data.t && ", "event.data.t", 5000},
		{"", "event.data.x == 1 || ", "false", 4000},
		{"", "lowercase(",
		 "event.data.id)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
		 ")))))))))))))))))))))))))))))",
		 100},
		{"[", "event.data.list.all(a, event.l.all(b, true)), ", "1]", 1000},
		{"event.l.all(a, event.l.all(b, true)) == event.l.all(a, event.l.all(b, false))", " || event.x", "",
		 400},
		{"event.l.all(a, event.l.all(b, event.l.all(c, true))) && event.x", "", "", 0},
	};
	struct buf json;
	(void)state;
	repeat(&json, "{\"data\":{\"t\":true,\"id\":\"X\",\"list\":[1,2]},\"l\":[1", ",1", 999, "]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct explained explained;
		struct buf text;
		repeat(&text, cases[i].before, cases[i].piece, cases[i].times, cases[i].after);
		explain(buf_view(&text), buf_view(&json), &explained);
		if (explained.explanation.is_cut != (cases[i].times != 100)) fail_msg("%s", cases[i].piece);
		// A part that could not be evaluated any more is left out, not shown as an error.
		for (size_t k = 1; k < explained.explanation.reason_count; k++)
			assert_true(explained.explanation.reasons[k].value.type != CEL_ERROR);
		release(&explained);
		buf_free(&text);
	}
	buf_free(&json);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons_and_missing),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
