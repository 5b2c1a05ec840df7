#include "base/mailbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"

struct mailbox {
	pthread_mutex_t mutex;
	pthread_cond_t arrived; // on CLOCK_REALTIME, the default: a deadline follows the wall clock when that jumps
	struct message *head;
	struct message **tail;
	size_t count;
	size_t capacity;
	bool waiting; // the consumer sleeps in mailbox_wait
	bool closed;
	void (*wake)(void *context);
	void *context;
};

struct mailbox *mailbox_new(size_t capacity, void (*wake)(void *context), void *context) {
	struct mailbox *mailbox = mem_calloc(1, sizeof(*mailbox));
	CHECK(pthread_mutex_init(&mailbox->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&mailbox->arrived, NULL) == 0);
	mailbox->tail = &mailbox->head;
	mailbox->capacity = capacity;
	mailbox->wake = wake;
	mailbox->context = context;
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox) {
	if (mailbox == NULL) return;
	CHECK(mailbox->head == NULL);
	pthread_cond_destroy(&mailbox->arrived);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox);
}

static void lock(struct mailbox *mailbox) {
	CHECK(pthread_mutex_lock(&mailbox->mutex) == 0);
}
static void unlock(struct mailbox *mailbox) {
	CHECK(pthread_mutex_unlock(&mailbox->mutex) == 0);
}

// Called locked. The wake-up goes out after the lock, so that it may post or take itself.
static void append_and_unlock(struct mailbox *mailbox, struct message *first, struct message *last, size_t count) {
	bool was_empty = mailbox->count == 0;
	*mailbox->tail = first;
	mailbox->tail = &last->next;
	mailbox->count += count;
	// Signalled under the lock: a consumer may free the mailbox as soon as it has taken the last message.
	if (mailbox->waiting) pthread_cond_signal(&mailbox->arrived);
	void (*wake)(void *context) = was_empty ? mailbox->wake : NULL;
	void *context = mailbox->context;
	unlock(mailbox);
	if (wake != NULL) wake(context);
}

enum err mailbox_post(struct mailbox *mailbox, struct message *message) {
	lock(mailbox);
	if (mailbox->closed || mailbox->count >= mailbox->capacity) {
		enum err code = mailbox->closed ? ERR_CLOSED : ERR_BUSY;
		unlock(mailbox);
		return code;
	}
	message->next = NULL;
	append_and_unlock(mailbox, message, message, 1);
	return ERR_OK;
}

void mailbox_post_always(struct mailbox *mailbox, struct message *message) {
	message->next = NULL;
	mailbox_post_chain(mailbox, message);
}

void mailbox_post_chain(struct mailbox *mailbox, struct message *first) {
	struct message *last = first;
	size_t count = 1;
	for (; last->next != NULL; last = last->next) count++;
	lock(mailbox);
	append_and_unlock(mailbox, first, last, count);
}

struct message *mailbox_take(struct mailbox *mailbox, size_t max) {
	lock(mailbox);
	struct message *first = mailbox->head;
	if (max == 0 || mailbox->count <= max) {
		mailbox->head = NULL;
		mailbox->tail = &mailbox->head;
		mailbox->count = 0;
	} else {
		struct message *last = first;
		for (size_t i = 1; i < max; i++) last = last->next;
		mailbox->head = last->next;
		last->next = NULL;
		mailbox->count -= max;
	}
	unlock(mailbox);
	return first;
}

int mailbox_wait(struct mailbox *mailbox, uint64_t deadline_ms) {
	struct timespec deadline = {.tv_sec = (time_t)(deadline_ms / 1000),
				    .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
	bool expired = false;
	lock(mailbox);
	while (mailbox->head == NULL && !mailbox->closed && !expired) {
		mailbox->waiting = true;
		int rc = deadline_ms == UINT64_MAX
				 ? pthread_cond_wait(&mailbox->arrived, &mailbox->mutex)
				 : pthread_cond_timedwait(&mailbox->arrived, &mailbox->mutex, &deadline);
		expired = rc != 0; // ETIMEDOUT is all that can happen
		mailbox->waiting = false;
	}
	bool more = mailbox->head != NULL || !mailbox->closed;
	unlock(mailbox);
	return more;
}

void mailbox_close(struct mailbox *mailbox) {
	lock(mailbox);
	mailbox->closed = true;
	pthread_cond_broadcast(&mailbox->arrived);
	void (*wake)(void *context) = mailbox->wake;
	void *context = mailbox->context;
	unlock(mailbox);
	if (wake != NULL) wake(context);
}
