// Live updates: heartbeats whoever comes and goes, and watchers that do not read.
#include "fixture.h"
#include "server/server_internal.h"

#define BEAT_MS 20

static int setup(void **state) {
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture_start(fixture);
	fixture->server->live.heartbeat_ms = BEAT_MS;
	*state = fixture;
	return 0;
}

static int try_watch(struct fixture *fixture, const char *kinds, int *status) {
	char text[256];
	int fd = client_connect(fixture);
	snprintf(text, sizeof text, "GET /v1/stream?kinds=%s HTTP/1.1\r\nHost: x\r\n\r\n", kinds);
	client_text(fd, text);
	struct http http = client_read(fd, false);
	*status = http.status;
	http_free(&http);
	return fd;
}

static int watch(struct fixture *fixture) {
	int status, fd = try_watch(fixture, "event", &status);
	assert_int_equal(status, 200);
	return fd;
}

static void publish(struct fixture *fixture, const char *name) {
	struct batch *batch = batch_new();
	struct history_item *item = batch_history(batch, HISTORY_EVENT, 1);
	item->event.name = str_from_cstr(name);
	server_publish(fixture->server, batch);
	batch_free(batch);
}

// Reads on until the text comes.
static void read_until(int fd, const char *text) {
	static char got[65536];
	size_t len = 0;
	while (true) {
		ssize_t n = recv(fd, got + len, sizeof got - 1 - len, 0);
		if (n <= 0) fail_msg("the stream ends before %s", text);
		len += (size_t)n;
		got[len] = '\0';
		if (strstr(got, text) != NULL) return;
		size_t kept = len < 256 ? len : 256; // the text may be cut in two
		memmove(got, got + len - kept, kept);
		len = kept;
	}
}

static bool has_come(int fd, const char *text) {
	char got[65536] = "";
	ssize_t n = recv(fd, got, sizeof got - 1, MSG_PEEK | MSG_DONTWAIT);
	return n > 0 && strstr(got, text) != NULL;
}

// A heart that begins anew with each who joins would never beat here. Places of those who have gone are free again when
// they are told something.
static void joining_does_not_stop_the_heart(void **state) {
	struct fixture *fixture = *state;
	int status, fd = try_watch(fixture, "run", &status);
	unsigned joined = 0;
	for (unsigned i = 0; i < 20000 && joined < 5000 && !has_come(fd, ": \n\n"); i++) {
		close(try_watch(fixture, "event", &status));
		joined += status == 200;
		publish(fixture, "x/y");
	}
	assert_true(has_come(fd, ": \n\n"));
	close(fd);
}

static void hearts_beat_on(void **state) {
	struct fixture *fixture = *state;
	for (size_t i = 0; i < 3; i++) { // again after nobody watched
		int fd = watch(fixture);
		read_until(fd, ": \n\n");
		read_until(fd, ": \n\n");
		close(fd);
	}
}

// What does not fit is dropped, and told; heartbeats are not among it.
static void a_watcher_that_does_not_read(void **state) {
	struct fixture *fixture = *state;
	struct live *live = &fixture->server->live;
	char name[4096];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	int slow = watch(fixture), quick = watch(fixture);
	// The system's buffers are full some day, and then the watcher's own; each message waits for the quick reader.
	for (unsigned i = 0; i < 20000; i++) {
		char text[sizeof name + 16];
		snprintf(text, sizeof text, "%s-%u!", name, i);
		publish(fixture, text);
		snprintf(text, sizeof text, "-%u!", i);
		read_until(quick, text);
		if (i % 100 == 99 && has_come(quick, "lagged")) fail_msg("who reads misses nothing");
	}
	publish(fixture, "last/one");
	read_until(quick, "last/one");
	read_until(slow, "event: lagged\ndata: {\"dropped\":");
	publish(fixture, "after/all");
	read_until(slow, "after/all");
	assert_int_equal(atomic_load(&live->watcher_count), 2);
	close(slow);
	close(quick);
}

static void there_is_an_end_of_watchers(void **state) {
	struct fixture *fixture = *state;
	int fds[LIVE_WATCHERS_MAX];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) fds[i] = watch(fixture);
	struct http http = call(fixture, "GET", "/v1/stream", NULL);
	assert_int_equal(http.status, 503);
	http_free(&http);
	// Their places are free when heartbeats find them gone.
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
	do {
		http = call(fixture, "GET", "/v1/stream?kinds=x", NULL); // refused at once, and takes no place
		assert_int_equal(http.status, 400);
		http_free(&http);
	} while (atomic_load(&fixture->server->live.watcher_count) > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {TEST(joining_does_not_stop_the_heart), TEST(hearts_beat_on),
					   TEST(a_watcher_that_does_not_read), TEST(there_is_an_end_of_watchers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
