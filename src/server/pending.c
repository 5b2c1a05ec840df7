// Who waits for the engine: token → waiter, a table of slots with generations so that a token is good for
// one reply only.
#include <stdlib.h>

#include "server/server_internal.h"

#define NO_SLOT UINT32_MAX

void pending_init(struct pending *pending) {
	*pending = (struct pending){.free_head = NO_SLOT};
	CHECK(pthread_mutex_init(&pending->lock, NULL) == 0);
}

void pending_free(struct pending *pending) {
	free(pending->slots);
	pthread_mutex_destroy(&pending->lock);
}

static void grow(struct pending *pending) {
	uint32_t cap = pending->cap == 0 ? 64 : pending->cap * 2;
	pending->slots = mem_realloc(pending->slots, cap * sizeof *pending->slots);
	for (uint32_t i = pending->cap; i < cap; i++) {
		pending->slots[i] = (struct pending_slot){NULL, 1, i + 1 < cap ? i + 1 : NO_SLOT};
	}
	pending->free_head = pending->cap;
	pending->cap = cap;
}

static struct waiter *release(struct pending *pending, uint32_t index) {
	struct pending_slot *slot = &pending->slots[index];
	struct waiter *waiter = slot->waiter;
	slot->waiter = NULL;
	slot->generation++;
	slot->next_free = pending->free_head;
	pending->free_head = index;
	return waiter;
}

uint64_t pending_add(struct pending *pending, struct waiter *waiter) {
	uint64_t token = 0;
	pthread_mutex_lock(&pending->lock);
	if (!pending->closed) {
		if (pending->free_head == NO_SLOT) grow(pending);
		uint32_t index = pending->free_head;
		struct pending_slot *slot = &pending->slots[index];
		pending->free_head = slot->next_free;
		slot->waiter = waiter;
		token = (uint64_t)slot->generation << 32 | (index + 1);
	}
	pthread_mutex_unlock(&pending->lock);
	return token;
}

struct waiter *pending_take(struct pending *pending, uint64_t token) {
	struct waiter *waiter = NULL;
	uint32_t index = (uint32_t)token - 1; // token 0 becomes NO_SLOT
	pthread_mutex_lock(&pending->lock);
	if (index < pending->cap && pending->slots[index].generation == (uint32_t)(token >> 32) &&
	    pending->slots[index].waiter != NULL) {
		waiter = release(pending, index);
	}
	pthread_mutex_unlock(&pending->lock);
	return waiter;
}

struct waiter *pending_close(struct pending *pending) {
	struct waiter *waiter = NULL;
	pthread_mutex_lock(&pending->lock);
	pending->closed = true;
	for (uint32_t i = 0; i < pending->cap && waiter == NULL; i++) {
		if (pending->slots[i].waiter != NULL) waiter = release(pending, i);
	}
	pthread_mutex_unlock(&pending->lock);
	return waiter;
}
