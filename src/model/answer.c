// Reading the app's reply (spec 02 §4).
#include "model/answer.h"

#include "base/check.h"
#include "model/answer_body.h"
#include "model/answer_stream.h"
#include "model/exchange.h"
#include "model/limits.h"
#include "model/opcode_read.h"
#include "model/utf8.h"

#define STATUS_STREAM 201
#define STATUS_OPCODES 206

// What is read of the headers, those of a stream envelope over those of the reply itself.
struct header_values {
	struct str sdk, handled, version, no_retry, retry_after, content_type;
};
static const struct {
	struct str name;
	size_t offset;
} header_table[] = {
	{STR_INIT("X-Inngest-SDK"), offsetof(struct header_values, sdk)},
	{STR_INIT("X-Inngest-SDK-Handled"), offsetof(struct header_values, handled)},
	{STR_INIT("X-Inngest-Req-Version"), offsetof(struct header_values, version)},
	{STR_INIT("X-Inngest-No-Retry"), offsetof(struct header_values, no_retry)},
	{STR_INIT("Retry-After"), offsetof(struct header_values, retry_after)},
	{STR_INIT("Content-Type"), offsetof(struct header_values, content_type)},
};

// The reply after the stream envelope, if any, is taken off.
struct reply {
	int status;
	struct header_values headers;
	struct str text;   // body as text …
	yyjson_val *value; // … or as JSON (in the stream's document)
	struct answer_stream stream;
};

static struct str *header_slot(struct header_values *headers, struct str name) {
	for (size_t i = 0; i < ARRAY_LEN(header_table); i++)
		if (name.len == header_table[i].name.len && str_eq_nocase(name, header_table[i].name))
			return (struct str *)(void *)((char *)headers + header_table[i].offset);
	return NULL;
}

static void read_headers(const struct http_reply *from, struct header_values *out) {
	for (size_t i = 0; i < from->header_count; i++) {
		struct str *slot = header_slot(out, from->headers[i].name);
		if (slot != NULL && slot->ptr == NULL) *slot = str_trim(from->headers[i].value); // the first one counts
	}
}

static void read_stream_headers(yyjson_val *object, struct header_values *out) {
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(object, &iter)) return;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str *slot = header_slot(out, json_str(key));
		if (slot != NULL) *slot = str_trim(json_str(yyjson_obj_iter_get_val(key)));
	}
}

static enum err reply_open(const struct http_reply *from, struct reply *out, struct error *error) {
	*out = (struct reply){.status = from->status, .text = from->body};
	read_headers(from, &out->headers);
	if (from->status != STATUS_STREAM) return ERR_OK;
	enum err err = answer_stream_read(from->body, &out->stream, error);
	if (err != ERR_OK) return err;
	out->status = out->stream.status;
	out->text = out->stream.text;
	out->value = out->stream.body;
	read_stream_headers(out->stream.headers, &out->headers);
	return ERR_OK;
}

static int version_parse(struct str text) {
	int64_t version;
	if (text.len > 1 && text.ptr[0] == '+') text = str_skip(text, 1);
	if (!str_to_i64(text, &version) || version < INT32_MIN || version > INT32_MAX) return 0;
	return (int)version;
}

static enum err read_opcodes(struct arena *arena, const struct reply *reply, struct answer *out, struct error *error) {
	if (reply->value != NULL)
		return opcodes_read(arena, reply->value, OPCODES_OF_ANSWER, out->no_retry, &out->ops, &out->op_count,
				    error);
	return opcodes_parse(arena, reply->text, out->no_retry, &out->ops, &out->op_count, error);
}

// No-retry and Retry-After of a 206 act through its opcodes only: a reply that holds none is tried again as usual.
static void answer_opcodes(struct arena *arena, const struct reply *reply, struct answer *out) {
	struct error error;
	if (reply->headers.sdk.len == 0)
		error_set(&error, ERR_INVALID, "The response did not come from an Inngest SDK");
	else if (read_opcodes(arena, reply, out, &error) == ERR_OK)
		return;
	int version = out->request_version;
	answer_from_failure(arena, (struct str){NULL, 0}, str_from_cstr(error.message), out);
	out->request_version = version;
	out->status = reply->status;
}

// The attempt error of a reply that is no 206 (02 §4.2); empty: the run is over.
static struct str attempt_error(struct arena *arena, const struct reply *reply, const struct answer *answer) {
	bool success = reply->status >= 200 && reply->status <= 299;
	if (answer->no_retry) return STR("NonRetriableError");
	if (!success) return arena_printf(arena, "invalid status code: %d", reply->status);
	if (reply->headers.sdk.len == 0) return STR("The response did not come from an Inngest SDK");
	if (answer->retry_at_ms != 0) return STR("retry at");
	return (struct str){NULL, 0};
}

// Something in front of the SDK answered: its body is only shown (02 §5.3).
static void answer_upstream_error(const struct reply *reply, struct answer *out) {
	struct buf text;
	buf_init(&text, ANSWER_OUTPUT_MAX);
	if (reply->value != NULL) json_canonical(&text, reply->value);
	out->output = standard_error_upstream(reply->status, reply->headers.content_type,
					      reply->value != NULL ? buf_view(&text) : reply->text);
	out->standard_error = payload_ref(out->output);
	buf_free(&text);
}

