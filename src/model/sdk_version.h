// Which SDK versions may not register (spec 01 §6.2 step 5). Pure.
#ifndef INNGEST_MODEL_SDK_VERSION_H
#define INNGEST_MODEL_SDK_VERSION_H

#include "base/str.h"

// Languages js and inngest-js, v3.22.0 … v3.53.1 by semver order; a version that is no semver is not denied.
bool sdk_version_denied(struct str language, struct str version);

#endif
