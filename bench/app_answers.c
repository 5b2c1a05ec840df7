#include <stdio.h>

#include "app.h"
#include "base/check.h"
#include "base/clock.h"

struct response { // made once, kept for the life of the process
	struct str text;
};

static struct response results[SCENARIO_COUNT];
static struct response plans[SCENARIO_COUNT];                     // parallel steps, or the rest
static struct response steps[SCENARIO_COUNT][SCENARIO_STEPS_MAX]; // the step's result

static struct response make_response(const struct scenario *scenario, const char *status, struct str body) {
	const char *sdk = scenario->request_version == 2 ? "inngest-js:v4.24.0" : "inngest-js:v3.54.2";
	struct buf out;
	buf_init(&out, 65536);
	buf_printf(&out,
		   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nx-inngest-sdk: %s\r\n"
		   "x-inngest-sdk-handled: true\r\nx-inngest-framework: express\r\nx-inngest-req-version: %d\r\n"
		   "%sContent-Length: %zu\r\n\r\n",
		   status, sdk, scenario->request_version, scenario->fails ? "x-inngest-no-retry: true\r\n" : "",
		   body.len);
	buf_str(&out, body);
	return (struct response){buf_view(&out)};
}

static void append_op(struct buf *out, const char *op, unsigned step, const char *data) {
	buf_printf(out,
		   "{\"op\":\"%s\",\"id\":\"%s\",\"name\":\"step-%u\",\"displayName\":\"step-%u\",\"opts\":{},"
		   "\"userland\":{\"id\":\"step-%u\"},\"data\":%s}",
		   op, scenario_step_id(step), step, step, step, data);
}

static void make_step(enum scenario_id id, unsigned step, struct buf *body) {
	char data[64];
	snprintf(data, sizeof data, "{\"step\":%u,\"ok\":true}", step);
	buf_clear(body);
	buf_byte(body, '[');
	append_op(body, "StepRun", step, data);
	buf_byte(body, ']');
	steps[id][step] = make_response(&scenarios[id], "206 Partial Content", buf_view(body));
}

static void append_rest(struct buf *out, const struct scenario *scenario, uint64_t due_s) {
	enum scenario_rest rest = scenario->rest;
	buf_printf(out, "{\"op\":\"%s\",\"id\":\"%s\",\"displayName\":\"rest\",\"name\":\"",
		   rest == REST_EVENT ? "WaitForEvent" : "Sleep", scenario_step_id(scenario->steps - 1));
	if (rest == REST_LONG) buf_lit(out, "300d\"}");
	if (rest == REST_EVENT)
		buf_lit(out, SCENARIO_APP "/" SCENARIO_REPLY "\",\"opts\":{\"timeout\":\"300d\","
					  "\"if\":\"event.data.user == async.data.user\"}}");
	if (rest != REST_UNTIL) return;
	date_format_rfc3339(out, (int64_t)due_s * 1000000000);
	buf_lit(out, "\"}");
}

static void make_plan(enum scenario_id id, uint64_t due_s, struct buf *body) {
	const struct scenario *scenario = &scenarios[id];
	buf_clear(body);
	buf_byte(body, '[');
	for (unsigned i = 0; i < scenario->steps && scenario->parallel; i++) {
		if (i > 0) buf_byte(body, ',');
		append_op(body, "StepPlanned", i, "null");
	}
	if (scenario->rest != REST_NOT) append_rest(body, scenario, due_s);
	buf_byte(body, ']');
	plans[id] = make_response(scenario, "206 Partial Content", buf_view(body));
}

void app_answers_init(void) {
	struct buf body;
	buf_init(&body, 65536);
	for (unsigned id = 0; id < SCENARIO_COUNT; id++) {
		for (unsigned step = 0; step < scenarios[id].steps; step++) make_step(id, step, &body);
		make_plan(id, 0, &body);
		const char *result = scenarios[id].result != NULL ? scenarios[id].result : "{\"done\":true}";
		results[id] = make_response(&scenarios[id], scenarios[id].fails ? "400 Bad Request" : "200 OK",
					    str_from_cstr(result));
	}
	buf_free(&body);
}

void app_answers_set_due(uint64_t due_s) {
	struct buf body;
	buf_init(&body, 65536);
	for (unsigned id = 0; id < SCENARIO_COUNT; id++)
		if (scenarios[id].rest == REST_UNTIL) make_plan(id, due_s, &body);
	buf_free(&body);
}

// ---- reading a call --------------------------------------------------------------------------------------------

struct str app_json_text(struct str body, struct str quoted_name) {
	ptrdiff_t at = str_find_str(body, quoted_name);
	if (at < 0) return (struct str){NULL, 0};
	struct str rest = str_skip(body, (size_t)at + quoted_name.len);
	if (!str_starts_with(rest, STR(":\""))) return (struct str){NULL, 0};
	rest = str_skip(rest, 2);
	ptrdiff_t end = str_find(rest, '"');
	return end < 0 ? (struct str){NULL, 0} : str_first(rest, (size_t)end);
}

struct str app_json_number(struct str body, struct str quoted_name) {
	ptrdiff_t at = str_find_str(body, quoted_name);
	if (at < 0) return (struct str){NULL, 0};
	struct str rest = str_skip(body, (size_t)at + quoted_name.len + 1);
	size_t len = 0;
	while (len < rest.len && rest.ptr[len] >= '0' && rest.ptr[len] <= '9') len++;
	return str_first(rest, len);
}

// The length of ctx.stack.stack: half the quotes in it, as step ids hold none.
static bool count_memoised(struct str body, unsigned *count) {
	ptrdiff_t at = str_find_str(body, STR("\"stack\":["));
	if (at < 0) return false;
	struct str rest = str_skip(body, (size_t)at + sizeof "\"stack\":[" - 1);
	unsigned quotes = 0;
	for (size_t i = 0; i < rest.len && rest.ptr[i] != ']'; i++) quotes += rest.ptr[i] == '"';
	*count = quotes / 2;
	return true;
}

bool app_call_read(const struct wire_message *request, struct app_call *out) {
	out->function = scenario_by_slug(wire_query(request->first_line, STR("fnId=")));
	out->step_id = wire_query(request->first_line, STR("stepId="));
	out->body = request->body;
	if (out->function == SCENARIO_COUNT || !count_memoised(request->body, &out->memoised)) return false;
	out->first = out->memoised == 0 && str_eq(out->step_id, STR("step")) &&
		     str_find_str(str_first(request->body, 32), STR("\"attempt\":0")) >= 0;
	return true;
}

struct app_answer app_answer_of(const struct app_call *call) {
	const struct scenario *scenario = &scenarios[call->function];
	if (!str_eq(call->step_id, STR("step"))) {
		for (unsigned i = 0; i < scenario->steps; i++)
			if (str_eq_cstr(call->step_id, scenario_step_id(i)))
				return (struct app_answer){steps[call->function][i].text, false};
	}
	if (call->memoised >= scenario->steps) return (struct app_answer){results[call->function].text, true};
	bool is_last = call->memoised + 1 == scenario->steps;
	if (scenario->parallel || (scenario->rest != REST_NOT && is_last))
		return (struct app_answer){plans[call->function].text, false};
	return (struct app_answer){steps[call->function][call->memoised].text, false};
}
