// Cursors of REST v2 lists of runs: a text as somebody sends it, and the same as what is within base64.
#include "base/hash.h"
#include "fuzz.h"
#include "server/v2.h"

static void read_cursor(struct arena *arena, struct str text, const struct run_order *order) {
	struct run_cursor cursor, again;
	struct ulid id;
	if (ulid_parse(text, &id)) return; // an id is looked up
	if (!v2_run_cursor_read(NULL, NULL, text, order, &cursor)) return;
	struct str written = v2_run_cursor(arena, order, &cursor);
	CHECK(v2_run_cursor_read(NULL, NULL, written, order, &again));
	CHECK(ulid_cmp(&cursor.run_id, &again.run_id) == 0 && cursor.at_ns[0] == again.at_ns[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct run_order orders[] = {{RUN_TIME_QUEUED, true}, {RUN_TIME_ENDED, false}};
	struct str text = str_make(data, size);
	struct arena arena;
	struct buf encoded;
	if (size > 4096) return 0;
	arena_init(&arena, 0);
	buf_init(&encoded, 8192);
	base64_append(&encoded, text, true);
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		read_cursor(&arena, text, &orders[i]);
		read_cursor(&arena, buf_view(&encoded), &orders[i]);
	}
	buf_free(&encoded);
	arena_free(&arena);
	return 0;
}
