// The configuration file: flat keys in JSON or YAML (spec 05 §18.3).
//
// Main thread, at start only. Files are bounded in size; whatever is wrong with one is an error, never a crash.
#ifndef INNGEST_CLI_CONFIG_FILE_H
#define INNGEST_CLI_CONFIG_FILE_H

#include "cli/settings.h"

#define CONFIG_FILE_MAX (1u << 20)
#define CONFIG_LIST_MAX 10000u

// Reads the file of --config or INNGEST_CONFIG (which `settings` must already hold) or else the first one that the
// search finds, into `settings`. *path (of the settings' arena) tells which it was; empty when there is none.
ERR_CHECKED enum err config_file_load(struct settings *settings, struct str *path, struct error *error);

// One member of a file.
struct config_member {
	struct str key;
	struct str *values;
	size_t count;
};
struct config_members {
	struct config_member *list;
	size_t count;
};
// The members whose values are scalars or lists of scalars; others are left out.
ERR_CHECKED enum err config_json_read(struct arena *arena, struct str text, struct config_members *out,
				      struct error *error);
ERR_CHECKED enum err config_yaml_read(struct arena *arena, struct str text, struct config_members *out,
				      struct error *error);

#endif
