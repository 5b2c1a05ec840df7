// The index of event triggers: from an event to the functions that it starts (03 §5), without looking at those that it
// cannot start. Under each name stand the triggers without an expression, those whose expression demands that a path
// has a certain value, in a hash map by path and value, and the rest, which are evaluated one by one.
#include <stdlib.h>

#include "engine/engine_internal.h"

#define EQUALITIES_MAX 16
#define COMPLAINT_MAX 1000 // bytes

// Triggers whose expressions demand a value at the same path.
struct trigger_group {
	struct map_node by_path; // in name->groups
	struct list of_name;     // in name->group_order
	struct arena arena;      // holds `path`
	struct cel_path path;
	struct map values; // of struct trigger_entry, by the hash of the value
};

struct trigger_name {
	struct map_node by_name; // in engine->triggers
	char *text;
	struct str name;
	bool is_pattern;
	size_t count;       // entries
	size_t late_count;  // of them, those that read what an unfinished event lacks
	struct list plain;  // of struct trigger_entry: no expression
	struct list others; // an expression without an equality
	struct map groups;
	struct list group_order;
};

// ---- names and groups ----------------------------------------------------------------------------------------------

static bool is_pattern(struct str name) {
	return str_ends_with(name, STR("/*")) || str_ends_with(name, STR(".*"));
}

static struct trigger_name *name_find(const struct engine *engine, struct str name) {
	for (struct map_node *node = map_first(&engine->triggers, hash_xxh64(name)); node != NULL;
	     node = map_next(node)) {
		struct trigger_name *found = container_of(node, struct trigger_name, by_name);
		if (str_eq(found->name, name)) return found;
	}
	return NULL;
}

static struct trigger_name *name_need(struct engine *engine, struct str text) {
	struct trigger_name *name = name_find(engine, text);
	if (name != NULL) return name;
	name = mem_calloc(1, sizeof *name);
	name->text = mem_strndup(text.ptr, text.len);
	name->name = str_make(name->text, text.len);
	name->is_pattern = is_pattern(text);
	if (name->is_pattern) engine->pattern_names++;
	list_init(&name->plain);
	list_init(&name->others);
	list_init(&name->group_order);
	map_init(&name->groups);
	map_insert(&engine->triggers, &name->by_name, hash_xxh64(text));
	return name;
}

