// What the files of src/server share: the server, one HTTP request, the route table and the ways to answer.
//
// Threads: a request belongs to the libmicrohttpd thread of its connection. While it waits for the engine
// (REQUEST_WAITING) its connection is suspended, and whoever takes it out of the pending table (server_reply or
// server_stop, any thread) may set `reply` and `state` and must resume it: exactly once, which the table ensures.
// While a thread of the pool has it (REQUEST_WORKING) its connection is suspended as well, and the request is that
// thread's alone; the answer that it makes is sent by the connection's thread. A client that goes away meanwhile is not
// noticed: the request lives until its reply comes.
#ifndef INNGEST_SERVER_INTERNAL_H
#define INNGEST_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "model/limits.h"
#include "model/v2_body.h"
#include "server/live.h"
#include "server/server.h"

// --- who waits for the engine (pending.c) -----------------------------------------------------------------------

struct request;
// A request, or a thread of the pool. `resume` gets the reply, which is the waiter's then; NULL: there will be none.
struct waiter {
	void (*resume)(struct waiter *waiter, struct reply *reply); // any thread
};
struct pending_slot {
	struct waiter *waiter; // NULL: free
	uint32_t generation;
	uint32_t next_free;
};
struct pending {
	pthread_mutex_t lock;
	struct pending_slot *slots; // grows to the number of those who wait at once
	uint32_t cap;
	uint32_t free_head;
	bool closed;
};
void pending_init(struct pending *pending);
void pending_free(struct pending *pending);
uint64_t pending_add(struct pending *pending, struct waiter *waiter); // the token; 0 when closed
struct waiter *pending_take(struct pending *pending, uint64_t token); // NULL when unknown or taken
// Refuses further waiters and takes one that still waits; NULL when there is none left.
struct waiter *pending_close(struct pending *pending);

// --- the pool for work that blocks (work.c; what it is for: below) ------------------------------------------------

#define WORK_THREADS 4
#define WORK_WAITING_MAX 4096 // requests in line; beyond it 503 with Retry-After
#define WORK_OUT_MAX 16       // of its threads that may wait for something outside at the same time

// Searches take as long as they may: so many at once, and the other threads are for what is over soon.
#define WORK_SEARCHES_MAX (WORK_THREADS / 2)
#define WORK_PUT_OFF_MAX 32 // searches in line, some 10 s of work: others must find room in it, too

struct work_line {
	struct request *first, *last;
};
struct work {
	pthread_mutex_t lock;
	pthread_cond_t wanted;   // there is a request in line, or the end
	pthread_cond_t answered; // some thread of the pool has got its reply
	struct work_line line;
	struct work_line search_line; // of those that were put off
	unsigned waiting;             // in both
	unsigned waiting_max;         // WORK_WAITING_MAX; tests have less
	unsigned put_off;             // in the second one
	unsigned searches;            // under way
	pthread_cond_t back;          // a thread that was out may go on
	unsigned busy;                // threads with a request, WORK_THREADS at most; those that are out are not
	unsigned out, returning;      // threads that wait outside; that are back and wait for their turn
	bool closed;
	unsigned thread_count;
	pthread_t threads[WORK_THREADS + WORK_OUT_MAX]; // the first ones from the start, others when some are out
};
void work_init(struct work *work);
ERR_CHECKED enum err work_start(struct work *work, struct error *error);
// Requests in line go away with 503; comes back when the threads have ended. Then nothing is suspended on its account.
void work_stop(struct work *work);
void work_free(struct work *work);

// --- the server -----------------------------------------------------------------------------------------------

struct server {
	struct server_config config; // its slices are copied into `arena`
	struct arena arena;
	struct MHD_Daemon *daemon;
	int listen_fd;
	uint16_t port;
	struct str features; // JSON object for GET /dev
	struct pending pending;
	struct work work;
	struct live live;
	struct gql_schema *gql;      // NULL: GraphQL is not served
	struct gql_cache *gql_cache; // likewise
	atomic_size_t body_bytes;    // of all request bodies that are buffered now
	atomic_bool quiescing;
	pthread_mutex_t idle_lock;
	pthread_cond_t idle;
	atomic_uint requests; // in work
};
// A bound, listening socket; ERR_EXISTS when the address is in use.
ERR_CHECKED enum err listen_open(struct str host, uint16_t port, int *fd, uint16_t *bound, struct error *error);

