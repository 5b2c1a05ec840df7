// Registrations and what else changes apps (spec 01 §3, §6, §17).
#include "engine/engine_internal.h"

static void reply_failed(struct engine *engine, const struct command *command, struct str code, struct str text,
			 struct str data) {
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 400);
	reply->code = arena_dup(&reply->arena, code);
	reply->text = arena_dup(&reply->arena, text);
	reply->data = arena_dup(&reply->arena, data);
	batch_reply(engine->batch, reply);
}

static void reply_registered(struct engine *engine, const struct command *command, const struct app *app,
			     bool modified) {
	struct reply *reply = reply_new(command->request, REPLY_REGISTERED, 200);
	reply->modified = modified;
	reply->app_id = app->id;
	batch_reply(engine->batch, reply);
}

// Placeholders for the same URL give way to the app that registers (01 §6.2 step 4).
static void remove_placeholders(struct engine *engine, struct str url) {
	list_for_each(node, &engine->apps) {
		struct app *app = list_entry(node, struct app, all);
		if (app->name[0] == '\0' && !app->archived && str_eq_cstr(url, app->url)) app_archive(engine, app);
	}
}

static struct app *upsert_app(struct engine *engine, const struct registration *r) {
	struct app *app = app_find_name(engine, r->app_name);
	if (app == NULL) {
		struct uuid id = uuid_v5(r->app_name);
		app = app_find(engine, &id);
		if (app == NULL) app = app_new(engine, &id);
	}
	app_set(&app->name, r->app_name);
	app_set(&app->url, r->url);
	app_set(&app->sdk_language, r->sdk_language);
	app_set(&app->sdk_version, r->sdk_version);
	app_set(&app->framework, r->framework);
	app_set(&app->app_version, r->app_version);
	app_set(&app->method, r->method);
	app_set(&app->metadata, r->metadata);
	app_set(&app->checksum, str_from_cstr(r->checksum));
	app_set(&app->error, STR(""));
	if (app->archived) { // its functions come back with it (01 §7.3)
		app->archived = false;
		list_for_each(node, &app->functions) {
			struct function *function = list_entry(node, struct function, of_app);
			function_index(engine, function);
			crons_update(engine, function);
		}
	}
	return app;
}

// The function that this registration means: same slug first (also archived), then the derived id (01 §6.2 steps
// 10–12).
static struct function *resolve_function(struct engine *engine, struct app *app, const struct function_config *config) {
	struct function *archived = NULL;
	list_for_each(node, &app->functions) {
		struct function *function = list_entry(node, struct function, of_app);
		if (!str_eq(function->config.slug, config->slug)) continue;
		if (!function->archived) return function;
		archived = function;
	}
	if (archived != NULL) return archived;
	struct uuid id = config->derived_id;
	struct function *taken = function_find(engine, &id);
	if (taken == NULL) return function_new(engine, app, &id);
	if (taken->app == app) return taken;
	// Another app has this (name, URL) pair: keep both functions apart.
	struct str seed = arena_cat(&engine->batch->arena, str_make(app->id.bytes, sizeof app->id.bytes), config->slug);
	id = uuid_v5(seed);
	taken = function_find(engine, &id);
	return taken != NULL ? taken : function_new(engine, app, &id);
}

static bool listed(const struct registration *r, const struct function *function) {
	for (size_t i = 0; i < r->function_count; i++) {
		if (str_eq(r->functions[i].slug, function->config.slug)) return true;
	}
	return false;
}

static void save_function(struct engine *engine, const struct function *function) {
	record_function(engine, function);
	struct arena *arena = &engine->batch->arena;
	struct history_item *item = batch_history(engine->batch, HISTORY_FUNCTION, engine->now);
	item->function.id = function->id;
	item->function.app_id = function->app->id;
	item->function.name = arena_dup(arena, function->config.name);
	item->function.slug = arena_dup(arena, function->config.slug);
	item->function.config =
		function_config_json(arena, &function->id, function->version, function->config.config_members);
}

static bool replace_functions(struct engine *engine, struct app *app, const struct registration *r) {
	bool had_any = false;
	list_for_each(node, &app->functions) {
		struct function *function = list_entry(node, struct function, of_app);
		if (function->archived) continue;
		had_any = true;
		if (!listed(r, function)) function_archive(engine, function);
	}
	for (size_t i = 0; i < r->function_count; i++) {
		struct function *function = resolve_function(engine, app, &r->functions[i]);
		function_unindex(engine, function);
		struct error error;
		enum err err =
			function_configure(function, function->version + 1, r->functions[i].config_members, &error);
		CHECK(err == ERR_OK); // it was made by registration_parse
		function->archived = false;
		function_index(engine, function);
		crons_update(engine, function);
		backlogs_reconsider(engine, function);
		save_function(engine, function);
	}
	return had_any || r->function_count > 0;
}

