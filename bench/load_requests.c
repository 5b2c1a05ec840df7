#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "load.h"

#define REQUEST_MAX (4u << 20)
// Ids as long as real ones; their values say nothing.
#define RUN_ID "01KAJ5Q6T7V8W9X0Y1Z2A3B4C5"
#define REQUEST_ID "01KAJ5Q6T7V8W9X0Y1Z2A3B4C6"
#define EVENT_ID "01KAJ5Q6T7V8W9X0Y1Z2A3B4C4"
#define JOB_ID "1nz2j55ab85gi"
#define FUNCTION_ID "f7035c1e-7d2a-5b0e-9c55-0f6c2b6ad001"
#define APP_ID "a8fd5300-06f2-541e-8b69-ded0c0c7c233"
#define TRACE_PARENT "00-0af7651916cd43dd8448eb211c80319c-72ddd93c333ee51e-01"

static struct buf *next_request(struct load_plan *plan) {
	plan->requests = mem_realloc(plan->requests, (plan->request_count + 1) * sizeof *plan->requests);
	struct buf *request = &plan->requests[plan->request_count++];
	buf_init(request, REQUEST_MAX);
	return request;
}

void load_requests_free(struct load_plan *plan) {
	for (unsigned i = 0; i < plan->request_count; i++) buf_free(&plan->requests[i]);
	free(plan->requests);
	plan->requests = NULL;
	plan->request_count = 0;
}

// ---- events ----------------------------------------------------------------------------------------------------

static void append_event(struct buf *out, const struct load_events *events, const char *name, unsigned index) {
	buf_printf(out, "{\"name\":\"" SCENARIO_APP "/%s\",\"data\":{", name);
	if (events->keys > 0) buf_printf(out, "\"key\":\"key-%u\",", 100000 + index % events->keys);
	buf_printf(out,
		   "\"user\":\"user-%u\",\"plan\":\"pro\",\"amount\":%u.5,\"items\":[1,2,3],\"source\":\"bench\"}}",
		   100000 + index, index);
}

// The events from `first` on.
static void add_post(struct load_plan *plan, const char *key, const struct load_events *events, unsigned first) {
	struct buf body, *request = next_request(plan);
	buf_init(&body, REQUEST_MAX);
	if (events->batch > 1) buf_byte(&body, '[');
	for (unsigned i = 0; i < events->batch; i++) {
		if (i > 0) buf_byte(&body, ',');
		bool is_other = events->last != NULL && i + 1 == events->batch;
		append_event(&body, events, is_other ? events->last : events->name, first + i);
	}
	if (events->batch > 1) buf_byte(&body, ']');
	buf_printf(request,
		   "POST /e/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: inngest-js:v3.54.2\r\n"
		   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		   key, plan->port, body.len);
	buf_str(request, buf_view(&body));
	CHECK(!request->overflow);
	buf_free(&body);
}

void load_requests_events(struct load_plan *plan, const char *key, const struct load_events *events) {
	unsigned first = 0;
	do {
		add_post(plan, key, events, first);
		first += events->batch;
	} while (first < events->keys);
}

// ---- calls (spec 02 §2.3, §2.5) --------------------------------------------------------------------------------

static void append_stack(struct buf *out, unsigned memoised) {
	buf_printf(out, "\"stack\":{\"current\":%u,\"stack\":[", memoised);
	for (unsigned i = 0; i < memoised; i++) buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", scenario_step_id(i));
	buf_lit(out, "]}");
}

static void append_steps(struct buf *out, unsigned memoised) {
	buf_lit(out, "\"steps\":{");
	for (unsigned i = 0; i < memoised; i++)
		buf_printf(out, "%s\"%s\":{\"data\":{\"ok\":true,\"step\":%u}}", i > 0 ? "," : "", scenario_step_id(i),
			   i);
	buf_byte(out, '}');
}

static void append_call_event(struct buf *out, const char *function) {
	buf_printf(out,
		   "{\"data\":{\"i\":123456,\"sent\":\"1234567890123\"},\"id\":\"" EVENT_ID
		   "\",\"name\":\"" SCENARIO_APP "/%s\",\"ts\":1795247902496,\"user\":{}}",
		   function);
}

static void append_body(struct buf *out, const struct scenario *scenario, unsigned memoised, int version) {
	buf_lit(out,
		"{\"ctx\":{\"attempt\":0,\"disable_immediate_execution\":false,\"env\":\"\",\"fn_id\":\"" FUNCTION_ID
		"\",\"generation_id\":1,\"job_id\":\"" JOB_ID
		"\",\"max_attempts\":5,\"qi_id\":\"MW56Mmo1NWFiODVnaTo6ZGVmYXVsdA==\",\"request_id\":\"" REQUEST_ID
		"\",\"run_id\":\"" RUN_ID "\",");
	append_stack(out, memoised);
	buf_lit(out, ",\"step_id\":\"step\",\"use_api\":false},\"defers\":{},\"event\":");
	append_call_event(out, scenario->name);
	buf_lit(out, ",\"events\":[");
	append_call_event(out, scenario->name);
	buf_lit(out, "],");
	append_steps(out, memoised);
	buf_printf(out, ",\"use_api\":false,\"version\":%d}", version);
}

static void add_call(struct load_plan *plan, enum scenario_id function, unsigned memoised, const char *step_id) {
	const struct scenario *scenario = &scenarios[function];
	struct buf body, *request = next_request(plan);
	int version = plan->request_count == 1 ? -1 : scenario->request_version;
	buf_init(&body, REQUEST_MAX);
	append_body(&body, scenario, memoised, version);
	buf_printf(request,
		   "POST /api/inngest?fnId=" SCENARIO_APP "-%s&stepId=%s HTTP/1.1\r\nHost: localhost:%u\r\n"
		   "User-Agent: Inngest\r\nContent-Type: application/json\r\n"
		   "Account-Id: 00000000-0000-4000-a000-000000000000\r\nTraceparent: " TRACE_PARENT "\r\n"
		   "Tracestate: inngest@traceref=%%7B%%22tp%%22%%3A%%22" TRACE_PARENT
		   "%%22%%2C%%22ts%%22%%3A%%22%%22%%7D,inngest@fn=" FUNCTION_ID ",inngest@app=" APP_ID "\r\n"
		   "X-Run-Id: " RUN_ID "\r\nX-Request-Id: " REQUEST_ID "\r\nX-Inngest-Generation-Id: 1\r\n"
		   "X-Inngest-Job-Id: " JOB_ID "\r\nX-Inngest-Req-Version: %d\r\nX-Inngest-Step-Id: %s\r\n"
		   "Accept-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		   scenario->name, step_id, plan->port, version, step_id, body.len);
	buf_str(request, buf_view(&body));
	CHECK(!request->overflow);
	buf_free(&body);
}

void load_requests_calls(struct load_plan *plan, enum scenario_id function) {
	const struct scenario *scenario = &scenarios[function];
	add_call(plan, function, 0, "step");
	for (unsigned i = 0; i < scenario->steps; i++) {
		if (scenario->parallel)
			add_call(plan, function, 0, scenario_step_id(i));
		else
			add_call(plan, function, i + 1, "step");
	}
	if (scenario->parallel) add_call(plan, function, scenario->steps, "step");
}
