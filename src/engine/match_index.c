// An index of conditions on events: from an event to the entries that it may meet, without looking at those that it
// cannot. Under each event name stand the entries without a condition, those whose condition demands that a path has a
// certain value, in a hash map by path and value, and the rest, which are looked at one by one. Triggers and waits use
// it.
#include <stdlib.h>

#include "engine/engine_internal.h"

#define EQUALITIES_MAX 16

// Entries whose conditions demand a value at the same path.
struct match_group {
	struct map_node by_path; // in name->groups
	struct list of_name;     // in name->group_order
	struct arena arena;      // holds `path`
	struct cel_path path;
	struct map values; // of struct match_entry, by the hash of the value
};

struct match_name {
	struct map_node by_name; // in index->names
	char *text;
	struct str name;
	size_t count;       // entries
	size_t needs_all;   // of them, those that want the whole event
	struct list plain;  // of struct match_entry: no condition
	struct list others; // a condition without an equality
	struct map groups;
	struct list group_order;
};

void match_index_init(struct match_index *index, struct str root) {
	index->root = root;
	map_init(&index->names);
}

void match_index_free(struct match_index *index) {
	CHECK(index->names.count == 0);
	map_free(&index->names);
}

// ---- names and groups ----------------------------------------------------------------------------------------------

static struct match_name *name_find(const struct match_index *index, struct str name) {
	for (struct map_node *node = map_first(&index->names, hash_xxh64(name)); node != NULL; node = map_next(node)) {
		struct match_name *found = container_of(node, struct match_name, by_name);
		if (str_eq(found->name, name)) return found;
	}
	return NULL;
}

static struct match_name *name_need(struct match_index *index, struct str text) {
	struct match_name *name = name_find(index, text);
	if (name != NULL) return name;
	name = mem_calloc(1, sizeof *name);
	name->text = mem_strndup(text.ptr, text.len);
	name->name = str_make(name->text, text.len);
	list_init(&name->plain);
	list_init(&name->others);
	list_init(&name->group_order);
	map_init(&name->groups);
	map_insert(&index->names, &name->by_name, hash_xxh64(text));
	return name;
}

static void name_free(struct match_index *index, struct match_name *name) {
	map_remove(&index->names, &name->by_name);
	map_free(&name->groups);
	free(name->text);
	free(name);
}

static bool path_eq(const struct cel_path *a, const struct cel_path *b) {
	if (a->count != b->count || !str_eq(a->root, b->root)) return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (!str_eq(a->fields[i], b->fields[i])) return false;
	}
	return true;
}

static uint64_t path_hash(const struct cel_path *path) {
	uint64_t hash = hash_xxh64(path->root);
	for (uint32_t i = 0; i < path->count; i++) {
		uint64_t pair[2] = {hash, hash_xxh64(path->fields[i])};
		hash = hash_bytes(pair, sizeof pair);
	}
	return hash;
}

static struct match_group *group_need(struct match_name *name, const struct cel_path *path) {
	uint64_t hash = path_hash(path);
	for (struct map_node *node = map_first(&name->groups, hash); node != NULL; node = map_next(node)) {
		struct match_group *found = container_of(node, struct match_group, by_path);
		if (path_eq(&found->path, path)) return found;
	}
	struct match_group *group = mem_calloc(1, sizeof *group);
	arena_init(&group->arena, 256);
	struct str *fields = ARENA_ARRAY(&group->arena, struct str, path->count);
	for (uint32_t i = 0; i < path->count; i++) fields[i] = arena_dup(&group->arena, path->fields[i]);
	group->path =
		(struct cel_path){.root = arena_dup(&group->arena, path->root), .fields = fields, .count = path->count};
	map_init(&group->values);
	map_insert(&name->groups, &group->by_path, hash);
	list_push_back(&name->group_order, &group->of_name);
	return group;
}

static void group_free(struct match_name *name, struct match_group *group) {
	map_remove(&name->groups, &group->by_path);
	list_remove(&group->of_name);
	map_free(&group->values);
	arena_free(&group->arena);
	free(group);
}

// ---- entries -------------------------------------------------------------------------------------------------------

