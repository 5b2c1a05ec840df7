// Every case of the specification's vector file (spec 04 §B15), kept as tests/cel/cases.json.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "cel/functions.h"

#define CASES_FILE "cel/cases.json"
#define BINDINGS_MAX 8

static yyjson_doc *read_cases(void) {
	struct error error;
	struct buf text;
	char path[1000];
	snprintf(path, sizeof path, "%s/%s", TESTS_DIR, CASES_FILE);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	buf_init(&text, 1u << 24);
	for (int c; (c = fgetc(file)) != EOF;) buf_byte(&text, (char)c);
	fclose(file);
	yyjson_doc *doc = json_read(buf_view(&text), false, NULL, &error);
	assert_non_null(doc);
	buf_free(&text);
	return doc;
}

static size_t bind(yyjson_val *vars, struct cel_binding *out) {
	yyjson_obj_iter roots = yyjson_obj_iter_with(vars);
	size_t count = 0;
	for (yyjson_val *key = yyjson_obj_iter_next(&roots); key != NULL; key = yyjson_obj_iter_next(&roots)) {
		assert_true(count < BINDINGS_MAX);
		out[count].name = json_str(key);
		out[count++].value = yyjson_obj_iter_get_val(key);
	}
	return count;
}

// The names of the vector file.
static const char *short_type(enum cel_type type) {
	switch (type) {
	case CEL_NULL:
		return "null";
	case CEL_TIMESTAMP:
		return "timestamp";
	case CEL_DURATION:
		return "duration";
	default:
		return cel_type_name(type);
	}
}

struct outcome {
	struct buf json, text;
	const char *type;
	bool is_error;
};

static void evaluate(yyjson_val *one, struct outcome *out) {
	struct cel_binding bindings[BINDINGS_MAX];
	struct cel_input input = {.bindings = bindings, .count = bind(yyjson_obj_get(one, "vars"), bindings)};
	struct arena arena;
	struct cel_failure failure;
	arena_init(&arena, 0);
	const struct cel_program *program =
		cel_compile(&arena, json_str(yyjson_obj_get(one, "expr")), CEL_EVALUATE, &failure);
	out->is_error = program == NULL;
	out->type = "compile";
	if (program == NULL) buf_str(&out->text, str_from_cstr(failure.message));
	if (program != NULL) {
		struct cel_value value = cel_eval(program, &input, &arena);
		out->is_error = value.type == CEL_ERROR;
		out->type = out->is_error ? cel_error_name((enum cel_error_code)value.error)
					  : short_type((enum cel_type)value.type);
		cel_text(&out->text, &value);
		cel_json(&out->json, &value);
	}
	arena_free(&arena);
}

// Where the file's note says so, another outcome is as good.
static bool is_acceptable(yyjson_val *one, const struct outcome *outcome) {
	struct str note = json_str(yyjson_obj_get(one, "note"));
	if (str_find_str(note, STR("an error instead")) >= 0) return outcome->is_error;
	if (str_find_str(note, STR("plain CEL result or compile error")) >= 0) return true;
	return str_find_str(note, STR("ordinary error is acceptable")) >= 0;
}

static bool result_is(yyjson_val *one, const struct outcome *outcome) {
	struct buf canonical, result;
	struct error error;
	bool same;
	if (yyjson_obj_get(one, "error") != NULL) return outcome->is_error;
	buf_init(&canonical, 1u << 20);
	buf_init(&result, 1u << 20);
	json_canonical(&canonical, yyjson_obj_get(one, "result"));
	same = !outcome->is_error && json_canonicalise(&result, buf_view(&outcome->json), &error) == ERR_OK &&
	       str_eq(buf_view(&canonical), buf_view(&result)) &&
	       str_eq_cstr(json_str(yyjson_obj_get(one, "type")), outcome->type) &&
	       str_eq(json_str(yyjson_obj_get(one, "str")), buf_view(&outcome->text));
	buf_free(&canonical);
	buf_free(&result);
	return same;
}

static void test_results(void **state) {
	(void)state;
	yyjson_doc *doc = read_cases();
	size_t index, count, wrong = 0;
	yyjson_val *one;
	yyjson_arr_foreach(yyjson_doc_get_root(doc), index, count, one) {
		struct outcome outcome = {0};
		buf_init(&outcome.json, 1u << 20);
		buf_init(&outcome.text, 1u << 20);
		evaluate(one, &outcome);
		if (!result_is(one, &outcome) && !is_acceptable(one, &outcome)) {
			char *whole = yyjson_val_write(one, 0, NULL);
			print_message("%s\n  gave %s %.*s (%.*s)\n", whole, outcome.type,
				      STR_ARG(buf_view(&outcome.json)), STR_ARG(buf_view(&outcome.text)));
			free(whole);
			wrong++;
		}
		buf_free(&outcome.json);
		buf_free(&outcome.text);
	}
	assert_true(count > 700);
	yyjson_doc_free(doc);
	assert_int_equal(wrong, 0);
}

// What registration says of each of them (§B9).
static void test_registration(void **state) {
	(void)state;
	static const struct str roots[] = {STR_INIT("event"), STR_INIT("async"), STR_INIT("vars")};
	yyjson_doc *doc = read_cases();
	size_t index, count, wrong = 0;
	yyjson_val *one;
	yyjson_arr_foreach(yyjson_doc_get_root(doc), index, count, one) {
		struct cel_failure failure = {.message = ""};
		struct arena arena;
		struct buf report;
		arena_init(&arena, 0);
		buf_init(&report, 1u << 16);
		struct str text = json_str(yyjson_obj_get(one, "expr"));
		const struct cel_program *program = cel_compile(&arena, text, CEL_STANDARD, &failure);
		bool registers = program != NULL && cel_check(program, roots, 3, &failure);
		bool restrictive = registers && cel_check_restrictive(program, &report);
		assert_true(registers || failure.message[0] != '\0');
		assert_true(restrictive == registers || report.len > 0);
		if (registers != yyjson_get_bool(yyjson_obj_get(one, "registers")) ||
		    restrictive != yyjson_get_bool(yyjson_obj_get(one, "restrictive"))) {
			print_message("%.*s: registers %d, restrictive %d: %s %.*s\n", STR_ARG(text), registers,
				      restrictive, failure.message, STR_ARG(buf_view(&report)));
			wrong++;
		}
		buf_free(&report);
		arena_free(&arena);
	}
	yyjson_doc_free(doc);
	assert_int_equal(wrong, 0);
}

// Functions look at no argument that is not there, and take none that is too many.
static void test_argument_counts(void **state) {
	static const struct cel_function *const tables[] = {cel_conversion_table, cel_text_table, cel_time_table};
	static const char *const arguments[] = {"", "1, 1, 1, 1, 1, 1"};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof tables / sizeof *tables; i++) {
		for (const struct cel_function *function = tables[i / 2]; function->name != NULL; function++) {
			struct arena arena;
			struct cel_input input = {0};
			arena_init(&arena, 0);
			struct str text = arena_printf(&arena, "%s(%s)", function->name, arguments[i % 2]);
			const struct cel_program *program = cel_compile(&arena, text, CEL_EVALUATE, NULL);
			assert_non_null(program);
			struct cel_value value = cel_eval(program, &input, &arena);
			bool is_now = str_eq(text, STR("now()"));
			if ((value.type != CEL_ERROR) != is_now) fail_msg("%.*s", STR_ARG(text));
			arena_free(&arena);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argument_counts),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_registration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
