#include "ask.h"

static void expect_data(const char *query, const char *body) {
	expect(&(struct question){.query = query}, NULL, 200, body);
}

// ---- resolving -----------------------------------------------------------------------------------------------------

static void a_field_is_resolved_once_for_all_its_parents(void **state) {
	(void)state;
	struct asked asked = {0};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	int status = ask(
		&(struct question){
			.query = "{books(first: 90) {id author {name} related {... on Book {id author {name}}}}}"},
		&asked, &out);
	assert_int_equal(status, 200);
	assert_int_equal(asked.related_calls, 1);
	// Once for the books, once for the related books of them all.
	assert_int_equal(asked.author_calls, 2);
	assert_int_equal(asked.author_parents, 180);
	buf_free(&out);
}

static void keys_stand_in_the_order_of_the_selection(void **state) {
	(void)state;
	expect_data("{books(first: 1) {pages title}}",
		    "{\"data\":{\"books\":[{\"pages\":300,\"title\":\"Effi Briest\"}]}}");
	expect_data("{z: book(id: \"b2\") {b: id a: pages} y: __typename}",
		    "{\"data\":{\"z\":{\"b\":\"b2\",\"a\":1},\"y\":\"Query\"}}");
}

static void selections_with_the_same_key_are_one(void **state) {
	(void)state;
	struct asked asked = {0};
	expect(&(struct question){.query = "{book(id: \"b1\") {author {name}} ...More book(id: \"b1\") {id id}}"
					   "fragment More on Query {book(id: \"b1\") {author {again: name}}}"},
	       &asked, 200,
	       "{\"data\":{\"book\":{\"author\":{\"name\":\"Fontane\",\"again\":\"Fontane\"},\"id\":\"b1\"}}}");
	assert_int_equal(asked.author_calls, 1);
}

static void fragments_stand_in_their_place(void **state) {
	(void)state;
	expect_data("query {...A ...A} fragment A on Query {... on Query {... {book(id: \"b2\") {...B}}}}"
		    "fragment B on Book {id ...C} fragment C on Book {title}",
		    "{\"data\":{\"book\":{\"id\":\"b2\",\"title\":\"Der Panther\"}}}");
	expect_data("{book(id: \"b2\") {... @defer {id} ...C @defer(label: \"later\")}} fragment C on Book {title}",
		    "{\"data\":{\"book\":{\"id\":\"b2\",\"title\":\"Der Panther\"}}}");
}

static void skip_and_include_decide(void **state) {
	(void)state;
	static const char query[] =
		"query ($yes: Boolean!, $no: Boolean = false) {book(id: \"b2\") {"
		"a: id @skip(if: true) b: id @skip(if: false) c: id @include(if: $yes) d: id @include(if: $no)"
		"... @skip(if: $yes) {e: id} ...F @include(if: $yes) ...F @skip(if: $yes)"
		"g: id @skip(if: $no) @include(if: $no)}} fragment F on Book {f: id}";
	expect(&(struct question){.query = query, .variables = "{\"yes\": true}"}, NULL, 200,
	       "{\"data\":{\"book\":{\"b\":\"b2\",\"c\":\"b2\",\"f\":\"b2\"}}}");
	expect(&(struct question){.query = query, .variables = "{\"yes\": false, \"no\": true}"}, NULL, 200,
	       "{\"data\":{\"book\":{\"b\":\"b2\",\"d\":\"b2\",\"e\":\"b2\",\"f\":\"b2\"}}}");
	expect_data("{book(id: \"b2\") {id @skip(if: true)}}", "{\"data\":{\"book\":{}}}");
}

static void unions_are_split_by_type(void **state) {
	(void)state;
	expect_data(
		"{books(first: 2) {id related {__typename ... on Film {length id} ... on Book {id}"
		" ... on Item {t: __typename}}}}",
		"{\"data\":{\"books\":["
		"{\"id\":\"b1\",\"related\":[{\"__typename\":\"Film\",\"length\":90,\"id\":\"f1\",\"t\":\"Film\"},null,"
		"{\"__typename\":\"Book\",\"id\":\"b2\",\"t\":\"Book\"}]},"
		"{\"id\":\"b2\",\"related\":[{\"__typename\":\"Film\",\"length\":90,\"id\":\"f1\",\"t\":\"Film\"},null,"
		"{\"__typename\":\"Book\",\"id\":\"b2\",\"t\":\"Book\"}]}]}}");
}

