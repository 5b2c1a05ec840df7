// A small schema over data in memory, for the tests of this folder and for fuzzing: books and films, with every kind of
// type and field.
#ifndef TESTS_GRAPHQL_LIBRARY_H
#define TESTS_GRAPHQL_LIBRARY_H

#include <stddef.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "graphql/graphql.h"

struct author {
	const char *name; // NULL: he cannot be found
};
struct book {
	const char *id, *title, *genre;
	struct author author;
	int64_t pages;
};
struct film {
	const char *id;
	int64_t length;
};

static const struct book books[] = {
	{"b1", "Effi Briest", "NOVEL", {"Fontane"}, 300},
	{"b2", "Der Panther", "POEM", {"Rilke"}, 1},
	{"b3", "Anonymous", "NOVEL", {NULL}, 7},
	{"b4", NULL, "CARTOON", {"Busch"}, 20},
};
static const struct film film = {"f1", 90};

// The context of a request: what resolvers have been asked.
struct asked {
	int author_calls, related_calls, child_calls;
	size_t author_parents;
	bool selects_name, selects_deep, selects_other;
	char order[64];
	uint64_t deadline_ns; // that `add` of "slow" waits for
};

#define BOOKS_MAX 100000
#define TEXT_BYTES 1000  // of the answer "text", which is not in the arena
#define HOG_BYTES 100000 // that the answer "hog" takes there

// ---- resolvers -----------------------------------------------------------------------------------------------------

static void resolve_books(struct gql_call *call) {
	int64_t wanted = yyjson_get_sint(gql_argument_get(call, "first"));
	size_t first = wanted < 0 ? 0 : wanted > BOOKS_MAX ? BOOKS_MAX : (size_t)wanted;
	call->out[0] = gql_list(call->arena, first);
	for (size_t i = 0; i < first; i++) call->out[0].items[i] = gql_object(&books[i % ARRAY_LEN(books)]);
}

static void resolve_book(struct gql_call *call) {
	struct str id = gql_argument_str(call, "id");
	for (size_t i = 0; i < ARRAY_LEN(books); i++) {
		if (str_eq_cstr(id, books[i].id)) call->out[0] = gql_object(&books[i]);
	}
	if (str_eq(id, STR("bad"))) call->out[0] = gql_fail(call->arena, "no book <%.*s>", STR_ARG(id));
}

static void resolve_author(struct gql_call *call) {
	struct asked *asked = call->context;
	asked->author_calls++;
	asked->author_parents += call->count;
	asked->selects_name |= gql_selects(call, "name");
	asked->selects_other |= gql_selects(call, "books") || gql_selects(call, "name.none");
	for (size_t i = 0; i < call->count; i++) {
		const struct book *book = call->parents[i];
		call->out[i] = book->author.name != NULL ? gql_object(&book->author)
							 : gql_fail(call->arena, "nobody wrote %s", book->id);
	}
}

// The same list for all of them.
static void resolve_related(struct gql_call *call) {
	struct asked *asked = call->context;
	asked->related_calls++;
	asked->selects_deep |= gql_selects(call, "author.name");
	struct gql_value list = gql_list(call->arena, 3);
	list.items[0] = (struct gql_value){.kind = GQL_OBJECT, .object = &film, .type = "Film"};
	list.items[2] = (struct gql_value){.kind = GQL_OBJECT, .object = &books[1], .type = "Book"};
	for (size_t i = 0; i < call->count; i++) call->out[i] = list;
}

static void resolve_tags(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct book *book = call->parents[i];
		struct gql_value list = gql_list(call->arena, 2);
		list.items[0] = gql_text(str_from_cstr(book->genre));
		if (book->pages > 10) list.items[1] = gql_text(STR("long"));
		call->out[i] = list;
	}
}

// What the argument says; the field's type may be another.
static void resolve_odd(struct gql_call *call) {
	struct str how = gql_argument_str(call, "how");
	struct gql_value *out = &call->out[0];
	static const char text[TEXT_BYTES];
	static const char bytes[] = "a\xff\"\x01<\xc3\xa4";
	*out = str_eq(how, STR("object"))  ? gql_object(&film)
	       : str_eq(how, STR("int"))   ? gql_int(-5)
	       : str_eq(how, STR("json"))  ? gql_json(STR("[1,{\"a\":2}]"))
	       : str_eq(how, STR("empty")) ? gql_json(STR(""))
	       : str_eq(how, STR("bytes")) ? gql_text(str_make(bytes, sizeof bytes - 1))
	       : str_eq(how, STR("list"))  ? gql_list(call->arena, 2)
	       : str_eq(how, STR("huge"))  ? gql_list(call->arena, 2000)
	       : str_eq(how, STR("dog"))   ? (struct gql_value){.kind = GQL_OBJECT, .object = &film, .type = "Dog"}
	       : str_eq(how, STR("film"))  ? (struct gql_value){.kind = GQL_OBJECT, .object = &film, .type = "Film"}
	       : str_eq(how, STR("text"))  ? gql_text(str_make(text, sizeof text))
	       : str_eq(how, STR("hog"))   ? gql_text(str_make(arena_calloc(call->arena, 1, HOG_BYTES), 1))
	       : str_eq(how, STR("NOVEL")) ? gql_text(how)
					   : gql_text((struct str){NULL, 0});
}

static void resolve_child(struct gql_call *call) {
	struct asked *asked = call->context;
	asked->child_calls++;
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_object(&books[0]);
}

static void resolve_failing(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_fail(call->arena, "never");
}

static void note(struct gql_call *call, const char *what) {
	struct asked *asked = call->context;
	size_t used = strlen(asked->order);
	snprintf(asked->order + used, sizeof asked->order - used, "%s ", what);
}

