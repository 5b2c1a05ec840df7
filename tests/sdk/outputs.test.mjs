// What goes in comes out: shapes of step outputs and results, and their size limits.
import assert from "node:assert/strict";

import { V3, V4, V4_PLAIN, suite, watcher } from "./harness.mjs";

const { each } = suite();
const MEBIBYTE = 1024 * 1024;
const STEP_OUTPUT_MAX = 4 * MEBIBYTE;
const WRAPPING = '{"data":""}'.length;

const deep = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));

// [what, value, what must come back (the same through JSON if absent), what the result of a run becomes, if another]
const SHAPES = [
	["undefined", undefined, null],
	["null", null],
	["empty text", ""],
	["text", "plain"],
	["text that looks like an object", '{"data":1}', '{"data":1}', { data: 1 }], // as a plain 200 body: spec 02 §4.6
	["true", true],
	["false", false],
	["zero", 0],
	["minus zero", -0, 0],
	["integer", 123456789],
	["largest safe integer", Number.MAX_SAFE_INTEGER],
	["beyond safe integers", 2 ** 53 + 2],
	["1e21", 1e21],
	["1e-7", 1e-7],
	["smallest double", 5e-324],
	["largest double", Number.MAX_VALUE],
	["0.1 + 0.2", 0.1 + 0.2],
	["negative", -12.5e-10],
	["NaN", NaN, null],
	["empty array", []],
	["empty object", {}],
	["array with holes", [1, undefined, 3], [1, null, 3]],
	["nested", { a: [{ b: { c: [null, true, "x"] } }], z: {} }],
	["deep", deep(200)],
	["keys like ours", { data: { error: { input: 1 } } }],
	["only an error key", { error: { name: "E", message: "not one" } }],
	["only an id", { id: "x", op: "StepRun" }],
	["awkward keys", { "": 1, " ": 2, "é": 3, "\u2028": 4, '"': 5, "€": 6, "😀": 7, constructor: 8 }],
	["accents", "àéîõü ÅÄÖ ß"],
	["other scripts", "日本語 עברית ไทย Ελληνικά"],
	["emoji", "👋🏽 🎉 👩‍👩‍👧‍👦"],
	["line separators", "a\u2028b\u2029c"],
	["control characters", "\u0000\u0001\b\t\n\v\f\r\u001b\u007f"],
	["markup", "<script>alert('&amp;')</script>"],
	["quotes and slashes", "\"\\/'`"],
	["end of the plane", "\uffff\u{10ffff}"],
	["unpaired high surrogate", "x\ud83dy", "x\ufffdy"],
	["unpaired low surrogate", "x\ude00y", "x\ufffdy"],
	["surrogates the wrong way round", "\ude00\ud83d", "\ufffd\ufffd"],
	["date", new Date(0), "1970-01-01T00:00:00.000Z"],
	["1 MiB of text", "é".repeat(MEBIBYTE / 2)],
	["100,000 numbers", Array.from({ length: 100_000 }, (_, i) => i)],
];

each("step outputs and results of every shape", async ({ server, sdk, app, name }) => {
	const values = new Map(SHAPES.map(([what, value]) => [what, value]));
	await app({
		functions: [
			{
				id: "echo",
				event: `${name}/echo`,
				handler: async ({ event, step }) => {
					const made = await step.run("make", () => values.get(event.data.what));
					await step.sleep("come back", "1s");
					return { made };
				},
			},
			{ id: "result", event: `${name}/result`, handler: ({ event }) => values.get(event.data.what) },
		],
	});
	const check = async ([what, value, expected = JSON.parse(JSON.stringify(value)), ofRun = expected]) => {
		const [echo, result] = await Promise.all([
			server.runOf({ name: `${name}/echo`, data: { what } }, "Completed"),
			server.runOf({ name: `${name}/result`, data: { what } }, "Completed"),
		]);
		assert.deepEqual(echo.output, { made: expected }, `step output: ${what}`);
		assert.deepEqual(result.output ?? null, sdk.checkpoints ? expected : ofRun, `result: ${what}`);
	};
	await Promise.all(SHAPES.map(check));
});

each("event data of every shape", async ({ server, app, name }) => {
	await app({ functions: [{ id: "echo", event: `${name}/echo`, handler: ({ event }) => event.data }] });
	const check = async ([what, value, expected = JSON.parse(JSON.stringify(value))]) => {
		const run = await server.runOf({ name: `${name}/echo`, data: { value: value ?? null } }, "Completed");
		assert.deepEqual(run.output, { value: expected }, what);
	};
	await Promise.all(SHAPES.map(check));
});

