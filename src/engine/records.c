// Encodings of the engine's records. Every head starts with its version; a newer binary reads older ones.
#include <stdlib.h>

#include "base/codec.h"
#include "engine/engine_internal.h"
#include "engine/step_record.h"

// 2: names and kinds of steps, runs of idempotency keys, paused functions
// 3: limits of runs, slots of calls
// 4: since when and after which call an item is queued
#define RECORD_VERSION 4
#define HEAD_MAX (64u << 20)

enum item_flag { ITEM_LEASED = 1, ITEM_LATE = 2, ITEM_SLEPT = 4, ITEM_CALLED = 8 }; // stored

static struct buf head_begin(void) {
	struct buf head;
	buf_init(&head, HEAD_MAX);
	put_u8(&head, RECORD_VERSION);
	return head;
}

static void head_end(struct engine *engine, struct buf *head, enum record_op op, uint8_t kind, struct str key,
		     struct payload *body) {
	CHECK(!head->overflow);
	struct record *record = batch_record(engine->batch, op, kind, key);
	record->head = arena_dup(&engine->batch->arena, buf_view(head));
	record->body = payload_ref(body);
	buf_free(head);
}

// Key of what belongs to a run: its id, then a number big-endian, so that a run's records stand together in order.
size_t run_key(const struct ulid *id, uint32_t number, uint8_t out[20]) {
	memcpy(out, id->bytes, 16);
	for (int i = 0; i < 4; i++) out[16 + i] = (uint8_t)(number >> (24 - 8 * i));
	return 20;
}

void record_app(struct engine *engine, const struct app *app) {
	struct buf head = head_begin();
	put_u8(&head, app->archived);
	const char *fields[] = {app->name,         app->url,         app->error,     app->method,      app->checksum,
				app->sdk_language, app->sdk_version, app->framework, app->app_version, app->metadata};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) put_text(&head, str_from_cstr(fields[i]));
	head_end(engine, &head, RECORD_PUT, RECORD_APP, str_make(app->id.bytes, 16), NULL);
}

static enum err restore_app(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	if (key.len != 16) return error_set(error, ERR_CORRUPT, "app key of %zu bytes", key.len);
	struct uuid id;
	memcpy(id.bytes, key.ptr, 16);
	if (app_find(engine, &id) != NULL) return error_set(error, ERR_CORRUPT, "app stored twice");
	bool archived = take_u8(d) != 0;
	struct str fields[10];
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) fields[i] = take_text(d);
	if (d->failed) return error_set(error, ERR_CORRUPT, "app record cut short");
	struct app *app = app_new(engine, &id);
	app->archived = archived;
	char **targets[] = {&app->name,         &app->url,         &app->error,     &app->method,      &app->checksum,
			    &app->sdk_language, &app->sdk_version, &app->framework, &app->app_version, &app->metadata};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) app_set(targets[i], fields[i]);
	return ERR_OK;
}

void record_function(struct engine *engine, const struct function *function) {
	struct buf head = head_begin();
	buf_append(&head, function->app->id.bytes, 16);
	put_u8(&head, function->archived);
	put_u32(&head, function->version);
	put_text(&head, function->config.config_members);
	put_u8(&head, function->paused);
	head_end(engine, &head, RECORD_PUT, RECORD_FUNCTION, str_make(function->id.bytes, 16), NULL);
}

static enum err restore_function(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	if (key.len != 16) return error_set(error, ERR_CORRUPT, "function key of %zu bytes", key.len);
	struct uuid id, app_id;
	memcpy(id.bytes, key.ptr, 16);
	take_bytes(d, app_id.bytes, 16);
	bool archived = take_u8(d) != 0;
	uint32_t version = take_u32(d);
	struct str members = take_text(d);
	bool paused = d->version >= 2 && take_u8(d) != 0;
	if (d->failed) return error_set(error, ERR_CORRUPT, "function record cut short");
	struct app *app = app_find(engine, &app_id);
	if (app == NULL) return error_set(error, ERR_CORRUPT, "function of an unknown app");
	if (function_find(engine, &id) != NULL) return error_set(error, ERR_CORRUPT, "function stored twice");
	struct function *function = function_new(engine, app, &id);
	enum err err = function_configure(function, version, members, error);
	if (err != ERR_OK) {
		map_remove(&engine->functions, &function->by_id);
		list_remove(&function->of_app);
		function_free(function);
		return err;
	}
	function->archived = archived;
	function->paused = paused;
	function_index(engine, function);
	return ERR_OK;
}