// --- one request (request.c) ----------------------------------------------------------------------------------

enum request_state {
	REQUEST_READING, // headers are there, the body is coming
	REQUEST_WAITING, // suspended until the engine replies
	REQUEST_RESUMED, // `reply` is there; NULL: the engine, or the pool, could not take or answer it
	REQUEST_WORKING, // suspended while a thread of the pool has it
	REQUEST_WORKED,  // `response` is there, to be queued
	REQUEST_ANSWERED,
};
enum body_state { BODY_WANTED, BODY_IGNORED, BODY_TOO_LARGE, BODY_NO_ROOM };

enum error_shape { SHAPE_TEXT, SHAPE_PUB, SHAPE_EVENT, SHAPE_V2, SHAPE_OTLP }; // 05 §5, §12.13

#define ROUTE_PARAMS_MAX 3
#define ROUTE_HEADERS_MAX 3

struct route {
	const char *method; // "*": any
	const char *path; // a segment ":" is a parameter: any text without '/', not empty; "*" one that may contain '/'
	uint32_t body_max; // 0: a body is read and dropped
	bool head;         // HEAD is allowed beside GET
	bool is_test;      // of the testing API: served in test mode only
	enum error_shape shape;
	void (*start)(struct request *request); // the whole request is there
	void (*work)(struct request *request);  // instead of `start`: on a thread of the pool (see request_work)
	void (*finish)(struct request *request, struct reply *reply); // the engine agreed; NULL: never posts
	bool (*failed)(struct request *request,
		       struct reply *reply); // REPLY_FAILED; false: the usual error. May be NULL
	const char *text;                    // for handlers of several routes: what this one says. May be NULL
};
extern const struct route routes[]; // routes.c
extern const size_t route_count;

struct request {
	struct waiter waiter; // first
	struct server *server;
	struct MHD_Connection *connection;
	const struct route *route;
	atomic_int state; // enum request_state
	enum body_state body_state;
	enum MHD_Result result; // of the answer: MHD_NO closes the connection
	struct str method;
	struct str params[ROUTE_PARAMS_MAX]; // decoded path parameters
	struct buf body;
	size_t body_dropped;                   // bytes that were read and not kept
	struct buf out;                        // the text of the answer
	struct arena arena;                    // whatever lives as long as the request; allocates nothing until used
	int status;                            // kept by routes between start and finish
	struct reply *reply;                   // owned
	void (*work)(struct request *request); // on a thread of the pool
	struct request *next;                  // in line for it
	bool is_search, is_put_off;            // on such a thread: counts as one; has to wait until it may be one
	struct MHD_Response *response;         // made there; owned
	unsigned response_status;
	struct {
		const char *name, *value;
	} headers[ROUTE_HEADERS_MAX];
	unsigned header_count;
};

enum MHD_Result request_access(void *server, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_len, void **slot);
void request_completed(void *server, struct MHD_Connection *connection, void **slot,
		       enum MHD_RequestTerminationCode code);
// Hands a command to the engine and suspends the request; answers 503 when the engine is full. The last thing that
// `start` does: the request may belong to another thread afterwards.
void request_post(struct request *request, struct command *command);
// Continues a request that was taken out of the pending table. Any thread.
void request_resume(struct request *request, struct reply *reply);

struct str request_header(const struct request *request, const char *name); // empty when absent
// --- query.c: decoded query parameter into the arena; false when absent
bool request_query(struct request *request, const char *name, struct str *out);
// The same, and before that the fields of a form in the body.
bool request_parameter(struct request *request, const char *name, struct str *out);
bool bool_parse(struct str text, bool *out); // true, t, 1, … as Go takes them
// Percent decoding ('+' stays); false for a bad escape. Borrows `text` when there is nothing to decode.
bool percent_decode(struct arena *arena, struct str text, struct str *out);

// --- work that blocks (work.c) ----------------------------------------------------------------------------------
//
// A few threads for what reads the store at length or asks the engine in between: dashboards, REST v2, GraphQL. So no
// connection waits behind another one's query, and events come in meanwhile.

