// The body of POST /e/{key}, with random ids and with ids from a seed.
#include "fuzz.h"
#include "model/event.h"
#include "model/limits.h"

static bool inside(struct str part, const struct payload *whole) {
	return part.len == 0 || (part.ptr >= whole->bytes && part.ptr + part.len <= whole->bytes + whole->len);
}

static void check(const struct event *event) {
	fuzz_check_payload(event->text);
	CHECK(inside(event->data, event->text) && event->data.len > 0);
	CHECK(inside(event->user, event->text) && event->user.len > 0);
	fuzz_check_canonical(event->data);
	fuzz_check_canonical(event->user);
	fuzz_check_utf8(event->name);
	fuzz_check_utf8(event->id);
	CHECK(event->name.len > 0 && event->id.len > 0);
}

static void parse(struct str body, struct str content_type, const struct event_seed *seed) {
	struct arena arena;
	arena_init(&arena, 4096);
	struct event *events = NULL;
	size_t count = 0;
	struct error error = {0};
	enum err err = events_parse_body(&arena, body, content_type, seed, FUZZ_NOW_MS, &events, &count, &error);
	if (err != ERR_OK) fuzz_check_error(&error);
	CHECK(count <= EVENT_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		check(&events[i]);
		event_release(&events[i]);
	}
	arena_free(&arena);
}

static void parse_invoke(struct str body) {
	yyjson_doc *doc = json_read(body, false, NULL, NULL);
	if (doc == NULL) return;
	struct arena arena;
	arena_init(&arena, 4096);
	const struct event_seed seed = {0};
	struct ulid id = event_id_make(&seed, 0, FUZZ_NOW_MS);
	struct event event;
	struct error error = {0};
	if (event_parse_invoke(&arena, yyjson_doc_get_root(doc), STR("app-fn"), NULL, &id, false, FUZZ_NOW_MS, &event,
			       &error) == ERR_OK) {
		check(&event);
		event_release(&event);
	} else {
		fuzz_check_error(&error);
	}
	yyjson_doc_free(doc);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str body = str_make(data, size);
	struct event_seed seed = {.present = true, .time_ms = FUZZ_NOW_MS, .entropy = {1, 2, 3}};
	parse(body, STR("application/json"), &seed);
	seed.present = false;
	parse(body, STR("text/plain"), &seed);
	parse_invoke(body);
	return 0;
}
