// The engine's whole state as records, from memory: what the store must hold at the last commit. Tests and simulation.
#include "engine/engine_internal.h"

void engine_export(struct engine *engine, struct batch *batch) {
	engine->batch = batch;
	list_for_each(node, &engine->apps) {
		const struct app *app = list_entry(node, struct app, all);
		record_app(engine, app);
		list_for_each(f, &app->functions) {
			record_function(engine, list_entry(f, struct function, of_app));
			crons_export(engine, list_entry(f, struct function, of_app));
		}
	}
	for (struct map_node *node = map_walk(&engine->runs, NULL); node != NULL;
	     node = map_walk(&engine->runs, node)) {
		const struct run *run = container_of(node, struct run, by_id);
		record_run(engine, run);
		for (uint32_t i = 0; i < run->step_count; i++) record_step(engine, run, &run->steps[i], false);
		for (uint32_t i = 0; i < run->defer_count; i++) record_defer(engine, run, i, false);
		list_for_each(at, &run->items) record_item(engine, list_entry(at, struct item, of_run));
	}
	for (struct map_node *node = map_walk(&engine->held, NULL); node != NULL;
	     node = map_walk(&engine->held, node)) {
		record_held(engine, container_of(node, struct held_event, by_id), NULL);
	}
	cancellations_export(engine);
	rates_export(engine);
	debounces_export(engine);
	event_batches_export(engine);
	list_for_each(node, &engine->idem_age) record_idem(engine, list_entry(node, struct idem, by_age), false);
	engine->batch = NULL;
}
