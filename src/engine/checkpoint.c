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
			item->attempt = 0;
			item_touch(engine, item);
		}
	}
	buf_free(&text);
}

static bool save(struct engine *engine, struct command *command, struct run *run, const struct opcode *op) {
	struct step_result result = {op->id, op->display_name, op->kind, op->output};
	switch (run_save_step(engine, run, &result)) {
	case SAVE_NEW:
		record_step(engine, run, run_step(run, op->id), true);
		return true;
	case SAVE_EXISTS:
		return true;
	case SAVE_TOO_LARGE:
		reply_with(engine, command, 413, STR("run state size limit exceeded: state is too large"), STR(""));
		return false;
	case SAVE_TOO_MANY:
		reply_with(engine, command, 400, STR("The function run exceeded its step limit."), STR(""));
		run_fail_steps(engine, run);
		return false;
	}
	return false;
}

void apply_checkpoint(struct engine *engine, struct command *command) {
	struct run *run = run_find(engine, &command->checkpoint.run_id);
	if (run == NULL) return reply_unknown_run(engine, command);
	if (find_async(command) != NULL)
		return reply_with(engine, command, 400, STR("cannot checkpoint async steps"), STR(""));
	if (run->state_bytes + new_bytes(command) > RUN_STATE_MAX) {
		return reply_with(engine, command, 413, STR("run state size limit exceeded: state is too large"),
				  STR(""));
	}
	for (size_t i = 0; i < command->checkpoint.op_count; i++) {
		const struct opcode *op = &command->checkpoint.ops[i];
		if (op->kind == OPCODE_STEP_PLANNED) continue; // only tells that the step has begun
		if (opcode_table[op->kind].lazy) {
			(void)defer_take(engine, run, op);
			continue;
		}
		if (op->kind != OPCODE_STEP_RUN && op->kind != OPCODE_STEP) {
			struct str text = arena_printf(&engine->batch->arena, "cannot checkpoint opcode: %s",
						       opcode_table[op->kind].name);
			return reply_with(engine, command, 400, text, STR(""));
		}
		if (!save(engine, command, run, op)) return;
	}
	trace_checkpoint(engine, run, command->checkpoint.ops, command->checkpoint.op_count);
	if (command->checkpoint.parse_error.len > 0) {
		return reply_with(engine, command, command->checkpoint.too_large ? 413 : 400,
				  command->checkpoint.parse_error, STR(""));
	}
	reset_attempt(engine, run, command->checkpoint.item);
	reply_with(engine, command, 200, STR(""), STR(""));
}
