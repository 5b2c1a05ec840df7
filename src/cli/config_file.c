#include "cli/config_file.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/file.h"

static enum err members_read(struct arena *arena, struct str path, struct str text, struct config_members *out,
			     struct error *error) {
	if (str_ends_with(path, STR(".json"))) return config_json_read(arena, text, out, error);
	enum err err = config_yaml_read(arena, text, out, error);
	ptrdiff_t slash = str_rfind(path, '/');
	bool extension = str_rfind(path, '.') > slash + 1;
	if (err == ERR_OK || extension) return err;
	return config_json_read(arena, text, out, NULL) == ERR_OK ? ERR_OK : err;
}

// ERR_NOT_FOUND when it cannot be opened, ERR_INVALID when it is no JSON or YAML.
static enum err file_members(struct arena *arena, struct str path, bool regular_only, struct config_members *out,
			     struct error *error) {
	struct buf text;
	buf_init(&text, CONFIG_FILE_MAX);
	enum err err = file_read(path.ptr, regular_only, &text, error);
	if (err == ERR_OK) err = members_read(arena, path, buf_view(&text), out, error);
	buf_free(&text);
	return err;
}

// Looks for a readable and valid file in one directory ("" is the root); an invalid one is reported and passed by.
static bool directory_search(struct arena *arena, struct str directory, struct config_members *out, struct str *path) {
	static const char *const names[] = {"inngest.json", "inngest.yaml", "inngest.yml"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct error error;
		struct str candidate = arena_printf(arena, "%.*s/%s", STR_ARG(directory), names[i]);
		enum err err = file_members(arena, candidate, true, out, &error);
		if (err == ERR_OK) return *path = candidate, true;
		if (err != ERR_NOT_FOUND)
			LOG_WARN("error reading config file", LOG_STR("file", candidate),
				 LOG_CSTR("error", error.message));
	}
	return false;
}

static bool search(struct arena *arena, struct config_members *out, struct str *path) {
	char working[PATH_MAX];
	struct str directory = STR("");
	if (getcwd(working, sizeof(working)) != NULL && working[0] == '/') directory = str_from_cstr(working);
	if (str_eq_cstr(directory, "/")) directory = STR("");
	while (!directory_search(arena, directory, out, path)) {
		ptrdiff_t slash = str_rfind(directory, '/');
		if (slash >= 0) {
			directory = str_first(directory, (size_t)slash);
			continue;
		}
		const char *home = getenv("HOME");
		if (home == NULL || home[0] == '\0') return false;
		return directory_search(arena, arena_printf(arena, "%s/.config/inngest", home), out, path);
	}
	return true;
}

enum err config_file_load(struct settings *settings, struct str *path, struct error *error) {
	struct config_members members = {0};
	*path = settings_text(settings, FLAG_ID_CONFIG);
	if (path->len > 0) {
		enum err err = file_members(settings->arena, *path, false, &members, error);
		if (err != ERR_OK) {
			error_prefix(error, "error reading config file %.200s", path->ptr);
			return err;
		}
	} else if (!search(settings->arena, &members, path)) {
		return ERR_OK;
	}
	for (size_t i = 0; i < members.count; i++) {
		const struct config_member *member = &members.list[i];
		enum err err = settings_read_file_value(settings, member->key, member->values, member->count, error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}
