// Several settings of flow control at one function (spec 04 §A1, §A21).
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";
import { fate, fates, many, numbered, numbers, ran, recorder, waitingOn } from "./gates.mjs";
import { assertEnds, latch, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const DAY = "24h";

const sendOne = async (server, name, data) => (await server.send({ name, data }))[0];

// ---- debounce ------------------------------------------------------------------------------------------------------

each("04 A1: debounce and singleton skip: the event that wins is skipped while a run holds the key", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const settings = { debounce: { period: "1s", key: "event.data.k" }, singleton: { key: "event.data.k", mode: "skip" } };
	const one = recorder("both", `${name}/go`, { ...settings, handler: ({ event: { data } }) => data.n === 0 && gate.opened });
	await app({ functions: [one.made] });
	const first = await sendOne(server, `${name}/go`, { n: 0, k: "a" });
	const [{ runId: holder }] = await ran(server, one, 1);
	const before = Date.now();
	const ids = await server.send([1, 2].map((n) => ({ name: `${name}/go`, data: { n, k: "a" } })));
	const other = await sendOne(server, `${name}/go`, { n: 3, k: "b" });
	assert.deepEqual(await fates(server, ids), ["Debounced", "Skipped Singleton"]);
	const { outcomes: [{ at, run_id: skipped, other_id: by }] } = await fate(server, ids[1]);
	assert.ok(Date.parse(at) >= before + 1000);
	assert.equal(by, holder);
	assert.notEqual(skipped, holder);
	assert.deepEqual(await server.runsOf(ids[1]), []);
	await assertEnds(server, other, "Completed");
	gate.open();
	await assertEnds(server, first, "Completed");
	await assertEnds(server, await sendOne(server, `${name}/go`, { n: 4, k: "a" }), "Completed");
	assert.deepEqual(numbers(one), [[0], [3], [4]]);
});

each("04 A1: debounce and singleton cancel: the holder goes when the window ends", BOTH, async ({ server, app, name }) => {
	const settings = { debounce: { period: "1s" }, singleton: { mode: "cancel" } };
	const handler = ({ event: { data }, step }) => (data.n === 0 ? step.sleep("long", "1h") : "done");
	const one = recorder("both", `${name}/go`, { ...settings, handler });
	await app({ functions: [one.made] });
	const first = await sendOne(server, `${name}/go`, { n: 0 });
	await ran(server, one, 1);
	await resting(server, first, "sleep");
	const before = Date.now();
	const ids = await server.send([1, 2].map((n) => ({ name: `${name}/go`, data: { n } })));
	const holder = await assertEnds(server, first, "Cancelled");
	assert.ok(Date.parse(holder.ended_at) >= before + 1000);
	assert.deepEqual(await fates(server, ids), ["Debounced", "run"]);
	await assertEnds(server, ids[1], "Completed");
	assert.deepEqual(numbers(one), [[0], [2]]);
});

each("04 A7: a debounce ends in time while the function has no slot free", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const one = recorder("both", `${name}/go`, { debounce: { period: "1s" }, concurrency: 1, handler: () => gate.opened });
	await app({ functions: [one.made] });
	const ids = [await sendOne(server, `${name}/go`, { n: 0 })];
	await ran(server, one, 1);
	for (const n of [1, 2]) {
		ids.push(await sendOne(server, `${name}/go`, { n }));
		assert.equal(await waitingOn(server, ids[n]), "concurrency");
	}
	assert.deepEqual(numbers(one), [[0]]);
	gate.open();
	for (const id of ids) await assertEnds(server, id, "Completed");
	assert.deepEqual(numbers(one), [[0], [1], [2]]);
});

// ---- rate limit ----------------------------------------------------------------------------------------------------

each("04 A1: rate limit and debounce: only admitted events are debounced, and the run is not limited again", BOTH, async ({ server, app, name }) => {
	const one = recorder("both", `${name}/go`, { rateLimit: { limit: 10, period: DAY }, debounce: { period: "1s" } });
	await app({ functions: [one.made] });
	const ids = await server.send(many(`${name}/go`, 5));
	assert.deepEqual(await fates(server, ids), ["Debounced", "run", "RateLimited", "RateLimited", "RateLimited"]);
	await ran(server, one, 1);
	assert.deepEqual(numbers(one), [[1]]);
	assert.deepEqual(await fates(server, await server.send(many(`${name}/go`, 1))), ["RateLimited"]);
});

