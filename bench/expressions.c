// bench_expressions: evaluations per second of an ordinary trigger's expression over a parsed event of 1 KB, and how
// long compiling it takes; one thread. Prints JSON.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cel/cel.h"

#define EXPRESSION STR("event.data.amount > 100 && event.data.country == 'NL'")
#define ROUNDS 5
#define ROUND_NS 300000000ull
#define EVALUATIONS 10000
#define COMPILATIONS 1000
#define EVENT_BYTES 1024

// As the server stores it: canonical, keys in order.
static struct str make_event(struct arena *arena) {
	static const char before[] =
		"{\"data\":{\"address\":{\"city\":\"Utrecht\",\"street\":\"Oudegracht 1\",\"zip\":\"3511 AA\"},"
		"\"amount\":149.5,\"country\":\"NL\",\"customer\":{\"email\":\"someone@example.com\",\"id\":\"c_"
		"19283\","
		"\"name\":\"A. Customer\",\"vip\":false},\"id\":\"order_8812734\",\"items\":["
		"{\"name\":\"first\",\"price\":99.5,\"quantity\":1,\"sku\":\"A-1001\"},"
		"{\"name\":\"second\",\"price\":25,\"quantity\":2,\"sku\":\"B-2002\"}],\"note\":\"";
	static const char after[] =
		"\",\"paid\":true},\"id\":\"01KAJ5Q6T7V8W9X0Y1Z2A3B4C4\",\"name\":\"shop/order.placed\","
		"\"ts\":1795247902496,\"user\":{}}";
	struct buf text;
	buf_init(&text, 2 * EVENT_BYTES);
	buf_lit(&text, before);
	while (text.len + sizeof after - 1 < EVENT_BYTES) buf_byte(&text, (char)('a' + text.len % 26));
	buf_lit(&text, after);
	struct str event = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return event;
}

static double evaluations_per_s(const struct cel_program *program, const struct cel_input *input) {
	struct arena scratch;
	arena_init(&scratch, 0);
	uint64_t from_ns = clock_mono_ns(), count = 0, spent_ns;
	do {
		for (unsigned i = 0; i < EVALUATIONS; i++) {
			struct cel_value value = cel_eval(program, input, &scratch);
			CHECK(value.type == CEL_BOOL && value.boolean);
		}
		count += EVALUATIONS;
		spent_ns = clock_mono_ns() - from_ns;
	} while (spent_ns < ROUND_NS);
	arena_free(&scratch);
	return (double)count / ((double)spent_ns / 1e9);
}

static double compile_us(void) {
	uint64_t from_ns = clock_mono_ns(), count = 0, spent_ns;
	do {
		for (unsigned i = 0; i < COMPILATIONS; i++) {
			struct arena arena;
			arena_init(&arena, 0);
			CHECK(cel_compile(&arena, EXPRESSION, CEL_EVALUATE, NULL) != NULL);
			arena_free(&arena);
		}
		count += COMPILATIONS;
		spent_ns = clock_mono_ns() - from_ns;
	} while (spent_ns < ROUND_NS);
	return (double)spent_ns / 1000 / (double)count;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(void) {
	struct arena arena;
	arena_init(&arena, 4096);
	struct str event = make_event(&arena);
	yyjson_doc *doc = yyjson_read(event.ptr, event.len, 0);
	CHECK(doc != NULL && event.len == EVENT_BYTES);
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(doc)};
	struct cel_input input = {.bindings = &binding, .count = 1, .now_ns = 1};
	const struct cel_program *program = cel_compile(&arena, EXPRESSION, CEL_EVALUATE, NULL);
	CHECK(program != NULL);
	double rates[ROUNDS], times[ROUNDS];
	for (unsigned i = 0; i < ROUNDS; i++) {
		rates[i] = evaluations_per_s(program, &input);
		times[i] = compile_us();
	}
	qsort(rates, ROUNDS, sizeof rates[0], ascending);
	qsort(times, ROUNDS, sizeof times[0], ascending);
	printf("{\"evaluations_per_s\":%.0f,\"compile_us\":%.3f}\n", rates[ROUNDS / 2], times[ROUNDS / 2]);
	yyjson_doc_free(doc);
	arena_free(&arena);
	return 0;
}
