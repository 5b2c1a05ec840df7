// The body of POST /fn/register: decoded, normalised, its functions checked (spec 01 §5, §6.1, §11).
#include <stdlib.h>

#include "base/hash.h"
#include "model/function_input.h"
#include "model/limits.h"
#include "model/members.h"
#include "model/observations.h"
#include "model/sdk_version.h"

static const struct member_rule envelope_members[] = {
	{STR_INIT("appName"), MEMBER_STRING},        {STR_INIT("url"), MEMBER_STRING},
	{STR_INIT("functions"), MEMBER_ARRAY},       {STR_INIT("sdk"), MEMBER_STRING},
	{STR_INIT("framework"), MEMBER_STRING},      {STR_INIT("v"), MEMBER_STRING},
	{STR_INIT("deployType"), MEMBER_STRING},     {STR_INIT("appVersion"), MEMBER_STRING},
	{STR_INIT("capabilities"), MEMBER_OBJECT},   {STR_INIT("headers"), MEMBER_OBJECT},
	{STR_INIT("idempotencyKey"), MEMBER_STRING}, {STR_INIT("featureObservations"), MEMBER_OBJECT},
};
enum {
	ENV_APP_NAME,
	ENV_URL,
	ENV_FUNCTIONS,
	ENV_SDK,
	ENV_FRAMEWORK,
	ENV_V,
	ENV_DEPLOY_TYPE,
	ENV_APP_VERSION,
	ENV_CAPABILITIES,
	ENV_HEADERS,
	ENV_IDEMPOTENCY_KEY,
	ENV_OBSERVATIONS,
	ENV_MEMBERS
};

static const struct member_rule capability_members[] = {
	{STR_INIT("in_band_sync"), MEMBER_STRING},
	{STR_INIT("trust_probe"), MEMBER_STRING},
	{STR_INIT("connect"), MEMBER_STRING},
};
enum { CAPABILITY_IN_BAND_SYNC, CAPABILITY_TRUST_PROBE, CAPABILITY_CONNECT, CAPABILITY_MEMBERS };

static const struct member_rule header_members[] = {
	{STR_INIT("env"), MEMBER_STRING},
	{STR_INIT("platform"), MEMBER_STRING},
};

// What stands for one function in the checksum.
struct digest_part {
	struct str slug;
	struct str text;
	size_t position;
};

struct reading {
	struct arena *arena;  // of the registration
	struct arena scratch; // of this reading
	yyjson_val *envelope[ENV_MEMBERS];
	yyjson_val *capabilities[CAPABILITY_MEMBERS];
	struct problems problems;
	struct digest_part *parts; // one for each function sent
	size_t part_count;
	struct registration *out;
};

static struct str text_of(const struct reading *reading, int member) {
	return arena_dup(reading->arena, json_str(reading->envelope[member]));
}

// "js:v4.24.0" → language and version.
static void sdk_split(struct str sdk, struct registration *out) {
	struct str unused;
	out->sdk_version = STR("");
	if (str_cut(sdk, ':', &out->sdk_language, &out->sdk_version))
		str_cut(out->sdk_version, ':', &out->sdk_version, &unused);
	out->sdk_denied = sdk_version_denied(out->sdk_language, out->sdk_version);
}

static enum err envelope_read(struct reading *reading, yyjson_val *root, struct error *error) {
	yyjson_val *headers[2];
	struct registration *out = reading->out;
	if (!yyjson_is_obj(root) && !yyjson_is_null(root))
		return error_set(error, ERR_INVALID, "the body should be an object, got %s", json_type_text(root));
	enum err err = members_read(root, envelope_members, ENV_MEMBERS, reading->envelope, "", error);
	if (err == ERR_OK)
		err = members_read(reading->envelope[ENV_CAPABILITIES], capability_members, CAPABILITY_MEMBERS,
				   reading->capabilities, "capabilities.", error);
	if (err == ERR_OK)
		err = members_read(reading->envelope[ENV_HEADERS], header_members, 2, headers, "headers.", error);
	if (err == ERR_OK)
		err = observations_read(reading->arena, reading->envelope[ENV_OBSERVATIONS], &out->metadata,
					&out->has_observations, error);
	if (err != ERR_OK) return err;
	bool connect = str_eq(json_str(reading->envelope[ENV_DEPLOY_TYPE]), STR("connect")) &&
		       str_eq(json_str(reading->capabilities[CAPABILITY_CONNECT]), STR("v1"));
	out->app_name = text_of(reading, ENV_APP_NAME);
	out->url = url_normalise(reading->arena, text_of(reading, ENV_URL), NULL);
	out->framework = text_of(reading, ENV_FRAMEWORK);
	out->app_version = text_of(reading, ENV_APP_VERSION);
	out->method = connect ? STR("connect") : STR("serve");
	sdk_split(text_of(reading, ENV_SDK), out);
	return ERR_OK;
}

