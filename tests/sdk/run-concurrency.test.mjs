// How many runs of a function may be active at once, from their first call to their end (spec 04 §A13).
import assert from "node:assert/strict";

import { SDKS, V3, V4, V4_PLAIN, suite, until } from "./harness.mjs";
import { Gates, allEnded, cancel, ended, eventsOf, jobsOf, probe, settle, start, upTo, waitsFor } from "./turns.mjs";
import { ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const active = (limit, key, step) => ({ concurrency: { fn: [{ limit, ...(key && { key }) }], ...(step && { step }) } });

each("04 A13: a slot is kept from the first call to the end of the run, and runs go in order of arrival", SDKS, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await step.run("first", () => gates.pass(`${data.n} first`));
		await step.sleep("short", "10ms");
		await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h", match: "data.n" });
		await step.run("last", () => gates.pass(`${data.n} last`));
	};
	await app({ functions: [{ id: "active", event: `${name}/go`, handler, ...active(1) }, probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	for (const n of upTo(3)) {
		await gates.reach(`${n} first`);
		gates.open(`${n} first`);
		await resting(server, runs[n].event_id, "pause");
		await settle(server, name);
		assert.equal(gates.begun.at(-1), `${n} first`);
		await server.send({ name: `${name}/on`, data: { n } });
		await gates.reach(`${n} last`);
		await settle(server, name);
		assert.equal(gates.begun.at(-1), `${n} last`);
		gates.open(`${n} last`);
		await ended(server, runs[n]);
	}
	assert.deepEqual(gates.begun, upTo(3).flatMap((n) => [`${n} first`, `${n} last`]));
});

each("04 A13: each key has its own, and holds up no other", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("keyed", `${name}/go`, active(2, "event.data.group")), probe(name)] });
	const others = [{ n: "b0", group: "b" }, { n: "none 0" }, { n: "none 1", group: false }, { n: "none 2", group: "false" }];
	const list = [...upTo(20).map((n) => ({ n: `a${n}`, group: "a" })), ...others];
	const runs = await start(server, eventsOf(`${name}/go`, list));
	await gates.reach("a0", "a1", "b0", "none 0", "none 1");
	await settle(server, name);
	assert.equal(gates.begun.length, 5, "no value, false and its text are one key");
	gates.open("none 0");
	await gates.reach("none 2");
	await gates.drain(list.length);
	await allEnded(server, runs);
	assert.equal(gates.peaks.a, 2);
});

each("04 A13: a run needs its slot in addition to those of its calls", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await gates.pass(data.n);
		if (data.rests) await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
	};
	await app({ functions: [gates.fn("both", `${name}/go`, { handler, ...active(2, undefined, [{ limit: 1 }]) }), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4).map((n) => ({ n, rests: n === 0 }))));
	await gates.reach(0);
	await waitsFor(server, runs[1], "concurrency");
	await settle(server, name);
	assert.deepEqual(gates.begun, [0]);
	gates.open(0);
	await resting(server, runs[0].event_id, "pause");
	await gates.reach(1);
	await waitsFor(server, runs[2], "runs");
	await settle(server, name);
	assert.deepEqual(gates.begun, [0, 1]);
	gates.open(1);
	await gates.reach(2);
	await server.send({ name: `${name}/on` });
	gates.open(2);
	await gates.reach(3);
	gates.open(3);
	await allEnded(server, runs);
});

each("04 A13: a run that waits for one of its slots holds no other", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		if (data.rests) await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
		await gates.pass(data.n);
	};
	const functions = [gates.fn("both", `${name}/go`, { handler, ...active(1, undefined, [{ limit: 1, key: `"${name}"`, scope: "env" }]) })];
	functions.push(gates.fn("other", `${name}/other`, { concurrency: { limit: 1, key: `"${name}"`, scope: "env" } }));
	await app({ functions });
	const [rests] = await start(server, eventsOf(`${name}/go`, [{ n: "rests", rests: true }]));
	await resting(server, rests.event_id, "pause");
	const [waits] = await start(server, eventsOf(`${name}/go`, ["waits"]));
	await waitsFor(server, waits, "runs");
	const [other] = await start(server, eventsOf(`${name}/other`, ["other"]));
	await gates.reach("other");
	await cancel(server, rests);
	await waitsFor(server, waits, "concurrency");
	gates.open("other");
	await gates.reach("waits");
	gates.open("waits");
	await allEnded(server, [waits, other]);
});

