// Orders, and the walks that give runs in them.
//
// Each stream goes through an index in the order wanted, or nearly: of runs with the same time the index may have
// another order. So a stream is read to the end of such a group, and what is best of all streams is sorted. Where no
// index has the order, a stream of at most RUNS_COLLECT_MAX rows is read as a whole: with a million runs that is as
// much as going through an index for a page of what one in a few hundred rows has.
#include <stdlib.h>

#include "history/runs_internal.h"

// ---- Orders --------------------------------------------------------------------------------------------------------

struct run_sort run_sort_of(const struct run_query *query) {
	struct run_sort sort = {0};
	for (size_t i = 0; i < query->order_count; i++) {
		bool by_end = query->orders[i].by == RUN_TIME_ENDED;
		if (i == 0) {
			sort.by_end = by_end;
			sort.descending = query->orders[i].descending;
		} else if (by_end != sort.by_end && !sort.has_second) {
			sort.has_second = true;
			sort.second_descending = query->orders[i].descending;
		}
	}
	return sort;
}

static int64_t key_of(bool by_end, bool descending, const struct ulid *id, int64_t ended_ms) {
	int64_t key = by_end ? ended_ms : (int64_t)ulid_time_ms(id);
	return descending ? ~key : key; // ~ turns the order round, and nothing overflows
}

struct run_pick run_pick_of(const struct run_sort *sort, const struct ulid *id, int64_t ended_ms) {
	struct run_pick pick = {.id = *id, .ended_ms = ended_ms};
	pick.keys[0] = key_of(sort->by_end, sort->descending, id, ended_ms);
	if (sort->has_second) pick.keys[1] = key_of(!sort->by_end, sort->second_descending, id, ended_ms);
	return pick;
}

static int compare_picks(const void *left, const void *right) {
	const struct run_pick *a = left, *b = right;
	for (size_t i = 0; i < ARRAY_LEN(a->keys); i++) {
		if (a->keys[i] != b->keys[i]) return a->keys[i] < b->keys[i] ? -1 : 1;
	}
	return ulid_cmp(&a->id, &b->id);
}

// The index has ascending ids among equal times, when it is read this way.
static bool is_exact(const struct run_sort *sort, const struct run_stream *stream) {
	if (!stream->is_sorted) return false;
	if (!sort->by_end) return !sort->descending && !sort->has_second;
	return sort->descending && (!sort->has_second || !sort->second_descending);
}

// ---- The best ------------------------------------------------------------------------------------------------------

struct picks {
	struct run_pick *items;
	size_t count, cap, need;
	bool is_full; // items[need - 1] is the worst that may still count
};

// Sorts and keeps the best, each run once.
static void picks_cut(struct picks *picks) {
	size_t kept = 0;
	if (picks->count > 0) qsort(picks->items, picks->count, sizeof *picks->items, compare_picks);
	for (size_t i = 0; i < picks->count && kept < picks->need; i++) {
		if (kept > 0 && compare_picks(&picks->items[kept - 1], &picks->items[i]) == 0) continue;
		picks->items[kept++] = picks->items[i];
	}
	picks->count = kept;
	picks->is_full = kept == picks->need;
}

static void picks_add(struct picks *picks, const struct run_pick *pick) {
	if (picks->is_full && compare_picks(pick, &picks->items[picks->need - 1]) >= 0) return;
	if (picks->count == picks->cap) {
		picks->cap = picks->cap == 0 ? 64 : picks->cap * 2;
		picks->items = mem_realloc(picks->items, picks->cap * sizeof *picks->items);
	}
	picks->items[picks->count++] = *pick;
	if (picks->count >= 2 * picks->need + 64) picks_cut(picks);
}

// ---- Streams -------------------------------------------------------------------------------------------------------

struct walk {
	struct history_reader *reader;
	const struct run_filter *filter;
	const struct run_sort *sort;
	const struct run_pick *after;
	struct picks picks;
	struct rows streams; // struct run_stream
	bool wants_live, wants_ended;
};

static void tighten_ids(struct run_bounds *bounds, struct ulid id, bool is_upper) {
	if (is_upper && ulid_cmp(&id, &bounds->last) < 0) bounds->last = id;
	if (!is_upper && ulid_cmp(&id, &bounds->first) > 0) bounds->first = id;
}

// Nothing before or behind this run's time matters.
static void tighten(const struct run_sort *sort, const struct run_pick *pick, bool is_upper, struct run_bounds *out) {
	uint64_t ms = ulid_time_ms(&pick->id);
	if (!sort->by_end) {
		tighten_ids(out, is_upper ? ulid_ceiling(ms) : ulid_floor(ms), is_upper);
	} else if (is_upper && pick->ended_ms < out->until_ms) {
		out->until_ms = pick->ended_ms;
	} else if (!is_upper && pick->ended_ms > out->from_ms) {
		out->from_ms = pick->ended_ms;
	}
}