// The last thing that `start` does: suspends the request and has `work` answer it on a thread of the pool.
void request_work(struct request *request, void (*work)(struct request *request));
// Around waiting for what may take long and is not the engine, on a thread of the pool, which must hold no reader then:
// another thread serves the line meanwhile. False: too many are out already.
bool work_step_out(struct work *work);
void work_step_in(struct work *work);
// On a thread of the pool only, before a request searches at length. False: there are enough searches under way. Then
// its `work` has to end without an answer and without effects; it is called once more when it is the request's turn.
bool work_search_begin(struct request *request);
// On a thread of the pool only: hands a command to the engine and waits for its reply, which is the caller's. NULL when
// the engine is full or the server stops; the command is gone in any case.
struct reply *server_ask(struct server *server, struct command *command);

// --- routes (router.c) ----------------------------------------------------------------------------------------

enum route_result { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_WRONG_METHOD, ROUTE_BAD_PATH };
// Fills request->route and params, or *allow with the methods of the path.
enum route_result route_find(struct request *request, struct str path, struct str *allow);
// The path without the "/api" that may stand before "/v1" and "/v2".
struct str route_path(struct str path);

// --- answers (respond.c) --------------------------------------------------------------------------------------

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

// Adds a header to the answer to come; the texts must live as long as the request.
void respond_header(struct request *request, const char *name, const char *value);
// request->out, emptied, to write the answer into.
struct buf *respond_begin(struct request *request);
// Queues what a thread of the pool has answered; on the connection's own thread.
void respond_worked(struct request *request);
// `body` must live as long as the request (literals, request->arena, request->out).
void respond(struct request *request, int status, const char *type, struct str body);
void respond_out(struct request *request, int status); // request->out as JSON
void respond_empty(struct request *request, int status);
// Text in pieces, sent without being put together; the pieces must live as long as the request.
void respond_pieces(struct request *request, int status, const struct MHD_IoVec *pieces, unsigned count);
// A body that comes little by little from the response's callback; NULL closes the connection.
void respond_stream(struct request *request, const char *type, struct MHD_Response *response);
void respond_not_found(struct request *request);
// --- cors.c (05 §4)
bool cors_preflight(const struct request *request);
void cors_add_preflight(struct request *request, struct MHD_Response *response);
void cors_add(const struct request *request, struct MHD_Response *response);

// --- JSON replies (json_reply.c, 05 §5, §12.1) ----------------------------------------------------------------

// The error shape Pub; `code` and `data` (JSON) may be empty.
void json_reply_pub(struct request *request, int status, struct str code, struct str text, struct str data);
// An error in the shape of the route.
void json_reply_error(struct request *request, int status, struct str text);
// An error message of the form `<text><value>` in the shape Pub.
void json_reply_about(struct request *request, int status, struct str text, struct str value);
// `{"data":` … `,"metadata":{…}}` around what is written to request->out between the two; the second one answers.
// `max_age_s` 0: not cacheable.
void json_envelope_open(struct request *request);
void json_envelope_send(struct request *request, unsigned max_age_s);
void json_time(struct buf *out, int64_t ns); // a quoted RFC 3339 text
void json_ulid(struct buf *out, const struct ulid *ulid);
void json_uuid(struct buf *out, const struct uuid *uuid);

// --- REST v2 (v2_reply.c, 05 §13.1, §13.2) ----------------------------------------------------------------------

// Whether a POST means the GET of the same path: one with a form (13.1).
bool v2_reads_by_form(const struct request *request, struct str path);
// Of a path that no route serves: 404, 400 for the bare base, 501 for a wrong method; false when it is not of v2.
bool v2_unrouted(struct request *request, struct str path, enum route_result found);
// An error in the shape of v2; `code` empty: the usual one of the status.
void v2_reply_error(struct request *request, int status, struct str code, struct str text);
void v2_refuse(struct request *request, const struct v2_refusal *refusal);
// `{"data":` … `,"metadata":{…}}` around what is written to request->out between the two; then respond_out.
void v2_envelope_open(struct request *request);
void v2_envelope_close(struct request *request);
// The whole of {"data":{"<name>":"<id>"},…}.
void v2_write_id(struct request *request, struct str name, const struct ulid *id);
// The answer to a function that did not start: 404 or 422 as the engine says, else 500 with `text`.
void v2_reply_not_started(struct request *request, const struct reply *reply, struct str text);
// The run id of the path; 400 when it is none.
bool v2_run_id(struct request *request, struct ulid *out);

