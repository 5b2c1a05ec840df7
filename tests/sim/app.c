// Simulated apps: random programs, and an SDK that replays them over memoised steps.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim.h"

// ---- programs ------------------------------------------------------------------------------------------------------

static struct block *make_step(struct sim *sim, unsigned *number) {
	struct block *block = ARENA_NEW(&sim->arena, struct block);
	snprintf(block->id, sizeof block->id, "s%u", (*number)++);
	block->kind = BLOCK_STEP;
	if (sim_chance(sim, 20)) {
		block->fails = sim_chance(sim, 25) ? ALWAYS : (unsigned)rng_below(&sim->rng, 3) + 1;
		block->caught = sim_chance(sim, 60);
	}
	return block;
}

static struct block *make_sleep(struct sim *sim, unsigned *number) {
	struct block *block = ARENA_NEW(&sim->arena, struct block);
	snprintf(block->id, sizeof block->id, "z%u", (*number)++);
	block->kind = BLOCK_SLEEP;
	block->sleep_ms = (unsigned)rng_below(&sim->rng, sim_chance(sim, 30) ? 1000000 : 3000);
	return block;
}

static struct block *make_wait(struct sim *sim, unsigned *number) {
	struct block *block = make_sleep(sim, number);
	block->kind = BLOCK_WAIT;
	block->id[0] = 'w';
	block->wait_event = (unsigned)rng_below(&sim->rng, WAIT_EVENTS);
	block->wait_for_own = sim_chance(sim, 60);
	return block;
}

static struct block *make_signal(struct sim *sim, unsigned *number) {
	struct block *block = make_sleep(sim, number);
	block->kind = BLOCK_SIGNAL;
	block->id[0] = 'g';
	block->signal = (unsigned)rng_below(&sim->rng, SIGNALS);
	block->replaces = sim_chance(sim, 80);
	return block;
}

// Of a program behind this one, so that no chain of invokes goes round.
static struct block *make_invoke(struct sim *sim, unsigned *number) {
	unsigned left = sim->program_count - 1 - sim->generating;
	struct block *block = make_sleep(sim, number);
	block->kind = BLOCK_INVOKE;
	block->id[0] = 'i';
	block->invoked = sim->generating + 1 + (unsigned)rng_below(&sim->rng, left);
	block->wait_event = (unsigned)rng_below(&sim->rng, VALUES);
	block->for_ever = sim_chance(sim, 60);
	flow_fields(sim, block->fields);
	return block;
}

static struct block *make_leaf(struct sim *sim, unsigned *number) {
	bool can_invoke = sim->generating + 1 < sim->program_count;
	if (can_invoke && sim_chance(sim, 10)) return make_invoke(sim, number);
	if (sim_chance(sim, 70)) return make_step(sim, number);
	if (sim_chance(sim, 30)) return make_signal(sim, number);
	return sim_chance(sim, 50) ? make_sleep(sim, number) : make_wait(sim, number);
}

static void fill(struct sim *sim, struct block *block, unsigned *number) {
	unsigned choice = (unsigned)rng_below(&sim->rng, 100);
	if (choice < 70) {
		*block = *make_leaf(sim, number);
	} else if (choice < 95) {
		*block = (struct block){.kind = BLOCK_PARALLEL};
		block->branch_count = 2 + (unsigned)rng_below(&sim->rng, BRANCHES_MAX - 1);
		for (unsigned i = 0; i < block->branch_count; i++) {
			block->branch_len[i] = 1 + (unsigned)rng_below(&sim->rng, 3);
			block->branches[i] = ARENA_ARRAY(&sim->arena, struct block, block->branch_len[i]);
			for (unsigned j = 0; j < block->branch_len[i]; j++)
				block->branches[i][j] = *make_leaf(sim, number);
		}
	} else {
		*block = (struct block){.kind = BLOCK_THROW};
		snprintf(block->id, sizeof block->id, "t%u", (*number)++);
		block->fails = sim_chance(sim, 20) ? ALWAYS : 1 + (unsigned)rng_below(&sim->rng, 3);
	}
}

