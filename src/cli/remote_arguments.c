// What the arguments of a command mean to a server.
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/file.h"
#include "cli/remote.h"

enum err remote_run_id(struct str text, struct ulid *out, struct error *error) {
	if (ulid_parse(text, out)) return ERR_OK;
	return error_set(error, ERR_INVALID,
			 "\"%.100s\" is no id of a run: it has 26 letters and digits, as in "
			 "01M7ZY6CWGA1JCD60V59ARPN14; `inngest runs list` lists the runs",
			 text.ptr);
}

struct str remote_unknown_run(const struct remote *remote, const struct ulid *run_id) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	return arena_printf(remote->settings->arena,
			    "no run %s; `inngest runs list` lists the runs. Without --persist a server forgets them "
			    "when it stops, and with --history none it keeps nothing about them",
			    id);
}

enum err remote_function_name(struct str text, struct function_name *out, struct error *error) {
	if (str_cut(text, '/', &out->app, &out->function) && out->app.len > 0 && out->function.len > 0) return ERR_OK;
	return error_set(error, ERR_INVALID,
			 "\"%.100s\" is no name of a function: write APP/FUNCTION; `inngest functions list` lists them",
			 text.ptr);
}

struct str remote_unknown_function(const struct remote *remote, const struct function_name *name) {
	return arena_printf(remote->settings->arena, "no function %.*s/%.*s; `inngest functions list` lists them",
			    STR_ARG(str_first(name->app, 100)), STR_ARG(str_first(name->function, 100)));
}

// ---- JSON ------------------------------------------------------------------------------------------------------

static enum err read_argument(struct str text, struct buf *out, struct error *error) {
	if (str_eq_cstr(text, "-")) return file_read_descriptor(STDIN_FILENO, out, error);
	if (str_starts_with(text, STR("@"))) return file_read(text.ptr + 1, false, out, error);
	buf_str(out, text);
	return ERR_OK;
}

static const char *source_name(struct str text) {
	return str_eq_cstr(text, "-") ? "standard input" : text.ptr;
}

static enum err read_json(const struct settings *settings, enum flag_id flag, bool object, struct buf *out,
			  struct error *error) {
	struct str text = settings_text(settings, flag);
	enum err err = read_argument(text, out, error);
	yyjson_doc *doc = err == ERR_OK ? json_read(buf_view(out), false, NULL, error) : NULL;
	if (err == ERR_OK && doc == NULL) err = error->code;
	if (err == ERR_OK && object && !yyjson_is_obj(yyjson_doc_get_root(doc)))
		err = error_set(error, ERR_INVALID, "it is no object; write {\"name\": VALUE, …}");
	yyjson_doc_free(doc);
	if (err != ERR_OK)
		error_prefix(error, "--%s takes JSON, @FILE, or - for standard input, and %.100s is none",
			     cli_flags[flag].name, source_name(text));
	return err;
}

enum err remote_json(const struct settings *settings, enum flag_id flag, struct buf *out, struct error *error) {
	return read_json(settings, flag, false, out, error);
}

enum err remote_json_object(const struct settings *settings, enum flag_id flag, struct buf *out, struct error *error) {
	return read_json(settings, flag, true, out, error);
}

// ---- queries ---------------------------------------------------------------------------------------------------

static enum err read_time(const struct settings *settings, enum flag_id flag, int64_t *out_ns, struct error *error) {
	struct str text = settings_text(settings, flag);
	int64_t ago_ns, now_ns = (int64_t)clock_wall_ns();
	if (duration_parse(text, &ago_ns, NULL) == ERR_OK && ago_ns >= 0 && ago_ns <= now_ns) {
		*out_ns = now_ns - ago_ns;
		return ERR_OK;
	}
	if (date_parse(text, out_ns)) return ERR_OK;
	return error_set(error, ERR_INVALID,
			 "\"%.100s\" is no time for --%s; write how long ago (10m, 2h, 7d) or a date like "
			 "2027-03-01T10:00:00Z",
			 text.ptr, cli_flags[flag].name);
}

void remote_query_add(struct buf *path, const char *name, struct str value) {
	buf_printf(path, "%s%s=", str_ends_with(buf_view(path), STR("?")) ? "" : "&", name);
	client_escape(path, value);
}

static void add_time(struct buf *path, const char *name, int64_t at_ns) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	date_format_rfc3339(&text, at_ns);
	remote_query_add(path, name, buf_view(&text));
	buf_free(&text);
}

enum err remote_query_times(struct buf *path, const char *since, const char *until, const struct settings *settings,
			    struct error *error) {
	static const enum flag_id flags[] = {FLAG_ID_SINCE, FLAG_ID_UNTIL};
	const char *names[] = {since, until};
	int64_t at_ns[] = {INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!settings_given(settings, flags[i])) continue;
		enum err err = read_time(settings, flags[i], &at_ns[i], error);
		if (err != ERR_OK) return err;
		add_time(path, names[i], at_ns[i]);
	}
	if (at_ns[0] < at_ns[1]) return ERR_OK;
	return error_set(error, ERR_INVALID, "--since has to be before --until: nothing is between %.100s and %.100s",
			 settings_text(settings, FLAG_ID_SINCE).ptr, settings_text(settings, FLAG_ID_UNTIL).ptr);
}
