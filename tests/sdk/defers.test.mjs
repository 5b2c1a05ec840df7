// Deferred runs (spec 02 §7.12, 03 §24.1, 06 §20): functions that a run wants to have run when it has ended.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { createDefer } from "inngest-v4/experimental";

import { query } from "./graphql.mjs";
import { App, Server, V4, V4_PLAIN, sha1, suite, until } from "./harness.mjs";

const { each, once } = suite();
const SDK = { "x-inngest-sdk": "inngest-js:v4.24.0", "x-inngest-req-version": "2" };
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const DEFER = "hashedDeferID userlandDeferID fnSlug status runID function { slug } run { id isDeferred status }";
const TEXT = `query ($id: String!) { run(runID: $id) { id isDeferred defers { ${DEFER} } siblingDefers { ${DEFER} } deferredFrom { runID function { slug } run { id } } } }`;
const seen = async (server, id) => (await query(server, TEXT, { id })).run;

// What the run has deferred, once `count` of these have become runs that are over.
async function deferred(server, id, count) {
	const all = async () => {
		const { defers } = await seen(server, id);
		return defers.filter(({ run }) => run?.status === "COMPLETED").length === count && defers;
	};
	return until(all, async () => `${count} deferred runs: ${JSON.stringify(await seen(server, id))}\n${server.tail()}`, server.timeoutMs);
}

// The id of the event of a defer (03 §24.1).
function eventId(runId, hashed) {
	const bits = createHash("sha256").update(`defer-event:${runId}:${hashed}`).digest().subarray(0, 10);
	let number = BigInt(`0x${bits.toString("hex")}`);
	let text = "";
	for (let i = 0; i < 16; i++, number >>= 5n) text = CROCKFORD[Number(number & 31n)] + text;
	return runId.slice(0, 10) + text;
}

// An app of a deferred function, which notes what it got, and a function with this handler.
async function begin({ server, app, name }, handler, options = {}) {
	const made = await app({ functions: [] });
	const got = [];
	const later = createDefer(made.client, { id: "later" }, ({ event, parents, runId }) => (got.push({ data: event.data, parents, runId }), event.data));
	const parent = made.client.createFunction({ id: "parent", retries: 0, triggers: [{ event: `${name}/go` }], ...options }, (context) => handler({ ...context, later }));
	made.handler = made.sdk.serve({ client: made.client, functions: [later, parent] });
	await made.sync();
	return { made, got, go: (data = {}) => server.send({ name: `${name}/go`, data }) };
}

const BOTH = [V4, V4_PLAIN];

each("a function that runs after the run", BOTH, async (context) => {
	const { server, name } = context;
	const { made, got, go } = await begin(context, async ({ step, defer, later }) => {
		await step.run("a", () => 1);
		defer("one", { function: later, data: { zero: 0, A: [null], x: { y: 1 } } });
		await step.sleep("nap", "100ms");
		defer({ id: "two", name: "Second" }, { function: later, data: {} });
		assert.equal(got.length, 0); // not while the run is under way
		return step.run("b", () => 2);
	});
	const [id] = await go();
	const [run] = await server.runsEnded(id);
	assert.equal(run.output, 2);
	const defers = await deferred(server, run.run_id, 2);
	assert.deepEqual(defers.map(({ hashedDeferID }) => hashedDeferID), [sha1("one"), sha1("two")].sort());
	const one = defers.find(({ hashedDeferID }) => hashedDeferID === sha1("one"));
	const slug = `${name}-later`;
	assert.deepEqual([one.userlandDeferID, one.fnSlug, one.status, one.function.slug, one.run.id, one.run.isDeferred],
		["one", slug, "SCHEDULED", slug, one.runID, true]);
	assert.deepEqual(got.find(({ runId }) => runId === one.runID), { data: { zero: 0, A: [null], x: { y: 1 } }, parents: [{ fnSlug: `${name}-parent`, runId: run.run_id, experiment: undefined }], runId: one.runID });

	const child = await server.run(one.runID);
	const event = await server.data(`/v1/events/${child.event_id}`);
	assert.equal(event.name, "inngest/deferred.schedule");
	assert.deepEqual([event.id, event.internal_id], Array(2).fill(eventId(run.run_id, sha1("one"))));
	const { _inngest: inner, ...data } = event.data;
	assert.deepEqual(data, { zero: 0, A: [null], x: { y: 1 } });
	assert.deepEqual(Object.keys(inner), ["fn_slug", "parent_app_id", "parent_defer_span", "parent_fn_id", "parent_fn_slug", "parent_run_id"]);
	assert.deepEqual([inner.fn_slug, inner.parent_fn_slug, inner.parent_run_id, inner.parent_fn_id], [slug, `${name}-parent`, run.run_id, run.function_id]);

	// Each knows of the others.
	const view = await seen(server, one.runID);
	const two = defers.find((other) => other !== one);
	assert.deepEqual(view.siblingDefers.map(({ runID }) => runID), [two.runID]);
	assert.deepEqual(view.deferredFrom, [{ runID: run.run_id, function: { slug: `${name}-parent` }, run: { id: run.run_id } }]);
	assert.deepEqual([view.isDeferred, view.defers], [true, []]);
	const parent = await seen(server, run.run_id);
	assert.deepEqual([parent.isDeferred, parent.siblingDefers, parent.deferredFrom], [false, [], []]);

	// What the app was told, and lists.
	const [last] = made.calls.filter(({ runId }) => runId === run.run_id).slice(-1);
	assert.deepEqual(last.body.defers[sha1("one")], { abortable: true });
	const list = async (isDeferred) => {
		const answer = await query(server, `query ($f: RunsFilterV2!) { runs(filter: $f, orderBy: []) { edges { node { id isDeferred } } } }`,
			{ f: { from: "2020-01-01T00:00:00Z", appIDs: [inner.parent_app_id], isDeferred } });
		return answer.runs.edges.map(({ node }) => (assert.equal(node.isDeferred, node.id !== run.run_id), node.id)).sort();
	};
	assert.deepEqual(await list(true), [one.runID, two.runID].sort());
	assert.deepEqual(await list(false), [run.run_id]);
	// The trace tells of steps only.
	const { runTrace } = await query(server, `query ($id: String!) { runTrace(runID: $id) { childrenSpans { name } } }`, { id: run.run_id });
	assert.ok(!JSON.stringify(runTrace).includes("one") && !JSON.stringify(runTrace).includes("Second"), JSON.stringify(runTrace));
	// A rerun of a deferred run is one, and not the one that counts.
	const again = await server.request(`/v2/runs/${one.runID}/rerun`, { method: "POST" });
	await until(async () => (await seen(server, again.json.data.runId))?.isDeferred, "the rerun", server.timeoutMs);
	assert.equal((await seen(server, run.run_id)).defers.find(({ hashedDeferID }) => hashedDeferID === sha1("one")).runID, one.runID);
});

