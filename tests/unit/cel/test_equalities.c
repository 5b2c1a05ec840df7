// Equality extraction, and that it is safe: whenever an expression is true, its equalities hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "base/rng.h"
#include "cel/cel.h"

#define EQUALITIES_MAX 8

static void append_path(struct buf *out, const struct cel_path *path) {
	buf_str(out, path->root);
	for (uint32_t i = 0; i < path->count; i++) buf_printf(out, ".%.*s", STR_ARG(path->fields[i]));
}

static void describe(struct buf *out, const struct cel_equality *equality) {
	if (out->len > 0) buf_lit(out, ", ");
	append_path(out, &equality->path);
	buf_byte(out, '=');
	if (equality->value.type == CEL_UNKNOWN)
		append_path(out, &equality->other);
	else
		cel_text(out, &equality->value);
}

static void test_extraction(void **state) {
	static const struct {
		const char *text, *equalities;
	} cases[] = {
		{"event.data.id == 'x'", "event.data.id=x"},
		{"'x' == event.data.id", "event.data.id=x"},
		{"event.data.n == 5 && event.data.t == true", "event.data.n=5, event.data.t=true"},
		{"event.data.id == async.data.id", "event.data.id=async.data.id"},
		{"event.data[\"id\"] == 'x' && event.ts > 1", "event.data.id=x"},
		{"(event.data.a == 1 && event.data.b > 2) && (event.data.c == 3.5)",
		 "event.data.a=1, event.data.c=3.5"},
		{"event.data.a == 1 || event.data.b == 2", ""},
		{"event.data.a == 1 && (event.data.b == 2 || event.data.c == 3)", "event.data.a=1"},
		{"!(event.data.a == 1)", ""},
		{"event.data.a != 1", ""},
		{"event.data.a == null", ""},
		{"event.data.a == [1]", ""},
		{"event.data.list[0] == 1", ""},
		{"event.data[event.data.k] == 1", ""},
		{"event == 1", ""},
		{"event.data.a == 1 ? true : false", ""},
		{"event.data.list.exists(x, x.y == 1)", ""},
		{"lowercase(event.data.a) == 'x'", ""},
		{"1 == 1 && event.data.a == 1", "event.data.a=1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena;
		struct buf text;
		struct cel_equality equalities[EQUALITIES_MAX];
		arena_init(&arena, 0);
		buf_init(&text, 10000);
		const struct cel_program *program =
			cel_compile(&arena, str_from_cstr(cases[i].text), CEL_EVALUATE, NULL);
		assert_non_null(program);
		size_t count = cel_equalities(program, &arena, equalities, EQUALITIES_MAX);
		for (size_t k = 0; k < count; k++) describe(&text, &equalities[k]);
		if (!str_eq_cstr(buf_view(&text), cases[i].equalities))
			fail_msg("%s: %.*s", cases[i].text, STR_ARG(buf_view(&text)));
		assert_true(cel_equalities(program, &arena, equalities, 1) <= 1);
		buf_free(&text);
		arena_free(&arena);
	}
}

static void append_term(struct buf *out, struct rng *rng) {
	static const char *const paths[] = {"event.data.a",   "event.data.b", "event.data[\"a\"]",
					    "event.data.o.a", "async.data.a", "event.data.o"};
	static const char *const values[] = {"1", "1.0", "'x'", "true", "null", "2u", "[1]", "''", "0"};
	static const char *const operators[] = {"==", "==", "==", "!=", "<", ">="};
	const char *left = paths[rng_below(rng, ARRAY_LEN(paths))];
	const char *right = rng_below(rng, 3) == 0 ? paths[rng_below(rng, ARRAY_LEN(paths))]
						   : values[rng_below(rng, ARRAY_LEN(values))];
	bool swap = rng_below(rng, 2) == 0;
	buf_printf(out, "%s %s %s", swap ? right : left, operators[rng_below(rng, ARRAY_LEN(operators))],
		   swap ? left : right);
}

static void append_data(struct buf *out, struct rng *rng) {
	static const char *const values[] = {"1",    "2",     "0",    "\"x\"", "\"\"",
					     "true", "false", "null", "[1]",   "{\"a\":1}"};
	static const char *const names[] = {"a", "b", "o"};
	bool first = true;
	buf_lit(out, "{\"data\":{");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (rng_below(rng, 3) == 0) continue;
		buf_printf(out, "%s\"%s\":%s", first ? "" : ",", names[i], values[rng_below(rng, ARRAY_LEN(values))]);
		first = false;
	}
	buf_lit(out, "}}");
}

