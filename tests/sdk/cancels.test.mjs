// cancelOn: events that cancel a run, whatever it is doing (spec 03 §14.8, §16.1). Which events do: cancel-rules.
import assert from "node:assert/strict";

import { SDKS, V3, V4, suite, until, watcher } from "./harness.mjs";
import { assertEnds, latch, ownServer, rester, resting, stored } from "./lives.mjs";

const { each } = suite();

each("while it sleeps, and no other run", SDKS, async ({ server, app, name }) => {
	const { calls } = await app({ functions: [rester("sleeps", `${name}/go`, [{ event: `${name}/stop`, match: "data.id" }])] });
	const [a, b] = await server.send(["a", "b"].map((id) => ({ name: `${name}/go`, data: { id, sleeps: true } })));
	await resting(server, a, "sleep");
	await resting(server, b, "sleep");
	const before = calls.length;
	await server.send([{ id: "c" }, {}, { id: null }].map((data) => ({ name: `${name}/stop`, data })));
	await server.send({ name: `${name}/stop`, data: { id: "a" } });
	const run = await assertEnds(server, a, "Cancelled");
	assert.deepEqual(run.output, {});
	assert.ok(Date.parse(run.ended_at) >= Date.parse(run.run_started_at));
	assert.equal((await resting(server, b, "sleep")).status, "Running");
	await server.send({ name: `${name}/stop`, data: { id: "b" } });
	await assertEnds(server, b, "Cancelled");
	assert.equal(calls.length, before, "nobody was called for it");
});

each("while it waits for an event, and no other run", SDKS, async ({ server, app, name }) => {
	await app({ functions: [rester("waits", `${name}/go`, [{ event: `${name}/stop`, match: "data.id" }])] });
	const [a, b] = await server.send(["a", "b"].map((id) => ({ name: `${name}/go`, data: { id } })));
	await resting(server, a, "pause");
	await resting(server, b, "pause");
	await server.send({ name: `${name}/stop`, data: { id: "a" } });
	await assertEnds(server, a, "Cancelled");
	await server.send(["a", "b"].map((id) => ({ name: `${name}/go/on`, data: { id } })));
	assert.equal((await assertEnds(server, b, "Completed")).output, "b");
	await assertEnds(server, a, "Cancelled");
});

