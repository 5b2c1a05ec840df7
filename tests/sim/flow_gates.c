// What becomes of events (04 §A1): each ends, for each function that it is due, as exactly one of a run, a part of a
// batch, rate limited, debounced away, skipped, a duplicate, or dropped; and the history says so.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "flow.h"

#define DAY_MS 86400000ull
#define ADMISSION_MS 300000ull
#define FACTOR_MAX 43200

// ---- expressions ---------------------------------------------------------------------------------------------------

static struct flow_text text_of(const char *text) {
	return (struct flow_text){.hash = hash_xxh64(str_from_cstr(text))};
}

static struct flow_text no_value(void) {
	struct flow_text value = text_of("false");
	value.is_false = true;
	return value;
}

static struct flow_text field_value(const struct flow_field *field) {
	if (field->kind == FIELD_MISSING || field->kind == FIELD_FALSE) return no_value();
	if (field->kind == FIELD_NULL) return text_of("NULL_VALUE");
	return text_of(field->kind == FIELD_TRUE ? "true" : field->text);
}

static struct flow_text number_value(const struct flow_event *event) {
	char text[16];
	if (event->value == VALUES) return no_value();
	snprintf(text, sizeof text, "%u", event->value);
	return text_of(text);
}

struct flow_text flow_key_value(enum flow_key key, const struct flow_event *event) {
	switch (key) {
	case KEY_A:
		return field_value(&event->a);
	case KEY_B:
		return field_value(&event->b);
	case KEY_N:
		return number_value(event);
	case KEY_SHARED:
		return text_of("shared");
	case KEY_BAD: {
		if (event->b.kind == FIELD_MISSING) return no_value();
		struct flow_text value = text_of("false");
		value.is_error = true;
		return value;
	}
	default:
		return (struct flow_text){0};
	}
}

int64_t flow_factor(enum flow_priority priority, const struct flow_event *event) {
	bool is_x = event->a.kind == FIELD_OTHER && strcmp(event->a.text, "x") == 0;
	switch (priority) {
	case PRIORITY_HIGH:
		return 120;
	case PRIORITY_HUGE:
		return FACTOR_MAX;
	case PRIORITY_BY_A:
		return is_x ? 600 : -30;
	case PRIORITY_BY_N:
		return event->value < VALUES ? (int64_t)event->value : 0;
	default:
		return 0; // none, or no integer
	}
}

// ---- GCRA (04 §A6) -------------------------------------------------------------------------------------------------

static int64_t now_ns(const struct flow *flow) {
	return (int64_t)flow->now * 1000000;
}

struct flow_rate *flow_rate_need(struct flow *flow, struct flow_rate **list, const struct flow_identity *identity) {
	for (struct flow_rate *rate = *list; rate != NULL; rate = rate->next) {
		if (!flow_identity_eq(&rate->identity, identity)) continue;
		if (rate->high_ns <= (int64_t)flow->latest * 1000000) rate->low_ns = 0; // may be forgotten
		return rate;
	}
	struct flow_rate *rate = ARENA_NEW(&flow->arena, struct flow_rate);
	rate->identity = *identity;
	rate->next = *list;
	return *list = rate;
}

static bool admits(int64_t tat, int64_t now, struct flow_gcra gcra) {
	return tat <= now || tat - now <= gcra.tolerance_ns - gcra.interval_ns;
}

bool flow_rate_may(const struct flow *flow, const struct flow_rate *rate, struct flow_gcra gcra) {
	return admits(rate->low_ns, now_ns(flow), gcra);
}

bool flow_rate_must(const struct flow *flow, const struct flow_rate *rate, struct flow_gcra gcra) {
	return admits(rate->high_ns, now_ns(flow), gcra);
}

uint64_t flow_rate_next_ms(const struct flow_rate *rate, struct flow_gcra gcra) {
	return (uint64_t)((rate->high_ns - (gcra.tolerance_ns - gcra.interval_ns) + 999999) / 1000000);
}

void flow_rate_take(const struct flow *flow, struct flow_rate *rate, struct flow_gcra gcra) {
	int64_t now = now_ns(flow);
	rate->low_ns = (rate->low_ns > now ? rate->low_ns : now) + gcra.interval_ns;
	rate->high_ns = (rate->high_ns > now ? rate->high_ns : now) + gcra.interval_ns;
}

// ---- what history says ---------------------------------------------------------------------------------------------

static const char *const outcome_texts[OUTCOME_COUNT] = {"rate limited", "debounced", "skipped", "a duplicate",
							 "dropped"};

static const char *seen_text(const struct flow_seen *seen) {
	if (seen == NULL) return "nothing";
	return seen->item->kind == HISTORY_OUTCOME ? outcome_texts[seen->item->outcome.outcome] : "a run";
}

