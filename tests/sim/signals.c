// Signals: who waits for them, as the engine's records tell, and what a signal has to do to them (spec 03 §14.7).
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "sim.h"

#define ITEM_SIGNAL_STORED 6
#define LIVE_SIGNALS_MAX 4096

struct live_signal {
	uint8_t key[20]; // run, slot
	uint64_t step;   // hash of its id
	unsigned number; // g/N
	bool is_owner, due;
};
struct signals {
	struct live_signal all[LIVE_SIGNALS_MAX];
	size_t count;
	const struct live_signal *receiver; // of the signal to come; NULL: nobody
};

static void signal_name(unsigned number, char out[16]) {
	snprintf(out, 16, "g/%u", number);
}

static bool read_signal(const struct record *record, struct live_signal *out, uint64_t *due_ms) {
	struct decoder d;
	struct str target;
	if (!read_item(record, ITEM_SIGNAL_STORED, &d, &target, due_ms)) return false;
	memcpy(out->key, record->key, sizeof out->key);
	out->step = hash_xxh64(target);
	struct str name = take_text(&d);
	out->is_owner = take_u8(&d) != 0;
	CHECK(!d.failed && name.len == 3);
	out->number = (unsigned)(name.ptr[2] - '0');
	CHECK(out->number < SIGNALS);
	return true;
}

struct signals *check_signals_before(struct sim *sim, unsigned number) {
	struct signals *signals = mem_calloc(1, sizeof *signals);
	struct batch *batch = batch_new();
	bool owned[SIGNALS] = {false};
	engine_export(sim->engine, batch);
	for (size_t i = 0; i < batch->record_count && signals->count < LIVE_SIGNALS_MAX; i++) {
		struct live_signal *wait = &signals->all[signals->count];
		uint64_t due_ms;
		if (!read_signal(&batch->records[i], wait, &due_ms)) continue;
		signals->count++;
		if (wait->is_owner && owned[wait->number]) sim_fail(sim, "two waits own signal %u", wait->number);
		owned[wait->number] |= wait->is_owner;
		wait->due = due_ms <= sim->now;
		if (wait->is_owner && wait->number == number && due_ms >= sim->now) signals->receiver = wait;
	}
	batch_free(batch);
	return signals;
}

static const struct live_signal *find(const struct signals *signals, const struct live_signal *wait) {
	for (size_t i = 0; i < signals->count; i++) {
		const struct live_signal *other = &signals->all[i];
		if (memcmp(other->key, wait->key, sizeof wait->key) == 0 && other->step == wait->step) return other;
	}
	return NULL;
}

static const struct history_item *find_end(const struct batch *batch, const void *run_id) {
	for (size_t i = 0; i < batch->history_count; i++) {
		const struct history_item *item = &batch->history[i];
		if (item->kind == HISTORY_FINISH && memcmp(item->finish.run_id.bytes, run_id, 16) == 0) return item;
	}
	return NULL;
}

// ---- sending -------------------------------------------------------------------------------------------------------

static void check_reply(struct sim *sim, const struct signals *before, const struct batch *batch) {
	const struct reply *reply = (const struct reply *)batch->replies;
	if (reply == NULL || reply->message.next != NULL) sim_fail(sim, "a signal without its one reply");
	if (reply->status != (before->receiver != NULL ? 200 : 404))
		sim_fail(sim, "a signal that %s was answered with %d", before->receiver != NULL ? "hits" : "misses",
			 reply->status);
	if (before->receiver != NULL && memcmp(reply->run_id.bytes, before->receiver->key, 16) != 0)
		sim_fail(sim, "a signal was answered with another run");
}

void check_signal_after(struct sim *sim, struct signals *before, const struct batch *batch) {
	struct signals *after = check_signals_before(sim, SIGNALS);
	check_reply(sim, before, batch);
	for (size_t i = 0; i < before->count; i++) {
		const struct live_signal *wait = &before->all[i];
		bool is_receiver = wait == before->receiver;
		if (is_receiver && find(after, wait) != NULL) sim_fail(sim, "a wait missed its signal");
		bool has_ended = wait->due || find_end(batch, wait->key) != NULL; // by a timeout, or cancelled
		if (!is_receiver && !has_ended && find(after, wait) == NULL)
			sim_fail(sim, "a wait ended with another's signal");
	}
	free(before);
	free(after);
}

