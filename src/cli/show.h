// Texts for people, on a terminal or in a pipe. A terminal obeys control characters, and what a server says may hold
// any: here they become blanks.
#ifndef INNGEST_CLI_SHOW_H
#define INNGEST_CLI_SHOW_H

#include "base/buf.h"

#define SHOW_TEXT_MAX 200u // bytes of a text of the server

#define SHOW_BOLD "1"
#define SHOW_DIM "2"
#define SHOW_RED "31"
#define SHOW_GREEN "32"
#define SHOW_YELLOW "33"
#define SHOW_BLUE "34"

// `colour`: one of the above, or NULL. Nothing is written unless `wanted`.
void show_colour_start(struct buf *out, bool wanted, const char *colour);
void show_colour_end(struct buf *out, bool wanted, const char *colour);
// Of the status of a run or a step; NULL: none.
const char *show_status_colour(struct str status);

// Texts are well-formed UTF-8. On one line; cut at SHOW_TEXT_MAX bytes, or at `max`.
void show_text(struct buf *out, struct str text);
void show_text_first(struct buf *out, struct str text, size_t max);
// "text"
void show_quoted(struct buf *out, struct str text);
// Whole and with its line ends; `indent` blanks before each line.
void show_lines(struct buf *out, struct str text, size_t indent);
// How many columns a text takes, if each of its characters takes one.
size_t show_width(struct str text);

// The two largest units: "3.2 s", "59 min 58 s", "2 d 3 h".
void show_duration(struct buf *out, uint64_t ms);
// The same; below a second "12 ms".
void show_elapsed(struct buf *out, uint64_t ms);
uint64_t show_distance_ms(int64_t from_ns, int64_t to_ns);
// "2027-03-01T10:00:00.000Z (in 3.2 s)", or "(3.2 s ago)", by the server's clock; the time alone without one.
void show_time(struct buf *out, int64_t at_ns, const int64_t *now_ns);

#endif
