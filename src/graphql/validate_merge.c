// Fields that end up under one response key must be the same field with the same arguments, or at least have the same
// shape when they can never belong to the same object (GraphQL October 2021 §5.3.2).
//
// Comparing all pairs is quadratic, and following fragments along each way to them is exponential. Instead, all fields
// that may meet in one response object are collected at once and sorted by key; equality is compared with the first of
// its kind only; then the selections of the fields of one key form the next such collection. A collection that was
// looked at is not looked at again: it is known by the selections that it is made of. What hostile documents can still
// make of this ends at MERGE_MAX.
#include <stdlib.h>

#include "base/hash.h"
#include "graphql/array.h"
#include "graphql/validate.h"

#define MERGE_MAX 100000 // fields and arguments looked at

struct entry { // a field in a collection
	const struct gql_selection *field;
	const struct gql_type *parent;
	const struct entry *above; // the field whose selection it is in
	struct entry *next;        // with the same key
	bool is_done;
};
struct source { // a selection that is part of a collection
	const struct gql_selections *selections;
	const struct gql_type *parent;
	const struct entry *above;
};
struct collection {
	struct source *items;
	size_t count;
};
struct seen {
	struct map_node node;
	const struct gql_selections **selections; // in the order of their addresses
	size_t count;
};
struct merge {
	struct gql_validator *validator;
	struct arena arena; // until the end of the rule
	struct map seen;
	size_t *visits; // of each fragment: the collection that took it in last, from 1
	size_t visit;
	size_t cost;
	struct gql_location operation;
};

static bool is_over(struct merge *m, size_t cost) {
	if (m->cost <= MERGE_MAX && (m->cost += cost) > MERGE_MAX)
		INVALID(m->validator, m->operation, "The operation's fields overlap too often to be checked.");
	return m->cost > MERGE_MAX;
}

// ---- collections ---------------------------------------------------------------------------------------------------

static int by_address(const void *left, const void *right) {
	const struct gql_selections *const *a = left, *const *b = right;
	return *a < *b ? -1 : *a > *b;
}

// Whether it was looked at before; if not, it is now.
static bool is_seen(struct merge *m, const struct collection *collection) {
	const struct gql_selections **keys = ARENA_ARRAY(&m->arena, const struct gql_selections *, collection->count);
	for (size_t i = 0; i < collection->count; i++) keys[i] = collection->items[i].selections;
	qsort(keys, collection->count, sizeof *keys, by_address);
	uint64_t hash = hash_bytes(keys, collection->count * sizeof *keys);
	for (struct map_node *node = map_first(&m->seen, hash); node != NULL; node = map_next(node)) {
		const struct seen *seen = container_of(node, struct seen, node);
		if (seen->count == collection->count && memcmp(seen->selections, keys, seen->count * sizeof *keys) == 0)
			return true;
	}
	struct seen *seen = ARENA_NEW(&m->arena, struct seen);
	seen->selections = keys;
	seen->count = collection->count;
	map_insert(&m->seen, &seen->node, hash);
	return false;
}

struct fields {
	struct entry **items;
	size_t count;
};

static void take_in(struct merge *m, const struct source *source, struct fields *out) {
	for (size_t i = 0; i < source->selections->count && !is_over(m, 1); i++) {
		const struct gql_selection *item = &source->selections->items[i];
		struct source inner = {&item->children, source->parent, source->above};
		if (item->kind == GQL_SELECTION_FIELD) {
			if (item->field == NULL) continue;
			struct entry *entry = ARENA_NEW(&m->arena, struct entry);
			*entry = (struct entry){.field = item, .parent = source->parent, .above = source->above};
			GQL_PUSH(&m->arena, out->items, out->count, entry);
			continue;
		}
		if (item->kind == GQL_SELECTION_SPREAD) {
			if (item->fragment == NULL) continue;
			size_t *visit = &m->visits[item->fragment - m->validator->document->fragments];
			if (*visit == m->visit) continue;
			*visit = m->visit;
			inner.selections = &item->fragment->selections;
			inner.parent = item->fragment->type;
		} else if (item->condition.len > 0) {
			inner.parent = item->type;
		}
		if (inner.parent != NULL) take_in(m, &inner, out);
	}
}

