// Events: the parsed form that travels through the server, from JSON text to stored text (specs 05 §7, 03 §3).
#ifndef INNGEST_MODEL_EVENT_H
#define INNGEST_MODEL_EVENT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "base/payload.h"
#include "model/debug_ids.h"

// One accepted event. `text` is the canonical stored form with `user` always present:
// {"data":…,"id":…,"meta":…?,"name":…,"ts":…,"user":{…},"v":…?} — exactly what an SDK gets.
// All slices point into `text` (data, user, v: raw JSON values in it) or into the arena the event was parsed with.
struct event {
	struct ulid internal_id;
	struct payload *text; // owned: event_release
	struct str name;
	struct str id;  // the client's id, else the internal id's text
	bool stable_id; // id given by the client or derived from a seed: duplicates are possible
	uint64_t ts_ms;
	uint64_t received_ms;
	struct str data; // raw JSON: an object or null
	struct str user; // raw JSON object
	struct str v;    // decoded text, empty when absent
	struct str meta; // raw JSON object with the sessions, empty when absent
	// Only for inngest/function.invoked and inngest/function.finished, else empty:
	struct str invoke_fn_id;   // data._inngest.fn_id
	struct str correlation_id; // data._inngest.correlation_id / data.correlation_id
	struct debug_ids debug;    // of an invocation: data._inngest.debug_run_id, debug_session_id
	uint8_t depth;             // of an event about a run: how many of its kind led to it
};

// Where ids come from: random, or the seed header of 05 §7.5 (the same request again gives the same ids).
struct event_seed {
	bool present;
	uint64_t time_ms;
	uint8_t entropy[10];
};
// False (and present = false) when the header is absent or malformed: it is then ignored.
bool event_seed_parse(struct str header, struct event_seed *out);
// The internal id of the event at 1-based `position` (0 for /invoke).
struct ulid event_id_make(const struct event_seed *seed, uint32_t position, uint64_t now_ms);

// Parses, normalises and checks one event in the order of 05 §7.4. On error `error` holds the reference's text.
ERR_CHECKED enum err event_parse(struct arena *arena, yyjson_val *value, const struct ulid *internal_id, bool stable_id,
				 uint64_t now_ms, struct event *out, struct error *error);
// Like event_parse for POST /invoke/{slug} (05 §8): name becomes inngest/function.invoked, data._inngest is built.
// `debug`: NULL for none.
ERR_CHECKED enum err event_parse_invoke(struct arena *arena, yyjson_val *value, struct str slug,
					const struct debug_ids *debug, const struct ulid *internal_id, bool stable_id,
					uint64_t now_ms, struct event *out, struct error *error);
// Who invokes what, for data._inngest (02 §7.7).
struct invocation {
	struct str fn_id, correlation_id, name; // name: of the step, for people
	struct str source_app_id, source_fn_id;
	uint32_t source_fn_version;
	uint64_t expire_ms;
	struct str type;        // "api": not by a step; empty: left out, as is the next one
	struct str idempotency; // hash of the key that the caller gave
	struct debug_ids debug;
};
// The same for a step, or somebody at the API (05 §13.9), that invokes; `value` is the payload. Its id, if it has one,
// is stable.
ERR_CHECKED enum err event_parse_invocation(struct arena *arena, yyjson_val *value, const struct invocation *invocation,
					    const struct ulid *internal_id, uint64_t now_ms, struct event *out,
					    struct error *error);
// For events the server itself makes; `data` is a canonical JSON object, `meta` too or empty. The arena holds the
// slices.
void event_make_internal(struct arena *arena, struct str name, struct str id, const struct ulid *internal_id,
			 struct str data, struct str meta, uint64_t now_ms, struct event *out);
// An event that has been stored, from the columns of history (09 §4.2).
struct event_parts {
	struct ulid internal_id;
	struct str id, name, v;
	struct str data; // JSON: an object; else the event has none
	struct str user; // likewise
	struct str meta; // JSON with the sessions; empty: none
	uint64_t ts_ms, received_ms;
};
// Puts it together again, with the text that it had. ERR_CORRUPT when `data` or `user` is no JSON, ERR_TOO_LARGE. The
// arena holds the slices.
ERR_CHECKED enum err event_restore(struct arena *arena, const struct event_parts *parts, struct event *out,
				   struct error *error);
// The same from the text of one that has been stored; nothing is missing. `stable_id` is not known and false.
ERR_CHECKED enum err event_reread(struct arena *arena, struct str text, const struct ulid *internal_id,
				  uint64_t received_ms, struct event *out, struct error *error);
void event_release(struct event *event);

// One request body of POST /e/{key}: an object or an array (05 §7.2), element by element, stopping at the first bad
// one. `events`/`count` hold those accepted before it (arena-allocated array; release each). Returns the error of the
// bad element, ERR_OK when all are good. `content_type` may be empty.
ERR_CHECKED enum err events_parse_body(struct arena *arena, struct str body, struct str content_type,
				       const struct event_seed *seed, uint64_t now_ms, struct event **events,
				       size_t *count, struct error *error);

#endif
