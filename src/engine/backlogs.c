// Backlogs and lines: ready items wait their turn, or for room in what blocks them (constraint.h).
#include <stdlib.h>

#include "engine/engine_internal.h"

// ---- which backlog -------------------------------------------------------------------------------------------------

void backlog_init(struct backlog *backlog, struct function *function) {
	*backlog = (struct backlog){.function = function, .is_embedded = true};
	heap_init(&backlog->items);
	list_init(&backlog->link);
}

static uint64_t id_of(const struct constraint *constraint) {
	return constraint != NULL ? constraint->by_id.hash : 0;
}

static uint64_t backlog_hash(const struct backlog *b) {
	uint64_t parts[] = {b->function->id_hash, id_of(b->calls[0]), id_of(b->calls[1]), id_of(b->runs),
			    id_of(b->throttle)};
	return hash_bytes(parts, sizeof parts);
}

static bool is_same(const struct backlog *a, const struct backlog *b) {
	return a->function == b->function && a->calls[0] == b->calls[0] && a->calls[1] == b->calls[1] &&
	       a->runs == b->runs && a->throttle == b->throttle;
}

static struct backlog *find(const struct engine *engine, const struct backlog *wanted) {
	uint64_t hash = backlog_hash(wanted);
	for (struct map_node *node = map_first(&engine->backlogs, hash); node != NULL; node = map_next(node)) {
		struct backlog *backlog = container_of(node, struct backlog, by_id);
		if (is_same(backlog, wanted)) return backlog;
	}
	return NULL;
}

static struct backlog *find_or_make(struct engine *engine, const struct backlog *wanted) {
	struct backlog *backlog = find(engine, wanted);
	if (backlog != NULL) return backlog;
	backlog = mem_alloc(sizeof *backlog);
	*backlog = *wanted;
	heap_init(&backlog->items);
	list_init(&backlog->link);
	map_insert(&engine->backlogs, &backlog->by_id, backlog_hash(wanted));
	return backlog;
}

static struct backlog *backlog_of(struct engine *engine, const struct item *item) {
	struct function *function = item->run->function;
	const struct run_limits *limits = item->run->limits;
	if (item->holds) return &function->kept;
	if (limits == NULL) return &function->plain;
	struct backlog wanted = {.function = function, .calls = {limits->calls[0], limits->calls[1]}};
	if ((item->run->flags & RUN_STARTED) == 0) {
		wanted.runs = limits->runs;
		wanted.throttle = limits->throttle;
	}
	bool is_plain = wanted.calls[0] == NULL && wanted.runs == NULL && wanted.throttle == NULL;
	return is_plain ? &function->plain : find_or_make(engine, &wanted);
}

// ---- turns of functions --------------------------------------------------------------------------------------------

static bool may_go(const struct function *function) {
	if (function->paused) return false;
	if (function->kept.items.count > 0) return true;
	return function->calls < function->call_limit &&
	       (!list_empty(&function->ready[0]) || !list_empty(&function->ready[1]));
}

// An app takes part unless it has nothing to do or as many calls in flight as it may.
static void offer_app(struct engine *engine, struct app *app) {
	bool wanted = !list_empty(&app->turns) && app->calls < engine->config.workers;
	if (!wanted)
		list_remove(&app->turn);
	else if (list_empty(&app->turn))
		list_push_back(&engine->turns, &app->turn);
}

void function_offer(struct engine *engine, struct function *function) {
	if (!may_go(function))
		list_remove(&function->turn);
	else if (list_empty(&function->turn))
		list_push_back(&function->app->turns, &function->turn);
	offer_app(engine, function->app);
}

// ---- lines ---------------------------------------------------------------------------------------------------------

static bool is_start(const struct backlog *backlog) {
	return backlog->runs != NULL || backlog->throttle != NULL;
}

// Work under way goes before new runs, unless it is younger (04 §A15): both stand in lists of their own.
static struct backlog *first_of(const struct list lists[2]) {
	if (list_empty(&lists[0]) && list_empty(&lists[1])) return NULL;
	struct backlog *under_way = list_entry(lists[0].next, struct backlog, link);
	struct backlog *start = list_entry(lists[1].next, struct backlog, link);
	if (list_empty(&lists[0])) return start;
	if (list_empty(&lists[1])) return under_way;
	return heap_peek(&under_way->items)->key <= heap_peek(&start->items)->key ? under_way : start;
}

static void make_ready(struct engine *engine, struct backlog *backlog) {
	list_remove(&backlog->link);
	if (backlog != &backlog->function->kept)
		list_push_back(&backlog->function->ready[is_start(backlog)], &backlog->link);
	function_offer(engine, backlog->function);
}

