// At most one run at a time (spec 04 §A10, 03 §17).
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";
import { Gates, allEnded, cancel, ended, eventsOf, outcomeOf, probe, settle, start, upTo, waitsFor } from "./turns.mjs";
import { ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const skip = { singleton: { mode: "skip" } };
const replace = { singleton: { mode: "cancel" } };
const keyed = (key, mode = "skip") => ({ singleton: { mode, key } });

// Sends one event that is to be skipped as long as this run lasts.
async function assertSkipped(server, event, holder) {
	const [id] = await server.send(event);
	const { outcome, reason, run_id: runId, other_id: otherId, at } = await outcomeOf(server, id);
	assert.deepEqual([outcome, reason, otherId], ["Skipped", "Singleton", holder.run_id]);
	assert.match(runId, ULID);
	assert.notEqual(runId, otherId);
	assert.ok(Date.parse(at));
	assert.deepEqual(await server.runsOf(id), [], "skipped runs are in no list");
}

// ---- skip ----------------------------------------------------------------------------------------------------------

each("04 A10: skip", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("single", `${name}/go`, skip), probe(name)] });
	const [first] = await start(server, eventsOf(`${name}/go`, [0]));
	await gates.reach(0);
	for (const n of [1, 2]) await assertSkipped(server, { name: `${name}/go`, data: { n } }, first);
	gates.open(0);
	await ended(server, first);
	const [later] = await start(server, eventsOf(`${name}/go`, [3]));
	await gates.drain(2);
	await ended(server, later);
	await settle(server, name);
	assert.deepEqual(gates.begun, [0, 3]);
});

each("04 A10: of events that come together the first one runs", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("single", `${name}/go`, skip), probe(name)] });
	const ids = await server.send(eventsOf(`${name}/go`, upTo(20)));
	const [first] = await server.runsStarted(ids[0]);
	for (const id of ids.slice(1)) assert.equal((await outcomeOf(server, id)).other_id, first.run_id);
	await gates.drain(1);
	await ended(server, first);
	assert.deepEqual(gates.begun, [0]);
});

each("04 A10: a run at rest, and one that waits for its turn, is active", BOTH, async ({ server, errors, app, name }) => {
	const gates = new Gates();
	const key = "event.data.rest";
	const handler = async ({ event: { data }, step, attempt }) => {
		if (data.rest === "sleep") await step.sleep("long", "1h");
		if (data.rest === "event") await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
		if (data.rest === "retry" && attempt === 0) throw new errors.RetryAfterError("later", "1h");
		await gates.pass(data.rest);
	};
	await app({ functions: [{ id: "rests", event: `${name}/go`, handler, retries: 1, concurrency: 1, ...keyed(key) }] });
	const list = ["sleep", "event", "retry", "held", "queued"].map((rest) => ({ name: `${name}/go`, data: { rest } }));
	const runs = await start(server, list);
	await gates.reach("held");
	await waitsFor(server, runs[4], "concurrency");
	for (const [n, event] of list.entries()) await assertSkipped(server, event, runs[n]);
	await server.send({ name: `${name}/on` });
	await gates.drain(3);
	await allEnded(server, [runs[1], runs[3], runs[4]]);
	assert.deepEqual([...gates.begun].sort(), ["event", "held", "queued"]);
});

each("04 A10: the lock is free when its run has ended, in any way", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data } }) => {
		await gates.pass(data.n);
		if (data.n === "fails") throw new Error("no");
	};
	await app({ functions: [gates.fn("single", `${name}/go`, { handler, ...skip, cancelOn: [{ event: `${name}/stop` }] })] });
	const ends = {
		completes: () => gates.open("completes"),
		fails: () => gates.open("fails"),
		"is cancelled": (run) => cancel(server, run),
		"is stopped": () => server.send({ name: `${name}/stop` }),
	};
	for (const [n, end] of Object.entries(ends)) {
		const [run] = await start(server, eventsOf(`${name}/go`, [n]));
		await gates.reach(n);
		await assertSkipped(server, { name: `${name}/go`, data: { n: "not" } }, run);
		await end(run);
		await until(async () => (await server.run(run.run_id)).ended_at, () => `a run that ${n}`);
	}
	const [last] = await start(server, eventsOf(`${name}/go`, ["last"]));
	await gates.reach("last");
	gates.open("last", "is cancelled", "is stopped");
	await ended(server, last);
});

