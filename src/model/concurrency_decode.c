// The member `concurrency` of a function, in all the shapes that SDKs send (spec 01 §10.3).
#include "model/function_input.h"
#include "model/members.h"
#include "model/utf8.h"

static const char *const scopes[SCOPE_COUNT] = {"fn", "env", "account"};

bool concurrency_scope_read(struct str text, enum concurrency_scope *out) {
	for (int i = 0; i < SCOPE_COUNT; i++) {
		*out = (enum concurrency_scope)i;
		if (str_eq_nocase(text, str_from_cstr(scopes[i]))) return true;
	}
	return false;
}

static enum err scope_decode(yyjson_val *value, enum concurrency_scope *out, struct error *error) {
	*out = SCOPE_FN;
	if (value == NULL || concurrency_scope_read(json_str(value), out)) return ERR_OK;
	return error_set(error, ERR_INVALID, "%.*s does not belong to ConcurrencyScope values",
			 STR_ARG(utf8_clip(json_str(value), 256)));
}

static enum err element_check(yyjson_val *value, struct error *error) {
	if (yyjson_is_obj(value) || yyjson_is_null(value)) return ERR_OK;
	return error_set(error, ERR_INVALID, "a concurrency limit should be an object, got %s", json_type_text(value));
}

static enum err step_limit_decode(yyjson_val *value, struct step_limit *out, struct error *error) {
	static const struct member_rule rules[] = {{STR_INIT("limit"), MEMBER_INTEGER},
						   {STR_INIT("key"), MEMBER_STRING},
						   {STR_INIT("scope"), MEMBER_STRING},
						   {STR_INIT("hash"), MEMBER_STRING}};
	yyjson_val *m[4];
	enum err err = element_check(value, error);
	if (err == ERR_OK) err = members_read(value, rules, 4, m, "concurrency ", error);
	if (err == ERR_OK) err = scope_decode(m[2], &out->scope, error);
	if (err != ERR_OK) return err;
	out->limit = input_integer(m[0]);
	out->key = optional_text_make(m[1]);
	out->hash = json_str(m[3]);
	return ERR_OK;
}

static enum err function_limit_decode(yyjson_val *value, struct function_limit *out, struct error *error) {
	static const struct member_rule rules[] = {{STR_INIT("limit"), MEMBER_INTEGER},
						   {STR_INIT("key"), MEMBER_STRING},
						   {STR_INIT("scope"), MEMBER_STRING},
						   {STR_INIT("id"), MEMBER_STRING}};
	yyjson_val *m[4];
	enum err err = element_check(value, error);
	if (err == ERR_OK) err = members_read(value, rules, 4, m, "concurrency ", error);
	if (err != ERR_OK) return err;
	out->limit = input_integer(m[0]);
	out->key = optional_text_make(m[1]);
	out->scope = json_str(m[2]);
	out->id = json_str(m[3]);
	return ERR_OK;
}

static enum err step_limits_decode(struct arena *arena, yyjson_val *list, struct concurrency_input *out,
				   struct error *error) {
	out->steps = ARENA_ARRAY(arena, struct step_limit, yyjson_arr_size(list));
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		enum err err = step_limit_decode(element, &out->steps[out->step_count++], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

static enum err function_limits_decode(struct arena *arena, yyjson_val *list, struct concurrency_input *out,
				       struct error *error) {
	out->functions = ARENA_ARRAY(arena, struct function_limit, yyjson_arr_size(list));
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		enum err err = function_limit_decode(element, &out->functions[out->function_count++], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

// {"fn":[…],"step":[…]}: both well typed and one of them not empty.
static bool lists_decode(struct arena *arena, yyjson_val *value, struct concurrency_input *out) {
	static const struct member_rule rules[] = {{STR_INIT("fn"), MEMBER_ARRAY}, {STR_INIT("step"), MEMBER_ARRAY}};
	yyjson_val *m[2];
	struct error unused;
	return members_read(value, rules, 2, m, "", &unused) == ERR_OK &&
	       function_limits_decode(arena, m[0], out, &unused) == ERR_OK &&
	       step_limits_decode(arena, m[1], out, &unused) == ERR_OK && out->function_count + out->step_count > 0;
}

static enum err single_decode(struct arena *arena, yyjson_val *value, struct concurrency_input *out,
			      struct error *error) {
	memset(out, 0, sizeof(*out));
	out->present = true;
	out->steps = ARENA_NEW(arena, struct step_limit);
	out->step_count = 1;
	if (!yyjson_is_int(value)) return step_limit_decode(value, out->steps, error);
	out->steps->limit = input_integer(value);
	return ERR_OK;
}

// The valid ones are at most two (01 §11, 2a), so only those are put in order.
static void step_limits_sort(struct concurrency_input *in) {
	if (in->step_count != 2 || in->steps[0].limit <= in->steps[1].limit) return;
	struct step_limit first = in->steps[0];
	in->steps[0] = in->steps[1];
	in->steps[1] = first;
}

enum err concurrency_decode(struct arena *arena, yyjson_val *value, struct concurrency_input *out,
			    struct error *error) {
	enum err err = ERR_OK;
	memset(out, 0, sizeof(*out));
	if (value == NULL || yyjson_is_null(value)) return ERR_OK;
	out->present = true;
	bool small_integer = yyjson_is_sint(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX);
	if (yyjson_is_arr(value)) {
		err = step_limits_decode(arena, value, out, error);
	} else if (small_integer) {
		err = single_decode(arena, value, out, error);
	} else if (!yyjson_is_obj(value)) {
		out->unreadable = true;
	} else if (!lists_decode(arena, value, out)) {
		err = single_decode(arena, value, out, error);
	}
	step_limits_sort(out);
	return err;
}
