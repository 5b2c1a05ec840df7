// Bulk cancellations: every run of a function that was scheduled within a span of time, and whose event meets a
// condition (03 §16.3). The list of runs is made once; then they are looked at piece by piece, so that a million of
// them hold up nobody. A run at rest has its event loaded first.
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "engine/engine_internal.h"
#include "model/limits.h"

#define PIECE_MAX 256u // runs looked at in one command

struct cancellation {
	struct list all;    // engine->cancellations; on its own when the server made it
	struct list active; // engine->cancelling, while runs are left
	struct ulid id;
	struct function *function;
	uint64_t created_ms, after_ms, before_ms;
	bool has_after;
	bool is_done;
	bool is_internal; // by the server, not stored: runs that have made no call
	char *condition;  // empty: none
	struct arena arena;
	const struct cel_program *program;
	struct ulid *runs; // to be looked at, from `next` on
	size_t count, cap, next;
	uint32_t loading;
};

// ---- life ----------------------------------------------------------------------------------------------------------

static struct cancellation *cancellation_new(struct function *function, const struct ulid *id, struct str condition) {
	struct cancellation *c = mem_calloc(1, sizeof *c);
	c->id = *id;
	c->function = function;
	c->before_ms = UINT64_MAX;
	c->condition = mem_strndup(condition.ptr, condition.len);
	list_init(&c->all);
	list_init(&c->active);
	arena_init(&c->arena, 256);
	if (condition.len > 0) c->program = cel_compile(&c->arena, str_from_cstr(c->condition), CEL_EVALUATE, NULL);
	return c;
}

static void cancellation_free(struct cancellation *c) {
	list_remove(&c->all);
	list_remove(&c->active);
	arena_free(&c->arena);
	free(c->condition);
	free(c->runs);
	free(c);
}

void cancellations_free(struct engine *engine) {
	while (!list_empty(&engine->cancelling)) {
		struct cancellation *c = list_entry(engine->cancelling.next, struct cancellation, active);
		list_remove(&c->active);
		if (c->is_internal) cancellation_free(c);
	}
	while (!list_empty(&engine->cancellations))
		cancellation_free(list_entry(engine->cancellations.next, struct cancellation, all));
}

void cancellations_clear(struct engine *engine) {
	list_for_each(node, &engine->cancellations)
		record_cancellation(engine, list_entry(node, struct cancellation, all), true);
	cancellations_free(engine);
}

struct ulid cancellation_id(const struct cancellation *c) {
	return c->id;
}

void cancellation_encode(const struct cancellation *c, struct buf *out) {
	buf_append(out, c->function->id.bytes, 16);
	put_u8(out, c->is_done);
	put_u8(out, c->has_after);
	put_u64(out, c->created_ms);
	put_u64(out, c->after_ms);
	put_u64(out, c->before_ms);
	put_text(out, str_from_cstr(c->condition));
}

static struct cancellation *find_kept(const struct engine *engine, const struct ulid *id) {
	list_for_each(node, &engine->cancellations) {
		struct cancellation *c = list_entry(node, struct cancellation, all);
		if (ulid_cmp(&c->id, id) == 0) return c;
	}
	return NULL;
}

static struct cancellation *find_active(const struct engine *engine, const struct ulid *id) {
	list_for_each(node, &engine->cancelling) {
		struct cancellation *c = list_entry(node, struct cancellation, active);
		if (ulid_cmp(&c->id, id) == 0) return c;
	}
	return NULL;
}

static void add(struct engine *engine, struct cancellation *c) {
	list_push_back(&engine->cancellations, &c->all);
	if (c->before_ms > c->function->cancel_until_ms) c->function->cancel_until_ms = c->before_ms;
}

bool cancellation_decode(struct engine *engine, const struct ulid *id, struct decoder *d) {
	struct uuid function_id;
	take_bytes(d, function_id.bytes, 16);
	bool is_done = take_u8(d) != 0, has_after = take_u8(d) != 0;
	uint64_t created_ms = take_u64(d), after_ms = take_u64(d), before_ms = take_u64(d);
	struct str condition = take_text(d);
	struct function *function = function_find(engine, &function_id);
	if (d->failed || function == NULL || find_kept(engine, id) != NULL) return false;
	struct cancellation *c = cancellation_new(function, id, condition);
	c->is_done = is_done;
	c->has_after = has_after;
	c->created_ms = created_ms;
	c->after_ms = after_ms;
	c->before_ms = before_ms;
	add(engine, c);
	return true;
}

// ---- the runs ------------------------------------------------------------------------------------------------------

static bool covers(const struct cancellation *c, const struct run *run) {
	uint64_t scheduled_ms = ulid_time_ms(&run->id);
	if (c->is_internal) return !c->function->indexed && (run->flags & RUN_STARTED) == 0; // it may have come back
	return scheduled_ms <= c->before_ms && (!c->has_after || scheduled_ms >= c->after_ms);
}

