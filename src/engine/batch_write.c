// Appending to a batch.
#include <stdlib.h>

#include "engine/engine_internal.h"

#define COMPLAINT_MAX 1000 // bytes

static void *grow(void *array, size_t *cap, size_t size) {
	*cap = *cap == 0 ? 16 : *cap * 2;
	return mem_realloc(array, *cap * size);
}

struct record *batch_record(struct batch *batch, enum record_op op, uint8_t kind, struct str key) {
	CHECK(key.len <= RECORD_KEY_MAX);
	if (batch->record_count == batch->record_cap) {
		batch->records = grow(batch->records, &batch->record_cap, sizeof *batch->records);
	}
	struct record *record = &batch->records[batch->record_count++];
	*record = (struct record){.op = op, .kind = kind, .key_len = (uint8_t)key.len};
	memcpy(record->key, key.ptr, key.len);
	return record;
}

struct history_item *batch_history(struct batch *batch, enum history_kind kind, uint64_t at_ms) {
	if (batch->history_count == batch->history_cap) {
		batch->history = grow(batch->history, &batch->history_cap, sizeof *batch->history);
	}
	struct history_item *item = &batch->history[batch->history_count++];
	memset(item, 0, sizeof *item);
	item->kind = kind;
	item->at_ms = at_ms;
	return item;
}

struct late_text *batch_late(struct batch *batch, size_t parts) {
	if (batch->late_count == batch->late_cap) {
		batch->late = grow(batch->late, &batch->late_cap, sizeof(struct late_text *));
	}
	struct late_text *late = ARENA_NEW(&batch->arena, struct late_text);
	late->parts = ARENA_ARRAY(&batch->arena, struct late_part, parts);
	late->count = parts;
	batch->late[batch->late_count++] = late;
	return late;
}

struct event_load *batch_load(struct batch *batch) {
	if (batch->load_count == batch->load_cap) {
		batch->loads = grow(batch->loads, &batch->load_cap, sizeof *batch->loads);
	}
	return &batch->loads[batch->load_count++];
}

struct complaint *batch_complaint(struct batch *batch) {
	if (batch->complaint_count == batch->complaint_cap) {
		batch->complaints = grow(batch->complaints, &batch->complaint_cap, sizeof *batch->complaints);
	}
	return &batch->complaints[batch->complaint_count++];
}

void complain(struct engine *engine, const struct function *function, struct str text, struct str problem,
	      const char *what) {
	struct arena *arena = &engine->batch->arena;
	*batch_complaint(engine->batch) = (struct complaint){.what = what,
							     .function = arena_dup(arena, function->config.slug),
							     .text = arena_dup(arena, text),
							     .problem = arena_dup(arena, problem)};
}

void complain_value(struct engine *engine, const struct function *function, struct str text,
		    const struct cel_value *result, const char *what) {
	struct buf problem;
	buf_init(&problem, COMPLAINT_MAX);
	if (result->type == CEL_ERROR)
		cel_error_text(&problem, result);
	else
		buf_printf(&problem, "the result is no bool but a %s", cel_type_name((enum cel_type)result->type));
	complain(engine, function, text, buf_view(&problem), what);
	buf_free(&problem);
}

static void chain(struct message **first, struct message **last, struct message *message) {
	message->next = NULL;
	if (*last != NULL)
		(*last)->next = message;
	else
		*first = message;
	*last = message;
}

void batch_call(struct batch *batch, struct call *call) {
	chain(&batch->calls, &batch->calls_last, &call->message);
}

void batch_reply(struct batch *batch, struct reply *reply) {
	if (reply->request == 0) {
		reply_free(reply);
		return;
	}
	chain(&batch->replies, &batch->replies_last, &reply->message);
}
