#include "model/step_metadata.h"

#include "base/check.h"
#include "model/metadata.h"

#define LOOKED_AT_MAX (256u << 10) // bytes of an output or opts that are looked into: this is on the way of every step

// ---- records -------------------------------------------------------------------------------------------------------

static void open_record(struct buf *out, const char *kind, const char *scope) {
	buf_str(out, out->len == 0 ? STR("[") : STR(","));
	buf_printf(out, "{\"kind\":\"%s\",\"op\":\"merge\",\"scope\":\"%s\",\"values\":{", kind, scope);
}

static void add_text(struct buf *out, const char *name, struct str text) {
	if (out->ptr[out->len - 1] != '{') buf_byte(out, ',');
	buf_printf(out, "\"%s\":", name);
	buf_json_str(out, text);
}

static void add_number(struct buf *out, const char *name, yyjson_val *number) {
	if (out->ptr[out->len - 1] != '{') buf_byte(out, ',');
	buf_printf(out, "\"%s\":", name);
	json_canonical(out, number);
}

static void close_record(struct buf *out) {
	buf_lit(out, "}}");
}

// NULL: it cannot have that member, is too large to look, or cannot be read.
static yyjson_doc *read_if(struct str text, struct str member) {
	if (text.len <= member.len || text.len > LOOKED_AT_MAX || str_find_str(text, member) < 0) return NULL;
	return json_read(text, false, NULL, NULL);
}

// ---- AI ------------------------------------------------------------------------------------------------------------

static const struct {
	const char *name;
	bool is_always;
	struct str members[2]; // the first one that is there: of later and of earlier versions of the library
} token_fields[] = {
	{"input_tokens", true, {STR_INIT("inputTokens"), STR_INIT("promptTokens")}},
	{"output_tokens", true, {STR_INIT("outputTokens"), STR_INIT("completionTokens")}},
	{"total_tokens", false, {STR_INIT("totalTokens"), STR_INIT("")}},
	{"reasoning_tokens", false, {STR_INIT("reasoningTokens"), STR_INIT("")}},
	{"cache_read_tokens", false, {STR_INIT("cachedInputTokens"), STR_INIT("")}},
};
#define REQUIRED_FIELDS 2 // the first ones: without any of them it is something else

static yyjson_val *token_value(yyjson_val *usage, size_t field) {
	for (size_t i = 0; i < ARRAY_LEN(token_fields[field].members); i++) {
		yyjson_val *value = json_get_exact(usage, token_fields[field].members[i]);
		if (yyjson_is_num(value)) return value;
	}
	return NULL;
}

static bool has_tokens(yyjson_val *usage) {
	for (size_t i = 0; i < REQUIRED_FIELDS; i++)
		if (token_value(usage, i) != NULL) return true;
	return false;
}

static void add_tokens(struct buf *out, yyjson_val *usage) {
	for (size_t i = 0; i < ARRAY_LEN(token_fields); i++) {
		yyjson_val *value = token_value(usage, i);
		if (value != NULL)
			add_number(out, token_fields[i].name, value);
		else if (token_fields[i].is_always)
			buf_printf(out, "%s\"%s\":0", out->ptr[out->len - 1] == '{' ? "" : ",", token_fields[i].name);
	}
}

static void add_if_known(struct buf *out, const char *name, yyjson_val *text) {
	if (json_str(text).len > 0) add_text(out, name, json_str(text));
}

static void add_finish_reason(struct buf *out, yyjson_val *result, yyjson_val *first) {
	yyjson_val *reason = json_get_exact(result, STR("finishReason"));
	if (json_str(reason).len == 0) reason = json_get_exact(first, STR("finishReason"));
	if (json_str(reason).len == 0) return;
	buf_lit(out, ",\"finish_reasons\":[");
	buf_json_str(out, json_str(reason));
	buf_byte(out, ']');
}

static struct str request_model(yyjson_val *first) {
	yyjson_val *model = json_get_exact(json_get_exact(first, STR("model")), STR("modelId"));
	yyjson_val *body = json_get_exact(json_get_exact(first, STR("request")), STR("body"));
	return json_str(model).len > 0 ? json_str(model) : json_str(json_get_exact(body, STR("model")));
}

// `result`: what generateText of the Vercel AI SDK gives.
static void add_ai(struct buf *out, yyjson_val *result) {
	yyjson_val *usage = json_get_exact(result, STR("totalUsage"));
	yyjson_val *first = yyjson_arr_get_first(json_get_exact(result, STR("steps")));
	if (!yyjson_is_obj(usage)) usage = json_get_exact(first, STR("usage"));
	if (!has_tokens(usage)) return;
	yyjson_val *response = json_get_exact(first, STR("response"));
	if (!yyjson_is_obj(response)) response = json_get_exact(result, STR("response"));
	open_record(out, METADATA_KIND_AI, "step_attempt");
	add_tokens(out, usage);
	add_text(out, "operation_name", STR(""));
	add_text(out, "provider", STR("vercel-ai"));
	add_text(out, "request_model", request_model(first));
	add_if_known(out, "response_model", json_get_exact(response, STR("modelId")));
	add_if_known(out, "response_id", json_get_exact(response, STR("id")));
	add_finish_reason(out, result, first);
	close_record(out);
}

static void note_ai(struct buf *out, const struct opcode *op) {
	if (op->kind != OPCODE_STEP && op->kind != OPCODE_STEP_RUN) return;
	struct str output = payload_str(op->output);
	yyjson_doc *doc = read_if(output, STR("\"totalUsage\""));
	if (doc == NULL) doc = read_if(output, STR("\"usage\""));
	if (doc != NULL) add_ai(out, json_get_exact(yyjson_doc_get_root(doc), STR("data")));
	yyjson_doc_free(doc);
}

// ---- experiments ---------------------------------------------------------------------------------------------------

static void note_experiment(struct buf *out, const struct opcode *op) {
	yyjson_doc *doc = read_if(op->opts, STR("\"experimentName\""));
	yyjson_val *opts = yyjson_doc_get_root(doc);
	struct str name = json_str(json_get_exact(opts, STR("experimentName")));
	if (name.len > 0) {
		open_record(out, METADATA_KIND_EXPERIMENT, "step");
		add_text(out, "name", name);
		add_text(out, "selection_strategy", json_str(json_get_exact(opts, STR("selectionStrategy"))));
		add_text(out, "variant", json_str(json_get_exact(opts, STR("variant"))));
		close_record(out);
	}
	yyjson_doc_free(doc);
}

struct str step_metadata(struct arena *arena, const struct opcode *op) {
	struct buf records;
	buf_init(&records, LOOKED_AT_MAX);
	note_ai(&records, op);
	note_experiment(&records, op);
	struct str out = op->metadata;
	if (records.len > 0 && !records.overflow) {
		struct str more = op->metadata.len > 2 ? str_skip(op->metadata, 1) : STR("]");
		out = arena_printf(arena, "%.*s%s%.*s", STR_ARG(buf_view(&records)), op->metadata.len > 2 ? "," : "",
				   STR_ARG(more));
	}
	buf_free(&records);
	return out;
}