static struct line *line_get(struct engine *engine, struct function *function, struct constraint *constraint) {
	uint64_t parts[] = {function->id_hash, constraint->by_id.hash}, hash = hash_bytes(parts, sizeof parts);
	for (struct map_node *node = map_first(&engine->lines, hash); node != NULL; node = map_next(node)) {
		struct line *line = container_of(node, struct line, by_pair);
		if (line->function == function && line->constraint == constraint) return line;
	}
	struct line *line = mem_calloc(1, sizeof *line);
	line->constraint = constraint;
	line->function = function;
	list_init(&line->backlogs[0]);
	list_init(&line->backlogs[1]);
	list_push_back(&constraint->lines, &line->of_constraint);
	list_push_back(&function->lines, &line->of_function);
	map_insert(&engine->lines, &line->by_pair, hash);
	return line;
}

static void line_free(struct engine *engine, struct line *line) {
	map_remove(&engine->lines, &line->by_pair);
	list_remove(&line->of_constraint);
	list_remove(&line->of_function);
	free(line);
}

// A throttle's room comes with time.
static void wake_later(struct engine *engine, const struct line *line) {
	struct constraint *constraint = line->constraint;
	if (constraint->kind != CONSTRAINT_THROTTLE) return;
	uint64_t at_ms = throttle_next_ms(engine, line->function, constraint);
	if (heap_contains(&constraint->wake) && constraint->wake.key == at_ms) return;
	heap_remove(&engine->throttles, &constraint->wake);
	heap_push(&engine->throttles, &constraint->wake, at_ms, engine->sequence++);
}

// Sends the next scout if there is room and none is under way. The line may be gone afterwards.
static void line_settle(struct engine *engine, struct line *line) {
	if (line->scout != NULL) return;
	struct backlog *backlog = first_of(line->backlogs);
	if (backlog == NULL) return line_free(engine, line);
	throttle_adapt(engine, line->function, line->constraint);
	if (!constraint_has_room(engine, line->function, line->constraint)) return wake_later(engine, line);
	backlog->line = NULL;
	backlog->scouted = line;
	line->scout = backlog;
	make_ready(engine, backlog);
}

static void scout_done(struct engine *engine, struct backlog *backlog) {
	struct line *line = backlog->scouted;
	if (line == NULL) return;
	backlog->scouted = NULL;
	line->scout = NULL;
	line_settle(engine, line);
}

void constraint_freed(struct engine *engine, struct constraint *constraint) {
	if (engine->config.planted_bug == 15) return;
	list_for_each_safe(node, &constraint->lines) line_settle(engine, list_entry(node, struct line, of_constraint));
}

// A scout for whom nothing was left keeps its place.
static void join(struct engine *engine, struct backlog *backlog, struct constraint *constraint) {
	struct line *line = line_get(engine, backlog->function, constraint);
	bool was_scout = backlog->scouted == line;
	struct list *waiting = &line->backlogs[is_start(backlog)];
	list_remove(&backlog->link);
	if (was_scout)
		list_push_front(waiting, &backlog->link);
	else
		list_push_back(waiting, &backlog->link);
	backlog->line = line;
	scout_done(engine, backlog);
	if (!was_scout) line_settle(engine, line);
}

// It has no items any more.
static void retire(struct engine *engine, struct backlog *backlog) {
	struct line *line = backlog->line;
	list_remove(&backlog->link);
	backlog->line = NULL;
	if (line != NULL) line_settle(engine, line);
	scout_done(engine, backlog);
	function_offer(engine, backlog->function);
	if (backlog->is_embedded) return;
	map_remove(&engine->backlogs, &backlog->by_id);
	heap_free(&backlog->items);
	free(backlog);
}

void backlogs_reconsider(struct engine *engine, struct function *function) {
	while (!list_empty(&function->lines)) {
		struct line *line = list_entry(function->lines.next, struct line, of_function);
		if (line->scout != NULL) line->scout->scouted = NULL;
		for (struct backlog *backlog; (backlog = first_of(line->backlogs)) != NULL;) {
			backlog->line = NULL;
			make_ready(engine, backlog);
		}
		line_free(engine, line);
	}
	function_offer(engine, function);
}

// ---- items ---------------------------------------------------------------------------------------------------------

void backlog_push(struct engine *engine, struct item *item, uint64_t score) {
	struct backlog *backlog = backlog_of(engine, item);
	item->backlog = backlog;
	engine->ready_count++;
	heap_push(&backlog->items, &item->node, score, engine->sequence++);
	if (backlog->items.count == 1) make_ready(engine, backlog);
}