static void resolvers_learn_what_is_selected(void **state) {
	(void)state;
	struct asked asked = {0};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	ask(&(struct question){.query = "{book(id: \"b1\") {...A}} fragment A on Book {author {...N} related {... on "
					"Book {...B}}}"
					"fragment B on Book {author {n: name}} fragment N on Author {name}"},
	    &asked, &out);
	assert_true(asked.selects_name);
	assert_true(asked.selects_deep);
	assert_false(asked.selects_other);
	asked = (struct asked){0};
	ask(&(struct question){.query = "{book(id: \"b1\") {author {name @skip(if: true)} related {... on Book {author "
					"{__typename}}}}}"},
	    &asked, &out);
	assert_false(asked.selects_name);
	assert_false(asked.selects_deep);
	buf_free(&out);
}

static void mutations_run_one_after_the_other(void **state) {
	(void)state;
	struct asked asked = {0};
	expect(&(struct question){.query = "mutation {a: add(id: \"one\") {step child {step}} b: add(id: 2) {step} c: "
					   "add(id: -3) {id}}"},
	       &asked, 200,
	       "{\"data\":{\"a\":{\"step\":true,\"child\":{\"step\":true}},\"b\":{\"step\":true},\"c\":{\"id\":\"b1\"}"
	       "}}");
	assert_string_equal(asked.order, "one step step 2 step -3 ");
}

// ---- values --------------------------------------------------------------------------------------------------------

static void scalars_are_written_as_given(void **state) {
	(void)state;
	expect_data("{anything(how: \"int\")}", "{\"data\":{\"anything\":-5}}");
	expect_data("{anything(how: \"json\")}", "{\"data\":{\"anything\":[1,{\"a\":2}]}}");
	expect_data("{anythings(how: \"json\")}", "{\"data\":{\"anythings\":[1,{\"a\":2}]}}");
	expect_data("{anything(how: \"empty\")}", "{\"data\":{\"anything\":null}}");
	expect_data("{anything(how: \"null\")}", "{\"data\":{\"anything\":null}}");
	expect_data("{anything(how: \"bytes\")}", "{\"data\":{\"anything\":\"a\xef\xbf\xbd\\\"\\u0001<\xc3\xa4\"}}");
	expect_data("{matrix(how: \"list\")}", "{\"data\":{\"matrix\":[null,null]}}");
	expect_data("{genre(how: \"NOVEL\")}", "{\"data\":{\"genre\":\"NOVEL\"}}");
	expect_data("{book(id: \"b1\") {writer {name}}}", "{\"data\":{\"book\":{\"writer\":{\"name\":\"Fontane\"}}}}");
}

#define MISTAKE(field)                                                                                                 \
	"{\"errors\":[{\"message\":\"internal system error\",\"path\":[\"" field "\"]}],\"data\":{\"" field "\":null}" \
	"}"

static void what_does_not_fit_the_type_is_an_error(void **state) {
	(void)state;
	expect_data("{anything(how: \"object\")}", MISTAKE("anything"));
	expect_data("{anything(how: \"list\")}", MISTAKE("anything"));
	expect_data("{anythings(how: \"int\")}", MISTAKE("anythings"));
	expect_data("{genre(how: \"int\")}", MISTAKE("genre"));
	expect_data("{item(how: \"int\") {__typename}}", MISTAKE("item"));
	expect_data("{item(how: \"dog\") {__typename}}", MISTAKE("item"));
	expect_data("{item(how: \"object\") {__typename}}", MISTAKE("item"));
	expect_data("{item(how: \"film\") {__typename}}", "{\"data\":{\"item\":{\"__typename\":\"Film\"}}}");
	expect_data("{film(how: \"json\") {__typename}}", MISTAKE("film"));
	expect_data("{film(how: \"list\") {__typename}}", MISTAKE("film"));
	expect_data("{genre(how: \"bytes\")}",
		    "{\"errors\":[{\"message\":\"a\xef\xbf\xbd\\\"\\u0001\\u003c\xc3\xa4 is not a valid Genre\","
		    "\"path\":[\"genre\"]}],\"data\":{\"genre\":null}}");
	expect_data("{book(id: \"b4\") {genre}}",
		    "{\"errors\":[{\"message\":\"CARTOON is not a valid Genre\",\"path\":[\"book\",\"genre\"]}],"
		    "\"data\":{\"book\":{\"genre\":null}}}");
}

