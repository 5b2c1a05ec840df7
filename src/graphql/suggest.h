// Inside the library: "Did you mean …?" for names that are not there.
#ifndef INNGEST_GRAPHQL_SUGGEST_H
#define INNGEST_GRAPHQL_SUGGEST_H

#include "base/arena.h"

#define GQL_SUGGESTIONS_MAX 5 // shown

struct gql_suggestions {
	struct str wanted;
	struct {
		const char *name;
		size_t distance;
	} best[GQL_SUGGESTIONS_MAX];
	size_t count;
};

void gql_suggest_init(struct gql_suggestions *suggestions, struct str wanted);
// Kept when it is similar enough, and among the best.
void gql_suggest(struct gql_suggestions *suggestions, const char *name);
// Kept in any case, as long as there is room.
void gql_suggest_always(struct gql_suggestions *suggestions, const char *name);
// ` Did you mean "a", "b", or "c"?`, with `what` before the names; empty when there are none.
struct str gql_did_you_mean(struct arena *arena, const struct gql_suggestions *suggestions, const char *what);

#endif