static void see(struct flow *flow, const struct history_item *item, unsigned program, const struct ulid *event_id) {
	if (flow->seen_count == flow->seen_cap) {
		flow->seen_cap = flow->seen_cap > 0 ? 2 * flow->seen_cap : 32;
		flow->seen = mem_realloc(flow->seen, flow->seen_cap * sizeof *flow->seen);
	}
	struct flow_seen *seen = &flow->seen[flow->seen_count++];
	*seen = (struct flow_seen){.item = item, .program = program};
	if (event_id != NULL) seen->event = flow_event_find(flow, event_id);
}

static struct flow_seen *find_seen(struct flow *flow, const struct flow_event *event, unsigned program) {
	for (size_t i = 0; i < flow->seen_count; i++) {
		struct flow_seen *seen = &flow->seen[i];
		if (!seen->is_used && seen->event == event && seen->program == program) return seen;
	}
	return NULL;
}

_Noreturn static void fail(const struct flow *flow, const struct flow_event *event, unsigned program,
			   const char *expected, const struct flow_seen *seen) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&event->id, id);
	sim_fail(flow->sim, "event %s for %s should be %s but is %s", id, flow->sim->programs[program].slug, expected,
		 seen_text(seen));
}

// Who invoked the function learns at once that there is no run.
static void note_answered(struct flow *flow, const struct flow_event *event) {
	static const struct ulid none;
	if (ulid_cmp(&event->caller, &none) == 0) return;
	if (flow->answered_count < ARRAY_LEN(flow->answered)) flow->answered[flow->answered_count++] = event;
}

static void expect(struct flow *flow, const struct flow_event *event, unsigned program, enum event_outcome outcome,
		   enum outcome_reason reason, const struct ulid *other) {
	struct flow_seen *seen = find_seen(flow, event, program);
	bool fits = seen != NULL && seen->item->kind == HISTORY_OUTCOME && seen->item->outcome.outcome == outcome &&
		    seen->item->outcome.reason == reason;
	if (!fits) fail(flow, event, program, outcome_texts[outcome], seen);
	if (other != NULL && ulid_cmp(&seen->item->outcome.other_id, other) != 0)
		sim_fail(flow->sim, "an event that is %s names the wrong other", outcome_texts[outcome]);
	seen->is_used = true;
	if (event->target == program) note_answered(flow, event);
}

// A run, unless it is skipped: whether that is right has been looked at in the order of history. NULL when skipped.
static const struct ulid *expect_start(struct flow *flow, const struct flow_event *event, unsigned program) {
	struct flow_seen *seen = find_seen(flow, event, program);
	bool is_run = seen != NULL && seen->item->kind == HISTORY_RUN;
	bool is_skipped =
		seen != NULL && seen->item->kind == HISTORY_OUTCOME && seen->item->outcome.outcome == OUTCOME_SKIPPED;
	if (!is_run && !is_skipped) fail(flow, event, program, "a run", seen);
	seen->is_used = true;
	if (is_run) return &seen->item->run.run_id;
	if (event->target == program) note_answered(flow, event);
	return NULL;
}

// ---- gates, in their order -----------------------------------------------------------------------------------------

static struct flow_open_batch *find_batch(struct flow *flow, unsigned program, uint64_t value) {
	list_for_each(node, &flow->open_batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		if (open->program == program && open->value == value) return open;
	}
	return NULL;
}

static bool is_listed(const struct flow_open_batch *open, struct str text) {
	char id[ULID_TEXT_LEN + 1];
	if (text.len != open->count * (ULID_TEXT_LEN + 1) - 1) return false;
	for (unsigned i = 0; i < open->count; i++) {
		ulid_text(&open->events[i]->id, id);
		if (memcmp(text.ptr + i * (ULID_TEXT_LEN + 1), id, ULID_TEXT_LEN) != 0) return false;
	}
	return true;
}

// The history row of the batch that the run is for; a batch of one event needs none.
static struct flow_seen *find_batch_row(struct flow *flow, const struct ulid *run_id) {
	for (size_t i = 0; i < flow->seen_count; i++) {
		struct flow_seen *seen = &flow->seen[i];
		if (seen->is_used || seen->item->kind != HISTORY_EVENT_BATCH) continue;
		if (ulid_cmp(&seen->item->event_batch.run_id, run_id) == 0) return seen;
	}
	return NULL;
}

static void close_batch(struct flow *flow, struct flow_open_batch *open) {
	list_remove(&open->all);
	list_push_back(&flow->closed_batches, &open->all);
}

