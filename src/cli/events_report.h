// What `inngest events` prints, made from what the server says. No I/O; replies may be of any form.
#ifndef INNGEST_CLI_EVENTS_REPORT_H
#define INNGEST_CLI_EVENTS_REPORT_H

#include "cli/list.h"

#define EVENTS_LIST_COLUMNS 4
extern const char *const events_list_headings[EVENTS_LIST_COLUMNS];
list_row_fn events_report_row;

// Of a reply of POST /e/{key}: a line for each id.
ERR_CHECKED enum err events_report_sent(struct buf *out, bool terminal, struct str reply, struct error *error);

#endif
