// Schedules: each cron trigger of an active function has a next tick, which is durable. A tick makes an event and one
// run, and moves to the following one in the same batch; so a tick that was missed while the server was down is made
// good, and none happens twice (03 §20).
#include <stdlib.h>

#include "base/clock.h"
#include "engine/engine_internal.h"
#include "model/cron.h"
#include "model/limits.h"

#define MISSED "ticks of a schedule were missed while the server was down; their runs begin now"
#define COUNT_MAX 1000000u // missed ticks that are counted
#define BEHIND_MS 3600000u // a tick that is so late has been missed: the machine slept, or its clock was set

struct cron {
	struct heap_node node; // in engine->crons
	struct list of_function;
	struct function *function;
	char *text;
	int64_t jitter_ns;
	struct cron_schedule schedule;
	uint64_t next_ms;      // 0: there is no further one
	uint64_t caught_up_ms; // when missed ticks were last counted
	bool is_known;         // the function's configuration still has it
	bool is_lost;          // its time zone is not on this machine: it rests
};

static struct str cron_text(const struct cron *cron) {
	return str_from_cstr(cron->text);
}

// ---- the ticks -----------------------------------------------------------------------------------------------------

static uint64_t tick_after(const struct cron *cron, uint64_t after_ms) {
	int64_t next;
	return cron_next(&cron->schedule, (int64_t)after_ms, &next) && next > 0 ? (uint64_t)next : 0;
}

static void set_next(struct engine *engine, struct cron *cron, uint64_t next_ms) {
	cron->next_ms = next_ms;
	record_cron(engine, cron->function, cron_text(cron), next_ms);
	heap_remove(&engine->crons, &cron->node);
	if (next_ms > 0 && !cron->is_lost) heap_push(&engine->crons, &cron->node, next_ms, engine->sequence++);
}

// When the run of a tick starts. The job's id is that of spec 03 §8.2.
static uint64_t fire_ms(const struct cron *cron, struct str tick_go) {
	if (cron->jitter_ns <= 0) return cron->next_ms;
	struct buf job;
	buf_init(&job, SIZE_MAX);
	buf_printf(&job, "{%.*s}:{%s}:{%s}:{%u}:cron:schedule", STR_ARG(tick_go), cron->text, cron->function->id_text,
		   cron->function->version);
	char stored[BASE36_LEN + 1];
	size_t len = base36_text(hash_xxh64(buf_view(&job)), stored);
	buf_free(&job);
	return cron->next_ms + cron_jitter_ms(hash_xxh64(str_make(stored, len)), cron->jitter_ns);
}

