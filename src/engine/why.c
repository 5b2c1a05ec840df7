// Why an item waits: what GET /v1/runs/{id}/jobs says of it, and `inngest runs why` after it.
#include "base/clock.h"
#include "engine/engine_internal.h"

static void put_time(struct buf *out, const char *name, uint64_t ms) {
	buf_printf(out, ",\"%s\":\"", name);
	date_format_rfc3339(out, ms < INT64_MAX / 1000000 ? (int64_t)ms * 1000000 : INT64_MAX);
	buf_byte(out, '"');
}

static void put_number(struct buf *out, const char *name, uint64_t value) {
	buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void put_key(struct buf *out, struct str key, const struct constraint *constraint) {
	if (key.len == 0) return;
	buf_lit(out, ",\"key\":");
	buf_json_str(out, key);
	buf_lit(out, ",\"value\":");
	buf_json_str(out, str_make(constraint->value, constraint->value_len));
}

static void write_throttle(const struct engine *engine, const struct item *item, const struct constraint *constraint,
			   struct buf *out) {
	const struct function *function = item->run->function;
	const struct flow_control *flow = &function->config.flow;
	buf_lit(out, "{\"on\":\"throttle\"");
	put_key(out, flow->throttle.key, constraint);
	put_number(out, "limit", flow->throttle.limit);
	put_number(out, "burst", flow->throttle.burst);
	buf_lit(out, ",\"period\":\"");
	duration_format(out, (int64_t)flow->throttle.period_ns);
	buf_byte(out, '"');
	put_time(out, "next_at", throttle_next_ms(engine, function, constraint));
}

static void write_concurrency(const struct item *item, const struct constraint *constraint, struct buf *out) {
	static const char *const scopes[SCOPE_COUNT] = {"fn", "env", "account"};
	const struct concurrency_limit *limit = constraint_limit(item->run->function, constraint);
	CHECK(limit != NULL); // else it would not block
	buf_printf(out, "{\"on\":\"%s\",\"scope\":\"%s\"", constraint->kind == CONSTRAINT_RUNS ? "runs" : "concurrency",
		   scopes[constraint->scope]);
	put_key(out, limit->key, constraint);
	put_number(out, "limit", limit->limit);
	put_number(out, "in_use", constraint->in_use);
}

// One that has its slot yet is one of those.
static bool lacks_function_slot(const struct item *item) {
	return !item->holds && item->run->function->calls >= item->run->function->call_limit;
}

// Calls of the whole function, or of the whole app.
static bool write_calls(const struct engine *engine, const struct item *item, struct buf *out) {
	const struct function *function = item->run->function;
	if (lacks_function_slot(item)) {
		buf_lit(out, "{\"on\":\"concurrency\",\"scope\":\"fn\"");
		put_number(out, "limit", function->call_limit);
		put_number(out, "in_use", function->calls);
		return true;
	}
	if (function->app->calls < engine->config.workers) return false;
	buf_lit(out, "{\"on\":\"workers\"");
	put_number(out, "limit", engine->config.workers);
	put_number(out, "in_use", function->app->calls);
	return true;
}

bool is_waiting(const struct engine *engine, const struct item *item) {
	const struct function *function = item->run->function;
	if (item->state != ITEM_READY) return false;
	return function->paused || lacks_function_slot(item) || function->app->calls >= engine->config.workers ||
	       constraint_blocking(engine, item->backlog) != NULL;
}

void waiting_write(const struct engine *engine, const struct item *item, struct buf *out) {
	if (item->state == ITEM_LATER) {
		buf_lit(out, "{\"on\":\"time\"");
		put_time(out, "at", item->due_ms);
		buf_byte(out, '}');
		return;
	}
	if (item->run->function->paused) return buf_lit(out, "{\"on\":\"paused\"}");
	const struct constraint *constraint = constraint_blocking(engine, item->backlog);
	if (constraint != NULL && constraint->kind == CONSTRAINT_THROTTLE)
		write_throttle(engine, item, constraint, out);
	else if (constraint != NULL)
		write_concurrency(item, constraint, out);
	else if (!write_calls(engine, item, out))
		return buf_lit(out, "null"); // it goes at once
	put_number(out, "ahead", backlog_ahead(item));
	buf_byte(out, '}');
}
