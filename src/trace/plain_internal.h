// Inside of the plain tree (plain.c; requests: plain_request.c).
#ifndef INNGEST_TRACE_PLAIN_INTERNAL_H
#define INNGEST_TRACE_PLAIN_INTERNAL_H

#include "base/map.h"
#include "trace/tree_internal.h"

struct plain {
	struct trace_context context;
	struct trace_assembly assembly;
	struct map covers;            // executions by the result of a step that they brought
	struct trace_node **children; // of the root
	size_t child_count;
	struct trace_node *final; // comes last: the steps that it reported on its way began after it
	bool has_call;            // there is a request in flight
};

// One queued request and its attempts.
struct plain_request {
	const struct trace_branch *discovery;
	struct trace_branch **attempts;
	size_t count;
	const struct trace_branch *last;
	const struct trace_branch *step; // last attempt that told of a step; NULL: none did
	bool is_final;                   // brought the function's result
	bool is_open, is_retried;        // in flight; another attempt is due
};

// False when it has no node: not made yet, or it only led to steps that have nodes of their own.
bool plain_request_read(const struct plain *p, const struct trace_branch *discovery, struct plain_request *out);
struct trace_node *plain_request_node(const struct plain *p, const struct plain_request *request);

void plain_set_duration(const struct plain *p, struct trace_node *node);
void plain_adopt(const struct plain *p, struct trace_node *node, struct trace_node *const *more, size_t count);
// Made up, rather than from a span.
struct trace_node *plain_child(const struct plain *p, const struct trace_node *parent, struct str id, struct str name,
			       enum trace_status status);

#endif
