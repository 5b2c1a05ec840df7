#ifndef INNGEST_CEL_INTERPOLATE_H
#define INNGEST_CEL_INTERPOLATE_H
#include "cel/cel.h"
#define CEL_INTERPOLATED CEL_STANDARD
bool cel_interpolate(struct arena *arena, struct str text, const struct cel_input *known, const struct str *unknown,
		     size_t unknown_count, struct str *out, struct cel_failure *failure);
#endif
