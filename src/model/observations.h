// What an SDK tells about its features when it registers (spec 01 §5.5). Private to src/model.
#ifndef INNGEST_MODEL_OBSERVATIONS_H
#define INNGEST_MODEL_OBSERVATIONS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

// The app's metadata: {} or {"featureObservations":"<JSON text>"}. `value` may be NULL.
ERR_CHECKED enum err observations_read(struct arena *arena, yyjson_val *value, struct str *metadata, bool *any,
				       struct error *error);

#endif
