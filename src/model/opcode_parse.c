// From JSON to opcodes (spec 02 §6.1, §6.2): types, sizes, memoised forms.
#include "base/check.h"
#include "model/limits.h"
#include "model/members.h"
#include "model/opcode.h"
#include "model/opcode_read.h"
#include "model/utf8.h"

#define ID_SHOWN_MAX 256u // bytes of a step id in a message

// Canonical text can be longer than what came (1e20, escapes), at most by this factor.
#define CANONICAL_GROWTH 8u

struct reader {
	struct arena *arena;
	enum opcode_source source;
	bool no_retry;
	struct buf scratch;
	struct error *error;
};

enum { OP, ID, NAME, DISPLAY_NAME, OPTS, DATA, ERROR, TIMING, USERLAND, METADATA, OP_MEMBERS };
static const struct member_rule op_members[OP_MEMBERS] = {
	[OP] = {STR_INIT("op"), MEMBER_ANY},
	[ID] = {STR_INIT("id"), MEMBER_STRING},
	[NAME] = {STR_INIT("name"), MEMBER_STRING},
	[DISPLAY_NAME] = {STR_INIT("displayName"), MEMBER_STRING},
	[OPTS] = {STR_INIT("opts"), MEMBER_ANY},
	[DATA] = {STR_INIT("data"), MEMBER_ANY},
	[ERROR] = {STR_INIT("error"), MEMBER_OBJECT},
	[TIMING] = {STR_INIT("timing"), MEMBER_OBJECT},
	[USERLAND] = {STR_INIT("userland"), MEMBER_OBJECT},
	[METADATA] = {STR_INIT("metadata"), MEMBER_ARRAY},
};

enum { CAUSE, ERROR_DATA, MESSAGE, ERROR_NAME, NO_RETRY, STACK, ERROR_MEMBERS }; // in canonical order
static const struct member_rule error_members[ERROR_MEMBERS] = {
	[CAUSE] = {STR_INIT("cause"), MEMBER_ANY},        [ERROR_DATA] = {STR_INIT("data"), MEMBER_ANY},
	[MESSAGE] = {STR_INIT("message"), MEMBER_STRING}, [ERROR_NAME] = {STR_INIT("name"), MEMBER_STRING},
	[NO_RETRY] = {STR_INIT("noRetry"), MEMBER_BOOL},  [STACK] = {STR_INIT("stack"), MEMBER_STRING},
};

enum {
	OPTS_DURATION,
	OPTS_TYPE,
	OPTS_PARALLEL,
	OPTS_INPUT,
	OPTS_BODY,
	OPTS_EVENT,
	OPTS_TIMEOUT,
	OPTS_IF,
	OPTS_FUNCTION_ID,
	OPTS_PAYLOAD,
	OPTS_SIGNAL,
	OPTS_CONFLICT,
	OPTS_MEMBERS
};
static const struct member_rule opts_members[OPTS_MEMBERS] = {
	[OPTS_DURATION] = {STR_INIT("duration"), MEMBER_ANY},
	[OPTS_TYPE] = {STR_INIT("type"), MEMBER_ANY},
	[OPTS_PARALLEL] = {STR_INIT("parallelMode"), MEMBER_ANY},
	[OPTS_INPUT] = {STR_INIT("input"), MEMBER_ANY},
	[OPTS_BODY] = {STR_INIT("body"), MEMBER_ANY},
	[OPTS_EVENT] = {STR_INIT("event"), MEMBER_ANY},
	[OPTS_TIMEOUT] = {STR_INIT("timeout"), MEMBER_ANY},
	[OPTS_IF] = {STR_INIT("if"), MEMBER_ANY},
	[OPTS_FUNCTION_ID] = {STR_INIT("function_id"), MEMBER_ANY},
	[OPTS_PAYLOAD] = {STR_INIT("payload"), MEMBER_ANY},
	[OPTS_SIGNAL] = {STR_INIT("signal"), MEMBER_ANY},
	[OPTS_CONFLICT] = {STR_INIT("conflict"), MEMBER_ANY},
};

static const struct member_rule timing_members[] = {
	{STR_INIT("a"), MEMBER_INTEGER},
	{STR_INIT("b"), MEMBER_INTEGER},
};
static const struct member_rule userland_members[] = {
	{STR_INIT("id"), MEMBER_STRING},
	{STR_INIT("index"), MEMBER_INTEGER},
};
static const struct member_rule metadata_members[] = {
	{STR_INIT("scope"), MEMBER_STRING},
	{STR_INIT("op"), MEMBER_STRING},
};