void apply_register(struct engine *engine, struct command *command) {
	const struct registration *r = &command->registration;
	remove_placeholders(engine, r->url);
	if (r->sdk_denied) {
		struct app *app = upsert_app(engine, r);
		app_set(&app->error, STR("sdk_version_denied"));
		app_save(engine, app);
		reply_failed(
			engine, command, STR("sdk_version_denied"),
			STR("This SDK version has a known security problem; upgrade the inngest package to 3.54.0 or "
			    "later."),
			STR(""));
		return;
	}
	struct app *known = app_find_name(engine, r->app_name);
	if (known != NULL && !known->archived && known->error[0] == '\0' &&
	    str_eq_cstr(str_from_cstr(r->checksum), known->checksum)) {
		if (r->has_observations && !str_eq_cstr(r->metadata, known->metadata)) {
			app_set(&known->metadata, r->metadata);
			app_save(engine, known);
		}
		reply_registered(engine, command, known, false);
		return;
	}
	struct app *app = upsert_app(engine, r);
	if (r->problems.len > 0) {
		app_set(&app->error, r->problems);
		app_save(engine, app);
		struct str data = arena_cat(&command->arena, STR("{\"errors\":"), r->problems_json);
		data = arena_cat(&command->arena, data, STR("}"));
		reply_failed(engine, command, STR("config_invalid"), STR("At least one function is invalid"), data);
		return;
	}
	if (!replace_functions(engine, app, r)) app_set(&app->error, STR("No functions registered within your app"));
	app_save(engine, app);
	reply_registered(engine, command, app, true);
}

// ---- placeholders, errors, removal ---------------------------------------------------------------------------------

static struct app *find_url(const struct engine *engine, struct str url) {
	list_for_each(node, &engine->apps) {
		struct app *app = list_entry(node, struct app, all);
		if (!app->archived && str_eq_cstr(url, app->url)) return app;
	}
	return NULL;
}

static void add_placeholder(struct engine *engine, struct str url, struct str error) {
	struct uuid id = uuid_v5(url);
	struct app *app = app_find(engine, &id);
	if (app == NULL) app = app_new(engine, &id);
	app->archived = false;
	app_set(&app->url, url);
	app_set(&app->error, error);
	app_set(&app->method, STR("serve"));
	app_save(engine, app);
}

void apply_app_add(struct engine *engine, struct command *command) {
	add_placeholder(engine, command->app.url, STR("unreachable"));
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}

static bool uuid_is_zero(const struct uuid *id) {
	static const struct uuid zero;
	return uuid_eq(id, &zero);
}

void apply_app_error(struct engine *engine, struct command *command) {
	struct app *app = uuid_is_zero(&command->app.app_id) ? find_url(engine, command->app.url)
							     : app_find(engine, &command->app.app_id);
	if (app == NULL) {
		if (command->app.sdk) add_placeholder(engine, command->app.url, command->app.error);
		return;
	}
	// An identical error changes nothing: no write every poll interval. The text of a failed validation outlives
	// the general word that the SDK relays for it (01 §22).
	if (app->archived || str_eq_cstr(command->app.error, app->error)) return;
	bool detailed = str_find_str(str_from_cstr(app->error), STR(" errors occurred:")) >= 0;
	if (detailed && str_eq(command->app.error, STR("invalid_function"))) return;
	app_set(&app->error, command->app.error);
	app_save(engine, app);
}

static struct app *find_named(const struct engine *engine, const struct command *command) {
	if (uuid_is_zero(&command->app.app_id)) return find_url(engine, command->app.url);
	struct app *app = app_find(engine, &command->app.app_id);
	return app != NULL && !app->archived ? app : NULL;
}

static void reply_unknown_app(struct engine *engine, const struct command *command) {
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 404);
	reply->text = arena_cat(&reply->arena, STR("App not found: "), command->app.url);
	batch_reply(engine->batch, reply);
}

void apply_app_url(struct engine *engine, struct command *command) {
	struct app *app = find_named(engine, command);
	if (app == NULL) return reply_unknown_app(engine, command);
	if (!str_eq_cstr(command->app.url, app->url)) {
		app_set(&app->url, command->app.url);
		app_save(engine, app);
	}
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}

void apply_app_remove(struct engine *engine, struct command *command) {
	struct app *app = find_named(engine, command);
	if (app == NULL) return reply_unknown_app(engine, command);
	// By its id only the app is archived, which hides its functions (01 §7.3); by its URL they are too (01 §17).
	bool by_url = uuid_is_zero(&command->app.app_id);
	list_for_each(node, &app->functions) {
		struct function *function = list_entry(node, struct function, of_app);
		if (by_url && !function->archived) function_archive(engine, function);
	}
	app_archive(engine, app);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}
