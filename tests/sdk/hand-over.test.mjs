// `inngest db hand-over`: what people see of runs is the same when all that is left of their traces is the rows that the
// reference server reads (spec 09 §7).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inngest } from "./cli.mjs";
import { execute, rows } from "./database.mjs";
import { query } from "./graphql.mjs";
import { App, Server, V3, V4, V4_PLAIN, suite, until } from "./harness.mjs";
import { cancel, outputOf, treeOf } from "./traces.mjs";

const { each, once } = suite({ server: false });

// ---- runs of all kinds ---------------------------------------------------------------------------------------------

const attempts = new Map();
const firstTime = (key) => attempts.set(key, (attempts.get(key) ?? 0) + 1).get(key) === 1;

const FUNCTIONS = (id) => [
	{
		id: "steps",
		event: "steps/go",
		retries: 1,
		handler: async ({ step, runId }) => {
			await step.run("first", () => ({ text: "ä\u0001\"" }));
			await step.run("flaky", () => {
				if (firstTime(`${runId}-flaky`)) throw new Error("not yet");
				return 2;
			});
			const both = await Promise.all([step.run("left", () => "l"), step.run("right", () => "r")]);
			await step.sleep("nap", "20ms");
			await step.waitForEvent("never", { event: "steps/never", timeout: "10ms" });
			await step.sendEvent("tell", { name: "steps/told" });
			return { both, invoked: await step.invoke("child", { function: `${id}-child`, ...{} }).catch(() => "none") };
		},
	},
	{ id: "fails", event: "fails/go", retries: 1, handler: () => { throw new TypeError("always"); } },
	{
		id: "step-fails",
		event: "step-fails/go",
		retries: 0,
		handler: async ({ step }) => {
			await step.run("bad", () => { throw new Error("bad"); }).catch(() => "caught");
			return "after";
		},
	},
	{
		id: "waits",
		event: "waits/go",
		handler: async ({ step, event }) => {
			const found = await step.waitForEvent("found", { event: "waits/found", timeout: "1h", if: "event.data.n == async.data.n" });
			return [event.data.n, found.data];
		},
	},
	{ id: "stays", event: "stays/go", handler: async ({ step }) => (await step.run("one", () => 1), step.sleep("long", "1h")) },
	{ id: "batch", event: "batch/go", batchEvents: { maxSize: 3, timeout: "60s" }, handler: ({ events }) => events.length },
	{ id: "single", event: "single/go", singleton: { mode: "skip" }, handler: ({ step }) => step.sleep("long", "1h") },
];

async function runAll(server) {
	const [steps] = await server.send({ name: "steps/go", data: { big: "x".repeat(5000) } });
	const [fails] = await server.send({ name: "fails/go" });
	const [stepFails] = await server.send({ name: "step-fails/go" });
	const [waits] = await server.send({ name: "waits/go", data: { n: 7 } });
	const batch = await server.send([1, 2, 3].map((n) => ({ name: "batch/go", data: { n } })));
	const [cancelled] = await server.send({ name: "stays/go" });
	const [open] = await server.send({ name: "stays/go" });
	const [single] = await server.send({ name: "single/go" });
	const [asleep] = await server.runsStarted(single);
	const [skipped] = await server.send({ name: "single/go" });
	const [stays] = await server.runsStarted(cancelled);
	for (const run of [stays, (await server.runsStarted(open))[0], asleep])
		await until(async () => JSON.stringify(await treeOf(server, run.run_id)).includes("WAITING"), `${run.run_id} asleep`);
	await until(async () => JSON.stringify(await treeOf(server, (await server.runsStarted(waits))[0].run_id)).includes("WAITING"), "the wait");
	await server.send({ name: "waits/found", data: { n: 7 } });
	await cancel(server, stays);
	const ended = [];
	for (const event of [steps, fails, stepFails, waits, batch[0], cancelled]) ended.push(...(await server.runsEnded(event)));
	return { ended: ended.map((run) => run.run_id), open: [(await server.runsStarted(open))[0].run_id, asleep.run_id], skipped };
}

// ---- what is seen of them ------------------------------------------------------------------------------------------

const LIST = `query($from: Time!) { runs(first: 100, filter: {from: $from}, orderBy: [{field: QUEUED_AT, direction: ASC}]) {
	totalCount edges { node { id status queuedAt startedAt endedAt functionID appID eventName isBatch cronSchedule hasAI traceID triggerIDs } } } }`;
const HISTORY = `query($q: FunctionRunQuery!) { functionRun(query: $q) { id status output startedAt finishedAt
	history { type attempt createdAt groupID stepName stepType result { durationMS sizeBytes } sleep { until }
		waitForEvent { eventName expression timeout } waitResult { eventID timeout } } } }`;

