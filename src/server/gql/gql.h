// The GraphQL API (spec 06): types as tables, and resolvers that read history or ask the engine. Private to this
// folder; what the server needs of it is in server_internal.h.
//
// An object of a type is a plain struct in the arena of the execution. Every resolver gets all objects of its place at
// once and looks up in batches. Times are nanoseconds, INT64_MIN for none.
#ifndef INNGEST_SERVER_GQL_H
#define INNGEST_SERVER_GQL_H

#include "base/map.h"
#include "graphql/graphql.h"
#include "history/catalogue.h"
#include "history/runs.h"
#include "history/traces.h"
#include "server/server_internal.h"

#define NO_TIME INT64_MIN
#define NO_ROWS "sql: no rows in result set" // what the reference server says when something is not there (06 §3)

// What fields that read cost, as if they were so many values of GQL_COST_MAX: so a request may have 200 lists or
// counts.
#define COST_LIST 5000  // a walk through an index, maybe with a search
#define COST_TRACE 1000 // all of one run
#define COST_ROWS 100   // rows of one object
#define COST_RUNS 20    // runs of one event

// ---- one request (context.c) ---------------------------------------------------------------------------------------

struct gql_context {
	struct server *server;
	struct request *request; // NULL: none that could be put off
	struct arena *arena;     // of the execution
	uint64_t deadline_ns;    // of the execution, clock_mono_ns; 0: none. Waiting outside moves it
	uint64_t outside_ns;     // that it has waited outside
	uint64_t out_since_ns;   // while it does
	struct reading reading;  // borrowed when first needed
	struct map memos;        // see context_memo
	bool is_put_off;         // too many searches are under way: nothing that is answered from now on matters
};
// NULL: the store cannot be read now, or the execution has used up its time or memory; `error` (may be NULL) says so.
// So whoever asks for it before each of many things stops in time.
struct history_reader *context_reader(struct gql_context *context, struct error *error);
// The same for a list, which searches when there is something to search for.
struct history_reader *context_list_reader(struct gql_context *context, const struct run_search *search,
					   struct error *error);
void context_release(struct gql_context *context); // the reader, until it is needed again
void context_end(struct gql_context *context);
// Around waiting for an app: another thread serves the line meanwhile, and the request's own time does not go by. False
// with `error`: too many requests wait already, or this one has waited for OUTSIDE_TIME_MAX_MS.
bool context_step_out(struct gql_context *context, struct error *error);
void context_step_in(struct gql_context *context);
// What aliases would load again and again: the place of an object of some kind and name, NULL until somebody puts one
// there. Lives until the engine is asked for something that may change it.
void **context_memo(struct gql_context *context, const char *kind, struct str name);
// Asks the engine, without keeping a reader meanwhile. The reply is the caller's; NULL: the engine is busy.
struct reply *context_ask(struct gql_context *context, struct command *command);

// ---- what resolvers share (common.c) -------------------------------------------------------------------------------

