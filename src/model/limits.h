// Every maximum and every fixed number of the product, with the spec section that sets it.
#ifndef INNGEST_MODEL_LIMITS_H
#define INNGEST_MODEL_LIMITS_H

// Identity of the single tenant (01 §1)
#define ACCOUNT_ID "00000000-0000-4000-a000-000000000000"
#define ENV_ID "00000000-0000-4000-b000-000000000000"
#define ZERO_ID "00000000-0000-0000-0000-000000000000" // where REST v1 names neither (05 §12.2, §12.10)

// Events (05 §7)
#define EVENT_SIZE_MAX 3145728u         // one event's raw JSON
#define EVENT_BATCH_MAX 5000u           // events in one request
#define EVENT_BODY_MAX (256u << 20)     // whole request: ours, the reference has none (bounded memory)
#define EVENT_TS_MIN_MS 315532800000ll  // 1980-01-01
#define EVENT_TS_MAX_MS 4102444800000ll // 2100-01-01
#define EVENT_SESSIONS_MAX 5u           // 03 §24.2
#define EVENT_SESSION_KEY_MAX 128u
#define EVENT_SESSION_ID_MAX 512u
#define EVENT_TRIGGER_NAME_MAX 255u // 01 §1

// Registration (01)
#define REGISTER_BODY_MAX (32u << 20) // ours: 01 §5.3 asks for at least 16 MiB
#define REGISTER_FUNCTIONS_MAX 10000u // ours: functions in one registration (bounded memory)
#define FUNCTION_TRIGGERS_MAX 10u
#define FUNCTION_CONCURRENCY_MAX 2u
#define FUNCTION_CANCEL_MAX 5u
#define FUNCTION_CRON_MAX 255u
#define FUNCTION_RETRIES_DEFAULT 4
#define FUNCTION_RETRIES_MAX 20
#define CRON_JITTER_MIN_NS 1000000000ll
#define CRON_JITTER_MAX_NS 300000000000ll
#define CRON_YEARS_MAX 5 // without a tick, and a schedule has ended (03 §20.1)

// Calls to the app (02 §18)
#define CALL_REQUEST_MAX 4194304u // body; above it the SDK fetches state itself
#define CALL_STATE_EMBED_MAX (4194304u - 1024u)
#define CALL_RESPONSE_MAX 8388608u // decoded body
#define CALL_TIMEOUT_MS (7200u * 1000u)
#define CALL_CONNECT_TIMEOUT_MS 5000u
#define CALL_REDIRECTS_MAX 60
#define CALL_UPSTREAM_BODY_KEPT 8192u // 02 §5.3
#define CALL_INNER_ERROR_MAX 32768u   // 02 §5.2
#define PING_TIMEOUT_MS 10000u        // 01 §4.1
#define PING_BODY_MAX (10u << 20)

// Runs (02 §18, 03 §1)
#define STEP_OUTPUT_MAX 4194304u
#define STEP_INPUT_MAX 4194304u
#define STEP_ID_MAX 65535u // ours: bytes; 02 §6.4 sets none. Ids stay in memory with their length in 16 bits
#define RUN_STATE_MAX 33554432u
#define RUN_STEPS_MAX 1000u
#define ANSWER_OPCODES_MAX 1000u
#define LIMIT_OVERRIDES_MAX 10000u // ours: limits of single functions that are set at the same time (05 §11.4)
#define DEFERS_MAX 20u             // of one run (03 §24.1), as are the next two
#define DEFER_INPUT_MAX 4194304u   // of one, and of all together
#define DEFER_META_MAX 32768u
#define DEFER_TEXT_MAX 1024u  // ours: bytes of an id, a name, a slug: they stay in memory
#define SIGNAL_NAME_MAX 8192u // ours: waiting runs keep it in memory
#define SLEEP_MAX_MS (366ull * 86400ull * 1000ull)
#define WAIT_DEFAULT_MS (365ull * 86400ull * 1000ull) // of invokes, waits for signals and cancelOn (03 §14)
#define RETRY_AFTER_MAX_MS (86400ull * 1000ull)
#define RETRY_AFTER_MIN_MS 1000ull
#define CANCELLATIONS_MAX 1000u                 // ours: bulk cancellations that are kept (05 §12.11)
#define CRON_CATCH_UP_MAX 10000u                // ours: missed ticks of one schedule that are made good (03 §20.4)
#define RUN_DEPTH_MAX 4u                        // ours: events about runs contain those that began them, twice
#define RUN_IDEMPOTENCY_MS (86400ull * 1000ull) // 03 §6.3

