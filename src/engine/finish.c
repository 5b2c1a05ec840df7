// The end of a run: its last history, the events that tell of it, and the removal of all its state (03 §15).
#include <stdlib.h>

#include "engine/engine_internal.h"

static const struct {
	const char *status;
	struct str event; // besides function.finished; empty: none
} ends[] = {
	[RUN_END_COMPLETED] = {"Completed", {NULL, 0}},
	[RUN_END_FAILED] = {"Failed", STR_INIT("inngest/function.failed")},
	[RUN_END_CANCELLED] = {"Cancelled", STR_INIT("inngest/function.cancelled")},
};

// `data` of the internal events around the triggering event, whose text may only be in the store:
// head ‖ event ‖ middle ‖ events ‖ tail.
struct finish_data {
	struct buf head;
	struct buf tail;
};
#define FINISH_MIDDLE STR(",\"events\":")

static void build_data(const struct run *run, struct str correlation, enum run_end end, struct payload *output,
		       struct payload *error, struct finish_data *out) {
	buf_init(&out->head, SIZE_MAX);
	buf_init(&out->tail, SIZE_MAX);
	buf_lit(&out->head, "{\"_inngest\":{\"status\":\"");
	buf_str(&out->head, str_from_cstr(ends[end].status));
	buf_lit(&out->head, "\"},");
	if (correlation.len > 0) {
		buf_lit(&out->head, "\"correlation_id\":");
		buf_json_str(&out->head, correlation);
		buf_byte(&out->head, ',');
	}
	if (error != NULL) {
		buf_lit(&out->head, "\"error\":");
		buf_str(&out->head, payload_str(error));
		buf_byte(&out->head, ',');
	}
	buf_lit(&out->head, "\"event\":");
	buf_lit(&out->tail, ",\"function_id\":");
	buf_json_str(&out->tail, run->function->config.slug);
	if (output != NULL) {
		buf_lit(&out->tail, ",\"result\":");
		buf_str(&out->tail, payload_str(output));
	}
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&run->id, id);
	buf_lit(&out->tail, ",\"run_id\":\"");
	buf_append(&out->tail, id, ULID_TEXT_LEN);
	buf_lit(&out->tail, "\"}");
}

// The data in pieces: literal, or a part of the text of the run's events. `event` is its first event in map form, which
// has an object where the text has null for data; `events` are in stored form, without an empty user (03 §3.1).
struct piece {
	struct str literal;
	uint32_t from, len; // of the events, when there is no literal
};
#define PIECES_MAX 10
#define NO_DATA STR("{\"data\":null")
#define EMPTY_USER STR(",\"user\":{}}") // how such a text ends

static size_t layout(const struct run *run, struct str head, struct str tail, struct piece out[PIECES_MAX]) {
	uint32_t first = run->first_event_len, behind = 1 + first;
	bool no_data = (run->flags & RUN_NO_DATA) != 0, empty_user = (run->flags & RUN_EMPTY_USER) != 0;
	uint32_t skipped = no_data ? (uint32_t)NO_DATA.len : 0;
	uint32_t kept = empty_user ? behind - (uint32_t)EMPTY_USER.len : behind;
	size_t n = 0;
	out[n++] = (struct piece){.literal = head};
	if (no_data) out[n++] = (struct piece){.literal = STR("{\"data\":{}")};
	out[n++] = (struct piece){.from = 1 + skipped, .len = first - skipped};
	out[n++] = (struct piece){.literal = FINISH_MIDDLE};
	out[n++] = (struct piece){.from = 0, .len = kept};
	if (empty_user) out[n++] = (struct piece){.literal = STR("}")};
	out[n++] = (struct piece){.from = behind, .len = run->events_len - behind};
	out[n++] = (struct piece){.literal = tail};
	return n;
}

static struct str whole_data(struct arena *arena, const struct finish_data *data, const struct run *run) {
	struct piece pieces[PIECES_MAX];
	size_t count = layout(run, buf_view(&data->head), buf_view(&data->tail), pieces), len = 0;
	for (size_t i = 0; i < count; i++) len += pieces[i].literal.len > 0 ? pieces[i].literal.len : pieces[i].len;
	char *text = arena_alloc(arena, len), *at = text;
	for (size_t i = 0; i < count; i++) {
		struct str part = pieces[i].literal;
		if (part.len == 0) part = str_make(run->events->bytes + pieces[i].from, pieces[i].len);
		memcpy(at, part.ptr, part.len);
		at += part.len;
	}
	return str_make(text, len);
}

