// What starts no second run: equal event ids, requests that are sent again, equal values of a function's idempotency
// expression (spec 03 §6.3).
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";
import { ownServer } from "./lives.mjs";

const { each } = suite();
const BURST = 100;

// All runs of these events, once the run of a last event has ended: what the others bring about has begun by then.
async function runsOf(server, eventIds, last) {
	await server.runOf(last, "Completed");
	return (await Promise.all(eventIds.map((id) => server.runsOf(id)))).flat();
}

// How many runs each value of `key` has.
function counts(list, key) {
	const found = {};
	for (const one of list) found[key(one)] = (found[key(one)] ?? 0) + 1;
	return found;
}

// A function that keeps the data of its runs by their ids.
const keeper = (id, event, runs, rest = {}) => ({
	id,
	event,
	handler: ({ event: { data }, runId }) => {
		runs.set(runId, data);
		return "done";
	},
	...rest,
});

const parallel = (server, events) => Promise.all(events.map((event) => server.send(event))).then((ids) => ids.flat());

each("100 equal events, in parallel and in one request, start each function once", [V3, V4], async ({ server, app, name }) => {
	const a = new Map();
	const b = new Map();
	await app({
		functions: [
			keeper("a", undefined, a, { triggers: ["go", "other"].map((event) => ({ event: `${name}/${event}` })) }),
			keeper("b", `${name}/go`, b),
			keeper("last", `${name}/last`, new Map()),
		],
	});
	const events = (id) => Array.from({ length: BURST }, (_, n) => ({ id: `${name}-${id}`, name: `${name}/go`, data: { id, n } }));
	const ids = [...(await parallel(server, events("parallel"))), ...(await server.send(events("list")))];
	assert.equal(new Set(ids).size, 2 * BURST);
	const runs = await runsOf(server, ids, { name: `${name}/last` });
	assert.equal(runs.length, 4);
	for (const run of runs) await server.runsEnded(run.event_id, 2);
	for (const kept of [a, b]) assert.deepEqual(counts(kept.values(), (data) => data.id), { parallel: 1, list: 1 });
	assert.equal([...a.values()].find((data) => data.id === "list").n, 0, "the first of the list");
	// Also after those runs are over, and for another of the function's triggers.
	const again = [...events("list"), { id: `${name}-list`, name: `${name}/other` }];
	assert.equal((await runsOf(server, await server.send(again), { name: `${name}/last` })).length, 0);
});

each("100 events, one run per value of the function's expression", [V3, V4], async ({ server, app, name }) => {
	const carts = new Map();
	const all = new Map();
	await app({
		functions: [
			keeper("carts", `${name}/go`, carts, { idempotency: "event.data.cartId" }),
			keeper("all", `${name}/go`, all),
			keeper("last", `${name}/last`, new Map()),
		],
	});
	const values = ["a", "b", 1, "1", { x: 1 }];
	const events = Array.from({ length: BURST }, (_, n) => ({ name: `${name}/go`, data: { cartId: values[n % values.length] } }));
	const ids = [...(await parallel(server, events.slice(0, BURST / 2))), ...(await server.send(events.slice(BURST / 2)))];
	const without = await server.send([{ data: {} }, { data: { cartId: false } }, {}].map((event) => ({ name: `${name}/go`, ...event })));
	await runsOf(server, ids, { name: `${name}/last` });
	for (const id of without) await server.runsEnded(id, 2);
	await until(() => all.size === BURST + without.length, () => `${all.size} runs of all events`);
	const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value)); // 1 and "1" are one value (04 §A4)
	assert.deepEqual(counts(carts.values(), (data) => text(data?.cartId)), { a: 1, b: 1, 1: 1, '{"x":1}': 1, undefined: 2, false: 1 });
});

each("the expression of one function does not hold back another", [V3, V4], async ({ server, app, name }) => {
	const a = new Map();
	const b = new Map();
	const c = new Map();
	await app({
		functions: [
			keeper("a", `${name}/go`, a, { idempotency: "event.data.cartId" }),
			keeper("b", `${name}/go`, b, { idempotency: "event.data.cartId" }),
			keeper("c", `${name}/go`, c, { idempotency: "event.data.cartId + event.data.n" }),
			keeper("last", `${name}/last`, new Map()),
		],
	});
	const ids = await server.send(["1", "2", "1"].map((n) => ({ name: `${name}/go`, data: { cartId: "x", n } })));
	const runs = await runsOf(server, ids, { name: `${name}/last` });
	assert.deepEqual(Object.values(counts(runs, (run) => run.function_id)).sort(), [1, 1, 2]);
	await until(() => c.size === 2, "the runs of c");
	assert.deepEqual([...c.values()].map((data) => data.n).sort(), ["1", "2"]);
});

