// Walks: the runs of a page in their order.
//
// A stream goes through an index, in the direction of the walk where that helps: then all that is behind a row has a
// time that is not before the row's, and as soon as that is behind the worst of a full page the stream is at its end.
// Other streams are read as a whole.
//
// Which index is the best one depends on how the rows lie: a filter that only little passes is better looked up than
// looked for. So there are plans, which are tried in turn with ever more steps, until one comes to its end: that costs
// a few times as much as knowing it.
#include <stdlib.h>

#include "history/runs_internal.h"

#define GIVEN_FACTOR 8
#define STEPS_OF_STREAM 200 // what a statement costs that finds nothing, about
#define STEPS_AT_ONCE 1000  // between two looks at how many are left
#define STEPS_FACTOR 64
#define STEPS_OF_ROW 8 // what a step costs where each looks at a row of the table, about

enum plan {
	PLAN_ALL,       // all runs by id
	PLAN_FUNCTIONS, // by function and status
	PLAN_STARTED,   // by start
	PLAN_ENDED,     // by end
	PLAN_UNSTARTED, // without a start: those in the queue by function, the others by id
	PLAN_FLAGGED,
	PLAN_COUNT,
};

struct walk {
	struct history_reader *reader;
	struct arena *arena;
	const struct run_filter *filter;
	const struct run_sort *sort;
	const struct run_pick *after;
	uint64_t deadline_ns; // 0: none
	struct run_picks picks;
	struct run_order first; // of the orders
	struct {
		enum plan plan;
		bool needs_rows; // the index does not have all that is asked for
	} plans[PLAN_COUNT];
	size_t plan_count;
	uint64_t steps_left; // of the plan
	bool is_spent;       // they were not enough
	bool is_late;
};

// ---- Streams -------------------------------------------------------------------------------------------------------

static enum run_time time_of(const struct run_stream *stream) {
	if (stream->driver == DRIVE_STARTED) return RUN_TIME_STARTED;
	return stream->driver == DRIVE_ENDED ? RUN_TIME_ENDED : RUN_TIME_QUEUED;
}

// The stream's time is the order's, or lies before it on the way up, or behind it on the way down.
static bool tells_order(const struct run_order *order, const struct run_stream *stream) {
	enum run_time by = time_of(stream);
	return by == order->by || (order->descending ? by == RUN_TIME_ENDED : by == RUN_TIME_QUEUED);
}

// The stream comes in the very order: among equal times the index has ascending ids, when it is read this way. That of
// starts has them in no order.
static bool is_exact(const struct walk *walk, const struct run_stream *stream) {
	bool by_end = stream->driver == DRIVE_ENDED;
	if (stream->driver == DRIVE_STARTED) return false;
	return stream->is_sorted && walk->sort->count <= 1 && walk->first.by == time_of(stream) &&
	       walk->first.descending == by_end;
}

static struct run_bounds bounds_of(const struct walk *walk, const struct run_stream *stream) {
	struct run_bounds bounds = run_filter_bounds(walk->filter);
	const struct run_order *first = &walk->first;
	void (*const limits[2])(struct run_bounds *, enum run_time, int64_t) = {run_bounds_until, run_bounds_from};
	if (walk->after != NULL) limits[!first->descending](&bounds, first->by, run_pick_time(walk->after, first->by));
	if (walk->picks.is_full) {
		const struct run_pick *worst = &walk->picks.items[walk->picks.need - 1];
		limits[first->descending](&bounds, first->by, run_pick_time(worst, first->by));
	}
	bool by_id = first->by == RUN_TIME_QUEUED && is_exact(walk, stream);
	if (by_id && walk->after != NULL && ulid_cmp(&walk->after->id, &bounds.first) > 0)
		bounds.first = walk->after->id;
	return bounds;
}

// The rest of the stream is behind the worst that counts.
static bool is_enough(const struct walk *walk, const struct run_stream *stream, const struct run_pick *pick) {
	if (!walk->picks.is_full || !stream->is_sorted) return false;
	const struct run_pick *worst = &walk->picks.items[walk->picks.need - 1];
	if (is_exact(walk, stream)) return run_pick_compare(pick, worst) >= 0;
	return run_order_key(run_pick_time(pick, time_of(stream)), walk->first.descending) > worst->keys[0];
}

