// Trees back to text: minimal brackets, single spaces, strings in double quotes (spec 04 §B10, rule 3).
#include <math.h>

#include "base/check.h"
#include "base/clock.h"
#include "cel/functions.h"
#include "cel/program.h"

// How tightly a node holds together.
enum level {
	LEVEL_CONDITION,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_RELATION,
	LEVEL_SUM,
	LEVEL_PRODUCT,
	LEVEL_UNARY,
	LEVEL_MEMBER,
};

struct printer {
	struct buf *out;
	uint32_t cost; // values and nodes, also those that turned out to have no text
};

static bool print(struct printer *printer, const struct node *node, enum level level);

static bool spend(struct printer *printer) {
	return ++printer->cost <= CEL_COST_MAX && !printer->out->overflow;
}

// ---- values ----------------------------------------------------------------------------------------------------

static bool print_string(struct buf *out, struct str text) {
	if (str_utf8_prefix(text) != text.len) return false;
	buf_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		static const char special[] = "\"\\\n\r\t", names[] = "\"\\nrt";
		const char *found = c != '\0' ? strchr(special, c) : NULL;
		if (found != NULL) {
			buf_byte(out, '\\');
			buf_byte(out, names[found - special]);
		} else if ((unsigned char)c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
		} else {
			buf_byte(out, c);
		}
	}
	buf_byte(out, '"');
	return true;
}

static bool print_bytes(struct buf *out, struct str bytes) {
	buf_lit(out, "b\"");
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			buf_byte(out, (char)c);
		else
			buf_printf(out, "\\x%02x", (unsigned)c);
	}
	buf_byte(out, '"');
	return true;
}

static bool print_double(struct buf *out, double number) {
	if (!isfinite(number)) return false;
	size_t start = out->len;
	cel_text_double(out, number);
	struct str text = str_skip(buf_view(out), start);
	if (str_find(text, '.') < 0 && str_find(text, 'e') < 0) buf_lit(out, ".0");
	return true;
}

// timestamp("…") when that gives the very same instant and offset.
static bool print_time(struct buf *out, struct cel_time time) {
	struct buf text;
	struct cel_time read;
	buf_init(&text, 100);
	cel_time_string(&text, time);
	bool good = cel_time_parse_rfc3339(buf_view(&text), &read) && read.seconds == time.seconds &&
		    read.nanos == time.nanos && read.offset_s == time.offset_s;
	if (good) buf_printf(out, "timestamp(\"%.*s\")", STR_ARG(buf_view(&text)));
	buf_free(&text);
	return good;
}

static bool print_duration(struct buf *out, int64_t ns) {
	struct buf text;
	struct error error;
	int64_t read;
	buf_init(&text, 100);
	cel_duration_text(&text, ns);
	bool good = duration_parse_go(buf_view(&text), &read, &error) == ERR_OK && read == ns;
	if (good) buf_printf(out, "duration(\"%.*s\")", STR_ARG(buf_view(&text)));
	buf_free(&text);
	return good;
}

static bool print_value(struct printer *printer, const struct cel_value *value);

static bool print_items(struct printer *printer, const struct cel_value *value) {
	struct cel_walk walk;
	struct cel_value key, item;
	bool first = true, is_map = value->type == CEL_MAP;
	buf_byte(printer->out, is_map ? '{' : '[');
	for (cel_walk_start(&walk, value); cel_walk_next(&walk, &key, &item); first = false) {
		if (!first) buf_lit(printer->out, ", ");
		if (is_map && !print_value(printer, &key)) return false;
		if (is_map) buf_lit(printer->out, ": ");
		if (!print_value(printer, &item)) return false;
	}
	buf_byte(printer->out, is_map ? '}' : ']');
	return true;
}

// False when it has no literal. As deep as JSON and programs go.
static bool print_value(struct printer *printer, const struct cel_value *value) {
	struct buf *out = printer->out;
	if (!spend(printer)) return false;
	switch ((enum cel_type)value->type) {
	case CEL_NULL:
		buf_lit(out, "null");
		return true;
	case CEL_BOOL:
	case CEL_INT:
		cel_text(out, value);
		return true;
	case CEL_UINT:
		cel_text(out, value);
		buf_byte(out, 'u');
		return true;
	case CEL_DOUBLE:
		return print_double(out, value->number);
	case CEL_STRING:
		return print_string(out, value->text);
	case CEL_BYTES:
		return print_bytes(out, value->text);
	case CEL_LIST:
	case CEL_MAP:
		return print_items(printer, value);
	case CEL_TIMESTAMP:
		return print_time(out, value->time);
	case CEL_DURATION:
		return print_duration(out, value->integer);
	default: // types: a variable may have their name
		return false;
	}
}

