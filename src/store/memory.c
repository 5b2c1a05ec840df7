// The store in memory: a skip list sorted by (kind, key) and an undo log for the open transaction.
//
// One lock around every operation lets readers on other threads see committed records only, as with SQLite.
#include <pthread.h>
#include <stdlib.h>

#include "store/store_internal.h"

#define LEVELS_MAX 12

struct node {
	struct payload *body;
	char *head;
	uint32_t head_len;
	uint8_t kind;
	uint8_t key_len;
	uint8_t key[RECORD_KEY_MAX];
	uint8_t levels;
	struct node *next[]; // `levels` of them
};

// What one write changed: `before` is the node that it took out (owned), or NULL when the key was absent.
struct undo {
	struct node *before;
	uint8_t kind;
	uint8_t key_len;
	uint8_t key[RECORD_KEY_MAX];
};

struct memory_store {
	struct store base;
	pthread_mutex_t lock;
	struct node *heads[LEVELS_MAX];
	uint64_t random;
	bool in_transaction;
	struct undo *undo;
	size_t undo_count, undo_cap;
};

struct memory_reader {
	struct store_reader base;
	struct memory_store *store;
};

static struct memory_store *memory_of(struct store *store) {
	return container_of(store, struct memory_store, base);
}

static int compare(const struct node *node, uint8_t kind, struct str key) {
	if (node->kind != kind) return node->kind < kind ? -1 : 1;
	return str_cmp(str_make(node->key, node->key_len), key);
}

static void node_free(struct node *node) {
	if (node == NULL) return;
	payload_unref(node->body);
	free(node->head);
	free(node);
}

// Each level holds a quarter of the one below. The sequence is fixed: equal writes, equal lists.
static uint8_t pick_levels(struct memory_store *store) {
	store->random ^= store->random << 13;
	store->random ^= store->random >> 7;
	store->random ^= store->random << 17;
	uint64_t bits = store->random;
	uint8_t levels = 1;
	for (; levels < LEVELS_MAX && (bits & 3) == 0; bits >>= 2) levels++;
	return levels;
}

// The links that point at or past (kind, key), one for each level.
static void find_links(struct memory_store *store, uint8_t kind, struct str key, struct node **links[LEVELS_MAX]) {
	struct node **row = store->heads;
	for (int level = LEVELS_MAX - 1; level >= 0; level--) {
		while (row[level] != NULL && compare(row[level], kind, key) < 0) row = row[level]->next;
		links[level] = &row[level];
	}
}

static struct node *find(struct memory_store *store, uint8_t kind, struct str key) {
	struct node **links[LEVELS_MAX];
	find_links(store, kind, key, links);
	struct node *node = *links[0];
	return node != NULL && compare(node, kind, key) == 0 ? node : NULL;
}

static void insert(struct memory_store *store, struct node *node) {
	struct node **links[LEVELS_MAX];
	find_links(store, node->kind, str_make(node->key, node->key_len), links);
	for (uint8_t level = 0; level < node->levels; level++) {
		node->next[level] = *links[level];
		*links[level] = node;
	}
}

// Takes the node of this key out of the list; NULL when there is none.
static struct node *detach(struct memory_store *store, uint8_t kind, struct str key) {
	struct node **links[LEVELS_MAX];
	find_links(store, kind, key, links);
	struct node *node = *links[0];
	if (node == NULL || compare(node, kind, key) != 0) return NULL;
	for (uint8_t level = 0; level < node->levels; level++) *links[level] = node->next[level];
	return node;
}

static void remember(struct memory_store *store, uint8_t kind, struct str key, struct node *before) {
	if (store->undo_count == store->undo_cap) {
		store->undo_cap = store->undo_cap == 0 ? 64 : store->undo_cap * 2;
		store->undo = mem_realloc(store->undo, store->undo_cap * sizeof *store->undo);
	}
	struct undo *undo = &store->undo[store->undo_count++];
	undo->before = before;
	undo->kind = kind;
	undo->key_len = (uint8_t)key.len;
	if (key.len > 0) memcpy(undo->key, key.ptr, key.len);
}

static void put(struct memory_store *store, const struct record *record, struct payload *body) {
	uint8_t levels = pick_levels(store);
	struct node *node = mem_alloc(sizeof *node + levels * sizeof(struct node *));
	node->body = payload_ref(body);
	node->head = mem_strndup(record->head.len > 0 ? record->head.ptr : "", record->head.len);
	node->head_len = (uint32_t)record->head.len;
	node->kind = record->kind;
	node->key_len = record->key_len;
	memcpy(node->key, record->key, record->key_len);
	node->levels = levels;
	remember(store, record->kind, record_key(record), detach(store, record->kind, record_key(record)));
	insert(store, node);
}

static void put_head(struct memory_store *store, const struct record *record) {
	struct node *old = find(store, record->kind, record_key(record));
	put(store, record, old != NULL ? old->body : NULL);
}

static void delete_one(struct memory_store *store, const struct record *record) {
	struct node *old = detach(store, record->kind, record_key(record));
	if (old != NULL) remember(store, record->kind, record_key(record), old);
}

static void delete_prefix(struct memory_store *store, const struct record *record) {
	for (;;) {
		struct node **links[LEVELS_MAX];
		find_links(store, record->kind, record_key(record), links);
		struct node *node = *links[0];
		if (node == NULL || node->kind != record->kind) return;
		struct str key = str_make(node->key, node->key_len);
		if (!str_starts_with(key, record_key(record))) return;
		CHECK(detach(store, node->kind, key) == node);
		remember(store, node->kind, key, node);
	}
}

