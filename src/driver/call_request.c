// The request of one call (spec 02 §2): URL, headers, body. The body is put together from canonical pieces in key
// order, in one buffer whose size is known before.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/id.h"
#include "driver/driver.h"
#include "driver/signing.h"
#include "driver/url.h"
#include "model/limits.h"
#include "trace/ids.h"

#define STEP_DISCOVERY "step"

struct piece { // one member of "steps"
	struct str id;
	struct str value;
	struct payload *loaded; // owned: came from the store
};

struct request {
	const struct driver_config *config;
	const struct call *call;
	uint64_t now_ms;
	char run_id[ULID_TEXT_LEN + 1];
	char request_id[ULID_TEXT_LEN + 1];
	char function_id[UUID_TEXT_LEN + 1];
	char job_id[BASE36_LEN + 1];
	struct payload *loaded_events; // owned
	struct str events;
	struct str event;
	bool use_api;
	bool events_left_out;
	struct piece *steps; // sorted by id
	size_t step_count;   // 0 when use_api
};

// ---- identifiers (02 §2.6) ------------------------------------------------------------------------------------

static void derive_request_id(struct request *request) {
	char seed[BASE36_LEN + 16];
	int len = snprintf(seed, sizeof seed, "%s:%" PRIu32, request->job_id, request->call->generation);
	uint8_t digest[32];
	hash_sha256(str_make(seed, (size_t)len), digest);
	struct ulid id = ulid_make(request->now_ms, digest);
	ulid_text(&id, request->request_id);
}

static void derive_ids(struct request *request) {
	ulid_text(&request->call->run_id, request->run_id);
	uuid_text(&request->call->function_id, request->function_id);
	base36_text(request->call->job_hash, request->job_id);
	derive_request_id(request);
}

// ---- payloads -------------------------------------------------------------------------------------------------

static enum err resolve(const struct request *request, const struct payload_ref *ref, struct payload **loaded,
			struct str *out, struct error *error) {
	if (ref->data == NULL) {
		const struct driver_config *config = request->config;
		enum err err =
			config->load(config->context, ref->kind, str_make(ref->key, ref->key_len), loaded, error);
		if (err != ERR_OK) return err;
	}
	*out = payload_str(ref->data != NULL ? ref->data : *loaded);
	return ERR_OK;
}

static enum err resolve_events(struct request *request, struct error *error) {
	const struct call *call = request->call;
	enum err err = resolve(request, &call->events, &request->loaded_events, &request->events, error);
	if (err == ERR_NOT_FOUND)
		return error_set(error, err,
				 "state and stack mismatch: the run's events are gone; "
				 "the function has probably ended");
	if (err != ERR_OK) return err;
	if (request->events.len < (size_t)call->first_event_len + 2)
		return error_set(error, ERR_CORRUPT, "the run's events are shorter than they should be");
	request->event = str_first(str_skip(request->events, 1), call->first_event_len);
	return ERR_OK;
}

// By UTF-16 code units, as RFC 8785 wants: what takes two units (lead byte 0xf0 and up) stands between U+D7FF (lead
// byte 0xed) and U+E000.
static int compare_pieces(const void *a, const void *b) {
	struct str x = ((const struct piece *)a)->id, y = ((const struct piece *)b)->id;
	size_t common = x.len < y.len ? x.len : y.len;
	for (size_t i = 0; i < common; i++) {
		unsigned char p = (unsigned char)x.ptr[i], q = (unsigned char)y.ptr[i];
		if (p == q) continue;
		if ((p >= 0xf0) == (q >= 0xf0)) return p < q ? -1 : 1;
		bool p_first = p >= 0xf0 ? q > 0xed : p <= 0xed;
		return p_first ? -1 : 1;
	}
	return (x.len > y.len) - (x.len < y.len);
}

static enum err resolve_steps(struct request *request, struct error *error) {
	const struct call *call = request->call;
	request->use_api = call->state_bytes > CALL_STATE_EMBED_MAX;
	if (request->use_api || call->step_count == 0) return ERR_OK;
	request->steps = mem_calloc(call->step_count, sizeof *request->steps);
	for (size_t i = 0; i < call->step_count; i++) {
		struct piece *piece = &request->steps[i];
		piece->id = call->steps[i].id;
		request->step_count++;
		enum err err = resolve(request, &call->steps[i].value, &piece->loaded, &piece->value, error);
		if (err == ERR_NOT_FOUND)
			return error_set(error, err,
					 "state and stack mismatch: step %.*s has no saved value; "
					 "the function has probably ended",
					 STR_ARG(str_first(piece->id, 200)));
		if (err != ERR_OK) return err;
	}
	qsort(request->steps, request->step_count, sizeof *request->steps, compare_pieces);
	return ERR_OK;
}

