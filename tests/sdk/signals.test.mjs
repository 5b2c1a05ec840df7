// step.waitForSignal, step.sendSignal and POST /v1/signals: hits, timeouts, both ways to settle a conflict, restarts
// (spec 03 §14.7, 05 §12.8).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { App, Server, SDKS, V3, V4, sha1, suite, until } from "./harness.mjs";

const { each, once } = suite();

const CONFLICT = "Signal conflict; signal wait already exists for another run";

// The run that an event began, once it waits in this step.
async function waiting(server, eventId, step = "wait") {
	const [run] = await server.runsStarted(eventId);
	const waits = async () => (await server.data(`/v1/runs/${run.run_id}/jobs`)).some(({ kind, Raw }) => kind === "pause" && Raw.step === sha1(step));
	await until(waits, () => `run ${run.run_id} does not wait\n${server.tail()}`, server.timeoutMs);
	return run;
}

// A function that waits for the signal that its event names, and returns what it got.
const waiter = (id, event, options = {}) => ({
	id,
	event,
	retries: 0,
	handler: async ({ event, step }) => {
		const before = await step.run("before", () => "done");
		const got = await step.waitForSignal("wait", { signal: event.data.signal, timeout: "1h", onConflict: "fail", ...options });
		return { before, got, after: await step.run("after", () => got?.data ?? null) };
	},
});

const post = (server, body) => server.request("/v1/signals", { method: "POST", body });

async function hits(server, signal, data, run) {
	const reply = await post(server, { signal, data });
	assert.equal(reply.status, 200, reply.text);
	assert.deepEqual(reply.json.data, { run_id: run.run_id });
	assert.ok(reply.json.metadata.fetched_at, reply.text);
}

async function misses(server, signal) {
	const reply = await post(server, { signal, data: 1 });
	assert.equal(reply.status, 404, reply.text);
	assert.deepEqual(reply.json, { error: "No signal found", data: null, status: 404 });
}

each("a wait that its signal ends", async ({ server, app, name }) => {
	const signal = `${name} "ü"\n`;
	await app({ functions: [waiter("hit", `${name}/go`)] });
	await misses(server, signal);
	const [id] = await server.send({ name: `${name}/go`, data: { signal } });
	const waits = await waiting(server, id);
	await misses(server, name);
	await hits(server, signal, { k: [1, null, "é"] }, waits);
	await misses(server, signal);
	const [run] = await server.runsEnded(id);
	assert.equal(run.status, "Completed");
	assert.deepEqual(run.output, { before: "done", got: { signal, data: { k: [1, null, "é"] } }, after: { k: [1, null, "é"] } });
});

each("a signal without data", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("bare", `${name}/go`)] });
	const [id] = await server.send({ name: `${name}/go`, data: { signal: name } });
	await hits(server, name, undefined, await waiting(server, id));
	assert.deepEqual((await server.runsEnded(id))[0].output.got, { signal: name, data: null });
});

each("a wait whose time is over", async ({ server, app, name }) => {
	await app({ functions: [waiter("late", `${name}/go`, { timeout: "1s" })] });
	const run = await server.runOf({ name: `${name}/go`, data: { signal: name } }, "Completed");
	assert.deepEqual(run.output, { before: "done", got: null, after: null });
	await misses(server, name);
});

each("one function signals another", async ({ server, app, name }) => {
	const sender = {
		id: "sender",
		event: `${name}/send`,
		handler: async ({ step }) => {
			const hit = await step.sendSignal("hit", { signal: name, data: { from: "sender" } });
			const miss = await step.sendSignal("miss", { signal: `${name}-nobody`, data: 1 });
			return { hit, miss };
		},
	};
	await app({ functions: [waiter("receiver", `${name}/go`), sender] });
	const [id] = await server.send({ name: `${name}/go`, data: { signal: name } });
	const receiver = await waiting(server, id);
	const sent = await server.runOf({ name: `${name}/send` }, "Completed");
	assert.deepEqual(sent.output, { hit: { runId: receiver.run_id }, miss: {} });
	assert.deepEqual((await server.runsEnded(id))[0].output.got, { signal: name, data: { from: "sender" } });
});

each("a client sends a signal", [V3, V4], async ({ server, app, name }) => {
	const { client } = await app({ functions: [waiter("receiver", `${name}/go`)] });
	const [id] = await server.send({ name: `${name}/go`, data: { signal: name } });
	const receiver = await waiting(server, id);
	assert.deepEqual(await client.sendSignal({ signal: name, data: [1] }), { runId: receiver.run_id });
	assert.deepEqual((await server.runsEnded(id))[0].output.got, { signal: name, data: [1] });
});

each("a second wait for a signal fails its run", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("only", `${name}/go`)] });
	const [first] = await server.send({ name: `${name}/go`, data: { signal: name } });
	const owner = await waiting(server, first);
	const second = await server.runOf({ name: `${name}/go`, data: { signal: name } }, "Failed");
	assert.equal(second.output.name, "Error");
	assert.equal(second.output.message, CONFLICT);
	await hits(server, name, 1, owner);
	assert.deepEqual((await server.runsEnded(first))[0].output.after, 1);
	// The name is free again.
	const [third] = await server.send({ name: `${name}/go`, data: { signal: name } });
	await hits(server, name, 3, await waiting(server, third));
	assert.deepEqual((await server.runsEnded(third))[0].output.after, 3);
});

