// Inside the library: which number belongs to a name. A document has thousands of names at most, and no rule may look
// for each of them among all the others.
//
// Memory comes from the arena; names are borrowed. The number of names is known beforehand.
#ifndef INNGEST_GRAPHQL_NAMES_H
#define INNGEST_GRAPHQL_NAMES_H

#include "base/arena.h"

struct gql_name_slot {
	struct str name;
	size_t value;
	bool is_taken;
};
struct gql_names {
	struct gql_name_slot *slots;
	size_t mask;
};

void gql_names_init(struct gql_names *names, struct arena *arena, size_t count);
// False when the name is there already: *value, where that is not NULL, becomes the one it has.
bool gql_names_add(struct gql_names *names, struct str name, size_t *value);
bool gql_names_find(const struct gql_names *names, struct str name, size_t *value);

#endif
