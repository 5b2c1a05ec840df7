// The world: time, deliveries, commits, crashes.
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "sim.h"
#include "store/late.h"
#include "stories.h"

#define START_MS 1800000000000ull
#define MOVES_MAX 400000u

void sim_fail(const struct sim *sim, const char *format, ...) {
	va_list args;
	va_start(args, format);
	fprintf(stderr, "seed %llu, epoch %u, command %u: ", (unsigned long long)sim->seed, sim->epoch, sim->commands);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

bool sim_chance(struct sim *sim, unsigned percent) {
	return rng_below(&sim->rng, 100) < percent;
}

static void must(const struct sim *sim, enum err err, const struct error *error) {
	if (err != ERR_OK) sim_fail(sim, "%s", error->message);
}

// ---- deliveries ----------------------------------------------------------------------------------------------------

struct delivery *deliver(struct sim *sim, enum delivery_kind kind, uint64_t in_ms) {
	struct delivery *delivery = mem_calloc(1, sizeof *delivery);
	delivery->kind = kind;
	heap_node_init(&delivery->node);
	heap_push(&sim->deliveries, &delivery->node, sim->now + in_ms, sim->sequence++);
	return delivery;
}

static struct delivery *deliver_call(struct sim *sim, enum delivery_kind kind, uint64_t in_ms, struct app_call *call) {
	struct delivery *delivery = deliver(sim, kind, in_ms);
	delivery->call = call;
	call->refs++;
	return delivery;
}

static void call_drop(struct app_call *call) {
	if (--call->refs > 0) return;
	call_free(call->call);
	arena_free(&call->arena);
	free(call);
}

static uint64_t latency(struct sim *sim) {
	return rng_below(&sim->rng, sim_chance(sim, 10) ? 20000 : 50);
}

static uint64_t open_key(const struct call *call) {
	return fact_key("open", &call->run_id, 16, NULL, 0) + 1;
}

// The app gets the request.
static void receive_call(struct sim *sim, struct call *call) {
	check_call(sim, call);
	sim->calls++;
	struct app_call *app_call = mem_calloc(1, sizeof *app_call);
	app_call->call = call;
	app_call->epoch = sim->epoch;
	arena_init(&app_call->arena, 1024);
	for (unsigned i = 0; i < sim->program_count; i++) {
		char needle[32];
		snprintf(needle, sizeof needle, "fnId=%s&", sim->programs[i].slug);
		if (str_find_str(call->url, str_from_cstr(needle)) >= 0) app_call->program = &sim->programs[i];
	}
	CHECK(app_call->program != NULL);
	if (app_call->program->version == 2 && call->target.len == 0) {
		struct fact *open = fact_need(&sim->executions, open_key(call) ^ sim->epoch);
		if (++open->value > 1) sim_fail(sim, "two discoveries of one run at once");
	}
	if (sim->cancels && sim_chance(sim, 2)) deliver(sim, DELIVER_CANCEL, latency(sim) * 10)->run_id = call->run_id;
	deliver_call(sim, DELIVER_WORK, latency(sim), app_call);
}

static void answered(struct sim *sim, struct app_call *call) {
	if (call->answered) return;
	call->answered = true;
	if (call->program->version == 2 && call->call->target.len == 0) {
		fact_need(&sim->executions, open_key(call->call) ^ call->epoch)->value--;
	}
}

// ---- commit and crash ----------------------------------------------------------------------------------------------

static void receive_reply(struct sim *sim, struct reply *reply) {
	for (unsigned i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].token == reply->request && reply->kind == REPLY_OK) sim->clients[i].acked = true;
	}
	lifecycle_reply(sim, reply);
	list_for_each_safe(node, &sim->waiting) {
		struct checkpoint_wait *wait = list_entry(node, struct checkpoint_wait, all);
		if (wait->token != reply->request) continue;
		list_remove(&wait->all);
		if (reply->status == 200)
			wait->call->known = arena_cat(&wait->call->arena, wait->call->known, wait->reaction.body);
		else
			wait->call->fallback = wait->reaction.body;
		deliver_call(sim, DELIVER_WORK, latency(sim), wait->call);
		call_drop(wait->call);
		free(wait);
	}
	reply_free(reply);
}

