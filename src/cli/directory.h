// Which apps and functions a server has.
#ifndef INNGEST_CLI_DIRECTORY_H
#define INNGEST_CLI_DIRECTORY_H

#include "base/map.h"
#include "cli/list.h"

#define APPS_PAGE_MAX 100 // 05 §13.5

extern const struct list_source directory_apps_source;
// The ids of all apps, in `arena`.
struct directory_apps {
	struct str *list;
	size_t count, cap;
	struct arena *arena;
};
ERR_CHECKED enum err directory_apps(struct remote *remote, struct arena *arena, struct directory_apps *out,
				    struct error *error);

// One function in a reply of GET /v1/apps/{app}/functions; `name` is without the app's.
struct directory_function {
	struct str id; // UUID
	struct str name;
};
typedef void directory_function_fn(void *context, const struct directory_function *function);
// Calls `fn` for each function in a reply. ERR_INVALID: it is no such reply.
ERR_CHECKED enum err directory_read_functions(struct str reply, struct str app, directory_function_fn *fn,
					      void *context, struct error *error);
// The UUID of a function, in the arena of the settings.
ERR_CHECKED enum err directory_function_id(struct remote *remote, const struct function_name *name, struct str *out,
					   struct error *error);

// ---- names of functions by their ids ---------------------------------------------------------------------------

struct directory_names {
	struct remote *remote;
	struct arena arena;
	struct map names;
};
void directory_names_init(struct directory_names *names, struct remote *remote);
void directory_names_free(struct directory_names *names);
void directory_names_add(struct directory_names *names, struct str id, struct str name);
// "app/function"; asks the server when it does not know the id, and then takes that for the name.
struct str directory_names_find(struct directory_names *names, struct str id);

#endif
