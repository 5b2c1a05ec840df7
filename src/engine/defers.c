// Defers: functions that a run wants to have run when it has ended (03 §24.1). Their data is in the store meanwhile,
// and in memory while the run is awake; at its end each becomes an event, which is held until its data is back.
#include <stdlib.h>

#include "base/codec.h"
#include "engine/engine_internal.h"
#include "model/defer.h"

struct defer {
	char *id;              // and behind it its name and the slug of the function
	char *meta;            // sessions of its event, or NULL
	struct payload *input; // what stands between the braces of its data; NULL while at rest, or when there is none
	uint32_t number;       // in the record key
	uint32_t size, split;  // of the input; where `_inngest` goes in it
	uint16_t id_len, name_len, function_len;
	uint8_t status; // enum defer_status
};

static struct str id_of(const struct defer *defer) {
	return str_make(defer->id, defer->id_len);
}

static struct str name_of(const struct defer *defer) {
	return str_make(defer->id + defer->id_len, defer->name_len);
}

static struct str function_of(const struct defer *defer) {
	return str_make(defer->id + defer->id_len + defer->name_len, defer->function_len);
}

static struct defer *find(const struct run *run, struct str id) {
	for (uint32_t i = 0; i < run->defer_count; i++)
		if (str_eq(id_of(&run->defers[i]), id)) return &run->defers[i];
	return NULL;
}

static uint64_t input_bytes(const struct run *run) {
	uint64_t sum = 0;
	for (uint32_t i = 0; i < run->defer_count; i++) sum += run->defers[i].size;
	return sum;
}

// Its texts are copied.
static struct defer *append(struct run *run, struct str id, struct str name, struct str function, struct str meta) {
	run->defers = mem_realloc(run->defers, (run->defer_count + 1) * sizeof *run->defers);
	struct defer *defer = &run->defers[run->defer_count];
	// Behind the last one: those before may have been unreadable at the start.
	*defer = (struct defer){.number = run->defer_count > 0 ? defer[-1].number + 1 : 0,
				.id_len = (uint16_t)id.len,
				.name_len = (uint16_t)name.len,
				.function_len = (uint16_t)function.len};
	run->defer_count++;
	struct str parts[] = {id, name, function};
	char *at = defer->id = mem_alloc(id.len + name.len + function.len + 1);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].len > 0) memcpy(at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	if (meta.len > 0) defer->meta = mem_strndup(meta.ptr, meta.len);
	return defer;
}

void defers_rest(struct run *run) {
	for (uint32_t i = 0; i < run->defer_count; i++) {
		payload_unref(run->defers[i].input);
		run->defers[i].input = NULL;
	}
}

void defers_free(struct run *run) {
	defers_rest(run);
	for (uint32_t i = 0; i < run->defer_count; i++) {
		free(run->defers[i].id);
		free(run->defers[i].meta);
	}
	free(run->defers);
	run->defers = NULL;
	run->defer_count = 0;
}

// ---- records -------------------------------------------------------------------------------------------------------

void defer_stored(const struct run *run, uint32_t index, uint32_t *number, struct payload **input) {
	*number = run->defers[index].number;
	*input = run->defers[index].input;
}

void defer_encode(const struct run *run, uint32_t index, struct buf *out) {
	const struct defer *defer = &run->defers[index];
	put_u8(out, defer->status);
	put_u32(out, defer->size);
	put_u32(out, defer->split);
	put_text(out, id_of(defer));
	put_text(out, name_of(defer));
	put_text(out, function_of(defer));
	put_text(out, str_from_cstr(defer->meta));
}

