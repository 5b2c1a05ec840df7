#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char **argv) {
	struct cli cli = {.out = stdout,
			  .err = stderr,
			  .terminal = isatty(STDOUT_FILENO) == 1,
			  .run_node = node_run,
			  .hand_over = node_hand_over};
	return cli_main(&cli, argc, argv);
}