static enum err memory_begin(struct store *base, struct error *error) {
	(void)error;
	struct memory_store *store = memory_of(base);
	CHECK(!store->in_transaction);
	store->in_transaction = true;
	return ERR_OK;
}

static enum err memory_write(struct store *base, const struct record *record, struct error *error) {
	(void)error;
	struct memory_store *store = memory_of(base);
	CHECK(store->in_transaction);
	pthread_mutex_lock(&store->lock);
	switch (record->op) {
	case RECORD_PUT:
		put(store, record, record_body(record));
		break;
	case RECORD_HEAD:
		put_head(store, record);
		break;
	case RECORD_DELETE:
		delete_one(store, record);
		break;
	case RECORD_DELETE_PREFIX:
	case RECORD_RETIRE_PREFIX: // nobody looks at what is past here
		delete_prefix(store, record);
		break;
	}
	pthread_mutex_unlock(&store->lock);
	return ERR_OK;
}

static enum err memory_commit(struct store *base, struct error *error) {
	(void)error;
	struct memory_store *store = memory_of(base);
	CHECK(store->in_transaction);
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->undo_count; i++) node_free(store->undo[i].before);
	store->undo_count = 0;
	store->in_transaction = false;
	pthread_mutex_unlock(&store->lock);
	return ERR_OK;
}

static void memory_rollback(struct store *base) {
	struct memory_store *store = memory_of(base);
	pthread_mutex_lock(&store->lock);
	while (store->undo_count > 0) {
		struct undo *undo = &store->undo[--store->undo_count];
		node_free(detach(store, undo->kind, str_make(undo->key, undo->key_len)));
		if (undo->before != NULL) insert(store, undo->before);
	}
	store->in_transaction = false;
	pthread_mutex_unlock(&store->lock);
}

static enum err memory_load(struct store *base, store_load_fn *record, void *context, uint64_t *quarantined,
			    struct error *error) {
	(void)error;
	struct memory_store *store = memory_of(base);
	CHECK(!store->in_transaction);
	*quarantined = 0;
	for (struct node *node = store->heads[0], *next; node != NULL; node = next) {
		next = node->next[0];
		struct str key = str_make(node->key, node->key_len);
		struct error reason = {0};
		if (record(context, node->kind, key, str_make(node->head, node->head_len), &reason) == ERR_OK) continue;
		node_free(detach(store, node->kind, key));
		(*quarantined)++;
	}
	return ERR_OK;
}

static enum err body_result(struct node *node, struct payload **out, struct error *error) {
	*out = node != NULL ? payload_ref(node->body) : NULL;
	return *out != NULL ? ERR_OK : error_set(error, ERR_NOT_FOUND, "record has no body");
}

static enum err memory_body(struct store *base, uint8_t kind, struct str key, struct payload **out,
			    struct error *error) {
	return body_result(find(memory_of(base), kind, key), out, error);
}

static struct sqlite3 *memory_sql(struct store *store) {
	(void)store;
	return NULL;
}

static void memory_close(struct store *base) {
	struct memory_store *store = memory_of(base);
	memory_rollback(base);
	for (struct node *node = store->heads[0], *next; node != NULL; node = next) {
		next = node->next[0];
		node_free(node);
	}
	free(store->undo);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

static enum err memory_reader_open(struct store *store, struct store_reader **out, struct error *error) {
	(void)error;
	struct memory_reader *reader = mem_calloc(1, sizeof *reader);
	reader->base.ops = store->ops;
	reader->store = memory_of(store);
	*out = &reader->base;
	return ERR_OK;
}

static void memory_reader_close(struct store_reader *base) {
	free(container_of(base, struct memory_reader, base));
}

// The record as it was when the open transaction began: the first thing that the undo log says about its key.
static struct node *find_committed(struct memory_store *store, uint8_t kind, struct str key) {
	for (size_t i = 0; i < store->undo_count; i++) {
		const struct undo *undo = &store->undo[i];
		if (undo->kind == kind && str_eq(str_make(undo->key, undo->key_len), key)) return undo->before;
	}
	return find(store, kind, key);
}

static enum err memory_reader_body(struct store_reader *base, uint8_t kind, struct str key, struct payload **out,
				   struct error *error) {
	struct memory_store *store = container_of(base, struct memory_reader, base)->store;
	pthread_mutex_lock(&store->lock);
	enum err err = body_result(find_committed(store, kind, key), out, error);
	pthread_mutex_unlock(&store->lock);
	return err;
}

static struct sqlite3 *memory_reader_sql(struct store_reader *reader) {
	(void)reader;
	return NULL;
}

static const struct store_ops memory_ops = {
	.close = memory_close,
	.load = memory_load,
	.begin = memory_begin,
	.write = memory_write,
	.commit = memory_commit,
	.rollback = memory_rollback,
	.body = memory_body,
	.sql = memory_sql,
	.reader_open = memory_reader_open,
	.reader_close = memory_reader_close,
	.reader_body = memory_reader_body,
	.reader_sql = memory_reader_sql,
};

struct store *store_open_memory(void) {
	struct memory_store *store = mem_calloc(1, sizeof *store);
	store->base.ops = &memory_ops;
	store->random = 0x9E3779B97F4A7C15u;
	pthread_mutex_init(&store->lock, NULL);
	return &store->base;
}
