#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/client_internal.h"

struct client_stream {
	const struct client *client;
	int wake_fd;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	char detail[CURL_ERROR_SIZE];
	struct buf in;
	bool taken;    // `in` has been read
	bool has_head; // the status and all headers are there
	bool ended;
	CURLcode result; // once it has ended
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context) {
	struct client_stream *stream = context;
	buf_append(&stream->in, bytes, size * count);
	return stream->in.overflow ? 0 : size * count;
}

// The empty line ends a head; that of an interim reply is followed by another.
static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
	struct client_stream *stream = context;
	long code = 0;
	struct str line = str_trim(str_make(bytes, size * count));
	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &code);
	if (line.len == 0 && code >= 200) stream->has_head = true;
	return size * count;
}

static void look_for_end(struct client_stream *stream) {
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(stream->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) continue;
		stream->ended = true;
		stream->result = message->data.result;
	}
}

// One look at the network, after waiting for it. ERR_CLOSED: somebody wants to stop.
static enum err step(struct client_stream *stream, uint64_t deadline_ms, struct error *error) {
	int running;
	uint64_t now_ms = clock_mono_ns() / 1000000;
	struct curl_waitfd wake = {.fd = stream->wake_fd, .events = CURL_WAIT_POLLIN};
	if (now_ms >= deadline_ms) return error_set(error, ERR_IO, "the server is silent");
	uint64_t left_ms = deadline_ms - now_ms;
	CURLMcode code = curl_multi_poll(stream->multi, &wake, stream->wake_fd >= 0 ? 1 : 0,
					 left_ms > 60000 ? 60000 : (int)left_ms, NULL);
	if (code == CURLM_OK && wake.revents != 0) return error_set(error, ERR_CLOSED, "interrupted");
	if (code == CURLM_OK) code = curl_multi_perform(stream->multi, &running);
	if (code != CURLM_OK) return error_set(error, ERR_IO, "%s", curl_multi_strerror(code));
	look_for_end(stream);
	return ERR_OK;
}

static enum err until_head(struct client_stream *stream, bool whole, struct error *error) {
	uint64_t deadline_ms = clock_mono_ns() / 1000000 + CLIENT_TIMEOUT_MS;
	int running;
	CURLMcode code = curl_multi_perform(stream->multi, &running);
	if (code != CURLM_OK) return error_set(error, ERR_IO, "%s", curl_multi_strerror(code));
	look_for_end(stream);
	while (!stream->ended && (whole || !stream->has_head)) {
		enum err err = step(stream, deadline_ms, error);
		if (err == ERR_IO)
			error_prefix(error, "the server at %.*s does not answer",
				     (int)(stream->client->url.len > 200 ? 200 : stream->client->url.len),
				     stream->client->url.ptr);
		if (err != ERR_OK) return err;
	}
	if (stream->ended && stream->result != CURLE_OK)
		return client_failure(stream->client, stream->result, stream->detail, &stream->in, error);
	return ERR_OK;
}

static struct client_stream *stream_new(const struct client *client, struct str path, int wake_fd) {
	struct client_stream *stream = mem_calloc(1, sizeof(*stream));
	stream->client = client;
	stream->wake_fd = wake_fd;
	buf_init(&stream->in, CLIENT_CHUNK_MAX);
	stream->multi = curl_multi_init();
	CHECK(stream->multi != NULL);
	stream->headers = curl_slist_append(NULL, "Accept: text/event-stream");
	stream->easy = client_easy(client, path, stream->detail, &stream->headers);
	curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, stream);
	curl_easy_setopt(stream->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(stream->easy, CURLOPT_HEADERDATA, stream);
	CHECK(curl_multi_add_handle(stream->multi, stream->easy) == CURLM_OK);
	return stream;
}

enum err client_stream_open(const struct client *client, struct str path, int wake_fd, int *status, struct buf *body,
			    struct client_stream **out, struct error *error) {
	long code = 0;
	struct client_stream *stream = stream_new(client, path, wake_fd);
	*out = NULL;
	enum err err = until_head(stream, false, error);
	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &code);
	if (err == ERR_OK && code != 200) err = until_head(stream, true, error);
	*status = (int)code;
	if (err == ERR_OK && code == 200) {
		*out = stream;
		return ERR_OK;
	}
	if (err == ERR_OK) buf_str(body, buf_view(&stream->in));
	client_stream_close(stream);
	return err;
}

enum err client_stream_read(struct client_stream *stream, struct str *bytes, struct error *error) {
	uint64_t deadline_ms = clock_mono_ns() / 1000000 + CLIENT_SILENCE_MS;
	if (stream->taken) buf_clear(&stream->in);
	stream->taken = true;
	while (stream->in.len == 0 && !stream->ended) {
		enum err err = step(stream, deadline_ms, error);
		if (err != ERR_OK) return err;
	}
	*bytes = buf_view(&stream->in);
	if (bytes->len > 0) return ERR_OK;
	if (stream->in.overflow)
		return error_set(error, ERR_TOO_LARGE, "the server sent more than %u bytes at once", CLIENT_CHUNK_MAX);
	if (stream->result == CURLE_OK) return error_set(error, ERR_IO, "the server has ended it");
	return error_set(error, ERR_IO, "%s",
			 stream->detail[0] != '\0' ? stream->detail : curl_easy_strerror(stream->result));
}

void client_stream_close(struct client_stream *stream) {
	if (stream == NULL) return;
	curl_multi_remove_handle(stream->multi, stream->easy);
	curl_easy_cleanup(stream->easy);
	curl_multi_cleanup(stream->multi);
	curl_slist_free_all(stream->headers);
	buf_free(&stream->in);
	free(stream);
}