// Its events have been read.
static void run_batch(struct flow *flow, struct flow_open_batch *open) {
	bool is_absent = flow->settings[open->program].is_absent;
	if (is_absent || flow->paused[open->program]) {
		for (unsigned i = 0; i < open->count; i++)
			expect(flow, open->events[i], open->program, is_absent ? OUTCOME_DROPPED : OUTCOME_SKIPPED,
			       is_absent ? REASON_FUNCTION_REMOVED : REASON_FUNCTION_PAUSED, NULL);
	} else {
		const struct ulid *run_id = expect_start(flow, open->events[0], open->program);
		struct flow_seen *row = run_id != NULL ? find_batch_row(flow, run_id) : NULL;
		if (row == NULL && open->count > 1) sim_fail(flow->sim, "a batch of %u has no row", open->count);
		if (row != NULL && !is_listed(open, row->item->event_batch.event_ids))
			sim_fail(flow->sim, "a batch should have %u events but has %.*s", open->count,
				 STR_ARG(row->item->event_batch.event_ids));
		if (row != NULL) row->is_used = true;
	}
	list_remove(&open->all);
	free(open);
}

static bool is_asked_for(const struct flow *flow, enum load_kind kind, const struct ulid *id) {
	for (size_t i = 0; i < flow->batch->load_count; i++) {
		const struct event_load *load = &flow->batch->loads[i];
		if (load->kind == kind && ulid_cmp(&load->id, id) == 0) return true;
	}
	return false;
}

static void append(struct flow *flow, const struct flow_event *event, unsigned program) {
	const struct flow_settings *s = &flow->settings[program];
	struct flow_text value = flow_key_value(s->batch.key, event);
	if (value.is_error) return expect(flow, event, program, OUTCOME_DROPPED, REASON_EXPRESSION_FAILED, NULL);
	struct flow_open_batch *open = find_batch(flow, program, value.hash);
	// Its size may have been lowered meanwhile; and an event that comes when it is due may find it open, or not.
	bool may_be_over = open != NULL && open->due_ms <= flow->now;
	bool is_over = may_be_over && is_asked_for(flow, LOAD_BATCH, &open->id);
	if (open != NULL && (open->count >= s->batch.size || is_over)) {
		close_batch(flow, open);
		open = NULL;
	}
	if (open == NULL) {
		open = mem_calloc(1, sizeof *open);
		list_push_back(&flow->open_batches, &open->all);
		open->program = program;
		open->value = value.hash;
		open->due_ms = flow->now + s->batch.timeout_ms;
	}
	open->events[open->count++] = event;
	if (open->count >= s->batch.size) close_batch(flow, open);
}

static const struct flow_claim *find_claim(const struct flow *flow, const struct flow_claim *claims,
					   const struct flow_event *event, unsigned program, uint64_t life_ms) {
	const struct flow_claim *claim = event->client_id != 0 ? claims : NULL;
	while (claim != NULL && (claim->program != program || claim->client_id != event->client_id ||
				 claim->at_ms + life_ms <= flow->now))
		claim = claim->next;
	return claim;
}

static void add_claim(struct flow *flow, struct flow_claim **claims, const struct flow_event *event, unsigned program,
		      const struct ulid *run_id) {
	if (event->client_id == 0) return;
	struct flow_claim *claim = ARENA_NEW(&flow->arena, struct flow_claim);
	*claim = (struct flow_claim){
		.next = *claims, .program = program, .client_id = event->client_id, .at_ms = flow->now};
	if (run_id != NULL) claim->run_id = *run_id;
	*claims = claim;
}

// `idempotency` is a rate limit of one a day, and takes the place of another.
struct flow_gcra flow_rate_of(const struct flow_settings *s) {
	uint64_t period_ms = s->idempotency != KEY_NONE ? DAY_MS : s->rate.period_ms;
	int64_t limit = s->idempotency != KEY_NONE ? 1 : s->rate.limit;
	int64_t interval = (int64_t)period_ms * 1000000 / limit;
	return (struct flow_gcra){.interval_ns = interval, .tolerance_ns = interval * (limit / 10 + 1)};
}

void flow_rate_cut(const struct flow *flow, struct flow_rate *rate, struct flow_gcra gcra) {
	int64_t most = now_ns(flow) + gcra.tolerance_ns;
	if (rate->low_ns > most) rate->low_ns = most;
}

bool flow_has_rate(const struct flow_settings *s) {
	return s->idempotency != KEY_NONE || s->rate.limit > 0;
}

