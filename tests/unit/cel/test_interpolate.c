// Interpolation: the texts of spec 04 §B10, and that evaluating one later is evaluating the original with all its data.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "base/rng.h"
#include "cel/interpolate.h"

#define NOW_NS UINT64_C(1800000000000000000)

static const struct str later[] = {STR_INIT("async")};

static yyjson_doc *read_doc(struct str json) {
	struct error error;
	yyjson_doc *doc = json_read(json, false, NULL, &error);
	if (doc == NULL) fail_msg("%.*s: %s", STR_ARG(json), error.message);
	return doc;
}

static bool interpolate(struct arena *arena, struct str text, yyjson_doc *event, struct str *out,
			struct cel_failure *failure) {
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(event)};
	struct cel_input input = {.bindings = &binding, .count = 1, .now_ns = NOW_NS};
	return cel_interpolate(arena, text, &input, later, ARRAY_LEN(later), out, failure);
}

static struct str interpolated(struct arena *arena, struct str text, yyjson_doc *event) {
	struct cel_failure failure;
	struct str out;
	if (!interpolate(arena, text, event, &out, &failure)) fail_msg("%.*s: %s", STR_ARG(text), failure.message);
	return out;
}

static struct cel_value evaluate(struct arena *arena, struct str text, enum cel_mode mode, yyjson_doc *event,
				 yyjson_doc *async) {
	struct cel_failure failure;
	struct cel_binding bindings[] = {{STR("event"), yyjson_doc_get_root(event)},
					 {STR("async"), yyjson_doc_get_root(async)}};
	struct cel_input input = {.bindings = bindings, .count = ARRAY_LEN(bindings), .now_ns = NOW_NS};
	const struct cel_program *program = cel_compile(arena, text, mode, &failure);
	if (program == NULL) fail_msg("%.*s: %s", STR_ARG(text), failure.message);
	return cel_eval(program, &input, arena);
}

static bool is_true(const struct cel_value *value) {
	return value->type == CEL_BOOL && value->boolean;
}

// ---- texts -----------------------------------------------------------------------------------------------------

static const char event_json[] =
	"{\"name\":\"shop/order\",\"ts\":1730000000000,\"data\":{\"id\":\"o_123\",\"n\":42,\"big\":1234567,\"neg\":-3,"
	"\"nul\":null,\"s\":\"hello\",\"empty\":\"\",\"zero\":0,\"t\":true,\"f\":false,\"list\":[\"a\",\"b\"],"
	"\"obj\":{\"a\":1,\"b\":{\"c\":\"deep\"}},\"key\":\"id\",\"date\":\"2024-05-01T12:00:00+02:00\","
	"\"b64\":\"/w==\",\"dur\":\"1h30m\"}}";

static void check_texts(const char *const (*cases)[2], size_t count) {
	yyjson_doc *event = read_doc(STR(event_json));
	for (size_t i = 0; i < count; i++) {
		struct arena arena;
		arena_init(&arena, 0);
		struct str text = interpolated(&arena, str_from_cstr(cases[i][0]), event);
		if (!str_eq_cstr(text, cases[i][1]))
			fail_msg("%s\n  gave   %.*s\n  wanted %s", cases[i][0], STR_ARG(text), cases[i][1]);
		arena_free(&arena);
	}
	yyjson_doc_free(event);
}

