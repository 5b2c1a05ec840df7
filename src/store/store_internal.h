// What a back end of the store implements: one table of functions, and two handles that begin with it.
#ifndef INNGEST_STORE_STORE_INTERNAL_H
#define INNGEST_STORE_STORE_INTERNAL_H

#include "base/check.h"
#include "store/store.h"

struct store_ops {
	void (*close)(struct store *store);
	enum err (*load)(struct store *store, store_load_fn *record, void *context, uint64_t *quarantined,
			 struct error *error);
	enum err (*begin)(struct store *store, struct error *error);
	enum err (*write)(struct store *store, const struct record *record, struct error *error);
	enum err (*commit)(struct store *store, struct error *error);
	void (*rollback)(struct store *store);
	enum err (*body)(struct store *store, uint8_t kind, struct str key, struct payload **out, struct error *error);
	struct sqlite3 *(*sql)(struct store *store);
	enum err (*reader_open)(struct store *store, struct store_reader **out, struct error *error);
	void (*reader_close)(struct store_reader *reader);
	enum err (*reader_body)(struct store_reader *reader, uint8_t kind, struct str key, struct payload **out,
				struct error *error);
	struct sqlite3 *(*reader_sql)(struct store_reader *reader);
};

struct store {
	const struct store_ops *ops;
};
struct store_reader {
	const struct store_ops *ops;
};

// The body a record brings: its own, or the late text that the journal has put together by now.
static inline struct payload *record_body(const struct record *record) {
	if (record->late_body == NULL) return record->body;
	CHECK(record->late_body->text != NULL);
	return record->late_body->text;
}
static inline struct str record_key(const struct record *record) {
	return str_make(record->key, record->key_len);
}

#endif
