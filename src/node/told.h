// What people have been told of apps that are pinged again and again: each thing once. The error that is stored of an
// app is not that of its last ping: one that its registration left may stay whatever the ping says.
//
// One entry for each URL of an app. Plain memory, one thread.
#ifndef INNGEST_NODE_TOLD_H
#define INNGEST_NODE_TOLD_H

#include "base/map.h"
#include "base/str.h"

struct told {
	struct map urls;
};
void told_init(struct told *told);
void told_free(struct told *told);

enum telling { TELL_NOTHING, TELL_PROBLEM, TELL_SYNCED };
// After a ping that ended with `error` (empty: well) of an app whose stored error was `stored`.
enum telling told_next(struct told *told, struct str url, struct str stored, struct str error);

#endif
