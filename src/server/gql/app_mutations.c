// Mutations of apps (spec 06 §10.1).
#include <time.h>

#include "server/gql/types.h"

#define BUSY "The server is busy; please try again"
#define SYNC_GRACE_MS 100 // for apps that register after they have answered the ping

// ---- asking the engine ---------------------------------------------------------------------------------------------

static enum err ask(struct gql_call *call, struct command *command, struct error *error) {
	struct reply *reply = context_ask(call->context, command);
	enum err err = ERR_OK;
	if (reply == NULL)
		err = error_set(error, ERR_BUSY, BUSY);
	else if (reply->kind == REPLY_FAILED)
		err = error_set(error, reply->status == 404 ? ERR_NOT_FOUND : ERR_INVALID, "%.*s",
				STR_ARG(reply->text));
	reply_free(reply);
	return err;
}

static enum err add_placeholder(struct gql_call *call, struct str url, struct error *error) {
	struct command *command = command_new(COMMAND_APP_ADD);
	command->app.url = arena_dup(&command->arena, url);
	return ask(call, command, error);
}

static enum err remove_app(struct gql_call *call, const struct catalogue_app *app, struct error *error) {
	struct command *command = command_new(COMMAND_APP_REMOVE);
	command->app.url = arena_dup(&command->arena, app->url);
	command->app.app_id = app->id;
	return ask(call, command, error);
}

static enum err move_app(struct gql_call *call, const struct catalogue_app *app, struct str url, struct error *error) {
	struct command *command = command_new(COMMAND_APP_URL);
	command->app.url = arena_dup(&command->arena, url);
	command->app.app_id = app->id;
	return ask(call, command, error);
}

// The app is asked to register now (01 §4). Without a node nobody can ask.
static enum err sync_app(struct gql_call *call, struct str url, struct error *error) {
	struct gql_context *context = call->context;
	const struct server_config *config = &context->server->config;
	if (config->sync == NULL) return ERR_OK;
	if (!context_step_out(context, error)) return ERR_BUSY;
	struct buf problem;
	buf_init(&problem, sizeof error->message);
	config->sync(config->context, url, &problem);
	context_step_in(context);
	enum err err = problem.len > 0 ? error_set(error, ERR_IO, "%.*s", STR_ARG(buf_view(&problem))) : ERR_OK;
	buf_free(&problem);
	return err;
}

// ---- looking up ----------------------------------------------------------------------------------------------------

static enum err load_apps(struct gql_call *call, struct catalogue_app **out, size_t *count, struct error *error) {
	static const struct catalogue_query live = {.which = CATALOGUE_LIVE};
	struct history_reader *reader = call_reader(call, error);
	return reader != NULL ? catalogue_apps(reader, call->arena, &live, out, count, error) : ERR_BUSY;
}

// The app at this URL; NULL with ERR_OK: none.
static enum err load_at_url(struct gql_call *call, struct str url, const struct catalogue_app **out,
			    struct error *error) {
	struct catalogue_app *apps;
	size_t count;
	enum err err = load_apps(call, &apps, &count, error);
	*out = err == ERR_OK ? app_at_url(apps, count, url) : NULL;
	return err;
}

// The app with this id, archived ones too. Answers itself, with NULL, on errors.
static const struct catalogue_app *load_by_id(struct gql_call *call, const struct uuid *id, bool *failed) {
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	struct catalogue_app *apps;
	size_t count;
	*failed = reader == NULL || catalogue_apps_by_id(reader, call->arena, id, 1, &apps, &count, &error) != ERR_OK;
	if (*failed) fail_all(call, "%s", error.message);
	return *failed || count == 0 ? NULL : &apps[0];
}

static struct str normalise(struct arena *arena, struct str url) {
	if (str_find_str(url, STR("://")) < 0) url = arena_cat(arena, STR("http://"), url);
	return url_normalise(arena, url, NULL);
}

// ---- the mutations -------------------------------------------------------------------------------------------------

static void wait_a_moment(struct gql_context *context) {
	context_release(context);
	nanosleep(&(struct timespec){.tv_nsec = SYNC_GRACE_MS * 1000000L}, NULL);
}

void resolve_create_app(struct gql_call *call) {
	struct str url = normalise(call->arena, member_str(gql_argument_get(call, "input"), "url"));
	const struct catalogue_app *app = NULL;
	struct error error;
	enum err err = add_placeholder(call, url, &error);
	if (err == ERR_OK) err = sync_app(call, url, &error);
	if (err == ERR_OK) err = load_at_url(call, url, &app, &error);
	if (err == ERR_OK && app != NULL && app->name.len == 0) {
		wait_a_moment(call->context);
		err = load_at_url(call, url, &app, &error);
	}
	if (err != ERR_OK)
		fail_all(call, "%s", error.message);
	else if (app == NULL)
		fail_all(call, "There was an error creating your app");
	else
		resolve_all(call, gql_object(app));
}

void resolve_update_app(struct gql_call *call) {
	yyjson_val *input = gql_argument_get(call, "input");
	struct str text = member_str(input, "id"), url = normalise(call->arena, member_str(input, "url"));
	struct uuid id;
	bool failed;
	struct error error;
	if (!uuid_parse(text, &id)) {
		fail_all(call, "invalid UUID length: %zu", text.len);
		return;
	}
	const struct catalogue_app *app = load_by_id(call, &id, &failed);
	if (failed) return;
	if (app == NULL) {
		fail_all(call, NO_ROWS);
		return;
	}
	if (move_app(call, app, url, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	app = load_by_id(call, &id, &failed);
	if (!failed) resolve_all(call, app != NULL ? gql_object(app) : gql_fail(call->arena, NO_ROWS));
}

// An app that is not known, or no longer there, is as good as removed.
void resolve_delete_app(struct gql_call *call) {
	struct str text = gql_argument_str(call, "id");
	struct uuid id;
	bool failed;
	struct error error;
	if (!uuid_parse(text, &id)) {
		fail_all(call, "invalid UUID length: %zu", text.len);
		return;
	}
	const struct catalogue_app *app = load_by_id(call, &id, &failed);
	if (failed) return;
	bool is_there = app != NULL && !app->is_archived;
	enum err err = is_there ? remove_app(call, app, &error) : ERR_OK;
	if (err == ERR_OK || err == ERR_NOT_FOUND)
		resolve_all(call, gql_text(text));
	else
		fail_all(call, "%s", error.message);
}

void resolve_delete_app_by_name(struct gql_call *call) {
	struct str name = gql_argument_str(call, "name");
	struct catalogue_app *apps;
	const struct catalogue_app *app = NULL;
	size_t count;
	struct error error;
	enum err err = load_apps(call, &apps, &count, &error);
	for (size_t i = 0; err == ERR_OK && app == NULL && i < count; i++)
		if (str_eq(apps[i].name, name)) app = &apps[i];
	if (app != NULL) err = remove_app(call, app, &error);
	if (err == ERR_OK || err == ERR_NOT_FOUND)
		resolve_all(call, gql_bool(app != NULL && err == ERR_OK));
	else
		fail_all(call, "%s", error.message);
}
