// Batches (spec 04 §A8, §A4, 03 §18): which events a run is of, when it starts, and what does not apply to it.
import assert from "node:assert/strict";

import { V3, V4, suite } from "./harness.mjs";
import { caller, fate, fates, many, numbered, numbers, post, ran, recorder, replace, whole } from "./gates.mjs";
import { assertEnds, latch, ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const MIB = 1024 * 1024;

const batched = (id, event, batchEvents, rest = {}) => recorder(id, event, { batchEvents, ...rest });

// A batched function at `${name}/go`, and what it gets in one request.
async function begin({ server, app, name }, batchEvents, events, rest) {
	const one = batched("batched", `${name}/go`, batchEvents, rest);
	const made = await app({ functions: [one.made] });
	const before = Date.now();
	const ids = await server.send(numbered(`${name}/go`, events));
	return { one, made, before, ids };
}

const nothing = (count) => Array.from({ length: count }, () => ({}));
const inOrder = (one) => numbers(one).sort(([a], [b]) => a - b);

// ---- when a batch is over ------------------------------------------------------------------------------------------

each("04 A8: full batch at once, rest at timeout", BOTH, async ({ server, app, name }) => {
	const hour = batched("hour", `${name}/go`, { maxSize: 3, timeout: "1h" });
	const short = batched("short", `${name}/go`, { maxSize: 3, timeout: "2s" });
	await app({ functions: [hour.made, short.made] });
	const before = Date.now();
	await server.send(many(`${name}/go`, 7));
	await ran(server, short, 3);
	await ran(server, hour, 2);
	assert.deepEqual(inOrder(short), [[0, 1, 2], [3, 4, 5], [6]]);
	assert.ok(short.runs.find(({ events }) => events.length === 1).at >= before + 2000);
	assert.deepEqual(inOrder(hour), [[0, 1, 2], [3, 4, 5]]);
});

each("04 A8: filled slowly", BOTH, async (context) => {
	const { server, name } = context;
	const { one } = await begin(context, { maxSize: 3, timeout: "1h" }, nothing(1));
	for (let n = 1; n < 7; n++) {
		await server.send({ name: `${name}/go`, data: { n } });
		if (n % 3 === 2) await ran(server, one, (n + 1) / 3); // at once, the hour is not over
	}
	assert.deepEqual(numbers(one), [[0, 1, 2], [3, 4, 5]]);
});

each("04 A8: order of arrival", BOTH, async (context) => {
	const { server, name } = context;
	const { one } = await begin(context, { maxSize: 100, timeout: "3s" }, nothing(30));
	for (let n = 30; n < 35; n++) await server.send({ name: `${name}/go`, data: { n }, ts: 1_700_000_000_000 - n });
	await server.send(many(`${name}/go`, 230).slice(35));
	await ran(server, one, 3);
	assert.deepEqual(inOrder(one).map((batch) => batch.length), [100, 100, 30]);
	assert.deepEqual(inOrder(one).flat(), Array.from({ length: 230 }, (_, n) => n));
});

each("04 A8: 10 MiB", BOTH, async (context) => {
	const { server, name } = context;
	const { one } = await begin(context, { maxSize: 1000, timeout: "1h" }, nothing(1));
	const text = "x".repeat(2.8 * MIB);
	for (let n = 1; n < 5; n++) await server.send({ name: `${name}/go`, data: { n, text } });
	const [{ events }] = await ran(server, one, 1);
	assert.deepEqual(events.map(({ data }) => [data.n, (data.text ?? "").length]), [[0, 0], ...[1, 2, 3, 4].map((n) => [n, text.length])]);
});

each("04 A8: a future ts is ignored", BOTH, async ({ server, app, name }) => {
	const one = batched("batched", `${name}/go`, { maxSize: 2, timeout: "1h" });
	await app({ functions: [one.made] });
	const ts = Date.now() + 3_600_000;
	await server.send(many(`${name}/go`, 2).map((event) => ({ ...event, ts })));
	const [{ events }] = await ran(server, one, 1);
	assert.deepEqual(events.map((event) => event.ts), [ts, ts]);
});

// ---- what a batch is of --------------------------------------------------------------------------------------------

each("03 18: the event of a batch is its first, and each of its events knows the run", BOTH, async (context) => {
	const { server } = context;
	const { made, ids } = await begin(context, { maxSize: 3, timeout: "1h" }, nothing(3));
	const runs = await Promise.all(ids.map((id) => assertEnds(server, id, "Completed")));
	assert.equal(new Set(runs.map((run) => run.run_id)).size, 1);
	assert.equal(runs[0].event_id, ids[0]);
	assert.match(runs[0].batch_id, ULID);
	const [{ body }] = made.calls;
	assert.deepEqual(body.event, body.events[0]);
	assert.deepEqual(body.events.map(({ data }) => data.n), [0, 1, 2]);
	assert.deepEqual((await Promise.all(ids.map((id) => fate(server, id)))).flatMap(({ outcomes }) => outcomes), []);
});

each("03 18: a run of a batch has its events as they were sent", BOTH, async ({ server, app, name }) => {
	const one = batched("batched", `${name}/go`, { maxSize: 3, timeout: "1h" });
	const plain = recorder("plain", `${name}/go`);
	await app({ functions: [one.made, plain.made] });
	const ids = await server.send([whole(`${name}/go`, 1), { name: `${name}/go` }, whole(`${name}/go`, 2)]);
	for (const id of ids) await server.runsEnded(id, 2);
	const ofPlain = plain.runs.flatMap(({ events }) => events);
	const ofBatch = one.runs[0].events.map(({ id }) => id);
	assert.deepEqual(one.runs[0].events, ofBatch.map((id) => ofPlain.find((event) => event.id === id)));
	assert.deepEqual(one.runs[0].events.map(({ ts, data }) => [ts, data]).filter(([, data]) => data?.n), [1, 2].map((n) => [whole("", n).ts, whole("", n).data]));
});

each("04 A21: events about runs are batched like others", BOTH, async ({ server, app, name }) => {
	const fails = { id: "fails", event: `${name}/go`, retries: 0, handler: ({ event }) => Promise.reject(new Error(`no ${event.data.n}`)) };
	const triggers = [{ event: "inngest/function.failed", if: `event.data.function_id == "${name}-fails"` }];
	const one = batched("batched", undefined, { maxSize: 3, timeout: "1h" }, { triggers });
	await app({ functions: [fails, one.made] });
	await server.send(many(`${name}/go`, 3));
	const [{ events }] = await ran(server, one, 1);
	for (const { data } of events) assert.equal(data.error.message, `no ${data.event.data.n}`);
	assert.deepEqual(events.map(({ data }) => data.event.data.n).sort(), [0, 1, 2]);
});

each("03 18: a rerun of a batch has all its events", BOTH, async (context) => {
	const { server } = context;
	const { one, ids } = await begin(context, { maxSize: 2, timeout: "1h" }, nothing(2));
	const run = await assertEnds(server, ids[1], "Completed");
	const reply = await post(server, `/v2/runs/${run.run_id}/rerun`);
	assert.equal(reply.status, 200, reply.text);
	await ran(server, one, 2);
	assert.deepEqual(numbers(one), [[0, 1], [0, 1]]);
});

each("04 A8: if", BOTH, async (context) => {
	const { server } = context;
	const values = [true, false, true, undefined, "true", 7, true];
	const events = values.map((wanted) => ({ wanted }));
	const { one, ids } = await begin(context, { maxSize: 3, timeout: "1h", if: "event.data.wanted" }, events);
	await ran(server, one, 5);
	assert.deepEqual(inOrder(one), [[0, 2, 6], [1], [3], [4], [5]]);
	assert.deepEqual(await fates(server, ids), ids.map(() => "run"));
});

each("04 A1: an event whose batch condition cannot be evaluated has a run of its own", BOTH, async (context) => {
	const { one } = await begin(context, { maxSize: 2, timeout: "1h", if: "event.data.s > 1" }, [{ s: 2 }, { s: "a" }, { s: 0 }, { s: 3 }]);
	await ran(context.server, one, 3);
	assert.deepEqual(inOrder(one), [[0, 3], [1], [2]]);
});

each("04 A8: key", BOTH, async (context) => {
	const keys = ["a", "b", "a", "b", undefined, "false", 1, "1", null, null, "null", "c", false];
	const { one } = await begin(context, { maxSize: 2, timeout: "2s", key: "event.data.k" }, keys.map((k) => ({ k })));
	await ran(context.server, one, 8);
	assert.deepEqual(inOrder(one), [[0, 2], [1, 3], [4, 5], [6, 7], [8, 9], [10], [11], [12]]);
});

each("04 A4: an event whose batch key cannot be evaluated is dropped, and says so", BOTH, async (context) => {
	const { server } = context;
	const { one, ids } = await begin(context, { maxSize: 2, timeout: "1h", key: "event.data.s > 1" }, [{ s: 2 }, { s: "a" }, { s: "b" }, { s: 3 }]);
	await ran(server, one, 1);
	assert.deepEqual(await fates(server, ids), ["run", "Dropped ExpressionFailed", "Dropped ExpressionFailed", "run"]);
	assert.deepEqual(numbers(one), [[0, 3]]);
});

each("04 A8: two events with the same id both appear", BOTH, async ({ server, app, name }) => {
	const one = batched("batched", `${name}/go`, { maxSize: 3, timeout: "1h" });
	await app({ functions: [one.made] });
	const same = numbered(`${name}/go`, [{}, {}]).map((event) => ({ ...event, id: `${name}-same` }));
	await server.send([...same, { name: `${name}/go`, data: { n: 2 } }]);
	const [{ events }] = await ran(server, one, 1);
	assert.deepEqual(events.map(({ id, data }) => [id === `${name}-same`, data.n]), [[true, 0], [true, 1], [false, 2]]);
	// Nor is the id known when its batch has run.
	await server.send([...same, { name: `${name}/go`, data: { n: 2 } }]);
	await ran(server, one, 2);
	assert.deepEqual(numbers(one), [[0, 1, 2], [0, 1, 2]]);
});

// ---- invokes -------------------------------------------------------------------------------------------------------

each("04 A8: all invoke callers get the batch's result", BOTH, async ({ server, app, name, sdk }) => {
	const handler = ({ events }) => {
		if (events.some(({ data }) => data.fails)) throw new Error("no such order");
		return events.map(({ data }) => data.n);
	};
	const inner = batched("inner", `${name}/inner`, { maxSize: 3, timeout: "1h" }, { retries: 0, handler });
	await app({ functions: [caller(sdk, "outer", `${name}/go`, name, "inner"), inner.made] });
	const outputs = async (events) => {
		const ids = await server.send(events);
		return Promise.all(ids.map(async (id) => (await assertEnds(server, id, "Completed")).output));
	};
	for (const { value } of await outputs(many(`${name}/go`, 3))) assert.deepEqual([...value].sort(), [0, 1, 2]);
	// An event that nobody waits for is in it like the others.
	await server.send({ name: `${name}/inner`, data: { n: 0, fails: true } });
	for (const { error } of await outputs(many(`${name}/go`, 2))) assert.match(error, /no such order/);
});

each("05 13.9: v2 invoke of a batched function runs at once, and once", BOTH, async ({ server, app, name }) => {
	const one = batched("batched", `${name}/go`, { maxSize: 2, timeout: "1h" });
	await app({ functions: [one.made] });
	await server.send({ name: `${name}/go`, data: { n: 0 } });
	const reply = await post(server, `/v2/apps/${name}/functions/batched/invoke`, { data: { n: 1 } });
	assert.equal(reply.status, 200, reply.text);
	await ran(server, one, 1);
	assert.equal(one.runs[0].runId, reply.json.data.runId);
	await server.send({ name: `${name}/go`, data: { n: 2 } });
	await ran(server, one, 2);
	assert.deepEqual(numbers(one), [[1], [0, 2]]);
});

// ---- what does not apply to a batch --------------------------------------------------------------------------------

each("04 A2: cancelOn, debounce, singleton and priority do not go with batches", BOTH, async ({ app, name }) => {
	const refused = {
		cancelOn: [{ event: `${name}/stop` }],
		debounce: { period: "1s" },
		singleton: { mode: "skip" },
		priority: { run: "1" },
	};
	for (const [setting, value] of Object.entries(refused)) {
		const one = batched("batched", `${name}/go`, { maxSize: 2, timeout: "1s" }, { [setting]: value });
		await assert.rejects(app({ functions: [one.made] }), /400.*At least one function is invalid/, setting);
	}
});

each("03 18: timeouts.start does not go with batches", BOTH, async ({ server, app, name }) => {
	const gate = latch();
	const rest = { concurrency: 1, timeouts: { start: "1s" }, handler: () => gate.opened };
	const one = batched("batched", `${name}/batch`, { maxSize: 2, timeout: "1h" }, rest);
	const single = recorder("single", `${name}/single`, rest);
	await app({ functions: [one.made, single.made] });
	const ids = await server.send(many(`${name}/batch`, 4));
	await ran(server, one, 1);
	// The second batch waits at least as long as an event that is not in one.
	await server.send({ name: `${name}/single`, data: { n: 0 } });
	await ran(server, single, 1);
	const [late] = await server.send({ name: `${name}/single`, data: { n: 1 } });
	await assertEnds(server, late, "Cancelled");
	gate.open();
	for (const id of ids) await assertEnds(server, id, "Completed");
	assert.deepEqual(inOrder(one), [[0, 1], [2, 3]]);
});

each("03 16.4: timeouts.finish cancels the run of a batch", BOTH, async (context) => {
	const rest = { timeouts: { finish: "1s" }, handler: ({ step }) => step.sleep("long", "1h") };
	const { one, ids } = await begin(context, { maxSize: 2, timeout: "1h" }, nothing(2), rest);
	for (const id of ids) await assertEnds(context.server, id, "Cancelled");
	assert.deepEqual(numbers(one), [[0, 1]]);
});

each("04 A2: a rate limit is for events that are in no batch", BOTH, async (context) => {
	const rest = { rateLimit: { limit: 1, period: "24h" } };
	const events = [true, false, true, false, true, true].map((together) => ({ together }));
	const { one, ids } = await begin(context, { maxSize: 2, timeout: "1h", if: "event.data.together" }, events, rest);
	await ran(context.server, one, 3);
	assert.deepEqual(await fates(context.server, ids), ["run", "run", "run", "RateLimited", "run", "run"]);
	assert.deepEqual(inOrder(one), [[0, 2], [1], [4, 5]]);
});

// ---- changes and restarts ------------------------------------------------------------------------------------------

each("open batches survive kill -9", BOTH, ({ sdk }) => {
	const filling = batched("filling", "k/go", { maxSize: 3, timeout: "1h" });
	const due = batched("due", "k/go", { maxSize: 10, timeout: "2s" });
	return ownServer({ sdk, functions: [filling.made, due.made], flags: ["--persist"] }, async ({ server, again }) => {
		const before = Date.now();
		const ids = await server.send(many("k/go", 2));
		await again(2000); // one batch is due while there is no server
		await ran(server, due, 1);
		assert.ok(due.runs[0].at >= before + 2000);
		await again();
		ids.push(...(await server.send({ name: "k/go", data: { n: 2 } })));
		await ran(server, filling, 1);
		await ran(server, due, 2);
		assert.deepEqual(numbers(filling), [[0, 1, 2]]);
		assert.deepEqual(numbers(due), [[0, 1], [2]]);
		for (const id of ids) await server.runsEnded(id, 2);
	});
});

each("03 18: a call for a batch that kill -9 cuts is made again, with all its events", BOTH, ({ sdk }) => {
	let isFirst = true;
	const handler = () => isFirst && new Promise(() => {});
	const one = batched("batched", "k/go", { maxSize: 3, timeout: "1h" }, { handler });
	return ownServer({ sdk, functions: [one.made], flags: ["--persist"] }, async ({ server, app, again }) => {
		const ids = await server.send(many("k/go", 4));
		await ran(server, one, 1);
		isFirst = false;
		await again();
		for (const id of ids.slice(0, 3)) await assertEnds(server, id, "Completed");
		const [first, second] = app.calls.map(({ body }) => body);
		assert.equal(second.ctx.run_id, first.ctx.run_id);
		assert.deepEqual(second.events, first.events);
		assert.deepEqual(numbers(one), [[0, 1, 2]]);
	});
});

each("batch disabled with open batch: flushed when due", BOTH, async (context) => {
	const { server, name } = context;
	const { one, made, before } = await begin(context, { maxSize: 5, timeout: "2s" }, nothing(2));
	const { batchEvents, ...rest } = one.made;
	await replace(made, [rest]);
	await server.send({ name: `${name}/go`, data: { n: 2 } });
	await ran(server, one, 2);
	assert.deepEqual(inOrder(one), [[0, 1], [2]]);
	assert.ok(one.runs.find(({ events }) => events.length === 2).at >= before + 2000);
});

each("03 22: an open batch of a removed function is dropped, and says so", BOTH, async (context) => {
	const { one, made, ids } = await begin(context, { maxSize: 5, timeout: "3s" }, nothing(2));
	await replace(made, [recorder("other", `${context.name}/other`).made]);
	assert.deepEqual(await fates(context.server, ids), ["Dropped FunctionRemoved", "Dropped FunctionRemoved"]);
	assert.deepEqual(one.runs, []);
});

each("03 22: the callers of a removed function with an open batch fail", BOTH, async ({ server, app, name, sdk }) => {
	const inner = batched("inner", `${name}/never`, { maxSize: 3, timeout: "3s" });
	const outer = caller(sdk, "outer", `${name}/go`, name, "inner");
	const made = await app({ functions: [outer, inner.made] });
	const ids = await server.send(many(`${name}/go`, 2));
	for (const id of ids) await resting(server, id, "pause");
	await replace(made, [outer]);
	for (const id of ids) assert.match((await assertEnds(server, id, "Completed")).output.error, /removed/);
});

each("04 A1: a batch of a paused function is skipped, and says so", BOTH, async (context) => {
	const { server, name } = context;
	const { one, ids } = await begin(context, { maxSize: 3, timeout: "1h" }, nothing(1));
	const path = `/v2/apps/${name}/functions/batched`;
	assert.equal((await post(server, `${path}/pause`)).status, 200);
	ids.push(...(await server.send(many(`${name}/go`, 2))));
	assert.deepEqual(await fates(server, ids), ids.map(() => "Skipped FunctionPaused"));
	const skipped = await Promise.all(ids.map(async (id) => (await fate(server, id)).outcomes[0].run_id));
	assert.match(skipped[0], ULID);
	assert.equal(new Set(skipped).size, 1, "one run for all");
	assert.deepEqual(one.runs, []);
	assert.equal((await post(server, `${path}/unpause`)).status, 200);
	await server.send(many(`${name}/go`, 3));
	await ran(server, one, 1);
	assert.deepEqual(numbers(one), [[0, 1, 2]]);
});