static int64_t column_ms(sqlite3_stmt *row, int column) {
	if (sqlite3_column_type(row, column) == SQLITE_NULL) return RUN_NO_TIME;
	return sqlite3_column_int64(row, column);
}

static bool pick_read(const struct walk *walk, sqlite3_stmt *row, struct run_pick *out) {
	if (!sql_ulid(row, 1, &out->id)) return false;
	out->rowid = sqlite3_column_int64(row, 0);
	out->ended_ms = column_ms(row, 2);
	out->started_ms = column_ms(row, 3);
	run_pick_key(walk->sort, out);
	return true;
}

enum stop { STOP_AT_END, STOP_ENOUGH, STOP_TIGHTER };

// Until its end, or until bounds would keep out much of what it goes on to give: where it does not end early.
static enum stop read_rows(struct walk *walk, const struct run_stream *stream, sqlite3_stmt *row, size_t given_max,
			   enum err *err, struct error *error) {
	struct run_pick pick;
	for (size_t given = 0; sql_row(row, err, error);) {
		if (!pick_read(walk, row, &pick)) continue;
		bool is_enough_now = is_enough(walk, stream, &pick);
		if (is_enough_now || (++given > given_max && walk->picks.is_full)) {
			sqlite3_reset(row);
			return is_enough_now ? STOP_ENOUGH : STOP_TIGHTER;
		}
		if (walk->after == NULL || run_pick_compare(&pick, walk->after) > 0) run_picks_add(&walk->picks, &pick);
	}
	return STOP_AT_END;
}

// What comes first in the direction of the walk is mostly the best, however the stream is sorted.
static enum err stream_read(struct walk *walk, struct run_stream *stream, struct error *error) {
	bool by_id = walk->first.by == RUN_TIME_QUEUED;
	bool is_of_ended = stream->driver == DRIVE_FUNCTION && stream->status >= TRACE_RUN_COMPLETED;
	stream->is_sorted = tells_order(&walk->first, stream);
	stream->with_start = run_sort_has(walk->sort, RUN_TIME_STARTED);
	stream->with_ends = !by_id && is_of_ended;
	enum run_statement which = walk->first.descending ? RUNS_DESCENDING : RUNS_ASCENDING;
	size_t given_max = stream->is_sorted ? SIZE_MAX : walk->picks.need;
	enum stop stop = STOP_TIGHTER;
	enum err err = ERR_OK;
	for (; stop == STOP_TIGHTER && err == ERR_OK; given_max *= GIVEN_FACTOR) {
		struct run_bounds bounds = bounds_of(walk, stream);
		sqlite3_stmt *row;
		err = run_statement_get(walk->reader, walk->filter, stream, which, &bounds, &row, error);
		if (err == ERR_OK) stop = read_rows(walk, stream, row, given_max, &err, error);
	}
	if (walk->picks.count >= walk->picks.need) run_picks_cut(&walk->picks);
	return err;
}

// ---- Plans ---------------------------------------------------------------------------------------------------------

static bool spend(struct walk *walk, uint64_t steps) {
	walk->is_spent = walk->steps_left < steps;
	walk->steps_left -= walk->is_spent ? walk->steps_left : steps;
	return walk->is_spent;
}

// Interrupts the statement when true.
static int spend_steps(void *context) {
	struct walk *walk = context;
	walk->is_late = walk->deadline_ns != 0 && clock_mono_ns() >= walk->deadline_ns;
	return spend(walk, STEPS_AT_ONCE) || walk->is_late;
}

static enum err read_functions(struct walk *walk, unsigned statuses, struct error *error) {
	struct run_functions functions = {.filter = walk->filter, .arena = walk->arena};
	bool found = statuses != 0;
	enum err err = ERR_OK;
	while (found && err == ERR_OK && !walk->is_spent) {
		err = run_functions_next(walk->reader, &functions, &found, error);
		for (int code = TRACE_RUN_QUEUED; found && code <= TRACE_RUN_CANCELLED; code += 100) {
			if ((statuses & RUN_STATUS_BIT(code)) == 0) continue;
			if (err != ERR_OK || spend(walk, STEPS_OF_STREAM)) break;
			struct run_stream stream = {
				.driver = DRIVE_FUNCTION, .function = functions.current, .status = code};
			err = stream_read(walk, &stream, error);
		}
	}
	return err;
}