// The rows of §B10, and what its rules say in passing.
static void test_specified(void **state) {
	static const char *const cases[][2] = {
		{"event.data.id == async.data.id", "\"o_123\" == async.data.id"},
		{"async.data.id == event.data.id", "async.data.id == \"o_123\""},
		{"event.data.n < async.data.x", "42.0 < async.data.x"},
		{"event.data.big == async.data.n", "1.234567e+06 == async.data.n"},
		{"event.ts < async.ts", "1.73e+12 < async.ts"},
		{"event.data.neg == async.data.neg", "-3.0 == async.data.neg"},
		{"event.data.nul == async.data.id", "null == async.data.id"},
		{"event.data.missing == async.data.id", "async.data.id == null"},
		{"event.data.missing != async.data.id", "async.data.id != null"},
		{"async.data.id == event.data.missing", "async.data.id == event.data.missing"},
		{"event.data.missing == \"x\"", "null == \"x\""},
		{"event.data.missing == null && async.data.x == 1", "null == null && async.data.x == 1"},
		{"event.data.s == \"hello\"", "true"},
		{"event.data.s == \"nope\"", "false"},
		{"event.data.s == \"nope\" && async.data.x == 1", "false"},
		{"event.data.id == async.data.id || (async.data.a == 1 && async.data.b == 2)",
		 "\"o_123\" == async.data.id || async.data.a == 1 && async.data.b == 2"},
		{"event.data.id == async.data.id && (async.data.a == 1 || async.data.b == 2)",
		 "\"o_123\" == async.data.id && (async.data.a == 1 || async.data.b == 2)"},
		{"event.data.list == async.data.list", "[\"a\", \"b\"] == async.data.list"},
		{"async.data.id in event.data.list", "async.data.id in [\"a\", \"b\"]"},
		{"event.data[\"id\"] == async.data[\"id\"]", "\"o_123\" == async.data[\"id\"]"},
		{"event.data.t ? async.data.x == 1 : async.data.x == 2", "async.data.x == 1"},
		{"event.data.n + 1 == async.data.n", "\"421\" == async.data.n"}, // §B5; plain CEL has no such sum
		{"async.data.id == \"x\"", "async.data.id == \"x\""},
		// rule 2
		{"event.data.s == \"hello\" && async.data.x == 1", "async.data.x == 1"},
		{"async.data.x == 1 && event.data.s == \"hello\"", "async.data.x == 1"},
		{"false && event.data.x == async.data.y", "false"},
		{"event.data.t || async.data.x == 1", "true"},
		{"lowercase(event.data.s) == async.data.s", "\"hello\" == async.data.s"},
		{"event.data.s && async.data.x == 1", "async.data.x == 1"},
		{"event.data.empty || async.data.x == 1", "async.data.x == 1"},
		{"event.data.empty && async.data.x == 1", "async.data.x == 1"},
		{"event.data.s || async.data.x == 1", "async.data.x == 1"},
		// rule 5: what the reference fails at
		{"event.data.id == async.data.id && async.data.list.exists(x, x == \"a\")",
		 "\"o_123\" == async.data.id && async.data.list.exists(x, x == \"a\")"},
		{"async.data.id.startsWith(event.data.id)", "async.data.id.startsWith(\"o_123\")"},
		{"async.data.id.contains(\"x\") && event.data.n == 42", "async.data.id.contains(\"x\")"},
		{"event.data[\"missing\"] == async.data.id", "event.data[\"missing\"] == async.data.id"},
		{"event.data.list[9] == async.data.id", "[][0] == async.data.id"},
		{"date(event.data.s) == async.data.d", "date(\"hello\") == async.data.d"},
		// terms that the reference loses, and operators that it turns around
		{"event.data.missing == async.data.x && size(async.data.list) == 2",
		 "async.data.x == null && size(async.data.list) == 2"},
		{"event.data.missing == async.data.x && async.data.ok", "async.data.x == null && async.data.ok"},
		{"!event.data.missing && async.data.x == 1", "!event.data.missing && async.data.x == 1"},
		{"event.data.missing ? async.data.a : async.data.b",
		 "event.data.missing ? async.data.a : async.data.b"},
		{"event.data.missing > async.data.x", "null > async.data.x"},
		{"5 < event.data.missing", "5 < null"},
		{"5 == event.data.missing", "null == 5"},
	};
	(void)state;
	check_texts(cases, ARRAY_LEN(cases));
}

