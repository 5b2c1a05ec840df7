// Bump allocation for everything that lives as long as one command, request or run.
//
// One owner, one thread at a time. `arena_free` releases everything; single pieces are never freed. Allocation
// aborts when memory is out (mem_alloc), so nothing here fails.
#ifndef INNGEST_BASE_ARENA_H
#define INNGEST_BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *head;
	char *next; // free space of the newest chunk
	char *end;
	size_t chunk_bytes; // size of the next chunk; 0 means the default
	size_t bytes;       // of all chunks
	size_t bytes_max;   // see arena_limit; 0: no limit
};

void arena_init(struct arena *arena, size_t first_chunk_bytes);
// Aligned to 16 bytes, uninitialised. Size 0 gives a valid pointer.
void *arena_alloc(struct arena *arena, size_t size);
void *arena_calloc(struct arena *arena, size_t count, size_t size);
// A copy that is also NUL-terminated (the NUL is not counted).
struct str arena_dup(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Concatenation of two slices.
struct str arena_cat(struct arena *arena, struct str a, struct str b);
void arena_free(struct arena *arena);

// From now on so many bytes more are meant to do. No allocation fails for that: whoever loads at length into the arena
// looks whether it is spent, and stops.
void arena_limit(struct arena *arena, size_t bytes);
static inline bool arena_is_spent(const struct arena *arena) {
	return arena->bytes_max != 0 && arena->bytes > arena->bytes_max;
}

#define ARENA_NEW(arena, type) ((type *)arena_calloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

#endif