// What the node does for a held event. Its body is gone when data that the last process had asked for came first.
static void load_event(struct sim *sim, const struct event_load *load) {
	struct payload *data = load->data != NULL ? payload_ref(load->data->text) : NULL;
	struct error error;
	if (data == NULL) {
		struct str key = str_make(load->id.bytes, sizeof load->id.bytes);
		if (store_body(sim->store, (uint8_t)load_records[load->kind], key, &data, &error) != ERR_OK)
			data = NULL;
	}
	struct delivery *delivery = deliver(sim, DELIVER_LOADED, latency(sim));
	delivery->run_id = load->id;
	delivery->load = load->kind;
	delivery->cancellation_id = load->cancellation_id;
	delivery->value = load->kind == LOAD_HELD ? UINT_MAX : sim->epoch;
	delivery->data = data;
	unsigned percent = load->kind == LOAD_HELD || load->kind == LOAD_RUN ? 50 : 5; // of which there are few
	sim->crash_soon = sim->crashes && sim_chance(sim, percent);
}

static void release(struct sim *sim, struct batch *batch) {
	for (size_t i = 0; i < batch->load_count; i++) load_event(sim, &batch->loads[i]);
	for (struct message *m = batch->calls, *next; m != NULL; m = next) {
		next = m->next;
		receive_call(sim, (struct call *)m);
	}
	for (struct message *m = batch->replies, *next; m != NULL; m = next) {
		next = m->next;
		receive_reply(sim, (struct reply *)m);
	}
	batch->calls = batch->replies = NULL;
	batch_free(batch);
}

static void write_batch(struct sim *sim, const struct flow_note *note, struct batch *batch) {
	struct error error;
	for (size_t i = 0; i < batch->late_count; i++) {
		must(sim, late_resolve(sim->store, batch->late[i], &error), &error);
		if (batch->late[i]->is_damaged) sim_fail(sim, "a text is needed that is no longer there");
	}
	for (size_t i = 0; i < batch->record_count; i++) {
		struct record record = batch->records[i];
		if (record.late_body != NULL) record.body = record.late_body->text;
		must(sim, store_write(sim->store, &record, &error), &error);
	}
	check_batch(sim, batch);
	stories_check_batch(sim, note, batch);
	flow_check_batch(sim, note, batch);
}

static void commit(struct sim *sim) {
	unsigned count = 1 + (unsigned)rng_below(&sim->rng, sim->pending_count);
	struct batch *group[ARRAY_LEN(sim->pending)];
	struct error error;
	must(sim, store_begin(sim->store, &error), &error);
	for (unsigned i = 0; i < count; i++) {
		group[i] = sim->pending[i];
		write_batch(sim, &sim->notes[i], group[i]);
	}
	must(sim, store_commit(sim->store, &error), &error);
	sim->commits++;
	sim->pending_count -= count;
	memmove(sim->pending, sim->pending + count, sim->pending_count * sizeof sim->pending[0]);
	memmove(sim->notes, sim->notes + count, sim->pending_count * sizeof sim->notes[0]);
	for (unsigned i = 0; i < count; i++) release(sim, group[i]);
	if (sim->pending_count == 0) flow_check_idle(sim);
	if (sim->pending_count == 0 && sim_chance(sim, 3)) check_state(sim);
}

static void hold(struct sim *sim, struct batch *batch) {
	uint64_t parts[2] = {sim->digest, batch_digest(batch)};
	sim->digest = hash_bytes(parts, sizeof parts);
	if (sim_chance(sim, 10)) engine_verify(sim->engine);
	if (batch_is_empty(batch) && sim->flow == NULL) { // time has passed, too
		batch_free(batch);
		return;
	}
	sim->notes[sim->pending_count] = sim->note;
	sim->pending[sim->pending_count++] = batch;
	while (sim->pending_count == ARRAY_LEN(sim->pending)) commit(sim);
}

static struct batch *decide(struct sim *sim, struct command *command) {
	struct batch *batch = batch_new();
	sim->commands++;
	sim->note = flow_note(sim, command);
	engine_apply(sim->engine, sim->now, command, batch);
	command_free(command);
	return batch;
}

