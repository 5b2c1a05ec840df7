#include "base/payload.h"

#include <stdlib.h>

#include "base/check.h"

struct payload *payload_alloc(size_t len) {
	CHECK(len < UINT32_MAX);
	struct payload *payload = mem_alloc(sizeof(struct payload) + len + 1);
	atomic_init(&payload->refs, 1);
	payload->len = (uint32_t)len;
	payload->bytes[len] = '\0';
	return payload;
}

struct payload *payload_new(struct str text) {
	struct payload *payload = payload_alloc(text.len);
	if (text.len > 0) memcpy(payload->bytes, text.ptr, text.len);
	return payload;
}

struct payload *payload_ref(struct payload *payload) {
	if (payload != NULL) atomic_fetch_add_explicit(&payload->refs, 1, memory_order_relaxed);
	return payload;
}

void payload_unref(struct payload *payload) {
	if (payload == NULL) return;
	unsigned before = atomic_fetch_sub_explicit(&payload->refs, 1, memory_order_acq_rel);
	CHECK(before > 0);
	if (before == 1) free(payload);
}
