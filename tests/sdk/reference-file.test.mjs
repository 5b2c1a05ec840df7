// A database file that the reference server has left (spec 09): tests/fixtures/reference.sql, opened by this one.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inngest } from "./cli.mjs";
import { execute, rows } from "./database.mjs";
import { query } from "./graphql.mjs";
import { App, Server, V4_PLAIN, freePort, suite, until } from "./harness.mjs";
import { outputOf, treeOf } from "./traces.mjs";

const { each } = suite({ server: false });

const NAMES = ["seq", "retry", "nap", "throws", "stays", "batch", "tick", "parent", "child"];
const URL_OF_FIXTURE = "http://localhost:3939/api/inngest";

// The id that both servers derive for a function (01 §13).
function functionId(name, url) {
	const hash = createHash("sha1").update(Buffer.from("6ba7b8129dad11d180b400c04fd430c8", "hex"));
	const id = hash.update(`${name}${url}?fnId=ref-${name}&stepId=step`).digest();
	id[6] = (id[6] & 0x0f) | 0x50;
	id[8] = (id[8] & 0x3f) | 0x80;
	const hex = id.toString("hex", 0, 16);
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// The file, as if the app had stood at `url`.
async function makeFile(directory, url) {
	let sql = await readFile(new URL("../fixtures/reference.sql", import.meta.url), "utf8");
	for (const name of NAMES) sql = sql.replaceAll(functionId(name, URL_OF_FIXTURE), functionId(name, url));
	sql = sql.replaceAll(URL_OF_FIXTURE, url);
	await mkdir(join(directory, ".inngest"));
	const file = join(directory, ".inngest", "main.db");
	execute(file, sql);
	return file;
}

// A tree in lines: name, status, step op or type, attempts, whether there is a duration, an output, the two records of a
// request's times, other metadata, and the status of the app's reply.
function tell(span, indent = "") {
	const isOfRequest = ({ scope }) => scope === "request";
	const words = [
		span.name,
		span.status,
		...(span.stepOp ? [span.stepOp] : []),
		...(span.stepType && span.stepType !== span.stepOp ? [span.stepType] : []),
		...(span.attempts > 0 ? [`attempts${span.attempts}`] : []),
		...(span.duration !== null ? ["dur"] : []),
		...(span.outputID ? ["out"] : []),
		...(span.metadata.some(isOfRequest) ? ["md(req)"] : []),
		...span.metadata.filter((one) => !isOfRequest(one)).map(({ scope, kind }) => `md(${scope} ${kind})`),
		...(span.response ? [String(span.response.statusCode)] : []),
	];
	return [`${indent}${words.join(" ")}`, ...(span.childrenSpans ?? []).map((child) => tell(child, `${indent}  `))].join("\n");
}

const LIST = `query($filter: RunsFilterV2!, $order: [RunsV2OrderBy!]!) { runs(first: 100, filter: $filter, orderBy: $order) {
	totalCount edges { node { id status queuedAt startedAt endedAt functionID eventName isBatch cronSchedule traceID triggerIDs } } } }`;
const byTime = [{ field: "QUEUED_AT", direction: "ASC" }];

async function list(server, filter = {}) {
	const { runs } = await query(server, LIST, { filter: { from: "2026-11-01T00:00:00Z", ...filter }, order: byTime });
	assert.equal(runs.totalCount, runs.edges.length);
	return runs.edges.map(({ node }) => node);
}

// ---- what has to be seen -------------------------------------------------------------------------------------------

const LISTED = [
	["seq", "COMPLETED", "ref/seq", 419],
	["retry", "COMPLETED", "ref/retry", 21561],
	["nap", "COMPLETED", "ref/nap", 5021],
	["throws", "FAILED", "ref/throws", 20710],
	["stays", "CANCELLED", "ref/stays", 11843],
	["batch", "COMPLETED", null, 31],
	["tick", "COMPLETED", null, 16],
	["parent", "COMPLETED", "ref/parent", 791],
	["child", "COMPLETED", "inngest/function.invoked", 501],
	["stays", "RUNNING", "ref/stays", null],
	["seq", "COMPLETED", "ref/seq", 300],
];

const COUNTS = { spans: 140, history: 69, trace_runs: 12, function_finishes: 11 };

const FINAL = ["  Finalization COMPLETED FINALIZATION md(req) 200", "  executor.nonstep COMPLETED dur out"];
const ENDED = "Run COMPLETED dur out md(run inngest.usage) 200";
// As observed (06 §21), in the order of the list.
const TREES = [
	[ENDED, "  first step COMPLETED RUN out md(req) 206", "  first step COMPLETED RUN dur out", "  second COMPLETED RUN out md(req) 206",
		"  second COMPLETED RUN dur out", ...FINAL],
	[ENDED, "  flaky COMPLETED RUN attempts1 out", "    Attempt 0 FAILED RUN dur out md(req) 206", "    Attempt 1 COMPLETED RUN attempts1 dur out md(req) 206",
		"  flaky FAILED RUN dur out", "  flaky COMPLETED RUN attempts1 dur out", ...FINAL],
	[ENDED, "  nap COMPLETED SLEEP dur md(req)", "  found COMPLETED WAIT_FOR_EVENT dur out md(req)", ...FINAL],
	["Run FAILED dur out md(run inngest.usage) 400", "  Finalization FAILED FINALIZATION attempts1", "    Attempt 0 FAILED dur out md(req) 500",
		"    Attempt 1 FAILED attempts1 dur out md(req) 400", "  executor.nonstep FAILED dur out", "  executor.nonstep FAILED attempts1 dur out"],
	["Run CANCELLED dur out md(run inngest.usage) 0", "  nap CANCELLED SLEEP dur md(req)"], // what was open is cancelled with it
	[ENDED, ...FINAL],
	[ENDED, ...FINAL],
	[ENDED, "  call COMPLETED INVOKE dur out md(req)", ...FINAL],
	[ENDED, ...FINAL],
	["Run RUNNING out md(run inngest.usage)", "  nap WAITING SLEEP md(req)"],
	["executor.run COMPLETED dur out"],
];

const SUCCESS = "  function success COMPLETED dur out";
const PLAIN = [
	["  first step COMPLETED RUN dur out", "  second COMPLETED RUN dur out", SUCCESS],
	["  flaky COMPLETED RUN attempts1 dur out", "    Attempt 0 FAILED RUN dur out", "    Attempt 1 COMPLETED RUN attempts1 dur out", SUCCESS],
	["  nap COMPLETED SLEEP dur", "  found COMPLETED WAIT_FOR_EVENT dur out", SUCCESS],
	["  execute FAILED attempts2 dur out", "    Attempt 0 FAILED dur out", "    Attempt 1 FAILED attempts1 dur out"],
	["  nap CANCELLED SLEEP dur"],
	[SUCCESS],
	[SUCCESS],
	["  call COMPLETED INVOKE dur out", SUCCESS],
	[SUCCESS],
	["  nap COMPLETED SLEEP dur", "  Queued step QUEUED dur"], // by the clock
	[],
];

const json = (value) => ({ input: null, data: JSON.stringify(value), error: null });

// ---- parts of the test ---------------------------------------------------------------------------------------------

async function checkOutputs(server, [seq, , nap, throws, , batch, , parent]) {
	const events = (count) => (output) => JSON.parse(output.input).length === count;
	const root = await treeOf(server, seq.id);
	const first = await outputOf(server, root.outputID);
	assert.deepEqual([JSON.parse(first.data), JSON.parse(first.input)[0].data], [{ done: true, b: 2 }, { k: 1 }]);
	assert.deepEqual(await outputOf(server, root.childrenSpans[1].outputID), json(1));
	assert.deepEqual(await outputOf(server, root.childrenSpans[3].outputID), json({ n: 2 }));
	const [asleep, found] = (await treeOf(server, nap.id)).childrenSpans;
	assert.equal(new Date(asleep.stepInfo.sleepUntil) - new Date(nap.queuedAt), 2061);
	assert.equal(JSON.parse((await outputOf(server, found.outputID)).data).name, "ref/found");
	assert.deepEqual([found.stepInfo.eventName, found.stepInfo.expression, found.stepInfo.timedOut], ["ref/found", "async.data.k == 3.0", false]);
	const failed = await outputOf(server, (await treeOf(server, throws.id)).outputID);
	assert.deepEqual([failed.error.name, failed.error.message], ["TypeError", "always"]);
	assert.ok(events(2)(await outputOf(server, (await treeOf(server, batch.id)).outputID)));
	const [call] = (await treeOf(server, parent.id)).childrenSpans;
	assert.deepEqual(await outputOf(server, call.outputID), json(7));
	assert.equal(call.stepInfo.functionID, "ref-child");
	// The older tree has ids of its own.
	const [plain] = (await treeOf(server, seq.id, false)).childrenSpans;
	assert.equal((await outputOf(server, plain.outputID)).data, "1");
}

async function checkRuns(server, all) {
	const one = (id) => server.data(`/v1/runs/${id}`);
	assert.deepEqual((await one(all[0].id)).output, { done: true, b: 2 });
	assert.deepEqual([(await one(all[1].id)).status, (await one(all[1].id)).output], ["Completed", "ok"]); // finished twice
	assert.deepEqual([(await one(all[4].id)).status, (await one(all[9].id)).status], ["Cancelled", "Running"]);
	const { functionRun } = await query(server, `query($q: FunctionRunQuery!) { functionRun(query: $q) { status output
		history { type stepName result { durationMS sizeBytes } } } }`, { q: { functionRunId: all[0].id } });
	assert.equal(functionRun.output, '{"done":true,"b":2}');
	assert.deepEqual(functionRun.history.map(({ type }) => type), ["FunctionScheduled", "FunctionStarted", "StepStarted", "StepCompleted",
		"StepScheduled", "StepStarted", "StepCompleted", "StepScheduled", "StepStarted", "StepCompleted", "FunctionCompleted"]);
	assert.deepEqual(functionRun.history[3], { type: "StepCompleted", stepName: "first step", result: { durationMS: 18, sizeBytes: 120 } });
	const { run } = await query(server, "query($id: String!) { run(runID: $id) { isBatch batchCreatedAt } runTrigger(runID: $id) { IDs payloads isBatch } }", { id: all[5].id })
		.then((data) => ({ ...data, run: { ...data.run, ...data.runTrigger } }));
	assert.deepEqual([run.isBatch, run.IDs.length, run.payloads.map((text) => JSON.parse(text).data.n)], [true, 2, [1, 2]]);
}

async function checkLists(server, all) {
	assert.deepEqual((await list(server, { status: ["FAILED", "CANCELLED"] })).map(({ id }) => id), [all[3].id, all[4].id]);
	assert.deepEqual((await list(server, { query: "event.data.k == 2" })).map(({ id }) => id), [all[1].id]);
	const ends = (await query(server, LIST, { filter: { from: "2026-11-01T00:00:00Z", timeField: "ENDED_AT" }, order: [{ field: "ENDED_AT", direction: "DESC" }] }))
		.runs.edges.map(({ node }) => node.id);
	assert.deepEqual(ends, [10, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => all[n].id).sort((a, b) => endOf(all, b) - endOf(all, a)));
	const { eventsV2 } = await query(server, `query($filter: EventsFilter!) { eventsV2(first: 100, filter: $filter) { edges { node { name receivedAt runs { status } } } } }`,
		{ filter: { from: "2026-11-01T00:00:00Z", includeInternalEvents: false } });
	const events = eventsV2.edges.map(({ node }) => node);
	assert.equal(events.filter(({ name }) => name === "ref/none").length, 2);
	const skipped = events.filter(({ name }) => name === "ref/stays").flatMap(({ runs }) => runs.map(({ status }) => status));
	assert.deepEqual(skipped.sort(), ["CANCELLED", "RUNNING", "SKIPPED"]);
}
const endOf = (all, id) => new Date(all.find((run) => run.id === id).endedAt);

// The functions keep their ids when the app comes back, and an old run can be run again.
async function checkRerun(server, sdk, port, seq) {
	const made = { second: 2 };
	const handler = async ({ step, event }) => [await step.run("first step", () => made.first ?? event.data.k), await step.run("second", () => made.second)];
	const app = await App.start({ server, sdk, id: "ref", port, functions: NAMES.filter((name) => name !== "tick").map((id) =>
		({ id, event: `ref/${id}`, handler: id === "seq" ? handler : () => id })) });
	const { code, out, err } = await inngest(["runs", "rerun", seq.id, "--url", server.url]);
	assert.equal(code, 0, err);
	const event = (await server.data(`/v1/runs/${seq.id}`)).event_id;
	await server.runsEnded(event, 3);
	const runs = (await list(server)).filter(({ functionID }) => functionID === seq.functionID);
	assert.deepEqual([runs.length, runs.at(-1).id, runs.at(-1).status], [3, out.trim(), "COMPLETED"]);
	assert.deepEqual((await server.data(`/v1/runs/${out.trim()}`)).output, [1, 2]);
	// From a step on: those before it have the results that the spans tell.
	for (const [from, result] of [["second", [1, 3]], ["first step", [4, 3]]]) {
		made.first = 4;
		made.second = 3;
		const rerun = await inngest(["runs", "rerun", seq.id, "--from-step", from, "--url", server.url]);
		assert.equal(rerun.code, 0, rerun.err);
		await until(async () => (await server.data(`/v1/runs/${rerun.out.trim()}`)).status === "Completed", `the rerun from ${from}`);
		assert.deepEqual((await server.data(`/v1/runs/${rerun.out.trim()}`)).output, result);
	}
	await app.retire();
}

each("a file of the reference server", [V4_PLAIN], async ({ sdk }) => {
	const directory = await mkdtemp(join(tmpdir(), "inngest-reference-"));
	const port = await freePort();
	const url = `http://localhost:${port}/api/inngest`;
	const file = await makeFile(directory, url);
	const server = await Server.start({ directory, flags: ["--persist", "--no-poll", "--retention", "0"] });
	const nameOf = (run) => NAMES.find((name) => functionId(name, url) === run.functionID);
	const after = (run) => (run.endedAt === null ? null : new Date(run.endedAt) - new Date(run.queuedAt));
	const all = await list(server);
	assert.deepEqual(all.map((run) => [nameOf(run), run.status, run.eventName, after(run)]), LISTED);
	for (const [i, run] of all.entries()) {
		assert.deepEqual(tell(await treeOf(server, run.id)).split("\n"), TREES[i], LISTED[i][0]);
		const [root, ...rest] = tell(await treeOf(server, run.id, false)).split("\n");
		assert.match(root, new RegExp(`^ref-${LISTED[i][0]} ${LISTED[i][1]} `));
		assert.deepEqual(rest, PLAIN[i], LISTED[i][0]);
	}
	await checkOutputs(server, all);
	await checkRuns(server, all);
	await checkLists(server, all);
	await checkRerun(server, sdk, port, all[0]);
	await server.stop();

	// Its rows are as they were, also after handing the file back.
	const theirs = ["spans", "history", "trace_runs", "function_finishes"].map((table) =>
		`(SELECT count(*) FROM ${table} WHERE ${table === "spans" ? "engine_rank IS NULL" : `rowid <= ${COUNTS[table]}`}) ${table}`);
	assert.deepEqual(rows(file, `SELECT ${theirs}`)[0], COUNTS);
	const { out } = await inngest(["db", "hand-over", "--sqlite-dir", join(directory, ".inngest"), "--json"]);
	assert.equal(JSON.parse(out).complete, true);
	assert.deepEqual(rows(file, `SELECT ${theirs}`)[0], COUNTS);
	assert.equal(rows(file, "SELECT count(*) n FROM trace_runs")[0].n, COUNTS.trace_runs + 3);
	assert.deepEqual(rows(file, "SELECT group_concat(version_id) v FROM (SELECT version_id FROM goose_db_version ORDER BY id)")[0], { v: "0,1,2,3,4,5" });
	await rm(directory, { recursive: true, force: true });
});
