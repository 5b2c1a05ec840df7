// Metadata of our own runs (spec 06 §18): what the server measured, and what apps say of their steps.
#include "base/check.h"
#include "model/metadata.h"
#include "trace/facts.h"
#include "trace/prices.h"

#define VALUES_MAX (64u << 10) // of one record
#define APP_MAX (1u << 20)     // of all records of a run that the app brought
#define KIND_MAX 128u

// ---- times ---------------------------------------------------------------------------------------------------------

static void add_request(struct facts *facts, const struct span *execution, const char *kind, struct str values) {
	struct span_metadata metadata = {.parent = execution->id,
					 .scope = STR("request"),
					 .kind = str_from_cstr(kind),
					 .op = STR("merge"),
					 .values = values,
					 .updated_ns = execution->ended_ns};
	span_metadata_add(&facts->spans, &metadata);
}

static uint64_t between(uint64_t from_ms, uint64_t until_ms) {
	return until_ms > from_ms ? until_ms - from_ms : 0;
}

// What the client measured.
static void add_http_timing(struct facts *facts, const struct trace_fact *call, const struct span *execution) {
	struct str values = arena_printf(facts->arena,
					 "{\"content_transfer_ms\":%u,\"dns_lookup_ms\":%u,\"server_processing_ms\":%u,"
					 "\"tcp_connection_ms\":%u,\"tls_handshake_ms\":%u,\"total_ms\":%u}",
					 call->transfer_ms, call->dns_ms, call->server_ms, call->connect_ms,
					 call->tls_ms, call->total_ms);
	add_request(facts, execution, "inngest.http.timing", values);
}

// From that and from the times of the call:
//   network_total_ms   the exchange with the app
//   queue_delay_ms     from when the call was due until it was made: all that while it waited for capacity
//   system_latency_ms  from when it was made until its answer was applied, but for the exchange
//   total_inngest_ms   what the server took of the time: queue delay and system latency
static void add_timing(struct facts *facts, const struct trace_fact *call, const struct span *execution) {
	uint64_t due_ms = call->due_ms > call->queued_ms ? call->due_ms : call->queued_ms;
	uint64_t delay_ms = between(due_ms, call->started_ms);
	uint64_t latency_ms = between(call->total_ms, between(call->started_ms, call->at_ms));
	struct buf values;
	buf_init(&values, VALUES_MAX);
	buf_byte(&values, '{');
	buf_printf(&values, "\"network_total_ms\":%u,", call->total_ms);
	buf_printf(&values, "\"queue_delay_ms\":%llu,", (unsigned long long)delay_ms);
	buf_printf(&values, "\"system_latency_ms\":%llu,", (unsigned long long)latency_ms);
	buf_lit(&values, "\"total_inngest_ms\":");
	buf_u64(&values, delay_ms + latency_ms);
	buf_byte(&values, '}');
	add_request(facts, execution, "inngest.timing", arena_dup(facts->arena, buf_view(&values)));
	buf_free(&values);
}

void facts_timing(struct facts *facts, const struct trace_fact *call, const struct span *execution) {
	if (call->status == 0) return; // no reply
	add_http_timing(facts, call, execution);
	add_timing(facts, call, execution);
}

// ---- what apps say -------------------------------------------------------------------------------------------------

static bool kind_allowed(struct str kind) {
	static const char *const from_apps[] = {
		"inngest.ai",       "inngest.http",       "inngest.http.timing", "inngest.response_headers",
		"inngest.warnings", "inngest.experiment", "inngest.score"};
	if (kind.len > KIND_MAX) return false;
	if (!str_starts_with(kind, STR("inngest."))) return kind.len > 0;
	for (size_t i = 0; i < ARRAY_LEN(from_apps); i++)
		if (str_eq_cstr(kind, from_apps[i])) return true;
	return false;
}

static struct str lower_case(struct arena *arena, struct str text) {
	char *out = arena_alloc(arena, text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return str_make(out, text.len);
}

// The span of a wait is made by the fact that follows: it is not there yet.
static bool wait_span_id(struct facts *facts, const struct trace_op *op, struct str *out) {
	struct span_id id;
	*out = facts->root_id;
	if (op->op == OPCODE_SLEEP)
		id = span_id_sleep(op->id);
	else if (op->op == OPCODE_WAIT_FOR_EVENT || op->op == OPCODE_INVOKE_FUNCTION ||
		 op->op == OPCODE_WAIT_FOR_SIGNAL)
		id = span_id_wait(&facts->run->id, op->id);
	else
		return true;
	*out = facts_text(facts, &id);
	return span_find(&facts->spans, *out) == NULL;
}

static struct str values_text(struct arena *arena, yyjson_val *values) {
	struct buf text;
	buf_init(&text, VALUES_MAX);
	json_canonical(&text, values);
	struct str out = text.overflow ? (struct str){NULL, 0} : arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return out;
}

static void add_record(struct facts *facts, yyjson_val *record, struct str span_id, uint64_t at_ms) {
	struct str kind = json_str(json_get(record, STR("kind"))), scope = json_str(json_get(record, STR("scope")));
	yyjson_val *values = json_get(record, STR("values"));
	if (!yyjson_is_obj(values) || !kind_allowed(kind)) return;
	struct span_metadata metadata = {.updated_ns = span_time(at_ms)};
	metadata.values = values_text(facts->arena, values);
	if (metadata.values.len == 0 || facts->metadata_bytes + metadata.values.len > APP_MAX) return;
	facts->metadata_bytes += metadata.values.len;
	metadata.kind = arena_dup(facts->arena, kind);
	if (str_eq_cstr(kind, METADATA_KIND_AI)) metadata.values = price_complete(facts->arena, metadata.values);
	metadata.scope = scope.len > 0 ? lower_case(facts->arena, scope) : STR("step");
	metadata.op = lower_case(facts->arena, json_str(json_get(record, STR("op"))));
	if (metadata.op.len == 0) metadata.op = STR("merge");
	metadata.parent = str_eq(metadata.scope, STR("run")) ? facts->root_id : span_id;
	span_metadata_add(&facts->spans, &metadata);
}

void facts_op_metadata(struct facts *facts, const struct trace_op *op, const struct span *span, uint64_t at_ms) {
	struct str span_id;
	if (op->metadata.len == 0) return;
	if (span != NULL)
		span_id = span->id;
	else if (!wait_span_id(facts, op, &span_id))
		return;
	yyjson_doc *doc = json_read(op->metadata, false, NULL, NULL);
	if (doc == NULL) return;
	yyjson_arr_iter records;
	if (yyjson_arr_iter_init(yyjson_doc_get_root(doc), &records)) {
		for (yyjson_val *record; (record = yyjson_arr_iter_next(&records)) != NULL;)
			if (yyjson_is_obj(record)) add_record(facts, record, span_id, at_ms);
	}
	yyjson_doc_free(doc);
}
