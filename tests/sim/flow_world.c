// What functions with flow control look like in the simulation: settings of all kinds together, within what
// registration allows (spec 04 §A2), which change while runs exist; and events that carry their keys.
#include <stdio.h>

#include "flow.h"

#define CHANGES_MAX 6
#define CHANGES_END_MS 60000

const char *const flow_key_texts[KEY_COUNT] = {"",         "event.data.a",    "event.data.b", "event.data.n",
					       "'shared'", "event.data.b - 1"};
const char *const flow_priority_texts[PRIORITY_COUNT] = {
	"", "120", "100000", "event.data.a == 'x' ? 600 : -30", "int(event.data.n)", "event.data.n"};
const char *const flow_batch_condition = "event.data.n > 0";

// ---- events --------------------------------------------------------------------------------------------------------

// Few values, of every kind; some share a text.
static void append_field(struct sim *sim, const char *name, char *out, size_t size) {
	static const char *const values[] = {"\"x\"", "\"x\"",    "\"y\"",     "\"z\"", "1",    "\"1\"",
					     "true",  "\"true\"", "\"false\"", "false", "null", "2.5"};
	if (sim_chance(sim, 15)) return;
	uint64_t count = sim_chance(sim, 60) ? 4 : ARRAY_LEN(values);
	snprintf(out, size, ",\"%s\":%s", name, values[rng_below(&sim->rng, count)]);
}

void flow_fields(struct sim *sim, char out[FLOW_FIELDS_MAX]) {
	out[0] = '\0';
	if (!sim->flows) return;
	append_field(sim, "a", out, FLOW_FIELDS_MAX);
	size_t len = strlen(out);
	append_field(sim, "b", out + len, FLOW_FIELDS_MAX - len);
}

void flow_client(struct sim *sim, struct client *client, struct client *other) {
	if (!sim->flows) return;
	if (other != NULL && sim_chance(sim, 10)) { // an event that is sent twice
		other->stable = true;
		*client = *other;
	}
	flow_fields(sim, client->fields);
	if (sim_chance(sim, 30)) client->ts_offset_ms = (int64_t)rng_below(&sim->rng, 8000) - 4000;
}

// ---- settings ------------------------------------------------------------------------------------------------------

static enum flow_key any_key(struct sim *sim) {
	static const enum flow_key keys[] = {KEY_NONE, KEY_NONE, KEY_A, KEY_A, KEY_B, KEY_BAD};
	return keys[rng_below(&sim->rng, ARRAY_LEN(keys))];
}

// In milliseconds; a third of it is whole.
static uint64_t any_period(struct sim *sim) {
	return 300 + 3 * rng_below(&sim->rng, sim_chance(sim, 50) ? 1000 : 6000);
}

static struct flow_limit any_limit(struct sim *sim, unsigned program, bool keyed) {
	static const enum flow_key keys[] = {KEY_A, KEY_A, KEY_B, KEY_SHARED, KEY_SHARED, KEY_BAD};
	struct flow_limit limit = {.limit = 1 + (int)rng_below(&sim->rng, 3)};
	if (sim_chance(sim, 8)) limit.limit = (int)rng_below(&sim->rng, 2) - 1;
	if (keyed) limit.key = keys[rng_below(&sim->rng, ARRAY_LEN(keys))];
	limit.scope = sim->flow->scopes[program][limit.key];
	return limit;
}

static void any_concurrency(struct sim *sim, unsigned program, struct flow_settings *out) {
	out->step_count = 0;
	out->runs = (struct flow_limit){0};
	if (sim_chance(sim, 65)) out->step_count = 1 + sim_chance(sim, 40);
	for (unsigned i = 0; i < out->step_count; i++)
		out->steps[i] = any_limit(sim, program, sim_chance(sim, i == 0 ? 50 : 85));
	if (!sim_chance(sim, 25)) return;
	out->runs.limit = 1 + (int)rng_below(&sim->rng, 3);
	out->runs.key = any_key(sim);
}

static void any_throttle(struct sim *sim, struct flow_settings *out) {
	out->throttle.on = sim_chance(sim, 30);
	out->throttle.limit = (unsigned)rng_below(&sim->rng, 4);
	out->throttle.burst = sim_chance(sim, 50) ? 0 : (unsigned)rng_below(&sim->rng, 3);
	out->throttle.period_ms = any_period(sim);
	out->throttle.key = any_key(sim);
}

// Limits that divide a period without a rest.
static void any_rate(struct sim *sim, struct flow_settings *out) {
	static const unsigned limits[] = {1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30};
	out->rate.limit = sim_chance(sim, 25) ? limits[rng_below(&sim->rng, ARRAY_LEN(limits))] : 0;
	out->rate.period_ms = any_period(sim);
	out->rate.key = any_key(sim);
	out->idempotency = sim_chance(sim, 8) ? KEY_N : KEY_NONE;
}

