// What the GraphQL API tells of runs that fail, are skipped, cancelled, run again or started by a schedule, and of what
// cannot be searched (spec 06 §5 to §8).
import assert from "node:assert/strict";

import { CANCEL, CONFIGURATION, FUNCTION_RUN, ONE, RERUN, RUN, RUNS, TIME, ULID, assertFails, functionId, query, since } from "./graphql.mjs";
import { V4, V4_PLAIN, suite, until } from "./harness.mjs";

const { each, once } = suite();

// The types of a run's history, and its items by type.
async function historyOf(server, functionRunId) {
	const { functionRun } = await query(server, FUNCTION_RUN, { q: { functionRunId } });
	const items = functionRun.history;
	return { run: functionRun, types: items.map(({ type }) => type), last: (type) => items.filter((item) => item.type === type).at(-1) };
}

each("histories of runs that fail, retry and invoke", [V4_PLAIN], async ({ server, sdk, app, name }) => {
	const child = sdk.lib.referenceFunction({ appId: name, functionId: "child" });
	const tries = new Map();
	await app({
		functions: [
			{
				id: "parent", event: `${name}/go`, retries: 1,
				handler: async ({ runId, step }) => {
					await step.run("flaky", () => {
						tries.set(runId, (tries.get(runId) ?? 0) + 1);
						if (tries.get(runId) === 1) throw new Error("once");
					});
					return step.invoke("call", { function: child, data: {} });
				},
			},
			{ id: "child", event: `${name}/never`, retries: 0, handler: () => { throw new Error("no child"); } },
		],
	});
	const run = await server.runOf({ name: `${name}/go` }, "Failed");
	const { run: shown, types, last } = await historyOf(server, run.run_id);
	assert.equal(shown.status, "FAILED");
	assert.deepEqual([types[0], types[1], types.at(-1)], ["FunctionScheduled", "FunctionStarted", "FunctionFailed"]);
	assert.ok(last("StepErrored").result.sizeBytes > 0);
	assert.equal(last("StepErrored").attempt, 0);
	assert.ok(shown.history.some(({ type, stepName, attempt }) => type === "StepScheduled" && stepName === "flaky" && attempt === 1));
	const { invokeFunction } = last("StepInvoking");
	assert.equal(invokeFunction.functionID, `${name}-child`);
	assert.match(invokeFunction.eventID, ULID);
	assert.ok(invokeFunction.correlationID.startsWith(run.run_id));
	const { invokeFunctionResult } = shown.history.find((item) => item.invokeFunctionResult);
	assert.equal(invokeFunctionResult.timeout, false);
	assert.match(invokeFunctionResult.runID, ULID);
	assert.deepEqual(JSON.parse(shown.output).message, "no child");
});

each("the history of a cancelled run", [V4_PLAIN], async ({ server, app, name }) => {
	const stop = [{ event: `${name}/stop`, if: "async.data.id == event.data.id" }];
	await app({ functions: [{ id: "stopped", event: `${name}/go`, cancelOn: stop, handler: ({ step }) => step.sleep("long", "1h") }] });
	const [id] = await server.send({ name: `${name}/go`, data: { id: 7 } });
	const [{ run_id: runID }] = await server.runsStarted(id);
	await until(async () => (await historyOf(server, runID)).types.includes("StepSleeping"), "its sleep", server.timeoutMs);
	const [stopId] = await server.send({ name: `${name}/stop`, data: { id: 7 } });
	await server.runsEnded(id);
	const { run, types, last } = await historyOf(server, runID);
	assert.deepEqual([run.status, run.output, types.at(-1)], ["CANCELLED", "{}", "FunctionCancelled"]);
	assert.deepEqual(last("FunctionCancelled").cancel, { eventID: stopId, expression: "async.data.id == 7.0", userID: null });
	assert.match(run.finishedAt, TIME);
});

each("skipped runs and reruns of an event", [V4], async ({ server, app, name }) => {
	const handler = ({ event, step }) => (event.data.sleeps ? step.sleep("long", "1h") : "done");
	await app({ functions: [{ id: "single", event: `${name}/go`, singleton: { mode: "skip" }, handler }] });
	const finished = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	const { rerun } = await query(server, RERUN, { runID: finished.run_id });
	const runsOf = async (id) => (await query(server, `query ($id: ULID!) { eventV2(id: $id) { runs { ${RUN} } } }`, { id })).eventV2.runs;
	const both = async () => {
		const runs = await runsOf(finished.event_id);
		return runs.every(({ status }) => status === "COMPLETED") && runs.length === 2 && runs;
	};
	const runs = await until(both, "the rerun", server.timeoutMs);
	assert.deepEqual(runs.map(({ id }) => id), [finished.run_id, rerun], "oldest first");

	const [holder] = await server.send({ name: `${name}/go`, data: { sleeps: true } });
	const [held] = await server.runsStarted(holder);
	const [late] = await server.send({ name: `${name}/go`, data: {} });
	const [skipped] = await until(async () => {
		const list = await runsOf(late);
		return list.length > 0 && list;
	}, "the skipped run", server.timeoutMs);
	assert.equal(skipped.status, "SKIPPED");
	const { run } = await query(server, ONE, { runID: skipped.id });
	assert.deepEqual([run.status, run.endedAt, run.output], ["SKIPPED", null, null]);
	const { runs: list } = await query(server, RUNS, { filter: { from: since(), functionIDs: [run.functionID] } });
	assert.ok(!list.edges.some(({ node }) => node.id === skipped.id), "skipped runs are in no list");
	await query(server, CANCEL, { runID: held.run_id });
});

