// Invariants (docs/architecture.md, "The engine's contract"; spec 03 §28).
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "model/limits.h"
#include "sim.h"

uint64_t fact_key(const char *what, const void *a, size_t a_len, const void *b, size_t b_len) {
	uint64_t parts[3] = {hash_xxh64(str_from_cstr(what)), hash_bytes(a, a_len),
			     b_len > 0 ? hash_bytes(b, b_len) : 0};
	return hash_bytes(parts, sizeof parts);
}

struct fact *fact_find(struct map *map, uint64_t key) {
	struct map_node *node = map_first(map, key);
	return node != NULL ? container_of(node, struct fact, node) : NULL;
}

struct fact *fact_need(struct map *map, uint64_t key) {
	struct fact *fact = fact_find(map, key);
	if (fact != NULL) return fact;
	fact = mem_calloc(1, sizeof *fact);
	map_insert(map, &fact->node, key);
	return fact;
}

void facts_free(struct map *map) {
	for (struct map_node *node = map_walk(map, NULL), *next; node != NULL; node = next) {
		next = map_walk(map, node);
		free(container_of(node, struct fact, node));
	}
	map_free(map);
}

static bool is_finished(struct sim *sim, const void *run_id) {
	return fact_find(&sim->facts, fact_key("finish", run_id, 16, NULL, 0)) != NULL;
}

// "A value, once memoised, is never changed": by the record's place and by the step's id.
static void check_value(struct sim *sim, uint64_t key, struct str text, const char *what) {
	struct fact *fact = fact_need(&sim->facts, key);
	uint64_t hash = hash_xxh64(text) | 1;
	if (fact->value == 0) fact->value = hash;
	if (fact->value != hash) sim_fail(sim, "%s was memoised and then changed", what);
}

static void check_record(struct sim *sim, const struct record *record) {
	bool of_run = record->kind == RECORD_RUN || record->kind == RECORD_STEP || record->kind == RECORD_ITEM ||
		      record->kind == RECORD_DEFER;
	bool is_put = record->op == RECORD_PUT || record->op == RECORD_HEAD;
	if (!of_run || !is_put) return;
	lifecycle_check_record(sim, record);
	if (is_finished(sim, record->key)) sim_fail(sim, "a finished run was written again");
	if (record->kind == RECORD_STEP && record->op == RECORD_PUT) {
		check_value(sim, fact_key("step", record->key, record->key_len, NULL, 0), payload_str(record->body),
			    "a step");
	}
}

const struct program *program_of(struct sim *sim, const struct uuid *function_id) {
	for (unsigned i = 0; i < sim->program_count; i++) {
		struct arena arena;
		arena_init(&arena, 256);
		char name[16];
		snprintf(name, sizeof name, "f%u", i);
		struct str seed = arena_printf(&arena, "%shttp://localhost:3000/api?fnId=%s&stepId=step", name,
					       sim->programs[i].slug);
		struct uuid id = uuid_v5(seed);
		arena_free(&arena);
		if (uuid_eq(&id, function_id)) return &sim->programs[i];
	}
	sim_fail(sim, "unknown function id");
}

static bool may_conflict(const struct block *block) {
	return block->kind == BLOCK_SIGNAL && !block->replaces;
}

// Without faults the end of a run follows from its program; -1 where it does not (throws share budgets, and another
// run may wait for a signal).
static int expected_failure(const struct program *p) {
	int failed = 0;
	for (unsigned i = 0; i < p->count; i++) {
		const struct block *block = &p->blocks[i];
		if (block->kind == BLOCK_THROW || may_conflict(block)) return -1;
		if (block->kind == BLOCK_STEP && !block->caught && block->fails > p->retries) failed = 1;
		for (unsigned b = 0; b < block->branch_count; b++) {
			for (unsigned j = 0; j < block->branch_len[b]; j++) {
				const struct block *leaf = &block->branches[b][j];
				if (may_conflict(leaf)) return -1;
				if (leaf->kind == BLOCK_STEP && !leaf->caught && leaf->fails > p->retries) failed = 1;
			}
		}
	}
	return failed;
}

static const struct program *failure_handler(const struct sim *sim) {
	const struct program *last = &sim->programs[sim->program_count - 1];
	return last->handles_failures ? last : NULL;
}

