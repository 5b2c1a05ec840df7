// The most steps that a run may have (spec 02 §18).
import assert from "node:assert/strict";

import { V4, suite, until, watcher } from "./harness.mjs";

// Every call replays all steps so far, and every ten of them the SDKs wait for a timer of 0 ms, of which node makes one
// of more than 1 ms. In a thousand calls that adds up to minutes in which nothing happens.
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...rest) => (ms ? setTimeout(callback, ms, ...rest) : setImmediate(callback, ...rest));

// It is still a minute of the SDK's own time for each run: with n steps it does work of n² in every call.
// INNGEST_TEST_STEPS asks for fewer; the test by hand below always has a thousand.
const steps = Number(process.env.INNGEST_TEST_STEPS ?? 1000);
const { each, once } = suite({ concurrency: 1, timeoutMs: 600_000 });

const counting = (name, steps) => ({
	id: "count",
	event: `${name}/count`,
	retries: 0,
	handler: async ({ step }) => {
		let sum = 0;
		for (let i = 0; i < steps; i++) sum += await step.run(`${i}`, () => i);
		return sum;
	},
});

each(`${steps} steps in one run`, async ({ server, app, name }) => {
	await app({ recorded: false, functions: [counting(name, steps)] });
	const run = await server.runOf({ name: `${name}/count` }, "Completed");
	assert.equal(run.output, (steps * (steps - 1)) / 2);
});

function assertOverflow(error) {
	assert.match(JSON.stringify(error), /InngestErrFunctionOverflowed/);
	assert.match(JSON.stringify(error), /The function run exceeded the step limit of 1000 steps\./);
}

// The same by hand, which takes a second where the SDKs take a minute.
once("1,000 steps and no more", async ({ server, app, name }) => {
	const failures = [];
	const made = await app({
		answer: ({ response, call }) => {
			const { event } = call.body;
			const done = call.body.ctx.stack.stack.length;
			response.setHeader("x-inngest-sdk", "inngest-js:v4.24.0");
			response.setHeader("x-inngest-req-version", "2");
			if (event.name === "inngest/function.failed") failures.push(event.data);
			response.statusCode = event.data.steps > done ? 206 : 200;
			response.end(JSON.stringify(event.data.steps > done ? [{ op: "StepRun", id: `${done}`, data: done }] : { done }));
		},
	});
	await made.register([made.rawFunction("count", `${name}/count`), made.rawFunction("failed", "inngest/function.failed")]);
	const most = await server.runOf({ name: `${name}/count`, data: { steps: 1000 } }, "Completed");
	assert.deepEqual(most.output, { done: 1000 });
	const over = await server.runOf({ name: `${name}/count`, data: { steps: 1001 } }, "Failed");
	const failure = await until(() => failures.find((data) => data.run_id === over.run_id), "inngest/function.failed");
	assertOverflow(failure.error);
	assert.equal(made.callsOf(over).length, 1001);
});

each("1,001 checkpointed steps are too many for another call", [V4], async ({ server, app, name }) => {
	const watch = watcher("inngest/function.failed");
	const { handler, ...count } = counting(name, 1001);
	const more = async (context) => {
		await handler(context);
		await context.step.sleep("come back", "1s");
	};
	await app({ client: { checkpointing: { bufferedSteps: 100 } }, functions: [{ ...count, handler: more }, ...watch.functions] });
	const run = await server.runOf({ name: `${name}/count` }, "Failed");
	const { error } = (await watch.event("inngest/function.failed", run)).data;
	assertOverflow(error);
});

