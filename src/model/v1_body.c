#include "model/v1_body.h"

#include "base/clock.h"
#include "model/expression_check.h"
#include "model/limits.h"
#include "model/members.h"

#define REASON_MAX 8192u // bytes; what is wrong with an expression takes a few lines

static const struct member_rule cancellation_members[] = {
	{STR_INIT("app_id"), MEMBER_STRING},
	{STR_INIT("function_id"), MEMBER_STRING},
	{STR_INIT("started_after"), MEMBER_STRING},
	{STR_INIT("started_before"), MEMBER_STRING},
	{STR_INIT("if"), MEMBER_STRING},
};
enum { CANCELLATION_APP, CANCELLATION_FUNCTION, CANCELLATION_AFTER, CANCELLATION_BEFORE, CANCELLATION_IF, MEMBERS };

// Go's zero time, 0001-01-01T00:00:00Z, which stands for none.
#define ZERO_TIME_S (-62135596800ll)

struct time_range {
	struct date_instant after, before;
	bool has_after, has_before;
};

static bool instant_read(yyjson_val *value, struct date_instant *out, bool *present) {
	*present = false;
	if (value == NULL) return true;
	if (!date_instant_parse_rfc3339(json_str(value), out)) return false;
	*present = out->unix_s != ZERO_TIME_S || out->ns != 0;
	return true;
}

static bool is_after(const struct date_instant *a, const struct date_instant *b) {
	return a->unix_s != b->unix_s ? a->unix_s > b->unix_s : a->ns > b->ns;
}

// Milliseconds since the epoch, before which nothing has happened.
static uint64_t ms_of(const struct date_instant *instant, bool round_up) {
	if (instant->unix_s < 0) return 0;
	uint64_t ms = (uint64_t)instant->ns / 1000000;
	if (round_up && instant->ns % 1000000 != 0) ms++;
	return (uint64_t)instant->unix_s * 1000 + ms;
}

static void complain(struct buf *out, struct str text) {
	if (out->len > 0) buf_byte(out, '\n');
	buf_str(out, text);
}

static void validate(const struct v1_cancellation *body, const struct time_range *range, uint64_t now_ms,
		     struct buf *problems) {
	uint64_t latest_ms = now_ms + CANCELLATION_CLOCK_SKEW_MS;
	if (body->app_id.len == 0) complain(problems, STR("app_id is required"));
	if (body->function_id.len == 0) complain(problems, STR("function_id is required"));
	if (!range->has_before)
		complain(problems, STR("started_before is required"));
	else if (body->before_ms > latest_ms)
		complain(problems, STR("started_before must be in the past"));
	if (range->has_after && range->has_before && is_after(&range->after, &range->before))
		complain(problems, STR("started_after must be before started_before"));
	if (problems->len > 0 || body->condition.len == 0) return;
	struct buf reason;
	buf_init(&reason, REASON_MAX);
	if (!expression_check(body->condition, EXPRESSION_TYPED, &reason)) {
		buf_lit(problems, "invalid expression: ");
		buf_str(problems, buf_view(&reason));
	}
	buf_free(&reason);
}

static bool read_members(struct arena *arena, yyjson_val *root, struct v1_cancellation *out, struct time_range *range) {
	yyjson_val *members[MEMBERS];
	struct error unused;
	if (!yyjson_is_obj(root) || members_read(root, cancellation_members, MEMBERS, members, "", &unused) != ERR_OK ||
	    !instant_read(members[CANCELLATION_AFTER], &range->after, &range->has_after) ||
	    !instant_read(members[CANCELLATION_BEFORE], &range->before, &range->has_before)) {
		return false;
	}
	out->app_id = arena_dup(arena, json_str(members[CANCELLATION_APP]));
	out->function_id = arena_dup(arena, json_str(members[CANCELLATION_FUNCTION]));
	out->condition = arena_dup(arena, json_str(members[CANCELLATION_IF]));
	out->has_after = range->has_after;
	if (range->has_after) out->after_ms = ms_of(&range->after, true);
	if (range->has_before) out->before_ms = ms_of(&range->before, false);
	return true;
}

enum err v1_cancellation_parse(struct arena *arena, struct str body, uint64_t now_ms, struct v1_cancellation *out,
			       struct str *problem) {
	*out = (struct v1_cancellation){.has_after = false};
	struct error unused;
	struct time_range range = {.has_after = false};
	yyjson_doc *doc = json_read(body, true, NULL, &unused);
	bool good = doc != NULL && read_members(arena, yyjson_doc_get_root(doc), out, &range);
	yyjson_doc_free(doc);
	if (!good) {
		*problem = STR("Invalid cancellation request");
		return ERR_INVALID;
	}
	struct buf problems;
	buf_init(&problems, SIZE_MAX / 2);
	validate(out, &range, now_ms, &problems);
	*problem = arena_dup(arena, buf_view(&problems));
	buf_free(&problems);
	return problem->len > 0 ? ERR_INVALID : ERR_OK;
}