static void request_release(struct request *request) {
	for (size_t i = 0; i < request->step_count; i++) payload_unref(request->steps[i].loaded);
	free(request->steps);
	payload_unref(request->loaded_events);
}

// ---- body (02 §2.5, §2.9) -------------------------------------------------------------------------------------

static size_t json_text_size(struct str text) {
	size_t size = text.len + 2;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20)
			size += 5;
		else if (c == '"' || c == '\\')
			size++;
	}
	return size;
}

// Enough for the whole body, and just that unless an id holds control characters.
static size_t body_size(const struct request *request) {
	const struct call *call = request->call;
	size_t size = 640 + call->defers.len; // names, fixed ids and numbers
	for (size_t i = 0; i < call->step_count; i++) size += json_text_size(call->steps[i].id) + 1;
	size += request->event.len;
	if (!request->events_left_out) size += request->events.len;
	if (!request->use_api) {
		for (size_t i = 0; i < request->step_count; i++)
			size += json_text_size(request->steps[i].id) + request->steps[i].value.len + 2;
	}
	return size;
}

static void append_bool(struct buf *out, bool value) {
	buf_str(out, value ? STR("true") : STR("false"));
}

static void append_queue_item_id(struct buf *out, const struct request *request) {
	char text[BASE36_LEN + sizeof "::default"];
	int len = snprintf(text, sizeof text, "%s::default", request->job_id);
	base64_append(out, str_make(text, (size_t)len), true);
}

static void append_stack(struct buf *out, const struct call *call) {
	buf_lit(out, "\"stack\":{\"current\":");
	buf_u64(out, call->stack_current);
	buf_lit(out, ",\"stack\":[");
	bool first = true;
	for (size_t i = 0; i < call->step_count; i++) {
		if (call->steps[i].is_input) continue;
		if (!first) buf_byte(out, ',');
		first = false;
		buf_json_str(out, call->steps[i].id);
	}
	buf_lit(out, "]}");
}

static void append_context(struct buf *out, const struct request *request) {
	const struct call *call = request->call;
	buf_lit(out, "{\"attempt\":");
	buf_u64(out, call->attempt);
	buf_lit(out, ",\"disable_immediate_execution\":");
	append_bool(out, call->disable_immediate_execution);
	buf_lit(out, ",\"env\":\"\",\"fn_id\":\"");
	buf_append(out, request->function_id, UUID_TEXT_LEN);
	buf_lit(out, "\",\"generation_id\":");
	buf_u64(out, call->generation);
	buf_lit(out, ",\"job_id\":\"");
	buf_str(out, str_from_cstr(request->job_id));
	buf_lit(out, "\",\"max_attempts\":");
	buf_u64(out, call->max_attempts);
	buf_lit(out, ",\"qi_id\":\"");
	append_queue_item_id(out, request);
	buf_lit(out, "\",\"request_id\":\"");
	buf_append(out, request->request_id, ULID_TEXT_LEN);
	buf_lit(out, "\",\"run_id\":\"");
	buf_append(out, request->run_id, ULID_TEXT_LEN);
	buf_lit(out, "\",");
	append_stack(out, call);
	buf_lit(out, ",\"step_id\":\"" STEP_DISCOVERY "\",\"use_api\":");
	append_bool(out, request->use_api);
	buf_byte(out, '}');
}

static void append_steps(struct buf *out, const struct request *request) {
	buf_byte(out, '{');
	for (size_t i = 0; i < request->step_count && !request->use_api; i++) {
		if (i > 0) buf_byte(out, ',');
		buf_json_str(out, request->steps[i].id);
		buf_byte(out, ':');
		buf_str(out, request->steps[i].value);
	}
	buf_byte(out, '}');
}

static void append_body(struct buf *out, const struct request *request) {
	buf_reserve(out, body_size(request));
	buf_lit(out, "{\"ctx\":");
	append_context(out, request);
	buf_lit(out, ",\"defers\":");
	buf_str(out, request->call->defers.len > 0 ? request->call->defers : STR("{}"));
	buf_lit(out, ",\"event\":");
	buf_str(out, request->event);
	buf_lit(out, ",\"events\":");
	buf_str(out, request->events_left_out ? STR("[]") : request->events);
	buf_lit(out, ",\"steps\":");
	append_steps(out, request);
	buf_lit(out, ",\"use_api\":");
	append_bool(out, request->use_api);
	buf_lit(out, ",\"version\":");
	buf_i64(out, request->call->request_version);
	buf_byte(out, '}');
}

// The size rules of 02 §2.8.
static enum err build_body(struct request *request, struct buf *out, struct error *error) {
	append_body(out, request);
	if (out->len > CALL_REQUEST_MAX) {
		request->use_api = request->events_left_out = true;
		buf_free(out);
		append_body(out, request);
	}
	return out->overflow ? error_set(error, ERR_TOO_LARGE, "the request is too large") : ERR_OK;
}