// Failures of the program that handles failures are nobody's.
static void note_failure(struct sim *sim, const struct ulid *run_id, const struct program *program) {
	const struct program *handler = failure_handler(sim);
	if (handler == NULL || program == handler) return;
	struct fact *fact = fact_find(&sim->facts, fact_key("began with", run_id->bytes, 16, NULL, 0));
	uint64_t value = fact != NULL ? fact->value : VALUES; // a tick has none
	CHECK(value <= VALUES);
	if (sim->failure_count == sim->failure_cap) {
		sim->failure_cap = sim->failure_cap > 0 ? 2 * sim->failure_cap : 16;
		sim->failures = mem_realloc(sim->failures, sim->failure_cap * sizeof *sim->failures);
	}
	fact = fact_find(&sim->facts, fact_key("depth", run_id->bytes, 16, NULL, 0));
	if (fact != NULL && fact->value >= RUN_DEPTH_MAX) return; // nobody is told
	bool of_interest = handler->failing == NULL || strcmp(handler->failing, program->slug) == 0;
	sim->failures[sim->failure_count++] =
		(struct failure){.run_id = *run_id, .due = of_interest && handler->condition.holds[value]};
}

// The event about a failed run has the run's id.
static void check_failures(struct sim *sim) {
	const struct program *handler = failure_handler(sim);
	for (unsigned i = 0; i < sim->failure_count; i++) {
		const struct failure *failure = &sim->failures[i];
		char id[ULID_TEXT_LEN + 1];
		ulid_text(&failure->run_id, id);
		uint64_t event = hash_xxh64(str_make(id, ULID_TEXT_LEN));
		bool started = fact_find(&sim->facts,
					 fact_key("started", &event, 8, handler->slug, strlen(handler->slug))) != NULL;
		if (started != failure->due) {
			sim_fail(sim, "failed run %s: %s run of %s", id, started ? "undue" : "no", handler->slug);
		}
	}
}

// An event about the end of a run is one deeper than that run.
static void note_depth(struct sim *sim, const struct history_item *item) {
	if (!str_starts_with(item->event.name, STR("inngest/function.c"))) return;
	struct str data = item->event.late_data != NULL ? payload_str(item->event.late_data->text) : item->event.data;
	static const struct str tail = STR_INIT("\"run_id\":\"");
	size_t behind = tail.len + ULID_TEXT_LEN + 2; // it is the last member
	struct ulid run_id;
	if (data.len < behind || !str_starts_with(str_skip(data, data.len - behind), tail)) return;
	if (!ulid_parse(str_first(str_skip(data, data.len - behind + tail.len), ULID_TEXT_LEN), &run_id)) return;
	struct fact *run = fact_find(&sim->facts, fact_key("depth", run_id.bytes, 16, NULL, 0));
	fact_need(&sim->facts, fact_key("depth", &item->event.internal_id, 16, NULL, 0))->value =
		(run != NULL ? run->value : 0) + 1;
}