// `n` is where the expression finds the value.
static void make_condition(struct sim *sim, const char *n, struct condition *out) {
	unsigned value = (unsigned)rng_below(&sim->rng, VALUES), shape = (unsigned)rng_below(&sim->rng, 6);
	if (shape == 5)
		snprintf(out->expression, sizeof out->expression, "%u == %s", value, n);
	else if (shape == 2)
		snprintf(out->expression, sizeof out->expression, "%s == %u && %s >= 0", n, value, n);
	else if (shape == 4)
		snprintf(out->expression, sizeof out->expression, "%s != %u || %s < 0", n, value, n);
	else if (shape > 0)
		snprintf(out->expression, sizeof out->expression, shape == 1 ? "%s == %u" : "%s > %u", n, value);
	out->holds[VALUES] = shape == 0 || shape == 4;
	for (unsigned i = 0; i < VALUES; i++)
		out->holds[i] = shape == 0 || (shape == 3 ? i > value : shape == 4 ? i != value : i == value);
}

static void make_trigger(struct sim *sim, struct program *p, unsigned number) {
	if (!p->handles_failures) {
		snprintf(p->trigger, sizeof p->trigger, number == 3 ? "t/*" : "t/f%u", number);
		make_condition(sim, "event.data.n", &p->condition);
		return;
	}
	snprintf(p->trigger, sizeof p->trigger, "inngest/function.failed");
	if (sim_chance(sim, 50)) { // what it needs of the event that began the run may only be in the store
		make_condition(sim, "event.data.event.data.n", &p->condition);
		return;
	}
	p->failing = sim->programs[0].slug;
	for (unsigned i = 0; i <= VALUES; i++) p->condition.holds[i] = true;
	snprintf(p->condition.expression, sizeof p->condition.expression, "event.data.function_id == '%s'", p->failing);
}

void app_generate(struct sim *sim) {
	sim->program_count = 1 + (unsigned)rng_below(&sim->rng, 4);
	bool handler = sim_chance(sim, 60);
	sim->programs = ARENA_ARRAY(&sim->arena, struct program, sim->program_count + 1);
	for (unsigned i = 0; i < sim->program_count + handler; i++) {
		struct program *p = &sim->programs[i];
		sim->generating = i;
		p->handles_failures = i == sim->program_count;
		snprintf(p->slug, sizeof p->slug, "app-f%u", i);
		make_trigger(sim, p, i);
		p->version = sim_chance(sim, 50) ? 2 : 1;
		p->checkpoint = p->version == 2 && sim_chance(sim, 50);
		p->retries = (unsigned)rng_below(&sim->rng, 6);
		p->count = (unsigned)rng_below(&sim->rng, BLOCKS_MAX + 1);
		p->blocks = ARENA_ARRAY(&sim->arena, struct block, p->count + 1);
		unsigned number = 0;
		for (unsigned j = 0; j < p->count; j++) fill(sim, &p->blocks[j], &number);
		lifecycle_generate(sim, p);
	}
	sim->program_count += handler;
	flow_generate(sim);
}

