#include "server/gql/persisted.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/payload.h"

struct entry {
	uint8_t hash[32];
	struct payload *query; // NULL: free
	uint64_t used;         // when last, by the cache's own count
};
struct gql_cache {
	pthread_mutex_t lock;
	uint64_t uses;
	struct entry entries[GQL_CACHE_MAX];
};

struct gql_cache *gql_cache_new(void) {
	struct gql_cache *cache = mem_calloc(1, sizeof *cache);
	CHECK(pthread_mutex_init(&cache->lock, NULL) == 0);
	return cache;
}

void gql_cache_free(struct gql_cache *cache) {
	if (cache == NULL) return;
	for (size_t i = 0; i < GQL_CACHE_MAX; i++) payload_unref(cache->entries[i].query);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

// The entry with this hash, or else the one to give up.
static struct entry *find(struct gql_cache *cache, const uint8_t hash[32], bool *found) {
	struct entry *oldest = &cache->entries[0];
	for (size_t i = 0; i < GQL_CACHE_MAX; i++) {
		struct entry *entry = &cache->entries[i];
		*found = entry->query != NULL && memcmp(entry->hash, hash, sizeof entry->hash) == 0;
		if (*found) return entry;
		if (entry->used < oldest->used) oldest = entry;
	}
	return oldest;
}

bool gql_cache_find(struct gql_cache *cache, struct arena *arena, struct str hash, struct str *query) {
	uint8_t wanted[32];
	bool found;
	if (!hex_parse(hash, wanted, sizeof wanted)) return false;
	pthread_mutex_lock(&cache->lock);
	struct entry *entry = find(cache, wanted, &found);
	struct payload *text = found ? payload_ref(entry->query) : NULL;
	if (found) entry->used = ++cache->uses;
	pthread_mutex_unlock(&cache->lock);
	if (!found) return false;
	*query = arena_dup(arena, payload_str(text));
	payload_unref(text);
	return true;
}

bool gql_cache_note(struct gql_cache *cache, struct str hash, struct str query) {
	uint8_t named[32], own[32];
	bool found;
	hash_sha256(query, own);
	if (!hex_parse(hash, named, sizeof named) || memcmp(named, own, sizeof own) != 0) return false;
	if (query.len > GQL_CACHE_QUERY_MAX) return true;
	struct payload *text = payload_new(query), *gone = text;
	pthread_mutex_lock(&cache->lock);
	struct entry *entry = find(cache, own, &found);
	if (!found) {
		gone = entry->query;
		entry->query = text;
		memcpy(entry->hash, own, sizeof own);
	}
	entry->used = ++cache->uses;
	pthread_mutex_unlock(&cache->lock);
	payload_unref(gone);
	return true;
}
