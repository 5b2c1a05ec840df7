#include "scenario.h"

#include <stdio.h>

#include "base/check.h"
#include "base/hash.h"

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)
#define KEY "\"key\":\"event.data.key\""

const struct scenario scenarios[SCENARIO_COUNT] = {
	[SCENARIO_ZERO] = {"zero", .calls_per_run = 1, .request_version = 1},
	[SCENARIO_SEQUENTIAL] = {"sequential", .steps = 10, .calls_per_run = 11, .request_version = 1},
	[SCENARIO_PARALLEL] = {"parallel", .steps = 10, .calls_per_run = 12, .request_version = 2, .parallel = true},
	[SCENARIO_SLEEPER] = {"sleeper", .steps = 1, .calls_per_run = 2, .request_version = 1, .rest = REST_LONG},
	[SCENARIO_ALARM] = {"alarm", .steps = 1, .calls_per_run = 2, .request_version = 1, .rest = REST_UNTIL},
	[SCENARIO_WAITER] = {"waiter", .steps = 1, .calls_per_run = 2, .request_version = 1, .rest = REST_EVENT},
	// A key's own limit holds its runs back, then that of the whole function, then the number of calls to an app.
	[SCENARIO_KEYED] = {"keyed", .calls_per_run = 1, .request_version = 1,
			    .flow = "\"concurrency\":[{\"limit\":1," KEY "}]"},
	[SCENARIO_SHARED] = {"shared", .calls_per_run = 1, .request_version = 1,
			     .flow = "\"concurrency\":[{\"limit\":10},{\"limit\":1000," KEY "}]"},
	[SCENARIO_CROWD] = {"crowd", .calls_per_run = 1, .request_version = 1,
			    .flow = "\"concurrency\":[{\"limit\":1000," KEY "}]"},
	[SCENARIO_THROTTLED] = {"throttled", .calls_per_run = 1, .request_version = 1,
				.flow = "\"throttle\":{\"limit\":" TEXT(SCENARIO_THROTTLE) ",\"period\":\"1s\"}"},
	[SCENARIO_DEBOUNCED] = {"debounced", .calls_per_run = 1, .request_version = 1,
				.flow = "\"debounce\":{\"period\":\"" TEXT(SCENARIO_DEBOUNCE_S) "s\"," KEY "}",
				.debounce_ms = SCENARIO_DEBOUNCE_S * 1000},
	// For lists of runs: one that fails, one that a search can find, one that is under way as long as it is looked
	// at.
	[SCENARIO_FAILING] = {"failing", .calls_per_run = 1, .request_version = 1, .fails = true,
			      .result = "{\"__serialized\":true,\"name\":\"Error\",\"message\":\"out of stock\","
					"\"stack\":\"Error: out of stock\"}"},
	[SCENARIO_FOUND] = {"found", .calls_per_run = 1, .request_version = 1,
			    .result = "{\"done\":true,\"found\":\"" SCENARIO_NEEDLE "\"}"},
	[SCENARIO_DOZING] = {"dozing", .steps = 10, .calls_per_run = 11, .request_version = 1, .rest = REST_LONG},
};

enum scenario_id scenario_by_name(struct str name) {
	unsigned id = 0;
	while (id < SCENARIO_COUNT && !str_eq_cstr(name, scenarios[id].name)) id++;
	return (enum scenario_id)id;
}

enum scenario_id scenario_by_slug(struct str slug) {
	if (!str_starts_with(slug, STR(SCENARIO_APP "-"))) return SCENARIO_COUNT;
	return scenario_by_name(str_skip(slug, sizeof SCENARIO_APP));
}

const char *scenario_step_id(unsigned index) {
	static char ids[SCENARIO_STEPS_MAX][SCENARIO_STEP_ID_LEN + 1];
	CHECK(index < SCENARIO_STEPS_MAX);
	if (ids[index][0] == '\0') {
		char name[32];
		uint8_t digest[20];
		int len = snprintf(name, sizeof name, "step-%u", index);
		hash_sha1(str_make(name, (size_t)len), digest);
		hex_text(digest, sizeof digest, ids[index]);
	}
	return ids[index];
}
