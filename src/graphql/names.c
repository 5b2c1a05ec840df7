#include "graphql/names.h"

#include "base/hash.h"

void gql_names_init(struct gql_names *names, struct arena *arena, size_t count) {
	size_t size = 4;
	while (size < 2 * count) size *= 2;
	*names = (struct gql_names){ARENA_ARRAY(arena, struct gql_name_slot, size), size - 1};
}

// Where the name is, or would be: half of the slots are free.
static struct gql_name_slot *slot_of(const struct gql_names *names, struct str name) {
	size_t at = hash_bytes(name.ptr, name.len) & names->mask;
	while (names->slots[at].is_taken && !str_eq(names->slots[at].name, name)) at = (at + 1) & names->mask;
	return &names->slots[at];
}

bool gql_names_add(struct gql_names *names, struct str name, size_t *value) {
	struct gql_name_slot *slot = slot_of(names, name);
	if (slot->is_taken) {
		if (value != NULL) *value = slot->value;
		return false;
	}
	*slot = (struct gql_name_slot){name, value != NULL ? *value : 0, true};
	return true;
}

bool gql_names_find(const struct gql_names *names, struct str name, size_t *value) {
	const struct gql_name_slot *slot = slot_of(names, name);
	if (slot->is_taken) *value = slot->value;
	return slot->is_taken;
}
