// What history costs: the same runs at a server that writes it and at one that does not.
#include <stdio.h>

#include "feed.h"

#define COMMAND_MAX 1300

enum { ON, OFF, SIDES };

struct round {
	struct feed_figures sides[SIDES];
};

// The two take turns, each with the other idle beside it, and the order changes from round to round.
static enum err run_round(const struct measure *measure, struct stand *stands, unsigned number, struct round *out,
			  struct error *error) {
	enum err err = ERR_OK;
	for (unsigned i = 0; i < SIDES && err == ERR_OK; i++) {
		unsigned side = (number + i) % SIDES;
		err = feed_window(measure, &stands[side], SCENARIO_SEQUENTIAL, measure->duration_ms / FEED_ROUNDS,
				  &out->sides[side], error);
	}
	return err;
}

static void store(const struct round *rounds, double *values) {
	double calls[SIDES][FEED_ROUNDS], ratios[FEED_ROUNDS];
	for (unsigned i = 0; i < FEED_ROUNDS; i++) {
		for (unsigned side = 0; side < SIDES; side++) calls[side][i] = rounds[i].sides[side].calls_per_s;
		ratios[i] = calls[ON][i] / calls[OFF][i];
	}
	values[METRIC_HISTORY_ON] = measure_median(calls[ON], FEED_ROUNDS);
	values[METRIC_HISTORY_OFF] = measure_median(calls[OFF], FEED_ROUNDS);
	values[METRIC_HISTORY_RATIO] = measure_median(ratios, FEED_ROUNDS);
}

static enum err run_rounds(const struct measure *measure, struct stand *stands, double *values, struct error *error) {
	struct round rounds[FEED_ROUNDS] = {0};
	enum err err = ERR_OK;
	for (unsigned i = 0; i < FEED_ROUNDS && err == ERR_OK; i++)
		err = run_round(measure, stands, i, &rounds[i], error);
	if (err == ERR_OK) store(rounds, values);
	return err;
}

enum err measure_history(const struct measure *measure, double *values, struct error *error) {
	static const char *const flags[SIDES] = {[ON] = "all", [OFF] = "none"};
	char commands[SIDES][COMMAND_MAX];
	struct stand stands[SIDES];
	enum err err = ERR_OK;
	unsigned opened = 0;
	while (opened < SIDES && err == ERR_OK) {
		struct measure side = *measure;
		snprintf(commands[opened], COMMAND_MAX, "%s --history %s", measure->config.command, flags[opened]);
		side.config.command = commands[opened];
		err = measure_open(&side, &stands[opened], error);
		opened++;
	}
	if (err == ERR_OK) err = run_rounds(measure, stands, values, error);
	for (unsigned i = 0; i < opened; i++) measure_close(&stands[i], err);
	return err;
}
