// Shared by the store's tests: records made of texts, and a directory that is removed again.
#ifndef INNGEST_TESTS_STORE_TEST_H
#define INNGEST_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "store/store.h"

#define assert_ok(call, error) assert_ok_at((call), (error), __FILE__, __LINE__)
static inline void assert_ok_at(enum err err, const struct error *error, const char *file, int line) {
	if (err != ERR_OK) fail_msg("%s:%d: %s", file, line, error->message);
}

struct test_dir {
	char dir[256], db[300];
};

static inline void test_dir_make(struct test_dir *test) {
	const char *parent = getenv("TMPDIR");
	snprintf(test->dir, sizeof test->dir, "%s/store-test-XXXXXX", parent != NULL ? parent : "/tmp");
	assert_non_null(mkdtemp(test->dir));
	snprintf(test->db, sizeof test->db, "%s/main.db", test->dir);
}

static inline void test_dir_remove(struct test_dir *test) {
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char name[320];
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, sizeof name, "%s%s", test->db, suffixes[i]);
		unlink(name);
	}
	rmdir(test->dir);
}

static inline struct store *open_db(const char *path, enum durability durability, unsigned readers) {
	struct store *store = NULL;
	struct error error;
	assert_ok(store_open_sqlite(path, durability, readers, &store, &error), &error);
	return store;
}

static inline struct record make_record(enum record_op op, uint8_t kind, const char *key, const char *head) {
	struct record record = {.op = op, .kind = kind, .key_len = (uint8_t)strlen(key), .head = str_from_cstr(head)};
	memcpy(record.key, key, record.key_len);
	return record;
}

static inline void write_record(struct store *store, const struct record *record) {
	struct error error;
	assert_ok(store_write(store, record, &error), &error);
}

static inline void put_body(struct store *store, uint8_t kind, const char *key, const char *head, struct str body) {
	struct record record = make_record(RECORD_PUT, kind, key, head);
	record.body = payload_new(body);
	write_record(store, &record);
	payload_unref(record.body);
}

// `body` NULL: none.
static inline void put(struct store *store, uint8_t kind, const char *key, const char *head, const char *body) {
	struct record record = make_record(RECORD_PUT, kind, key, head);
	if (body != NULL)
		put_body(store, kind, key, head, str_from_cstr(body));
	else
		write_record(store, &record);
}

static inline void put_head(struct store *store, uint8_t kind, const char *key, const char *head) {
	struct record record = make_record(RECORD_HEAD, kind, key, head);
	write_record(store, &record);
}

static inline void delete_key(struct store *store, enum record_op op, uint8_t kind, const char *key) {
	struct record record = make_record(op, kind, key, "");
	write_record(store, &record);
}

static inline void begin(struct store *store) {
	struct error error;
	assert_ok(store_begin(store, &error), &error);
}

static inline void commit(struct store *store) {
	struct error error;
	assert_ok(store_commit(store, &error), &error);
}

// Everything that store_load hands out, as "kind:key=head " one after the other.
struct listing {
	char text[4096];
	size_t len;
	const char *refuse; // key that the loader refuses
};

static inline enum err list_record(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	struct listing *listing = context;
	if (listing->refuse != NULL && str_eq_cstr(key, listing->refuse))
		return error_set(error, ERR_CORRUPT, "cannot read %.*s", STR_ARG(key));
	int len = snprintf(listing->text + listing->len, sizeof listing->text - listing->len, "%u:%.*s=%.*s ", kind,
			   STR_ARG(key), STR_ARG(head));
	listing->len += (size_t)len;
	return ERR_OK;
}

static inline void assert_records(struct store *store, const char *expected) {
	struct listing listing = {.len = 0};
	struct error error;
	uint64_t quarantined;
	assert_ok(store_load(store, list_record, &listing, &quarantined, &error), &error);
	assert_string_equal(listing.text, expected);
	assert_int_equal(quarantined, 0);
}

static inline void assert_payload(enum err err, struct payload *payload, const char *expected) {
	if (expected == NULL) {
		assert_int_equal(err, ERR_NOT_FOUND);
		assert_null(payload);
		return;
	}
	assert_int_equal(err, ERR_OK);
	assert_string_equal(payload->bytes, expected);
	assert_int_equal(payload->len, strlen(expected));
	payload_unref(payload);
}

// `expected` NULL: there must be none.
static inline void assert_body(struct store *store, uint8_t kind, const char *key, const char *expected) {
	struct error error;
	struct payload *payload;
	enum err err = store_body(store, kind, str_from_cstr(key), &payload, &error);
	assert_payload(err, payload, expected);
}

static inline void assert_reader_body(struct store_reader *reader, uint8_t kind, const char *key,
				      const char *expected) {
	struct error error;
	struct payload *payload;
	enum err err = store_reader_body(reader, kind, str_from_cstr(key), &payload, &error);
	assert_payload(err, payload, expected);
}

#endif
