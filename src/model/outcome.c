// The names of what became of events.
#include "model/history_item.h"

const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_RATE_LIMITED] = "RateLimited", [OUTCOME_DEBOUNCED] = "Debounced", [OUTCOME_SKIPPED] = "Skipped",
	[OUTCOME_DUPLICATE] = "Duplicate",      [OUTCOME_DROPPED] = "Dropped",
};

const char *const outcome_reason_names[REASON_COUNT] = {
	[REASON_NONE] = "None",
	[REASON_SINGLETON] = "Singleton",
	[REASON_FUNCTION_PAUSED] = "FunctionPaused",
	[REASON_FUNCTION_REMOVED] = "FunctionRemoved",
	[REASON_EXPRESSION_FAILED] = "ExpressionFailed",
};
