// The reference server's tables and indexes (spec 09 §4, §5), and ours beside them.
#include "history/history_internal.h"

#define NOW "NOT NULL DEFAULT CURRENT_TIMESTAMP"

static const struct column apps[] = {
	{"id", "CHAR(36)", "PRIMARY KEY"},
	{"name", "VARCHAR", "NOT NULL"},
	{"sdk_language", "VARCHAR", "NOT NULL"},
	{"sdk_version", "VARCHAR", "NOT NULL"},
	{"framework", "VARCHAR", ""},
	{"metadata", "VARCHAR", "NOT NULL DEFAULT '{}'"},
	{"status", "VARCHAR", "NOT NULL"},
	{"error", "TEXT", ""},
	{"checksum", "VARCHAR", "NOT NULL"},
	{"created_at", "TIMESTAMP", NOW},
	{"archived_at", "TIMESTAMP", ""},
	{"url", "VARCHAR", "NOT NULL"},
	{"method", "VARCHAR(32)", "NOT NULL DEFAULT 'serve'"},
	{"app_version", "VARCHAR", ""},
};

static const struct column functions[] = {
	{"id", "CHAR(36)", "PRIMARY KEY"}, {"app_id", "CHAR(36)", ""},        {"name", "VARCHAR", "NOT NULL"},
	{"slug", "VARCHAR", "NOT NULL"},   {"config", "VARCHAR", "NOT NULL"}, {"created_at", "TIMESTAMP", NOW},
	{"archived_at", "TIMESTAMP", ""},  {"engine_paused_at", "INT", ""}, // ours: ms; NULL: it goes on
};

static const struct column events[] = {
	{"internal_id", "BLOB", ""},
	{"account_id", "CHAR(36)", ""},
	{"workspace_id", "CHAR(36)", ""},
	{"source", "VARCHAR(255)", ""},
	{"source_id", "CHAR(35)", ""},
	{"received_at", "TIMESTAMP", NOW},
	{"event_id", "VARCHAR", "NOT NULL"},
	{"event_name", "VARCHAR", "NOT NULL"},
	{"event_data", "VARCHAR", "NOT NULL DEFAULT '{}'"},
	{"event_user", "VARCHAR", "NOT NULL DEFAULT '{}'"},
	{"event_v", "VARCHAR", ""},
	{"event_ts", "TIMESTAMP", "NOT NULL"},
	{"engine_meta", "VARCHAR", ""}, // ours: sessions, for reruns; NULL: none
	{"engine_flags", "INT", ""},    // ours: enum event_row_flag
};

static const struct column function_runs[] = {
	{"run_id", "BLOB", "NOT NULL"},
	{"run_started_at", "TIMESTAMP", NOW},
	{"function_id", "CHAR(36)", ""},
	{"function_version", "INT", "NOT NULL"},
	{"trigger_type", "VARCHAR", "NOT NULL DEFAULT 'event'"},
	{"event_id", "BLOB", "NOT NULL"},
	{"batch_id", "BLOB", ""},
	{"original_run_id", "BLOB", ""},
	{"cron", "VARCHAR", ""},
	{"workspace_id", "UUID", ""},
	{"engine_status", "INT", ""}, // ours, from here on: see runs.h
	{"engine_started_at", "INT", ""},
	{"engine_ended_at", "INT", ""},
	{"engine_flags", "INT", ""},
};

static const struct column function_finishes[] = {
	{"run_id", "BLOB", ""},
	{"status", "VARCHAR", "NOT NULL"},
	{"output", "VARCHAR", "NOT NULL DEFAULT '{}'"},
	{"completed_step_count", "INT", "NOT NULL DEFAULT 1"},
	{"created_at", "TIMESTAMP", NOW},
};

static const struct column history[] = {
	{"id", "BLOB", ""},
	{"created_at", "TIMESTAMP", NOW},
	{"run_started_at", "TIMESTAMP", NOW},
	{"function_id", "CHAR(36)", ""},
	{"function_version", "INT", "NOT NULL"},
	{"run_id", "BLOB", "NOT NULL"},
	{"event_id", "BLOB", "NOT NULL"},
	{"batch_id", "BLOB", ""},
	{"group_id", "VARCHAR", ""},
	{"idempotency_key", "VARCHAR", "NOT NULL"},
	{"type", "VARCHAR", "NOT NULL"},
	{"attempt", "INT", "NOT NULL"},
	{"latency_ms", "INT", ""},
	{"step_name", "VARCHAR", ""},
	{"step_id", "VARCHAR", ""},
	{"step_type", "VARCHAR", ""},
	{"url", "VARCHAR", ""},
	{"cancel_request", "VARCHAR", ""},
	{"sleep", "VARCHAR", ""},
	{"wait_for_event", "VARCHAR", ""},
	{"wait_result", "VARCHAR", ""},
	{"invoke_function", "VARCHAR", ""},
	{"invoke_function_result", "VARCHAR", ""},
	{"result", "VARCHAR", ""},
};

