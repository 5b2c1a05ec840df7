#include "model/metadata.h"

#include <math.h>

#include "base/check.h"
#include "base/hash.h"
#include "model/limits.h"

const char *const metadata_scope_names[METADATA_SCOPE_COUNT] = {
	[METADATA_UNKNOWN] = "unknown",
	[METADATA_RUN] = "run",
	[METADATA_STEP] = "step",
	[METADATA_STEP_ATTEMPT] = "step_attempt",
	[METADATA_EXTENDED_TRACE] = "extended_trace",
	[METADATA_REQUEST] = "request",
};

const char *const metadata_op_names[METADATA_OP_COUNT] = {
	[METADATA_MERGE] = "merge",
	[METADATA_SET] = "set",
	[METADATA_DELETE] = "delete",
	[METADATA_ADD] = "add",
};

bool metadata_op_of(struct str name, enum metadata_op *out) {
	for (int i = 0; i < METADATA_OP_COUNT; i++) {
		struct str known = str_from_cstr(metadata_op_names[i]);
		if (name.len != known.len || !str_eq_nocase(name, known)) continue;
		*out = (enum metadata_op)i;
		return true;
	}
	return false;
}

void metadata_target_step(struct metadata_target *target, struct str step_id, int64_t index) {
	uint8_t digest[METADATA_STEP_LEN / 2];
	struct buf seed;
	buf_init(&seed, step_id.len + 32);
	buf_str(&seed, step_id);
	if (index > 0) {
		buf_byte(&seed, ':');
		buf_i64(&seed, index);
	}
	hash_sha1(buf_view(&seed), digest);
	hex_text(digest, sizeof digest, target->step);
	buf_free(&seed);
}

static const char *const own_kinds[] = {
	METADATA_KIND_AI,   METADATA_KIND_HTTP,       "inngest.http.timing", METADATA_KIND_RESPONSE_HEADERS,
	"inngest.warnings", METADATA_KIND_EXPERIMENT, METADATA_KIND_SCORE,
};

bool metadata_kind_is_allowed(struct str kind) {
	if (kind.len == 0 || kind.len > METADATA_KIND_MAX) return false;
	if (!str_starts_with(kind, STR("inngest."))) return true;
	for (size_t i = 0; i < ARRAY_LEN(own_kinds); i++)
		if (str_eq_cstr(kind, own_kinds[i])) return true;
	return false;
}

bool metadata_score_name_is_good(struct str name) {
	if (name.len == 0 || name.len > METADATA_SCORE_NAME_MAX) return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		// C1 control characters take two bytes: 0xC2, 0x80 to 0x9F.
		bool is_c1 = c == 0xC2 && i + 1 < name.len && (unsigned char)name.ptr[i + 1] < 0xA0;
		if (c < ' ' || c == 0x7F || c == '\'' || is_c1) return false;
	}
	return true;
}

bool metadata_score_value_is_good(yyjson_val *value) {
	return yyjson_is_bool(value) || (yyjson_is_num(value) && isfinite(yyjson_get_num(value)));
}

size_t metadata_size(yyjson_val *values) {
	struct buf texts;
	size_t keys = 0;
	yyjson_obj_iter iter;
	buf_init(&texts, SIZE_MAX / 2);
	yyjson_obj_iter_init(values, &iter);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		keys += json_str(key).len;
		json_canonical(&texts, yyjson_obj_iter_get_val(key));
	}
	size_t size = keys + texts.len;
	buf_free(&texts);
	return size;
}