static void test_spelling(void **state) {
	static const char *const cases[][2] = {
		// as written when nothing known is in it
		{"  async.data.id=='x'&&( 1==1 ) // why", "  async.data.id=='x'&&( 1==1 ) // why"},
		{"async.data.s == 'event.data.id'", "async.data.s == 'event.data.id'"},
		{"async.data.list.exists(event, event.x == 1)", "async.data.list.exists(event, event.x == 1)"},
		{"nope.x == async.data.x", "nope.x == async.data.x"},
		// unless its escapes would be decoded
		{"async.data.s == 'it\\'s'", "async.data.s == \"it\\\\'s\""},
		{"async.data.s == \"a", "async.data.s == \"a\""},
		{"async.data.vars.x == \"a\\\"b\"", "async.data.vars.x == \"a\\\"b\""},
		// brackets and operators
		{"event.data.t&&!(async.a&&async.b)", "!(async.a && async.b)"},
		{"event.data.t && (async.a - (async.b - async.c)) * -async.d == 1",
		 "(async.a - (async.b - async.c)) * -async.d == 1"},
		{"event.data.t && -(-async.a) == !(!async.b)", "-(-async.a) == !(!async.b)"},
		{"event.data.neg - async.a == async.b - event.data.neg", "-3.0 - async.a == async.b - -3.0"},
		{"event.data.neg.contains(async.a)", "(-3.0).contains(async.a)"},
		{"event.data.t && (async.a == async.b) == (async.c in async.d)",
		 "async.a == async.b == (async.c in async.d)"},
		{"event.data.t && (async.a ? (async.b ? 1 : 2) : async.c ? 3 : 4) == 3",
		 "(async.a ? (async.b ? 1 : 2) : async.c ? 3 : 4) == 3"},
		{"event.data.t && {'a': async.x, 2: [1u, 0x1F, 1e3, b'\\x01', null]}['a'] == 1",
		 "{\"a\": async.x, 2: [1u, 31, 1000.0, b\"\\x01\", null]}[\"a\"] == 1"},
		{"event.data.t && has(async.data.x) && has(json_parse(async.j).x)",
		 "has(async.data.x) && has(json_parse(async.j).x)"},
		{"async.data.map(x, x > event.data.n, x + event.data.s).size() > 0",
		 "async.data.map(x, x > 42.0, x + \"hello\").size() > 0"},
		{"async.data[event.data.key] == 1", "async.data[\"id\"] == 1"},
		{"event.data.list[async.data.i] == event.data.obj[async.k].c",
		 "[\"a\", \"b\"][async.data.i] == {\"a\": 1.0, \"b\": {\"c\": \"deep\"}}[async.k].c"},
		{"has(event.data.obj[async.k].c)", "has({\"a\": 1.0, \"b\": {\"c\": \"deep\"}}[async.k].c)"},
		{"(event.data.t ? async.data.m : 1).x == 1", "(false || async.data.m).x == 1"},
		// values
		{"date(event.data.date) < date(async.d)", "timestamp(\"2024-05-01T12:00:00+02:00\") < date(async.d)"},
		{"duration(event.data.dur) < duration(async.d)", "duration(\"1h30m0s\") < duration(async.d)"},
		{"bytes(event.data.s) == async.b", "b\"hello\" == async.b"},
		{"b64decode(event.data.b64) == async.b", "b64decode(\"/w==\") == async.b"},
		{"type(event.data.n) == type(async.n)", "type(42.0) == type(async.n)"},
		{"event.data.n / 0.0 < async.n", "42.0 / 0.0 < async.n"},
		{"event.data.list.map(x, x + '!') == async.l", "[\"a!\", \"b!\"] == async.l"},
		{"event.data.list.map(x, event.data.list.map(y, x + y)) == async.l",
		 "[[\"aa\", \"ab\"], [\"ba\", \"bb\"]] == async.l"},
		{"event.data.list.exists(x, x == async.x)", "[\"a\", \"b\"].exists(x, x == async.x)"},
		{"event.data.s", "\"hello\""},
		{"event.data.n", "42.0"},
		{"now() > date(event.data.date) && event.data.t", "now() > timestamp(\"2024-05-01T12:00:00+02:00\")"},
		{"now_plus(event.data.dur) > date(async.d)", "now_plus(\"1h30m\") > date(async.d)"},
		// missing data and errors
		{"async.data.l.exists(x, x.id == event.data.missing)",
		 "async.data.l.exists(x, x.id == event.data.missing)"},
		{"async.data.l.exists(x, event.data.missing == x.id)", "async.data.l.exists(x, x.id == null)"},
		{"event.data.missing.contains(async.x)", "event.data.missing.contains(async.x)"},
		{"[event.data.missing] + async.l == [1]", "[{}[\"missing\"]] + async.l == [1]"},
		{"event.data.obj != async.o || event.data.obj.zz == null", "async.o != null || null == null"},
		{"event != null || event.data.zz == null", "event.data.zz != null || null == null"},
		{"event.data.s > 1 || async.x == 1", "\"hello\" > 1 || async.x == 1"},
		{"1 / 0 == event.data.n || async.x == 1", "1 / 0 == 42.0 || async.x == 1"},
		{"nope == async.x || event.data.f", "nope == async.x"},
		{"nope.x.contains(async.x)", "nope_.contains(async.x)"},
		{"list[8] == async.x", "list_ == async.x"},
		// logic that must stay, and that may go
		{"async.data.ok && event.data.t", "async.data.ok && true"},
		{"async.data.x == 1 && event.data.f", "false"},
		{"!(async.data.x == 1 && event.data.f)", "!(async.data.x == 1 && false)"},
		{"async.data.x == 1 || event.data.t", "true"},
		{"async.data.x || event.data.t", "async.data.x || true"},
		{"async.data.x || event.data.f", "async.data.x"},
		{"!(async.data.x || event.data.f)", "!(async.data.x || false)"},
		{"-(5.a) == async.x && event.data.t", "-(5.a) == async.x"},
		{"-(5.size()) == async.x && event.data.t", "-(5.size()) == async.x"},
		{"event.data.t || date(async.d) < now()", "true || date(async.d) < now()"},
		{"event.data.f && date(async.d) < now()", "false"},
		{"event.data.f && date(async.d) < now() || async.x == 1",
		 "false && date(async.d) < now() || async.x == 1"},
		{"event.data.s || event.data.n == 42", "\"hello\""},
		{"'' || async.x == 1 && event.data.t", "async.x == 1"},
		{"5 && async.x == 1 && event.data.t", "async.x == 1"},
		{"async.l.exists(x, event.data.s && x == 1)", "async.l.exists(x, x == 1)"},
	};
	(void)state;
	check_texts(cases, ARRAY_LEN(cases));
}

