// timeouts.start and timeouts.finish: a queue item of the run that is due when its time is over. What counts is the
// configuration of that moment, and before each call it is looked at again (03 §16.4).
#include "engine/engine_internal.h"

// The function's present limit on the stage that the run is in, and when that stage began.
static uint64_t limit_of(const struct run *run, uint64_t *from_ms) {
	bool started = (run->flags & RUN_STARTED) != 0;
	*from_ms = started ? run->started_ms : ulid_time_ms(&run->id);
	if (!started && (run->flags & RUN_OF_BATCH) != 0) return 0;
	return started ? run->function->config.finish_timeout_ms : run->function->config.start_timeout_ms;
}

bool timeout_reached(const struct engine *engine, const struct run *run) {
	uint64_t from, limit = limit_of(run, &from);
	return limit > 0 && engine->now >= from + limit;
}

void timeout_begin(struct engine *engine, struct run *run) {
	uint64_t from, limit = limit_of(run, &from);
	if (limit == 0) return;
	bool started = (run->flags & RUN_STARTED) != 0;
	item_queue(engine, item_new(engine, run, started ? ITEM_FINISH_TIMEOUT : ITEM_START_TIMEOUT, from + limit));
}

static struct item *find_start_timeout(const struct run *run) {
	list_for_each(node, &run->items) {
		struct item *item = list_entry(node, struct item, of_run);
		if (item->kind == ITEM_START_TIMEOUT) return item;
	}
	return NULL;
}

void timeout_started(struct engine *engine, struct run *run) {
	struct item *item = find_start_timeout(run);
	if (item != NULL) item_finish(engine, item);
	timeout_begin(engine, run);
}

void timeout_due(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	uint64_t from, limit = limit_of(run, &from);
	if (limit == 0 || engine->config.planted_bug == 13) return item_finish(engine, item); // taken back
	if (timeout_reached(engine, run)) return run_finish(engine, run, RUN_END_CANCELLED, NULL, NULL);
	item->due_ms = from + limit; // extended
	item_queue(engine, item);
}
