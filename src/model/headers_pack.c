#include "model/headers_pack.h"

#include <lz4.h>

#include "model/answer.h"

#define ACCELERATION 1 // LZ4's default: the shortest result

// Never changed. Sorted as the JSON is, so that one match takes several members; a version of it is cut off where it
// differs from call to call.
static const char dictionary[] =
	"\"Accept-Ranges\":\"bytes\",\"Access-Control-Allow-Origin\":\"*\",\"Age\":\"0\",\"Alt-Svc\":\"h3=\\\":443\\\";"
	" "
	"ma=86400\",\"Cache-Control\":\"no-cache, no-store, max-age=0, must-revalidate\","
	"\"Cf-Cache-Status\":\"DYNAMIC\",\"Cf-Ray\":\"\",\"Content-Encoding\":\"gzip\",\"Etag\":\"W/\\\"\","
	"\"Nel\":\"{\\\"report_to\\\":\\\"cf-nel\\\",\\\"success_fraction\\\":0,\\\"max_age\\\":604800}\","
	"\"Permissions-Policy\":\"\",\"Referrer-Policy\":\"strict-origin-when-cross-origin\",\"Retry-After\":\"\","
	"\"Server\":\"Vercel\",\"Server\":\"cloudflare\",\"Server\":\"nginx/1.\",\"Server\":\"uvicorn\","
	"\"Server\":\"Werkzeug/3.0 Python/3.1\",\"Server\":\"gunicorn\",\"Set-Cookie\":\"[REDACTED]\","
	"\"Strict-Transport-Security\":\"max-age=63072000; includeSubDomains; preload\","
	"\"Vary\":\"Accept-Encoding, Origin, RSC, Next-Router-State-Tree, Next-Router-Prefetch\","
	"\"Via\":\"1.1 \",\"X-Content-Type-Options\":\"nosniff\",\"X-Dns-Prefetch-Control\":\"off\","
	"\"X-Frame-Options\":\"SAMEORIGIN\",\"X-Matched-Path\":\"/api/inngest\",\"X-Powered-By\":\"Express\","
	"\"X-Powered-By\":\"Next.js\",\"X-Request-Id\":\"\",\"X-Vercel-Cache\":\"MISS\",\"X-Vercel-Id\":\"\","
	"\"X-Xss-Protection\":\"0\",\"X-Inngest-Env\":\"production\",\"X-Inngest-Expected-Server-Kind\":\"cloud\","
	"\"X-Inngest-Framework\":\"nextjs\",\"X-Inngest-Framework\":\"express\",\"X-Inngest-Framework\":\"fastify\","
	"\"X-Inngest-Framework\":\"hono\",\"X-Inngest-Framework\":\"fast_api\",\"X-Inngest-Framework\":\"flask\","
	"\"X-Inngest-No-Retry\":\"false\",\"X-Inngest-Sdk\":\"inngest-py:v0.5.\",\"X-Inngest-Sdk\":\"go:v0.1\","
	"\"X-Inngest-Sdk\":\"inngest-kt:v0.\",\"X-Inngest-Signature\":\"t=17\\u0026s=\",\"X-Inngest-Server-Kind\":"
	"\"dev\","
	"\"Content-Type\":\"text/plain; charset=utf-8\",Mon, Tue, Wed, Thu, Fri, Sat, Sun, Jan Feb Mar Apr May Jun Jul "
	"Aug Sep Oct Nov Dec 2026 2027 "
	"{\"Connection\":\"keep-alive\",\"Content-Length\":\"{\"Content-Type\":\"application/json; charset=utf-8\","
	"\"Date\":\", 2026 00:00:00 GMT\",\"Keep-Alive\":\"timeout=5\",\"Server-Timing\":\"handler, action;dur=0\","
	"\"Traceparent\":\"00--01\",\"Tracestate\":\"inngest@traceref=%7B%22tp%22%3A%2200--01%22%2C%22ts%22%3A%22%22%"
	"7D,"
	"inngest@fn=,inngest@app=\",\"Transfer-Encoding\":\"chunked\",\"User-Agent\":\"inngest-js:v4.2.0\","
	"\"X-Inngest-Framework\":\"nodejs\",\"X-Inngest-Req-Version\":\"2\",\"X-Inngest-Sdk\":\"inngest-js:v4.2.0\","
	"\"X-Inngest-Sdk-Handled\":\"true\"}";
static const int dictionary_len = sizeof dictionary - 1;

// The length of the block; 0: it would be no shorter.
static int compress(struct str json, char *block) {
	LZ4_stream_t stream;
	LZ4_initStream(&stream, sizeof stream);
	LZ4_loadDict(&stream, dictionary, dictionary_len);
	return LZ4_compress_fast_continue(&stream, json.ptr, block, (int)json.len, (int)json.len - 1, ACCELERATION);
}

void put_headers(struct buf *out, struct str json) {
	char block[ANSWER_HEADERS_MAX];
	int len = json.len > 1 && json.len <= sizeof block ? compress(json, block) : 0;
	put_varint(out, json.len);
	if (json.len == 0) return;
	put_varint(out, (uint64_t)len); // 0: the text itself follows
	if (len > 0)
		buf_append(out, block, (size_t)len);
	else
		buf_str(out, json);
}

static struct str decompress(struct decoder *d, struct arena *arena, uint64_t text_len, uint64_t len) {
	const char *block = len <= ANSWER_HEADERS_MAX ? (const char *)take(d, len) : NULL;
	if (block == NULL || text_len > ANSWER_HEADERS_MAX) {
		d->failed = true;
		return (struct str){NULL, 0};
	}
	char *text = arena_alloc(arena, text_len);
	int made = LZ4_decompress_safe_usingDict(block, text, (int)len, (int)text_len, dictionary, dictionary_len);
	d->failed = made < 0 || (uint64_t)made != text_len;
	return d->failed ? (struct str){NULL, 0} : str_make(text, text_len);
}

struct str take_headers(struct decoder *d, struct arena *arena) {
	uint64_t text_len = take_varint(d);
	if (d->failed || text_len == 0) return (struct str){NULL, 0};
	uint64_t len = take_varint(d);
	if (len > 0) return decompress(d, arena, text_len, len);
	const unsigned char *text = take(d, text_len);
	return text != NULL ? str_make(text, text_len) : (struct str){NULL, 0};
}
