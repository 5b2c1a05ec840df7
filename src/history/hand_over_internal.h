// What the files of the hand-over share.
#ifndef INNGEST_HISTORY_HAND_OVER_INTERNAL_H
#define INNGEST_HISTORY_HAND_OVER_INTERNAL_H

#include "history/hand_over.h"
#include "history/history_internal.h"
#include "history/run_history.h"
#include "history/traces.h"
#include "trace/span_rows.h"

enum hand_over_sql {
	HAND_OVER_COUNT,
	HAND_OVER_RUNS,
	HAND_OVER_SKIPPED_COUNT,
	HAND_OVER_SKIPPED,
	HAND_OVER_SEEN,
	HAND_OVER_IS_FOREIGN,
	HAND_OVER_FUNCTION,
	HAND_OVER_STEPS, // and the next one: only in a file with the engine's tables
	HAND_OVER_BODY,
	HAND_OVER_NAMED,
	HAND_OVER_SPANS_DELETE,
	HAND_OVER_SPAN,
	HAND_OVER_TRACE_RUN,
	HAND_OVER_HISTORY_DELETE,
	HAND_OVER_HISTORY,
	HAND_OVER_SQL_COUNT
};

struct hand_over {
	sqlite3 *db;
	struct history_reader *reader;
	sqlite3_stmt *sql[HAND_OVER_SQL_COUNT];
	struct hand_over_counts *counts;
	size_t bytes; // written in this transaction
	struct buf start, end;
	struct error *error;
};

// One run, while it is being done. All in the arena.
struct hand_over_run {
	struct hand_over *of;
	struct arena arena;
	struct ulid id;
	char id_text[ULID_TEXT_LEN + 1], app_id[UUID_TEXT_LEN + 1], function_id[UUID_TEXT_LEN + 1];
	struct trace_loaded trace;
	struct ulid *event_ids;
	size_t event_count;
	struct history_subject subject;
	struct str function_name, app_name;
	struct hand_over_step *steps; // where the results of its steps are, by their ids
	size_t step_count;
	uint32_t number; // of rows without an id of their own
};
struct hand_over_step {
	struct str id;
	int64_t body_id;
};

// hand_over_spans.c
enum err hand_over_spans(struct hand_over_run *run);
// The text behind a span's output or input; empty: it is gone.
enum err hand_over_text(struct hand_over_run *run, struct arena *arena, const struct span_text *text, struct str *out);

// hand_over_history.c
enum err hand_over_history(struct hand_over_run *run);

#endif