static const uint8_t some_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct everything {
	struct str text, none;
	const char *word, *no_word;
	struct ulid ulid, no_ulid;
	struct uuid uuid, no_uuid;
	uint32_t small;
	bool flag;
	int64_t ns, no_ns;
	uint64_t ms, no_ms, far_ms;
};

static void resolve_everything(struct gql_call *call) {
	struct everything *all = ARENA_NEW(call->arena, struct everything);
	*all = (struct everything){
		.text = STR_INIT("[1]"),
		.word = "w",
		.small = 4000000000u,
		.flag = true,
		.ns = 1500000000,
		.no_ns = INT64_MIN,
		.ms = 1795247902896,
		.far_ms = UINT64_MAX,
	};
	memcpy(all->ulid.bytes, some_id, sizeof some_id);
	memcpy(all->uuid.bytes, some_id, sizeof some_id);
	call->out[0] = gql_object(all);
}

static void members_are_read_as_the_table_says(void **state) {
	(void)state;
#define MEMBER(how, member) GQL_READ(#member, "Any", GQL_MEMBER_##how, struct everything, member)
	static const struct gql_field all_fields[] = {
		MEMBER(STR, text),
		MEMBER(STR_OR_NULL, none),
		GQL_READ("empty", "Any", GQL_MEMBER_STR, struct everything, none),
		GQL_READ("json", "[Any!]!", GQL_MEMBER_JSON, struct everything, text),
		MEMBER(CSTR, word),
		MEMBER(CSTR, no_word),
		MEMBER(ULID_OR_NULL, ulid),
		MEMBER(ULID_OR_NULL, no_ulid),
		GQL_READ("zero", "Any", GQL_MEMBER_ULID, struct everything, no_ulid),
		MEMBER(UUID, uuid),
		MEMBER(UUID_OR_NULL, no_uuid),
		MEMBER(U32, small),
		MEMBER(BOOL, flag),
		MEMBER(TIME_NS, ns),
		MEMBER(TIME_NS, no_ns),
		MEMBER(TIME_MS, ms),
		MEMBER(TIME_MS, no_ms),
		MEMBER(TIME_MS, far_ms),
		{0},
	};
	static const struct gql_field root_fields[] = {
		GQL_RESOLVED("all", "All", resolve_everything),
		{.name = "group", .type = "All", .member = GQL_MEMBER_SELF},
		{.name = "nothing", .type = "Any", .member = GQL_MEMBER_STR},
		{0},
	};
	static const struct gql_type all = {.kind = GQL_OBJECT_TYPE, .name = "All", .fields = all_fields};
	static const struct gql_type root = {.kind = GQL_OBJECT_TYPE, .name = "Root", .fields = root_fields};
	static const struct gql_type any = {.kind = GQL_SCALAR, .name = "Any"};
	const struct gql_type *const types[] = {&all, &root, &any};
	struct gql_schema *schema = NULL;
	struct error error = {0};
	if (gql_schema_new(types, 3, "Root", NULL, &schema, &error) != ERR_OK) fail_msg("%s", error.message);
	struct arena arena = {0};
	struct gql_request request = {
		.query = STR_INIT(
			"{all {text none empty json word no_word ulid no_ulid zero uuid no_uuid small flag ns no_ns ms"
			" no_ms far_ms} group {__typename} nothing}")};
	struct gql_limits limits = {.depth = GQL_DEPTH_MAX, .cost = GQL_COST_MAX};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	assert_int_equal(gql_execute(schema, NULL, &arena, &request, &limits, &out), 200);
	buf_byte(&out, '\0');
	assert_string_equal(
		out.ptr,
		"{\"errors\":[{\"message\":\"a time is too late\",\"path\":[\"all\",\"far_ms\"]}],\"data\":{\"all\":{"
		"\"text\":\"[1]\",\"none\":null,\"empty\":\"\",\"json\":[1],\"word\":\"w\",\"no_word\":null,"
		"\"ulid\":\"01081G81860W40J2GB1G6GW3RG\",\"no_ulid\":null,\"zero\":\"00000000000000000000000000\","
		"\"uuid\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"no_uuid\":null,\"small\":4000000000,"
		"\"flag\":true,\"ns\":\"1970-01-01T00:00:01.5Z\",\"no_ns\":null,\"ms\":\"2026-11-21T07:58:22.896Z\","
		"\"no_ms\":null,\"far_ms\":null},\"group\":null,\"nothing\":null}}");
	buf_free(&out);
	arena_free(&arena);
	gql_schema_free(schema);
}