static void add_run(struct engine *engine, struct cancellation *c, const struct run *run) {
	if (c->count == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 64;
		c->runs = mem_realloc(c->runs, c->cap * sizeof *c->runs);
	}
	c->runs[c->count++] = run->id;
	if (list_empty(&c->active)) list_push_back(&engine->cancelling, &c->active);
}

static void finish(struct engine *engine, struct cancellation *c) {
	list_remove(&c->active);
	free(c->runs);
	c->runs = NULL;
	c->count = c->cap = c->next = 0;
	if (c->is_internal) return cancellation_free(c);
	c->is_done = true;
	record_cancellation(engine, c, false);
}

static void collect(struct engine *engine, struct cancellation *c) {
	list_for_each(node, &c->function->runs) {
		const struct run *run = list_entry(node, struct run, of_function);
		if (covers(c, run)) add_run(engine, c, run);
	}
	if (c->count == 0) finish(engine, c);
}

static bool meets(struct engine *engine, const struct cancellation *c, struct str event) {
	struct event_form form;
	event_form_init_text(&form, event);
	struct cel_value result = event_form_eval(engine, &form, c->program);
	bool meets = result.type == CEL_BOOL && result.boolean;
	event_form_free(engine, &form);
	return meets;
}

static struct str first_event(const struct run *run, const struct payload *events) {
	return str_first(str_skip(payload_str(events), 1), run->first_event_len);
}

static void look_at(struct engine *engine, struct cancellation *c, const struct ulid *run_id) {
	struct run *run = run_find(engine, run_id);
	if (run == NULL || !covers(c, run)) return;
	if (c->condition[0] != '\0' && c->program == NULL) return; // was checked, and yet: it never holds
	if (c->program != NULL && run->events == NULL) {
		*batch_load(engine->batch) =
			(struct event_load){.kind = LOAD_RUN, .id = *run_id, .cancellation_id = c->id};
		c->loading++;
		return;
	}
	if (c->program == NULL || meets(engine, c, first_event(run, run->events)))
		run_finish(engine, run, RUN_END_CANCELLED, NULL, NULL);
}

void cancellations_run_loaded(struct engine *engine, struct command *command) {
	struct cancellation *c = find_active(engine, &command->loaded.cancellation_id);
	if (c == NULL) return; // removed meanwhile
	struct run *run = run_find(engine, &command->loaded.id);
	if (engine->config.planted_bug == 11) run = NULL;
	c->loading--;
	if (run != NULL && command->loaded.data == NULL)
		complain(engine, c->function, str_from_cstr(c->condition), STR("a run's event cannot be read"),
			 "a bulk cancellation passes over a run");
	else if (run != NULL && meets(engine, c, first_event(run, command->loaded.data)))
		run_finish(engine, run, RUN_END_CANCELLED, NULL, NULL);
	if (c->next == c->count && c->loading == 0) finish(engine, c);
}

bool cancellations_ready(const struct engine *engine) {
	list_for_each(node, &engine->cancelling) {
		const struct cancellation *c = list_entry(node, struct cancellation, active);
		if (c->next < c->count && c->loading < PIECE_MAX) return true;
	}
	return false;
}

void cancellations_work(struct engine *engine) {
	uint32_t left = PIECE_MAX;
	for (struct list *node = engine->cancelling.next, *after; node != &engine->cancelling && left > 0;
	     node = after) {
		struct cancellation *c = list_entry(node, struct cancellation, active);
		after = node->next;
		for (; left > 0 && c->next < c->count && c->loading < PIECE_MAX; left--) {
			struct ulid run_id = c->runs[c->next++]; // the end of a run may add to the list
			look_at(engine, c, &run_id);
		}
		after = node->next;
		if (c->next == c->count && c->loading == 0) finish(engine, c);
	}
}

// The bound of a cancellation may lie a moment in the future.
void cancellations_run_begun(struct engine *engine, const struct run *run) {
	if (run->function->cancel_until_ms < engine->now) return;
	list_for_each(node, &engine->cancellations) {
		struct cancellation *c = list_entry(node, struct cancellation, all);
		if (c->function != run->function || !covers(c, run)) continue;
		if (c->is_done) {
			c->is_done = false;
			record_cancellation(engine, c, false);
		}
		add_run(engine, c, run);
	}
}

void cancel_unstarted(struct engine *engine, struct function *function) {
	static const struct ulid none;
	if (list_empty(&function->runs)) return;
	struct cancellation *c = cancellation_new(function, &none, STR(""));
	c->is_internal = true;
	collect(engine, c);
}

void cancellations_start(struct engine *engine) {
	list_for_each(node, &engine->cancellations) {
		struct cancellation *c = list_entry(node, struct cancellation, all);
		if (!c->is_done) collect(engine, c);
	}
	for (struct map_node *node = map_walk(&engine->functions, NULL); node != NULL;
	     node = map_walk(&engine->functions, node)) {
		struct function *function = container_of(node, struct function, by_id);
		if (!function->indexed) cancel_unstarted(engine, function);
	}
}

