// kill -9 of a writing process: what it acknowledged is there, what it did not is there whole or not at all.
#include "store_test.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define ROUNDS 6
#define RECORDS 20 // in one transaction

// Transaction n puts RECORDS steps with head n, replaces one item, and drops the steps of transaction n - 5.
static void write_transaction(struct store *store, uint32_t n) {
	char key[16], head[16], body[600];
	snprintf(head, sizeof head, "%u", n);
	begin(store);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(key, sizeof key, "%08u/%02d", n, i);
		memset(body, 'a' + i, sizeof body);
		put_body(store, 7, key, head, str_make(body, (size_t)(i * 30)));
	}
	put(store, 6, "last", head, NULL);
	if (n >= 5) {
		snprintf(key, sizeof key, "%08u", n - 5);
		delete_key(store, RECORD_DELETE_PREFIX, 7, key);
	}
	commit(store);
}

static _Noreturn void write_for_ever(const char *path, uint32_t first, int acknowledge) {
	struct store *store;
	struct error error;
	if (store_open_sqlite(path, DURABILITY_OS, 0, &store, &error) != ERR_OK) _exit(1);
	for (uint32_t n = first;; n++) {
		write_transaction(store, n);
		if (write(acknowledge, &n, sizeof n) != sizeof n) _exit(2);
	}
}

struct found {
	uint32_t last;  // head of the item
	uint32_t steps; // of transactions last - 4 … last
	bool strange;
};

static enum err look(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	(void)error;
	struct found *found = context;
	uint64_t n, of_key;
	if (!str_to_u64(head, &n))
		found->strange = true;
	else if (kind == 6)
		found->last = (uint32_t)n;
	else if (!str_to_u64(str_first(key, 8), &of_key) || of_key != n)
		found->strange = true;
	else
		found->steps++;
	return ERR_OK;
}

static void check_bodies(struct store *store, uint32_t n) {
	for (int i = 0; i < RECORDS; i++) {
		char key[16];
		snprintf(key, sizeof key, "%08u/%02d", n, i);
		struct payload *payload;
		struct error error;
		assert_ok(store_body(store, 7, str_from_cstr(key), &payload, &error), &error);
		assert_int_equal(payload->len, i * 30);
		for (uint32_t k = 0; k < payload->len; k++) assert_int_equal(payload->bytes[k], 'a' + i);
		payload_unref(payload);
	}
}

static void check_integrity(struct store *store) {
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(store_sql(store), "PRAGMA integrity_check", -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
}

// Returns the number of the last transaction that is in the file.
static uint32_t check_file(const char *path, uint32_t acknowledged) {
	struct store *store = open_db(path, DURABILITY_OS, 0);
	check_integrity(store);
	struct found found = {0};
	struct error error;
	uint64_t quarantined;
	assert_ok(store_load(store, look, &found, &quarantined, &error), &error);
	assert_false(found.strange);
	assert_true(found.last >= acknowledged);
	assert_true(found.last <= acknowledged + 1); // one may have been committed without a word
	assert_int_equal(found.steps, (found.last < 5 ? found.last : 5) * RECORDS);
	check_bodies(store, found.last);
	store_close(store);
	return found.last;
}

// Kills the writer after it has acknowledged `count` transactions (it goes on meanwhile); returns the last number.
static uint32_t run_and_kill(const char *path, uint32_t first, uint32_t count) {
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) write_for_ever(path, first, ends[1]);
	close(ends[1]);
	uint32_t n = 0, last = 0;
	while (count > 0 && read(ends[0], &n, sizeof n) == sizeof n) last = n, count--;
	assert_int_equal(count, 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &n, sizeof n) == sizeof n) last = n;
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
	return last;
}

static void test_kill(void **state) {
	(void)state;
	static const uint32_t counts[ROUNDS] = {1, 7, 150, 400, 33, 900};
	struct test_dir dir;
	test_dir_make(&dir);
	uint32_t last = 0;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t acknowledged = run_and_kill(dir.db, last + 1, counts[round]);
		last = check_file(dir.db, acknowledged);
	}
	test_dir_remove(&dir);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