static struct str time_text(struct arena *arena, uint64_t ms, void (*format)(struct buf *out, int64_t ns)) {
	struct buf text;
	buf_init(&text, 64);
	format(&text, (int64_t)ms * 1000000);
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static struct str rfc3339(struct arena *arena, uint64_t ms) {
	return time_text(arena, ms, date_format_rfc3339);
}

static void make_event(struct engine *engine, const struct cron *cron, struct str tick, uint64_t fire,
		       struct event *out) {
	struct arena *arena = &engine->batch->arena;
	struct buf data;
	buf_init(&data, SIZE_MAX);
	buf_lit(&data, "{\"cron\":");
	buf_json_str(&data, cron_text(cron));
	buf_printf(&data, ",\"fireAt\":\"%.*s\",\"scheduledAt\":\"%.*s\"}", STR_ARG(rfc3339(arena, fire)),
		   STR_ARG(tick));
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid internal_id = ulid_make(engine->now, entropy);
	event_make_internal(arena, STR("inngest/scheduled.timer"), tick, &internal_id, buf_view(&data), STR(""), fire,
			    out);
	out->received_ms = engine->now;
	out->stable_id = true; // one run of a function for a moment, whatever schedules name it (03 §6.1)
	buf_free(&data);
}

static void fire(struct engine *engine, struct cron *cron) {
	struct arena *arena = &engine->batch->arena;
	struct str tick = rfc3339(arena, cron->next_ms);
	uint64_t at_ms = fire_ms(cron, time_text(arena, cron->next_ms, date_format_go));
	struct event event;
	make_event(engine, cron, tick, at_ms, &event);
	struct run_start start = {.function = cron->function,
				  .key = tick,
				  .is_claimed = true,
				  .passes = GATE_BATCH,
				  .at_ms = at_ms,
				  .cron = cron_text(cron)};
	bool skips = engine->config.planted_bug == 10;
	set_next(engine, cron, tick_after(cron, skips ? engine->now : cron->next_ms));
	event_handle(engine, &event, NULL, &start);
	event_release(&event);
}

// ---- missed ticks --------------------------------------------------------------------------------------------------

// There is at most one tick a second.
static void drop_uncounted(struct engine *engine, struct cron *cron, uint64_t first) {
	struct arena *arena = &engine->batch->arena;
	cron->next_ms = tick_after(cron, engine->now - 1000ull * CRON_CATCH_UP_MAX);
	complain(engine, cron->function, cron_text(cron),
		 arena_printf(arena, "more than %u missed since %.*s, of which only the last are not dropped",
			      COUNT_MAX, STR_ARG(rfc3339(arena, first))),
		 MISSED);
}

// All missed ticks are made good, but of very many only the last.
static void catch_up(struct engine *engine, struct cron *cron) {
	uint64_t first = cron->next_ms, at = first, last = 0, count = 0, skipped = 0;
	for (; at > 0 && at <= engine->now && count < COUNT_MAX; at = tick_after(cron, at)) {
		last = at;
		if (++count <= CRON_CATCH_UP_MAX) continue;
		cron->next_ms = tick_after(cron, cron->next_ms);
		skipped++;
	}
	cron->caught_up_ms = engine->now;
	if (count == 0) return;
	if (at > 0 && at <= engine->now) return drop_uncounted(engine, cron, first);
	struct arena *arena = &engine->batch->arena;
	struct str problem = arena_printf(arena, "%llu missed from %.*s to %.*s, of which %llu are dropped",
					  (unsigned long long)count, STR_ARG(rfc3339(arena, first)),
					  STR_ARG(rfc3339(arena, last)), (unsigned long long)skipped);
	complain(engine, cron->function, cron_text(cron), problem, MISSED);
}

static bool is_behind(const struct engine *engine, const struct cron *cron) {
	return engine->now - cron->next_ms > BEHIND_MS && engine->now - cron->caught_up_ms > BEHIND_MS;
}

void crons_wake(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit; i++) {
		struct heap_node *node = heap_peek(&engine->crons);
		if (node == NULL || node->key > engine->now) return;
		struct cron *cron = container_of(node, struct cron, node);
		if (is_behind(engine, cron)) catch_up(engine, cron);
		fire(engine, cron);
	}
}

// ---- schedules of a function ---------------------------------------------------------------------------------------

static struct cron *cron_find(const struct function *function, struct str text) {
	list_for_each(at, &function->crons) {
		struct cron *cron = list_entry(at, struct cron, of_function);
		if (str_eq(cron_text(cron), text)) return cron;
	}
	return NULL;
}

static struct cron *cron_new(struct function *function, struct str text) {
	struct cron *cron = mem_calloc(1, sizeof *cron);
	cron->function = function;
	cron->text = mem_strndup(text.ptr, text.len);
	heap_node_init(&cron->node);
	list_push_back(&function->crons, &cron->of_function);
	return cron;
}

static void cron_free(struct engine *engine, struct cron *cron) {
	heap_remove(&engine->crons, &cron->node);
	list_remove(&cron->of_function);
	free(cron->text);
	free(cron);
}

