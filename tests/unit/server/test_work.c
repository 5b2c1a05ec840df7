// The pool for work that blocks: answers that its threads make, its limit, asking the engine, and stopping.
#include <semaphore.h>

#include "fixture.h"
#include "server/server_internal.h"

// What the handlers under test do: they stand in for a reader's routes, and take a request through the pool.
static struct {
	sem_t entered, go;
	atomic_uint asked, refused;
} play;

static int setup(void **state) {
	sem_init(&play.entered, 0, 0);
	sem_init(&play.go, 0, 0);
	play.asked = play.refused = 0;
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	free(*state);
	sem_destroy(&play.entered);
	sem_destroy(&play.go);
	return 0;
}

// ---- the test's own reader: GET /v1/events/ID comes to history_event, which the store of the fixture would answer
// ----

static struct store_reader *borrow_and_wait(void *context) {
	(void)context;
	sem_post(&play.entered);
	sem_wait(&play.go);
	return NULL;
}

// The reply to an engine question, as text; the reader says "there is none" afterwards.
static struct store_reader *borrow_and_ask(void *context) {
	struct fixture *fixture = context;
	sem_post(&play.entered);
	struct reply *reply = server_ask(fixture->server, command_new(COMMAND_RUN_JOBS));
	atomic_fetch_add(reply != NULL ? &play.asked : &play.refused, 1);
	reply_free(reply);
	return NULL;
}

static void start(struct fixture *fixture, struct store_reader *(*borrow)(void *context)) {
	fixture->borrow = borrow;
	fixture_start(fixture);
}

static const char get[] = "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n";

static void answers_come_from_the_pool(void **state) {
	struct fixture *fixture = *state;
	fixture_start(fixture); // without a reader: 503, which the pool's thread writes
	struct http http = call_with(fixture, "GET", "/v1/events", "Origin: http://a\r\n", NULL);
	assert_int_equal(http.status, 503);
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_string_equal(http_header(&http, "Content-Type"), "application/json");
	assert_string_equal(http_header(&http, "X-Inngest-Server-Kind"), "dev");
	assert_string_equal(http_header(&http, "Access-Control-Allow-Origin"), "http://a");
	assert_non_null(strstr(http.body, "cannot read its store"));
	http_free(&http);
	// Query parameters are read there, too.
	http = call(fixture, "GET", "/v1/events?cursor=x", NULL);
	assert_reply(http, 400, "{\"error\":\"Invalid cursor query parameter\",\"data\":null,\"status\":400}\n");
	fixture_stop(fixture);
}

static void a_connection_lives_on(void **state) {
	struct fixture *fixture = *state;
	fixture_start(fixture);
	int fd = client_connect(fixture);
	for (size_t i = 0; i < 50; i++) {
		client_text(fd, get);
		struct http http = client_read(fd, false);
		assert_int_equal(http.status, 503);
		http_free(&http);
		client_text(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
		http = client_read(fd, false);
		assert_int_equal(http.status, 200);
		http_free(&http);
	}
	// Pipelined.
	for (size_t i = 0; i < 20; i++) client_text(fd, get);
	for (size_t i = 0; i < 20; i++) {
		struct http http = client_read(fd, false);
		assert_int_equal(http.status, 503);
		http_free(&http);
	}
	close(fd);
	fixture_stop(fixture);
}

#define LINE_LENGTH 100

// While all threads of the pool are at work, what does not need them is answered, the line has an end, and a client
// that has gone away harms nobody.
static void the_line_is_bounded(void **state) {
	static int fds[WORK_THREADS + LINE_LENGTH];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_wait);
	fixture->server->work.waiting_max = LINE_LENGTH;
	for (size_t i = 0; i < WORK_THREADS; i++) {
		fds[i] = client_connect(fixture);
		client_text(fds[i], get);
		sem_wait(&play.entered);
	}
	for (size_t i = WORK_THREADS; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect(fixture);
		client_text(fds[i], get);
	}
	struct http http;
	do { // the ones before may be on their way
		http = call(fixture, "GET", "/health", NULL);
		assert_int_equal(http.status, 200);
		http_free(&http);
		pthread_mutex_lock(&fixture->server->work.lock);
		unsigned waiting = fixture->server->work.waiting;
		pthread_mutex_unlock(&fixture->server->work.lock);
		if (waiting == LINE_LENGTH) break;
	} while (true);
	http = call(fixture, "GET", "/v1/events", NULL);
	assert_int_equal(http.status, 503);
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_non_null(strstr(http.body, "busy"));
	http_free(&http);
	close(fds[0]);
	close(fds[ARRAY_LEN(fds) - 1]);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) sem_post(&play.go);
	for (size_t i = 1; i + 1 < ARRAY_LEN(fds); i++) {
		http = client_read(fds[i], false);
		assert_int_equal(http.status, 503);
		assert_non_null(strstr(http.body, "cannot read its store"));
		http_free(&http);
		close(fds[i]);
	}
	fixture_stop(fixture);
}

