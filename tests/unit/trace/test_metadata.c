// Metadata folded by its ops (spec 06 §18.1), in the tree (§15.1 steps 2, 6, 7).
#include "trace_test.h"

#define KIND "userland.x"

static struct trace_node *make_tree(struct fixture *f) {
	f->all.count = 0;
	struct span *root = add_root(f, SPAN_COMPLETED, 10, 400);
	static struct str rows[] = {STR_INIT("row")};
	root->row_ids = rows;
	root->row_id_count = 1;
	set_op(add_step(f, "s1", "", SPAN_COMPLETED, 1, 1, 2, 3), OPCODE_STEP_RUN, "one", "one");
	struct trace_node *tree = trace_tree(&f->arena, &f->subject, &f->all);
	assert_non_null(tree);
	return tree;
}

static void put(struct fixture *f, const char *op, const char *values) {
	add_metadata(f, STR("s1"), "step", KIND, op, values);
}

// Of the step's only entry.
static void check_values(struct fixture *f, const char *expected) {
	const struct trace_node *step = make_tree(f)->children[0];
	assert_int_equal(step->metadata_count, 1);
	assert_string_equal(arena_printf(&f->arena, "%.*s", STR_ARG(step->metadata[0].values)).ptr, expected);
	f->all.metadata_count = 0;
}

static void test_none(void **state) {
	struct fixture *f = *state;
	struct trace_node *tree = make_tree(f);
	assert_int_equal(tree->metadata_count + tree->children[0]->metadata_count, 0);
}

static void test_merge(void **state) {
	struct fixture *f = *state;
	put(f, "merge", "{\"b\":1,\"a\":{\"z\":[1],\"y\":null}}");
	put(f, "merge", "{\"c\":\"\xc3\xa9\\n\",\"b\":2}");
	check_values(f, "{\"a\":{\"z\":[1],\"y\":null},\"b\":2,\"c\":\"\xc3\xa9\\n\"}");
	put(f, "", "{\"a\":1}");
	put(f, "whatever", "{\"b\":1}");
	check_values(f, "{\"a\":1,\"b\":1}");
}

static void test_set(void **state) {
	struct fixture *f = *state;
	put(f, "merge", "{\"a\":1,\"b\":1}");
	put(f, "set", "{\"b\":2,\"c\":2}");
	put(f, "merge", "{\"d\":3}");
	check_values(f, "{\"b\":2,\"c\":2,\"d\":3}");
}

static void test_delete(void **state) {
	struct fixture *f = *state;
	put(f, "merge", "{\"a\":1,\"b\":1}");
	put(f, "delete", "{\"a\":null,\"nothing\":1}");
	check_values(f, "{\"b\":1}");
	put(f, "merge", "{\"a\":1}");
	put(f, "delete", "{\"a\":1}");
	check_values(f, "{}");
	put(f, "merge", "{\"a\":1}");
	put(f, "delete", "{\"a\":1}");
	put(f, "add", "{\"a\":5}");
	check_values(f, "{\"a\":5}");
}

static void test_add(void **state) {
	struct fixture *f = *state;
	put(f, "merge", "{\"n\":1,\"text\":\"x\",\"keep\":2}");
	put(f, "add", "{\"n\":2,\"text\":3,\"keep\":\"no number\",\"new\":4,\"none\":null}");
	put(f, "add", "{\"n\":0.5}");
	check_values(f, "{\"keep\":2,\"n\":3.5,\"new\":4,\"text\":3}");
	put(f, "merge", "{\"n\":9007199254740991}");
	put(f, "add", "{\"n\":-1}");
	check_values(f, "{\"n\":9007199254740990}");
	put(f, "merge", "{\"n\":1e308}");
	put(f, "add", "{\"n\":1e308}"); // would be no number any more
	check_values(f, "{\"n\":1e308}");
	put(f, "merge", "{\"n\":-9223372036854775808}");
	put(f, "add", "{\"n\":-9223372036854775808}");
	check_values(f, "{\"n\":-18446744073709552000}");
}

// What cannot be read is as if it were not there.
static void test_unreadable(void **state) {
	struct fixture *f = *state;
	put(f, "merge", "");
	put(f, "merge", "[1]");
	put(f, "set", "{");
	put(f, "merge", "{\"a\":1}");
	put(f, "set", "null");
	check_values(f, "{\"a\":1}");
}

static void check_entry(const struct trace_node *node, size_t i, const char *scope, const char *kind,
			const char *values) {
	assert_true(i < node->metadata_count);
	assert_true(str_eq_cstr(node->metadata[i].scope, scope));
	assert_true(str_eq_cstr(node->metadata[i].kind, kind));
	assert_true(str_eq_cstr(node->metadata[i].values, values));
}

// By scope, then kind; of a span by its id and by its row's; stored usage is dropped, the sum comes last.
static void test_order(void **state) {
	struct fixture *f = *state;
	add_metadata(f, STR("row"), "step", "b", "merge", "{\"x\":1}");
	add_metadata(f, STR("row"), "step", "a", "merge", "{\"x\":\"two\"}");
	add_metadata(f, STR("row"), "run", "inngest.usage", "merge", "{\"metadata_bytes\":1}");
	add_metadata(f, STR("row"), "extended_trace", "z", "merge", "{}");
	add_metadata(f, STR(ROOT), "step", "b", "merge", "{\"long\":{\"a\":1}}");
	add_metadata(f, STR("s1"), "step", "b", "merge", "{\"k\":7}");
	add_metadata(f, STR("nobody"), "step", "b", "merge", "{\"k\":7}");
	f->metadata[4].updated_ns = at(77);
	const struct trace_node *tree = make_tree(f);
	assert_int_equal(tree->metadata_count, 4);
	check_entry(tree, 0, "extended_trace", "z", "{}");
	check_entry(tree, 1, "step", "a", "{\"x\":\"two\"}");
	check_entry(tree, 2, "step", "b", "{\"long\":{\"a\":1},\"x\":1}");
	assert_int_equal(tree->metadata[2].updated_ns, at(77));
	// long{"a":1} x1 x"two" k7
	check_entry(tree, 3, "run", "inngest.usage", "{\"metadata_bytes\":21}");
	assert_int_equal(tree->metadata[3].updated_ns, at(400));
	assert_int_equal(tree->children[0]->metadata_count, 1);
	check_entry(tree->children[0], 0, "step", "b", "{\"k\":7}");
}

// Many keys that come and go cost no more than they are many.
static void test_many(void **state) {
	struct fixture *f = *state;
	struct buf values;
	buf_init(&values, 1 << 20);
	for (size_t i = 0; i < 5000; i++) buf_printf(&values, "%c\"k%zu\":%zu", i == 0 ? '{' : ',', i, i);
	buf_byte(&values, '}');
	buf_byte(&values, '\0');
	for (size_t i = 0; i < 50; i++) put(f, i % 2 == 0 ? "set" : "add", values.ptr);
	put(f, "set", "{\"k7\":1}");
	check_values(f, "{\"k7\":1}");
	buf_free(&values);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_none), TRACE_TEST(test_merge),      TRACE_TEST(test_set),   TRACE_TEST(test_delete),
		TRACE_TEST(test_add),  TRACE_TEST(test_unreadable), TRACE_TEST(test_order), TRACE_TEST(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
