// The commands as data, and what each one runs.
#ifndef INNGEST_CLI_COMMAND_H
#define INNGEST_CLI_COMMAND_H

#include "cli/cli.h"
#include "cli/settings.h"

struct cli_command {
	const char *name;
	const char *summary;
	const char *examples; // lines, or NULL
	const char *takes;    // in help, behind the name; NULL: "[options]"
	const char *note;     // lines at the end of its help, or NULL
	bool takes_word;      // an argument that is no flag
	int usage_exit;       // exit code after arguments that are wrong
	// Exit code. `settings` hold arguments and environment, not yet the file. NULL: the dispatcher does it.
	int (*run)(struct cli *cli, struct settings *settings);
};

extern const struct cli_command cli_commands[COMMAND_ID_COUNT];

// COMMAND_ID_COUNT when there is no such command.
enum command_id command_find(struct str name);

// Help on `out`, made from the tables.
void help_print(FILE *out, enum command_id command);

int dev_run(struct cli *cli, struct settings *settings);
int start_run(struct cli *cli, struct settings *settings);
int expr_run(struct cli *cli, struct settings *settings);

#endif