static void any_debounce(struct sim *sim, struct flow_settings *out) {
	out->debounce.period_ms = sim_chance(sim, 25) ? 1000 + rng_below(&sim->rng, 8000) : 0;
	out->debounce.timeout_ms = sim_chance(sim, 50) ? 1000 + rng_below(&sim->rng, 20000) : 0;
	out->debounce.key = any_key(sim);
}

static void any_batch(struct sim *sim, struct flow_settings *out) {
	out->batch.size = sim_chance(sim, 80) ? 2 + (unsigned)rng_below(&sim->rng, FLOW_BATCH_MAX - 2) : 0;
	out->batch.timeout_ms = 1000 + rng_below(&sim->rng, 15000);
	out->batch.key = any_key(sim);
	out->batch.is_conditional = sim_chance(sim, 30);
}

static void any_singleton(struct sim *sim, struct flow_settings *out) {
	out->singleton.mode = SINGLETON_NONE;
	if (sim_chance(sim, 25)) out->singleton.mode = sim_chance(sim, 60) ? SINGLETON_SKIP : SINGLETON_CANCEL;
	out->singleton.key = any_key(sim);
}

static void any_priority(struct sim *sim, struct flow_settings *out) {
	out->priority = PRIORITY_NONE;
	if (sim_chance(sim, 35)) out->priority = (enum flow_priority)rng_below(&sim->rng, PRIORITY_COUNT);
}

// Each setting with this chance; the others stay.
static void draw(struct sim *sim, unsigned program, unsigned percent, struct flow_settings *out) {
	bool batches = sim->flow->batches[program];
	if (sim_chance(sim, percent)) any_concurrency(sim, program, out);
	if (sim_chance(sim, percent)) any_throttle(sim, out);
	if (sim_chance(sim, percent)) any_rate(sim, out);
	if (batches && sim_chance(sim, percent)) any_batch(sim, out);
	if (batches) return; // the rest cannot be together with it
	if (sim_chance(sim, percent)) any_debounce(sim, out);
	if (sim_chance(sim, percent)) any_singleton(sim, out);
	if (sim_chance(sim, percent)) any_priority(sim, out);
}

static bool has_flow(const struct sim *sim, unsigned program) {
	return !sim->programs[program].handles_failures;
}

// A key has one scope for each function, often that of the first: so that they share it.
static void draw_scopes(struct sim *sim, unsigned program) {
	bool shares = program > 0 && sim_chance(sim, 60);
	if (shares) memcpy(sim->flow->scopes[program], sim->flow->scopes[0], sizeof sim->flow->scopes[0]);
	if (shares) return;
	for (unsigned key = KEY_A; key < KEY_COUNT; key++) {
		enum concurrency_scope *scope = &sim->flow->scopes[program][key];
		*scope = (enum concurrency_scope)rng_below(&sim->rng, SCOPE_COUNT);
		if (key != KEY_SHARED && sim_chance(sim, 50)) *scope = SCOPE_FN;
	}
}

void flow_generate(struct sim *sim) {
	if (!sim->flows) return;
	sim->flow = flow_new(sim);
	struct flow *flow = sim->flow;
	flow->wanted = ARENA_ARRAY(&flow->arena, struct flow_settings, sim->program_count);
	for (unsigned i = 0; i < sim->program_count; i++) {
		struct program *p = &sim->programs[i];
		if (!has_flow(sim, i)) continue;
		flow->batches[i] = !p->cancels_on_own && !p->cancels_on_any && sim_chance(sim, 30);
		draw_scopes(sim, i);
		draw(sim, i, 100, &flow->wanted[i]);
	}
}

// A function may go away, for a time. One with a schedule stays, as that may have no gaps.
static unsigned any_absent(struct sim *sim) {
	unsigned program = (unsigned)rng_below(&sim->rng, sim->program_count);
	bool may = sim->program_count > 1 && has_flow(sim, program) && sim->programs[program].every_s == 0;
	return may && sim_chance(sim, 25) ? program : NOBODY;
}

// Limits go up and down, settings come, go, and get other keys.
void flow_change(struct sim *sim, bool is_last) {
	if (!sim->flows) return;
	struct flow *flow = sim->flow;
	unsigned absent = is_last ? NOBODY : any_absent(sim);
	struct flow_settings *changed = ARENA_ARRAY(&flow->arena, struct flow_settings, sim->program_count);
	for (unsigned i = 0; i < sim->program_count; i++) {
		changed[i] = flow->wanted[i];
		if (!has_flow(sim, i)) continue;
		changed[i].is_absent = i == absent;
		if (changed[i].is_absent) continue;
		for (unsigned j = 0; j < changed[i].step_count; j++)
			if (sim_chance(sim, 50)) changed[i].steps[j].limit = (int)rng_below(&sim->rng, 4);
		if (changed[i].runs.limit > 0 && sim_chance(sim, 50))
			changed[i].runs.limit = 1 + (int)rng_below(&sim->rng, 3);
		draw(sim, i, 20, &changed[i]);
	}
	flow->wanted = changed;
}