// The normalised form, which holds all that has a meaning; for an invalid function what was sent.
static void digest_part_add(struct reading *reading, yyjson_val *sent, const struct function_config *config) {
	struct digest_part *part = &reading->parts[reading->part_count];
	part->position = reading->part_count++;
	if (config != NULL) {
		part->slug = config->slug;
		part->text = config->config_members;
		return;
	}
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	json_canonical(&text, sent);
	part->text = arena_dup(&reading->scratch, buf_view(&text));
	buf_free(&text);
}

static enum err function_read(struct reading *reading, yyjson_val *value, struct error *error) {
	struct function_input input;
	struct arena arena;
	arena_init(&arena, 0);
	enum err err = function_decode(&arena, value, &input, error);
	if (err == ERR_OK) {
		size_t before = reading->problems.count;
		if (function_convert(&arena, &input, &reading->problems)) function_validate(&input, &reading->problems);
		struct function_config *config = NULL;
		if (reading->problems.count == before) {
			config = &reading->out->functions[reading->out->function_count++];
			function_config_build(reading->arena, &input, config);
		}
		digest_part_add(reading, value, config);
	}
	arena_free(&arena);
	return err;
}

static enum err functions_read(struct reading *reading, struct error *error) {
	yyjson_val *list = reading->envelope[ENV_FUNCTIONS];
	size_t count = yyjson_arr_size(list);
	if (count > REGISTER_FUNCTIONS_MAX)
		return error_set(error, ERR_INVALID, "more than %u functions", REGISTER_FUNCTIONS_MAX);
	reading->out->functions = ARENA_ARRAY(reading->arena, struct function_config, count);
	reading->parts = ARENA_ARRAY(&reading->scratch, struct digest_part, count);
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *value; (value = yyjson_arr_iter_next(&iter)) != NULL;) {
		enum err err = function_read(reading, value, error);
		if (err == ERR_OK) continue;
		error_prefix(error, "functions[%zu]", reading->part_count);
		return err;
	}
	reading->out->problems = problems_text(&reading->problems);
	reading->out->problems_json = problems_json(&reading->problems);
	return ERR_OK;
}

static int compare_parts(const void *left, const void *right) {
	const struct digest_part *a = left;
	const struct digest_part *b = right;
	int order = str_cmp(a->slug, b->slug);
	if (order != 0) return order;
	return a->position < b->position ? -1 : a->position > b->position;
}

// Every text is quoted, so that no two requests are written alike.
static void checksum_make(struct reading *reading) {
	static const int members[] = {ENV_V,           ENV_DEPLOY_TYPE,    ENV_SDK, ENV_FRAMEWORK, ENV_APP_NAME,
				      ENV_APP_VERSION, ENV_IDEMPOTENCY_KEY};
	struct buf text;
	uint8_t digest[32];
	buf_init(&text, SIZE_MAX / 2);
	buf_json_str(&text, reading->out->url);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		buf_json_str(&text, json_str(reading->envelope[members[i]]));
	for (size_t i = 0; i < CAPABILITY_MEMBERS; i++) buf_json_str(&text, json_str(reading->capabilities[i]));
	if (reading->part_count > 1) qsort(reading->parts, reading->part_count, sizeof(*reading->parts), compare_parts);
	for (size_t i = 0; i < reading->part_count; i++) {
		buf_byte(&text, '{');
		buf_str(&text, reading->parts[i].text);
		buf_byte(&text, '}');
	}
	hash_sha256(buf_view(&text), digest);
	hex_text(digest, sizeof(digest), reading->out->checksum);
	buf_free(&text);
}

enum err registration_parse(struct arena *arena, struct str body, struct registration *out, struct error *error) {
	memset(out, 0, sizeof(*out));
	struct reading reading = {.arena = arena, .problems = {.arena = arena}, .out = out};
	enum err err = ERR_INVALID;
	yyjson_doc *doc = json_read(body, true, NULL, error);
	arena_init(&reading.scratch, 0);
	if (doc != NULL) err = envelope_read(&reading, yyjson_doc_get_root(doc), error);
	if (err == ERR_OK) err = functions_read(&reading, error);
	if (err == ERR_OK) {
		checksum_make(&reading);
	} else {
		error_prefix(error, "Invalid request");
	}
	arena_free(&reading.scratch);
	yyjson_doc_free(doc);
	return err;
}
