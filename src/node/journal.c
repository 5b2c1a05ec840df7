// The journal: makes batches durable, then lets their effects out. Batches that wait while one transaction is being
// written share the next one.
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "node/node_internal.h"
#include "store/late.h"

// Pause before a failed transaction (disk full, …) is tried again. Nothing leaves the process meanwhile.
#define RETRY_PAUSE_MS 1000u
// When retention looks first for what it takes, and how much of the time that may cost while other work waits.
#define KEEP_FIRST_MS 1000u
#define KEEP_SHARE 5u
#define KEEP_FAR_MS 60000u // no look is due later than this

struct journal {
	struct journal_config config;
	struct mailbox *mailbox;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t room;
	unsigned waiting;
	bool stopping;
};

// ---- one transaction -----------------------------------------------------------------------------------------------

static enum err write_batch(const struct journal_config *config, struct batch *batch, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < batch->late_count && err == ERR_OK; i++)
		err = late_resolve(config->store, batch->late[i], error);
	for (size_t i = 0; i < batch->record_count && err == ERR_OK; i++) {
		struct record record = batch->records[i];
		if (record.late_body != NULL) record.body = record.late_body->text;
		err = store_write(config->store, &record, error);
	}
	for (size_t i = 0; i < batch->history_count && err == ERR_OK; i++) {
		struct history_item *item = &batch->history[i];
		if (item->kind == HISTORY_EVENT && item->event.late_data != NULL) {
			item->event.data = payload_str(item->event.late_data->text);
		}
		err = history_write(config->history, item, error);
	}
	return err;
}

static bool needs_writing(const struct batch *batches) {
	for (const struct batch *b = batches; b != NULL; b = (const struct batch *)b->message.next) {
		if (b->record_count > 0 || b->history_count > 0 || b->late_count > 0) return true;
	}
	return false;
}

enum err journal_write(const struct journal_config *config, struct batch *batches, struct error *error) {
	if (!needs_writing(batches)) return ERR_OK;
	enum err err = store_begin(config->store, error);
	if (err != ERR_OK) return err;
	for (struct batch *b = batches; b != NULL && err == ERR_OK; b = (struct batch *)b->message.next) {
		err = write_batch(config, b, error);
	}
	if (err == ERR_OK) err = store_commit(config->store, error);
	if (err != ERR_OK) store_rollback(config->store);
	return err;
}

// ---- the thread ----------------------------------------------------------------------------------------------------

static bool is_stopping(struct journal *journal) {
	pthread_mutex_lock(&journal->mutex);
	bool stopping = journal->stopping;
	pthread_mutex_unlock(&journal->mutex);
	return stopping;
}

// False when the process is stopping and the store still refuses.
static bool write_until_done(struct journal *journal, struct batch *batches) {
	struct error error;
	while (journal_write(&journal->config, batches, &error) != ERR_OK) {
		LOG_ERROR("cannot write to the database, trying again", LOG_CSTR("error", error.message));
		if (is_stopping(journal)) return false;
		usleep(RETRY_PAUSE_MS * 1000u);
	}
	return true;
}

static void release(struct journal *journal, struct batch *batches, bool written) {
	unsigned count = 0;
	for (struct batch *batch = batches, *next; batch != NULL; batch = next) {
		next = (struct batch *)batch->message.next;
		if (written) journal->config.committed(journal->config.context, batch);
		batch_free(batch);
		count++;
	}
	pthread_mutex_lock(&journal->mutex);
	journal->waiting -= count;
	pthread_cond_broadcast(&journal->room); // the engine, and the exporter
	pthread_mutex_unlock(&journal->mutex);
}

static enum err keep(const struct journal_config *config, bool *more, struct error *error) {
	enum err err = store_begin(config->store, error);
	if (err != ERR_OK) return err;
	err = history_keep(config->keeper, clock_wall_ms(), more, error);
	if (err == ERR_OK) err = store_commit(config->store, error);
	if (err != ERR_OK) store_rollback(config->store);
	return err;
}

// A slice of what retention takes; when the next one is due. The more a slice costs, the longer the pause behind it.
static uint64_t keep_slice(struct journal *journal, uint64_t interval_ms) {
	struct error error;
	bool more = false;
	uint64_t begun = clock_wall_ms();
	if (keep(&journal->config, &more, &error) != ERR_OK) {
		LOG_WARN("cannot remove old history", LOG_CSTR("error", error.message));
		more = false;
	}
	uint64_t now = clock_wall_ms(), cost = now > begun ? now - begun : 1;
	return now + (more ? (KEEP_SHARE - 1) * cost : interval_ms);
}

static void *journal_main(void *context) {
	struct journal *journal = context;
	bool keeps = journal->config.keeper != NULL && history_keeper_wants(journal->config.keeper);
	uint64_t interval_ms = keeps ? history_keeper_interval_ms(journal->config.keeper) : 0;
	uint64_t keep_ms = keeps ? clock_wall_ms() + KEEP_FIRST_MS : UINT64_MAX;
	while (mailbox_wait(journal->mailbox, keep_ms)) {
		struct batch *batches = (struct batch *)mailbox_take(journal->mailbox, 0);
		if (batches != NULL) release(journal, batches, write_until_done(journal, batches));
		uint64_t now = keeps ? clock_wall_ms() : 0;
		bool is_back = now + KEEP_FAR_MS < keep_ms; // the clock was
		if (keeps && (now >= keep_ms || is_back)) keep_ms = keep_slice(journal, interval_ms);
	}
	return NULL;
}

struct journal *journal_start(const struct journal_config *config) {
	struct journal *journal = mem_calloc(1, sizeof *journal);
	journal->config = *config;
	journal->mailbox = mailbox_new(NODE_BATCHES_MAX + 1, NULL, NULL);
	pthread_mutex_init(&journal->mutex, NULL);
	pthread_cond_init(&journal->room, NULL);
	CHECK(pthread_create(&journal->thread, NULL, journal_main, journal) == 0);
	return journal;
}

void journal_post(struct journal *journal, struct batch *batch) {
	pthread_mutex_lock(&journal->mutex);
	while (journal->waiting >= NODE_BATCHES_MAX) pthread_cond_wait(&journal->room, &journal->mutex);
	journal->waiting++;
	pthread_mutex_unlock(&journal->mutex);
	mailbox_post_always(journal->mailbox, &batch->message);
}

void journal_stop(struct journal *journal) {
	pthread_mutex_lock(&journal->mutex);
	journal->stopping = true;
	pthread_mutex_unlock(&journal->mutex);
	mailbox_close(journal->mailbox);
	pthread_join(journal->thread, NULL);
	mailbox_free(journal->mailbox);
	pthread_cond_destroy(&journal->room);
	pthread_mutex_destroy(&journal->mutex);
	free(journal);
}