// ---- URL and headers (02 §2.2, §2.3) --------------------------------------------------------------------------

static struct str step_id(const struct call *call) {
	return call->target.len > 0 ? call->target : STR(STEP_DISCOVERY);
}

static char *build_url(const struct call *call) {
	struct arena arena;
	struct buf out;
	struct str base, text;
	struct url_query query;
	arena_init(&arena, 1024);
	buf_init(&out, 3 * (call->url.len + call->target.len) + 64);
	buf_reserve(&out, call->url.len + call->target.len + 16);
	url_split(call->url, &base, &text);
	url_query_init(&query, &arena);
	url_query_parse(&query, text, true);
	url_query_add(&query, STR("stepId"), step_id(call));
	buf_str(&out, base);
	buf_byte(&out, '?');
	url_query_append(&out, &query);
	buf_byte(&out, '\0');
	arena_free(&arena);
	return out.ptr; // a buffer's memory is free'd like any other
}

// Both name the span of this attempt, as its trace counts them, under which the spans come that the app reports (06
// §12.2).
static void append_trace_headers(struct buf *out, const struct request *request) {
	const struct call *call = request->call;
	char trace[TRACE_ID_LEN + 1], parent[TRACE_ID_LEN + SPAN_ID_LEN + 16], app[UUID_TEXT_LEN + 1];
	struct span_id span = span_id_execution(&call->run_id, call->job_hash, call->generation - 1);
	span_trace_id(&call->run_id, trace);
	uuid_text(&call->app_id, app);
	snprintf(parent, sizeof parent, "00-%s-%s-01", trace, span.text);
	struct str traceparent = str_from_cstr(parent);
	buf_lit(out, "Traceparent: ");
	buf_str(out, traceparent);
	buf_lit(out, "\nTracestate: inngest@traceref=%7B%22tp%22%3A%22");
	buf_str(out, traceparent);
	buf_lit(out, "%22%2C%22ts%22%3A%22%22%7D,inngest@fn=");
	buf_append(out, request->function_id, UUID_TEXT_LEN);
	buf_lit(out, ",inngest@app=");
	buf_append(out, app, UUID_TEXT_LEN);
	buf_byte(out, '\n');
}

static enum err build_headers(const struct request *request, struct http_exchange *out, struct error *error) {
	const struct call *call = request->call;
	struct buf *text = &out->headers;
	buf_reserve(text, 1024);
	buf_lit(text, "User-Agent: Inngest\nContent-Type: application/json\nAccount-Id: " ACCOUNT_ID "\n");
	append_trace_headers(text, request);
	buf_lit(text, "X-Run-Id: ");
	buf_append(text, request->run_id, ULID_TEXT_LEN);
	buf_lit(text, "\nX-Request-Id: ");
	buf_append(text, request->request_id, ULID_TEXT_LEN);
	buf_lit(text, "\nX-Inngest-Generation-Id: ");
	buf_u64(text, call->generation);
	buf_lit(text, "\nX-Inngest-Job-Id: ");
	buf_str(text, str_from_cstr(request->job_id));
	buf_lit(text, "\nX-Inngest-Req-Version: ");
	buf_i64(text, call->request_version);
	buf_byte(text, '\n');
	if (request->config->signing_key.len > 0) {
		buf_lit(text, "X-Inngest-Signature: ");
		signature_append(text, request->config->signing_key, buf_view(&out->body), request->now_ms / 1000);
		buf_byte(text, '\n');
	}
	if (http_exchange_header(out, STR("X-Inngest-Step-Id"), step_id(call))) return ERR_OK;
	return error_set(error, ERR_INVALID, "invalid header field value for \"X-Inngest-Step-Id\"");
}

enum err call_request_build(const struct driver_config *config, struct call *call, uint64_t now_ms,
			    struct http_exchange *out, struct error *error) {
	struct request request = {.config = config, .call = call, .now_ms = now_ms};
	derive_ids(&request);
	enum err err = resolve_events(&request, error);
	if (err == ERR_OK) err = resolve_steps(&request, error);
	if (err == ERR_OK) err = build_body(&request, &out->body, error);
	if (err == ERR_OK) err = build_headers(&request, out, error);
	if (call->events.data == NULL) {
		call->events.data = request.loaded_events;
		request.loaded_events = NULL;
	}
	request_release(&request);
	if (err != ERR_OK) return err;
	out->url = build_url(call);
	out->method = "POST";
	out->timeout_ms = CALL_TIMEOUT_MS;
	out->connect_timeout_ms = CALL_CONNECT_TIMEOUT_MS;
	out->reply_max_bytes = CALL_RESPONSE_MAX;
	out->keep_method_on_redirect = true;
	out->redirects_max = CALL_REDIRECTS_MAX;
	return ERR_OK;
}
