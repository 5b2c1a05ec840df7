// The merged configuration of one command: explicit flag > environment > configuration file > default (spec 05 §18).
//
// Values live in the arena that settings_init is given. One thread. A value of a weaker source never replaces one of a
// stronger source, so the sources can be read in any order.
#ifndef INNGEST_CLI_SETTINGS_H
#define INNGEST_CLI_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "cli/flag.h"

enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENVIRONMENT, SETTING_FLAG };

struct setting {
	enum setting_source source;
	struct str text;   // scalar as given
	int64_t number;    // FLAG_INT; ms of FLAG_DAYS
	bool on;           // FLAG_BOOL
	struct str *items; // FLAG_LIST; texts are NUL-terminated
	size_t item_count;
};
struct settings {
	struct arena *arena;
	enum command_id command;
	size_t words_max;  // arguments that are no flags
	struct str *words; // those that were given: NUL-terminated, not copied
	size_t word_count;
	struct setting values[FLAG_ID_COUNT];
};

void settings_init(struct settings *settings, struct arena *arena, enum command_id command);

// Reads flags from `argv`. Without `stop_at_word` a word that is no flag, beyond those that the command takes, is an
// error; with it, reading ends there.
// *used counts the arguments that were read. Errors say what to do.
ERR_CHECKED enum err settings_read_arguments(struct settings *settings, int argc, char **argv, bool stop_at_word,
					     int *used, struct error *error);
// INNGEST_<NAME> of every flag that the command has. Empty variables count as missing.
ERR_CHECKED enum err settings_read_environment(struct settings *settings, struct error *error);
// One key of a configuration file. Unknown keys are ignored, empty values count as missing.
ERR_CHECKED enum err settings_read_file_value(struct settings *settings, struct str key, const struct str *values,
					      size_t count, struct error *error);

static inline bool settings_given(const struct settings *settings, enum flag_id id) {
	return settings->values[id].source != SETTING_DEFAULT;
}
static inline bool settings_on(const struct settings *settings, enum flag_id id) {
	return settings->values[id].on;
}
// NUL-terminated; NULL when it was not given.
static inline struct str settings_word(const struct settings *settings, size_t i) {
	return i < settings->word_count ? settings->words[i] : (struct str){NULL, 0};
}
static inline int64_t settings_number(const struct settings *settings, enum flag_id id) {
	return settings->values[id].number;
}
// NUL-terminated, never NULL.
static inline struct str settings_text(const struct settings *settings, enum flag_id id) {
	return settings->values[id].text;
}

#endif