// The first fields of each key, the others behind them.
static struct fields collect(struct merge *m, const struct collection *collection) {
	struct fields all = {0}, firsts = {0};
	struct gql_names keys;
	m->visit++;
	for (size_t i = 0; i < collection->count; i++) take_in(m, &collection->items[i], &all);
	gql_names_init(&keys, &m->arena, all.count);
	struct entry **lasts = ARENA_ARRAY(&m->arena, struct entry *, all.count);
	for (size_t i = 0; i < all.count; i++) {
		size_t number = firsts.count;
		if (gql_names_add(&keys, all.items[i]->field->key, &number)) {
			GQL_PUSH(&m->arena, firsts.items, firsts.count, all.items[i]);
		} else {
			lasts[number]->next = all.items[i];
		}
		lasts[number] = all.items[i];
	}
	return firsts;
}

// ---- conflicts -----------------------------------------------------------------------------------------------------

// Two fields differ. The message names the keys that lead to them from where their ways part.
static void report(struct merge *m, const struct entry *a, const struct entry *b, struct str reason) {
	const struct entry *way[GQL_NESTING_MAX + 1];
	size_t count = 0;
	struct buf text;
	for (const struct entry *x = a, *y = b; x != y && x != NULL && y != NULL && count < ARRAY_LEN(way);
	     x = x->above, y = y->above)
		way[count++] = x;
	buf_init(&text, 1500);
	struct gql_location at = way[count - 1]->field->location;
	while (count-- > 0 && !text.overflow) {
		buf_str(&text, text.len == 0 ? STR("Fields") : STR("subfields"));
		buf_printf(&text, " \"%.*s\" conflict because ", SHOWN(way[count]->field->key));
	}
	INVALID(m->validator, at,
		"%.*s%.*s. Use different aliases on the fields to fetch both if this was intentional.",
		STR_ARG(buf_view(&text)), STR_ARG(reason));
	buf_free(&text);
}

static bool is_same_value(const struct gql_literal *a, const struct gql_literal *b);

static bool are_same_arguments(const struct gql_argument *a, const struct gql_argument *b, size_t count) {
	for (size_t i = 0; i < count; i++) {
		// Mostly they come in the same order.
		size_t k = str_eq(a[i].name, b[i].name) ? i : 0;
		while (k < count && !str_eq(a[i].name, b[k].name)) k++;
		if (k == count || !is_same_value(&a[i].value, &b[k].value)) return false;
	}
	return true;
}

static bool is_same_value(const struct gql_literal *a, const struct gql_literal *b) {
	if (a->kind != b->kind || a->count != b->count || !str_eq(a->text, b->text)) return false;
	if (a->kind == GQL_LITERAL_OBJECT) return are_same_arguments(a->members, b->members, a->count);
	for (size_t i = 0; i < a->count; i++) {
		if (!is_same_value(&a->items[i], &b->items[i])) return false;
	}
	return true;
}

static void compare_calls(struct merge *m, const struct entry *a, const struct entry *b) {
	const struct gql_selection *x = a->field, *y = b->field;
	struct arena *arena = &m->arena;
	if (!str_eq(x->name, y->name)) {
		report(m, a, b,
		       arena_printf(arena, "\"%.*s\" and \"%.*s\" are different fields", SHOWN(x->name),
				    SHOWN(y->name)));
	} else if (x->argument_count != y->argument_count ||
		   !are_same_arguments(x->arguments, y->arguments, x->argument_count)) {
		report(m, a, b, STR("they have differing arguments"));
	}
}

static bool is_same_shape(const struct gql_ref *a, const struct gql_ref *b) {
	while (a->is_required == b->is_required && a->of != NULL && b->of != NULL) {
		a = a->of;
		b = b->of;
	}
	if (a->is_required != b->is_required || a->of != NULL || b->of != NULL) return false;
	return a->type == b->type || (gql_is_composite(a->type) && gql_is_composite(b->type));
}

