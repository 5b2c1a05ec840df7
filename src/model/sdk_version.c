#include "model/sdk_version.h"

#include "model/semver.h"

static const struct semver denied_first = {{3, 22, 0}, false};
static const struct semver denied_last = {{3, 53, 1}, false};

bool sdk_version_denied(struct str language, struct str version) {
	struct semver parsed;
	if (!str_eq(language, STR("js")) && !str_eq(language, STR("inngest-js"))) return false;
	if (str_starts_with(version, STR("v"))) version = str_skip(version, 1);
	if (!semver_parse(version, &parsed)) return false;
	return semver_cmp(&parsed, &denied_first) >= 0 && semver_cmp(&parsed, &denied_last) <= 0;
}
