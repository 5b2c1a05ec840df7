// Finished expressions: what can be known about one before any text comes, and the search.
#include "cel/regex.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "cel/regex_internal.h"

#define SMALL_PROGRAM 96 // instructions; the search keeps its state on the stack

struct cel_regex {
	const struct regex_inst *insts;
	uint32_t count;
	const struct regex_class *classes;
	const struct regex_range *ranges;
	bool folds;        // there is a REGEX_FOLD
	bool anchored;     // matches begin at the start of the text only
	bool maybe_empty;  // may match without a character; otherwise a match begins with one of
	bool starts[0x80]; // these, or with a character beyond ASCII
	bool starts_beyond;
	bool literal; // nothing but `text`, at the begin or end if so said
	bool at_begin;
	bool at_end;
	struct str text;
};

// --- Characters

uint32_t regex_decode_multibyte(const unsigned char *bytes, size_t len, uint32_t *rune) {
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = bytes[0];
	uint32_t size = lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
	*rune = REGEX_RUNE_BAD;
	if (size == 0 || size > len) return 1;
	uint32_t value = lead & (0xffu >> (size + 1));
	for (uint32_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80) return 1;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < smallest[size] || value > REGEX_RUNE_MAX || (value >= 0xd800 && value <= 0xdfff)) return 1;
	*rune = value;
	return size;
}

static void append_rune(struct buf *buf, uint32_t rune) {
	if (rune < 0x80) {
		buf_byte(buf, (char)rune);
		return;
	}
	int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
	buf_byte(buf, (char)(0xff << (7 - more) | rune >> (6 * more)));
	while (more-- > 0) buf_byte(buf, (char)(0x80 | (rune >> (6 * more) & 0x3f)));
}

static bool class_has(const struct cel_regex *regex, const struct regex_class *class, uint32_t rune) {
	if (rune < 0x80) return class->ascii[rune / 64] >> rune % 64 & 1;
	const struct regex_range *ranges = regex->ranges + class->first_range;
	size_t low = 0, high = class->range_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (rune > ranges[middle].last) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < class->range_count && rune >= ranges[low].first;
}

// `key` is the fold key of `rune`.
static bool accepts(const struct cel_regex *regex, struct regex_inst inst, uint32_t rune, uint32_t key) {
	switch ((enum regex_op)inst.op) {
	case REGEX_CHAR:
		return rune == (uint32_t)inst.arg;
	case REGEX_FOLD:
		return key == (uint32_t)inst.arg;
	case REGEX_ANY:
		return true;
	case REGEX_NOT_NEWLINE:
		return rune != '\n';
	case REGEX_CLASS:
		return class_has(regex, &regex->classes[inst.arg], rune);
	case REGEX_ASSERT:
	case REGEX_SPLIT:
	case REGEX_JUMP:
	case REGEX_MATCH:
		break;
	}
	return false;
}

// --- The set of states

// A sparse set: `position` may hold anything for a state that is not in it, so clearing means count = 0.
struct states {
	uint32_t *members;
	uint32_t *position;
	uint32_t count;
};

static void states_add(struct states *states, uint32_t state) {
	uint32_t position = states->position[state];
	if (position < states->count && states->members[position] == state) return;
	states->position[state] = states->count;
	states->members[states->count++] = state;
}

// Adds `state` and what is reached from it without a character at a place of which `places` are true. True when the
// match is reached. The members are the queue of what remains to be followed.
static bool states_enter(const struct cel_regex *regex, struct states *states, uint32_t state, unsigned places) {
	uint32_t next = states->count;
	states_add(states, state);
	for (; next < states->count; next++) {
		state = states->members[next];
		struct regex_inst inst = regex->insts[state];
		switch ((enum regex_op)inst.op) {
		case REGEX_MATCH:
			return true;
		case REGEX_ASSERT:
			if ((unsigned)inst.arg & places) states_add(states, state + 1);
			break;
		case REGEX_SPLIT:
			states_add(states, state + 1); // fall through
		case REGEX_JUMP:
			states_add(states, state + (uint32_t)inst.arg);
			break;
		case REGEX_CHAR:
		case REGEX_FOLD:
		case REGEX_ANY:
		case REGEX_NOT_NEWLINE:
		case REGEX_CLASS:
			break;
		}
	}
	return false;
}

