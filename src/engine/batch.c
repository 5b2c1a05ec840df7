#include "engine/batch.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

static void release_steps(struct call_step *steps, size_t count) {
	for (size_t i = 0; i < count; i++) payload_unref(steps[i].value.data);
}

void call_free(struct call *call) {
	if (call == NULL) return;
	payload_unref(call->events.data);
	release_steps(call->steps, call->step_count);
	arena_free(&call->arena);
	free(call);
}

struct reply *reply_new(uint64_t request, enum reply_kind kind, int status) {
	struct reply *reply = mem_calloc(1, sizeof *reply);
	arena_init(&reply->arena, 512);
	reply->request = request;
	reply->kind = kind;
	reply->status = status;
	return reply;
}

void reply_free(struct reply *reply) {
	if (reply == NULL) return;
	payload_unref(reply->events.data);
	release_steps(reply->steps, reply->step_count);
	arena_free(&reply->arena);
	free(reply);
}

const enum record_kind load_records[LOAD_COUNT] = {
	[LOAD_HELD] = RECORD_EVENT,
	[LOAD_RUN] = RECORD_RUN,
	[LOAD_DEBOUNCE] = RECORD_DEBOUNCE,
	[LOAD_BATCH] = RECORD_EVENT_BATCH,
};

struct batch *batch_new(void) {
	struct batch *batch = mem_calloc(1, sizeof *batch);
	arena_init(&batch->arena, 16384);
	return batch;
}

static void release_history(struct history_item *item) {
	if (item->kind == HISTORY_EVENT || item->kind == HISTORY_EVENT_AGAIN) payload_unref(item->event.text);
	if (item->kind == HISTORY_FINISH) payload_unref(item->finish.output);
	if (item->kind == HISTORY_ANNOTATION) item->annotation.content->free(item->annotation.content);
}

void batch_free(struct batch *batch) {
	if (batch == NULL) return;
	for (size_t i = 0; i < batch->record_count; i++) payload_unref(batch->records[i].body);
	for (size_t i = 0; i < batch->history_count; i++) release_history(&batch->history[i]);
	for (size_t i = 0; i < batch->late_count; i++) {
		payload_unref(batch->late[i]->text);
		for (size_t j = 0; j < batch->late[i]->count; j++) {
			if (batch->late[i]->parts[j].ref != NULL) payload_unref(batch->late[i]->parts[j].ref->data);
		}
	}
	for (struct message *m = batch->calls, *next; m != NULL; m = next) {
		next = m->next;
		call_free((struct call *)m);
	}
	for (struct message *m = batch->replies, *next; m != NULL; m = next) {
		next = m->next;
		reply_free((struct reply *)m);
	}
	free(batch->records);
	free(batch->history);
	free(batch->late);
	free(batch->loads);
	free(batch->complaints);
	arena_free(&batch->arena);
	free(batch);
}

bool batch_is_empty(const struct batch *batch) {
	return batch->record_count == 0 && batch->history_count == 0 && batch->load_count == 0 &&
	       batch->complaint_count == 0 && batch->calls == NULL && batch->replies == NULL;
}

// Digest: a running xxHash over the fields that matter, independent of addresses.
static void mix(uint64_t *digest, const void *ptr, size_t len) {
	uint64_t parts[2] = {*digest, len > 0 ? hash_bytes(ptr, len) : 0};
	*digest = hash_bytes(parts, sizeof parts);
}
static void mix_str(uint64_t *digest, struct str s) {
	uint64_t len = s.len;
	mix(digest, &len, sizeof len);
	if (s.len > 0) mix(digest, s.ptr, s.len);
}
static void mix_u64(uint64_t *digest, uint64_t value) {
	mix(digest, &value, sizeof value);
}

static void mix_ref(uint64_t *digest, const struct payload_ref *ref) {
	mix_u64(digest, ref->kind);
	mix_str(digest, str_make(ref->key, ref->key_len));
	mix_str(digest, payload_str(ref->data));
}

static void mix_late(uint64_t *digest, const struct late_text *late) {
	if (late == NULL) return;
	for (size_t i = 0; i < late->count; i++) {
		const struct late_part *part = &late->parts[i];
		if (part->late != NULL)
			mix_late(digest, part->late);
		else if (part->ref == NULL)
			mix_str(digest, part->literal);
		else
			mix_ref(digest, part->ref);
		mix_u64(digest, (uint64_t)part->from << 32 | part->len);
	}
}