// What is known of it without the store.
static struct str known_data(struct arena *arena, const struct finish_data *data) {
	struct str tail = arena_cat(arena, STR("null,\"events\":null"), buf_view(&data->tail));
	return arena_cat(arena, buf_view(&data->head), tail);
}

bool finish_lacks(const struct cel_program *program) {
	static const struct str event[] = {STR_INIT("data"), STR_INIT("event")};
	static const struct str events[] = {STR_INIT("data"), STR_INIT("events")};
	return cel_reads(program, &(struct cel_path){STR("event"), event, ARRAY_LEN(event)}) ||
	       cel_reads(program, &(struct cel_path){STR("event"), events, ARRAY_LEN(events)});
}

// The same with holes, between `before` and `after`.
static struct late_text *late_data(struct engine *engine, const struct finish_data *data, const struct run *run,
				   struct str before, struct str after, uint32_t *len) {
	struct arena *arena = &engine->batch->arena;
	struct piece pieces[PIECES_MAX];
	size_t count = layout(run, arena_cat(arena, before, buf_view(&data->head)),
			      arena_cat(arena, buf_view(&data->tail), after), pieces);
	struct late_text *late = batch_late(engine->batch, count);
	struct payload_ref *ref = ARENA_NEW(arena, struct payload_ref);
	*ref = (struct payload_ref){
		.size = run->events_len, .first_len = run->first_event_len, .kind = RECORD_RUN, .key_len = 16};
	memcpy(ref->key, run->id.bytes, 16);
	*len = 0;
	for (size_t i = 0; i < count; i++) {
		bool is_ref = pieces[i].literal.len == 0;
		late->parts[i] =
			(struct late_part){.literal = pieces[i].literal, .from = pieces[i].from, .len = pieces[i].len};
		if (is_ref && run->late_events != NULL)
			late->parts[i].late = run->late_events;
		else if (is_ref)
			late->parts[i].ref = ref;
		*len += is_ref ? pieces[i].len : (uint32_t)pieces[i].literal.len;
	}
	return late;
}

// The internal id of the event.
static struct ulid emit(struct engine *engine, const struct run *run, const struct finish_data *data,
			struct str correlation, struct str name, bool id_is_run) {
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid internal_id = ulid_make(engine->now, entropy);
	char id_text[ULID_TEXT_LEN + 1];
	ulid_text(id_is_run ? &run->id : &internal_id, id_text);
	struct str id = str_make(id_text, ULID_TEXT_LEN);
	struct arena *arena = &engine->batch->arena;
	struct str meta = run->meta != NULL ? arena_dup(arena, str_from_cstr(run->meta)) : STR("");
	struct event event;
	if (run->events != NULL) {
		event_make_internal(arena, name, id, &internal_id, whole_data(arena, data, run), meta, engine->now,
				    &event);
		event.depth = (uint8_t)(run->depth + 1);
		event_handle(engine, &event, NULL, NULL);
		event_release(&event);
		return internal_id;
	}
	event = (struct event){.internal_id = internal_id,
			       .name = name,
			       .id = arena_dup(arena, id),
			       .ts_ms = engine->now,
			       .received_ms = engine->now,
			       .user = STR("{}"),
			       .meta = meta,
			       .depth = (uint8_t)(run->depth + 1)};
	if (correlation.len > 0) event.correlation_id = arena_dup(arena, correlation);
	struct str after = arena_printf(arena, ",\"id\":\"%.*s\"%s%.*s,\"name\":\"%.*s\",\"ts\":%llu,\"user\":{}}]",
					STR_ARG(id), meta.len > 0 ? ",\"meta\":" : "", STR_ARG(meta), STR_ARG(name),
					(unsigned long long)engine->now);
	struct late_event late;
	uint32_t len;
	late.known_data = known_data(arena, data);
	late.data = late_data(engine, data, run, STR(""), STR(""), &len);
	late.array = late_data(engine, data, run, STR("[{\"data\":"), after, &late.array_len);
	event_handle(engine, &event, &late, NULL);
	return internal_id;
}

static bool is_object(const struct payload *payload) {
	return payload != NULL && payload->bytes[0] == '{';
}

