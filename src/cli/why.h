// What `inngest runs why` prints, made from what the server says. No I/O and no clock: the server's replies carry its
// time. They may be of any form and hold any text; what is printed of them holds no control characters.
#ifndef INNGEST_CLI_WHY_H
#define INNGEST_CLI_WHY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"

struct why_report {
	struct buf *out;
	bool colour;
	const struct ulid *run_id;
	struct str url; // of the server
};

// Of a reply of GET /v1/runs/{id}/jobs: a block for each job and what it waits for. Nothing is written when there are
// none: *count is 0. ERR_INVALID: it is no such reply.
ERR_CHECKED enum err why_report_jobs(const struct why_report *report, struct str reply, size_t *count,
				     struct error *error);
// Of a reply of GET /v1/runs/{id}, for a run without jobs: how it ended, and what can be done now.
ERR_CHECKED enum err why_report_run(const struct why_report *report, struct str reply, struct error *error);

#endif
