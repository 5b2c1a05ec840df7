// The database file: settings, locks, foreign and broken files, the quarantine, and the file without a name.
#include "store_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

static int set_up(void **state) {
	struct test_dir *dir = mem_calloc(1, sizeof *dir);
	test_dir_make(dir);
	*state = dir;
	return 0;
}

static int tear_down(void **state) {
	test_dir_remove(*state);
	free(*state);
	return 0;
}

static void exec(sqlite3 *db, const char *sql) {
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
}

// The first column of the first row, in static memory.
static const char *query(sqlite3 *db, const char *sql) {
	static char text[256];
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return text;
}

static void test_settings(void **state) {
	struct test_dir *dir = *state;
	static const char *const synchronous[] = {"0", "1", "2"};
	for (enum durability level = DURABILITY_NONE; level <= DURABILITY_FSYNC; level++) {
		struct store *store = open_db(dir->db, level, 0);
		assert_string_equal(query(store_sql(store), "PRAGMA journal_mode"), "wal");
		assert_string_equal(query(store_sql(store), "PRAGMA synchronous"), synchronous[level]);
		store_close(store);
	}
	struct stat status;
	assert_int_equal(stat(dir->db, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644 & ~umask(umask(0)));
	char log[320];
	snprintf(log, sizeof log, "%s-wal", dir->db);
	assert_int_equal(access(log, F_OK), -1); // gone after a clean end
}

static void test_reopen(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	begin(store);
	put(store, 4, "run", "head", "the events");
	put(store, 6, "step", "h", "value");
	commit(store);
	begin(store);
	put(store, 6, "lost", "h", NULL);
	store_close(store); // without a commit
	store = open_db(dir->db, DURABILITY_FSYNC, 0);
	assert_records(store, "4:run=head 6:step=h ");
	assert_body(store, 4, "run", "the events");
	begin(store);
	put(store, 6, "step2", "h", "another value"); // must not take an id that is in use
	commit(store);
	assert_body(store, 6, "step", "value");
	assert_body(store, 6, "step2", "another value");
	store_close(store);
}

static void test_relative_and_odd_names(void **state) {
	struct test_dir *dir = *state;
	char *before = getcwd(NULL, 0);
	assert_int_equal(chdir(dir->dir), 0);
	static const char *const names[] = {"main.db", "file:main.db?mode=memory", ":memory:"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		store_close(open_db(names[i], DURABILITY_OS, 0));
		assert_int_equal(access(names[i], F_OK), 0);
		assert_int_equal(unlink(names[i]), 0);
	}
	assert_int_equal(chdir(before), 0);
	free(before);
}

static void assert_open_fails(const char *path, enum err expected, const char *text) {
	struct store *store = NULL;
	struct error error;
	assert_int_equal(store_open_sqlite(path, DURABILITY_OS, 0, &store, &error), expected);
	if (strstr(error.message, path) == NULL || strstr(error.message, text) == NULL)
		fail_msg("unexpected message: %s", error.message);
}

static void write_file(const char *path, const char *text) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_not_a_database(void **state) {
	struct test_dir *dir = *state;
	write_file(dir->db, "This is a letter to my aunt, long enough to have a header of a hundred bytes."
			    " It has nothing in common with a database, and nobody may overwrite it.");
	assert_open_fails(dir->db, ERR_CORRUPT, "file is not a database");
	assert_open_fails(dir->dir, ERR_IO, "Is a directory");
	assert_open_fails("/nonexistent-directory/main.db", ERR_IO, "No such file or directory");
	char text[8] = {0};
	int file = open(dir->db, O_RDONLY);
	assert_int_equal(read(file, text, 6), 6);
	close(file);
	assert_string_equal(text, "This i");
}

static void test_newer_format(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	exec(store_sql(store), "UPDATE engine_meta SET value = 2 WHERE name = 'format'");
	store_close(store);
	assert_open_fails(dir->db, ERR_UNSUPPORTED, "format 2");
}

static void test_second_server_is_refused(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	assert_open_fails(dir->db, ERR_BUSY, "in use by another inngest process");
	begin(store); // the refused one took nothing away
	put(store, 6, "a", "1", NULL);
	commit(store);
	store_close(store);
	store_close(open_db(dir->db, DURABILITY_OS, 0));
}

static void test_other_tables_stay(void **state) {
	struct test_dir *dir = *state;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(dir->db, &db), SQLITE_OK);
	exec(db,
	     "CREATE TABLE goose_db_version(id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
	     " is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));"
	     "INSERT INTO goose_db_version(version_id, is_applied) VALUES(0, 1), (1, 1);"
	     "CREATE TABLE apps(id CHAR(36) PRIMARY KEY, name VARCHAR NOT NULL); INSERT INTO apps VALUES('x', 'y')");
	sqlite3_close(db);
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	begin(store);
	put(store, 6, "a", "1", NULL);
	commit(store);
	assert_string_equal(query(store_sql(store), "SELECT count(*) FROM goose_db_version"), "2");
	assert_string_equal(query(store_sql(store), "SELECT name FROM apps"), "y");
	store_close(store);
}

