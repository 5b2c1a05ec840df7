// Many steps and many runs at once.
import assert from "node:assert/strict";

import { V3, V4, suite } from "./harness.mjs";

const { each } = suite();

each("100 parallel steps", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "wide",
				event: `${name}/wide`,
				handler: async ({ step }) => {
					const values = await Promise.all(Array.from({ length: 100 }, (_, i) => step.run(`p${i}`, () => i)));
					return values.reduce((a, b) => a + b);
				},
			},
		],
	});
	assert.equal((await server.runOf({ name: `${name}/wide` }, "Completed")).output, 4950);
});

each("200 runs at once", [V3, V4], async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "one-of-many",
				event: `${name}/many`,
				handler: async ({ event, step }) => {
					const n = await step.run("n", () => event.data.n);
					await step.sleep("a little", "1s");
					return step.run("double", () => n * 2);
				},
			},
		],
	});
	const ids = await server.send(Array.from({ length: 200 }, (_, n) => ({ name: `${name}/many`, data: { n } })));
	for (const [n, id] of ids.entries()) {
		const [run] = await server.runsEnded(id);
		assert.equal(run.status, "Completed");
		assert.equal(run.output, n * 2);
	}
});