static void name_free(struct engine *engine, struct trigger_name *name) {
	map_remove(&engine->triggers, &name->by_name);
	if (name->is_pattern) engine->pattern_names--;
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

static struct trigger_group *group_need(struct trigger_name *name, const struct cel_path *path) {
	uint64_t hash = path_hash(path);
	for (struct map_node *node = map_first(&name->groups, hash); node != NULL; node = map_next(node)) {
		struct trigger_group *found = container_of(node, struct trigger_group, by_path);
		if (path_eq(&found->path, path)) return found;
	}
	struct trigger_group *group = mem_calloc(1, sizeof *group);
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

static void group_free(struct trigger_name *name, struct trigger_group *group) {
	map_remove(&name->groups, &group->by_path);
	list_remove(&group->of_name);
	map_free(&group->values);
	arena_free(&group->arena);
	free(group);
}

// ---- entries -------------------------------------------------------------------------------------------------------

// Text tells more events apart than a number, a number more than a boolean.
static int selectivity(const struct cel_equality *equality) {
	if (!str_eq(equality->path.root, STR("event")) || equality->value.type == CEL_UNKNOWN) return 0;
	return equality->value.type == CEL_STRING ? 3 : equality->value.type == CEL_BOOL ? 1 : 2;
}

static const struct cel_equality *best_equality(const struct cel_equality *equalities, size_t count) {
	const struct cel_equality *best = NULL;
	for (size_t i = 0; i < count; i++) {
		int rank = selectivity(&equalities[i]);
		if (rank > 0 && (best == NULL || rank > selectivity(best))) best = &equalities[i];
	}
	return best;
}

static void entry_add(struct engine *engine, struct trigger_entry *entry, struct arena *arena,
		      const struct trigger *trigger) {
	struct trigger_name *name = name_need(engine, trigger->event);
	entry->name = name;
	name->count++;
	list_init(&entry->link);
	if (trigger->expression.len == 0) {
		list_push_back(&name->plain, &entry->link);
		return;
	}
	entry->condition = cel_compile(arena, trigger->expression, CEL_EVALUATE, NULL);
	if (entry->condition == NULL) return; // passed registration, and yet: it never holds
	entry->late = finish_lacks(entry->condition);
	if (entry->late) name->late_count++;
	struct cel_equality equalities[EQUALITIES_MAX];
	size_t count = cel_equalities(entry->condition, arena, equalities, EQUALITIES_MAX);
	const struct cel_equality *best = best_equality(equalities, count);
	if (best == NULL) {
		list_push_back(&name->others, &entry->link);
		return;
	}
	entry->group = group_need(name, &best->path);
	map_insert(&entry->group->values, &entry->by_value, cel_hash(&best->value));
}

static void entry_remove(struct engine *engine, struct trigger_entry *entry) {
	struct trigger_name *name = entry->name;
	name->count--;
	if (entry->late) name->late_count--;
	list_remove(&entry->link);
	if (entry->group != NULL) {
		map_remove(&entry->group->values, &entry->by_value);
		if (entry->group->values.count == 0) group_free(name, entry->group);
	}
	if (name->count == 0) name_free(engine, name);
}

void triggers_add(struct engine *engine, struct function *function) {
	const struct function_config *config = &function->config;
	function->entries = mem_calloc(config->trigger_count + 1, sizeof *function->entries);
	for (size_t i = 0; i < config->trigger_count; i++) {
		if (config->triggers[i].event.len == 0) continue;
		struct trigger_entry *entry = &function->entries[function->entry_count++];
		entry->function = function;
		entry_add(engine, entry, &function->arena, &config->triggers[i]);
	}
}

void triggers_remove(struct engine *engine, struct function *function) {
	for (size_t i = 0; i < function->entry_count; i++) entry_remove(engine, &function->entries[i]);
	free(function->entries);
	function->entries = NULL;
	function->entry_count = 0;
}

// ---- matching ------------------------------------------------------------------------------------------------------

struct match {
	struct engine *engine;
	struct event_form *form;
	void (*start)(void *context, struct function *function);
	void *context;
};

// Said once per function version: the same expression would fail for event after event.
static void complain(struct engine *engine, struct trigger_entry *entry, const struct cel_value *result) {
	if (entry->complained) return;
	entry->complained = true;
	struct complaint *complaint = batch_complaint(engine->batch);
	struct arena *arena = &engine->batch->arena;
	complaint->function = arena_dup(arena, entry->function->config.slug);
	complaint->expression = arena_dup(arena, cel_source(entry->condition));
	struct buf text;
	buf_init(&text, COMPLAINT_MAX);
	if (result->type == CEL_ERROR)
		cel_error_text(&text, result);
	else
		buf_printf(&text, "the result is no bool but a %s", cel_type_name((enum cel_type)result->type));
	complaint->problem = arena_dup(arena, buf_view(&text));
	buf_free(&text);
}

// An error counts as not met (04 §B8); other triggers and functions go on.
static bool holds(struct match *match, struct trigger_entry *entry) {
	if (entry->condition == NULL) return true;
	struct cel_value result = event_form_eval(match->engine, match->form, entry->condition);
	if (result.type == CEL_BOOL) return result.boolean;
	complain(match->engine, entry, &result);
	return false;
}

static void take(struct match *match, struct trigger_entry *entry) {
	struct function *function = entry->function;
	if (function->matched == match->engine->match_stamp || !holds(match, entry)) return;
	function->matched = match->engine->match_stamp;
	match->start(match->context, function);
}

static void take_group(struct match *match, const struct trigger_group *group) {
	struct cel_value value;
	if (!event_form_value(match->engine, match->form, &group->path, &value)) return;
	for (struct map_node *node = map_first(&group->values, cel_hash(&value)); node != NULL; node = map_next(node)) {
		take(match, container_of(node, struct trigger_entry, by_value));
	}
}

static void take_name(struct match *match, const struct trigger_name *name) {
	list_for_each(node, &name->plain) take(match, list_entry(node, struct trigger_entry, link));
	list_for_each(node, &name->others) take(match, list_entry(node, struct trigger_entry, link));
	list_for_each(node, &name->group_order) take_group(match, list_entry(node, struct trigger_group, of_name));
}

// Calls `visit` for what stands under the event's name and under the patterns that the name can match: the text before
// each '/' + "/*", before each '.' + ".*" (03 §5.1).
static void each_name(const struct engine *engine, struct str text,
		      void (*visit)(void *context, const struct trigger_name *name), void *context) {
	const struct trigger_name *name = name_find(engine, text);
	if (name != NULL) visit(context, name);
	if (engine->pattern_names == 0) return;
	char *pattern = mem_alloc(text.len + 2);
	for (size_t i = 0; i < text.len; i++) {
		pattern[i] = text.ptr[i];
		if (text.ptr[i] != '/' && text.ptr[i] != '.') continue;
		char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
		pattern[i + 1] = '*';
		name = name_find(engine, str_make(pattern, i + 2));
		if (name != NULL) visit(context, name);
		pattern[i + 1] = next;
	}
	free(pattern);
}

static void visit_take(void *context, const struct trigger_name *name) {
	take_name(context, name);
}

void triggers_match(struct engine *engine, struct str name, struct event_form *form,
		    void (*start)(void *context, struct function *function), void *context) {
	struct match match = {.engine = engine, .form = form, .start = start, .context = context};
	each_name(engine, name, visit_take, &match);
}

static void visit_late(void *context, const struct trigger_name *name) {
	bool *found = context;
	*found = *found || name->late_count > 0;
}

bool triggers_need_all(const struct engine *engine, struct str name) {
	bool found = false;
	each_name(engine, name, visit_late, &found);
	return found;
}

// ---- checks --------------------------------------------------------------------------------------------------------

static size_t list_length(const struct list *list) {
	size_t count = 0;
	list_for_each(node, list) count++;
	return count;
}

size_t triggers_verify(const struct engine *engine) {
	size_t entries = 0, patterns = 0;
	for (struct map_node *node = map_walk(&engine->triggers, NULL); node != NULL;
	     node = map_walk(&engine->triggers, node)) {
		const struct trigger_name *name = container_of(node, struct trigger_name, by_name);
		size_t count = list_length(&name->plain) + list_length(&name->others);
		CHECK(list_length(&name->group_order) == name->groups.count);
		list_for_each(at, &name->group_order) {
			const struct trigger_group *group = list_entry(at, struct trigger_group, of_name);
			CHECK(group->values.count > 0);
			count += group->values.count;
		}
		CHECK(name->count > 0 && count <= name->count); // those that do not compile stand nowhere
		entries += name->count;
		patterns += name->is_pattern;
	}
	CHECK(patterns == engine->pattern_names);
	return entries;
}
