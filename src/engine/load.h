// Loads: the engine asks for text that only the store has.
#ifndef INNGEST_ENGINE_LOAD_H
#define INNGEST_ENGINE_LOAD_H

#include "base/id.h"
#include "model/record.h"

// Text of events that is in the store, which the node hands back with COMMAND_EVENT_LOADED once the batch is durable.
enum load_kind {
	LOAD_HELD,     // data of a held event; `id` is its internal id
	LOAD_RUN,      // events of the run `id`, for `cancellation_id`
	LOAD_DEBOUNCE, // event of the debounce `id`
	LOAD_BATCH,    // JSON array of the events of the event batch `id`
	LOAD_COUNT,
};
extern const enum record_kind load_records[LOAD_COUNT]; // whose body it is when there is no `data`
struct event_load {
	enum load_kind kind;
	struct ulid id;
	struct ulid cancellation_id;
	struct late_text *data; // NULL: it is the body of the record with the key `id`
};

#endif
