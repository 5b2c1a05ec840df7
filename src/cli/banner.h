// What a terminal shows once the server accepts requests (spec 05 §19). Reads nothing from the terminal.
#ifndef INNGEST_CLI_BANNER_H
#define INNGEST_CLI_BANNER_H

#include <stdio.h>

#include "base/str.h"

struct banner {
	FILE *out;
	bool colour;
	struct str host; // empty: every interface
	bool discovery;
};

void banner_print(const struct banner *banner, uint16_t port);

#endif
