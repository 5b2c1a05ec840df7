#include "model/trace_fact.h"

#include "base/codec.h"
#include "model/headers_pack.h"
#include "model/utf8.h"

#define FACT_VERSION 3
#define VERSION_TOLD_ATTEMPT 2
#define VERSION_HEADERS_PACKED 3
#define OP_BYTES_MIN 9 // of an op that says nothing

// ---- writing -------------------------------------------------------------------------------------------------------

// How much of a fact is written.
struct measure {
	size_t payload_max; // of a payload
	size_t op_count;
};

static void put_name(struct buf *out, struct str text) {
	put_short_text(out, utf8_clip(text, TRACE_TEXT_MAX));
}

static void put_id(struct buf *out, struct str id) {
	put_short_text(out, id); // never cut: it would be another step's
}

// A part of a JSON text is none.
static void put_json(struct buf *out, struct str json, const struct measure *measure) {
	put_short_text(out, json.len <= measure->payload_max ? json : (struct str){NULL, 0});
}

static void put_error(struct buf *out, struct str json, const struct measure *measure) {
	static const struct str cut = STR_INIT(TRACE_ERROR_CUT);
	put_short_text(out, json.len <= measure->payload_max || json.len <= cut.len ? json : cut);
}

static void put_ulid(struct buf *out, const struct ulid *id) {
	buf_append(out, id->bytes, sizeof id->bytes);
}

static void put_ops(struct buf *out, const struct trace_fact *fact, const struct measure *measure) {
	put_varint(out, measure->op_count);
	for (size_t i = 0; i < measure->op_count; i++) {
		const struct trace_op *op = &fact->ops[i];
		put_u8(out, (uint8_t)op->op);
		put_id(out, op->id);
		put_name(out, op->name);
		put_name(out, op->type);
		put_varint(out, op->started_ms);
		put_varint(out, op->ended_ms);
		put_error(out, op->output, measure);
		put_json(out, op->input, measure);
		put_json(out, op->metadata, measure);
	}
}

static void put_call(struct buf *out, const struct trace_fact *fact, const struct measure *measure) {
	put_u64(out, fact->job);
	put_u64(out, fact->parent_job);
	put_id(out, fact->target);
	put_id(out, fact->slept);
	put_varint(out, fact->attempt);
	put_varint(out, fact->max_attempts);
	put_varint(out, fact->queued_ms);
	put_varint(out, fact->due_ms);
	put_varint(out, fact->started_ms);
	put_u8(out, (uint8_t)fact->outcome);
	put_u8(out, fact->will_retry);
	put_error(out, fact->output, measure);
	put_varint(out, fact->status);
	put_headers(out, fact->headers.len <= measure->payload_max ? fact->headers : (struct str){NULL, 0});
	put_varint(out, fact->output_bytes);
	put_varint(out, fact->dns_ms);
	put_varint(out, fact->connect_ms);
	put_varint(out, fact->tls_ms);
	put_varint(out, fact->server_ms);
	put_varint(out, fact->transfer_ms);
	put_varint(out, fact->total_ms);
	put_ops(out, fact, measure);
	put_varint(out, fact->told_attempt);
}

static void put_waiting(struct buf *out, const struct trace_fact *fact) {
	put_u8(out, (uint8_t)fact->op);
	put_id(out, fact->step_id);
	put_name(out, fact->name);
	put_u64(out, fact->parent);
	put_varint(out, fact->until_ms);
	put_name(out, fact->event);
	put_name(out, fact->expression);
	put_name(out, fact->signal);
	put_name(out, fact->function);
	put_ulid(out, &fact->event_id);
	put_ulid(out, &fact->run_id);
	put_u8(out, (uint8_t)(fact->is_timeout | fact->is_error << 1));
}

static void put_fact(struct buf *out, const struct trace_fact *fact, const struct measure *measure) {
	put_u8(out, FACT_VERSION);
	put_u8(out, (uint8_t)fact->kind);
	put_varint(out, fact->at_ms);
	switch (fact->kind) {
	case FACT_CALL:
		return put_call(out, fact, measure);
	case FACT_CHECKPOINT:
		return put_ops(out, fact, measure);
	case FACT_WAIT:
	case FACT_RESUMED:
	case FACT_INVOKED:
	case FACT_CANCELLED:
		return put_waiting(out, fact);
	case FACT_ENDED:
		return;
	}
}

static bool fits(struct buf *out, const struct trace_fact *fact, const struct measure *measure) {
	buf_clear(out);
	out->overflow = false;
	put_fact(out, fact, measure);
	return !out->overflow && out->len <= TRACE_FACT_MAX;
}

