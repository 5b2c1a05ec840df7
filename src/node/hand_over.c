#include "node/hand_over.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "node/node_internal.h"
#include "store/store.h"

static enum err find_file(const char *sqlite_dir, struct hand_over_result *out, struct error *error) {
	const char *dir = sqlite_dir != NULL && sqlite_dir[0] != '\0' ? sqlite_dir : NODE_SQLITE_DIR;
	int len = snprintf(out->path, sizeof out->path, "%s/%s", dir, NODE_SQLITE_FILE);
	if (len < 0 || (size_t)len >= sizeof out->path)
		return error_set(error, ERR_INVALID, "--sqlite-dir is too long");
	if (access(out->path, F_OK) == 0) return ERR_OK;
	return error_set(error, ERR_NOT_FOUND,
			 "%.3000s: %s; --sqlite-dir says where `inngest dev --persist` has kept its file", out->path,
			 strerror(errno));
}

// The reference server works without a log, and may meet one only after a crash (09 §3.1).
static enum err leave_log_mode(struct sqlite3 *db, struct error *error) {
	if (sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK) return ERR_OK;
	return error_set(error, ERR_IO, "leave write-ahead logging: %s", sqlite3_errmsg(db));
}

enum err node_hand_over(const char *sqlite_dir, hand_over_progress *progress, void *context,
			struct hand_over_result *out, struct error *error) {
	struct store *store = NULL;
	*out = (struct hand_over_result){0};
	enum err err = find_file(sqlite_dir, out, error);
	if (err == ERR_OK) err = store_open_sqlite(out->path, DURABILITY_FSYNC, 0, &store, error);
	if (err != ERR_OK) return err;
	err = history_migrate(store_sql(store), error);
	if (err == ERR_OK) err = history_hand_over(store_sql(store), progress, context, &out->counts, error);
	if (err == ERR_OK && out->counts.is_complete) err = leave_log_mode(store_sql(store), error);
	store_close(store);
	return err;
}
