#include "cli/table.h"

#include <stdlib.h>

#include "base/check.h"
#include "cli/show.h"

#define GAP "  "
#define CELL_MAX 80u           // bytes of a text on a terminal
#define PLAIN_CELL_MAX 65536u  // elsewhere
#define ROWS_TEXT_MAX SIZE_MAX // replies have a maximum

struct table_cell {
	size_t end; // of its text
	const char *colour;
};

void table_init(struct table *table, const char *const *headings, size_t columns, bool terminal, bool colour) {
	CHECK(columns <= TABLE_COLUMNS_MAX);
	*table = (struct table){.headings = headings, .columns = columns, .terminal = terminal, .colour = colour};
	buf_init(&table->text, ROWS_TEXT_MAX);
	for (size_t i = 0; headings != NULL && i < columns; i++)
		table->widths[i] = show_width(str_from_cstr(headings[i]));
}

void table_free(struct table *table) {
	buf_free(&table->text);
	free(table->cells);
}

static struct str cell_text(const struct table *table, size_t i) {
	size_t start = i > 0 ? table->cells[i - 1].end : 0;
	return str_first(str_skip(buf_view(&table->text), start), table->cells[i].end - start);
}

struct buf *table_cell_start(struct table *table) {
	if (table->count == table->cap) {
		table->cap = table->cap > 0 ? 2 * table->cap : 64;
		table->cells = mem_realloc(table->cells, table->cap * sizeof(*table->cells));
	}
	return &table->text;
}

void table_cell_end(struct table *table, const char *colour) {
	size_t column = table->count % table->columns;
	table->cells[table->count] = (struct table_cell){table->text.len, colour};
	size_t width = show_width(cell_text(table, table->count));
	if (width > table->widths[column]) table->widths[column] = width;
	table->count++;
}

void table_coloured(struct table *table, struct str text, const char *colour) {
	show_text_first(table_cell_start(table), text, table->terminal ? CELL_MAX : PLAIN_CELL_MAX);
	table_cell_end(table, colour);
}

void table_text(struct table *table, struct str text) {
	table_coloured(table, text, NULL);
}

// Without blanks after the last text of a line.
static void print_aligned(const struct table *table, struct buf *out, const struct str *texts,
			  const char *const *colours) {
	size_t last = table->columns, blanks = 0;
	while (last > 0 && texts[last - 1].len == 0) last--;
	for (size_t i = 0; i < last; i++) {
		buf_printf(out, "%*s", (int)blanks, "");
		show_colour_start(out, table->colour, colours[i]);
		buf_str(out, texts[i]);
		show_colour_end(out, table->colour, colours[i]);
		blanks = table->widths[i] - show_width(texts[i]) + sizeof(GAP) - 1;
	}
	buf_byte(out, '\n');
}

static void print_headings(struct table *table, struct buf *out) {
	struct str texts[TABLE_COLUMNS_MAX];
	const char *colours[TABLE_COLUMNS_MAX];
	if (table->headed || !table->terminal || table->headings == NULL) return;
	table->headed = true;
	for (size_t i = 0; i < table->columns; i++) {
		texts[i] = str_from_cstr(table->headings[i]);
		colours[i] = SHOW_BOLD;
	}
	print_aligned(table, out, texts, colours);
}

static void print_row(const struct table *table, struct buf *out, size_t first) {
	struct str texts[TABLE_COLUMNS_MAX];
	const char *colours[TABLE_COLUMNS_MAX];
	for (size_t i = 0; i < table->columns; i++) {
		texts[i] = cell_text(table, first + i);
		colours[i] = table->cells[first + i].colour;
	}
	if (table->terminal) {
		print_aligned(table, out, texts, colours);
		return;
	}
	for (size_t i = 0; i < table->columns; i++) {
		if (i > 0) buf_byte(out, '\t');
		buf_str(out, texts[i]);
	}
	buf_byte(out, '\n');
}

struct row {
	struct str name; // its first text
	size_t first;    // its cells
};

static int row_order(const void *left, const void *right) {
	const struct row *a = left, *b = right;
	int order = str_cmp(a->name, b->name);
	return order != 0 ? order : (a->first > b->first) - (a->first < b->first);
}

void table_sort(struct table *table) {
	size_t count = table->count / table->columns;
	if (count == 0) return;
	struct row *rows = mem_calloc(count, sizeof *rows);
	struct table sorted = {.columns = table->columns};
	buf_init(&sorted.text, ROWS_TEXT_MAX);
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct row){cell_text(table, i * table->columns), i * table->columns};
	qsort(rows, count, sizeof *rows, row_order);
	for (size_t i = 0; i < count * table->columns; i++) {
		size_t cell = rows[i / table->columns].first + i % table->columns;
		buf_str(table_cell_start(&sorted), cell_text(table, cell));
		table_cell_end(&sorted, table->cells[cell].colour);
	}
	free(rows);
	buf_free(&table->text);
	free(table->cells);
	table->text = sorted.text;
	table->cells = sorted.cells;
	table->cap = sorted.cap;
}

void table_print(struct table *table, struct buf *out) {
	CHECK(table->count % table->columns == 0);
	if (table->count > 0) print_headings(table, out);
	for (size_t i = 0; i < table->count; i += table->columns) print_row(table, out, i);
	table->count = 0;
	buf_clear(&table->text);
}
