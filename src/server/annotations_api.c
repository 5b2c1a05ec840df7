// What others say of runs: metadata (05 §12.9), scores (§13.11) and the spans of users' code (§12.13).
#include <stdlib.h>

#include "base/gzip.h"
#include "history/annotations.h"
#include "history/catalogue.h"
#include "model/v1_metadata.h"
#include "server/server_internal.h"
#include "trace/otlp.h"

// Whether there is metadata at all (05 §18.4).
static bool is_enabled(void) {
	return !str_eq_nocase(str_from_cstr(getenv("EXPERIMENTAL_STEP_METADATA")), STR("false"));
}

// On to history, and what became of it; false when the engine does not take it (503 has been answered).
static bool write_annotation(struct request *request, struct history_annotation *annotation,
			     struct annotation_result *result) {
	struct command *command = command_new(COMMAND_ANNOTATE);
	command->annotation = &annotation->base;
	struct reply *reply = server_ask(request->server, command);
	if (reply == NULL) {
		respond_header(request, "Retry-After", "1");
		json_reply_error(request, 503, STR("The server has too much to do at the moment"));
		return false;
	}
	*result = reply->annotated;
	reply_free(reply);
	return true;
}

// ---- metadata ------------------------------------------------------------------------------------------------------

// A copy that lives as long as the annotation.
static void add_note(struct history_annotation *annotation, const struct metadata_target *target,
		     const struct metadata_record *records, size_t count) {
	struct arena *arena = &annotation->arena;
	struct history_note *note = &annotation->notes[annotation->note_count++];
	note->target = *target;
	note->records = ARENA_ARRAY(arena, struct metadata_record, count + 1);
	note->count = count;
	for (size_t i = 0; i < count; i++) {
		note->records[i] = records[i];
		note->records[i].kind = arena_dup(arena, records[i].kind);
		note->records[i].values = arena_dup(arena, records[i].values);
	}
}

void v1_metadata_work(struct request *request) {
	struct ulid run_id;
	struct v1_metadata metadata;
	struct str problem;
	if (!is_enabled()) {
		json_reply_error(request, 403, STR("Metadata is not enabled for this account"));
		return;
	}
	if (!ulid_parse(request->params[0], &run_id)) {
		json_reply_about(request, 400, STR("Invalid run ID: "), request->params[0]);
		return;
	}
	if (v1_metadata_parse(&request->arena, buf_view(&request->body), &metadata, &problem) != ERR_OK) {
		json_reply_error(request, 400, problem);
		return;
	}
	struct history_annotation *annotation = history_annotation_new();
	annotation->run_id = run_id;
	annotation->notes = ARENA_ARRAY(&annotation->arena, struct history_note, 1);
	add_note(annotation, &metadata.target, metadata.records, metadata.count);
	struct annotation_result result;
	if (!write_annotation(request, annotation, &result)) return;
	if (result.is_full)
		json_reply_error(request, 413, STR(V1_METADATA_FULL));
	else if (metadata.is_cut)
		json_reply_error(request, 413, STR(V1_METADATA_TOO_LARGE));
	else
		respond(request, 200, TYPE_JSON, STR(""));
}

// ---- scores --------------------------------------------------------------------------------------------------------

static void write_score(struct buf *out, struct str run_id, const struct v2_score *score) {
	buf_byte(out, '{');
	if (score->experiment_id.len > 0) {
		buf_lit(out, "\"experiment\":{\"id\":");
		buf_json_str(out, score->experiment_id);
		buf_lit(out, ",\"variant\":");
		buf_json_str(out, score->variant);
		buf_lit(out, "},");
	}
	buf_lit(out, "\"name\":");
	buf_json_str(out, score->name);
	buf_lit(out, ",\"runId\":");
	buf_json_str(out, run_id);
	if (score->step_id.len > 0) {
		buf_lit(out, ",\"stepId\":");
		buf_json_str(out, score->step_id);
	}
	buf_lit(out, ",\"value\":");
	buf_str(out, score->value);
	buf_byte(out, '}');
}

static void add_scores(struct request *request, struct history_annotation *annotation, const struct v2_score *scores,
		       size_t count) {
	annotation->notes = ARENA_ARRAY(&annotation->arena, struct history_note, count);
	for (size_t i = 0; i < count; i++) {
		struct metadata_target target;
		struct metadata_record records[V2_SCORE_RECORDS_MAX];
		size_t made = v2_score_records(&request->arena, &scores[i], &target, records);
		add_note(annotation, &target, records, made);
	}
}

static void reply_scores(struct request *request, const struct ulid *id, const struct v2_score *scores, size_t count) {
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(id, run_id);
	v2_envelope_open(request);
	buf_byte(&request->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&request->out, ',');
		write_score(&request->out, str_make(run_id, ULID_TEXT_LEN), &scores[i]);
	}
	buf_byte(&request->out, ']');
	v2_envelope_close(request);
	respond_out(request, 200);
}

