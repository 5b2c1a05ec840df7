// Expressions: a program, a NUL, and the JSON of its root variables. Whatever compiles is checked, evaluated over the
// data, its result printed in every form and explained, the program printed and interpolated.
#include "base/json.h"
#include "cel/explain.h"
#include "cel/interpolate.h"
#include "cel/program.h"
#include "fuzz.h"

#define BINDINGS_MAX 8
#define EQUALITIES_MAX 8
#define OUTPUT_MAX (256u << 20)

static const struct str roots[] = {STR_INIT("event"), STR_INIT("async"), STR_INIT("vars")};

static size_t bind(yyjson_val *vars, struct cel_binding *out) {
	yyjson_obj_iter keys = yyjson_obj_iter_with(vars);
	size_t count = 0;
	if (!yyjson_is_obj(vars)) return 0;
	for (yyjson_val *key; count < BINDINGS_MAX && (key = yyjson_obj_iter_next(&keys)) != NULL; count++)
		out[count] = (struct cel_binding){json_str(key), yyjson_obj_iter_get_val(key)};
	return count;
}

static void print(const struct cel_value *value) {
	struct buf out;
	struct error error;
	buf_init(&out, OUTPUT_MAX);
	cel_text(&out, value);
	buf_clear(&out);
	cel_json(&out, value);
	yyjson_doc *doc = json_read(buf_view(&out), false, NULL, &error);
	// Deeper than JSON may be, it is at least said so.
	CHECK(out.overflow || doc != NULL || value->type == CEL_LIST || value->type == CEL_MAP);
	yyjson_doc_free(doc);
	buf_free(&out);
}

static bool is_same(const struct cel_value *a, const struct cel_value *b) {
	return a->type == b->type && (a->type != CEL_ERROR || a->error == b->error) &&
	       (a->type != CEL_BOOL || a->boolean == b->boolean);
}

// What an index may conclude from the program: its equalities hold when it is true, and data that it does not read
// does not matter.
static void check_promises(struct arena *arena, const struct cel_program *program, const struct cel_input *input,
			   const struct cel_value *value) {
	static const struct cel_path event = {.root = STR_INIT("event")};
	struct cel_equality equalities[EQUALITIES_MAX];
	size_t count = cel_equalities(program, arena, equalities, EQUALITIES_MAX);
	CHECK(count <= EQUALITIES_MAX);
	for (size_t i = 0; i < count && value->type == CEL_BOOL && value->boolean; i++) {
		struct cel_value held;
		if (equalities[i].value.type == CEL_UNKNOWN) continue;
		CHECK(cel_path_value(&equalities[i].path, input, &held));
		CHECK(cel_equal(&held, &equalities[i].value));
		CHECK(cel_hash(&held) == cel_hash(&equalities[i].value));
	}
	if (cel_reads(program, &event)) return;
	struct cel_binding others[BINDINGS_MAX];
	struct cel_input rest = {.bindings = others, .now_ns = input->now_ns};
	for (size_t i = 0; i < input->count; i++) {
		if (!str_eq(input->bindings[i].name, event.root)) others[rest.count++] = input->bindings[i];
	}
	struct cel_value without = cel_eval(program, &rest, arena);
	CHECK(is_same(value, &without));
}

// The whole is what the evaluation gave, unless that took something for a result.
static void explain(const struct cel_program *program, const struct cel_input *input, const struct cel_value *value) {
	struct arena arena;
	struct cel_explanation explanation;
	arena_init(&arena, 0);
	cel_explain(program, input, &arena, &explanation);
	const struct cel_value *whole = &explanation.reasons[0].value;
	CHECK(whole->type == value->type || whole->type == CEL_UNKNOWN || whole->type == CEL_NOTHING);
	for (size_t i = 0; i < explanation.reason_count; i++) CHECK(explanation.reasons[i].text.len > 0);
	for (size_t i = 0; i < explanation.missing_count; i++) CHECK(explanation.missing[i].text.len > 0);
	arena_free(&arena);
}

