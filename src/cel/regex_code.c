// Programs while they grow: single instructions, classes, repetition by copying.
#include "cel/regex_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "cel/regex.h"

static bool make_room(struct regex_code *code, uint64_t extra) {
	if (code->count + extra > CEL_REGEX_PROGRAM_MAX) return false;
	if (code->count + extra <= code->cap) return true;
	uint32_t needed = code->count + (uint32_t)extra;
	code->cap = needed > code->cap * 2 ? needed + 16 : code->cap * 2;
	code->insts = mem_realloc(code->insts, code->cap * sizeof(*code->insts));
	return true;
}

bool regex_code_insert(struct regex_code *code, uint32_t at, enum regex_op op, int32_t arg) {
	if (!make_room(code, 1)) return false;
	struct regex_inst *place = &code->insts[at];
	memmove(place + 1, place, (code->count - at) * sizeof(*place));
	*place = (struct regex_inst){op, arg};
	code->count++;
	return true;
}

bool regex_code_add(struct regex_code *code, enum regex_op op, int32_t arg) {
	return regex_code_insert(code, code->count, op, arg);
}

static void note_ascii(struct regex_class *class, struct regex_range range) {
	for (uint32_t rune = range.first; rune <= range.last && rune < 0x80; rune++) {
		class->ascii[rune / 64] |= (uint64_t)1 << rune % 64;
	}
}

bool regex_code_add_set(struct regex_code *code, const struct regex_set *set) {
	if (set->count == 1 && set->ranges[0].first == set->ranges[0].last) {
		return regex_code_add(code, REGEX_CHAR, (int32_t)set->ranges[0].first);
	}
	if (set->count == 1 && set->ranges[0].first == 0 && set->ranges[0].last == REGEX_RUNE_MAX) {
		return regex_code_add(code, REGEX_ANY, 0);
	}
	struct regex_set *ranges = &code->ranges;
	if (ranges->count + set->count > CEL_REGEX_RANGES_MAX) return false;
	if (!regex_code_add(code, REGEX_CLASS, (int32_t)code->class_count)) return false;

	struct regex_class class = {.first_range = (uint32_t)ranges->count, .range_count = (uint32_t)set->count};
	if (ranges->count + set->count > ranges->cap) {
		ranges->cap = (ranges->count + set->count) * 2;
		ranges->ranges = mem_realloc(ranges->ranges, ranges->cap * sizeof(*ranges->ranges));
	}
	for (size_t i = 0; i < set->count; i++) {
		ranges->ranges[ranges->count++] = set->ranges[i];
		note_ascii(&class, set->ranges[i]);
	}
	if (code->class_count == code->class_cap) {
		code->class_cap = code->class_cap > 0 ? code->class_cap * 2 : 8;
		code->classes = mem_realloc(code->classes, code->class_cap * sizeof(*code->classes));
	}
	code->classes[code->class_count++] = class;
	return true;
}

// x{2,4} becomes x x (x (x)?)? with both splits leading to the end; x{2,} becomes x x+, and x* becomes (x+)?.
bool regex_code_repeat(struct regex_code *code, uint32_t start, int min, int max) {
	uint32_t len = code->count - start;
	if (len == 0) return true;
	if (max == 0) {
		code->count = start;
		return true;
	}
	uint32_t copies = (uint32_t)(max > 0 ? max : min > 0 ? min : 1);
	uint32_t splits = copies - (uint32_t)(min < (int)copies ? min : (int)copies);
	if (!make_room(code, (uint64_t)(copies - 1) * len + splits + 1)) return false;

	uint32_t body = start;
	if (min == 0) {
		if (!regex_code_insert(code, start, REGEX_SPLIT, 0)) return false;
		body++;
	}
	for (uint32_t i = 1; i < copies; i++) {
		if (i >= copies - splits) code->insts[code->count++] = (struct regex_inst){REGEX_SPLIT, 0};
		memcpy(&code->insts[code->count], &code->insts[body], len * sizeof(*code->insts));
		code->count += len;
	}
	if (max < 0) code->insts[code->count++] = (struct regex_inst){REGEX_SPLIT, -(int32_t)len};
	for (uint32_t i = 0; i < splits; i++) {
		uint32_t at = start + (copies - splits) * len + i * (len + 1);
		code->insts[at].arg = (int32_t)(code->count - at);
	}
	return true;
}

void regex_code_free(struct regex_code *code) {
	free(code->insts);
	free(code->classes);
	regex_set_free(&code->ranges);
	*code = (struct regex_code){0};
}
