#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "client.h"
#include "load.h"

#define REPLY_MAX (4u << 20)
#define READ_BYTES 16384
#define EVENTS_PER_WAIT 256
#define STALL_WAITS 600 // of WAIT_MS
#define WAIT_MS 100

struct lane { // one connection
	int fd;
	const struct buf *request; // under way
	size_t unsent;             // bytes of it
	uint64_t sent_ns;
	bool writing;
	struct buf in;
};

struct drive {
	const struct load_plan *plan;
	struct load_result *result;
	int epoll;
	struct lane *lanes;
	uint64_t taken; // requests, by all lanes
	uint64_t measure_from_ns;
	uint64_t stop_ns;
};

static bool watch(const struct drive *drive, struct lane *lane, int operation, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = lane};
	return epoll_ctl(drive->epoll, operation, lane->fd, &event) == 0;
}

static bool send_rest(struct drive *drive, struct lane *lane) {
	const struct buf *request = lane->request;
	while (lane->unsent > 0) {
		ssize_t sent = send(lane->fd, request->ptr + request->len - lane->unsent, lane->unsent, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) continue;
		if (sent < 0 && errno != EAGAIN) return false;
		if (sent < 0) break;
		lane->unsent -= (size_t)sent;
	}
	bool writing = lane->unsent > 0;
	if (writing == lane->writing) return true;
	lane->writing = writing;
	return watch(drive, lane, EPOLL_CTL_MOD, writing ? EPOLLOUT : EPOLLIN);
}

static bool send_request(struct drive *drive, struct lane *lane, uint64_t now_ns) {
	const struct load_plan *plan = drive->plan;
	if (plan->count > 0 && drive->taken == plan->count) return true; // the lane has done its part
	lane->request = &plan->requests[drive->taken++ % plan->request_count];
	lane->unsent = lane->request->len;
	lane->sent_ns = now_ns;
	return send_rest(drive, lane);
}

static void count_reply(struct drive *drive, const struct lane *lane, const struct wire_message *reply,
			uint64_t now_ns) {
	if (now_ns < drive->measure_from_ns || now_ns >= drive->stop_ns) return;
	drive->result->answered++;
	drive->result->refused += wire_status(reply->first_line) / 100 != 2;
	histogram_add(&drive->result->latency, now_ns - lane->sent_ns);
}

static bool read_reply(struct drive *drive, struct lane *lane) {
	struct buf *in = &lane->in;
	struct wire_message reply;
	if (in->cap - in->len < READ_BYTES / 2 && !buf_reserve(in, READ_BYTES)) return false;
	ssize_t got = recv(lane->fd, in->ptr + in->len, in->cap - in->len, 0);
	if (got < 0) return errno == EAGAIN || errno == EINTR;
	if (got == 0) return false;
	in->len += (size_t)got;
	enum wire_state state = wire_parse(buf_view(in), &reply);
	if (state != WIRE_WHOLE) return state == WIRE_INCOMPLETE;
	uint64_t now_ns = clock_mono_ns();
	count_reply(drive, lane, &reply, now_ns);
	buf_clear(in);
	return !reply.close && send_request(drive, lane, now_ns);
}

static enum err open_lane(struct drive *drive, struct lane *lane, struct error *error) {
	lane->fd = client_connect(drive->plan->port);
	if (lane->fd < 0) return error_set(error, ERR_IO, "cannot connect to port %u", drive->plan->port);
	fcntl(lane->fd, F_SETFL, O_NONBLOCK);
	buf_init(&lane->in, REPLY_MAX);
	if (watch(drive, lane, EPOLL_CTL_ADD, EPOLLIN) && send_request(drive, lane, clock_mono_ns())) return ERR_OK;
	return error_set(error, ERR_IO, "cannot send: %s", strerror(errno));
}

static bool is_over(const struct drive *drive) {
	uint64_t count = drive->plan->count;
	return count > 0 ? drive->result->answered == count : clock_mono_ns() >= drive->stop_ns;
}

static enum err loop(struct drive *drive, struct error *error) {
	struct epoll_event events[EVENTS_PER_WAIT];
	for (unsigned idle = 0; !is_over(drive); idle++) {
		int count = epoll_wait(drive->epoll, events, EVENTS_PER_WAIT, WAIT_MS);
		if (count < 0 && errno != EINTR) return error_set(error, ERR_IO, "epoll: %s", strerror(errno));
		if (count > 0) idle = 0;
		if (idle == STALL_WAITS) return error_set(error, ERR_IO, "the server does not answer");
		for (int i = 0; i < count; i++) {
			struct lane *lane = events[i].data.ptr;
			if (!(lane->writing ? send_rest(drive, lane) : read_reply(drive, lane)))
				return error_set(error, ERR_IO,
						 "the server closed a connection or sent what is no reply");
		}
	}
	return ERR_OK;
}

enum err load_drive(const struct load_plan *plan, struct load_result *out, struct error *error) {
	uint64_t now_ns = clock_mono_ns();
	bool counted = plan->count > 0;
	*out = (struct load_result){0};
	struct drive drive = {
		.plan = plan,
		.result = out,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.lanes = mem_calloc(plan->connections, sizeof *drive.lanes),
		.measure_from_ns = counted ? 0 : now_ns + plan->warmup_ns,
		.stop_ns = counted ? UINT64_MAX : now_ns + plan->warmup_ns + plan->duration_ns,
	};
	enum err err = ERR_OK;
	unsigned opened = 0;
	while (opened < plan->connections && err == ERR_OK) {
		err = open_lane(&drive, &drive.lanes[opened], error);
		opened++;
	}
	if (err == ERR_OK) err = loop(&drive, error);
	out->seconds = (double)(counted ? clock_mono_ns() - now_ns : plan->duration_ns) / 1e9;
	for (unsigned i = 0; i < opened; i++) {
		if (drive.lanes[i].fd >= 0) close(drive.lanes[i].fd);
		buf_free(&drive.lanes[i].in);
	}
	free(drive.lanes);
	close(drive.epoll);
	return err;
}
