// Automatic persisted queries (spec 06 §1.2): queries that clients name by their SHA-256 once the server has seen them.
// Any thread.
#ifndef INNGEST_SERVER_GQL_PERSISTED_H
#define INNGEST_SERVER_GQL_PERSISTED_H

#include "base/arena.h"

#define GQL_CACHE_MAX 100
#define GQL_CACHE_QUERY_MAX (256u << 10) // ours: longer queries are not kept

struct gql_cache;
struct gql_cache *gql_cache_new(void);
void gql_cache_free(struct gql_cache *cache);
// `hash` is hexadecimal, of any case. False when it is not known; else a copy in the arena.
bool gql_cache_find(struct gql_cache *cache, struct arena *arena, struct str hash, struct str *query);
// False when the hash is not that of the query. A full cache forgets what has not been asked for longest.
bool gql_cache_note(struct gql_cache *cache, struct str hash, struct str query);

#endif
