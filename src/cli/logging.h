// Log level and format from settings and environment (spec 05 §19).
#ifndef INNGEST_CLI_LOGGING_H
#define INNGEST_CLI_LOGGING_H

#include "base/log.h"
#include "cli/settings.h"

struct logging {
	enum log_level level;
	enum log_format format;
	bool colour;
};

// LOG_LEVEL, else --log-level, else debug with --verbose, else info. JSON unless `terminal` and nothing asks for it.
struct logging logging_choose(const struct settings *settings, bool terminal);
void logging_apply(const struct settings *settings, bool terminal);

#endif