const skippedRuns = (server, id) =>
	query(server, "query($id: ULID!) { eventV2(id: $id) { runs { id status } } }", { id });

// The output of a span under its name; ids of outputs name rows, which are others now.
async function withOutputs(server, span) {
	const shown = { ...span, outputID: undefined, output: span.outputID && (await outputOf(server, span.outputID)) };
	// The root of the older tree has an id that is drawn.
	if (!span.isRoot) shown.spanID = span.spanID;
	shown.childrenSpans = await Promise.all((span.childrenSpans ?? []).map((child) => withOutputs(server, child)));
	return shown;
}

async function seen(server, ids) {
	const all = {};
	for (const id of ids) {
		all[id] = {
			run: await server.data(`/v1/runs/${id}`),
			tree: await withOutputs(server, await treeOf(server, id)),
			plain: await withOutputs(server, await treeOf(server, id, false)),
			history: (await query(server, HISTORY, { q: { functionRunId: id } })).functionRun,
		};
	}
	return all;
}

const listed = async (server) => (await query(server, LIST, { from: "2020-01-01T00:00:00Z" })).runs;

// ---- the test ------------------------------------------------------------------------------------------------------

async function handOver(directory, ...flags) {
	const { code, out, err } = await inngest(["db", "hand-over", "--sqlite-dir", join(directory, ".inngest"), ...flags]);
	assert.equal(code, 0, err);
	return flags.includes("--json") ? JSON.parse(out) : out;
}

each("runs handed over look the same", [V3, V4, V4_PLAIN], async ({ sdk }) => {
	const directory = await mkdtemp(join(tmpdir(), "inngest-hand-over-"));
	const file = join(directory, ".inngest", "main.db");
	const server = await Server.start({ directory, flags: ["--persist", "--no-poll"] });
	const app = await App.start({ server, sdk, id: "old", functions: FUNCTIONS("old") });
	const { ended, open, skipped } = await runAll(server);
	const list = await listed(server), before = await seen(server, ended), openBefore = await seen(server, open);
	const skippedBefore = await skippedRuns(server, skipped);
	assert.equal(skippedBefore.eventV2.runs.length, 1);
	assert.equal(skippedBefore.eventV2.runs[0].status, "SKIPPED");

	const busy = await inngest(["db", "hand-over", "--sqlite-dir", join(directory, ".inngest")]);
	assert.equal(busy.code, 1);
	assert.match(busy.err, /in use by another inngest process/);
	await server.stop();

	const done = await handOver(directory, "--json");
	const runs = rows(file, "SELECT count(*) n FROM function_runs")[0].n;
	assert.deepEqual([done.complete, done.runs, done.openRuns, done.skippedRuns, done.file], [true, runs + 1, 2, 1, file]);
	assert.equal(rows(file, "PRAGMA journal_mode")[0].journal_mode, "delete");
	// Again: those under way only, and nothing is there twice.
	const counts = () => rows(file, `SELECT (SELECT count(*) FROM spans) spans, (SELECT count(*) FROM history) history,
		(SELECT count(*) FROM trace_runs) runs`)[0];
	const first = counts();
	assert.ok(first.spans >= done.spans && first.runs === runs + 1 && first.history === done.historyRows + 1, JSON.stringify([first, done]));
	assert.match(await handOver(directory), /2 runs handed over.*\n2 of them are not over/);
	assert.deepEqual(counts(), first);

	// With the facts nothing has changed for this server.
	await server.spawn();
	assert.deepEqual(await listed(server), list);
	assert.deepEqual(await seen(server, ended), before);
	const trees = (runs) => Object.values(runs).map(({ tree }) => tree); // the others tell how long something goes on
	assert.deepEqual(trees(await seen(server, open)), trees(openBefore));
	await server.stop();

	// And without them it reads what the reference server would.
	execute(file, "DELETE FROM engine_trace; DELETE FROM engine_record WHERE kind = 5");
	await server.spawn();
	assert.deepEqual(await listed(server), list);
	assert.deepEqual(await seen(server, ended), before);
	assert.deepEqual(await skippedRuns(server, skipped), skippedBefore);
	await app.retire();
	await server.stop();
	await rm(directory, { recursive: true, force: true });
});

once("hand-over without a database, and help", async () => {
	const directory = await mkdtemp(join(tmpdir(), "inngest-hand-over-"));
	const missing = await inngest(["db", "hand-over"], { cwd: directory });
	assert.equal(missing.code, 1);
	assert.match(missing.err, /Error: \.inngest\/main\.db: No such file or directory; --sqlite-dir says where/);
	assert.match((await inngest(["db", "hand-over", "--help"])).out, /--sqlite-dir/);
	await rm(directory, { recursive: true, force: true });
});
