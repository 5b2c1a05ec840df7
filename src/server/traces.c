// Opening a run's trace, for REST v2 and GraphQL.
#include "server/traces.h"

#include "base/clock.h"

// What the engine says of a run, which facts only tell when it is over.
static enum err ask_live(struct server *server, struct arena *arena, const struct ulid *run_id, struct trace_live **out,
			 size_t *count, struct error *error) {
	struct command *command = command_new(COMMAND_RUN_TRACE);
	command->run.run_id = *run_id;
	struct reply *reply = server_ask(server, command);
	if (reply == NULL) return error_set(error, ERR_BUSY, "The server has too much to do at the moment");
	*count = reply->live_count;
	*out = ARENA_ARRAY(arena, struct trace_live, reply->live_count + 1);
	for (size_t i = 0; i < reply->live_count; i++) {
		struct trace_live *live = &(*out)[i];
		*live = reply->live[i];
		live->target = arena_dup(arena, live->target);
		live->name = arena_dup(arena, live->name);
		live->slept = arena_dup(arena, live->slept);
	}
	reply_free(reply);
	return ERR_OK;
}

static bool is_over(const struct run_row *run) {
	return run->status != TRACE_RUN_QUEUED && run->status != TRACE_RUN_RUNNING;
}

// The engine is asked before history is read: what ends in between is then told by a fact, never by neither.
enum err trace_open(struct reading *reading, struct arena *arena, const struct ulid *run_id, struct trace_loaded *out,
		    struct error *error) {
	struct trace_live *live = NULL;
	size_t live_count = 0, count = 0;
	struct run_row *run = NULL;
	enum err err = history_runs_by_id(reading->history, arena, run_id, 1, false, &run, &count, error);
	if (err == ERR_OK && count == 0) return error_set(error, ERR_NOT_FOUND, "run not found");
	if (err == ERR_OK && !is_over(run)) err = ask_live(reading->server, arena, run_id, &live, &live_count, error);
	if (err == ERR_OK) err = history_trace(reading->history, arena, run_id, live, live_count, out, error);
	if (err == ERR_OK) out->subject.now_ns = (int64_t)clock_wall_ns();
	return err;
}
