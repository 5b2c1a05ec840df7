// Cross-checks of every index against the state that it indexes. For tests and simulation.
#include "engine/engine_internal.h"

// Slots in use, counted anew into the constraints.
static void count_uses(const struct run *run, bool is_first_pass) {
	const struct run_limits *limits = run->limits;
	if (limits == NULL) return;
	struct constraint *all[] = {limits->calls[0], limits->calls[1], limits->runs, limits->throttle};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i] == NULL) continue;
		if (is_first_pass) all[i]->counted = all[i]->counted_refs = 0;
		if (!is_first_pass) all[i]->counted_refs++;
		if (!is_first_pass && all[i] == limits->runs) all[i]->counted += (run->flags & RUN_STARTED) != 0;
	}
	list_for_each(node, &run->items) {
		const struct item *item = list_entry(node, struct item, of_run);
		for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX && !is_first_pass && item->holds; i++) {
			if (limits->calls[i] != NULL) limits->calls[i]->counted++;
		}
	}
}

static void verify_constraints(const struct engine *engine) {
	for (int pass = 0; pass < 2; pass++) {
		for (struct map_node *node = map_walk(&engine->runs, NULL); node != NULL;
		     node = map_walk(&engine->runs, node))
			count_uses(container_of(node, struct run, by_id), pass == 0);
		orphans_verify(engine, pass == 0);
	}
	for (struct map_node *node = map_walk(&engine->constraints, NULL); node != NULL;
	     node = map_walk(&engine->constraints, node)) {
		const struct constraint *constraint = container_of(node, struct constraint, by_id);
		CHECK(constraint->in_use == constraint->counted && constraint->refs == constraint->counted_refs);
	}
}

struct census {
	uint64_t ready, later, in_call, waits, work, signals, held;
};

static void verify_item(const struct engine *engine, const struct run *run, const struct item *item,
			struct census *census) {
	CHECK(item->run == run);
	CHECK(item->slot < run->next_slot);
	switch ((enum item_state)item->state) {
	case ITEM_READY:
		census->ready++;
		CHECK(item->backlog->function == run->function);
		CHECK(item->backlog->items.nodes[item->node.index] == &item->node);
		break;
	case ITEM_LATER:
		census->later++;
		CHECK(engine->timers.nodes[item->node.index] == &item->node);
		break;
	case ITEM_IN_CALL:
		census->in_call++;
		CHECK(!heap_contains(&item->node) && item->holds);
		break;
	}
	CHECK((item->state == ITEM_READY) == (item->backlog != NULL));
	if (item->holds) census->held++;
	const struct item_info *info = &item_table[item->kind];
	CHECK(info->has_target == (item->target != NULL));
	CHECK(info->has_pause == (item->pause != NULL));
	census->waits += info->has_pause;
	census->work += !info->watches;
	CHECK((item->kind == ITEM_SIGNAL) == (item->signal != NULL));
	if (item->signal == NULL) return;
	struct str name;
	bool is_owner;
	signal_encode(item->signal, &name, &is_owner);
	census->signals += is_owner;
}

static void verify_run(const struct engine *engine, const struct run *run, struct census *census) {
	CHECK(run_find(engine, &run->id) == run);
	CHECK(function_find(engine, &run->function->id) == run->function);
	CHECK(run->work_count > 0); // nothing that could never be woken
	CHECK(run->pending_count <= run->group_count);
	CHECK(run->free_slot == SLOT_NONE && run->dirty_what == 0);
	CHECK(engine->limits_changed || run->step_count <= engine->config.steps_max);
	uint64_t bytes = run->events_len;
	for (uint32_t i = 0; i < run->step_count; i++) {
		bytes += run->steps[i].size;
		CHECK(run->steps[i].value == NULL || run->steps[i].value->len == run->steps[i].size);
		CHECK(i == 0 || run->steps[i].position > run->steps[i - 1].position);
	}
	CHECK(bytes == run->state_bytes);
	defers_verify(run);
	for (uint32_t i = 0; i < run->pending_count; i++) {
		for (uint32_t j = 0; j < run->step_count; j++) {
			bool is_input = (run->steps[j].flags & STEP_INPUT) != 0;
			CHECK(is_input || run->steps[j].hash != run->group[i]);
		}
	}
	uint64_t before = census->work;
	list_for_each(node, &run->items) verify_item(engine, run, list_entry(node, struct item, of_run), census);
	CHECK(census->work - before == run->work_count);
}

static void verify_apps(const struct engine *engine) {
	uint64_t calls = 0;
	list_for_each(node, &engine->apps) {
		const struct app *app = list_entry(node, struct app, all);
		bool may_call = app->calls < engine->config.workers;
		CHECK(app->calls <= engine->config.workers);
		CHECK((!list_empty(&app->turns) && may_call) == !list_empty(&app->turn));
		calls += app->calls;
	}
	CHECK(calls == engine->calls);
}

void engine_verify(const struct engine *engine) {
	struct census census = {0};
	for (struct map_node *node = map_walk(&engine->runs, NULL); node != NULL;
	     node = map_walk(&engine->runs, node)) {
		verify_run(engine, container_of(node, struct run, by_id), &census);
	}
	CHECK(census.ready == engine->ready_count);
	CHECK(census.later == engine->timers.count);
	CHECK(census.in_call + engine->orphans.count == engine->calls);
	CHECK(census.waits == match_index_verify(&engine->waits));
	signals_verify(engine, census.signals);
	verify_apps(engine);
	CHECK(list_empty(&engine->dirty_runs) && list_empty(&engine->dirty_items));
	cancellations_verify(engine);
	backlogs_verify(engine);
	verify_constraints(engine);
	uint64_t slugs = 0, entries = 0, patterns = 0, ticks = 0, held = 0;
	for (struct map_node *node = map_walk(&engine->functions, NULL); node != NULL;
	     node = map_walk(&engine->functions, node)) {
		const struct function *function = container_of(node, struct function, by_id);
		CHECK(function->indexed == (!function->archived && !function->app->archived));
		held += function->calls;
		ticks += crons_verify(engine, function);
		if (!function->indexed) continue;
		slugs++;
		for (size_t i = 0; i < function->entry_count; i++) {
			entries += function->entries[i].match.name != NULL;
			patterns += function->entries[i].is_pattern;
		}
	}
	CHECK(ticks == engine->crons.count);
	CHECK(held == census.held + engine->orphans.count);
	CHECK(slugs == engine->slugs.count);
	CHECK(entries == match_index_verify(&engine->triggers));
	CHECK(patterns == engine->pattern_triggers);
}
