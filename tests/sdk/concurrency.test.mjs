// How many calls may be in progress at once, and whose turn it is (spec 04 §A4, §A12, 03 §22).
import assert from "node:assert/strict";

import { SDKS, V3, V4, suite, until } from "./harness.mjs";
import { Gates, allEnded, cancel, ended, eventsOf, jobsOf, probe, settle, start, upTo, waitsFor } from "./turns.mjs";
import { ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];

// ---- one function --------------------------------------------------------------------------------------------------

each("04 A12: a limit bounds the calls in progress, and runs go in order of arrival", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("two", `${name}/go`, { concurrency: 2 }), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(8)));
	await gates.reach(0, 1);
	await settle(server, name);
	assert.equal(gates.begun.length, 2);
	for (const n of [2, 3, 4, 5, 6, 7]) {
		gates.open(n - 2);
		await gates.reach(n);
	}
	assert.deepEqual(gates.begun.slice(2), [2, 3, 4, 5, 6, 7]);
	gates.open(6, 7);
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 2);
});

each("04 A12: sleeping, waiting and retrying runs hold no slot", BOTH, async ({ server, sdk, errors, app, name }) => {
	const gates = new Gates();
	const inner = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const fail = () => {
		throw new errors.RetryAfterError("later", "1h");
	};
	const rests = {
		sleep: (step) => step.sleep("long", "1h"),
		event: (step) => step.waitForEvent("wait", { event: `${name}/never`, timeout: "1h" }),
		invoke: (step) => step.invoke("call", { function: inner, data: { n: "inner" } }),
		retry: fail,
		"step retry": (step) => step.run("fails", fail),
		none: () => "done",
	};
	const handler = ({ event, step }) => rests[event.data.rest](step);
	await app({ functions: [{ id: "one", event: `${name}/go`, concurrency: 1, retries: 1, handler }, gates.fn("inner", `${name}/inner`)] });
	const runs = await start(server, eventsOf(`${name}/go`, Object.keys(rests).map((rest) => ({ rest }))));
	await ended(server, runs.pop());
	await gates.reach("inner");
	for (const run of runs) assert.equal((await server.run(run.run_id)).status, "Running");
	gates.open("inner");
	await ended(server, runs[2]);
});

each("04 A12: what wakes up, goes on or is tried again takes a slot again", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step, attempt }) => {
		if (data.n === "wait") await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
		if (data.n === "sleep") await step.sleep("short", "1s");
		if (data.n === "retry" && attempt === 0) throw new Error("once");
		await gates.pass(data.n);
	};
	const rester = { id: "rester", event: `${name}/go`, concurrency: { limit: 1, key: `"${name}"`, scope: "env" }, retries: 1, handler };
	const holder = gates.fn("holder", `${name}/hold`, { concurrency: { limit: 1, key: `"${name}"`, scope: "env" } });
	await app({ functions: [rester, holder, probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, ["wait"]));
	await resting(server, runs[0].event_id, "pause");
	const others = [...eventsOf(`${name}/go`, ["sleep", "retry"]), ...eventsOf(`${name}/hold`, ["holder"])];
	runs.push(...(await start(server, others)));
	await gates.reach("holder");
	await server.send({ name: `${name}/on` });
	for (const run of runs.slice(0, 3)) await waitsFor(server, run, "concurrency");
	await settle(server, name);
	assert.deepEqual(gates.begun, ["holder"]);
	await gates.drain(4);
	await allEnded(server, runs);
	assert.equal(gates.begun[1], "wait", "the oldest run");
	assert.equal(gates.peaks.all, 1);
});

