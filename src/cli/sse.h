// Server-sent events: a parser that takes bytes as they come. Memory is bounded by SSE_MESSAGE_MAX.
#ifndef INNGEST_CLI_SSE_H
#define INNGEST_CLI_SSE_H

#include "base/buf.h"

#define SSE_MESSAGE_MAX (1u << 20) // of a line, and of the data of a message

struct sse {
	struct buf line, event, data;
	bool after_cr;
};

// `event` is "message" when the server gives no name. Both are valid during the call only.
typedef void sse_message_fn(void *context, struct str event, struct str data);

void sse_init(struct sse *sse);
void sse_free(struct sse *sse);
// Calls `fn` for each message that ends in these bytes. false: one is too long, and nothing can be read any more.
bool sse_feed(struct sse *sse, struct str bytes, sse_message_fn *fn, void *context);

#endif
