// Lists that a server gives page by page: as a table, or as one JSON document.
#ifndef INNGEST_CLI_LIST_H
#define INNGEST_CLI_LIST_H

#include "cli/remote.h"
#include "cli/reply.h"
#include "cli/table.h"

#define LIST_ALL SIZE_MAX

// ---- pages -----------------------------------------------------------------------------------------------------

struct page {
	yyjson_doc *doc;
	yyjson_val *items; // array, or NULL
	struct str cursor; // of the page after it; empty when there is none
	bool has_now;
	int64_t now_ns; // the server's clock
};
// Reads a page. `by_id`: the last item names the next page, when the page has `asked` items (05 §12.2) or is large;
// else the reply says it itself (05 §13.5). The page lives until page_free.
ERR_CHECKED enum err page_read(struct page *page, struct str reply, bool by_id, size_t asked, struct error *error);
void page_free(struct page *page);

struct list_source {
	struct str path;     // with a '?' and all of its query but limit and cursor
	size_t page_max;     // items that the server gives at once
	bool by_id;          // see page_read
	const char *unknown; // what a 404 means, or NULL
};
// `more`: there is a page after it, and it will be asked for.
typedef void list_page_fn(void *context, const struct page *page, size_t take, bool more);
// Asks for pages until there are `wanted` items. *left: the server has more.
ERR_CHECKED enum err list_walk(struct remote *remote, const struct list_source *source, size_t wanted, list_page_fn *fn,
			       void *context, bool *left, struct error *error);

// ---- what is printed -------------------------------------------------------------------------------------------

// Adds the cells of a row.
typedef void list_row_fn(struct table *table, yyjson_val *item, const struct page *page);

struct list {
	struct remote *remote;
	struct table table;
	list_row_fn *row;
	size_t count;
	bool sorts;   // rows are printed at the end, by their first texts
	bool gathers; // several sources make one document
	bool opened;  // a document of our own has begun
};
void list_init(struct list *list, struct remote *remote, const char *const *headings, size_t columns, list_row_fn *row);
// Prints what comes from a source, as it comes.
ERR_CHECKED enum err list_print(struct list *list, const struct list_source *source, size_t wanted, bool *left,
				struct error *error);
// Frees it, and ends the document; one that is not `whole` stays open, so that nobody takes it for the whole.
void list_finish(struct list *list, bool whole);

// ---- the command `list` of what --limit and --all are for --------------------------------------------------------

struct list_kind {
	const char *const *headings;
	size_t columns;
	list_row_fn *row;
	enum err (*path)(struct buf *path, const struct settings *settings, struct error *error); // as in list_source
	size_t page_max;
	bool by_id;
};
// *count: of what was printed. *left: the server has more.
ERR_CHECKED enum err list_run(struct remote *remote, const struct list_kind *kind, size_t *count, bool *left,
			      struct error *error);

#endif