each("a second wait takes the signal over", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("old", `${name}/old`), waiter("new", `${name}/new`, { onConflict: "replace" })] });
	const [old] = await server.send({ name: `${name}/old`, data: { signal: name } });
	const replaced = await waiting(server, old);
	const [next] = await server.send({ name: `${name}/new`, data: { signal: name } });
	await hits(server, name, "for the new one", await waiting(server, next));
	assert.equal((await server.runsEnded(next))[0].output.after, "for the new one");
	// Nobody can reach the old one any more, which waits on.
	await misses(server, name);
	assert.equal((await server.run(replaced.run_id)).status, "Running");
	await waiting(server, old);
	assert.equal((await server.request(`/v1/runs/${replaced.run_id}`, { method: "DELETE" })).status, 200);
});

each("two signals and a step side by side", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "side",
				event: `${name}/go`,
				handler: async ({ step }) => {
					const [a, b, c] = await Promise.all([
						step.waitForSignal("a", { signal: `${name}-a`, timeout: "1h", onConflict: "fail" }),
						step.waitForSignal("b", { signal: `${name}-b`, timeout: "1s", onConflict: "replace" }),
						step.run("c", () => "c"),
					]);
					return [a.data.k, b, c, await step.run("d", () => "d")];
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go` });
	const run = await waiting(server, id, "a");
	await hits(server, `${name}-a`, { k: 1 }, run);
	assert.deepEqual((await server.runsEnded(id))[0].output, [1, null, "c", "d"]);
});

each("a cancelled run frees its signal", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("gone", `${name}/go`)] });
	const [id] = await server.send({ name: `${name}/go`, data: { signal: name } });
	const { run_id: runId } = await waiting(server, id);
	assert.equal((await server.request(`/v1/runs/${runId}`, { method: "DELETE" })).status, 200);
	await misses(server, name);
	const [again] = await server.send({ name: `${name}/go`, data: { signal: name } });
	await hits(server, name, 1, await waiting(server, again));
	assert.equal((await server.runsEnded(again))[0].status, "Completed");
});

each("a wait without a name fails the run", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("nameless", `${name}/go`)] });
	const run = await server.runOf({ name: `${name}/go`, data: { signal: "" } }, "Failed");
	assert.match(JSON.stringify(run.output), /must name the signal/);
});

each("of many signals to one wait at once a single one hits", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [waiter("one", `${name}/go`)] });
	const [id] = await server.send({ name: `${name}/go`, data: { signal: name } });
	await waiting(server, id);
	const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => post(server, { signal: name, data: i })));
	const hit = replies.findIndex(({ status }) => status === 200);
	assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array(19).fill(404)]);
	assert.equal((await server.runsEnded(id))[0].output.after, hit);
});

once("bodies that are no signal", async ({ server }) => {
	for (const body of ["", "{", "null", "[]", '"s"', "{}", { signal: "" }, { signal: null }, { signal: 1 }, { data: 1 }]) {
		const reply = await post(server, body);
		assert.equal(reply.status, 400, reply.text);
		assert.deepEqual(reply.json, { error: "Invalid signal data", data: null, status: 400 });
	}
	const large = await post(server, { signal: "s", data: "x".repeat(4 * 1024 * 1024) });
	assert.equal(large.status, 413, large.text);
	assert.equal(large.json.status, 413);
	assert.equal((await server.request("/v1/signals")).status, 405);
});

for (const sdk of [V3, V4]) {
	each("signals survive kill -9", [sdk], async () => {
		const directory = await mkdtemp(join(tmpdir(), "inngest-signals-"));
		const server = await Server.start({ directory, flags: ["--persist", "--no-poll"] });
		const functions = [
			waiter("keeps", "k/keep"),
			waiter("ends", "k/end", { timeout: "2s" }),
			waiter("old", "k/old", { timeout: "12s" }),
			waiter("new", "k/new", { onConflict: "replace" }),
		];
		const app = await App.start({ server, sdk, id: "keeps", functions });
		const start = async (event, signal) => {
			const [id] = await server.send({ name: event, data: { signal } });
			return { id, ...(await waiting(server, id)) };
		};
		const keep = await start("k/keep", "kept");
		const old = await start("k/old", "taken");
		const taker = await start("k/new", "taken");
		const [end] = await server.send({ name: "k/end", data: { signal: "ended" } });
		await server.runsStarted(end);
		await server.kill();
		await server.spawn();
		await hits(server, "kept", "still there", keep);
		await hits(server, "taken", "for the last one", taker);
		await server.kill();
		await server.spawn();
		await misses(server, "kept");
		await misses(server, "taken");
		assert.equal((await server.runsEnded(keep.id))[0].output.after, "still there");
		assert.equal((await server.runsEnded(taker.id))[0].output.after, "for the last one");
		assert.equal((await server.runsEnded(end))[0].output.got, null);
		assert.equal((await server.runsEnded(old.id))[0].output.got, null);
		await app.retire();
		await server.stop();
		await rm(directory, { recursive: true, force: true });
	});
}
