// Dispatch to the back ends.
#include "store/store_internal.h"

void store_close(struct store *store) {
	if (store != NULL) store->ops->close(store);
}

enum err store_load(struct store *store, store_load_fn *record, void *context, uint64_t *quarantined,
		    struct error *error) {
	return store->ops->load(store, record, context, quarantined, error);
}

enum err store_begin(struct store *store, struct error *error) {
	return store->ops->begin(store, error);
}

enum err store_write(struct store *store, const struct record *record, struct error *error) {
	CHECK(record->key_len <= RECORD_KEY_MAX);
	return store->ops->write(store, record, error);
}

enum err store_commit(struct store *store, struct error *error) {
	return store->ops->commit(store, error);
}

void store_rollback(struct store *store) {
	store->ops->rollback(store);
}

enum err store_body(struct store *store, uint8_t kind, struct str key, struct payload **out, struct error *error) {
	return store->ops->body(store, kind, key, out, error);
}

struct sqlite3 *store_sql(struct store *store) {
	return store->ops->sql(store);
}

enum err store_reader_open(struct store *store, struct store_reader **out, struct error *error) {
	return store->ops->reader_open(store, out, error);
}

void store_reader_close(struct store_reader *reader) {
	if (reader != NULL) reader->ops->reader_close(reader);
}

enum err store_reader_body(struct store_reader *reader, uint8_t kind, struct str key, struct payload **out,
			   struct error *error) {
	return reader->ops->reader_body(reader, kind, key, out, error);
}

struct sqlite3 *store_reader_sql(struct store_reader *reader) {
	return reader->ops->reader_sql(reader);
}
