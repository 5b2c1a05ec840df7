// What happens to runs from outside: events, settings and people that end them, schedules that begin them, reruns. And
// the rules that must hold then.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "sim.h"

#define SCHEDULES_END_MS 120000u
#define BULK_PATIENCE_MS 120000u // loads take their time, and crashes
#define CANCEL_EVENTS 2
#define ITEM_CANCEL_ON_STORED 7

// ---- settings ------------------------------------------------------------------------------------------------------

void lifecycle_generate(struct sim *sim, struct program *p) {
	if (!sim->lives || p->handles_failures) return;
	p->cancels_on_own = sim_chance(sim, 25);
	p->cancels_on_any = sim_chance(sim, 15);
	p->is_idempotent = sim_chance(sim, 10) && !sim->flows;
	if (sim_chance(sim, 15)) p->finish_timeout_ms = 1000 + (unsigned)rng_below(&sim->rng, 60000);
	// The last one, which invokes nobody: it could start itself again for ever by way of another.
	p->runs_on_cancelled = sim->generating + 1 == sim->program_count && sim_chance(sim, 30);
	if (sim_chance(sim, 25)) p->every_s = 5 + (unsigned)rng_below(&sim->rng, 20);
	if (p->every_s == 0 || !sim->flows) return;
	// One of its own; but a leap of the clock would make hundreds of runs, which take their time one by one.
	p->every_s = sim->jumps ? 0 : 10 + 5 * (p->every_s % 3) + sim->generating;
}

void lifecycle_settings(const struct sim *sim, const struct program *p, struct buf *out) {
	(void)sim;
	bool cancels = p->cancels_on_own || p->cancels_on_any;
	if (cancels) buf_lit(out, "\"cancel\":[");
	if (p->cancels_on_own) buf_lit(out, "{\"event\":\"c/e0\",\"if\":\"event.data.n == async.data.n\"}");
	if (p->cancels_on_any)
		buf_printf(out, "%s{\"event\":\"c/e1\",\"timeout\":\"5m\"}", p->cancels_on_own ? "," : "");
	if (cancels) buf_lit(out, "],");
	if (p->is_idempotent) buf_lit(out, "\"idempotency\":\"event.data.n\",");
	if (p->finish_timeout_ms > 0) buf_printf(out, "\"timeouts\":{\"finish\":\"%ums\"},", p->finish_timeout_ms);
}

static unsigned any_program(struct sim *sim) {
	bool handler = sim->programs[sim->program_count - 1].handles_failures;
	return (unsigned)rng_below(&sim->rng, sim->program_count - handler);
}

void lifecycle_populate(struct sim *sim) {
	if (!sim->lives) return;
	for (uint64_t i = rng_below(&sim->rng, 30); i > 0; i--) {
		struct delivery *event = deliver(sim, DELIVER_CANCEL_EVENT, rng_below(&sim->rng, 60000));
		event->client = (unsigned)rng_below(&sim->rng, CANCEL_EVENTS);
		event->value = (unsigned)rng_below(&sim->rng, VALUES);
	}
	for (uint64_t i = rng_below(&sim->rng, 4); i > 0; i--) {
		struct delivery *bulk = deliver(sim, DELIVER_CANCEL_MANY, rng_below(&sim->rng, 60000));
		bulk->client = any_program(sim);
		bulk->value = (unsigned)rng_below(&sim->rng, VALUES + 1);
	}
	for (uint64_t i = rng_below(&sim->rng, 5); i > 0; i--)
		deliver(sim, DELIVER_RERUN, 5000 + rng_below(&sim->rng, 60000))->client =
			(unsigned)rng_below(&sim->rng, sim->client_count);
	for (unsigned i = 0; sim->pauses && i < 2; i++) {
		uint64_t at = rng_below(&sim->rng, 60000);
		unsigned program = any_program(sim);
		struct delivery *pause = deliver(sim, DELIVER_PAUSE, at);
		pause->client = program;
		pause->value = 1;
		for (unsigned again = 1; again <= 5; again++) // a crash may swallow it
			deliver(sim, DELIVER_PAUSE, at + again * 20000)->client = program;
	}
	for (unsigned again = 0; again < 12; again++) // crashes may swallow many
		deliver(sim, DELIVER_RETIRE, SCHEDULES_END_MS + again * 20000);
}