// Flow control (04)
#define RATE_MEMORY_MS (300ull * 1000ull)   // the same event again does not count (A5)
#define BATCH_MEMORY_MS (1800ull * 1000ull) // nor is it added again (A8)
#define EVENT_BATCH_BYTES_MAX (10u << 20)   // a batch with more goes at once (A8)

// HTTP server (05 §1)
#define CHECKPOINT_BODY_MAX (64u << 20) // ours: 13.2 sets none; steps are bounded one by one
#define CHECKPOINT_OPCODES_MAX 10000u   // ours
#define HTTP_BODY_DEFAULT_MAX (1u << 20)
#define FORM_BODY_MAX (64u << 10) // ours: few short fields (05 §11.4, §16)
#define GQL_BODY_MAX (8u << 20)   // ours: an invocation with the largest event fits
#define HTTP_HEADER_MAX (64u << 10)
#define HTTP_CONNECTIONS_MAX 10000u         // more wait in the listen queue
#define HTTP_CONNECTION_MEMORY (32u << 10)  // buffers of one connection; longer header blocks get 431
#define HTTP_IDLE_TIMEOUT_S 75u             // silent connections, never requests that wait for the engine
#define HTTP_BODIES_MAX ((size_t)512 << 20) // request bodies buffered at once, of all connections
#define HTTP_REPLY_MAX ((size_t)256 << 20)
#define HTTP_THREAD_STACK (4u << 20) // JSON_DEPTH_MAX fits even under sanitizers; untouched pages cost nothing

// Reading (ours: the reference has no such limits)
#define READ_TIME_MAX_MS 10000u            // of one request: what has not been read by then is an error
#define OUTSIDE_TIME_MAX_MS 30000u         // of one request, waiting for apps: that is not counted above
#define GQL_MEMORY_MAX ((size_t)128 << 20) // of one GraphQL request, besides its body and its reply
#define GQL_REPLY_MAX ((size_t)64 << 20)
#define REST_MEMORY_MAX ((size_t)128 << 20)
#define FILTER_VALUES_MAX 1000u   // ids or names in one filter of GraphQL
#define EVENT_RUNS_PAGE_MAX 1000u // of GET /v1/events/{id}/runs, where the reference answers with all of them

// Span metadata (06 §18.1) and spans of users (06 §19.1)
#define METADATA_KIND_MAX 128u
#define METADATA_RECORD_MAX (64u << 10)      // keys and values of one record
#define METADATA_RUN_MAX (1u << 20)          // of all records of a run
#define METADATA_SCORE_NAME_MAX 128u         // bytes
#define METADATA_BODY_MAX (4u << 20)         // ours
#define METADATA_RECORDS_MAX 1000u           // ours: in one request
#define OTLP_BODY_MAX (8u << 20)             // also when it is compressed
#define OTLP_SPANS_MAX 10000u                // ours: in one request; more are rejected
#define OTLP_ATTRIBUTES_MAX 256u             // ours: of one span; more are left out
#define OTLP_ATTRIBUTES_BYTES_MAX (1u << 20) // ours: of one span, as JSON
#define OTLP_DEPTH_MAX 16u                   // ours: of arrays and lists in each other; deeper ones are null
#define OTLP_MEMORY_MAX ((size_t)128 << 20)  // ours: for unpacking a body
#define RUN_USER_SPANS_MAX 10000u            // ours: of one run; more are rejected

// REST v1 (05 §12)
#define EVENTS_PAGE_DEFAULT 20u
#define EVENTS_PAGE_MAX 51u
#define JOBS_PAGE_MAX 10u
#define SIGNAL_DATA_MAX STEP_OUTPUT_MAX    // what a signal brings becomes the output of a step
#define SIGNAL_BODY_MAX (16u << 20)        // ours: blanks and escapes make the data longer than it is
#define CANCELLATION_BODY_MAX (1u << 20)   // ours: 12.11 sets none
#define CANCELLATION_CLOCK_SKEW_MS 5000ull // how far "in the past" may lie in the future

// REST v2 (05 §13)
#define V2_EVENT_BODY_MAX EVENT_SIZE_MAX
#define V2_EVENT_NAME_MAX 512u
#define V2_BODY_MAX 4194304u        // ours: what gRPC, which the reference's handlers stand on, takes
#define V2_INPUT_MAX STEP_INPUT_MAX // of a step to rerun from
#define V2_SCORES_MAX 100u          // in one request (13.11)
#define V2_EXPERIMENT_MAX 128u      // bytes of an experiment's id or variant

#endif
