// How many runs may begin in a time (spec 04 §A11, §A14, §A22). A period of an hour shows what begins at once and what
// waits; for short ones only that nothing begins early is asserted.
import assert from "node:assert/strict";

import { V3, V4, suite } from "./harness.mjs";
import { Gates, allEnded, cancel, ended, eventsOf, jobsOf, probe, settle, start, upTo, waitsFor } from "./turns.mjs";
import { ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const HOUR_MS = 3_600_000;
const hourly = (limit, burst = 0, rest = {}) => ({ throttle: { limit, period: "1h", burst, ...rest } });

// Asserts that the run waits for a start that is `ms` after the first one, which was between `from` and now.
async function assertNext(server, run, from, ms) {
	const { next_at: nextAt, ahead } = await waitsFor(server, run, "throttle");
	const at = Date.parse(nextAt);
	assert.ok(at >= from + ms && at <= Date.now() + ms, `${nextAt} is ${(at - from) / 1000} s after ${new Date(from).toISOString()}`);
	assert.equal(ahead, 0);
}

// ---- how many, and when --------------------------------------------------------------------------------------------

each("04 A11: limit + burst starts at once, then one per period/limit", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("burst", `${name}/go`, hourly(2, 1)), probe(name)] });
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, upTo(5)));
	await gates.reach(0, 1, 2);
	await settle(server, name);
	assert.equal(gates.begun.length, 3);
	await assertNext(server, runs[3], from, HOUR_MS / 2);
	gates.open(0, 1, 2);
	await allEnded(server, runs.slice(0, 3));
	await settle(server, name);
	assert.equal(gates.begun.length, 3, "the end of a run lets nothing begin");
	await cancel(server, runs[3]);
	await assertNext(server, runs[4], from, HOUR_MS / 2);
});

// [throttle, milliseconds from start to start]
const SPACINGS = [
	[{ limit: 2, period: "1s" }, 500],
	[{ limit: 1, period: "400ms" }, 400],
	[{ limit: 3, period: "1500ms", burst: 1 }, 500],
	[{ limit: 1, period: "0.5s", burst: 2 }, 500],
];

each("04 A11: no start is early, not by a fraction of a second", BOTH, async ({ server, app, name }) => {
	const all = SPACINGS.map(([throttle, spacing], id) => ({ id, gates: new Gates(), throttle, spacing, atOnce: throttle.limit + (throttle.burst ?? 0) }));
	await app({ functions: all.map(({ id, gates, throttle }) => gates.fn(`f${id}`, `${name}/${id}`, { throttle })) });
	await Promise.all(all.map(async ({ id, gates, spacing, atOnce }) => {
		const from = Date.now();
		const runs = await start(server, eventsOf(`${name}/${id}`, upTo(atOnce + 4)));
		await gates.drain(runs.length);
		await allEnded(server, runs);
		for (let n = atOnce; n < runs.length; n++) {
			const after = gates.times[n] - from;
			assert.ok(after >= (n - atOnce + 1) * spacing, `${id}: start ${n} came after ${after} ms`);
		}
	}));
});

each("04 A11: waiting runs begin in order of arrival", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttled = (burst) => [gates.fn("line", `${name}/go`, hourly(1, burst)), probe(name)];
	const made = await app({ functions: throttled(0) });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(6)));
	await gates.reach(0);
	for (const n of [1, 2, 3, 4]) {
		for (const later of [n, n + 1]) assert.equal((await waitsFor(server, runs[later], "throttle")).ahead, later - n);
		made.serve(throttled(n)); // This lets one more begin.
		await made.sync();
		await gates.reach(n);
		await settle(server, name);
		assert.equal(gates.begun.length, n + 1);
	}
	await gates.drain(5);
	await allEnded(server, runs.slice(0, 5));
});

each("04 A2: a limit of 0 is 1", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("zero", `${name}/go`, hourly(0)), probe(name)] });
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, upTo(2)));
	await gates.reach(0);
	await assertNext(server, runs[1], from, HOUR_MS);
	gates.open(0);
	await ended(server, runs[0]);
	await settle(server, name);
	assert.equal(gates.begun.length, 1);
});

// ---- what a start is -----------------------------------------------------------------------------------------------

each("04 A11: steps are not throttled", BOTH, async ({ server, app, name }) => {
	const handler = async ({ step, event }) => {
		const a = await step.run("a", () => event.data.n);
		await step.sleep("short", "10ms");
		await Promise.all([step.run("b", () => 1), step.run("c", () => 2)]);
		await step.waitForEvent("on", { event: `${name}/on`, timeout: "1h" });
		return step.run("d", () => a);
	};
	await app({ functions: [{ id: "steps", event: `${name}/go`, handler, ...hourly(1) }, probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(2)));
	await resting(server, runs[0].event_id, "pause");
	await waitsFor(server, runs[1], "throttle");
	await server.send({ name: `${name}/on` });
	assert.equal((await ended(server, runs[0])).output, 0);
	await waitsFor(server, runs[1], "throttle");
});

each("04 A11: a first call that is tried again is no second start", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, attempt }) => {
		await gates.pass(`${data.n} ${attempt}`);
		if (attempt < 1) throw new Error("again");
	};
	await app({ functions: [gates.fn("again", `${name}/go`, { handler, retries: 2, ...hourly(2) }), probe(name)] });
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	await gates.drain(4);
	await allEnded(server, runs.slice(0, 2));
	await settle(server, name);
	assert.deepEqual([...gates.begun].sort(), ["0 0", "0 1", "1 0", "1 1"]);
	await assertNext(server, runs[2], from, HOUR_MS / 2);
});

