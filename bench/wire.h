// HTTP/1.1 message framing for the benchmark's own programs: Content-Length only, as all their peers send.
// Slices borrow the input. Pure functions.
#ifndef INNGEST_BENCH_WIRE_H
#define INNGEST_BENCH_WIRE_H

#include "base/str.h"

struct wire_message {
	struct str first_line;
	struct str body;
	size_t size; // of the whole message
	bool close;  // the sender wants the connection closed after it
};

enum wire_state { WIRE_INCOMPLETE, WIRE_WHOLE, WIRE_MALFORMED };

enum wire_state wire_parse(struct str input, struct wire_message *out);
// The status of a response's first line, 0 when it has none.
unsigned wire_status(struct str first_line);
// The value after `name` (`fnId=`) in a request target, up to the next '&' or blank; empty when absent.
struct str wire_query(struct str first_line, struct str name);

#endif
