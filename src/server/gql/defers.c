// Deferred runs: what a run has deferred, and what deferred it (spec 06 §20).
#include "history/defers.h"
#include "server/gql/types.h"

struct api_defer { // RunDefer
	struct history_defer defer;
};

struct api_parent { // RunDeferredFrom
	struct ulid run_id;
	struct api_run *run;     // NULL: it is no more
	struct uuid function_id; // zero: unknown
};

static struct gql_value fail_with(struct gql_call *call, const struct error *error) {
	return gql_fail(call->arena, "%s", error->message);
}

// ---- of a run ------------------------------------------------------------------------------------------------------

// What `run_id` has deferred, but for what became the run `except`, which may be NULL. False: *out is an error.
static bool add_defers(struct gql_call *call, const struct ulid *run_id, const struct ulid *except,
		       struct gql_value *out) {
	struct error error;
	struct history_defer *found;
	size_t count;
	struct history_reader *reader = call_reader(call, &error);
	if (reader == NULL || history_defers(reader, call->arena, run_id, &found, &count, &error) != ERR_OK) {
		*out = fail_with(call, &error);
		return false;
	}
	struct gql_value list = gql_list(call->arena, out->count + count);
	if (out->count > 0) memcpy(list.items, out->items, out->count * sizeof *list.items);
	list.count = out->count;
	for (size_t i = 0; i < count; i++)
		if (except == NULL || ulid_cmp(&found[i].run_id, except) != 0)
			list.items[list.count++] = gql_object(&found[i]);
	*out = list;
	return true;
}

void resolve_defers(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		call->out[i] = gql_list(call->arena, 0);
		(void)add_defers(call, &PARENT(struct api_run, i)->row.id, NULL, &call->out[i]);
	}
}

// The runs that deferred this one; none for one that was not. False: *out is an error.
static bool find_parents(struct gql_call *call, const struct api_run *run, struct ulid **ids, size_t *count,
			 struct gql_value *out) {
	struct error error;
	*count = 0;
	*out = gql_list(call->arena, 0);
	if ((run->row.flags & RUN_ROW_DEFERRED) == 0) return true;
	struct history_reader *reader = call_reader(call, &error);
	if (reader != NULL && history_deferred_from(reader, call->arena, &run->row.id, ids, count, &error) == ERR_OK)
		return true;
	*out = fail_with(call, &error);
	return false;
}

void resolve_sibling_defers(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_run *run = PARENT(struct api_run, i);
		struct ulid *parents;
		size_t count;
		bool is_fine = find_parents(call, run, &parents, &count, &call->out[i]);
		for (size_t k = 0; k < count && is_fine; k++)
			is_fine = add_defers(call, &parents[k], &run->row.id, &call->out[i]);
	}
}

static struct api_parent *parent_make(struct gql_call *call, const struct ulid *run_id) {
	struct api_parent *parent = ARENA_NEW(call->arena, struct api_parent);
	struct error error;
	parent->run_id = *run_id;
	if (api_run_load(call->context, call->arena, run_id, &parent->run, &error) == ERR_OK)
		parent->function_id = parent->run->row.function_id;
	else
		parent->run = NULL;
	return parent;
}

// A parent that retention has taken has no function to name, which the schema wants.
void resolve_deferred_from(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct ulid *ids;
		size_t count;
		if (!find_parents(call, PARENT(struct api_run, i), &ids, &count, &call->out[i])) continue;
		struct gql_value list = gql_list(call->arena, count);
		list.count = 0;
		for (size_t k = 0; k < count; k++) {
			const struct api_parent *parent = parent_make(call, &ids[k]);
			if (parent->run != NULL) list.items[list.count++] = gql_object(parent);
		}
		call->out[i] = list;
	}
}

// ---- fields --------------------------------------------------------------------------------------------------------

static void resolve_status(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		enum defer_status status = PARENT(struct api_defer, i)->defer.status;
		call->out[i] = gql_text(status == DEFER_ABORTED    ? STR("ABORTED")
					: status == DEFER_REJECTED ? STR("REJECTED")
								   : STR("SCHEDULED"));
	}
}

static void resolve_function(struct gql_call *call) {
	struct str *slugs = ARENA_ARRAY(call->arena, struct str, call->count);
	for (size_t i = 0; i < call->count; i++) slugs[i] = PARENT(struct api_defer, i)->defer.function;
	look_up_functions_by_slug(call, slugs);
}

static void resolve_run_id(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct ulid *id = &PARENT(struct api_defer, i)->defer.run_id;
		if (!ulid_is_none(id)) call->out[i] = gql_ulid(call->arena, id);
	}
}

static void resolve_defer_run(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct ulid *id = &PARENT(struct api_defer, i)->defer.run_id;
		struct api_run *run;
		struct error error;
		if (!ulid_is_none(id) && api_run_load(call->context, call->arena, id, &run, &error) == ERR_OK)
			call->out[i] = gql_object(run);
	}
}

static void resolve_parent_run(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_object(PARENT(struct api_parent, i)->run);
}

static void resolve_parent_function(struct gql_call *call) {
	look_up_functions(call, offsetof(struct api_parent, function_id), true);
}

FIELDS(type_run_defer) = {
	READ("hashedDeferID", "String!", STR, struct api_defer, defer.hashed_id),
	READ("userlandDeferID", "String!", STR, struct api_defer, defer.userland_id),
	READ("fnSlug", "String!", STR, struct api_defer, defer.function),
	CALL("status", "RunDeferStatus!", resolve_status),
	CALL("function", "Function", resolve_function),
	CALL("runID", "ULID", resolve_run_id),
	CALL_DEAR("run", "FunctionRunV2", resolve_defer_run, NULL, COST_ROWS),
	END,
};
OBJECT(type_run_defer, "RunDefer")

FIELDS(type_run_deferred_from) = {
	READ("runID", "ULID!", ULID, struct api_parent, run_id),
	CALL("function", "Function!", resolve_parent_function),
	CALL("run", "FunctionRunV2", resolve_parent_run),
	END,
};
OBJECT(type_run_deferred_from, "RunDeferredFrom")
