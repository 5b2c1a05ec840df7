// The test stand: one server under test, the fake app beside it, and connections to both. One thread.
#ifndef INNGEST_BENCH_STAND_H
#define INNGEST_BENCH_STAND_H

#include "client.h"
#include "process.h"
#include "scenario.h"

#define STAND_EVENTS_PER_POST 100
#define STAND_FIRST_NUMBER 100000
#define STAND_HOLD_MS 3600000 // a delay that nobody waits for

struct stand_config {
	const char *command;  // with {port} and {dir}
	const char *programs; // directory of bench_app and bench_load
	const char *work_dir;
};

struct stand {
	struct stand_config config;
	char dir[512]; // the server's; new for each stand, removed with it
	char log[600];
	uint16_t server_port;
	uint16_t app_port;
	pid_t server; // -1: not running
	pid_t app;
	struct client to_server;
	struct client to_app;
	uint64_t next_number; // in the data of the next event that starts a run
};

struct app_latency {
	uint64_t count;
	double p50_us;
	double p99_us;
	double max_us;
};
struct app_counts {
	uint64_t calls;
	uint64_t results;
	uint64_t early; // calls after a sleep before its end; runs of a debounce before its time
	struct app_latency event_to_call;
	struct app_latency step_to_step;
	struct app_latency resume;
	struct app_latency fired; // to the making of a debounce's run
};

ERR_CHECKED enum err stand_open(struct stand *stand, const struct stand_config *config, struct error *error);
void stand_close(struct stand *stand);
// The same server and app for another thread, by connections of its own. Starts and stops nothing.
void stand_join(struct stand *stand, const struct stand *of);
void stand_leave(struct stand *stand);
// Starts the server and waits for its /health; *took_ms (may be NULL) is the time from exec to the first good answer.
ERR_CHECKED enum err stand_start_server(struct stand *stand, double *took_ms, struct error *error);
void stand_stop_server(struct stand *stand);
// The same by SIGKILL.
void stand_kill_server(struct stand *stand);
// Starts the app; with a server running it registers there.
ERR_CHECKED enum err stand_start_app(struct stand *stand, struct error *error);

// Sends `count` events bench/NAME with the time of sending, in POSTs of STAND_EVENTS_PER_POST.
ERR_CHECKED enum err stand_send_events(struct stand *stand, enum scenario_id scenario, unsigned count,
				       struct error *error);
// Sends events bench/reply, with the time of sending, to the waits of the `count` runs from this number on.
ERR_CHECKED enum err stand_send_replies(struct stand *stand, uint64_t number, unsigned count, struct error *error);
// Tells the app when the sleeps end that it will ask for; in seconds since the epoch.
ERR_CHECKED enum err stand_set_due(struct stand *stand, uint64_t due_s, struct error *error);
// Has the app answer so long after each call, at once with 0, calls that wait for their answer included.
ERR_CHECKED enum err stand_set_delay(struct stand *stand, unsigned delay_ms, struct error *error);
// The app's counts once both numbers are reached, or after `limit_ms`.
ERR_CHECKED enum err stand_wait(struct stand *stand, uint64_t calls, uint64_t results, unsigned limit_ms,
				struct app_counts *out, struct error *error);
// As before, but it is an error when nothing moves for a while; no limit as long as something does.
ERR_CHECKED enum err stand_wait_all(struct stand *stand, uint64_t calls, uint64_t results, struct app_counts *out,
				    struct error *error);
ERR_CHECKED enum err stand_reset_counts(struct stand *stand, struct error *error);
// The last lines of the server's log, for a report of what went wrong.
void stand_print_log(const struct stand *stand);

#endif
