// The restrictive policy of spec 04 §B9 and 01 §9.3: what cancelOn allows. Looks, as the reference does, neither into
// receivers, nor into the elements of lists and maps, nor into the bodies of macros.
#include "base/check.h"
#include "cel/functions.h"
#include "cel/program.h"

struct policy {
	struct buf *lines;
	unsigned count;
};

static void complain(struct policy *policy, const char *before, struct str name) {
	policy->count++;
	buf_printf(policy->lines, "\n\t* %s'%.*s')", before, STR_ARG(name));
}

static void walk(struct policy *policy, const struct node *node) {
	static const char *const macros[] = {
		[MACRO_ALL] = "all", [MACRO_EXISTS] = "exists", [MACRO_EXISTS_ONE] = "exists_one",
		[MACRO_MAP] = "map", [MACRO_FILTER] = "filter",
	};
	if (node == NULL) return;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
	case NODE_LIST:
	case NODE_MAP:
		break;
	case NODE_REFERENCE:
		for (uint32_t i = 0; i < node->reference.count; i++) walk(policy, node->reference.segments[i].index);
		break;
	case NODE_SELECT:
	case NODE_INDEX:
		walk(policy, node->select.operand);
		walk(policy, node->select.index);
		break;
	case NODE_HAS:
		complain(policy, "macros are disallowed (uses ", STR("has"));
		break;
	case NODE_CALL:
		if (node->call.function == NULL || !node->call.function->restrictive)
			complain(policy, "function calls are disallowed (uses ", node->call.name);
		for (uint32_t i = 0; i < node->call.count; i++) walk(policy, node->call.args[i]);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		walk(policy, node->logic.a);
		walk(policy, node->logic.b);
		walk(policy, node->logic.c);
		break;
	case NODE_MACRO:
		complain(policy, "macros are disallowed (contains ", str_from_cstr(macros[node->macro.kind]));
		break;
	}
}

bool cel_check_restrictive(const struct cel_program *program, struct buf *out) {
	struct buf lines;
	buf_init(&lines, 64u << 10);
	struct policy policy = {.lines = &lines};
	walk(&policy, program->root);
	if (policy.count > 0) {
		buf_printf(out, "validation failed: %u error%s occurred:", policy.count, policy.count == 1 ? "" : "s");
		buf_str(out, buf_view(&lines));
		buf_lit(out, "\n\n");
	}
	buf_free(&lines);
	return policy.count == 0;
}
