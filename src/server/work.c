// The pool of threads for work that blocks: a line of requests, and threads that may wait for the engine themselves.
#include "server/server_internal.h"

void work_init(struct work *work) {
	*work = (struct work){.waiting = 0};
	CHECK(pthread_mutex_init(&work->lock, NULL) == 0);
	CHECK(pthread_cond_init(&work->wanted, NULL) == 0);
	CHECK(pthread_cond_init(&work->answered, NULL) == 0);
}

void work_free(struct work *work) {
	pthread_cond_destroy(&work->answered);
	pthread_cond_destroy(&work->wanted);
	pthread_mutex_destroy(&work->lock);
}

// ---- the lines -----------------------------------------------------------------------------------------------------

// Called locked, like all that takes a line.
static void line_add(struct work *work, struct work_line *line, struct request *request) {
	request->next = NULL;
	if (line->first == NULL)
		line->first = request;
	else
		line->last->next = request;
	line->last = request;
	work->waiting++;
	pthread_cond_signal(&work->wanted);
}

// NULL when there is none.
static struct request *line_take(struct work *work, struct work_line *line) {
	struct request *request = line->first;
	if (request == NULL) return NULL;
	line->first = request->next;
	work->waiting--;
	return request;
}

static bool put(struct work *work, struct request *request) {
	pthread_mutex_lock(&work->lock);
	bool room = !work->closed && work->waiting < WORK_WAITING_MAX;
	if (room) line_add(work, &work->line, request);
	pthread_mutex_unlock(&work->lock);
	return room;
}

// Searches that may go on come first: there are always threads that they leave to the others.
static struct request *take_next(struct work *work) {
	if (work->searches == WORK_SEARCHES_MAX || work->search_line.first == NULL) return line_take(work, &work->line);
	struct request *request = line_take(work, &work->search_line);
	request->is_search = true;
	work->searches++;
	return request;
}

// Waits for the next request; NULL: the end.
static struct request *take(struct work *work) {
	struct request *request = NULL;
	pthread_mutex_lock(&work->lock);
	while (!work->closed && (request = take_next(work)) == NULL) pthread_cond_wait(&work->wanted, &work->lock);
	pthread_mutex_unlock(&work->lock);
	return request;
}

bool work_search_begin(struct request *request) {
	struct work *work = &request->server->work;
	if (request->is_search) return true;
	pthread_mutex_lock(&work->lock);
	bool may = work->searches < WORK_SEARCHES_MAX && work->search_line.first == NULL;
	if (may) work->searches++;
	pthread_mutex_unlock(&work->lock);
	request->is_search = may;
	request->is_put_off = !may;
	return may;
}

// After its work. True: it waits for another turn.
static bool put_off(struct work *work, struct request *request) {
	if (!request->is_search && !request->is_put_off) return false;
	pthread_mutex_lock(&work->lock);
	bool again = request->is_put_off && !work->closed;
	if (again) {
		request->is_put_off = false;
		line_add(work, &work->search_line, request);
	}
	if (request->is_search && !again) {
		work->searches--;
		pthread_cond_signal(&work->wanted);
	}
	pthread_mutex_unlock(&work->lock);
	return again;
}

void request_work(struct request *request, void (*work)(struct request *request)) {
	request->work = work;
	request->state = REQUEST_WORKING;
	MHD_suspend_connection(request->connection);
	if (!put(&request->server->work, request)) request_resume(request, NULL);
}

// ---- the threads ---------------------------------------------------------------------------------------------------

static void *serve(void *context) {
	struct work *work = context;
	for (struct request *request; (request = take(work)) != NULL;) {
		request->work(request);
		if (put_off(work, request)) continue;
		if (request->is_put_off) { // the server stops
			request_resume(request, NULL);
			continue;
		}
		request->state = REQUEST_WORKED;
		MHD_resume_connection(request->connection); // from here on it may be gone
	}
	return NULL;
}

enum err work_start(struct work *work, struct error *error) {
	pthread_attr_t attributes;
	CHECK(pthread_attr_init(&attributes) == 0);
	CHECK(pthread_attr_setstacksize(&attributes, HTTP_THREAD_STACK) == 0);
	int code = 0;
	for (unsigned i = 0; i < WORK_THREADS && code == 0; i++) {
		code = pthread_create(&work->threads[i], &attributes, serve, work);
		if (code == 0) work->thread_count++;
	}
	pthread_attr_destroy(&attributes);
	if (code == 0) return ERR_OK;
	return error_set(error, ERR_IO, "cannot start threads for the API: %s", strerror(code));
}

void work_stop(struct work *work) {
	pthread_mutex_lock(&work->lock);
	work->closed = true;
	pthread_cond_broadcast(&work->wanted);
	for (struct request *request; (request = line_take(work, &work->line)) != NULL;) request_resume(request, NULL);
	for (struct request *request; (request = line_take(work, &work->search_line)) != NULL;)
		request_resume(request, NULL);
	pthread_mutex_unlock(&work->lock);
	for (; work->thread_count > 0; work->thread_count--) pthread_join(work->threads[work->thread_count - 1], NULL);
}

// ---- asking the engine ---------------------------------------------------------------------------------------------

// A thread of the pool that waits for a reply.
struct ask {
	struct waiter waiter; // first
	struct work *work;
	struct reply *reply;
	bool is_over;
};

static void ask_resume(struct waiter *waiter, struct reply *reply) {
	struct ask *ask = (struct ask *)waiter;
	struct work *work = ask->work;
	pthread_mutex_lock(&work->lock);
	ask->reply = reply;
	ask->is_over = true; // when the lock is free again, `ask` may be gone
	pthread_cond_broadcast(&work->answered);
	pthread_mutex_unlock(&work->lock);
}

static struct reply *ask_wait(struct ask *ask) {
	pthread_mutex_lock(&ask->work->lock);
	while (!ask->is_over) pthread_cond_wait(&ask->work->answered, &ask->work->lock);
	pthread_mutex_unlock(&ask->work->lock);
	return ask->reply;
}

struct reply *server_ask(struct server *server, struct command *command) {
	struct ask ask = {.waiter = {ask_resume}, .work = &server->work};
	uint64_t token = pending_add(&server->pending, &ask.waiter);
	command->request = token;
	if (token != 0 && server->config.post(server->config.context, command) == ERR_OK) return ask_wait(&ask);
	command_free(command);
	if (token == 0 || pending_take(&server->pending, token) != NULL) return NULL;
	return ask_wait(&ask); // server_stop has taken it, and ends the wait
}