void flow_populate(struct sim *sim) {
	if (!sim->flows) return;
	for (uint64_t i = rng_below(&sim->rng, CHANGES_MAX); i > 0; i--)
		deliver(sim, DELIVER_REGISTER, rng_below(&sim->rng, CHANGES_END_MS));
	for (unsigned again = 0; again < 3; again++) // a crash may swallow it
		deliver(sim, DELIVER_REGISTER, CHANGES_END_MS + again * 10000)->value = 1;
}

// ---- as JSON -------------------------------------------------------------------------------------------------------

static void put_key(struct buf *out, enum flow_key key) {
	if (key != KEY_NONE) buf_printf(out, ",\"key\":\"%s\"", flow_key_texts[key]);
}

static void put_limit(struct buf *out, const struct flow_limit *limit, bool with_scope) {
	static const char *const scopes[] = {"fn", "env", "account"};
	buf_printf(out, "{\"limit\":%d", limit->limit);
	if (with_scope && limit->key != KEY_NONE) buf_printf(out, ",\"scope\":\"%s\"", scopes[limit->scope]);
	put_key(out, limit->key);
	buf_byte(out, '}');
}

static void put_steps(struct buf *out, const struct flow_settings *s) {
	buf_byte(out, '[');
	for (unsigned i = 0; i < s->step_count; i++) {
		if (i > 0) buf_byte(out, ',');
		put_limit(out, &s->steps[i], true);
	}
	buf_byte(out, ']');
}

// In each of the shapes that there are for it.
static void put_concurrency(struct buf *out, const struct flow_settings *s) {
	if (s->step_count == 0 && s->runs.limit == 0) return;
	buf_lit(out, "\"concurrency\":");
	if (s->runs.limit > 0) {
		buf_lit(out, "{\"fn\":[");
		put_limit(out, &s->runs, false);
		buf_lit(out, "],\"step\":");
		put_steps(out, s);
		buf_byte(out, '}');
	} else if (s->step_count == 1 && s->steps[0].key == KEY_NONE) {
		buf_printf(out, "%d", s->steps[0].limit);
	} else if (s->step_count == 1) {
		put_limit(out, &s->steps[0], true);
	} else {
		put_steps(out, s);
	}
	buf_byte(out, ',');
}

static void put_rates(struct buf *out, const struct flow_settings *s) {
	if (s->throttle.on) {
		buf_printf(out, "\"throttle\":{\"limit\":%u,\"burst\":%u,\"period\":\"%llums\"", s->throttle.limit,
			   s->throttle.burst, (unsigned long long)s->throttle.period_ms);
		put_key(out, s->throttle.key);
		buf_lit(out, "},");
	}
	if (s->rate.limit > 0) {
		buf_printf(out, "\"rateLimit\":{\"limit\":%u,\"period\":\"%llums\"", s->rate.limit,
			   (unsigned long long)s->rate.period_ms);
		put_key(out, s->rate.key);
		buf_lit(out, "},");
	}
	if (s->idempotency != KEY_NONE) buf_printf(out, "\"idempotency\":\"%s\",", flow_key_texts[s->idempotency]);
}

static void put_windows(struct buf *out, const struct flow_settings *s) {
	if (s->debounce.period_ms > 0) {
		buf_printf(out, "\"debounce\":{\"period\":\"%llums\"", (unsigned long long)s->debounce.period_ms);
		if (s->debounce.timeout_ms > 0)
			buf_printf(out, ",\"timeout\":\"%llums\"", (unsigned long long)s->debounce.timeout_ms);
		put_key(out, s->debounce.key);
		buf_lit(out, "},");
	}
	if (s->batch.size > 0) {
		buf_printf(out, "\"batchEvents\":{\"maxSize\":%u,\"timeout\":\"%llums\"", s->batch.size,
			   (unsigned long long)s->batch.timeout_ms);
		if (s->batch.is_conditional) buf_printf(out, ",\"if\":\"%s\"", flow_batch_condition);
		put_key(out, s->batch.key);
		buf_lit(out, "},");
	}
}

bool flow_is_absent(const struct sim *sim, unsigned program) {
	return sim->flow != NULL && sim->flow->wanted[program].is_absent;
}

void flow_settings_text(const struct sim *sim, unsigned program, struct buf *out) {
	if (!sim->flows) return;
	const struct flow_settings *s = &sim->flow->wanted[program];
	put_concurrency(out, s);
	put_rates(out, s);
	put_windows(out, s);
	if (s->priority != PRIORITY_NONE)
		buf_printf(out, "\"priority\":{\"run\":\"%s\"},", flow_priority_texts[s->priority]);
	if (s->singleton.mode == SINGLETON_NONE) return;
	buf_printf(out, "\"singleton\":{\"mode\":\"%s\"", s->singleton.mode == SINGLETON_SKIP ? "skip" : "cancel");
	put_key(out, s->singleton.key);
	buf_lit(out, "},");
}