each("04 A21: reruns, invocations and runs invoked by a step are starts", BOTH, async ({ server, sdk, app, name }) => {
	const reference = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	await app({
		functions: [
			{ id: "inner", event: `${name}/in`, handler: () => "in", ...hourly(1) },
			{ id: "outer", event: `${name}/out`, handler: ({ step }) => step.invoke("call", { function: reference, data: {}, timeout: "1h" }) },
		],
	});
	const [first] = await start(server, [{ name: `${name}/in` }]);
	await ended(server, first);
	const post = async (path, body) => (await server.request(path, { method: "POST", body })).json.data.runId;
	const rerun = await post(`/v2/runs/${first.run_id}/rerun`);
	await waitsFor(server, { run_id: rerun }, "throttle");
	const invoked = await post(`/v2/apps/${name}/functions/inner/invoke`, { data: {} });
	assert.equal((await waitsFor(server, { run_id: invoked }, "throttle")).ahead, 1);
	const [outer] = await start(server, [{ name: `${name}/out` }]);
	await resting(server, outer.event_id, "pause");
});

each("04 A11: a run that is cancelled while it waits is no start", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("spaced", `${name}/go`, { throttle: { limit: 1, period: "2s" } })] });
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	await gates.reach(0);
	assert.equal((await waitsFor(server, runs[2], "throttle")).ahead, 1);
	await cancel(server, runs[1]);
	await assertNext(server, runs[2], from, 2000);
	gates.open(0);
	await gates.reach(2);
	assert.ok(gates.times[1] >= from + 2000);
	gates.open(2);
	await ended(server, runs[2]);
	assert.deepEqual(gates.begun, [0, 2]);
});

// ---- keys ----------------------------------------------------------------------------------------------------------

each("04 A11: each key has its own starts, and holds up no other", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("keyed", `${name}/go`, hourly(1, 1, { key: "event.data.group" })), probe(name)] });
	const list = [...upTo(20).map((n) => ({ n: `a${n}`, group: "a" })), { n: "b0", group: "b" }, { n: "c0", group: "c" }];
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("a0", "a1", "b0", "c0");
	await settle(server, name);
	assert.equal(gates.begun.length, 4);
	gates.open("a0", "a1", "b0", "c0");
	await ended(server, runs.at(-1));
});

const SHARED = [
	["event.data.k", "no value, false and its text", [{}, { k: false }, { k: "false" }], [{ k: true }, { k: null }, { k: 1 }]],
	["event.data.k > 1", "an error and false", [{ k: "x" }, { k: 0 }], [{ k: 2 }]],
	["nobody.knows", "an undeclared variable", [{ k: 1 }, { k: 2 }], []],
	["event.data.k +", "bad syntax", [{ k: 1 }, { k: 2 }], []],
];

each("04 A4: a throttle's key that is no value is `false`", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [...SHARED.map(([key], id) => gates.fn(`f${id}`, `${name}/${id}`, hourly(1, 0, { key }))), probe(name)] });
	const expected = [];
	for (const [id, [, what, together, alone]] of SHARED.entries()) {
		await start(server, eventsOf(`${name}/${id}`, [...together, ...alone].map((data, n) => ({ ...data, n: `${what} ${n}` }))));
		expected.push(`${what} 0`, ...alone.map((_, n) => `${what} ${together.length + n}`));
	}
	await gates.reach(...expected);
	await settle(server, name);
	assert.deepEqual([...gates.begun].sort(), [...expected].sort());
	gates.open(...expected);
});

// ---- new configurations, new starts --------------------------------------------------------------------------------

// [what, throttle of the later registration, starts of six runs when one has begun]
const CHANGES = [
	["a larger burst", hourly(1, 2), 3],
	["a higher limit", hourly(4, 1), 2],
	["another key", hourly(1, 0, { key: "event.data.other" }), 6],
	["no throttle", {}, 6],
];

for (const [what, later, begun] of CHANGES) {
	each(`04 A11: changed limits take effect for waiting runs: ${what}`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		const throttled = (options) => [gates.fn("changes", `${name}/go`, options), probe(name)];
		const made = await app({ functions: throttled(hourly(1)) });
		const runs = await start(server, eventsOf(`${name}/go`, upTo(6)));
		await gates.reach(0);
		await settle(server, name);
		assert.equal(gates.begun.length, 1);
		made.serve(throttled(later));
		await made.sync();
		// What a limit of 4 and a burst of 1 allow at once is worth 75 minutes, of which the first start took 60.
		await gates.reach(...upTo(begun));
		await settle(server, name);
		assert.equal(gates.begun.length, begun);
		await gates.drain(begun);
		await allEnded(server, runs.slice(0, begun));
	});
}