each("the largest step output that is allowed", async ({ server, app, name }) => {
	const size = STEP_OUTPUT_MAX - WRAPPING;
	const made = await app({
		functions: [
			{
				id: "full",
				event: `${name}/full`,
				handler: async ({ step }) => {
					const text = await step.run("make", () => "x".repeat(size));
					await step.sleep("come back", "1s");
					return text.length;
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/full` }, "Completed");
	assert.equal(run.output, size);
	const { body } = made.callsOf(run).at(-1);
	assert.equal(body.ctx.use_api, true, "4 MiB of state is not embedded");
	assert.equal(body.use_api, true);
	assert.deepEqual(body.steps, {});
	assert.equal(body.ctx.stack.stack.length, 2);
});

each("a step output over the limit", async ({ server, app, name }) => {
	const watch = watcher("inngest/function.failed");
	let ran = 0;
	const made = await app({
		functions: [
			{
				id: "over",
				event: `${name}/over`,
				retries: 1,
				handler: ({ step }) => step.run("make", () => (ran++, "x".repeat(STEP_OUTPUT_MAX - WRAPPING + 1))),
			},
			...watch.functions,
		],
	});
	const run = await server.runOf({ name: `${name}/over` }, "Failed");
	assert.equal(made.callsOf(run).length, 2, "retried as any attempt");
	assert.equal(ran, 2);
	const text = /^error validating generator opcode [0-9a-f]{40}: step output size is greater than the limit$/;
	const { error } = (await watch.event("inngest/function.failed", run)).data;
	assert.match(error.error, text);
	assert.match(JSON.stringify(run.output), /step output size is greater than the limit/);
});

each("a result of 5 MB", async ({ server, app, name }) => {
	const size = 5_000_000;
	const { sdk } = await app({
		functions: [{ id: "big", event: `${name}/big`, retries: 0, handler: () => "x".repeat(size) }],
	});
	// In checkpointing mode the result is an opcode, bounded as a step's output; else it is a body of up to 8 MiB.
	const run = await server.runOf({ name: `${name}/big` }, sdk.checkpoints ? "Failed" : "Completed");
	if (!sdk.checkpoints) assert.equal(run.output.length, size);
});

each("a response over 8 MiB", [V3, V4_PLAIN], async ({ server, app, name }) => {
	const made = await app({
		functions: [{ id: "huge", event: `${name}/huge`, retries: 0, handler: () => "x".repeat(9 * MEBIBYTE) }],
	});
	const run = await server.runOf({ name: `${name}/huge` }, "Failed");
	assert.match(JSON.stringify(run.output), /exceeds the maximum size limit/);
	assert.equal(made.callsOf(run).length, 1);
});

each("state that no request can carry is fetched", async ({ server, app, name }) => {
	const made = await app({
		functions: [
			{
				id: "state",
				event: `${name}/state`,
				handler: async ({ event, step }) => {
					const x = await step.run("x", () => "x".repeat(2_500_000));
					const y = await step.run("y", () => "y".repeat(2_500_000));
					await step.sleep("come back", "1s");
					const small = await step.run("small", () => "s");
					await step.sleep("and again", "1s");
					return { x: x.length, y: y.length, small, order: event.data.order };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/state`, data: { order: 9 } }, "Completed");
	assert.deepEqual(run.output, { x: 2_500_000, y: 2_500_000, small: "s", order: 9 });
	const fetched = made.callsOf(run).filter((call) => call.body.ctx.use_api);
	assert.ok(fetched.length >= 2);
	assert.ok(fetched.every(({ body }) => body.event.data.order === 9 && Object.keys(body.steps).length === 0));
	const paths = made.requests.map((request) => request.path);
	assert.ok(paths.includes(`/v0/runs/${run.run_id}/actions`));
	assert.ok(paths.includes(`/v0/runs/${run.run_id}/batch`));
});

each("parallel steps over state that must be fetched", [V3, V4], async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "wide",
				event: `${name}/wide`,
				handler: async ({ step }) => {
					const texts = await Promise.all(["a", "b", "c"].map((id) => step.run(id, () => id.repeat(2_000_000))));
					const again = await Promise.all(["d", "e"].map((id, i) => step.run(id, () => texts[i].length)));
					return [...texts.map((text) => text[0] + text.length), ...again];
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/wide` }, "Completed");
	assert.deepEqual(run.output, ["a2000000", "b2000000", "c2000000", 2000000, 2000000]);
});

each("a large event", async ({ server, app, name }) => {
	await app({ functions: [{ id: "large", event: `${name}/large`, handler: ({ event }) => event.data.text.length }] });
	const run = await server.runOf({ name: `${name}/large`, data: { text: "é".repeat(1_500_000) } }, "Completed");
	assert.equal(run.output, 1_500_000);
});

each("more state than a run may have", [V3, V4_PLAIN], async ({ server, app, name }) => {
	const watch = watcher("inngest/function.failed");
	await app({
		functions: [
			{
				id: "hoard",
				event: `${name}/hoard`,
				handler: async ({ step }) => {
					for (let i = 0; i < 9; i++) await step.run(`hoard ${i}`, () => "x".repeat(4_000_000));
				},
			},
			...watch.functions,
		],
	});
	const run = await server.runOf({ name: `${name}/hoard` }, "Failed");
	const { error } = (await watch.event("inngest/function.failed", run)).data;
	assert.match(JSON.stringify(error), /InngestErrStateOverflowed/);
});
