#include "base/gzip.h"

#include <zlib.h>

#include "base/check.h"

#define GZIP_WINDOW (15 + 16) // the largest, with gzip's header
#define GZIP_MEMORY 8         // zlib's default
#define PIECE_BYTES 16384u

void gzip_pack(struct buf *out, struct str plain) {
	z_stream stream = {.next_in = (Bytef *)(void *)plain.ptr, .avail_in = (uInt)plain.len};
	CHECK(plain.len <= UINT32_MAX);
	CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK);
	size_t bound = deflateBound(&stream, (uLong)plain.len);
	if (buf_reserve(out, bound)) {
		stream.next_out = (Bytef *)(void *)(out->ptr + out->len);
		stream.avail_out = (uInt)bound;
		CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
		out->len += bound - stream.avail_out;
	}
	deflateEnd(&stream);
}

// Unpacks a piece; Z_OK: there is more to come.
static int unpack_some(z_stream *stream, struct buf *out) {
	char piece[PIECE_BYTES];
	stream->next_out = (Bytef *)(void *)piece;
	stream->avail_out = sizeof piece;
	int code = inflate(stream, Z_NO_FLUSH);
	buf_append(out, piece, sizeof piece - stream->avail_out);
	return code;
}

// Unpacks one member.
static enum err unpack_member(z_stream *stream, struct buf *out) {
	int code = Z_OK;
	while (code == Z_OK && !out->overflow) code = unpack_some(stream, out); // Z_BUF_ERROR: the end is missing
	if (out->overflow) return ERR_TOO_LARGE;
	return code == Z_STREAM_END ? ERR_OK : ERR_INVALID;
}

enum err gzip_unpack(struct buf *out, struct str packed) {
	z_stream stream = {.next_in = (Bytef *)(void *)packed.ptr, .avail_in = (uInt)packed.len};
	if (packed.len > UINT32_MAX) return ERR_TOO_LARGE;
	CHECK(inflateInit2(&stream, GZIP_WINDOW) == Z_OK);
	enum err err;
	do {
		err = unpack_member(&stream, out);
	} while (err == ERR_OK && stream.avail_in > 0 && inflateReset(&stream) == Z_OK);
	inflateEnd(&stream);
	return err;
}
