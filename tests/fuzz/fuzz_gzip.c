// gzip from outside: it is bounded, and what it unpacks to can be packed and unpacked again; twice in a row it is twice
// as much.
#include "base/gzip.h"
#include "fuzz.h"

#define PLAIN_MAX (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct buf plain, packed, again;
	buf_init(&plain, PLAIN_MAX);
	buf_init(&packed, 2 * PLAIN_MAX);
	buf_init(&again, PLAIN_MAX);
	enum err err = gzip_unpack(&plain, str_make(data, size));
	CHECK(err == ERR_OK || err == ERR_INVALID || err == ERR_TOO_LARGE);
	CHECK((err == ERR_TOO_LARGE) == plain.overflow && plain.len <= PLAIN_MAX);
	if (err == ERR_OK) {
		gzip_pack(&packed, buf_view(&plain));
		CHECK(gzip_unpack(&again, buf_view(&packed)) == ERR_OK && str_eq(buf_view(&again), buf_view(&plain)));
		struct buf twice;
		buf_init(&twice, 2 * size + 1);
		buf_append(&twice, data, size);
		buf_append(&twice, data, size);
		buf_clear(&again);
		err = gzip_unpack(&again, buf_view(&twice));
		CHECK(err == (again.overflow ? ERR_TOO_LARGE : ERR_OK));
		CHECK(again.overflow || again.len == 2 * plain.len);
		buf_free(&twice);
	}
	buf_free(&plain);
	buf_free(&packed);
	buf_free(&again);
	return 0;
}
