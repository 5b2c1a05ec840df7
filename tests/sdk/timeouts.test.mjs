// timeouts.start and timeouts.finish (spec 03 §16.4).
import assert from "node:assert/strict";

import { SDKS, V3, V4, suite, until, watcher } from "./harness.mjs";
import { assertEnds, latch, ownServer, resting } from "./lives.mjs";

const { each } = suite();
const HOUR_MS = 3_600_000;

each("start: a run behind busy workers", [V3, V4], ({ sdk }) => {
	const { open, opened } = latch();
	let ran = 0;
	const functions = [
		{ id: "busy", event: "busy", timeouts: { start: "1h" }, handler: () => (ran++, opened) },
		{ id: "hurried", event: "go", timeouts: { start: "1s" }, handler: () => "in time" },
		{ id: "patient", event: "go", timeouts: { start: "1h", finish: "1h" }, handler: () => "in time" },
	];
	return ownServer({ sdk, functions, flags: ["--queue-workers", "1"] }, async ({ server, app }) => {
		const [busy] = await server.send({ name: "busy" });
		await until(() => ran > 0, "the busy worker");
		const [id] = await server.send({ name: "go" });
		await until(async () => (await server.runsOf(id)).some((run) => run.status === "Cancelled"), "the cancelled run");
		open();
		await assertEnds(server, busy, "Completed");
		const runs = await server.runsEnded(id, 2);
		assert.deepEqual(runs.map((run) => run.status).sort(), ["Cancelled", "Completed"]);
		assert.deepEqual(app.calls.map((call) => call.fnId), ["own-busy", "own-patient"]);
	});
});

each("start: an event of the future counts from its arrival", [V3, V4], async ({ server, app, name }) => {
	const watch = watcher("inngest/function.cancelled");
	const { calls } = await app({ functions: [{ id: "hurried", event: `${name}/go`, timeouts: { start: "1s" }, handler: () => 1 }, ...watch.functions] });
	const [id] = await server.send({ name: `${name}/go`, ts: Date.now() + HOUR_MS });
	const run = await assertEnds(server, id, "Cancelled");
	const { data } = await watch.event("inngest/function.cancelled", run);
	assert.equal(data._inngest.status, "Cancelled");
	assert.ok(!("error" in data) && !("result" in data));
	assert.ok(calls.every((call) => !call.fnId.endsWith("hurried")));
});

each("start: a run that began in time may take longer", SDKS, async ({ server, app, name }) => {
	const made = await app({
		functions: [
			{
				id: "slow",
				event: `${name}/go`,
				timeouts: { start: "1s" },
				handler: async ({ step }) => {
					await step.sleep("longer", "2s");
					return "done";
				},
			},
		],
	});
	const completed = async () => {
		const run = await server.runOf({ name: `${name}/go` });
		if (run.status === "Completed") return run;
		assert.equal(made.callsOf(run).length, 0, "only what has not begun is cancelled");
	};
	assert.equal((await until(completed, "a run that began in time")).output, "done");
});

each("finish: a run that sleeps, one that waits", SDKS, async ({ server, app, name }) => {
	await app({
		functions: [
			{ id: "sleeps", event: `${name}/sleep`, timeouts: { finish: "1s" }, handler: ({ step }) => step.sleep("long", "1h") },
			{
				id: "waits",
				event: `${name}/wait`,
				timeouts: { finish: "1s" },
				handler: ({ step }) => step.waitForEvent("long", { event: `${name}/never`, timeout: "1h" }),
			},
		],
	});
	const ids = await server.send(["sleep", "wait"].map((kind) => ({ name: `${name}/${kind}` })));
	for (const id of ids) await assertEnds(server, id, "Cancelled");
});

