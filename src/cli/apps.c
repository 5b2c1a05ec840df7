// `inngest apps list|sync`.
#include "cli/directory.h"
#include "cli/functions_report.h"

// ---- list ------------------------------------------------------------------------------------------------------

static enum err list_command(struct remote *remote, struct error *error) {
	struct list list;
	bool left;
	list_init(&list, remote, apps_list_headings, APPS_LIST_COLUMNS, apps_report_row);
	list.sorts = true; // the server has them by ids that say nothing
	enum err err = list_print(&list, &directory_apps_source, LIST_ALL, &left, error);
	list_finish(&list, err == ERR_OK);
	if (err == ERR_OK && list.count == 0)
		remote_note(remote,
			    "There are no apps. `inngest apps sync URL` adds one, as does `inngest dev -u URL`.\n");
	return err;
}

int apps_list_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, list_command);
}

// ---- sync ------------------------------------------------------------------------------------------------------

struct search {
	struct str name;
	struct buf url;
};

static void look_for(void *context, const struct page *page, size_t take, bool more) {
	struct search *search = context;
	size_t i, max;
	yyjson_val *app;
	(void)take;
	(void)more;
	yyjson_arr_foreach(page->items, i, max, app) {
		if (search->url.len == 0) apps_find_url(&search->url, app, search->name);
	}
}

// What has a scheme is a URL; any other text is the name of an app, or else a URL if it looks like one.
static enum err find_url(struct remote *remote, struct search *search, struct error *error) {
	bool left, like_url = str_find(search->name, '/') >= 0 || str_find(search->name, ':') >= 0;
	if (str_find_str(search->name, STR("://")) >= 0) {
		buf_str(&search->url, search->name);
		return ERR_OK;
	}
	enum err err = list_walk(remote, &directory_apps_source, LIST_ALL, look_for, search, &left, error);
	if (err == ERR_OK && search->url.len == 0 && like_url) buf_str(&search->url, search->name);
	if (err != ERR_OK || search->url.len > 0) return err;
	return error_set(error, ERR_NOT_FOUND,
			 "the server at %.*s knows no app \"%.*s\" with a URL; `inngest apps list` lists the apps, and "
			 "`inngest apps sync http://HOST:PORT/PATH` adds one",
			 STR_ARG(str_first(remote->client.url, 100)), STR_ARG(str_first(search->name, 100)));
}

static enum err sync_url(struct remote *remote, struct str url, struct error *error) {
	struct buf body;
	buf_init(&body, SIZE_MAX);
	buf_lit(&body, "{\"query\":\"mutation($u:String!){createApp(input:{url:$u}){name url error}}\",\"variables\":{"
		       "\"u\":");
	buf_json_str(&body, url);
	buf_lit(&body, "}}");
	struct remote_request request = {
		.http = {.method = "POST", .path = STR("/v0/gql"), .body = buf_view(&body)},
	};
	enum err err = remote_send(remote, &request, error);
	buf_free(&body);
	return err;
}

static enum err tell_sync(struct remote *remote, struct str url, struct error *error) {
	enum err err = apps_report_sync(&remote->out, remote->cli->terminal, buf_view(&remote->reply), error);
	if (remote->json && (err == ERR_OK || err == ERR_UNSUPPORTED)) {
		buf_clear(&remote->out);
		remote_print_reply(remote);
	}
	if (err != ERR_UNSUPPORTED) return remote_unreadable(remote, err, error);
	struct str what = arena_printf(remote->settings->arena, "%.200s", error->message);
	return error_set(error, ERR_UNSUPPORTED,
			 "the app at %.*s cannot be synced: %s. Does it run, and serve its functions there?",
			 STR_ARG(str_first(url, 200)), what.ptr);
}

static enum err sync_command(struct remote *remote, struct error *error) {
	struct search search = {.name = settings_word(remote->settings, 0)};
	buf_init(&search.url, SIZE_MAX);
	enum err err = find_url(remote, &search, error);
	if (err == ERR_OK) err = sync_url(remote, buf_view(&search.url), error);
	if (err == ERR_OK) err = tell_sync(remote, buf_view(&search.url), error);
	buf_free(&search.url);
	return err;
}

int apps_sync_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, sync_command);
}
