// The registry: apps and functions.
#include <stdlib.h>

#include "engine/engine_internal.h"

static uint64_t uuid_hash(const struct uuid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

void app_set(char **field, struct str value) {
	char *copy = mem_strndup(value.ptr, value.len);
	free(*field);
	*field = copy;
}

struct app *app_find(const struct engine *engine, const struct uuid *id) {
	for (struct map_node *node = map_first(&engine->apps_by_id, uuid_hash(id)); node != NULL;
	     node = map_next(node)) {
		struct app *app = container_of(node, struct app, by_id);
		if (uuid_eq(&app->id, id)) return app;
	}
	return NULL;
}

struct app *app_find_name(const struct engine *engine, struct str name) {
	if (name.len == 0) return NULL; // placeholders have none
	list_for_each(node, &engine->apps) {
		struct app *app = list_entry(node, struct app, all);
		if (str_eq_cstr(name, app->name)) return app;
	}
	return NULL;
}

struct app *app_new(struct engine *engine, const struct uuid *id) {
	struct app *app = mem_calloc(1, sizeof *app);
	app->id = *id;
	list_init(&app->functions);
	list_init(&app->turns);
	list_init(&app->turn);
	char **fields[] = {&app->name,         &app->url,         &app->error,     &app->method,      &app->checksum,
			   &app->sdk_language, &app->sdk_version, &app->framework, &app->app_version, &app->metadata};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) app_set(fields[i], STR(""));
	map_insert(&engine->apps_by_id, &app->by_id, uuid_hash(id));
	list_push_back(&engine->apps, &app->all);
	return app;
}

void app_free(struct app *app) {
	char *fields[] = {app->name,         app->url,         app->error,     app->method,      app->checksum,
			  app->sdk_language, app->sdk_version, app->framework, app->app_version, app->metadata};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) free(fields[i]);
	free(app);
}

// Record and history row of an app as it stands.
void app_save(struct engine *engine, const struct app *app) {
	record_app(engine, app);
	struct arena *arena = &engine->batch->arena;
	struct history_item *item = batch_history(engine->batch, HISTORY_APP, engine->now);
	item->app.id = app->id;
	item->app.name = arena_dup(arena, str_from_cstr(app->name));
	item->app.sdk_language = arena_dup(arena, str_from_cstr(app->sdk_language));
	item->app.sdk_version = arena_dup(arena, str_from_cstr(app->sdk_version));
	item->app.framework = arena_dup(arena, str_from_cstr(app->framework));
	item->app.metadata = arena_dup(arena, str_from_cstr(app->metadata));
	item->app.error = arena_dup(arena, str_from_cstr(app->error));
	item->app.checksum = arena_dup(arena, str_from_cstr(app->checksum));
	item->app.url = arena_dup(arena, str_from_cstr(app->url));
	item->app.method = arena_dup(arena, str_from_cstr(app->method));
	item->app.app_version = arena_dup(arena, str_from_cstr(app->app_version));
}

void app_archive(struct engine *engine, struct app *app) {
	app->archived = true;
	list_for_each(node, &app->functions) {
		struct function *function = list_entry(node, struct function, of_app);
		function_unindex(engine, function);
		crons_update(engine, function);
		cancel_unstarted(engine, function);
	}
	record_app(engine, app);
	batch_history(engine->batch, HISTORY_APP_ARCHIVE, engine->now)->app.id = app->id;
}

// ---- functions -----------------------------------------------------------------------------------------------------

struct function *function_find(const struct engine *engine, const struct uuid *id) {
	for (struct map_node *node = map_first(&engine->functions, uuid_hash(id)); node != NULL;
	     node = map_next(node)) {
		struct function *function = container_of(node, struct function, by_id);
		if (uuid_eq(&function->id, id)) return function;
	}
	return NULL;
}

struct function *function_find_slug(const struct engine *engine, struct str slug) {
	for (struct map_node *node = map_first(&engine->slugs, hash_xxh64(slug)); node != NULL; node = map_next(node)) {
		struct function *function = container_of(node, struct function, by_slug);
		if (str_eq(function->config.slug, slug)) return function;
	}
	return NULL;
}

struct function *function_of_app(struct engine *engine, struct str app_name, struct str id) {
	struct arena *arena = &engine->batch->arena;
	struct str slug = arena_cat(arena, arena_cat(arena, app_name, STR("-")), id);
	struct function *function = function_find_slug(engine, slug);
	return function != NULL ? function : function_find_slug(engine, id);
}

struct function *function_new(struct engine *engine, struct app *app, const struct uuid *id) {
	struct function *function = mem_calloc(1, sizeof *function);
	function->app = app;
	function->id = *id;
	uuid_text(id, function->id_text);
	function->id_hash = hash_xxh64(str_make(function->id_text, UUID_TEXT_LEN));
	backlog_init(&function->plain, function);
	backlog_init(&function->kept, function);
	list_init(&function->ready[0]);
	list_init(&function->ready[1]);
	list_init(&function->lines);
	list_init(&function->turn);
	list_init(&function->runs);
	list_init(&function->crons);
	arena_init(&function->arena, 0);
	map_insert(&engine->functions, &function->by_id, uuid_hash(id));
	list_push_back(&app->functions, &function->of_app);
	limits_begin(engine, function);
	return function;
}

void function_free(struct function *function) {
	arena_free(&function->arena);
	heap_free(&function->plain.items);
	heap_free(&function->kept.items);
	free(function);
}

enum err function_configure(struct function *function, uint32_t version, struct str members, struct error *error) {
	struct arena arena;
	arena_init(&arena, 2048);
	struct str json = function_config_json(&arena, &function->id, version, members);
	struct function_config config = {0};
	struct uuid id;
	uint32_t stored_version;
	enum err err = function_config_restore(&arena, json, &id, &stored_version, &config, error);
	if (err != ERR_OK) {
		arena_free(&arena);
		return err;
	}
	arena_free(&function->arena);
	function->arena = arena;
	function->config = config;
	function->version = version;
	function->complained = false;
	flow_compile(function);
	return ERR_OK;
}

void function_index(struct engine *engine, struct function *function) {
	function_unindex(engine, function);
	if (function->archived || function->app->archived) return;
	function->indexed = true;
	map_insert(&engine->slugs, &function->by_slug, hash_xxh64(function->config.slug));
	triggers_add(engine, function);
}

void function_unindex(struct engine *engine, struct function *function) {
	if (!function->indexed) return;
	function->indexed = false;
	map_remove(&engine->slugs, &function->by_slug);
	triggers_remove(engine, function);
}

void function_archive(struct engine *engine, struct function *function) {
	function_unindex(engine, function);
	function->archived = true;
	crons_update(engine, function);
	cancel_unstarted(engine, function);
	record_function(engine, function);
	batch_history(engine->batch, HISTORY_FUNCTION_ARCHIVE, engine->now)->function.id = function->id;
}
