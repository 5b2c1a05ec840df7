// A function's settings as people see them (spec 05 §13.8, 06 §4.3): read from the stored form (01 §12), with the texts
// as configured and the defaults that dashboards show.
//
// Pure. The stored form may be another server's: what cannot be read is as if it were not there. Slices live in the
// arena.
#ifndef INNGEST_MODEL_FUNCTION_VIEW_H
#define INNGEST_MODEL_FUNCTION_VIEW_H

#include "model/function.h"

// In every list; more are not shown.
#define FUNCTION_VIEW_LIST_MAX 1000

struct view_trigger {
	bool is_cron;
	struct str value;     // event name or pattern, or cron text
	struct str condition; // of an event; empty: none
};
struct view_limit {
	enum concurrency_scope scope;
	struct str key; // empty: none
	int64_t value;
	bool is_plan_limit;
};
struct view_cancellation {
	struct str event, timeout, condition; // the last two: empty for none
};

struct function_view {
	struct str url; // the step's
	int64_t retries;
	bool retries_default;
	struct view_trigger *triggers;
	size_t trigger_count;
	struct view_limit *concurrency; // at least one: that of the plan, when none is configured
	size_t concurrency_count;
	int64_t concurrency_limit; // of the function without a key; 0: none
	struct str priority;       // expression; empty: none
	// Each of these: not configured when its has_ is false; an empty key is none.
	bool has_batch, has_rate_limit, has_debounce, has_throttle, has_singleton;
	struct {
		int64_t size_max;
		struct str timeout, key;
	} batch;
	struct {
		int64_t limit;
		struct str period, key;
	} rate_limit;
	struct {
		struct str period, key;
	} debounce;
	struct {
		int64_t limit, burst;
		struct str period; // in Go's form: 1m0s
		struct str key;
	} throttle;
	struct {
		enum singleton_mode mode;
		struct str key;
	} singleton;
	struct view_cancellation *cancellations;
	size_t cancellation_count;
};

// A text that is not JSON gives the view of a function without settings.
void function_view_read(struct arena *arena, struct str config, struct function_view *out);

#endif
