// Calls as the engine makes them, for the driver's tests.
#ifndef TESTS_UNIT_DRIVER_CALL_HELPER_H
#define TESTS_UNIT_DRIVER_CALL_HELPER_H

#include "base/check.h"
#include "base/hash.h"
#include "driver/driver.h"

#define CALL_RUN "01M7YHSDSZW77HW7C51DX099JF"
#define CALL_FUNCTION "f7030000-1111-5222-8333-444455556666"
#define CALL_APP "a0000000-1111-5222-8333-444455556666"
#define CALL_EVENT "{\"data\":{\"k\":1},\"id\":\"e\",\"name\":\"t/seq\",\"ts\":1795247902496,\"user\":{}}"

static inline struct call *call_make(const char *url, size_t step_count) {
	struct call *call = mem_calloc(1, sizeof *call);
	arena_init(&call->arena, 0);
	CHECK(ulid_parse(STR(CALL_RUN), &call->run_id) && uuid_parse(STR(CALL_FUNCTION), &call->function_id) &&
	      uuid_parse(STR(CALL_APP), &call->app_id));
	call->slot = 7;
	call->generation = 2;
	call->dispatch = 99;
	call->url = arena_dup(&call->arena, str_from_cstr(url));
	call->attempt = 1;
	call->max_attempts = 5;
	call->request_version = 1;
	call->job_hash = hash_xxh64(STR("some job id"));
	call->events.data = payload_new(STR("[" CALL_EVENT "]"));
	call->events.size = call->events.data->len;
	call->first_event_len = sizeof CALL_EVENT - 1;
	call->steps = ARENA_ARRAY(&call->arena, struct call_step, step_count);
	call->step_count = step_count;
	return call;
}

static inline void call_set_step(struct call *call, size_t i, const char *id, const char *value) {
	call->steps[i].id = arena_dup(&call->arena, str_from_cstr(id));
	call->steps[i].value.data = payload_new(str_from_cstr(value));
	call->steps[i].value.size = call->steps[i].value.data->len;
}

#endif
