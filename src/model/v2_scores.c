// Scores of runs and steps (spec 05 §13.11).
#include "model/fields.h"
#include "model/limits.h"
#include "model/v2_body.h"

static const struct field_rule score_fields[] = {
	{STR_INIT("name"), STR_INIT(""), FIELD_STRING},
	{STR_INIT("value"), STR_INIT(""), FIELD_ANY},
	{STR_INIT("stepId"), STR_INIT("step_id"), FIELD_STRING},
	{STR_INIT("experiment"), STR_INIT(""), FIELD_OBJECT},
};
enum { SCORE_NAME, SCORE_VALUE, SCORE_STEP, SCORE_EXPERIMENT, SCORE_FIELDS };

static const struct field_rule experiment_fields[] = {
	{STR_INIT("id"), STR_INIT(""), FIELD_STRING},
	{STR_INIT("variant"), STR_INIT(""), FIELD_STRING},
};
enum { EXPERIMENT_ID, EXPERIMENT_VARIANT, EXPERIMENT_FIELDS };

static enum err refuse(struct arena *arena, const char *code, struct str text, struct v2_refusal *refusal) {
	*refusal = (struct v2_refusal){400, code, arena_dup(arena, text)};
	return ERR_INVALID;
}

// What is wrong with one part of an experiment; empty: nothing.
static struct str check_part(struct arena *arena, const char *what, struct str text) {
	if (text.len == 0) return arena_printf(arena, "Experiment %s is required when experiment is provided", what);
	if (text.len <= V2_EXPERIMENT_MAX) return (struct str){NULL, 0};
	return arena_printf(arena, "Experiment %s must be at most %u UTF-8 bytes", what, V2_EXPERIMENT_MAX);
}

static struct str check_experiment(struct arena *arena, yyjson_val *const *fields, yyjson_val *const *parts) {
	if (fields[SCORE_STEP] != NULL) return STR("Experiment scores must be run-scoped");
	struct str wrong = check_part(arena, "ID", json_str(parts[EXPERIMENT_ID]));
	return wrong.len > 0 ? wrong : check_part(arena, "variant", json_str(parts[EXPERIMENT_VARIANT]));
}

static struct str check(struct arena *arena, yyjson_val *const *fields, yyjson_val *const *parts) {
	yyjson_val *value = fields[SCORE_VALUE];
	struct str name = json_str(fields[SCORE_NAME]), wrong = {NULL, 0};
	if (name.len == 0) return STR("Score name is required");
	if (value == NULL) return STR("Score value is required");
	if (!metadata_score_value_is_good(value)) return STR("Score value must be a finite number or boolean");
	if (fields[SCORE_STEP] != NULL && json_str(fields[SCORE_STEP]).len == 0)
		return STR("Step ID must not be empty when provided");
	if (fields[SCORE_EXPERIMENT] != NULL) wrong = check_experiment(arena, fields, parts);
	if (wrong.len > 0 || metadata_score_name_is_good(name)) return wrong;
	return STR("Score name or value is invalid; names must be at most 128 UTF-8 bytes, must not contain control "
		   "characters or single quotes, and values must be a finite number or boolean");
}