each("a request of the SDK whose answer is lost is sent again, and starts its runs once", [V3, V4], async ({ server, app, name }) => {
	const runs = new Map();
	const seeds = [];
	const replies = [];
	const made = await app({
		functions: [keeper("once", `${name}/go`, runs), keeper("last", `${name}/last`, new Map())],
		client: {
			fetch: async (input, init) => {
				const reply = await fetch(input, init);
				if (!String(input.url ?? input).includes("/e/")) return reply;
				seeds.push(new Headers(init.headers).get("x-inngest-event-id-seed"));
				replies.push(await reply.clone().json());
				if (seeds.length === 1) throw new TypeError("fetch failed");
				return reply;
			},
		},
	});
	const { ids } = await made.client.send([{ name: `${name}/go`, data: { n: 0 } }, { name: `${name}/go`, data: { n: 1 } }]);
	assert.equal(seeds.length, 2);
	assert.ok(seeds[0] && seeds[0] === seeds[1]);
	assert.deepEqual(replies[0].ids, replies[1].ids);
	assert.deepEqual(ids, replies[1].ids);
	assert.equal((await runsOf(server, ids, { name: `${name}/last` })).length, 2);
	for (const id of ids) await server.runsEnded(id);
	assert.deepEqual([...runs.values()].map((data) => data.n).sort(), [0, 1]);
});

each("an invoke of a function whose value is taken", [V3, V4], async ({ server, sdk, app, name }) => {
	const reference = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	await app({
		functions: [
			keeper("inner", `${name}/inner`, new Map(), { idempotency: "event.data.cartId" }),
			{
				id: "outer",
				event: `${name}/go`,
				retries: 0,
				handler: ({ event, step }) =>
					step.invoke("call", { function: reference, data: { cartId: event.data.cartId } }).catch((error) => `failed: ${error.message}`),
			},
		],
	});
	const outputs = [];
	for (const cartId of ["a", "a", "b"]) outputs.push((await server.runOf({ name: `${name}/go`, data: { cartId } }, "Completed")).output);
	assert.deepEqual(outputs, ["done", "failed: invoked function is rate limited", "done"]);
	await server.runOf({ name: `${name}/inner`, data: { cartId: "c" } }, "Completed");
	assert.equal((await server.runOf({ name: `${name}/go`, data: { cartId: "c" } }, "Completed")).output, outputs[1]);
});

each("all of it again after kill -9", [V3, V4], ({ sdk }) => {
	const runs = new Map();
	const carts = new Map();
	const functions = [keeper("all", "k/go", runs), keeper("carts", "k/go", carts, { idempotency: "event.data.cartId" }), keeper("last", "k/last", new Map())];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const headers = { "x-inngest-event-id-seed": `${Date.now()},eii2YKXRVTJPuA==` };
		const known = Array.from({ length: 20 }, (_, n) => ({ id: `known-${n}`, name: "k/go", data: { key: `known-${n}`, cartId: `cart-${n % 4}` } }));
		const seeded = Array.from({ length: 20 }, (_, n) => ({ name: "k/go", data: { key: `seeded-${n}`, cartId: `cart-${4 + (n % 4)}` } }));
		const first = await server.send(seeded, { headers });
		await parallel(server, known);
		// Many of the runs have not ended yet.
		for (let times = 0; times < 2; times++) {
			await again();
			assert.deepEqual(await server.send(seeded, { headers }), first);
			await parallel(server, known);
		}
		await until(() => runs.size >= 40, () => `${runs.size} of 40 runs`);
		await until(() => carts.size >= 8, () => `${carts.size} of 8 carts`);
		await server.runOf({ name: "k/last" }, "Completed");
		assert.deepEqual(Object.entries(counts(runs.values(), (data) => data.key)).filter(([, count]) => count > 1), []);
		assert.deepEqual(Object.entries(counts(carts.values(), (data) => data.cartId)).filter(([, count]) => count > 1), []);
		assert.equal(runs.size, 40);
		assert.equal(carts.size, 8);
	});
});
