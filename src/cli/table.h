// Tables: aligned under headings on a terminal; else a line of tab-separated texts for each row, without headings.
//
// Rows are kept until they are printed, so a long table is printed piece by piece; columns never get narrower.
#ifndef INNGEST_CLI_TABLE_H
#define INNGEST_CLI_TABLE_H

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 8

struct table_cell;
struct table {
	const char *const *headings; // NULL: none, also on a terminal
	size_t columns;
	bool terminal;
	bool colour;
	bool headed; // the headings are printed
	size_t widths[TABLE_COLUMNS_MAX];
	struct table_cell *cells;
	size_t count, cap;
	struct buf text; // of the cells
};

void table_init(struct table *table, const char *const *headings, size_t columns, bool terminal, bool colour);
void table_free(struct table *table);
// The next cell of the row; a text of the server.
void table_text(struct table *table, struct str text);
void table_coloured(struct table *table, struct str text, const char *colour);
// The next cell is what is written to the buffer that this returns, until table_cell_end.
struct buf *table_cell_start(struct table *table);
void table_cell_end(struct table *table, const char *colour);
// By their first texts.
void table_sort(struct table *table);
// Appends the rows that are there, and forgets them.
void table_print(struct table *table, struct buf *out);

#endif
