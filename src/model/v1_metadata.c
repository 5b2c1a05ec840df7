#include "model/v1_metadata.h"

#include "base/hash.h"
#include "model/limits.h"
#include "model/members.h"

#define BAD_TARGET STR("Invalid metadata target")
#define BAD_METADATA STR("Invalid metadata")

static const struct member_rule body_members[] = {
	{STR_INIT("target"), MEMBER_OBJECT},
	{STR_INIT("metadata"), MEMBER_ARRAY},
};
enum { BODY_TARGET, BODY_METADATA, BODY_MEMBERS };

static const struct member_rule target_members[] = {
	{STR_INIT("step_id"), MEMBER_STRING},
	{STR_INIT("step_index"), MEMBER_INTEGER},
	{STR_INIT("step_attempt"), MEMBER_INTEGER},
	{STR_INIT("span_id"), MEMBER_STRING},
};
enum { TARGET_STEP, TARGET_INDEX, TARGET_ATTEMPT, TARGET_SPAN, TARGET_MEMBERS };

static const struct member_rule record_members[] = {
	{STR_INIT("kind"), MEMBER_STRING},
	{STR_INIT("op"), MEMBER_STRING},
	{STR_INIT("values"), MEMBER_OBJECT},
};
enum { RECORD_KIND, RECORD_OP, RECORD_VALUES, RECORD_MEMBERS };

// ---- the target -----------------------------------------------------------------------------------------------

static bool read_span_id(struct str text, struct metadata_target *out) {
	uint8_t raw[METADATA_SPAN_LEN / 2];
	if (!hex_parse(text, raw, sizeof raw)) return false;
	hex_text(raw, sizeof raw, out->span_id);
	return true;
}

static bool read_attempt(yyjson_val *value, struct metadata_target *out) {
	int64_t attempt = value != NULL ? yyjson_get_sint(value) : -1;
	out->has_attempt = attempt >= 0;
	if (out->has_attempt) out->attempt = (uint32_t)attempt;
	return attempt >= -1 && attempt <= UINT32_MAX;
}

static bool read_target(yyjson_val *from, struct metadata_target *out) {
	struct error unused;
	yyjson_val *members[TARGET_MEMBERS];
	*out = (struct metadata_target){.scope = METADATA_RUN};
	if (members_read(from, target_members, TARGET_MEMBERS, members, "", &unused) != ERR_OK) return false;
	if (members[TARGET_STEP] == NULL)
		return members[TARGET_INDEX] == NULL && members[TARGET_ATTEMPT] == NULL && members[TARGET_SPAN] == NULL;
	out->scope = METADATA_STEP;
	metadata_target_step(out, json_str(members[TARGET_STEP]), yyjson_get_sint(members[TARGET_INDEX]));
	if (!read_attempt(members[TARGET_ATTEMPT], out)) return false;
	if (members[TARGET_ATTEMPT] == NULL || members[TARGET_SPAN] == NULL) return true;
	out->scope = METADATA_EXTENDED_TRACE;
	return read_span_id(json_str(members[TARGET_SPAN]), out);
}

// ---- the records ----------------------------------------------------------------------------------------------

struct entry {
	struct str kind;
	enum metadata_op op;
	yyjson_val *values; // an object, or NULL
};

static bool read_entry(yyjson_val *from, struct entry *out) {
	struct error unused;
	yyjson_val *members[RECORD_MEMBERS];
	if (!yyjson_is_obj(from) ||
	    members_read(from, record_members, RECORD_MEMBERS, members, "", &unused) != ERR_OK ||
	    !metadata_op_of(json_str(members[RECORD_OP]), &out->op))
		return false;
	out->kind = json_str(members[RECORD_KIND]);
	out->values = members[RECORD_VALUES];
	return true;
}

static bool scores_are_good(yyjson_val *values) {
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(values, &iter);
	for (yyjson_val *name; (name = yyjson_obj_iter_next(&iter)) != NULL;) {
		yyjson_val *score = json_get_exact(yyjson_obj_iter_get_val(name), STR("value"));
		if (!metadata_score_name_is_good(json_str(name)) || !metadata_score_value_is_good(score)) return false;
	}
	return true;
}

static bool entry_is_allowed(const struct entry *entry) {
	if (!metadata_kind_is_allowed(entry->kind)) return false;
	return !str_eq_cstr(entry->kind, METADATA_KIND_SCORE) || scores_are_good(entry->values);
}

static struct metadata_record make_record(struct arena *arena, enum metadata_scope scope, const struct entry *entry) {
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	if (entry->values != NULL)
		json_canonical(&text, entry->values);
	else
		buf_lit(&text, "{}");
	struct metadata_record record = {
		.scope = scope,
		.kind = arena_dup(arena, entry->kind),
		.op = entry->op,
		.values = arena_dup(arena, buf_view(&text)),
		.size = entry->values != NULL ? metadata_size(entry->values) : 0,
	};
	buf_free(&text);
	return record;
}

static struct str read_records(struct arena *arena, const struct entry *entries, size_t count,
			       struct v1_metadata *out) {
	for (size_t i = 0; i < count; i++)
		if (!entry_is_allowed(&entries[i])) return BAD_METADATA;
	out->records = ARENA_ARRAY(arena, struct metadata_record, count);
	for (size_t i = 0; i < count && !out->is_cut; i++) {
		struct metadata_record record = make_record(arena, out->target.scope, &entries[i]);
		out->is_cut = record.size > METADATA_RECORD_MAX;
		if (!out->is_cut) out->records[out->count++] = record;
	}
	return (struct str){NULL, 0};
}

// The text of the reply; empty: all is well.
static struct str read_body(struct arena *arena, yyjson_val *root, struct v1_metadata *out) {
	struct error unused;
	yyjson_val *members[BODY_MEMBERS], *entry;
	if (!yyjson_is_obj(root) || members_read(root, body_members, BODY_MEMBERS, members, "", &unused) != ERR_OK ||
	    !read_target(members[BODY_TARGET], &out->target))
		return BAD_TARGET;
	size_t count = yyjson_arr_size(members[BODY_METADATA]), filled = 0;
	if (count > METADATA_RECORDS_MAX) return BAD_METADATA;
	struct entry *entries = ARENA_ARRAY(arena, struct entry, count);
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(members[BODY_METADATA], &iter);
	while ((entry = yyjson_arr_iter_next(&iter)) != NULL)
		if (!read_entry(entry, &entries[filled++])) return BAD_TARGET;
	return read_records(arena, entries, count, out);
}

enum err v1_metadata_parse(struct arena *arena, struct str body, struct v1_metadata *out, struct str *problem) {
	*out = (struct v1_metadata){.count = 0};
	struct error unused;
	yyjson_doc *doc = json_read(body, true, NULL, &unused);
	*problem = doc != NULL ? read_body(arena, yyjson_doc_get_root(doc), out) : BAD_TARGET;
	yyjson_doc_free(doc);
	return problem->len > 0 ? ERR_INVALID : ERR_OK;
}
