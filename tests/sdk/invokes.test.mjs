// step.invoke: results, failures, cancelled and unknown functions, timeouts, other apps, restarts (spec 03 §14.6).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { App, SDKS, Server, V3, V4, suite, until } from "./harness.mjs";

const { each } = suite();

// A function that invokes by id (of this app, or with another's in front) and returns what it got, or the error.
const caller = (sdk, id, event, slug, options = {}) => ({
	id,
	event,
	retries: 0,
	handler: async ({ event: { data }, step }) => {
		const before = await step.run("before", () => "done");
		const got = await step
			.invoke("call", { function: reference(sdk, slug), data, ...options })
			.then((value) => ({ value }), (error) => ({ error: { name: error.name, message: error.message } }));
		return { before, ...got, after: await step.run("after", () => "done") };
	},
});

// What the SDK wants for a function that is known by its id alone.
function reference(sdk, slug) {
	const [appId, functionId] = slug.split("/");
	return sdk.lib.referenceFunction({ appId, functionId });
}

each("a result", SDKS, async ({ server, app, name, sdk }) => {
	const seen = [];
	await app({
		functions: [
			caller(sdk, "outer", `${name}/go`, `${name}/inner`),
			{
				id: "inner",
				event: `${name}/never`,
				handler: async ({ event, step }) => {
					seen.push(event);
					const n = await step.run("double", () => event.data.n * 2);
					await step.sleep("a while", "100ms");
					return { n, list: [null, "x"] };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/go`, data: { n: 21 } }, "Completed");
	assert.deepEqual(run.output, { before: "done", value: { n: 42, list: [null, "x"] }, after: "done" });
	assert.equal(seen[0].name, "inngest/function.invoked");
	assert.equal(seen[0].data.n, 21);
	assert.equal(seen[0].data._inngest.fn_id, `${name}-inner`);
	assert.ok(seen[0].data._inngest.correlation_id.startsWith(`${run.run_id}.`));
});

each("nothing and null as results", [V3, V4], async ({ server, app, name, sdk }) => {
	await app({
		functions: [
			caller(sdk, "outer", `${name}/go`, `${name}/inner`),
			{ id: "inner", event: `${name}/never`, handler: ({ event }) => (event.data.nothing ? undefined : null) },
		],
	});
	for (const nothing of [true, false]) {
		const run = await server.runOf({ name: `${name}/go`, data: { nothing } }, "Completed");
		assert.equal(run.output.value ?? null, null);
		assert.equal(run.output.error, undefined);
	}
});

each("a function that fails", SDKS, async ({ server, app, name, sdk }) => {
	await app({
		functions: [
			caller(sdk, "outer", `${name}/go`, `${name}/inner`),
			{
				id: "inner",
				event: `${name}/never`,
				retries: 0,
				handler: () => {
					throw new Error("no such order");
				},
			},
			{ id: "careless", event: `${name}/careless`, retries: 0, handler: ({ step }) => step.invoke("call", { function: reference(sdk, `${name}/inner`) }) },
		],
	});
	const run = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	assert.match(run.output.error.message, /no such order/);
	assert.equal(run.output.after, "done");
	const careless = await server.runOf({ name: `${name}/careless` }, "Failed");
	assert.match(JSON.stringify(careless.output), /no such order/);
});

each("a function that does not exist", [V3, V4], async ({ server, app, name, sdk }) => {
	await app({ functions: [caller(sdk, "outer", `${name}/go`, `${name}/nobody`)] });
	const run = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	assert.match(run.output.error.message, new RegExp(`could not find function with ID: ${name}-nobody`));
});

each("a timeout", [V3, V4], async ({ server, app, name, sdk }) => {
	await app({
		functions: [
			caller(sdk, "outer", `${name}/go`, `${name}/inner`, { timeout: "1s" }),
			{ id: "inner", event: `${name}/never`, handler: ({ step }) => step.sleep("long", "1h") },
		],
	});
	const run = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	assert.match(run.output.error.message, /Timed out waiting for invoked function to complete/);
});

each("a function whose run is cancelled", [V3, V4], async ({ server, app, name, sdk }) => {
	let inner;
	await app({
		functions: [
			caller(sdk, "outer", `${name}/go`, `${name}/inner`),
			{
				id: "inner",
				event: `${name}/never`,
				handler: async ({ step, runId }) => {
					await step.run("tell", () => void (inner = runId));
					await step.sleep("long", "1h");
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go`, data: {} });
	await until(async () => inner && (await server.data(`/v1/runs/${inner}/jobs`)).some(({ kind }) => kind === "sleep"), "the sleep", server.timeoutMs);
	await server.request(`/v1/runs/${inner}`, { method: "DELETE" });
	const [run] = await server.runsEnded(id);
	assert.match(run.output.error.message, /cancelled/);
});

each("three levels, and side by side", SDKS, async ({ server, app, name, sdk }) => {
	const level = (n) => ({
		id: `level-${n}`,
		event: `${name}/level-${n}`,
		handler: async ({ event, step }) => {
			if (n === 3) return [event.data.path];
			const next = (branch) => step.invoke(`down ${branch}`, { function: reference(sdk, `${name}/level-${n + 1}`), data: { path: `${event.data.path}${branch}` } });
			return (await Promise.all([next("a"), next("b")])).flat();
		},
	});
	await app({ functions: [1, 2, 3].map(level) });
	const run = await server.runOf({ name: `${name}/level-1`, data: { path: "" } }, "Completed");
	assert.deepEqual(run.output, ["aa", "ab", "ba", "bb"]);
});

each("a function of another app", [V3, V4], async ({ server, app, name, sdk }) => {
	await app({ id: `${name}-other`, functions: [{ id: "inner", event: `${name}/never`, handler: ({ event }) => `other ${event.data.n}` }] });
	await app({ functions: [caller(sdk, "outer", `${name}/go`, `${name}-other/inner`)] });
	const run = await server.runOf({ name: `${name}/go`, data: { n: 7 } }, "Completed");
	assert.equal(run.output.value, "other 7");
});

each("invokes survive kill -9", [V3, V4], async ({ sdk }) => {
	const directory = await mkdtemp(join(tmpdir(), "inngest-invokes-"));
	const server = await Server.start({ directory, flags: ["--persist", "--no-poll"] });
	let started;
	const app = await App.start({
		server,
		sdk,
		id: "keeps",
		functions: [
			caller(sdk, "outer", "k/go", "keeps/inner"),
			{
				id: "inner",
				event: "k/never",
				handler: async ({ step }) => {
					await step.run("tell", () => void (started = true));
					await step.sleep("over the stop", "2s");
					return "kept";
				},
			},
		],
	});
	const [id] = await server.send({ name: "k/go", data: {} });
	await until(() => started && app.calls.some((call) => call.reply?.includes("Sleep")), "the sleep");
	await server.kill();
	await server.spawn();
	assert.equal((await server.runsEnded(id))[0].output.value, "kept");
	await app.retire();
	await server.stop();
	await rm(directory, { recursive: true, force: true });
});
