// What `inngest functions` and `inngest apps` print, made from what the server says. No I/O; replies may be of any
// form.
#ifndef INNGEST_CLI_FUNCTIONS_REPORT_H
#define INNGEST_CLI_FUNCTIONS_REPORT_H

#include "cli/list.h"

#define FUNCTIONS_LIST_COLUMNS 4
extern const char *const functions_list_headings[FUNCTIONS_LIST_COLUMNS];
list_row_fn functions_report_row;

#define APPS_LIST_COLUMNS 6
extern const char *const apps_list_headings[APPS_LIST_COLUMNS];
list_row_fn apps_report_row;

// Of a reply of GET /v1/runs/{id}, of a run that has completed: what it returned, as JSON.
ERR_CHECKED enum err functions_report_result(struct buf *out, bool terminal, struct str reply, struct error *error);
// Of the same reply, of a run that has not: what became of it, and its error.
ERR_CHECKED enum err functions_report_failure(struct buf *out, struct str reply, struct error *error);

// Of a reply of GET /v2/apps: the URL of an app, appended; nothing when it is not there or has none.
void apps_find_url(struct buf *out, yyjson_val *app, struct str name);
// Of a reply to the mutation createApp: what was synced. ERR_UNSUPPORTED: the app could not be, which `error` tells.
ERR_CHECKED enum err apps_report_sync(struct buf *out, bool terminal, struct str reply, struct error *error);

#endif
