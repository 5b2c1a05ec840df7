// Whole files and streams in bounded memory.
#ifndef INNGEST_CLI_FILE_H
#define INNGEST_CLI_FILE_H

#include "base/buf.h"
#include "base/error.h"

// Appends to `out`, whose maximum bounds the size. ERR_NOT_FOUND when the file cannot be opened, or is not regular and
// has to be. Messages do not name the file.
ERR_CHECKED enum err file_read(const char *path, bool regular_only, struct buf *out, struct error *error);
// The same from a descriptor, which stays open.
ERR_CHECKED enum err file_read_descriptor(int fd, struct buf *out, struct error *error);

#endif
