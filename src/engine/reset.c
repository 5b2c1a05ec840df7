// What tests of the testing API ask (05 §16): how much waits for a function, and an engine that has nothing under way.
// Each is O(everything) and one command: TEST_MODE alone serves them.
#include "engine/engine_internal.h"

void apply_queue_size(struct engine *engine, struct command *command) {
	const struct function *function = function_find(engine, &command->queue_size.function_id);
	unsigned count = 0;
	if (function != NULL) {
		list_for_each(node, &function->runs) count += list_entry(node, struct run, of_function)->work_count;
	}
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = arena_printf(&reply->arena, "{\"count\":%u}", count);
	batch_reply(engine->batch, reply);
}

static void unpause_all(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->functions, NULL); node != NULL;
	     node = map_walk(&engine->functions, node)) {
		struct function *function = container_of(node, struct function, by_id);
		if (function->paused) function_pause(engine, function, false);
	}
}

// Apps, functions and their schedules stay, and what people have seen: runs are shown as cancelled.
void apply_reset(struct engine *engine, struct command *command) {
	for (struct map_node *node = map_walk(&engine->runs, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->runs, node);
		run_discard(engine, container_of(node, struct run, by_id));
	}
	debounces_clear(engine);
	event_batches_clear(engine);
	held_clear(engine);
	cancellations_clear(engine);
	idem_clear(engine);
	rates_clear(engine);
	limits_clear(engine);
	unpause_all(engine);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}