// ---- values ----------------------------------------------------------------------------------------------------

// Each as event.data.v matches the same value later, in both directions, within lists and as a key.
static void test_values_come_back(void **state) {
	static const char *const values[] = {
		"\"\"",
		"\"{\\\"x\\\":1}\"",
		"\"a\\\\b\\\\\\\"c\\\\\"",
		"\"\\u0000\\u0001\\n\\r\\t\\u007f\\u2028\"",
		"\"h\\u00e9llo \\ud83d\\ude00\"",
		"\"// no comment\"",
		"\"event.data.v vars.x\"",
		"\"'\"",
		"\"\\\\n\"",
		"0",
		"-0.0",
		"42",
		"-3",
		"1.5",
		"123456.789",
		"999999",
		"1e6",
		"1e-5",
		"0.0001",
		"5e-324",
		"2.2250738585072014e-308",
		"1.7976931348623157e308",
		"-1.7976931348623157e308",
		"9007199254740993",
		"0.1",
		"1e21",
		"123456789012345678",
		"true",
		"false",
		"null",
		"[]",
		"{}",
		"[[],{}]",
		"[1,\"a\",null,[true,{\"k\":-1.5}]]",
		"{\"\":1,\"a b\":{\"\\\"\":[]},\"\\\\\":\"\\\\\",\"\\u0000\":null,\"1\":2}"};
	static const char *const texts[] = {"event.data.v == async.data.v", "async.data.v == event.data.v",
					    "[event.data.v, 1] == [async.data.v, 1.0]",
					    "[event.data.v].exists(x, x == async.data.v)",
					    "{'k': event.data.v}.k == async.data.v"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			struct arena arena;
			arena_init(&arena, 0);
			yyjson_doc *doc = read_doc(arena_printf(&arena, "{\"data\":{\"v\":%s}}", values[i]));
			yyjson_doc *other = read_doc(STR("{\"data\":{\"v\":\"other\"}}"));
			struct str text = interpolated(&arena, str_from_cstr(texts[k]), doc);
			struct cel_value same = evaluate(&arena, text, CEL_INTERPOLATED, NULL, doc);
			struct cel_value differs = evaluate(&arena, text, CEL_INTERPOLATED, NULL, other);
			if (!is_true(&same) || is_true(&differs)) fail_msg("%s: %.*s", values[i], STR_ARG(text));
			yyjson_doc_free(doc);
			yyjson_doc_free(other);
			arena_free(&arena);
		}
	}
}

static void test_any_double(void **state) {
	struct rng rng;
	(void)state;
	rng_seed(&rng, 7);
	for (int round = 0; round < 20000; round++) {
		struct arena arena;
		double number;
		uint64_t bits = rng_next(&rng);
		memcpy(&number, &bits, sizeof number);
		if (!isfinite(number)) continue;
		arena_init(&arena, 0);
		yyjson_doc *doc = read_doc(arena_printf(&arena, "{\"data\":{\"v\":%.17g}}", number));
		struct cel_value value =
			evaluate(&arena, interpolated(&arena, STR("event.data.v"), doc), CEL_INTERPOLATED, NULL, NULL);
		assert_int_equal(value.type, CEL_DOUBLE);
		assert_memory_equal(&value.number, &number, sizeof number);
		yyjson_doc_free(doc);
		arena_free(&arena);
	}
}