static const struct column event_batches[] = {
	{"id", "CHAR(26)", "PRIMARY KEY"},
	{"account_id", "UUID", ""},
	{"workspace_id", "UUID", ""},
	{"app_id", "UUID", ""},
	{"workflow_id", "UUID", ""},
	{"run_id", "CHAR(26)", "NOT NULL"},
	{"started_at", "TIMESTAMP", "NOT NULL"},
	{"executed_at", "TIMESTAMP", NOW},
	{"event_ids", "BLOB", "NOT NULL"},
};

static const struct column traces[] = {
	{"timestamp", "TIMESTAMP", "NOT NULL"},
	{"timestamp_unix_ms", "INT", "NOT NULL"},
	{"trace_id", "VARCHAR", "NOT NULL"},
	{"span_id", "VARCHAR", "NOT NULL"},
	{"parent_span_id", "VARCHAR", ""},
	{"trace_state", "VARCHAR", ""},
	{"span_name", "VARCHAR", "NOT NULL"},
	{"span_kind", "VARCHAR", "NOT NULL"},
	{"service_name", "VARCHAR", "NOT NULL"},
	{"resource_attributes", "BLOB", "NOT NULL"},
	{"scope_name", "VARCHAR", "NOT NULL"},
	{"scope_version", "VARCHAR", "NOT NULL"},
	{"span_attributes", "BLOB", "NOT NULL"},
	{"duration", "INT", "NOT NULL"},
	{"status_code", "VARCHAR", "NOT NULL"},
	{"status_message", "TEXT", ""},
	{"events", "BLOB", "NOT NULL"},
	{"links", "BLOB", "NOT NULL"},
	{"run_id", "CHAR(26)", ""},
};

static const struct column trace_runs[] = {
	{"run_id", "CHAR(26)", "PRIMARY KEY"},
	{"account_id", "CHAR(36)", "NOT NULL"},
	{"workspace_id", "CHAR(36)", "NOT NULL"},
	{"app_id", "CHAR(36)", "NOT NULL"},
	{"function_id", "CHAR(36)", "NOT NULL"},
	{"trace_id", "BLOB", "NOT NULL"},
	{"queued_at", "INT", "NOT NULL"},
	{"started_at", "INT", "NOT NULL"},
	{"ended_at", "INT", "NOT NULL"},
	{"status", "INT", "NOT NULL"},
	{"source_id", "VARCHAR", "NOT NULL"},
	{"trigger_ids", "BLOB", "NOT NULL"},
	{"output", "BLOB", ""},
	{"is_debounce", "BOOLEAN", "NOT NULL"},
	{"batch_id", "BLOB", ""},
	{"cron_schedule", "TEXT", ""},
	{"has_ai", "BOOLEAN", "NOT NULL DEFAULT FALSE"},
};

static const struct column spans[] = {
	{"span_id", "TEXT", "NOT NULL"},
	{"trace_id", "TEXT", "NOT NULL"},
	{"parent_span_id", "TEXT", ""},
	{"name", "TEXT", "NOT NULL"},
	{"start_time", "DATETIME", "NOT NULL"},
	{"end_time", "DATETIME", "NOT NULL"},
	{"attributes", "JSON", ""},
	{"links", "JSON", ""},
	{"dynamic_span_id", "TEXT", ""},
	{"account_id", "TEXT", "NOT NULL"},
	{"app_id", "TEXT", "NOT NULL"},
	{"function_id", "TEXT", "NOT NULL"},
	{"run_id", "TEXT", "NOT NULL"},
	{"env_id", "TEXT", "NOT NULL"},
	{"output", "JSON", ""},
	{"debug_run_id", "CHAR(36)", ""},
	{"debug_session_id", "CHAR(36)", ""},
	{"status", "TEXT", ""},
	{"input", "JSON", ""},
	{"event_ids", "JSON", ""},
	{"is_deferred", "BOOLEAN", ""},
	{"engine_rank", "INT", ""}, // ours: of rows made of trace facts (hand_over.h), their span's rank
};

