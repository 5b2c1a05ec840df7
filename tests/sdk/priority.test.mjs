// Which of the waiting runs goes first (spec 04 §A9, §A15).
import assert from "node:assert/strict";

import { SDKS, V3, V4, V4_PLAIN, suite } from "./harness.mjs";
import { Gates, allEnded, ended, eventsOf, start, upTo, waitsFor } from "./turns.mjs";
import { ownServer } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const BY_LEVEL = "event.data.level == 'high' ? 100 : event.data.level == 'low' ? -100 : 0";
const leveled = (list) => list.map((level, n) => ({ n: `${n} ${level}`, level }));

// Sends the events while a call of the function is in progress, and returns the order in which their runs then begin.
async function orderOf({ server, gates, event, list }) {
	const [first] = await start(server, eventsOf(event, [{ ...list[0], n: "first" }]));
	await gates.reach("first");
	const runs = await start(server, eventsOf(event, list));
	for (const run of runs) await waitsFor(server, run, "concurrency");
	gates.open("first");
	await gates.drain(list.length + 1);
	await allEnded(server, [first, ...runs]);
	assert.equal(gates.peaks.all, 1);
	return gates.begun.slice(1);
}

const one = (gates, event, run, rest = {}) => gates.fn("one", event, { concurrency: 1, priority: { run }, ...rest });

each("04 A9: a larger factor goes first among waiting runs, and equal ones in order of arrival", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [one(gates, `${name}/go`, BY_LEVEL)] });
	const list = leveled(["low", "none", "high", "none", "low", "high"]);
	const order = await orderOf({ server, gates, event: `${name}/go`, list });
	assert.deepEqual(order, ["2 high", "5 high", "1 none", "3 none", "0 low", "4 low"]);
});

// Priorities that are none; event.data.p is the later the higher.
const NO_FACTORS = [
	["a double is no factor", "event.data.p"],
	["a literal double is no factor", "event.data.p > 2 ? 100.0 : 0.0"],
	["text is no factor", "event.data.p > 2 ? '100' : '0'"],
	["a boolean is no factor", "event.data.p > 2"],
	["null is no factor", "event.data.p > 2 ? null : 0"],
	["an error is no factor", "event.data.p > 2 ? int('x') : 0"],
	["an undeclared variable is no factor", "nobody.knows"],
];

for (const [what, priority] of NO_FACTORS) {
	each(`04 A9: ${what}`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		await app({ functions: [one(gates, `${name}/go`, priority)] });
		const list = upTo(5).map((n) => ({ n, p: n }));
		assert.deepEqual(await orderOf({ server, gates, event: `${name}/go`, list }), upTo(5));
	});
}

each("04 A9: an integer made of a number is a factor", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [one(gates, `${name}/go`, "int(event.data.p)")] });
	const list = [30, -50, 100.9, 0, 60].map((p) => ({ n: `${p}`, p }));
	assert.deepEqual(await orderOf({ server, gates, event: `${name}/go`, list }), ["100.9", "60", "30", "0", "-50"]);
});

each("04 A9: factors beyond 43200 are 43200", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [one(gates, `${name}/go`, "int(event.data.p)")] });
	const list = [-999_999, -43_200, 0, 43_200, 999_999, 43_100].map((p) => ({ n: `${p}`, p }));
	const order = await orderOf({ server, gates, event: `${name}/go`, list });
	assert.deepEqual(order, ["43200", "999999", "43100", "0", "-999999", "-43200"]);
});

each("04 A9: a negative factor never delays work that could run", SDKS, async ({ server, app, name }) => {
	const handler = async ({ step }) => {
		const a = await step.run("a", () => 1);
		await step.sleep("short", "10ms");
		const [b, c] = await Promise.all([step.run("b", () => 2), step.run("c", () => 3)]);
		return a + b + c;
	};
	await app({ functions: [{ id: "late", event: `${name}/go`, handler, concurrency: 2, priority: { run: "-43200" } }] });
	assert.equal((await server.runOf({ name: `${name}/go` }, "Completed")).output, 6);
});

each("04 A9: a run with a larger factor takes the turn between two steps of an older one", [V3, V4_PLAIN], async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event, step }) => {
		for (const id of ["a", "b", "c"]) await step.run(id, () => gates.pass(`${event.data.level} ${id}`));
	};
	await app({ functions: [one(gates, `${name}/go`, BY_LEVEL, { handler })] });
	const runs = await start(server, eventsOf(`${name}/go`, [{ level: "none" }]));
	await gates.reach("none a");
	runs.push(...(await start(server, eventsOf(`${name}/go`, [{ level: "high" }, { level: "low" }]))));
	await gates.drain(9);
	await allEnded(server, runs);
	const steps = (level, ids) => ids.map((id) => `${level} ${id}`);
	assert.deepEqual(gates.begun, ["none a", ...steps("high", ["a", "b", "c"]), ...steps("none", ["b", "c"]), ...steps("low", ["a", "b", "c"])]);
});