static struct str value_text(struct arena *arena, yyjson_val *value) {
	struct buf text;
	buf_init(&text, 64);
	json_canonical(&text, value);
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static enum err read_score(struct arena *arena, size_t index, yyjson_val *from, struct v2_score *out,
			   struct v2_refusal *refusal) {
	struct error error;
	yyjson_val *fields[SCORE_FIELDS], *parts[EXPERIMENT_FIELDS] = {NULL};
	enum err err = fields_read(from, score_fields, SCORE_FIELDS, fields, &error);
	if (err == ERR_OK && fields[SCORE_EXPERIMENT] != NULL)
		err = fields_read(fields[SCORE_EXPERIMENT], experiment_fields, EXPERIMENT_FIELDS, parts, &error);
	if (err != ERR_OK) return refuse(arena, "api_error", str_from_cstr(error.message), refusal);
	struct str wrong = check(arena, fields, parts);
	if (wrong.len > 0)
		return refuse(arena, "invalid_field_format",
			      arena_printf(arena, "scores[%zu]: %.*s", index, STR_ARG(wrong)), refusal);
	out->name = arena_dup(arena, json_str(fields[SCORE_NAME]));
	out->value = value_text(arena, fields[SCORE_VALUE]);
	out->step_id = arena_dup(arena, json_str(fields[SCORE_STEP]));
	out->experiment_id = arena_dup(arena, json_str(parts[EXPERIMENT_ID]));
	out->variant = arena_dup(arena, json_str(parts[EXPERIMENT_VARIANT]));
	return ERR_OK;
}

static enum err read_scores(struct arena *arena, yyjson_val *root, struct v2_score **out, size_t *count,
			    struct v2_refusal *refusal) {
	size_t size = yyjson_arr_size(root);
	if (!yyjson_is_arr(root))
		return refuse(arena, "api_error", STR("the body should be an array of scores"), refusal);
	if (size == 0) return refuse(arena, "invalid_field_format", STR("At least one score is required"), refusal);
	if (size > V2_SCORES_MAX)
		return refuse(arena, "invalid_field_format",
			      arena_printf(arena, "At most %u scores are allowed", V2_SCORES_MAX), refusal);
	struct v2_score *scores = ARENA_ARRAY(arena, struct v2_score, size);
	enum err err = ERR_OK;
	yyjson_arr_iter iter = yyjson_arr_iter_with(root);
	for (size_t i = 0; i < size && err == ERR_OK; i++)
		err = read_score(arena, i, yyjson_arr_iter_next(&iter), &scores[i], refusal);
	if (err != ERR_OK) return err;
	*out = scores;
	*count = size;
	return ERR_OK;
}

enum err v2_scores_parse(struct arena *arena, struct str body, struct v2_score **out, size_t *count,
			 struct v2_refusal *refusal) {
	struct error error;
	*out = NULL;
	*count = 0;
	yyjson_doc *doc = json_read(body, true, NULL, &error);
	if (doc == NULL) return refuse(arena, "api_error", str_from_cstr(error.message), refusal);
	enum err err = read_scores(arena, yyjson_doc_get_root(doc), out, count, refusal);
	yyjson_doc_free(doc);
	return err;
}

// ---- as metadata ----------------------------------------------------------------------------------------------

static struct metadata_record make_record(struct arena *arena, enum metadata_scope scope, const char *kind,
					  struct buf *text) {
	struct metadata_record record = {.scope = scope,
					 .kind = str_from_cstr(kind),
					 .op = METADATA_MERGE,
					 .values = arena_dup(arena, buf_view(text))};
	yyjson_doc *doc = json_read(record.values, false, NULL, NULL);
	record.size = metadata_size(yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	buf_free(text);
	return record;
}

size_t v2_score_records(struct arena *arena, const struct v2_score *score, struct metadata_target *target,
			struct metadata_record out[V2_SCORE_RECORDS_MAX]) {
	struct buf text;
	*target = (struct metadata_target){.scope = score->step_id.len > 0 ? METADATA_STEP : METADATA_RUN};
	if (score->step_id.len > 0) metadata_target_step(target, score->step_id, 0);
	buf_init(&text, SIZE_MAX / 2); // all of it is bounded
	buf_byte(&text, '{');
	buf_json_str(&text, score->name);
	buf_lit(&text, ":{\"value\":");
	buf_str(&text, score->value);
	buf_lit(&text, "}}");
	out[0] = make_record(arena, target->scope, METADATA_KIND_SCORE, &text);
	if (score->experiment_id.len == 0) return 1;
	buf_lit(&text, "{\"name\":");
	buf_json_str(&text, score->experiment_id);
	buf_lit(&text, ",\"variant\":");
	buf_json_str(&text, score->variant);
	buf_byte(&text, '}');
	out[1] = make_record(arena, target->scope, METADATA_KIND_EXPERIMENT, &text);
	return 2;
}
