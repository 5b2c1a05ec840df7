// How many runs a filter lets through: from the indexes alone where that can be.
#include "base/clock.h"
#include "history/runs_internal.h"

#define STEPS_AT_ONCE 1000 // between two looks at how many are left
#define STEPS_FACTOR 4

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
	for (int code = TRACE_RUN_QUEUED; code <= TRACE_RUN_SKIPPED && err == ERR_OK; code += 100) {
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

// ---- By status -----------------------------------------------------------------------------------------------------
//
// To count runs of a status costs some steps for each of them, to count all there are next to nothing. So those that
// are wanted and those that are not are counted in turn, with ever more steps, until one of the two is done.

struct attempt {
	struct history_reader *reader;
	uint64_t steps_left;
	bool is_spent, is_late;
};

// Interrupts the statement when true.
static int spend_steps(void *context) {
	struct attempt *attempt = context;
	uint64_t deadline_ns = attempt->reader->deadline_ns;
	attempt->is_late = deadline_ns != 0 && clock_mono_ns() >= deadline_ns;
	attempt->is_spent = attempt->steps_left < STEPS_AT_ONCE;
	attempt->steps_left -= attempt->is_spent ? attempt->steps_left : STEPS_AT_ONCE;
	return attempt->is_spent || attempt->is_late;
}

static enum err try_count(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			  uint64_t steps, uint64_t *sum, bool *is_over, struct error *error) {
	struct attempt attempt = {.reader = reader, .steps_left = steps};
	*sum = 0;
	sqlite3_progress_handler(reader->db, STEPS_AT_ONCE, spend_steps, &attempt);
	enum err err = add_functions(reader, arena, filter, sum, error);
	reader_watch(reader);
	*is_over = err == ERR_OK;
	return attempt.is_spent && !attempt.is_late ? ERR_OK : err;
}

static enum err count_all(struct history_reader *reader, const struct run_filter *filter, uint64_t *sum,
			  struct error *error) {
	struct run_filter all = *filter;
	struct run_stream stream = {.driver = DRIVE_ALL};
	all.statuses = RUN_ALL_BITS;
	*sum = 0;
	return add_count(reader, &all, &stream, RUNS_COUNT_COVERED, sum, error);
}

static enum err count_by_status(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
				uint64_t *sum, struct error *error) {
	struct run_filter others = *filter;
	others.statuses = (RUN_ALL_BITS | RUN_STATUS_BIT(TRACE_RUN_SKIPPED)) & ~filter->statuses;
	// Mostly those that have completed are the most.
	bool wants_most = (filter->statuses & RUN_STATUS_BIT(TRACE_RUN_COMPLETED)) != 0;
	const struct run_filter *const tries[] = {wants_most ? &others : filter, wants_most ? filter : &others};
	bool is_over = false;
	enum err err = ERR_OK;
	size_t i = 0;
	for (uint64_t steps = reader->try_steps;; i++) {
		err = try_count(reader, arena, tries[i % 2], steps, sum, &is_over, error);
		if (err != ERR_OK || is_over) break;
		if (i % 2 != 0) steps *= STEPS_FACTOR;
	}
	if (err != ERR_OK || tries[i % 2] == filter) return err;
	uint64_t unwanted = *sum;
	err = count_all(reader, filter, sum, error);
	*sum -= unwanted < *sum ? unwanted : *sum;
	return err;
}

// ---- Any filter ----------------------------------------------------------------------------------------------------

static enum err count_covered(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			      uint64_t *sum, struct error *error) {
	bool is_over = filter->is_over || filter->statuses == RUN_ENDED_BITS;
	bool is_narrow = run_filter_is_narrow(filter, RUN_ALL_BITS);
	bool is_of_all = !filter->has_functions && !filter->has_id_bounds && !filter->is_over;
	if (is_narrow && is_of_all) return count_by_status(reader, arena, filter, sum, error);
	struct run_stream stream = {.driver = is_over ? DRIVE_ENDED : DRIVE_ALL};
	if (filter->has_functions || (!is_over && is_narrow)) return add_functions(reader, arena, filter, sum, error);
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
