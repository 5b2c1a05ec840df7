// Calls and what limits them (04 §A11 to A16): no limit is exceeded at any moment, nothing waits that could go, and of
// two runs in one line the one that is first goes first.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "flow.h"

#define ITEM_INVOKE_STORED 5
#define ITEM_CALLABLE_MAX 2 // start, discovery, step

struct flow *flow_new(struct sim *sim) {
	struct flow *flow = mem_calloc(1, sizeof *flow);
	CHECK(sim->program_count <= FLOW_PROGRAMS_MAX);
	arena_init(&flow->arena, 1 << 14);
	flow->sim = sim;
	flow->settings = ARENA_ARRAY(&flow->arena, struct flow_settings, sim->program_count);
	map_init(&flow->events);
	map_init(&flow->runs);
	map_init(&flow->items_by_slot);
	list_init(&flow->items);
	list_init(&flow->busy);
	list_init(&flow->live_runs);
	list_init(&flow->windows);
	list_init(&flow->open_batches);
	list_init(&flow->closed_windows);
	list_init(&flow->closed_batches);
	return flow;
}

unsigned flow_program(const struct flow *flow, const struct uuid *function_id) {
	return (unsigned)(program_of(flow->sim, function_id) - flow->sim->programs);
}

struct flow_note flow_note(const struct sim *sim, const struct command *command) {
	struct flow_note note = {.now = sim->now, .cause = command->kind};
	if (command->kind == COMMAND_REGISTER && sim->flows) note.settings = sim->flow->wanted;
	if (command->kind == COMMAND_EVENT_LOADED) {
		note.load = command->loaded.kind;
		note.run_id = command->loaded.id;
	}
	if (command->kind == COMMAND_ANSWER) {
		note.run_id = command->answer.run_id;
		note.slot = command->answer.slot;
		note.dispatch = command->answer.dispatch;
	}
	struct str function = STR("");
	if (command->kind == COMMAND_START) function = command->start.function;
	if (command->kind == COMMAND_FUNCTION_PAUSE) function = command->pause.function;
	note.paused = command->kind == COMMAND_FUNCTION_PAUSE && command->pause.paused;
	while (function.len > 0 && !str_eq_cstr(function, sim->programs[note.program].slug)) note.program++;
	return note;
}

// ---- queue items ---------------------------------------------------------------------------------------------------

static uint64_t slot_hash(const struct ulid *run_id, uint32_t slot) {
	return fact_key("slot", run_id->bytes, sizeof run_id->bytes, &slot, sizeof slot);
}

static struct flow_item *find_item(const struct flow *flow, const struct ulid *run_id, uint32_t slot) {
	struct map_node *node = map_first(&flow->items_by_slot, slot_hash(run_id, slot));
	return node != NULL ? container_of(node, struct flow_item, node) : NULL;
}

static void end_call(struct flow *flow, struct flow_item *item) {
	flow->calls -= item->is_called;
	list_remove(&item->busy);
	item->is_called = item->is_held = item->is_counted = false;
	memset(item->took, 0, sizeof item->took);
}

// A call that is under way keeps its slots until the app answers, even if its run has ended.
static void free_item(struct flow *flow, struct flow_item *item) {
	map_remove(&flow->items_by_slot, &item->node);
	list_remove(&item->all);
	list_remove(&item->of_run);
	item->is_orphan = item->is_called;
	if (item->is_orphan) return;
	end_call(flow, item);
	free(item);
}

static void free_orphan(struct flow *flow, uint64_t dispatch) {
	list_for_each(node, &flow->busy) {
		struct flow_item *item = list_entry(node, struct flow_item, busy);
		if (!item->is_orphan || item->dispatch != dispatch) continue;
		end_call(flow, item);
		free(item);
		return;
	}
}

static struct flow_item *need_item(struct flow *flow, const struct ulid *run_id, uint32_t slot) {
	struct flow_item *item = find_item(flow, run_id, slot);
	if (item != NULL) return item;
	item = mem_calloc(1, sizeof *item);
	item->run = flow_run_find(flow, run_id);
	if (item->run == NULL) sim_fail(flow->sim, "a queue item of an unknown run");
	item->slot = slot;
	list_init(&item->busy);
	map_insert(&flow->items_by_slot, &item->node, slot_hash(run_id, slot));
	list_push_back(&flow->items, &item->all);
	list_push_back(&item->run->items, &item->of_run);
	return item;
}

#define ITEM_DISCOVERY_STORED 1
#define ITEM_SLEEP_STORED 3
#define SOON_MS 2000 // what is due later keeps its own time

