#include "cli/functions_report.h"
#include "cli/show.h"

const char *const apps_list_headings[APPS_LIST_COLUMNS] = {"APP", "FUNCTIONS", "METHOD", "SDK", "URL", "ERROR"};

static void cell_sdk(struct table *table, yyjson_val *sync) {
	struct str language = reply_str(sync, "sdkLanguage"), version = reply_str(sync, "sdkVersion");
	struct buf *cell = table_cell_start(table);
	show_text(cell, language);
	if (language.len > 0 && version.len > 0) buf_byte(cell, ' ');
	show_text(cell, version);
	table_cell_end(table, NULL);
}

void apps_report_row(struct table *table, yyjson_val *app, const struct page *page) {
	unsigned long long count = 0;
	yyjson_val *sync = reply_get(app, "latestSync");
	(void)page;
	(void)reply_count(app, "functionCount", &count);
	table_text(table, reply_str(app, "id"));
	buf_printf(table_cell_start(table), "%llu", count);
	table_cell_end(table, NULL);
	table_text(table, reply_str(app, "method"));
	cell_sdk(table, sync);
	table_text(table, reply_str(sync, "url"));
	table_coloured(table, reply_str(sync, "error"), SHOW_RED);
}

void apps_find_url(struct buf *out, yyjson_val *app, struct str name) {
	if (str_eq(reply_str(app, "id"), name)) buf_str(out, reply_str(reply_get(app, "latestSync"), "url"));
}

// ---- sync ------------------------------------------------------------------------------------------------------

static enum err unsynced(struct str text, struct error *error) {
	struct buf shown;
	buf_init(&shown, SIZE_MAX);
	show_text(&shown, text);
	(void)error_set(error, ERR_UNSUPPORTED, "%.*s", STR_ARG(buf_view(&shown)));
	buf_free(&shown);
	return ERR_UNSUPPORTED;
}

static void report_app(struct buf *out, bool terminal, yyjson_val *app) {
	if (terminal) buf_lit(out, "Synced ");
	show_text(out, reply_str(app, "name"));
	buf_str(out, terminal ? STR(" at ") : STR("\t"));
	show_text(out, reply_str(app, "url"));
	buf_byte(out, '\n');
}

enum err apps_report_sync(struct buf *out, bool terminal, struct str reply, struct error *error) {
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *app = reply_get(reply_data(doc), "createApp");
	yyjson_val *first = yyjson_arr_get_first(reply_get(yyjson_doc_get_root(doc), "errors"));
	struct str message = reply_str(first, "message"), failed = reply_str(app, "error");
	enum err err = ERR_OK;
	if (message.len > 0 || failed.len > 0)
		err = unsynced(message.len > 0 ? message : failed, error);
	else if (!yyjson_is_obj(app))
		err = error_set(error, ERR_INVALID, "there is no app in it");
	else
		report_app(out, terminal, app);
	yyjson_doc_free(doc);
	return err;
}
