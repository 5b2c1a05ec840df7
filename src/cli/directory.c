#include "cli/directory.h"

#include "base/check.h"
#include "base/hash.h"

#define NAMES_MAX 100000u // more functions keep their ids

const struct list_source directory_apps_source = {.path = STR_INIT("/v2/apps?"), .page_max = APPS_PAGE_MAX};

// ---- apps ------------------------------------------------------------------------------------------------------

static void add_apps(void *context, const struct page *page, size_t take, bool more) {
	struct directory_apps *apps = context;
	size_t i, max;
	yyjson_val *app;
	(void)more;
	yyjson_arr_foreach(page->items, i, max, app) {
		struct str id = reply_str(app, "id");
		if (i >= take || id.len == 0) continue;
		if (apps->count == apps->cap) {
			struct str *grown = ARENA_ARRAY(apps->arena, struct str, 2 * apps->cap + 16);
			if (apps->count > 0) memcpy(grown, apps->list, apps->count * sizeof(*grown));
			apps->list = grown;
			apps->cap = 2 * apps->cap + 16;
		}
		apps->list[apps->count++] = arena_dup(apps->arena, id);
	}
}

enum err directory_apps(struct remote *remote, struct arena *arena, struct directory_apps *out, struct error *error) {
	bool left;
	*out = (struct directory_apps){.arena = arena};
	return list_walk(remote, &directory_apps_source, LIST_ALL, add_apps, out, &left, error);
}

// ---- functions -------------------------------------------------------------------------------------------------

// The server's name of a function has its app's before it.
static struct str without_app(struct str slug, struct str app) {
	bool has_app = slug.len > app.len + 1 && str_starts_with(slug, app) && slug.ptr[app.len] == '-';
	return has_app ? str_skip(slug, app.len + 1) : slug;
}

enum err directory_read_functions(struct str reply, struct str app, directory_function_fn *fn, void *context,
				  struct error *error) {
	size_t i, max;
	yyjson_val *item;
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	enum err err = ERR_OK;
	if (!yyjson_is_arr(yyjson_doc_get_root(doc)))
		err = error_set(error, ERR_INVALID, "there is no list of functions in it");
	yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, item) {
		struct uuid id;
		struct directory_function function = {.id = reply_str(item, "internal_id"),
						      .name = without_app(reply_str(item, "id"), app)};
		if (uuid_parse(function.id, &id)) fn(context, &function);
	}
	yyjson_doc_free(doc);
	return err;
}

static enum err ask_functions(struct remote *remote, struct str app, directory_function_fn *fn, void *context,
			      struct error *error) {
	struct buf path;
	buf_init(&path, SIZE_MAX);
	buf_lit(&path, "/v1/apps/");
	client_escape(&path, app);
	buf_lit(&path, "/functions");
	struct remote_request request = {.http = {.method = "GET", .path = buf_view(&path)}};
	enum err err = remote_send(remote, &request, error);
	buf_free(&path);
	if (err != ERR_OK) return err;
	err = directory_read_functions(buf_view(&remote->reply), app, fn, context, error);
	return remote_unreadable(remote, err, error);
}

struct wanted {
	struct str name;
	struct arena *arena;
	struct str id;
};

static void take_wanted(void *context, const struct directory_function *function) {
	struct wanted *wanted = context;
	if (str_eq(function->name, wanted->name)) wanted->id = arena_dup(wanted->arena, function->id);
}

enum err directory_function_id(struct remote *remote, const struct function_name *name, struct str *out,
			       struct error *error) {
	struct wanted wanted = {.name = name->function, .arena = remote->settings->arena};
	enum err err = ask_functions(remote, name->app, take_wanted, &wanted, error);
	if (err != ERR_OK) return err;
	*out = wanted.id;
	if (wanted.id.len > 0) return ERR_OK;
	return error_set(error, ERR_NOT_FOUND, "the server at %.*s knows %s",
			 STR_ARG(str_first(remote->client.url, 100)), remote_unknown_function(remote, name).ptr);
}

// ---- names of functions by their ids ---------------------------------------------------------------------------

struct name_entry {
	struct map_node node;
	struct str id, name;
};

void directory_names_init(struct directory_names *names, struct remote *remote) {
	*names = (struct directory_names){.remote = remote};
	arena_init(&names->arena, 0);
	map_init(&names->names);
}

void directory_names_free(struct directory_names *names) {
	map_free(&names->names);
	arena_free(&names->arena);
}

static struct name_entry *entry_find(const struct directory_names *names, struct str id) {
	struct map_node *n = map_first(&names->names, hash_bytes(id.ptr, id.len));
	for (; n != NULL; n = map_next(n)) {
		struct name_entry *entry = container_of(n, struct name_entry, node);
		if (str_eq(entry->id, id)) return entry;
	}
	return NULL;
}

void directory_names_add(struct directory_names *names, struct str id, struct str name) {
	if (names->names.count >= NAMES_MAX || entry_find(names, id) != NULL) return;
	struct name_entry *entry = ARENA_NEW(&names->arena, struct name_entry);
	entry->id = arena_dup(&names->arena, id);
	entry->name = arena_dup(&names->arena, name);
	map_insert(&names->names, &entry->node, hash_bytes(entry->id.ptr, entry->id.len));
}

struct app_names {
	struct directory_names *names;
	struct str app;
};

static void add_name(void *context, const struct directory_function *function) {
	struct app_names *of_app = context;
	struct buf name;
	buf_init(&name, SIZE_MAX);
	buf_str(&name, of_app->app);
	buf_byte(&name, '/');
	buf_str(&name, function->name);
	directory_names_add(of_app->names, function->id, buf_view(&name));
	buf_free(&name);
}

// Names are a help only: a server that does not tell them is asked no more about them.
static void load(struct directory_names *names) {
	struct error error;
	struct arena arena;
	struct directory_apps apps;
	arena_init(&arena, 0);
	enum err err = directory_apps(names->remote, &arena, &apps, &error);
	for (size_t i = 0; i < apps.count && err == ERR_OK; i++) {
		struct app_names of_app = {names, apps.list[i]};
		err = ask_functions(names->remote, apps.list[i], add_name, &of_app, &error);
	}
	arena_free(&arena);
}

struct str directory_names_find(struct directory_names *names, struct str id) {
	struct uuid uuid;
	if (!uuid_parse(id, &uuid)) return id;
	struct name_entry *entry = entry_find(names, id);
	if (entry != NULL) return entry->name;
	if (names->names.count >= NAMES_MAX) return id;
	load(names);
	directory_names_add(names, id, id);
	entry = entry_find(names, id);
	return entry != NULL ? entry->name : id;
}
