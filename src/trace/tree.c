// The tree that dashboards show by default (spec 06 §15).
#include "trace/tree_internal.h"

// §17.1; `sid` may be empty beside an input.
static struct str output_id_of(const struct trace_context *context, const struct trace_node *node) {
	if (node->output.source == SPAN_NOTHING && node->input.source == SPAN_NOTHING) return (struct str){NULL, 0};
	struct trace_output_id id = {.is_preview = true, .run_id = context->subject->run_id};
	if (node->output.source != SPAN_NOTHING) id.row_id = node->output.row_id;
	if (node->input.source != SPAN_NOTHING) id.input_row_id = node->input.row_id;
	return trace_output_id_text(context->arena, &id);
}

// When all names are final.
static void set_step_type(struct trace_node *node, const struct span *span) {
	if (str_eq(node->name, STR("Finalization")))
		node->step_type = STR("FINALIZATION");
	else
		node->step_type = span->run_type.len > 0 ? span->run_type : node->step_op;
}

struct trace_node *trace_tree(struct arena *arena, const struct trace_subject *subject,
			      const struct trace_spans *spans) {
	struct trace_assembly assembly;
	if (!trace_assemble(arena, spans, &assembly)) return NULL;
	struct trace_context context = {arena, subject, assembly.order[0]};
	// Backwards: children come after their parents, and are folded before them.
	for (size_t i = assembly.count; i-- > 0;) {
		struct trace_branch *branch = assembly.order[i];
		branch->node = trace_convert(&context, branch);
		branch->node->output_id = output_id_of(&context, branch->node);
		trace_fold(arena, branch);
	}
	for (size_t i = 0; i < assembly.count; i++) set_step_type(assembly.order[i]->node, assembly.order[i]->span);
	return assembly.order[0]->node;
}
