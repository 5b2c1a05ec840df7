#include "node/node_internal.h"

enum err readers_open(struct readers *readers, struct store *store, struct error *error) {
	memset(readers, 0, sizeof *readers);
	pthread_mutex_init(&readers->mutex, NULL);
	pthread_cond_init(&readers->free, NULL);
	for (size_t i = 0; i < NODE_READERS; i++) {
		enum err err = store_reader_open(store, &readers->all[i].store, error);
		if (err != ERR_OK) return err;
		err = history_reader_new(store_reader_sql(readers->all[i].store), &readers->all[i].history, error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

void readers_close(struct readers *readers) {
	for (size_t i = 0; i < NODE_READERS; i++) {
		if (readers->all[i].history != NULL) history_reader_free(readers->all[i].history);
		if (readers->all[i].store != NULL) store_reader_close(readers->all[i].store);
	}
	pthread_cond_destroy(&readers->free);
	pthread_mutex_destroy(&readers->mutex);
}

struct reader *readers_take(struct readers *readers) {
	struct reader *taken = NULL;
	pthread_mutex_lock(&readers->mutex);
	while (taken == NULL) {
		for (size_t i = 0; i < NODE_READERS && taken == NULL; i++) {
			if (!readers->all[i].taken) taken = &readers->all[i];
		}
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
	for (size_t i = 0; i < NODE_READERS; i++) {
		if (readers->all[i].store == store) return &readers->all[i];
	}
	return NULL;
}