// Whether the rate limit lets the event pass. One that has been admitted may come again, and not count (04 §A5).
static bool admit(struct flow *flow, const struct flow_event *event, unsigned program, struct flow_rate *rate) {
	struct flow_gcra gcra = flow_rate_of(&flow->settings[program]);
	const struct flow_claim *before = find_claim(flow, flow->admissions, event, program, ADMISSION_MS);
	const struct flow_seen *seen = find_seen(flow, event, program);
	bool is_limited = seen != NULL && seen->item->kind == HISTORY_OUTCOME &&
			  seen->item->outcome.outcome == OUTCOME_RATE_LIMITED;
	flow_rate_cut(flow, rate, gcra);
	int64_t most = now_ns(flow) + gcra.tolerance_ns;
	if (rate->high_ns > most) rate->high_ns = most; // for sure, as it is looked at
	bool may = flow_rate_may(flow, rate, gcra) || before != NULL;
	if (!flow_rate_must(flow, rate, gcra) && (!may || is_limited)) return false;
	int64_t low_ns = rate->low_ns;
	flow_rate_take(flow, rate, gcra);
	if (before != NULL) rate->low_ns = low_ns;
	add_claim(flow, &flow->admissions, event, program, NULL);
	return true;
}

// False: the event has come to its end here.
static bool pass_rate(struct flow *flow, const struct flow_event *event, unsigned program) {
	const struct flow_settings *s = &flow->settings[program];
	enum flow_key key = s->idempotency != KEY_NONE ? s->idempotency : s->rate.key;
	if (!flow_has_rate(s)) return true;
	struct flow_text value = flow_key_value(key, event);
	if (value.is_error) {
		expect(flow, event, program, OUTCOME_DROPPED, REASON_EXPRESSION_FAILED, NULL);
		return false;
	}
	if (value.is_false) return true;
	struct flow_identity identity = {.on = true, .program = program, .key = key, .value = value.hash};
	if (admit(flow, event, program, flow_rate_need(flow, &flow->rates, &identity))) return true;
	expect(flow, event, program, OUTCOME_RATE_LIMITED, REASON_NONE, NULL);
	return false;
}

static struct flow_window *find_window(struct flow *flow, unsigned program, uint64_t value) {
	list_for_each(node, &flow->windows) {
		struct flow_window *window = list_entry(node, struct flow_window, all);
		if (window->program == program && window->value == value) return window;
	}
	return NULL;
}

static void close_window(struct flow *flow, struct flow_window *window) {
	list_remove(&window->all);
	list_push_back(&flow->closed_windows, &window->all);
}

static void run_window(struct flow *flow, struct flow_window *window) {
	if (flow->settings[window->program].is_absent)
		expect(flow, window->winner, window->program, OUTCOME_DROPPED, REASON_FUNCTION_REMOVED, NULL);
	else
		(void)expect_start(flow, window->winner, window->program);
	list_remove(&window->all);
	free(window);
}

static void win(struct flow *flow, struct flow_window *window, const struct flow_event *event) {
	uint64_t due = flow->now + flow->settings[window->program].debounce.period_ms;
	window->winner = event;
	window->due_ms = window->max_ms > 0 && window->max_ms < due ? window->max_ms : due;
}

static void debounce(struct flow *flow, const struct flow_event *event, unsigned program) {
	const struct flow_settings *s = &flow->settings[program];
	struct flow_text value = flow_key_value(s->debounce.key, event);
	if (value.is_error) value.hash = 1; // a key of its own, which all such events share
	struct flow_window *window = find_window(flow, program, value.hash);
	bool may_be_over = window != NULL && window->due_ms <= flow->now;
	if (may_be_over && is_asked_for(flow, LOAD_DEBOUNCE, &window->id)) {
		close_window(flow, window);
		window = NULL;
	}
	if (window == NULL) {
		window = mem_calloc(1, sizeof *window);
		list_push_back(&flow->windows, &window->all);
		window->program = program;
		window->value = value.hash;
		if (s->debounce.timeout_ms > 0) window->max_ms = flow->now + s->debounce.timeout_ms;
	} else if (event->ts_ms < window->winner->ts_ms) {
		return expect(flow, event, program, OUTCOME_DEBOUNCED, REASON_NONE, &window->winner->id);
	} else {
		expect(flow, window->winner, program, OUTCOME_DEBOUNCED, REASON_NONE, &event->id);
	}
	win(flow, window, event);
}

static void gate(struct flow *flow, const struct flow_event *event, unsigned program) {
	const struct flow_settings *s = &flow->settings[program];
	bool fits_batch = !s->batch.is_conditional || (event->value > 0 && event->value < VALUES);
	if (s->batch.size > 0 && fits_batch && !event->is_tick) return append(flow, event, program);
	const struct flow_claim *claim = find_claim(flow, flow->claims, event, program, DAY_MS);
	if (claim != NULL) return expect(flow, event, program, OUTCOME_DUPLICATE, REASON_NONE, &claim->run_id);
	if (!pass_rate(flow, event, program)) return;
	if (s->debounce.period_ms > 0) return debounce(flow, event, program);
	const struct ulid *run_id = expect_start(flow, event, program);
	if (run_id != NULL) add_claim(flow, &flow->claims, event, program, run_id);
}