each("04 A13: a first call that is tried again has its slot", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, attempt }) => {
		await gates.pass(`${data.n} ${attempt}`);
		if (attempt === 0) throw new Error("again");
	};
	await app({ functions: [gates.fn("again", `${name}/go`, { handler, retries: 1, ...active(1) })] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(2)));
	await gates.drain(4);
	await allEnded(server, runs);
	assert.deepEqual(gates.begun, ["0 0", "0 1", "1 0", "1 1"]);
});

each("04 A13: the end of a waiting run frees no slot of another", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("active", `${name}/go`, active(1)), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4)));
	await gates.reach(0);
	await cancel(server, runs[1]);
	await waitsFor(server, runs[2], "runs");
	await settle(server, name);
	assert.deepEqual(gates.begun, [0]);
	gates.open(0);
	await gates.reach(2);
	await settle(server, name);
	assert.deepEqual(gates.begun, [0, 2]);
	await gates.drain(3);
	for (const n of [0, 2, 3]) await ended(server, runs[n]);
});

each("04 A22: the slot of a run is freed once, however it ends", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		if (data.rests) await step.sleep("long", "1h");
		await gates.pass(data.n);
		if (data.n === "fails") throw new Error("no");
	};
	const rest = { handler, cancelOn: [{ event: `${name}/stop` }], ...active(1, "event.data.k") };
	await app({ functions: [gates.fn("ends", `${name}/go`, rest)] });
	const rests = (run) => resting(server, run.event_id, "sleep");
	const ends = {
		completes: () => gates.reach("completes").then(() => gates.open("completes")),
		fails: () => gates.reach("fails").then(() => gates.open("fails")),
		"is cancelled": (run) => rests(run).then(() => cancel(server, run)),
		"is stopped": (run) => rests(run).then(() => server.send({ name: `${name}/stop` })),
	};
	for (const [n, end] of Object.entries(ends)) {
		const [run] = await start(server, eventsOf(`${name}/go`, [{ n, k: n, rests: n.startsWith("is") }]));
		await end(run);
		await until(async () => (await server.run(run.run_id)).ended_at, () => `a run that ${n}`);
		const [next, third] = await start(server, eventsOf(`${name}/go`, [{ n: `${n}, then`, k: n }, { n: `${n}, third`, k: n }]));
		await gates.reach(`${n}, then`);
		await waitsFor(server, third, "runs");
		gates.open(`${n}, then`);
		await gates.reach(`${n}, third`);
		gates.open(`${n}, third`);
		await allEnded(server, [next, third]);
	}
});

each("04 A22: a run that takes longer than it may frees its slot", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event, step }) => {
		await step.run("first", () => gates.pass(event.data.n));
		await step.sleep("long", "1h");
	};
	await app({ functions: [gates.fn("long", `${name}/go`, { handler, timeouts: { finish: "1s" }, ...active(1) })] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(3)));
	await gates.drain(3);
	await allEnded(server, runs, "Cancelled");
	assert.deepEqual(gates.begun, upTo(3));
});

each("04 A13: a registration with a higher or a lower limit acts at once", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const limited = (rest) => [gates.fn("changes", `${name}/go`, rest), probe(name)];
	const made = await app({ functions: limited(active(1)) });
	const change = (rest) => {
		made.serve(limited(rest));
		return made.sync();
	};
	const runs = await start(server, eventsOf(`${name}/go`, upTo(9)));
	await gates.reach(0);
	await change(active(3));
	await gates.reach(0, 1, 2);
	await settle(server, name);
	assert.equal(gates.begun.length, 3);
	await change(active(4));
	await gates.reach(0, 1, 2, 3);
	await change(active(1));
	for (const n of [0, 1, 2]) {
		gates.open(n);
		await ended(server, runs[n]);
	}
	await settle(server, name);
	assert.equal(gates.begun.length, 4, "run 3 is still active");
	gates.open(3);
	await gates.reach(4);
	await settle(server, name);
	assert.deepEqual(gates.standing(), [4]);
	await change({});
	await gates.reach(4, 5, 6, 7, 8);
	gates.open(4, 5, 6, 7, 8);
	await allEnded(server, runs);
});

