// How far the walks have got to. Read again for each slice: so a transaction that failed leaves nothing behind.
#include "history/retention_internal.h"

static const char *const names[PLACE_COUNT] = {
	[PLACE_EVENTS] = "events",
	[PLACE_SKEWED] = "skewed events",
	[PLACE_BARE_EVENTS] = "payloads: events",
	[PLACE_BARE_SKEWED] = "payloads: skewed events",
	[PLACE_BARE_RUNS] = "payloads: runs",
	[PLACE_BARE_FACTS] = "payloads: facts",
	[PLACE_COUNTED] = "counted runs",
	[PLACE_STEPS] = "steps",
	[PLACE_FACTS] = "facts",
	[PLACE_DEFERS] = "defers",
	[PLACE_ANNOTATIONS] = "annotations",
	[PLACE_DEBUG_RUNS] = "debug runs",
	[PLACE_STRAYS] = "traces",
	[PLACE_STRAYS + 1] = "spans",
	[PLACE_STRAYS + 2] = "trace_runs",
	[PLACE_STRAYS + 3] = "history",
	[PLACE_STRAYS + 4] = "function_finishes",
	[PLACE_STRAYS + 5] = "event_batches",
	[PLACE_STRAYS + 6] = "engine_event_outcomes",
};

struct place_value place_get(const struct place *place) {
	struct place_value value = {0};
	if (place->len < 8) return value;
	for (size_t i = 0; i < 8; i++) value.number = value.number << 8 | place->bytes[i];
	if (place->len >= 8 + sizeof value.id.bytes) memcpy(value.id.bytes, place->bytes + 8, sizeof value.id.bytes);
	return value;
}

void place_set(struct place *place, uint64_t number, const struct ulid *id) {
	for (size_t i = 0; i < 8; i++) place->bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	place->len = 8;
	if (id != NULL) {
		memcpy(place->bytes + 8, id->bytes, sizeof id->bytes);
		place->len += sizeof id->bytes;
	}
	place->is_changed = true;
}

void place_reset(struct place *place) {
	*place = (struct place){.is_changed = true};
}

static void take_place(struct history_keeper *keeper, struct str name, struct str bytes) {
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		if (!str_eq_cstr(name, names[i]) || bytes.len > PLACE_MAX) continue;
		memcpy(keeper->places[i].bytes, bytes.ptr, bytes.len);
		keeper->places[i].len = bytes.len;
	}
}

enum err places_load(struct history_keeper *keeper, struct error *error) {
	enum err err;
	memset(keeper->places, 0, sizeof keeper->places);
	while (sql_row(keeper->places_load, &err, error))
		take_place(keeper, sql_bytes(keeper->places_load, 0), sql_bytes(keeper->places_load, 1));
	return err;
}

enum err places_save(struct history_keeper *keeper, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < PLACE_COUNT && err == ERR_OK; i++) {
		const struct place *place = &keeper->places[i];
		if (!place->is_changed) continue;
		sqlite3_bind_text(keeper->place_save, 1, names[i], -1, SQLITE_STATIC);
		sqlite3_bind_blob(keeper->place_save, 2, place->bytes, (int)place->len, SQLITE_STATIC);
		err = sql_run(keeper->place_save, error);
	}
	return err;
}
