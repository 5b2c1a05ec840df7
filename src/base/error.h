// The error type: a code for the program and a sentence for people.
//
// Every fallible function returns `enum err` (checked by the compiler) and fills the caller's `struct error`
// when it fails. `struct error` is plain memory on the caller's stack; the message is cut, never allocated.
#ifndef INNGEST_BASE_ERROR_H
#define INNGEST_BASE_ERROR_H

#define ERR_CHECKED __attribute__((warn_unused_result))

enum err {
	ERR_OK = 0,
	ERR_INVALID,   // the input is wrong
	ERR_TOO_LARGE, // a documented maximum is exceeded
	ERR_NOT_FOUND,
	ERR_EXISTS,
	ERR_BUSY,        // a bounded queue is full; try again later
	ERR_UNSUPPORTED, // understood, but not offered
	ERR_IO,          // operating system, network or storage
	ERR_CORRUPT,     // stored bytes that cannot be read
	ERR_CLOSED,      // shutting down
};

struct error {
	enum err code;
	char message[512];
};

// Fills `error` (may be NULL) and returns `code`: `return error_set(error, ERR_INVALID, "bad port %d", port);`
enum err error_set(struct error *error, enum err code, const char *format, ...) __attribute__((format(printf, 3, 4)));
// Puts "prefix: " before the message that is there.
void error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *err_name(enum err code);

#endif