// ---- cancel --------------------------------------------------------------------------------------------------------

each("04 A10: cancel", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("single", `${name}/go`, replace), probe(name)] });
	const runs = [];
	for (const n of upTo(3)) {
		runs.push(...(await start(server, eventsOf(`${name}/go`, [n]))));
		await gates.reach(n);
		if (n > 0) await ended(server, runs[n - 1], "Cancelled");
	}
	gates.open(0, 1, 2);
	await ended(server, runs[2]);
	// The one that has ended is let be.
	const [later] = await start(server, eventsOf(`${name}/go`, [3]));
	await gates.drain(4);
	await ended(server, later);
	assert.equal((await server.run(runs[2].run_id)).status, "Completed");
});

each("04 A10: of events that come together the last one runs", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("single", `${name}/go`, replace)] });
	const runs = await start(server, eventsOf(`${name}/go`, upTo(20)));
	await allEnded(server, runs.slice(0, -1), "Cancelled");
	await gates.reach(19);
	gates.open(...gates.standing());
	await ended(server, runs[19]);
});

each("04 A10: cancel ends a run at rest, or in a line", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		if (data.rests) await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
		await gates.pass(data.n);
	};
	await app({ functions: [gates.fn("rests", `${name}/go`, { handler, concurrency: 1, ...keyed("event.data.group", "cancel") }), probe(name)] });
	const one = (n, group, rests) => start(server, eventsOf(`${name}/go`, [{ n, group, rests }]));
	const [rests] = await one("rests", "a", true);
	await resting(server, rests.event_id, "pause");
	const [holder] = await one("holder", "b");
	await gates.reach("holder");
	const [line] = await one("line", "a");
	await ended(server, rests, "Cancelled");
	await waitsFor(server, line, "concurrency");
	const [last] = await one("last", "a");
	await ended(server, line, "Cancelled");
	await server.send({ name: `${name}/on` });
	gates.open("holder");
	await gates.reach("last");
	gates.open("last");
	await allEnded(server, [holder, last]);
	await settle(server, name);
	assert.deepEqual(gates.begun, ["holder", "last"]);
});

each("03 6.2: a duplicate event does not cancel the holder", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	await app({ functions: [gates.fn("cancels", `${name}/go`, replace), gates.fn("skips", `${name}/other`, skip), probe(name)] });
	for (const event of ["go", "other"]) {
		const twice = { id: `${name}-${event}`, name: `${name}/${event}`, data: { n: event } };
		const [run] = await start(server, [twice]);
		await gates.reach(event);
		const [again] = await server.send(twice);
		const { outcome, other_id: otherId } = await outcomeOf(server, again);
		assert.deepEqual([outcome, otherId], ["Duplicate", run.run_id]);
		await settle(server, name);
		assert.equal((await server.run(run.run_id)).status, "Running");
		gates.open(event);
		await ended(server, run);
	}
	assert.deepEqual(gates.begun, ["go", "other"]);
});

// ---- keys ----------------------------------------------------------------------------------------------------------

for (const mode of ["skip", "cancel"]) {
	each(`04 A10: each value of the key has a run of its own (${mode})`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		await app({ functions: [gates.fn("keyed", `${name}/go`, keyed("event.data.k", mode)), probe(name)] });
		const values = ["a", "b", 1, true, null, "", { x: 1 }];
		const list = values.map((k, n) => ({ n, k }));
		const runs = await start(server, eventsOf(`${name}/go`, list));
		await gates.reach(...list.keys());
		// The number 1 and its text are one value (spec 04 §A4).
		const second = { name: `${name}/go`, data: { n: "second", k: "1" } };
		if (mode === "skip") {
			await assertSkipped(server, second, runs[2]);
		} else {
			await start(server, [second]);
			await ended(server, runs[2], "Cancelled");
			await gates.reach("second");
		}
		gates.open(...gates.standing());
		await allEnded(server, runs.filter((_, n) => mode === "skip" || n !== 2));
	});
}

