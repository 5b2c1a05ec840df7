// Waits for signals: a queue item that is due at the timeout, and an index of who has which name (03 §14.7).
//
// A name belongs to at most one wait, which alone can get the signal. A wait that lost its name to another stays until
// its timeout. Who has the name is part of the item's record, so that it is the same after a restart.
#include <stdlib.h>

#include "engine/engine_internal.h"

struct signal_wait {
	struct map_node by_name; // in `index` while it is the owner of the name
	struct map *index;
	struct item *item;
	char *name; // may hold any byte
	uint32_t name_len;
	bool is_owner;
};

// ---- names ---------------------------------------------------------------------------------------------------------

static struct str name_of(const struct signal_wait *wait) {
	return str_make(wait->name, wait->name_len);
}

static struct signal_wait *find_owner(const struct engine *engine, struct str name) {
	for (struct map_node *node = map_first(&engine->signals, hash_xxh64(name)); node != NULL;
	     node = map_next(node)) {
		struct signal_wait *wait = container_of(node, struct signal_wait, by_name);
		if (str_eq(name_of(wait), name)) return wait;
	}
	return NULL;
}

// An owner whose time is over counts no more, even when nothing has woken it yet.
static struct signal_wait *find_waiting(const struct engine *engine, struct str name) {
	struct signal_wait *wait = find_owner(engine, name);
	return wait != NULL && wait->item->due_ms >= engine->now ? wait : NULL;
}

static void give_up_name(struct engine *engine, struct signal_wait *wait) {
	map_remove(wait->index, &wait->by_name);
	wait->is_owner = false;
	item_touch(engine, wait->item);
}

bool signal_new(struct engine *engine, struct item *item, struct str name, bool is_owner) {
	if (is_owner && find_owner(engine, name) != NULL) return false;
	struct signal_wait *wait = mem_calloc(1, sizeof *wait);
	item->signal = wait;
	wait->index = &engine->signals;
	wait->item = item;
	wait->name = mem_strndup(name.ptr, name.len);
	wait->name_len = (uint32_t)name.len;
	wait->is_owner = is_owner;
	if (is_owner) map_insert(wait->index, &wait->by_name, hash_xxh64(name));
	return true;
}

void signal_free(struct signal_wait *wait) {
	if (wait == NULL) return;
	if (wait->is_owner) map_remove(wait->index, &wait->by_name);
	free(wait->name);
	free(wait);
}

void signal_encode(const struct signal_wait *wait, struct str *name, bool *is_owner) {
	*name = name_of(wait);
	*is_owner = wait->is_owner;
}

void signals_verify(const struct engine *engine, uint64_t owners) {
	CHECK(engine->signals.count == owners);
	for (struct map_node *node = map_walk(&engine->signals, NULL); node != NULL;
	     node = map_walk(&engine->signals, node)) {
		const struct signal_wait *wait = container_of(node, struct signal_wait, by_name);
		CHECK(wait->is_owner && wait->item->signal == wait);
		CHECK(find_owner(engine, name_of(wait)) == wait);
	}
}

// ---- waiting -------------------------------------------------------------------------------------------------------

static bool fail(struct engine *engine, struct run *run, struct str message) {
	run_fail(engine, run, STR("invalid_signal"), STR("Error"), message);
	return false;
}

static bool check_name(struct engine *engine, struct run *run, struct str name) {
	if (name.len == 0) return fail(engine, run, STR("A wait for a signal must name the signal."));
	if (name.len <= SIGNAL_NAME_MAX) return true;
	return fail(engine, run,
		    arena_printf(&engine->batch->arena, "The name of a signal may have at most %u bytes.",
				 SIGNAL_NAME_MAX));
}

bool signal_begin(struct engine *engine, struct run *run, const struct opcode *op, uint64_t coalesce) {
	uint64_t delay = WAIT_DEFAULT_MS;
	struct error error;
	if (!check_name(engine, run, op->signal_name)) return false;
	if (op->signal_timeout.len > 0 && delay_parse(op->signal_timeout, engine->now, &delay, &error) != ERR_OK)
		return fail(engine, run, str_from_cstr(error.message));
	if (!op->signal_replaces && find_waiting(engine, op->signal_name) != NULL) {
		trace_conflict(engine, run, op, engine->now + delay);
		run_fail(engine, run, STR("Error"), STR("Error"),
			 STR("Signal conflict; signal wait already exists for another run"));
		return false;
	}
	struct signal_wait *owner = find_owner(engine, op->signal_name);
	bool takes_name = owner == NULL || engine->config.planted_bug != 8;
	if (owner != NULL && takes_name) give_up_name(engine, owner);
	struct item *item = item_new(engine, run, ITEM_SIGNAL, engine->now + delay);
	item_set_step(item, op);
	item->coalesce = coalesce;
	item->job_hash = job_hash_make(run, op->id, "");
	bool made = signal_new(engine, item, op->signal_name, takes_name);
	CHECK(made); // the name was given up
	trace_wait(engine, item, op, NULL);
	item_queue(engine, item);
	return true;
}

// ---- sending -------------------------------------------------------------------------------------------------------

// The value of the step, canonical: {"data":{"data":…,"signal":…}}
static struct payload *make_value(struct str name, const struct payload *data) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_lit(&text, "{\"data\":{\"data\":");
	buf_str(&text, payload_str(data));
	buf_lit(&text, ",\"signal\":");
	buf_json_str(&text, name);
	buf_lit(&text, "}}");
	struct payload *value = payload_new(buf_view(&text));
	buf_free(&text);
	return value;
}

void apply_signal(struct engine *engine, struct command *command) {
	struct signal_wait *wait = find_waiting(engine, command->signal.name);
	struct reply *reply =
		reply_new(command->request, wait != NULL ? REPLY_OK : REPLY_FAILED, wait != NULL ? 200 : 404);
	if (wait == NULL) {
		reply->text = STR("No signal found"); // signals are not stored: one that comes before its wait is lost
		return batch_reply(engine->batch, reply);
	}
	reply->run_id = wait->item->run->id;
	struct payload *value = make_value(command->signal.name, command->signal.data);
	wait_end(engine, wait->item, value, "-event", &(struct wait_result){.is_timeout = false});
	payload_unref(value);
	batch_reply(engine->batch, reply);
}
