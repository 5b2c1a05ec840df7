// Debug runs and sessions (spec 06 §11): runs that are looked into, one try after the other, and stand in no list.
import assert from "node:assert/strict";

import { assertFails, query } from "./graphql.mjs";
import { App, Server, V4, suite, until } from "./harness.mjs";

const { each, once } = suite();
const UNKNOWN = "01M7ZY6CWGA1JCD60V59ARPN14";

async function newSession(server, functionSlug) {
	const data = await query(server, `mutation ($functionSlug: String!) {
		createDebugSession(input: { functionSlug: $functionSlug }) { debugSessionID debugRunID } }`, { functionSlug });
	return data.createDebugSession;
}

async function rerun(server, runID, ids, fromStep) {
	const data = await query(server, `mutation ($runID: ULID!, $debugRunID: ULID, $debugSessionID: ULID, $fromStep: RerunFromStepInput) {
		rerun(runID: $runID, debugRunID: $debugRunID, debugSessionID: $debugSessionID, fromStep: $fromStep) }`, { runID, ...ids, fromStep });
	return data.rerun;
}

const TREE = "runID status name isRoot debugRunID debugSessionID debugPaused startedAt childrenSpans { name stepID status debugRunID }";

// The traces of a debug run once all of them are over.
async function traces(server, debugRunID, count = 1) {
	const text = `query ($q: DebugRunQuery!) { debugRun(query: $q) { debugTraces { ${TREE} } } }`;
	const over = async () => {
		const { debugRun } = await query(server, text, { q: { functionSlug: "x", debugRunID } });
		const all = debugRun.debugTraces;
		return all.length === count && all.every(({ status }) => ["COMPLETED", "FAILED"].includes(status)) && all;
	};
	return until(over, () => `traces of ${debugRunID}\n${server.tail()}`, server.timeoutMs);
}

async function session(server, debugSessionID) {
	const data = await query(server, `query ($q: DebugSessionQuery!) {
		debugSession(query: $q) { debugRuns { debugRunID status queuedAt startedAt endedAt tags versions } } }`, { q: { functionSlug: "x", debugSessionID } });
	return data.debugSession.debugRuns;
}

const listed = async (server, appIDs) => {
	const data = await query(server, `query ($f: RunsFilterV2!) { runs(filter: $f, orderBy: []) { totalCount edges { node { id } } } }`,
		{ f: { from: "2020-01-01T00:00:00Z", appIDs } });
	assert.equal(data.runs.totalCount, data.runs.edges.length);
	return data.runs.edges.map(({ node }) => node.id);
};

const appOf = async (server, runID) => (await query(server, `query ($runID: String!) { run(runID: $runID) { appID } }`, { runID })).run.appID;

each("tries of a session", async ({ server, app, name }) => {
	const greet = (word) => `${word}!`;
	const handler = async ({ step }) => [await step.run("a", () => 1), await step.run("greet", greet, "hello")];
	await app({ functions: [{ id: "looked", event: name, handler }] });
	const first = await server.runOf({ name }, "Completed");
	const ids = await newSession(server, `${name}-looked`);
	const whole = await rerun(server, first.run_id, ids);
	const [root, ...others] = await traces(server, ids.debugRunID);
	assert.deepEqual([root.runID, root.status, root.isRoot, others.length], [whole, "COMPLETED", true, 0]);
	assert.deepEqual([root.debugRunID, root.debugSessionID, root.debugPaused], [ids.debugRunID, ids.debugSessionID, false]);
	const { runTrace } = await query(server, `query ($id: String!) { runTrace(runID: $id) { childrenSpans { name } } }`, { id: first.run_id });
	assert.deepEqual(root.childrenSpans.map(({ name: step }) => step), runTrace.childrenSpans.map(({ name: step }) => step));
	assert.ok(root.childrenSpans.some(({ name: step, debugRunID }) => step === "greet" && debugRunID === null));

	// Another try of the session, from a step on and with other input.
	const { debugRunID } = await newSession(server, `${name}-looked`);
	const again = await rerun(server, first.run_id, { ...ids, debugRunID }, { stepID: "greet", input: '["bye"]' });
	const [tree] = await traces(server, debugRunID);
	assert.deepEqual([tree.runID, tree.debugRunID, tree.debugSessionID], [again, debugRunID, ids.debugSessionID]);
	assert.deepEqual((await server.run(again)).output, [1, "bye!"]);

	const tries = await session(server, ids.debugSessionID);
	assert.deepEqual(tries.map((one) => [one.debugRunID, one.status, one.tags, one.versions]),
		[[ids.debugRunID, "COMPLETED", null, null], [debugRunID, "COMPLETED", null, null]]);
	for (const one of tries) assert.ok(Date.parse(one.queuedAt) <= Date.parse(one.startedAt) && Date.parse(one.startedAt) <= Date.parse(one.endedAt));

	// They are runs as any other, but in no list.
	assert.deepEqual(await listed(server, [await appOf(server, whole)]), [first.run_id]);
	assert.deepEqual((await query(server, `query ($q: String!) { run(runID: $q) { status } }`, { q: whole })).run.status, "COMPLETED");
	// One without a debug run id stands there; it belongs to no try.
	const outside = await rerun(server, first.run_id, { debugSessionID: ids.debugSessionID });
	assert.deepEqual((await listed(server, [await appOf(server, whole)])).sort(), [first.run_id, outside].sort());
	assert.equal((await session(server, ids.debugSessionID)).length, 2);
	// A rerun of a debug run is none by itself.
	const plain = await rerun(server, whole, {});
	assert.ok((await listed(server, [await appOf(server, whole)])).includes(plain));
});

