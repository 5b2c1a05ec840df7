// What lists of events are made of: a window of time, streams of events in it (events_sql.c).
#ifndef INNGEST_HISTORY_EVENTS_INTERNAL_H
#define INNGEST_HISTORY_EVENTS_INTERNAL_H

#include "history/events.h"
#include "history/history_internal.h"

struct event_pick {
	struct ulid id;
	int64_t rowid;
};

struct event_window {
	bool is_empty;
	int64_t from_ns, until_ns;
	struct str from_text, until_text; // event_time_text
	struct ulid first, last;          // ids that may have been received in it
	bool has_inner;
	struct ulid inner_first, inner_last; // ids that have, unless they are in engine_event_skew
	bool has_names;
	struct str *names; // sorted, each once
	size_t name_count;
	struct str name_list; // the same as a JSON array
	enum event_scope scope;
};
void event_window_make(struct arena *arena, const struct history_events_filter *filter, struct event_window *out);

enum event_driver {
	EVENTS_BY_ID,
	EVENTS_BY_NAME,
	EVENTS_BY_SKEW, // those whose id is outside of the window's ids
};
struct event_stream {
	enum event_driver driver;
	struct ulid first, last;
	struct str name; // EVENTS_BY_NAME
};
enum event_statement { EVENTS_PICK, EVENTS_COUNT }; // rowid and id, newest first but for EVENTS_BY_SKEW; a number
// Prepares and binds; bound memory: the window and the stream.
ERR_CHECKED enum err event_statement_get(struct history_reader *reader, const struct event_window *window,
					 const struct event_stream *stream, enum event_statement which,
					 sqlite3_stmt **out, struct error *error);
// The id that is `rows` rows behind the newest of those between the stream's ids; `found` false: there are not so many.
ERR_CHECKED enum err event_stream_edge(struct history_reader *reader, const struct event_stream *stream, uint32_t rows,
				       struct ulid *out, bool *found, struct error *error);
// The name of apps' events that comes behind `*name`; empty: the first.
ERR_CHECKED enum err event_next_app_name(struct history_reader *reader, struct arena *arena, struct str *name,
					 bool *found, struct error *error);
// These names in their order, not more than `max` of them.
ERR_CHECKED enum err event_app_names(struct history_reader *reader, struct arena *arena, size_t max, struct str *out,
				     size_t *count, struct error *error);
ERR_CHECKED enum err events_count(struct history_reader *reader, const struct event_window *window, uint64_t *out,
				  struct error *error);

// Moves a bound to just before or behind an id; false when there is nothing there.
bool event_id_before(const struct ulid *id, struct ulid *out);
bool event_id_behind(const struct ulid *id, struct ulid *out);

#endif
