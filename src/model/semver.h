// Semantic versions, as far as rules about SDK releases need them. Pure.
#ifndef INNGEST_MODEL_SEMVER_H
#define INNGEST_MODEL_SEMVER_H

#include "base/str.h"

struct semver {
	uint64_t numbers[3]; // major, minor, patch; absurdly long ones are UINT64_MAX
	bool prerelease;
};
// X, X.Y or X.Y.Z, the last with an optional pre-release and build; no leading `v`.
bool semver_parse(struct str text, struct semver *out);
// Pre-releases sort before their release and are not told from each other.
int semver_cmp(const struct semver *a, const struct semver *b);

#endif