each("an invoked function, and what it invokes", [V4], async ({ server, app, name }) => {
	const made = await app({ functions: [] });
	const child = made.client.createFunction({ id: "child", triggers: [{ event: `${name}/never` }] }, ({ event }) => event.data._inngest);
	const parent = made.client.createFunction({ id: "parent", triggers: [{ event: `${name}/never` }] },
		async ({ event, step }) => [event.data, await step.invoke("call", { function: child, data: {} })]);
	made.handler = made.sdk.serve({ client: made.client, functions: [child, parent] });
	await made.sync();
	const ids = await newSession(server, `${name}-parent`);
	const data = await query(server, `mutation ($slug: String!, $debugRunID: ULID, $debugSessionID: ULID) {
		invokeFunction(functionSlug: $slug, data: { x: 1, _inngest: { debug_run_id: "${UNKNOWN}" } }, debugRunID: $debugRunID, debugSessionID: $debugSessionID) }`,
	{ slug: `${name}-parent`, ...ids });
	assert.equal(data.invokeFunction, true);
	const trees = await traces(server, ids.debugRunID, 2);
	assert.ok(Date.parse(trees[0].startedAt) <= Date.parse(trees[1].startedAt));
	const [input, seen] = (await server.run(trees[0].runID)).output;
	assert.deepEqual([input.x, input._inngest.debug_run_id, input._inngest.debug_session_id], [1, ids.debugRunID, ids.debugSessionID]);
	assert.deepEqual([seen.debug_run_id, seen.debug_session_id], [ids.debugRunID, ids.debugSessionID]);
	assert.deepEqual((await session(server, ids.debugSessionID)).map(({ debugRunID }) => debugRunID), [ids.debugRunID]);
	assert.deepEqual(await listed(server, [await appOf(server, trees[0].runID)]), []);
});

once("ids that are none, or unknown", async ({ server }) => {
	const run = (q) => [`query ($q: DebugRunQuery!) { debugRun(query: $q) { debugTraces { runID } } }`, { q: { functionSlug: "x", ...q } }];
	const of = (q) => [`query ($q: DebugSessionQuery!) { debugSession(query: $q) { debugRuns { status } } }`, { q: { functionSlug: "x", ...q } }];
	assert.deepEqual((await query(server, ...run({ debugRunID: UNKNOWN }))).debugRun, { debugTraces: [] });
	assert.equal((await query(server, ...run({}))).debugRun, null);
	await assertFails(server, ...run({ debugRunID: "x" }), /^invalid debugRunID: /);
	assert.deepEqual((await query(server, ...of({ debugSessionID: UNKNOWN }))).debugSession, { debugRuns: null });
	await assertFails(server, ...of({}), "debug session not found");
	await assertFails(server, ...of({ debugSessionID: "x" }), /^invalid debugSessionID: /);
});

// The ids are kept with the run: what it invokes after a restart belongs to the same try.
once("a debug run under way when the server is killed", async ({ name }) => {
	const server = await Server.start({ flags: ["--no-poll", "--persist"] });
	const app = await App.start({ server, sdk: V4, id: name, functions: [] });
	const child = app.client.createFunction({ id: "child", triggers: [{ event: `${name}/never` }] }, () => "child");
	const parent = app.client.createFunction({ id: "parent", triggers: [{ event: `${name}/never` }] }, async ({ step }) => {
		await step.waitForEvent("go", { event: `${name}/go`, timeout: "1h" });
		return step.invoke("call", { function: child, data: {} });
	});
	app.handler = app.sdk.serve({ client: app.client, functions: [child, parent] });
	await app.sync();
	const ids = await newSession(server, `${name}-parent`);
	await query(server, `mutation ($slug: String!, $debugRunID: ULID, $debugSessionID: ULID) {
		invokeFunction(functionSlug: $slug, debugRunID: $debugRunID, debugSessionID: $debugSessionID) }`, { slug: `${name}-parent`, ...ids });
	const waits = async () => {
		const data = await query(server, `query ($q: DebugRunQuery!) { debugRun(query: $q) { debugTraces { childrenSpans { name status } } } }`,
			{ q: { functionSlug: "x", debugRunID: ids.debugRunID } });
		return data.debugRun.debugTraces[0]?.childrenSpans.some(({ name: step, status }) => step === "go" && status === "WAITING");
	};
	await until(waits, () => `the wait\n${server.tail()}`, server.timeoutMs);
	await server.kill();
	await server.spawn();
	await server.send({ name: `${name}/go` });
	const trees = await traces(server, ids.debugRunID, 2);
	assert.deepEqual(trees.map(({ debugSessionID, status }) => [debugSessionID, status]), Array(2).fill([ids.debugSessionID, "COMPLETED"]));
	await app.retire();
	await server.stop();
});

