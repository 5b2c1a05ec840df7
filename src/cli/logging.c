#include "cli/logging.h"

#include <stdlib.h>

#include "base/check.h"

// Unknown names mean info.
static enum log_level level_named(struct str name) {
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{"trace", LOG_LEVEL_TRACE},   {"debug", LOG_LEVEL_DEBUG},         {"info", LOG_LEVEL_INFO},
		{"notice", LOG_LEVEL_NOTICE}, {"warn", LOG_LEVEL_WARN},           {"warning", LOG_LEVEL_WARN},
		{"error", LOG_LEVEL_ERROR},   {"emergency", LOG_LEVEL_EMERGENCY},
	};
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (str_eq_nocase(name, str_from_cstr(levels[i].name))) return levels[i].level;
	return LOG_LEVEL_INFO;
}

static enum log_level level_choose(const struct settings *settings) {
	const char *strongest = getenv("LOG_LEVEL");
	if (strongest != NULL && strongest[0] != '\0') return level_named(str_from_cstr(strongest));
	if (settings_given(settings, FLAG_ID_LOG_LEVEL)) return level_named(settings_text(settings, FLAG_ID_LOG_LEVEL));
	return settings_on(settings, FLAG_ID_VERBOSE) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static enum log_format format_choose(const struct settings *settings, bool terminal) {
	if (!terminal || settings_on(settings, FLAG_ID_JSON)) return LOG_FORMAT_JSON;
	struct str handler = str_from_cstr(getenv("LOG_HANDLER"));
	if (str_eq_nocase(handler, STR("json"))) return LOG_FORMAT_JSON;
	if (str_eq_nocase(handler, STR("txt")) || str_eq_nocase(handler, STR("text"))) return LOG_FORMAT_TEXT;
	return LOG_FORMAT_DEV;
}

struct logging logging_choose(const struct settings *settings, bool terminal) {
	struct logging logging = {level_choose(settings), format_choose(settings, terminal), false};
	const char *no_colour = getenv("NO_COLOR");
	logging.colour = logging.format == LOG_FORMAT_DEV && (no_colour == NULL || no_colour[0] == '\0');
	return logging;
}

void logging_apply(const struct settings *settings, bool terminal) {
	struct logging logging = logging_choose(settings, terminal);
	log_configure(logging.level, logging.format, logging.colour);
}