// Text tells more events apart than a number, a number more than a boolean.
static int selectivity(struct str root, const struct cel_equality *equality) {
	if (!str_eq(equality->path.root, root) || equality->value.type == CEL_UNKNOWN) return 0;
	return equality->value.type == CEL_STRING ? 3 : equality->value.type == CEL_BOOL ? 1 : 2;
}

static const struct cel_equality *best_equality(struct str root, const struct cel_equality *equalities, size_t count) {
	const struct cel_equality *best = NULL;
	for (size_t i = 0; i < count; i++) {
		int rank = selectivity(root, &equalities[i]);
		if (rank > 0 && (best == NULL || rank > selectivity(root, best))) best = &equalities[i];
	}
	return best;
}

void match_index_add(struct match_index *index, struct match_entry *entry, struct str name_text,
		     const struct cel_program *condition, bool needs_all) {
	struct match_name *name = name_need(index, name_text);
	*entry = (struct match_entry){.name = name, .needs_all = needs_all};
	name->count++;
	name->needs_all += needs_all;
	list_init(&entry->link);
	if (condition == NULL) {
		list_push_back(&name->plain, &entry->link);
		return;
	}
	struct arena arena;
	arena_init(&arena, 1024);
	struct cel_equality equalities[EQUALITIES_MAX];
	size_t count = cel_equalities(condition, &arena, equalities, EQUALITIES_MAX);
	const struct cel_equality *best = best_equality(index->root, equalities, count);
	if (best == NULL) {
		list_push_back(&name->others, &entry->link);
	} else {
		entry->group = group_need(name, &best->path);
		map_insert(&entry->group->values, &entry->by_value, cel_hash(&best->value));
	}
	arena_free(&arena);
}

void match_index_remove(struct match_index *index, struct match_entry *entry) {
	struct match_name *name = entry->name;
	if (name == NULL) return;
	entry->name = NULL;
	name->needs_all -= entry->needs_all;
	list_remove(&entry->link);
	if (entry->group != NULL) {
		map_remove(&entry->group->values, &entry->by_value);
		if (entry->group->values.count == 0) group_free(name, entry->group);
	}
	if (--name->count == 0) name_free(index, name);
}

// ---- looking up ----------------------------------------------------------------------------------------------------

bool match_index_needs_all(const struct match_index *index, struct str text) {
	const struct match_name *name = name_find(index, text);
	return name != NULL && name->needs_all > 0;
}

static void visit_group(struct engine *engine, const struct match_group *group, struct event_form *form,
			match_visit *visit, void *context) {
	struct cel_value value;
	if (!event_form_value(engine, form, &group->path, &value)) return;
	for (struct map_node *node = map_first(&group->values, cel_hash(&value)); node != NULL; node = map_next(node)) {
		visit(context, container_of(node, struct match_entry, by_value));
	}
}

void match_index_visit(struct engine *engine, const struct match_index *index, struct str text, struct event_form *form,
		       match_visit *visit, void *context) {
	const struct match_name *name = name_find(index, text);
	if (name == NULL) return;
	list_for_each(node, &name->plain) visit(context, list_entry(node, struct match_entry, link));
	list_for_each(node, &name->others) visit(context, list_entry(node, struct match_entry, link));
	list_for_each(node, &name->group_order) {
		visit_group(engine, list_entry(node, struct match_group, of_name), form, visit, context);
	}
}

// ---- checks --------------------------------------------------------------------------------------------------------

static size_t list_length(const struct list *list) {
	size_t count = 0;
	list_for_each(node, list) count++;
	return count;
}

size_t match_index_verify(const struct match_index *index) {
	size_t entries = 0;
	for (struct map_node *node = map_walk(&index->names, NULL); node != NULL;
	     node = map_walk(&index->names, node)) {
		const struct match_name *name = container_of(node, struct match_name, by_name);
		size_t count = list_length(&name->plain) + list_length(&name->others);
		CHECK(list_length(&name->group_order) == name->groups.count);
		list_for_each(at, &name->group_order) {
			const struct match_group *group = list_entry(at, struct match_group, of_name);
			CHECK(group->values.count > 0);
			count += group->values.count;
		}
		CHECK(name->count > 0 && count == name->count);
		entries += name->count;
	}
	return entries;
}