static int compare_u64(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

// Sorted, so that the record does not depend on the order in which members completed.
static void put_group(struct buf *head, const struct run *run) {
	if (run->group_count == 0) return;
	uint64_t *sorted = mem_alloc(run->group_count * sizeof *sorted);
	memcpy(sorted, run->group, run->group_count * sizeof *sorted);
	qsort(sorted, run->group_count, sizeof *sorted, compare_u64);
	for (uint32_t i = 0; i < run->group_count; i++) put_u64(head, sorted[i]);
	free(sorted);
}

static struct buf run_head(const struct run *run) {
	struct buf head = head_begin();
	buf_append(&head, run->function->id.bytes, 16);
	put_u32(&head, run->function_version);
	buf_append(&head, run->event_id.bytes, 16);
	put_u64(&head, run->key_hash);
	put_u32(&head, run->events_len);
	put_u32(&head, run->first_event_len);
	put_u64(&head, run->started_ms);
	put_u8(&head, (uint8_t)run->request_version);
	put_u8(&head, run->flags);
	put_u8(&head, run->stalls);
	put_u64(&head, run->joined);
	put_u64(&head, run->coalesce);
	put_u32(&head, run->group_count);
	put_group(&head, run);
	put_text(&head, str_from_cstr(run->correlation));
	put_text(&head, str_from_cstr(run->meta));
	put_u8(&head, run->depth);
	run_limits_encode(run, &head);
	if (run->debug != NULL) {
		buf_append(&head, run->debug->run_id.bytes, 16);
		buf_append(&head, run->debug->session_id.bytes, 16);
	}
	return head;
}

static void restore_debug(struct run *run, struct decoder *d) {
	run->debug = mem_alloc(sizeof *run->debug);
	take_bytes(d, run->debug->run_id.bytes, 16);
	take_bytes(d, run->debug->session_id.bytes, 16);
}

static enum err restore_run(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	if (key.len != 16) return error_set(error, ERR_CORRUPT, "run key of %zu bytes", key.len);
	struct ulid id;
	memcpy(id.bytes, key.ptr, 16);
	if (run_find(engine, &id) != NULL) return error_set(error, ERR_CORRUPT, "run stored twice");
	struct uuid function_id;
	take_bytes(d, function_id.bytes, 16);
	struct function *function = function_find(engine, &function_id);
	if (function == NULL) return error_set(error, ERR_CORRUPT, "run of an unknown function");
	struct run *run = run_new(engine, &id, function);
	run->is_restored = true;
	run->function_version = take_u32(d);
	take_bytes(d, run->event_id.bytes, 16);
	run->key_hash = take_u64(d);
	run->events_len = take_u32(d);
	run->first_event_len = take_u32(d);
	run->started_ms = take_u64(d);
	run->request_version = (int8_t)take_u8(d);
	run->flags = take_u8(d);
	run->stalls = take_u8(d);
	run->joined = take_u64(d);
	run->coalesce = take_u64(d);
	uint32_t count = take_u32(d);
	if (count > d->rest.len / 8) d->failed = true;
	if (!d->failed && count > 0) {
		run->group = mem_alloc(count * sizeof *run->group);
		for (uint32_t i = 0; i < count; i++) run->group[i] = take_u64(d);
		run->group_count = run->pending_count = count;
	}
	struct str correlation = take_text(d), meta = d->version >= 2 ? take_text(d) : STR("");
	if (meta.len > 0) run->meta = mem_strndup(meta.ptr, meta.len);
	run->depth = d->version >= 2 ? take_u8(d) : 0;
	if (correlation.len > 0) run->correlation = mem_strndup(correlation.ptr, correlation.len);
	run->state_bytes = run->events_len;
	if (d->version >= 3 && !run_limits_decode(engine, run, d)) d->failed = true;
	if ((run->flags & RUN_DEBUGGED) != 0) restore_debug(run, d);
	if (d->failed || run->first_event_len > run->events_len) {
		run_free(engine, run);
		return error_set(error, ERR_CORRUPT, "run record cut short");
	}
	return ERR_OK;
}

void record_step(struct engine *engine, const struct run *run, const struct step *step, bool with_body) {
	struct buf head = head_begin();
	put_u8(&head, step->flags);
	put_u32(&head, step->size);
	put_text(&head, str_make(step->id, step->id_len));
	put_u8(&head, step->op);
	put_text(&head, str_make(step->id + step->id_len, step->name_len));
	uint8_t key[20];
	size_t len = run_key(&run->id, step->position, key);
	head_end(engine, &head, with_body ? RECORD_PUT : RECORD_HEAD, RECORD_STEP, str_make(key, len),
		 with_body ? step->value : NULL);
}

enum err step_record_read(struct str head, struct step_record *out, struct error *error) {
	struct decoder d = {.rest = head};
	*out = (struct step_record){.op = OPCODE_STEP_RUN, .name = STR("")};
	d.version = take_u8(&d);
	out->is_input = (take_u8(&d) & STEP_INPUT) != 0;
	out->bytes = take_u32(&d);
	out->id = take_text(&d);
	if (d.version >= 2) {
		out->op = (enum opcode_kind)take_u8(&d);
		out->name = take_text(&d);
	}
	if (d.failed || d.version == 0 || d.version > RECORD_VERSION || (unsigned)out->op >= OPCODE_COUNT)
		return error_set(error, ERR_CORRUPT, "step record cut short");
	return ERR_OK;
}

// The run that a key of 20 bytes belongs to, and the number behind it.
static enum err owner(struct engine *engine, struct str key, struct run **run, uint32_t *number, struct error *error) {
	if (key.len != 20) return error_set(error, ERR_CORRUPT, "key of %zu bytes", key.len);
	struct ulid id;
	memcpy(id.bytes, key.ptr, 16);
	const unsigned char *at = (const unsigned char *)key.ptr + 16;
	*number = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	*run = run_find(engine, &id);
	if (*run == NULL) return error_set(error, ERR_CORRUPT, "belongs to no run");
	return ERR_OK;
}

static enum err restore_step(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct run *run = NULL;
	uint32_t position = 0;
	enum err err = owner(engine, key, &run, &position, error);
	if (err != ERR_OK) return err;
	uint8_t flags = take_u8(d);
	uint32_t size = take_u32(d);
	struct str id = take_text(d), name = STR("");
	uint8_t op = OPCODE_STEP_RUN;
	if (d->version >= 2) {
		op = take_u8(d);
		name = take_text(d);
	}
	if (d->failed || id.len > STEP_ID_MAX) return error_set(error, ERR_CORRUPT, "step record cut short");
	if (run_step(run, id) != NULL) return error_set(error, ERR_CORRUPT, "step stored twice");
	struct step *step = run_append_step(run, id, name, size, position);
	step->flags = flags;
	step->op = op;
	if ((flags & STEP_INPUT) != 0)
		run->input_count++;
	else
		run_group_done(run, step->hash);
	return ERR_OK;
}

void record_item(struct engine *engine, const struct item *item) {
	struct buf head = head_begin();
	put_u8(&head, item->kind);
	put_u8(&head, item->parallel);
	put_u32(&head, item->attempt);
	put_u32(&head, item->generation);
	put_u64(&head, item->due_ms);
	put_u64(&head, item->job_hash);
	put_u64(&head, item->coalesce);
	put_u32(&head, item->lead);
	put_text(&head, item_target(item));
	put_text(&head, item_name(item));
	if (item_table[item->kind].has_pause) {
		struct str event, expression;
		bool is_conditional;
		pause_encode(item->pause, &event, &expression, &is_conditional);
		put_text(&head, event);
		put_u8(&head, is_conditional);
		put_text(&head, expression);
	}
	if (item->kind == ITEM_SIGNAL) {
		struct str name;
		bool is_owner;
		signal_encode(item->signal, &name, &is_owner);
		put_text(&head, name);
		put_u8(&head, is_owner);
	}
	put_u8(&head, (uint8_t)(item->is_leased * ITEM_LEASED | item->is_late * ITEM_LATE |
				item->is_after_sleep * ITEM_SLEPT | (item->called_ms > 0) * ITEM_CALLED));
	put_u64(&head, item->queued_ms);
	put_u64(&head, item->parent_job);
	if (item->called_ms > 0) put_u64(&head, item->called_ms);
	uint8_t key[20];
	size_t len = run_key(&item->run->id, item->slot, key);
	head_end(engine, &head, RECORD_PUT, RECORD_ITEM, str_make(key, len), NULL);
}

static enum err restore_item(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct run *run = NULL;
	uint32_t slot = 0;
	enum err err = owner(engine, key, &run, &slot, error);
	if (err != ERR_OK) return err;
	uint8_t kind = take_u8(d), parallel = take_u8(d);
	uint32_t attempt = take_u32(d), generation = take_u32(d);
	uint64_t due = take_u64(d), job = take_u64(d), coalesce = take_u64(d);
	uint32_t lead = take_u32(d);
	struct str target = take_text(d), name = d->version >= 2 ? take_text(d) : STR("");
	struct str event = STR(""), expression = STR("");
	bool is_conditional = false, owns_signal = false;
	if (kind >= ITEM_KIND_COUNT || item_table[kind].job_kind == NULL)
		return error_set(error, ERR_CORRUPT, "queue item of an unknown kind");
	if (item_table[kind].has_pause) {
		event = take_text(d);
		is_conditional = take_u8(d) != 0;
		expression = take_text(d);
	}
	struct str signal = kind == ITEM_SIGNAL ? take_text(d) : STR("");
	if (kind == ITEM_SIGNAL) owns_signal = take_u8(d) != 0;
	uint8_t flags = d->version >= 3 ? take_u8(d) : 0;
	uint64_t queued = d->version >= 4 ? take_u64(d) : due, parent = d->version >= 4 ? take_u64(d) : 0;
	uint64_t called = (flags & ITEM_CALLED) != 0 ? take_u64(d) : 0;
	if (d->failed || parallel > PARALLEL_RACE || target.len > STEP_ID_MAX) {
		return error_set(error, ERR_CORRUPT, "queue item record cut short");
	}
	run->next_slot = slot;
	struct item *item = item_new(engine, run, (enum item_kind)kind, due);
	item->parallel = parallel;
	item->attempt = attempt;
	item->generation = generation;
	item->job_hash = job;
	item->coalesce = coalesce;
	item->lead = lead;
	bool is_kept = (flags & ITEM_LEASED) != 0 && !item_table[kind].is_timer;
	if (is_kept && engine->config.planted_bug != 21) constraints_keep(item);
	item->is_leased = item->holds;
	item->is_late = (flags & ITEM_LATE) != 0;
	item->is_after_sleep = (flags & ITEM_SLEPT) != 0;
	item->queued_ms = queued;
	item->parent_job = parent;
	item->called_ms = called;
	if (target.len > 0) item_set_label(item, target, name);
	if (item_table[kind].has_pause) pause_new(engine, item, event, expression, is_conditional);
	if (kind == ITEM_SIGNAL && !signal_new(engine, item, signal, owns_signal)) {
		item_free(item);
		return error_set(error, ERR_CORRUPT, "two waits have the name of one signal");
	}
	list_push_back(&engine->dirty_items, &item->dirty); // for engine_start
	return ERR_OK;
}

void record_idem(struct engine *engine, const struct idem *idem, bool remove) {
	struct buf key;
	buf_init(&key, RECORD_KEY_MAX);
	for (int i = 0; i < 8; i++) buf_byte(&key, (char)(idem->expires_ms >> (56 - 8 * i)));
	put_u64(&key, idem->function_hash);
	put_u64(&key, idem->key_hash);
	if (remove) {
		batch_record(engine->batch, RECORD_DELETE, RECORD_IDEMPOTENCY, buf_view(&key));
	} else {
		struct buf head = head_begin();
		buf_append(&head, idem->run_id.bytes, 16);
		head_end(engine, &head, RECORD_PUT, RECORD_IDEMPOTENCY, buf_view(&key), NULL);
	}
	buf_free(&key);
}

static enum err restore_idem(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct idem idem = {0};
	if (key.len != 24) return error_set(error, ERR_CORRUPT, "idempotency key of %zu bytes", key.len);
	for (int i = 0; i < 8; i++) idem.expires_ms = idem.expires_ms << 8 | (unsigned char)key.ptr[i];
	struct decoder numbers = {.rest = str_skip(key, 8)};
	idem.function_hash = take_u64(&numbers);
	idem.key_hash = take_u64(&numbers);
	if (d->version >= 2) take_bytes(d, idem.run_id.bytes, 16);
	if (d->failed) return error_set(error, ERR_CORRUPT, "idempotency record cut short");
	idem_add(engine, &idem);
	return ERR_OK;
}

void record_held(struct engine *engine, const struct held_event *held, struct late_text *data) {
	struct buf head = head_begin();
	put_u64(&head, held->ts_ms);
	put_text(&head, str_from_cstr(held->name));
	put_text(&head, str_from_cstr(held->id));
	put_text(&head, str_from_cstr(held->meta));
	put_u8(&head, held->depth);
	head_end(engine, &head, RECORD_PUT, RECORD_EVENT, str_make(held->internal_id.bytes, 16), NULL);
	if (data == NULL) return;
	engine->batch->records[engine->batch->record_count - 1].late_body = data;
	data->is_used = true;
}

static enum err restore_held(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	if (key.len != 16) return error_set(error, ERR_CORRUPT, "event key of %zu bytes", key.len);
	struct ulid internal_id;
	memcpy(internal_id.bytes, key.ptr, 16);
	uint64_t ts_ms = take_u64(d);
	struct str name = take_text(d), id = take_text(d), meta = d->version >= 2 ? take_text(d) : STR("");
	uint8_t depth = d->version >= 2 ? take_u8(d) : 0;
	if (d->failed) return error_set(error, ERR_CORRUPT, "event record cut short");
	struct held_event *held = held_new(engine, &internal_id, name, id, meta, ts_ms);
	if (held == NULL) return error_set(error, ERR_CORRUPT, "event stored twice");
	held->depth = depth;
	return ERR_OK;
}

void record_cancellation(struct engine *engine, const struct cancellation *cancellation, bool remove) {
	struct ulid id = cancellation_id(cancellation);
	struct str key = str_make(id.bytes, sizeof id.bytes);
	if (remove) {
		batch_record(engine->batch, RECORD_DELETE, RECORD_CANCELLATION, key);
		return;
	}
	struct buf head = head_begin();
	cancellation_encode(cancellation, &head);
	head_end(engine, &head, RECORD_PUT, RECORD_CANCELLATION, key, NULL);
}

static enum err restore_cancellation(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct ulid id;
	if (key.len != sizeof id.bytes) return error_set(error, ERR_CORRUPT, "cancellation key of %zu bytes", key.len);
	memcpy(id.bytes, key.ptr, sizeof id.bytes);
	if (!cancellation_decode(engine, &id, d))
		return error_set(error, ERR_CORRUPT, "cancellation cut short, doubled, or of an unknown function");
	return ERR_OK;
}

// [function uuid ‖ be64 hash of the text]
static struct str cron_key(const struct function *function, struct str text, uint8_t out[24]) {
	uint64_t hash = hash_xxh64(text);
	memcpy(out, function->id.bytes, 16);
	for (int i = 0; i < 8; i++) out[16 + i] = (uint8_t)(hash >> (56 - 8 * i));
	return str_make(out, 24);
}

void record_cron(struct engine *engine, const struct function *function, struct str text, uint64_t next_ms) {
	uint8_t key[24];
	struct buf head = head_begin();
	put_u64(&head, next_ms);
	put_text(&head, text);
	head_end(engine, &head, RECORD_PUT, RECORD_CRON, cron_key(function, text, key), NULL);
}

void record_cron_delete(struct engine *engine, const struct function *function, struct str text) {
	uint8_t key[24];
	batch_record(engine->batch, RECORD_DELETE, RECORD_CRON, cron_key(function, text, key));
}

static enum err restore_cron(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct uuid id;
	if (key.len != 24) return error_set(error, ERR_CORRUPT, "schedule key of %zu bytes", key.len);
	memcpy(id.bytes, key.ptr, sizeof id.bytes);
	struct function *function = function_find(engine, &id);
	if (function == NULL) return error_set(error, ERR_CORRUPT, "schedule of an unknown function");
	uint64_t next_ms = take_u64(d);
	struct str text = take_text(d);
	if (d->failed || !cron_restore(function, text, next_ms))
		return error_set(error, ERR_CORRUPT, "schedule cut short, or stored twice");
	return ERR_OK;
}

// ---- flow control --------------------------------------------------------------------------------------------------

void record_rate(struct engine *engine, uint64_t id, uint64_t tat_ns) {
	char key[8];
	for (int i = 0; i < 8; i++) key[i] = (char)(id >> (56 - 8 * i));
	if (tat_ns == 0) {
		batch_record(engine->batch, RECORD_DELETE, RECORD_RATE, str_make(key, sizeof key));
		return;
	}
	struct buf head = head_begin();
	put_u64(&head, tat_ns);
	head_end(engine, &head, RECORD_PUT, RECORD_RATE, str_make(key, sizeof key), NULL);
}

static enum err restore_rate(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	uint64_t id = 0, tat_ns = take_u64(d);
	if (key.len != 8 || d->failed) return error_set(error, ERR_CORRUPT, "rate record cut short");
	for (int i = 0; i < 8; i++) id = id << 8 | (unsigned char)key.ptr[i];
	rate_restore(engine, id, tat_ns);
	return ERR_OK;
}

static struct str ulid_key(const struct ulid *id) {
	return str_make(id->bytes, sizeof id->bytes);
}

void record_debounce(struct engine *engine, const struct debounce *debounce, struct payload *event) {
	struct ulid id = debounce_id(debounce);
	struct buf head = head_begin();
	debounce_encode(debounce, &head);
	head_end(engine, &head, RECORD_PUT, RECORD_DEBOUNCE, ulid_key(&id), event);
}

void record_debounce_delete(struct engine *engine, const struct ulid *id) {
	batch_record(engine->batch, RECORD_DELETE, RECORD_DEBOUNCE, ulid_key(id));
}

static enum err restore_debounce(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct ulid id;
	if (key.len != sizeof id.bytes) return error_set(error, ERR_CORRUPT, "debounce key of %zu bytes", key.len);
	memcpy(id.bytes, key.ptr, sizeof id.bytes);
	if (debounce_decode(engine, &id, d)) return ERR_OK;
	return error_set(error, ERR_CORRUPT, "debounce cut short, doubled, or of an unknown function");
}

void record_event_batch(struct engine *engine, const struct event_batch *event_batch) {
	struct ulid id = event_batch_id(event_batch);
	struct buf head = head_begin();
	event_batch_encode(event_batch, &head);
	head_end(engine, &head, RECORD_PUT, RECORD_EVENT_BATCH, ulid_key(&id), NULL);
}

void record_batch_event(struct engine *engine, const struct event_batch *event_batch, uint32_t member,
			struct payload *event) {
	struct ulid id = event_batch_id(event_batch);
	uint8_t key[20];
	size_t len = run_key(&id, event_batch_number(event_batch, member), key);
	struct buf head = head_begin();
	event_batch_encode_event(event_batch, member, &head);
	head_end(engine, &head, RECORD_PUT, RECORD_BATCH_EVENT, str_make(key, len), event);
}

void record_event_batch_delete(struct engine *engine, const struct ulid *id) {
	batch_record(engine->batch, RECORD_DELETE, RECORD_EVENT_BATCH, ulid_key(id));
	batch_record(engine->batch, RECORD_DELETE_PREFIX, RECORD_BATCH_EVENT, ulid_key(id));
}

static enum err restore_event_batch(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct ulid id;
	if (key.len != sizeof id.bytes) return error_set(error, ERR_CORRUPT, "event batch key of %zu bytes", key.len);
	memcpy(id.bytes, key.ptr, sizeof id.bytes);
	if (event_batch_decode(engine, &id, d)) return ERR_OK;
	return error_set(error, ERR_CORRUPT, "event batch cut short, doubled, or of an unknown function");
}

static enum err restore_batch_event(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct ulid id;
	uint32_t number = 0;
	if (key.len != 20) return error_set(error, ERR_CORRUPT, "batched event's key of %zu bytes", key.len);
	memcpy(id.bytes, key.ptr, sizeof id.bytes);
	for (int i = 0; i < 4; i++) number = number << 8 | (unsigned char)key.ptr[16 + i];
	if (event_batch_decode_event(engine, &id, number, d)) return ERR_OK;
	return error_set(error, ERR_CORRUPT, "batched event cut short, doubled, or of no batch");
}

// ---- defers --------------------------------------------------------------------------------------------------------

void record_defer(struct engine *engine, const struct run *run, uint32_t index, bool with_body) {
	uint8_t key[20];
	uint32_t number;
	struct payload *input;
	struct buf head = head_begin();
	defer_stored(run, index, &number, &input);
	defer_encode(run, index, &head);
	size_t len = run_key(&run->id, number, key);
	head_end(engine, &head, RECORD_PUT, RECORD_DEFER, str_make(key, len), with_body ? input : NULL);
}

static enum err restore_defer(struct engine *engine, struct str key, struct decoder *d, struct error *error) {
	struct run *run = NULL;
	uint32_t number = 0;
	enum err err = owner(engine, key, &run, &number, error);
	if (err != ERR_OK || defer_decode(run, number, d)) return err;
	return error_set(error, ERR_CORRUPT, "defer cut short, or one too many");
}

// ---- runs as a whole -----------------------------------------------------------------------------------------------

void record_step_delete(struct engine *engine, const struct run *run, uint32_t position) {
	uint8_t key[20];
	size_t len = run_key(&run->id, position, key);
	batch_record(engine->batch, RECORD_DELETE, RECORD_STEP, str_make(key, len));
}

void record_run_delete(struct engine *engine, const struct run *run) {
	struct str id = str_make(run->id.bytes, 16);
	batch_record(engine->batch, RECORD_DELETE, RECORD_RUN, id);
	// Without history nobody looks at them again.
	enum record_op end = engine->config.no_history ? RECORD_DELETE_PREFIX : RECORD_RETIRE_PREFIX;
	if (run->next_position > 0) batch_record(engine->batch, end, RECORD_STEP, id);
	if (run->defer_count > 0) batch_record(engine->batch, RECORD_DELETE_PREFIX, RECORD_DEFER, id);
	if (run->next_slot > 0 && engine->config.planted_bug != 2) {
		batch_record(engine->batch, RECORD_DELETE_PREFIX, RECORD_ITEM, id);
	}
}

void record_slot_delete(struct engine *engine, const struct run *run, uint32_t slot) {
	uint8_t key[20];
	size_t len = run_key(&run->id, slot, key);
	batch_record(engine->batch, RECORD_DELETE, RECORD_ITEM, str_make(key, len));
}

void record_run(struct engine *engine, const struct run *run) {
	bool put = (run->dirty_what & DIRTY_NEW) != 0;
	struct buf head = run_head(run);
	head_end(engine, &head, put ? RECORD_PUT : RECORD_HEAD, RECORD_RUN, str_make(run->id.bytes, 16),
		 put ? run->events : NULL);
}

// Ready runs that have not begun keep their payloads while there are no more items in line than this.
#define REST_READY_MAX 10000u

static bool is_far_away(const struct engine *engine, const struct item *item) {
	if (item->state == ITEM_READY) return item->kind == ITEM_START && engine->ready_count > REST_READY_MAX;
	return item->state == ITEM_LATER && item->due_ms >= engine->now + engine->config.rest_after_ms;
}

// A run whose next work is far away keeps nothing but its skeleton in memory.
static bool can_rest(const struct engine *engine, const struct run *run) {
	list_for_each(node, &run->items) {
		if (!is_far_away(engine, list_entry(node, struct item, of_run))) return false;
	}
	return true;
}

// Only now: until their batch was out their payloads were not in the store, where others might have looked for them.
void runs_rest(struct engine *engine) {
	for (struct list *node; (node = list_pop_front(&engine->resting)) != NULL;) {
		struct run *run = list_entry(node, struct run, dirty);
		run->late_events = NULL;
		run_rest(run); // one whose events came late has none in memory anyway
	}
}

static void flush_run(struct engine *engine, struct run *run) {
	if (run->free_slot != SLOT_NONE) {
		record_slot_delete(engine, run, run->free_slot);
		run->free_slot = SLOT_NONE;
	}
	if ((run->dirty_what & (DIRTY_NEW | DIRTY_HEAD)) != 0) record_run(engine, run);
	run->dirty_what = 0;
	if (run->late_events != NULL || can_rest(engine, run)) list_push_back(&engine->resting, &run->dirty);
}

void records_flush(struct engine *engine) {
	for (struct list *node; (node = list_pop_front(&engine->dirty_runs)) != NULL;) {
		flush_run(engine, list_entry(node, struct run, dirty));
	}
	for (struct list *node; (node = list_pop_front(&engine->dirty_items)) != NULL;) {
		record_item(engine, list_entry(node, struct item, dirty));
	}
	rates_flush(engine);
}

enum err engine_restore(struct engine *engine, uint8_t kind, struct str key, struct str head, struct error *error) {
	struct decoder d = {.rest = head};
	d.version = take_u8(&d);
	if (d.version == 0 || d.version > RECORD_VERSION) {
		return error_set(error, ERR_CORRUPT, "record version %u is unknown to this release", d.version);
	}
	switch (kind) {
	case RECORD_APP:
		return restore_app(engine, key, &d, error);
	case RECORD_FUNCTION:
		return restore_function(engine, key, &d, error);
	case RECORD_RUN:
		return restore_run(engine, key, &d, error);
	case RECORD_STEP:
		return restore_step(engine, key, &d, error);
	case RECORD_ITEM:
		return restore_item(engine, key, &d, error);
	case RECORD_IDEMPOTENCY:
		return restore_idem(engine, key, &d, error);
	case RECORD_CANCELLATION:
		return restore_cancellation(engine, key, &d, error);
	case RECORD_CRON:
		return restore_cron(engine, key, &d, error);
	case RECORD_RATE:
		return restore_rate(engine, key, &d, error);
	case RECORD_DEFER:
		return restore_defer(engine, key, &d, error);
	case RECORD_DEBOUNCE:
		return restore_debounce(engine, key, &d, error);
	case RECORD_EVENT_BATCH:
		return restore_event_batch(engine, key, &d, error);
	case RECORD_BATCH_EVENT:
		return restore_batch_event(engine, key, &d, error);
	case RECORD_EVENT:
		return restore_held(engine, key, &d, error);
	default:
		return error_set(error, ERR_CORRUPT, "record kind %u is unknown to this release", kind);
	}
}
