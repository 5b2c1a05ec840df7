#include "trace/prices.h"

#include <math.h>

#include "base/check.h"

#define MODEL_NAME_MAX 128

// List prices, USD for a million tokens.
static const struct {
	const char *model;
	double input, output;
} prices[] = {
	{"chatgpt-4o-latest", 5, 15},
	{"gpt-3.5-turbo", 0.5, 1.5},
	{"gpt-4", 30, 60},
	{"gpt-4-turbo", 10, 30},
	{"gpt-4.1", 2, 8},
	{"gpt-4.1-mini", 0.4, 1.6},
	{"gpt-4.1-nano", 0.1, 0.4},
	{"gpt-4o", 2.5, 10},
	{"gpt-4o-mini", 0.15, 0.6},
	{"gpt-5", 1.25, 10},
	{"gpt-5-mini", 0.25, 2},
	{"gpt-5-nano", 0.05, 0.4},
	{"gpt-5-pro", 15, 120},
	{"gpt-5.1", 1.25, 10},
	{"o1", 15, 60},
	{"o1-mini", 1.1, 4.4},
	{"o1-pro", 150, 600},
	{"o3", 2, 8},
	{"o3-mini", 1.1, 4.4},
	{"o3-pro", 20, 80},
	{"o4-mini", 1.1, 4.4},
	{"text-embedding-3-large", 0.13, 0},
	{"text-embedding-3-small", 0.02, 0},
	{"text-embedding-ada-002", 0.1, 0},
	{"claude-3-haiku", 0.25, 1.25},
	{"claude-3-opus", 15, 75},
	{"claude-3-sonnet", 3, 15},
	{"claude-3-5-haiku", 0.8, 4},
	{"claude-3-5-sonnet", 3, 15},
	{"claude-3-7-sonnet", 3, 15},
	{"claude-haiku-4-5", 1, 5},
	{"claude-opus-4", 15, 75},
	{"claude-opus-4-1", 15, 75},
	{"claude-opus-4-5", 5, 25},
	{"claude-sonnet-4", 3, 15},
	{"claude-sonnet-4-5", 3, 15},
	{"gemini-1.5-flash", 0.075, 0.3},
	{"gemini-1.5-pro", 1.25, 5},
	{"gemini-2.0-flash", 0.1, 0.4},
	{"gemini-2.0-flash-lite", 0.075, 0.3},
	{"gemini-2.5-flash", 0.3, 2.5},
	{"gemini-2.5-flash-lite", 0.1, 0.4},
	{"gemini-2.5-pro", 1.25, 10},
	{"deepseek-chat", 0.27, 1.1},
	{"deepseek-reasoner", 0.55, 2.19},
	{"grok-3", 3, 15},
	{"grok-3-mini", 0.3, 0.5},
	{"grok-4", 3, 15},
	{"mistral-large", 2, 6},
	{"mistral-medium", 0.4, 2},
	{"mistral-small", 0.1, 0.3},
};

static ptrdiff_t find(struct str model) {
	while (model.len > 0) {
		for (size_t i = 0; i < ARRAY_LEN(prices); i++)
			if (str_eq_nocase(model, str_from_cstr(prices[i].model))) return (ptrdiff_t)i;
		ptrdiff_t dash = str_rfind(model, '-');
		model = str_first(model, dash > 0 ? (size_t)dash : 0);
	}
	return -1;
}

bool price_estimate(struct str model, double input_tokens, double output_tokens, double *out) {
	ptrdiff_t at = model.len <= MODEL_NAME_MAX ? find(model) : -1;
	if (at < 0) return false;
	double usd = (input_tokens * prices[at].input + output_tokens * prices[at].output) / 1e6;
	*out = round(usd * 1e6) / 1e6;
	return isfinite(*out);
}

static double tokens_of(yyjson_val *values, struct str name) {
	yyjson_val *tokens = json_get_exact(values, name);
	return yyjson_is_num(tokens) && yyjson_get_num(tokens) > 0 ? yyjson_get_num(tokens) : 0;
}

static bool estimate(yyjson_val *values, double *out) {
	double input = tokens_of(values, STR("input_tokens")), output = tokens_of(values, STR("output_tokens"));
	if (input + output == 0 || json_get_exact(values, STR("estimated_cost")) != NULL) return false;
	return price_estimate(json_str(json_get_exact(values, STR("response_model"))), input, output, out) ||
	       price_estimate(json_str(json_get_exact(values, STR("request_model"))), input, output, out);
}

struct str price_complete(struct arena *arena, struct str values) {
	double cost;
	yyjson_doc *doc = json_read(values, false, NULL, NULL);
	bool known = doc != NULL && estimate(yyjson_doc_get_root(doc), &cost);
	yyjson_doc_free(doc);
	if (!known) return values;
	struct buf number;
	buf_init(&number, 64);
	json_number(&number, cost);
	struct str head = str_first(str_trim(values), str_trim(values).len - 1); // there are tokens: it is not empty
	values = arena_printf(arena, "%.*s,\"estimated_cost\":%.*s}", STR_ARG(head), STR_ARG(buf_view(&number)));
	buf_free(&number);
	return values;
}