static void write_history(struct engine *engine, const struct run *run, enum run_end end, struct payload *output,
			  struct payload *error) {
	if (engine->config.no_history && !run->is_restored) return;
	struct history_item *item = batch_history(engine->batch, HISTORY_FINISH, engine->now);
	item->finish.run_id = run->id;
	item->finish.function_id = run->function->id;
	item->finish.status = ends[end].status;
	bool show_error = end == RUN_END_FAILED && !is_object(output) && error != NULL;
	item->finish.output = payload_ref(show_error ? error : output);
}

// The invokes among the events of a batch each have a line, the first event's first; it may be empty.
static bool next_correlation(bool is_batch, struct str *rest, struct str *out) {
	if (is_batch) return str_cut(*rest, '\n', out, rest);
	*out = *rest;
	return false;
}

static struct ulid tell_first(struct engine *engine, const struct run *run, struct str correlation, enum run_end end,
			      struct payload *output, struct payload *error) {
	struct finish_data data;
	build_data(run, correlation, end, output, error, &data);
	struct ulid finished = emit(engine, run, &data, correlation, STR("inngest/function.finished"), false);
	if (ends[end].event.len > 0) emit(engine, run, &data, correlation, ends[end].event, true);
	buf_free(&data.head);
	buf_free(&data.tail);
	return finished;
}

// Of the other invokes in a batch, without the events: each would have all of them, and the result.
static void tell_other(struct engine *engine, const struct run *run, struct str correlation) {
	struct buf data;
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&run->id, id);
	buf_init(&data, SIZE_MAX);
	buf_lit(&data, "{\"correlation_id\":");
	buf_json_str(&data, correlation);
	buf_lit(&data, ",\"function_id\":");
	buf_json_str(&data, run->function->config.slug);
	buf_printf(&data, ",\"run_id\":\"%s\"}", id);
	event_finished(engine, buf_view(&data), (uint8_t)(run->depth + 1));
	buf_free(&data);
}

// One event for the first of the run's events, whose id it returns, and one for each other that is an invoke (03
// §15.3).
static struct ulid tell(struct engine *engine, const struct run *run, struct str correlations, enum run_end end,
			struct payload *output, struct payload *error) {
	struct str correlation;
	bool is_batch = (run->flags & RUN_OF_BATCH) != 0;
	bool more = next_correlation(is_batch, &correlations, &correlation);
	struct ulid finished = tell_first(engine, run, correlation, end, output, error);
	while (more) {
		more = next_correlation(is_batch, &correlations, &correlation);
		tell_other(engine, run, correlation);
	}
	return finished;
}

static void answer_invokes(struct engine *engine, struct str correlations, bool is_batch, struct payload *value,
			   const struct wait_result *result) {
	struct str correlation;
	for (bool more = correlations.len > 0; more;) {
		more = next_correlation(is_batch, &correlations, &correlation);
		if (correlation.len > 0) invoke_end(engine, correlation, value, result);
	}
}

void run_finish(struct engine *engine, struct run *run, enum run_end end, struct payload *output,
		struct payload *error) {
	trace_ended(engine, run);
	run->function->tallies[TALLY_RUN_COMPLETED + end]++;
	write_history(engine, run, end, output, error);
	record_run_delete(engine, run);
	run_drop_items(engine, run); // the events that tell of its end are nothing to it …
	run_limits_end(engine, run); // … but may begin a run that takes its place
	struct str correlations = arena_dup(&engine->batch->arena, str_from_cstr(run->correlation));
	struct wait_result result = {.run_id = run->id, .is_error = end != RUN_END_COMPLETED};
	if ((run->flags & RUN_QUIET) == 0) result.event_id = tell(engine, run, correlations, end, output, error);
	defers_emit(engine, run);
	struct payload *value = NULL;
	if (correlations.len > 0) value = invoke_value(&engine->batch->arena, end, output, error);
	bool is_batch = (run->flags & RUN_OF_BATCH) != 0;
	run_free(engine, run);
	answer_invokes(engine, correlations, is_batch, value, &result);
	payload_unref(value);
}

void run_fail(struct engine *engine, struct run *run, struct str error, struct str name, struct str message) {
	struct payload *standard = standard_error_make(error, name, message, STR(""));
	run_finish(engine, run, RUN_END_FAILED, standard, standard);
	payload_unref(standard);
}

void run_discard(struct engine *engine, struct run *run) {
	trace_ended(engine, run);
	run->function->tallies[TALLY_RUN_CANCELLED]++;
	write_history(engine, run, RUN_END_CANCELLED, NULL, NULL);
	record_run_delete(engine, run);
	run_free(engine, run);
}