each("04 A12: an invoking run holds no slot that the invoked one needs", BOTH, async ({ server, sdk, app, name }) => {
	const concurrency = { limit: 1, key: `"${name}"`, scope: "env" };
	const inner = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const handler = ({ step }) => step.invoke("call", { function: inner, data: {} });
	await app({ functions: [{ id: "outer", event: `${name}/go`, concurrency, handler }, { id: "inner", event: `${name}/in`, concurrency, handler: () => "in" }] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	for (const run of await allEnded(server, runs)) assert.equal(run.output, "in");
});

each("04 A12: each parallel step takes a slot", SDKS, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = ({ step }) => Promise.all(upTo(5).map((n) => step.run(`p${n}`, () => gates.pass(n).then(() => n))));
	await app({ functions: [{ id: "wide", event: `${name}/go`, concurrency: 2, handler }, probe(name)] });
	const [run] = await start(server, [{ name: `${name}/go` }]);
	await gates.began(2);
	await settle(server, name);
	assert.equal(gates.begun.length, 2);
	await gates.drain(5);
	assert.deepEqual((await ended(server, run)).output, upTo(5));
	assert.equal(gates.peaks.all, 2);
});

each("04 A12: a run's second step goes before a younger run's first", SDKS, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event, step }) => {
		for (const id of ["a", "b", "c"]) await step.run(id, () => gates.pass(`${event.data.n}${id}`));
	};
	await app({ functions: [{ id: "steps", event: `${name}/go`, concurrency: 1, handler }] });
	const runs = await start(server, eventsOf(`${name}/go`, [0]));
	await gates.reach("0a");
	runs.push(...(await start(server, eventsOf(`${name}/go`, [1]))), ...(await start(server, eventsOf(`${name}/go`, [2]))));
	await gates.drain(9);
	await allEnded(server, runs);
	assert.deepEqual(gates.begun, ["0a", "0b", "0c", "1a", "1b", "1c", "2a", "2b", "2c"]);
});

each("04 A12: the slot of a run that failed is free", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await gates.pass(data.n);
		if (data.n === 0) throw new Error("no");
		if (data.n === 1) await step.run("fails", () => Promise.reject(new Error("no")));
	};
	await app({ functions: [gates.fn("fails", `${name}/go`, { concurrency: 1, handler })] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	await gates.drain(3);
	await ended(server, runs[0], "Failed");
	await ended(server, runs[1], "Failed");
	await ended(server, runs[2]);
	assert.equal(gates.peaks.all, 1);
});

each("04 A12: a cancelled run leaves its line, and its slot to the next", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("one", `${name}/go`, { concurrency: 1 }), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4)));
	await gates.reach(0);
	await cancel(server, runs[2]);
	await waitsFor(server, runs[3], "concurrency");
	await settle(server, name);
	assert.deepEqual(gates.begun, [0]);
	await cancel(server, runs[0]);
	gates.open(0); // Its answer is dropped.
	await gates.reach(1);
	gates.open(1);
	await gates.reach(3);
	gates.open(3);
	await ended(server, runs[3]);
	assert.deepEqual(gates.begun, [0, 1, 3]);
});

// ---- keys ----------------------------------------------------------------------------------------------------------

each("04 A22: a key's full line holds up no other key", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("users", `${name}/go`, { concurrency: { limit: 1, key: "event.data.group" } }), probe(name)] });
	const list = [...upTo(20).map((n) => ({ n: `a${n}`, group: "a" })), { n: "b0", group: "b" }, { n: "b1", group: "b" }];
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("a0", "b0");
	await settle(server, name);
	assert.equal(gates.begun.length, 2);
	gates.open("b0");
	await gates.reach("a0", "b1");
	gates.open("b1");
	await gates.drain(list.length);
	await allEnded(server, runs);
	assert.deepEqual(gates.begun.filter((n) => n.startsWith("a")), upTo(20).map((n) => `a${n}`), "the order within a key");
	assert.deepEqual([gates.peaks.a, gates.peaks.b], [1, 1]);
});

// [values that share a slot, in order of arrival]; undefined: there is none.
const SAME_TEXT = [
	[1, "1"],
	[undefined, false, "false"],
	[null, "NULL_VALUE"],
	[true, "true"],
	[1234567, "1.234567e+06"],
	[{ x: [1, "a"] }, "map[x:[1 a]]"],
	[""],
];

each("04 A4: values with the same text are one key, and no value is `false`", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("keyed", `${name}/go`, { concurrency: { limit: 1, key: "event.data.k" } }), probe(name)] });
	const list = SAME_TEXT.flatMap((values, key) => values.map((k, place) => ({ n: `${key}.${place}`, k })));
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach(...SAME_TEXT.map((_, key) => `${key}.0`));
	await settle(server, name);
	assert.equal(gates.begun.length, SAME_TEXT.length, `begun: ${gates.begun}`);
	for (const [key, values] of SAME_TEXT.entries()) {
		for (let place = 1; place < values.length; place++) {
			gates.open(`${key}.${place - 1}`);
			await gates.reach(`${key}.${place}`);
		}
		gates.open(`${key}.${values.length - 1}`);
	}
	await allEnded(server, runs);
});

