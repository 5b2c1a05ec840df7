// What `inngest expr` prints for people. Main thread.
#ifndef INNGEST_CLI_EXPR_H
#define INNGEST_CLI_EXPR_H

#include "cel/explain.h"

struct expr_report {
	struct buf *out;
	bool colour;
};

// As the specification's cases name types (04 §B15): "null", "timestamp", …
const char *expr_type_name(enum cel_type type);

// Why the text is no expression, with its line and a mark under the place.
void expr_report_failure(const struct expr_report *report, struct str text, const struct cel_failure *failure);
// The result, why it is so, and what data was missing.
void expr_report_result(const struct expr_report *report, const struct cel_value *result,
			const struct cel_explanation *explanation);
// Where the expression would be refused (04 §B9); nothing when everything takes it.
void expr_report_registration(const struct expr_report *report, struct str text);

#endif
