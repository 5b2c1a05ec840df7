#include "node/told.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

// Hashes in place of texts: two that are alike cost a line in the log.
struct told_url {
	struct map_node by_url;
	uint64_t error;
};

void told_init(struct told *told) {
	map_init(&told->urls);
}

void told_free(struct told *told) {
	for (struct map_node *node = map_walk(&told->urls, NULL), *next; node != NULL; node = next) {
		next = map_walk(&told->urls, node);
		map_remove(&told->urls, node);
		free(container_of(node, struct told_url, by_url));
	}
	map_free(&told->urls);
}

enum telling told_next(struct told *told, struct str url, struct str stored, struct str error) {
	uint64_t hash = hash_xxh64(url), now = hash_xxh64(error);
	enum telling telling = error.len > 0 ? TELL_PROBLEM : TELL_SYNCED;
	struct map_node *node = map_first(&told->urls, hash);
	if (node != NULL) {
		struct told_url *known = container_of(node, struct told_url, by_url);
		if (known->error == now) return TELL_NOTHING;
		known->error = now;
		return telling;
	}
	struct told_url *first = mem_calloc(1, sizeof *first);
	first->error = now;
	map_insert(&told->urls, &first->by_url, hash);
	return error.len > 0 || stored.len > 0 ? telling : TELL_NOTHING;
}