static bool is_due(const struct flow *flow, const struct flow_event *event, unsigned number) {
	const struct program *program = &flow->sim->programs[number];
	if (program->handles_failures || flow->settings[number].is_absent) return false;
	if (event->is_cancelled) return program->runs_on_cancelled;
	if (event->plain == NOBODY) return event->target == number;
	return (number == 3 || number == event->plain) && program->condition.holds[event->value];
}

static void pass_gates(struct flow *flow, const struct flow_event *event) {
	for (unsigned i = 0; i < flow->sim->program_count; i++)
		if (is_due(flow, event, i)) gate(flow, event, i);
}

// ---- events --------------------------------------------------------------------------------------------------------

static uint64_t ulid_hash(const struct ulid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

struct flow_event *flow_event_find(const struct flow *flow, const struct ulid *id) {
	struct map_node *node = map_first(&flow->events, ulid_hash(id));
	return node != NULL ? container_of(node, struct flow_event, node) : NULL;
}

static void read_field(yyjson_val *data, const char *name, struct flow_field *out) {
	yyjson_val *value = json_get_exact(data, str_from_cstr(name));
	if (value == NULL) return; // FIELD_MISSING
	out->kind = FIELD_OTHER;
	if (yyjson_is_bool(value)) out->kind = yyjson_get_bool(value) ? FIELD_TRUE : FIELD_FALSE;
	if (yyjson_is_null(value)) out->kind = FIELD_NULL;
	if (yyjson_is_num(value)) snprintf(out->text, sizeof out->text, "%g", yyjson_get_num(value));
	if (yyjson_is_str(value)) snprintf(out->text, sizeof out->text, "%s", yyjson_get_str(value));
}

static void read_invoke(const struct sim *sim, yyjson_val *data, struct flow_event *event) {
	yyjson_val *about = json_get_exact(data, STR("_inngest"));
	struct str target = json_str(json_get_exact(about, STR("fn_id"))), run_id, step;
	for (unsigned i = 0; i < sim->program_count; i++)
		if (str_eq_cstr(target, sim->programs[i].slug)) event->target = i;
	if (!str_cut(json_str(json_get_exact(about, STR("correlation_id"))), '.', &run_id, &step)) return;
	if (ulid_parse(run_id, &event->caller)) event->step = hash_xxh64(step);
}

static void read_tick(const struct sim *sim, yyjson_val *data, struct flow_event *event) {
	struct str cron = json_str(json_get_exact(data, STR("cron")));
	event->is_tick = true;
	for (unsigned i = 0; i < sim->program_count; i++) {
		char text[32];
		snprintf(text, sizeof text, "@every %us", sim->programs[i].every_s);
		if (str_eq_cstr(cron, text)) event->target = i; // no two have the same: lifecycle_generate
	}
	CHECK(event->target != NOBODY);
}

static void read_data(const struct sim *sim, const struct history_item *item, struct flow_event *event) {
	bool is_plain = str_starts_with(item->event.name, STR("t/f"));
	bool is_invoke = str_eq(item->event.name, STR("inngest/function.invoked"));
	bool is_tick = str_eq(item->event.name, STR("inngest/scheduled.timer"));
	event->is_cancelled = str_eq(item->event.name, STR("inngest/function.cancelled"));
	if (!is_plain && !is_invoke && !is_tick) return;
	struct error error;
	yyjson_doc *doc = json_read(item->event.data, false, NULL, &error);
	CHECK(doc != NULL);
	yyjson_val *data = yyjson_doc_get_root(doc), *n = json_get_exact(data, STR("n"));
	if (yyjson_is_int(n)) event->value = (unsigned)yyjson_get_int(n);
	read_field(data, "a", &event->a);
	read_field(data, "b", &event->b);
	if (is_plain) event->plain = (unsigned)(item->event.name.ptr[3] - '0');
	if (is_invoke) read_invoke(sim, data, event);
	if (is_tick) read_tick(sim, data, event);
	yyjson_doc_free(doc);
}

static struct flow_event *add_event(struct flow *flow, const struct history_item *item) {
	struct flow_event *event = ARENA_NEW(&flow->arena, struct flow_event);
	char own_id[ULID_TEXT_LEN + 1];
	event->id = item->event.internal_id;
	event->ts_ms = item->event.ts_ms;
	event->value = VALUES;
	event->plain = event->target = NOBODY;
	ulid_text(&event->id, own_id);
	if (!str_eq_cstr(item->event.id, own_id)) event->client_id = hash_xxh64(item->event.id) | 1;
	read_data(flow->sim, item, event);
	map_insert(&flow->events, &event->node, ulid_hash(&event->id));
	return event;
}

// ---- runs ----------------------------------------------------------------------------------------------------------

struct flow_run *flow_run_find(const struct flow *flow, const struct ulid *id) {
	struct map_node *node = map_first(&flow->runs, ulid_hash(id));
	return node != NULL ? container_of(node, struct flow_run, node) : NULL;
}

static struct flow_identity identity_of(enum concurrency_scope scope, unsigned program, enum flow_key key,
					const struct flow_event *event) {
	return (struct flow_identity){.on = true,
				      .scope = scope,
				      .program = scope == SCOPE_FN ? program : NOBODY,
				      .key = key,
				      .value = flow_key_value(key, event).hash};
}

static struct flow_identity singleton_of(const struct flow_settings *s, unsigned program,
					 const struct flow_event *event) {
	struct flow_text value = flow_key_value(s->singleton.key, event);
	bool on = s->singleton.mode != SINGLETON_NONE && !value.is_false && !value.is_error;
	return (struct flow_identity){.on = on, .program = program, .value = value.hash};
}

static const struct flow_run *find_holder(const struct flow *flow, const struct flow_identity *singleton) {
	if (!singleton->on) return NULL;
	list_for_each(node, &flow->live_runs) {
		const struct flow_run *run = list_entry(node, struct flow_run, live);
		if (flow_identity_eq(&run->singleton, singleton)) return run;
	}
	return NULL;
}

// Keys are evaluated once, and stay with the run.
static void add_run(struct flow *flow, const struct history_item *item, unsigned program) {
	const struct flow_settings *s = &flow->settings[program];
	const struct flow_event *event = flow_event_find(flow, &item->run.event_id);
	if (event == NULL) sim_fail(flow->sim, "a run of an unknown event");
	struct flow_run *run = ARENA_NEW(&flow->arena, struct flow_run);
	run->id = item->run.run_id;
	run->program = program;
	run->order = ++flow->arrivals;
	run->score = (int64_t)ulid_time_ms(&run->id) - 1000 * flow_factor(s->priority, event);
	list_init(&run->items);
	for (unsigned i = 0; i < s->step_count; i++) {
		if (s->steps[i].key != KEY_NONE)
			run->steps[i] = identity_of(s->steps[i].scope, program, s->steps[i].key, event);
	}
	if (s->throttle.on) run->throttle = identity_of(SCOPE_FN, program, s->throttle.key, event);
	if (s->runs.limit > 0) run->runs = identity_of(SCOPE_FN, program, s->runs.key, event);
	if (s->runs.limit > 0 && flow_key_value(s->runs.key, event).is_error) run->runs.value = text_of("").hash;
	run->singleton = singleton_of(s, program, event);
	if (find_holder(flow, &run->singleton) != NULL) sim_fail(flow->sim, "two runs of one singleton");
	if (flow->paused[program]) sim_fail(flow->sim, "a run of a paused function");
	map_insert(&flow->runs, &run->node, ulid_hash(&run->id));
	list_push_back(&flow->live_runs, &run->live);
}

static void check_skipped(struct flow *flow, const struct history_item *item, unsigned program) {
	const struct flow_event *event = flow_event_find(flow, &item->outcome.event_id);
	static const struct ulid none;
	if (event == NULL) sim_fail(flow->sim, "an unknown event was skipped");
	if (ulid_cmp(&item->outcome.run_id, &none) == 0) sim_fail(flow->sim, "a skipped run has no id");
	if (flow_run_find(flow, &item->outcome.run_id) != NULL) sim_fail(flow->sim, "a run that is there was skipped");
	if (item->outcome.reason == REASON_FUNCTION_PAUSED && flow->paused[program]) return;
	if (item->outcome.reason != REASON_SINGLETON) sim_fail(flow->sim, "a run was skipped without a reason");
	const struct flow_settings *s = &flow->settings[program];
	struct flow_identity singleton = singleton_of(s, program, event);
	const struct flow_run *holder = find_holder(flow, &singleton);
	if (holder == NULL || s->singleton.mode != SINGLETON_SKIP)
		sim_fail(flow->sim, "a run was skipped for a singleton that nobody has");
	if (ulid_cmp(&holder->id, &item->outcome.other_id) != 0)
		sim_fail(flow->sim, "a run was skipped for a run that has not the singleton");
}

static void end_run(struct flow *flow, const struct history_item *item) {
	struct flow_run *run = flow_run_find(flow, &item->finish.run_id);
	if (run == NULL || run->has_ended) sim_fail(flow->sim, "a run ended that was not there");
	run->has_ended = true;
	list_remove(&run->live);
}

// ---- a batch -------------------------------------------------------------------------------------------------------

static void read_item_of_history(struct flow *flow, const struct history_item *item) {
	static const struct ulid none;
	unsigned program = 0;
	if (item->kind == HISTORY_RUN) {
		program = flow_program(flow, &item->run.function_id);
		add_run(flow, item, program);
		bool is_rerun = ulid_cmp(&item->run.original_run_id, &none) != 0;
		if (is_rerun) flow->reruns++;
		if (!is_rerun) see(flow, item, program, &item->run.event_id);
	} else if (item->kind == HISTORY_OUTCOME) {
		program = flow_program(flow, &item->outcome.function_id);
		if (item->outcome.outcome == OUTCOME_SKIPPED) check_skipped(flow, item, program);
		see(flow, item, program, &item->outcome.event_id);
	} else if (item->kind == HISTORY_EVENT_BATCH) {
		see(flow, item, flow_program(flow, &item->event_batch.function_id), NULL);
	} else if (item->kind == HISTORY_FINISH) {
		end_run(flow, item);
	}
}

// Programs without flow control: what they do is looked at elsewhere.
static void use_handlers(struct flow *flow) {
	for (size_t i = 0; i < flow->seen_count; i++)
		flow->seen[i].is_used |= flow->sim->programs[flow->seen[i].program].handles_failures;
}

// A rerun passes no gates but the last ones.
static void use_rerun(struct flow *flow, const struct flow_note *note) {
	for (size_t i = 0; i < flow->seen_count; i++) {
		struct flow_seen *seen = &flow->seen[i];
		if (seen->is_used || seen->item->kind != HISTORY_OUTCOME || seen->event->is_new) continue;
		if (seen->item->outcome.outcome != OUTCOME_SKIPPED) continue;
		seen->is_used = true;
		flow->reruns++;
	}
	if (flow->reruns != !flow->settings[note->program].is_absent)
		sim_fail(flow->sim, "a rerun became %u runs", flow->reruns);
}

static void close_due(struct flow *flow) {
	list_for_each_safe(node, &flow->windows) {
		struct flow_window *window = list_entry(node, struct flow_window, all);
		if (window->due_ms <= flow->now) close_window(flow, window);
	}
	list_for_each_safe(node, &flow->open_batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		const struct flow_settings *s = &flow->settings[open->program];
		bool may = s->batch.size > 0 && open->count >= s->batch.size; // it was lowered
		may &= is_asked_for(flow, LOAD_BATCH, &open->id);
		if (may || open->due_ms <= flow->now) close_batch(flow, open);
	}
}

static void pass_loaded(struct flow *flow, const struct flow_note *note) {
	struct flow_event *held = note->load == LOAD_HELD ? flow_event_find(flow, &note->run_id) : NULL;
	if (held != NULL && held->is_held) {
		held->is_held = false;
		pass_gates(flow, held);
	}
	list_for_each_safe(node, &flow->closed_windows) {
		struct flow_window *window = list_entry(node, struct flow_window, all);
		bool is_it = note->load == LOAD_DEBOUNCE && ulid_cmp(&window->id, &note->run_id) == 0;
		if (is_it) run_window(flow, window);
	}
	list_for_each_safe(node, &flow->closed_batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		bool is_it = note->load == LOAD_BATCH && ulid_cmp(&open->id, &note->run_id) == 0;
		if (is_it) run_batch(flow, open);
	}
}

static void pass_all(struct flow *flow, const struct flow_note *note, const struct batch *batch) {
	if (note->cause == COMMAND_EVENT_LOADED) pass_loaded(flow, note);
	for (size_t i = 0; i < batch->history_count; i++) {
		if (batch->history[i].kind != HISTORY_EVENT) continue;
		struct flow_event *event = flow_event_find(flow, &batch->history[i].event.internal_id);
		event->is_held = is_asked_for(flow, LOAD_HELD, &event->id);
		if (!event->is_held) pass_gates(flow, event);
		event->is_new = false;
	}
}

void flow_gates(struct flow *flow, const struct flow_note *note, const struct batch *batch) {
	flow->batch = batch;
	flow->seen_count = flow->answered_count = flow->reruns = 0;
	for (size_t i = 0; i < batch->history_count; i++) {
		if (batch->history[i].kind == HISTORY_EVENT) add_event(flow, &batch->history[i])->is_new = true;
	}
	for (size_t i = 0; i < batch->history_count; i++) read_item_of_history(flow, &batch->history[i]);
	use_handlers(flow);
	if (note->cause == COMMAND_START) use_rerun(flow, note);
	pass_all(flow, note, batch);
	close_due(flow);
	for (size_t i = 0; i < flow->seen_count; i++) {
		if (!flow->seen[i].is_used)
			sim_fail(flow->sim, "%s of %s without a reason", seen_text(&flow->seen[i]),
				 flow->sim->programs[flow->seen[i].program].slug);
	}
}

// ---- debounces and batches as the engine has them ------------------------------------------------------------------

static void note_debounce(struct flow *flow, const struct record *record) {
	struct debounce_record debounce;
	CHECK(read_debounce(record, &debounce));
	unsigned program = flow_program(flow, &debounce.function_id);
	list_for_each(node, &flow->windows) {
		struct flow_window *window = list_entry(node, struct flow_window, all);
		if (window->program != program || ulid_cmp(&window->winner->id, &debounce.event_id) != 0) continue;
		if (window->due_ms != debounce.due_ms) sim_fail(flow->sim, "a debounce is due at another time");
		memcpy(window->id.bytes, record->key, sizeof window->id.bytes);
		return;
	}
	sim_fail(flow->sim, "a debounce has an event that has lost, or none");
}

// The function of a batch that has been opened; its events are written with it.
static unsigned find_opened(const struct flow *flow, const struct batch *batch, const struct record *event) {
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		struct uuid function_id;
		if (memcmp(record->key, event->key, sizeof(struct ulid)) != 0) continue;
		if (read_event_batch(record, &function_id)) return flow_program(flow, &function_id);
	}
	return NOBODY;
}