each("04 A11: a smaller burst acts on the next start", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttled = (burst) => [gates.fn("changes", `${name}/go`, hourly(1, burst)), probe(name)];
	const made = await app({ functions: throttled(5) });
	const from = Date.now();
	await start(server, eventsOf(`${name}/go`, [0]));
	await gates.reach(0);
	made.serve(throttled(0));
	await made.sync();
	const [run] = await start(server, eventsOf(`${name}/go`, [1]));
	await assertNext(server, run, from, HOUR_MS);
	await settle(server, name);
	assert.equal(gates.begun.length, 1);
	gates.open(0);
});

each("04 A22: starts are counted across kill -9", BOTH, ({ sdk }) => {
	const gates = new Gates();
	const functions = [gates.fn("keyed", "k/go", hourly(1, 1, { key: "event.data.group" })), probe("k")];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const from = Date.now();
		const runs = await start(server, eventsOf("k/go", upTo(8).map((n) => ({ n, group: `g${n % 2}` }))));
		await gates.reach(0, 1, 2, 3);
		for (let times = 1; times <= 2; times++) {
			await again();
			await gates.began(4 * (times + 1)); // The calls in progress are made again.
			await settle(server, "k");
			await assertNext(server, runs[4], from, HOUR_MS);
			await assertNext(server, runs[5], from, HOUR_MS);
		}
		gates.open(0, 1, 2, 3);
		await allEnded(server, runs.slice(0, 4));
		await again();
		await settle(server, "k");
		await assertNext(server, runs[4], from, HOUR_MS);
		assert.equal(new Set(gates.begun).size, 4);
	});
});

// ---- with other limits ---------------------------------------------------------------------------------------------

each("04 A14: a run that waits for a slot has not used a start", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("both", `${name}/go`, { ...hourly(1, 1), concurrency: 1 }), probe(name)] });
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4)));
	await gates.reach(0);
	await waitsFor(server, runs[1], "concurrency");
	await cancel(server, runs[1]);
	gates.open(0);
	await gates.reach(2);
	gates.open(2);
	await ended(server, runs[2]);
	await assertNext(server, runs[3], from, HOUR_MS);
	await settle(server, name);
	assert.deepEqual(gates.begun, [0, 2]);
});

each("04 A14: throttle and concurrency, each with its own keys, both hold", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttle = { limit: 2, period: "800ms", key: "event.data.who" };
	const concurrency = [{ limit: 1, key: "event.data.group" }, { limit: 2 }];
	await app({ functions: [gates.fn("both", `${name}/go`, { throttle, concurrency })] });
	const list = upTo(12).map((n) => ({ n, who: `w${n % 2}`, group: `g${n % 3}` }));
	const from = Date.now();
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.began(2); // at once, or nothing says that there ever were two
	await gates.drain(12);
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 2);
	for (const group of ["g0", "g1", "g2"]) assert.equal(gates.peaks[group], 1);
	for (const who of ["w0", "w1"]) {
		const times = gates.begun.flatMap((n, place) => (list[n].who === who ? [gates.times[place] - from] : []));
		for (const [nth, after] of times.entries()) assert.ok(after >= (nth - 1) * 400, `${who}: ${times}`);
	}
});

each("04 A11: a throttled start holds up no step of a run that has begun", BOTH, async ({ server, app, name }) => {
	const handler = async ({ event, step }) => {
		await step.waitForEvent("on", { event: `${name}/on`, timeout: "1h" });
		return step.run("then", () => event.data.n);
	};
	await app({ functions: [{ id: "both", event: `${name}/go`, handler, concurrency: 1, ...hourly(1) }] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(20)));
	await resting(server, runs[0].event_id, "pause");
	await waitsFor(server, runs[1], "throttle");
	await server.send({ name: `${name}/on` });
	assert.equal((await ended(server, runs[0])).output, 0);
});

each("05 12.7: the jobs of a run tell the throttle that it waits for", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttle = { limit: 1, period: "50s", burst: 1 };
	const keyed = { throttle: { ...throttle, key: "event.data.k" } };
	await app({ functions: [gates.fn("plain", `${name}/plain`, { throttle }), gates.fn("keyed", `${name}/keyed`, keyed)] });
	for (const [id, key] of [["plain", {}], ["keyed", { key: "event.data.k", value: "v" }]]) {
		const from = Date.now();
		const runs = await start(server, eventsOf(`${name}/${id}`, upTo(4).map((n) => ({ n: `${id}${n}`, k: "v" }))));
		await gates.reach(`${id}0`, `${id}1`);
		for (const ahead of [0, 1]) {
			const { next_at: nextAt, ...waiting } = await waitsFor(server, runs[2 + ahead], "throttle");
			assert.deepEqual(waiting, { on: "throttle", ...key, limit: 1, burst: 1, period: "50s", ahead });
			assert.ok(Date.parse(nextAt) >= from + 50_000);
			assert.equal((await jobsOf(server, runs[2 + ahead]))[0].Raw.state, "waiting");
		}
		gates.open(`${id}0`, `${id}1`);
	}
});