static struct run_bounds bounds_of(const struct walk *walk, const struct run_stream *stream) {
	struct run_bounds bounds = run_filter_bounds(walk->filter);
	bool is_exact_order = is_exact(walk->sort, stream);
	if (walk->after != NULL) tighten(walk->sort, walk->after, walk->sort->descending, &bounds);
	if (walk->after != NULL && is_exact_order && !walk->sort->by_end) tighten_ids(&bounds, walk->after->id, false);
	if (walk->picks.is_full)
		tighten(walk->sort, &walk->picks.items[walk->picks.need - 1], !walk->sort->descending, &bounds);
	return bounds;
}

// The rest of the stream is behind what it has given.
static bool is_enough(const struct walk *walk, const struct run_stream *stream, const struct run_pick *pick,
		      const struct run_pick *last, size_t given) {
	if (!stream->is_sorted || given < walk->picks.need) return false;
	return is_exact(walk->sort, stream) || pick->keys[0] != last->keys[0];
}

static bool pick_read(const struct walk *walk, sqlite3_stmt *row, struct run_pick *out) {
	struct ulid id;
	if (!sql_ulid(row, 1, &id)) return false;
	bool ended = sqlite3_column_type(row, 2) != SQLITE_NULL;
	*out = run_pick_of(walk->sort, &id, ended ? sqlite3_column_int64(row, 2) : RUN_NO_TIME);
	out->rowid = sqlite3_column_int64(row, 0);
	return walk->after == NULL || compare_picks(out, walk->after) > 0;
}

static enum err stream_read(struct walk *walk, const struct run_stream *stream, struct error *error) {
	struct run_bounds bounds = bounds_of(walk, stream);
	enum run_statement which = !stream->is_sorted       ? RUNS_UNSORTED
				   : walk->sort->descending ? RUNS_DESCENDING
							    : RUNS_ASCENDING;
	sqlite3_stmt *row;
	enum err err = run_statement_get(walk->reader, walk->filter, stream, which, &bounds, &row, error);
	struct run_pick pick, last = {0};
	size_t given = 0;
	while (err == ERR_OK && sql_row(row, &err, error)) {
		if (!pick_read(walk, row, &pick)) continue;
		if (is_enough(walk, stream, &pick, &last, given)) {
			sqlite3_reset(row);
			break;
		}
		picks_add(&walk->picks, &pick);
		last = pick;
		given++;
	}
	if (walk->picks.count >= walk->picks.need) picks_cut(&walk->picks);
	return err;
}

// ---- Which streams -------------------------------------------------------------------------------------------------

static void add_stream(struct walk *walk, struct run_stream stream) {
	*(struct run_stream *)rows_add(&walk->streams) = stream;
}

static void add_functions(struct walk *walk, bool is_sorted) {
	for (size_t i = 0; i < walk->filter->function_count; i++)
		add_stream(walk, (struct run_stream){.driver = DRIVE_FUNCTION,
						     .function = walk->filter->functions[i],
						     .only_ended = !walk->wants_live,
						     .is_sorted = is_sorted});
}

static void add_statuses(struct walk *walk, bool is_sorted) {
	for (int code = TRACE_RUN_COMPLETED; code <= TRACE_RUN_CANCELLED; code += 100) {
		if ((run_filter_ended(walk->filter) & RUN_STATUS_BIT(code)) == 0) continue;
		add_stream(walk, (struct run_stream){.driver = DRIVE_STATUS, .status = code, .is_sorted = is_sorted});
	}
}

static void add_live(struct walk *walk) {
	add_stream(walk, (struct run_stream){.driver = DRIVE_LIVE, .is_sorted = true});
	add_stream(walk, (struct run_stream){.driver = DRIVE_OPEN, .is_sorted = true});
}

static enum err read_count(struct history_reader *reader, const struct run_filter *filter,
			   const struct run_stream *stream, enum run_statement which, uint64_t *sum,
			   struct error *error) {
	struct run_bounds bounds = run_filter_bounds(filter);
	sqlite3_stmt *row;
	enum err err = run_statement_get(reader, filter, stream, which, &bounds, &row, error);
	while (err == ERR_OK && sql_row(row, &err, error)) *sum += (uint64_t)sqlite3_column_int64(row, 0);
	return err;
}

