// The data of a response as JSON. Iterative, with a stack of its own: see execute.h.
#include <stdlib.h>

#include "graphql/execute.h"

#define FIRST_OPEN 64

// A list or object that has been begun.
struct open {
	const struct gql_value *list; // NULL: an object
	size_t at;                    // next item of the list; row of the object
	const struct gql_column *column;
	bool is_begun;
};

struct writer {
	struct buf *out;
	struct arena *arena;
	struct open *stack;
	size_t depth, capacity;
};

static void push(struct writer *writer, struct open open) {
	if (writer->depth == writer->capacity) {
		writer->capacity = writer->capacity > 0 ? 2 * writer->capacity : FIRST_OPEN;
		writer->stack = mem_realloc(writer->stack, writer->capacity * sizeof *writer->stack);
	}
	writer->stack[writer->depth++] = open;
}

static void push_row(struct writer *writer, const struct gql_row *row) {
	buf_byte(writer->out, '{');
	push(writer, (struct open){.at = (size_t)(row - row->group->rows), .column = row->group->columns});
}

static void write_value(struct writer *writer, const struct gql_value *value) {
	struct buf *out = writer->out;
	switch (value->kind) {
	case GQL_TEXT:
		buf_json_str(out, gql_repair(writer->arena, value->text));
		return;
	case GQL_JSON:
		buf_str(out, value->text);
		return;
	case GQL_INT:
		buf_i64(out, value->number);
		return;
	case GQL_BOOL:
		buf_str(out, value->boolean ? STR("true") : STR("false"));
		return;
	case GQL_OBJECT:
		push_row(writer, value->object);
		return;
	case GQL_LIST:
		buf_byte(out, '[');
		push(writer, (struct open){.list = value});
		return;
	case GQL_NULL:
	case GQL_ERROR:
		break;
	}
	buf_lit(out, "null");
}

// The next item of a list, or its end.
static void step_list(struct writer *writer, struct open *open) {
	if (open->at == open->list->count) {
		buf_byte(writer->out, ']');
		writer->depth--;
		return;
	}
	if (open->at > 0) buf_byte(writer->out, ',');
	write_value(writer, &open->list->items[open->at++]); // may move `open`
}

// The next field of an object, or its end.
static void step_object(struct writer *writer, struct open *open) {
	const struct gql_column *column = open->column;
	if (column == NULL) {
		buf_byte(writer->out, '}');
		writer->depth--;
		return;
	}
	if (open->is_begun) buf_byte(writer->out, ',');
	open->is_begun = true;
	open->column = column->next;
	buf_byte(writer->out, '"');
	buf_str(writer->out, column->key); // a name: nothing in it needs an escape
	buf_lit(writer->out, "\":");
	write_value(writer, &column->values[open->at]);
}

void gql_data_write(const struct gql_execution *execution, struct buf *out) {
	const struct gql_group *root = list_entry(execution->groups.next, struct gql_group, all);
	if (root->rows[0].is_null) {
		buf_lit(out, "null");
		return;
	}
	struct writer writer = {.out = out, .arena = execution->arena};
	push_row(&writer, &root->rows[0]);
	while (writer.depth > 0 && !out->overflow) {
		struct open *top = &writer.stack[writer.depth - 1];
		if (top->list != NULL) {
			step_list(&writer, top);
		} else {
			step_object(&writer, top);
		}
	}
	free(writer.stack);
}
