// Questions that only the engine can answer, most of them about one run, and its cancellation.
#include "base/clock.h"
#include "engine/engine_internal.h"

void run_refs(const struct run *run, struct arena *arena, struct payload_ref *events, struct call_step **steps,
	      size_t *count) {
	*events = (struct payload_ref){
		.data = payload_ref(run->events), .size = run->events_len, .kind = RECORD_RUN, .key_len = 16};
	memcpy(events->key, run->id.bytes, 16);
	*steps = ARENA_ARRAY(arena, struct call_step, run->step_count + 1);
	*count = run->step_count;
	for (uint32_t i = 0; i < run->step_count; i++) {
		const struct step *step = &run->steps[i];
		struct call_step *out = &(*steps)[i];
		out->id = arena_dup(arena, str_make(step->id, step->id_len));
		out->value.data = payload_ref(step->value);
		out->value.size = step->size;
		out->value.kind = RECORD_STEP;
		out->is_input = (step->flags & STEP_INPUT) != 0;
		out->value.key_len = (uint8_t)run_key(&run->id, step->position, out->value.key);
	}
}

static void reply_no_run(struct engine *engine, const struct command *command, int status, const char *text) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&command->run.run_id, id);
	struct reply *reply = reply_new(command->request, REPLY_FAILED, status);
	reply->text = arena_printf(&reply->arena, "%s%s", text, id);
	batch_reply(engine->batch, reply);
}

void apply_run_state(struct engine *engine, struct command *command) {
	const struct run *run = run_find(engine, &command->run.run_id);
	if (run == NULL) {
		return reply_no_run(engine, command, 410, "runtime state is no longer available for runID: ");
	}
	struct reply *reply = reply_new(command->request, REPLY_RUN_STATE, 200);
	run_refs(run, &reply->arena, &reply->events, &reply->steps, &reply->step_count);
	batch_reply(engine->batch, reply);
}

static void list_functions(const struct engine *engine, struct reply *reply) {
	reply->functions = ARENA_ARRAY(&reply->arena, struct function_stats, engine->slugs.count + 1);
	for (struct map_node *node = map_walk(&engine->slugs, NULL); node != NULL;
	     node = map_walk(&engine->slugs, node)) {
		const struct function *function = container_of(node, struct function, by_slug);
		struct function_stats *stats = &reply->functions[reply->function_count++];
		stats->slug = arena_dup(&reply->arena, function->config.slug);
		memcpy(stats->tallies, function->tallies, sizeof stats->tallies);
	}
}

void apply_stats(struct engine *engine, struct command *command) {
	struct reply *reply = reply_new(command->request, REPLY_STATS, 200);
	engine_stats(engine, &reply->stats);
	list_functions(engine, reply);
	batch_reply(engine->batch, reply);
}

static const char *const state_names[] = {
	[ITEM_READY] = "ready", [ITEM_LATER] = "scheduled", [ITEM_IN_CALL] = "running"};

// A timeout may lie beyond what nanoseconds can tell.
static int64_t due_ns(const struct item *item) {
	return item->due_ms < INT64_MAX / 1000000 ? (int64_t)item->due_ms * 1000000 : INT64_MAX;
}

static void write_job(const struct engine *engine, struct buf *out, const struct item *item, unsigned position) {
	char job[BASE36_LEN + 1];
	base36_text(item->job_hash, job);
	buf_printf(out, "{\"JobID\":\"%s\",\"at\":\"", job);
	date_format_rfc3339(out, due_ns(item));
	buf_printf(out,
		   "\",\"position\":%u,\"kind\":\"%s\",\"attempt\":%u,\"Raw\":{\"id\":\"%s\",\"state\":\"%s\","
		   "\"generation\":%u",
		   position, item_table[item->kind].job_kind, item->attempt, job,
		   is_waiting(engine, item) ? "waiting" : state_names[item->state], item->generation);
	if (item->target_len > 0) {
		buf_lit(out, ",\"step\":");
		buf_json_str(out, item_target(item));
	}
	if (item->name_len > 0) {
		buf_lit(out, ",\"name\":");
		buf_json_str(out, item_name(item));
	}
	if (item->state == ITEM_LATER || is_waiting(engine, item)) {
		buf_lit(out, ",\"waiting\":");
		waiting_write(engine, item, out);
	}
	buf_lit(out, "}}");
}

void apply_run_jobs(struct engine *engine, struct command *command) {
	const struct run *run = run_find(engine, &command->run.run_id);
	if (run == NULL) return reply_no_run(engine, command, 404, "Unable to load function run: ");
	struct buf text;
	buf_init(&text, 1 << 20);
	buf_byte(&text, '[');
	unsigned count = 0;
	list_for_each(node, &run->items) {
		if (item_table[list_entry(node, struct item, of_run)->kind].watches) continue; // no jobs of the run
		if (count == JOBS_PAGE_MAX) break;
		if (count++ > 0) buf_byte(&text, ',');
		write_job(engine, &text, list_entry(node, struct item, of_run), count);
	}
	buf_byte(&text, ']');
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = arena_dup(&reply->arena, buf_view(&text));
	buf_free(&text);
	batch_reply(engine->batch, reply);
}

void apply_cancel(struct engine *engine, struct command *command) {
	struct run *run = run_find(engine, &command->run.run_id);
	if (run == NULL) return reply_no_run(engine, command, 404, "Unable to load function run: ");
	run_finish(engine, run, RUN_END_CANCELLED, NULL, NULL);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}