// A program's text is a program that gives the same.
static void print_program(struct arena *arena, const struct cel_program *program, const struct cel_input *input,
			  const struct cel_value *value) {
	struct buf text;
	buf_init(&text, 4 * CEL_TEXT_MAX);
	const struct cel_program *copy = NULL;
	if (cel_print(&text, program->root)) copy = cel_compile(arena, buf_view(&text), CEL_STANDARD, NULL);
	if (copy != NULL) { // neither longer nor deeper than a program may be
		struct cel_value same = cel_eval(copy, input, arena);
		CHECK(same.error == CEL_COST || value->error == CEL_COST || is_same(value, &same));
	}
	CHECK(copy != NULL || text.len >= CEL_TEXT_MAX / 8 || str_utf8_prefix(program->text) != program->text.len ||
	      program->root->depth > CEL_NESTING_MAX / 4);
	buf_free(&text);
}

static bool has_any(struct str text, const char *chars) {
	for (; *chars != '\0'; chars++) {
		if (str_find(text, *chars) >= 0) return true;
	}
	return false;
}

// With `event` known, and all other roots later.
static void interpolate(struct str text, const struct cel_input *input) {
	struct arena arena;
	struct cel_failure failure;
	struct cel_binding known[BINDINGS_MAX], rest[BINDINGS_MAX];
	struct str names[BINDINGS_MAX], out;
	size_t known_count = 0, rest_count = 0;
	for (size_t i = 0; i < input->count; i++) {
		bool is_known = str_eq(input->bindings[i].name, STR("event"));
		if (!is_known) names[rest_count] = input->bindings[i].name;
		*(is_known ? &known[known_count++] : &rest[rest_count++]) = input->bindings[i];
	}
	struct cel_input before = {.bindings = known, .count = known_count, .now_ns = input->now_ns};
	struct cel_input later = {.bindings = rest, .count = rest_count, .now_ns = input->now_ns};
	arena_init(&arena, 0);
	if (cel_interpolate(&arena, text, &before, names, rest_count, &out, &failure)) {
		const struct cel_program *program = cel_compile(&arena, out, CEL_INTERPOLATED, NULL);
		CHECK(program != NULL);
		struct cel_value value = cel_eval(program, &later, &arena);
		// Where no exception of interpolate.h can apply.
		if (known_count == 0 || (rest_count == 0 && !has_any(text, "=<>&|?"))) {
			struct cel_value whole = cel_eval(cel_compile(&arena, text, CEL_EVALUATE, NULL), input, &arena);
			CHECK(value.error == CEL_COST || whole.error == CEL_COST ||
			      cel_truthy(&value) == cel_truthy(&whole));
		}
		check_promises(&arena, program, &later, &value);
	} else {
		CHECK(failure.message[0] != '\0');
	}
	arena_free(&arena);
}

static void evaluate(struct str text, const struct cel_input *input) {
	struct arena arena;
	struct cel_failure failure;
	arena_init(&arena, 0);
	const struct cel_program *program = cel_compile(&arena, text, CEL_EVALUATE, &failure);
	CHECK(program != NULL || failure.message[0] != '\0');
	if (program != NULL) {
		struct cel_value value = cel_eval(program, input, &arena);
		struct cel_value again = cel_eval(program, input, &arena);
		CHECK(is_same(&value, &again) && value.type != CEL_UNKNOWN && value.type != CEL_NOTHING);
		check_promises(&arena, program, input, &value);
		print(&value);
		explain(program, input, &value);
		print_program(&arena, program, input, &value);
		interpolate(text, input);
	}
	arena_free(&arena);
}

static void check(struct str text) {
	struct arena arena;
	struct cel_failure failure;
	struct buf report;
	arena_init(&arena, 0);
	buf_init(&report, 1u << 20);
	const struct cel_program *program = cel_compile(&arena, text, CEL_STANDARD, &failure);
	if (program != NULL && !cel_check(program, roots, 3, &failure)) CHECK(failure.message[0] != '\0');
	if (program != NULL) CHECK(cel_check_restrictive(program, &report) == (report.len == 0));
	buf_free(&report);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str text, vars = STR("");
	struct cel_binding bindings[BINDINGS_MAX];
	struct error error;
	(void)str_cut(str_make(data, size), '\0', &text, &vars);
	yyjson_doc *doc = json_read(vars, false, NULL, &error);
	struct cel_input input = {.bindings = bindings, .now_ns = 1800000000000000000};
	input.count = bind(yyjson_doc_get_root(doc), bindings);
	evaluate(text, &input);
	check(text);
	yyjson_doc_free(doc);
	return 0;
}
