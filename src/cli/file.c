#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum err file_read_descriptor(int fd, struct buf *out, struct error *error) {
	for (;;) {
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return error_set(error, ERR_IO, "%s", strerror(errno));
		if (n == 0) return ERR_OK;
		buf_append(out, chunk, (size_t)n);
		if (out->overflow) return error_set(error, ERR_TOO_LARGE, "larger than %zu bytes", out->max_bytes);
	}
}

enum err file_read(const char *path, bool regular_only, struct buf *out, struct error *error) {
	struct stat status;
	if (stat(path, &status) != 0) return error_set(error, ERR_NOT_FOUND, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode)) return error_set(error, ERR_NOT_FOUND, "%s", strerror(EISDIR));
	if (regular_only && !S_ISREG(status.st_mode)) return error_set(error, ERR_NOT_FOUND, "not a regular file");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return error_set(error, ERR_NOT_FOUND, "%s", strerror(errno));
	enum err err = file_read_descriptor(fd, out, error);
	close(fd);
	return err;
}
