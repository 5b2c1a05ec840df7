// onFailure, and what inngest/function.finished and .failed say (spec 03 §15.3, §15.4).
import assert from "node:assert/strict";

import { SDKS, V3, V4, suite, until, watcher } from "./harness.mjs";
import { ownServer, resting, stored } from "./lives.mjs";

const { each } = suite();
const FAILED = "inngest/function.failed";
const FINISHED = "inngest/function.finished";

const fails = (id, event, rest = {}) => ({
	id,
	event,
	retries: 0,
	handler: ({ event: { data } }) => {
		throw new Error(`${id} of ${data.n}`);
	},
	...rest,
});

each("onFailure gets the error and the event, of its own function only", SDKS, async ({ server, app, name }) => {
	const got = [];
	const onFailure = (id) => ({ event, error, runId }) => void got.push({ id, event, error, runId });
	const { id: appId } = await app({
		functions: [
			fails("a", `${name}/a`, { onFailure: onFailure("a") }),
			fails("b", `${name}/b`, { onFailure: onFailure("b") }),
			{ id: "fine", event: `${name}/b`, handler: () => "fine", onFailure: onFailure("fine") },
		],
	});
	const a = await server.runOf({ name: `${name}/a`, id: `${name}-1`, data: { n: 1 }, user: { u: 1 } }, "Failed");
	await until(() => got.length === 1, "onFailure of a");
	const [b] = await server.send({ name: `${name}/b`, data: { n: 2 } });
	const run = (await server.runsEnded(b, 2)).find(({ status }) => status === "Failed");
	await until(() => got.length === 2, "onFailure of b");
	assert.deepEqual(got.map((one) => one.id), ["a", "b"]);
	assert.deepEqual(got.map((one) => one.error.message), ["a of 1", "b of 2"]);
	assert.ok(got.every((one) => one.error instanceof Error && one.event.name === FAILED && one.runId !== one.event.data.run_id));
	assert.deepEqual(got.map((one) => one.event.data.run_id), [a.run_id, run.run_id]);
	assert.deepEqual(got.map((one) => one.event.data.function_id), [`${appId}-a`, `${appId}-b`]);
	const { data, id, user } = got[0].event.data.event;
	assert.deepEqual({ data, id, user }, { data: { n: 1 }, id: `${name}-1`, user: { u: 1 } });
});

each("onFailure has steps and attempts of its own", SDKS, async ({ server, app, name }) => {
	const ran = [];
	let ended;
	const made = await app({
		functions: [
			fails("bad", `${name}/bad`, {
				onFailure: async ({ step, attempt, runId }) => {
					await step.run("note", () => ran.push(`note ${attempt}`));
					await step.sleep("a while", "1s");
					if (attempt === 0) throw new Error("once more");
					ended = runId;
				},
			}),
		],
	});
	const run = await server.runOf({ name: `${name}/bad`, data: {} }, "Failed");
	await until(() => ended, "the second attempt");
	assert.deepEqual(ran, ["note 0"]);
	assert.notEqual(ended, run.run_id);
	assert.ok(made.calls.filter((call) => call.fnId.endsWith("-failure")).every((call) => call.body.ctx.max_attempts === 2));
	assert.equal((await until(async () => (await server.run(ended)).status === "Completed", "its end")), true);
});

each("an onFailure that fails tells nobody", [V3, V4], async ({ server, app, name }) => {
	const watch = watcher(FAILED, FINISHED);
	let failure;
	await app({
		functions: [
			fails("bad", `${name}/bad`, {
				onFailure: ({ runId }) => {
					failure = { run_id: runId };
					throw new Error("bad as well");
				},
			}),
			...watch.functions,
		],
	});
	const first = await server.runOf({ name: `${name}/bad`, data: {} }, "Failed");
	for (const event of [FAILED, FINISHED]) await watch.event(event, first);
	await until(async () => failure && (await server.run(failure.run_id)).status === "Failed", "the failure of onFailure");
	const { run_id: runId } = failure;
	const second = await server.runOf({ name: `${name}/bad`, data: {} }, "Failed");
	for (const event of [FAILED, FINISHED]) await watch.event(event, second);
	assert.ok(watch.seen.every((event) => event.data.run_id !== runId));
});