static bool is_negative(const struct cel_value *value) {
	return (value->type == CEL_INT && value->integer < 0) ||
	       (value->type == CEL_DOUBLE && signbit(value->number) != 0);
}

static bool print_literal(struct printer *printer, const struct node *node, enum level level) {
	size_t start = printer->out->len;
	bool brackets = level > LEVEL_UNARY && is_negative(&node->literal);
	if (brackets) buf_byte(printer->out, '(');
	if (!print_value(printer, &node->literal)) {
		printer->out->len = start;
		return node->origin != NULL && spend(printer) && print(printer, node->origin, level);
	}
	if (brackets) buf_byte(printer->out, ')');
	return true;
}

// ---- members ---------------------------------------------------------------------------------------------------

static bool print_selection(struct printer *printer, struct str field) {
	buf_byte(printer->out, '.');
	buf_str(printer->out, field);
	return true;
}

static bool print_index(struct printer *printer, const struct node *index) {
	buf_byte(printer->out, '[');
	if (!print(printer, index, LEVEL_CONDITION)) return false;
	buf_byte(printer->out, ']');
	return true;
}

static bool print_reference(struct printer *printer, const struct reference *reference) {
	buf_str(printer->out, reference->root);
	for (uint32_t i = 0; i < reference->count; i++) {
		const struct segment *segment = &reference->segments[i];
		bool good = segment->index != NULL ? print_index(printer, segment->index)
						   : print_selection(printer, segment->field);
		if (!good) return false;
	}
	return true;
}

static bool print_has(struct printer *printer, const struct node *node) {
	buf_lit(printer->out, "has(");
	if (!print(printer, node->select.operand, LEVEL_CONDITION)) return false;
	buf_byte(printer->out, ')');
	return true;
}

static bool print_list(struct printer *printer, struct node *const *items, uint32_t count, char end) {
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0) buf_lit(printer->out, ", ");
		if (!print(printer, items[i], LEVEL_CONDITION)) return false;
	}
	buf_byte(printer->out, end);
	return true;
}

static bool print_map(struct printer *printer, const struct node *node) {
	buf_byte(printer->out, '{');
	for (uint32_t i = 0; i < node->items.count; i++) {
		if (i > 0) buf_lit(printer->out, ", ");
		if (!print(printer, node->items.keys[i], LEVEL_OR)) return false;
		buf_lit(printer->out, ": ");
		if (!print(printer, node->items.items[i], LEVEL_CONDITION)) return false;
	}
	buf_byte(printer->out, '}');
	return true;
}

static bool print_macro(struct printer *printer, const struct macro *macro) {
	static const char *const names[] = {
		[MACRO_ALL] = "all", [MACRO_EXISTS] = "exists", [MACRO_EXISTS_ONE] = "exists_one",
		[MACRO_MAP] = "map", [MACRO_FILTER] = "filter",
	};
	if (!print(printer, macro->range, LEVEL_MEMBER)) return false;
	buf_printf(printer->out, ".%s(%.*s", names[macro->kind], STR_ARG(macro->name));
	const struct node *parts[] = {macro->predicate, macro->transform};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i] == NULL) continue;
		buf_lit(printer->out, ", ");
		if (!print(printer, parts[i], LEVEL_CONDITION)) return false;
	}
	buf_byte(printer->out, ')');
	return true;
}

// ---- operators -------------------------------------------------------------------------------------------------

struct sign {
	const char *name, *text;
	enum level level;
};
static const struct sign signs[] = {
	{"_==_", "==", LEVEL_RELATION}, {"_!=_", "!=", LEVEL_RELATION}, {"_<_", "<", LEVEL_RELATION},
	{"_<=_", "<=", LEVEL_RELATION}, {"_>_", ">", LEVEL_RELATION},   {"_>=_", ">=", LEVEL_RELATION},
	{"@in", "in", LEVEL_RELATION},  {"_+_", "+", LEVEL_SUM},        {"_-_", "-", LEVEL_SUM},
	{"_*_", "*", LEVEL_PRODUCT},    {"_/_", "/", LEVEL_PRODUCT},    {"_%_", "%", LEVEL_PRODUCT},
	{"-_", "-", LEVEL_UNARY},       {"!_", "!", LEVEL_UNARY},
};

static const struct sign *find_sign(const struct cel_call *call) {
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (str_eq_cstr(call->name, signs[i].name)) return &signs[i];
	}
	return NULL;
}

