// The commands as data, and what each one runs.
#ifndef INNGEST_CLI_COMMAND_H
#define INNGEST_CLI_COMMAND_H

#include "cli/cli.h"
#include "cli/settings.h"

struct cli_command {
	const char *name; // whole: "runs why"
	const char *summary;
	const char *examples;   // lines, or NULL
	const char *takes;      // in help, behind the name; NULL: "[options]"
	const char *note;       // lines at the end of its help, or NULL
	size_t words_max;       // arguments that are no flags
	const char *wants;      // said when none of them is given; NULL: there need not be one
	int usage_exit;         // exit code after arguments that are wrong
	enum command_id parent; // the group that it belongs to
	// Exit code. `settings` hold the arguments only. NULL: a group, or `help`, which the dispatcher does.
	int (*run)(struct cli *cli, struct settings *settings);
};

extern const struct cli_command cli_commands[COMMAND_ID_COUNT];

// The command of a group that this word means; COMMAND_ID_COUNT when there is none.
enum command_id command_find(enum command_id group, struct str word);
static inline bool command_is_group(enum command_id id) {
	return cli_commands[id].run == NULL && id != COMMAND_ID_HELP;
}
// The last word of its name.
const char *command_word(enum command_id id);

// Help on `out`, made from the tables.
void help_print(FILE *out, enum command_id command);

int dev_run(struct cli *cli, struct settings *settings);
int start_run(struct cli *cli, struct settings *settings);
int expr_run(struct cli *cli, struct settings *settings);
// Each of these asks a running server (cli/remote.h).
int why_run(struct cli *cli, struct settings *settings);
int runs_list_run(struct cli *cli, struct settings *settings);
int runs_get_run(struct cli *cli, struct settings *settings);
int runs_watch_run(struct cli *cli, struct settings *settings);
int runs_cancel_run(struct cli *cli, struct settings *settings);
int runs_rerun_run(struct cli *cli, struct settings *settings);
int events_list_run(struct cli *cli, struct settings *settings);
int events_send_run(struct cli *cli, struct settings *settings);
int functions_list_run(struct cli *cli, struct settings *settings);
int functions_invoke_run(struct cli *cli, struct settings *settings);
int functions_pause_run(struct cli *cli, struct settings *settings);
int functions_unpause_run(struct cli *cli, struct settings *settings);
int apps_list_run(struct cli *cli, struct settings *settings);
int apps_sync_run(struct cli *cli, struct settings *settings);
// With no server on the file.
int db_hand_over_run(struct cli *cli, struct settings *settings);

#endif