// Names of spec 02 §16, NULL-terminated.
static const char *const metadata_scopes[] = {"run", "step", "step_attempt", "extended_trace", "request", NULL};
static const char *const metadata_ops[] = {"merge", "set", "delete", "add", NULL};

static struct str keep(struct reader *reader, yyjson_val *string) {
	struct str text = json_str(string);
	return text.len > 0 ? arena_dup(reader->arena, text) : (struct str){NULL, 0};
}

// Canonical text, valid until the scratch buffer is used again.
static struct str scratch_canonical(struct reader *reader, yyjson_val *value) {
	buf_clear(&reader->scratch);
	json_canonical(&reader->scratch, value);
	return buf_view(&reader->scratch);
}

static enum err too_large(struct reader *reader, const struct opcode *op, const char *what) {
	struct str id = utf8_clip(op->id, ID_SHOWN_MAX);
	if (reader->source == OPCODES_OF_CHECKPOINT)
		return error_set(reader->error, ERR_TOO_LARGE,
				 "step %.*s output too large: step %s size is greater than the limit", STR_ARG(id),
				 what);
	return error_set(reader->error, ERR_TOO_LARGE,
			 "error validating generator opcode %.*s: step %s size is greater than the limit", STR_ARG(id),
			 what);
}

// An id is never cut: two steps would become one.
static enum err check_id(struct reader *reader, const struct opcode *op) {
	if (op->id.len <= STEP_ID_MAX) return ERR_OK;
	struct str id = utf8_clip(op->id, ID_SHOWN_MAX);
	return error_set(reader->error, ERR_INVALID,
			 "error validating generator opcode %.*s: step id is longer than %u bytes", STR_ARG(id),
			 STEP_ID_MAX);
}

static enum err read_kind(struct reader *reader, yyjson_val *value, struct opcode *op) {
	if (value == NULL) return ERR_OK; // None
	if (yyjson_is_ctn(value))
		return error_set(reader->error, ERR_INVALID, "Opcode should be a string, got %s",
				 json_type_text(value));
	if (!yyjson_is_str(value)) {
		struct str text = scratch_canonical(reader, value);
		return error_set(reader->error, ERR_INVALID, "Opcode should be a string, got %.*s", STR_ARG(text));
	}
	if (opcode_from_name(json_str(value), &op->kind)) return ERR_OK;
	struct str name = utf8_clip(json_str(value), ID_SHOWN_MAX);
	return error_set(reader->error, ERR_INVALID, "%.*s does not belong to Opcode values", STR_ARG(name));
}

static enum parallel_mode parallel_from(yyjson_val *value) {
	struct str text = json_str(value);
	if (str_eq_nocase(text, STR("race"))) return PARALLEL_RACE;
	return str_eq_nocase(text, STR("wait")) ? PARALLEL_WAIT : PARALLEL_NONE;
}

// The member whose size 02 §6.1 bounds, by kind.
static yyjson_val *bounded_input(const struct opcode *op, yyjson_val *const *opts) {
	switch (op->kind) {
	case OPCODE_STEP:
	case OPCODE_STEP_RUN:
		return opts[OPTS_INPUT];
	case OPCODE_AI_GATEWAY:
		return opts[OPTS_BODY];
	default:
		return NULL;
	}
}

static void read_signal(struct reader *reader, yyjson_val *const *opts, struct opcode *op) {
	yyjson_val *timeout = opts[OPTS_TIMEOUT];
	op->signal_name = keep(reader, opts[OPTS_SIGNAL]);
	op->signal_timeout = keep(reader, timeout);
	// Not a wait of a year: the engine finds that it is no time.
	if (timeout != NULL && !yyjson_is_null(timeout) && !yyjson_is_str(timeout))
		op->signal_timeout = arena_dup(reader->arena, scratch_canonical(reader, timeout));
	op->signal_replaces = str_eq(json_str(opts[OPTS_CONFLICT]), STR("replace"));
}

static enum err read_opts(struct reader *reader, yyjson_val *value, struct opcode *op) {
	if (op->kind == OPCODE_SLEEP) op->duration = op->name;
	if (opcode_table[op->kind].lazy) {
		opcode_read_defer(reader->arena, value, op);
		return ERR_OK;
	}
	if (value == NULL || yyjson_is_null(value)) return ERR_OK;
	if (yyjson_is_obj(value) && yyjson_obj_size(value) == 0) {
		op->opts = STR("{}"); // what most steps carry
		return ERR_OK;
	}
	struct str text = scratch_canonical(reader, value);
	op->opts = arena_dup(reader->arena, text);