// ---- commands ------------------------------------------------------------------------------------------------------

static struct command *cancel_many(struct sim *sim, const struct delivery *d) {
	struct command *command = command_new(COMMAND_CANCEL_MANY);
	uint8_t entropy[10];
	rng_bytes(&sim->rng, entropy, sizeof entropy);
	command->request = ++sim->next_token;
	command->cancellation.id = ulid_make(sim->now, entropy);
	command->cancellation.app_name = STR("app");
	command->cancellation.function = str_from_cstr(sim->programs[d->client].slug);
	command->cancellation.before_ms = sim->now;
	if (d->value < VALUES)
		command->cancellation.condition = arena_printf(&command->arena, "event.data.n == %u", d->value);
	if (sim->bulk_count < ARRAY_LEN(sim->bulks)) {
		sim->bulks[sim->bulk_count++] = (struct bulk){.token = command->request,
							      .program = &sim->programs[d->client],
							      .value = d->value,
							      .before_ms = sim->now};
	}
	return command;
}

// The steps at the beginning that cannot fail, and sometimes the next one with input of its own.
static void give_steps(struct sim *sim, struct command *command, const struct program *p) {
	command->start.steps = ARENA_ARRAY(&command->arena, struct given_step, p->count + 1);
	unsigned count = 0, wanted = (unsigned)rng_below(&sim->rng, p->count + 1);
	for (; count < wanted && p->blocks[count].kind == BLOCK_STEP && p->blocks[count].fails == 0; count++) {
		struct given_step *step = &command->start.steps[command->start.step_count++];
		step->id = step->name = str_from_cstr(p->blocks[count].id);
		step->op = OPCODE_STEP_RUN;
		step->value = payload_new(STR("{\"data\":{\"n\":1,\"x\":0}}"));
	}
	if (count == p->count || p->blocks[count].kind != BLOCK_STEP || !sim_chance(sim, 60)) return;
	command->start.target = str_from_cstr(p->blocks[count].id);
	if (!sim_chance(sim, 60)) return;
	struct given_step *input = &command->start.steps[command->start.step_count++];
	input->id = input->name = command->start.target;
	input->op = OPCODE_STEP_RUN;
	input->is_input = true;
	input->value = payload_new(STR("{\"input\":[1]}"));
}

// Of the function that the client's event was for, if that event has been stored.
static struct command *rerun(struct sim *sim, struct client *client) {
	const struct program *p = &sim->programs[client->program];
	struct ulid id = client->last_id;
	bool is_stored = fact_find(&sim->facts, fact_key("event", &id, 16, NULL, 0)) != NULL;
	if (!client->acked || !is_stored) return command_new(COMMAND_TICK);
	struct client copy = *client;
	struct command *events = command_event(sim, &copy);
	struct command *command = command_new(COMMAND_START);
	command->request = copy.token;
	command->start.function = str_from_cstr(p->slug);
	command->start.event = events->events.events[0];
	command->start.event.internal_id = id;
	command->start.event.id = arena_dup(&command->arena, command->start.event.id);
	command->start.event.name = arena_dup(&command->arena, command->start.event.name);
	command->start.original_run_id = id; // any will do, but none
	events->events.events[0].text = NULL;
	command_free(events);
	give_steps(sim, command, p);
	return command;
}

static struct command *pause(struct sim *sim, const struct delivery *d) {
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->request = ++sim->next_token;
	command->pause.function = str_from_cstr(sim->programs[d->client].slug);
	command->pause.paused = d->value != 0;
	return command;
}

