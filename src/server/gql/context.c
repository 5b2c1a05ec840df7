// What belongs to one request: a reader of the store for as long as it reads, what it has loaded, and questions to the
// engine.
#include "base/clock.h"
#include "base/hash.h"
#include "server/gql/gql.h"

static bool is_spent(const struct gql_context *context, struct error *error) {
	bool is_large = context->arena != NULL && arena_is_spent(context->arena);
	bool is_late = context->deadline_ns != 0 && clock_mono_ns() >= context->deadline_ns;
	if (is_large) (void)error_set(error, ERR_TOO_LARGE, GQL_TOO_LARGE);
	if (!is_large && is_late) (void)error_set(error, ERR_BUSY, GQL_TOO_LATE);
	return is_large || is_late;
}

struct history_reader *context_reader(struct gql_context *context, struct error *error) {
	struct reading *reading = &context->reading;
	if (is_spent(context, error)) return NULL;
	if (reading->store == NULL && context->is_put_off) {
		(void)error_set(error, ERR_BUSY, "The server searches for others at the moment");
		return NULL;
	}
	if (reading->store != NULL || reading_take(reading, context->server, context->deadline_ns))
		return reading->history;
	(void)error_set(error, ERR_BUSY, "The server cannot read its store at the moment");
	return NULL;
}

struct history_reader *context_list_reader(struct gql_context *context, const struct run_search *search,
					   struct error *error) {
	bool may_search = search == NULL || context->request == NULL || work_search_begin(context->request);
	if (!may_search) {
		context->is_put_off = true;
		context_release(context);
	}
	return context_reader(context, error);
}

void context_release(struct gql_context *context) {
	reading_close(&context->reading);
}

void context_end(struct gql_context *context) {
	context_release(context);
	map_free(&context->memos);
}

bool context_step_out(struct gql_context *context, struct error *error) {
	bool has_time = context->outside_ns < OUTSIDE_TIME_MAX_MS * 1000000ull;
	context_release(context);
	if (has_time && work_step_out(&context->server->work)) {
		context->out_since_ns = clock_mono_ns();
		return true;
	}
	(void)error_set(error, ERR_BUSY,
			has_time ? "too many apps are being synced; please try again"
				 : "the request waits too long for apps");
	return false;
}

void context_step_in(struct gql_context *context) {
	work_step_in(&context->server->work);
	uint64_t spent_ns = clock_mono_ns() - context->out_since_ns;
	context->outside_ns += spent_ns;
	if (context->deadline_ns != 0) context->deadline_ns += spent_ns;
}

struct reply *context_ask(struct gql_context *context, struct command *command) {
	context_release(context);
	map_free(&context->memos);
	return server_ask(context->server, command);
}

// ---- what is loaded ------------------------------------------------------------------------------------------------

struct memo {
	struct map_node node; // first
	const char *kind;
	struct str name;
	void *object;
};

void **context_memo(struct gql_context *context, const char *kind, struct str name) {
	uint64_t hash = hash_bytes(name.ptr, name.len);
	for (struct map_node *node = map_first(&context->memos, hash); node != NULL; node = map_next(node)) {
		struct memo *memo = (struct memo *)node;
		if (strcmp(memo->kind, kind) == 0 && str_eq(memo->name, name)) return &memo->object;
	}
	struct memo *memo = ARENA_NEW(context->arena, struct memo);
	memo->kind = kind;
	memo->name = arena_dup(context->arena, name);
	map_insert(&context->memos, &memo->node, hash);
	return &memo->object;
}
