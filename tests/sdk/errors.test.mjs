// Errors: exhausted retries, caught ones, those that forbid or time their retry, and how they are shown.
import assert from "node:assert/strict";

import { suite, until, watcher } from "./harness.mjs";

const { each } = suite();
const FAILED = "inngest/function.failed";

class OrderError extends Error {
	name = "OrderError";
}

function assertFailedEvent({ event, run, functionId, sent }) {
	assert.equal(event.id, run.run_id, "the id of the event is the run's");
	const { data } = event;
	assert.equal(data.function_id, functionId);
	assert.equal(data.run_id, run.run_id);
	assert.equal(data._inngest.status, "Failed");
	assert.equal(data.event.name, sent.name);
	assert.deepEqual(data.event.data, sent.data);
	assert.equal(data.event.id, data.events[0].id);
	assert.equal(data.events.length, 1);
	assert.ok(!("correlation_id" in data));
	return data.error;
}

each("exhausted retries of the function", async ({ server, sdk, app, name }) => {
	const watch = watcher(FAILED);
	const { id, calls } = await app({
		functions: [
			{
				id: "throws",
				event: `${name}/throws`,
				retries: 1,
				handler: ({ attempt }) => {
					throw new OrderError(`no ${attempt}`);
				},
			},
			...watch.functions,
		],
	});
	const sent = { name: `${name}/throws`, data: { order: 7 } };
	const run = await server.runOf(sent, "Failed");
	const errorName = sdk.namesErrors ? "OrderError" : "Error";
	assert.equal(run.output.name, errorName);
	assert.equal(run.output.message, "no 1");
	assert.match(run.output.stack, /OrderError|no 1/);
	assert.deepEqual(calls.filter((call) => call.runId === run.run_id).map((call) => call.attempt), [0, 1]);
	assert.deepEqual(calls.filter((call) => call.runId === run.run_id).map((call) => call.body.ctx.max_attempts), [2, 2]);
	const error = assertFailedEvent({ event: await watch.event(FAILED, run), run, functionId: `${id}-throws`, sent });
	assert.equal(error.name, errorName);
	assert.equal(error.message, "no 1");
	assert.ok(["invalid status code: 500", "NonRetriableError"].includes(error.error), error.error);
	assert.equal(typeof error.stack, "string");
});

each("exhausted retries of a step", async ({ server, sdk, app, name }) => {
	const watch = watcher(FAILED);
	let ran = 0;
	const { id } = await app({
		functions: [
			{
				id: "step-throws",
				event: `${name}/step-throws`,
				retries: 2,
				handler: async ({ step }) => {
					await step.run("fine", () => 1);
					await step.run("bad", () => {
						throw new TypeError(`bad ${++ran}`);
					});
				},
			},
			...watch.functions,
		],
	});
	const sent = { name: `${name}/step-throws`, data: {} };
	const run = await server.runOf(sent, "Failed");
	assert.equal(ran, 3);
	const errorName = sdk.namesErrors ? "TypeError" : "Error";
	assert.equal(run.output.name, errorName);
	assert.equal(run.output.message, "bad 3");
	const error = assertFailedEvent({ event: await watch.event(FAILED, run), run, functionId: `${id}-step-throws`, sent });
	assert.equal(error.name, errorName);
	assert.equal(error.message, "bad 3");
});

each("no retries at all", async ({ server, app, name }) => {
	const { calls } = await app({
		functions: [
			{
				id: "once",
				event: `${name}/once`,
				retries: 0,
				handler: () => {
					throw new Error("once");
				},
			},
		],
	});
	await server.runOf({ name: `${name}/once` }, "Failed");
	assert.equal(calls.length, 1);
	assert.equal(calls[0].body.ctx.max_attempts, 1);
});

