// Assertions that stay on in release builds. For the program's own invariants only: outside input is answered
// with an error, never with a CHECK. Any thread.
#ifndef INNGEST_BASE_CHECK_H
#define INNGEST_BASE_CHECK_H

#include <stddef.h>

_Noreturn void check_failed(const char *file, int line, const char *condition);
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

// Memory that must be there: abort with context when the system has none left.
void *mem_alloc(size_t size);                // uninitialised
void *mem_calloc(size_t count, size_t size); // zeroed
void *mem_realloc(void *ptr, size_t size);
char *mem_strndup(const char *ptr, size_t len); // NUL-terminated

// The struct that holds `member`, from the member's address.
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
