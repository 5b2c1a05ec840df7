// What the files of REST v2 share (spec 05 §13): JSON without zero values, query parameters, pages. Private to
// src/server. Everything here is for one request, on the thread that has it.
#ifndef INNGEST_SERVER_V2_H
#define INNGEST_SERVER_V2_H

#include "history/catalogue.h"
#include "history/runs.h"
#include "server/server_internal.h"

// --- members of objects (v2_json.c, §13.2) ----------------------------------------------------------------------
//
// Written in alphabetical order; each brings its comma. What is zero or empty is left out.

void v2_member(struct buf *out, const char *name); // only `"name":`, for a value that follows
void v2_object_open(struct buf *out, const char *name);
void v2_object_close(struct buf *out);
void v2_text(struct buf *out, const char *name, struct str text);
void v2_cstr(struct buf *out, const char *name, const char *text);
void v2_int(struct buf *out, const char *name, int64_t value);
void v2_bool(struct buf *out, const char *name, bool value);
void v2_ulid(struct buf *out, const char *name, const struct ulid *id); // zero: left out
void v2_time(struct buf *out, const char *name, int64_t ns);            // INT64_MIN: left out
// A free-form value: what is no object becomes {"data":…}; empty: left out.
void v2_free_form(struct buf *out, const char *name, struct str json);
void v2_element_open(struct buf *out); // `{` of the next element of an array

// --- replies ----------------------------------------------------------------------------------------------------

struct v2_page {
	size_t limit;      // 0: a list without pages
	bool has_more;     // then with a cursor:
	struct str cursor; // of the last element
	bool has_range;    // metadata.timeRange
	int64_t from_ns, until_ns;
};
// {"data":[ … ],"metadata":{…},"page":{…}}: elements are written to request->out between the two; the second one
// answers. `page` may be NULL.
void v2_list_open(struct request *request);
void v2_list_send(struct request *request, const struct v2_page *page);
void v2_metadata(struct buf *out, const struct v2_page *range); // the member; `range` may be NULL
void v2_write_time(struct buf *out, int64_t ns);
void v2_reply_internal(struct request *request, const struct error *error); // 500

// --- query parameters (v2_query.c, §13.2, §13.5) ------------------------------------------------------------------

#define V2_NOT_GIVEN INT64_MIN
struct v2_texts {
	struct str *items;
	size_t count;
};
enum v2_query_type {
	V2_QUERY_TEXT,  // struct str; empty when absent
	V2_QUERY_INT,   // int64_t
	V2_QUERY_BOOL,  // enum tristate
	V2_QUERY_TIME,  // int64_t: nanoseconds
	V2_QUERY_TEXTS, // struct v2_texts: may be given again and again
};
struct v2_query_rule {
	const char *name, *snake; // its names; snake NULL: the same
	enum v2_query_type type;
	size_t offset; // of the value in the struct to be filled
};
// Fills what is given, after the caller's defaults. False when something is wrong: then it has answered 400.
bool v2_query_read(struct request *request, const struct v2_query_rule *rules, size_t count, void *out);
// An error in the shape of the route: /v1 takes these parameters, too.
void v2_query_error(struct request *request, int status, struct str code, struct str text);
bool v2_query_refuse(struct request *request, struct str text); // 400 invalid_field_format; false
// The limit of a page: V2_NOT_GIVEN, and 0, mean the default.
bool v2_query_limit(struct request *request, int64_t given, size_t max, size_t *out);
// The cursor of a page of apps or functions; *after NULL when there is none.
bool v2_query_after(struct request *request, struct str cursor, struct uuid *id, const struct uuid **after);
// A page of the catalogue, whose lists go by id: at most `limit`, behind the cursor. `query` gets both; false:
// answered.
bool v2_catalogue_ask(struct request *request, int64_t limit_given, struct str cursor, struct uuid *after,
		      struct catalogue_query *query);
// The answer from what that query gave: one more than the page has when there is another one.
struct v2_items {
	const void *first;
	size_t count, size, id_at; // size of one, and where its struct uuid is
	void (*write)(struct request *request, const void *item);
};
void v2_catalogue_send(struct request *request, const struct v2_items *items, const struct catalogue_query *query);

#define V2_PAGE_DEFAULT 20
#define V2_PAGE_MAX 100
#define V2_EVENT_RUNS_MAX 40
#define V2_ENVS_MAX 250
#define V2_FILTER_MAX 100 // ours: values of one repeated parameter

// --- apps and functions (v2_apps.c, v2_functions.c) ---------------------------------------------------------------

struct str v2_app_id(struct arena *arena, const struct catalogue_app *app); // its name, or else its internal id

// --- runs (v2_run_query.c, v2_run_json.c) -------------------------------------------------------------------------

// What a list of runs is asked for, as the parameters say it and as history takes it.
struct v2_run_query {
	struct run_query query;
	struct run_order order;
	struct run_cursor cursor;
	bool has_range;
};
// False when it has answered. `app` and `function` (may be empty): those of the path, instead of parameters.
bool v2_run_query_read(struct request *request, struct reading *reading, struct str app, struct str function,
		       struct v2_run_query *out);
struct str v2_run_cursor(struct arena *arena, const struct run_order *order, const struct run_cursor *cursor);
// The same from a text; false when it is none.
bool v2_run_cursor_parse(struct str text, const struct run_order *order, struct run_cursor *out);
// Also of a bare run id.
bool v2_run_cursor_read(struct request *request, struct reading *reading, struct str text,
			const struct run_order *order, struct run_cursor *out);

// The functions and apps of runs, by which they are shown.
struct v2_run_names {
	struct catalogue_function *functions;
	struct catalogue_app *apps;
	size_t function_count, app_count;
};
ERR_CHECKED enum err v2_run_names_read(struct reading *reading, struct arena *arena, const struct run_row *rows,
				       size_t count, struct v2_run_names *out, struct error *error);
// `{…}`, after v2_element_open or v2_object_open.
void v2_run_write(struct request *request, const struct v2_run_names *names, const struct run_row *run,
		  bool with_output);

#endif
