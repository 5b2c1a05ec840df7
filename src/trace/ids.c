#include "trace/ids.h"

#include <stdio.h>

#include "base/hash.h"
#include "trace/trace_id.h"

static struct trace_id run_ids(const struct ulid *run_id) {
	return trace_id_derive(str_make(run_id->bytes, sizeof run_id->bytes));
}

void span_trace_id(const struct ulid *run_id, char out[TRACE_ID_LEN + 1]) {
	struct trace_id id = run_ids(run_id);
	hex_text(id.trace, sizeof id.trace, out);
}

static struct span_id span_of(const uint8_t bytes[8]) {
	struct span_id id;
	hex_text(bytes, 8, id.text);
	return id;
}

struct span_id span_id_run(const struct ulid *run_id) {
	return span_of(run_ids(run_id).span);
}

struct span_id span_id_step(struct str step_id) {
	return span_of(trace_id_derive(step_id).span);
}

// The seed is `before` ‖ `text` ‖ `after`.
static struct trace_id derive(const char *before, struct str text, const char *after) {
	struct arena arena;
	arena_init(&arena, 256);
	struct trace_id id = trace_id_derive(arena_printf(&arena, "%s%.*s%s", before, STR_ARG(text), after));
	arena_free(&arena);
	return id;
}

struct span_id span_id_attempt(struct str step_id, uint32_t attempt) {
	char after[16];
	snprintf(after, sizeof after, ":%u", attempt);
	return span_of(derive("", step_id, after).span);
}

struct span_id span_id_sleep(struct str step_id) {
	return span_of(derive("sleep-step:", step_id, "").span);
}

struct span_id span_id_after_sleep(struct str step_id) {
	return span_of(derive("sleep-discovery:", step_id, "").span);
}

struct span_id span_id_nonstep(const struct uuid *group_id, uint32_t attempt) {
	char text[UUID_TEXT_LEN + 1], after[16];
	uuid_text(group_id, text);
	snprintf(after, sizeof after, ":%u", attempt);
	return span_of(derive("nonstep:", str_from_cstr(text), after).span);
}

// The first bytes of the stream, where others have their trace id (06 §12.1 step 4).
struct span_id span_id_metadata(struct str parent_span_id, struct str kind) {
	struct arena arena;
	arena_init(&arena, 256);
	struct str seed = arena_printf(&arena, "%.*s-metadata-%.*s", STR_ARG(parent_span_id), STR_ARG(kind));
	struct span_id id = span_of(trace_id_derive(seed).trace);
	arena_free(&arena);
	return id;
}

struct span_id span_id_target(const struct ulid *run_id, const struct metadata_target *target) {
	struct str step = str_from_cstr(target->step);
	if (target->scope == METADATA_EXTENDED_TRACE) {
		struct span_id id = {{0}};
		memcpy(id.text, target->span_id, sizeof target->span_id);
		return id;
	}
	if (step.len == 0) return span_id_run(run_id);
	return target->has_attempt ? span_id_attempt(step, target->attempt) : span_id_step(step);
}

// What is derived instead of drawn: a hash of the run, what the id is of, and its number.
static uint64_t own_hash(char tag, const struct ulid *run_id, uint64_t job, uint32_t number) {
	uint8_t seed[1 + sizeof run_id->bytes + 8 + 4];
	size_t n = 0;
	seed[n++] = (uint8_t)tag;
	memcpy(seed + n, run_id->bytes, sizeof run_id->bytes);
	n += sizeof run_id->bytes;
	for (unsigned i = 0; i < 8; i++) seed[n++] = (uint8_t)(job >> 8 * i);
	for (unsigned i = 0; i < 4; i++) seed[n++] = (uint8_t)(number >> 8 * i);
	uint64_t hash = hash_xxh64(str_make(seed, n));
	return hash != 0 ? hash : 1; // zeros mean none
}

static struct span_id own_span(uint64_t hash) {
	struct span_id id;
	snprintf(id.text, sizeof id.text, "%016llx", (unsigned long long)hash);
	return id;
}

struct span_id span_id_discovery(const struct ulid *run_id, uint64_t job) {
	return own_span(own_hash('d', run_id, job, 0));
}

struct span_id span_id_execution(const struct ulid *run_id, uint64_t job, uint32_t attempt) {
	return own_span(own_hash('e', run_id, job, attempt));
}

struct span_id span_id_wait(const struct ulid *run_id, struct str step_id) {
	return own_span(own_hash('w', run_id, hash_xxh64(step_id), 0));
}

struct uuid span_group_id(const struct ulid *run_id, uint64_t job) {
	struct uuid id;
	for (unsigned half = 0; half < 2; half++) {
		uint64_t hash = own_hash('g', run_id, job, half);
		for (unsigned i = 0; i < 8; i++) id.bytes[8 * half + i] = (uint8_t)(hash >> 8 * i);
	}
	return uuid_v4(id.bytes); // looks like one that was drawn
}