static void test_equalities(void **state) {
	static const char *const cases[][2] = {
		{"event.data.id == async.data.id && size(async.data.l) > event.data.zero", "o_123"},
		{"async.data.id == event.data.id && async.data.x > 1", "o_123"},
		{"event.data.t && event.data.big == async.data.id", "1.234567e+06"},
	};
	(void)state;
	yyjson_doc *event = read_doc(STR(event_json));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena;
		struct cel_equality equality;
		struct buf value;
		arena_init(&arena, 0);
		buf_init(&value, 100);
		struct str text = interpolated(&arena, str_from_cstr(cases[i][0]), event);
		const struct cel_program *program = cel_compile(&arena, text, CEL_INTERPOLATED, NULL);
		assert_int_equal(cel_equalities(program, &arena, &equality, 1), 1);
		assert_true(str_eq_cstr(equality.path.root, "async") && equality.path.count == 2);
		cel_text(&value, &equality.value);
		assert_true(str_eq_cstr(buf_view(&value), cases[i][1]));
		buf_free(&value);
		arena_free(&arena);
	}
	yyjson_doc_free(event);
}

// ---- all expressions -------------------------------------------------------------------------------------------

// Random expressions are written twice: as they are, and as what they mean when evaluated with everything (§B10,
// Compatible semantics): with null where missing data counts as such, without the operands that do not count.
struct writer {
	struct rng *rng;
	struct buf text, meaning;
	yyjson_val *event; // its data
};

static uint64_t below(struct writer *writer, uint64_t bound) {
	return rng_below(writer->rng, bound);
}

static void put(struct writer *writer, const char *text) {
	buf_str(&writer->text, str_from_cstr(text));
	buf_str(&writer->meaning, str_from_cstr(text));
}

static void put_two(struct writer *writer, struct str text, struct str meaning) {
	buf_str(&writer->text, text);
	buf_str(&writer->meaning, meaning);
}

static const char *const fields[] = {"a", "b", "c", "d"};

struct path_choice {
	bool is_event, is_missing;
	char text[40];
};

static struct path_choice choose_path(struct writer *writer) {
	struct path_choice path = {.is_event = below(writer, 2) == 0};
	const char *field = fields[below(writer, ARRAY_LEN(fields))];
	yyjson_val *value = yyjson_obj_get(writer->event, field);
	bool deep = below(writer, 4) == 0;
	path.is_missing = path.is_event && (deep || value == NULL);
	snprintf(path.text, sizeof path.text, "%s.data.%s%s", path.is_event ? "event" : "async", deep ? "o." : "",
		 field);
	return path;
}

static const char *choose_literal(struct writer *writer) {
	static const char *const literals[] = {"1", "0", "2.0", "-1", "'x'", "''", "true", "false", "null", "3u"};
	return literals[below(writer, ARRAY_LEN(literals))];
}

static void put_logic(struct writer *writer, unsigned depth);

// Anything but a path or a literal, so that no exception looks at it.
static void put_term(struct writer *writer, unsigned depth) {
	static const char *const functions[] = {"size(", "lowercase(", "type(", "string(", "dyn("};
	static const char *const sums[] = {" + ", " - ", " * "};
	struct path_choice a = choose_path(writer), b = choose_path(writer);
	switch (depth > 0 ? below(writer, 9) : below(writer, 5)) {
	case 0:
		put(writer, functions[below(writer, ARRAY_LEN(functions))]);
		put(writer, a.text);
		put(writer, ")");
		break;
	case 1:
		put(writer, "(");
		put(writer, a.text);
		put(writer, sums[below(writer, ARRAY_LEN(sums))]);
		put(writer, below(writer, 2) == 0 ? b.text : choose_literal(writer));
		put(writer, ")");
		break;
	case 2:
		put(writer, "[");
		put(writer, a.text);
		put(writer, ", ");
		put(writer, choose_literal(writer));
		put(writer, "]");
		break;
	case 3:
		put(writer, a.text);
		put(writer, below(writer, 2) == 0 ? ".contains(" : ".startsWith(");
		put(writer, b.text);
		put(writer, ")");
		break;
	case 4:
		put(writer, "[");
		put(writer, a.text);
		put(writer, ", 1, 'x'].");
		put(writer, below(writer, 2) == 0 ? "exists" : "all");
		put(writer, "(v, size([v, ");
		put(writer, b.text);
		put(writer, "]) == 2 && v in [1, true])");
		break;
	case 5:
		put(writer, "!(");
		put_logic(writer, depth - 1);
		put(writer, ")");
		break;
	case 6:
		put(writer, "((");
		put_logic(writer, depth - 1);
		put(writer, ") == false)");
		break;
	case 7:
		put(writer, "(");
		put_logic(writer, depth - 1);
		put(writer, " ? ");
		put_logic(writer, depth - 1);
		put(writer, " : ");
		put_logic(writer, depth - 1);
		put(writer, ")");
		break;
	default:
		put(writer, "size([1, (");
		put_logic(writer, depth - 1);
		put(writer, ")])");
	}
}

