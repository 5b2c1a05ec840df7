// History items: what people look at, written with the records of the same batch (spec 09 §4, §7).
// Made by the engine, consumed by src/history. All slices live in the batch's arena.
#ifndef INNGEST_MODEL_HISTORY_ITEM_H
#define INNGEST_MODEL_HISTORY_ITEM_H

#include "base/id.h"
#include "model/debug_ids.h"
#include "model/defer.h"
#include "model/record.h"

enum history_kind {
	HISTORY_APP,       // upsert apps by id (09 §6)
	HISTORY_APP_ERROR, // set or clear apps.error
	HISTORY_APP_ARCHIVE,
	HISTORY_FUNCTION, // upsert functions by id, un-archive
	HISTORY_FUNCTION_ARCHIVE,
	HISTORY_EVENT,       // insert into events
	HISTORY_RUN,         // insert into function_runs
	HISTORY_FINISH,      // insert into function_finishes
	HISTORY_EVENT_BATCH, // insert into event_batches
	HISTORY_OUTCOME,     // insert into engine_event_outcomes (ours)
	HISTORY_RUN_STARTED, // its first call, when it was not made with the run itself
	HISTORY_TRACE,       // insert into engine_trace (ours)
	HISTORY_RUN_AI,      // the run has an AI step
	HISTORY_FUNCTION_PAUSE,
	HISTORY_DEFER,       // upsert into engine_defers (ours)
	HISTORY_EVENT_AGAIN, // insert into events if absent: one that waited, and may have been removed since
	HISTORY_ANNOTATION,  // what others say of a run: rows of spans (06 §18, §19)
	HISTORY_EXPORTED,    // how far our own spans have been exported (history/exports.h)
};

// Why an event has not become a run of a function that it was due (03 §25: "show why an event started nothing").
enum event_outcome { // stored as text: outcome_names
	OUTCOME_RATE_LIMITED,
	OUTCOME_DEBOUNCED, // another event took its place
	OUTCOME_SKIPPED,   // the run, which has an id, was never executed
	OUTCOME_DUPLICATE, // its id had begun a run before
	OUTCOME_DROPPED,   // an expression failed, or the function went away while the event waited
	OUTCOME_COUNT,
};
enum outcome_reason { // stored as text too: outcome_reason_names
	REASON_NONE,
	REASON_SINGLETON, // 04 §A10
	REASON_FUNCTION_PAUSED,
	REASON_FUNCTION_REMOVED,
	REASON_EXPRESSION_FAILED,
	REASON_COUNT,
};
extern const char *const outcome_names[OUTCOME_COUNT]; // outcome.c
extern const char *const outcome_reason_names[REASON_COUNT];

// Something to be written as it comes, made by the server (history/annotations.h).
struct annotation {
	void (*free)(struct annotation *annotation);
};
struct annotation_result { // known when it has been written
	bool is_full;      // the run has as much as it may have: not all was written
	uint32_t rejected; // spans
};

struct history_item {
	enum history_kind kind;
	uint64_t at_ms;
	union {
		struct {
			struct uuid id;
			struct str name, sdk_language, sdk_version, framework, metadata, error, checksum, url, method,
				app_version; // empty framework, error, app_version → NULL
		} app;
		struct {
			struct uuid id;
			struct uuid app_id;
			struct str name, slug, config;
		} function;
		struct {
			struct ulid internal_id;
			bool maybe_stored; // a duplicate is possible (stable id): insert only if absent
			struct str id, name, v;
			struct str data, user; // raw JSON, pointing into `text`
			struct str meta;       // JSON with the sessions; empty: none
			uint64_t ts_ms;
			struct payload *text;        // owned reference that data and user point into
			struct late_text *late_data; // instead of `data`
		} event;
		struct {
			struct ulid run_id, event_id, original_run_id; // zero: none
			struct uuid function_id;
			struct debug_ids debug;
			bool is_deferred;    // started by the end of another run
			struct str cron;     // empty: NULL
			uint64_t started_ms; // of the first call; 0: none yet
		} run;
		struct {
			struct ulid run_id;
			struct str id, name, function; // hashed id, id in the code, slug
			enum defer_status status;
		} defer;
		struct {
			struct ulid run_id;
			const char *status;     // Completed, Failed, Cancelled
			struct payload *output; // owned reference; NULL writes {}
			struct uuid function_id;
		} finish;
		struct {
			struct ulid batch_id, run_id;
			struct uuid function_id, app_id;
			struct str event_ids; // internal ids as text, comma-separated
		} event_batch;
		struct {
			struct ulid event_id; // internal
			struct uuid function_id;
			enum event_outcome outcome;
			enum outcome_reason reason;
			struct ulid run_id;   // of a skipped run; zero: none
			struct ulid other_id; // the run that holds the singleton or came before, the event that took
					      // the place; zero: none
		} outcome;
		struct {
			struct ulid run_id;
			struct uuid function_id;
			struct str data; // an encoded trace fact
		} trace;
		struct {
			struct uuid function_id;
			bool is_paused;
		} pause;
		struct {
			uint64_t cursor;
		} exported;
		struct {
			struct annotation *content;       // owned
			struct annotation_result *result; // of the reply
		} annotation;
	};
};

#endif
