#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *file, int line, const char *condition) {
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
	abort();
}

static void *must(void *ptr, size_t size) {
	if (ptr == NULL) {
		fprintf(stderr, "out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	return ptr;
}

// Size 0 may give NULL from the C library; one byte never does.
void *mem_alloc(size_t size) {
	return must(malloc(size > 0 ? size : 1), size);
}

void *mem_calloc(size_t count, size_t size) {
	return must(count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1), size);
}

void *mem_realloc(void *ptr, size_t size) {
	return must(realloc(ptr, size > 0 ? size : 1), size);
}

char *mem_strndup(const char *ptr, size_t len) {
	char *copy = mem_alloc(len + 1);
	if (len > 0) memcpy(copy, ptr, len);
	copy[len] = '\0';
	return copy;
}
