// Routes as data: method, path, body limit, error shape and the functions that serve it. What is below /v1 and /v2 is
// also served below /api (route_path).
#include "server/server_internal.h"

// The kinds of routes. `name` stands for its functions: name_start, name_finish, …
// Through the engine.
#define ENGINE(method_, path_, max, shape_, name)                                                                  \
	{                                                                                                          \
		.method = (method_), .path = (path_), .body_max = (max), .shape = (shape_), .start = name##_start, \
		.finish = name##_finish                                                                            \
	}
#define ENGINE_FAILS(method_, path_, max, shape_, name)                                                            \
	{                                                                                                          \
		.method = (method_), .path = (path_), .body_max = (max), .shape = (shape_), .start = name##_start, \
		.finish = name##_finish, .failed = name##_failed                                                   \
	}
// Answered at once.
#define PLAIN(method_, path_, shape_, name) \
	{ .method = (method_), .path = (path_), .shape = (shape_), .start = name##_start }
#define PLAIN_HEAD(path_, name) \
	{ .method = "GET", .path = (path_), .head = true, .shape = SHAPE_PUB, .start = name##_start }
// On a thread of the pool.
#define READ(path_, shape_, name) \
	{ .method = "GET", .path = (path_), .shape = (shape_), .work = name##_work }
#define WRITE(path_, max, shape_, name) \
	{ .method = "POST", .path = (path_), .body_max = (max), .shape = (shape_), .work = name##_work }
// Several with one way to end: `name` starts it, `finish_` ends it.
#define STATE(path_, finish_)                                                                                       \
	{                                                                                                           \
		.method = "GET", .path = (path_), .shape = SHAPE_PUB, .start = v0_state_start, .finish = (finish_), \
		.failed = v0_state_failed                                                                           \
	}
#define LIMIT(method_, path_, name)                                                                                   \
	{                                                                                                             \
		.method = (method_), .path = (path_), .body_max = FORM_BODY_MAX, .shape = SHAPE_PUB, .start = (name), \
		.finish = fn_limit_finish                                                                             \
	}
#define TEST(method_, path_, start_, finish_)                                                                          \
	{                                                                                                              \
		.method = (method_), .path = (path_), .body_max = FORM_BODY_MAX, .is_test = true, .shape = SHAPE_TEXT, \
		.start = (start_), .finish = (finish_)                                                                 \
	}
// All methods: it answers the wrong ones in its own way.
#define GRAPHQL(path_) \
	{ .method = "*", .path = (path_), .body_max = GQL_BODY_MAX, .shape = SHAPE_PUB, .start = gql_start }
// Not here, and why not.
#define ABSENT(method_, path_, max, name, text_)                                                                   \
	{                                                                                                          \
		.method = (method_), .path = (path_), .body_max = (max), .shape = SHAPE_V2, .start = name##_start, \
		.text = (text_)                                                                                    \
	}
#define SANDBOX(method_, path_, operation) \
	ABSENT(method_, "/v2/sandboxes" path_, 0, v2_sandbox, "method " operation " not implemented")
#define SANDBOX_STREAM(method_, path_)                        \
	ABSENT(method_, "/v2/sandboxes" path_, 0, v2_sandbox, \
	       "streaming calls are not yet supported in the in-process transport")

#define NO_ENVS "Environments not implemented in OSS"
#define NO_ACCOUNTS "Accounts not implemented in OSS"
#define NO_WEBHOOKS "Webhooks not implemented in OSS"
#define NO_INSIGHTS "Insights not implemented in OSS"
#define NO_EXPERIMENTS "Experiments not implemented in OSS"
#define NO_SESSIONS "Sessions not implemented in OSS"

const struct route routes[] = {
	// The paths that carry the load come first.
	ENGINE("POST", "/e/:", EVENT_BODY_MAX, SHAPE_EVENT, events),
	ENGINE("POST", "/v1/checkpoint/:/async", CHECKPOINT_BODY_MAX, SHAPE_PUB, checkpoint),
	ENGINE("POST", "/v1/http/runs/:/async", CHECKPOINT_BODY_MAX, SHAPE_PUB, checkpoint),
	STATE("/v0/runs/:/actions", v0_actions_finish),
	STATE("/v0/runs/:/batch", v0_batch_finish),
	ENGINE("POST", "/api/events", EVENT_BODY_MAX, SHAPE_EVENT, events),
	ENGINE("POST", "/invoke/:", EVENT_BODY_MAX, SHAPE_PUB, invoke),
	PLAIN_HEAD("/health", health),
	PLAIN_HEAD("/ready", ready),
	ENGINE("GET", "/metrics", 0, SHAPE_TEXT, metrics),
	READ("/dev", SHAPE_PUB, dev),
	WRITE("/dev/traces", OTLP_BODY_MAX, SHAPE_PUB, dev_traces),
	ENGINE("POST", "/fn/register", REGISTER_BODY_MAX, SHAPE_PUB, register),
	ENGINE_FAILS("DELETE", "/fn/remove", 0, SHAPE_PUB, fn_remove),
	LIMIT("POST", "/fn/step-limit", fn_step_limit_start),
	LIMIT("DELETE", "/fn/step-limit", fn_step_limit_remove_start),
	LIMIT("POST", "/fn/state-size-limit", fn_state_limit_start),
	LIMIT("DELETE", "/fn/state-size-limit", fn_state_limit_remove_start),
	ENGINE_FAILS("DELETE", "/v0/runs/:", 0, SHAPE_PUB, v0_cancel),
	PLAIN("POST", "/v0/telemetry", SHAPE_PUB, v0_telemetry),
	GRAPHQL("/v0/gql"),
	GRAPHQL("/graphql"),
	PLAIN("GET", "/v0", SHAPE_PUB, gql_page),
	PLAIN("GET", "/v0/", SHAPE_PUB, gql_page),
	PLAIN("GET", "/openapi.json", SHAPE_TEXT, openapi),
	TEST("GET", "/test", test_start, NULL),
	TEST("POST", "/test/function/pause", test_pause_start, test_done_finish),
	TEST("POST", "/test/function/runs/cancel", test_cancel_start, test_done_finish),
	TEST("GET", "/test/queue/function-queue-size", test_queue_size_start, test_queue_size_finish),
	TEST("POST", "/test/reset", test_reset_start, test_done_finish),

	PLAIN("GET", "/v1/stream", SHAPE_PUB, v1_stream),
	READ("/v1/events", SHAPE_PUB, v1_events),
	READ("/v1/events/:", SHAPE_PUB, v1_event),
	READ("/v1/events/:/outcomes", SHAPE_PUB, v1_event_outcomes),
	READ("/v1/events/:/runs", SHAPE_PUB, v1_event_runs),
	READ("/v1/runs", SHAPE_PUB, v1_runs),
	READ("/v1/runs/:", SHAPE_PUB, v1_run),
	ENGINE_FAILS("DELETE", "/v1/runs/:", 0, SHAPE_PUB, v1_cancel),
	ENGINE_FAILS("GET", "/v1/runs/:/jobs", 0, SHAPE_PUB, v1_jobs),
	ENGINE("POST", "/v1/signals", SIGNAL_BODY_MAX, SHAPE_PUB, v1_signal),
	WRITE("/v1/runs/:/metadata", METADATA_BODY_MAX, SHAPE_PUB, v1_metadata),
	WRITE("/v1/traces/userland", OTLP_BODY_MAX, SHAPE_OTLP, v1_userland),
	READ("/v1/functions", SHAPE_PUB, v1_functions),
	READ("/v1/apps/:/functions", SHAPE_PUB, v1_app_functions),
	ENGINE("POST", "/v1/cancellations", CANCELLATION_BODY_MAX, SHAPE_PUB, v1_cancellation),
	ENGINE("GET", "/v1/cancellations", 0, SHAPE_PUB, v1_cancellations),
	ENGINE("DELETE", "/v1/cancellations/:", 0, SHAPE_PUB, v1_cancellation_remove),
	ENGINE("GET", "/v1/prom/:", 0, SHAPE_PUB, metrics),

	PLAIN("GET", "/v2/health", SHAPE_V2, v2_health),
	PLAIN("GET", "/v2/operations", SHAPE_V2, v2_operations),
	ENGINE_FAILS("POST", "/v2/events", V2_EVENT_BODY_MAX, SHAPE_V2, v2_event),
	ENGINE_FAILS("POST", "/v2/runs/:/cancel", V2_BODY_MAX, SHAPE_V2, v2_cancel),
	ENGINE_FAILS("POST", "/v2/runs/:/rerun", V2_BODY_MAX, SHAPE_V2, v2_rerun),
	ENGINE_FAILS("POST", "/v2/apps/:/functions/:/invoke", V2_BODY_MAX, SHAPE_V2, v2_invoke),
	ENGINE_FAILS("POST", "/v2/apps/:/functions/:/pause", V2_BODY_MAX, SHAPE_V2, v2_pause),
	ENGINE_FAILS("POST", "/v2/apps/:/functions/:/unpause", V2_BODY_MAX, SHAPE_V2, v2_unpause),
	PLAIN("GET", "/v2/account", SHAPE_V2, v2_account),
	PLAIN("GET", "/v2/envs", SHAPE_V2, v2_envs),
	PLAIN("GET", "/v2/keys/events", SHAPE_V2, v2_event_keys),
	PLAIN("GET", "/v2/keys/signing", SHAPE_V2, v2_signing_keys),
	READ("/v2/apps", SHAPE_V2, v2_apps),
	READ("/v2/apps/:", SHAPE_V2, v2_app),
	READ("/v2/apps/:/functions", SHAPE_V2, v2_functions),
	READ("/v2/apps/:/functions/:", SHAPE_V2, v2_function),
	READ("/v2/apps/:/functions/:/runs", SHAPE_V2, v2_function_runs),
	READ("/v2/runs", SHAPE_V2, v2_runs),
	READ("/v2/runs/:", SHAPE_V2, v2_run),
	READ("/v2/runs/:/trace", SHAPE_V2, v2_trace),
	WRITE("/v2/runs/:/scores", V2_BODY_MAX, SHAPE_V2, v2_scores),
	READ("/v2/events/:/runs", SHAPE_V2, v2_event_runs),

	// Of the hosted platform only (05 §13.3).
	ABSENT("POST", "/v2/envs", V2_BODY_MAX, v2_env_create, NO_ENVS),
	ABSENT("PATCH", "/v2/envs/:", 0, v2_absent, NO_ENVS),
	ABSENT("GET", "/v2/env/webhooks", 0, v2_webhooks, NO_WEBHOOKS),
	ABSENT("POST", "/v2/env/webhooks", 0, v2_webhooks, NO_WEBHOOKS),
	ABSENT("GET", "/v2/partner/accounts", 0, v2_absent, NO_ACCOUNTS),
	ABSENT("POST", "/v2/partner/accounts", 0, v2_partner_create, NO_ACCOUNTS),
	ABSENT("POST", "/v2/apps/:/syncs", 0, v2_absent, "App sync not implemented in OSS"),
	ABSENT("GET", "/v2/insights/tables", 0, v2_absent, NO_INSIGHTS),
	ABSENT("GET", "/v2/insights/events/schemas", 0, v2_absent, NO_INSIGHTS),
	ABSENT("POST", "/v2/insights/query", 0, v2_absent, NO_INSIGHTS),
	ABSENT("POST", "/v2/insights/query/prompt", 0, v2_absent, NO_INSIGHTS),
	ABSENT("GET", "/v2/experiments", 0, v2_absent, NO_EXPERIMENTS),
	ABSENT("GET", "/v2/apps/:/functions/:/experiments", 0, v2_absent, NO_EXPERIMENTS),
	ABSENT("GET", "/v2/apps/:/functions/:/experiments/*", 0, v2_absent, NO_EXPERIMENTS),
	ABSENT("GET", "/v2/sessions", 0, v2_absent, NO_SESSIONS),
	ABSENT("GET", "/v2/sessions/:", 0, v2_absent, NO_SESSIONS),
	ABSENT("GET", "/v2/sessions/:/*/runs", 0, v2_absent, NO_SESSIONS),
	SANDBOX("POST", "", "CreateSandbox"),
	SANDBOX("GET", "", "ListSandboxes"),
	SANDBOX("GET", "/:", "GetSandbox"),
	SANDBOX("DELETE", "/:", "DestroySandbox"),
	SANDBOX("POST", "/:/exec", "ExecSandbox"),
	SANDBOX_STREAM("GET", "/:/logs"),
	SANDBOX("PUT", "/:/files", "WriteSandboxFile"),
	SANDBOX("GET", "/:/files", "ReadSandboxFile"),
	SANDBOX("POST", "/:/processes", "StartSandboxProcess"),
	SANDBOX("GET", "/:/processes", "ListSandboxProcesses"),
	SANDBOX("GET", "/:/processes/:", "GetSandboxProcess"),
	SANDBOX("POST", "/:/processes/:/signals", "SignalSandboxProcess"),
	SANDBOX("POST", "/:/processes/:/wait", "WaitSandboxProcess"),
	SANDBOX("GET", "/:/processes/:/output", "GetSandboxProcessOutput"),
	SANDBOX_STREAM("GET", "/:/processes/:/output/stream"),
};
const size_t route_count = ARRAY_LEN(routes);