static void apply(struct sim *sim, struct command *command) {
	hold(sim, decide(sim, command));
}

static enum err restore_one(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	struct sim *sim = context;
	must(sim, engine_restore(sim->engine, kind, key, head, error), error);
	return ERR_OK;
}

// kill -9: what was not committed is gone, calls in flight are cut, checkpoints get no reply.
static void crash(struct sim *sim) {
	for (unsigned i = 0; i < sim->pending_count; i++) batch_free(sim->pending[i]);
	sim->pending_count = 0;
	for (struct list *node; (node = list_pop_front(&sim->waiting)) != NULL;) {
		struct checkpoint_wait *wait = list_entry(node, struct checkpoint_wait, all);
		call_drop(wait->call);
		free(wait);
	}
	engine_free(sim->engine);
	flow_crash(sim);
	sim->crash_soon = false;
	sim->epoch++;
	sim->engine = engine_new(&sim->config, rng_next(&sim->rng));
	uint64_t quarantined = 0;
	struct error error;
	must(sim, store_load(sim->store, restore_one, sim, &quarantined, &error), &error);
	check_state(sim);
	sim->now += rng_below(&sim->rng, 5000);
	struct batch *batch = batch_new();
	sim->note = (struct flow_note){.now = sim->now, .cause = COMMAND_TICK};
	engine_start(sim->engine, sim->now, batch);
	hold(sim, batch);
	for (unsigned i = 0; i < sim->client_count; i++) {
		struct client *client = &sim->clients[i];
		if (client->acked || client->token == 0) continue;
		client->token = 0;
		deliver(sim, DELIVER_EVENT, rng_below(&sim->rng, 1000))->client = i;
	}
}

// ---- moves ---------------------------------------------------------------------------------------------------------

static void app_answers(struct sim *sim, struct app_call *call, const struct reaction *reaction) {
	deliver_call(sim, DELIVER_ANSWER, latency(sim), call)->reaction = *reaction;
	if (sim->faults && sim_chance(sim, 5)) { // the same answer once more, later
		deliver_call(sim, DELIVER_ANSWER, 1 + latency(sim), call)->reaction = *reaction;
	}
}

static void app_works(struct sim *sim, struct app_call *call) {
	static const struct reaction lost = {.status = 0};
	if (sim->faults && sim_chance(sim, 3)) return app_answers(sim, call, &lost); // never arrived
	struct reaction reaction = app_react(sim, call);
	if (reaction.checkpoint) {
		deliver_call(sim, DELIVER_CHECKPOINT, latency(sim), call)->reaction = reaction;
		return;
	}
	if (sim->faults && sim_chance(sim, 3)) reaction = lost; // executed, but the answer got lost
	app_answers(sim, call, &reaction);
}

static void checkpoint_arrives(struct sim *sim, struct app_call *call, const struct reaction *reaction) {
	struct checkpoint_wait *wait = mem_calloc(1, sizeof *wait);
	wait->token = ++sim->next_token;
	wait->call = call;
	wait->reaction = *reaction;
	call->refs++;
	list_push_back(&sim->waiting, &wait->all);
	apply(sim, command_checkpoint(sim, call, reaction, wait->token));
	// Sent again: the reply to the first got lost, or came late.
	if (sim->faults && sim_chance(sim, 5)) apply(sim, command_checkpoint(sim, call, reaction, ++sim->next_token));
}

static void answer_arrives(struct sim *sim, struct app_call *call, const struct reaction *reaction) {
	answered(sim, call);
	if (reaction->status == 0) return apply(sim, command_failure(sim, call));
	if (str_find_str(reaction->body, STR("WaitForSignal")) < 0)
		return apply(sim, command_answer(sim, call, reaction));
	struct signals *before = check_signals_before(sim, SIGNALS);
	struct batch *batch = decide(sim, command_answer(sim, call, reaction));
	check_signal_waits_after(sim, before, &call->call->run_id, reaction->body, batch);
	hold(sim, batch);
}