static void read_record(struct flow *flow, const struct record *record) {
	struct ulid run_id;
	struct work_record work;
	bool is_item = record->kind == RECORD_ITEM;
	memcpy(run_id.bytes, record->key, sizeof run_id.bytes);
	if (!is_item) return;
	if (record->op == RECORD_DELETE_PREFIX) {
		struct flow_run *run = flow_run_find(flow, &run_id);
		for (struct list *node; run != NULL && !list_empty(&run->items) && (node = run->items.next) != NULL;)
			free_item(flow, list_entry(node, struct flow_item, of_run));
		return;
	}
	uint32_t slot = 0;
	for (unsigned i = 16; i < 20; i++) slot = slot << 8 | record->key[i];
	if (record->op == RECORD_DELETE) {
		struct flow_item *item = find_item(flow, &run_id, slot);
		if (item != NULL) free_item(flow, item);
		return;
	}
	CHECK(read_work(record, &work));
	struct flow_item *item = need_item(flow, &run_id, slot);
	bool goes_on =
		item->kind == work.kind || (item->kind == ITEM_SLEEP_STORED && work.kind == ITEM_DISCOVERY_STORED);
	if (item->due_ms != work.due_ms || !goes_on) {
		item->is_late = work.due_ms > flow->now + SOON_MS;
		item->has_time = work.due_ms > flow->now;
	}
	item->kind = work.kind;
	item->attempt = work.attempt;
	item->due_ms = work.due_ms;
	item->target = hash_xxh64(work.target);
}

// ---- limits --------------------------------------------------------------------------------------------------------

// How many others have a slot, for sure and at most. What limits were in force when a call began is for sure; what a
// change of the settings has brought or taken since may count or not, where there are keys, and after a crash.
struct usage {
	unsigned low, high;
};

static void count_item(const struct flow_item *item, const struct flow_identity *identity, struct usage *out) {
	if (identity->key == KEY_NONE) { // of the function as a whole
		bool is_of = item->run->program == identity->program;
		out->low += is_of && (item->is_called || item->is_counted);
		out->high += is_of;
		return;
	}
	bool low = false, high = false;
	for (unsigned i = 0; i < FLOW_STEPS_MAX; i++) {
		if (!flow_identity_eq(&item->run->steps[i], identity)) continue;
		high = true;
		low |= item->took[i];
	}
	out->low += low;
	out->high += high;
}

static struct usage calls_of(const struct flow *flow, const struct flow_identity *identity,
			     const struct flow_item *except) {
	struct usage usage = {0};
	list_for_each(node, &flow->busy) {
		const struct flow_item *item = list_entry(node, struct flow_item, busy);
		if (item != except) count_item(item, identity, &usage);
	}
	return usage;
}

// The run's identity for a limit of the settings in force; NULL when it is none of its.
static const struct flow_identity *identity_for(const struct flow_run *run, const struct flow_limit *limit) {
	if (limit->limit <= 0) return NULL;
	for (unsigned i = 0; i < FLOW_STEPS_MAX; i++) {
		const struct flow_identity *identity = &run->steps[i];
		if (identity->on && identity->key == limit->key && identity->scope == limit->scope) return identity;
	}
	return NULL;
}

static struct usage usage_of(const struct flow *flow, const struct flow_item *item, const struct flow_limit *limit) {
	static const struct usage none;
	struct flow_identity whole = {.on = true, .program = item->run->program};
	const struct flow_identity *identity = limit->key != KEY_NONE ? identity_for(item->run, limit)
					       : limit->limit > 0     ? &whole
								      : NULL;
	return identity != NULL ? calls_of(flow, identity, item) : none;
}

static struct usage runs_of(const struct flow *flow, const struct flow_run *run) {
	struct usage usage = {0};
	list_for_each(node, &flow->live_runs) {
		const struct flow_run *other = list_entry(node, struct flow_run, live);
		if (other == run || !other->is_called || !flow_identity_eq(&other->runs, &run->runs)) continue;
		usage.high++;
		usage.low += other->holds;
	}
	return usage;
}

static bool limits_runs(const struct flow_settings *s, const struct flow_run *run) {
	return s->runs.limit > 0 && run->runs.on && run->runs.key == s->runs.key;
}

static bool throttles(const struct flow_settings *s, const struct flow_run *run) {
	return s->throttle.on && run->throttle.on && run->throttle.key == s->throttle.key;
}

static struct flow_gcra throttle_of(const struct flow_settings *s) {
	int64_t limit = s->throttle.limit > 0 ? s->throttle.limit : 1;
	int64_t interval = (int64_t)s->throttle.period_ms * 1000000 / limit;
	return (struct flow_gcra){.interval_ns = interval, .tolerance_ns = interval * (limit + s->throttle.burst)};
}

