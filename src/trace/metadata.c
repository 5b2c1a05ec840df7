// Metadata records folded by their ops (spec 06 §18.1): those of one span, scope and kind become one entry. The values
// come from outside: fields are found by hash, and removing them all costs nothing.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "trace/tree_internal.h"

#define KIND_USAGE "inngest.usage" // made here, never taken from the store (§15.1 step 7)

struct field {
	struct map_node node;
	struct group *group;
	struct field *next;  // of the group
	uint64_t generation; // counts only in the group's own
	struct str key, value;
};

struct group {
	struct map_node node;
	struct group *next;
	struct trace_branch *owner;
	struct str scope, kind;
	int64_t updated_ns;
	uint64_t hash, generation; // generation: goes up when all fields are removed
	struct field *fields;
};

struct folder {
	struct arena *arena;
	struct map groups, fields;
	struct group *first, **end;
	size_t group_count;
};

static struct group *group_of(struct folder *f, struct trace_branch *owner, const struct span_metadata *record) {
	uint64_t hash = hash_xxh64(owner->span->id) * 31 + hash_xxh64(record->scope) * 7 + hash_xxh64(record->kind);
	for (struct map_node *node = map_first(&f->groups, hash); node != NULL; node = map_next(node)) {
		struct group *group = container_of(node, struct group, node);
		if (group->owner == owner && str_eq(group->scope, record->scope) && str_eq(group->kind, record->kind))
			return group;
	}
	struct group *group = ARENA_NEW(f->arena, struct group);
	group->owner = owner;
	group->scope = record->scope;
	group->kind = record->kind;
	group->hash = hash;
	group->generation = 1;
	map_insert(&f->groups, &group->node, hash);
	*f->end = group;
	f->end = &group->next;
	f->group_count++;
	return group;
}

// Generation 0: there is no such field yet.
static struct field *field_of(struct folder *f, struct group *group, struct str key) {
	uint64_t hash = hash_xxh64(key) ^ group->hash;
	for (struct map_node *node = map_first(&f->fields, hash); node != NULL; node = map_next(node)) {
		struct field *field = container_of(node, struct field, node);
		if (field->group == group && str_eq(field->key, key)) return field;
	}
	struct field *field = ARENA_NEW(f->arena, struct field);
	field->group = group;
	field->key = arena_dup(f->arena, key);
	field->next = group->fields;
	group->fields = field;
	map_insert(&f->fields, &field->node, hash);
	return field;
}

static struct str value_text(struct arena *arena, yyjson_val *value) {
	size_t len;
	char *text = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, &len);
	struct str copy = text != NULL ? arena_dup(arena, str_make(text, len)) : STR("null");
	free(text);
	return copy;
}

static void put(struct folder *f, struct group *group, struct field *field, yyjson_val *value) {
	field->generation = group->generation;
	field->value = value_text(f->arena, value);
}

static struct str sum_text(struct arena *arena, yyjson_val *a, yyjson_val *b) {
	bool small = yyjson_is_int(a) && yyjson_is_int(b);
	double sum = yyjson_get_num(a) + yyjson_get_num(b);
	if (small && fabs(sum) < 9e15 && fabs(yyjson_get_num(a)) < 9e15) // exact
		return arena_printf(arena, "%" PRId64, yyjson_get_sint(a) + yyjson_get_sint(b));
	struct buf text;
	buf_init(&text, 64);
	if (isfinite(sum)) json_number(&text, sum);
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static void op_merge(struct folder *f, struct group *group, struct str key, yyjson_val *value) {
	put(f, group, field_of(f, group, key), value);
}

static void op_delete(struct folder *f, struct group *group, struct str key, yyjson_val *value) {
	(void)value;
	field_of(f, group, key)->generation = 0;
}

static void op_add(struct folder *f, struct group *group, struct str key, yyjson_val *value) {
	if (!yyjson_is_num(value)) return;
	struct field *field = field_of(f, group, key);
	yyjson_doc *old = field->generation == group->generation
				  ? json_read(field->value, false, NULL, &(struct error){0})
				  : NULL;
	if (yyjson_is_num(yyjson_doc_get_root(old))) {
		struct str sum = sum_text(f->arena, yyjson_doc_get_root(old), value);
		if (sum.len > 0) field->value = sum; // else it would no longer be a number of JSON
	} else {
		put(f, group, field, value);
	}
	yyjson_doc_free(old);
}

static const struct op {
	struct str name;
	bool clears; // all that was there before
	void (*apply)(struct folder *f, struct group *group, struct str key, yyjson_val *value);
} ops[] = {
	{STR_INIT("merge"), false, op_merge}, // also for what is unknown
	{STR_INIT("set"), true, op_merge},
	{STR_INIT("delete"), false, op_delete},
	{STR_INIT("add"), false, op_add},
};

static const struct op *op_of(struct str name) {
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (str_eq(ops[i].name, name)) return &ops[i];
	return &ops[0];
}

static void fold_record(struct folder *f, struct trace_branch *owner, const struct span_metadata *record) {
	yyjson_doc *doc = json_read(record->values, false, NULL, &(struct error){0});
	yyjson_obj_iter iter;
	if (yyjson_obj_iter_init(yyjson_doc_get_root(doc), &iter)) {
		struct group *group = group_of(f, owner, record);
		const struct op *op = op_of(record->op);
		if (op->clears) group->generation++;
		if (record->updated_ns > group->updated_ns) group->updated_ns = record->updated_ns;
		for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;)
			op->apply(f, group, json_str(key), yyjson_obj_iter_get_val(key));
	}
	yyjson_doc_free(doc);
}

