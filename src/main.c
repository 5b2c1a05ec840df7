#include <unistd.h>

#include "cli/cli.h"
#include "node/node.h"

int main(int argc, char **argv) {
	struct cli cli = {stdout, stderr, isatty(STDOUT_FILENO) == 1, node_run};
	return cli_main(&cli, argc, argv);
}