// --- reading (reading.c): a reader of the store, borrowed for one request -----------------------------------------

struct reading {
	struct server *server;
	struct store_reader *store;
	struct history_reader *history;
};
// False when there is none. Statements end with ERR_BUSY when it is later than `deadline_ns` (clock_mono_ns).
bool reading_take(struct reading *reading, struct server *server, uint64_t deadline_ns);
// The same for a request that REST answers, within its limits; false: it has answered 503.
bool reading_open(struct reading *reading, struct request *request);
void reading_close(struct reading *reading);
// Of the answer when reading has failed: 503 when it took too long or the store is busy, else 500.
int reading_status(const struct error *error);

// --- running a run again (rerun.c) ----------------------------------------------------------------------------------

enum rerun_problem {
	RERUN_FINE,
	RERUN_UNKNOWN_RUN,
	RERUN_NO_EVENT,   // that it was started by, in history
	RERUN_UNREADABLE, // history, or what it has
	RERUN_STEP_UNKNOWN,
	RERUN_STEP_AMBIGUOUS, // several have that name
	RERUN_REMOVED,        // retention has taken what it needs: RERUN_REMOVED_TEXT
};
#define RERUN_REMOVED_TEXT "Payloads of this run have been removed by retention; it cannot be run again"
// The command that starts it; it takes over the input. `error` is filled for RERUN_NO_EVENT and RERUN_UNREADABLE.
enum rerun_problem rerun_make(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			      struct v2_rerun *wanted, struct command **out, struct error *error);

// --- GraphQL (folder gql; 06) --------------------------------------------------------------------------------------

struct gql_schema;
ERR_CHECKED enum err gql_api_schema(struct gql_schema **out, struct error *error); // schema.c
struct gql_cache;                                                                  // persisted.h

// --- the handlers of the route table -------------------------------------------------------------------------------