// ---- commands ------------------------------------------------------------------------------------------------------

static void write_time(struct buf *out, const char *name, uint64_t ms) {
	buf_printf(out, ",\"%s\":\"", name);
	date_format_rfc3339(out, (int64_t)ms * 1000000);
	buf_byte(out, '"');
}

static void write_uuid(struct buf *out, const char *name, const struct uuid *id) {
	char text[UUID_TEXT_LEN + 1];
	uuid_text(id, text);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

// 05 §12.11
static void write_json(struct buf *out, const struct cancellation *c) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&c->id, id);
	buf_lit(out, "{\"created_at\":\"");
	date_format_rfc3339(out, (int64_t)c->created_ms * 1000000);
	buf_printf(out,
		   "\",\"name\":null,\"id\":\"%s\",\"account_id\":\"" ACCOUNT_ID "\",\"environment_id\":\"" ENV_ID "\"",
		   id);
	write_uuid(out, "app_id", &c->function->app->id);
	write_uuid(out, "function_internal_id", &c->function->id);
	buf_lit(out, ",\"function_id\":");
	buf_json_str(out, c->function->config.slug);
	if (c->has_after)
		write_time(out, "started_after", c->after_ms);
	else
		buf_lit(out, ",\"started_after\":null");
	write_time(out, "started_before", c->before_ms);
	if (c->condition[0] != '\0') {
		buf_lit(out, ",\"if\":");
		buf_json_str(out, str_from_cstr(c->condition));
	}
	buf_lit(out, ",\"kind\":\"bulk_run\",\"cause\":\"API\",\"queue_name\":null}");
}

static void reply_text(struct engine *engine, const struct command *command, const struct buf *text) {
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = arena_dup(&reply->arena, buf_view(text));
	batch_reply(engine->batch, reply);
}

static void reply_failed(struct engine *engine, const struct command *command, int status, struct str text) {
	struct reply *reply = reply_new(command->request, REPLY_FAILED, status);
	reply->text = text;
	batch_reply(engine->batch, reply);
}

// The oldest one that is done gives way when there are as many as are kept. False when none is.
static bool make_room(struct engine *engine) {
	size_t count = 0;
	list_for_each(node, &engine->cancellations) count++;
	if (count < CANCELLATIONS_MAX) return true;
	list_for_each(node, &engine->cancellations) {
		struct cancellation *c = list_entry(node, struct cancellation, all);
		if (!c->is_done) continue;
		record_cancellation(engine, c, true);
		cancellation_free(c);
		return true;
	}
	return false;
}

void apply_cancel_many(struct engine *engine, struct command *command) {
	struct function *function =
		function_of_app(engine, command->cancellation.app_name, command->cancellation.function);
	if (function == NULL) return reply_failed(engine, command, 404, STR("function not found"));
	if (!make_room(engine))
		return reply_failed(engine, command, 429, STR("too many cancellations are under way: try again later"));
	struct cancellation *c = cancellation_new(function, &command->cancellation.id, command->cancellation.condition);
	c->created_ms = engine->now;
	c->has_after = command->cancellation.has_after;
	c->after_ms = command->cancellation.after_ms;
	c->before_ms = command->cancellation.before_ms;
	add(engine, c);
	record_cancellation(engine, c, false);
	collect(engine, c);
	struct buf text;
	buf_init(&text, SIZE_MAX);
	write_json(&text, c);
	reply_text(engine, command, &text);
	buf_free(&text);
}

void apply_cancellations(struct engine *engine, struct command *command) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_byte(&text, '[');
	list_for_each(node, &engine->cancellations) {
		if (text.len > 1) buf_byte(&text, ',');
		write_json(&text, list_entry(node, struct cancellation, all));
	}
	buf_byte(&text, ']');
	reply_text(engine, command, &text);
	buf_free(&text);
}

void apply_cancellation_remove(struct engine *engine, struct command *command) {
	struct cancellation *c = find_kept(engine, &command->cancellation.id);
	if (c == NULL) return reply_failed(engine, command, 404, STR("Cancellation not found"));
	record_cancellation(engine, c, true);
	cancellation_free(c);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}

// ---- checks and copies ---------------------------------------------------------------------------------------------

void cancellations_verify(const struct engine *engine) {
	list_for_each(node, &engine->cancelling) {
		const struct cancellation *c = list_entry(node, struct cancellation, active);
		CHECK(!c->is_done && c->next <= c->count && (c->next < c->count || c->loading > 0));
	}
	list_for_each(node, &engine->cancellations) {
		const struct cancellation *c = list_entry(node, struct cancellation, all);
		CHECK(c->is_done == list_empty(&c->active));
	}
}

void cancellations_export(struct engine *engine) {
	list_for_each(node, &engine->cancellations)
		record_cancellation(engine, list_entry(node, struct cancellation, all), false);
}
