// Functions and registrations: what an SDK sends to /fn/register, validated and normalised (spec 01 §5, §9–13).
#ifndef INNGEST_MODEL_FUNCTION_H
#define INNGEST_MODEL_FUNCTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "model/limits.h"

struct trigger {
	struct str event;      // event triggers: exact name or wildcard pattern (03 §5.1)
	struct str expression; // empty: none
	struct str cron;       // cron triggers; then `event` is empty
	struct str jitter;
};

// One entry of cancelOn (03 §14.8).
struct cancel_rule {
	struct str event;
	bool is_conditional; // there is an `if`, perhaps an empty one
	struct str condition;
	struct str timeout; // empty: the default
};

// ---- flow control (spec 04 part A): expressions are empty for none -------------------------------------------------

enum concurrency_scope { SCOPE_FN, SCOPE_ENV, SCOPE_ACCOUNT, SCOPE_COUNT };
struct concurrency_limit {
	uint32_t limit; // 0: as many as there are
	enum concurrency_scope scope;
	struct str key; // empty: none, in scope fn only
};
enum singleton_mode { SINGLETON_NONE, SINGLETON_SKIP, SINGLETON_CANCEL };

struct flow_control {
	struct concurrency_limit steps[FUNCTION_CONCURRENCY_MAX]; // calls at once
	size_t step_count;
	struct concurrency_limit runs; // runs between their first call and their end; limit 0: not limited
	struct {
		uint32_t limit, burst; // limit 0: none
		uint64_t period_ns;
		struct str key;
	} throttle;
	struct {
		uint32_t limit; // 0: none; `idempotency` is one of 1 in 24 hours
		uint64_t period_ns;
		struct str key;
	} rate_limit;
	struct {
		uint64_t period_ms;  // 0: none
		uint64_t timeout_ms; // 0: none
		struct str key;
	} debounce;
	struct {
		uint32_t size_max; // 0: none
		uint64_t timeout_ms;
		struct str key, condition;
		bool is_conditional;
	} batch;
	struct str priority;
	struct {
		enum singleton_mode mode;
		struct str key;
	} singleton;
};

// One function as registered. All slices live in the registration's arena.
struct function_config {
	struct str name;
	struct str slug;        // <app>-<function>
	struct str uri;         // normalised step URL
	struct uuid derived_id; // U5(name ‖ uri), used when no stored function has this slug (01 §13)
	int retries;            // resolved and clamped: 0 … 20
	struct trigger *triggers;
	size_t trigger_count;
	// Only after function_config_restore:
	struct cancel_rule *cancels;
	size_t cancel_count;
	uint64_t start_timeout_ms, finish_timeout_ms; // 03 §16.4; 0: none
	struct flow_control flow;
	// Members of the normalised stored form (01 §12) except `id` and `fv`, as canonical JSON without the outer
	// braces: `"name":"x","slug":"y",…`. function_config_json puts the whole together.
	struct str config_members;
};

struct registration {
	struct str app_name;
	struct str url; // normalised
	struct str sdk_language, sdk_version, framework, app_version;
	struct str method;   // "serve" or "connect"
	struct str metadata; // JSON object of strings for apps.metadata; has_observations tells if it is not {}
	bool has_observations;
	char checksum[65];                 // lower-case hex, 01 §6.1 (functions sorted by slug first)
	bool sdk_denied;                   // js v3.22.0 … v3.53.1 (01 §6.2 step 5)
	struct function_config *functions; // the valid ones, in the order sent
	size_t function_count;
	// Joined validation text ("2 errors occurred: * … * …", 01 §11); empty when every function is valid.
	struct str problems;
	// [{"code":…,"data":null,"message":…},…] for the reply's data.errors; empty when valid.
	struct str problems_json;
};

// Decodes and validates. Returns ERR_INVALID with the reference's text ("Invalid request: …") only for bodies that
// 01 §5.3 rejects before anything is recorded; a missing appName leaves app_name empty (the caller answers
// "App ID required"); invalid functions are reported in `problems`.
ERR_CHECKED enum err registration_parse(struct arena *arena, struct str body, struct registration *out,
					struct error *error);

// The stored form: {"id":"<uuid>","fv":<version>,…members…}
struct str function_config_json(struct arena *arena, const struct uuid *id, uint32_t version, struct str members);
// Reads slug, name, uri, retries, triggers, settings and members back from a stored form.
ERR_CHECKED enum err function_config_restore(struct arena *arena, struct str json, struct uuid *id, uint32_t *version,
					     struct function_config *out, struct error *error);

// 01 §5.4. Unparsable text comes back unchanged with *valid = false (valid may be NULL).
struct str url_normalise(struct arena *arena, struct str url, bool *valid);
// Slug made from a display name (01 §10, `id` absent).
struct str slug_from_name(struct arena *arena, struct str name);

#endif