struct str app_register_body(struct sim *sim, unsigned version) {
	struct buf body;
	buf_init(&body, 1 << 20);
	buf_printf(&body,
		   "{\"appName\":\"app\",\"url\":\"http://localhost:3000/"
		   "api\",\"sdk\":\"js:v4.24.0\",\"appVersion\":\"%u\",\"functions\":[",
		   version);
	const char *separator = "";
	for (unsigned i = 0; i < sim->program_count; i++) {
		const struct program *p = &sim->programs[i];
		if (flow_is_absent(sim, i)) continue;
		bool conditional = p->condition.expression[0] != '\0';
		char more[100] = "";
		if (p->every_s > 0 && !sim->retired)
			snprintf(more, sizeof more, ",{\"cron\":\"@every %us\"}", p->every_s);
		if (p->runs_on_cancelled)
			snprintf(more + strlen(more), sizeof more - strlen(more),
				 ",{\"event\":\"inngest/function.cancelled\"}");
		struct buf settings;
		buf_init(&settings, 4096);
		lifecycle_settings(sim, p, &settings);
		flow_settings_text(sim, i, &settings);
		buf_byte(&settings, '\0');
		buf_printf(&body,
			   "%s{\"id\":\"%s\",\"name\":\"f%u\",\"triggers\":[{\"event\":\"%s\"%s%s%s}%s],%s\"steps\":{"
			   "\"step\":{"
			   "\"id\":\"step\","
			   "\"name\":\"step\",\"runtime\":{\"type\":\"http\",\"url\":\"http://localhost:3000/"
			   "api?fnId=%s&stepId=step\"},"
			   "\"retries\":{\"attempts\":%u}}}}",
			   separator, p->slug, i, p->trigger, conditional ? ",\"expression\":\"" : "",
			   p->condition.expression, conditional ? "\"" : "", more, settings.ptr, p->slug, p->retries);
		buf_free(&settings);
		separator = ",";
	}
	buf_lit(&body, "]}");
	struct str text = arena_dup(&sim->arena, buf_view(&body));
	buf_free(&body);
	return text;
}

// ---- the SDK -------------------------------------------------------------------------------------------------------

static struct str memo(struct sim *sim, const struct call *call, const char *id, bool *found) {
	for (size_t i = 0; i < call->step_count; i++) {
		if (!str_eq_cstr(call->steps[i].id, id) || call->steps[i].is_input) continue;
		*found = true;
		const struct payload_ref *ref = &call->steps[i].value;
		if (ref->data != NULL) return payload_str(ref->data);
		struct payload *body;
		struct error error;
		if (store_body(sim->store, ref->kind, str_make(ref->key, ref->key_len), &body, &error) != ERR_OK) {
			if (sim->epoch == 0 && sim->runs_finished == 0)
				sim_fail(sim, "step %s has no stored value", id);
			return STR("null"); // the run ended meanwhile
		}
		struct str text = arena_dup(&sim->arena, payload_str(body));
		payload_unref(body);
		return text;
	}
	*found = false;
	return (struct str){NULL, 0};
}

static bool reported_in_call(struct app_call *call, const char *id) {
	return str_find_str(call->known, arena_printf(&call->arena, "\"id\":\"%s\"", id)) >= 0;
}

// How often this step of this run was tried, over all calls and crashes.
static unsigned tries(struct sim *sim, const struct call *call, const char *id) {
	struct fact *fact =
		fact_need(&sim->executions, fact_key("try", &call->run_id, sizeof call->run_id, id, strlen(id)));
	return (unsigned)++fact->value;
}

