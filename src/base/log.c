#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

#define VALUE_MAX_BYTES ((size_t)16 * 1024) // longer texts are cut
#define LINE_MAX_BYTES ((size_t)256 * 1024) // fields that no longer fit are left out

static const struct {
	const char *name;
	const char *tag;
	const char *colour; // ANSI
} levels[] = {
	[LOG_LEVEL_TRACE] = {"TRACE", "TRC", "\033[90m"},         [LOG_LEVEL_DEBUG] = {"DEBUG", "DBG", "\033[36m"},
	[LOG_LEVEL_INFO] = {"INFO", "INF", "\033[32m"},           [LOG_LEVEL_NOTICE] = {"NOTICE", "NTC", "\033[34m"},
	[LOG_LEVEL_WARN] = {"WARN", "WRN", "\033[33m"},           [LOG_LEVEL_ERROR] = {"ERROR", "ERR", "\033[31m"},
	[LOG_LEVEL_EMERGENCY] = {"EMERGENCY", "EMR", "\033[35m"},
};

static atomic_int current_level = LOG_LEVEL_INFO;
static atomic_int current_format = LOG_FORMAT_JSON;
static atomic_bool colours;

void log_configure(enum log_level level, enum log_format format, bool colour) {
	atomic_store(&current_level, (int)level);
	atomic_store(&current_format, (int)format);
	atomic_store(&colours, colour);
}

bool log_enabled(enum log_level level) {
	return (int)level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

// Cut to the maximum, and made well-formed UTF-8: what is logged may come from outside.
static void clean(struct buf *out, struct str text) {
	bool cut = text.len > VALUE_MAX_BYTES;
	text = str_first(text, VALUE_MAX_BYTES);
	while (text.len > 0) {
		size_t good = str_utf8_prefix(text);
		buf_append(out, text.ptr, good);
		text = str_skip(text, good);
		if (text.len == 0) break;
		if (!cut || text.len > 3) buf_lit(out, "\ufffd");
		text = str_skip(text, 1);
	}
	if (cut) buf_lit(out, "…");
}

static bool needs_quotes(struct str text) {
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
	}
	return text.len == 0;
}

static void put_text(struct buf *line, struct str text, bool quoted) {
	struct buf cleaned;
	buf_init(&cleaned, LINE_MAX_BYTES);
	clean(&cleaned, text);
	if (quoted || needs_quotes(buf_view(&cleaned))) {
		buf_json_str(line, buf_view(&cleaned));
	} else {
		buf_str(line, buf_view(&cleaned));
	}
	buf_free(&cleaned);
}

static void put_value(struct buf *line, const struct log_field *field, bool quoted) {
	if (field->type == LOG_FIELD_INT) {
		buf_i64(line, field->number);
	} else {
		put_text(line, field->text, quoted);
	}
}

static void json_head(struct buf *line, enum log_level level, int64_t now_ns, const char *message) {
	buf_lit(line, "{\"time\":\"");
	date_format_rfc3339(line, now_ns);
	buf_printf(line, "\",\"level\":\"%s\",\"msg\":", levels[level].name);
	put_text(line, str_from_cstr(message), true);
}

static void json_field(struct buf *line, const struct log_field *field) {
	buf_byte(line, ',');
	put_text(line, str_from_cstr(field->name), true);
	buf_byte(line, ':');
	put_value(line, field, true);
}

static void text_head(struct buf *line, enum log_level level, int64_t now_ns, const char *message) {
	buf_lit(line, "time=");
	date_format_rfc3339(line, now_ns);
	buf_printf(line, " level=%s msg=", levels[level].name);
	put_text(line, str_from_cstr(message), false);
}

static void text_field(struct buf *line, const struct log_field *field) {
	buf_byte(line, ' ');
	put_text(line, str_from_cstr(field->name), false);
	buf_byte(line, '=');
	put_value(line, field, false);
}

static void dev_head(struct buf *line, enum log_level level, int64_t now_ns, const char *message) {
	bool colour = atomic_load(&colours);
	int64_t ms = now_ns / 1000000 % 86400000;
	buf_printf(line, "%s[%02d:%02d:%02d.%03d]%s ", colour ? "\033[90m" : "", (int)(ms / 3600000),
		   (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000), colour ? "\033[0m" : "");
	buf_printf(line, "%s%s%s ", colour ? levels[level].colour : "", levels[level].tag, colour ? "\033[0m" : "");
	struct buf cleaned;
	buf_init(&cleaned, LINE_MAX_BYTES);
	clean(&cleaned, str_from_cstr(message));
	buf_str(line, buf_view(&cleaned));
	buf_free(&cleaned);
}

static void dev_field(struct buf *line, const struct log_field *field) {
	if (!atomic_load(&colours)) {
		text_field(line, field);
		return;
	}
	buf_printf(line, " \033[90m%s=\033[0m", field->name);
	put_value(line, field, false);
}

static const struct {
	void (*head)(struct buf *line, enum log_level level, int64_t now_ns, const char *message);
	void (*field)(struct buf *line, const struct log_field *field);
	const char *end;
} formats[] = {
	[LOG_FORMAT_JSON] = {json_head, json_field, "}\n"},
	[LOG_FORMAT_TEXT] = {text_head, text_field, "\n"},
	[LOG_FORMAT_DEV] = {dev_head, dev_field, "\n"},
};

void log_write(enum log_level level, const char *message, const struct log_field *fields, int count) {
	if (!log_enabled(level)) return;
	int format = atomic_load(&current_format);
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	formats[format].head(&line, level, (int64_t)clock_wall_ns(), message);
	for (int i = 0; i < count; i++) {
		size_t start = line.len;
		formats[format].field(&line, &fields[i]);
		if (line.overflow || line.len > LINE_MAX_BYTES - 8) {
			line.len = start;
			line.overflow = false;
		}
	}
	buf_str(&line, str_from_cstr(formats[format].end));
	// One call a line, so that lines of different threads never mix. A log that nobody can read is no reason to
	// stop.
	while (write(STDERR_FILENO, line.ptr, line.len) < 0 && errno == EINTR) {}
	buf_free(&line);
}
