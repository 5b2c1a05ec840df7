// step.waitForEvent: hits, timeouts, conditions over both events, many waits at once, restarts (spec 03 §14).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { App, Server, SDKS, V3, V4, suite, until } from "./harness.mjs";

const { each } = suite();

// The run that an event began, once it waits for `count` events.
async function waiting(server, eventId, count = 1) {
	const [run] = await server.runsStarted(eventId);
	const waits = async () => (await server.data(`/v1/runs/${run.run_id}/jobs`)).filter(({ kind }) => kind === "pause");
	await until(async () => (await waits()).length === count, () => `${count} waits of run ${run.run_id}\n${server.tail()}`, server.timeoutMs);
	return run;
}

// A function that waits with these options and returns what it got.
const waiter = (id, event, options) => ({
	id,
	event,
	handler: async ({ step }) => {
		const before = await step.run("before", () => "done");
		const got = await step.waitForEvent("wait", options);
		return { before, got, after: await step.run("after", () => got?.data ?? null) };
	},
});

each("a wait that its event ends", async ({ server, app, name }) => {
	await app({ functions: [waiter("hit", `${name}/go`, { event: `${name}/ping`, timeout: "1h" })] });
	const [id] = await server.send({ name: `${name}/go` });
	await waiting(server, id);
	await server.send({ name: `${name}/pong` });
	await server.send({ id: `${name}-ping`, name: `${name}/ping`, ts: 1700000000123, data: { k: [1, null] }, user: { u: 1 }, v: "2" });
	const [run] = await server.runsEnded(id);
	assert.equal(run.status, "Completed");
	assert.deepEqual(run.output.got, { id: `${name}-ping`, name: `${name}/ping`, ts: 1700000000123, data: { k: [1, null] }, user: { u: 1 }, v: "2" });
	assert.deepEqual(run.output.after, { k: [1, null] });
});

each("a wait whose time is over", async ({ server, app, name }) => {
	await app({ functions: [waiter("late", `${name}/go`, { event: `${name}/ping`, timeout: "1s" })] });
	const run = await server.runOf({ name: `${name}/go` }, "Completed");
	assert.deepEqual(run.output, { before: "done", got: null, after: null });
});

each("a condition over both events", async ({ server, app, name }) => {
	const options = { event: `${name}/paid`, timeout: "1h", if: `event.data.id == async.data.order && async.data.amount >= event.data.price` };
	await app({ functions: [waiter("both", `${name}/order`, options)] });
	const [id] = await server.send({ name: `${name}/order`, data: { id: 'o "1"\\', price: 20 } });
	await waiting(server, id);
	for (const data of [{ order: "other", amount: 100 }, { order: 'o "1"\\', amount: 19.5 }, { amount: 100 }, {}]) {
		await server.send({ name: `${name}/paid`, data });
	}
	await waiting(server, id);
	await server.send({ name: `${name}/paid`, data: { order: 'o "1"\\', amount: 20 } });
	const [run] = await server.runsEnded(id);
	assert.deepEqual(run.output.after, { order: 'o "1"\\', amount: 20 });
});

each("100 waits for one event name, each with its own id", [V3, V4], async ({ server, app, name }) => {
	const options = { event: `${name}/answer`, timeout: "1h", ...(name.includes("v3") ? { match: "data.id" } : { if: "event.data.id == async.data.id" }) };
	await app({ recorded: false, functions: [waiter("many", `${name}/ask`, options)] });
	const numbers = Array.from({ length: 100 }, (_, i) => i);
	const ids = await server.send(numbers.map((i) => ({ name: `${name}/ask`, data: { id: `id-${i}` } })));
	for (const id of ids) await waiting(server, id);
	await server.send([...numbers].reverse().map((i) => ({ name: `${name}/answer`, data: { id: `id-${i}`, i } })));
	for (const i of numbers) {
		const [run] = await server.runsEnded(ids[i]);
		assert.deepEqual(run.output.after, { id: `id-${i}`, i });
	}
});

each("two waits and a step side by side", SDKS, async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "side",
				event: `${name}/go`,
				handler: async ({ step }) => {
					const [a, b, c] = await Promise.all([
						step.waitForEvent("a", { event: `${name}/a`, timeout: "1h" }),
						step.waitForEvent("b", { event: `${name}/b`, timeout: "1s" }),
						step.run("c", () => "c"),
					]);
					return [a.data.k, b, c, await step.run("d", () => "d")];
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go` });
	await waiting(server, id, 2);
	await server.send({ name: `${name}/a`, data: { k: 1 } });
	const [run] = await server.runsEnded(id);
	assert.deepEqual(run.output, [1, null, "c", "d"]);
});

each("a cancelled run waits no more", [V3, V4], async ({ server, app, name }) => {
	const { calls } = await app({ functions: [waiter("gone", `${name}/go`, { event: `${name}/ping`, timeout: "1h" })] });
	const [id] = await server.send({ name: `${name}/go` });
	const { run_id: runId } = await waiting(server, id);
	const before = calls.length;
	// At the same time: one of them comes first, and then the other finds nothing.
	const [cancelled] = await Promise.all([server.request(`/v1/runs/${runId}`, { method: "DELETE" }), server.send({ name: `${name}/ping` })]);
	const [run] = await server.runsEnded(id);
	if (cancelled.status < 300 && run.status === "Cancelled") assert.ok(calls.length <= before + 1);
	else assert.equal(run.status, "Completed");
	await server.send({ name: `${name}/ping` });
	assert.equal((await server.run(runId)).status, run.status);
});

each("a condition that is no expression fails the run", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [{ ...waiter("bad", `${name}/go`, { event: `${name}/ping`, timeout: "1h", if: "foo.bar == 1" }), retries: 0 }] });
	const run = await server.runOf({ name: `${name}/go` }, "Failed");
	assert.match(JSON.stringify(run.output), /Wait for event If expression failed to compile/);
});

for (const sdk of [V3, V4]) {
	each("waits survive kill -9", [sdk], async () => {
		const directory = await mkdtemp(join(tmpdir(), "inngest-waits-"));
		const server = await Server.start({ directory, flags: ["--persist", "--no-poll"] });
		const options = { event: "k/ping", timeout: "1h", if: "event.data.id == async.data.id" };
		const app = await App.start({
			server,
			sdk,
			id: "keeps",
			functions: [waiter("keeps", "k/go", options), waiter("ends", "k/end", { event: "k/never", timeout: "2s" })],
		});
		const [hit] = await server.send({ name: "k/go", data: { id: "x" } });
		const [late] = await server.send({ name: "k/end" });
		await waiting(server, hit);
		await waiting(server, late);
		await server.kill();
		await server.spawn();
		await server.send({ name: "k/ping", data: { id: "y" } });
		await server.send({ name: "k/ping", data: { id: "x", n: 1 } });
		assert.deepEqual((await server.runsEnded(hit))[0].output.after, { id: "x", n: 1 });
		assert.equal((await server.runsEnded(late))[0].output.got, null);
		await app.retire();
		await server.stop();
		await rm(directory, { recursive: true, force: true });
	});
}
