// Records: the engine's durable state, as the store sees it (kind, key, head, body) and as the engine encodes it.
//
// `head` is loaded at start; `body` is large text (event data, step output) that is fetched one by one when a call
// needs it. Keys sort bytewise. Kind numbers and encodings are part of the file format: never reuse a number.
#ifndef INNGEST_MODEL_RECORD_H
#define INNGEST_MODEL_RECORD_H

#include "base/payload.h"
#include "base/str.h"

enum record_kind {               // stored; key in brackets
	RECORD_META = 1,         // ["version"] format of the records
	RECORD_APP = 2,          // [app uuid]
	RECORD_FUNCTION = 3,     // [function uuid]
	RECORD_RUN = 4,          // [run ulid]; body: JSON array of the events
	RECORD_STEP = 5,         // [run ulid ‖ be32 position]; body: memoised value; stays when its run has ended
	RECORD_ITEM = 6,         // [run ulid ‖ be32 slot]
	RECORD_IDEMPOTENCY = 7,  // [be64 expiry ms ‖ 16 bytes of key hash]
	RECORD_EVENT = 8,        // [internal ulid] held event; body: its data
	RECORD_CANCELLATION = 9, // [ulid] bulk cancellation
	RECORD_CRON = 10,        // [function uuid ‖ be64 hash of the text] a schedule's next tick
	RECORD_RATE = 11,        // [be64 id] how much of a rate limit or throttle is used
	RECORD_DEBOUNCE = 12,    // [ulid]; body: the event
	RECORD_EVENT_BATCH = 13, // [ulid] a batch of events that is being collected
	RECORD_BATCH_EVENT = 14, // [batch ulid ‖ be32 number]; body: the event
	RECORD_DEFER = 15,       // [run ulid ‖ be32 number] a run to come when this one ends; body: its data
};
#define RECORD_KEY_MAX 32

enum record_op {
	RECORD_PUT,  // insert or replace: head and body
	RECORD_HEAD, // replace the head, keep the body
	RECORD_DELETE,
	RECORD_DELETE_PREFIX, // all records of the kind whose key starts with `key`
	RECORD_RETIRE_PREFIX, // RECORD_STEP only: the same for the engine, but people can still look at them
};

// Text that is put together from pieces, some of which may only be in the store: see struct late_text.
struct payload_ref {
	struct payload *data; // owned reference, or NULL: then fetch body of (kind, key) from the store
	uint32_t size;        // bytes of the body
	uint32_t first_len; // of its first event, when it is an array of events with a stand-in (store/late.h); 0: none
	uint8_t kind;       // enum record_kind
	uint8_t key_len;
	uint8_t key[RECORD_KEY_MAX];
};

// A text with holes: `parts` in order, each either literal or a reference. The journal thread resolves it (text =
// the whole) before it writes, if something that it writes has it. Lives in the batch's arena.
struct late_text;
struct late_part {
	struct str literal; // used when ref and late are NULL
	struct payload_ref *ref;
	const struct late_text *late; // made earlier for the same batch, and used
	uint32_t from, len;           // part of the body or the text; len 0: all of it
};
struct late_text {
	struct late_part *parts;
	size_t count;
	struct payload *text; // NULL until resolved; owned by the batch
	bool is_used;
	bool is_damaged; // a part of it was not in the store: empty, or with a stand-in
};

struct record {
	enum record_op op;
	uint8_t kind;
	uint8_t key_len;
	uint8_t key[RECORD_KEY_MAX];
	struct str head;             // in the batch's arena
	struct payload *body;        // owned reference, NULL for none (RECORD_PUT only)
	struct late_text *late_body; // instead of `body`
};

#endif