each("04 A4: a key that cannot be evaluated is `false`", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("keyed", `${name}/go`, { concurrency: { limit: 1, key: "event.data.s > 1" } }), probe(name)] });
	const list = [{ n: "error", s: "x" }, { n: "false", s: 0 }, { n: "true", s: 2 }];
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("error", "true");
	await settle(server, name);
	assert.equal(gates.begun.length, 2);
	gates.open("error");
	await gates.reach("false");
	gates.open("false", "true");
	await allEnded(server, runs);
});

each("04 A12: same key text and value share a slot across functions in env scope, different text does not", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const limited = (id, key, scope) => gates.fn(id, `${name}/${id}`, { concurrency: { limit: 1, key, ...(scope && { scope }) } });
	await app({
		functions: [
			limited("a", "event.data.k", "env"),
			limited("b", "event.data.k", "env"),
			limited("text", "event.data.kk", "env"),
			limited("account", "event.data.k", "account"),
			limited("fn", "event.data.k"),
			probe(name),
		],
	});
	const go = (n, k = name) => start(server, [{ name: `${name}/${n.split(" ")[0]}`, data: { n, k, kk: k } }]);
	const runs = await go("a");
	await gates.reach("a");
	for (const n of ["b", "text", "account", "fn"]) runs.push(...(await go(n)));
	runs.push(...(await go("b other", `${name}-other`)));
	await gates.reach("a", "text", "account", "fn", "b other");
	await settle(server, name);
	assert.ok(!gates.begun.includes("b"));
	gates.open("a");
	await gates.reach("b");
	gates.open("b", "text", "account", "fn", "b other");
	await allEnded(server, runs);
});