static void test_quarantine_table(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	begin(store);
	put(store, 6, "good", "1", NULL);
	put(store, 6, "bad", "2", "its body");
	commit(store);
	exec(store_sql(store), "INSERT INTO engine_record(kind, key, head) VALUES(6, zeroblob(40), x'01'), (999, "
			       "x'78', x'79'), ('seven', 'x', 'y')");
	struct listing listing = {.refuse = "bad"};
	struct error error;
	uint64_t quarantined;
	assert_ok(store_load(store, list_record, &listing, &quarantined, &error), &error);
	assert_int_equal(quarantined, 4);
	assert_string_equal(listing.text, "6:good=1 ");
	store_close(store);
	store = open_db(dir->db, DURABILITY_OS, 0);
	assert_records(store, "6:good=1 ");
	sqlite3 *db = store_sql(store);
	assert_string_equal(query(db, "SELECT reason || '/' || head || '/' || body FROM engine_quarantine WHERE key ="
				      " CAST('bad' AS BLOB)"),
			    "cannot read bad/2/its body");
	assert_string_equal(query(db, "SELECT count(*) FROM engine_quarantine WHERE quarantined_at IS NOT NULL"), "4");
	assert_string_equal(query(db, "SELECT count(*) FROM engine_body"), "0");
	store_close(store);
}

static void test_bodies_do_not_leak(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	begin(store);
	put(store, 4, "run", "1", "events");
	for (int i = 0; i < 3; i++) put(store, 6, "step", "h", "value");
	put(store, 6, "step", "h", NULL);
	put(store, 6, "step2", "h", "value");
	put(store, 6, "step3", "h", "value");
	delete_key(store, RECORD_DELETE, 4, "run");
	delete_key(store, RECORD_DELETE_PREFIX, 6, "step");
	commit(store);
	assert_string_equal(query(store_sql(store), "SELECT count(*) FROM engine_body"), "0");
	store_close(store);
}

static void test_failed_write_rolls_back(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_OS, 0);
	begin(store);
	put(store, 6, "a", "1", NULL);
	commit(store);
	exec(store_sql(store), "PRAGMA max_page_count = 20"); // a full disk
	char *big = mem_calloc(1, 1 << 20);
	struct record record = make_record(RECORD_PUT, 6, "b", "2");
	record.body = payload_new(str_make(big, 1 << 20));
	struct error error;
	begin(store);
	put(store, 6, "a", "changed", NULL);
	enum err err = store_write(store, &record, &error);
	if (err == ERR_OK) err = store_commit(store, &error);
	assert_int_equal(err, ERR_IO);
	assert_non_null(strstr(error.message, "full"));
	store_rollback(store);
	assert_records(store, "6:a=1 ");
	exec(store_sql(store), "PRAGMA max_page_count = 100000");
	begin(store);
	write_record(store, &record);
	commit(store);
	assert_records(store, "6:a=1 6:b=2 ");
	payload_unref(record.body);
	free(big);
	store_close(store);
}

static void test_reader_cannot_write(void **state) {
	struct test_dir *dir = *state;
	const char *const paths[] = {dir->db, NULL};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct store *store = open_db(paths[i], DURABILITY_OS, 1);
		struct store_reader *reader;
		struct error error;
		assert_ok(store_reader_open(store, &reader, &error), &error);
		assert_int_equal(sqlite3_exec(store_reader_sql(reader), "DELETE FROM engine_meta", NULL, NULL, NULL),
				 SQLITE_READONLY);
		store_reader_close(reader);
		store_close(store);
	}
}

// A reader that keeps a snapshot stops the log from starting over; when it goes, the log stays within bounds again.
static void test_log_stays_bounded(void **state) {
	struct test_dir *dir = *state;
	struct store *store = open_db(dir->db, DURABILITY_NONE, 0);
	struct store_reader *reader;
	struct error error;
	assert_ok(store_reader_open(store, &reader, &error), &error);
	char log[320], body[4001] = {0};
	memset(body, 'b', sizeof body - 1);
	snprintf(log, sizeof log, "%s-wal", dir->db);
	struct stat status;
	for (int i = 0; i < 600; i++) {
		if (i == 100) exec(store_reader_sql(reader), "BEGIN; SELECT count(*) FROM engine_record");
		if (i == 200) exec(store_reader_sql(reader), "COMMIT");
		begin(store);
		for (int k = 0; k < 50; k++) {
			char key[16];
			snprintf(key, sizeof key, "%d", (i * 50 + k) % 1000);
			put(store, 6, key, "h", body);
		}
		commit(store);
	}
	assert_int_equal(stat(log, &status), 0);
	assert_true(status.st_size < 33 << 20); // without care it would have more than 120 MB
	store_reader_close(reader);
	store_close(store);
}

