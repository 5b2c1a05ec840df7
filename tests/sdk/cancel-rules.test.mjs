// cancelOn: which events cancel a run (spec 03 §14.8).
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";
import { assertEnds, rester, resting } from "./lives.mjs";

const { each } = suite();

each("a condition over both events", [V3, V4], async ({ server, app, name }) => {
	const rule = { event: `${name}/stop`, if: "event.data.id == async.data.order && async.data.amount > event.data.limit" };
	await app({ functions: [rester("if", `${name}/go`, [rule])] });
	const [id] = await server.send({ name: `${name}/go`, data: { id: "a", limit: 10 } });
	await resting(server, id, "pause");
	const others = [{ order: "a", amount: 10 }, { order: "b", amount: 11 }, { order: "a" }, { amount: 11 }, {}, { order: "a", amount: "11" }];
	await server.send(others.map((data) => ({ name: `${name}/stop`, data })));
	assert.equal((await resting(server, id, "pause")).status, "Running");
	await server.send({ name: `${name}/stop`, data: { order: "a", amount: 10.5 } });
	await assertEnds(server, id, "Cancelled");
});

each("several rules, each of which will do", [V3, V4], async ({ server, app, name }) => {
	const cancelOn = [{ event: `${name}/stop`, match: "data.id" }, { event: `${name}/stop`, if: "async.data.all == true" }, { event: `${name}/closed` }];
	await app({ functions: [rester("rules", `${name}/go`, cancelOn)] });
	for (const event of [{ name: `${name}/stop`, data: { id: "a" } }, { name: `${name}/stop`, data: { all: true } }, { name: `${name}/closed` }]) {
		const [id] = await server.send({ name: `${name}/go`, data: { id: "a" } });
		await resting(server, id, "pause");
		await server.send(event);
		await assertEnds(server, id, "Cancelled");
	}
});

each("a rule whose time is over", [V3, V4], async ({ server, app, name }) => {
	const past = new Date(Date.now() - 60_000);
	await app({
		functions: [
			{
				id: "brief",
				event: `${name}/go`,
				cancelOn: ["1s", past].map((timeout) => ({ event: `${name}/stop`, timeout })),
				handler: async ({ step }) => {
					await step.sleep("until then", "2s");
					await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
					return "went on";
				},
			},
			rester("date", `${name}/rest`, [{ event: `${name}/stop`, timeout: new Date(Date.now() + 3_600_000) }]),
		],
	});
	const [id, other] = await server.send([{ name: `${name}/go` }, { name: `${name}/rest`, data: {} }]);
	await resting(server, id, "pause");
	await resting(server, other, "pause");
	await server.send({ name: `${name}/stop` });
	await assertEnds(server, other, "Cancelled");
	await server.send({ name: `${name}/on` });
	assert.equal((await assertEnds(server, id, "Completed")).output, "went on");
});

each("the end of another run as the event", [V3, V4], async ({ server, app, name }) => {
	const failing = async ({ step }) => {
		await step.sleep("a while", "1s");
		throw new Error("no");
	};
	const rule = { event: "inngest/function.failed", if: `async.data.function_id == "${name}-fails" && async.data.event.data.id == event.data.id` };
	await app({ functions: [rester("told", `${name}/go`, [rule]), { id: "fails", event: `${name}/fail`, retries: 0, handler: failing }] });
	const [a, b] = await server.send(["a", "b"].map((id) => ({ name: `${name}/go`, data: { id } })));
	for (const id of [a, b]) await resting(server, id, "pause");
	await server.runOf({ name: `${name}/fail`, data: { id: "a" } }, "Failed");
	await assertEnds(server, a, "Cancelled");
	await server.send({ name: `${name}/go/on`, data: { id: "b" } });
	await assertEnds(server, b, "Completed");
});