each("04 A13: parallel steps and later steps of a run need no further slot", [V3, V4_PLAIN], async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await Promise.all(["a", "b", "c"].map((id) => step.run(id, () => gates.pass(`${data.n}${id}`, `run ${data.n}`))));
		return step.run("d", () => data.n);
	};
	await app({ functions: [{ id: "wide", event: `${name}/go`, handler, ...active(1) }, probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(2)));
	for (const n of upTo(2)) {
		const steps = ["a", "b", "c"].map((id) => `${n}${id}`);
		await gates.reach(...steps);
		await settle(server, name);
		assert.equal(gates.standing().length, 3);
		gates.open(...steps);
		assert.equal((await ended(server, runs[n])).output, n);
	}
});

each("04 A13, A11: a run that waits for its slot has not used a start of the throttle", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const throttle = { limit: 1, period: "1h", burst: 1 };
	await app({ functions: [gates.fn("both", `${name}/go`, { throttle, ...active(1) }), probe(name)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(4)));
	await gates.reach(0);
	await waitsFor(server, runs[1], "runs");
	await cancel(server, runs[1]);
	gates.open(0);
	await gates.reach(2);
	gates.open(2);
	await ended(server, runs[2]);
	await waitsFor(server, runs[3], "throttle");
	await settle(server, name);
	assert.deepEqual(gates.begun, [0, 2]);
});

each("04 A13, A9: a larger factor takes the slot first", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("both", `${name}/go`, { priority: { run: "event.data.first ? 100 : 0" }, ...active(1) })] });
	const [first, ...later] = eventsOf(`${name}/go`, upTo(5).map((n) => ({ n, first: n > 2 })));
	const runs = await start(server, [first]);
	await gates.reach(0);
	runs.push(...(await start(server, later)));
	for (const run of runs.slice(1)) await waitsFor(server, run, "runs");
	await gates.drain(5);
	await allEnded(server, runs);
	assert.deepEqual(gates.begun, [0, 3, 4, 1, 2]);
});

each("04 A13: slots and waiting runs are kept across kill -9, without a new registration", BOTH, ({ sdk }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await step.run("first", () => gates.pass(`${data.n} first`, data.group));
		await step.waitForEvent("wait", { event: "own/on", timeout: "1h", match: "data.n" });
		await step.run("last", () => gates.pass(`${data.n} last`));
	};
	const functions = [gates.fn("active", "own/go", { handler, ...active(1, "event.data.group") }), probe("own")];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const runs = await start(server, eventsOf("own/go", upTo(6).map((n) => ({ n, group: `g${n % 2}` }))));
		for (const n of [0, 2, 4]) {
			const pair = [n, n + 1];
			await gates.reach(...pair.map((m) => `${m} first`));
			const before = gates.begun.length;
			await again(); // The first calls are in progress.
			await gates.began(before + 2);
			await settle(server, "own");
			assert.deepEqual(gates.standing().sort(), pair.map((m) => `${m} first`));
			for (const m of pair) {
				gates.open(`${m} first`);
				await resting(server, runs[m].event_id, "pause");
			}
			await again(); // The runs are at rest.
			await settle(server, "own");
			assert.deepEqual(gates.standing(), []);
			for (const run of runs.slice(n + 2)) await waitsFor(server, run, "runs");
			for (const m of pair) {
				await server.send({ name: "own/on", data: { n: m } });
				await gates.reach(`${m} last`);
				gates.open(`${m} last`);
				await ended(server, runs[m]);
			}
		}
	});
});

each("05 12.7: the jobs of a run tell that it waits for other runs", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("plain", `${name}/plain`, active(1)), gates.fn("keyed", `${name}/keyed`, active(2, "event.data.k"))] });
	const limits = {
		plain: { scope: "fn", limit: 1, in_use: 1 },
		keyed: { scope: "fn", key: "event.data.k", value: "v", limit: 2, in_use: 2 },
	};
	for (const [id, limit] of Object.entries(limits)) {
		const names = upTo(limit.limit + 2).map((n) => `${id}${n}`);
		const runs = await start(server, eventsOf(`${name}/${id}`, names.map((n) => ({ n, k: "v" }))));
		await gates.reach(...names.slice(0, limit.limit));
		for (const ahead of [0, 1]) {
			const run = runs[limit.limit + ahead];
			assert.deepEqual(await waitsFor(server, run, "runs"), { on: "runs", ...limit, ahead });
			assert.equal((await jobsOf(server, run))[0].Raw.state, "waiting");
		}
		await gates.drain(gates.opened.size + names.length);
		await allEnded(server, runs);
	}
});