bool defer_decode(struct run *run, uint32_t number, struct decoder *d) {
	uint8_t status = take_u8(d);
	uint32_t size = take_u32(d), split = take_u32(d);
	struct str id = take_text(d), name = take_text(d), function = take_text(d), meta = take_text(d);
	bool is_good = !d->failed && split <= size && status >= DEFER_SCHEDULED && status <= DEFER_REJECTED;
	bool fits = id.len <= DEFER_TEXT_MAX && name.len <= DEFER_TEXT_MAX && function.len <= DEFER_TEXT_MAX;
	if (!is_good || !fits || run->defer_count >= DEFERS_MAX || find(run, id) != NULL) return false;
	struct defer *defer = append(run, id, name, function, meta);
	defer->number = number;
	defer->status = status;
	defer->size = size;
	defer->split = split;
	return true;
}

static void save(struct engine *engine, struct run *run, const struct defer *defer) {
	record_defer(engine, run, (uint32_t)(defer - run->defers), true);
	run_note(engine, run);
	if (engine->config.no_history) return;
	struct arena *arena = &engine->batch->arena;
	struct history_item *item = batch_history(engine->batch, HISTORY_DEFER, engine->now);
	item->defer.run_id = run->id;
	item->defer.id = arena_dup(arena, id_of(defer));
	item->defer.name = arena_dup(arena, name_of(defer));
	item->defer.function = arena_dup(arena, function_of(defer));
	item->defer.status = (enum defer_status)defer->status;
}

// ---- opcodes -------------------------------------------------------------------------------------------------------

static bool refuse(struct engine *engine, const struct run *run, const struct opcode *op, const char *reason) {
	complain(engine, run->function, str_first(op->defer_function, DEFER_TEXT_MAX), str_from_cstr(reason),
		 "a deferred run is refused");
	return false;
}

// The first one with an id counts, whatever became of it.
static bool add(struct engine *engine, struct run *run, const struct opcode *op) {
	struct str name = op->defer_name.len > 0 ? op->defer_name : op->display_name;
	if (find(run, op->id) != NULL) return false;
	if (op->defer_is_unreadable || op->id.len > DEFER_TEXT_MAX) return refuse(engine, run, op, "it cannot be read");
	if (run->defer_count >= DEFERS_MAX) return refuse(engine, run, op, "the run has as many as it may have");
	const char *reason = op->defer_refusal;
	if (reason == NULL && input_bytes(run) + op->output->len > DEFER_INPUT_MAX)
		reason = "the data of all that the run defers is too large";
	struct str function = op->defer_function.len <= DEFER_TEXT_MAX ? op->defer_function : STR("");
	struct defer *defer = append(run, op->id, str_first(name, DEFER_TEXT_MAX), function, op->defer_meta);
	defer->status = reason != NULL ? DEFER_REJECTED : DEFER_AFTER_RUN;
	if (reason == NULL) {
		defer->input = payload_ref(op->output);
		defer->size = op->output->len;
		defer->split = op->defer_split;
	}
	save(engine, run, defer);
	if (reason != NULL) (void)refuse(engine, run, op, reason);
	return true;
}

static bool take_back(struct engine *engine, struct run *run, const struct opcode *op) {
	struct defer *defer = find(run, op->defer_target);
	if (defer == NULL || defer->status != DEFER_AFTER_RUN) return false;
	payload_unref(defer->input);
	defer->input = NULL;
	defer->size = defer->split = 0;
	defer->status = DEFER_ABORTED;
	save(engine, run, defer);
	return true;
}

bool defer_take(struct engine *engine, struct run *run, const struct opcode *op) {
	return op->kind == OPCODE_DEFER_ADD ? add(engine, run, op) : take_back(engine, run, op);
}

// {"<id>":{"abortable":true},…} (02 §2.5)
struct str defers_text(const struct run *run, struct arena *arena) {
	struct buf text;
	if (run->defer_count == 0) return STR("{}");
	buf_init(&text, SIZE_MAX);
	for (uint32_t i = 0; i < run->defer_count; i++) {
		buf_byte(&text, i == 0 ? '{' : ',');
		buf_json_str(&text, id_of(&run->defers[i]));
		buf_str(&text, run->defers[i].status == DEFER_AFTER_RUN ? STR(":{\"abortable\":true}")
									: STR(":{\"abortable\":false}"));
	}
	buf_byte(&text, '}');
	struct str out = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return out;
}

