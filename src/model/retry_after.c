// When to try again, as the app asks for it (spec 02 §9.3).
#include "base/clock.h"
#include "model/answer.h"
#include "model/limits.h"

#define SECONDS_TEXT_MAX 7u // longer text is never a number of seconds

// Whole seconds with an optional plus sign; false when it is no positive number.
static bool seconds_parse(struct str value, int64_t *out) {
	if (value.len == 0 || value.len > SECONDS_TEXT_MAX) return false;
	if (value.ptr[0] == '+') value = str_skip(value, 1);
	return str_to_i64(value, out) && *out > 0;
}

uint64_t retry_after_parse(struct str value, uint64_t now_ms) {
	value = str_trim(value);
	uint64_t base_ms = now_ms - now_ms % 1000;
	int64_t number;
	uint64_t at_ms;
	if (seconds_parse(value, &number))
		at_ms = base_ms + (uint64_t)number * 1000;
	else if (date_parse(value, &number))
		at_ms = number > 0 ? (uint64_t)number / 1000000 : 0;
	else
		return 0;
	if (at_ms > base_ms + RETRY_AFTER_MAX_MS) return base_ms + RETRY_AFTER_MAX_MS;
	if (at_ms < base_ms + RETRY_AFTER_MIN_MS) return base_ms + RETRY_AFTER_MIN_MS;
	return at_ms;
}