each("an event that starts a run and cancels the one before", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [rester("newest", `${name}/go`, [{ event: `${name}/go`, match: "data.id" }])] });
	const go = { name: `${name}/go`, data: { id: "a" } };
	const [first] = await server.send(go);
	await resting(server, first, "pause");
	const [second] = await server.send(go);
	await assertEnds(server, first, "Cancelled");
	await resting(server, second, "pause");
	// Many at once: the last one stays, also when its sender did not hear of that and sends all of them again.
	const bytes = Buffer.from(name.padEnd(10, "-").slice(0, 10)).toString("base64");
	const headers = { "x-inngest-event-id-seed": `${Date.now()},${bytes}` };
	const many = await server.send(Array(10).fill(go), { headers });
	assert.deepEqual(await server.send(Array(10).fill(go), { headers }), many);
	for (const id of [second, ...many.slice(0, -1)]) await assertEnds(server, id, "Cancelled");
	await resting(server, many[9], "pause");
	await server.send({ name: `${name}/go/on`, data: { id: "a" } });
	await assertEnds(server, many[9], "Completed");
});

each("an event that is waited for and cancels", [V3, V4], async ({ server, app, name }) => {
	const { calls } = await app({ functions: [rester("both", `${name}/go`, [{ event: `${name}/go/on`, match: "data.id" }])] });
	const [id] = await server.send({ name: `${name}/go`, data: { id: "a" } });
	await resting(server, id, "pause");
	const before = calls.length;
	await server.send({ name: `${name}/go/on`, data: { id: "a" } });
	await assertEnds(server, id, "Cancelled");
	assert.equal(calls.length, before);
});

each("a run that the end of another began", [V3, V4], async ({ server, app, name }) => {
	const trigger = { event: "inngest/function.failed", if: `event.data.function_id == "${name}-fails"` };
	const failing = async ({ step }) => {
		await step.sleep("a while", "1s");
		throw new Error("no");
	};
	const ids = {};
	await app({
		functions: [
			{
				id: "after",
				triggers: [trigger],
				cancelOn: [{ event: `${name}/stop`, if: "event.data.event.data.id == async.data.id" }],
				handler: async ({ event, runId, step }) => {
					ids[event.data.event.data.id] = runId;
					await step.waitForEvent("wait", { event: `${name}/on`, timeout: "1h" });
					return "went on";
				},
			},
			{ id: "fails", event: `${name}/fail`, retries: 0, handler: failing },
		],
	});
	for (const id of ["a", "b"]) await server.runOf({ name: `${name}/fail`, data: { id } }, "Failed");
	const runOf = (id) => until(async () => ids[id] && server.run(ids[id]), `the run after ${id}`);
	for (const id of ["a", "b"]) await resting(server, (await runOf(id)).event_id, "pause");
	await server.send({ name: `${name}/stop`, data: { id: "a" } });
	await assertEnds(server, (await runOf("a")).event_id, "Cancelled");
	await server.send({ name: `${name}/on` });
	await assertEnds(server, (await runOf("b")).event_id, "Completed");
});

each("rules that are changed, a function that is removed", [V3, V4], async ({ server, app, name }) => {
	const rule = (event) => [{ event: `${name}/${event}` }];
	const made = await app({ functions: [rester("changes", `${name}/go`, rule("old")), rester("goes", `${name}/other`, rule("gone"))] });
	const start = async (event) => {
		const [id] = await server.send({ name: `${name}/${event}`, data: {} });
		await resting(server, id, "pause");
		return id;
	};
	const [before, removed] = [await start("go"), await start("other")];
	made.serve([rester("changes", `${name}/go`, rule("new"))]);
	await made.sync();
	const after = await start("go");
	await server.send({ name: `${name}/old` });
	await assertEnds(server, before, "Cancelled");
	assert.equal((await resting(server, after, "pause")).ended_at, null);
	await server.send([{ name: `${name}/new` }, { name: `${name}/gone` }]);
	for (const id of [after, removed]) await assertEnds(server, id, "Cancelled");
});
