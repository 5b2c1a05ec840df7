#include "driver/http_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "driver/http_internal.h"

// Work for the client's thread, on its way through the mailbox.
struct job {
	struct message message;
	struct message *subject;
	void (*work)(struct message *message, void *context);
	void *context;
};

// Rounds of work that curl wants at once before the loop gets to look at its sockets again.
#define DUE_ROUNDS_MAX 8

// ---- curl's side ----------------------------------------------------------------------------------------------

void http_client_reap(struct http_client *client) {
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) continue;
		struct http_transfer *transfer = NULL;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		http_transfer_finish(transfer, code);
	}
}

static void on_timeout(uv_timer_t *timer) {
	struct http_client *client = timer->data;
	int running;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_client_reap(client);
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *context) {
	(void)multi;
	struct http_client *client = context;
	client->due = timeout_ms == 0;
	if (timeout_ms > 0)
		uv_timer_start(&client->timer, on_timeout, (uint64_t)timeout_ms, 0);
	else
		uv_timer_stop(&client->timer);
	return 0;
}

static void run_due(struct http_client *client) {
	for (int round = 0; client->due && round < DUE_ROUNDS_MAX; round++) {
		client->due = false;
		on_timeout(&client->timer);
	}
	if (client->due) {
		client->due = false;
		uv_timer_start(&client->timer, on_timeout, 0, 0);
	}
}

void http_round_task_init(struct http_round_task *task, void (*run)(struct http_round_task *task)) {
	list_init(&task->link);
	task->run = run;
}

void http_client_at_round_end(struct http_client *client, struct http_round_task *task) {
	if (list_empty(&task->link)) list_push_back(&client->round_tasks, &task->link);
}

static void run_round_tasks(struct http_client *client) {
	struct list *node;
	while ((node = list_pop_front(&client->round_tasks)) != NULL) {
		struct http_round_task *task = list_entry(node, struct http_round_task, link);
		task->run(task);
	}
}

static void on_prepare(uv_prepare_t *prepare) {
	struct http_client *client = prepare->data;
	run_due(client);
	run_round_tasks(client);
}

// The library starts with the first exchange: until then the process is spared its memory and start-up time.
CURLM *http_client_multi(struct http_client *client) {
	if (client->multi != NULL) return client->multi;
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	CURLM *multi = curl_multi_init();
	CHECK(multi != NULL);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, http_socket_wanted);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_KEPT);
	client->multi = multi;
	return multi;
}

static void multi_free(struct http_client *client) {
	if (client->multi == NULL) return;
	curl_multi_cleanup(client->multi);
	curl_global_cleanup();
	client->multi = NULL;
	http_socket_drop_all(client);
}

// ---- thread and mailbox ---------------------------------------------------------------------------------------

static void run_jobs(struct http_client *client) {
	struct message *message = mailbox_take(client->mailbox, 0);
	while (message != NULL) {
		struct job *job = container_of(message, struct job, message);
		message = message->next;
		job->work(job->subject, job->context);
		free(job);
	}
}

// Everything that keeps the loop going is closed, so that uv_run returns once the last handle is gone.
static void shut_down(struct http_client *client) {
	client->closing = true;
	http_transfer_end_all(client);
	run_round_tasks(client);
	multi_free(client);
	uv_close((uv_handle_t *)&client->timer, NULL);
	uv_close((uv_handle_t *)&client->prepare, NULL);
	uv_close((uv_handle_t *)&client->wake, NULL);
}

static void on_wake(uv_async_t *wake) {
	struct http_client *client = wake->data;
	run_jobs(client);
	if (atomic_load(&client->stop)) shut_down(client);
}

static void run_loop(void *context) {
	struct http_client *client = context;
	uv_run(&client->loop, UV_RUN_DEFAULT);
}

static void wake_loop(void *context) {
	struct http_client *client = context;
	uv_async_send(&client->wake);
}

// Signals are the main thread's: the client's thread blocks them all, SIGPIPE of TLS writes included.
static int start_thread(struct http_client *client) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = uv_thread_create(&client->thread, run_loop, client);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

static int loop_init(struct http_client *client) {
	int status = uv_loop_init(&client->loop);
	if (status != 0) return status;
	status = uv_async_init(&client->loop, &client->wake, on_wake);
	if (status != 0) {
		uv_loop_close(&client->loop);
		return status;
	}
	uv_timer_init(&client->loop, &client->timer);
	uv_prepare_init(&client->loop, &client->prepare);
	client->wake.data = client->timer.data = client->prepare.data = client;
	uv_prepare_start(&client->prepare, on_prepare);
	return 0;
}

static void client_free_memory(struct http_client *client) {
	mailbox_free(client->mailbox);
	free(client->sockets);
	free(client);
}

enum err http_client_new(struct http_client **out, struct error *error) {
	struct http_client *client = mem_calloc(1, sizeof *client);
	atomic_init(&client->stop, false);
	list_init(&client->round_tasks);
	list_init(&client->active);
	list_init(&client->spare);
	// Its messages are bounded by their senders: calls by the engine's workers, pings one per app.
	client->mailbox = mailbox_new(SIZE_MAX, wake_loop, client);
	int status = loop_init(client);
	if (status != 0) {
		client_free_memory(client);
		return error_set(error, ERR_IO, "event loop: %s", uv_strerror(status));
	}
	status = start_thread(client);
	if (status != 0) {
		shut_down(client);
		uv_run(&client->loop, UV_RUN_DEFAULT);
		uv_loop_close(&client->loop);
		client_free_memory(client);
		return error_set(error, ERR_IO, "thread: %s", uv_strerror(status));
	}
	*out = client;
	return ERR_OK;
}

void http_client_free(struct http_client *client) {
	if (client == NULL) return;
	atomic_store(&client->stop, true);
	uv_async_send(&client->wake);
	uv_thread_join(&client->thread);
	client->joined = true;
	run_jobs(client); // what came too late ends here, as `closing` is set
	run_round_tasks(client);
	CHECK(uv_loop_close(&client->loop) == 0);
	client_free_memory(client);
}

void http_client_post(struct http_client *client, struct message *message,
		      void (*work)(struct message *message, void *context), void *context) {
	struct job *job = mem_alloc(sizeof *job);
	*job = (struct job){.subject = message, .work = work, .context = context};
	mailbox_post_always(client->mailbox, &job->message);
}

static void begin_exchange(struct message *message, void *context) {
	http_transfer_begin(context, container_of(message, struct http_exchange, message));
}

void http_client_start(struct http_client *client, struct http_exchange *exchange) {
	uv_thread_t self = uv_thread_self();
	if (client->joined || uv_thread_equal(&self, &client->thread))
		http_transfer_begin(client, exchange);
	else
		http_client_post(client, &exchange->message, begin_exchange, client);
}
