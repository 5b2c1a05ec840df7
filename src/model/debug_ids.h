// Ids of the step debugger that a run carries (06 §11): of one try, and of the session that it belongs to. Zero: none.
#ifndef INNGEST_MODEL_DEBUG_IDS_H
#define INNGEST_MODEL_DEBUG_IDS_H

#include "base/id.h"

struct debug_ids {
	struct ulid run_id, session_id;
};

static inline bool debug_ids_has_run(const struct debug_ids *ids) {
	static const struct ulid none;
	return ulid_cmp(&ids->run_id, &none) != 0;
}

static inline bool debug_ids_has_any(const struct debug_ids *ids) {
	static const struct ulid none;
	return debug_ids_has_run(ids) || ulid_cmp(&ids->session_id, &none) != 0;
}

#endif