// ---- calls ---------------------------------------------------------------------------------------------------------

static bool is_waiting(const struct flow *flow, const struct flow_item *item) {
	return item->kind <= ITEM_CALLABLE_MAX && !item->is_called && item->due_ms <= flow->now;
}

static bool same_keys(const struct flow_run *a, const struct flow_run *b) {
	bool same = a->program == b->program;
	for (unsigned i = 0; i < FLOW_STEPS_MAX; i++) same &= flow_identity_eq(&a->steps[i], &b->steps[i]);
	return same;
}

static int64_t score_of(const struct flow_item *item) {
	return item->is_late ? (int64_t)item->due_ms : item->run->score;
}

static bool same_beginning(const struct flow_run *a, const struct flow_run *b) {
	return flow_identity_eq(&a->throttle, &b->throttle) && flow_identity_eq(&a->runs, &b->runs);
}

// Ties are broken by arrival, of the event or, where one had to wait for its time, of that time. Of an event that comes
// at the very moment that another one has waited for, either may be first.
static bool is_before(const struct flow_item *a, const struct flow_item *b) {
	if (score_of(a) != score_of(b)) return score_of(a) < score_of(b);
	bool begin = !a->run->is_called && !b->run->is_called && same_beginning(a->run, b->run);
	return begin && a->has_time == b->has_time && a->due_ms == b->due_ms && a->run->order < b->run->order;
}

// Whether nothing may hold up `a` that lets `b` go: only the beginning of a run is subject to throttles and the like.
static bool needs_no_more(const struct flow_run *a, const struct flow_run *b) {
	if (!same_keys(a, b)) return false;
	if (a->is_called || (!a->throttle.on && !a->runs.on)) return true;
	return !b->is_called && same_beginning(a, b);
}

// Of what waits in one line, the older run goes first. Retries have a time of their own.
static void check_order(const struct flow *flow, const struct flow_item *first) {
	if (first->attempt > 0 || first->is_held) return;
	list_for_each(node, &flow->items) {
		const struct flow_item *item = list_entry(node, struct flow_item, all);
		if (item == first || item->attempt > 0 || item->is_held || !is_waiting(flow, item)) continue;
		if (!is_before(item, first) || !needs_no_more(item->run, first->run)) continue;
		char ids[2][ULID_TEXT_LEN + 1];
		ulid_text(&first->run->id, ids[0]);
		ulid_text(&item->run->id, ids[1]);
		sim_fail(flow->sim, "a call of %s for %s was made before one for %s, which was first",
			 flow->sim->programs[first->run->program].slug, ids[0], ids[1]);
	}
}

static void begin_run(struct flow *flow, struct flow_run *run) {
	const struct flow_settings *s = &flow->settings[run->program];
	const char *slug = flow->sim->programs[run->program].slug;
	run->is_called = true;
	if (limits_runs(s, run)) {
		unsigned others = runs_of(flow, run).low;
		if (others >= (unsigned)s->runs.limit)
			sim_fail(flow->sim, "%u runs of %s at a limit of %d", others + 1, slug, s->runs.limit);
		run->holds = true;
	}
	if (throttles(s, run)) {
		struct flow_gcra gcra = throttle_of(s);
		struct flow_rate *rate = flow_rate_need(flow, &flow->throttles, &run->throttle);
		if (!flow_rate_may(flow, rate, gcra)) sim_fail(flow->sim, "a run of %s began too early", slug);
		flow_rate_take(flow, rate, gcra);
	}
}

static void take_slots(struct flow *flow, struct flow_item *item) {
	const struct flow_settings *s = &flow->settings[item->run->program];
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct flow_limit *limit = &s->steps[i];
		struct usage others = usage_of(flow, item, limit);
		item->is_counted |= limit->key == KEY_NONE && limit->limit > 0;
		if (limit->limit > 0 && others.low >= (unsigned)limit->limit)
			sim_fail(flow->sim, "%u calls of %s at a limit of %d by %s", others.low + 1,
				 flow->sim->programs[item->run->program].slug, limit->limit,
				 flow_key_texts[limit->key]);
		const struct flow_identity *identity = limit->key != KEY_NONE ? identity_for(item->run, limit) : NULL;
		for (unsigned j = 0; identity != NULL && j < FLOW_STEPS_MAX; j++)
			item->took[j] |= flow_identity_eq(&item->run->steps[j], identity);
	}
}

