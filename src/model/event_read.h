// event_parse with a buffer of the caller's, so that a batch of events shares one. Private to src/model.
#ifndef INNGEST_MODEL_EVENT_READ_H
#define INNGEST_MODEL_EVENT_READ_H

#include "model/event.h"
#include "model/limits.h"

// The stored text may be longer than what was sent (1e20 is written in full), but not without end.
#define EVENT_TEXT_MAX (8u * EVENT_SIZE_MAX)

// `scratch` has been initialised with EVENT_TEXT_MAX; its content is overwritten.
ERR_CHECKED enum err event_read(struct arena *arena, struct buf *scratch, yyjson_val *value,
				const struct ulid *internal_id, bool stable_id, uint64_t now_ms, struct event *out,
				struct error *error);
// ERR_INVALID when only the server may use the name.
ERR_CHECKED enum err event_name_check(struct str name, struct error *error);

// An event whose members have been read and have the right types; `object` holds data and user, once each.
struct event_members {
	yyjson_val *object, *data, *user; // data NULL: {}
	struct str name, id;
	int64_t ts_ms; // 0: now
};
ERR_CHECKED enum err event_read_members(struct arena *arena, const struct event_members *members,
					const struct ulid *internal_id, uint64_t now_ms, struct event *out,
					struct error *error);

#endif
