// Connections of workers: filters, orders, pages, counts.
#include "history/workers.h"
#include "history_test.h"

#define APP_A "00000000-0000-0000-0000-00000000000a"
#define APP_B "00000000-0000-0000-0000-00000000000b"

// Ids are 16 bytes whose last one is the number.
static void insert(struct fixture *f, unsigned n, const char *app, unsigned status, unsigned connected,
		   const char *heartbeat, const char *disconnected) {
	char sql[1024];
	(void)snprintf(
		sql, sizeof sql,
		"INSERT INTO worker_connections VALUES('', '', 'name', '%s', x'000000000000000000000000000000%02x',"
		" x'000000000000000000000000000000ff', 'inst', %u, '127.0.0.1:1', 7, %u, %s, %s, 0, 0, 'UNEXPECTED',"
		" CAST('abc' AS BLOB), 'typescript', 'v4', '', NULL, 'v1', 3, 2, 4096, 'linux')",
		app, n, status, connected, heartbeat, disconnected);
	exec(f->db, sql);
}

static int set_up_workers(void **state) {
	(void)set_up(state);
	struct fixture *f = *state;
	insert(f, 1, APP_A, WORKER_READY, 1000, "5000", "NULL");
	insert(f, 2, APP_A, WORKER_DISCONNECTED, 1000, "2000", "2500");
	insert(f, 3, APP_B, WORKER_READY, 3000, "NULL", "NULL");
	insert(f, 4, APP_B, WORKER_DISCONNECTED, 2000, "4000", "4500");
	return 0;
}

static struct worker_query everything(void) {
	return (struct worker_query){.until_ms = INT64_MAX, .limit = 10};
}

// The numbers of all pages, a bar between two.
static void check(struct fixture *f, struct worker_query query, const char *expected) {
	char text[64] = "";
	struct worker_cursor cursor;
	bool has_more = true;
	for (size_t page = 0; has_more && page < 10; page++) {
		struct worker_row *rows;
		size_t count;
		assert_ok(history_workers(f->reader, &f->arena, &query, &rows, &count, &has_more, &f->error),
			  &f->error);
		if (page > 0) strcat(text, "|");
		for (size_t i = 0; i < count; i++)
			(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%u", rows[i].id.bytes[15]);
		if (count == 0) break;
		cursor.id = rows[count - 1].id;
		cursor.app_name = rows[count - 1].app_name;
		cursor.has_app = has_more && ulid_cmp(&cursor.id, &rows[count].id) == 0;
		for (size_t i = 0; i < query.order_count; i++)
			cursor.at_ms[i] = rows[count - 1].at_ms[query.orders[i].by];
		query.after = &cursor;
	}
	assert_string_equal(text, expected);
	uint64_t total;
	assert_ok(history_workers_count(f->reader, &query, &total, &f->error), &f->error);
	assert_int_equal(total, strlen(expected) - (strchr(expected, '|') != NULL ? 1 : 0));
}

static void a_row(void **state) {
	struct fixture *f = *state;
	struct ulid id = {{[15] = 2}};
	struct worker_row row;
	assert_ok(history_worker(f->reader, &f->arena, &id, &row, &f->error), &f->error);
	assert_int_equal(row.app_id.bytes[15], 10);
	assert_true(str_eq(row.ip, STR("127.0.0.1:1")) && str_eq(row.group_hash, STR("abc")) &&
		    str_eq(row.os, STR("linux")));
	assert_true(str_eq(row.app_version, STR("v1")) && str_eq(row.disconnect_reason, STR("UNEXPECTED")));
	assert_int_equal(row.sync_id.len, 0);
	assert_int_equal(row.status, WORKER_DISCONNECTED);
	assert_int_equal(row.concurrency_max, 7);
	assert_int_equal(row.memory_bytes, 4096);
	assert_int_equal(row.at_ms[WORKER_TIME_CONNECTED], 1000);
	assert_int_equal(row.at_ms[WORKER_TIME_DISCONNECTED], 2500);
	id.bytes[15] = 9;
	assert_int_equal(history_worker(f->reader, &f->arena, &id, &row, &f->error), ERR_NOT_FOUND);
}

static void filters(void **state) {
	struct fixture *f = *state;
	struct worker_query query = everything();
	check(f, query, "1234");
	query.statuses = 1u << WORKER_READY;
	check(f, query, "13");
	query.statuses |= 1u << WORKER_DISCONNECTED;
	check(f, query, "1234");
	struct uuid apps[] = {{{[15] = 10}}, {{[15] = 99}}};
	query.apps = apps;
	query.app_count = 2;
	check(f, query, "12");
	query = everything();
	query.from_ms = 2000;
	check(f, query, "34");
	query.until_ms = 3000; // exclusive
	check(f, query, "4");
	query.time = WORKER_TIME_DISCONNECTED;
	query.from_ms = 0;
	check(f, query, "2");
	query.until_ms = INT64_MAX; // those that are connected have no such time
	check(f, query, "24");
}

static void orders_and_pages(void **state) {
	struct fixture *f = *state;
	struct worker_query query = everything();
	query.limit = 2;
	check(f, query, "12|34");
	query.orders[query.order_count++] = (struct worker_order){.by = WORKER_TIME_CONNECTED, .descending = true};
	check(f, query, "34|12");
	query.orders[query.order_count++] = (struct worker_order){.by = WORKER_TIME_HEARTBEAT};
	check(f, query, "34|21");
	query.orders[query.order_count++] = (struct worker_order){.by = WORKER_TIME_DISCONNECTED};
	check(f, query, "34|21");
	query.limit = 3;
	check(f, query, "342|1");
	query.order_count = 1;
	query.orders[0] = (struct worker_order){.by = WORKER_TIME_DISCONNECTED};
	check(f, query, "132|4");
}

// A connection that serves several apps has a row for each: a page may end between them.
static void several_apps(void **state) {
	struct fixture *f = *state;
	exec(f->db, "INSERT INTO worker_connections SELECT account_id, workspace_id, 'other', app_id, id, gateway_id,"
		    " instance_id, status, worker_ip, max_worker_concurrency, connected_at, last_heartbeat_at,"
		    " disconnected_at, recorded_at, inserted_at, disconnect_reason, group_hash, sdk_lang, sdk_version,"
		    " sdk_platform, sync_id, app_version, function_count, cpu_cores, mem_bytes, os"
		    " FROM worker_connections WHERE app_id = '" APP_B "'");
	struct worker_query query = everything();
	query.limit = 3;
	check(f, query, "123|344");
	query.orders[query.order_count++] = (struct worker_order){.by = WORKER_TIME_CONNECTED, .descending = true};
	check(f, query, "334|412");
	query.limit = 6;
	check(f, query, "334412"); // and no page behind it
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row, set_up_workers, tear_down),
		cmocka_unit_test_setup_teardown(filters, set_up_workers, tear_down),
		cmocka_unit_test_setup_teardown(orders_and_pages, set_up_workers, tear_down),
		cmocka_unit_test_setup_teardown(several_apps, set_up_workers, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
