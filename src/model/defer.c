#include "model/defer.h"

#include "base/buf.h"
#include "base/hash.h"

struct ulid defer_event_id(const struct ulid *run_id, struct str hashed_id) {
	char run[ULID_TEXT_LEN + 1];
	uint8_t digest[32];
	struct buf seed;
	ulid_text(run_id, run);
	buf_init(&seed, SIZE_MAX);
	buf_printf(&seed, "defer-event:%s:", run);
	buf_str(&seed, hashed_id);
	hash_sha256(buf_view(&seed), digest);
	buf_free(&seed);
	return ulid_make(ulid_time_ms(run_id), digest);
}
