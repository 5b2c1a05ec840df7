#include "driver/http_decode.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/check.h"

#define CHUNK_BYTES (64u << 10)
#define GZIP_WINDOW (MAX_WBITS + 16) // expects gzip's header and trailer

// Keeps what fits; false when that was not all.
static bool keep(struct buf *out, const void *ptr, size_t len) {
	size_t room = out->max_bytes - out->len;
	buf_append(out, ptr, len < room ? len : room);
	return len <= room;
}

static enum http_decoded decode_gzip(struct str body, struct buf *out) {
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.ptr, .avail_in = (uInt)body.len};
	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) return HTTP_DECODED_BROKEN;
	enum http_decoded result = HTTP_DECODED_BROKEN;
	unsigned char *chunk = mem_alloc(CHUNK_BYTES);
	for (int status = Z_OK; status == Z_OK;) {
		stream.next_out = chunk;
		stream.avail_out = CHUNK_BYTES;
		status = inflate(&stream, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END) break; // Z_BUF_ERROR: the input ends too early
		if (!keep(out, chunk, CHUNK_BYTES - stream.avail_out)) {
			result = HTTP_DECODED_TOO_LARGE;
			break;
		}
		if (status != Z_STREAM_END) continue;
		result = HTTP_DECODED;
		if (stream.avail_in == 0) break;
		status = inflateReset(&stream); // a gzip file may have several members
		result = HTTP_DECODED_BROKEN;
	}
	free(chunk);
	inflateEnd(&stream);
	return result;
}

static enum http_decoded decode_brotli(struct str body, struct buf *out) {
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	CHECK(state != NULL);
	const uint8_t *in = (const uint8_t *)body.ptr;
	size_t in_len = body.len, none = 0;
	enum http_decoded result = HTTP_DECODED_BROKEN;
	for (;;) {
		BrotliDecoderResult status = BrotliDecoderDecompressStream(state, &in_len, &in, &none, NULL, NULL);
		size_t len = 0; // 0 asks for all there is
		const uint8_t *piece = BrotliDecoderTakeOutput(state, &len);
		if (!keep(out, piece, len)) {
			result = HTTP_DECODED_TOO_LARGE;
			break;
		}
		if (status == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
		if (status == BROTLI_DECODER_RESULT_SUCCESS && in_len == 0) result = HTTP_DECODED;
		break;
	}
	BrotliDecoderDestroyInstance(state);
	return result;
}

enum http_decoded http_decode(struct str encoding, struct str body, struct buf *out) {
	return str_eq_nocase(encoding, STR("gzip")) ? decode_gzip(body, out) : decode_brotli(body, out);
}