static void take_delivery(struct sim *sim, struct delivery *d) {
	switch (d->kind) {
	case DELIVER_EVENT:
		if (!sim->clients[d->client].acked) apply(sim, command_event(sim, &sim->clients[d->client]));
		break;
	case DELIVER_WORK:
		app_works(sim, d->call);
		break;
	case DELIVER_CHECKPOINT: // also to a server that was started again meanwhile
		checkpoint_arrives(sim, d->call, &d->reaction);
		break;
	case DELIVER_ANSWER:
		if (d->call->epoch == sim->epoch) answer_arrives(sim, d->call, &d->reaction);
		break;
	case DELIVER_REGISTER:
		flow_change(sim, d->value != 0);
		apply(sim, command_register(sim, 2 + (unsigned)rng_below(&sim->rng, 3)));
		break;
	case DELIVER_WAIT_EVENT: {
		struct waits *waits = check_waits_before(sim, d->client, d->value);
		char name[16];
		snprintf(name, sizeof name, "w/e%u", d->client);
		apply(sim, command_named_event(sim, name, d->value));
		check_waits_after(sim, waits);
		break;
	}
	case DELIVER_SIGNAL: {
		struct signals *before = check_signals_before(sim, d->client);
		struct batch *batch = decide(sim, command_signal(sim, d->client));
		check_signal_after(sim, before, batch);
		hold(sim, batch);
		break;
	}
	case DELIVER_LOADED: // data of held events also when the server that asked for it has crashed since
		if (d->value == UINT_MAX || d->value == sim->epoch) apply(sim, command_loaded(d));
		break;
	case DELIVER_CANCEL: {
		struct command *command = command_new(COMMAND_CANCEL);
		command->run.run_id = d->run_id;
		apply(sim, command);
		break;
	}
	case DELIVER_CANCEL_EVENT: {
		struct watched *watched = check_cancels_before(sim, d->client, d->value);
		char name[16];
		snprintf(name, sizeof name, "c/e%u", d->client);
		apply(sim, command_named_event(sim, name, d->value));
		check_cancels_after(sim, watched);
		break;
	}
	case DELIVER_CANCEL_MANY:
	case DELIVER_RERUN:
	case DELIVER_PAUSE:
	case DELIVER_RETIRE:
		apply(sim, lifecycle_command(sim, d));
		break;
	}
	if (d->call != NULL) call_drop(d->call);
	payload_unref(d->data);
	free(d);
}

static void step(struct sim *sim) {
	struct heap_node *next = heap_peek(&sim->deliveries);
	uint64_t deadline = engine_deadline(sim->engine);
	if (next == NULL || deadline <= next->key) {
		if (deadline > sim->now) sim->now = deadline;
		apply(sim, command_new(COMMAND_TICK));
		return;
	}
	struct delivery *delivery = container_of(heap_pop(&sim->deliveries), struct delivery, node);
	if (next->key > sim->now) sim->now = next->key;
	take_delivery(sim, delivery);
}

// Idempotency entries live for a day: the end of the simulation does not wait for them.
static bool is_over(struct sim *sim) {
	struct engine_stats stats;
	engine_stats(sim->engine, &stats);
	return sim->pending_count == 0 && heap_peek(&sim->deliveries) == NULL && stats.runs == 0 &&
	       stats.events_held == 0 && flow_is_settled(sim);
}

static void live(struct sim *sim) {
	for (unsigned moves = 0; !is_over(sim); moves++) {
		if (moves > MOVES_MAX) sim_fail(sim, "does not come to an end");
		// Time does not leap while the only thing to happen next waits for its commit.
		bool only_commits = heap_peek(&sim->deliveries) == NULL;
		if (sim->pending_count > 0 && (only_commits || sim_chance(sim, 55)))
			commit(sim);
		else if (sim->crashes && moves < 5000 && rng_below(&sim->rng, sim->crash_soon ? 3 : 300) == 0)
			crash(sim);
		else if (sim->jumps && sim->pending_count == 0 && flow_is_calm(sim) && rng_below(&sim->rng, 500) == 0)
			sim->now += rng_below(&sim->rng, 7200000) - 3600000;
		else if (heap_peek(&sim->deliveries) != NULL || engine_deadline(sim->engine) != UINT64_MAX)
			step(sim);
		else if (sim->pending_count > 0)
			commit(sim);
		else
			sim_fail(sim, "runs wait for nothing");
	}
}

