// What the database holds when all is done, read with the sqlite3 command.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { KINDS } from "./functions.mjs";

// src/model/record.h: what a run that is over leaves nothing of.
const RECORDS_OF_RUNS = { run: 4, item: 6 };

const OURS = `event_name IN (${KINDS.map(({ event }) => `'${event}'`).join(", ")})`;

// check, what is asked, the answer that is right. `:events` is the number of different events that were sent.
const QUESTIONS = [
	["integrity", "PRAGMA integrity_check", "ok"],
	["finishes", "SELECT count(*) FROM function_finishes", ":events"],
	["finishes", "SELECT count(DISTINCT run_id) FROM function_finishes WHERE status = 'Completed'", ":events"],
	["finishes", "SELECT count(*) FROM function_finishes WHERE run_id NOT IN (SELECT run_id FROM function_runs)", "0"],
	["runs", "SELECT count(*) FROM function_runs", ":events"],
	["runs", "SELECT count(DISTINCT run_id) FROM function_runs", ":events"],
	[
		"runs",
		`SELECT count(*) FROM (SELECT DISTINCT e.event_id, r.function_id
			FROM function_runs r JOIN events e ON e.internal_id = r.event_id WHERE ${OURS})`,
		":events",
	],
	["runs", `SELECT count(DISTINCT event_id) FROM events WHERE ${OURS}`, ":events"],
	["runs", "SELECT count(*) - count(DISTINCT internal_id) FROM events", "0"],
	["told", "SELECT count(*) FROM events WHERE event_name = 'inngest/function.finished'", ":events"],
	[
		"told",
		`SELECT count(DISTINCT json_extract(event_data, '$.run_id')) FROM events
			WHERE event_name = 'inngest/function.finished'`,
		":events",
	],
	["told", "SELECT count(*) FROM events WHERE event_name IN ('inngest/function.failed', 'inngest/function.cancelled')", "0"],
	...Object.entries(RECORDS_OF_RUNS).map(([name, kind]) => [
		"records",
		`SELECT count(*) || ' ${name}s' FROM engine_record WHERE kind = ${kind}`,
		`0 ${name}s`,
	]),
	[
		"records",
		`SELECT count(*) || ' lost bodies' FROM engine_body
			WHERE id NOT IN (SELECT body_id FROM engine_record WHERE body_id IS NOT NULL)`,
		"0 lost bodies",
	],
	["quarantine", "SELECT count(*) FROM engine_quarantine", "0"],
];

export function checkDatabase(directory, events, checks) {
	const file = join(directory, "main.db");
	for (const [check, sql, right] of QUESTIONS) {
		const expected = right.replace(":events", `${events}`);
		let answer;
		try {
			answer = execFileSync("sqlite3", [file, sql], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
		} catch (error) {
			answer = `${error.stderr || error.message}`.trim();
		}
		checks.expect(check, answer === expected, `${sql}: ${answer.slice(0, 500)}, not ${expected}`);
	}
}