static void client_search(int fd) {
	static const char body[] =
		"{\"query\":\"{ runs(orderBy: [], filter: {from: \\\"2020-01-01T00:00:00Z\\\", query: "
		"\\\"event.name == 'x'\\\"}) { totalCount edges { cursor } } }\"}";
	char text[1024];
	(void)snprintf(text, sizeof text,
		       "POST /v0/gql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
		       "%zu\r\n\r\n%s",
		       sizeof body - 1, body);
	client_text(fd, text);
}

// How many searches stand in line, once somebody is done with all of the rest.
static void wait_for_line(struct fixture *fixture, unsigned waiting) {
	struct work *work = &fixture->server->work;
	for (unsigned is = waiting + 1; is != waiting;) {
		pthread_mutex_lock(&work->lock);
		is = 0;
		for (struct request *next = work->search_line.first; next != NULL; next = next->next) is++;
		pthread_mutex_unlock(&work->lock);
	}
}

// Of their first turn nothing is left.
static void check_line_is_lean(struct fixture *fixture) {
	struct work *work = &fixture->server->work;
	pthread_mutex_lock(&work->lock);
	for (struct request *next = work->search_line.first; next != NULL; next = next->next) {
		assert_int_equal(next->arena.bytes, 0);
		assert_int_equal(next->out.cap, 0);
	}
	pthread_mutex_unlock(&work->lock);
}

// Searches leave threads to the others, and have their turn all the same.
static void searches_leave_threads(void **state) {
	int searches[WORK_SEARCHES_MAX + 3], plain[WORK_THREADS - WORK_SEARCHES_MAX];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_wait);
	for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
		searches[i] = client_connect(fixture);
		client_search(searches[i]);
		if (i < WORK_SEARCHES_MAX) sem_wait(&play.entered);
	}
	wait_for_line(fixture, ARRAY_LEN(searches) - WORK_SEARCHES_MAX);
	check_line_is_lean(fixture);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		plain[i] = client_connect(fixture);
		client_text(plain[i], get);
		sem_wait(&play.entered); // comes through, though nobody has been let go
	}
	assert_int_equal(sem_trywait(&play.entered), -1);
	for (size_t i = 0; i < 2 * ARRAY_LEN(searches) + ARRAY_LEN(plain); i++) sem_post(&play.go); // list and count
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		struct http http = client_read(plain[i], false);
		assert_int_equal(http.status, 503);
		http_free(&http);
		close(plain[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
		struct http http = client_read(searches[i], false);
		assert_int_equal(http.status, 200);
		assert_non_null(strstr(http.body, "cannot read its store"));
		assert_null(strstr(http.body, "searches for others"));
		http_free(&http);
		close(searches[i]);
	}
	assert_int_equal(fixture->server->work.searches, 0);
	fixture_stop(fixture);
}

// A request that searches twice, while others end, is put off once and for all: what it found is not the answer.
static void a_search_is_put_off_for_good(void **state) {
	(void)state;
	struct server *server = mem_calloc(1, sizeof *server);
	struct request *request = mem_calloc(1, sizeof *request);
	request->server = server;
	work_init(&server->work);
	server->work.searches = WORK_SEARCHES_MAX;
	assert_false(work_search_begin(request));
	server->work.searches = 0;
	assert_false(work_search_begin(request));
	assert_true(request->is_put_off);
	assert_int_equal(server->work.searches, 0);
	work_free(&server->work);
	free(request);
	free(server);
}

// Their line has an end of its own, so that there is room for the others.
static void the_line_of_searches_is_bounded(void **state) {
	static int fds[WORK_SEARCHES_MAX + WORK_PUT_OFF_MAX];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_wait);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect(fixture);
		client_search(fds[i]);
		if (i < WORK_SEARCHES_MAX) sem_wait(&play.entered);
	}
	wait_for_line(fixture, WORK_PUT_OFF_MAX);
	int fd = client_connect(fixture);
	client_search(fd);
	struct http http = client_read(fd, false);
	assert_int_equal(http.status, 503);
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	http_free(&http);
	close(fd);
	for (size_t i = 0; i < 2 * ARRAY_LEN(fds); i++) sem_post(&play.go); // list and count
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		http = client_read(fds[i], false);
		assert_int_equal(http.status, 200);
		http_free(&http);
		close(fds[i]);
	}
	assert_int_equal(fixture->server->work.put_off, 0);
	fixture_stop(fixture);
}

// A server that stops answers those that were put off, too.
static void stopping_ends_searches_in_line(void **state) {
	int fds[WORK_SEARCHES_MAX + 2];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_wait);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect(fixture);
		client_search(fds[i]);
		if (i < WORK_SEARCHES_MAX) sem_wait(&play.entered);
	}
	wait_for_line(fixture, 2);
	for (size_t i = 0; i < 2 * ARRAY_LEN(fds); i++) sem_post(&play.go);
	fixture_stop(fixture);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
}

// Waits outside of the pool.
static struct store_reader *borrow_and_step_out(void *context) {
	struct fixture *fixture = context;
	bool goes = work_step_out(&fixture->server->work);
	atomic_fetch_add(goes ? &play.asked : &play.refused, 1);
	if (!goes) return NULL;
	sem_post(&play.entered);
	sem_wait(&play.go);
	work_step_in(&fixture->server->work);
	return NULL;
}