// ---- errors and nulls ----------------------------------------------------------------------------------------------

static void errors_say_where_they_happened(void **state) {
	(void)state;
	expect_data("{book(id: \"bad\") {id}}", "{\"errors\":[{\"message\":\"no book "
						"\\u003cbad\\u003e\",\"path\":[\"book\"]}],\"data\":{\"book\":null}}");
	expect_data("{two: books(first: 2) {rel: related {... on Book {never: failing}}}}",
		    "{\"errors\":[{\"message\":\"never\",\"path\":[\"two\",0,\"rel\",2,\"never\"]},"
		    "{\"message\":\"never\",\"path\":[\"two\",1,\"rel\",2,\"never\"]}],"
		    "\"data\":{\"two\":[{\"rel\":[{},null,{\"never\":null}]},{\"rel\":[{},null,{\"never\":null}]}]}}");
}

#define REQUIRED "the requested element is null which the schema does not allow"

static void null_rises_to_the_nearest_nullable(void **state) {
	(void)state;
	expect_data("{shelf(first: 4) {id author {name}}}",
		    "{\"errors\":[{\"message\":\"nobody wrote b3\",\"path\":[\"shelf\",2,\"author\"]}],"
		    "\"data\":{\"shelf\":[{\"id\":\"b1\",\"author\":{\"name\":\"Fontane\"}},"
		    "{\"id\":\"b2\",\"author\":{\"name\":\"Rilke\"}},null,{\"id\":\"b4\",\"author\":{\"name\":"
		    "\"Busch\"}}]}}");
	expect_data("{books(first: 4) {title}}", "{\"errors\":[{\"message\":\"" REQUIRED
						 "\",\"path\":[\"books\",3,\"title\"]}],\"data\":{\"books\":null}}");
	expect_data("{book(id: \"b1\") {id} mustBook(id: \"b4\") {title}}",
		    "{\"errors\":[{\"message\":\"" REQUIRED "\",\"path\":[\"mustBook\",\"title\"]}],\"data\":null}");
	expect_data("{mustBook(id: \"bad\") {title}}",
		    "{\"errors\":[{\"message\":\"no book \\u003cbad\\u003e\",\"path\":[\"mustBook\"]}],\"data\":null}");
	expect_data("{mustBook(id: \"none\") {title}}",
		    "{\"errors\":[{\"message\":\"" REQUIRED "\",\"path\":[\"mustBook\"]}],\"data\":null}");
	expect_data("{book(id: \"b3\") {writer {name} child {child {id}}}}",
		    "{\"errors\":[{\"message\":\"" REQUIRED "\",\"path\":[\"book\",\"writer\",\"name\"]}],"
		    "\"data\":{\"book\":{\"writer\":null,\"child\":{\"child\":{\"id\":\"b1\"}}}}}");
}

static void lists_with_a_null_that_is_required_are_null(void **state) {
	(void)state;
	expect_data("{books(first: 2) {tags}}",
		    "{\"errors\":[{\"message\":\"" REQUIRED "\",\"path\":[\"books\",1,\"tags\",1]}],"
		    "\"data\":{\"books\":[{\"tags\":[\"NOVEL\",\"long\"]},{\"tags\":null}]}}");
}

static void errors_are_counted_to_a_maximum(void **state) {
	(void)state;
	struct buf out;
	buf_init(&out, SIZE_MAX);
	assert_int_equal(ask(&(struct question){.query = "{books(first: 5000) {failing}}"}, NULL, &out), 200);
	struct error error;
	yyjson_doc *doc = json_read(buf_view(&out), false, NULL, &error);
	yyjson_val *body = yyjson_doc_get_root(doc);
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(body, "errors")), GQL_ERRORS_MAX);
	assert_int_equal(yyjson_arr_size(yyjson_ptr_get(body, "/data/books")), 5000);
	yyjson_doc_free(doc);
	buf_free(&out);
}

