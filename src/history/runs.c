// Pages and counts of lists of runs.
#include "history/runs_internal.h"

static int64_t ns_or_none(int64_t ms) {
	return ms == RUN_NO_TIME ? RUN_NO_TIME : ns_of_ms(ms > 0 ? (uint64_t)ms : 0);
}

static struct run_cursor cursor_of(const struct run_query *query, const struct run_pick *pick) {
	struct run_cursor cursor = {.run_id = pick->id};
	for (size_t i = 0; i < query->order_count; i++)
		cursor.at_ns[i] = ns_or_none(run_pick_time(pick, query->orders[i].by));
	return cursor;
}

// The id says when it was queued; only of the other times is the cursor asked.
static struct run_pick place_of(const struct run_query *query) {
	struct run_pick place = {.id = query->after->run_id, .started_ms = RUN_NO_TIME, .ended_ms = RUN_NO_TIME};
	for (size_t i = query->order_count; i-- > 0;) { // the first of two counts
		enum run_time by = query->orders[i].by;
		int64_t at_ns = query->after->at_ns[i];
		if (by == RUN_TIME_QUEUED) continue;
		*(by == RUN_TIME_STARTED ? &place.started_ms : &place.ended_ms) =
			at_ns == RUN_NO_TIME ? RUN_NO_TIME : at_ns / NS_PER_MS;
	}
	return place;
}

// ---- Pages ---------------------------------------------------------------------------------------------------------

struct list {
	struct history_reader *reader;
	struct arena *arena;
	const struct run_query *query;
	struct run_filter filter;
	struct run_sort sort;
	struct run_pick place;
	const struct run_pick *after; // `place`, or NULL
	struct run_page *page;
};

static enum err load_rows(struct list *list, const struct run_pick *picks, size_t count, struct error *error) {
	struct run_page *page = list->page;
	page->rows = ARENA_ARRAY(list->arena, struct run_row, count);
	for (size_t i = 0; i < count; i++) {
		struct run_row *row = &page->rows[page->count];
		enum err err =
			run_load(list->reader, list->arena, picks[i].rowid, list->query->with_output, row, error);
		// What a search has found may have been removed since, and its place taken.
		if (err == ERR_OK && ulid_cmp(&row->id, &picks[i].id) == 0) page->count++;
		if (err != ERR_OK && err != ERR_NOT_FOUND) return err;
	}
	return ERR_OK;
}

static enum err plain_page(struct list *list, struct error *error) {
	struct run_pick *picks;
	size_t count, limit = list->query->limit;
	enum err err = runs_pick(list->reader, list->arena, &list->filter, &list->sort, list->after, limit + 1, 0,
				 &picks, &count, error);
	if (err != ERR_OK) return err;
	list->page->has_more = count > limit;
	if (count > limit) count = limit;
	if (count > 0) list->page->end = cursor_of(list->query, &picks[count - 1]);
	return load_rows(list, picks, count, error);
}

static struct run_search_walk search_walk(struct history_reader *reader, const struct run_query *query,
					  const struct run_filter *filter, const struct run_sort *sort) {
	uint64_t budget_ms = query->budget_ms > 0 ? query->budget_ms : RUN_SEARCH_BUDGET_MS;
	return (struct run_search_walk){.reader = reader,
					.filter = filter,
					.sort = sort,
					.search = query->search,
					.deadline_ns = clock_mono_ns() + budget_ms * NS_PER_MS};
}

static enum err search_page(struct list *list, struct error *error) {
	size_t limit = list->query->limit;
	struct run_pick *picks = ARENA_ARRAY(list->arena, struct run_pick, limit + 1);
	struct run_search_walk walk = search_walk(list->reader, list->query, &list->filter, &list->sort);
	enum err err = runs_search(&walk, list->after, limit + 1, picks, error);
	if (err != ERR_OK) return err;
	size_t count = walk.found < limit ? (size_t)walk.found : limit;
	list->page->has_more = walk.is_cut || walk.found > limit;
	list->page->is_cut = walk.is_cut && walk.found < limit;
	if (count > 0) list->page->end = cursor_of(list->query, &picks[count - 1]);
	if (walk.is_cut && walk.has_got) list->page->end = cursor_of(list->query, &walk.got);
	return load_rows(list, picks, count, error);
}

static enum err read_page(struct history_reader *reader, struct arena *arena, const struct run_query *query,
			  struct run_page *out, struct error *error) {
	struct list list = {.reader = reader, .arena = arena, .query = query, .page = out};
	*out = (struct run_page){0};
	list.sort = run_sort_of(query);
	enum err err = run_filter_make(reader, arena, query, &list.filter, error);
	if (err != ERR_OK || list.filter.is_empty || query->limit == 0) return err;
	if (query->after != NULL) {
		list.place = place_of(query);
		list.after = &list.place;
	}
	return query->search != NULL ? search_page(&list, error) : plain_page(&list, error);
}

enum err history_runs(struct history_reader *reader, struct arena *arena, const struct run_query *query,
		      struct run_page *out, struct error *error) {
	bool began = reading_begin(reader);
	enum err err = read_page(reader, arena, query, out, error);
	reading_end(reader, began);
	return err;
}

// ---- Counts --------------------------------------------------------------------------------------------------------

static enum err count(struct history_reader *reader, struct arena *arena, const struct run_query *query, uint64_t *out,
		      bool *is_cut, struct error *error) {
	static const struct run_sort newest = {.orders = {{RUN_TIME_QUEUED, true}}, .count = 1};
	struct run_filter filter;
	enum err err = run_filter_make(reader, arena, query, &filter, error);
	if (err != ERR_OK || filter.is_empty) return err;
	if (query->search == NULL) return runs_count(reader, &filter, out, error);
	struct run_search_walk walk = search_walk(reader, query, &filter, &newest);
	err = runs_search(&walk, NULL, SIZE_MAX, NULL, error);
	*out = walk.found;
	*is_cut = walk.is_cut;
	return err;
}

enum err history_runs_count(struct history_reader *reader, const struct run_query *query, uint64_t *out, bool *is_cut,
			    struct error *error) {
	struct arena arena;
	*out = 0;
	*is_cut = false;
	arena_init(&arena, 0);
	bool began = reading_begin(reader);
	enum err err = count(reader, &arena, query, out, is_cut, error);
	reading_end(reader, began);
	arena_free(&arena);
	return err;
}