each("what became of events", [V4], async ({ server, app, name }) => {
	const handler = ({ event, step }) => {
		if (event.data.fails) throw new Error("no");
		return event.data.sleeps ? step.sleep("long", "1h") : null;
	};
	await app({ functions: [{ id: "a", event: `${name}/go`, retries: 0, handler }] });
	const become = async (data, status, pendingRuns) => {
		const [id] = await server.send({ name: `${name}/go`, data });
		const shown = await until(async () => {
			const { event } = await query(server, "query ($q: EventQuery!) { event(query: $q) { status pendingRuns totalRuns } }", { q: { eventId: id } });
			return event.status === status && event;
		}, `${status} of ${id}`, server.timeoutMs);
		assert.deepEqual(shown, { status, pendingRuns, totalRuns: 1 });
		return id;
	};
	await become({ fails: true }, "FAILED", 0);
	await become({}, "COMPLETED", 0);
	const [{ run_id: runID }] = await server.runsStarted(await become({ sleeps: true }, "RUNNING", 1));
	await query(server, CANCEL, { runID });
});

each("a run of a schedule", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "timed", triggers: [{ cron: "* * * * * *" }], handler: () => "tick" }] });
	const functionIDs = [await functionId(server, `${name}-timed`)];
	const over = async () => (await query(server, RUNS, { filter: { from: since(), functionIDs, status: ["COMPLETED"] } })).runs.edges[0]?.node;
	const run = await until(over, "a run of the schedule", server.timeoutMs);
	assert.deepEqual([run.cronSchedule, run.eventName, run.isBatch], ["* * * * * *", null, false]);
	assert.equal((await query(server, ONE, { runID: run.id })).run.cronSchedule, "* * * * * *");
	const { runTrigger } = await query(server, "query ($runID: String!) { runTrigger(runID: $runID) { eventName IDs isBatch cron } }", { runID: run.id });
	assert.deepEqual({ ...runTrigger, IDs: run.triggerIDs }, { eventName: null, IDs: run.triggerIDs, isBatch: false, cron: "* * * * * *" });
	const { stream } = await query(server, "{ stream(query: { limit: 400, includeInternalEvents: true }) { id trigger type runs { id } } }");
	const item = stream.find(({ runs }) => runs?.some(({ id }) => id === run.id));
	assert.deepEqual([item.trigger, item.type], ["* * * * * *", "CRON"]);
});

each("a function that takes each event once", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "once", event: `${name}/go`, idempotency: "event.data.k", handler: () => 1 }] });
	const { functionBySlug: fn } = await query(server, `{ functionBySlug(query: { functionSlug: "${name}-once" }) { ${CONFIGURATION} } }`);
	assert.deepEqual(fn.configuration.rateLimit, { limit: 1, period: "24h0m0s", key: "event.data.k" });
});

once("searches that are none", async ({ server }) => {
	const fails = (text, message) => assertFails(server, RUNS, { filter: { from: since(), query: text } }, message);
	for (const text of ["size(event.data) == 1", 'event.name.startsWith("a")', 'event.name in ["a"]', 'event.data["k"] == 1'])
		await fails(text, "error retrieving runs: invalid syntax detected");
	for (const text of ["event.data.k", "has(event.data.k)", "event.data.l.exists(x, x == 1)"])
		await fails(text, "error retrieving runs: macros are currently not supported");
	await fails('event.ts == "x"', "error retrieving runs: expects 'event.ts' to be an integer: x");
	await fails("event.name == 1", /^error retrieving runs: expects 'event.name' to be a string: 1/);
	await fails('event.name >= "a"', "error retrieving runs: unsupported string operator: _>=_");
	await fails("event.data.k ==", /^error retrieving runs: .*\n \| event\.data\.k ==/s);
	for (const text of ["foo.bar == 1", "event.users.x == 1", 'outputs == "a"'])
		await fails(text, /^error retrieving runs: nothing is called '(foo\.bar|event\.users\.x|outputs)': searches compare event\.id, /);
	for (const text of ["", "\n \n"]) await query(server, RUNS, { filter: { from: since(), query: text } });
});