static void populate(struct sim *sim) {
	app_generate(sim);
	apply(sim, command_register(sim, 1));
	while (sim->pending_count > 0) commit(sim);
	sim->client_count = 1 + (unsigned)rng_below(&sim->rng, sim->flows ? 60 : 25);
	uint64_t sending_ms = sim->flows && sim_chance(sim, 50) ? 40000 : 10000;
	sim->clients = ARENA_ARRAY(&sim->arena, struct client, sim->client_count);
	for (unsigned i = 0; i < sim->client_count; i++) {
		struct client *client = &sim->clients[i];
		bool handler = sim->programs[sim->program_count - 1].handles_failures;
		client->program = (unsigned)rng_below(&sim->rng, sim->program_count - handler);
		client->stable = sim_chance(sim, 30);
		// Now and then two clients send the same event.
		unsigned number = sim_chance(sim, 20) ? i / 2 : i + 1000;
		client->value = number % VALUES;
		snprintf(client->id, sizeof client->id, "e%u-%u", client->program, number);
		flow_client(sim, client, i > 0 ? client - 1 : NULL);
		deliver(sim, DELIVER_EVENT, rng_below(&sim->rng, sending_ms))->client = i;
	}
	for (uint64_t i = rng_below(&sim->rng, 60); i > 0; i--) {
		struct delivery *event = deliver(sim, DELIVER_WAIT_EVENT, rng_below(&sim->rng, 60000));
		event->client = (unsigned)rng_below(&sim->rng, WAIT_EVENTS);
		event->value = (unsigned)rng_below(&sim->rng, VALUES);
	}
	for (uint64_t i = rng_below(&sim->rng, 60); i > 0; i--)
		deliver(sim, DELIVER_SIGNAL, rng_below(&sim->rng, 60000))->client =
			(unsigned)rng_below(&sim->rng, SIGNALS);
	lifecycle_populate(sim);
	flow_populate(sim);
	for (unsigned i = 0; sim->faults && i < 2; i++) deliver(sim, DELIVER_REGISTER, rng_below(&sim->rng, 20000));
}

static void sim_free(struct sim *sim) {
	engine_free(sim->engine);
	store_close(sim->store);
	heap_free(&sim->deliveries);
	facts_free(&sim->facts);
	facts_free(&sim->executions);
	stories_free(sim);
	free(sim->failures);
	free(sim->ticks);
	flow_free(sim);
	arena_free(&sim->arena);
}

uint64_t sim_run(uint64_t seed, unsigned planted_bug, bool verbose) {
	struct sim sim = {.seed = seed, .now = START_MS};
	rng_seed(&sim.rng, seed);
	sim.faults = sim_chance(&sim, 70);
	sim.crashes = sim_chance(&sim, 50);
	sim.jumps = sim_chance(&sim, 20);
	sim.cancels = sim_chance(&sim, 20);
	sim.lives = sim_chance(&sim, 50);
	sim.pauses = sim.lives && sim_chance(&sim, 20);
	sim.flows = sim_chance(&sim, 60);
	sim.exact = !sim.faults && !sim.crashes && !sim.cancels && !sim.lives;
	sim.config = (struct engine_config){.workers = 1 + (uint32_t)rng_below(&sim.rng, 20),
					    .retry_interval_ms = sim_chance(&sim, 50) ? 1000 : 0,
					    .rest_after_ms = 1 + rng_below(&sim.rng, 2000),
					    .planted_bug = planted_bug};
	arena_init(&sim.arena, 4096);
	list_init(&sim.waiting);
	heap_init(&sim.deliveries);
	map_init(&sim.facts);
	map_init(&sim.executions);
	map_init(&sim.stories);
	sim.store = store_open_memory();
	sim.engine = engine_new(&sim.config, rng_next(&sim.rng));
	populate(&sim);
	live(&sim);
	check_end(&sim);
	stories_check_end(&sim);
	if (verbose) {
		printf("seed %llu: %u commands, %u calls, %u commits, %u crashes, %u runs, digest %016llx\n",
		       (unsigned long long)seed, sim.commands, sim.calls, sim.commits, sim.epoch, sim.runs_finished,
		       (unsigned long long)sim.digest);
	}
	uint64_t digest = sim.digest;
	sim_free(&sim);
	return digest;
}