// Whether the streams are short enough to look at all of them; if not they are dropped.
static enum err keep_if_short(struct walk *walk, bool *kept, struct error *error) {
	struct run_stream *streams = (struct run_stream *)(void *)walk->streams.items;
	uint64_t sum = 0, collect_max = (uint64_t)walk->reader->collect_max;
	enum err err = ERR_OK;
	for (size_t i = 0; i < walk->streams.count && sum <= collect_max && err == ERR_OK; i++)
		err = read_count(walk->reader, walk->filter, &streams[i], RUNS_COUNT_SOME, &sum, error);
	*kept = sum <= collect_max;
	if (!*kept) walk->streams.count = 0;
	return err;
}

static enum err keep_flagged(struct walk *walk, bool *kept, struct error *error) {
	if (*kept || walk->filter->flags == 0) return ERR_OK;
	add_stream(walk, (struct run_stream){.driver = DRIVE_FLAGGED, .only_ended = true});
	return keep_if_short(walk, kept, error);
}

static enum err keep_statuses(struct walk *walk, bool *kept, struct error *error) {
	if (*kept || walk->filter->statuses == 0) return ERR_OK;
	add_statuses(walk, false);
	return keep_if_short(walk, kept, error);
}

static enum err keep_functions(struct walk *walk, bool *kept, struct error *error) {
	if (*kept || !walk->filter->has_functions) return ERR_OK;
	add_functions(walk, false);
	return keep_if_short(walk, kept, error);
}

// In the order of ends. Without a filter the index has it; with one that only little passes, that is read instead.
static enum err streams_by_end(struct walk *walk, struct error *error) {
	bool kept = false;
	enum err err = keep_flagged(walk, &kept, error);
	if (err == ERR_OK) err = keep_statuses(walk, &kept, error);
	if (err == ERR_OK) err = keep_functions(walk, &kept, error);
	if (err == ERR_OK && !kept) add_stream(walk, (struct run_stream){.driver = DRIVE_ENDED, .is_sorted = true});
	return err;
}

// In the order of ids.
static enum err streams_by_id(struct walk *walk, struct error *error) {
	const struct run_filter *filter = walk->filter;
	bool kept = true;
	enum err err = ERR_OK;
	if (!walk->wants_ended) {
		add_live(walk);
	} else if (filter->flags != 0) { // only few have them
		add_stream(walk, (struct run_stream){
					 .driver = DRIVE_FLAGGED, .only_ended = !walk->wants_live, .is_sorted = true});
	} else if (filter->statuses != 0) {
		add_statuses(walk, true);
		if (filter->has_functions) err = keep_if_short(walk, &kept, error); // few have ended like that
		if (!kept)
			add_functions(walk, true);
		else if (walk->wants_live)
			add_live(walk);
	} else if (filter->has_functions) {
		add_functions(walk, true);
	} else {
		add_stream(walk, (struct run_stream){.driver = DRIVE_ALL, .is_sorted = true});
	}
	return err;
}

static enum err streams_choose(struct walk *walk, struct error *error) {
	bool kept = false;
	if (walk->sort->by_end) return streams_by_end(walk, error);
	if (walk->filter->is_over) { // a short time may lie anywhere among the ids
		add_stream(walk, (struct run_stream){.driver = DRIVE_ENDED});
		enum err err = keep_if_short(walk, &kept, error);
		if (err != ERR_OK || kept) return err;
	}
	return streams_by_id(walk, error);
}

// ---- Walks ---------------------------------------------------------------------------------------------------------

// Appends what the walk gives.
static enum err walk_run(struct walk *walk, struct rows *out, struct error *error) {
	enum err err = streams_choose(walk, error);
	for (size_t i = 0; i < walk->streams.count && err == ERR_OK; i++)
		err = stream_read(walk, &((struct run_stream *)(void *)walk->streams.items)[i], error);
	picks_cut(&walk->picks);
	for (size_t i = 0; i < walk->picks.count && err == ERR_OK; i++)
		*(struct run_pick *)rows_add(out) = walk->picks.items[i];
	free(walk->picks.items);
	return err;
}

static enum err pick_by_id(struct walk *walk, struct rows *out, struct error *error) {
	walk->wants_live = run_filter_live(walk->filter) != 0;
	walk->wants_ended = run_filter_ended(walk->filter) != 0;
	return walk_run(walk, out, error);
}

static enum err pick_ended(struct walk *walk, struct rows *out, struct error *error) {
	if (run_filter_ended(walk->filter) == 0) return ERR_OK;
	walk->wants_ended = true;
	return walk_run(walk, out, error);
}

