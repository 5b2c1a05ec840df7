#include <unistd.h>

#include "cli/cli.h"
#include "node/node.h"

int main(int argc, char **argv) {
	struct cli cli = {.out = stdout, .err = stderr, .terminal = isatty(STDOUT_FILENO) == 1, .run_node = node_run};
	return cli_main(&cli, argc, argv);
}