// ---- the end of the run --------------------------------------------------------------------------------------------

// "_inngest":{…}, between commas where there are members beside it.
static struct str reserved(struct arena *arena, const struct run *run, const struct defer *defer) {
	char app[UUID_TEXT_LEN + 1], id[ULID_TEXT_LEN + 1];
	struct buf text;
	uuid_text(&run->function->app->id, app);
	ulid_text(&run->id, id);
	buf_init(&text, SIZE_MAX);
	buf_lit(&text, "\"_inngest\":{\"fn_slug\":");
	buf_json_str(&text, function_of(defer));
	buf_printf(&text, ",\"parent_app_id\":\"%s\",\"parent_defer_span\":{}", app);
	buf_printf(&text, ",\"parent_fn_id\":\"%s\",\"parent_fn_slug\":", run->function->id_text);
	buf_json_str(&text, run->function->config.slug);
	buf_printf(&text, ",\"parent_run_id\":\"%s\"}", id);
	struct str out = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return out;
}

static struct late_text *late_data(struct engine *engine, const struct run *run, const struct defer *defer) {
	struct arena *arena = &engine->batch->arena;
	struct str middle = reserved(arena, run, defer);
	if (defer->split > 0) middle = arena_cat(arena, STR(","), middle);
	if (defer->split < defer->size) middle = arena_cat(arena, middle, STR(","));
	const struct late_part parts[] = {{.literal = STR("{")},
					  {.from = 0, .len = defer->split},
					  {.literal = middle},
					  {.from = defer->split, .len = defer->size - defer->split},
					  {.literal = STR("}")}};
	struct late_text *late = batch_late(engine->batch, ARRAY_LEN(parts));
	late->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct late_part part = parts[i];
		if (part.literal.len == 0 && part.len == 0) continue;
		if (part.literal.len == 0) {
			part.ref = ARENA_NEW(arena, struct payload_ref);
			*part.ref = (struct payload_ref){
				.data = payload_ref(defer->input), .size = defer->size, .kind = RECORD_DEFER};
			part.ref->key_len = (uint8_t)run_key(&run->id, defer->number, part.ref->key);
		}
		late->parts[late->count++] = part;
	}
	return late;
}

static void emit(struct engine *engine, const struct run *run, const struct defer *defer) {
	struct arena *arena = &engine->batch->arena;
	char id[ULID_TEXT_LEN + 1];
	struct ulid event_id = defer_event_id(&run->id, id_of(defer));
	ulid_text(&event_id, id);
	struct event event = {.internal_id = event_id,
			      .name = DEFER_EVENT,
			      .id = arena_dup(arena, str_make(id, ULID_TEXT_LEN)),
			      .ts_ms = engine->now,
			      .received_ms = engine->now,
			      .user = STR("{}"),
			      .meta = arena_dup(arena, str_from_cstr(defer->meta))};
	struct late_event late = {.data = late_data(engine, run, defer)};
	event_hold_new(engine, &event, &late);
}

void defers_emit(struct engine *engine, const struct run *run) {
	for (uint32_t i = 0; i < run->defer_count; i++)
		if (run->defers[i].status == DEFER_AFTER_RUN) emit(engine, run, &run->defers[i]);
}

void defers_verify(const struct run *run) {
	CHECK(run->defer_count <= DEFERS_MAX && input_bytes(run) <= DEFER_INPUT_MAX);
	for (uint32_t i = 0; i < run->defer_count; i++) {
		const struct defer *defer = &run->defers[i];
		CHECK(defer->status == DEFER_AFTER_RUN || (defer->size == 0 && defer->input == NULL));
		CHECK(defer->input == NULL || defer->input->len == defer->size);
	}
}
