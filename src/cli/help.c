#include "base/buf.h"
#include "base/check.h"
#include "cli/command.h"

#define HELP_MAX (64u << 10)

static const char *type_name(const struct flag *flag) {
	static const char *const names[] = {[FLAG_BOOL] = "",   [FLAG_INT] = "number", [FLAG_STRING] = "text",
					    [FLAG_CHOICE] = "", [FLAG_LIST] = "text",  [FLAG_DAYS] = "days"};
	if (flag->unit != NULL) return flag->unit;
	return flag->type == FLAG_CHOICE ? flag->choices : names[flag->type];
}

// "--port number, -p number"
static size_t usage_append(struct buf *out, const struct flag *flag) {
	size_t before = out->len;
	const char *value = type_name(flag), *space = value[0] != '\0' ? " " : "";
	buf_printf(out, "--%s%s%s", flag->name, space, value);
	if (flag->letter != 0) buf_printf(out, ", -%c%s%s", flag->letter, space, value);
	return out->len - before;
}

static enum command_id first_of(enum command_id group) {
	unsigned id = COMMAND_ID_ROOT + 1;
	while (id < COMMAND_ID_COUNT && cli_commands[id].parent != group) id++;
	return (enum command_id)id;
}

// Commands may have a flag of their own in place of a global one; those of a group have the same.
static bool shown(const struct flag *flag, enum command_id command, bool global) {
	if (flag->global != global) return false;
	if (!global) return flag->use[command] == FLAG_SHOWN;
	if (command_is_group(command) && command != COMMAND_ID_ROOT) command = first_of(command);
	return flag == &cli_flags[flag_find(command, str_from_cstr(flag->name))];
}

static size_t widest(enum command_id command) {
	size_t width = 0;
	struct buf scratch;
	buf_init(&scratch, HELP_MAX);
	for (size_t i = 0; i < FLAG_ID_COUNT; i++) {
		const struct flag *flag = &cli_flags[i];
		if (!shown(flag, command, false) && !shown(flag, command, true)) continue;
		size_t len = usage_append(&scratch, flag);
		if (len > width) width = len;
	}
	buf_free(&scratch);
	return width;
}

static void flags_append(struct buf *out, enum command_id command, bool global) {
	size_t width = widest(command);
	bool first = true;
	for (size_t i = 0; i < FLAG_ID_COUNT; i++) {
		const struct flag *flag = &cli_flags[i];
		if (!shown(flag, command, global)) continue;
		if (first) buf_str(out, global ? STR("\nGLOBAL OPTIONS:\n") : STR("\nOPTIONS:\n"));
		first = false;
		buf_lit(out, "   ");
		size_t len = usage_append(out, flag);
		buf_printf(out, "%*s%s", (int)(width - len + 2), "", flag->help);
		if (flag->fallback != NULL) buf_printf(out, " (default: %s)", flag->fallback);
		buf_byte(out, '\n');
	}
}

static void commands_append(struct buf *out, enum command_id group) {
	buf_lit(out, "\nCOMMANDS:\n");
	for (unsigned id = COMMAND_ID_ROOT + 1; id < COMMAND_ID_COUNT; id++)
		if (cli_commands[id].parent == group)
			buf_printf(out, "   %-11s%s\n", command_word(id), cli_commands[id].summary);
}

static void usage_append_group(struct buf *out, enum command_id id) {
	const struct cli_command *group = &cli_commands[id];
	const char *space = group->name[0] != '\0' ? " " : "";
	buf_printf(out, "NAME:\n   inngest%s%s - %s\n\n", space, group->name, group->summary);
	if (id == COMMAND_ID_ROOT)
		buf_lit(out, "USAGE:\n   inngest [global options] <command> [options]\n");
	else
		buf_printf(out, "USAGE:\n   inngest %s <command> [options]\n", group->name);
	commands_append(out, id);
}

void help_print(FILE *out, enum command_id id) {
	const struct cli_command *command = &cli_commands[id];
	struct buf text;
	buf_init(&text, HELP_MAX);
	if (command_is_group(id)) {
		usage_append_group(&text, id);
	} else {
		const char *takes = command->takes != NULL ? command->takes : "[options]";
		buf_printf(&text, "NAME:\n   inngest %s - %s\n\nUSAGE:\n   inngest %s %s\n", command->name,
			   command->summary, command->name, takes);
	}
	if (command->examples != NULL) buf_printf(&text, "\nEXAMPLES:\n%s", command->examples);
	flags_append(&text, id, false);
	flags_append(&text, id, true);
	if (command->note != NULL) buf_printf(&text, "\n%s", command->note);
	CHECK(!text.overflow);
	fwrite(text.ptr, 1, text.len, out);
	buf_free(&text);
}