static int count_names(const char *dir) {
	char command[400], text[16] = "";
	snprintf(command, sizeof command, "ls -A '%s' | wc -l", dir);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(text, sizeof text, pipe));
	pclose(pipe);
	return atoi(text);
}

// Reads without pause on another thread while the writer writes many megabytes.
struct temporary_reader {
	struct store_reader *reader;
	atomic_bool stop;
	atomic_int reads;
	bool wrong;
};

static void *read_always(void *context) {
	struct temporary_reader *reader = context;
	while (!atomic_load(&reader->stop)) {
		struct payload *payload = NULL;
		struct error error;
		enum err err = store_reader_body(reader->reader, 4, STR("fixed"), &payload, &error);
		if (err != ERR_OK || !str_eq(payload_str(payload), STR("fixed body"))) reader->wrong = true;
		payload_unref(payload);
		atomic_fetch_add(&reader->reads, 1);
	}
	return NULL;
}

static void write_megabytes(struct store *store, int transactions) {
	char body[8001] = {0};
	memset(body, 'b', sizeof body - 1);
	for (int i = 0; i < transactions; i++) {
		begin(store);
		for (int k = 0; k < 50; k++) {
			char key[16];
			snprintf(key, sizeof key, "%d", i * 50 + k);
			put(store, 6, key, "h", body);
		}
		commit(store);
	}
}

static void test_temporary_file(void **state) {
	struct test_dir *dir = *state;
	char *before = getenv("TMPDIR") != NULL ? mem_strndup(getenv("TMPDIR"), strlen(getenv("TMPDIR"))) : NULL;
	setenv("TMPDIR", dir->dir, 1);
	struct store *store = open_db(NULL, DURABILITY_NONE, 2);
	if (before != NULL)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
	assert_int_equal(count_names(dir->dir), 0);
	begin(store);
	put(store, 4, "fixed", "h", "fixed body");
	commit(store);

	struct temporary_reader readers[2] = {0};
	struct error error;
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		assert_ok(store_reader_open(store, &readers[i].reader, &error), &error);
		assert_int_equal(pthread_create(&threads[i], NULL, read_always, &readers[i]), 0);
	}
	struct store_reader *third;
	assert_int_equal(store_reader_open(store, &third, &error), ERR_BUSY);
	write_megabytes(store, 150); // 60 MB: many checkpoints, and the log starts over
	for (int i = 0; i < 2; i++) {
		while (atomic_load(&readers[i].reads) < 10) sched_yield();
		atomic_store(&readers[i].stop, true);
		pthread_join(threads[i], NULL);
		assert_false(readers[i].wrong);
	}
	sqlite3 *db = store_sql(store);
	assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
	write_megabytes(store, 20);
	exec(db, "CREATE TABLE later(x); INSERT INTO later VALUES('seen')"); // as history does
	assert_string_equal(query(store_reader_sql(readers[0].reader), "SELECT x FROM later"), "seen");
	assert_string_equal(query(store_reader_sql(readers[1].reader), "PRAGMA integrity_check"), "ok");
	assert_reader_body(readers[1].reader, 4, "fixed", "fixed body");
	assert_int_equal(count_names(dir->dir), 0);
	store_reader_close(readers[0].reader);
	assert_ok(store_reader_open(store, &third, &error), &error); // handed out again
	store_reader_close(third);
	store_reader_close(readers[1].reader);
	store_close(store);
	assert_int_equal(count_names(dir->dir), 0);
}

static void test_temporary_directory_missing(void **state) {
	(void)state;
	char *before = getenv("TMPDIR") != NULL ? mem_strndup(getenv("TMPDIR"), strlen(getenv("TMPDIR"))) : NULL;
	setenv("TMPDIR", "/nonexistent-directory", 1);
	struct store *store;
	struct error error;
	assert_int_equal(store_open_sqlite(NULL, DURABILITY_NONE, 1, &store, &error), ERR_IO);
	assert_non_null(strstr(error.message, "/nonexistent-directory"));
	if (before != NULL)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reopen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_relative_and_odd_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_a_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_format, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_server_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_tables_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quarantine_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bodies_do_not_leak, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failed_write_rolls_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_cannot_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_stays_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_temporary_file, set_up, tear_down),
		cmocka_unit_test(test_temporary_directory_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
