// Orders of runs, and the best of what comes in any order.
#include <stdlib.h>

#include "history/runs_internal.h"

// ---- Orders --------------------------------------------------------------------------------------------------------

bool run_sort_has(const struct run_sort *sort, enum run_time by) {
	for (size_t i = 0; i < sort->count; i++) {
		if (sort->orders[i].by == by) return true;
	}
	return false;
}

// A time that comes twice decides nothing.
struct run_sort run_sort_of(const struct run_query *query) {
	struct run_sort sort = {.count = 0};
	for (size_t i = 0; i < query->order_count && i < RUN_ORDERS_MAX; i++) {
		if (!run_sort_has(&sort, query->orders[i].by)) sort.orders[sort.count++] = query->orders[i];
	}
	return sort;
}

struct run_order run_sort_first(const struct run_sort *sort) {
	return sort->count > 0 ? sort->orders[0] : (struct run_order){.by = RUN_TIME_QUEUED};
}

struct run_sort run_sort_rest(const struct run_sort *sort) {
	struct run_sort rest = {.count = 0};
	for (size_t i = 1; i < sort->count; i++) rest.orders[rest.count++] = sort->orders[i];
	return rest;
}

int64_t run_pick_time(const struct run_pick *pick, enum run_time by) {
	if (by == RUN_TIME_QUEUED) return (int64_t)ulid_time_ms(&pick->id);
	return by == RUN_TIME_STARTED ? pick->started_ms : pick->ended_ms;
}

// ~ turns the order round, and nothing overflows.
int64_t run_order_key(int64_t ms, bool descending) {
	return descending ? ~ms : ms;
}

void run_pick_key(const struct run_sort *sort, struct run_pick *pick) {
	memset(pick->keys, 0, sizeof pick->keys);
	for (size_t i = 0; i < sort->count; i++)
		pick->keys[i] = run_order_key(run_pick_time(pick, sort->orders[i].by), sort->orders[i].descending);
}

int run_pick_compare(const struct run_pick *a, const struct run_pick *b) {
	for (size_t i = 0; i < ARRAY_LEN(a->keys); i++) {
		if (a->keys[i] != b->keys[i]) return a->keys[i] < b->keys[i] ? -1 : 1;
	}
	return ulid_cmp(&a->id, &b->id);
}

// ---- The best ------------------------------------------------------------------------------------------------------

static int compare(const void *a, const void *b) {
	return run_pick_compare(a, b);
}

void run_picks_cut(struct run_picks *picks) {
	size_t kept = 0;
	if (picks->count > 0) qsort(picks->items, picks->count, sizeof *picks->items, compare);
	for (size_t i = 0; i < picks->count && kept < picks->need; i++) {
		if (kept > 0 && run_pick_compare(&picks->items[kept - 1], &picks->items[i]) == 0) continue;
		picks->items[kept++] = picks->items[i];
	}
	picks->count = kept;
	picks->is_full = kept == picks->need;
}

void run_picks_add(struct run_picks *picks, const struct run_pick *pick) {
	if (picks->is_full && run_pick_compare(pick, &picks->items[picks->need - 1]) >= 0) return;
	if (picks->count == picks->cap) {
		picks->cap = picks->cap == 0 ? 64 : picks->cap * 2;
		picks->items = mem_realloc(picks->items, picks->cap * sizeof *picks->items);
	}
	picks->items[picks->count++] = *pick;
	// The sooner it is known what the worst is, the sooner a stream ends; later on it is sorted now and then.
	bool is_first = !picks->is_full && picks->count == picks->need;
	if (is_first || picks->count / 2 >= picks->need + 32) run_picks_cut(picks);
}
