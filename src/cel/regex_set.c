// Sets of code points as ranges: union, complement, case folding, Unicode names.
#include "cel/regex_internal.h"

#include <stdlib.h>

#include "base/check.h"

void regex_set_add(struct regex_set *set, uint32_t first, uint32_t last) {
	if (set->count == set->cap) {
		// Merging first keeps a set that is given the same ranges again and again small.
		regex_set_merge(set);
		if (set->count >= set->cap / 2) {
			set->cap = set->cap > 0 ? set->cap * 2 : 16;
			set->ranges = mem_realloc(set->ranges, set->cap * sizeof(*set->ranges));
		}
	}
	set->ranges[set->count++] = (struct regex_range){first, last};
}

void regex_set_add_all(struct regex_set *set, const struct regex_set *other) {
	for (size_t i = 0; i < other->count; i++) regex_set_add(set, other->ranges[i].first, other->ranges[i].last);
}

void regex_set_free(struct regex_set *set) {
	free(set->ranges);
	*set = (struct regex_set){0};
}

static int compare_ranges(const void *a, const void *b) {
	const struct regex_range *left = a, *right = b;
	return (left->first > right->first) - (left->first < right->first);
}

void regex_set_merge(struct regex_set *set) {
	if (set->count < 2) return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), compare_ranges);
	size_t kept = 0;
	for (size_t i = 1; i < set->count; i++) {
		struct regex_range *last = &set->ranges[kept], *next = &set->ranges[i];
		if (next->first > last->last + 1) {
			set->ranges[++kept] = *next;
		} else if (next->last > last->last) {
			last->last = next->last;
		}
	}
	set->count = kept + 1;
}

void regex_set_negate(struct regex_set *set) {
	regex_set_merge(set);
	struct regex_set gaps = {0};
	uint32_t next = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (set->ranges[i].first > next) regex_set_add(&gaps, next, set->ranges[i].first - 1);
		next = set->ranges[i].last + 1;
	}
	if (next <= REGEX_RUNE_MAX) regex_set_add(&gaps, next, REGEX_RUNE_MAX);
	regex_set_free(set);
	*set = gaps;
}

// --- Unicode names

static void add_runs(struct regex_set *set, const struct regex_name *name) {
	for (size_t i = 0; i < name->run_count; i++) {
		const struct regex_run *run = &regex_unicode_runs[name->first_run + i];
		uint32_t last = run->first + run->length;
		if (run->step == 1) {
			regex_set_add(set, run->first, last);
			continue;
		}
		for (uint32_t rune = run->first; rune <= last; rune += run->step) regex_set_add(set, rune, rune);
	}
}

bool regex_set_add_unicode(struct regex_set *set, struct str name) {
	if (str_eq(name, STR("Any"))) {
		regex_set_add(set, 0, REGEX_RUNE_MAX);
		return true;
	}
	// One letter stands for all categories that begin with it.
	size_t count = name.len == 1 ? regex_unicode_category_count : regex_unicode_name_count;
	bool found = false;
	for (size_t i = 0; i < count; i++) {
		struct str candidate = regex_unicode_names[i].name;
		if (!str_eq(name.len == 1 ? str_first(candidate, 1) : candidate, name)) continue;
		add_runs(set, &regex_unicode_names[i]);
		found = true;
	}
	return found;
}

// --- Case

static bool fold_covers(const struct regex_fold *fold, int64_t rune) {
	return rune >= fold->first && rune <= fold->last && (rune - fold->first) % fold->step == 0;
}

uint32_t regex_fold_key(uint32_t rune) {
	if (rune < 0x80) return rune >= 'A' && rune <= 'Z' ? rune + ('a' - 'A') : rune;
	size_t low = 0, high = regex_unicode_fold_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct regex_fold *fold = &regex_unicode_folds[middle];
		if (fold_covers(fold, rune)) return (uint32_t)((int64_t)rune + fold->delta);
		if (rune > fold->last) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return rune;
}

bool regex_has_variants(uint32_t rune) {
	if (regex_fold_key(rune) != rune) return true;
	for (size_t i = 0; i < regex_unicode_fold_count; i++) {
		const struct regex_fold *fold = &regex_unicode_folds[i];
		if (fold_covers(fold, (int64_t)rune - fold->delta)) return true;
	}
	return false;
}

// Adds first + by, first + by + step, … for the members of a run (first, last) that lie in a range.
static void add_moved(struct regex_set *set, struct regex_range range, int64_t first, int64_t last, int64_t step,
		      int64_t by) {
	if (range.first > first) first += (range.first - first + step - 1) / step * step;
	if (range.last < last) last = range.last;
	if (first > last) return;
	if (step == 1) {
		regex_set_add(set, (uint32_t)(first + by), (uint32_t)(last + by));
		return;
	}
	for (int64_t rune = first; rune <= last; rune += step) {
		regex_set_add(set, (uint32_t)(rune + by), (uint32_t)(rune + by));
	}
}

// The first range of a merged set that ends at `rune` or behind it.
static size_t first_reaching(const struct regex_set *set, int64_t rune) {
	size_t low = 0, high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->ranges[middle].last < rune)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// First the keys of all members, then everything that has one of those keys.
void regex_set_fold(struct regex_set *set) {
	for (int to_keys = 1; to_keys >= 0; to_keys--) {
		regex_set_merge(set);
		struct regex_set added = {0};
		for (size_t k = 0; k < regex_unicode_fold_count; k++) {
			const struct regex_fold *fold = &regex_unicode_folds[k];
			int64_t shift = to_keys ? 0 : fold->delta;
			int64_t first = fold->first + shift, last = fold->last + shift;
			for (size_t i = first_reaching(set, first); i < set->count && set->ranges[i].first <= last; i++)
				add_moved(&added, set->ranges[i], first, last, fold->step,
					  to_keys ? fold->delta : -shift);
		}
		regex_set_add_all(set, &added);
		regex_set_free(&added);
	}
	regex_set_merge(set);
}