static enum err read_plan(struct walk *walk, enum plan plan, struct error *error) {
	static const enum run_driver drivers[] = {[PLAN_ALL] = DRIVE_ALL,
						  [PLAN_STARTED] = DRIVE_STARTED,
						  [PLAN_ENDED] = DRIVE_ENDED,
						  [PLAN_UNSTARTED] = DRIVE_UNSTARTED,
						  [PLAN_FLAGGED] = DRIVE_FLAGGED};
	unsigned statuses = walk->filter->statuses;
	if (plan == PLAN_FUNCTIONS) return read_functions(walk, statuses, error);
	struct run_stream stream = {.driver = drivers[plan]};
	enum err err = stream_read(walk, &stream, error);
	bool has_queued = plan == PLAN_UNSTARTED && err == ERR_OK;
	return has_queued ? read_functions(walk, statuses & RUN_STATUS_BIT(TRACE_RUN_QUEUED), error) : err;
}

// With so many steps; what a plan has found that is not over does no harm to the next one.
static enum err try_plan(struct walk *walk, size_t index, uint64_t steps, bool *is_over, struct error *error) {
	walk->steps_left = walk->plans[index].needs_rows ? steps / STEPS_OF_ROW : steps;
	walk->is_spent = walk->is_late = false;
	sqlite3_progress_handler(walk->reader->db, STEPS_AT_ONCE, spend_steps, walk);
	enum err err = read_plan(walk, walk->plans[index].plan, error);
	reader_watch(walk->reader);
	*is_over = !walk->is_spent;
	return walk->is_spent && !walk->is_late ? ERR_OK : err;
}

static void add_plan(struct walk *walk, enum plan plan, bool needs_rows) {
	walk->plans[walk->plan_count].plan = plan;
	walk->plans[walk->plan_count++].needs_rows = needs_rows;
}

// By start; ids that are bounded lie together, but may have started at any time after.
static void choose_by_start(struct walk *walk) {
	const struct run_filter *filter = walk->filter;
	bool is_narrow = run_filter_is_narrow(filter, filter->is_over ? RUN_ENDED_BITS : RUN_STARTED_BITS);
	if (is_narrow && filter->has_functions) add_plan(walk, PLAN_FUNCTIONS, true);
	add_plan(walk, PLAN_STARTED, true);
	if (filter->is_over) add_plan(walk, PLAN_ENDED, true);
	if (is_narrow && !filter->has_functions) add_plan(walk, PLAN_FUNCTIONS, true);
	if (filter->has_id_bounds && !filter->has_functions) add_plan(walk, PLAN_ALL, true);
}

// Best first, as far as can be told.
static void choose_plans(struct walk *walk) {
	const struct run_filter *filter = walk->filter;
	enum run_time first = walk->first.by;
	bool by_id = first == RUN_TIME_QUEUED, by_end = first == RUN_TIME_ENDED;
	bool is_narrow = run_filter_is_narrow(filter, by_end || filter->is_over ? RUN_ENDED_BITS : RUN_ALL_BITS);
	bool is_far = by_end && filter->has_id_bounds; // by end they may come anywhere
	bool needs_rows = run_sort_has(walk->sort, RUN_TIME_STARTED) || filter->has_start != UNSET;
	if (filter->flags != 0) add_plan(walk, PLAN_FLAGGED, true);
	if (filter->has_start == NO) add_plan(walk, PLAN_UNSTARTED, true);
	if (first == RUN_TIME_STARTED) {
		choose_by_start(walk);
		return;
	}
	if (is_far || (is_narrow && (filter->has_functions || by_id))) add_plan(walk, PLAN_FUNCTIONS, needs_rows);
	if (filter->is_over || by_end) add_plan(walk, PLAN_ENDED, needs_rows || filter->has_functions);
	if (is_narrow && !is_far && !filter->has_functions && !by_id) add_plan(walk, PLAN_FUNCTIONS, needs_rows);
	bool is_live = (filter->statuses & ~RUN_LIVE_BITS) == 0; // looked up by function, there is nothing to skip
	if (!filter->has_functions && !by_end && !is_live)
		add_plan(walk, PLAN_ALL, needs_rows || is_narrow || filter->is_over);
}