static void put_comparison(struct writer *writer, unsigned depth) {
	static const char *const operators[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
	const char *operator= operators[below(writer, ARRAY_LEN(operators))];
	struct path_choice path = choose_path(writer), other = choose_path(writer);
	const char *literal = choose_literal(writer);
	switch (below(writer, 4)) {
	case 0: // missing data is null on the left of a path, and next to a value that is known by then
		if (path.is_event && !path.is_missing && other.is_missing) { // a list is no literal
			enum cel_type type = (enum cel_type)cel_from_json(
						     yyjson_obj_get(writer->event, path.text + strlen("event.data.")))
						     .type;
			put(writer, path.text);
			put(writer, operator);
			put_two(writer, str_from_cstr(other.text),
				str_from_cstr(type == CEL_LIST ? other.text : "null"));
			break;
		}
		yyjson_val *known = yyjson_obj_get(writer->event, other.text + strlen("event.data."));
		bool is_list = other.is_event && !other.is_missing && yyjson_is_arr(known);
		put_two(writer, str_from_cstr(path.text),
			str_from_cstr(path.is_missing && !is_list ? "null" : path.text));
		put(writer, operator);
		put(writer, other.text);
		break;
	case 1:
		put_two(writer, str_from_cstr(path.text), str_from_cstr(path.is_missing ? "null" : path.text));
		put(writer, operator);
		put(writer, literal);
		break;
	case 2:
		put(writer, literal);
		put(writer, operator);
		put_two(writer, str_from_cstr(path.text), str_from_cstr(path.is_missing ? "null" : path.text));
		break;
	default: // dyn() keeps it from being a path
		put(writer, "dyn(");
		put(writer, path.text);
		put(writer, ")");
		put(writer, operator);
		put_term(writer, depth);
	}
}

// An operand of a chain in which another one depends on async: true when it does not count.
static bool put_odd(struct writer *writer) {
	struct path_choice path = choose_path(writer);
	buf_str(&writer->text, str_from_cstr(path.text));
	if (path.is_event && !path.is_missing &&
	    !yyjson_is_bool(yyjson_obj_get(writer->event, path.text + strlen("event.data."))))
		return true;
	buf_str(&writer->meaning, str_from_cstr(path.text));
	return false;
}

static void put_chain(struct writer *writer, unsigned depth, const char *sign) {
	for (uint64_t odd = below(writer, 3); odd > 0; odd--) {
		bool counts = !put_odd(writer);
		buf_str(&writer->text, str_from_cstr(sign));
		if (counts) buf_str(&writer->meaning, str_from_cstr(sign));
	}
	if (below(writer, 2) == 0) { // known and a bool
		put(writer, "size('x') == 1");
		put(writer, sign);
	}
	put_comparison(writer, depth);
	put(writer, sign);
	put(writer, "(async.data.a == 1) != true"); // so that one depends on it
	if (below(writer, 2) == 0) {
		put(writer, sign);
		put_comparison(writer, depth);
	}
}

static void put_logic(struct writer *writer, unsigned depth) {
	switch (below(writer, 4)) {
	case 0:
		put_chain(writer, depth, " && ");
		break;
	case 1:
		put_chain(writer, depth, " || ");
		break;
	case 2:
		put(writer, "(");
		put_chain(writer, depth, " && ");
		put(writer, ") || (");
		put_chain(writer, depth, " && ");
		put(writer, ")");
		break;
	default:
		put_comparison(writer, depth);
	}
}

static void put_data(struct buf *out, struct rng *rng) {
	static const char *const values[] = {"1",    "2",     "0",    "-1",    "\"x\"", "\"\"",
					     "true", "false", "null", "[1,2]", "3",     "\"a\\\"\\\\\""};
	bool first = true;
	buf_lit(out, "{\"data\":{");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (rng_below(rng, 4) == 0) continue;
		buf_printf(out, "%s\"%s\":%s", first ? "" : ",", fields[i], values[rng_below(rng, ARRAY_LEN(values))]);
		first = false;
	}
	buf_lit(out, "}}");
}