static struct cel_value value_or_null(const struct cel_path *path, const struct cel_input *input) {
	struct cel_value value;
	return cel_path_value(path, input, &value) ? value : cel_simple(CEL_NULL);
}

static void check_holds(const struct cel_equality *equality, const struct cel_input *input, struct str text) {
	struct cel_value a = value_or_null(&equality->path, input), b = equality->value;
	if (b.type == CEL_UNKNOWN) b = value_or_null(&equality->other, input);
	if (!cel_equal(&a, &b)) fail_msg("%.*s is true without its equality", STR_ARG(text));
	if (a.type != CEL_LIST && a.type != CEL_MAP) assert_int_equal(cel_hash(&a), cel_hash(&b));
}

static void test_true_implies_equalities(void **state) {
	struct rng rng;
	unsigned found = 0;
	(void)state;
	rng_seed(&rng, 20261121);
	for (int round = 0; round < 30000; round++) {
		struct arena arena;
		struct buf text, event, async;
		struct error error;
		struct cel_equality equalities[EQUALITIES_MAX];
		arena_init(&arena, 0);
		buf_init(&text, 10000);
		buf_init(&event, 10000);
		buf_init(&async, 10000);
		for (uint64_t terms = 1 + rng_below(&rng, 3); terms > 0; terms--) {
			append_term(&text, &rng);
			if (terms > 1) buf_str(&text, rng_below(&rng, 4) == 0 ? STR(" || ") : STR(" && "));
		}
		append_data(&event, &rng);
		append_data(&async, &rng);
		yyjson_doc *docs[] = {json_read(buf_view(&event), false, NULL, &error),
				      json_read(buf_view(&async), false, NULL, &error)};
		struct cel_binding bindings[] = {{STR("event"), yyjson_doc_get_root(docs[0])},
						 {STR("async"), yyjson_doc_get_root(docs[1])}};
		struct cel_input input = {.bindings = bindings, .count = 2};
		const struct cel_program *program = cel_compile(&arena, buf_view(&text), CEL_EVALUATE, NULL);
		assert_non_null(program);
		size_t count = cel_equalities(program, &arena, equalities, EQUALITIES_MAX);
		struct cel_value value = cel_eval(program, &input, &arena);
		for (size_t i = 0; i < count && value.type == CEL_BOOL && value.boolean; i++, found++)
			check_holds(&equalities[i], &input, buf_view(&text));
		yyjson_doc_free(docs[0]);
		yyjson_doc_free(docs[1]);
		buf_free(&text);
		buf_free(&event);
		buf_free(&async);
		arena_free(&arena);
	}
	assert_true(found > 500);
}

static void test_reads(void **state) {
	static const struct {
		const char *text;
		bool reads; // event.data.o.a
	} cases[] = {
		{"event.data.o.a == 1", true},
		{"event.data.o == 1", true},
		{"size(event.data) > 1", true},
		{"event == 1", true},
		{"event.data.o.a.b.c", true},
		{"event.data[\"o\"].a == 1", true},
		{"event.data[event.name] == 1", true},
		{"event.data.x[event.data.o.a] == 1", true},
		{"has(event.data.o.a)", true},
		{"event.data.list.exists(x, x == event.data.o.a)", true},
		{"{'k': [event.data.o.a]}.k == 1", true},
		{"true || event.data.o.a", true},
		{"async.data.o.a == 1", false},
		{"event.data.o.b == 1 && event.data.x == 2", false},
		{"event.data.x.o.a == 1", false},
		{"event.name == 'x'", false},
		{"event.data[\"x\"] == 1 || event.data[0] == 1", false},
		{"async.data.list.exists(event, event.data.o.a == 1)", false},
		{"1 == 1", false},
	};
	static const struct str fields[] = {STR_INIT("data"), STR_INIT("o"), STR_INIT("a")};
	const struct cel_path path = {STR("event"), fields, ARRAY_LEN(fields)};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena;
		arena_init(&arena, 0);
		const struct cel_program *program =
			cel_compile(&arena, str_from_cstr(cases[i].text), CEL_EVALUATE, NULL);
		assert_non_null(program);
		if (cel_reads(program, &path) != cases[i].reads) fail_msg("%s", cases[i].text);
		arena_free(&arena);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extraction),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_true_implies_equalities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