static int field_order(const void *a, const void *b) {
	return str_cmp((*(struct field *const *)a)->key, (*(struct field *const *)b)->key);
}

// The object's text, keys sorted; `*bytes` grows by what counts as its size.
static struct str group_text(struct arena *arena, const struct group *group, size_t *bytes) {
	size_t count = 0, all = 0;
	for (const struct field *field = group->fields; field != NULL; field = field->next) all++;
	struct field **fields = ARENA_ARRAY(arena, struct field *, all);
	for (struct field *field = group->fields; field != NULL; field = field->next)
		if (field->generation == group->generation) fields[count++] = field;
	if (count > 0) qsort(fields, count, sizeof *fields, field_order);
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_byte(&text, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&text, ',');
		buf_json_str(&text, fields[i]->key);
		buf_byte(&text, ':');
		buf_str(&text, fields[i]->value);
		*bytes += fields[i]->key.len + fields[i]->value.len;
	}
	buf_byte(&text, '}');
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static int group_order(const void *left, const void *right) {
	const struct group *a = *(struct group *const *)left, *b = *(struct group *const *)right;
	int order = str_cmp(a->scope, b->scope);
	return order != 0 ? order : str_cmp(a->kind, b->kind);
}

static void add_usage(struct arena *arena, struct trace_branch *root, size_t bytes, int64_t newest_ns) {
	root->metadata[root->metadata_count++] = (struct trace_metadata){
		.scope = STR("run"),
		.kind = STR(KIND_USAGE),
		.values = arena_printf(arena, "{\"metadata_bytes\":%zu}", bytes),
		.updated_ns = root->end_ns != 0 ? root->end_ns : newest_ns,
	};
}

static struct group **sorted_groups(struct folder *f) {
	struct group **groups = ARENA_ARRAY(f->arena, struct group *, f->group_count);
	size_t count = 0;
	for (struct group *group = f->first; group != NULL; group = group->next) groups[count++] = group;
	qsort(groups, count, sizeof *groups, group_order);
	return groups;
}

// Room for the groups of each owner, and for the sum.
static void make_room(struct folder *f, struct trace_branch *root) {
	for (struct group *group = f->first; group != NULL; group = group->next) group->owner->metadata_count++;
	root->metadata = ARENA_ARRAY(f->arena, struct trace_metadata, root->metadata_count + 1);
	for (struct group *group = f->first; group != NULL; group = group->next) {
		struct trace_branch *owner = group->owner;
		if (owner->metadata == NULL)
			owner->metadata = ARENA_ARRAY(f->arena, struct trace_metadata, owner->metadata_count);
		owner->metadata_count = 0;
	}
}

static void hand_over(struct folder *f, struct trace_branch *root) {
	size_t bytes = 0;
	int64_t newest_ns = 0;
	make_room(f, root);
	struct group **groups = sorted_groups(f);
	for (size_t i = 0; i < f->group_count; i++) {
		struct trace_branch *owner = groups[i]->owner;
		owner->metadata[owner->metadata_count++] = (struct trace_metadata){
			.scope = groups[i]->scope,
			.kind = groups[i]->kind,
			.values = group_text(f->arena, groups[i], &bytes),
			.updated_ns = groups[i]->updated_ns,
		};
		if (groups[i]->updated_ns > newest_ns) newest_ns = groups[i]->updated_ns;
	}
	add_usage(f->arena, root, bytes, newest_ns);
}

void trace_metadata_attach(struct arena *arena, const struct span_metadata *records, size_t count,
			   struct trace_branch *const *owners, struct trace_branch *root) {
	struct folder f = {.arena = arena};
	f.end = &f.first;
	map_init(&f.groups);
	map_init(&f.fields);
	for (size_t i = 0; i < count; i++)
		if (owners[i] != NULL && !str_eq(records[i].kind, STR(KIND_USAGE)))
			fold_record(&f, owners[i], &records[i]);
	if (f.first != NULL) hand_over(&f, root);
	map_free(&f.groups);
	map_free(&f.fields);
}