const NO_KEYS = [
	["false", "event.data.k", [{ k: false }, { k: false }]],
	["nothing", "event.data.k", [{}, {}]],
	["an error", "event.data.k > 1", [{ k: "x" }, { k: "x" }]],
	["an undeclared variable", "nobody.knows", [{ k: 1 }, { k: 1 }]],
];

for (const mode of ["skip", "cancel"]) {
	each(`04 A10: a key that is false or no value is no singleton (${mode})`, BOTH, async ({ server, app, name }) => {
		const gates = new Gates();
		await app({ functions: NO_KEYS.map(([, key], id) => gates.fn(`f${id}`, `${name}/${id}`, keyed(key, mode))) });
		const runs = [];
		for (const [id, [what, , list]] of NO_KEYS.entries()) {
			runs.push(...(await start(server, eventsOf(`${name}/${id}`, list.map((data, n) => ({ ...data, n: `${what} ${n}` }))))));
		}
		await gates.reach(...NO_KEYS.flatMap(([what]) => [0, 1].map((n) => `${what} ${n}`)));
		gates.open(...gates.standing());
		await allEnded(server, runs);
	});
}

// ---- runs that no event starts -------------------------------------------------------------------------------------

each("04 A10: a skipped invoke fails at once", BOTH, async ({ server, sdk, app, name }) => {
	const gates = new Gates();
	const inner = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const handler = ({ step }) =>
		step.invoke("call", { function: inner, data: { n: "invoked" }, timeout: "1h" }).catch((error) => `failed: ${error.message}`);
	await app({ functions: [gates.fn("inner", `${name}/inner`, skip), { id: "outer", event: `${name}/go`, retries: 0, handler }] });
	const [holder] = await start(server, eventsOf(`${name}/inner`, ["holder"]));
	await gates.reach("holder");
	const { output } = await server.runOf({ name: `${name}/go` }, "Completed");
	assert.match(output, /^failed: .*singleton/i);
	gates.open("holder");
	await ended(server, holder);
	const [outer] = await start(server, [{ name: `${name}/go` }]);
	await gates.reach("invoked");
	gates.open("invoked");
	assert.equal((await ended(server, outer)).output, "invoked");
	assert.deepEqual(gates.begun, ["holder", "invoked"]);
});

each("04 A10: an invoked run that is cancelled fails its invoke", BOTH, async ({ server, sdk, app, name }) => {
	const gates = new Gates();
	const inner = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const handler = ({ step }) =>
		step.invoke("call", { function: inner, data: { n: "invoked" }, timeout: "1h" }).catch((error) => `failed: ${error.message}`);
	await app({ functions: [gates.fn("inner", `${name}/inner`, replace), { id: "outer", event: `${name}/go`, retries: 0, handler }] });
	const [outer] = await start(server, [{ name: `${name}/go` }]);
	await gates.reach("invoked");
	const [last] = await start(server, eventsOf(`${name}/inner`, ["last"]));
	assert.match((await ended(server, outer)).output, /^failed: /);
	await gates.reach("last");
	gates.open("invoked", "last");
	await ended(server, last);
});

each("03 17: reruns and invocations obey the singleton", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const functions = { skips: skip, cancels: replace };
	await app({ functions: Object.entries(functions).map(([id, rest]) => gates.fn(id, `${name}/${id}`, rest)) });
	const post = (path, body) => server.request(path, { method: "POST", body });
	for (const id of Object.keys(functions)) {
		const [first] = await start(server, eventsOf(`${name}/${id}`, [`${id} first`]));
		await gates.reach(`${id} first`);
		gates.open(`${id} first`);
		await ended(server, first);
		const [holder] = await start(server, eventsOf(`${name}/${id}`, [`${id} holder`]));
		await gates.reach(`${id} holder`);
		const rerun = await post(`/v2/runs/${first.run_id}/rerun`);
		if (id === "skips") {
			assert.ok(rerun.status >= 400, rerun.text);
			const invoked = await post(`/v2/apps/${name}/functions/${id}/invoke`, { data: { n: "invoked" } });
			assert.deepEqual([invoked.status, invoked.json.errors[0].code], [422, "function_skipped"]);
			assert.equal((await server.run(holder.run_id)).status, "Running");
			gates.open(`${id} holder`);
			await ended(server, holder);
		} else {
			assert.equal(rerun.status, 200, rerun.text);
			await ended(server, holder, "Cancelled");
			gates.open(`${id} holder`);
			await ended(server, { run_id: rerun.json.data.runId });
		}
	}
	assert.ok(!gates.begun.includes("invoked"));
});