static void resolve_add(struct gql_call *call) {
	struct asked *asked = call->context;
	struct str id = gql_argument_str(call, "id");
	note(call, id.ptr);
	if (str_eq(id, STR("over"))) asked->deadline_ns = 1;
	while (str_eq(id, STR("slow")) && clock_mono_ns() < asked->deadline_ns) continue;
	call->out[0] = gql_object(&books[0]);
}

static void resolve_step(struct gql_call *call) {
	note(call, "step");
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_bool(true);
}

// ---- tables --------------------------------------------------------------------------------------------------------

static const struct gql_input id_argument[] = {{.name = "id", .type = "ID!"}, {0}};
static const struct gql_input how_argument[] = {{.name = "how", .type = "String!"}, {0}};
static const struct gql_input books_arguments[] = {
	{.name = "first", .type = "Int!", .fallback = "3", .description = "How many."},
	{.name = "genres", .type = "[Genre!]", .fallback = "[NOVEL]"},
	{.name = "range", .type = "Range"},
	{0},
};
static const struct gql_field author_fields[] = {
	GQL_READ("name", "String!", GQL_MEMBER_CSTR, struct author, name),
	{0},
};
static const struct gql_field book_fields[] = {
	GQL_READ("id", "ID!", GQL_MEMBER_CSTR, struct book, id),
	GQL_READ("title", "String!", GQL_MEMBER_CSTR, struct book, title),
	GQL_READ("genre", "Genre", GQL_MEMBER_CSTR, struct book, genre),
	GQL_READ("pages", "Int!", GQL_MEMBER_INT, struct book, pages),
	GQL_READ("writer", "Author", GQL_MEMBER_SELF, struct book, author),
	GQL_RESOLVED("author", "Author!", resolve_author),
	GQL_RESOLVED("related", "[Item]", resolve_related),
	GQL_RESOLVED("tags", "[String!]", resolve_tags),
	GQL_RESOLVED("child", "Book!", resolve_child),
	GQL_RESOLVED("failing", "String", resolve_failing),
	GQL_RESOLVED("step", "Boolean!", resolve_step),
	{.name = "dear", .type = "Boolean!", .resolve = resolve_step, .cost = 10},
	{.name = "isbn",
	 .type = "String",
	 .member = GQL_MEMBER_CSTR,
	 .offset = offsetof(struct book, id),
	 .deprecated = "use \"id\"",
	 .description = "A number."},
	{0},
};
static const struct gql_field film_fields[] = {
	GQL_READ("id", "ID!", GQL_MEMBER_CSTR, struct film, id),
	GQL_READ("length", "Int!", GQL_MEMBER_INT, struct film, length),
	{0},
};
static const struct gql_field query_fields[] = {
	GQL_RESOLVED_WITH("books", "[Book!]", resolve_books, books_arguments),
	GQL_RESOLVED_WITH("shelf", "[Book]", resolve_books, books_arguments),
	GQL_RESOLVED_WITH("book", "Book", resolve_book, id_argument),
	GQL_RESOLVED_WITH("mustBook", "Book!", resolve_book, id_argument),
	GQL_RESOLVED_WITH("anything", "Anything", resolve_odd, how_argument),
	GQL_RESOLVED_WITH("anythings", "[Anything]", resolve_odd, how_argument),
	GQL_RESOLVED_WITH("matrix", "[[Int!]]", resolve_odd, how_argument),
	GQL_RESOLVED_WITH("genre", "Genre", resolve_odd, how_argument),
	GQL_RESOLVED_WITH("item", "Item", resolve_odd, how_argument),
	GQL_RESOLVED_WITH("film", "Film", resolve_odd, how_argument),
	{0},
};
static const struct gql_field mutation_fields[] = {
	GQL_RESOLVED_WITH("add", "Book!", resolve_add, id_argument),
	{0},
};
static const struct gql_input range_inputs[] = {
	{.name = "from", .type = "Int!", .fallback = "1", .description = "The first page."},
	{.name = "until", .type = "Int"},
	{0},
};
static const struct gql_enum_value genre_values[] = {
	{.name = "NOVEL"},
	{.name = "POEM"},
	{.name = "ESSAY", .deprecated = "No longer supported"},
	{0},
};
static const char *const item_members[] = {"Book", "Film", NULL};

static const struct gql_type author_type = {.kind = GQL_OBJECT_TYPE, .name = "Author", .fields = author_fields};
static const struct gql_type book_type = {
	.kind = GQL_OBJECT_TYPE, .name = "Book", .description = "Something\nto \"read\"", .fields = book_fields};
static const struct gql_type film_type = {.kind = GQL_OBJECT_TYPE, .name = "Film", .fields = film_fields};
static const struct gql_type query_type = {.kind = GQL_OBJECT_TYPE, .name = "Query", .fields = query_fields};
static const struct gql_type mutation_type = {.kind = GQL_OBJECT_TYPE, .name = "Mutation", .fields = mutation_fields};
static const struct gql_type item_type = {.kind = GQL_UNION, .name = "Item", .members = item_members};
static const struct gql_type genre_type = {.kind = GQL_ENUM, .name = "Genre", .values = genre_values};
static const struct gql_type range_type = {.kind = GQL_INPUT_TYPE, .name = "Range", .inputs = range_inputs};
static const struct gql_type anything_type = {.kind = GQL_SCALAR, .name = "Anything", .description = "Any value."};
static const struct gql_type *const library[] = {
	&query_type, &mutation_type, &author_type, &book_type,     &film_type,
	&item_type,  &genre_type,    &range_type,  &anything_type,
};

#endif
