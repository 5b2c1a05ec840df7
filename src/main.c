#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char **argv) {
	struct cli cli = {stdout, stderr, isatty(STDOUT_FILENO) == 1, node_run, node_hand_over};
	return cli_main(&cli, argc, argv);
}
