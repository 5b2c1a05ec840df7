// The traces that runs leave, checked batch by batch as they are committed (stories.c).
#ifndef INNGEST_TESTS_SIM_STORIES_H
#define INNGEST_TESTS_SIM_STORIES_H

#include "sim.h"

void stories_check_batch(struct sim *sim, const struct flow_note *note, const struct batch *batch);
void stories_check_end(const struct sim *sim); // all runs have ended
void stories_free(struct sim *sim);

#endif
