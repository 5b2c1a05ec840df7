#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/command.h"

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
	const struct cli_command *command = &cli_commands[settings->command];
	settings->words_max = command->words_max;
	if (settings_read_arguments(settings, argc, argv, false, &used, &error) != ERR_OK)
		return usage_error(cli, settings, &error);
	int code = asked_for_text(cli, settings);
	if (code >= 0) return code;
	if (command->wants != NULL && settings->word_count == 0) {
		(void)error_set(&error, ERR_INVALID, "%s", command->wants);
		return usage_error(cli, settings, &error);
	}
	return command->run(cli, settings);
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

// A disk that is full must not look like a short list. Whoever closes a pipe has seen enough.
static int end_output(struct cli *cli, int code) {
	errno = 0;
	bool is_fine = fflush(cli->out) == 0 && ferror(cli->out) == 0;
	if (is_fine) return code;
	if (cli->output_errno == 0) cli->output_errno = errno;
	if (cli->output_errno != EPIPE)
		fprintf(cli->err, "Error: the output cannot be written%s%s\n", cli->output_errno != 0 ? ": " : "",
			cli->output_errno != 0 ? strerror(cli->output_errno) : "");
	return code != CLI_EXIT_OK ? code : CLI_EXIT_ERROR;
}

int cli_main(struct cli *cli, int argc, char **argv) {
	setenv("TZ", "UTC", 1); // before any thread
	struct arena arena;
	arena_init(&arena, 4096);
	int code = argc > 0 ? dispatch(cli, &arena, argc - 1, argv + 1) : CLI_EXIT_ERROR;
	arena_free(&arena);
	code = end_output(cli, code);
	fflush(cli->err);
	return code;
}
