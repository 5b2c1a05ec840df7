#include "ask.h"
#include "graphql/internal.h"

static void nothing(struct gql_call *call) {
	(void)call;
}

// ---- mistakes in tables --------------------------------------------------------------------------------------------

static const struct gql_field good_fields[] = {GQL_RESOLVED("a", "Int", nothing), {0}};
static const struct gql_type good_type = {.kind = GQL_OBJECT_TYPE, .name = "Query", .fields = good_fields};
static const struct gql_input good_inputs[] = {{.name = "a", .type = "Int"}, {0}};

// The root and one more type.
static void expect_mistake(const struct gql_type *type, const char *message) {
	const struct gql_type *const types[] = {&good_type, type};
	struct gql_schema *schema = NULL;
	struct error error = {0};
	assert_int_equal(gql_schema_new(types, 2, "Query", NULL, &schema, &error), ERR_INVALID);
	assert_string_equal(error.message, message);
	assert_null(schema);
}

static void expect_field_mistake(struct gql_field field, const char *message) {
	const struct gql_field fields[] = {GQL_RESOLVED("first", "Int", nothing), field, {0}};
	expect_mistake(&(struct gql_type){.kind = GQL_OBJECT_TYPE, .name = "T", .fields = fields}, message);
}

static void fields_are_checked(void **state) {
	(void)state;
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", "Nope", nothing), "T.b: unknown type Nope");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", NULL, nothing), "T.b: unknown type (none)");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", "[Int", nothing), "T.b: unknown type [Int");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", "Int!!", nothing), "T.b: unknown type Int!!");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", "!", nothing), "T.b: unknown type !");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("b", "[", nothing), "T.b: unknown type [");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("first", "Int", nothing), "T: first is there twice");
	expect_field_mistake((struct gql_field)GQL_RESOLVED("1", "Int", nothing), "T: 1 is no name");
	expect_field_mistake((struct gql_field){.name = "b", .type = "Int"}, "T.b has no resolver nor member");
	expect_field_mistake(
		(struct gql_field){.name = "b", .type = "Int", .resolve = nothing, .member = GQL_MEMBER_INT},
		"T.b has both a resolver and a member");
	expect_field_mistake((struct gql_field){.name = "b", .type = "Int", .member = GQL_MEMBER_SELF},
			     "T.b: its member cannot be a Int");
	expect_field_mistake((struct gql_field){.name = "b", .type = "[Query]", .member = GQL_MEMBER_SELF},
			     "T.b: its member cannot be a [Query]");
	expect_field_mistake((struct gql_field){.name = "b", .type = "Query", .member = GQL_MEMBER_STR},
			     "T.b: its member cannot be a Query");
	expect_field_mistake((struct gql_field){.name = "b", .type = "[Int]", .member = GQL_MEMBER_INT},
			     "T.b: its member cannot be a [Int]");
}

static void expect_argument_mistake(struct gql_input argument, const char *message) {
	const struct gql_input arguments[] = {{.name = "x", .type = "Int"}, argument, {0}};
	expect_field_mistake((struct gql_field)GQL_RESOLVED_WITH("b", "Int", nothing, arguments), message);
}

static void arguments_are_checked(void **state) {
	(void)state;
	expect_argument_mistake((struct gql_input){.name = "y", .type = "Nope"}, "T: b(y): unknown type Nope");
	expect_argument_mistake((struct gql_input){.name = "y", .type = "[Query!]"},
				"T: b(y): [Query!] is no input type");
	expect_argument_mistake((struct gql_input){.name = "x", .type = "Int"}, "T: b: x is there twice");
	static const struct {
		const char *type, *fallback;
	} cases[] = {
		{"Int", "\"1\""},         {"Int!", "null"}, {"Boolean", "1"},    {"String", "abc"},
		{"Int", "1) {a} x(y: 1"}, {"Int", ""},      {"[Int!]", "[1,]}"}, {"Int", "$x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char message[100];
		snprintf(message, sizeof message, "T: b(y): %s is no %s", cases[i].fallback, cases[i].type);
		expect_argument_mistake(
			(struct gql_input){.name = "y", .type = cases[i].type, .fallback = cases[i].fallback}, message);
	}
}

static void types_are_checked(void **state) {
	(void)state;
	expect_mistake(&good_type, "type Query is there twice");
	expect_mistake(&(struct gql_type){.kind = GQL_SCALAR, .name = "Int"}, "type Int is there twice");
	expect_mistake(&(struct gql_type){.kind = GQL_SCALAR}, "a type has no name");
	expect_mistake(&(struct gql_type){.kind = GQL_SCALAR, .name = "A-b"}, "A-b is no name of a type");
	expect_mistake(&(struct gql_type){.kind = GQL_SCALAR, .name = "__A"},
		       "__A: names with __ are those of introspection");
	expect_mistake(&(struct gql_type){.kind = GQL_OBJECT_TYPE, .name = "T"}, "T has no fields");
	expect_mistake(&(struct gql_type){.kind = GQL_INPUT_TYPE, .name = "T"}, "T has no fields");
	expect_mistake(&(struct gql_type){.kind = GQL_ENUM, .name = "T"}, "T has no values");
	expect_mistake(&(struct gql_type){.kind = GQL_UNION, .name = "T"}, "T has no members");
	static const struct gql_enum_value values[] = {{.name = "A"}, {.name = "A"}, {0}};
	expect_mistake(&(struct gql_type){.kind = GQL_ENUM, .name = "T", .values = values}, "T: A is there twice");
	static const char *const scalars[] = {"Query", "Int", NULL}, *const unknown[] = {"Nope", NULL};
	expect_mistake(&(struct gql_type){.kind = GQL_UNION, .name = "T", .members = scalars},
		       "T: its member Int is no object type");
	expect_mistake(&(struct gql_type){.kind = GQL_UNION, .name = "T", .members = unknown},
		       "T: its member Nope is no object type");
	static const struct gql_input inputs[] = {{.name = "a", .type = "Query"}, {0}};
	expect_mistake(&(struct gql_type){.kind = GQL_INPUT_TYPE, .name = "T", .inputs = inputs},
		       "T(a): Query is no input type");
}

static void input_types_are_no_output(void **state) {
	(void)state;
	static const struct gql_type input = {.kind = GQL_INPUT_TYPE, .name = "In", .inputs = good_inputs};
	static const struct gql_field fields[] = {GQL_RESOLVED("a", "In", nothing), {0}};
	static const struct gql_type root = {.kind = GQL_OBJECT_TYPE, .name = "Root", .fields = fields};
	const struct gql_type *const types[] = {&root, &input};
	struct gql_schema *schema = NULL;
	struct error error = {0};
	assert_int_equal(gql_schema_new(types, 2, "Root", NULL, &schema, &error), ERR_INVALID);
	assert_string_equal(error.message, "Root.a: In is an input type");
	assert_int_equal(gql_schema_new(types + 1, 1, "Root", NULL, &schema, &error), ERR_INVALID);
	assert_string_equal(error.message, "root Root is no object type");
	assert_int_equal(gql_schema_new(types + 1, 1, "In", NULL, &schema, &error), ERR_INVALID);
	assert_string_equal(error.message, "root In is no object type");
}

// ---- look-ups ------------------------------------------------------------------------------------------------------

static void types_and_members_are_found(void **state) {
	(void)state;
	struct gql_schema *schema = library_new();
	const struct gql_type *book = gql_type_find(schema, STR("Book"));
	assert_ptr_equal(book, &book_type);
	assert_null(gql_type_find(schema, STR("book")));
	assert_null(gql_type_find(schema, STR("")));
	assert_non_null(gql_type_find(schema, STR("Boolean")));
	assert_non_null(gql_type_find(schema, STR("__Type")));
	assert_ptr_equal(gql_field_find(book, STR("title")), &book_fields[1]);
	assert_null(gql_field_find(book, STR("titl")));
	assert_null(gql_field_find(&item_type, STR("title")));
	assert_ptr_equal(gql_input_find(books_arguments, STR("genres")), &books_arguments[1]);
	assert_null(gql_input_find(books_arguments, STR("genre")));
	assert_null(gql_input_find(NULL, STR("genre")));
	assert_true(gql_enum_has(&genre_type, STR("POEM")));
	assert_false(gql_enum_has(&genre_type, STR("POEMS")));
	assert_true(gql_type_is(book, book));
	assert_true(gql_type_is(book, &item_type));
	assert_false(gql_type_is(&author_type, &item_type));
	assert_false(gql_type_is(book, &film_type));
	assert_string_equal(schema->query->name, "Query");
	assert_string_equal(schema->mutation->name, "Mutation");
	gql_schema_free(schema);
	gql_schema_free(NULL);
}

static void equal_references_are_the_same(void **state) {
	(void)state;
	struct gql_schema *schema = library_new();
	struct arena arena = {0};
	const struct gql_ref *list = gql_ref_of_text(schema, "[Genre!]");
	assert_non_null(list);
	assert_null(list->type);
	assert_false(list->is_required);
	assert_true(list->of->is_required);
	assert_ptr_equal(list->of->type, &genre_type);
	assert_ptr_equal(list->of, gql_ref_of_text(schema, "Genre!"));
	assert_ptr_equal(gql_ref_named(list), &genre_type);
	struct gql_type_name genre = {.name = STR_INIT("Genre"), .is_required = true};
	struct gql_type_name name = {.of = &genre};
	assert_ptr_equal(gql_ref_of_name(schema, &arena, &name), list);
	// Of a document only.
	struct gql_type_name outer = {.of = &name, .is_required = true};
	const struct gql_ref *deep = gql_ref_of_name(schema, &arena, &outer);
	assert_string_equal(deep->text, "[[Genre!]]!");
	assert_true(deep->is_required);
	assert_ptr_equal(deep->of, list);
	genre.name = STR("Nope");
	assert_null(gql_ref_of_name(schema, &arena, &outer));
	assert_null(gql_ref_of_text(schema, "[[[Genre]]]"));
	arena_free(&arena);
	gql_schema_free(schema);
}

// ---- as text -------------------------------------------------------------------------------------------------------

static const char expected[] =
	"\"\"\"Allows an answer in parts. Answers are always whole.\"\"\"\n"
	"directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT\n"
	"\n"
	"\"\"\"Any value.\"\"\"\n"
	"scalar Anything\n"
	"\n"
	"type Author {\n"
	"  name: String!\n"
	"}\n"
	"\n"
	"\"\"\"\n"
	"Something\n"
	"to \"read\"\n"
	"\"\"\"\n"
	"type Book {\n"
	"  id: ID!\n"
	"  title: String!\n"
	"  genre: Genre\n"
	"  pages: Int!\n"
	"  writer: Author\n"
	"  author: Author!\n"
	"  related: [Item]\n"
	"  tags: [String!]\n"
	"  child: Book!\n"
	"  failing: String\n"
	"  step: Boolean!\n"
	"  dear: Boolean!\n"
	"  \"\"\"A number.\"\"\"\n"
	"  isbn: String @deprecated(reason: \"use \\\"id\\\"\")\n"
	"}\n"
	"\n"
	"type Film {\n"
	"  id: ID!\n"
	"  length: Int!\n"
	"}\n"
	"\n"
	"enum Genre {\n"
	"  NOVEL\n"
	"  POEM\n"
	"  ESSAY @deprecated\n"
	"}\n"
	"\n"
	"union Item = Book | Film\n"
	"\n"
	"type Mutation {\n"
	"  add(id: ID!): Book!\n"
	"}\n"
	"\n"
	"type Query {\n"
	"  books(\n"
	"    \"\"\"How many.\"\"\"\n"
	"    first: Int! = 3\n"
	"    genres: [Genre!] = [NOVEL]\n"
	"    range: Range\n"
	"  ): [Book!]\n"
	"  shelf(\n"
	"    \"\"\"How many.\"\"\"\n"
	"    first: Int! = 3\n"
	"    genres: [Genre!] = [NOVEL]\n"
	"    range: Range\n"
	"  ): [Book]\n"
	"  book(id: ID!): Book\n"
	"  mustBook(id: ID!): Book!\n"
	"  anything(how: String!): Anything\n"
	"  anythings(how: String!): [Anything]\n"
	"  matrix(how: String!): [[Int!]]\n"
	"  genre(how: String!): Genre\n"
	"  item(how: String!): Item\n"
	"  film(how: String!): Film\n"
	"}\n"
	"\n"
	"input Range {\n"
	"  \"\"\"The first page.\"\"\"\n"
	"  from: Int! = 1\n"
	"  until: Int\n"
	"}\n";

static void schemas_are_written_as_text(void **state) {
	(void)state;
	struct gql_schema *schema = library_new();
	struct buf out;
	buf_init(&out, SIZE_MAX);
	gql_schema_write(schema, &out);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
	gql_schema_free(schema);
}

static void unusual_roots_and_descriptions_are_written(void **state) {
	(void)state;
	static const struct gql_type root = {.kind = GQL_OBJECT_TYPE,
					     .name = "Root",
					     .description = "Says \"\"\"this\"\"\" and \"that\"",
					     .fields = good_fields};
	const struct gql_type *const types[] = {&root};
	struct gql_schema *schema = NULL;
	assert_int_equal(gql_schema_new(types, 1, "Root", "Root", &schema, NULL), ERR_OK);
	struct buf out;
	buf_init(&out, SIZE_MAX);
	gql_schema_write(schema, &out);
	assert_true(str_starts_with(buf_view(&out), STR("schema {\n  query: Root\n  mutation: Root\n}\n\n")));
	assert_true(str_ends_with(buf_view(&out), STR("\"\"\"Says \\\"\"\"this\\\"\"\" and \"that\"\n\"\"\"\n"
						      "type Root {\n  a: Int\n}\n")));
	buf_free(&out);
	gql_schema_free(schema);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(types_are_checked),
		cmocka_unit_test(input_types_are_no_output),
		cmocka_unit_test(types_and_members_are_found),
		cmocka_unit_test(equal_references_are_the_same),
		cmocka_unit_test(schemas_are_written_as_text),
		cmocka_unit_test(unusual_roots_and_descriptions_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