struct command *lifecycle_command(struct sim *sim, const struct delivery *d) {
	switch (d->kind) {
	case DELIVER_CANCEL_MANY:
		return cancel_many(sim, d);
	case DELIVER_RERUN:
		return rerun(sim, &sim->clients[d->client]);
	case DELIVER_PAUSE:
		return pause(sim, d);
	default:
		sim->retired = true;
		return command_register(sim, 5);
	}
}

// ---- events that cancel --------------------------------------------------------------------------------------------

#define WATCHED_MAX 4096

struct watched { // runs with a rule about some event
	struct {
		struct ulid run_id;
		bool due, unsure;
	} all[WATCHED_MAX];
	size_t count;
};

static size_t watch(struct watched *watched, const struct ulid *run_id) {
	for (size_t i = 0; i < watched->count; i++) {
		if (ulid_cmp(&watched->all[i].run_id, run_id) == 0) return i;
	}
	watched->all[watched->count].run_id = *run_id;
	return watched->count++;
}

struct watched *check_cancels_before(struct sim *sim, unsigned number, unsigned value) {
	struct watched *watched = mem_calloc(1, sizeof *watched);
	struct batch *batch = batch_new();
	char name[16];
	snprintf(name, sizeof name, "c/e%u", number);
	engine_export(sim->engine, batch);
	for (size_t i = 0; i < batch->record_count && watched->count < WATCHED_MAX; i++) {
		struct pause_record rule;
		struct ulid run_id;
		if (!read_pause(&batch->records[i], ITEM_CANCEL_ON_STORED, &rule)) continue;
		memcpy(run_id.bytes, batch->records[i].key, sizeof run_id.bytes);
		size_t at = watch(watched, &run_id);
		uint64_t own = began_with(sim, run_id.bytes);
		bool holds = !rule.is_conditional || own == value;
		bool fits = str_eq_cstr(rule.event, name) && rule.due_ms > sim->now && holds;
		watched->all[at].due |= fits;
		watched->all[at].unsure |= rule.due_ms == sim->now || (rule.is_conditional && own >= VALUES);
	}
	batch_free(batch);
	return watched;
}

void check_cancels_after(struct sim *sim, struct watched *watched) {
	struct batch *batch = batch_new();
	if (watched->count > 0) engine_export(sim->engine, batch);
	for (size_t i = 0; i < watched->count; i++) {
		if (watched->all[i].unsure) continue;
		if (watched->all[i].due && run_lives(batch, &watched->all[i].run_id))
			sim_fail(sim, "a run outlived the event that cancels it");
	}
	batch_free(batch);
	free(watched);
}

// ---- bulk cancellations --------------------------------------------------------------------------------------------

// It has been accepted: every run that it is for has to end by it, soon.
static void note_bulk(struct sim *sim, const struct bulk *bulk) {
	struct batch *batch = batch_new();
	engine_export(sim->engine, batch);
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		struct ulid id;
		if (record->kind != RECORD_RUN) continue;
		memcpy(id.bytes, record->key, sizeof id.bytes);
		struct fact *program = fact_find(&sim->facts, fact_key("program", id.bytes, 16, NULL, 0));
		if (program == NULL || &sim->programs[program->value] != bulk->program) continue;
		if (ulid_time_ms(&id) > bulk->before_ms) continue;
		if (bulk->value < VALUES && began_with(sim, id.bytes) != bulk->value) continue;
		fact_need(&sim->facts, fact_key("bulk", id.bytes, 16, NULL, 0))->value = sim->now + BULK_PATIENCE_MS;
	}
	batch_free(batch);
}

void lifecycle_reply(struct sim *sim, const struct reply *reply) {
	for (unsigned i = 0; i < sim->bulk_count; i++) {
		if (sim->bulks[i].token == reply->request && reply->kind == REPLY_TEXT) note_bulk(sim, &sim->bulks[i]);
	}
}

// ---- history -------------------------------------------------------------------------------------------------------