static bool is_word(int c) {
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

// Which assertions hold at an offset.
static unsigned places_at(struct str text, size_t at) {
	int before = at > 0 ? (unsigned char)text.ptr[at - 1] : '\n';
	int after = at < text.len ? (unsigned char)text.ptr[at] : '\n';
	return (at == 0 ? REGEX_TEXT_BEGIN : 0u) | (at == text.len ? REGEX_TEXT_END : 0u) |
	       (before == '\n' ? REGEX_LINE_BEGIN : 0u) | (after == '\n' ? REGEX_LINE_END : 0u) |
	       (is_word(before) != is_word(after) ? REGEX_WORD_EDGE : REGEX_NO_WORD_EDGE);
}

// --- The search

static bool may_start(const struct cel_regex *regex, char c) {
	return (unsigned char)c < 0x80 ? regex->starts[(unsigned char)c] : regex->starts_beyond;
}

static bool take_steps(uint64_t *steps, uint32_t count) {
	if (steps == NULL) return true;
	*steps = count < *steps ? *steps - count : 0;
	return *steps > 0;
}

static bool search_states(const struct cel_regex *regex, struct str text, uint64_t *steps, struct states now,
			  struct states next) {
	for (size_t at = 0;;) {
		bool may_begin = !regex->anchored || at == 0;
		if (now.count == 0) {
			if (!may_begin) return false;
			// Nothing is under way: on to where a match may begin.
			while (!regex->maybe_empty && at < text.len && !may_start(regex, text.ptr[at])) at++;
		}
		bool at_end = at == text.len;
		if (may_begin && (regex->maybe_empty || (!at_end && may_start(regex, text.ptr[at])))) {
			if (states_enter(regex, &now, 0, places_at(text, at))) return true;
		}
		if (at_end || !take_steps(steps, 1 + now.count)) return false;

		uint32_t rune;
		at += regex_decode(text.ptr + at, text.len - at, &rune);
		uint32_t key = regex->folds ? regex_fold_key(rune) : 0;
		unsigned places = places_at(text, at);
		next.count = 0;
		for (uint32_t i = 0; i < now.count; i++) {
			uint32_t state = now.members[i];
			if (!accepts(regex, regex->insts[state], rune, key)) continue;
			if (states_enter(regex, &next, state + 1, places)) return true;
		}
		struct states swap = now;
		now = next;
		next = swap;
	}
}

static bool search_literal(const struct cel_regex *regex, struct str text) {
	if (regex->at_begin && regex->at_end) return str_eq(text, regex->text);
	if (regex->at_begin) return str_starts_with(text, regex->text);
	if (regex->at_end) return str_ends_with(text, regex->text);
	return str_find_str(text, regex->text) >= 0;
}

bool cel_regex_search(const struct cel_regex *regex, struct str text, uint64_t *steps, struct arena *scratch) {
	if (regex->literal) return search_literal(regex, text);
	uint32_t small[4 * SMALL_PROGRAM];
	uint32_t count = regex->count;
	uint32_t *words = count <= SMALL_PROGRAM ? small : arena_alloc(scratch, 4 * count * sizeof(*words));
	memset(words, 0, 2 * count * sizeof(*words));
	struct states now = {.position = words, .members = words + 2 * count};
	struct states next = {.position = words + count, .members = words + 3 * count};
	return search_states(regex, text, steps, now, next);
}

// --- Compilation

static void note_start(struct cel_regex *regex, struct regex_inst inst) {
	bool consumes = inst.op <= REGEX_CLASS;
	for (uint32_t rune = 0; consumes && rune < 0x80; rune++) {
		if (accepts(regex, inst, rune, regex_fold_key(rune))) regex->starts[rune] = true;
	}
	// Small letters may be the key of something beyond ASCII; that is not worth a closer look.
	if (consumes && inst.op != REGEX_CLASS && (inst.op != REGEX_CHAR || inst.arg >= 0x80))
		regex->starts_beyond = true;
	if (inst.op == REGEX_CLASS) {
		const struct regex_class *class = &regex->classes[inst.arg];
		uint32_t ranges = class->range_count;
		bool beyond = ranges > 0 && regex->ranges[class->first_range + ranges - 1].last >= 0x80;
		regex->starts_beyond = regex->starts_beyond || beyond;
	}
}

// How a match can begin: the states entered with all assertions true at once, and with all but the begin of the text.
static void find_starts(struct cel_regex *regex) {
	struct states states = {.members = mem_alloc(regex->count * sizeof(uint32_t)),
				.position = mem_calloc(regex->count, sizeof(uint32_t))};
	regex->maybe_empty = states_enter(regex, &states, 0, ~0u);
	for (uint32_t i = 0; i < states.count; i++) note_start(regex, regex->insts[states.members[i]]);

	states.count = 0;
	regex->anchored = !states_enter(regex, &states, 0, ~(unsigned)REGEX_TEXT_BEGIN);
	for (uint32_t i = 0; i < states.count; i++) {
		if (regex->insts[states.members[i]].op <= REGEX_CLASS) regex->anchored = false;
	}
	free(states.members);
	free(states.position);
}

// A literal is characters in a row, perhaps anchored. A malformed byte matches U+FFFD and a surrogate has no UTF-8, so
// patterns with those are searched for in the general way.
static void find_literal(struct cel_regex *regex, struct arena *arena) {
	const struct regex_inst *inst = regex->insts;
	regex->at_begin = inst->op == REGEX_ASSERT && inst->arg == REGEX_TEXT_BEGIN;
	if (regex->at_begin) inst++;
	const struct regex_inst *first = inst;
	for (; inst->op == REGEX_CHAR; inst++) {
		if (inst->arg == REGEX_RUNE_BAD || (inst->arg >= 0xd800 && inst->arg <= 0xdfff)) return;
	}
	const struct regex_inst *end = inst;
	regex->at_end = inst->op == REGEX_ASSERT && inst->arg == REGEX_TEXT_END;
	if (regex->at_end) inst++;
	regex->literal = inst->op == REGEX_MATCH;
	if (!regex->literal) return;

	struct buf text;
	buf_init(&text, 4 * (size_t)CEL_REGEX_PROGRAM_MAX);
	for (inst = first; inst < end; inst++) append_rune(&text, (uint32_t)inst->arg);
	regex->text = arena_dup(arena, buf_view(&text));
	buf_free(&text);
}

static const void *copy(struct arena *arena, const void *from, size_t size) {
	void *to = arena_alloc(arena, size);
	if (size > 0) memcpy(to, from, size);
	return to;
}

const struct cel_regex *cel_regex_compile(struct arena *arena, struct str pattern, struct error *error) {
	struct regex_code code = {0};
	struct cel_regex *regex = NULL;
	if (regex_parse(pattern, &code, error) != ERR_OK) goto done;

	regex = ARENA_NEW(arena, struct cel_regex);
	regex->insts = copy(arena, code.insts, code.count * sizeof(*code.insts));
	regex->count = code.count;
	regex->classes = copy(arena, code.classes, code.class_count * sizeof(*code.classes));
	regex->ranges = copy(arena, code.ranges.ranges, code.ranges.count * sizeof(*code.ranges.ranges));
	for (uint32_t i = 0; i < code.count; i++) regex->folds = regex->folds || code.insts[i].op == REGEX_FOLD;
	find_starts(regex);
	find_literal(regex, arena);
done:
	regex_code_free(&code);
	return regex;
}