each("04 A12: each function applies its own limit to what they share", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const limited = (id, limit) => gates.fn(id, `${name}/${id}`, { concurrency: { limit, key: `"${name}"`, scope: "env" } });
	await app({ functions: [limited("three", 3), limited("one", 1), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/three`, ["3a", "3b"]));
	await gates.reach("3a", "3b");
	runs.push(...(await start(server, eventsOf(`${name}/one`, ["1a"]))));
	runs.push(...(await start(server, eventsOf(`${name}/three`, ["3c"]))));
	await gates.reach("3c");
	gates.open("3a", "3b");
	await ended(server, runs[0]);
	await ended(server, runs[1]);
	await settle(server, name);
	assert.equal(gates.begun.length, 3, "one call is in progress, which is all that `one` allows");
	gates.open("3c");
	await gates.reach("1a");
	runs.push(...(await start(server, eventsOf(`${name}/three`, ["3d"]))));
	await gates.reach("3d");
	gates.open("1a", "3d");
	await allEnded(server, runs);
});

each("04 A12: account scope over two apps", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const concurrency = { limit: 2, key: "event.data.k", scope: "account" };
	for (const id of ["a", "b"]) await app({ id: `${name}-${id}`, functions: [gates.fn("fn", `${name}/${id}`, { concurrency }), probe(`${name}-${id}`)] });
	const names = ["a0", "b0", "a1", "b1", "b2", "a2"];
	const runs = await start(server, names.map((n) => ({ name: `${name}/${n[0]}`, data: { n, k: name } })));
	await gates.began(2);
	for (const id of ["a", "b"]) await settle(server, `${name}-${id}`);
	assert.equal(gates.begun.length, 2);
	// A slot that one app frees is taken at once, whichever app waits for it.
	for (let opened = 1; opened <= names.length; opened++) {
		gates.open(gates.standing()[0]);
		await gates.began(Math.min(opened + 2, names.length));
	}
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 2);
	for (const id of ["a", "b"]) assert.deepEqual(gates.begun.filter((n) => n[0] === id), [0, 1, 2].map((n) => id + n));
});

// ---- several limits, and none --------------------------------------------------------------------------------------

each("04 A12: all limits of a function must have room", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const concurrency = [{ limit: 2 }, { limit: 1, key: "event.data.group" }];
	await app({ functions: [gates.fn("both", `${name}/go`, { concurrency }), probe(name)] });
	const list = ["a0", "a1", "a2", "b0", "b1", "c0", "c1", "d0"].map((n) => ({ n, group: n[0] }));
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("a0", "b0");
	await settle(server, name);
	assert.equal(gates.begun.length, 2);
	// While there is work of two keys, two calls are in progress.
	for (let opened = 1; opened < list.length; opened++) {
		const group = gates.standing()[0][0];
		gates.open(gates.standing()[0]);
		const left = new Set(list.filter(({ n }) => !gates.opened.has(n)).map((one) => one.group));
		await until(() => gates.standing().length === Math.min(2, left.size), () => `${group} is over; ${gates.standing()} of ${gates.begun}`);
	}
	await gates.drain(list.length);
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 2);
	for (const group of ["a", "b", "c", "d"]) assert.equal(gates.peaks[group], 1);
	for (const group of ["a", "b", "c"]) {
		const order = gates.begun.filter((n) => n[0] === group);
		assert.deepEqual(order, [...order].sort());
	}
});

each("04 A12: a run that has a free key waits for the other", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const concurrency = [{ limit: 1, key: "event.data.a" }, { limit: 1, key: "event.data.b", scope: "env" }];
	await app({ functions: [gates.fn("both", `${name}/go`, { concurrency }), probe(name)] });
	const one = (n, a, b) => ({ n, a, b: `${name}-${b}` });
	const runs = await start(server, eventsOf(`${name}/go`, [one(0, 1, 1), one(1, 2, 1), one(2, 1, 2), one(3, 2, 2)]));
	await gates.reach(0, 3);
	await settle(server, name);
	assert.equal(gates.begun.length, 2, "a run that waits holds nothing");
	gates.open(0);
	await ended(server, runs[0]);
	await settle(server, name);
	assert.equal(gates.begun.length, 2, "both of the others have one key in common with run 3");
	gates.open(3);
	await gates.reach(1, 2);
	gates.open(1, 2);
	await allEnded(server, runs);
});

// What only a run's first call needs besides the slot.
const FIRST_CALLS = [
	["a throttle", (step) => ({ throttle: { limit: 100, period: "1s" }, concurrency: step })],
	["a limit of runs", (step) => ({ concurrency: { fn: [{ limit: 100 }], step: [step] } })],
];

for (const [what, options] of FIRST_CALLS) {
	each(`04 A15: a run that goes on goes before a younger run's first call, also with ${what}`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		const handler = async ({ event: { data }, step }) => {
			if (data.rests) await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
			await gates.pass(data.n);
		};
		await app({ functions: [gates.fn("both", `${name}/go`, { handler, ...options({ limit: 1, key: `"${name}"`, scope: "env" }) })] });
		const runs = await start(server, eventsOf(`${name}/go`, [{ n: 0, rests: true }]));
		await resting(server, runs[0].event_id, "pause");
		runs.push(...(await start(server, eventsOf(`${name}/go`, [1]))));
		await gates.reach(1);
		runs.push(...(await start(server, eventsOf(`${name}/go`, [2, 3]))));
		await waitsFor(server, runs[2], "concurrency");
		await server.send({ name: `${name}/on` });
		await waitsFor(server, runs[0], "concurrency");
		await gates.drain(4);
		await allEnded(server, runs);
		assert.deepEqual(gates.begun, [1, 0, 2, 3]);
	});
}

each("04 A12: of several limits without a key the smallest counts", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("smallest", `${name}/go`, { concurrency: [{ limit: 3 }, { limit: 1 }] }), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4)));
	await gates.reach(0);
	await settle(server, name);
	await gates.drain(4);
	await allEnded(server, runs);
	assert.equal(gates.peaks.all, 1);
});

const UNLIMITED = [
	["an unkeyed limit of 0", 0],
	["an unkeyed limit of 0 in an object", { limit: 0 }],
	["a keyed limit of 0", { limit: 0, key: "event.data.k" }],
	["an env limit of 0", { limit: 0, key: "event.data.k", scope: "env" }],
];

for (const [what, concurrency] of UNLIMITED) {
	each(`04 A12: ${what} is no limit`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		await app({ functions: [gates.fn("free", `${name}/go`, { concurrency })] });
		const runs = await start(server, eventsOf(`${name}/go`, upTo(10)));
		await gates.reach(...upTo(10));
		gates.open(...upTo(10));
		await allEnded(server, runs);
	});
}