each("a cancelled run is no failure", [V3, V4], async ({ server, app, name }) => {
	const failed = [];
	const onFailure = ({ event }) => void failed.push(event.data.run_id);
	await app({
		functions: [
			{
				id: "both",
				event: `${name}/go`,
				retries: 0,
				cancelOn: [{ event: `${name}/stop` }],
				onFailure,
				handler: async ({ event, step }) => {
					if (!event.data.fails) await step.sleep("long", "1h");
					throw new Error("no");
				},
			},
		],
	});
	const [id] = await server.send({ name: `${name}/go`, data: {} });
	await resting(server, id, "sleep");
	await server.send({ name: `${name}/stop` });
	assert.equal((await server.runsEnded(id))[0].status, "Cancelled");
	const run = await server.runOf({ name: `${name}/go`, data: { fails: true } }, "Failed");
	await until(() => failed.length > 0, "onFailure");
	assert.deepEqual(failed, [run.run_id]);
});

each("a trigger with a condition on the failed function", [V3, V4], async ({ server, app, name }) => {
	const seen = [];
	const condition = `event.data.function_id == "${name}-a" && event.data.error.message.contains("of 7")`;
	const picky = { id: "picky", triggers: [{ event: FAILED, if: condition }], handler: ({ event }) => void seen.push(event.data.run_id) };
	const first = { id: "first", triggers: [{ event: FAILED, if: `event.data.event.data.n == 7 && event.data.events[0].name == "${name}/b"` }], handler: ({ event }) => void seen.push(event.data.run_id) };
	await app({ functions: [fails("a", `${name}/a`), fails("b", `${name}/b`), picky, first] });
	for (const [kind, n] of [["a", 6], ["b", 6], ["b", "7"]]) await server.runOf({ name: `${name}/${kind}`, data: { n } }, "Failed");
	const a = await server.runOf({ name: `${name}/a`, data: { n: 7 } }, "Failed");
	await until(() => seen.length === 1, "the failure of a");
	const b = await server.runOf({ name: `${name}/b`, data: { n: 7 } }, "Failed");
	await until(() => seen.length === 2, "the failure of b");
	assert.deepEqual(seen, [a.run_id, b.run_id]);
});

// The internal events about a run, as the server sent them.
async function bodies({ calls }, watch, run, ...names) {
	const found = [];
	for (const name of names) {
		await watch.event(name, run);
		const { event } = calls.find(({ body }) => body.event.name === name && body.event.data.run_id === run.run_id).body;
		event.data.events = event.data.events.map(stored);
		found.push(event);
	}
	return found;
}