static void answer_result(struct arena *arena, const struct reply *reply, struct answer *out) {
	out->error = attempt_error(arena, reply, out);
	out->kind = out->error.len > 0 ? ANSWER_ERROR : ANSWER_RESULT;
	bool success = reply->status >= 200 && reply->status <= 299;
	if (!success && reply->headers.sdk.len == 0 && !str_eq(reply->headers.handled, STR("true"))) {
		answer_upstream_error(reply, out);
		return;
	}
	struct answer_body body;
	if (reply->value != NULL)
		answer_body_from_value(reply->value, &body);
	else
		answer_body_from_text(reply->text, &body);
	out->output = answer_body_output(&body);
	if (out->kind == ANSWER_ERROR) out->standard_error = standard_error_from_body(&body, out->error);
	answer_body_clear(&body);
}

static void answer_reply(struct arena *arena, const struct reply *reply, uint64_t now_ms, struct answer *out) {
	*out = (struct answer){
		.kind = ANSWER_OPCODES,
		.status = reply->status,
		.request_version = version_parse(reply->headers.version),
		.no_retry = no_retry_decide(reply->headers.no_retry, reply->status, reply->headers.sdk),
		.retry_at_ms = retry_after_parse(reply->headers.retry_after, now_ms),
	};
	if (reply->status == STATUS_OPCODES)
		answer_opcodes(arena, reply, out);
	else
		answer_result(arena, reply, out);
}

// ---- the exchange, for people ---------------------------------------------------------------------------------

static bool has_header(const struct answer_header *headers, size_t count, struct str name) {
	for (size_t i = 0; i < count; i++)
		if (name.len == headers[i].name.len && str_eq_nocase(headers[i].name, name)) return true;
	return false;
}

// Headers of the envelope, and of the reply those that it does not replace.
static struct str merged_headers(struct arena *arena, const struct http_reply *from, yyjson_val *envelope) {
	struct answer_header all[EXCHANGE_HEADERS_MAX];
	size_t count = 0;
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(envelope, &iter);
	for (yyjson_val *key; count < ARRAY_LEN(all) && (key = yyjson_obj_iter_next(&iter)) != NULL;)
		all[count++] = (struct answer_header){json_str(key), json_str(yyjson_obj_iter_get_val(key))};
	size_t of_envelope = count;
	for (size_t i = 0; i < from->header_count && i < EXCHANGE_HEADERS_MAX && count < ARRAY_LEN(all); i++)
		if (!has_header(all, of_envelope, from->headers[i].name)) all[count++] = from->headers[i];
	return exchange_headers_json(arena, all, count);
}

static struct answer_exchange describe(struct arena *arena, const struct http_reply *from, const struct reply *reply) {
	int status = reply->status > 0 ? reply->status : from->status;
	size_t bytes = reply->value != NULL ? from->body.len : reply->text.len;
	yyjson_val *envelope = reply->stream.headers;
	return (struct answer_exchange){
		.status = status > 0 ? (uint32_t)status : 0,
		.headers = envelope != NULL ? merged_headers(arena, from, envelope)
					    : exchange_headers_json(arena, from->headers, from->header_count),
		.output_bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX,
	};
}

void answer_read(struct arena *arena, const struct http_reply *from, uint64_t now_ms, struct answer *out) {
	struct error error;
	struct reply reply = {.status = from->status, .text = from->body};
	if (from->body_too_large) {
		answer_from_failure(arena, STR("output_too_large"),
				    STR("Your function's response body exceeds the maximum size limit"), out);
		out->status = from->status;
	} else if (reply_open(from, &reply, &error) != ERR_OK) {
		answer_from_failure(arena, (struct str){NULL, 0}, str_from_cstr(error.message), out);
		out->status = from->status;
	} else {
		answer_reply(arena, &reply, now_ms, out);
	}
	out->exchange = describe(arena, from, &reply);
	answer_stream_clear(&reply.stream);
}

// Messages may quote the wire, and may be cut anywhere.
static struct str repaired(struct arena *arena, struct str message) {
	if (utf8_valid(message)) return arena_dup(arena, message);
	struct buf text;
	buf_init(&text, message.len * 3);
	utf8_repair(&text, message);
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

void answer_from_failure(struct arena *arena, struct str code, struct str message, struct answer *out) {
	const struct str none = {NULL, 0};
	message = repaired(arena, message);
	bool system = code.len > 0;
	struct str name = system ? code : STR("Error");
	struct str whole = system ? arena_printf(arena, "%.*s: %.*s", STR_ARG(code), STR_ARG(message)) : message;
	*out = (struct answer){.kind = ANSWER_ERROR, .error = system ? arena_dup(arena, code) : message};
	out->output = standard_error_make(whole, name, message, none);
	out->standard_error = system ? standard_error_make(code, name, message, none) : payload_ref(out->output);
}

void answer_release(struct answer *answer) {
	for (size_t i = 0; i < answer->op_count; i++) opcode_release(&answer->ops[i]);
	answer->op_count = 0;
	payload_unref(answer->output);
	payload_unref(answer->standard_error);
	answer->output = answer->standard_error = NULL;
}