// With as much of its payloads as will do for sure, then with less and less.
void trace_fact_encode(const struct trace_fact *fact, struct buf *out) {
	struct measure measure = {.payload_max = TRACE_PAYLOAD_MAX, .op_count = fact->op_count};
	if (fits(out, fact, &measure)) return;
	measure.payload_max = TRACE_FACT_MAX / 2 / (3 * fact->op_count + 2);
	if (fits(out, fact, &measure)) return;
	for (measure.payload_max = 0; !fits(out, fact, &measure) && measure.op_count > 0;) measure.op_count /= 2;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static void take_ops(struct decoder *d, struct arena *arena, struct trace_fact *out) {
	uint64_t count = take_varint(d);
	if (count > d->rest.len / OP_BYTES_MIN) d->failed = true;
	if (d->failed) return;
	out->ops = ARENA_ARRAY(arena, struct trace_op, count);
	for (; out->op_count < count && !d->failed; out->op_count++) {
		struct trace_op *op = &out->ops[out->op_count];
		uint8_t kind = take_u8(d);
		op->op = kind < OPCODE_COUNT ? (enum opcode_kind)kind : OPCODE_NONE;
		op->id = take_short_text(d);
		op->name = take_short_text(d);
		op->type = take_short_text(d);
		op->started_ms = take_varint(d);
		op->ended_ms = take_varint(d);
		op->output = take_short_text(d);
		op->input = take_short_text(d);
		op->metadata = take_short_text(d);
	}
}

static void take_call(struct decoder *d, struct arena *arena, struct trace_fact *out) {
	out->job = take_u64(d);
	out->parent_job = take_u64(d);
	out->target = take_short_text(d);
	out->slept = take_short_text(d);
	out->attempt = (uint32_t)take_varint(d);
	out->max_attempts = (uint32_t)take_varint(d);
	out->queued_ms = take_varint(d);
	out->due_ms = take_varint(d);
	out->started_ms = take_varint(d);
	uint8_t outcome = take_u8(d);
	out->outcome = outcome <= TRACE_CANCELLED ? (enum trace_outcome)outcome : TRACE_ERROR;
	out->will_retry = take_u8(d) != 0;
	out->output = take_short_text(d);
	out->status = (uint32_t)take_varint(d);
	out->headers = d->version >= VERSION_HEADERS_PACKED ? take_headers(d, arena) : take_short_text(d);
	out->output_bytes = (uint32_t)take_varint(d);
	out->dns_ms = (uint32_t)take_varint(d);
	out->connect_ms = (uint32_t)take_varint(d);
	out->tls_ms = (uint32_t)take_varint(d);
	out->server_ms = (uint32_t)take_varint(d);
	out->transfer_ms = (uint32_t)take_varint(d);
	out->total_ms = (uint32_t)take_varint(d);
	take_ops(d, arena, out);
	out->told_attempt = d->version >= VERSION_TOLD_ATTEMPT ? (uint32_t)take_varint(d) : out->attempt;
}

static void take_waiting(struct decoder *d, struct trace_fact *out) {
	uint8_t kind = take_u8(d);
	out->op = kind < OPCODE_COUNT ? (enum opcode_kind)kind : OPCODE_NONE;
	out->step_id = take_short_text(d);
	out->name = take_short_text(d);
	out->parent = take_u64(d);
	out->until_ms = take_varint(d);
	out->event = take_short_text(d);
	out->expression = take_short_text(d);
	out->signal = take_short_text(d);
	out->function = take_short_text(d);
	take_bytes(d, out->event_id.bytes, sizeof out->event_id.bytes);
	take_bytes(d, out->run_id.bytes, sizeof out->run_id.bytes);
	uint8_t flags = take_u8(d);
	out->is_timeout = (flags & 1) != 0;
	out->is_error = (flags & 2) != 0;
}

enum err trace_fact_decode(struct arena *arena, struct str data, struct trace_fact *out, struct error *error) {
	struct decoder d = {.rest = data};
	*out = (struct trace_fact){0};
	d.version = take_u8(&d);
	uint8_t kind = take_u8(&d);
	out->kind = (enum trace_fact_kind)kind;
	out->at_ms = take_varint(&d);
	switch (kind) {
	case FACT_CALL:
		take_call(&d, arena, out);
		break;
	case FACT_CHECKPOINT:
		take_ops(&d, arena, out);
		break;
	case FACT_WAIT:
	case FACT_RESUMED:
	case FACT_INVOKED:
	case FACT_CANCELLED:
		take_waiting(&d, out);
		break;
	case FACT_ENDED:
		break;
	default:
		return error_set(error, ERR_CORRUPT, "trace fact of an unknown kind");
	}
	if (d.failed) return error_set(error, ERR_CORRUPT, "trace fact cut short or damaged");
	return ERR_OK;
}
