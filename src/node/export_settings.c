#include "node/export_settings.h"

#include <stdio.h>

#include "base/check.h"
#include "base/hash.h"
#include "model/utf8.h"

#define PATH "/v1/traces"

struct reading {
	struct export_settings *out;
	char *(*get)(const char *name);
	struct error *error;
};

static struct str variable(const struct reading *r, const char *name) {
	return str_trim(str_from_cstr(r->get(name)));
}

// OTEL_EXPORTER_OTLP_TRACES_<what>, else OTEL_EXPORTER_OTLP_<what>.
static struct str of_traces(const struct reading *r, const char *what) {
	char name[64];
	snprintf(name, sizeof name, "OTEL_EXPORTER_OTLP_TRACES_%s", what);
	struct str value = variable(r, name);
	if (value.len > 0) return value;
	snprintf(name, sizeof name, "OTEL_EXPORTER_OTLP_%s", what);
	return variable(r, name);
}

// ---- lists of pairs ------------------------------------------------------------------------------------------------

static struct str unescape(struct arena *arena, struct str text) {
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte;
		bool is_escape =
			text.ptr[i] == '%' && i + 2 < text.len && hex_parse(str_make(text.ptr + i + 1, 2), &byte, 1);
		out[len++] = is_escape ? (char)byte : text.ptr[i];
		if (is_escape) i += 2;
	}
	out[len] = '\0';
	return str_make(out, len);
}

// What is no pair is left out.
static size_t read_pairs(const struct reading *r, struct str text, struct export_pair **out) {
	struct arena *arena = &r->out->arena;
	size_t count = 0;
	*out = ARENA_ARRAY(arena, struct export_pair, EXPORT_PAIRS_MAX);
	for (bool more = text.len > 0; more && count < EXPORT_PAIRS_MAX;) {
		struct str pair, name, value;
		more = str_cut(text, ',', &pair, &text);
		if (!str_cut(pair, '=', &name, &value)) continue;
		name = str_trim(name);
		value = unescape(arena, str_trim(value));
		if (name.len == 0 || !utf8_valid(value)) continue;
		(*out)[count++] = (struct export_pair){.name = arena_dup(arena, name), .value = value};
	}
	return count;
}

// ---- one by one ----------------------------------------------------------------------------------------------------

static bool is_disabled(const struct reading *r) {
	struct str exporter = variable(r, "OTEL_TRACES_EXPORTER");
	return str_eq_nocase(variable(r, "OTEL_SDK_DISABLED"), STR("true")) || str_eq_nocase(exporter, STR("none"));
}

static struct str shown_url(struct arena *arena, struct str url) {
	ptrdiff_t scheme = str_find_str(url, STR("://"));
	size_t start = scheme >= 0 ? (size_t)scheme + 3 : 0, end = start, host = start;
	for (; end < url.len && url.ptr[end] != '?' && url.ptr[end] != '#' && url.ptr[end] != '/'; end++)
		if (url.ptr[end] == '@') host = end + 1;
	while (end < url.len && url.ptr[end] != '?' && url.ptr[end] != '#') end++;
	return arena_cat(arena, str_first(url, start), str_skip(str_first(url, end), host));
}

static void read_url(const struct reading *r) {
	struct arena *arena = &r->out->arena;
	struct str whole = variable(r, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	struct str base = variable(r, "OTEL_EXPORTER_OTLP_ENDPOINT");
	while (base.len > 0 && base.ptr[base.len - 1] == '/') base.len--;
	if (whole.len > 0)
		r->out->url = arena_dup(arena, whole);
	else if (base.len > 0)
		r->out->url = arena_cat(arena, base, STR(PATH));
	r->out->is_on = r->out->url.len > 0;
	if (r->out->is_on) r->out->shown_url = shown_url(arena, r->out->url);
}

static enum err read_forms(const struct reading *r) {
	struct str protocol = of_traces(r, "PROTOCOL"), compression = of_traces(r, "COMPRESSION");
	r->out->encoding = str_eq(protocol, STR("http/json")) ? OTLP_JSON : OTLP_PROTOBUF;
	r->out->gzips = str_eq(compression, STR("gzip"));
	if (protocol.len > 0 && r->out->encoding != OTLP_JSON && !str_eq(protocol, STR("http/protobuf")))
		return error_set(r->error, ERR_INVALID,
				 "the protocol %.*s is not supported: http/protobuf and http/json are",
				 STR_ARG(protocol));
	if (compression.len > 0 && !r->out->gzips && !str_eq(compression, STR("none")))
		return error_set(r->error, ERR_INVALID, "the compression %.*s is not supported: gzip is",
				 STR_ARG(compression));
	if (!str_starts_with_nocase(r->out->url, STR("http://")) &&
	    !str_starts_with_nocase(r->out->url, STR("https://")))
		return error_set(r->error, ERR_INVALID, "the endpoint must begin with http:// or https://: %.*s",
				 STR_ARG(r->out->shown_url));
	return ERR_OK;
}

static uint64_t number_or(struct str text, uint64_t min, uint64_t max, uint64_t otherwise) {
	uint64_t number;
	return str_to_u64(text, &number) && number >= min && number <= max ? number : otherwise;
}

static void add(struct export_settings *out, struct str key, struct str value) {
	for (size_t i = 0; i < out->resource_count; i++) {
		if (!str_eq(out->resource[i].key, key)) continue;
		out->resource[i].value = value;
		return;
	}
	out->resource[out->resource_count++] =
		(struct otlp_attribute){.key = key, .is_text = true, .value = arena_dup(&out->arena, value)};
}

static void read_resource(const struct reading *r, struct str version) {
	struct export_settings *out = r->out;
	struct export_pair *pairs;
	size_t count = read_pairs(r, variable(r, "OTEL_RESOURCE_ATTRIBUTES"), &pairs);
	struct str name = variable(r, "OTEL_SERVICE_NAME");
	out->resource = ARENA_ARRAY(&out->arena, struct otlp_attribute, EXPORT_PAIRS_MAX + 2);
	add(out, STR("service.name"), STR("inngest"));
	add(out, STR("service.version"), version);
	for (size_t i = 0; i < count; i++) add(out, pairs[i].name, pairs[i].value);
	if (name.len > 0 && utf8_valid(name)) add(out, STR("service.name"), arena_dup(&out->arena, name));
}

enum err export_settings_read(struct export_settings *out, char *(*get)(const char *name), struct str version,
			      struct error *error) {
	struct reading r = {.out = out, .get = get, .error = error};
	*out = (struct export_settings){.is_on = false};
	arena_init(&out->arena, 0);
	if (is_disabled(&r)) return ERR_OK;
	read_url(&r);
	if (!out->is_on) return ERR_OK;
	out->header_count = read_pairs(&r, of_traces(&r, "HEADERS"), &out->headers);
	out->timeout_ms = (uint32_t)number_or(of_traces(&r, "TIMEOUT"), 1, 600000, EXPORT_TIMEOUT_DEFAULT_MS);
	out->delay_ms =
		(uint32_t)number_or(variable(&r, "OTEL_BSP_SCHEDULE_DELAY"), 0, 600000, EXPORT_DELAY_DEFAULT_MS);
	out->batch_max =
		(size_t)number_or(variable(&r, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 1, 100000, EXPORT_BATCH_DEFAULT);
	read_resource(&r, version);
	enum err err = read_forms(&r);
	out->is_on = err == ERR_OK;
	return err;
}

void export_settings_free(struct export_settings *settings) {
	arena_free(&settings->arena);
}