static void compare_shapes(struct merge *m, const struct entry *a, const struct entry *b) {
	const char *x = a->field->field->type, *y = b->field->field->type;
	const struct gql_schema *schema = m->validator->schema;
	if (is_same_shape(gql_ref_of_text(schema, x), gql_ref_of_text(schema, y))) return;
	report(m, a, b, arena_printf(&m->arena, "they return conflicting types \"%s\" and \"%s\"", x, y));
}

// ---- the two rules -------------------------------------------------------------------------------------------------

static void add_children(struct merge *m, struct collection *out, const struct entry *entry) {
	const struct gql_selection *field = entry->field;
	if (field->children.count == 0) return;
	const struct gql_ref *ref = gql_ref_of_text(m->validator->schema, field->field->type);
	struct source source = {&field->children, gql_ref_named(ref), entry};
	GQL_PUSH(&m->arena, out->items, out->count, source);
}

typedef void check(struct merge *m, const struct collection *collection);

// Fields of one object type, which may meet in one object, are the same.
static void check_same(struct merge *m, const struct collection *collection);

// The fields of one key whose parent is that of `first`; those of a union, which can meet any of them, have no
// children.
static void check_same_parent(struct merge *m, struct entry *first, const struct entry *of_union) {
	struct collection children = {0};
	for (struct entry *entry = first; entry != NULL && !is_over(m, 1 + entry->field->argument_count);
	     entry = entry->next) {
		if (entry->is_done || entry->parent != first->parent) continue;
		entry->is_done = true;
		const struct entry *reference = of_union != NULL ? of_union : first;
		if (entry != reference) compare_calls(m, reference, entry);
		add_children(m, &children, entry);
	}
	if (children.count > 0) check_same(m, &children);
}

static void check_same(struct merge *m, const struct collection *collection) {
	if (is_seen(m, collection)) return;
	struct fields fields = collect(m, collection);
	for (size_t i = 0; i < fields.count; i++) {
		const struct entry *of_union = fields.items[i];
		while (of_union != NULL && of_union->parent->kind != GQL_UNION) of_union = of_union->next;
		for (struct entry *entry = fields.items[i]; entry != NULL; entry = entry->next) {
			if (!entry->is_done) check_same_parent(m, entry, of_union);
		}
	}
}

// Whatever the parents are, a key means values of one shape.
static void check_shapes(struct merge *m, const struct collection *collection) {
	if (is_seen(m, collection)) return;
	struct fields fields = collect(m, collection);
	for (size_t i = 0; i < fields.count; i++) {
		struct collection children = {0};
		for (struct entry *entry = fields.items[i]; entry != NULL && !is_over(m, 1); entry = entry->next) {
			if (entry != fields.items[i]) compare_shapes(m, fields.items[i], entry);
			add_children(m, &children, entry);
		}
		if (children.count > 0) check_shapes(m, &children);
	}
}

static void run(struct gql_validator *v, check *rule) {
	struct merge merge = {.validator = v};
	arena_init(&merge.arena, 0);
	map_init(&merge.seen);
	merge.visits = ARENA_ARRAY(&merge.arena, size_t, v->document->fragment_count);
	for (size_t i = 0; i < v->document->operation_count; i++) {
		const struct gql_operation *operation = &v->document->operations[i];
		const struct gql_type *root = operation->kind == GQL_MUTATION ? v->schema->mutation : v->schema->query;
		struct source source = {&operation->selections, root, NULL};
		merge.operation = operation->location;
		if (root != NULL && operation->kind != GQL_SUBSCRIPTION) rule(&merge, &(struct collection){&source, 1});
	}
	map_free(&merge.seen);
	arena_free(&merge.arena);
}

void gql_check_merges(struct gql_validator *v) {
	size_t before = v->errors->count;
	run(v, check_same);
	// What is the same has the same shape, and one conflict is enough to say.
	if (v->errors->count == before) run(v, check_shapes);
}
