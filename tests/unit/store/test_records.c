// What every back end promises about records and transactions.
#include "store_test.h"

enum backend { MEMORY, TEMPORARY, NAMED };

struct fixture {
	struct test_dir dir;
	struct store *store;
	struct store_reader *reader;
};

static int set_up(void **state) {
	enum backend backend = (enum backend)(uintptr_t)*state;
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	test_dir_make(&fixture->dir);
	fixture->store = backend == MEMORY ? store_open_memory()
					   : open_db(backend == NAMED ? fixture->dir.db : NULL, DURABILITY_OS, 1);
	struct error error;
	assert_ok(store_reader_open(fixture->store, &fixture->reader, &error), &error);
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	store_reader_close(fixture->reader);
	store_close(fixture->store);
	test_dir_remove(&fixture->dir);
	free(fixture);
	return 0;
}

static void test_put_and_order(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	assert_records(store, "");
	begin(store);
	put(store, 6, "b", "B", "body b");
	put(store, 6, "ab", "AB", NULL);
	put(store, 6, "a", "A", "");
	put(store, 3, "z", "Z", NULL);
	put(store, 255, "", "empty key", NULL);
	commit(store);
	assert_records(store, "3:z=Z 6:a=A 6:ab=AB 6:b=B 255:=empty key ");
	assert_body(store, 6, "b", "body b");
	assert_body(store, 6, "a", "");
	assert_body(store, 6, "ab", NULL);
	assert_body(store, 7, "b", NULL);
}

static void test_replace(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 6, "a", "1", "first");
	commit(store);
	begin(store);
	put_head(store, 6, "a", "2");
	assert_body(store, 6, "a", "first");
	put(store, 6, "a", "3", "second");
	assert_body(store, 6, "a", "second");
	commit(store);
	assert_records(store, "6:a=3 ");
	assert_body(store, 6, "a", "second");
	begin(store);
	put(store, 6, "a", "4", NULL);
	commit(store);
	assert_records(store, "6:a=4 ");
	assert_body(store, 6, "a", NULL);
}

static void test_head_of_absent_record(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put_head(store, 4, "new", "h");
	commit(store);
	assert_records(store, "4:new=h ");
	assert_body(store, 4, "new", NULL);
}

static void test_delete(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 6, "a", "1", "body");
	put(store, 6, "b", "2", NULL);
	put(store, 7, "a", "3", NULL);
	delete_key(store, RECORD_DELETE, 6, "a");
	delete_key(store, RECORD_DELETE, 6, "absent");
	commit(store);
	assert_records(store, "6:b=2 7:a=3 ");
	assert_body(store, 6, "a", NULL);
	begin(store);
	delete_key(store, RECORD_DELETE, 6, "b");
	delete_key(store, RECORD_DELETE, 7, "a");
	commit(store);
	assert_records(store, "");
}

#define RUN_1 "run-0123456789-1"
#define RUN_2 "run-0123456789-2"

// Steps of a run that has ended are not loaded any more; those of others are, however they lie.
static void test_retire(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 4, RUN_1, "one", "events");
	put(store, 4, RUN_2, "two", NULL);
	put(store, 5, RUN_1 "0001", "a", "first");
	put(store, 5, RUN_1 "\xff\xff\xff\xff", "b", NULL);
	put(store, 5, RUN_2 "0001", "c", "third");
	put(store, 6, RUN_2 "0001", "item", NULL);
	commit(store);
	assert_records(store, "4:" RUN_1 "=one 4:" RUN_2 "=two 5:" RUN_1 "0001=a 5:" RUN_1 "\xff\xff\xff\xff=b 5:" RUN_2
			      "0001=c 6:" RUN_2 "0001=item ");
	begin(store);
	delete_key(store, RECORD_DELETE, 4, RUN_1);
	delete_key(store, RECORD_RETIRE_PREFIX, 5, RUN_1);
	commit(store);
	assert_records(store, "4:" RUN_2 "=two 5:" RUN_2 "0001=c 6:" RUN_2 "0001=item ");
	assert_body(store, 5, RUN_2 "0001", "third");
}

static void test_delete_prefix(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 6, "run1", "whole", "x");
	put(store, 6, "run1\xff\xff", "highest", "y");
	put(store, 6, "run1\x01", "low", NULL);
	put(store, 6, "run2", "other", "z");
	put(store, 6, "run0\xff", "before", NULL);
	put(store, 7, "run1", "kind", NULL);
	delete_key(store, RECORD_DELETE_PREFIX, 6, "run1");
	delete_key(store, RECORD_DELETE_PREFIX, 6, "nothing");
	commit(store);
	assert_records(store, "6:run0\xff=before 6:run2=other 7:run1=kind ");
	assert_body(store, 6, "run1", NULL);
	assert_body(store, 6, "run2", "z");
	begin(store);
	delete_key(store, RECORD_DELETE_PREFIX, 6, "");
	commit(store);
	assert_records(store, "7:run1=kind ");
}

static void test_rollback(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 6, "kept", "1", "body");
	put(store, 6, "kept2", "1", NULL);
	put(store, 7, "range1", "r", "rb");
	put(store, 7, "range2", "r", NULL);
	commit(store);
	begin(store);
	put(store, 6, "kept", "2", "other");
	put(store, 6, "kept", "3", NULL);
	put_head(store, 6, "kept", "4");
	put(store, 6, "new", "5", "new body");
	delete_key(store, RECORD_DELETE, 6, "kept2");
	put(store, 6, "kept2", "again", NULL);
	delete_key(store, RECORD_DELETE_PREFIX, 6, "range");
	put(store, 7, "range1", "fresh", NULL);
	store_rollback(store);
	assert_records(store, "6:kept=1 6:kept2=1 7:range1=r 7:range2=r ");
	assert_body(store, 6, "kept", "body");
	assert_body(store, 7, "range1", "rb");
	store_rollback(store); // nothing open: nothing happens
	begin(store);
	put(store, 6, "kept", "after", "works");
	commit(store);
	assert_body(store, 6, "kept", "works");
}