static const struct column worker_connections[] = {
	{"account_id", "CHAR(36)", "NOT NULL"},
	{"workspace_id", "CHAR(36)", "NOT NULL"},
	{"app_name", "VARCHAR", "NOT NULL"},
	{"app_id", "CHAR(36)", ""},
	{"id", "CHAR(26)", "NOT NULL"},
	{"gateway_id", "CHAR(26)", "NOT NULL"},
	{"instance_id", "VARCHAR", "NOT NULL"},
	{"status", "INT", "NOT NULL"},
	{"worker_ip", "VARCHAR", "NOT NULL"},
	{"max_worker_concurrency", "INT", "NOT NULL DEFAULT 0"},
	{"connected_at", "INT", "NOT NULL"},
	{"last_heartbeat_at", "INT", ""},
	{"disconnected_at", "INT", ""},
	{"recorded_at", "INT", "NOT NULL"},
	{"inserted_at", "INT", "NOT NULL"},
	{"disconnect_reason", "VARCHAR", ""},
	{"group_hash", "BLOB", "NOT NULL"},
	{"sdk_lang", "VARCHAR", "NOT NULL"},
	{"sdk_version", "VARCHAR", "NOT NULL"},
	{"sdk_platform", "VARCHAR", "NOT NULL"},
	{"sync_id", "CHAR(36)", ""},
	{"app_version", "VARCHAR", ""},
	{"function_count", "INT", "NOT NULL"},
	{"cpu_cores", "INT", "NOT NULL"},
	{"mem_bytes", "INT", "NOT NULL"},
	{"os", "VARCHAR", "NOT NULL"},
};

static const struct column queue_snapshot_chunks[] = {
	{"snapshot_id", "CHAR(26)", ""},
	{"chunk_id", "INT", ""},
	{"data", "BLOB", ""},
};

static const struct column migrations[] = {
	{"version", "uint64", ""},
	{"dirty", "bool", ""},
};

static const struct column goose_db_version[] = {
	{"id", "INTEGER", "PRIMARY KEY AUTOINCREMENT"},
	{"version_id", "INTEGER", "NOT NULL"},
	{"is_applied", "INTEGER", "NOT NULL"},
	{"tstamp", "TIMESTAMP", "DEFAULT (datetime('now'))"},
};

