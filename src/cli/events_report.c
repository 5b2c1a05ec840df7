#include "cli/events_report.h"

#include <stdlib.h>

#include "cli/show.h"

const char *const events_list_headings[EVENTS_LIST_COLUMNS] = {"EVENT", "NAME", "RECEIVED", "DATA"};

static void cell_data(struct table *table, yyjson_val *data) {
	size_t len = 0;
	char *text = data != NULL ? yyjson_val_write(data, 0, &len) : NULL;
	table_text(table, text != NULL ? str_make(text, len) : STR(""));
	free(text);
}

void events_report_row(struct table *table, yyjson_val *event, const struct page *page) {
	int64_t at_ns;
	table_text(table, reply_str(event, "internal_id"));
	table_text(table, reply_str(event, "name"));
	struct buf *cell = table_cell_start(table);
	if (reply_time(event, "received_at", &at_ns))
		show_time(cell, at_ns, table->terminal && page->has_now ? &page->now_ns : NULL);
	table_cell_end(table, NULL);
	cell_data(table, reply_get(event, "data"));
}

enum err events_report_sent(struct buf *out, bool terminal, struct str reply, struct error *error) {
	size_t i, max;
	yyjson_val *id;
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return error->code;
	yyjson_val *ids = reply_get(yyjson_doc_get_root(doc), "ids");
	enum err err = ERR_OK;
	if (!yyjson_is_arr(ids)) err = error_set(error, ERR_INVALID, "there are no ids of events in it");
	yyjson_arr_foreach(ids, i, max, id) {
		if (terminal) buf_lit(out, "Sent event ");
		show_text(out, json_str(id));
		buf_byte(out, '\n');
	}
	yyjson_doc_free(doc);
	return err;
}
