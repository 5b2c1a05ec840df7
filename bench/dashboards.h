// Open dashboards: threads that ask at intervals for the newest runs, their number, and the trace of a run that is
// under way, each by a connection of its own (spec 10 §3).
#ifndef INNGEST_BENCH_DASHBOARDS_H
#define INNGEST_BENCH_DASHBOARDS_H

#include "histogram.h"
#include "stand.h"

#define DASHBOARD_COUNT 10

struct dashboards;

// Starts a run that stays under way after a few steps, and the dashboards that look at it.
ERR_CHECKED enum err dashboards_open(struct dashboards **out, struct stand *stand, struct error *error);
// Ends them; `rounds` are the times of the three queries together. Fails when a query has.
ERR_CHECKED enum err dashboards_close(struct dashboards *dashboards, struct histogram *rounds, struct error *error);

#endif