each("one that is taken back", BOTH, async (context) => {
	const { server } = context;
	const { got, go } = await begin(context, async ({ step, defer, later }) => {
		const handle = defer("one", { function: later, data: { n: 1 } });
		defer("two", { function: later, data: { n: 2 } });
		await step.run("a", () => 1);
		await step.sleep("nap", "50ms");
		handle.abort();
		await step.run("b", () => 1);
	});
	const [id] = await go();
	const [run] = await server.runsEnded(id);
	const defers = await deferred(server, run.run_id, 1);
	assert.deepEqual(defers.map(({ userlandDeferID, status, runID }) => [userlandDeferID, status, runID !== null]).sort(), [["one", "ABORTED", false], ["two", "SCHEDULED", true]]);
	assert.deepEqual(got.map(({ data }) => data), [{ n: 2 }]);
});

each("whatever the end of the run", BOTH, async (context) => {
	const { server } = context;
	const { got, go } = await begin(context, async ({ event, step, defer, later }) => {
		defer("one", { function: later, data: { how: event.data.how } });
		await step.run("a", () => 1);
		if (event.data.how === "cancelled") await step.sleep("long", "1h");
		throw new Error("no way");
	});
	const [failed, cancelled] = [(await go({ how: "failed" }))[0], (await go({ how: "cancelled" }))[0]];
	const [bad] = await server.runsEnded(failed);
	assert.equal(bad.status, "Failed");
	const [{ run_id: runId }] = await server.runsStarted(cancelled);
	await until(async () => (await server.data(`/v1/runs/${runId}/jobs`)).some(({ kind }) => kind === "sleep"), "the sleep", server.timeoutMs);
	await server.request(`/v1/runs/${runId}`, { method: "DELETE" });
	await deferred(server, bad.run_id, 1);
	await deferred(server, runId, 1);
	assert.deepEqual(got.map(({ data }) => data.how).sort(), ["cancelled", "failed"]);
});

// Its data is in the store only.
once("kill -9 before the end", async ({ name }) => {
	const server = await Server.start({ flags: ["--no-poll", "--persist"] });
	const apps = [];
	const app = async (options) => (apps.push(await App.start({ server, sdk: V4, id: name, ...options })), apps[0]);
	const { got, go } = await begin({ server, app, name }, async ({ step, defer, later }) => {
		defer("one", { function: later, data: { Big: "x".repeat(100_000), n: 1 } });
		await step.waitForEvent("go on", { event: `${name}/on`, timeout: "1h" });
	});
	const [id] = await go();
	const [{ run_id: runId }] = await server.runsStarted(id);
	await until(async () => (await server.data(`/v1/runs/${runId}/jobs`)).some(({ kind }) => kind === "pause"), "the wait", server.timeoutMs);
	await server.kill();
	await server.spawn();
	await server.send({ name: `${name}/on` });
	await deferred(server, runId, 1);
	assert.deepEqual(got.map(({ data }) => [data.Big.length, data.n]), [[100_000, 1]]);
	await apps[0].retire();
	await server.stop();
});