static inline struct history_reader *call_reader(const struct gql_call *call, struct error *error) {
	return context_reader(call->context, error);
}
// The same for every parent.
void resolve_all(struct gql_call *call, struct gql_value value);
void fail_all(struct gql_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Objects of an array whose elements are `size` bytes apart, as a list.
struct gql_value list_of(struct arena *arena, const void *items, size_t count, size_t size);
void resolve_null(struct gql_call *call);
void resolve_false(struct gql_call *call);
void resolve_zero(struct gql_call *call);
void resolve_zero_uuid(struct gql_call *call);

// Members of an argument that is an input object; NULL for what is absent or null.
yyjson_val *member(yyjson_val *object, const char *name);
struct str member_str(yyjson_val *object, const char *name); // empty when absent or null
bool member_bool(yyjson_val *object, const char *name, bool otherwise);
int64_t member_time(yyjson_val *object, const char *name, int64_t otherwise);
// The ids of a list of texts, without those that are none (the scalars have checked them).
struct uuid *member_uuids(struct arena *arena, yyjson_val *object, const char *name, size_t *count);

// ERR_INVALID when a list among the members has more values than FILTER_VALUES_MAX.
ERR_CHECKED enum err filter_check(yyjson_val *filter, struct error *error);

bool ulid_is_none(const struct ulid *id);

// Ids (ULIDs or UUIDs) of many objects, to be looked up at once.
struct ids {
	struct arena *arena;
	uint8_t (*all)[16];
	size_t count, cap;
};
void ids_add(struct ids *ids, const uint8_t id[16]); // zero ids are left out
void ids_sort(struct ids *ids);                      // and drops doubles
static inline const struct ulid *ids_ulids(const struct ids *ids) {
	return (const struct ulid *)(const void *)ids->all;
}
static inline const struct uuid *ids_uuids(const struct ids *ids) {
	return (const struct uuid *)(const void *)ids->all;
}

// Standard base64 of a text, and back; false when it is none.
struct str base64_text(struct arena *arena, struct str text);
bool base64_bytes(struct arena *arena, struct str text, struct str *out);

struct page_info { // PageInfo
	bool has_next, has_previous;
	struct str start, end; // empty: null
};

// ---- apps and functions (apps.c, functions.c) ----------------------------------------------------------------------

// Looks up what parents name: `id_at` is the place of a UUID in the parent. An app or function that is not known is an
// error where `is_required`, else null.
void look_up_apps(struct gql_call *call, size_t id_at, bool is_required);
void look_up_functions(struct gql_call *call, size_t id_at, bool is_required);
// The functions with these full slugs, one for each parent, live ones before those of archived apps; else null.
void look_up_functions_by_slug(struct gql_call *call, const struct str *slugs);
// The app at this URL, live; NULL: none.
const struct catalogue_app *app_at_url(const struct catalogue_app *apps, size_t count, struct str url);

// ---- runs (runs.c, run.c) ------------------------------------------------------------------------------------------

struct run_list;
struct api_run { // FunctionRunV2 and FunctionRun
	struct run_row row;
	const struct run_list *list; // that it is in; NULL: none
	bool is_preview;             // of a list that shows no outputs
	bool has_output;             // row.output was asked for
};
// Runs as objects.
struct api_run *runs_make(struct arena *arena, const struct run_row *rows, size_t count, bool has_output);
// ERR_NOT_FOUND when there is none.
ERR_CHECKED enum err api_run_load(struct gql_context *context, struct arena *arena, const struct ulid *id,
				  struct api_run **out, struct error *error);
// Outputs of the parents, which are runs: NULL while there is none. False: all is answered.
bool runs_load_outputs(struct gql_call *call, struct str *out);
const char *run_status_name(enum trace_run_status status); // of FunctionRunStatus
bool run_is_over(const struct run_row *row);               // COMPLETED, FAILED, CANCELLED
void resolve_run_status(struct gql_call *call);            // fields of both types
void resolve_batch_created(struct gql_call *call);
struct gql_value time_or_null(struct arena *arena, int64_t ns);
// Internal ids of the events of a run, in their order.
ERR_CHECKED enum err run_event_ids(struct gql_context *context, struct arena *arena, const struct run_row *row,
				   struct ulid **out, size_t *count, struct error *error);

// Fields of api_run (defers.c).
void resolve_defers(struct gql_call *call);
void resolve_sibling_defers(struct gql_call *call);
void resolve_deferred_from(struct gql_call *call);

// ---- events (events.c) ---------------------------------------------------------------------------------------------

struct api_event { // Event and EventV2
	struct history_event event;
	struct api_run **runs; // with those of batches, skipped ones too; loaded when asked for
	size_t run_count;
	bool has_runs, is_received_time; // createdAt is the time of receipt
	struct str raw, raw_v2;          // its text, when it was asked for
};
// Several at once, in the order of the ids; unknown ones are NULL.
ERR_CHECKED enum err events_load(struct gql_context *context, struct arena *arena, const struct ulid *ids, size_t count,
				 struct api_event **out, struct error *error);
// {"id":…,"name":…,"data":…,"ts":…,"v":…,"user":…}; the last two when set.
struct str event_text(struct arena *arena, const struct history_event *event);
// Loads the runs of all events that have none yet.
ERR_CHECKED enum err events_load_runs(struct gql_context *context, struct arena *arena, struct api_event *const *events,
				      size_t count, struct error *error);

// ---- traces (trace.c) ----------------------------------------------------------------------------------------------

// Everything there is to know of a run's trace, with what the engine has under way of it. ERR_NOT_FOUND.
ERR_CHECKED enum err trace_load(struct gql_context *context, struct arena *arena, const struct ulid *run_id,
				struct trace_loaded **out, struct error *error);
// Preview trees of several runs by their starts; a run that is no more is left out.
struct gql_value trace_trees(struct gql_context *context, struct arena *arena, const struct ulid *run_ids,
			     size_t count);
void resolve_trace_of_run(struct gql_call *call); // of api_run, with the argument `preview`

// ---- resolvers of the roots ----------------------------------------------------------------------------------------

void resolve_apps(struct gql_call *call); // apps.c
void resolve_app(struct gql_call *call);
void resolve_functions(struct gql_call *call); // functions.c
void resolve_function_by_slug(struct gql_call *call);
void resolve_runs(struct gql_call *call); // runs.c
void resolve_run(struct gql_call *call);  // run.c
void resolve_run_trigger(struct gql_call *call);
void resolve_run_trace(struct gql_call *call);   // trace.c
void resolve_span_output(struct gql_call *call); // span_output.c
void resolve_event_v2(struct gql_call *call);    // events.c
void resolve_events_v2(struct gql_call *call);
void resolve_event(struct gql_call *call);
void resolve_events(struct gql_call *call);
void resolve_stream(struct gql_call *call);       // stream.c
void resolve_function_run(struct gql_call *call); // function_runs.c
void resolve_workers(struct gql_call *call);      // workers.c
void resolve_worker(struct gql_call *call);
void resolve_debug_run(struct gql_call *call); // debug.c
void resolve_debug_session(struct gql_call *call);
void resolve_create_debug_session(struct gql_call *call);
void resolve_create_app(struct gql_call *call); // app_mutations.c
void resolve_update_app(struct gql_call *call);
void resolve_delete_app(struct gql_call *call);
void resolve_delete_app_by_name(struct gql_call *call);
void resolve_invoke_function(struct gql_call *call); // run_mutations.c
void resolve_cancel_run(struct gql_call *call);
void resolve_rerun(struct gql_call *call);

#endif