// So many are out, and sooner or later nobody is busy.
static void expect_out(struct fixture *fixture, unsigned out) {
	struct work *work = &fixture->server->work;
	for (unsigned busy = 1; busy > 0;) {
		pthread_mutex_lock(&work->lock);
		busy = work->busy;
		assert_int_equal(work->out, out);
		assert_true(work->thread_count <= WORK_THREADS + WORK_OUT_MAX);
		pthread_mutex_unlock(&work->lock);
	}
}

// Threads that wait outside leave the pool as large as it was, up to a limit, and come back in turn.
static void threads_step_out(void **state) {
	int fds[WORK_OUT_MAX];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_step_out);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
			fds[i] = client_connect(fixture);
			client_text(fds[i], get);
			sem_wait(&play.entered); // the next one finds a thread
		}
		expect_out(fixture, WORK_OUT_MAX);
		struct http http = call(fixture, "GET", "/v1/events", NULL); // refused, and answered
		assert_int_equal(http.status, 503);
		http_free(&http);
		assert_int_equal(play.refused, round + 1);
		for (size_t i = 0; i < ARRAY_LEN(fds); i++) sem_post(&play.go);
		for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
			http = client_read(fds[i], false);
			assert_int_equal(http.status, 503);
			http_free(&http);
			close(fds[i]);
		}
		assert_int_equal(play.asked, (round + 1) * WORK_OUT_MAX);
	}
	fixture_stop(fixture);
}

static void *stepping_client(void *context) {
	for (size_t i = 0; i < 50; i++) {
		struct http http = call(context, "GET", "/v1/events", NULL);
		assert_int_equal(http.status, 503);
		http_free(&http);
	}
	return NULL;
}

// In and out all the time: nobody is forgotten.
static void threads_step_out_and_in(void **state) {
	pthread_t clients[12];
	struct fixture *fixture = *state;
	start(fixture, borrow_and_step_out);
	for (size_t i = 0; i < 50 * ARRAY_LEN(clients); i++) sem_post(&play.go);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) pthread_create(&clients[i], NULL, stepping_client, fixture);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) pthread_join(clients[i], NULL);
	assert_int_equal(play.asked, 50 * ARRAY_LEN(clients));
	fixture_stop(fixture);
}

static void the_engine_is_asked(void **state) {
	struct fixture *fixture = *state;
	start(fixture, borrow_and_ask);
	for (size_t i = 0; i < 20; i++) {
		struct http http = call(fixture, "GET", "/v1/events", NULL);
		assert_int_equal(http.status, 503);
		http_free(&http);
	}
	assert_int_equal(play.asked, 20);
	fixture->post_result = ERR_BUSY;
	struct http http = call(fixture, "GET", "/v1/events", NULL);
	assert_int_equal(http.status, 503);
	http_free(&http);
	assert_int_equal(play.asked, 20);
	assert_int_equal(play.refused, 1);
	fixture_stop(fixture);
}

static struct reply *engine_says_nothing(struct fixture *fixture, struct command *command) {
	(void)fixture;
	(void)command;
	return NULL;
}

// Threads that wait for an engine that never answers, and requests in line behind them.
static void stopping_ends_all_waits(void **state) {
	int fds[WORK_THREADS + 10];
	struct fixture *fixture = *state;
	fixture->engine = engine_says_nothing;
	start(fixture, borrow_and_ask);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect(fixture);
		client_text(fds[i], get);
		if (i < WORK_THREADS) sem_wait(&play.entered);
	}
	fixture_stop(fixture);
	assert_true(play.refused >= WORK_THREADS);
	assert_int_equal(play.asked, 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		struct http http = client_read(fds[i], false);
		if (i < WORK_THREADS) assert_int_equal(http.status, 503);
		http_free(&http);
		close(fds[i]);
	}
}

// Many at once, on connections of their own, while the server goes down.
static void *client(void *context) {
	for (size_t i = 0; i < 30; i++) {
		struct http http = call(context, "GET", "/v1/events", NULL);
		assert_int_equal(http.status, 503);
		http_free(&http);
	}
	return NULL;
}

static void many_clients_at_once(void **state) {
	struct fixture *fixture = *state;
	pthread_t clients[8];
	start(fixture, borrow_and_ask);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) pthread_create(&clients[i], NULL, client, fixture);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) pthread_join(clients[i], NULL);
	assert_int_equal(play.asked, 30 * ARRAY_LEN(clients));
	fixture_stop(fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_come_from_the_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_lives_on, setup, teardown),
		cmocka_unit_test_setup_teardown(the_line_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(searches_leave_threads, setup, teardown),
		cmocka_unit_test(a_search_is_put_off_for_good),
		cmocka_unit_test_setup_teardown(the_line_of_searches_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_ends_searches_in_line, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_step_out, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_step_out_and_in, setup, teardown),
		cmocka_unit_test_setup_teardown(the_engine_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_ends_all_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(many_clients_at_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