static void check_history(struct sim *sim, const struct history_item *item) {
	if (item->kind == HISTORY_EVENT) {
		struct fact *fact = fact_need(&sim->facts, fact_key("event", &item->event.internal_id, 16, NULL, 0));
		fact->value = hash_xxh64(item->event.id);
		ptrdiff_t value = str_find_str(item->event.data, STR("\"n\":"));
		note_depth(sim, item);
		bool is_own = !str_starts_with(item->event.name, STR("inngest/function.")) ||
			      str_eq(item->event.name, STR("inngest/function.invoked"));
		if (value >= 0 && is_own) {
			fact_need(&sim->facts, fact_key("value", &item->event.internal_id, 16, NULL, 0))->value =
				(uint64_t)(item->event.data.ptr[value + 4] - '0');
		}
	}
	if (item->kind == HISTORY_RUN) {
		sim->runs_started++;
		const struct program *p = program_of(sim, &item->run.function_id);
		struct fact *event = fact_find(&sim->facts, fact_key("event", &item->run.event_id, 16, NULL, 0));
		if (event == NULL) sim_fail(sim, "a run of an event that was never stored");
		static const struct ulid none;
		if (ulid_cmp(&item->run.original_run_id, &none) == 0) {
			struct fact *count =
				fact_need(&sim->facts, fact_key("started", &event->value, 8, p->slug, strlen(p->slug)));
			bool may_repeat = sim->flow != NULL && !p->handles_failures; // debounced, in batches
			if (++count->value > 1 && !may_repeat) sim_fail(sim, "two runs of %s for one event", p->slug);
		}
		struct fact *depth = fact_find(&sim->facts, fact_key("depth", &item->run.event_id, 16, NULL, 0));
		if (depth != NULL)
			fact_need(&sim->facts, fact_key("depth", &item->run.run_id, 16, NULL, 0))->value = depth->value;
		fact_need(&sim->facts, fact_key("program", &item->run.run_id, 16, NULL, 0))->value =
			(uint64_t)(p - sim->programs);
		struct fact *value = fact_find(&sim->facts, fact_key("value", &item->run.event_id, 16, NULL, 0));
		if (value != NULL) {
			fact_need(&sim->facts, fact_key("began with", &item->run.run_id, 16, NULL, 0))->value =
				value->value;
		}
	}
	if (item->kind == HISTORY_FINISH) {
		sim->runs_finished++;
		struct fact *fact = fact_need(&sim->facts, fact_key("finish", &item->finish.run_id, 16, NULL, 0));
		if (++fact->value > 1) sim_fail(sim, "a run finished twice");
		struct fact *program = fact_find(&sim->facts, fact_key("program", &item->finish.run_id, 16, NULL, 0));
		if (program == NULL) sim_fail(sim, "an unknown run finished");
		int expected = expected_failure(&sim->programs[program->value]);
		bool failed = strcmp(item->finish.status, "Failed") == 0;
		bool is_replaced = sim->flow != NULL && strcmp(item->finish.status, "Cancelled") == 0;
		// A failure for want of attempts that another step of the same call had used up (02 §13.3 step 5).
		bool may_fail = app_shares_budget(sim, &item->finish.run_id)->value > 0 && failed;
		if (sim->exact && expected >= 0 && failed != (expected == 1) && !is_replaced && !may_fail) {
			sim_fail(sim, "a run of %s ended as %s", sim->programs[program->value].slug,
				 item->finish.status);
		}
		if (failed) note_failure(sim, &item->finish.run_id, &sim->programs[program->value]);
	}
	lifecycle_check_history(sim, item);
}

void check_batch(struct sim *sim, const struct batch *batch) {
	for (size_t i = 0; i < batch->record_count; i++) check_record(sim, &batch->records[i]);
	for (const struct message *m = batch->calls; m != NULL; m = m->next) {
		if (is_finished(sim, ((const struct call *)m)->run_id.bytes)) sim_fail(sim, "a finished run is called");
	}
	for (size_t i = 0; i < batch->history_count; i++) check_history(sim, &batch->history[i]);
}

void check_call(struct sim *sim, const struct call *call) {
	if (is_finished(sim, call->run_id.bytes)) return; // it ended in the same transaction
	for (size_t i = 0; i < call->step_count; i++) {
		const struct call_step *step = &call->steps[i];
		if (step->is_input) continue;
		struct payload *body = payload_ref(step->value.data);
		struct error error;
		if (body == NULL &&
		    store_body(sim->store, step->value.kind, str_make(step->value.key, step->value.key_len), &body,
			       &error) != ERR_OK) {
			sim_fail(sim, "a memoised value is not in the store");
		}
		check_value(sim, fact_key("memo", &call->run_id, 16, step->id.ptr, step->id.len), payload_str(body),
			    "a step");
		payload_unref(body);
	}
	if (call->stack_current > call->step_count) sim_fail(sim, "stack position beyond the stack");
	if (call->attempt >= call->max_attempts) sim_fail(sim, "attempt %u of %u", call->attempt, call->max_attempts);
}

// ---- memory against store ------------------------------------------------------------------------------------------

struct comparison {
	struct sim *sim;
	struct map heads;
	size_t stored;
};

static uint64_t record_hash(uint8_t kind, struct str key) {
	return fact_key("record", &kind, 1, key.ptr, key.len);
}

static enum err compare_one(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	(void)error;
	struct comparison *comparison = context;
	comparison->stored++;
	struct fact *fact = fact_find(&comparison->heads, record_hash(kind, key));
	if (fact == NULL) sim_fail(comparison->sim, "record of kind %u is stored but not in memory", kind);
	if (fact->value != hash_xxh64(head)) sim_fail(comparison->sim, "record of kind %u differs from memory", kind);
	return ERR_OK;
}

void check_state(struct sim *sim) {
	struct comparison comparison = {.sim = sim};
	map_init(&comparison.heads);
	struct batch *batch = batch_new();
	engine_export(sim->engine, batch);
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		uint64_t key = record_hash(record->kind, str_make(record->key, record->key_len));
		fact_need(&comparison.heads, key)->value = hash_xxh64(record->head);
	}
	uint64_t quarantined = 0;
	struct error error;
	if (store_load(sim->store, compare_one, &comparison, &quarantined, &error) != ERR_OK)
		sim_fail(sim, "%s", error.message);
	if (comparison.stored != batch->record_count) {
		sim_fail(sim, "%zu records in memory, %zu stored", batch->record_count, comparison.stored);
	}
	batch_free(batch);
	facts_free(&comparison.heads);
}

