// The pool of threads for work that blocks: a line of requests, and threads that may wait for the engine themselves.
#include "server/server_internal.h"

void work_init(struct work *work) {
	*work = (struct work){.waiting_max = WORK_WAITING_MAX};
	CHECK(pthread_mutex_init(&work->lock, NULL) == 0);
	CHECK(pthread_cond_init(&work->wanted, NULL) == 0);
	CHECK(pthread_cond_init(&work->answered, NULL) == 0);
	CHECK(pthread_cond_init(&work->back, NULL) == 0);
}

void work_free(struct work *work) {
	pthread_cond_destroy(&work->back);
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
	bool room = !work->closed && work->waiting < work->waiting_max;
	if (room) line_add(work, &work->line, request);
	pthread_mutex_unlock(&work->lock);
	return room;
}

// Searches that may go on come first: there are always threads that they leave to the others.
static struct request *take_next(struct work *work) {
	if (work->searches == WORK_SEARCHES_MAX || work->search_line.first == NULL) return line_take(work, &work->line);
	struct request *request = line_take(work, &work->search_line);
	work->put_off--;
	request->is_search = true;
	work->searches++;
	return request;
}

// Called locked: whether another thread may be busy. Those who come back go first.
static bool may_be_busy(const struct work *work) {
	return work->returning == 0 && work->busy < WORK_THREADS;
}

// Waits for the next request; NULL: the end.
static struct request *take(struct work *work) {
	struct request *request = NULL;
	pthread_mutex_lock(&work->lock);
	while (!work->closed && (!may_be_busy(work) || (request = take_next(work)) == NULL))
		pthread_cond_wait(&work->wanted, &work->lock);
	if (request != NULL) work->busy++;
	// The signal for the next one may have come while there was no room.
	if (may_be_busy(work) && work->waiting > 0) pthread_cond_signal(&work->wanted);
	pthread_mutex_unlock(&work->lock);
	return request;
}

// Called locked: a thread is busy no longer, so another one may be.
static void make_room(struct work *work) {
	work->busy--;
	pthread_cond_signal(work->returning > 0 ? &work->back : &work->wanted);
}

bool work_search_begin(struct request *request) {
	struct work *work = &request->server->work;
	if (request->is_search) return true;
	if (request->is_put_off) return false; // for good, though others may have ended since
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
	bool again = request->is_put_off && !work->closed && work->put_off < WORK_PUT_OFF_MAX;
	if (again) {
		request->is_put_off = false;
		work->put_off++;
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

// After its work: it is answered, or waits for another turn.
static void finish(struct work *work, struct request *request) {
	if (put_off(work, request)) return;
	if (request->is_put_off) { // the server stops, or too many wait
		request_resume(request, NULL);
		return;
	}
	request->state = REQUEST_WORKED;
	MHD_resume_connection(request->connection); // from here on it may be gone
}

static void *serve(void *context) {
	struct work *work = context;
	for (struct request *request; (request = take(work)) != NULL;) {
		request->work(request);
		finish(work, request);
		pthread_mutex_lock(&work->lock);
		make_room(work);
		pthread_mutex_unlock(&work->lock);
	}
	return NULL;
}

// Called locked, or before there are others.
static int add_thread(struct work *work) {
	pthread_attr_t attributes;
	CHECK(pthread_attr_init(&attributes) == 0);
	CHECK(pthread_attr_setstacksize(&attributes, HTTP_THREAD_STACK) == 0);
	int code = pthread_create(&work->threads[work->thread_count], &attributes, serve, work);
	if (code == 0) work->thread_count++;
	pthread_attr_destroy(&attributes);
	return code;
}

enum err work_start(struct work *work, struct error *error) {
	int code = 0;
	for (unsigned i = 0; i < WORK_THREADS && code == 0; i++) code = add_thread(work);
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
	// No thread is added any more.
	for (; work->thread_count > 0; work->thread_count--) pthread_join(work->threads[work->thread_count - 1], NULL);
}

// ---- waiting outside -----------------------------------------------------------------------------------------------

bool work_step_out(struct work *work) {
	pthread_mutex_lock(&work->lock);
	bool goes = work->out < WORK_OUT_MAX && !work->closed;
	if (goes) {
		work->out++;
		make_room(work);
		// Threads stay once they are there, so at most as many are made as were ever out together.
		if (work->thread_count < WORK_THREADS + work->out) (void)add_thread(work);
	}
	pthread_mutex_unlock(&work->lock);
	return goes;
}

void work_step_in(struct work *work) {
	pthread_mutex_lock(&work->lock);
	work->out--;
	work->returning++;
	while (work->busy >= WORK_THREADS) pthread_cond_wait(&work->back, &work->lock);
	work->returning--;
	work->busy++;
	// Whoever was signalled for this place may have had a successor.
	if (work->busy < WORK_THREADS) pthread_cond_signal(work->returning > 0 ? &work->back : &work->wanted);
	pthread_mutex_unlock(&work->lock);
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