static void test_means_the_same(void **state) {
	struct rng rng;
	unsigned matches = 0, rounds = 0;
	(void)state;
	rng_seed(&rng, 20261121);
	for (; rounds < 20000; rounds++) {
		struct arena arena;
		struct buf event_text, async_text;
		arena_init(&arena, 0);
		buf_init(&event_text, 10000);
		buf_init(&async_text, 10000);
		put_data(&event_text, &rng);
		put_data(&async_text, &rng);
		yyjson_doc *event = read_doc(buf_view(&event_text)), *async = read_doc(buf_view(&async_text));
		struct writer writer = {.rng = &rng, .event = yyjson_obj_get(yyjson_doc_get_root(event), "data")};
		buf_init(&writer.text, CEL_TEXT_MAX);
		buf_init(&writer.meaning, CEL_TEXT_MAX);
		put_logic(&writer, 3);
		assert_false(writer.text.overflow);
		struct cel_value wanted = evaluate(&arena, buf_view(&writer.meaning), CEL_EVALUATE, event, async);
		struct str text = interpolated(&arena, buf_view(&writer.text), event);
		struct cel_value found = evaluate(&arena, text, CEL_INTERPOLATED, NULL, async);
		if (is_true(&wanted) != is_true(&found))
			fail_msg("%.*s\n  means %.*s\n  is    %.*s\n  event %.*s\n  async %.*s",
				 STR_ARG(buf_view(&writer.text)), STR_ARG(buf_view(&writer.meaning)), STR_ARG(text),
				 STR_ARG(buf_view(&event_text)), STR_ARG(buf_view(&async_text)));
		// Truth apart, only what is falsy may have become another.
		if (cel_truthy(&wanted)) assert_true(cel_equal(&wanted, &found));
		matches += is_true(&wanted);
		buf_free(&writer.text);
		buf_free(&writer.meaning);
		buf_free(&event_text);
		buf_free(&async_text);
		yyjson_doc_free(event);
		yyjson_doc_free(async);
		arena_free(&arena);
	}
	assert_in_range(matches, rounds / 10, rounds - rounds / 10);
}

// ---- bounds ----------------------------------------------------------------------------------------------------

static void check_failure(struct str text, struct str event, const char *message) {
	struct arena arena;
	struct cel_failure failure;
	struct str out;
	arena_init(&arena, 0);
	yyjson_doc *doc = read_doc(event);
	assert_false(interpolate(&arena, text, doc, &out, &failure));
	if (str_find_str(str_from_cstr(failure.message), str_from_cstr(message)) < 0) fail_msg("%s", failure.message);
	assert_false(interpolate(&arena, text, doc, &out, NULL));
	yyjson_doc_free(doc);
	arena_free(&arena);
}

static void repeat(struct buf *out, const char *text, size_t count) {
	for (; count > 0; count--) buf_str(out, str_from_cstr(text));
}

static void test_bounds(void **state) {
	struct buf text, event;
	(void)state;
	buf_init(&text, CEL_TEXT_MAX);
	buf_init(&event, 16u << 20);
	check_failure(STR("event.data.id == "), STR("{}"), "Syntax error");
	// too long: an event that is large, a small one many times
	buf_lit(&event, "{\"data\":{\"v\":\"");
	repeat(&event, "0123456789", 10001);
	buf_lit(&event, "\"}}");
	check_failure(STR("event.data.v == async.data.v"), buf_view(&event), "code point");
	buf_clear(&event);
	buf_lit(&event, "{\"data\":{\"v\":\"");
	repeat(&event, "0123456789", 1000);
	buf_lit(&event, "\"}}");
	repeat(&text, "event.data.v == async.data.v || ", 2000);
	buf_lit(&text, "true == async.data.v");
	check_failure(buf_view(&text), buf_view(&event), "too long");
	// too deep
	buf_clear(&event);
	buf_lit(&event, "{\"data\":{\"v\":");
	repeat(&event, "[", 300);
	repeat(&event, "]", 300);
	buf_lit(&event, "}}");
	check_failure(STR("event.data.v == async.data.v"), buf_view(&event), "recursion limit");
	// too slow
	buf_clear(&event);
	buf_lit(&event, "{\"data\":{\"v\":[0");
	repeat(&event, ",1", 2000);
	buf_lit(&event, "]}}");
	check_failure(STR("event.data.v.all(a, event.data.v.all(b, event.data.v.all(c, a + b + c >= 0.0))) == async.x"),
		      buf_view(&event), "too long");
	buf_free(&text);
	buf_free(&event);
}

