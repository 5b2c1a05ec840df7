#include "pacer.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define INTERVAL_US 5000

static void *pace(void *context) {
	struct pacer *pacer = context;
	uint64_t from_ns = clock_mono_ns();
	double sent = 0;
	while (pacer->err == ERR_OK && !atomic_load(&pacer->is_stopping)) {
		double due = pacer->runs_per_s * ((double)(clock_mono_ns() - from_ns) / 1e9);
		unsigned count = due > sent ? (unsigned)(due - sent) : 0;
		if (count > 0) pacer->err = stand_send_events(&pacer->stand, pacer->scenario, count, &pacer->error);
		sent += count;
		usleep(INTERVAL_US);
	}
	return NULL;
}

enum err pacer_start(struct pacer *pacer, const struct stand *stand, enum scenario_id scenario, double runs_per_s,
		     struct error *error) {
	*pacer = (struct pacer){.scenario = scenario, .runs_per_s = runs_per_s};
	stand_join(&pacer->stand, stand);
	if (pthread_create(&pacer->thread, NULL, pace, pacer) == 0) return ERR_OK;
	stand_leave(&pacer->stand);
	return error_set(error, ERR_IO, "cannot start a thread");
}

enum err pacer_stop(struct pacer *pacer, struct error *error) {
	atomic_store(&pacer->is_stopping, true);
	pthread_join(pacer->thread, NULL);
	stand_leave(&pacer->stand);
	if (pacer->err != ERR_OK && error != NULL) *error = pacer->error;
	return pacer->err;
}
