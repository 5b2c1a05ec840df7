#include "cel/interpolate.h"
bool cel_interpolate(struct arena *arena, struct str text, const struct cel_input *known, const struct str *unknown,
		     size_t unknown_count, struct str *out, struct cel_failure *failure) {
	(void)known, (void)unknown, (void)unknown_count, (void)failure;
	*out = arena_dup(arena, text);
	return true;
}