// Signals are numbered: each may be the value of one step, however often that is looked at.
void check_signal_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value) {
	if (str_eq(value, STR("null"))) return;
	char name[16], tail[40];
	signal_name(block->signal, name);
	snprintf(tail, sizeof tail, "},\"signal\":\"%s\"}}", name);
	static const struct str head = STR_INIT("{\"data\":{\"data\":{\"n\":");
	if (!str_starts_with(value, head) || !str_ends_with(value, str_from_cstr(tail)))
		sim_fail(sim, "a wait for signal %s got %.*s", name, STR_ARG(value));
	struct str number = str_skip(value, head.len);
	number.len -= strlen(tail);
	struct fact *fact = fact_need(&sim->facts, fact_key("signal", number.ptr, number.len, NULL, 0));
	uint64_t step = fact_key("step", run_id->bytes, 16, block->id, strlen(block->id)) | 1;
	if (fact->value == 0) fact->value = step;
	if (fact->value != step) sim_fail(sim, "one signal ended two waits");
}

// ---- waiting -------------------------------------------------------------------------------------------------------

// How many of the answer's waits for this signal settle a conflict in this way.
static unsigned asked(struct str body, unsigned number, const char *conflict) {
	char name[16], needle[40];
	unsigned count = 0;
	signal_name(number, name);
	snprintf(needle, sizeof needle, "\"signal\":\"%s\"", name);
	for (ptrdiff_t at; (at = str_find_str(body, str_from_cstr(needle))) >= 0;) {
		body = str_skip(body, (size_t)at + strlen(needle));
		struct str rest = str_skip(body, (size_t)str_find_str(body, STR("\"conflict\":\"")) + 12);
		count += str_starts_with(rest, str_from_cstr(conflict));
	}
	return count;
}

// A conflict is one with who has the name, or with a wait of the same answer.
static void check_conflict(struct sim *sim, const struct signals *before, struct str body) {
	for (unsigned number = 0; number < SIGNALS; number++) {
		unsigned failing = asked(body, number, "fail");
		if (failing > 0 && failing + asked(body, number, "replace") > 1) return;
		for (size_t i = 0; failing > 0 && i < before->count; i++) {
			if (before->all[i].is_owner && before->all[i].number == number) return;
		}
	}
	sim_fail(sim, "a run failed by a conflict with nobody");
}

// Those who waited before wait on, unless their time is over, and lose their names only to who replaces them.
static void check_others(struct sim *sim, const struct signals *before, const struct signals *after,
			 const struct batch *batch, struct str body) {
	for (size_t i = 0; i < before->count; i++) {
		const struct live_signal *wait = &before->all[i], *now = find(after, wait);
		if (wait->due || find_end(batch, wait->key) != NULL) continue;
		if (now == NULL) sim_fail(sim, "a wait ended with another's beginning");
		if (wait->is_owner && !now->is_owner && asked(body, wait->number, "replace") == 0)
			sim_fail(sim, "a wait lost its signal to nobody");
	}
}

void check_signal_waits_after(struct sim *sim, struct signals *before, const struct ulid *run_id, struct str body,
			      const struct batch *batch) {
	struct signals *after = check_signals_before(sim, SIGNALS);
	const struct history_item *end = find_end(batch, run_id->bytes);
	if (end != NULL && str_find_str(payload_str(end->finish.output), STR("Signal conflict")) >= 0)
		check_conflict(sim, before, body);
	check_others(sim, before, after, batch, body);
	bool begun[SIGNALS] = {false}, owned[SIGNALS] = {false};
	for (size_t i = 0; i < after->count; i++) {
		const struct live_signal *wait = &after->all[i];
		if (find(before, wait) != NULL) continue;
		begun[wait->number] = true;
		owned[wait->number] |= wait->is_owner;
	}
	for (unsigned number = 0; number < SIGNALS; number++) {
		if (begun[number] && !owned[number]) sim_fail(sim, "a wait did not get the name of its signal");
	}
	free(before);
	free(after);
}

// ---- what the world sends ------------------------------------------------------------------------------------------

struct str signal_op(struct arena *arena, const struct block *block) {
	char name[16];
	signal_name(block->signal, name);
	return arena_printf(arena,
			    "{\"op\":\"WaitForSignal\",\"id\":\"%s\",\"name\":\"%s\",\"opts\":{\"signal\":\"%s\","
			    "\"timeout\":\"%ums\",\"conflict\":\"%s\"}}",
			    block->id, name, name, block->sleep_ms, block->replaces ? "replace" : "fail");
}

struct command *command_signal(struct sim *sim, unsigned number) {
	struct command *command = command_new(COMMAND_SIGNAL);
	char name[16];
	signal_name(number, name);
	command->request = ++sim->next_token;
	command->signal.name = arena_dup(&command->arena, str_from_cstr(name));
	struct str data = arena_printf(&command->arena, "{\"n\":%u}", ++sim->signals_sent);
	command->signal.data = payload_new(data);
	return command;
}
