// The startOpts object of GET /dev (spec 05 §11.1, 01 §16).
#ifndef INNGEST_CLI_START_OPTS_H
#define INNGEST_CLI_START_OPTS_H

#include "base/buf.h"
#include "cli/settings.h"

void start_opts_append(struct buf *out, const struct settings *settings);

#endif
