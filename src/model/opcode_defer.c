// Opcodes about functions that are to run when this run has ended (spec 02 §7.12, 03 §24.1).
#include "model/limits.h"
#include "model/opcode_read.h"
#include "model/sessions.h"

#define RESERVED STR("_inngest")

static struct str keep(struct arena *arena, yyjson_val *string) {
	struct str text = json_str(string);
	return text.len > 0 ? arena_dup(arena, text) : (struct str){NULL, 0};
}

// The members that stand on one side of `_inngest` in canonical order, without the braces.
static void write_side(struct buf *out, yyjson_val *object, bool behind) {
	struct buf text;
	struct error unused;
	buf_init(&text, out->max_bytes);
	buf_byte(&text, '{');
	yyjson_obj_iter iter = yyjson_obj_iter_with(object);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		int order = str_cmp(json_str(key), RESERVED);
		if (order == 0 || (order > 0) != behind) continue;
		if (text.len > 1) buf_byte(&text, ',');
		buf_json_str(&text, json_str(key));
		buf_byte(&text, ':');
		json_canonical(&text, yyjson_obj_iter_get_val(key));
	}
	buf_byte(&text, '}');
	struct buf canonical;
	buf_init(&canonical, out->max_bytes);
	if (text.overflow || json_canonicalise(&canonical, buf_view(&text), &unused) != ERR_OK || canonical.overflow)
		out->overflow = true;
	else
		buf_str(out, str_first(str_skip(buf_view(&canonical), 1), canonical.len - 2));
	buf_free(&canonical);
	buf_free(&text);
}

static void read_input(yyjson_val *input, struct opcode *op) {
	struct buf text;
	buf_init(&text, DEFER_INPUT_MAX);
	write_side(&text, input, false);
	op->defer_split = (uint32_t)text.len;
	write_side(&text, input, true);
	if (text.overflow)
		op->defer_refusal = "its data is too large";
	else
		op->output = payload_new(buf_view(&text));
	buf_free(&text);
}

static void read_meta(struct arena *arena, yyjson_val *meta, struct opcode *op) {
	if (meta == NULL || yyjson_is_null(meta)) return;
	struct buf text;
	struct error error;
	struct sessions sessions;
	buf_init(&text, DEFER_META_MAX);
	json_canonical(&text, meta);
	if (!yyjson_is_obj(meta))
		op->defer_refusal = "its meta is no object";
	else if (text.overflow)
		op->defer_refusal = "its meta is too large";
	else if (sessions_read(arena, meta, &sessions, &error) != ERR_OK ||
		 sessions_validate(&sessions, &error) != ERR_OK)
		op->defer_refusal = "the sessions in its meta are not valid";
	if (op->defer_refusal == NULL && sessions.count > 0) {
		buf_clear(&text);
		sessions_write(&text, &sessions);
		op->defer_meta = arena_dup(arena, buf_view(&text));
	}
	buf_free(&text);
}

// In the order of 03 §24.1; what is refused never fails the run.
void opcode_read_defer(struct arena *arena, yyjson_val *opts, struct opcode *op) {
	op->defer_target = keep(arena, json_get_exact(opts, STR("target_hashed_id")));
	if (op->kind != OPCODE_DEFER_ADD) return;
	op->defer_function = keep(arena, json_get_exact(opts, STR("fn_slug")));
	op->defer_is_unreadable = !yyjson_is_obj(opts);
	yyjson_val *input = json_get_exact(opts, STR("input"));
	if (op->defer_function.len == 0 || op->defer_function.len > DEFER_TEXT_MAX)
		op->defer_refusal = "it names no function";
	else if (!yyjson_is_obj(input))
		op->defer_refusal = "its data is no object";
	else
		read_input(input, op);
	if (op->defer_refusal == NULL) read_meta(arena, json_get_exact(opts, STR("meta")), op);
	if (op->defer_refusal != NULL) opcode_release(op);
}