static enum err walk_read(struct walk *walk, struct error *error) {
	bool is_over = false;
	enum err err = ERR_OK;
	choose_plans(walk);
	if (walk->plan_count == 1) return read_plan(walk, walk->plans[0].plan, error);
	for (uint64_t steps = walk->reader->try_steps; !is_over && err == ERR_OK; steps *= STEPS_FACTOR) {
		for (size_t i = 0; i < walk->plan_count && !is_over && err == ERR_OK; i++)
			err = try_plan(walk, i, steps, &is_over, error);
	}
	return err;
}

// ---- Parts of an order ---------------------------------------------------------------------------------------------

struct picking {
	struct history_reader *reader;
	struct arena *arena;
	uint64_t deadline_ns;
	size_t need;
	struct rows out; // struct run_pick
};

// Appends the runs that come next: all of them have the time of the first order.
static enum err pick_part(struct picking *picking, const struct run_filter *filter, const struct run_sort *sort,
			  const struct run_pick *after, struct error *error) {
	struct walk walk = {.reader = picking->reader,
			    .arena = picking->arena,
			    .filter = filter,
			    .sort = sort,
			    .deadline_ns =
				    picking->deadline_ns != 0 ? picking->deadline_ns : picking->reader->deadline_ns,
			    .picks.need = picking->need - picking->out.count,
			    .first = run_sort_first(sort),
			    .steps_left = UINT64_MAX};
	struct run_pick place;
	if (filter->is_empty || walk.picks.need == 0) return ERR_OK;
	if (after != NULL) {
		place = *after;
		run_pick_key(sort, &place);
		walk.after = &place;
	}
	enum err err = walk_read(&walk, error);
	run_picks_cut(&walk.picks);
	for (size_t i = 0; i < walk.picks.count && err == ERR_OK; i++)
		*(struct run_pick *)rows_add(&picking->out) = walk.picks.items[i];
	free(walk.picks.items);
	return err;
}

static enum err pick_all(struct picking *picking, const struct run_filter *filter, const struct run_sort *sort,
			 const struct run_pick *after, struct error *error);

// Those that do not have the time of the first order differ by the rest of it. Goes down at most twice.
static enum err pick_rest(struct picking *picking, const struct run_filter *filter, const struct run_sort *sort,
			  const struct run_pick *after, struct error *error) {
	struct run_filter part = run_filter_part(filter, run_sort_first(sort).by, false);
	struct run_sort rest = run_sort_rest(sort);
	return part.is_empty ? ERR_OK : pick_all(picking, &part, &rest, after, error);
}

static enum err pick_all(struct picking *picking, const struct run_filter *filter, const struct run_sort *sort,
			 const struct run_pick *after, struct error *error) {
	struct run_order first = run_sort_first(sort);
	if (first.by == RUN_TIME_QUEUED) return pick_part(picking, filter, sort, after, error);
	struct run_filter part = run_filter_part(filter, first.by, true);
	bool is_behind = after != NULL && run_pick_time(after, first.by) == RUN_NO_TIME; // those that have the time
	if (first.descending) {
		enum err err = is_behind ? ERR_OK : pick_part(picking, &part, sort, after, error);
		return err == ERR_OK ? pick_rest(picking, filter, sort, is_behind ? after : NULL, error) : err;
	}
	bool is_among = after == NULL || is_behind; // those that do not have it
	enum err err = is_among ? pick_rest(picking, filter, sort, after, error) : ERR_OK;
	return err == ERR_OK ? pick_part(picking, &part, sort, is_among ? NULL : after, error) : err;
}

enum err runs_pick(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
		   const struct run_sort *sort, const struct run_pick *after, size_t need, uint64_t deadline_ns,
		   struct run_pick **out, size_t *count, struct error *error) {
	struct picking picking = {.reader = reader, .arena = arena, .deadline_ns = deadline_ns, .need = need};
	picking.out = (struct rows){.arena = arena, .row_size = sizeof(struct run_pick)};
	enum err err = filter->is_empty ? ERR_OK : pick_all(&picking, filter, sort, after, error);
	*out = (struct run_pick *)(void *)picking.out.items;
	*count = picking.out.count;
	return err;
}
