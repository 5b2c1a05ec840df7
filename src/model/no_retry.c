// Whether an answer says that trying again is pointless (spec 02 §4.5).
#include "model/answer.h"
#include "model/semver.h"

static const struct semver fixed_in_v1 = {{1, 10, 1}, false};
static const struct semver fixed_in_v2 = {{2, 4, 1}, false};

bool no_retry_decide(struct str no_retry_header, int status, struct str sdk_header) {
	if (no_retry_header.len > 0) return str_eq(no_retry_header, STR("true"));
	if (status < 400 || status > 499) return false;
	// Old SDKs answered 4xx for errors that must not be retried.
	struct str name, version;
	struct semver semver;
	if (!str_cut(sdk_header, ':', &name, &version) || !str_eq(name, STR("inngest-js"))) return false;
	if (!str_starts_with(version, STR("v")) || !semver_parse(str_skip(version, 1), &semver)) return false;
	switch (semver.numbers[0]) {
	case 2:
		return semver_cmp(&semver, &fixed_in_v2) < 0;
	case 1:
		return semver_cmp(&semver, &fixed_in_v1) < 0;
	default:
		return false;
	}
}