// ---- new configurations, new starts --------------------------------------------------------------------------------

each("04 A12: a registration with a higher limit acts at once, one with a lower limit as calls end", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const limited = (limit) => [gates.fn("changes", `${name}/go`, { concurrency: limit }), probe(name)];
	const made = await app({ functions: limited(1) });
	const change = (limit) => {
		made.serve(limited(limit));
		return made.sync();
	};
	const runs = await start(server, eventsOf(`${name}/go`, upTo(8)));
	await gates.reach(0);
	await change(3);
	await gates.reach(0, 1, 2);
	await settle(server, name);
	assert.equal(gates.begun.length, 3);
	await change(1);
	gates.open(0, 1);
	await ended(server, runs[0]);
	await ended(server, runs[1]);
	await settle(server, name);
	assert.equal(gates.begun.length, 3, "run 2 is still in progress");
	gates.open(2);
	await gates.reach(3);
	await ended(server, runs[2]);
	await settle(server, name);
	assert.deepEqual(gates.standing(), [3]);
	await change(0);
	await gates.reach(3, 4, 5, 6, 7);
	gates.open(3, 4, 5, 6, 7);
	await allEnded(server, runs);
});

each("04 A12: a keyed limit that is raised acts at once, for each key", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const limited = (limit) => [gates.fn("changes", `${name}/go`, { concurrency: { limit, key: "event.data.group", scope: "env" } })];
	const made = await app({ functions: limited(1) });
	const list = ["a0", "a1", "a2", "b0", "b1", "b2"].map((n) => ({ n, group: `${name}-${n[0]}` }));
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("a0", "b0");
	made.serve(limited(2));
	await made.sync();
	await gates.reach("a0", "a1", "b0", "b1");
	await gates.drain(6);
	await allEnded(server, runs);
	assert.deepEqual(["a", "b"].map((key) => gates.peaks[`${name}-${key}`]), [2, 2]);
});

const NEW_KEYS = [
	["changed", { limit: 1, key: "event.data.other" }],
	["removed", undefined],
];

for (const [what, concurrency] of NEW_KEYS) {
	each(`04 A12: a key that is ${what} does not hold runs that were scheduled before`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		const keyed = (limit) => [gates.fn("changes", `${name}/go`, { concurrency: limit }), probe(name)];
		const made = await app({ functions: keyed({ limit: 1, key: "event.data.k" }) });
		const runs = await start(server, eventsOf(`${name}/go`, upTo(3).map((n) => ({ n, k: "same", other: "same" }))));
		await gates.reach(0);
		await settle(server, name);
		assert.equal(gates.begun.length, 1);
		made.serve(keyed(concurrency));
		await made.sync();
		await gates.reach(0, 1, 2);
		runs.push(...(await start(server, eventsOf(`${name}/go`, [3, 4].map((n) => ({ n, other: "same" }))))));
		await gates.reach(3);
		await settle(server, name);
		assert.equal(gates.begun.length, concurrency ? 4 : 5, "runs that are new wait for each other by the new key");
		await gates.drain(5);
		await allEnded(server, runs);
	});
}

each("04 A22: limits hold across kill -9", BOTH, ({ sdk }) => {
	const gates = new Gates();
	const handler = async ({ event, step }) => {
		for (const id of ["a", "b", "c"]) await step.run(id, () => gates.pass(`${event.data.n}${id}`, event.data.group));
	};
	const concurrency = [{ limit: 2 }, { limit: 1, key: "event.data.group", scope: "env" }];
	const functions = [{ id: "steps", event: "k/go", concurrency, handler }, probe("k")];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const runs = await start(server, eventsOf("k/go", upTo(6).map((n) => ({ n, group: `g${n % 3}` }))));
		await gates.began(2);
		for (let times = 0; times < 4; times++) {
			// A step that has just ended may have been stored, or is done again.
			if (times % 2) gates.open(gates.standing()[0]);
			const before = gates.begun.length;
			await again();
			const isBack = () => gates.standing().length === 2 && gates.standing().every((step) => gates.begun.includes(step, before));
			await until(isBack, () => `two steps in progress: ${gates.standing()} of ${gates.begun.slice(before)}`);
			await settle(server, "k");
			assert.equal(gates.standing().length, 2);
		}
		await gates.drain(18);
		await allEnded(server, runs);
		assert.equal(gates.peaks.all, 2);
		for (const group of ["g0", "g1", "g2"]) assert.equal(gates.peaks[group], 1);
	});
});

