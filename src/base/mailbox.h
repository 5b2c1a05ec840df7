// Bounded multi-producer single-consumer queue of messages: the only way threads talk.
//
// Ownership of a message passes with it. `mailbox_post` refuses with ERR_BUSY when `capacity` messages wait, so
// the sender can answer 429/503 instead of growing; `mailbox_post_always` is for messages that were already
// admitted (an answer to a call that the engine itself started) and so are bounded elsewhere.
// The consumer either waits here (mailbox_wait) or is woken through `wake` (an event loop).
#ifndef INNGEST_BASE_MAILBOX_H
#define INNGEST_BASE_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct message { // first member of what is posted
	struct message *next;
};
struct mailbox;

// `wake` may be NULL; else it is called after a post that found the mailbox empty, from the posting thread.
struct mailbox *mailbox_new(size_t capacity, void (*wake)(void *context), void *context);
void mailbox_free(struct mailbox *mailbox); // must be empty
ERR_CHECKED enum err mailbox_post(struct mailbox *mailbox, struct message *message);
void mailbox_post_always(struct mailbox *mailbox, struct message *message);
// The same for a NULL-terminated chain, of one message or more, which arrives as a whole.
void mailbox_post_chain(struct mailbox *mailbox, struct message *first);
// All waiting messages in order of arrival, at most `max` (0 = all), as a NULL-terminated chain; NULL when none.
struct message *mailbox_take(struct mailbox *mailbox, size_t max);
// Blocks until a message waits, the mailbox is closed, or the wall clock reaches `deadline_ms`
// (UINT64_MAX = never; the clock may jump). Returns false when it is closed and empty.
int mailbox_wait(struct mailbox *mailbox, uint64_t deadline_ms);
// Wakes the consumer for good. Posts after it are still queued by mailbox_post_always.
void mailbox_close(struct mailbox *mailbox);

#endif
