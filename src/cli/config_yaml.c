// A configuration file in YAML: one mapping of scalars and lists of scalars, read from libyaml's event stream. Aliases
// are not followed, so a small file stays small.
#include <yaml.h>

#include "cli/config_file.h"

// libyaml takes quadratic time in the depth.
#define DEPTH_MAX 64

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; // the current one
	bool has_event;
	struct arena *arena;
	struct config_members *out;
	size_t capacity;
};

static enum err next(struct reader *reader, struct error *error) {
	if (reader->has_event) yaml_event_delete(&reader->event);
	reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
	if (reader->has_event) return ERR_OK;
	return error_set(error, ERR_INVALID, "yaml: line %zu: %s", reader->parser.problem_mark.line + 1,
			 reader->parser.problem != NULL ? reader->parser.problem : "unreadable");
}

// The scalar's text, empty for the forms of null.
static struct str scalar_text(struct reader *reader) {
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	struct str text = str_make(reader->event.data.scalar.value, reader->event.data.scalar.length);
	if (reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
			if (str_eq_cstr(text, nulls[i])) return STR("");
	return arena_dup(reader->arena, text);
}

// Reads on to the end of the node whose first event is current.
static enum err skip_node(struct reader *reader, struct error *error) {
	for (size_t depth = 0;;) {
		switch (reader->event.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			depth++;
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		default:
			break;
		}
		if (depth == 0) return ERR_OK;
		if (depth > DEPTH_MAX) return error_set(error, ERR_INVALID, "yaml: nested deeper than %d", DEPTH_MAX);
		enum err err = next(reader, error);
		if (err != ERR_OK) return err;
	}
}

static void *grown(struct arena *arena, const void *old, size_t count, size_t size, size_t *capacity) {
	*capacity = *capacity == 0 ? 8 : *capacity * 2;
	void *list = arena_calloc(arena, *capacity, size);
	if (count > 0) memcpy(list, old, count * size);
	return list;
}

// The items of a sequence; *flat is false when one of them is no scalar.
static enum err read_sequence(struct reader *reader, struct config_member *member, bool *flat, struct error *error) {
	size_t capacity = 0;
	for (;;) {
		enum err err = next(reader, error);
		if (err != ERR_OK) return err;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT) return ERR_OK;
		if (reader->event.type != YAML_SCALAR_EVENT || member->count == CONFIG_LIST_MAX) {
			*flat = false;
			err = skip_node(reader, error);
			if (err != ERR_OK) return err;
			continue;
		}
		if (member->count == capacity)
			member->values =
				grown(reader->arena, member->values, member->count, sizeof(struct str), &capacity);
		member->values[member->count++] = scalar_text(reader);
	}
}

// One key and its value; the key's event is current.
static enum err read_member(struct reader *reader, struct error *error) {
	struct config_member member = {0};
	bool flat = reader->event.type == YAML_SCALAR_EVENT;
	if (flat) member.key = scalar_text(reader);
	enum err err = skip_node(reader, error);
	if (err == ERR_OK) err = next(reader, error);
	if (err != ERR_OK) return err;
	if (reader->event.type == YAML_SCALAR_EVENT) {
		member.values = ARENA_NEW(reader->arena, struct str);
		member.values[0] = scalar_text(reader);
		member.count = 1;
	} else if (reader->event.type == YAML_SEQUENCE_START_EVENT) {
		err = read_sequence(reader, &member, &flat, error);
	} else {
		flat = false;
		err = skip_node(reader, error);
	}
	if (err != ERR_OK || !flat) return err;
	if (reader->out->count == reader->capacity)
		reader->out->list = grown(reader->arena, reader->out->list, reader->out->count,
					  sizeof(struct config_member), &reader->capacity);
	reader->out->list[reader->out->count++] = member;
	return ERR_OK;
}

static enum err read_document(struct reader *reader, struct error *error) {
	enum err err;
	do {
		err = next(reader, error);
		if (err != ERR_OK || reader->event.type == YAML_STREAM_END_EVENT) return err; // an empty file
	} while (reader->event.type == YAML_STREAM_START_EVENT || reader->event.type == YAML_DOCUMENT_START_EVENT);
	if (reader->event.type == YAML_SCALAR_EVENT && scalar_text(reader).len == 0) return ERR_OK;
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return error_set(error, ERR_INVALID, "the file must hold one mapping of keys to values");
	for (;;) {
		err = next(reader, error);
		if (err != ERR_OK || reader->event.type == YAML_MAPPING_END_EVENT) return err;
		err = read_member(reader, error);
		if (err != ERR_OK) return err;
	}
}

enum err config_yaml_read(struct arena *arena, struct str text, struct config_members *out, struct error *error) {
	*out = (struct config_members){0};
	struct reader reader = {.arena = arena, .out = out};
	if (!yaml_parser_initialize(&reader.parser)) return error_set(error, ERR_IO, "out of memory");
	const char *bytes = text.ptr != NULL ? text.ptr : "";
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, text.len);
	enum err err = read_document(&reader, error);
	if (reader.has_event) yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	return err;
}