static size_t body_size(const struct record *record) {
	const struct payload *late = record->late_body != NULL ? record->late_body->text : NULL;
	return record->body != NULL ? record->body->len : late != NULL ? late->len : 0;
}

static void note_batch_event(const struct flow *flow, const struct list *batches, const struct batch *batch,
			     const struct record *record) {
	struct ulid event_id;
	CHECK(read_batch_event(record, &event_id));
	unsigned program = find_opened(flow, batch, record);
	list_for_each(node, batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		if (open->program == program && ulid_cmp(&open->events[0]->id, &event_id) == 0)
			memcpy(open->id.bytes, record->key, sizeof open->id.bytes);
		if (memcmp(open->id.bytes, record->key, sizeof open->id.bytes) == 0) open->bytes += body_size(record);
	}
}

static bool *find_closed(struct flow *flow, const struct event_load *load) {
	list_for_each(node, &flow->closed_windows) {
		struct flow_window *window = list_entry(node, struct flow_window, all);
		if (load->kind == LOAD_DEBOUNCE && ulid_cmp(&window->id, &load->id) == 0) return &window->is_read;
	}
	list_for_each(node, &flow->closed_batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		if (load->kind == LOAD_BATCH && ulid_cmp(&open->id, &load->id) == 0) return &open->is_read;
	}
	return NULL;
}