// As deep as the parser lets members follow each other.
static bool begins_with_number(const struct node *node) {
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		return cel_is_number(&node->literal);
	case NODE_SELECT:
	case NODE_INDEX:
		return begins_with_number(node->select.operand);
	case NODE_CALL:
		return node->call.receiver != NULL && begins_with_number(node->call.receiver);
	case NODE_MACRO:
		return begins_with_number(node->macro.range);
	default:
		return false;
	}
}

// A minus would become part of a number, and where it cannot be that the text would be none.
static bool print_unary(struct printer *printer, const struct sign *sign, const struct node *operand) {
	bool brackets = begins_with_number(operand);
	buf_str(printer->out, str_from_cstr(sign->text));
	if (brackets) buf_byte(printer->out, '(');
	if (!print(printer, operand, brackets ? LEVEL_CONDITION : LEVEL_MEMBER)) return false;
	if (brackets) buf_byte(printer->out, ')');
	return true;
}

static bool print_joined(struct printer *printer, const struct node *a, enum level level_a, const char *sign,
			 const struct node *b, enum level level_b) {
	if (!print(printer, a, level_a)) return false;
	buf_printf(printer->out, " %s ", sign);
	return print(printer, b, level_b);
}

static bool print_call(struct printer *printer, const struct cel_call *call) {
	const struct sign *sign = find_sign(call);
	if (sign != NULL && call->count == 1) return print_unary(printer, sign, call->args[0]);
	if (sign != NULL)
		return print_joined(printer, call->args[0], sign->level, sign->text, call->args[1], sign->level + 1);
	if (call->receiver != NULL) {
		if (!print(printer, call->receiver, LEVEL_MEMBER)) return false;
		buf_byte(printer->out, '.');
	}
	buf_str(printer->out, call->name);
	buf_byte(printer->out, '(');
	return print_list(printer, call->args, call->count, ')');
}

static bool print_condition(struct printer *printer, const struct node *node) {
	if (!print_joined(printer, node->logic.a, LEVEL_OR, "?", node->logic.b, LEVEL_OR)) return false;
	buf_lit(printer->out, " : ");
	return print(printer, node->logic.c, LEVEL_CONDITION);
}

static enum level level_of(const struct node *node) {
	switch ((enum node_kind)node->kind) {
	case NODE_CONDITION:
		return LEVEL_CONDITION;
	case NODE_OR:
		return LEVEL_OR;
	case NODE_AND:
		return LEVEL_AND;
	case NODE_CALL: {
		const struct sign *sign = find_sign(&node->call);
		return sign != NULL ? sign->level : LEVEL_MEMBER;
	}
	default:
		return LEVEL_MEMBER;
	}
}

static bool print_bare(struct printer *printer, const struct node *node, enum level level) {
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		return print_literal(printer, node, level);
	case NODE_REFERENCE:
		return print_reference(printer, &node->reference);
	case NODE_SELECT:
		return print(printer, node->select.operand, LEVEL_MEMBER) &&
		       print_selection(printer, node->select.field);
	case NODE_INDEX:
		return print(printer, node->select.operand, LEVEL_MEMBER) && print_index(printer, node->select.index);
	case NODE_HAS:
		return print_has(printer, node);
	case NODE_CALL:
		return print_call(printer, &node->call);
	case NODE_AND:
		return print_joined(printer, node->logic.a, LEVEL_AND, "&&", node->logic.b, LEVEL_AND);
	case NODE_OR:
		return print_joined(printer, node->logic.a, LEVEL_OR, "||", node->logic.b, LEVEL_OR);
	case NODE_CONDITION:
		return print_condition(printer, node);
	case NODE_LIST:
		buf_byte(printer->out, '[');
		return print_list(printer, node->items.items, node->items.count, ']');
	case NODE_MAP:
		return print_map(printer, node);
	case NODE_MACRO:
		return print_macro(printer, &node->macro);
	}
	return false;
}

// Recursion is bounded by the depth of trees.
static bool print(struct printer *printer, const struct node *node, enum level level) {
	bool brackets = level_of(node) < level;
	if (!spend(printer)) return false;
	if (brackets) buf_byte(printer->out, '(');
	if (!print_bare(printer, node, brackets ? LEVEL_CONDITION : level)) return false;
	if (brackets) buf_byte(printer->out, ')');
	return true;
}

bool cel_print(struct buf *out, const struct node *root) {
	struct printer printer = {.out = out};
	return print(&printer, root, LEVEL_CONDITION) && !out->overflow;
}
