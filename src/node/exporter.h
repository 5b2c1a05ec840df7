// The export of our own spans by OTLP/HTTP (spec 05 §24): a thread that reads what facts behind the cursor have ended
// (history/exports.h), sends it, and moves the cursor on when the other side has it. So every span arrives at least
// once, also when the process is killed, and nothing is kept in memory but one request.
//
// It sleeps until the journal has committed facts, and then lets some more gather. While the other side is not to be
// had the cursor stays, and what retention takes meanwhile is lost, which the log tells.
#ifndef INNGEST_NODE_EXPORTER_H
#define INNGEST_NODE_EXPORTER_H

#include "driver/http_client.h"
#include "history/history.h"
#include "node/export_settings.h"

struct exporter;
struct exporter_config {
	const struct export_settings *settings;
	struct http_client *client;
	struct history_reader *history;               // the exporter's alone
	void (*save)(void *context, uint64_t cursor); // makes the cursor durable, soon
	void *context;
};
struct exporter *exporter_start(const struct exporter_config *config);
// Facts have been committed. Any thread; one atomic operation while there is work already.
void exporter_wake(struct exporter *exporter);
// Ends the thread; a request under way is given up. Then `save` is not called until exporter_flush.
void exporter_stop(struct exporter *exporter);
// After exporter_stop, before the client is freed: sends what is there, without trying again, for EXPORT_FLUSH_MS.
void exporter_flush(struct exporter *exporter);
void exporter_free(struct exporter *exporter);

#define EXPORT_FLUSH_MS 2000

#endif