each("03 20.3: a tick that is skipped is over, and does not hold up the next ones", BOTH, async ({ app }) => {
	const gates = new Gates();
	const ticks = [];
	const watched = [];
	const handler = async ({ event }) => {
		ticks.push(event.data.scheduledAt);
		await gates.pass(ticks.length);
	};
	const clock = (id, rest) => ({ id, triggers: [{ cron: "* * * * * *" }], retries: 0, ...rest });
	await app({ functions: [clock("single", { handler, ...skip }), clock("watch", { handler: ({ event }) => watched.push(event.data.scheduledAt) })] });
	await gates.reach(1);
	const skipped = () => watched.filter((at) => at > ticks[0]).sort();
	await until(() => skipped().length >= 3, () => `three more ticks: ${watched}`);
	const over = skipped().slice(0, 2);
	assert.equal(ticks.length, 1);
	gates.open(1);
	await gates.reach(2);
	assert.ok(ticks[1] > over[1], `${ticks[1]} is later than ${over}`);
	gates.open(2);
});

// ---- new configurations, new starts --------------------------------------------------------------------------------

each("03 22: the mode is that of the latest registration, and runs of before have no lock that they did not take", BOTH, async ({ server, app, name }) => {
	const gates = new Gates();
	const made = await app({ functions: [gates.fn("changes", `${name}/go`)] });
	const runs = await start(server, eventsOf(`${name}/go`, ["free"]));
	await gates.reach("free");
	const change = (rest) => {
		made.serve([gates.fn("changes", `${name}/go`, rest)]);
		return made.sync();
	};
	await change(skip);
	runs.push(...(await start(server, eventsOf(`${name}/go`, ["first"]))));
	await gates.reach("first");
	await assertSkipped(server, { name: `${name}/go`, data: { n: "not" } }, runs[1]);
	await change(replace);
	runs.push(...(await start(server, eventsOf(`${name}/go`, ["second"]))));
	await ended(server, runs[1], "Cancelled");
	await gates.reach("second");
	await change({});
	runs.push(...(await start(server, eventsOf(`${name}/go`, ["third"]))));
	await gates.reach("free", "second", "third");
	gates.open("free", "first", "second", "third");
	for (const n of [0, 2, 3]) await ended(server, runs[n]);
});

each("04 A22: locks are kept across kill -9", BOTH, ({ sdk }) => {
	const gates = new Gates();
	const handler = async ({ event: { data }, step }) => {
		await step.waitForEvent("wait", { event: "own/on", timeout: "1h" });
		await gates.pass(data.n);
	};
	const functions = [gates.fn("skips", "own/skips", { handler, ...skip }), gates.fn("cancels", "own/cancels", { handler, ...replace })];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const [skips] = await start(server, eventsOf("own/skips", ["skips"]));
		const [cancels] = await start(server, eventsOf("own/cancels", ["cancels"]));
		for (const run of [skips, cancels]) await resting(server, run.event_id, "pause");
		await again();
		await assertSkipped(server, { name: "own/skips", data: { n: "not" } }, skips);
		const [later] = await start(server, eventsOf("own/cancels", ["later"]));
		await ended(server, cancels, "Cancelled");
		await resting(server, later.event_id, "pause");
		await again();
		await server.send({ name: "own/on" });
		await gates.drain(2);
		await allEnded(server, [skips, later]);
		await again();
		const [last] = await start(server, eventsOf("own/skips", ["last"]));
		await resting(server, last.event_id, "pause");
		await server.send({ name: "own/on" });
		await gates.drain(3);
		await ended(server, last);
		assert.deepEqual([...gates.begun].sort(), ["last", "later", "skips"]);
	});
});