void v2_scores_work(struct request *request) {
	struct ulid run_id;
	struct v2_score *scores;
	size_t count;
	struct v2_refusal refusal;
	if (!is_enabled()) {
		v2_reply_error(request, 403, STR("access_denied"), STR("Scores are not enabled for this account"));
		return;
	}
	if (!v2_run_id(request, &run_id)) return;
	if (v2_scores_parse(&request->arena, buf_view(&request->body), &scores, &count, &refusal) != ERR_OK) {
		v2_refuse(request, &refusal);
		return;
	}
	struct history_annotation *annotation = history_annotation_new();
	annotation->run_id = run_id;
	add_scores(request, annotation, scores, count);
	struct annotation_result result;
	if (!write_annotation(request, annotation, &result)) return;
	if (result.is_full)
		v2_reply_error(request, 413, STR("validation_error"), STR("Score exceeds the run metadata size limit"));
	else
		reply_scores(request, &run_id, scores, count);
}

// ---- spans of users ------------------------------------------------------------------------------------------------

static bool says_gzip(struct request *request, const char *header) {
	for (struct str rest = request_header(request, header); rest.len >= 4; rest = str_skip(rest, 1))
		if (str_starts_with_nocase(rest, STR("gzip"))) return true;
	return false;
}

// gzip for those who take it (05 §12.13).
static void pack_reply(struct request *request) {
	struct buf packed;
	if (!says_gzip(request, "Accept-Encoding")) return;
	buf_init(&packed, OTLP_BODY_MAX);
	gzip_pack(&packed, buf_view(&request->out));
	buf_clear(&request->out);
	buf_str(&request->out, buf_view(&packed));
	buf_free(&packed);
	respond_header(request, "Content-Encoding", "gzip");
}

static void reply_otlp(struct request *request, int status, enum otlp_encoding encoding) {
	pack_reply(request);
	respond(request, status, encoding == OTLP_JSON ? TYPE_JSON : "application/x-protobuf", buf_view(&request->out));
}

void otlp_refuse(struct request *request, int status, struct str text) {
	enum otlp_encoding encoding = otlp_encoding_of(request_header(request, "Content-Type"));
	otlp_write_error(respond_begin(request), encoding, text);
	reply_otlp(request, status, encoding);
}

struct functions {
	struct history_reader *history;
	struct arena *arena;
	struct uuid known, app_id; // the last one that was asked for
	bool has_known, is_there;
};

static bool find_function(void *context, const struct uuid *id, struct uuid *app_id) {
	struct functions *functions = context;
	if (!functions->has_known || !uuid_eq(&functions->known, id)) {
		struct catalogue_function *found = NULL;
		size_t count = 0;
		struct error error;
		enum err err =
			catalogue_functions_by_id(functions->history, functions->arena, id, 1, &found, &count, &error);
		functions->known = *id;
		functions->has_known = true;
		functions->is_there = err == ERR_OK && count == 1 && !found->is_archived;
		if (functions->is_there) functions->app_id = found->app_id;
	}
	*app_id = functions->app_id;
	return functions->is_there;
}

// What was sent, unpacked; false when that is more than a body may have, or cannot be done (it has been answered then).
static bool read_body(struct request *request, struct arena *arena, struct str *out) {
	if (!says_gzip(request, "Content-Encoding")) {
		*out = arena_dup(arena, buf_view(&request->body));
		return true;
	}
	struct buf plain;
	buf_init(&plain, OTLP_BODY_MAX);
	enum err err = gzip_unpack(&plain, buf_view(&request->body));
	if (err == ERR_OK) *out = arena_dup(arena, buf_view(&plain));
	buf_free(&plain);
	if (err == ERR_TOO_LARGE) otlp_refuse(request, 413, STR("Request body too large"));
	if (err == ERR_INVALID) otlp_refuse(request, 400, STR("Error reading body"));
	return err == ERR_OK;
}

static bool read_spans(struct request *request, enum otlp_encoding encoding, struct history_annotation *annotation,
		       uint64_t *rejected) {
	struct otlp_request sent;
	struct userland userland;
	struct error error;
	struct str body;
	if (!read_body(request, &annotation->arena, &body)) return false;
	if (otlp_read(&annotation->arena, encoding, body, &sent, &error) != ERR_OK) {
		otlp_refuse(request, 400, STR("Invalid payload"));
		return false;
	}
	struct reading reading;
	if (!reading_open(&reading, request)) return false;
	struct functions functions = {.history = reading.history, .arena = &request->arena};
	userland_read(&annotation->arena, &sent, find_function, &functions, &userland);
	reading_close(&reading);
	annotation->spans = userland.spans;
	annotation->span_count = userland.count;
	*rejected = userland.rejected + sent.left_out;
	return true;
}

void v1_userland_work(struct request *request) {
	enum otlp_encoding encoding = otlp_encoding_of(request_header(request, "Content-Type"));
	struct history_annotation *annotation = history_annotation_new();
	struct annotation_result result = {0};
	uint64_t rejected = 0;
	if (!read_spans(request, encoding, annotation, &rejected)) {
		annotation->base.free(&annotation->base);
		return;
	}
	if (!write_annotation(request, annotation, &result)) return;
	otlp_write_response(respond_begin(request), encoding, rejected + result.rejected);
	reply_otlp(request, 200, encoding);
}
