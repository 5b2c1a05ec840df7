// Async checkpoints: steps that an app reports while its call goes on (spec 02 §13).
#include "engine/engine_internal.h"

static void reply_with(struct engine *engine, const struct command *command, int status, struct str text,
		       struct str data) {
	struct reply *reply = reply_new(command->request, status == 200 ? REPLY_OK : REPLY_FAILED, status);
	reply->text = arena_dup(&reply->arena, text);
	reply->data = arena_dup(&reply->arena, data);
	batch_reply(engine->batch, reply);
}

static void reply_unknown_run(struct engine *engine, const struct command *command) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&command->checkpoint.run_id, id);
	struct str data = arena_printf(&engine->batch->arena, "{\"run_id\":\"%s\"}", id);
	reply_with(engine, command, 400, STR("run not found in state store"), data);
}

// Every op must be one that leaves the SDK running (02 §6.3, column Sync).
static const struct opcode *find_async(const struct command *command) {
	for (size_t i = 0; i < command->checkpoint.op_count; i++) {
		if (!opcode_table[command->checkpoint.ops[i].kind].sync) return &command->checkpoint.ops[i];
	}
	return NULL;
}

static uint64_t new_bytes(const struct command *command) {
	uint64_t sum = 0;
	for (size_t i = 0; i < command->checkpoint.op_count; i++) {
		if (command->checkpoint.ops[i].kind == OPCODE_STEP_RUN) sum += command->checkpoint.ops[i].output->len;
	}
	return sum;
}

// A step got through, so a call made again after a crash starts with a fresh budget (02 §13.3 step 5).
static void reset_attempt(struct engine *engine, const struct run *run, struct str qi_id) {
	struct buf text;
	buf_init(&text, 1024);
	if (base64_parse(qi_id, true, &text)) {
		struct str job = buf_view(&text), shard;
		str_cut(job, ':', &job, &shard);
		list_for_each(node, &run->items) {
			struct item *item = list_entry(node, struct item, of_run);
			char wire[BASE36_LEN + 1];
			size_t len = base36_text(item->job_hash, wire);
			if (item->attempt == 0 || !str_eq(job, str_make(wire, len))) continue;
			item_reset_attempt(engine, item);
		}
	}
	buf_free(&text);
}

// What is to be told of the checkpoint: those of its steps that are new, as an SDK that has got no reply reports them
// again; and why the rest was not taken.
struct taken {
	const struct opcode **ops;
	size_t count;
	int status; // of the refusal; 0: all were taken
	struct str reason;
	bool ends_run;
};

static bool save(struct engine *engine, struct run *run, const struct opcode *op, struct taken *out) {
	struct step_result result = {op->id, op->display_name, op->kind, op->output};
	switch (run_save_step(engine, run, &result)) {
	case SAVE_NEW:
		record_step(engine, run, run_step(run, op->id), true);
		out->ops[out->count++] = op;
		return true;
	case SAVE_EXISTS:
		if (engine->config.planted_bug == 24) out->ops[out->count++] = op;
		return true;
	case SAVE_TOO_LARGE:
		out->status = 413;
		out->reason = STR("run state size limit exceeded: state is too large");
		return false;
	case SAVE_TOO_MANY:
		out->status = 400;
		out->reason = STR("The function run exceeded its step limit.");
		out->ends_run = true;
		return false;
	}
	return false;
}

static bool is_done(const struct run *run, const struct opcode *op) {
	const struct step *step = run_step(run, op->id);
	return step != NULL && (step->flags & STEP_INPUT) == 0;
}

static bool take_step(struct engine *engine, struct run *run, const struct opcode *op, struct taken *out) {
	if (op->kind == OPCODE_STEP_PLANNED) { // only tells that the step has begun
		if (!is_done(run, op)) out->ops[out->count++] = op;
		return true;
	}
	if (op->kind == OPCODE_STEP_RUN || op->kind == OPCODE_STEP) return save(engine, run, op, out);
	if (opcode_table[op->kind].lazy) {
		(void)defer_take(engine, run, op);
		return true;
	}
	out->status = 400;
	out->reason = arena_printf(&engine->batch->arena, "cannot checkpoint opcode: %s", opcode_table[op->kind].name);
	return false;
}

static struct taken take_steps(struct engine *engine, const struct command *command, struct run *run) {
	size_t count = command->checkpoint.op_count;
	struct taken taken = {.ops = ARENA_ARRAY(&engine->batch->arena, const struct opcode *, count + 1)};
	for (size_t i = 0; i < count; i++)
		if (!take_step(engine, run, &command->checkpoint.ops[i], &taken)) return taken;
	if (command->checkpoint.parse_error.len > 0) {
		taken.status = command->checkpoint.too_large ? 413 : 400;
		taken.reason = command->checkpoint.parse_error;
	}
	return taken;
}

void apply_checkpoint(struct engine *engine, struct command *command) {
	struct run *run = run_find(engine, &command->checkpoint.run_id);
	if (run == NULL) return reply_unknown_run(engine, command);
	if (find_async(command) != NULL)
		return reply_with(engine, command, 400, STR("cannot checkpoint async steps"), STR(""));
	if (run->state_bytes + new_bytes(command) > run->function->limits[RUN_LIMIT_STATE]) {
		return reply_with(engine, command, 413, STR("run state size limit exceeded: state is too large"),
				  STR(""));
	}
	struct taken taken = take_steps(engine, command, run);
	trace_checkpoint(engine, run, taken.ops, taken.count);
	if (taken.status == 0) reset_attempt(engine, run, command->checkpoint.item);
	reply_with(engine, command, taken.status != 0 ? taken.status : 200, taken.reason, STR(""));
	if (taken.ends_run) run_fail_steps(engine, run);
}