#define TABLE(name, key) \
	{ #name, name, ARRAY_LEN(name), key }

const struct table history_tables[] = {
	TABLE(apps, NULL),
	TABLE(functions, NULL),
	TABLE(events, NULL),
	TABLE(function_runs, NULL),
	TABLE(function_finishes, NULL),
	TABLE(history, NULL),
	TABLE(event_batches, NULL),
	TABLE(traces, NULL),
	TABLE(trace_runs, NULL),
	TABLE(spans, "PRIMARY KEY (trace_id, span_id)"),
	TABLE(worker_connections, "PRIMARY KEY (id, app_name)"),
	TABLE(queue_snapshot_chunks, "PRIMARY KEY (snapshot_id, chunk_id)"),
	TABLE(migrations, NULL),
	TABLE(goose_db_version, NULL),
};
const size_t history_table_count = ARRAY_LEN(history_tables);

const char history_plain_indexes[] =
	"CREATE INDEX IF NOT EXISTS idx_spans_run_id ON spans(run_id);"
	"CREATE INDEX IF NOT EXISTS idx_spans_run_id_dynamic_start_time ON spans(run_id, dynamic_span_id, start_time);"
	"CREATE INDEX IF NOT EXISTS idx_spans_status ON spans(status);"
	"CREATE INDEX IF NOT EXISTS idx_spans_run_status ON spans(run_id, status);"
	"CREATE INDEX IF NOT EXISTS idx_spans_account_status_time ON spans(account_id, status, start_time);";

// The reference server has no index on these tables. Ours bear our prefix, so that none of its later migrations finds
// its own name taken.
const char history_own_schema[] =
	"CREATE INDEX IF NOT EXISTS engine_events_id ON events(internal_id);"
	"CREATE INDEX IF NOT EXISTS engine_events_name ON events(event_name, internal_id);"
	"CREATE INDEX IF NOT EXISTS engine_runs_id ON function_runs(run_id);"
	"CREATE INDEX IF NOT EXISTS engine_runs_event ON function_runs(event_id);"
	"CREATE INDEX IF NOT EXISTS engine_finishes_run ON function_finishes(run_id);"
	"CREATE INDEX IF NOT EXISTS engine_functions_app ON functions(app_id);"
	"CREATE TABLE IF NOT EXISTS engine_event_skew(received_ns INTEGER NOT NULL, internal_id BLOB NOT NULL,"
	" PRIMARY KEY(received_ns, internal_id)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS engine_batches_run ON event_batches(run_id);"
	"CREATE TABLE IF NOT EXISTS engine_batch_events(event_id BLOB NOT NULL, run_id BLOB NOT NULL,"
	" PRIMARY KEY(event_id, run_id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS engine_event_outcomes(event_id BLOB NOT NULL, function_id CHAR(36) NOT NULL,"
	" outcome VARCHAR NOT NULL, reason VARCHAR NOT NULL, run_id BLOB, other_id BLOB, at TIMESTAMP NOT NULL);"
	"CREATE INDEX IF NOT EXISTS engine_outcomes_event ON engine_event_outcomes(event_id);"
	"CREATE INDEX IF NOT EXISTS engine_outcomes_run ON engine_event_outcomes(run_id) WHERE run_id IS NOT NULL;"
	// Lists of runs (runs_sql.c): those of each function and status, with what filters are about, so that pages and
	// counts of them need no look at the rows.
	"DROP INDEX IF EXISTS engine_runs_function; DROP INDEX IF EXISTS engine_runs_status;"
	"CREATE INDEX IF NOT EXISTS engine_runs_of_function"
	" ON function_runs(function_id, engine_status, run_id, engine_ended_at);"
	"CREATE INDEX IF NOT EXISTS engine_runs_ended ON function_runs(engine_ended_at DESC, run_id, engine_status)"
	" WHERE engine_ended_at IS NOT NULL;"
	// Small and only appended to, mostly, so that a run costs next to nothing.
	"CREATE INDEX IF NOT EXISTS engine_runs_started ON function_runs(engine_started_at)"
	" WHERE engine_started_at IS NOT NULL;"
	// Cancelled before that, or of the reference server: hardly any.
	"CREATE INDEX IF NOT EXISTS engine_runs_unstarted ON function_runs(run_id)"
	" WHERE engine_started_at IS NULL AND engine_status >= 200;"
	// Debug runs and deferred ones (enum run_row_flag).
	"CREATE INDEX IF NOT EXISTS engine_runs_flagged ON function_runs(run_id) WHERE engine_flags & 3;"
	// Their debug ids (debug_runs.h).
	"CREATE TABLE IF NOT EXISTS engine_debug_runs(run_id BLOB PRIMARY KEY, debug_run_id BLOB, session_id BLOB)"
	" WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS engine_debug_runs_id ON engine_debug_runs(debug_run_id, run_id);"
	"CREATE INDEX IF NOT EXISTS engine_debug_sessions ON engine_debug_runs(session_id, run_id);"
	// What runs have deferred (defers.h).
	"CREATE TABLE IF NOT EXISTS engine_defers(run_id BLOB NOT NULL, hashed_id TEXT NOT NULL, userland_id TEXT NOT "
	"NULL,"
	" fn_slug TEXT NOT NULL, status INTEGER NOT NULL, PRIMARY KEY(run_id, hashed_id)) WITHOUT ROWID;"
	// What migrate_runs.c has to look at.
	"CREATE INDEX IF NOT EXISTS engine_runs_new ON function_runs(run_id) WHERE engine_status IS NULL;"
	// Runs of another server that have not ended: no record of the engine names them.
	"CREATE TABLE IF NOT EXISTS engine_open_runs(run_id BLOB PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS engine_migration(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	// Skipped runs, which have no other row (by their ids: engine_history_run).
	"CREATE INDEX IF NOT EXISTS engine_skipped_event ON history(event_id) WHERE type = 'FunctionSkipped';"
	// Trace facts (model/trace_fact.h) in the order of their writing.
	"CREATE TABLE IF NOT EXISTS engine_trace(id INTEGER PRIMARY KEY, run_id BLOB NOT NULL, data BLOB NOT NULL);"
	"CREATE INDEX IF NOT EXISTS engine_trace_run ON engine_trace(run_id);"
	"CREATE INDEX IF NOT EXISTS engine_history_run ON history(run_id);"
	// What has come in about a run from outside (annotations.h).
	"CREATE TABLE IF NOT EXISTS engine_annotations(run_id BLOB PRIMARY KEY, metadata_bytes INTEGER NOT NULL,"
	" spans INTEGER NOT NULL) WITHOUT ROWID;"
	// Runs that are over and have no row of their own: retention takes what they have left.
	"CREATE TABLE IF NOT EXISTS engine_strays(run_id BLOB PRIMARY KEY) WITHOUT ROWID;"
	// What retention looks for, and how far it has got to (retention_internal.h).
	"CREATE INDEX IF NOT EXISTS engine_traces_run ON traces(run_id);"
	"CREATE INDEX IF NOT EXISTS engine_workers_seen ON worker_connections(" WORKER_SEEN ");"
	"CREATE TABLE IF NOT EXISTS engine_retention(name TEXT PRIMARY KEY, at BLOB NOT NULL) WITHOUT ROWID;";