void events_start(struct request *request); // events_api.c
void events_finish(struct request *request, struct reply *reply);
void invoke_start(struct request *request); // invoke_api.c
void invoke_finish(struct request *request, struct reply *reply);
void health_start(struct request *request); // health_api.c
void ready_start(struct request *request);
void metrics_start(struct request *request); // metrics_api.c
void metrics_finish(struct request *request, struct reply *reply);
void dev_work(struct request *request); // dev_api.c
void dev_traces_work(struct request *request);
struct str dev_features(struct arena *arena);
void register_start(struct request *request); // register_api.c
void register_finish(struct request *request, struct reply *reply);
void fn_remove_start(struct request *request); // fn_api.c
void fn_remove_finish(struct request *request, struct reply *reply);
bool fn_remove_failed(struct request *request, struct reply *reply);
void fn_step_limit_start(struct request *request);
void fn_step_limit_remove_start(struct request *request);
void fn_state_limit_start(struct request *request);
void fn_state_limit_remove_start(struct request *request);
void fn_limit_finish(struct request *request, struct reply *reply);
void test_start(struct request *request); // test_api.c
void test_pause_start(struct request *request);
void test_cancel_start(struct request *request);
void test_reset_start(struct request *request);
void test_done_finish(struct request *request, struct reply *reply);
void test_queue_size_start(struct request *request);
void test_queue_size_finish(struct request *request, struct reply *reply);
void v0_state_start(struct request *request); // v0_api.c
void v0_actions_finish(struct request *request, struct reply *reply);
void v0_batch_finish(struct request *request, struct reply *reply);
bool v0_state_failed(struct request *request, struct reply *reply);
void v0_telemetry_start(struct request *request);
void v0_cancel_start(struct request *request);
void v0_cancel_finish(struct request *request, struct reply *reply);
bool v0_cancel_failed(struct request *request, struct reply *reply);
void v1_events_work(struct request *request); // v1_events.c
void v1_event_work(struct request *request);
void v1_event_outcomes_work(struct request *request);
void v1_event_runs_work(struct request *request); // v1_runs.c
void v1_runs_work(struct request *request);       // v1_run_list.c
void v1_run_work(struct request *request);
void v1_cancel_start(struct request *request);
void v1_cancel_finish(struct request *request, struct reply *reply);
bool v1_cancel_failed(struct request *request, struct reply *reply);
void v1_jobs_start(struct request *request);
void v1_jobs_finish(struct request *request, struct reply *reply);
bool v1_jobs_failed(struct request *request, struct reply *reply);
void v1_functions_work(struct request *request);
void v1_app_functions_work(struct request *request); // v1_apps.c
void v1_stream_start(struct request *request);       // live.c
void v1_metadata_work(struct request *request);      // annotations_api.c
void v1_userland_work(struct request *request);
void v2_scores_work(struct request *request);
void otlp_refuse(struct request *request, int status, struct str text); // an error in the encoding of the request
void v1_signal_start(struct request *request);                          // v1_signals.c
void v1_signal_finish(struct request *request, struct reply *reply);
void v1_cancellation_start(struct request *request); // v1_cancellations.c
void v1_cancellation_finish(struct request *request, struct reply *reply);
void v1_cancellations_start(struct request *request);
void v1_cancellations_finish(struct request *request, struct reply *reply);
void v1_cancellation_remove_start(struct request *request);
void v1_cancellation_remove_finish(struct request *request, struct reply *reply);
void checkpoint_start(struct request *request); // checkpoint_api.c
void checkpoint_finish(struct request *request, struct reply *reply);
void v2_health_start(struct request *request); // health_api.c
void v2_event_start(struct request *request);  // v2_events.c
void v2_event_finish(struct request *request, struct reply *reply);
bool v2_event_failed(struct request *request, struct reply *reply);
void v2_cancel_start(struct request *request); // v2_runs.c
void v2_cancel_finish(struct request *request, struct reply *reply);
bool v2_cancel_failed(struct request *request, struct reply *reply);
void v2_rerun_start(struct request *request); // v2_rerun.c
void v2_rerun_finish(struct request *request, struct reply *reply);
bool v2_rerun_failed(struct request *request, struct reply *reply);
void v2_pause_start(struct request *request); // v2_pause.c
void v2_unpause_start(struct request *request);
void v2_pause_finish(struct request *request, struct reply *reply);
void v2_unpause_finish(struct request *request, struct reply *reply);
bool v2_pause_failed(struct request *request, struct reply *reply);
bool v2_unpause_failed(struct request *request, struct reply *reply);
void v2_invoke_start(struct request *request); // v2_invoke.c
void v2_invoke_finish(struct request *request, struct reply *reply);
bool v2_invoke_failed(struct request *request, struct reply *reply);

void openapi_start(struct request *request);       // openapi.c
void v2_operations_start(struct request *request); // v2_operations.c
void v2_account_start(struct request *request);    // v2_account.c
void v2_envs_start(struct request *request);
void v2_event_keys_start(struct request *request);
void v2_signing_keys_start(struct request *request);
void v2_apps_work(struct request *request); // v2_apps.c
void v2_app_work(struct request *request);
void v2_functions_work(struct request *request); // v2_functions.c
void v2_function_work(struct request *request);
void v2_runs_work(struct request *request); // v2_run_list.c
void v2_function_runs_work(struct request *request);
void v2_run_work(struct request *request);
void v2_event_runs_work(struct request *request);
void v2_trace_work(struct request *request);   // v2_trace.c
void v2_absent_start(struct request *request); // v2_absent.c
void v2_env_create_start(struct request *request);
void v2_webhooks_start(struct request *request);
void v2_partner_create_start(struct request *request);
void v2_sandbox_start(struct request *request);
void gql_start(struct request *request); // gql/api.c
void gql_page_start(struct request *request);

// The event id of the path, for routes of v1; 400 when it is none.
bool v1_event_id(struct request *request, struct ulid *out);
// History of the run of a path parameter, for routes that the engine has already left: ERR_NOT_FOUND when no such run
// was ever made. Answers itself on other errors, and then returns ERR_CLOSED.
ERR_CHECKED enum err run_history(struct request *request, const struct ulid *run_id, struct history_run *out);

#endif
