#include "history/export_memory.h"

#include <stdlib.h>

#include "base/hash.h"

struct export_memory {
	struct map runs;
	struct list by_use; // the longest unused first
	size_t bytes, max_bytes;
};

// ---- one run -------------------------------------------------------------------------------------------------------

static void run_free(struct export_run *run) {
	buf_free(&run->facts);
	trace_told_free(&run->told);
	free(run);
}

static size_t bytes_of(const struct export_run *run) {
	return sizeof *run + run->facts.cap + run->told.ids.count * TRACE_TOLD_BYTES;
}

struct trace_fact *export_run_facts(const struct export_run *run, struct arena *arena, size_t room) {
	struct trace_fact *facts = ARENA_ARRAY(arena, struct trace_fact, run->fact_count + room + 1);
	struct str rest = arena_dup(arena, buf_view(&run->facts));
	for (size_t i = 0; i < run->fact_count; i++) {
		uint32_t len;
		memcpy(&len, rest.ptr, sizeof len);
		rest = str_skip(rest, sizeof len);
		enum err err = trace_fact_decode(arena, str_first(rest, len), &facts[i], NULL);
		CHECK(err == ERR_OK);
		rest = str_skip(rest, len);
	}
	return facts;
}

void export_run_keep(struct export_run *run, const struct trace_fact *facts, const bool *needed, size_t count) {
	struct buf text;
	buf_init(&text, TRACE_FACT_MAX);
	buf_clear(&run->facts);
	run->fact_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!needed[i]) continue;
		trace_fact_encode(&facts[i], &text);
		CHECK(!text.overflow);
		uint32_t len = (uint32_t)text.len;
		buf_append(&run->facts, &len, sizeof len);
		buf_str(&run->facts, buf_view(&text));
		run->fact_count++;
	}
	buf_free(&text);
}

// ---- all of them ---------------------------------------------------------------------------------------------------

struct export_memory *export_memory_new(size_t max_bytes) {
	struct export_memory *memory = mem_calloc(1, sizeof *memory);
	map_init(&memory->runs);
	list_init(&memory->by_use);
	memory->max_bytes = max_bytes;
	return memory;
}

static void forget(struct export_memory *memory, struct export_run *run) {
	map_remove(&memory->runs, &run->by_id);
	list_remove(&run->by_use);
	memory->bytes -= run->bytes;
	run_free(run);
}

void export_memory_clear(struct export_memory *memory) {
	while (!list_empty(&memory->by_use)) forget(memory, list_entry(memory->by_use.next, struct export_run, by_use));
}

void export_memory_free(struct export_memory *memory) {
	if (memory == NULL) return;
	export_memory_clear(memory);
	map_free(&memory->runs);
	free(memory);
}

static uint64_t hash_of(const struct ulid *run_id) {
	return hash_xxh64(str_make((const char *)run_id->bytes, sizeof run_id->bytes));
}

struct export_run *export_memory_open(struct export_memory *memory, const struct ulid *run_id) {
	struct map_node *node = map_first(&memory->runs, hash_of(run_id));
	for (; node != NULL; node = map_next(node)) {
		struct export_run *run = container_of(node, struct export_run, by_id);
		if (ulid_cmp(&run->id, run_id) == 0) return run;
	}
	struct export_run *run = mem_calloc(1, sizeof *run);
	run->id = *run_id;
	buf_init(&run->facts, SIZE_MAX);
	trace_told_init(&run->told);
	map_insert(&memory->runs, &run->by_id, hash_of(run_id));
	list_push_back(&memory->by_use, &run->by_use);
	return run;
}

void export_memory_close(struct export_memory *memory, struct export_run *run, bool remember) {
	if (!remember) {
		forget(memory, run);
		return;
	}
	memory->bytes -= run->bytes;
	run->bytes = bytes_of(run);
	memory->bytes += run->bytes;
	list_remove(&run->by_use);
	list_push_back(&memory->by_use, &run->by_use);
	while (memory->bytes > memory->max_bytes && memory->by_use.next != &run->by_use)
		forget(memory, list_entry(memory->by_use.next, struct export_run, by_use));
}
