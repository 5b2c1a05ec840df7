#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

// A message that was cut must not end in half a character.
static void trim_cut(char *message, size_t size, int wanted) {
	if (wanted < 0 || (size_t)wanted < size) return;
	size_t len = size - 1;
	for (int i = 0; i < 3 && len > 0 && ((unsigned char)message[len - 1] & 0xc0) == 0x80; i++) len--;
	if (len > 0 && (unsigned char)message[len - 1] >= 0xc0) len--;
	// Cut only an incomplete tail: a complete last character stays.
	size_t tail = size - 1 - len;
	if (tail > 0 && str_utf8_prefix(str_make(message + len, tail)) == tail) return;
	message[len] = '\0';
}

enum err error_set(struct error *error, enum err code, const char *format, ...) {
	if (error == NULL) return code;
	error->code = code;
	va_list args;
	va_start(args, format);
	int wanted = vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	trim_cut(error->message, sizeof(error->message), wanted);
	return code;
}

void error_prefix(struct error *error, const char *format, ...) {
	if (error == NULL) return;
	char prefix[sizeof(error->message)];
	va_list args;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	char whole[2 * sizeof(error->message) + 2];
	int wanted = snprintf(whole, sizeof(whole), "%s: %s", prefix, error->message);
	size_t len = strnlen(whole, sizeof(error->message) - 1);
	memcpy(error->message, whole, len);
	error->message[len] = '\0';
	trim_cut(error->message, sizeof(error->message), wanted);
}

const char *err_name(enum err code) {
	static const char *const names[] = {
		[ERR_OK] = "ok",
		[ERR_INVALID] = "invalid",
		[ERR_TOO_LARGE] = "too large",
		[ERR_NOT_FOUND] = "not found",
		[ERR_EXISTS] = "exists",
		[ERR_BUSY] = "busy",
		[ERR_UNSUPPORTED] = "unsupported",
		[ERR_IO] = "input/output error",
		[ERR_CORRUPT] = "corrupt",
		[ERR_CLOSED] = "closed",
	};
	return (size_t)code < ARRAY_LEN(names) ? names[code] : "unknown";
}
