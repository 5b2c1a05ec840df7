// Session keys of an event: the two layers of `meta` merged into one (spec 03 §24.2, 05 §7.4). Pure.
#ifndef INNGEST_MODEL_SESSIONS_H
#define INNGEST_MODEL_SESSIONS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "model/limits.h"

struct session {
	struct str key;
	struct str id;
};

struct sessions {
	struct session entries[EVENT_SESSIONS_MAX];
	size_t count;
	bool too_many; // more manual keys than fit: sessions_validate says so
};

// Checks the types in `meta` (an object or NULL) and merges. Keys and ids borrow from the value or the arena.
ERR_CHECKED enum err sessions_read(struct arena *arena, yyjson_val *meta, struct sessions *out, struct error *error);
ERR_CHECKED enum err sessions_validate(const struct sessions *sessions, struct error *error);
// {"sessions":{…}} in canonical form.
void sessions_write(struct buf *out, const struct sessions *sessions);

#endif