static void mix_history(uint64_t *digest, const struct history_item *item) {
	mix_u64(digest, (uint64_t)item->kind);
	mix_u64(digest, item->at_ms);
	switch (item->kind) {
	case HISTORY_APP:
	case HISTORY_APP_ERROR:
	case HISTORY_APP_ARCHIVE:
		mix(digest, &item->app.id, sizeof item->app.id);
		mix_str(digest, item->app.name);
		mix_str(digest, item->app.url);
		mix_str(digest, item->app.error);
		mix_str(digest, item->app.checksum);
		break;
	case HISTORY_FUNCTION:
	case HISTORY_FUNCTION_ARCHIVE:
		mix(digest, &item->function.id, sizeof item->function.id);
		mix_str(digest, item->function.config);
		break;
	case HISTORY_EVENT:
	case HISTORY_EVENT_AGAIN:
		mix(digest, &item->event.internal_id, sizeof item->event.internal_id);
		mix_str(digest, item->event.id);
		mix_str(digest, item->event.name);
		mix_str(digest, item->event.data);
		mix_late(digest, item->event.late_data);
		break;
	case HISTORY_RUN:
		mix(digest, &item->run.run_id, sizeof item->run.run_id);
		mix(digest, &item->run.event_id, sizeof item->run.event_id);
		mix(digest, &item->run.original_run_id, sizeof item->run.original_run_id);
		mix_str(digest, item->run.cron);
		mix_u64(digest, item->run.started_ms);
		mix(digest, &item->run.debug, sizeof item->run.debug);
		mix_u64(digest, item->run.is_deferred);
		break;
	case HISTORY_DEFER:
		mix(digest, &item->defer.run_id, sizeof item->defer.run_id);
		mix_str(digest, item->defer.id);
		mix_str(digest, item->defer.name);
		mix_str(digest, item->defer.function);
		mix_u64(digest, (uint64_t)item->defer.status);
		break;
	case HISTORY_FINISH:
		mix(digest, &item->finish.run_id, sizeof item->finish.run_id);
		mix_str(digest, str_from_cstr(item->finish.status));
		mix_str(digest, payload_str(item->finish.output));
		break;
	case HISTORY_EVENT_BATCH:
		mix(digest, &item->event_batch.batch_id, sizeof item->event_batch.batch_id);
		mix(digest, &item->event_batch.run_id, sizeof item->event_batch.run_id);
		mix_str(digest, item->event_batch.event_ids);
		break;
	case HISTORY_OUTCOME:
		mix(digest, &item->outcome.event_id, sizeof item->outcome.event_id);
		mix(digest, &item->outcome.function_id, sizeof item->outcome.function_id);
		mix_u64(digest, (uint64_t)item->outcome.outcome << 8 | item->outcome.reason);
		mix(digest, &item->outcome.run_id, sizeof item->outcome.run_id);
		mix(digest, &item->outcome.other_id, sizeof item->outcome.other_id);
		break;
	case HISTORY_RUN_STARTED:
	case HISTORY_RUN_AI:
		mix(digest, &item->run.run_id, sizeof item->run.run_id);
		break;
	case HISTORY_TRACE:
		mix(digest, &item->trace.run_id, sizeof item->trace.run_id);
		mix_str(digest, item->trace.data);
		break;
	case HISTORY_ANNOTATION: // no decisions of the engine
	case HISTORY_EXPORTED:
		break;
	case HISTORY_FUNCTION_PAUSE:
		mix(digest, &item->pause.function_id, sizeof item->pause.function_id);
		mix_u64(digest, item->pause.is_paused);
		break;
	}
}

uint64_t batch_digest(const struct batch *batch) {
	uint64_t digest = 0;
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		mix_u64(&digest, (uint64_t)record->op << 8 | record->kind);
		mix_str(&digest, str_make(record->key, record->key_len));
		mix_str(&digest, record->head);
		mix_str(&digest, payload_str(record->body));
		mix_late(&digest, record->late_body);
	}
	for (size_t i = 0; i < batch->history_count; i++) mix_history(&digest, &batch->history[i]);
	for (const struct message *m = batch->calls; m != NULL; m = m->next) {
		const struct call *call = (const struct call *)m;
		mix(&digest, &call->run_id, sizeof call->run_id);
		mix_u64(&digest, call->job_hash);
		mix_u64(&digest, (uint64_t)call->attempt << 32 | call->generation);
		mix_str(&digest, call->target);
		mix_u64(&digest, call->stack_current);
		for (size_t i = 0; i < call->step_count; i++) {
			mix_str(&digest, call->steps[i].id);
			mix_u64(&digest, call->steps[i].is_input);
			mix_ref(&digest, &call->steps[i].value);
		}
	}
	for (const struct message *m = batch->replies; m != NULL; m = m->next) {
		const struct reply *reply = (const struct reply *)m;
		mix_u64(&digest, reply->request);
		mix_u64(&digest, (uint64_t)reply->kind << 16 | (uint64_t)reply->status);
		mix_str(&digest, reply->code);
		mix_str(&digest, reply->text);
		mix(&digest, &reply->run_id, sizeof reply->run_id);
	}
	for (size_t i = 0; i < batch->load_count; i++) {
		mix_u64(&digest, (uint64_t)batch->loads[i].kind);
		mix(&digest, batch->loads[i].id.bytes, sizeof batch->loads[i].id.bytes);
		mix(&digest, &batch->loads[i].cancellation_id, sizeof batch->loads[i].cancellation_id);
		mix_late(&digest, batch->loads[i].data);
	}
	for (size_t i = 0; i < batch->complaint_count; i++) {
		const struct complaint *complaint = &batch->complaints[i];
		mix_str(&digest, str_from_cstr(complaint->what));
		mix_str(&digest, complaint->function);
		mix_str(&digest, complaint->text);
		mix_str(&digest, complaint->problem);
	}
	return digest;
}