// A schedule that stays goes on with its next tick, unless that is of a time to which the clock had been set by
// mistake; a new one begins now.
static void go_on(struct engine *engine, struct cron *cron, bool is_new) {
	uint64_t due = cron->is_lost ? 0 : tick_after(cron, engine->now);
	bool is_astray =
		due > 0 && cron->next_ms > due + BEHIND_MS; // its ticks do not run twice: their keys are claimed
	if (is_new || is_astray) set_next(engine, cron, due);
}

static void keep(struct engine *engine, struct function *function, const struct trigger *trigger) {
	struct cron *cron = cron_find(function, trigger->cron);
	bool is_new = cron == NULL;
	if (is_new) cron = cron_new(function, trigger->cron);
	struct error unused;
	cron->is_known = true;
	if (duration_parse(trigger->jitter, &cron->jitter_ns, &unused) != ERR_OK) cron->jitter_ns = 0;
	cron->is_lost = !cron_parse(trigger->cron, &cron->schedule); // was checked: its zone is no longer there
	if (cron->is_lost)
		complain(engine, function, trigger->cron, STR("unknown time zone"), "a schedule cannot be followed");
	go_on(engine, cron, is_new);
}

void crons_update(struct engine *engine, struct function *function) {
	list_for_each(at, &function->crons) list_entry(at, struct cron, of_function)->is_known = false;
	for (size_t i = 0; function->indexed && i < function->config.trigger_count; i++) {
		const struct trigger *trigger = &function->config.triggers[i];
		if (trigger->cron.len > 0) keep(engine, function, trigger);
	}
	for (struct list *at = function->crons.next, *after; at != &function->crons; at = after) {
		after = at->next;
		struct cron *cron = list_entry(at, struct cron, of_function);
		if (cron->is_known) continue;
		record_cron_delete(engine, function, cron_text(cron));
		cron_free(engine, cron);
	}
}

void crons_free(struct engine *engine, struct function *function) {
	while (!list_empty(&function->crons))
		cron_free(engine, list_entry(function->crons.next, struct cron, of_function));
}

// ---- start ---------------------------------------------------------------------------------------------------------

bool cron_restore(struct function *function, struct str text, uint64_t next_ms) {
	if (cron_find(function, text) != NULL) return false;
	cron_new(function, text)->next_ms = next_ms;
	return true;
}

static void start(struct engine *engine, struct function *function) {
	crons_update(engine, function);
	list_for_each(at, &function->crons) {
		struct cron *cron = list_entry(at, struct cron, of_function);
		uint64_t next = cron->next_ms;
		if (cron->is_lost) continue;
		if (next == 0) cron->next_ms = tick_after(cron, engine->now); // it was lost, perhaps
		catch_up(engine, cron);
		if (cron->next_ms != next || !heap_contains(&cron->node)) set_next(engine, cron, cron->next_ms);
	}
}

void crons_start(struct engine *engine) {
	list_for_each(at, &engine->apps) {
		struct app *app = list_entry(at, struct app, all);
		list_for_each(f, &app->functions) start(engine, list_entry(f, struct function, of_app));
	}
}

// ---- checks and copies ---------------------------------------------------------------------------------------------

size_t crons_verify(const struct engine *engine, const struct function *function) {
	size_t count = 0;
	CHECK(function->indexed || list_empty(&function->crons));
	list_for_each(at, &function->crons) {
		const struct cron *cron = list_entry(at, struct cron, of_function);
		bool ticks = cron->next_ms > 0 && !cron->is_lost;
		CHECK(cron->is_known && ticks == heap_contains(&cron->node));
		CHECK(!ticks || engine->crons.nodes[cron->node.index] == &cron->node);
		count += ticks;
	}
	return count;
}

void crons_export(struct engine *engine, const struct function *function) {
	list_for_each(at, &function->crons) {
		const struct cron *cron = list_entry(at, struct cron, of_function);
		record_cron(engine, function, cron_text(cron), cron->next_ms);
	}
}