static struct str run_step_op(struct sim *sim, struct app_call *call, const struct block *block) {
	unsigned n = tries(sim, call->call, block->id);
	struct arena *arena = &call->arena;
	if (n > block->fails) {
		// The value tells this execution from every other: a memoised value that changes is seen.
		return arena_printf(arena, "{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":{\"n\":%u,\"x\":%llu}}",
				    block->id, n, (unsigned long long)rng_below(&sim->rng, 1u << 30));
	}
	bool final = call->call->attempt + 1 >= call->call->max_attempts;
	return arena_printf(arena,
			    "{\"op\":\"%s\",\"id\":\"%s\",\"error\":{\"name\":\"Error\",\"message\":\"try %u\"}}",
			    final ? "StepFailed" : "StepError", block->id, n);
}

static struct str sleep_op(struct app_call *call, const struct block *block) {
	return arena_printf(&call->arena, "{\"op\":\"Sleep\",\"id\":\"%s\",\"name\":\"%ums\"}", block->id,
			    block->sleep_ms);
}

static struct str plan_op(struct app_call *call, const struct block *block) {
	if (block->kind == BLOCK_SLEEP) return sleep_op(call, block);
	if (block->kind == BLOCK_SIGNAL) return signal_op(&call->arena, block);
	if (block->kind == BLOCK_INVOKE) {
		char timeout[24] = "2000h";
		if (!block->for_ever) snprintf(timeout, sizeof timeout, "%ums", block->sleep_ms);
		return arena_printf(&call->arena,
				    "{\"op\":\"InvokeFunction\",\"id\":\"%s\",\"opts\":{\"function_id\":\"app-f%u\","
				    "\"payload\":{\"data\":{\"n\":%u%s}},\"timeout\":\"%s\"}}",
				    block->id, block->invoked, block->wait_event, block->fields, timeout);
	}
	if (block->kind == BLOCK_WAIT) {
		return arena_printf(
			&call->arena,
			"{\"op\":\"WaitForEvent\",\"id\":\"%s\",\"name\":\"w/e%u\",\"opts\":{\"timeout\":\"%ums\"%s}}",
			block->id, block->wait_event, block->sleep_ms,
			block->wait_for_own ? ",\"if\":\"event.data.n == async.data.n\"" : "");
	}
	return arena_printf(&call->arena, "{\"op\":\"StepPlanned\",\"id\":\"%s\",\"name\":\"%s\"}", block->id,
			    block->id);
}

struct found {
	const struct block *blocks[BRANCHES_MAX];
	unsigned count;
	const struct block *thrown; // the program threw: an uncaught step failure, or a throw block
};

// True when the block is done and the program goes on behind it.
static bool pass(struct sim *sim, struct app_call *call, const struct block *block, struct found *found) {
	bool known;
	struct str value = memo(sim, call->call, block->id, &known);
	if (!known && !reported_in_call(call, block->id)) {
		found->blocks[found->count++] = block;
		return false;
	}
	if (known && str_starts_with(value, STR("{\"input\":"))) sim_fail(sim, "an input was taken for a result");
	if (known && block->kind == BLOCK_INVOKE) {
		check_invoke_value(sim, &call->call->run_id, block, value);
		return true;
	}
	if (known && block->kind == BLOCK_SIGNAL) {
		check_signal_value(sim, &call->call->run_id, block, value);
		return true;
	}
	if (known && block->kind == BLOCK_WAIT) {
		check_wait_value(sim, &call->call->run_id, block, value);
		return true;
	}
	if (known && str_starts_with(value, STR("{\"error\"")) && !block->caught) {
		found->thrown = block;
		return false;
	}
	return true;
}

static void walk(struct sim *sim, struct app_call *call, struct found *found) {
	const struct program *p = call->program;
	for (unsigned i = 0; i < p->count; i++) {
		const struct block *block = &p->blocks[i];
		if (block->kind == BLOCK_THROW) {
			if (tries(sim, call->call, block->id) <= block->fails) {
				found->thrown = block;
				return;
			}
			continue;
		}
		bool open = false;
		if (block->kind != BLOCK_PARALLEL) open = !pass(sim, call, block, found);
		for (unsigned b = 0; block->kind == BLOCK_PARALLEL && b < block->branch_count && found->thrown == NULL;
		     b++) {
			for (unsigned j = 0; j < block->branch_len[b]; j++) {
				if (pass(sim, call, &block->branches[b][j], found)) continue;
				open = true;
				break;
			}
		}
		if (open) return;
	}
}

static const struct block *find_block(const struct program *p, struct str id) {
	for (unsigned i = 0; i < p->count; i++) {
		const struct block *block = &p->blocks[i];
		if (str_eq_cstr(id, block->id)) return block;
		for (unsigned b = 0; b < block->branch_count; b++) {
			for (unsigned j = 0; j < block->branch_len[b]; j++) {
				if (str_eq_cstr(id, block->branches[b][j].id)) return &block->branches[b][j];
			}
		}
	}
	return NULL;
}

// Some answers, and only some, also say what is to run after the run, or no more.
static struct str defer_op(struct sim *sim, struct app_call *call) {
	unsigned roll = (unsigned)rng_below(&sim->rng, 24), n = (unsigned)rng_below(&sim->rng, 24);
	if (roll == 0)
		return arena_printf(&call->arena,
				    ",{\"op\":\"DeferAbort\",\"id\":\"a%u\",\"opts\":{\"target_hashed_id\":\"d%u\"}}",
				    n, n);
	if (roll > 3) return STR("");
	return arena_printf(
		&call->arena,
		",{\"op\":\"DeferAdd\",\"id\":\"d%u\",\"opts\":{\"fn_slug\":\"app-f0\",\"input\":{\"A\":%u,\"n\":%u}}}",
		n, n, n);
}

static struct reaction answer_ops(struct sim *sim, struct app_call *call, struct str ops) {
	struct arena *arena = &call->arena;
	ops = arena_cat(arena, ops, defer_op(sim, call));
	return (struct reaction){.status = 206, .body = arena_cat(arena, STR("["), arena_cat(arena, ops, STR("]")))};
}

#define COMPLETE "{\"op\":\"RunComplete\",\"id\":\"c\",\"data\":{\"ok\":true}}"

static struct reaction finish(struct sim *sim, struct app_call *call) {
	if (call->program->checkpoint) return answer_ops(sim, call, STR(COMPLETE));
	return (struct reaction){.status = 200, .body = STR("{\"ok\":true}")};
}

struct fact *app_shares_budget(struct sim *sim, const struct ulid *run_id) {
	return fact_need(&sim->executions, fact_key("shares", run_id, sizeof *run_id, NULL, 0));
}

struct reaction app_react(struct sim *sim, struct app_call *call) {
	const struct call *c = call->call;
	if (c->target.len > 0) {
		const struct block *block = find_block(call->program, c->target);
		CHECK(block != NULL);
		return answer_ops(sim, call, run_step_op(sim, call, block));
	}
	if (sim->faults && sim_chance(sim, 2)) return answer_ops(sim, call, STR("")); // nothing, as old SDKs may
	if (call->fallback.len > 0) { // a checkpoint was refused: its steps go back in the answer
		return (struct reaction){.status = 206, .body = call->fallback};
	}
	struct found found = {0};
	walk(sim, call, &found);
	if (found.thrown != NULL) {
		return (struct reaction){.status = found.thrown->kind == BLOCK_THROW ? 500 : 400,
					 .no_retry = found.thrown->kind != BLOCK_THROW,
					 .body = STR("{\"name\":\"Error\",\"message\":\"thrown\"}")};
	}
	if (found.count == 0) return finish(sim, call);
	const struct block *first = found.blocks[0];
	if (found.count == 1 && first->kind == BLOCK_STEP && !c->disable_immediate_execution) {
		struct str op = run_step_op(sim, call, first);
		bool good = str_find_str(op, STR("StepRun")) >= 0;
		bool checkpoints = c->attempt == 0 || sim_chance(sim, 50); // some SDKs do in retries, too
		if (good && call->program->checkpoint && checkpoints && !sim_chance(sim, 10)) {
			if (c->attempt > 0) app_shares_budget(sim, &c->run_id)->value = 1;
			return (struct reaction){
				.checkpoint = true,
				.body = arena_cat(&call->arena, STR("["), arena_cat(&call->arena, op, STR("]"))),
				.step_id = str_from_cstr(first->id)};
		}
		bool is_last = first == &call->program->blocks[call->program->count - 1];
		if (good && call->program->checkpoint && is_last && sim_chance(sim, 30)) // it had been kept back
			op = arena_cat(&call->arena, op, STR("," COMPLETE));
		return answer_ops(sim, call, op);
	}
	struct str ops = plan_op(call, first);
	for (unsigned i = 1; i < found.count; i++) {
		ops = arena_cat(&call->arena, ops, arena_cat(&call->arena, STR(","), plan_op(call, found.blocks[i])));
	}
	return answer_ops(sim, call, ops);
}