static void begin_call(struct flow *flow, const struct call *call) {
	struct flow_run *run = flow_run_find(flow, &call->run_id);
	struct flow_item *item = find_item(flow, &call->run_id, call->slot);
	CHECK(run != NULL);
	if (item == NULL && !run->has_ended) sim_fail(flow->sim, "a call for no queue item");
	if (item != NULL && item->is_called) sim_fail(flow->sim, "two calls for one queue item at once");
	if (flow->paused[run->program]) sim_fail(flow->sim, "a call of a paused function");
	if (item != NULL) check_order(flow, item);
	if (item != NULL && !item->is_held) take_slots(flow, item); // or it has them still
	if (!run->is_called) begin_run(flow, run);
	if (item == NULL) return; // ended in the same command
	if (!item->is_held) list_push_back(&flow->busy, &item->busy);
	item->is_called = true;
	item->is_held = false;
	item->dispatch = call->dispatch;
	if (++flow->calls > flow->sim->config.workers) sim_fail(flow->sim, "more calls than workers");
}

// ---- waiting -------------------------------------------------------------------------------------------------------

// Whether the item's run may only begin later; with the moment when a throttle is all that holds it up.
static bool waits_to_begin(struct flow *flow, const struct flow_run *run, uint64_t *next_ms) {
	const struct flow_settings *s = &flow->settings[run->program];
	*next_ms = UINT64_MAX;
	if (limits_runs(s, run) && runs_of(flow, run).high >= (unsigned)s->runs.limit) return true;
	if (!throttles(s, run)) return false;
	struct flow_rate *rate = flow_rate_need(flow, &flow->throttles, &run->throttle);
	if (flow_rate_must(flow, rate, throttle_of(s))) return false;
	*next_ms = flow_rate_next_ms(rate, throttle_of(s));
	return true;
}

static bool waits_for_slot(const struct flow *flow, const struct flow_item *item) {
	const struct flow_settings *s = &flow->settings[item->run->program];
	if (flow->paused[item->run->program] || flow->calls >= flow->sim->config.workers) return true;
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct flow_limit *limit = &s->steps[i];
		if (limit->limit > 0 && usage_of(flow, item, limit).high >= (unsigned)limit->limit) return true;
	}
	return false;
}

// Everything that is due either goes or has a reason not to. Returns when the next item has none any more.
static uint64_t check_waiting(struct flow *flow) {
	uint64_t first_ms = UINT64_MAX;
	list_for_each(node, &flow->items) {
		const struct flow_item *item = list_entry(node, struct flow_item, all);
		uint64_t next_ms = UINT64_MAX;
		if (!is_waiting(flow, item) || waits_for_slot(flow, item)) continue;
		if (item->run->is_called || !waits_to_begin(flow, item->run, &next_ms))
			sim_fail(flow->sim, "%s of %s waits for nothing",
				 item->run->is_called ? "work" : "the beginning of a run",
				 flow->sim->programs[item->run->program].slug);
		if (next_ms < first_ms) first_ms = next_ms;
	}
	return first_ms;
}

static uint64_t next_due(const struct flow *flow) {
	uint64_t first_ms = UINT64_MAX;
	list_for_each(node, &flow->windows) {
		uint64_t due_ms = list_entry(node, struct flow_window, all)->due_ms;
		if (due_ms < first_ms) first_ms = due_ms;
	}
	list_for_each(node, &flow->open_batches) {
		uint64_t due_ms = list_entry(node, struct flow_open_batch, all)->due_ms;
		if (due_ms < first_ms) first_ms = due_ms;
	}
	return first_ms;
}

// Who waits for a run that there is not goes on at once.
static void check_answered(const struct flow *flow) {
	for (unsigned i = 0; i < flow->answered_count; i++) {
		const struct flow_event *event = flow->answered[i];
		const struct flow_run *caller = flow_run_find(flow, &event->caller);
		if (caller == NULL || caller->has_ended) continue;
		list_for_each(node, &caller->items) {
			const struct flow_item *item = list_entry(node, struct flow_item, of_run);
			if (item->kind == ITEM_INVOKE_STORED && item->target == event->step && item->due_ms > flow->now)
				sim_fail(flow->sim, "an invoke that came to nothing was not answered");
		}
	}
}

// ---- a batch -------------------------------------------------------------------------------------------------------

// Runs of a function that is not registered any more go on under what it had last.
static const struct flow_settings *in_force(struct flow *flow, const struct flow_settings *registered) {
	unsigned count = flow->sim->program_count;
	struct flow_settings *settings = ARENA_ARRAY(&flow->arena, struct flow_settings, count);
	for (unsigned i = 0; i < count; i++) {
		settings[i] = registered[i].is_absent ? flow->settings[i] : registered[i];
		settings[i].is_absent = registered[i].is_absent;
	}
	return settings;
}