each("an error caught and handled", async ({ server, app, name }) => {
	const { calls } = await app({
		functions: [
			{
				id: "caught",
				event: `${name}/caught`,
				retries: 1,
				handler: async ({ step }) => {
					try {
						await step.run("bad", () => {
							throw new TypeError("bad one");
						});
					} catch (error) {
						return step.run("handle", () => `${error.name}: ${error.message}`);
					}
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/caught` }, "Completed");
	assert.equal(run.output, "TypeError: bad one");
	const memo = Object.values(calls.at(-1).body.steps).find((value) => value.error);
	assert.equal(memo.error.name, "TypeError");
	assert.equal(memo.error.message, "bad one");
	assert.equal(typeof memo.error.stack, "string");
	assert.deepEqual(Object.keys(memo), ["error"]);
});

each("a caught error, thrown on as another", async ({ server, app, name, errors }) => {
	await app({
		functions: [
			{
				id: "rethrown",
				event: `${name}/rethrown`,
				handler: async ({ step }) => {
					try {
						await step.run("bad", () => {
							throw new errors.NonRetriableError("inner");
						});
					} catch (error) {
						throw new errors.NonRetriableError(`outer of ${error.message}`, { cause: error });
					}
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/rethrown` }, "Failed");
	assert.equal(run.output.message, "outer of inner");
});

each("NonRetriableError in a step", async ({ server, app, name, errors }) => {
	const watch = watcher(FAILED);
	const functions = [
		{
			id: "stop",
			event: `${name}/stop`,
			handler: async ({ step }) => {
				await step.run("stop", () => {
					throw new errors.NonRetriableError("stop", { cause: new Error("because") });
				});
			},
		},
		...watch.functions,
	];
	const made = await app({ functions });
	const run = await server.runOf({ name: `${name}/stop` }, "Failed");
	assert.equal(run.output.message, "stop");
	assert.deepEqual(made.callsOf(run).map((call) => call.attempt), [0, 0], "the step once, then the function once");
	const { error } = (await watch.event(FAILED, run)).data;
	assert.equal(error.error, "NonRetriableError");
	assert.equal(error.message, "stop");
	assert.equal(error.cause?.message, "because");
});

each("NonRetriableError in the function", async ({ server, app, name, errors }) => {
	const made = await app({
		functions: [
			{
				id: "stop",
				event: `${name}/stop`,
				handler: () => {
					throw new errors.NonRetriableError("stop here");
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/stop` }, "Failed");
	assert.equal(run.output.message, "stop here");
	assert.equal(made.callsOf(run).length, 1);
});

each("RetryAfterError in the function", async ({ server, app, name, errors }) => {
	const { calls } = await app({
		functions: [
			{
				id: "later",
				event: `${name}/later`,
				retries: 2,
				handler: ({ attempt }) => {
					if (attempt === 0) throw new errors.RetryAfterError("later", "3s");
					return `done ${attempt}`;
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/later` }, "Completed");
	assert.equal(run.output, "done 1");
	assert.equal(calls.length, 2);
	const gap = calls[1].at - calls[0].at;
	assert.ok(gap > 1900, `Retry-After: 3 came after ${gap} ms, too early for it (spec 02 §9.3)`);
});

each("RetryAfterError in a step", async ({ server, app, name, errors }) => {
	const at = [];
	await app({
		functions: [
			{
				id: "later",
				event: `${name}/later`,
				retries: 2,
				handler: ({ step }) =>
					step.run("later", () => {
						at.push(Date.now());
						if (at.length === 1) throw new errors.RetryAfterError("later", "3s");
						return "ok";
					}),
			},
		],
	});
	const run = await server.runOf({ name: `${name}/later` }, "Completed");
	assert.equal(run.output, "ok");
	assert.equal(at.length, 2);
	assert.ok(at[1] - at[0] > 1900, `retried after ${at[1] - at[0]} ms`);
});

each("RetryAfterError with a date", async ({ server, app, name, errors }) => {
	let due = 0;
	const { calls } = await app({
		functions: [
			{
				id: "date",
				event: `${name}/date`,
				handler: ({ attempt }) => {
					due ||= Date.now() + 3000;
					if (attempt === 0) throw new errors.RetryAfterError("later", new Date(due));
					return "ok";
				},
			},
		],
	});
	await server.runOf({ name: `${name}/date` }, "Completed");
	assert.ok(calls[1].at >= due - 1000, `${due - calls[1].at} ms early`);
});

each("every step has its own attempts", async ({ server, app, name }) => {
	const failures = {};
	await app({
		functions: [
			{
				id: "budget",
				event: `${name}/budget`,
				retries: 1,
				handler: async ({ step }) => {
					const once = (id) => step.run(id, () => {
						failures[id] = (failures[id] ?? 0) + 1;
						if (failures[id] === 1) throw new Error(`${id} failed`);
						return id;
					});
					return [await once("a"), await once("b")];
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/budget` }, "Completed");
	assert.deepEqual(run.output, ["a", "b"]);
	assert.deepEqual(failures, { a: 2, b: 2 });
});

each("something else than an Error is thrown", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "odd",
				event: `${name}/odd`,
				retries: 0,
				handler: ({ event }) => {
					throw { text: "just text", object: { a: 1 }, number: 42 }[event.data.what];
				},
			},
		],
	});
	for (const what of ["text", "object", "number"]) {
		const run = await server.runOf({ name: `${name}/odd`, data: { what } }, "Failed");
		assert.equal(typeof run.output, "object", JSON.stringify(run.output));
	}
});

each("a failed run starts no second failure", async ({ server, app, name }) => {
	const seen = [];
	await app({
		functions: [
			{
				id: "bad",
				event: `${name}/bad`,
				retries: 0,
				handler: () => {
					throw new Error("bad");
				},
			},
			{
				id: "also-bad",
				event: FAILED,
				retries: 0,
				handler: ({ event }) => {
					if (event.data.function_id.startsWith(name)) seen.push(event.data.function_id);
					throw new Error("bad as well");
				},
			},
		],
	});
	await server.runOf({ name: `${name}/bad` }, "Failed");
	await server.runOf({ name: `${name}/bad` }, "Failed");
	await until(() => seen.length >= 2, "two failures seen");
	assert.deepEqual(seen, [`${name}-bad`, `${name}-bad`]);
});