	yyjson_val *opts[OPTS_MEMBERS];
	enum err err = members_read(value, opts_members, OPTS_MEMBERS, opts, "opts.", reader->error);
	if (err != ERR_OK) return err;
	op->parallel = parallel_from(opts[OPTS_PARALLEL]);
	op->opts_type = keep(reader, opts[OPTS_TYPE]);
	if (op->kind == OPCODE_SLEEP && json_str(opts[OPTS_DURATION]).len > 0)
		op->duration = keep(reader, opts[OPTS_DURATION]);
	if (op->kind == OPCODE_WAIT_FOR_EVENT) {
		op->wait_event = keep(reader, opts[OPTS_EVENT]);
		op->wait_timeout = keep(reader, opts[OPTS_TIMEOUT]);
		op->wait_is_conditional = yyjson_is_str(opts[OPTS_IF]);
		op->wait_if = keep(reader, opts[OPTS_IF]);
	}
	if (op->kind == OPCODE_INVOKE_FUNCTION) {
		op->invoke_fn_id = keep(reader, opts[OPTS_FUNCTION_ID]);
		op->invoke_timeout = keep(reader, opts[OPTS_TIMEOUT]);
		if (yyjson_is_obj(opts[OPTS_PAYLOAD]))
			op->invoke_payload = arena_dup(reader->arena, scratch_canonical(reader, opts[OPTS_PAYLOAD]));
	}
	if (op->kind == OPCODE_WAIT_FOR_SIGNAL) read_signal(reader, opts, op);
	// A checkpoint checks outputs only (02 §13.3).
	if (reader->source == OPCODES_OF_ANSWER && op->opts.len > STEP_INPUT_MAX) {
		yyjson_val *input = bounded_input(op, opts);
		if (input != NULL && scratch_canonical(reader, input).len > STEP_INPUT_MAX)
			return too_large(reader, op, "input");
	}
	return ERR_OK;
}

static bool name_known(yyjson_val *value, const char *const *names) {
	if (value == NULL) return true;
	for (; *names != NULL; names++)
		if (str_eq_nocase(json_str(value), str_from_cstr(*names))) return true;
	return false;
}

// Metadata is for traces; only what makes the whole answer invalid is looked at (02 §16).
static enum err read_metadata(struct reader *reader, yyjson_val *array, struct opcode *op) {
	yyjson_arr_iter iter;
	if (!yyjson_arr_iter_init(array, &iter)) return ERR_OK;
	for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter)) != NULL;) {
		if (yyjson_is_null(item)) continue;
		if (!yyjson_is_obj(item))
			return error_set(reader->error, ERR_INVALID, "metadata should hold objects, got %s",
					 json_type_text(item));
		yyjson_val *values[ARRAY_LEN(metadata_members)];
		enum err err = members_read(item, metadata_members, ARRAY_LEN(metadata_members), values, "metadata.",
					    reader->error);
		if (err != ERR_OK) return err;
		bool scope_known = name_known(values[0], metadata_scopes);
		if (scope_known && name_known(values[1], metadata_ops)) continue;
		struct str name = utf8_clip(json_str(scope_known ? values[1] : values[0]), ID_SHOWN_MAX);
		return error_set(reader->error, ERR_INVALID, "%.*s does not belong to metadata %s values",
				 STR_ARG(name), scope_known ? "op" : "scope");
	}
	if (yyjson_arr_size(array) > 0) op->metadata = arena_dup(reader->arena, scratch_canonical(reader, array));
	return ERR_OK;
}

static enum err read_tracing(struct reader *reader, yyjson_val *const *members, struct opcode *op) {
	yyjson_val *timing[ARRAY_LEN(timing_members)], *userland[ARRAY_LEN(userland_members)];
	enum err err = members_read(members[TIMING], timing_members, ARRAY_LEN(timing_members), timing, "timing.",
				    reader->error);
	if (err != ERR_OK) return err;
	op->timing_start_ns = yyjson_get_sint(timing[0]);
	op->timing_ns = yyjson_get_sint(timing[1]);
	err = members_read(members[USERLAND], userland_members, ARRAY_LEN(userland_members), userland, "userland.",
			   reader->error);
	if (opcode_table[op->kind].lazy) op->defer_name = keep(reader, userland[0]);
	return err != ERR_OK ? err : read_metadata(reader, members[METADATA], op);
}