// ---- answers written by hand ---------------------------------------------------------------------------------------

const add = (id, opts) => ({ op: "DeferAdd", id, displayName: `name of ${id}`, opts });
const abort = (target) => ({ op: "DeferAbort", id: `abort-${target}`, opts: { target_hashed_id: target } });
const END = { op: "RunComplete", id: "complete", data: 7 };

async function scripted({ app, server, name }, ...script) {
	const made = await app({
		answer: ({ response, call }) => {
			if (call.fnId.endsWith("-later")) return response.writeHead(200, SDK).end("null");
			const at = made.calls.filter(({ runId }) => runId === call.runId).length;
			response.writeHead(206, SDK).end(JSON.stringify(script[Math.min(at, script.length) - 1]));
		},
	});
	const later = made.rawFunction("later", "inngest/deferred.schedule");
	await made.register([made.rawFunction("raw", `${name}/raw`), later]);
	const run = await server.runOf({ name: `${name}/raw` });
	return { run, made, calls: made.calls.filter(({ runId }) => runId === run.run_id) };
}

once("with the end of the run in one answer, and twice with the same id", async (context) => {
	const { server, name } = context;
	const slug = `${name}-later`;
	const { run } = await scripted(context, [add("d", { fn_slug: slug, input: { n: 1, _inngest: { fn_slug: "mine" } } }), END, add("d", { fn_slug: slug, input: { n: 2 } })]);
	assert.deepEqual([run.status, run.output], ["Completed", 7]);
	const [one, ...others] = await deferred(server, run.run_id, 1);
	assert.deepEqual([one.userlandDeferID, others], ["name of d", []]);
	const event = await server.data(`/v1/events/${(await server.run(one.runID)).event_id}`);
	assert.deepEqual([event.data.n, event.data._inngest.fn_slug], [1, slug]);
});

once("refused, without harm to the run", async (context) => {
	const { server, name } = context;
	const slug = `${name}-later`;
	const bad = [
		add("no function", { input: {} }),
		add("no input", { fn_slug: slug }),
		add("a list", { fn_slug: slug, input: [] }),
		add("large", { fn_slug: slug, input: { x: "x".repeat(4 * 1024 * 1024) } }),
		add("meta", { fn_slug: slug, input: {}, meta: 1 }),
		add("large meta", { fn_slug: slug, input: {}, meta: { x: "x".repeat(40_000) } }),
		add("sessions", { fn_slug: slug, input: {}, meta: { sessions: { a: true } } }),
	];
	const { run, calls } = await scripted(context, [...bad, add("text", "x"), add("null", null), { op: "StepRun", id: "s", data: 1 }], [END]);
	assert.equal(run.status, "Completed");
	assert.deepEqual(calls[1].body.defers, Object.fromEntries(bad.map(({ id }) => [id, { abortable: false }])));
	const { defers } = await seen(server, run.run_id);
	assert.deepEqual(defers.map(({ hashedDeferID, status }) => [hashedDeferID, status]), bad.map(({ id }) => id).sort().map((id) => [id, "REJECTED"]));
});

once("as many as there may be, and as large", async (context) => {
	const { server, name } = context;
	const slug = `${name}-later`;
	const many = Array.from({ length: 22 }, (_, n) => add(`d${String(n).padStart(2, "0")}`, { fn_slug: slug, input: n < 3 ? { x: "x".repeat(1_500_000) } : { n } }));
	const { run, calls } = await scripted(context, [...many, { op: "StepRun", id: "s", data: 1 }], [END]);
	const told = calls[1].body.defers;
	assert.equal(Object.keys(told).length, 20);
	assert.deepEqual(Object.keys(told).filter((id) => !told[id].abortable), ["d02"]);
	await deferred(server, run.run_id, 19);
});

once("sessions", async (context) => {
	const { server, name } = context;
	const meta = { sessions: { chat: 7, gone: null }, propagated_sessions: { user: "u1", gone: "x" } };
	const { run, made } = await scripted(context, [add("d", { fn_slug: `${name}-later`, input: {}, meta }), END]);
	const [one] = await deferred(server, run.run_id, 1);
	const call = made.calls.find(({ runId }) => runId === one.runID);
	assert.deepEqual(call.body.event.meta, { sessions: { chat: "7", user: "u1" } });
});

// Nothing else tells how the run goes on; one that changes nothing is no end of it either.
once("alone in an answer", async (context) => {
	const { name, server } = context;
	const { run, calls } = await scripted(context, [add("d", { fn_slug: `${name}-later`, input: {} })], [abort("nobody")], [abort("d")], [END]);
	assert.equal(run.status, "Completed");
	assert.deepEqual(calls.map(({ body }) => body.defers), [{}, { d: { abortable: true } }, { d: { abortable: true } }, { d: { abortable: false } }]);
	assert.deepEqual((await seen(server, run.run_id)).defers.map(({ status }) => status), ["ABORTED"]);
});