static void null_for_a_required_argument_fails_the_field(void **state) {
	(void)state;
	expect(&(struct question){.query = "query ($n: Int = 1) {book(id: \"b1\") {id} books(first: $n) {id}}",
				  .variables = "{\"n\": 1}"},
	       NULL, 200, "{\"data\":{\"book\":{\"id\":\"b1\"},\"books\":[{\"id\":\"b1\"}]}}");
	struct buf out;
	buf_init(&out, SIZE_MAX);
	int status =
		ask(&(struct question){.query = "query ($n: Int = 1) {book(id: \"b1\") {id} books(first: $n) {id}}",
				       .variables = "{\"n\": null}"},
		    NULL, &out);
	assert_int_equal(status, 200);
	assert_true(str_find_str(buf_view(&out), STR("\"path\":[\"books\"]}],")) > 0);
	assert_true(str_ends_with(buf_view(&out), STR("\"data\":{\"book\":{\"id\":\"b1\"},\"books\":null}}")));
	buf_free(&out);
}

// ---- limits --------------------------------------------------------------------------------------------------------

#define TOO_LARGE "{\"errors\":[{\"message\":\"the response would be too large\"}],\"data\":null}"

static void responses_may_have_so_many_values(void **state) {
	(void)state;
	// The list, its three items, and a value in each.
	struct question question = {"{books(first: 3) {id}}", .limits = {.cost = 7}};
	expect(&question, NULL, 200, "{\"data\":{\"books\":[{\"id\":\"b1\"},{\"id\":\"b2\"},{\"id\":\"b3\"}]}}");
	question.limits.cost = 6;
	expect(&question, NULL, 200, TOO_LARGE);
	question.limits.cost = 3;
	expect(&question, NULL, 200, TOO_LARGE);
	question = (struct question){.query = "{anythings(how: \"huge\")}", .limits = {.cost = 2000}};
	expect(&question, NULL, 200, TOO_LARGE);
	// Errors from before do not stand next to it.
	question = (struct question){.query = "{book(id: \"bad\") {id} books(first: 30) {id}}", .limits = {.cost = 30}};
	expect(&question, NULL, 200, TOO_LARGE);
}

// Each field has its arguments for itself, so they count as what they weigh.
static void arguments_count_too(void **state) {
	(void)state;
	struct buf variables;
	buf_init(&variables, 1 << 20);
	buf_lit(&variables, "{\"id\":\"");
	for (int i = 0; i < 25600; i++) buf_byte(&variables, 'x');
	buf_lit(&variables, "\"}");
	buf_byte(&variables, '\0');
	expect(&(struct question){.query = "query ($id: ID!) {a: book(id: $id) {id} b: book(id: $id) {id}}",
				  .variables = variables.ptr,
				  .limits = {.cost = 150}},
	       NULL, 200, TOO_LARGE);
	expect(&(struct question){.query = "query ($id: ID!) {a: book(id: $id) {id}}",
				  .variables = variables.ptr,
				  .limits = {.cost = 150}},
	       NULL, 200, "{\"data\":{\"a\":null}}");
	buf_free(&variables);
}

// What fields cost is charged before anything of their place is resolved.
static void fields_cost_what_their_table_says(void **state) {
	(void)state;
	struct asked asked = {0};
	// The book; its two fields, and ten for each.
	struct question question = {"{book(id: \"b1\") {dear again: dear}}", .limits = {.cost = 23}};
	expect(&question, &asked, 200, "{\"data\":{\"book\":{\"dear\":true,\"again\":true}}}");
	assert_string_equal(asked.order, "step step ");
	asked = (struct asked){0};
	question.limits.cost = 20;
	expect(&question, &asked, 200, TOO_LARGE);
	assert_string_equal(asked.order, "");
}

static void expect_status(const struct question *question, size_t out_max, struct str start, size_t *bytes) {
	struct buf out;
	buf_init(&out, out_max);
	assert_int_equal(ask(question, NULL, &out), 200);
	if (!str_starts_with(buf_view(&out), start)) fail_msg("%.*s", (int)(out.len < 200 ? out.len : 200), out.ptr);
	*bytes = out.len;
	buf_free(&out);
}