each("03 22: the factor of a run is the one of the time when it was scheduled", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const made = await app({ functions: [one(gates, `${name}/go`, BY_LEVEL)] });
	const [first, ...later] = eventsOf(`${name}/go`, leveled(["none", "low", "none", "high"]));
	const runs = await start(server, [first]);
	await gates.reach("0 none");
	runs.push(...(await start(server, later)));
	made.serve([gates.fn("one", `${name}/go`, { concurrency: 1 })]);
	await made.sync();
	runs.push(...(await start(server, eventsOf(`${name}/go`, [{ n: "later high", level: "high" }]))));
	await gates.drain(5);
	await allEnded(server, runs);
	assert.deepEqual(gates.begun, ["0 none", "3 high", "2 none", "later high", "1 low"]);
});

each("04 A9, A12: within each key of a concurrency limit the larger factor goes first", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [one(gates, `${name}/go`, BY_LEVEL, { concurrency: { limit: 1, key: "event.data.group" } })] });
	const list = ["a none", "b none", "c low", "a low", "b low", "a none 2", "b none 2", "a high", "b high"].map((n) => {
		const [group, level] = n.split(" ");
		return { n, group, level };
	});
	const runs = await start(server, eventsOf(`${name}/go`, list.slice(0, 3)));
	await gates.reach("a none", "b none", "c low");
	runs.push(...(await start(server, eventsOf(`${name}/go`, list.slice(3)))));
	for (const run of runs.slice(3)) await waitsFor(server, run, "concurrency");
	await gates.drain(list.length);
	await allEnded(server, runs);
	for (const group of ["a", "b"]) {
		const order = gates.begun.filter((n) => n[0] === group).map((n) => n.slice(2));
		assert.deepEqual(order, ["none", "high", "none 2", "low"]);
		assert.equal(gates.peaks[group], 1);
	}
});

each("04 A9, A12: across the functions that share a key, each orders its own runs", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const shared = (id) => gates.fn(id, `${name}/${id}`, { concurrency: { limit: 1, key: `"${name}"`, scope: "env" }, priority: { run: BY_LEVEL } });
	await app({ functions: [shared("x"), shared("y")] });
	const names = ["x first", "x low", "y low", "x none", "y none", "x high", "y high"];
	const [first, ...later] = names.map((n) => ({ name: `${name}/${n[0]}`, data: { n, level: n.slice(2) } }));
	const runs = await start(server, [first]);
	await gates.reach("x first");
	runs.push(...(await start(server, later)));
	for (const run of runs.slice(1)) await waitsFor(server, run, "concurrency");
	await gates.drain(names.length);
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 1);
	for (const id of ["x", "y"]) {
		const order = gates.begun.slice(1).filter((n) => n[0] === id);
		assert.deepEqual(order, ["high", "none", "low"].map((level) => `${id} ${level}`));
	}
});

each("04 A9, A11: throttled runs begin by their factor", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttled = (burst) => [gates.fn("line", `${name}/go`, { throttle: { limit: 1, period: "1h", burst }, priority: { run: BY_LEVEL } })];
	const made = await app({ functions: throttled(0) });
	const [first, ...later] = eventsOf(`${name}/go`, leveled(["none", "low", "none", "high"]));
	const runs = await start(server, [first]);
	await gates.reach("0 none");
	runs.push(...(await start(server, later)));
	for (const [n, next] of ["3 high", "2 none", "1 low"].entries()) {
		made.serve(throttled(n + 1)); // This lets one more begin.
		await made.sync();
		await gates.reach(next);
		assert.equal(gates.begun.length, n + 2);
	}
	await gates.drain(4);
	await allEnded(server, runs);
});

each("04 A9, A22: the order of waiting runs is the same after kill -9", BOTH, ({ sdk }) => {
	const gates = new Gates();
	return ownServer({ sdk, functions: [one(gates, "own/go", BY_LEVEL)], flags: ["--persist"] }, async ({ server, again }) => {
		const [first, ...later] = eventsOf("own/go", leveled(["high", "low", "none", "high", "none", "low"]));
		const runs = await start(server, [first]);
		await gates.reach("0 high");
		runs.push(...(await start(server, later)));
		await again();
		await gates.began(2);
		for (const run of runs.slice(1)) await waitsFor(server, run, "concurrency");
		await gates.drain(6);
		for (const run of runs) await ended(server, run);
		assert.deepEqual(gates.begun, ["0 high", "0 high", "3 high", "2 none", "4 none", "1 low", "5 low"]);
	});
});