each("while a step is running: its answer is dropped", SDKS, async ({ server, sdk, app, name }) => {
	const { open, opened } = latch();
	const ran = [];
	const made = await app({
		functions: [
			{
				id: "busy",
				event: `${name}/go`,
				cancelOn: [{ event: `${name}/stop` }],
				handler: async ({ step }) => {
					await step.run("held", async () => (ran.push("held"), await opened));
					await step.run("next", () => ran.push("next"));
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go` });
	await until(() => ran.length > 0, "the step");
	const before = made.calls.length;
	await server.send({ name: `${name}/stop` });
	const run = await assertEnds(server, id, "Cancelled");
	open();
	await until(() => made.callsOf(run).every((call) => call.reply !== undefined), "the answer");
	// A whole run after the answer: whatever that brought about is done then.
	const [other] = await server.send({ name: `${name}/go` });
	await assertEnds(server, other, "Completed");
	assert.deepEqual(await server.run(run.run_id), run);
	assert.equal(made.callsOf(run).length, before, "no further call");
	// An SDK that reports its steps while it runs goes on in the same call.
	if (!sdk.checkpoints) assert.deepEqual(ran, ["held", "held", "next"]);
});

each("while it is queued: an event of the future", [V3, V4], async ({ server, app, name }) => {
	const { calls } = await app({ functions: [rester("later", `${name}/go`, [{ event: `${name}/stop`, match: "data.id" }])] });
	const [a, b] = await server.send(["a", "b"].map((id) => ({ name: `${name}/go`, data: { id }, ts: Date.now() + 3_600_000 })));
	await server.runsStarted(a);
	await server.send({ name: `${name}/stop`, data: { id: "a" } });
	await assertEnds(server, a, "Cancelled");
	assert.equal((await server.runsStarted(b))[0].ended_at, null);
	assert.equal(calls.length, 0);
});

each("while it is queued: all workers are busy", [V3, V4], ({ sdk }) => {
	const { open, opened } = latch();
	let ran = 0;
	const functions = [
		{ id: "busy", event: "busy", handler: () => (ran++, opened) },
		{ id: "queued", event: "go", cancelOn: [{ event: "stop", match: "data.id" }], handler: ({ event }) => event.data.id },
	];
	return ownServer({ sdk, functions, flags: ["--queue-workers", "1"] }, async ({ server, app }) => {
		const [busy] = await server.send({ name: "busy" });
		await until(() => ran > 0, "the busy worker");
		const [a, b] = await server.send(["a", "b"].map((id) => ({ name: "go", data: { id } })));
		await server.send({ name: "stop", data: { id: "a" } });
		await assertEnds(server, a, "Cancelled");
		open();
		await assertEnds(server, busy, "Completed");
		assert.equal((await assertEnds(server, b, "Completed")).output, "b");
		assert.equal(app.calls.length, 2);
	});
});

each("while it waits for another attempt", [V3, V4], async ({ server, app, name, errors }) => {
	const { calls } = await app({
		functions: [
			{
				id: "retries",
				event: `${name}/go`,
				cancelOn: [{ event: `${name}/stop` }],
				handler: () => {
					throw new errors.RetryAfterError("later", "1h");
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go` });
	await until(() => calls[0]?.reply, "the first attempt");
	await server.send({ name: `${name}/stop` });
	await assertEnds(server, id, "Cancelled");
	assert.equal(calls.length, 1);
});

each("while it is an invoked function's: the caller's step fails", [V3, V4], async ({ server, sdk, app, name }) => {
	const reference = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const invoke = ({ step }) => step.invoke("call", { function: reference, data: { id: "a", sleeps: true } }).catch((error) => error.message);
	const { calls } = await app({
		functions: [rester("inner", `${name}/never`, [{ event: `${name}/stop`, match: "data.id" }]), { id: "outer", event: `${name}/go`, handler: invoke }],
	});
	const [id] = await server.send({ name: `${name}/go` });
	await until(() => calls.some((call) => call.reply?.includes('"Sleep"')), "the sleep");
	await server.send({ name: `${name}/stop`, data: { id: "a" } });
	assert.match((await assertEnds(server, id, "Completed")).output, /cancelled/);
});

each("10 runs that are cancelled and go on at the same time", [V3, V4], async ({ server, app, name }) => {
	const numbers = Array.from({ length: 10 }, (_, i) => `id-${i}`);
	const watch = watcher("inngest/function.finished", "inngest/function.cancelled");
	await app({ functions: [rester("race", `${name}/go`, [{ event: `${name}/stop`, match: "data.id" }]), ...watch.functions] });
	const ids = await server.send(numbers.map((id) => ({ name: `${name}/go`, data: { id } })));
	for (const id of ids) await resting(server, id, "pause");
	await Promise.all(numbers.map((id) => Promise.all(["stop", "go/on"].map((event) => server.send({ name: `${name}/${event}`, data: { id } })))));
	for (const id of ids) {
		const [run] = await server.runsEnded(id);
		await watch.event("inngest/function.finished", run);
		if (run.status === "Cancelled") await watch.event("inngest/function.cancelled", run);
		const told = watch.seen.filter((event) => event.data.run_id === run.run_id);
		assert.deepEqual(told.map((event) => event.data._inngest.status), told.map(() => run.status));
		assert.equal(told.length, run.status === "Cancelled" ? 2 : 1);
	}
});

each("inngest/function.cancelled", SDKS, async ({ server, app, name }) => {
	const watch = watcher("inngest/function.cancelled");
	const { calls, id: appId } = await app({ functions: [rester("told", `${name}/go`, [{ event: `${name}/stop` }]), ...watch.functions] });
	const sent = { id: `${name}-1`, name: `${name}/go`, data: { id: 1 }, ts: 1700000000123 };
	const [id] = await server.send(sent);
	await resting(server, id, "pause");
	await server.send({ name: `${name}/stop` });
	const run = await assertEnds(server, id, "Cancelled");
	await watch.event("inngest/function.cancelled", run);
	const { event } = calls.find((call) => call.fnId.includes("watch") && call.body.event.data.run_id === run.run_id).body;
	event.data.events = event.data.events.map(stored);
	assert.deepEqual(event, {
		id: run.run_id,
		name: "inngest/function.cancelled",
		ts: event.ts,
		user: {},
		data: { function_id: `${appId}-told`, run_id: run.run_id, event: { ...sent, user: {} }, events: [sent], _inngest: { status: "Cancelled" } },
	});
});

each("rules survive kill -9", [V3, V4], ({ sdk }) => {
	const functions = [rester("keeps", "k/go", [{ event: "k/stop", match: "data.id" }])];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const [a, b, c] = await server.send(["a", "b", "c"].map((id) => ({ name: "k/go", data: { id, sleeps: id === "b" } })));
		const [later] = await server.send({ name: "k/go", data: { id: "later" }, ts: Date.now() + 3_600_000 });
		for (const id of [a, c]) await resting(server, id, "pause");
		await resting(server, b, "sleep");
		await again();
		await server.send(["a", "b", "later"].map((id) => ({ name: "k/stop", data: { id } })));
		for (const id of [a, b, later]) await assertEnds(server, id, "Cancelled");
		await again();
		await server.send(["a", "b", "c"].map((id) => ({ name: "k/go/on", data: { id } })));
		await assertEnds(server, c, "Completed");
		for (const id of [a, b, later]) await assertEnds(server, id, "Cancelled");
	});
});
