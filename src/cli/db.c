// `inngest db …`: work on the database of a server that is stopped.
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/interrupt.h"
#include "cli/logging.h"

#define SHOWN_EVERY_NS UINT64_C(200000000)

struct showing {
	struct cli *cli;
	bool is_live; // people look at the error output
	bool is_shown;
	uint64_t shown_ns;
};

static bool show_progress(void *context, const struct hand_over_counts *counts) {
	struct showing *showing = context;
	uint64_t now_ns = clock_mono_ns();
	if (showing->is_live && now_ns - showing->shown_ns >= SHOWN_EVERY_NS) {
		uint64_t percent = counts->total > 0 ? 100 * counts->done / counts->total : 100;
		fprintf(showing->cli->err, "\r%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " %%", counts->done,
			counts->total, percent);
		fflush(showing->cli->err);
		showing->shown_ns = now_ns;
		showing->is_shown = true;
	}
	return !interrupt_wait(0);
}

static void clear_progress(const struct showing *showing) {
	if (showing->is_shown) fprintf(showing->cli->err, "\r%60s\r", "");
}

// ---- the result ----------------------------------------------------------------------------------------------------

static void print_json(const struct cli *cli, const struct hand_over_result *result) {
	const struct hand_over_counts *counts = &result->counts;
	struct buf out;
	buf_init(&out, SIZE_MAX);
	buf_lit(&out, "{\"file\":");
	buf_json_str(&out, str_from_cstr(result->path));
	buf_printf(&out, ",\"complete\":%s,\"runs\":%" PRIu64 ",\"openRuns\":%" PRIu64 ",\"skippedRuns\":%" PRIu64,
		   counts->is_complete ? "true" : "false", counts->done, counts->open, counts->skipped_runs);
	buf_printf(&out, ",\"spans\":%" PRIu64 ",\"historyRows\":%" PRIu64 "}\n", counts->spans, counts->history);
	fwrite(out.ptr, 1, out.len, cli->out);
	buf_free(&out);
}

static const char *plural(uint64_t count) {
	return count == 1 ? "" : "s";
}

static void print_text(const struct cli *cli, const struct hand_over_result *result) {
	const struct hand_over_counts *counts = &result->counts;
	fprintf(cli->out, "%s: %" PRIu64 " run%s handed over, %" PRIu64 " span%s, %" PRIu64 " row%s of history\n",
		result->path, counts->done, plural(counts->done), counts->spans, plural(counts->spans), counts->history,
		plural(counts->history));
	if (counts->open > 0)
		fprintf(cli->out,
			"%" PRIu64 " of them %s not over: the other server shows %s, but does not go on with %s.\n",
			counts->open, counts->open == 1 ? "is" : "are", counts->open == 1 ? "it" : "them",
			counts->open == 1 ? "it" : "them");
}

// ---- the command ---------------------------------------------------------------------------------------------------

// Where a server that is started in the same way has its file.
static enum err complete_settings(struct cli *cli, struct settings *settings, struct error *error) {
	struct str path;
	enum err err = settings_read_environment(settings, error);
	if (err == ERR_OK) logging_apply(settings, cli->terminal);
	return err == ERR_OK ? config_file_load(settings, &path, error) : err;
}

int db_hand_over_run(struct cli *cli, struct settings *settings) {
	struct error error;
	struct hand_over_result result;
	struct showing showing = {.cli = cli, .is_live = isatty(fileno(cli->err)) == 1};
	bool json = settings_on(settings, FLAG_ID_DB_JSON);
	enum err err = complete_settings(cli, settings, &error);
	if (err == ERR_OK) {
		(void)interrupt_catch();
		err = cli->hand_over(settings_text(settings, FLAG_ID_SQLITE_DIR).ptr, show_progress, &showing, &result,
				     &error);
		interrupt_release();
	}
	clear_progress(&showing);
	if (err != ERR_OK) {
		fprintf(cli->err, "Error: %s\n", error.message);
		return CLI_EXIT_ERROR;
	}
	if (json)
		print_json(cli, &result);
	else
		print_text(cli, &result);
	if (result.counts.is_complete) return CLI_EXIT_OK;
	fprintf(cli->err, "Broken off; %" PRIu64 " are left. The same command goes on with them.\n",
		result.counts.total - result.counts.done);
	return CLI_EXIT_ERROR;
}