// One text, many aliases.
static void texts_count_as_often_as_they_are_shown(void **state) {
	(void)state;
	enum { ALIASES = 50 };
	struct buf query;
	size_t bytes;
	buf_init(&query, SIZE_MAX);
	buf_byte(&query, '{');
	for (int i = 0; i < ALIASES; i++) buf_printf(&query, "a%d: anything(how: \"text\")", i);
	buf_lit(&query, "}");
	buf_byte(&query, '\0');
	struct question question = {.query = query.ptr};
	// Zeros are escaped, to six times their length.
	expect_status(&question, 7 * ALIASES * TEXT_BYTES, STR("{\"data\""), &bytes);
	assert_true(bytes > 6 * ALIASES * TEXT_BYTES);
	expect_status(&question, 2 * ALIASES * TEXT_BYTES, STR(TOO_LARGE), &bytes);
	expect_status(&question, ALIASES * TEXT_BYTES / 2, STR(TOO_LARGE), &bytes);
	buf_free(&query);
}

// Behind the field that has spent it nothing is resolved.
static void memory_is_limited(void **state) {
	(void)state;
	struct asked asked = {0};
	static const char query[] = "{a: anything(how: \"hog\") b: anything(how: \"hog\") book(id: \"b1\") {step}}";
	struct question question = {query, .limits = {.bytes = 4 * HOG_BYTES}};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	assert_int_equal(ask(&question, &asked, &out), 200);
	assert_true(str_ends_with(buf_view(&out), STR("\"book\":{\"step\":true}}}")));
	asked = (struct asked){0};
	question.limits.bytes = HOG_BYTES;
	expect(&question, &asked, 200, TOO_LARGE);
	assert_string_equal(asked.order, "");
	buf_free(&out);
}

#define LATE(path) "{\"message\":\"the request takes too long\",\"path\":[" path "]}"

// What was resolved before the time was over is told; nothing is begun after it.
static void time_is_limited(void **state) {
	(void)state;
	struct asked asked = {.deadline_ns = 1};
	struct question question = {"{book(id: \"b1\") {step}}", .limits = {.deadline_ns = &asked.deadline_ns}};
	expect(&question, &asked, 200, "{\"errors\":[" LATE("\"book\"") "],\"data\":{\"book\":null}}");
	question.query = "mutation {a: add(id: \"one\") {id} b: add(id: \"slow\") {isbn} c: add(id: \"two\") {id}}";
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (uint64_t ms = 20; strcmp(asked.order, "one slow ") != 0; ms *= 2) { // until the machine is fast enough
		asked = (struct asked){.deadline_ns = clock_mono_ns() + ms * 1000000};
		buf_clear(&out);
		assert_int_equal(ask(&question, &asked, &out), 200);
	}
	static const char late[] = "{\"errors\":[" LATE("\"b\",\"isbn\"") "," LATE("\"c\"") "],\"data\":null}";
	assert_true(str_eq_cstr(buf_view(&out), late));
	// A resolver may move the end.
	asked = (struct asked){.deadline_ns = clock_mono_ns() + 600000000000ull};
	question.query = "mutation {a: add(id: \"over\") {isbn} b: add(id: \"later\") {isbn}}";
	buf_clear(&out);
	assert_int_equal(ask(&question, &asked, &out), 200);
	assert_non_null(strstr(out.ptr, "\"path\":[\"a\",\"isbn\"]"));
	assert_string_equal(asked.order, "over ");
	buf_free(&out);
}

static void a_large_response_leaves_later_mutations_undone(void **state) {
	(void)state;
	struct asked asked = {0};
	expect(
		&(struct question){
			.query = "mutation {a: add(id: \"one\") {id step pages title} b: add(id: \"two\") {id}}",
			.limits = {.cost = 4}},
		&asked, 200, TOO_LARGE);
	assert_string_equal(asked.order, "one step ");
}

static void selections_may_be_so_deep(void **state) {
	(void)state;
	struct question question = {"{book(id: \"b1\") {child {...F}}} fragment F on Book {child {id}}",
				    .limits = {.depth = 4}};
	expect(&question, NULL, 200, "{\"data\":{\"book\":{\"child\":{\"child\":{\"id\":\"b1\"}}}}}");
	question.limits.depth = 3;
	expect(&question, NULL, 422,
	       "{\"errors\":[{\"message\":\"the selection is 4 fields deep, 3 are allowed\","
	       "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}");
}

