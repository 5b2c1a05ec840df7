// The resolvers of a run's history (spec 06 §8.2).
#ifndef INNGEST_SERVER_GQL_RUN_HISTORY_H
#define INNGEST_SERVER_GQL_RUN_HISTORY_H

#include "history/run_history.h"
#include "server/gql/gql.h"

void resolve_history(struct gql_call *call); // of api_run
void resolve_history_output(struct gql_call *call);

#endif
