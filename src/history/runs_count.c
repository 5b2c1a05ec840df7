// How many runs a filter lets through: from the indexes alone where that can be.
#include "history/runs_internal.h"

static enum err add_count(struct history_reader *reader, const struct run_filter *filter,
			  const struct run_stream *stream, enum run_statement which, uint64_t *sum,
			  struct error *error) {
	struct run_bounds bounds = run_filter_bounds(filter);
	sqlite3_stmt *row;
	enum err err = run_statement_get(reader, filter, stream, which, &bounds, &row, error);
	while (err == ERR_OK && sql_row(row, &err, error)) *sum += (uint64_t)sqlite3_column_int64(row, 0);
	return err;
}

static enum err add_function(struct history_reader *reader, const struct run_filter *filter, struct str function,
			     uint64_t *sum, struct error *error) {
	enum err err = ERR_OK;
	for (int code = TRACE_RUN_QUEUED; code <= TRACE_RUN_CANCELLED && err == ERR_OK; code += 100) {
		struct run_stream stream = {.driver = DRIVE_FUNCTION, .function = function, .status = code};
		if ((filter->statuses & RUN_STATUS_BIT(code)) != 0)
			err = add_count(reader, filter, &stream, RUNS_COUNT_COVERED, sum, error);
	}
	return err;
}

static enum err add_functions(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			      uint64_t *sum, struct error *error) {
	struct run_functions functions = {.filter = filter, .arena = arena};
	bool found = true;
	enum err err = ERR_OK;
	while (found && err == ERR_OK) {
		err = run_functions_next(reader, &functions, &found, error);
		if (found && err == ERR_OK) err = add_function(reader, filter, functions.current, sum, error);
	}
	return err;
}

static enum err count_covered(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			      uint64_t *sum, struct error *error) {
	bool is_over = filter->is_over || filter->statuses == RUN_ENDED_BITS;
	struct run_stream stream = {.driver = is_over ? DRIVE_ENDED : DRIVE_ALL};
	if (filter->has_functions || (!is_over && run_filter_is_narrow(filter, RUN_ALL_BITS)))
		return add_functions(reader, arena, filter, sum, error);
	return add_count(reader, filter, &stream, RUNS_COUNT_COVERED, sum, error);
}

// Debug runs, and the deferred ones when they are not wanted, that have been counted.
static enum err subtract_flagged(struct history_reader *reader, const struct run_filter *filter, uint64_t *sum,
				 struct error *error) {
	struct run_stream stream = {.driver = DRIVE_FLAGGED};
	uint64_t flagged = 0;
	enum err err = add_count(reader, filter, &stream, RUNS_COUNT_FLAGGED, &flagged, error);
	*sum -= flagged < *sum ? flagged : *sum;
	return err;
}

// Bounds that leave nothing out cost time all the same.
static enum err drop_bounds(struct history_reader *reader, struct run_filter *filter, struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(reader,
				     STR("SELECT (SELECT min(run_id) FROM function_runs),"
					 " (SELECT max(run_id) FROM function_runs)"),
				     &row, error);
	if (err != ERR_OK) return err;
	while (sql_row(row, &err, error)) {
		struct ulid first, last;
		if (!sql_ulid(row, 0, &first) || !sql_ulid(row, 1, &last)) continue;
		filter->has_id_bounds = ulid_cmp(&filter->first, &first) > 0 || ulid_cmp(&filter->last, &last) < 0;
	}
	return err;
}

enum err runs_count(struct history_reader *reader, struct run_filter *filter, uint64_t *out, struct error *error) {
	struct run_stream flagged = {.driver = DRIVE_FLAGGED};
	struct arena arena;
	*out = 0;
	if (filter->is_empty) return ERR_OK;
	enum err err = filter->has_id_bounds ? drop_bounds(reader, filter, error) : ERR_OK;
	if (err != ERR_OK) return err;
	if (filter->flags != 0) return add_count(reader, filter, &flagged, RUNS_COUNT, out, error);
	arena_init(&arena, 0);
	err = count_covered(reader, &arena, filter, out, error);
	arena_free(&arena);
	return err == ERR_OK ? subtract_flagged(reader, filter, out, error) : err;
}
