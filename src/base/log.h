// Log lines on standard error: JSON, logfmt-like text, or colour (spec 05 §19). Any thread; a line is one write().
//
//	LOG_INFO("starting server", LOG_STR("addr", addr), LOG_INT("port", port));
#ifndef INNGEST_BASE_LOG_H
#define INNGEST_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level {
	LOG_LEVEL_TRACE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_EMERGENCY
};
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT, LOG_FORMAT_DEV };

struct log_field {
	const char *name;
	enum { LOG_FIELD_STR, LOG_FIELD_INT } type;
	struct str text;
	int64_t number;
};
#define LOG_STR(name, value) ((struct log_field){(name), LOG_FIELD_STR, (value), 0})
#define LOG_CSTR(name, value) ((struct log_field){(name), LOG_FIELD_STR, str_from_cstr(value), 0})
#define LOG_INT(name, value) ((struct log_field){(name), LOG_FIELD_INT, {NULL, 0}, (int64_t)(value)})

void log_configure(enum log_level level, enum log_format format, bool colour);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *message, const struct log_field *fields, int count);

#define LOG_AT(level, message, ...)                                                         \
	do {                                                                                \
		if (log_enabled(level)) {                                                   \
			const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};        \
			log_write((level), (message), log_fields_ + 1,                      \
				  (int)(sizeof(log_fields_) / sizeof(log_fields_[0])) - 1); \
		}                                                                           \
	} while (0)
#define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
