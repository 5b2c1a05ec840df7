// The form of an event that expressions see (spec 04 §B2), read from its text when the first of them asks.
#include <stdlib.h>

#include "engine/engine_internal.h"

// Texts up to 1/12 of this are read without an allocation.
#define JSON_POOL_BYTES (256u << 10)

void event_form_init(struct event_form *form, const struct event *event, struct str known_data) {
	*form = (struct event_form){.event = event, .known_data = known_data, .root = STR("event")};
	if (event->text != NULL) form->stored = payload_str(event->text);
	arena_init(&form->scratch, 1024);
}

void event_form_init_text(struct event_form *form, struct str stored) {
	*form = (struct event_form){.stored = stored, .root = STR("event")};
	arena_init(&form->scratch, 1024);
}

void event_form_free(struct engine *engine, struct event_form *form) {
	yyjson_doc_free(form->doc);
	if (form->pool != NULL) engine->json_pool = form->pool;
	buf_free(&form->text);
	arena_free(&form->scratch);
}

// An event without data has an empty object there, and one whose text is not complete what is known of it.
static struct str form_text(struct event_form *form) {
	static const struct str no_data = STR_INIT("{\"data\":null");
	if (form->stored.len > 0 && !str_starts_with(form->stored, no_data)) return form->stored;
	if (form->text.len > 0) return buf_view(&form->text);
	buf_init(&form->text, UINT32_MAX);
	if (form->stored.len > 0) {
		buf_lit(&form->text, "{\"data\":{}");
		buf_str(&form->text, str_skip(form->stored, no_data.len));
		return buf_view(&form->text);
	}
	const struct event *event = form->event;
	buf_lit(&form->text, "{\"data\":");
	buf_str(&form->text, form->known_data);
	buf_lit(&form->text, ",\"id\":");
	buf_json_str(&form->text, event->id);
	buf_lit(&form->text, ",\"name\":");
	buf_json_str(&form->text, event->name);
	buf_printf(&form->text, ",\"ts\":%llu,\"user\":{}}", (unsigned long long)event->ts_ms);
	return buf_view(&form->text);
}

struct payload *event_form_payload(struct event_form *form) {
	struct str text = form_text(form);
	struct payload *stored = form->event != NULL ? form->event->text : NULL;
	return stored != NULL && text.ptr == stored->bytes ? payload_ref(stored) : payload_new(text);
}

static void form_read(struct engine *engine, struct event_form *form) {
	form->is_read = true;
	struct str text = form_text(form);
	struct yyjson_alc alc;
	bool fits = yyjson_read_max_memory_usage(text.len, 0) <= JSON_POOL_BYTES;
	if (fits) {
		form->pool = engine->json_pool != NULL ? engine->json_pool : mem_alloc(JSON_POOL_BYTES);
		engine->json_pool = NULL;
		fits = yyjson_alc_pool_init(&alc, form->pool, JSON_POOL_BYTES);
	}
	// Canonical text, which nothing but a lack of memory can make unreadable; the flag only permits to write to it.
	form->doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, 0, fits ? &alc : NULL, NULL);
	CHECK(form->doc != NULL);
	form->binding = (struct cel_binding){form->root, yyjson_doc_get_root(form->doc)};
}

struct cel_input event_form_input(struct engine *engine, struct event_form *form) {
	if (!form->is_read) form_read(engine, form);
	return (struct cel_input){.bindings = &form->binding, .count = 1, .now_ns = engine->now * 1000000u};
}

bool event_form_value(struct engine *engine, struct event_form *form, const struct cel_path *path,
		      struct cel_value *out) {
	struct cel_input input = event_form_input(engine, form);
	return cel_path_value(path, &input, out);
}

struct cel_value event_form_eval(struct engine *engine, struct event_form *form, const struct cel_program *program) {
	struct cel_input input = event_form_input(engine, form);
	return cel_eval(program, &input, &form->scratch);
}
