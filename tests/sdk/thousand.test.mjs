// The most steps that a run may have (spec 02 §18).
import assert from "node:assert/strict";

import { SDKS, V3, V4, V4_PLAIN, suite, watcher } from "./harness.mjs";

// Every call replays all steps so far, and every ten of them the SDKs wait for a timer of 0 ms, of which node makes one
// of more than 1 ms. In a thousand calls that adds up to minutes in which nothing happens.
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...rest) => (ms ? setTimeout(callback, ms, ...rest) : setImmediate(callback, ...rest));

const { each } = suite();

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

each("1,000 steps in one run", async ({ server, app, name }) => {
	await app({ functions: [counting(name, 1000)] });
	const run = await server.runOf({ name: `${name}/count` }, "Completed");
	assert.equal(run.output, 499_500);
});

each("1,001 steps are too many", [V3, V4_PLAIN], async ({ server, app, name }) => {
	const watch = watcher("inngest/function.failed");
	const made = await app({ functions: [counting(name, 1001), ...watch.functions] });
	const run = await server.runOf({ name: `${name}/count` }, "Failed");
	const { error } = (await watch.event("inngest/function.failed", run)).data;
	assert.match(JSON.stringify(error), /InngestErrFunctionOverflowed/);
	assert.match(JSON.stringify(error), /The function run exceeded the step limit of 1000 steps\./);
	assert.ok(made.callsOf(run).length <= 1001);
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
	assert.match(JSON.stringify(error), /InngestErrFunctionOverflowed/);
});

