// Interpolation of spec 04 §B10: the parts of an expression that are known when a wait begins are replaced by their
// values, so that the rest can be stored as text, shown to people, and evaluated when the other data is there.
//
//   struct str unknown = STR("async"), text;
//   cel_interpolate(&arena, STR("event.data.id == async.data.id"), &event, &unknown, 1, &text, &failure);
//   → "o_123" == async.data.id, to be compiled with CEL_INTERPOLATED and evaluated with `async`
//
// Evaluating the text gives what evaluating the original with both would give (§B5), except that
// - a path of selections from a known root (`event.data.id`) whose data is missing is null in comparisons with
//   `== != < <= > >=`: on the left of another path, and on either side of a literal;
// - an operand of && or || that is known and no bool is ignored when another operand of the same chain depends on an
//   unknown root;
// - what a part that has been dropped looks at no longer makes other data count as missing, as in the reference;
// - what later data names in known data (`event.data.prices[async.data.id]`) and is not there is an error, also where a
//   checked path through it would make it missing data;
// - where only "true" counts, at the top and in && and || below it, another result may have become `false`;
// - null in lists and maps that `+` makes text of (`async.data.x + event.data.list`) is written as in literals (§B8).
//
// What depends on missing data stays as it is written, as do calls of now(). Errors stay errors; where there is no
// other text for one, it is an index into an empty list or map: {}["name"]. Values without a literal (NaN, types, text
// that is no UTF-8) leave the calls that made them; instants and durations become timestamp("…") and duration("…").
// String literals mean what CEL_EVALUATE makes of them. Objects in the data have each key once. Pure; any thread.
#ifndef INNGEST_CEL_INTERPOLATE_H
#define INNGEST_CEL_INTERPOLATE_H

#include "cel/cel.h"

// `known`: the data; `unknown`: the roots that will be there later, any other name is taken for missing. The text lives
// in `arena`; it is the original one when that mentions nothing known and reads the same with CEL_INTERPOLATED. A text
// that is exactly `true` or `false` will match everything or nothing.
// False when `text` is no expression, when the result would be none (longer than CEL_TEXT_MAX, nested too deep), or
// when it takes too long (CEL_COST_MAX, CEL_STEPS_MAX); `failure`, which may be NULL, says why.
bool cel_interpolate(struct arena *arena, struct str text, const struct cel_input *known, const struct str *unknown,
		     size_t unknown_count, struct str *out, struct cel_failure *failure);

#endif
