// The command line: reads arguments, environment and configuration file, and runs a command (spec 05 §17–19).
//
// Main thread only. The server itself comes in as a function, so this layer can be tested without one.
#ifndef INNGEST_CLI_CLI_H
#define INNGEST_CLI_CLI_H

#include <stdio.h>

#include "node/hand_over.h"
#include "node/node.h"

// Exit codes (05 §20.4)
#define CLI_EXIT_OK 0
#define CLI_EXIT_ERROR 1
#define CLI_EXIT_UNKNOWN_COMMAND 3
// Of `expr`: 0 when the result is truthy
#define CLI_EXIT_EXPR_FALSY 1
#define CLI_EXIT_EXPR_ERROR 2

typedef enum err cli_node_fn(const struct node_config *config, void (*online)(void *context, uint16_t port),
			     void *context, struct error *error);

typedef enum err cli_hand_over_fn(const char *sqlite_dir, hand_over_progress *progress, void *context,
				  struct hand_over_result *out, struct error *error);

struct cli {
	FILE *out;
	FILE *err;
	bool terminal; // `out` is one: banner and coloured logs
	cli_node_fn *run_node;
	int output_errno; // of the first write to `out` that failed; 0: none
	cli_hand_over_fn *hand_over;
};

// The exit code of the process.
int cli_main(struct cli *cli, int argc, char **argv);
// "<version>-<commit>"
const char *cli_version(void);

#endif