each("04 A1: rate limit idempotency and throttle: one run for each value, one start for each period", BOTH, async ({ server, app, name }) => {
	const one = recorder("both", `${name}/go`, { idempotency: "event.data.k", throttle: { limit: 1, period: "1s" } });
	await app({ functions: [one.made] });
	const before = Date.now();
	const ids = await server.send(numbered(`${name}/go`, ["a", "a", "b", "c", "b", "c"].map((k) => ({ k }))));
	assert.deepEqual(await fates(server, ids), ["run", "RateLimited", "run", "run", "RateLimited", "RateLimited"]);
	await ran(server, one, 3);
	assert.deepEqual(numbers(one), [[0], [2], [3]]);
	for (const [k, { at }] of one.runs.entries()) assert.ok(at >= before + 1000 * k, `start ${k} after ${at - before} ms`);
});

each("04 A1: rate limit and singleton cancel: a limited event cancels nobody", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const one = recorder("both", `${name}/go`, { rateLimit: { limit: 1, period: DAY }, singleton: { mode: "cancel" }, handler: () => gate.opened });
	await app({ functions: [one.made] });
	const ids = await server.send(many(`${name}/go`, 3));
	assert.deepEqual(await fates(server, ids), ["run", "RateLimited", "RateLimited"]);
	gate.open();
	await assertEnds(server, ids[0], "Completed");
});

each("03 6.2: idempotency and singleton cancel: a duplicate cancels nobody", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const one = recorder("single", `${name}/go`, { singleton: { mode: "cancel" }, handler: () => gate.opened });
	await app({ functions: [one.made] });
	const known = { name: `${name}/go`, id: `${name}-known`, data: { n: 0 } };
	const ids = await server.send([known, known]);
	assert.deepEqual(await fates(server, ids), ["run", "Duplicate"]);
	const [{ runId }] = await ran(server, one, 1);
	assert.equal((await fate(server, ids[1])).outcomes[0].other_id, runId);
	gate.open();
	await assertEnds(server, ids[0], "Completed");
});

// ---- batches -------------------------------------------------------------------------------------------------------

each("04 A12, A20: batch and concurrency key, failure and retry", BOTH, async ({ server, app, name }) => {
	const together = latch();
	const calls = [];
	const inUse = { a: 0, b: 0 };
	let most = 0;
	const handler = async ({ events, attempt }) => {
		const { k } = events[0].data;
		calls.push([k, events.map(({ data }) => data.n), attempt]);
		most = Math.max(most, ++inUse[k]);
		await together.opened;
		inUse[k]--;
		if (attempt === 0) throw new Error("not yet");
		return "done";
	};
	const keyed = { key: "event.data.k" };
	const one = recorder("both", `${name}/go`, {
		batchEvents: { maxSize: 2, timeout: "1h", ...keyed },
		concurrency: { limit: 1, ...keyed },
		retries: 1,
		handler,
	});
	await app({ functions: [one.made] });
	const ids = await server.send(numbered(`${name}/go`, ["a", "a", "b", "a", "b", "a"].map((k) => ({ k }))));
	await until(() => inUse.a === 1 && inUse.b === 1, "calls of both keys", server.timeoutMs);
	together.open();
	for (const id of ids) await assertEnds(server, id, "Completed");
	assert.equal(most, 1, "calls of one key at once");
	// The second batch of "a" goes while the first one waits for its retry.
	assert.deepEqual(calls.filter(([k]) => k === "a"), [["a", [0, 1], 0], ["a", [3, 5], 0], ["a", [0, 1], 1], ["a", [3, 5], 1]]);
	assert.deepEqual(calls.filter(([k]) => k === "b"), [["b", [2, 4], 0], ["b", [2, 4], 1]]);
});

each("04 A21: batch and throttle: full batches start one for each period", BOTH, async ({ server, app, name }) => {
	const one = recorder("both", `${name}/go`, { batchEvents: { maxSize: 2, timeout: "1h" }, throttle: { limit: 1, period: "1s" } });
	await app({ functions: [one.made] });
	const before = Date.now();
	await server.send(many(`${name}/go`, 6));
	await ran(server, one, 3);
	assert.deepEqual(numbers(one), [[0, 1], [2, 3], [4, 5]]);
	for (const [k, { at }] of one.runs.entries()) assert.ok(at >= before + 1000 * k, `start ${k} after ${at - before} ms`);
});

each("04 A8, A11: keys of a batch's run are those of its first event", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const settings = { batchEvents: { maxSize: 2, timeout: "1h" }, concurrency: { limit: 1, key: "event.data.k" } };
	const one = recorder("both", `${name}/go`, { ...settings, handler: () => gate.opened });
	await app({ functions: [one.made] });
	const ids = await server.send(numbered(`${name}/go`, ["a", "b", "b", "a", "a", "c"].map((k) => ({ k }))));
	await ran(server, one, 2);
	assert.equal(await waitingOn(server, ids[4]), "concurrency");
	assert.deepEqual(numbers(one).sort(([x], [y]) => x - y), [[0, 1], [2, 3]]);
	gate.open();
	for (const id of ids) await assertEnds(server, id, "Completed");
});
