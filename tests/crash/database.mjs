// What the database holds, read with the sqlite3 command.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { EVENT_NAMES, KINDS } from "./kinds.mjs";

// The engine's tables (src/store/sqlite_schema.c), and those that say which bodies are in use, if they are there: steps
// of runs that have ended are kept.
const TABLES = {
	record: "engine_record",
	body: "engine_body",
	quarantine: "engine_quarantine",
};
// src/model/record.h: what a run that is over leaves nothing of.
const RECORDS_OF_RUNS = { run: 4, item: 6 };
// What waits for more events, or for a moment.
const RECORDS_OF_EVENTS = { "held event": 8, debounce: 12, batch: 13, "event of a batch": 14 };
const CRON = 10; // what schedules have
const ROWS_BYTES_MAX = 2 ** 28;

const names = (list) => list.map((name) => `'${name}'`).join(", ");
const FINISHED = "inngest/function.finished";
const ENDS = { Failed: "inngest/function.failed", Cancelled: "inngest/function.cancelled" };
// Of the runs that these begin nothing is told (03 §15.3).
const QUIET = names([FINISHED, ENDS.Failed]);

function ask(directory, sql) {
	try {
		const file = join(directory, "main.db");
		return execFileSync("sqlite3", ["-readonly", file, sql], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
	} catch (error) {
		return `${error.stderr || error.message}`.trim();
	}
}

// The rows of an answer, as objects.
export function rows(directory, sql) {
	const file = join(directory, "main.db");
	const text = execFileSync("sqlite3", ["-readonly", "-json", file, sql], { encoding: "utf8", maxBuffer: ROWS_BYTES_MAX });
	return text === "" ? [] : JSON.parse(text);
}

// How many records of runs, and of events that wait, there are at this moment.
export function openRecords(directory) {
	const kinds = Object.values({ ...RECORDS_OF_RUNS, ...RECORDS_OF_EVENTS }).join(", ");
	return ask(directory, `SELECT count(*) FROM ${TABLES.record} WHERE kind IN (${kinds})`);
}

// How many events `name` there are, and how many there should be: one for a run, or for each that has invoked it. Then
// about how many runs, and about how many they should be. Refused invokes are about no run.
function told(name, status) {
	const member = (path) => `json_extract(event_data, '$.${path}')`;
	const events = `SELECT ${member("run_id")} AS id, coalesce(${member("correlation_id")}, '') AS caller FROM events
		WHERE event_name = '${name}' AND ${member("run_id")} <> ''`;
	const due = `SELECT f.run_id FROM function_finishes f JOIN function_runs r ON r.run_id = f.run_id
		JOIN events e ON e.internal_id = r.event_id WHERE e.event_name NOT IN (${QUIET})
		${status ? `AND f.status = '${status}'` : ""}`;
	return `SELECT 'told ' || count(*) || ' of ' || count(DISTINCT id || ' ' || caller) || ' about ' || count(DISTINCT id)
		|| ' of ' || (SELECT count(*) FROM (${due})) FROM (${events})`;
}

// Steps of runs that have ended stay, and keep theirs.
const LOST_BODIES = `SELECT count(*) || ' lost bodies' FROM ${TABLES.body}
	WHERE id NOT IN (SELECT body_id FROM ${TABLES.record} WHERE body_id IS NOT NULL)`;

function count(list, nameOf) {
	const counts = new Map();
	for (const one of list) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1);
	return [...counts].map(([name, number]) => `${name} ${number}`).sort().join("\n");
}

// check, what is asked, the answer that is right.
function questions(directory, runs, events) {
	const ends = count(runs, ({ kind, status }) => `${kind.slug} ${status}`);
	const begun = count(runs, ({ kind }) => kind.slug);
	const sent = count(events, ({ name }) => name);
	const invoked = runs.filter(({ kind }) => kind.name === "invoke" || kind.name === "asks").length;
	const ticks = runs.filter(({ kind }) => kind.schedule).length;
	const join = "JOIN functions f ON f.id = r.function_id";
	return [
		["integrity", "PRAGMA integrity_check", "ok"],
		["finishes", "SELECT count(*) FROM function_finishes", `${runs.length}`],
		["finishes", "SELECT count(DISTINCT run_id) FROM function_finishes", `${runs.length}`],
		["finishes", "SELECT count(*) FROM function_finishes WHERE run_id NOT IN (SELECT run_id FROM function_runs)", "0"],
		[
			"finishes",
			`SELECT line || ' ' || count(*) FROM (SELECT f.slug || ' ' || e.status AS line FROM function_runs r ${join}
				JOIN function_finishes e ON e.run_id = r.run_id) GROUP BY line ORDER BY line || ' ' || count(*)`,
			ends,
		],
		["runs", "SELECT count(*) FROM function_runs", `${runs.length}`],
		["runs", "SELECT count(DISTINCT run_id) FROM function_runs", `${runs.length}`],
		["runs", `SELECT f.slug || ' ' || count(*) FROM function_runs r ${join} GROUP BY f.slug ORDER BY f.slug || ' ' || count(*)`, begun],
		[
			"runs",
			`SELECT event_name || ' ' || count(DISTINCT event_id) FROM events WHERE event_name IN (${names(EVENT_NAMES)})
				GROUP BY event_name ORDER BY event_name || ' ' || count(DISTINCT event_id)`,
			sent,
		],
		["runs", "SELECT count(*) - count(DISTINCT internal_id) FROM events", "0"],
		["runs", "SELECT count(*) FROM events WHERE event_name = 'inngest/function.invoked'", `${invoked}`],
		["tick", "SELECT count(*) FROM events WHERE event_name = 'inngest/scheduled.timer'", `${ticks}`],
		["told", told(FINISHED), undefined],
		["told", told(ENDS.Failed, "Failed"), undefined],
		["told", told(ENDS.Cancelled, "Cancelled"), undefined],
		...Object.entries({ ...RECORDS_OF_RUNS, ...RECORDS_OF_EVENTS }).map(([name, kind]) => [
			"records",
			`SELECT count(*) || ' ${name}s' FROM ${TABLES.record} WHERE kind = ${kind}`,
			`0 ${name}s`,
		]),
		["records", LOST_BODIES, "0 lost bodies"],
		["schedules", `SELECT count(*) FROM ${TABLES.record} WHERE kind = ${CRON}`, `${KINDS.filter(({ schedule }) => schedule).length}`],
		["quarantine", `SELECT count(*) FROM ${TABLES.quarantine}`, "0"],
	];
}

// `runs` and `events`: all that there should be.
export function checkDatabase(directory, runs, events, checks) {
	for (const [check, sql, right] of questions(directory, runs, events)) {
		const answer = ask(directory, sql);
		const counts = answer.match(/^told (\d+) of (\d+) about (\d+) of (\d+)$/);
		const fine = right === undefined ? counts !== null && counts[1] === counts[2] && counts[3] === counts[4] : answer === right;
		checks.expect(check, fine, `${sql}: ${answer.slice(0, 500)}, not ${right}`);
	}
}
