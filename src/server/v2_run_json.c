// A run as REST v2 shows it (05 §13.10).
#include <stdlib.h>

#include "server/v2.h"

// Ids once each: runs of one function are the rule. The catalogue takes them in any order.
static size_t add_id(struct uuid *ids, size_t count, const struct uuid *id) {
	static const struct uuid none;
	if (uuid_eq(id, &none)) return count;
	for (size_t i = count; i > 0; i--)
		if (uuid_eq(&ids[i - 1], id)) return count;
	ids[count] = *id;
	return count + 1;
}

enum err v2_run_names_read(struct reading *reading, struct arena *arena, const struct run_row *rows, size_t count,
			   struct v2_run_names *out, struct error *error) {
	struct uuid *functions = ARENA_ARRAY(arena, struct uuid, count + 1);
	struct uuid *apps = ARENA_ARRAY(arena, struct uuid, count + 1);
	size_t function_count = 0, app_count = 0;
	for (size_t i = 0; i < count; i++) {
		function_count = add_id(functions, function_count, &rows[i].function_id);
		app_count = add_id(apps, app_count, &rows[i].app_id);
	}
	*out = (struct v2_run_names){.functions = NULL};
	enum err err = catalogue_functions_by_id(reading->history, arena, functions, function_count, &out->functions,
						 &out->function_count, error);
	if (err != ERR_OK) return err;
	return catalogue_apps_by_id(reading->history, arena, apps, app_count, &out->apps, &out->app_count, error);
}

static const char *status_name(enum trace_run_status status) {
	switch (status) {
	case TRACE_RUN_RUNNING:
		return "RUNNING";
	case TRACE_RUN_COMPLETED:
		return "COMPLETED";
	case TRACE_RUN_FAILED:
		return "FAILED";
	case TRACE_RUN_CANCELLED:
		return "CANCELLED";
	default:
		return "QUEUED";
	}
}

// 64 bits are a text.
static void write_duration(struct buf *out, const struct run_row *run) {
	if (run->ended_ns == INT64_MIN) return;
	int64_t start_ns = run->started_ns != INT64_MIN ? run->started_ns : run->queued_ns;
	int64_t ms = run->ended_ns > start_ns ? (run->ended_ns - start_ns) / 1000000 : 0;
	v2_member(out, "durationMs");
	buf_printf(out, "\"%lld\"", (long long)ms);
}

static void write_output(struct buf *out, const struct run_row *run) {
	if (run->output.len == 0 || run->status == TRACE_RUN_CANCELLED) return;
	if (run->status != TRACE_RUN_FAILED) {
		v2_free_form(out, "output", run->output);
		return;
	}
	v2_object_open(out, "output");
	v2_member(out, "error");
	buf_str(out, run->output);
	v2_object_close(out);
}

static void write_trigger(struct buf *out, const struct run_row *run) {
	static const struct ulid none;
	v2_object_open(out, "trigger");
	v2_ulid(out, "batchId", &run->batch_id);
	v2_text(out, "cronSchedule", run->cron);
	if (ulid_cmp(&run->event_id, &none) != 0) {
		v2_member(out, "eventIds");
		buf_byte(out, '[');
		json_ulid(out, &run->event_id);
		buf_byte(out, ']');
	}
	v2_bool(out, "isBatch", ulid_cmp(&run->batch_id, &none) != 0);
	v2_object_close(out);
}

void v2_run_write(struct request *request, const struct v2_run_names *names, const struct run_row *run,
		  bool with_output) {
	struct buf *out = &request->out;
	const struct catalogue_function *function =
		catalogue_find_function(names->functions, names->function_count, &run->function_id);
	const struct catalogue_app *app = catalogue_find_app(names->apps, names->app_count, &run->app_id);
	v2_object_open(out, "app");
	if (app != NULL) v2_text(out, "id", v2_app_id(&request->arena, app));
	v2_object_close(out);
	write_duration(out, run);
	v2_time(out, "endedAt", run->ended_ns);
	v2_object_open(out, "function");
	if (function != NULL) {
		v2_text(out, "id", catalogue_own_id(function));
		v2_text(out, "name", function->name);
	}
	v2_object_close(out);
	v2_ulid(out, "id", &run->id);
	if (with_output) write_output(out, run);
	v2_time(out, "queuedAt", run->queued_ns);
	v2_time(out, "startedAt", run->started_ns);
	v2_cstr(out, "status", status_name(run->status));
	write_trigger(out, run);
}