// Maps are looked up by key and hold each key once; those that events become are not built by each evaluation.
static void test_maps(void **state) {
	static const char *const truths[] = {
		"{'a': 1, 'a': 2} == {'a': 2}",   "{'a': 1, 'a': 2}.a == 2",          "{1: 'x', 1u: 'y'}[1] == 'y'",
		"{true: 1, 1: 2}[true] == 1",     "{'a': [1, {'b': 2}]}.a[1].b == 2", "[[], {}] == [[], {}]",
		"{1: 'x', '1': 'y'}['1'] == 'y'", "[1, 2].exists(x, x == 2)",
	};
	struct arena arena;
	struct buf event;
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
		struct cel_value value = evaluate(&arena, str_from_cstr(truths[i]), CEL_INTERPOLATED, NULL, NULL);
		if (!is_true(&value)) fail_msg("%s", truths[i]);
	}
	struct cel_value bad = evaluate(&arena, STR("{1.5: 1}"), CEL_INTERPOLATED, NULL, NULL);
	assert_int_equal(bad.type, CEL_ERROR);
	buf_init(&event, CEL_TEXT_MAX);
	buf_lit(&event, "{\"data\":{");
	for (unsigned i = 0; i < 5000; i++) buf_printf(&event, "%s\"k%u\":1", i > 0 ? "," : "", i);
	buf_lit(&event, "}}");
	yyjson_doc *doc = read_doc(buf_view(&event));
	struct str text = interpolated(&arena, STR("event.data == async.data"), doc);
	const struct cel_program *program = cel_compile(&arena, text, CEL_INTERPOLATED, NULL);
	struct cel_binding binding = {STR("async"), yyjson_doc_get_root(doc)};
	struct cel_input input = {.bindings = &binding, .count = 1};
	for (int i = 0; i < 100; i++) { // takes minutes otherwise
		struct cel_value value = cel_eval(program, &input, &arena);
		assert_true(is_true(&value));
	}
	yyjson_doc_free(doc);
	buf_free(&event);
	arena_free(&arena);
}

// As large and as deep as programs can be; what takes more than linear time would be felt here.
static void test_hostile(void **state) {
	static const char *const rows[][3] = {
		// before, again and again, after
		{"", "event || ", "event.x.y == async.x"},
		{"", "event.data.missing == async.x || ", "async.x"},
		{"", "event.data.s && async.x && ", "async.x"},
		{"", "date(async.d) < now() || event.data.t || ", "async.x"},
		{"event", "[async.x]", " == 1"},
		{"event", ".data", " == async.x"},
		{"async.x in [1", ", event.data.s", "]"},
	};
	static const char *const nests[][3] = {
		{"(", "async.x", " + event.data.s)"},
		{"!(", "event.data.n / 0.0", " == async.x)"},
		{"(", "event.data.n / 0.0", " + 1.0)"},
		{"event.data.l.map(x, ", "async.x", ")"},
		{"[", "event.data.n / 0.0", "]"},
		{"event.data.l[", "async.i", "]"},
		{"(async.x ? event.data.t && ", "async.y", " : 1)"},
	};
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	yyjson_doc *event = read_doc(STR("{\"data\":{\"s\":\"x\",\"n\":1,\"t\":true,\"l\":[1,2]}}"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text;
		struct str out;
		struct cel_failure failure;
		buf_init(&text, CEL_TEXT_MAX);
		buf_str(&text, str_from_cstr(rows[i][0]));
		size_t step = strlen(rows[i][1]), room = i == 4 ? 300 * step : CEL_TEXT_MAX - 200;
		repeat(&text, rows[i][1], room / step);
		buf_str(&text, str_from_cstr(rows[i][2]));
		assert_false(text.overflow);
		if (interpolate(&arena, buf_view(&text), event, &out, &failure))
			assert_non_null(cel_compile(&arena, out, CEL_INTERPOLATED, NULL));
		buf_free(&text);
	}
	for (size_t i = 0; i < ARRAY_LEN(nests); i++) {
		struct buf text;
		buf_init(&text, CEL_TEXT_MAX);
		repeat(&text, nests[i][0], 60);
		buf_str(&text, str_from_cstr(nests[i][1]));
		repeat(&text, nests[i][2], 60);
		struct str out = interpolated(&arena, buf_view(&text), event);
		assert_non_null(cel_compile(&arena, out, CEL_INTERPOLATED, NULL));
		buf_free(&text);
	}
	yyjson_doc_free(event);
	arena_free(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specified),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_values_come_back),
		cmocka_unit_test(test_any_double),
		cmocka_unit_test(test_equalities),
		cmocka_unit_test(test_means_the_same),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_maps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