// No rate counts as more used than what it lets through at once: it may be by another one that it was used, or by a
// clock that has been put back.
static void cut_rates(struct flow *flow) {
	for (struct flow_rate *rate = flow->throttles; rate != NULL; rate = rate->next) {
		const struct flow_settings *s = &flow->settings[rate->identity.program];
		if (s->throttle.on) flow_rate_cut(flow, rate, throttle_of(s));
	}
	for (struct flow_rate *rate = flow->rates; rate != NULL; rate = rate->next) {
		const struct flow_settings *s = &flow->settings[rate->identity.program];
		if (flow_has_rate(s)) flow_rate_cut(flow, rate, flow_rate_of(s));
	}
}

static bool has_failed(const struct batch *batch) {
	return batch->replies != NULL && ((const struct reply *)batch->replies)->kind == REPLY_FAILED;
}

static void take_note(struct flow *flow, const struct flow_note *note, const struct batch *batch) {
	bool cuts = note->now < flow->now || note->settings != NULL;
	flow->now = note->now;
	if (note->now > flow->latest) flow->latest = note->now;
	if (note->settings != NULL) flow->settings = in_force(flow, note->settings);
	if (cuts) cut_rates(flow);
	if (note->cause == COMMAND_FUNCTION_PAUSE && !has_failed(batch)) flow->paused[note->program] = note->paused;
	if (note->cause != COMMAND_ANSWER) return;
	struct flow_item *item = find_item(flow, &note->run_id, note->slot);
	if (item != NULL && item->is_called && item->dispatch == note->dispatch)
		end_call(flow, item);
	else
		free_orphan(flow, note->dispatch);
}

void flow_check_batch(struct sim *sim, const struct flow_note *note, const struct batch *batch) {
	struct flow *flow = sim->flow;
	if (flow == NULL) return;
	take_note(flow, note, batch);
	flow_gates(flow, note, batch);
	flow_gates_records(flow, batch);
	for (size_t i = 0; i < batch->record_count; i++) read_record(flow, &batch->records[i]);
	for (const struct message *m = batch->calls; m != NULL; m = m->next) begin_call(flow, (const struct call *)m);
	check_answered(flow);
	flow->next_ms = check_waiting(flow);
}

// What was under way is under way at the app, and has its slots until it is called again.
void flow_crash(struct sim *sim) {
	struct flow *flow = sim->flow;
	if (flow == NULL) return;
	list_for_each_safe(node, &flow->busy) {
		struct flow_item *item = list_entry(node, struct flow_item, busy);
		item->is_held = true;
		item->is_called = false;
		if (!item->is_orphan) continue;
		list_remove(&item->busy); // nobody knows of it any more
		free(item);
	}
	flow->calls = 0;
	list_for_each(node, &flow->closed_windows) list_entry(node, struct flow_window, all)->is_read = false;
	list_for_each(node, &flow->closed_batches) list_entry(node, struct flow_open_batch, all)->is_read = false;
}

void flow_check_idle(const struct sim *sim) {
	const struct flow *flow = sim->flow;
	if (flow == NULL) return;
	uint64_t due_ms = next_due(flow);
	if (flow->next_ms < due_ms) due_ms = flow->next_ms;
	if (engine_deadline(sim->engine) > due_ms) sim_fail(sim, "the engine will oversleep");
}

bool flow_is_settled(const struct sim *sim) {
	const struct flow *flow = sim->flow;
	return flow == NULL || (list_empty(&flow->windows) && list_empty(&flow->open_batches) && flow_is_calm(sim));
}

bool flow_is_calm(const struct sim *sim) {
	const struct flow *flow = sim->flow;
	return flow == NULL || (list_empty(&flow->closed_windows) && list_empty(&flow->closed_batches));
}

void flow_check_end(const struct sim *sim) {
	const struct flow *flow = sim->flow;
	if (flow == NULL) return;
	if (!list_empty(&flow->items)) sim_fail(sim, "queue items without a run are left");
	if (!list_empty(&flow->live_runs)) sim_fail(sim, "a run has not ended");
}

void flow_free(struct sim *sim) {
	struct flow *flow = sim->flow;
	if (flow == NULL) return;
	map_free(&flow->events);
	map_free(&flow->runs);
	map_free(&flow->items_by_slot);
	free(flow->seen);
	arena_free(&flow->arena);
	free(flow);
}