static void note_tick(struct sim *sim, const struct history_item *item) {
	int64_t ns;
	if (!date_parse_rfc3339(item->event.id, &ns)) sim_fail(sim, "a tick without a time");
	if (sim->tick_count == sim->tick_cap) {
		sim->tick_cap = sim->tick_cap > 0 ? 2 * sim->tick_cap : 64;
		sim->ticks = mem_realloc(sim->ticks, sim->tick_cap * sizeof *sim->ticks);
	}
	ptrdiff_t every = str_find_str(item->event.data, STR("@every "));
	CHECK(every > 0);
	uint64_t interval = strtoull(item->event.data.ptr + every + 7, NULL, 10);
	sim->ticks[sim->tick_count++] = (uint64_t)(ns / 1000000000) << 8 | interval;
}

static void check_value_run(struct sim *sim, const struct history_item *item) {
	const struct program *p = program_of(sim, &item->run.function_id);
	uint64_t value = began_with(sim, item->run.run_id.bytes);
	static const struct ulid none;
	if (!p->is_idempotent || value >= VALUES || ulid_cmp(&item->run.original_run_id, &none) != 0) return;
	struct fact *fact = fact_need(&sim->facts, fact_key("value of", p->slug, strlen(p->slug), &value, 8));
	if (fact->value > 0 && item->at_ms < fact->value + 86400000)
		sim_fail(sim, "two runs of %s for the value %u", p->slug, (unsigned)value);
	fact->value = item->at_ms;
}

static void check_finish(struct sim *sim, const struct history_item *item) {
	struct fact *bulk = fact_find(&sim->facts, fact_key("bulk", item->finish.run_id.bytes, 16, NULL, 0));
	struct fact *program = fact_find(&sim->facts, fact_key("program", item->finish.run_id.bytes, 16, NULL, 0));
	struct fact *started = fact_find(&sim->facts, fact_key("began at", item->finish.run_id.bytes, 16, NULL, 0));
	if (strcmp(item->finish.status, "Cancelled") == 0 || sim->jumps) return;
	if (bulk != NULL && item->at_ms > bulk->value) sim_fail(sim, "a run outlived its cancellation");
	unsigned limit = sim->programs[program->value].finish_timeout_ms;
	if (limit > 0 && started != NULL && item->at_ms > started->value + limit + 5000) // of a crash
		sim_fail(sim, "a run outlived its timeout");
}

void lifecycle_check_history(struct sim *sim, const struct history_item *item) {
	if (item->kind == HISTORY_EVENT && str_eq(item->event.name, STR("inngest/scheduled.timer")))
		note_tick(sim, item);
	if (item->kind == HISTORY_RUN) check_value_run(sim, item);
	if (item->kind == HISTORY_FINISH) check_finish(sim, item);
}

// Head of a run: see run_head.
void lifecycle_check_record(struct sim *sim, const struct record *record) {
	struct decoder d = {.rest = record->head};
	uint8_t skipped[45];
	if (record->kind != RECORD_RUN || record->head.len == 0) return;
	take_bytes(&d, skipped, 1 + 16 + 4 + 16 + 8); // version, function, its version, event, key
	take_u64(&d);
	uint64_t started_ms = take_u64(&d);
	if (started_ms > 0) fact_need(&sim->facts, fact_key("began at", record->key, 16, NULL, 0))->value = started_ms;
}

static int compare_ticks(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	uint64_t kind_x = x & 0xFF, kind_y = y & 0xFF;
	if (kind_x != kind_y) return kind_x < kind_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

// Each schedule's ticks follow each other without a gap. Functions may share an interval, so ticks may come twice: that
// none has two runs of a function is checked as for other events.
void lifecycle_check_end(struct sim *sim) {
	if (sim->tick_count == 0) return;
	qsort(sim->ticks, sim->tick_count, sizeof *sim->ticks, compare_ticks);
	for (size_t i = 1; i < sim->tick_count; i++) {
		uint64_t interval = sim->ticks[i] & 0xFF, before = sim->ticks[i - 1];
		if ((before & 0xFF) != interval) continue;
		uint64_t apart = (sim->ticks[i] >> 8) - (before >> 8);
		if (apart != 0 && apart != interval) sim_fail(sim, "a tick is missing");
	}
}