each("the bodies for a failed run", SDKS, async ({ server, app, name }) => {
	const watch = watcher(FAILED, FINISHED);
	const made = await app({ functions: [fails("bad", `${name}/bad`), ...watch.functions] });
	const sent = { id: `${name}-1`, name: `${name}/bad`, data: { n: 1 }, user: { u: 1 }, v: "2", ts: 1700000000123 };
	const run = await server.runOf(sent, "Failed");
	const [failed, finished] = await bodies(made, watch, run, FAILED, FINISHED);
	const { error, result } = failed.data;
	const data = { function_id: `${name}-bad`, run_id: run.run_id, event: sent, events: [sent], error, result, _inngest: { status: "Failed" } };
	assert.deepEqual(failed, { id: run.run_id, name: FAILED, ts: failed.ts, user: {}, data });
	assert.match(finished.id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
	assert.notEqual(finished.id, run.run_id);
	assert.deepEqual(finished, { ...failed, id: finished.id, name: FINISHED });
	// v4 forbids a retry when there is none left.
	const kind = made.callsOf(run)[0].replyHeaders["x-inngest-no-retry"] === "true" ? "NonRetriableError" : "invalid status code: 500";
	assert.deepEqual({ ...error, stack: "" }, { error: kind, name: "Error", message: "bad of 1", stack: "" });
	assert.equal(result.message, "bad of 1");
	assert.equal(result.stack, error.stack);
});

for (const [what, value] of [["an object", { a: [1, null] }], ["null", null], ["text", "done"]]) {
	each(`the body for a completed run: ${what}`, SDKS, async ({ server, app, name }) => {
		const watch = watcher(FINISHED);
		const made = await app({ functions: [{ id: "fine", event: `${name}/fine`, handler: () => value }, ...watch.functions] });
		const sent = { id: `${name}-1`, name: `${name}/fine`, data: {}, ts: 1700000000123 };
		const run = await server.runOf(sent, "Completed");
		const [finished] = await bodies(made, watch, run, FINISHED);
		const data = { function_id: `${name}-fine`, run_id: run.run_id, event: { ...sent, user: {} }, events: [sent], result: value, _inngest: { status: "Completed" } };
		assert.deepEqual(finished, { id: finished.id, name: FINISHED, ts: finished.ts, user: {}, data });
	});
}

each("the bodies for invoked runs", SDKS, async ({ server, sdk, app, name }) => {
	const watch = watcher(FAILED, FINISHED);
	const reference = sdk.lib.referenceFunction({ appId: name, functionId: "inner" });
	const made = await app({
		functions: [
			{
				id: "outer",
				event: `${name}/go`,
				handler: ({ event, step }) => step.invoke("call", { function: reference, data: event.data }).catch((error) => error.message),
			},
			{
				id: "inner",
				event: `${name}/never`,
				retries: 0,
				handler: ({ event, runId }) => {
					if (event.data.fails) throw new Error(runId);
					return runId;
				},
			},
			...watch.functions,
		],
	});
	for (const isBad of [false, true]) {
		const run = await server.runOf({ name: `${name}/go`, data: { fails: isBad } }, "Completed");
		const inner = { run_id: run.output };
		const [finished, failed] = await bodies(made, watch, inner, ...(isBad ? [FINISHED, FAILED] : [FINISHED]));
		const { data } = finished;
		const keys = ["_inngest", "correlation_id", ...(isBad ? ["error"] : []), "event", "events", "function_id", "result", "run_id"];
		assert.deepEqual(Object.keys(data).sort(), keys);
		assert.ok(data.correlation_id.startsWith(`${run.run_id}.`));
		assert.equal(data.event.name, "inngest/function.invoked");
		assert.equal(data.event.data._inngest.correlation_id, data.correlation_id);
		assert.equal(data.function_id, `${name}-inner`);
		if (isBad) assert.deepEqual(failed.data, data);
		const [outer] = await bodies(made, watch, run, FINISHED);
		assert.ok(!("correlation_id" in outer.data));
	}
});

each("onFailure survives kill -9", [V3, V4], ({ sdk }) => {
	const failed = [];
	const functions = [
		{
			id: "bad",
			event: "k/bad",
			retries: 0,
			onFailure: async ({ event, step }) => {
				await step.sleep("a while", "2s");
				failed.push(event.data.event.data.n);
			},
			handler: ({ event: { data } }) => {
				throw new Error(`no ${data.n}`);
			},
		},
	];
	return ownServer({ sdk, functions, flags: ["--persist"] }, async ({ server, again }) => {
		const ids = await server.send([1, 2, 3].map((n) => ({ name: "k/bad", data: { n } })));
		for (const id of ids) assert.equal((await server.runsEnded(id))[0].status, "Failed");
		await again();
		await until(() => new Set(failed).size === 3, () => `onFailure of all: ${failed}`);
	});
});