// ---- waits ---------------------------------------------------------------------------------------------------------

#define ITEM_WAIT_STORED 4
#define LIVE_WAITS_MAX 4096

struct live_wait {
	uint8_t key[20]; // run, slot
	bool due;        // to be ended by the event
};
struct waits {
	struct live_wait all[LIVE_WAITS_MAX];
	size_t count;
	uint64_t now; // of the engine
};

uint64_t began_with(struct sim *sim, const void *run_id) {
	struct fact *program = fact_find(&sim->facts, fact_key("program", run_id, 16, NULL, 0));
	if (program == NULL) return UINT64_MAX;
	if (sim->programs[program->value].handles_failures) return VALUES;
	struct fact *fact = fact_find(&sim->facts, fact_key("began with", run_id, 16, NULL, 0));
	return fact != NULL ? fact->value : VALUES;
}

static bool read_head(const struct record *record, struct decoder *d, struct work_record *out) {
	*d = (struct decoder){.rest = record->head};
	if (record->kind != RECORD_ITEM || take_u8(d) == 0) return false;
	out->kind = take_u8(d);
	take_u8(d); // parallel mode
	out->attempt = take_u32(d);
	take_u32(d); // generation
	out->due_ms = take_u64(d);
	take_u64(d); // job
	take_u64(d); // parallel group
	take_u32(d); // lead
	out->target = take_text(d);
	take_text(d); // name of the step
	CHECK(!d->failed);
	return true;
}

bool read_work(const struct record *record, struct work_record *out) {
	struct decoder d;
	return read_head(record, &d, out);
}

bool read_item(const struct record *record, uint8_t kind, struct decoder *d, struct str *target, uint64_t *due_ms) {
	struct work_record work;
	if (!read_head(record, d, &work) || work.kind != kind) return false;
	*target = work.target;
	*due_ms = work.due_ms;
	return true;
}

bool read_pause(const struct record *record, uint8_t kind, struct pause_record *out) {
	struct decoder d;
	struct str target;
	if (!read_item(record, kind, &d, &target, &out->due_ms)) return false;
	out->event = take_text(&d);
	out->is_conditional = take_u8(&d) != 0;
	CHECK(!d.failed);
	return true;
}

bool read_debounce(const struct record *record, struct debounce_record *out) {
	struct decoder d = {.rest = record->head};
	if (record->kind != RECORD_DEBOUNCE || take_u8(&d) == 0) return false;
	take_bytes(&d, out->function_id.bytes, sizeof out->function_id.bytes);
	take_u64(&d);
	take_u64(&d); // key
	out->due_ms = take_u64(&d);
	take_u64(&d); // at the latest
	take_bytes(&d, out->event_id.bytes, sizeof out->event_id.bytes);
	CHECK(!d.failed);
	return true;
}

bool read_event_batch(const struct record *record, struct uuid *function_id) {
	struct decoder d = {.rest = record->head};
	if (record->kind != RECORD_EVENT_BATCH || record->op > RECORD_HEAD || take_u8(&d) == 0) return false;
	take_bytes(&d, function_id->bytes, sizeof function_id->bytes);
	CHECK(!d.failed);
	return true;
}

bool read_batch_event(const struct record *record, struct ulid *event_id) {
	struct decoder d = {.rest = record->head};
	if (record->kind != RECORD_BATCH_EVENT || take_u8(&d) == 0) return false;
	take_bytes(&d, event_id->bytes, sizeof event_id->bytes);
	CHECK(!d.failed);
	return true;
}

struct waits *check_waits_before(struct sim *sim, unsigned number, unsigned value) {
	struct waits *waits = mem_calloc(1, sizeof *waits);
	struct batch *batch = batch_new();
	char name[16];
	snprintf(name, sizeof name, "w/e%u", number);
	engine_export(sim->engine, batch);
	for (size_t i = 0; i < batch->record_count && waits->count < LIVE_WAITS_MAX; i++) {
		struct pause_record pause;
		if (!read_pause(&batch->records[i], ITEM_WAIT_STORED, &pause)) continue;
		struct live_wait *wait = &waits->all[waits->count++];
		memcpy(wait->key, batch->records[i].key, sizeof wait->key);
		uint64_t own = began_with(sim, wait->key);
		bool holds = !pause.is_conditional || own == value;
		wait->due = str_eq_cstr(pause.event, name) && pause.due_ms >= sim->now && holds;
		if (pause.due_ms <= sim->now || (pause.is_conditional && own == UINT64_MAX))
			waits->count--; // cannot tell
	}
	batch_free(batch);
	return waits;
}

