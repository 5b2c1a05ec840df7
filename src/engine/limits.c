// Limits of runs that somebody has set for one function (05 §11.4): in memory only, and also ahead of its registration.
// Each function has its limits at hand; this is who they come from.
#include <stdlib.h>

#include "engine/engine_internal.h"

struct limit_override {
	struct map_node by_function; // in engine->limit_overrides
	struct uuid function_id;
	enum run_limit limit;
	uint64_t value;
};

static const char *const names[RUN_LIMIT_COUNT] = {
	[RUN_LIMIT_STEPS] = "step limit",
	[RUN_LIMIT_STATE] = "state size limit",
};

static uint64_t hash_of(const struct uuid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

static struct limit_override *find(const struct engine *engine, const struct uuid *id, enum run_limit limit) {
	for (struct map_node *node = map_first(&engine->limit_overrides, hash_of(id)); node != NULL;
	     node = map_next(node)) {
		struct limit_override *found = container_of(node, struct limit_override, by_function);
		if (found->limit == limit && uuid_eq(&found->function_id, id)) return found;
	}
	return NULL;
}

static uint64_t usual(const struct engine *engine, enum run_limit limit) {
	return limit == RUN_LIMIT_STEPS ? engine->config.steps_max : RUN_STATE_MAX;
}

static void adapt(const struct engine *engine, struct function *function, enum run_limit limit) {
	const struct limit_override *set = find(engine, &function->id, limit);
	function->limits[limit] = set != NULL ? set->value : usual(engine, limit);
}

void limits_begin(const struct engine *engine, struct function *function) {
	for (int limit = 0; limit < RUN_LIMIT_COUNT; limit++) adapt(engine, function, (enum run_limit)limit);
}

// False when there are too many.
static bool set(struct engine *engine, const struct uuid *id, enum run_limit limit, uint64_t value) {
	struct limit_override *found = find(engine, id, limit);
	if (found == NULL) {
		if (engine->limit_overrides.count >= LIMIT_OVERRIDES_MAX) return false;
		found = mem_calloc(1, sizeof *found);
		found->function_id = *id;
		found->limit = limit;
		map_insert(&engine->limit_overrides, &found->by_function, hash_of(id));
	}
	found->value = value;
	return true;
}

static bool unset(struct engine *engine, const struct uuid *id, enum run_limit limit) {
	struct limit_override *found = find(engine, id, limit);
	if (found == NULL) return false;
	map_remove(&engine->limit_overrides, &found->by_function);
	free(found);
	return true;
}

static struct reply *refuse(const struct command *command) {
	bool removed = command->limit.removed;
	struct reply *reply = reply_new(command->request, REPLY_FAILED, removed ? 404 : 429);
	char id[UUID_TEXT_LEN + 1];
	uuid_text(&command->limit.function_id, id);
	if (removed)
		reply->text =
			arena_printf(&reply->arena, "No %s set for function: %s", names[command->limit.limit], id);
	else
		reply->text = STR("Too many limits are set");
	return reply;
}

void apply_function_limit(struct engine *engine, struct command *command) {
	const struct uuid *id = &command->limit.function_id;
	enum run_limit limit = command->limit.limit;
	bool done = command->limit.removed ? unset(engine, id, limit) : set(engine, id, limit, command->limit.value);
	if (!done) return batch_reply(engine->batch, refuse(command));
	engine->limits_changed = true;
	struct function *function = function_find(engine, id);
	if (function != NULL) adapt(engine, function, limit);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}

void limits_clear(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->limit_overrides, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->limit_overrides, node);
		struct limit_override *override = container_of(node, struct limit_override, by_function);
		struct function *function = function_find(engine, &override->function_id);
		map_remove(&engine->limit_overrides, node);
		if (function != NULL) adapt(engine, function, override->limit);
		free(override);
	}
}
