// The body of POST /fn/register, and what is stored of each function read back.
#include "fuzz.h"
#include "model/function.h"
#include "model/function_view.h"

static void check_triggers(const struct function_config *a, const struct function_config *b) {
	CHECK(a->trigger_count == b->trigger_count);
	for (size_t i = 0; i < a->trigger_count; i++) {
		CHECK(str_eq(a->triggers[i].event, b->triggers[i].event));
		CHECK(str_eq(a->triggers[i].expression, b->triggers[i].expression));
		CHECK(str_eq(a->triggers[i].cron, b->triggers[i].cron));
	}
}

static void check_flow(const struct flow_control *flow) {
	CHECK(flow->step_count <= FUNCTION_CONCURRENCY_MAX);
	for (size_t i = 0; i < flow->step_count; i++)
		CHECK(flow->steps[i].scope == SCOPE_FN || flow->steps[i].key.len > 0);
	CHECK((flow->batch.size_max > 1) == (flow->batch.timeout_ms > 0));
	CHECK((flow->throttle.limit > 0) == (flow->throttle.period_ns > 0));
	CHECK((flow->rate_limit.limit > 0) == (flow->rate_limit.period_ns > 0));
}

// What people see of a stored form, ours or anybody's.
static void check_view(struct arena *arena, struct str stored) {
	struct function_view view;
	function_view_read(arena, stored, &view);
	CHECK(view.concurrency_count > 0);
	for (size_t i = 0; i < view.trigger_count; i++) fuzz_check_utf8(view.triggers[i].value);
	for (size_t i = 0; i < view.concurrency_count; i++) CHECK(view.concurrency[i].scope < SCOPE_COUNT);
	fuzz_check_utf8(view.throttle.period);
}

static void check_function(struct arena *arena, const struct function_config *function) {
	const struct uuid id = {{1, 2, 3, 4}};
	struct str stored = function_config_json(arena, &id, 7, function->config_members);
	struct uuid id_back;
	uint32_t version;
	struct function_config back;
	struct error error = {0};
	CHECK(function_config_restore(arena, stored, &id_back, &version, &back, &error) == ERR_OK);
	CHECK(uuid_eq(&id, &id_back) && version == 7);
	CHECK(str_eq(back.name, function->name) && str_eq(back.slug, function->slug));
	CHECK(str_eq(back.uri, function->uri) && back.retries == function->retries);
	CHECK(str_eq(back.config_members, function->config_members));
	check_triggers(function, &back);
	check_flow(&back.flow);
	check_view(arena, stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena arena;
	arena_init(&arena, 4096);
	struct registration registration;
	struct error error = {0};
	check_view(&arena, str_make(data, size));
	if (registration_parse(&arena, str_make(data, size), &registration, &error) != ERR_OK) {
		fuzz_check_error(&error);
	} else {
		fuzz_check_utf8(registration.problems);
		if (registration.problems_json.len > 0) {
			yyjson_doc *doc = json_read(registration.problems_json, false, NULL, NULL);
			CHECK(doc != NULL && yyjson_is_arr(yyjson_doc_get_root(doc)));
			yyjson_doc_free(doc);
		}
		for (size_t i = 0; registration.problems.len == 0 && i < registration.function_count; i++)
			check_function(&arena, &registration.functions[i]);
	}
	arena_free(&arena);
	return 0;
}