// A batch that has come to weigh too much goes at once (04 §A8). Only what is written tells how much a held event does.
static void close_heavy(struct flow *flow) {
	list_for_each_safe(node, &flow->open_batches) {
		struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		if (open->bytes >= EVENT_BATCH_BYTES_MAX) close_batch(flow, open);
	}
}

// What is closed is read at once, and nothing else is.
static void check_reads(struct flow *flow, const struct batch *batch) {
	for (size_t i = 0; i < batch->load_count; i++) {
		const struct event_load *load = &batch->loads[i];
		if (load->kind != LOAD_DEBOUNCE && load->kind != LOAD_BATCH) continue;
		bool *is_read = find_closed(flow, load);
		const char *what = load->kind == LOAD_DEBOUNCE ? "debounce" : "batch";
		if (is_read == NULL) sim_fail(flow->sim, "a %s ended that is not due", what);
		if (*is_read) sim_fail(flow->sim, "a %s ended twice", what);
		*is_read = true;
	}
	list_for_each(node, &flow->closed_windows) {
		if (!list_entry(node, struct flow_window, all)->is_read)
			sim_fail(flow->sim, "a debounce is due and does not end");
	}
	list_for_each(node, &flow->closed_batches) {
		const struct flow_open_batch *open = list_entry(node, struct flow_open_batch, all);
		if (!open->is_read) sim_fail(flow->sim, "a batch of %u is due and does not end", open->count);
	}
}

static bool is_last_of_key(const struct batch *batch, size_t at) {
	const struct record *record = &batch->records[at];
	for (size_t i = at + 1; i < batch->record_count; i++) {
		const struct record *later = &batch->records[i];
		if (later->kind == record->kind && memcmp(later->key, record->key, sizeof record->key) == 0)
			return false;
	}
	return true;
}

void flow_gates_records(struct flow *flow, const struct batch *batch) {
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		bool is_put = record->op == RECORD_PUT || record->op == RECORD_HEAD;
		if (is_put && record->kind == RECORD_DEBOUNCE && is_last_of_key(batch, i)) note_debounce(flow, record);
		if (!is_put || record->kind != RECORD_BATCH_EVENT) continue;
		note_batch_event(flow, &flow->open_batches, batch, record);
		note_batch_event(flow, &flow->closed_batches, batch, record);
	}
	close_heavy(flow);
	check_reads(flow, batch);
}
