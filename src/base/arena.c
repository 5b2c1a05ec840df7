#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define ALIGNMENT 16
#define CHUNK_DEFAULT 4096
#define CHUNK_LARGEST (1024 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena, size_t first_chunk_bytes) {
	*arena = (struct arena){.chunk_bytes = first_chunk_bytes};
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t bytes) {
	arena->bytes += bytes;
	return mem_alloc(sizeof(struct arena_chunk) + bytes);
}

// A large piece gets a chunk to itself, so that the rest of the current one is not lost.
static void *alloc_apart(struct arena *arena, size_t size) {
	struct arena_chunk *chunk = chunk_new(arena, size);
	if (arena->head == NULL) {
		chunk->next = NULL;
		arena->head = chunk;
	} else {
		chunk->next = arena->head->next;
		arena->head->next = chunk;
	}
	return chunk->bytes;
}

static void grow(struct arena *arena) {
	struct arena_chunk *chunk = chunk_new(arena, arena->chunk_bytes);
	chunk->next = arena->head;
	arena->head = chunk;
	arena->next = chunk->bytes;
	arena->end = chunk->bytes + arena->chunk_bytes;
	if (arena->chunk_bytes < CHUNK_LARGEST) arena->chunk_bytes *= 2;
}

void *arena_alloc(struct arena *arena, size_t size) {
	CHECK(size <= SIZE_MAX / 2);
	size = size > 0 ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
	if (arena->next == NULL || size > (size_t)(arena->end - arena->next)) {
		if (arena->chunk_bytes == 0) arena->chunk_bytes = CHUNK_DEFAULT;
		if (size > arena->chunk_bytes / 4) return alloc_apart(arena, size);
		arena->chunk_bytes = (arena->chunk_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
		grow(arena);
	}
	void *piece = arena->next;
	arena->next += size;
	return piece;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size) {
	CHECK(size == 0 || count <= SIZE_MAX / 2 / size);
	void *piece = arena_alloc(arena, count * size);
	memset(piece, 0, count * size);
	return piece;
}

struct str arena_cat(struct arena *arena, struct str a, struct str b) {
	char *copy = arena_alloc(arena, a.len + b.len + 1);
	if (a.len > 0) memcpy(copy, a.ptr, a.len);
	if (b.len > 0) memcpy(copy + a.len, b.ptr, b.len);
	copy[a.len + b.len] = '\0';
	return str_make(copy, a.len + b.len);
}

struct str arena_dup(struct arena *arena, struct str s) {
	return arena_cat(arena, s, (struct str){NULL, 0});
}

struct str arena_printf(struct arena *arena, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	char small[256];
	int len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	CHECK(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < sizeof(small)) {
		memcpy(text, small, (size_t)len + 1);
	} else {
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	return str_make(text, (size_t)len);
}

void arena_limit(struct arena *arena, size_t bytes) {
	arena->bytes_max = bytes < SIZE_MAX - arena->bytes ? arena->bytes + bytes : SIZE_MAX;
}

void arena_free(struct arena *arena) {
	struct arena_chunk *chunk = arena->head;
	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
	*arena = (struct arena){0};
}
