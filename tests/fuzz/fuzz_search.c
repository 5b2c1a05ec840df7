// Searches: a text, a NUL, the data of an event, a NUL, the result of a run. Whatever is a search is evaluated.
#include "fuzz.h"
#include "history/search.h"

static void match(const struct run_search *search, struct str data, struct str result) {
	struct search_event events[] = {
		{.id = data, .name = data, .v = data, .ts_ms = 1795249334008, .data = data, .user = result},
		{.id = STR("id"), .name = STR("shop/order"), .data = result},
	};
	struct search_subject subject = {.result = result};
	for (size_t count = 0; count <= 2; count++) {
		subject.events = events;
		subject.event_count = count;
		subject.has_result = count != 0;
		subject.has_failed = count == 2;
		bool matched = run_search_matches(search, &subject);
		CHECK(matched == run_search_matches(search, &subject));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str text, rest, event = STR(""), result = STR("");
	struct run_search *search;
	struct arena arena;
	struct error error;
	if (str_cut(str_make(data, size), '\0', &text, &rest)) (void)str_cut(rest, '\0', &event, &result);
	arena_init(&arena, 0);
	if (run_search_new(&arena, text, &search, &error) != ERR_OK)
		fuzz_check_error(&error);
	else if (search != NULL)
		match(search, event, result);
	arena_free(&arena);
	return 0;
}