// Appends `"name":value,` of a UserError.
static void error_member(struct buf *out, const char *name, yyjson_val *value) {
	buf_printf(out, "\"%s\":", name);
	json_canonical(out, value);
	buf_byte(out, ',');
}

// {"error":UserError}: only the known members, in canonical order (02 §5.1).
static enum err error_output(struct reader *reader, yyjson_val *value, struct opcode *op) {
	yyjson_val *members[ERROR_MEMBERS];
	enum err err = members_read(value, error_members, ERROR_MEMBERS, members, "error.", reader->error);
	if (err != ERR_OK) return err;
	op->error_name = keep(reader, members[ERROR_NAME]);
	op->error_message = keep(reader, members[MESSAGE]);
	if (op->kind != OPCODE_STEP_ERROR && op->kind != OPCODE_STEP_FAILED) return ERR_OK;
	if (value == NULL && op->kind == OPCODE_STEP_ERROR) {
		struct str id = utf8_clip(op->id, ID_SHOWN_MAX);
		return error_set(reader->error, ERR_INVALID,
				 "error validating generator opcode %.*s: a StepError must have an error", STR_ARG(id));
	}
	// A StepFailed that says nothing still has to read as an error in the app.
	if (value == NULL) op->error_name = STR("Error"), op->error_message = STR("Unknown error");
	bool no_retry = op->kind == OPCODE_STEP_ERROR ? reader->no_retry : yyjson_get_bool(members[NO_RETRY]);

	struct buf *out = &reader->scratch;
	buf_clear(out);
	buf_lit(out, "{\"error\":{");
	if (members[CAUSE] != NULL) error_member(out, "cause", members[CAUSE]);
	if (members[ERROR_DATA] != NULL) error_member(out, "data", members[ERROR_DATA]);
	buf_lit(out, "\"message\":");
	buf_json_str(out, op->error_message);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, op->error_name);
	if (no_retry) buf_lit(out, ",\"noRetry\":true");
	if (json_str(members[STACK]).len > 0) {
		buf_lit(out, ",\"stack\":");
		buf_json_str(out, json_str(members[STACK]));
	}
	buf_lit(out, "}}");
	if (out->overflow || out->len > STEP_OUTPUT_MAX) return too_large(reader, op, "output");
	op->output = payload_new(buf_view(out));
	return ERR_OK;
}

// The memoised form of `data` (02 §8).
static enum err data_output(struct reader *reader, yyjson_val *data, struct opcode *op) {
	struct str before = {NULL, 0}, after = {NULL, 0};
	switch (op->kind) {
	case OPCODE_STEP_ERROR:
	case OPCODE_STEP_FAILED:
		return ERR_OK; // `data` of these is a copy of the error
	case OPCODE_DEFER_ADD:
	case OPCODE_DEFER_ABORT:
		return ERR_OK; // theirs is in opts
	case OPCODE_STEP_RUN:
		before = STR("{\"data\":");
		after = STR("}");
		break;
	case OPCODE_STEP:
	case OPCODE_RUN_COMPLETE:
		break; // missing reads as null
	default:
		if (data == NULL || yyjson_is_null(data)) return ERR_OK;
	}
	op->output = json_canonical_payload(before, data, after, STEP_OUTPUT_MAX);
	return op->output != NULL ? ERR_OK : too_large(reader, op, "output");
}

static enum err read_op(struct reader *reader, yyjson_val *value, size_t index, struct opcode *op) {
	memset(op, 0, sizeof(*op));
	if (yyjson_is_null(value))
		return error_set(reader->error, ERR_INVALID,
				 "error validating generator opcode %zu: opcode cannot be null", index);
	if (!yyjson_is_obj(value))
		return error_set(reader->error, ERR_INVALID, "opcode %zu should be an object, got %s", index,
				 json_type_text(value));
	yyjson_val *members[OP_MEMBERS];
	enum err err = members_read(value, op_members, OP_MEMBERS, members, "", reader->error);
	if (err != ERR_OK) {
		error_prefix(reader->error, "opcode %zu", index);
		return err;
	}
	err = read_kind(reader, members[OP], op);
	if (err != ERR_OK) return err;

