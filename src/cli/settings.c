#include "cli/settings.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/command.h"

// The texts that Go's ParseBool takes.
static bool parse_bool(struct str text, bool *out) {
	static const char *const truths[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const lies[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
		if (str_eq_cstr(text, truths[i])) return *out = true, true;
		if (str_eq_cstr(text, lies[i])) return *out = false, true;
	}
	return false;
}

#define DAY_MS (24LL * 60 * 60 * 1000)

// A number of days, or a duration; in milliseconds. What is less than one of those is refused: 0 means for ever.
static bool parse_days(struct str text, int64_t days_max, int64_t *out_ms) {
	int64_t days, ns;
	if (str_to_i64(text, &days)) {
		*out_ms = days >= 0 && days <= days_max ? days * DAY_MS : -1;
		return *out_ms >= 0;
	}
	if (duration_parse(text, &ns, NULL) != ERR_OK || ns < 1000000) return false;
	*out_ms = ns / 1000000;
	return *out_ms <= days_max * DAY_MS;
}

static bool choice_valid(const char *choices, struct str text) {
	struct str rest = str_from_cstr(choices), choice;
	while (rest.len > 0) {
		str_cut(rest, '|', &choice, &rest);
		if (str_eq(choice, text)) return true;
	}
	return false;
}

// Appends the comma-separated pieces of `text`, white space around them removed, empty ones left out.
static void list_append(struct settings *settings, struct setting *setting, struct str text) {
	size_t pieces = 1;
	for (size_t i = 0; i < text.len; i++) pieces += text.ptr[i] == ',';
	struct str *items = ARENA_ARRAY(settings->arena, struct str, setting->item_count + pieces);
	if (setting->item_count > 0) memcpy(items, setting->items, setting->item_count * sizeof(*items));
	setting->items = items;
	for (struct str rest = text, piece; pieces > 0; pieces--) {
		str_cut(rest, ',', &piece, &rest);
		piece = str_trim(piece);
		if (piece.len > 0) items[setting->item_count++] = arena_dup(settings->arena, piece);
	}
}

// Gives the flag the value `text`; on failure the error's message says what the flag takes.
static enum err value_set(struct settings *settings, enum flag_id id, enum setting_source source, struct str text,
			  struct error *error) {
	const struct flag *flag = &cli_flags[id];
	struct setting *setting = &settings->values[id];
	if (source < setting->source) return ERR_OK;
	if (str_find(text, '\0') >= 0) return error_set(error, ERR_INVALID, "it takes no NUL characters");
	if (source > setting->source) setting->item_count = 0;

	struct setting parsed = *setting;
	parsed.source = source;
	parsed.text = arena_dup(settings->arena, text);
	switch (flag->type) {
	case FLAG_BOOL:
		if (!parse_bool(text, &parsed.on)) return error_set(error, ERR_INVALID, "it takes true or false");
		break;
	case FLAG_INT:
		if (!str_to_i64(text, &parsed.number) || parsed.number < flag->min || parsed.number > flag->max)
			return error_set(error, ERR_INVALID, "it takes a whole number from %lld to %lld",
					 (long long)flag->min, (long long)flag->max);
		break;
	case FLAG_DAYS:
		if (!parse_days(text, flag->max, &parsed.number))
			return error_set(error, ERR_INVALID, "it takes days, up to %lld, or a time like 36h or 90m",
					 (long long)flag->max);
		break;
	case FLAG_CHOICE:
		if (!choice_valid(flag->choices, text))
			return error_set(error, ERR_INVALID, "it takes one of %s", flag->choices);
		break;
	case FLAG_LIST:
		list_append(settings, &parsed, text);
		break;
	case FLAG_STRING:
		break;
	}
	*setting = parsed;
	return ERR_OK;
}

void settings_init(struct settings *settings, struct arena *arena, enum command_id command) {
	*settings = (struct settings){.arena = arena, .command = command};
	for (unsigned id = 0; id < FLAG_ID_COUNT; id++) {
		const char *fallback = cli_flags[id].fallback;
		settings->values[id].text = STR("");
		if (fallback == NULL) continue;
		enum err err = value_set(settings, (enum flag_id)id, SETTING_DEFAULT, str_from_cstr(fallback), NULL);
		CHECK(err == ERR_OK);
	}
}

// --- arguments ---

// What stands between "inngest" and the name of the command in a hint.
static const char *command_space(const struct settings *settings) {
	return settings->command == COMMAND_ID_ROOT ? "" : " ";
}

// Splits "--name=value" or "-x" into name and value; `value->ptr` is NULL when there is none.
static struct str argument_split(const char *argument, struct str *value) {
	struct str name = str_from_cstr(argument + (argument[1] == '-' ? 2 : 1));
	*value = (struct str){NULL, 0};
	struct str head, tail;
	if (!str_cut(name, '=', &head, &tail)) return name;
	*value = tail.ptr != NULL ? tail : STR("");
	return head;
}

static bool is_flag(const char *argument) {
	return argument[0] == '-' && argument[1] != '\0';
}

static bool is_known_flag(enum command_id command, const char *argument) {
	struct str value;
	return is_flag(argument) && flag_find(command, argument_split(argument, &value)) != FLAG_ID_COUNT;
}

static enum err flag_read(struct settings *settings, int argc, char **argv, int *used, struct error *error) {
	const char *argument = argv[*used];
	struct str value, name = argument_split(argument, &value);
	enum flag_id id = flag_find(settings->command, name);
	(*used)++;
	if (id == FLAG_ID_COUNT)
		return error_set(error, ERR_INVALID,
				 "flag provided but not defined: -%.*s; run 'inngest%s%s --help' to see the flags",
				 (int)(name.len > 100 ? 100 : name.len), name.ptr, command_space(settings),
				 cli_commands[settings->command].name);
	const char *long_name = cli_flags[id].name;
	if (value.ptr == NULL && cli_flags[id].type == FLAG_BOOL) value = STR("true");
	if (value.ptr == NULL) {
		if (*used == argc || is_known_flag(settings->command, argv[*used]))
			return error_set(error, ERR_INVALID, "flag needs an argument: -%s; write --%s=VALUE", long_name,
					 long_name);
		value = str_from_cstr(argv[(*used)++]);
	}
	struct error why;
	enum err err = value_set(settings, id, SETTING_FLAG, value, &why);
	if (err != ERR_OK)
		return error_set(error, err, "invalid value \"%.*s\" for flag -%s: %s",
				 (int)(value.len > 100 ? 100 : value.len), value.ptr, long_name, why.message);
	return ERR_OK;
}

static enum err word_read(struct settings *settings, const char *word, struct error *error) {
	if (settings->word_count < settings->words_max) {
		settings->words[settings->word_count++] = str_from_cstr(word);
		return ERR_OK;
	}
	return error_set(error, ERR_INVALID,
			 "unexpected argument \"%.100s\"; %srun 'inngest%s%s --help' to see what it takes", word,
			 settings->words_max > 0 ? "put what holds spaces in quotes, or " : "", command_space(settings),
			 cli_commands[settings->command].name);
}

enum err settings_read_arguments(struct settings *settings, int argc, char **argv, bool stop_at_word, int *used,
				 struct error *error) {
	bool flags_ended = false;
	enum err err = ERR_OK;
	*used = 0;
	settings->words = ARENA_ARRAY(settings->arena, struct str, (size_t)argc);
	settings->word_count = 0;
	while (*used < argc && err == ERR_OK) {
		const char *argument = argv[*used];
		if (!flags_ended && strcmp(argument, "--") == 0) {
			flags_ended = true;
			(*used)++;
		} else if (flags_ended || !is_flag(argument)) {
			if (stop_at_word) return ERR_OK;
			err = word_read(settings, argument, error);
			(*used)++;
		} else {
			err = flag_read(settings, argc, argv, used, error);
			// Help and version need nothing else to be right.
			if (settings_on(settings, FLAG_ID_HELP) || settings_on(settings, FLAG_ID_VERSION)) return err;
		}
	}
	return err;
}

// --- environment and file ---

// The reference's words (05 §18.2), then what the setting takes.
static enum err configured_value_set(struct settings *settings, enum flag_id id, enum setting_source source,
				     struct str value, struct error *error) {
	static const struct {
		const char *type, *parser;
	} words[] = {[FLAG_BOOL] = {"bool", "strconv.ParseBool: "},
		     [FLAG_INT] = {"int", "strconv.ParseInt: "},
		     [FLAG_STRING] = {"string", ""},
		     [FLAG_CHOICE] = {"string", ""},
		     [FLAG_LIST] = {"string", ""},
		     [FLAG_DAYS] = {"string", ""}};
	struct error why;
	const struct flag *flag = &cli_flags[id];
	enum err err = value_set(settings, id, source, value, &why);
	if (err != ERR_OK)
		return error_set(
			error, err,
			"error unmarshaling config: decoding failed due to the following error(s): '%s' cannot "
			"parse value as '%s': %sparsing \"%.*s\": invalid syntax: %s",
			flag->name, words[flag->type].type, words[flag->type].parser,
			(int)(value.len > 100 ? 100 : value.len), value.ptr, why.message);
	return ERR_OK;
}

#define ENVIRONMENT_NAME_MAX 64

static const char *environment_get(const char *flag_name) {
	char name[ENVIRONMENT_NAME_MAX] = "INNGEST_";
	size_t len = strlen(name);
	for (const char *c = flag_name; *c != '\0' && len + 1 < sizeof(name); c++)
		name[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	name[len] = '\0';
	return getenv(name);
}

enum err settings_read_environment(struct settings *settings, struct error *error) {
	for (unsigned id = 0; id < FLAG_ID_COUNT; id++) {
		const struct flag *flag = &cli_flags[id];
		if (flag->arguments_only || !flag_allowed(flag, settings->command)) continue;
		const char *text = environment_get(flag->name);
		if (text == NULL || text[0] == '\0') continue;
		enum err err = configured_value_set(settings, (enum flag_id)id, SETTING_ENVIRONMENT,
						    str_from_cstr(text), error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

enum err settings_read_file_value(struct settings *settings, struct str key, const struct str *values, size_t count,
				  struct error *error) {
	enum flag_id id = flag_find(settings->command, key);
	if (id == FLAG_ID_COUNT || cli_flags[id].arguments_only || !str_eq_cstr(key, cli_flags[id].name)) return ERR_OK;
	if (count > 1 && cli_flags[id].type != FLAG_LIST)
		return error_set(error, ERR_INVALID,
				 "error unmarshaling config: decoding failed due to the following error(s): '%s' takes "
				 "one value, not a list",
				 cli_flags[id].name);
	// Read twice when the same key comes twice: the last one counts.
	if (settings->values[id].source == SETTING_FILE) settings->values[id].item_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (values[i].len == 0) continue;
		enum err err = configured_value_set(settings, id, SETTING_FILE, values[i], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}
