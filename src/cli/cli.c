#include "cli/cli.h"

#include <stdlib.h>

#include "base/check.h"
#include "cli/command.h"

static int version_run(struct cli *cli, struct settings *settings) {
	(void)settings;
	fprintf(cli->out, "%s\n", cli_version());
	return CLI_EXIT_OK;
}

#define CONFIGURATION_NOTE                                                                    \
	"Each option may also be set by an environment variable (INNGEST_POLL_INTERVAL for\n" \
	"--poll-interval) or in inngest.json or inngest.yaml; the command line wins.\n"

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
		.run = expr_run, .takes = "'EXPRESSION' [options]", .takes_word = true,
		.examples = "   inngest expr 'event.data.amount > 100' --event order.json\n"
			    "   echo '{\"data\": {\"id\": 7}}' | inngest expr 'event.data.id' --event - --json\n"
			    "   inngest expr 'event.data.id == async.data.id' --event first.json --async second.json\n",
		.note = "The exit code is 0 when the result is truthy, 1 when it is not, 2 after an error. Write -- before\n"
			"an expression that begins with a minus. docs/expressions.md describes the language.\n"},
	[COMMAND_ID_RUNS] = {"runs", "Ask a running server about its runs", .usage_exit = CLI_EXIT_ERROR},
	[COMMAND_ID_RUNS_WHY] = {"runs why", "Tell what a run waits for", .usage_exit = CLI_EXIT_ERROR,
		.parent = COMMAND_ID_RUNS, .run = why_run, .takes = "RUN_ID [options]", .takes_word = true,
		.examples = "   inngest runs why 01M7ZY6CWGA1JCD60V59ARPN14\n"
			    "   inngest runs why 01M7ZY6CWGA1JCD60V59ARPN14 --url http://localhost:9000 --json\n",
		.note = "INNGEST_URL and INNGEST_SIGNING_KEY do the same as the options. The exit code is 0 when the run has\n"
			"something in the queue, 1 when it has ended, is unknown, or the server cannot be asked.\n"},
};
// clang-format on

const char *command_word(enum command_id id) {
	const char *name = cli_commands[id].name, *blank = strrchr(name, ' ');
	return blank != NULL ? blank + 1 : name;
}

enum command_id command_find(enum command_id group, struct str word) {
	for (unsigned id = COMMAND_ID_ROOT + 1; id < COMMAND_ID_COUNT; id++)
		if (cli_commands[id].parent == group && str_eq_cstr(word, command_word(id))) return (enum command_id)id;
	return COMMAND_ID_COUNT;
}

static int usage_error(struct cli *cli, const struct settings *settings, const struct error *error) {
	fprintf(cli->err, "Incorrect Usage: %s\n", error->message);
	return cli_commands[settings->command].usage_exit;
}

static int unknown_command(struct cli *cli, const char *name) {
	fprintf(cli->err, "No help topic for '%s'\n", name);
	return CLI_EXIT_UNKNOWN_COMMAND;
}

int start_run(struct cli *cli, struct settings *settings) {
	(void)settings;
	fputs("Error: the start command is not available yet; use 'inngest dev --persist'\n", cli->out);
	return CLI_EXIT_ERROR;
}

// `inngest help [command]`, also of a command in a group
static int help_run(struct cli *cli, int argc, char **argv) {
	enum command_id topic = COMMAND_ID_ROOT;
	for (int i = 0; i < argc && argv[i][0] != '-' && command_is_group(topic); i++) {
		topic = command_find(topic, str_from_cstr(argv[i]));
		if (topic == COMMAND_ID_COUNT) return unknown_command(cli, argv[i]);
	}
	help_print(cli->out, topic);
	return CLI_EXIT_OK;
}

// --help and --version, wherever they stand. -1: neither was given.
static int asked_for_text(struct cli *cli, const struct settings *settings) {
	if (settings_on(settings, FLAG_ID_HELP)) {
		help_print(cli->out, settings->command);
		return CLI_EXIT_OK;
	}
	if (settings_on(settings, FLAG_ID_VERSION)) {
		fprintf(cli->out, "inngest version %s\n", cli_version());
		return CLI_EXIT_OK;
	}
	return -1;
}

static int command_run(struct cli *cli, struct settings *settings, int argc, char **argv) {
	struct error error;
	int used;
	settings->takes_word = cli_commands[settings->command].takes_word;
	if (settings_read_arguments(settings, argc, argv, false, &used, &error) != ERR_OK)
		return usage_error(cli, settings, &error);
	int code = asked_for_text(cli, settings);
	if (code >= 0) return code;
	return cli_commands[settings->command].run(cli, settings);
}

// From group to group until a command stands there. Global flags may stand before each word.
static int dispatch(struct cli *cli, struct arena *arena, int argc, char **argv) {
	struct settings settings;
	struct error error;
	settings_init(&settings, arena, COMMAND_ID_ROOT);
	while (command_is_group(settings.command)) {
		int used;
		if (settings_read_arguments(&settings, argc, argv, true, &used, &error) != ERR_OK)
			return usage_error(cli, &settings, &error);
		int code = asked_for_text(cli, &settings);
		if (code >= 0) return code;
		argc -= used;
		argv += used;
		if (argc == 0) {
			help_print(cli->out, settings.command);
			return CLI_EXIT_OK;
		}
		settings.command = command_find(settings.command, str_from_cstr(argv[0]));
		if (settings.command == COMMAND_ID_COUNT) return unknown_command(cli, argv[0]);
		argc--;
		argv++;
	}
	if (settings.command == COMMAND_ID_HELP) return help_run(cli, argc, argv);
	return command_run(cli, &settings, argc, argv);
}

int cli_main(struct cli *cli, int argc, char **argv) {
	setenv("TZ", "UTC", 1); // before any thread
	struct arena arena;
	arena_init(&arena, 4096);
	int code = argc > 0 ? dispatch(cli, &arena, argc - 1, argv + 1) : CLI_EXIT_ERROR;
	arena_free(&arena);
	fflush(cli->out);
	fflush(cli->err);
	return code;
}