	op->id = keep(reader, members[ID]);
	err = check_id(reader, op);
	if (err != ERR_OK) return err;
	op->name = keep(reader, members[NAME]);
	op->display_name = json_str(members[DISPLAY_NAME]).len > 0 ? keep(reader, members[DISPLAY_NAME])
			   : op->name.len > 0                      ? op->name
								   : op->id;
	err = read_opts(reader, members[OPTS], op);
	if (err == ERR_OK) err = read_tracing(reader, members, op);
	if (err == ERR_OK) err = error_output(reader, members[ERROR], op);
	if (err == ERR_OK) err = data_output(reader, members[DATA], op);
	return err;
}

static void release_all(struct opcode *ops, size_t count) {
	for (size_t i = 0; i < count; i++) opcode_release(&ops[i]);
}

// Reads `total` ops from `first` on. Of an answer with too many, the surplus is checked but not kept: the count alone
// fails the run (02 §6.5 step 6), and memory stays bounded.
static enum err read_list(struct reader *reader, yyjson_val *value, size_t total, yyjson_arr_iter *iter,
			  struct opcode **ops, size_t *count) {
	size_t kept = total;
	if (reader->source == OPCODES_OF_ANSWER && kept > ANSWER_OPCODES_MAX + 1) kept = ANSWER_OPCODES_MAX + 1;
	*ops = ARENA_ARRAY(reader->arena, struct opcode, kept > 0 ? kept : 1);
	for (size_t i = 0; i < total; i++) {
		struct opcode surplus;
		struct opcode *op = i < kept ? &(*ops)[i] : &surplus;
		enum err err = read_op(reader, iter != NULL ? yyjson_arr_iter_next(iter) : value, i, op);
		if (i >= kept) opcode_release(op);
		if (err != ERR_OK) return err;
		if (i < kept) (*count)++;
	}
	return ERR_OK;
}

enum err opcodes_read(struct arena *arena, yyjson_val *value, enum opcode_source source, bool no_retry,
		      struct opcode **ops, size_t *count, struct error *error) {
	*ops = NULL;
	*count = 0;
	bool checkpoint = source == OPCODES_OF_CHECKPOINT;
	if (checkpoint && (value == NULL || yyjson_is_null(value))) return ERR_OK;
	if (!yyjson_is_ctn(value)) return error_set(error, ERR_INVALID, "expected JSON object or array");
	if (yyjson_is_arr(value) && yyjson_arr_size(value) == 0) {
		*ops = ARENA_NEW(arena, struct opcode); // one None
		*count = checkpoint ? 0 : 1;
		return ERR_OK;
	}
	if (checkpoint && yyjson_arr_size(value) > CHECKPOINT_OPCODES_MAX)
		return error_set(error, ERR_INVALID, "a checkpoint may hold at most %u steps", CHECKPOINT_OPCODES_MAX);
	struct reader reader = {.arena = arena, .source = source, .no_retry = no_retry, .error = error};
	buf_init(&reader.scratch, (size_t)CANONICAL_GROWTH * CHECKPOINT_BODY_MAX);
	yyjson_arr_iter iter;
	bool array = yyjson_arr_iter_init(value, &iter);
	enum err err = read_list(&reader, value, array ? yyjson_arr_size(value) : 1, array ? &iter : NULL, ops, count);
	buf_free(&reader.scratch);
	if (err != ERR_OK && !(checkpoint && err == ERR_TOO_LARGE)) {
		release_all(*ops, *count);
		*count = 0;
	}
	return err;
}

enum err opcodes_parse(struct arena *arena, struct str body, bool no_retry, struct opcode **ops, size_t *count,
		       struct error *error) {
	*ops = NULL;
	*count = 0;
	body = str_trim(body);
	if (body.len == 0) return error_set(error, ERR_INVALID, "no response data");
	if (body.ptr[0] != '{' && body.ptr[0] != '[')
		return error_set(error, ERR_INVALID, "expected JSON object or array");
	yyjson_doc *doc = json_read(body, false, NULL, error);
	if (doc == NULL) {
		error_prefix(error, "error decoding opcodes");
		return ERR_INVALID;
	}
	enum err err = opcodes_read(arena, yyjson_doc_get_root(doc), OPCODES_OF_ANSWER, no_retry, ops, count, error);
	yyjson_doc_free(doc);
	return err;
}

enum err opcodes_parse_value(struct arena *arena, yyjson_val *value, bool no_retry, struct opcode **ops, size_t *count,
			     struct error *error) {
	return opcodes_read(arena, value, OPCODES_OF_CHECKPOINT, no_retry, ops, count, error);
}