each("finish: a step that is tried again and again", SDKS, async ({ server, app, name }) => {
	let ran = 0;
	const made = await app({
		functions: [
			{
				id: "retries",
				event: `${name}/go`,
				retries: 20,
				timeouts: { finish: "3s" },
				handler: ({ step }) =>
					step.run("bad", () => {
						throw new Error(`no ${++ran}`);
					}),
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go` });
	const run = await assertEnds(server, id, "Cancelled");
	assert.ok(ran >= 1 && ran < 20, `${ran}`);
	assert.deepEqual(run.output, {});
	const { length } = made.callsOf(run);
	const [next] = await server.send({ name: `${name}/go` });
	await assertEnds(server, next, "Cancelled");
	assert.ok(made.callsOf(run).length <= length + 1, "no retry after the end");
});

each("finish: a call in flight goes on, its answer is dropped", SDKS, async ({ server, app, name }) => {
	const { open, opened } = latch();
	const made = await app({ functions: [{ id: "held", event: `${name}/go`, timeouts: { finish: "1s" }, handler: ({ step }) => step.run("held", () => opened) }] });
	const [id] = await server.send({ name: `${name}/go` });
	const run = await assertEnds(server, id, "Cancelled");
	open();
	await until(() => made.callsOf(run).every((call) => call.reply !== undefined), "the answer");
	const { length } = made.callsOf(run);
	await app({ id: `${name}-other`, functions: [{ id: "other", event: `${name}/other`, handler: () => 1 }] });
	await server.runOf({ name: `${name}/other` }, "Completed");
	assert.deepEqual(await server.run(run.run_id), run);
	assert.equal(made.callsOf(run).length, length);
});

each("runs that are quick enough", SDKS, async ({ server, app, name }) => {
	const timeouts = { start: "1h", finish: "1h" };
	await app({
		functions: [
			{
				id: "quick",
				event: `${name}/go`,
				timeouts,
				handler: async ({ step }) => {
					await step.sleep("a little", "1s");
					return step.run("end", () => "done");
				},
			},
		],
	});
	const ids = await server.send(Array(10).fill({ name: `${name}/go` }));
	for (const id of ids) assert.equal((await assertEnds(server, id, "Completed")).output, "done");
});

each("limits that are changed while runs exist", [V3, V4], async ({ server, app, name }) => {
	const waiter = (id, timeouts) => ({
		id,
		event: `${name}/go`,
		timeouts,
		handler: async ({ step }) => {
			await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
			return id;
		},
	});
	const made = await app({ functions: [waiter("removed", { finish: "4s" }), waiter("longer", { finish: "4s" })] });
	const [id] = await server.send({ name: `${name}/go` });
	const runs = await server.runsStarted(id, 2);
	made.serve([waiter("removed"), waiter("longer", { finish: "1h" }), { id: "later", event: `${name}/later`, timeouts: { finish: "4s" }, handler: ({ step }) => step.sleep("long", "1h") }]);
	await made.sync();
	const inTime = Date.now() < Math.min(...runs.map((run) => Date.parse(run.run_started_at))) + 4000;
	await server.runOf({ name: `${name}/later` }, "Cancelled");
	await server.send({ name: `${name}/on` });
	const ended = await server.runsEnded(id, 2);
	if (inTime) assert.deepEqual(ended.map((run) => run.output).sort(), ["longer", "removed"]);
});

each("timeouts survive kill -9", [V3, V4], ({ sdk }) => {
	const { open, opened } = latch();
	let held = 0;
	const functions = [
		{ id: "held", event: "k/held", timeouts: { finish: "3s" }, handler: () => (held++, opened) },
		{ id: "starts", event: "k/later", timeouts: { start: "3s" }, handler: () => 1 },
		{ id: "sleeps", event: "k/sleep", timeouts: { finish: "3s" }, handler: ({ step }) => step.sleep("long", "1h") },
		{
			id: "quick",
			event: "k/quick",
			timeouts: { start: "1h", finish: "1h" },
			handler: async ({ step }) => {
				await step.sleep("long", "2s");
				return "done";
			},
		},
	];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const [later] = await server.send({ name: "k/later", ts: Date.now() + HOUR_MS });
		const [asleep, quick, inFlight] = await server.send(["k/sleep", "k/quick", "k/held"].map((name) => ({ name })));
		await until(() => held > 0, "the call in flight");
		await resting(server, asleep, "sleep");
		await resting(server, quick, "sleep");
		await again();
		for (const id of [later, asleep, inFlight]) await assertEnds(server, id, "Cancelled");
		open();
		assert.equal((await assertEnds(server, quick, "Completed")).output, "done");
	});
});
