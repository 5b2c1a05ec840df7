// Apps and functions as people list them: archived ones too, whole rows, page by page or several by id at once.
//
// One thread at a time per reader, as in history.h. Results live in the arena and are ordered by internal id, which is
// also the cursor of a page.
#ifndef INNGEST_HISTORY_CATALOGUE_H
#define INNGEST_HISTORY_CATALOGUE_H

#include "history/history.h"

struct catalogue_app {
	struct uuid id;
	struct str name; // may be empty
	struct str sdk_language, sdk_version, framework, url, method, app_version, checksum;
	struct str metadata; // JSON object
	struct str status;
	struct str error; // empty: none
	int64_t created_ns;
	bool is_archived;
	int64_t archived_ns;
	uint64_t function_count; // that are not archived
};

struct catalogue_function {
	struct uuid id, app_id;
	struct str app_name; // empty when the app is not known
	struct str name, slug, config;
	int64_t created_ns;
	bool is_archived; // itself, or its app
	int64_t archived_ns;
	bool is_paused;
	int64_t paused_ns;
};

enum catalogue_which { CATALOGUE_LIVE, CATALOGUE_ARCHIVED, CATALOGUE_ALL };
struct catalogue_query {
	enum catalogue_which which;
	const struct uuid *after; // only greater ids; NULL: from the first
	size_t limit;             // 0: all
};

ERR_CHECKED enum err catalogue_apps(struct history_reader *reader, struct arena *arena,
				    const struct catalogue_query *query, struct catalogue_app **out, size_t *count,
				    struct error *error);
// Those that are not known are left out.
ERR_CHECKED enum err catalogue_apps_by_id(struct history_reader *reader, struct arena *arena, const struct uuid *ids,
					  size_t id_count, struct catalogue_app **out, size_t *count,
					  struct error *error);
// By name, else by the text of its id; live ones before archived ones. ERR_NOT_FOUND.
ERR_CHECKED enum err catalogue_app(struct history_reader *reader, struct arena *arena, struct str name,
				   struct catalogue_app *out, struct error *error);

// Of all apps.
ERR_CHECKED enum err catalogue_functions(struct history_reader *reader, struct arena *arena,
					 const struct catalogue_query *query, struct catalogue_function **out,
					 size_t *count, struct error *error);
// Of these apps.
ERR_CHECKED enum err catalogue_functions_of_apps(struct history_reader *reader, struct arena *arena,
						 const struct uuid *app_ids, size_t app_count,
						 const struct catalogue_query *query, struct catalogue_function **out,
						 size_t *count, struct error *error);
ERR_CHECKED enum err catalogue_functions_by_id(struct history_reader *reader, struct arena *arena,
					       const struct uuid *ids, size_t id_count, struct catalogue_function **out,
					       size_t *count, struct error *error);
// With any of these full slugs, and not archived themselves; those whose apps are archived last (06 §4.1).
ERR_CHECKED enum err catalogue_functions_by_slug(struct history_reader *reader, struct arena *arena,
						 const struct str *slugs, size_t slug_count,
						 struct catalogue_function **out, size_t *count, struct error *error);
// A live one: by its own id within the named app, `<app>-<id>`, else by its full slug. ERR_NOT_FOUND.
ERR_CHECKED enum err catalogue_function(struct history_reader *reader, struct arena *arena, struct str app_name,
					struct str id, struct catalogue_function *out, struct error *error);

// In what the functions above gave; NULL: not there.
const struct catalogue_app *catalogue_find_app(const struct catalogue_app *apps, size_t count, const struct uuid *id);
const struct catalogue_function *catalogue_find_function(const struct catalogue_function *functions, size_t count,
							 const struct uuid *id);
// The function's id without `<app>-` before it.
struct str catalogue_own_id(const struct catalogue_function *function);

#endif