// Fragments of fragments: far more places than the text has, though each of them is cheap.
static void fragments_cannot_multiply_without_end(void **state) {
	(void)state;
	struct buf query, out;
	buf_init(&query, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	buf_lit(&query, "{book(id: \"b1\") {...F0}}");
	for (int i = 0; i < 30; i++) {
		buf_printf(&query, "fragment F%d on Book {a: child {...F%d} b: child {...F%d}}", i, i + 1, i + 1);
	}
	buf_lit(&query, "fragment F30 on Book {id}");
	buf_byte(&query, '\0');
	assert_int_equal(ask(&(struct question){.query = query.ptr, .limits = {.cost = 50000}}, NULL, &out), 200);
	assert_true(str_eq(buf_view(&out), STR(TOO_LARGE)));
	// A million places, though as many values would be allowed at one.
	buf_clear(&out);
	assert_int_equal(ask(&(struct question){.query = query.ptr}, NULL, &out), 200);
	assert_true(str_eq(buf_view(&out), STR(TOO_LARGE)));
	buf_free(&query);
	buf_free(&out);
}

// As deep as documents may be (GQL_NESTING_MAX), fragments in their place.
static void deep_responses_do_not_cost_stack(void **state) {
	(void)state;
	enum { FRAGMENTS = 4, EACH = 45 };
	struct buf query, out;
	buf_init(&query, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	buf_lit(&query, "{__type(name: \"Book\") {...F0}}");
	for (int i = 0; i < FRAGMENTS; i++) {
		buf_printf(&query, "fragment F%d on __Type {", i);
		for (int k = 0; k < EACH; k++) buf_lit(&query, "ofType{");
		buf_printf(&query, "...F%d", i + 1);
		for (int k = 0; k <= EACH; k++) buf_byte(&query, '}');
	}
	buf_printf(&query, "fragment F%d on __Type {name}", FRAGMENTS);
	buf_byte(&query, '\0');
	assert_int_equal(ask(&(struct question){.query = query.ptr}, NULL, &out), 200);
	assert_true(str_eq(buf_view(&out), STR("{\"data\":{\"__type\":{\"ofType\":null}}}")));
	buf_clear(&query);
	buf_clear(&out);
	buf_lit(&query, "{book(id: \"b1\") {...F0}}");
	for (int i = 0; i < FRAGMENTS; i++) {
		buf_printf(&query, "fragment F%d on Book {", i);
		for (int k = 0; k < EACH; k++) buf_lit(&query, "child{");
		buf_printf(&query, "...F%d", i + 1);
		for (int k = 0; k <= EACH; k++) buf_byte(&query, '}');
	}
	buf_printf(&query, "fragment F%d on Book {failing title}", FRAGMENTS);
	buf_byte(&query, '\0');
	struct asked asked = {0};
	assert_int_equal(ask(&(struct question){.query = query.ptr, .limits = {.depth = SIZE_MAX}}, &asked, &out), 200);
	assert_int_equal(asked.child_calls, FRAGMENTS * EACH);
	assert_true(str_starts_with(buf_view(&out),
				    STR("{\"errors\":[{\"message\":\"never\",\"path\":[\"book\",\"child\",")));
	buf_free(&query);
	buf_free(&out);
}

static void a_body_that_does_not_fit_is_an_error(void **state) {
	(void)state;
	struct buf out;
	buf_init(&out, 100);
	assert_int_equal(ask(&(struct question){.query = "{books(first: 90) {id}}"}, NULL, &out), 200);
	assert_true(str_eq(buf_view(&out), STR(TOO_LARGE)));
	buf_free(&out);
}

// A request to a schema with queries only, and where one more kind of operation does not exist anyway.
static void expect_no_such_operation(const char *query) {
	const struct gql_type *const types[] = {&author_type};
	struct gql_schema *schema = NULL;
	struct arena arena = {0};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	assert_int_equal(gql_schema_new(types, 1, "Author", NULL, &schema, NULL), ERR_OK);
	struct gql_request request = {.query = str_from_cstr(query)};
	struct gql_limits limits = {.depth = GQL_DEPTH_MAX, .cost = GQL_COST_MAX};
	assert_int_equal(gql_execute(schema, NULL, &arena, &request, &limits, &out), 422);
	assert_true(str_ends_with(buf_view(&out), STR("\"data\":null}")));
	buf_free(&out);
	arena_free(&arena);
	gql_schema_free(schema);
}

// ---- requests ------------------------------------------------------------------------------------------------------

#define REFUSED(message)                       \
	"{\"errors\":[{\"message\":\"" message \
	"\",\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}"

static void operations_are_chosen_by_name(void **state) {
	(void)state;
	static const char two[] = "query A {a: __typename} query B {b: __typename}";
	expect(&(struct question){.query = two, .operation = "B"}, NULL, 200, "{\"data\":{\"b\":\"Query\"}}");
	expect(&(struct question){.query = two}, NULL, 422, REFUSED("operation  not found"));
	expect(&(struct question){.query = two, .operation = "C"}, NULL, 422, REFUSED("operation C not found"));
	expect(&(struct question){.query = "{a: __typename}", .operation = "C"}, NULL, 422,
	       REFUSED("operation C not found"));
	expect(&(struct question){.query = "query A {a: __typename}"}, NULL, 200, "{\"data\":{\"a\":\"Query\"}}");
	expect(&(struct question){.query = ""}, NULL, 422, REFUSED("no operation provided"));
	expect(&(struct question){.query = " \n"}, NULL, 422, REFUSED("no operation provided"));
	expect(&(struct question){.query = "fragment F on Query {__typename}"}, NULL, 422,
	       REFUSED("no operation provided"));
}

static void a_get_cannot_mutate(void **state) {
	(void)state;
	struct asked asked = {0};
	expect(&(struct question){.query = "mutation {add(id: \"one\") {id}}", .queries_only = true}, &asked, 406,
	       "{\"errors\":[{\"message\":\"GET requests only allow query operations\"}],\"data\":null}");
	assert_string_equal(asked.order, "");
	expect(&(struct question){.query = "{a: __typename}", .queries_only = true}, NULL, 200,
	       "{\"data\":{\"a\":\"Query\"}}");
}

static void what_is_no_request_is_refused(void **state) {
	(void)state;
	expect_no_such_operation("mutation {name}");
	expect_no_such_operation("subscription {name}");
	expect(&(struct question){.query = "{a: __typename}", .variables = "[1]"}, NULL, 422,
	       REFUSED("variables must be an object"));
	expect(&(struct question){.query = "{a: __typename}", .variables = "null"}, NULL, 200,
	       "{\"data\":{\"a\":\"Query\"}}");
	expect(&(struct question){.query = "{a: __typename # \xff\n}"}, NULL, 422,
	       "{\"errors\":[{\"message\":\"the query is not valid UTF-8\","
	       "\"extensions\":{\"code\":\"GRAPHQL_PARSE_FAILED\"}}],\"data\":null}");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_resolved_once_for_all_its_parents),
		cmocka_unit_test(keys_stand_in_the_order_of_the_selection),
		cmocka_unit_test(selections_with_the_same_key_are_one),
		cmocka_unit_test(fragments_stand_in_their_place),
		cmocka_unit_test(skip_and_include_decide),
		cmocka_unit_test(unions_are_split_by_type),
		cmocka_unit_test(resolvers_learn_what_is_selected),
		cmocka_unit_test(mutations_run_one_after_the_other),
		cmocka_unit_test(scalars_are_written_as_given),
		cmocka_unit_test(what_does_not_fit_the_type_is_an_error),
		cmocka_unit_test(members_are_read_as_the_table_says),
		cmocka_unit_test(errors_say_where_they_happened),
		cmocka_unit_test(null_rises_to_the_nearest_nullable),
		cmocka_unit_test(lists_with_a_null_that_is_required_are_null),
		cmocka_unit_test(errors_are_counted_to_a_maximum),
		cmocka_unit_test(null_for_a_required_argument_fails_the_field),
		cmocka_unit_test(responses_may_have_so_many_values),
		cmocka_unit_test(arguments_count_too),
		cmocka_unit_test(fields_cost_what_their_table_says),
		cmocka_unit_test(texts_count_as_often_as_they_are_shown),
		cmocka_unit_test(memory_is_limited),
		cmocka_unit_test(time_is_limited),
		cmocka_unit_test(a_large_response_leaves_later_mutations_undone),
		cmocka_unit_test(selections_may_be_so_deep),
		cmocka_unit_test(fragments_cannot_multiply_without_end),
		cmocka_unit_test(deep_responses_do_not_cost_stack),
		cmocka_unit_test(a_body_that_does_not_fit_is_an_error),
		cmocka_unit_test(operations_are_chosen_by_name),
		cmocka_unit_test(a_get_cannot_mutate),
		cmocka_unit_test(what_is_no_request_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