static bool still_waits(const struct batch *batch, const struct live_wait *wait) {
	for (size_t i = 0; i < batch->record_count; i++) {
		struct pause_record pause;
		if (memcmp(batch->records[i].key, wait->key, sizeof wait->key) != 0) continue;
		if (read_pause(&batch->records[i], ITEM_WAIT_STORED, &pause)) return true;
	}
	return false;
}

bool run_lives(const struct batch *batch, const void *run_id) {
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		if (record->kind == RECORD_RUN && memcmp(record->key, run_id, 16) == 0) return true;
	}
	return false;
}

void check_waits_after(struct sim *sim, struct waits *waits) {
	struct batch *batch = batch_new();
	if (waits->count > 0) engine_export(sim->engine, batch);
	for (size_t i = 0; i < waits->count; i++) {
		bool waits_on = still_waits(batch, &waits->all[i]);
		// A run may end by a timeout or a cancellation in the same command.
		if (sim->lives && !waits->all[i].due && !waits_on && !run_lives(batch, waits->all[i].key)) continue;
		if (waits_on == waits->all[i].due)
			sim_fail(sim, "a wait %s",
				 waits->all[i].due ? "missed its event" : "ended with another's event");
	}
	batch_free(batch);
	free(waits);
}

void check_wait_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value) {
	char expected[16];
	if (str_eq(value, STR("null"))) return;
	snprintf(expected, sizeof expected, "\"w/e%u\"", block->wait_event);
	if (str_find_str(value, str_from_cstr(expected)) < 0) sim_fail(sim, "a wait got an event of another name");
	uint64_t own = began_with(sim, run_id->bytes);
	if (!block->wait_for_own) return;
	snprintf(expected, sizeof expected, "{\"n\":%u}", (unsigned)own);
	if (str_find_str(value, str_from_cstr(expected)) < 0) sim_fail(sim, "a wait got another's event");
}

void check_invoke_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value) {
	if (is_finished(sim, run_id->bytes)) return; // its values are gone
	bool timed_out = str_find_str(value, STR("InngestInvokeTimeoutError")) >= 0;
	if (timed_out && block->for_ever) sim_fail(sim, "an invoke was never answered");
	if (!str_starts_with(value, STR("{\"data\":")) && !str_starts_with(value, STR("{\"error\":")))
		sim_fail(sim, "an invoke got no result");
	if (str_find_str(value, STR("could not find")) >= 0 && sim->flow == NULL)
		sim_fail(sim, "an invoke did not find its function");
}

void check_end(struct sim *sim) {
	check_state(sim);
	engine_verify(sim->engine);
	struct engine_stats stats;
	engine_stats(sim->engine, &stats);
	if (stats.runs != 0) sim_fail(sim, "%llu runs never ended", (unsigned long long)stats.runs);
	if (sim->runs_started != sim->runs_finished) {
		sim_fail(sim, "%u runs started, %u finished", sim->runs_started, sim->runs_finished);
	}
	check_failures(sim);
	lifecycle_check_end(sim);
	flow_check_end(sim);
	for (unsigned i = 0; i < sim->client_count; i++) {
		const struct client *client = &sim->clients[i];
		if (!client->acked) sim_fail(sim, "event %u was never accepted", i);
		struct fact *event = fact_find(&sim->facts, fact_key("event", &client->last_id, 16, NULL, 0));
		if (event == NULL) sim_fail(sim, "an accepted event is not stored");
		for (unsigned p = 0; p < sim->program_count; p++) {
			const char *slug = sim->programs[p].slug;
			struct fact *count =
				fact_find(&sim->facts, fact_key("started", &event->value, 8, slug, strlen(slug)));
			const struct program *program = &sim->programs[p];
			bool due = (p == 3 || p == client->program) && !program->handles_failures &&
				   program->condition.holds[client->value];
			bool may_lack = sim->pauses || program->is_idempotent || sim->flow != NULL;
			if (due != (count != NULL) && (count != NULL || !may_lack))
				sim_fail(sim, "accepted event %u: %s run of %s", i, due ? "no" : "undue", slug);
		}
	}
}