static void test_reader_sees_committed_only(void **state) {
	struct fixture *fixture = *state;
	begin(fixture->store);
	put(fixture->store, 6, "a", "1", "old");
	assert_reader_body(fixture->reader, 6, "a", NULL);
	commit(fixture->store);
	assert_reader_body(fixture->reader, 6, "a", "old");
	begin(fixture->store);
	put(fixture->store, 6, "a", "2", "new");
	put(fixture->store, 6, "a", "3", "newer");
	put(fixture->store, 6, "b", "1", "other");
	assert_body(fixture->store, 6, "a", "newer");
	assert_reader_body(fixture->reader, 6, "a", "old");
	assert_reader_body(fixture->reader, 6, "b", NULL);
	commit(fixture->store);
	assert_reader_body(fixture->reader, 6, "a", "newer");
}

static void test_big_and_binary(void **state) {
	struct fixture *fixture = *state;
	size_t len = 5 << 20;
	char *bytes = mem_alloc(len);
	for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 31 >> 3);
	struct record record = make_record(RECORD_PUT, 6, "", "h\1h");
	record.key_len = RECORD_KEY_MAX;
	memset(record.key, 0xFF, RECORD_KEY_MAX);
	record.head = str_make("h\0h", 3);
	record.body = payload_new(str_make(bytes, len));
	begin(fixture->store);
	write_record(fixture->store, &record);
	commit(fixture->store);
	struct payload *payload;
	struct error error;
	struct str key = str_make(record.key, RECORD_KEY_MAX);
	assert_ok(store_reader_body(fixture->reader, 6, key, &payload, &error), &error);
	assert_int_equal(payload->len, len);
	assert_memory_equal(payload->bytes, bytes, len);
	payload_unref(payload);
	payload_unref(record.body);
	free(bytes);
	begin(fixture->store);
	record.op = RECORD_DELETE_PREFIX;
	record.key_len = 0;
	record.body = NULL;
	write_record(fixture->store, &record);
	commit(fixture->store);
	assert_records(fixture->store, "");
}

static void test_late_body(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	struct late_text late = {.text = payload_new(STR("put together"))};
	struct record record = make_record(RECORD_PUT, 4, "run", "head");
	record.late_body = &late;
	begin(store);
	write_record(store, &record);
	commit(store);
	assert_body(store, 4, "run", "put together");
	payload_unref(late.text);
}

static void test_quarantine(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	begin(store);
	put(store, 6, "a", "1", NULL);
	put(store, 6, "bad", "2", "its body");
	put(store, 7, "b", "3", NULL);
	commit(store);
	struct listing listing = {.refuse = "bad"};
	struct error error;
	uint64_t quarantined;
	assert_ok(store_load(store, list_record, &listing, &quarantined, &error), &error);
	assert_int_equal(quarantined, 1);
	assert_string_equal(listing.text, "6:a=1 7:b=3 ");
	assert_records(store, "6:a=1 7:b=3 ");
	assert_body(store, 6, "bad", NULL);
}

// Against a plain array: a thousand random writes with rollbacks between.
#define MODEL_KEYS 40
static void test_random(void **state) {
	struct store *store = ((struct fixture *)*state)->store;
	int committed[MODEL_KEYS] = {0}, current[MODEL_KEYS] = {0}; // 0: absent
	uint64_t random = 88172645463325252u;
	for (int round = 0; round < 200; round++) {
		begin(store);
		for (int i = 0; i < 10; i++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			char key[8], value[16];
			int slot = (int)(random % MODEL_KEYS);
			snprintf(key, sizeof key, "k%02d", slot);
			snprintf(value, sizeof value, "%d", round * 10 + i + 1);
			if (random >> 60 < 5) {
				delete_key(store, RECORD_DELETE, 1, key);
				current[slot] = 0;
			} else if (random >> 60 == 5) {
				key[2] = '\0'; // ten keys at once
				delete_key(store, RECORD_DELETE_PREFIX, 1, key);
				memset(&current[slot / 10 * 10], 0, 10 * sizeof(int));
			} else {
				put(store, 1, key, value, random >> 59 & 1 ? value : NULL);
				current[slot] = round * 10 + i + 1;
			}
		}
		if (random >> 40 & 1) {
			store_rollback(store);
			memcpy(current, committed, sizeof current);
		} else {
			commit(store);
			memcpy(committed, current, sizeof committed);
		}
		char expected[4096] = "";
		for (int i = 0, len = 0; i < MODEL_KEYS; i++)
			if (current[i] != 0)
				len += snprintf(expected + len, sizeof expected - (size_t)len, "1:k%02d=%d ", i,
						current[i]);
		assert_records(store, expected);
	}
}

// One test for each back end.
#define ON(test, backend) \
	{ #test " (" #backend ")", test, set_up, tear_down, (void *)(uintptr_t)(backend) }
#define ON_ALL(test) ON(test, MEMORY), ON(test, TEMPORARY), ON(test, NAMED)

int main(void) {
	const struct CMUnitTest tests[] = {
		ON_ALL(test_put_and_order),
		ON_ALL(test_replace),
		ON_ALL(test_head_of_absent_record),
		ON_ALL(test_delete),
		ON_ALL(test_delete_prefix),
		ON_ALL(test_retire),
		ON_ALL(test_rollback),
		ON_ALL(test_reader_sees_committed_only),
		ON_ALL(test_big_and_binary),
		ON_ALL(test_late_body),
		ON_ALL(test_quarantine),
		ON_ALL(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
