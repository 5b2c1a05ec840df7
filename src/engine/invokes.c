// Invokes: a step that is another function's run (03 §14.6). The child's run knows its caller by the correlation id
// `<run id>.<step id>`, so nothing has to be looked up in an index; the caller keeps a queue item that is due at the
// timeout.
#include <stdlib.h>

#include "engine/engine_internal.h"

// {"error":{"error":…,"message":…,"name":…}}
static struct payload *error_value(struct arena *arena, struct str error, struct str name, struct str message) {
	struct payload *standard = standard_error_make(error, name, message, STR(""));
	struct str text = arena_cat(arena, STR("{\"error\":"), payload_str(standard));
	payload_unref(standard);
	return payload_new(arena_cat(arena, text, STR("}")));
}

// ---- beginning -----------------------------------------------------------------------------------------------------

static struct str correlation_of(struct arena *arena, const struct run *run, struct str step_id) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&run->id, id);
	return arena_printf(arena, "%s.%.*s", id, STR_ARG(step_id));
}

static bool fail(struct engine *engine, struct run *run, struct str message) {
	run_fail(engine, run, STR("invalid_invoke"), STR("Error"), message);
	return false;
}

static enum err make_event(struct engine *engine, const struct run *run, const struct opcode *op, uint64_t expire_ms,
			   struct event *out, struct error *error) {
	struct arena *arena = &engine->batch->arena;
	char source_app[UUID_TEXT_LEN + 1];
	uuid_text(&run->function->app->id, source_app);
	struct invocation invocation = {
		.fn_id = op->invoke_fn_id,
		.correlation_id = correlation_of(arena, run, op->id),
		.name = op->display_name,
		.source_app_id = str_from_cstr(source_app),
		.source_fn_id = str_make(run->function->id_text, UUID_TEXT_LEN),
		.source_fn_version = run->function_version,
		.expire_ms = expire_ms,
	};
	if (run->debug != NULL) invocation.debug = *run->debug;
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid internal_id = ulid_make(engine->now, entropy);
	struct str payload = op->invoke_payload.len > 0 ? op->invoke_payload : STR("{}");
	yyjson_doc *doc = json_read(payload, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	enum err err = event_parse_invocation(arena, yyjson_doc_get_root(doc), &invocation, &internal_id, engine->now,
					      out, error);
	yyjson_doc_free(doc);
	return err;
}

// The caller learns at once of a run that there will not be, and so does who listens for the end of it (03 §5.3).
void invoke_fail(struct engine *engine, struct str correlation, struct str message) {
	struct arena *arena = &engine->batch->arena;
	struct buf data;
	buf_init(&data, SIZE_MAX);
	buf_lit(&data, "{\"correlation_id\":");
	buf_json_str(&data, correlation);
	buf_lit(&data, ",\"error\":{\"message\":");
	buf_json_str(&data, message);
	buf_lit(&data, ",\"name\":\"Error\"},\"function_id\":\"\",\"run_id\":\"\"}");
	event_finished(engine, buf_view(&data), 0);
	buf_free(&data);
	struct payload *value = error_value(arena, message, STR("Error"), message);
	invoke_end(engine, correlation, value, &(struct wait_result){.is_error = true});
	payload_unref(value);
}

static bool will_answer(enum start_result result) {
	return result == START_DONE || result == START_BATCHED || result == START_DEBOUNCED;
}

static void send_event(struct engine *engine, const struct event *event) {
	static const char *const reasons[] = {
		[START_UNKNOWN] = "could not find function with ID: ",
		[START_REPEATED] = "an event with this id has already started the function: ",
		[START_LIMITED] = "invoked function is rate limited",
		[START_REPLACED] = "invoked function was debounced: a later event took the place",
		[START_SINGLETON] = "invoked function was skipped: another run holds the singleton of ",
		[START_PAUSED] = "the function is paused: ",
		[START_DROPPED] = "an expression of the function's settings cannot be evaluated: ",
	};
	struct run_start start = {.function = function_named(engine, event->invoke_fn_id),
				  .key = event->id,
				  .is_claimed = event->stable_id,
				  .correlation = event->correlation_id,
				  .debug = event->debug};
	event_handle(engine, event, NULL, &start);
	if (will_answer(start.result)) return;
	struct str message = STR("could not extract function ID from event");
	if (event->invoke_fn_id.len > 0) message = str_from_cstr(reasons[start.result]);
	if (str_ends_with(message, STR(" ")))
		message = arena_cat(&engine->batch->arena, message, str_first(event->invoke_fn_id, 256));
	invoke_fail(engine, event->correlation_id, message);
}

bool invoke_begin(struct engine *engine, struct run *run, const struct opcode *op, uint64_t coalesce) {
	uint64_t delay = WAIT_DEFAULT_MS;
	struct error error;
	struct event event = {0};
	if (op->invoke_timeout.len > 0 && delay_parse(op->invoke_timeout, engine->now, &delay, &error) != ERR_OK)
		return fail(engine, run, str_from_cstr(error.message));
	if (make_event(engine, run, op, engine->now + delay, &event, &error) != ERR_OK)
		return fail(engine, run, str_from_cstr(error.message));
	struct item *item = item_new(engine, run, ITEM_INVOKE, engine->now + delay);
	item_set_step(item, op);
	item->coalesce = coalesce;
	item->job_hash = job_hash_make(run, op->id, "");
	trace_wait(engine, item, op, &event.internal_id);
	item_queue(engine, item);
	struct ulid id = run->id;
	send_event(engine, &event); // may end this very run
	event_release(&event);
	return run_find(engine, &id) != NULL;
}

// ---- ending --------------------------------------------------------------------------------------------------------

void invoke_end(struct engine *engine, struct str correlation, struct payload *value,
		const struct wait_result *result) {
	struct str id_text, step_id;
	struct ulid id;
	if (!str_cut(correlation, '.', &id_text, &step_id) || !ulid_parse(id_text, &id)) return;
	struct run *run = run_find(engine, &id);
	struct item *item = run != NULL ? run_item_for(run, step_id) : NULL;
	if (item == NULL || item->kind != ITEM_INVOKE || item->due_ms < engine->now) return;
	if (engine->config.planted_bug == 7) return;
	wait_end(engine, item, value, "-event", result);
}

struct payload *invoke_value(struct arena *arena, enum run_end end, const struct payload *output,
			     const struct payload *error) {
	if (end == RUN_END_CANCELLED)
		return error_value(arena, STR("function_cancelled"), STR("Error"),
				   STR("The invoked function was cancelled."));
	bool failed = end == RUN_END_FAILED;
	struct str inner = payload_str(failed ? error : output);
	struct str text =
		arena_cat(arena, failed ? STR("{\"error\":") : STR("{\"data\":"), inner.len > 0 ? inner : STR("null"));
	return payload_new(arena_cat(arena, text, STR("}")));
}

void invoke_timeout(struct engine *engine, struct item *item) {
	struct payload *value = error_value(
		&engine->batch->arena,
		STR("InngestInvokeTimeoutError: Timed out waiting for invoked function to complete"),
		STR("InngestInvokeTimeoutError"), STR("Timed out waiting for invoked function to complete"));
	wait_end(engine, item, value, "-timeout", &(struct wait_result){.is_timeout = true, .is_error = true});
	payload_unref(value);
}
