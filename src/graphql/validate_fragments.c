// Fragments that contain others: none may contain itself, and how deep they are is computed once for each.
#include "graphql/array.h"
#include "graphql/validate.h"

// ---- depth ---------------------------------------------------------------------------------------------------------

struct extent {
	size_t depth;  // fields on the longest way down, introspection left out
	size_t levels; // selections
};

static struct extent larger(struct extent a, struct extent b) {
	return (struct extent){a.depth > b.depth ? a.depth : b.depth, a.levels > b.levels ? a.levels : b.levels};
}

static struct extent measure(const struct gql_selections *selections);

static struct extent measure_one(const struct gql_selection *item) {
	if (item->kind == GQL_SELECTION_SPREAD) {
		if (item->fragment == NULL) return (struct extent){0};
		return (struct extent){item->fragment->depth, item->fragment->levels};
	}
	struct extent extent = measure(&item->children);
	if (item->kind == GQL_SELECTION_FIELD)
		extent.depth = str_starts_with(item->name, STR("__")) ? 0 : extent.depth + 1;
	return extent;
}

// The text nests GQL_NESTING_MAX deep at most, and fragments are known already.
static struct extent measure(const struct gql_selections *selections) {
	struct extent extent = {0};
	if (selections->count == 0) return extent;
	for (size_t i = 0; i < selections->count; i++) extent = larger(extent, measure_one(&selections->items[i]));
	extent.levels++;
	return extent;
}

size_t gql_depth(const struct gql_operation *operation) {
	return measure(&operation->selections).depth;
}

// ---- cycles --------------------------------------------------------------------------------------------------------

enum progress { NEW, OPEN, DONE };
struct search {
	struct gql_validator *validator;
	uint8_t *progress; // of each fragment
	size_t *open;      // the fragments on the way down, outermost first
	size_t *next;      // of each of these: its spread to follow next
	size_t open_count;
	bool is_finite;
};

#define CYCLE_SHOWN 8 // names

// The spread leads back to a fragment that is open.
static void report_cycle(struct search *s, size_t target, struct gql_location at) {
	const struct gql_fragment *fragments = s->validator->document->fragments;
	struct buf via;
	buf_init(&via, 4096);
	size_t first = 0;
	while (s->open[first] != target) first++;
	for (size_t i = first + 1; i < s->open_count && i <= first + CYCLE_SHOWN; i++) {
		buf_str(&via, i == first + 1 ? STR(" via ") : STR(", "));
		buf_printf(&via, "\"%.*s\"", SHOWN(fragments[s->open[i]].name));
	}
	if (s->open_count > first + 1 + CYCLE_SHOWN) buf_lit(&via, ", …");
	INVALID(s->validator, at, "Cannot spread fragment \"%.*s\" within itself%.*s.", SHOWN(fragments[target].name),
		STR_ARG(buf_view(&via)));
	buf_free(&via);
	s->is_finite = false;
}

static void open(struct search *s, size_t fragment) {
	s->progress[fragment] = OPEN;
	s->next[s->open_count] = 0;
	s->open[s->open_count++] = fragment;
}

// All that it spreads is done.
static void close(struct search *s, size_t number) {
	struct gql_validator *v = s->validator;
	struct gql_fragment *fragment = &v->document->fragments[number];
	s->progress[number] = DONE;
	s->open_count--;
	if (!s->is_finite) return;
	struct extent extent = measure(&fragment->selections);
	fragment->depth = extent.depth;
	fragment->levels = extent.levels;
	if (extent.levels <= GQL_NESTING_MAX) return;
	INVALID(v, fragment->location, "Fragment \"%.*s\" exceeds the nesting limit of %d.", SHOWN(fragment->name),
		GQL_NESTING_MAX);
	s->is_finite = false;
}

// Depth first, without recursion: thousands of fragments may form one chain.
static void search_from(struct search *s, size_t fragment) {
	open(s, fragment);
	while (s->open_count > 0) {
		size_t top = s->open_count - 1, number = s->open[top];
		const struct gql_part *part = &s->validator->fragment_parts[number];
		if (s->next[top] == part->spread_count) {
			close(s, number);
			continue;
		}
		size_t target = part->spreads[s->next[top]++];
		if (s->progress[target] == OPEN)
			report_cycle(s, target, s->validator->document->fragments[number].location);
		if (s->progress[target] == NEW) open(s, target);
	}
}

static bool check_operation_levels(struct gql_validator *v) {
	for (size_t i = 0; i < v->document->operation_count; i++) {
		const struct gql_operation *operation = &v->document->operations[i];
		if (measure(&operation->selections).levels <= GQL_NESTING_MAX) continue;
		INVALID(v, operation->location, "The operation exceeds the nesting limit of %d.", GQL_NESTING_MAX);
		return false;
	}
	return true;
}

bool gql_check_cycles(struct gql_validator *v) {
	size_t count = v->document->fragment_count;
	struct search search = {
		.validator = v,
		.progress = arena_calloc(v->arena, count, 1),
		.open = ARENA_ARRAY(v->arena, size_t, count),
		.next = ARENA_ARRAY(v->arena, size_t, count),
		.is_finite = true,
	};
	for (size_t i = 0; i < count; i++) {
		if (search.progress[i] == NEW) search_from(&search, i);
	}
	return search.is_finite && check_operation_levels(v);
}
