// The table of the commands: names, help and what runs. New commands are added here and in enum command_id.
#include "base/check.h"
#include "cli/command.h"

static int version_run(struct cli *cli, struct settings *settings) {
	(void)settings;
	fprintf(cli->out, "%s\n", cli_version());
	return CLI_EXIT_OK;
}

int start_run(struct cli *cli, struct settings *settings) {
	(void)settings;
	fputs("Error: the start command is not available yet; use 'inngest dev --persist'\n", cli->out);
	return CLI_EXIT_ERROR;
}

#define MANY_WORDS 100000
#define RUN "01M7ZY6CWGA1JCD60V59ARPN14"
#define CONFIGURATION_NOTE                                                                    \
	"Each option may also be set by an environment variable (INNGEST_POLL_INTERVAL for\n" \
	"--poll-interval) or in inngest.json or inngest.yaml; the command line wins.\n"
#define CLIENT_NOTE "INNGEST_URL and INNGEST_SIGNING_KEY do the same as the options.\n"

// clang-format off
const struct cli_command cli_commands[COMMAND_ID_COUNT] = {
	[COMMAND_ID_ROOT] = {"", "durable functions: a server for Inngest apps", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_HELP] = {"help", "Show help for a command", .takes = "[command]", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_VERSION] = {"version", "Print the version", .usage_exit = CLI_EXIT_ERROR, .run = version_run},
	[COMMAND_ID_DEV] = {"dev", "Run the development server", .usage_exit = CLI_EXIT_ERROR, .run = dev_run,
		.examples = "   inngest dev\n"
			    "   inngest dev -u http://localhost:3000/api/inngest\n"
			    "   inngest dev --persist --port 9000\n",
		.note = CONFIGURATION_NOTE},
	[COMMAND_ID_START] = {"start", "Run the self-hosted server (not available yet)", .usage_exit = CLI_EXIT_ERROR,
		.run = start_run, .note = CONFIGURATION_NOTE},
	[COMMAND_ID_EXPR] = {"expr", "Evaluate an expression and explain the result", .usage_exit = CLI_EXIT_EXPR_ERROR,
		.run = expr_run, .takes = "'EXPRESSION' [options]", .words_max = 1,
		.wants = "no expression was given; write inngest expr 'EXPRESSION'",
		.examples = "   inngest expr 'event.data.amount > 100' --event order.json\n"
			    "   echo '{\"data\": {\"id\": 7}}' | inngest expr 'event.data.id' --event - --json\n"
			    "   inngest expr 'event.data.id == async.data.id' --event first.json --async second.json\n",
		.note = "The exit code is 0 when the result is truthy, 1 when it is not, 2 after an error. Write -- before\n"
			"an expression that begins with a minus. docs/expressions.md describes the language.\n"},

	[COMMAND_ID_RUNS] = {"runs", "Ask a running server about its runs", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_RUNS_LIST] = {"runs list", "List runs, the latest first", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = runs_list_run,
		.examples = "   inngest runs list\n"
			    "   inngest runs list --status FAILED --function shop/confirm --since 1h\n"
			    "   inngest runs list --all --json\n",
		.note = CLIENT_NOTE},
	[COMMAND_ID_RUNS_GET] = {"runs get", "Show a run: its times, trace and output", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = runs_get_run, .takes = "RUN_ID [options]", .words_max = 1,
		.wants = "no run was given; write inngest runs get RUN_ID",
		.examples = "   inngest runs get " RUN "\n"
			    "   inngest runs get " RUN " --json\n"
			    "   inngest runs get " RUN " --json --trace\n",
		.note = CLIENT_NOTE},
	[COMMAND_ID_RUNS_WATCH] = {"runs watch", "Print a line for each thing that happens", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = runs_watch_run, .takes = "[RUN_ID] [options]", .words_max = 1,
		.examples = "   inngest runs watch\n"
			    "   inngest runs watch --function shop/confirm\n"
			    "   inngest runs watch " RUN "\n",
		.note = "With a run it ends when that ends: the exit code is 0 when the run has completed, 1 when not. Ctrl-C\n"
			"ends it with 0. With --json each update is one line of JSON.\n" CLIENT_NOTE},
	[COMMAND_ID_RUNS_WHY] = {"runs why", "Tell what a run waits for", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = why_run, .takes = "RUN_ID [options]", .words_max = 1,
		.wants = "no run was given; write inngest runs why RUN_ID",
		.examples = "   inngest runs why " RUN "\n"
			    "   inngest runs why " RUN " --url http://localhost:9000 --json\n",
		.note = CLIENT_NOTE "The exit code is 0 when the run has something in the queue, 1 when it has ended, is unknown, or\n"
			"the server cannot be asked.\n"},
	[COMMAND_ID_RUNS_CANCEL] = {"runs cancel", "Cancel runs", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = runs_cancel_run, .takes = "RUN_ID... [options]", .words_max = MANY_WORDS,
		.wants = "no run was given; write inngest runs cancel RUN_ID...",
		.examples = "   inngest runs cancel " RUN "\n"
			    "   inngest runs list --status RUNNING --since 1h | cut -f1 | xargs inngest runs cancel\n",
		.note = "The exit code is 1 when one of them could not be cancelled; the others are.\n" CLIENT_NOTE},
	[COMMAND_ID_RUNS_RERUN] = {"runs rerun", "Run a function again with the same event", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = runs_rerun_run, .takes = "RUN_ID [options]", .words_max = 1,
		.wants = "no run was given; write inngest runs rerun RUN_ID",
		.examples = "   inngest runs rerun " RUN "\n"
			    "   inngest runs rerun " RUN " --from-step charge --input '[{\"amount\": 5}]'\n",
		.note = CLIENT_NOTE},

	[COMMAND_ID_EVENTS] = {"events", "List or send events", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_EVENTS_LIST] = {"events list", "List events, the latest first", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_EVENTS, .run = events_list_run,
		.examples = "   inngest events list\n"
			    "   inngest events list --name shop/order.placed --since 1d --limit 50\n",
		.note = "Without --since those of the last hour.\n" CLIENT_NOTE},
	[COMMAND_ID_EVENTS_SEND] = {"events send", "Send an event", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_EVENTS, .run = events_send_run, .takes = "NAME [options]", .words_max = 1,
		.wants = "no name was given; write inngest events send NAME --data '{...}'",
		.examples = "   inngest events send shop/order.placed --data '{\"id\": 7}'\n"
			    "   inngest events send shop/order.placed --data @order.json --id order-7\n"
			    "   echo '{\"id\": 7}' | inngest events send shop/order.placed --data -\n",
		.note = "INNGEST_URL and INNGEST_EVENT_KEY do the same as the options.\n"},

	[COMMAND_ID_FUNCTIONS] = {"functions", "List, invoke or pause functions", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_FUNCTIONS_LIST] = {"functions list", "List the functions of all apps, or of one",
		.usage_exit = CLI_EXIT_ERROR, .parent = COMMAND_ID_FUNCTIONS, .run = functions_list_run,
		.examples = "   inngest functions list\n"
			    "   inngest functions list --app shop\n",
		.note = CLIENT_NOTE},
	[COMMAND_ID_FUNCTIONS_INVOKE] = {"functions invoke", "Start a run of a function", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_FUNCTIONS, .run = functions_invoke_run, .takes = "APP/FUNCTION [options]", .words_max = 1,
		.wants = "no function was given; write inngest functions invoke APP/FUNCTION",
		.examples = "   inngest functions invoke shop/confirm --data '{\"id\": 7}'\n"
			    "   inngest functions invoke shop/confirm --data @order.json --wait\n",
		.note = "With --wait the exit code is 1 when the run fails or is cancelled.\n" CLIENT_NOTE},
	[COMMAND_ID_FUNCTIONS_PAUSE] = {"functions pause", "Pause a function: its runs stand still, and none starts",
		.usage_exit = CLI_EXIT_ERROR, .parent = COMMAND_ID_FUNCTIONS, .run = functions_pause_run,
		.takes = "APP/FUNCTION [options]", .words_max = 1,
		.wants = "no function was given; write inngest functions pause APP/FUNCTION",
		.examples = "   inngest functions pause shop/confirm\n",
		.note = CLIENT_NOTE},
	[COMMAND_ID_FUNCTIONS_UNPAUSE] = {"functions unpause", "Let a paused function go on", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_FUNCTIONS, .run = functions_unpause_run, .takes = "APP/FUNCTION [options]", .words_max = 1,
		.wants = "no function was given; write inngest functions unpause APP/FUNCTION",
		.examples = "   inngest functions unpause shop/confirm\n",
		.note = CLIENT_NOTE},

	[COMMAND_ID_APPS] = {"apps", "List or sync apps", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_APPS_LIST] = {"apps list", "List the apps that the server knows", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_APPS, .run = apps_list_run,
		.examples = "   inngest apps list\n",
		.note = CLIENT_NOTE},
	[COMMAND_ID_APPS_SYNC] = {"apps sync", "Let the server ask an app for its functions", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_APPS, .run = apps_sync_run, .takes = "APP|URL [options]", .words_max = 1,
		.wants = "no app was given; write inngest apps sync APP, or its URL",
		.examples = "   inngest apps sync shop\n"
			    "   inngest apps sync http://localhost:3000/api/inngest\n",
		.note = CLIENT_NOTE},

	[COMMAND_ID_DB] = {"db", "Work on the database of a stopped server", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_DB_HAND_OVER] = {"db hand-over", "Write traces as the Inngest server in Go reads them",
		.usage_exit = CLI_EXIT_ERROR, .parent = COMMAND_ID_DB, .run = db_hand_over_run,
		.examples = "   inngest db hand-over\n"
			    "   inngest db hand-over --sqlite-dir /var/lib/inngest --json\n",
		.note = "Stop the server first. Nothing is removed: this server goes on with the same file. Ctrl-C breaks it\n"
			"off, and the same command goes on later. docs/cli.md says what the other server sees.\n"},
};
// clang-format on
