#include "node/node_internal.h"

static enum err reader_open(struct store *store, struct reader *reader, struct error *error) {
	enum err err = store_reader_open(store, &reader->store, error);
	if (err != ERR_OK) return err;
	return history_reader_new(store_reader_sql(reader->store), &reader->history, error);
}

static void reader_close(struct reader *reader) {
	if (reader->history != NULL) history_reader_free(reader->history);
	if (reader->store != NULL) store_reader_close(reader->store);
	*reader = (struct reader){0};
}

enum err readers_open(struct readers *readers, struct store *store, struct error *error) {
	memset(readers, 0, sizeof *readers);
	pthread_mutex_init(&readers->mutex, NULL);
	pthread_cond_init(&readers->free, NULL);
	readers->from = store;
	readers->count = 1;
	return reader_open(store, &readers->all[0], error);
}

void readers_close(struct readers *readers) {
	for (size_t i = 0; i < readers->count; i++) reader_close(&readers->all[i]);
	pthread_cond_destroy(&readers->free);
	pthread_mutex_destroy(&readers->mutex);
}

// Called locked. One more, when there may be; what goes wrong with it concerns nobody, as there is another to wait for.
static struct reader *add(struct readers *readers) {
	struct error error;
	if (readers->count == NODE_READERS) return NULL;
	struct reader *reader = &readers->all[readers->count];
	if (reader_open(readers->from, reader, &error) == ERR_OK) {
		readers->count++;
		return reader;
	}
	reader_close(reader);
	return NULL;
}

struct reader *readers_take(struct readers *readers) {
	struct reader *taken = NULL;
	pthread_mutex_lock(&readers->mutex);
	while (taken == NULL) {
		for (size_t i = 0; i < readers->count && taken == NULL; i++) {
			if (!readers->all[i].taken) taken = &readers->all[i];
		}
		if (taken == NULL) taken = add(readers);
		if (taken == NULL) pthread_cond_wait(&readers->free, &readers->mutex);
	}
	taken->taken = true;
	pthread_mutex_unlock(&readers->mutex);
	return taken;
}

void readers_give(struct readers *readers, struct reader *reader) {
	pthread_mutex_lock(&readers->mutex);
	reader->taken = false;
	pthread_cond_signal(&readers->free);
	pthread_mutex_unlock(&readers->mutex);
}

struct reader *readers_of(struct readers *readers, const struct store_reader *store) {
	struct reader *found = NULL;
	pthread_mutex_lock(&readers->mutex);
	for (size_t i = 0; i < readers->count && found == NULL; i++) {
		if (readers->all[i].store == store) found = &readers->all[i];
	}
	pthread_mutex_unlock(&readers->mutex);
	return found;
}
