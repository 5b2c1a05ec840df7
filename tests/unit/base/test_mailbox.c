#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mailbox.h"

struct note {
	struct message message;
	int from;
	int number;
};

static int number_of(const struct message *message) {
	return container_of(message, const struct note, message)->number;
}

static void count_wakes(void *context) {
	++*(int *)context;
}

static void passes_messages_in_order(void **state) {
	(void)state;
	struct note notes[5] = {0};
	int wakes = 0;
	struct mailbox *mailbox = mailbox_new(4, count_wakes, &wakes);
	assert_null(mailbox_take(mailbox, 0));
	for (int i = 0; i < 4; i++) {
		notes[i].number = i;
		assert_int_equal(mailbox_post(mailbox, &notes[i].message), ERR_OK);
	}
	assert_int_equal(wakes, 1); // only the first one found it empty
	notes[4].number = 4;
	assert_int_equal(mailbox_post(mailbox, &notes[4].message), ERR_BUSY);
	mailbox_post_always(mailbox, &notes[4].message);
	assert_true(mailbox_wait(mailbox, UINT64_MAX));

	struct message *chain = mailbox_take(mailbox, 2);
	assert_int_equal(number_of(chain), 0);
	assert_int_equal(number_of(chain->next), 1);
	assert_null(chain->next->next);
	chain = mailbox_take(mailbox, 0);
	for (int i = 2; i < 5; i++, chain = chain->next) assert_int_equal(number_of(chain), i);
	assert_null(chain);
	assert_int_equal(mailbox_post(mailbox, &notes[0].message), ERR_OK);
	assert_int_equal(wakes, 2);
	assert_int_equal(number_of(mailbox_take(mailbox, 1)), 0);

	mailbox_post_always(mailbox, &notes[0].message);
	notes[1].message.next = &notes[2].message;
	notes[2].message.next = &notes[3].message;
	notes[3].message.next = NULL;
	mailbox_post_chain(mailbox, &notes[1].message);
	assert_int_equal(wakes, 3);
	assert_int_equal(mailbox_post(mailbox, &notes[4].message), ERR_BUSY); // all four count
	chain = mailbox_take(mailbox, 0);
	for (int i = 0; i < 4; i++, chain = chain->next) assert_int_equal(number_of(chain), i);
	assert_null(chain);
	mailbox_free(mailbox);
}

static void closes(void **state) {
	(void)state;
	struct note note = {0};
	int wakes = 0;
	struct mailbox *mailbox = mailbox_new(4, count_wakes, &wakes);
	mailbox_close(mailbox);
	assert_int_equal(wakes, 1);
	assert_int_equal(mailbox_post(mailbox, &note.message), ERR_CLOSED);
	assert_false(mailbox_wait(mailbox, UINT64_MAX));
	mailbox_post_always(mailbox, &note.message);
	assert_true(mailbox_wait(mailbox, UINT64_MAX)); // closed, but not empty
	assert_ptr_equal(mailbox_take(mailbox, 0), &note.message);
	assert_false(mailbox_wait(mailbox, 0));
	mailbox_free(mailbox);
	mailbox_free(NULL);
}

static void waits_until_the_deadline(void **state) {
	(void)state;
	struct mailbox *mailbox = mailbox_new(4, NULL, NULL);
	assert_true(mailbox_wait(mailbox, 0)); // long past
	uint64_t deadline = clock_wall_ms() + 20;
	assert_true(mailbox_wait(mailbox, deadline));
	assert_true(clock_wall_ms() >= deadline);
	assert_null(mailbox_take(mailbox, 0));
	mailbox_free(mailbox);
}

enum { PRODUCERS = 4, EACH = 5000 };

struct producer {
	struct mailbox *mailbox;
	int id;
};

static void *produce(void *context) {
	struct producer *producer = context;
	for (int i = 0; i < EACH; i++) {
		struct note *note = mem_calloc(1, sizeof(*note));
		note->from = producer->id;
		note->number = i;
		while (mailbox_post(producer->mailbox, &note->message) == ERR_BUSY) sched_yield();
	}
	return NULL;
}

static void serves_many_producers(void **state) {
	(void)state;
	pthread_t threads[PRODUCERS];
	struct producer producers[PRODUCERS];
	struct mailbox *mailbox = mailbox_new(100, NULL, NULL);
	for (int i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){mailbox, i};
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	int next[PRODUCERS] = {0};
	for (int left = PRODUCERS * EACH; left > 0;) {
		assert_true(mailbox_wait(mailbox, UINT64_MAX));
		struct message *message = mailbox_take(mailbox, 64);
		while (message != NULL) {
			struct note *note = container_of(message, struct note, message);
			message = message->next;
			assert_int_equal(note->number, next[note->from]++);
			free(note);
			left--;
		}
	}
	for (int i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
	mailbox_free(mailbox);
}

static void *close_it(void *context) {
	mailbox_close(context);
	return NULL;
}

static void closing_ends_a_wait(void **state) {
	(void)state;
	struct mailbox *mailbox = mailbox_new(1, NULL, NULL);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, close_it, mailbox), 0);
	assert_false(mailbox_wait(mailbox, UINT64_MAX));
	pthread_join(thread, NULL);
	mailbox_free(mailbox);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_messages_in_order), cmocka_unit_test(closes),
		cmocka_unit_test(waits_until_the_deadline), cmocka_unit_test(serves_many_producers),
		cmocka_unit_test(closing_ends_a_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
