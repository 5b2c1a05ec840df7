// Connections of workers as people list them (spec 06 §9): filters, orders, pages and counts over worker_connections.
//
// One thread at a time per reader, as in history.h. Results live in the arena. Times are ms since the epoch, 0 for
// none.
#ifndef INNGEST_HISTORY_WORKERS_H
#define INNGEST_HISTORY_WORKERS_H

#include "history/history.h"

enum worker_status { // stored (07 §5)
	WORKER_CONNECTED,
	WORKER_READY,
	WORKER_DRAINING,
	WORKER_DISCONNECTING,
	WORKER_DISCONNECTED,
	WORKER_STATUS_COUNT,
};
enum worker_time { WORKER_TIME_CONNECTED, WORKER_TIME_HEARTBEAT, WORKER_TIME_DISCONNECTED, WORKER_TIME_COUNT };

struct worker_row {
	struct ulid id, gateway_id;
	struct uuid app_id; // zero: none
	struct str app_name, instance_id, ip, disconnect_reason, group_hash, sdk_language, sdk_version, sdk_platform,
		sync_id, app_version, os;
	int64_t status, concurrency_max, function_count, cpu_cores, memory_bytes;
	uint64_t at_ms[WORKER_TIME_COUNT];
};

struct worker_order {
	enum worker_time by;
	bool descending;
};
#define WORKER_ORDERS_MAX 3
struct worker_cursor {
	struct ulid id;
	bool has_app; // only behind the row of this app; else behind all rows with the id
	struct str app_name;
	uint64_t at_ms[WORKER_ORDERS_MAX]; // values of the orders
};
struct worker_query {
	const struct uuid *apps; // any of; count 0: all
	size_t app_count;
	unsigned statuses; // bits 1 << status; 0: all
	enum worker_time time;
	uint64_t from_ms, until_ms;                    // inclusive, exclusive
	struct worker_order orders[WORKER_ORDERS_MAX]; // one after the other, then by id and app ascending
	size_t order_count;
	const struct worker_cursor *after; // NULL: from the first
	size_t limit;
};
ERR_CHECKED enum err history_workers(struct history_reader *reader, struct arena *arena,
				     const struct worker_query *query, struct worker_row **out, size_t *count,
				     bool *has_more, struct error *error);
// How many match, whatever the cursor and the limit.
ERR_CHECKED enum err history_workers_count(struct history_reader *reader, const struct worker_query *query,
					   uint64_t *out, struct error *error);
// ERR_NOT_FOUND.
ERR_CHECKED enum err history_worker(struct history_reader *reader, struct arena *arena, const struct ulid *id,
				    struct worker_row *out, struct error *error);

#endif