// ---- why a run waits -----------------------------------------------------------------------------------------------

each("05 12.7: the jobs of a run tell the limit that it waits for", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const key = "event.data.k";
	await app({
		functions: [
			gates.fn("fn", `${name}/fn`, { concurrency: 1 }),
			gates.fn("keyed", `${name}/keyed`, { concurrency: { limit: 1, key } }),
			gates.fn("env", `${name}/env`, { concurrency: { limit: 2, key, scope: "env" } }),
			gates.fn("account", `${name}/account`, { concurrency: { limit: 1, key, scope: "account" } }),
		],
	});
	const limits = {
		fn: { scope: "fn", limit: 1, in_use: 1 },
		keyed: { scope: "fn", key, value: name, limit: 1, in_use: 1 },
		env: { scope: "env", key, value: name, limit: 2, in_use: 2 },
		account: { scope: "account", key, value: name, limit: 1, in_use: 1 },
	};
	for (const [id, limit] of Object.entries(limits)) {
		const numbers = upTo(limit.limit + 2).map((n) => `${id}${n}`);
		const runs = await start(server, eventsOf(`${name}/${id}`, numbers.map((n) => ({ n, k: name }))));
		await gates.reach(...numbers.slice(0, limit.limit));
		const [job] = await jobsOf(server, runs[0]);
		assert.equal(job.Raw.state, "running");
		assert.equal(job.Raw.waiting, undefined);
		for (const ahead of [0, 1]) {
			const run = runs[limit.limit + ahead];
			assert.deepEqual(await waitsFor(server, run, "concurrency"), { on: "concurrency", ...limit, ahead });
			assert.equal((await jobsOf(server, run))[0].Raw.state, "waiting");
		}
		await gates.drain(gates.opened.size + numbers.length);
		await allEnded(server, runs);
	}
});

each("05 12.7: the jobs of a run tell the time that it waits for", BOTH, async ({ server, errors, app, name }) => {
	const handler = async ({ event, step }) => {
		if (event.data.n === "sleep") return step.sleep("long", "1h");
		throw new errors.RetryAfterError("later", "1h");
	};
	await app({ functions: [{ id: "rests", event: `${name}/go`, concurrency: 1, handler }] });
	const from = Date.now();
	for (const run of await start(server, eventsOf(`${name}/go`, ["sleep", "retry"]))) {
		const isLater = async () => (await jobsOf(server, run)).find(({ Raw }) => Raw.state === "scheduled" && Date.parse(Raw.waiting?.at) >= from + 3_599_000);
		const { at, Raw } = await until(isLater, () => `run ${run.run_id} to rest`);
		assert.equal(Raw.waiting.on, "time");
		assert.equal(Raw.waiting.at, at);
	}
});

each("05 12.7: the jobs of a run tell that its function is paused", BOTH, async ({ server, app, name }) => {
	const handler = ({ step }) => step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
	await app({ functions: [{ id: "pauses", event: `${name}/go`, concurrency: 1, handler }] });
	const [run] = await start(server, [{ name: `${name}/go` }]);
	await resting(server, run.event_id, "pause");
	const post = (verb) => server.request(`/v2/apps/${name}/functions/pauses/${verb}`, { method: "POST" });
	assert.equal((await post("pause")).status, 200);
	await server.send({ name: `${name}/on` });
	assert.deepEqual(await waitsFor(server, run, "paused"), { on: "paused" });
	assert.equal((await post("unpause")).status, 200);
	await ended(server, run);
});

each("05 12.7: the jobs of a run tell that its app has enough calls", BOTH, ({ sdk }) => {
	const gates = new Gates();
	return ownServer({ sdk, functions: [gates.fn("free", "own/go")], flags: ["--queue-workers", "2"] }, async ({ server }) => {
		const runs = await start(server, eventsOf("own/go", upTo(4)));
		await gates.reach(0, 1);
		for (const ahead of [0, 1]) assert.deepEqual(await waitsFor(server, runs[2 + ahead], "workers"), { on: "workers", limit: 2, in_use: 2, ahead });
		await gates.drain(4);
		await allEnded(server, runs);
	});
});