void backlog_remove(struct engine *engine, struct item *item) {
	struct backlog *backlog = item->backlog;
	item->backlog = NULL;
	engine->ready_count--;
	heap_remove(&backlog->items, &item->node);
	if (backlog->items.count == 0) retire(engine, backlog);
}

static struct backlog *front(const struct function *function) {
	if (function->kept.items.count > 0) return (struct backlog *)(uintptr_t)&function->kept;
	return first_of(function->ready);
}

// Work of older runs with the same keys, which goes first wherever it waits: nothing blocks it that does not block
// `backlog`, too. NULL: none.
static struct backlog *older_work(struct engine *engine, const struct backlog *backlog) {
	struct function *function = backlog->function;
	if (backlog->runs == NULL && backlog->throttle == NULL) return NULL;
	struct backlog wanted = {.function = function, .calls = {backlog->calls[0], backlog->calls[1]}};
	struct backlog *work = wanted.calls[0] != NULL ? find(engine, &wanted) : &function->plain;
	if (work == NULL || work->items.count == 0) return NULL;
	if (heap_peek(&work->items)->key >= heap_peek(&backlog->items)->key) return NULL;
	struct line *line = work->line;
	work->line = NULL;
	if (line != NULL) make_ready(engine, work);
	if (line != NULL) line_settle(engine, line);
	return work;
}

struct item *backlog_next(struct engine *engine, struct function *function) {
	for (struct backlog *backlog; (backlog = front(function)) != NULL;) {
		struct constraint *constraint = constraint_blocking(engine, backlog);
		if (constraint != NULL) {
			join(engine, backlog, constraint);
			continue;
		}
		struct backlog *work = older_work(engine, backlog);
		return container_of(heap_peek(work != NULL ? &work->items : &backlog->items), struct item, node);
	}
	return NULL;
}

// Functions that wait for the same take turns.
static void rotate(struct line *line) {
	list_remove(&line->of_constraint);
	list_push_back(&line->constraint->lines, &line->of_constraint);
}

void backlog_taken(struct engine *engine, struct item *item) {
	struct backlog *backlog = item->backlog;
	item->backlog = NULL;
	engine->ready_count--;
	heap_remove(&backlog->items, &item->node);
	if (backlog->scouted != NULL) rotate(backlog->scouted);
	if (backlog->items.count == 0) return retire(engine, backlog);
	make_ready(engine, backlog);
	scout_done(engine, backlog);
}

size_t backlog_ahead(const struct item *item) {
	const struct heap *items = &item->backlog->items;
	size_t ahead = 0;
	for (uint32_t i = 0; i < items->count; i++) {
		const struct heap_node *node = items->nodes[i];
		ahead += node->key < item->node.key || (node->key == item->node.key && node->seq < item->node.seq);
	}
	return ahead;
}

// ---- checks --------------------------------------------------------------------------------------------------------

static void verify_line(const struct engine *engine, const struct line *line) {
	CHECK(line->scout != NULL || first_of(line->backlogs) != NULL);
	CHECK(line->scout != NULL || !constraint_has_room(engine, line->function, line->constraint));
	CHECK(line->scout == NULL || line->scout->scouted == line);
	bool is_throttle = line->constraint->kind == CONSTRAINT_THROTTLE;
	CHECK(!is_throttle || line->scout != NULL || heap_contains(&line->constraint->wake));
	for (size_t i = 0; i < ARRAY_LEN(line->backlogs); i++) {
		list_for_each(node, &line->backlogs[i]) {
			const struct backlog *backlog = list_entry(node, struct backlog, link);
			CHECK(backlog->line == line && backlog->function == line->function);
			CHECK(backlog->items.count > 0 && is_start(backlog) == (i == 1));
		}
	}
}

void backlogs_verify(const struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->backlogs, NULL); node != NULL;
	     node = map_walk(&engine->backlogs, node)) {
		const struct backlog *backlog = container_of(node, struct backlog, by_id);
		CHECK(backlog->items.count > 0 && !list_empty(&backlog->link));
	}
	for (struct map_node *node = map_walk(&engine->functions, NULL); node != NULL;
	     node = map_walk(&engine->functions, node)) {
		const struct function *function = container_of(node, struct function, by_id);
		CHECK(may_go(function) == !list_empty(&function->turn));
		list_for_each(at, &function->lines) verify_line(engine, list_entry(at, struct line, of_function));
	}
}
