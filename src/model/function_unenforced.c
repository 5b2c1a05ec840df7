// Which settings of a function are stored but not acted upon by this release: people are told, not left to find out.
#include "model/function_input.h"

static const struct str settings[] = {
	STR_INIT("batchEvents"), STR_INIT("concurrency"), STR_INIT("debounce"), STR_INIT("priority"),
	STR_INIT("rateLimit"),   STR_INIT("singleton"),   STR_INIT("throttle"),
};

static void add(struct buf *out, struct str name) {
	if (out->len > 0) buf_lit(out, ", ");
	buf_str(out, name);
}

void function_unenforced(const struct function_config *config, struct buf *out) {
	struct arena arena;
	arena_init(&arena, 1024);
	struct str json = arena_cat(&arena, arena_cat(&arena, STR("{"), config->config_members), STR("}"));
	struct error error;
	yyjson_doc *doc = json_read(json, false, NULL, &error);
	for (size_t i = 0; doc != NULL && i < sizeof settings / sizeof settings[0]; i++) {
		yyjson_val *value = json_get_exact(yyjson_doc_get_root(doc), settings[i]);
		bool empty =
			value == NULL || yyjson_is_null(value) || (yyjson_is_arr(value) && yyjson_arr_size(value) == 0);
		bool enforced = str_eq(settings[i], STR("rateLimit")) && function_is_idempotency(value);
		if (!empty && !enforced) add(out, settings[i]);
	}
	yyjson_doc_free(doc);
	arena_free(&arena);
}
