#include "cli/list.h"

#include <stdlib.h>

// ---- pages -----------------------------------------------------------------------------------------------------

// The server ends pages of large items early (docs/api.md): a page that is short and small is the last one.
#define LARGE_PAGE_BYTES (1u << 20)

static struct str next_cursor(yyjson_doc *doc, yyjson_val *items, bool by_id, bool is_last) {
	if (!by_id) return reply_str(reply_get(yyjson_doc_get_root(doc), "page"), "cursor");
	if (is_last) return (struct str){NULL, 0};
	return reply_str(yyjson_arr_get_last(items), "internal_id");
}

// Version 2 leaves out lists that are empty, but not what it says of a page.
static bool is_empty_page(yyjson_doc *doc) {
	yyjson_val *root = yyjson_doc_get_root(doc);
	return reply_data(doc) == NULL &&
	       (yyjson_is_obj(reply_get(root, "metadata")) || reply_get(root, "page") != NULL);
}

enum err page_read(struct page *page, struct str reply, bool by_id, size_t asked, struct error *error) {
	*page = (struct page){.doc = json_read(reply, false, NULL, error)};
	if (page->doc == NULL) return error->code;
	page->items = reply_data(page->doc);
	if (!yyjson_is_arr(page->items) && !is_empty_page(page->doc)) {
		page_free(page);
		return error_set(error, ERR_INVALID, "there is no list in it");
	}
	page->has_now = reply_fetched_at(page->doc, &page->now_ns);
	bool is_last = yyjson_arr_size(page->items) < asked && reply.len < LARGE_PAGE_BYTES;
	page->cursor = next_cursor(page->doc, page->items, by_id, is_last);
	return ERR_OK;
}

void page_free(struct page *page) {
	yyjson_doc_free(page->doc);
	page->doc = NULL;
}

static enum err ask_page(struct remote *remote, const struct list_source *source, size_t limit, struct str cursor,
			 struct page *page, struct error *error) {
	struct buf path;
	buf_init(&path, SIZE_MAX);
	buf_str(&path, source->path);
	buf_printf(&path, "%slimit=%zu", str_ends_with(source->path, STR("?")) ? "" : "&", limit);
	if (cursor.len > 0) buf_lit(&path, "&cursor=");
	client_escape(&path, cursor);
	struct remote_request request = {
		.http = {.method = "GET", .path = buf_view(&path)},
		.unknown = source->unknown,
	};
	enum err err = remote_send(remote, &request, error);
	buf_free(&path);
	if (err != ERR_OK) return err;
	err = page_read(page, buf_view(&remote->reply), source->by_id, limit, error);
	return remote_unreadable(remote, err, error);
}

enum err list_walk(struct remote *remote, const struct list_source *source, size_t wanted, list_page_fn *fn,
		   void *context, bool *left, struct error *error) {
	struct buf cursor; // of the page before, which is freed
	buf_init(&cursor, SIZE_MAX);
	enum err err = ERR_OK;
	bool more = true;
	size_t page_max = source->page_max;
	*left = false;
	while (err == ERR_OK && more) {
		struct page page;
		size_t limit = wanted < page_max ? wanted : page_max;
		err = ask_page(remote, source, limit, buf_view(&cursor), &page, error);
		if (err == ERR_TOO_LARGE && limit > 1) { // what it lists may be large
			page_max = limit / 2;
			err = ERR_OK;
			continue;
		}
		if (err != ERR_OK) break;
		size_t count = yyjson_arr_size(page.items), take = count < wanted ? count : wanted;
		wanted -= wanted == LIST_ALL ? 0 : take;
		*left = page.cursor.len > 0 || count > take;
		more = page.cursor.len > 0 && wanted > 0 && count > 0;
		if (more && str_eq(page.cursor, buf_view(&cursor)))
			err = error_set(error, ERR_INVALID, "the server gives the same page again and again");
		else
			fn(context, &page, take, more);
		if (remote_is_deaf(remote)) more = false;
		buf_clear(&cursor);
		buf_str(&cursor, page.cursor);
		page_free(&page);
	}
	buf_free(&cursor);
	return err;
}

// ---- what is printed -------------------------------------------------------------------------------------------

void list_init(struct list *list, struct remote *remote, const char *const *headings, size_t columns,
	       list_row_fn *row) {
	*list = (struct list){.remote = remote, .row = row};
	table_init(&list->table, headings, columns, remote->cli->terminal, remote->colour);
}

// The items as members of a list of our own, which begins with the first and ends in list_finish.
static void gather(struct list *list, const struct page *page, size_t take) {
	size_t i, max;
	yyjson_val *item;
	FILE *out = list->remote->cli->out;
	if (!list->opened) fputs("{\"data\":[", out);
	list->opened = true;
	yyjson_arr_foreach(page->items, i, max, item) {
		size_t len;
		if (i >= take) break;
		char *text = yyjson_val_write(item, 0, &len);
		if (text == NULL) continue; // no value of a document that was read
		if (list->count++ > 0) fputc(',', out);
		fwrite(text, 1, len, out);
		free(text);
	}
}

static void print_rows(struct list *list, const struct page *page, size_t take) {
	size_t i, max;
	yyjson_val *item;
	yyjson_arr_foreach(page->items, i, max, item) {
		if (i >= take) break;
		list->row(&list->table, item, page);
		list->count++;
	}
	if (list->sorts) return;
	table_print(&list->table, &list->remote->out);
	remote_flush(list->remote);
}

// A list that is in one reply is printed as it came.
static void on_page(void *context, const struct page *page, size_t take, bool more) {
	struct list *list = context;
	if (!list->remote->json)
		print_rows(list, page, take);
	else if (list->gathers || list->opened || more)
		gather(list, page, take);
	else
		remote_print_reply(list->remote);
}

enum err list_print(struct list *list, const struct list_source *source, size_t wanted, bool *left,
		    struct error *error) {
	return list_walk(list->remote, source, wanted, on_page, list, left, error);
}

void list_finish(struct list *list, bool whole) {
	FILE *out = list->remote->cli->out;
	bool is_document = list->opened || (list->gathers && list->remote->json);
	if (is_document && !list->opened && whole) fputs("{\"data\":[", out);
	if (is_document && whole) fputs("]}\n", out);
	table_sort(&list->table); // empty where rows have been printed
	table_print(&list->table, &list->remote->out);
	table_free(&list->table);
}

// ---- the command -----------------------------------------------------------------------------------------------

enum err list_run(struct remote *remote, const struct list_kind *kind, size_t *count, bool *left, struct error *error) {
	const struct settings *settings = remote->settings;
	struct buf path;
	struct list list;
	bool all = settings_on(settings, FLAG_ID_ALL);
	size_t wanted = all ? LIST_ALL : (size_t)settings_number(settings, FLAG_ID_LIMIT);
	*left = false;
	buf_init(&path, SIZE_MAX);
	list_init(&list, remote, kind->headings, kind->columns, kind->row);
	enum err err = kind->path(&path, settings, error);
	struct list_source source = {.path = buf_view(&path), .page_max = kind->page_max, .by_id = kind->by_id};
	if (err == ERR_OK) err = list_print(&list, &source, wanted, left, error);
	list_finish(&list, err == ERR_OK);
	*count = list.count;
	buf_free(&path);
	return err;
}