// In the order of ends those that have none differ by the rest of the order.
static enum err pick_live(struct walk *walk, struct rows *out, struct error *error) {
	if (run_filter_live(walk->filter) == 0) return ERR_OK;
	struct run_sort by_id = {.descending = walk->sort->has_second && walk->sort->second_descending};
	struct run_pick after;
	struct walk live = *walk;
	live.sort = &by_id;
	live.wants_live = true;
	if (walk->after != NULL) {
		after = run_pick_of(&by_id, &walk->after->id, RUN_NO_TIME);
		live.after = &after;
	}
	size_t before = out->count;
	enum err err = walk_run(&live, out, error);
	struct run_pick *picks = (struct run_pick *)(void *)out->items;
	for (size_t i = before; i < out->count; i++) { // the keys of the whole order
		struct run_pick pick = run_pick_of(walk->sort, &picks[i].id, RUN_NO_TIME);
		pick.rowid = picks[i].rowid;
		picks[i] = pick;
	}
	return err;
}

enum err runs_pick(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
		   const struct run_sort *sort, const struct run_pick *after, size_t need, struct run_pick **out,
		   size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct run_pick)};
	enum err (*parts[2])(struct walk *, struct rows *, struct error *) = {pick_by_id, NULL};
	size_t first = 0;
	enum err err = ERR_OK;
	if (sort->by_end) {
		bool live_first = !sort->descending;
		parts[live_first ? 0 : 1] = pick_live;
		parts[live_first ? 1 : 0] = pick_ended;
		if (after != NULL && (after->ended_ms == RUN_NO_TIME) != live_first) first = 1;
	}
	for (size_t i = first; i < ARRAY_LEN(parts) && parts[i] != NULL && err == ERR_OK && !filter->is_empty; i++) {
		if (rows.count >= need) break;
		struct walk walk = {.reader = reader, .filter = filter, .sort = sort};
		walk.streams = (struct rows){.arena = arena, .row_size = sizeof(struct run_stream)};
		walk.picks.need = need - rows.count;
		if (i == first) walk.after = after;
		err = parts[i](&walk, &rows, error);
	}
	*out = (struct run_pick *)(void *)rows.items;
	*count = rows.count;
	return err;
}

// ---- Counts --------------------------------------------------------------------------------------------------------

// Everything that the filter's flags do not have to decide is counted in the indexes alone.
static bool is_covered(const struct run_filter *filter, const struct run_stream *stream) {
	if (stream->driver == DRIVE_STATUS || stream->driver == DRIVE_ENDED) return !filter->has_functions;
	return stream->driver == DRIVE_ALL || stream->driver == DRIVE_FUNCTION;
}

// Debug runs, and the deferred ones when they are not wanted, that have been counted.
static enum err subtract_flagged(const struct walk *walk, uint64_t *sum, struct error *error) {
	const struct run_stream *first = (struct run_stream *)(void *)walk->streams.items;
	if (walk->streams.count == 0 || !is_covered(walk->filter, first)) return ERR_OK;
	struct run_stream stream = {.driver = DRIVE_FLAGGED};
	stream.only_ended = first->driver == DRIVE_STATUS; // the others of its list were not covered
	uint64_t flagged = 0;
	enum err err = read_count(walk->reader, walk->filter, &stream, RUNS_COUNT_FLAGGED, &flagged, error);
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

static enum err count_streams(struct walk *walk, uint64_t *out, struct error *error) {
	enum err err = ERR_OK;
	if (walk->filter->is_over && !walk->filter->has_functions && walk->filter->flags == 0)
		add_stream(walk, (struct run_stream){.driver = DRIVE_ENDED});
	else
		err = streams_by_id(walk, error);
	const struct run_stream *streams = (struct run_stream *)(void *)walk->streams.items;
	for (size_t i = 0; i < walk->streams.count && err == ERR_OK; i++) {
		bool covered = is_covered(walk->filter, &streams[i]);
		err = read_count(walk->reader, walk->filter, &streams[i], covered ? RUNS_COUNT_COVERED : RUNS_COUNT,
				 out, error);
	}
	return err == ERR_OK ? subtract_flagged(walk, out, error) : err;
}

enum err runs_count(struct history_reader *reader, struct run_filter *filter, uint64_t *out, struct error *error) {
	static const struct run_sort by_id;
	struct arena arena;
	struct walk walk = {.reader = reader, .filter = filter, .sort = &by_id};
	*out = 0;
	enum err err = filter->has_id_bounds ? drop_bounds(reader, filter, error) : ERR_OK;
	if (filter->is_empty || err != ERR_OK) return err;
	arena_init(&arena, 0);
	walk.streams = (struct rows){.arena = &arena, .row_size = sizeof(struct run_stream)};
	walk.wants_live = run_filter_live(filter) != 0;
	walk.wants_ended = run_filter_ended(filter) != 0;
	err = count_streams(&walk, out, error);
	arena_free(&arena);
	return err;
}
