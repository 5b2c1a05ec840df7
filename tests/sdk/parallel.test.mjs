// Steps side by side: joins, nesting, mixtures with sleeps, failing branches, races.
import assert from "node:assert/strict";

import { V4, V4_PLAIN, sha1, suite } from "./harness.mjs";

const { each } = suite();
const count = (list) => list.reduce((counts, key) => ({ ...counts, [key]: (counts[key] ?? 0) + 1 }), {});

each("10 parallel steps and a join", async ({ server, app, name }) => {
	const ran = [];
	await app({
		functions: [
			{
				id: "wide",
				event: `${name}/wide`,
				handler: async ({ step }) => {
					const ids = Array.from({ length: 10 }, (_, i) => `p${i}`);
					const values = await Promise.all(ids.map((id, i) => step.run(id, () => (ran.push(id), i * 10))));
					const sum = await step.run("join", () => (ran.push("join"), values.reduce((a, b) => a + b)));
					return { values, sum };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/wide` }, "Completed");
	assert.deepEqual(run.output, { values: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90], sum: 450 });
	assert.equal(ran.at(-1), "join");
	assert.ok(Object.values(count(ran)).every((times) => times === 1), `each step ran once: ${ran}`);
});

each("parallel steps run side by side", async ({ server, app, name }) => {
	let inside = 0;
	let most = 0;
	let open;
	const gate = new Promise((done) => (open = done));
	await app({
		functions: [
			{
				id: "together",
				event: `${name}/together`,
				handler: ({ step }) =>
					Promise.all(
						Array.from({ length: 4 }, (_, i) =>
							step.run(`p${i}`, async () => {
								most = Math.max(most, ++inside);
								if (inside === 4) open();
								await gate;
								inside--;
								return i;
							}),
						),
					),
			},
		],
	});
	const run = await server.runOf({ name: `${name}/together` }, "Completed");
	assert.deepEqual(run.output, [0, 1, 2, 3]);
	assert.equal(most, 4);
});

each("nested parallel", async ({ server, app, name }) => {
	const ran = [];
	await app({
		functions: [
			{
				id: "nested",
				event: `${name}/nested`,
				handler: async ({ step }) => {
					const branch = async (id) => {
						const first = await step.run(`${id} first`, () => (ran.push(`${id} first`), id));
						const inner = await Promise.all(
							["x", "y"].map((leaf) => step.run(`${id} ${leaf}`, () => (ran.push(`${id} ${leaf}`), first + leaf))),
						);
						return step.run(`${id} last`, () => (ran.push(`${id} last`), inner.join("+")));
					};
					const all = await Promise.all(["a", "b", "c"].map(branch));
					return step.run("end", () => (ran.push("end"), all));
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/nested` }, "Completed");
	assert.deepEqual(run.output, ["ax+ay", "bx+by", "cx+cy"]);
	assert.equal(ran.length, 13, `each step ran once: ${ran}`);
	assert.equal(new Set(ran).size, 13);
});

each("two groups, one after the other", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "groups",
				event: `${name}/groups`,
				handler: async ({ step }) => {
					const one = await Promise.all([step.run("a", () => 1), step.run("b", () => 2)]);
					const middle = await step.run("middle", () => one[0] + one[1]);
					const two = await Promise.all([step.run("c", () => middle + 1), step.run("d", () => middle + 2)]);
					return [...one, middle, ...two];
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/groups` }, "Completed");
	assert.deepEqual(run.output, [1, 2, 3, 4, 5]);
});

each("steps and sleeps side by side", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "mixed",
				event: `${name}/mixed`,
				handler: async ({ step }) => {
					const start = await step.run("start", () => Date.now());
					const [a, slept] = await Promise.all([step.run("a", () => "a"), step.sleep("nap", "1s")]);
					const end = await step.run("end", () => Date.now());
					return { a, slept: slept ?? null, waited: end - start >= 1000 };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/mixed` }, "Completed");
	assert.deepEqual(run.output, { a: "a", slept: null, waited: true });
});

each("only sleeps side by side", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "sleeps",
				event: `${name}/sleeps`,
				handler: async ({ step }) => {
					await Promise.all([step.sleep("one", "1s"), step.sleep("two", "1s"), step.sleep("three", "2s")]);
					return step.run("end", () => "rested");
				},
			},
		],
	});
	assert.equal((await server.runOf({ name: `${name}/sleeps` }, "Completed")).output, "rested");
});

each("a branch that fails alone and is retried", async ({ server, app, name }) => {
	const ran = [];
	await app({
		functions: [
			{
				id: "one-fails",
				event: `${name}/one-fails`,
				retries: 2,
				handler: async ({ step, attempt }) => {
					const values = await Promise.all([
						step.run("good", () => (ran.push("good"), "good")),
						step.run("flaky", () => {
							ran.push(`flaky ${attempt}`);
							if (attempt < 2) throw new Error("not yet");
							return "well";
						}),
					]);
					return step.run("end", () => values);
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/one-fails` }, "Completed");
	assert.deepEqual(run.output, ["good", "well"]);
	assert.deepEqual(count(ran), { good: 1, "flaky 0": 1, "flaky 1": 1, "flaky 2": 1 });
});

each("a branch that fails for good, caught", async ({ server, app, name, errors }) => {
	await app({
		functions: [
			{
				id: "caught",
				event: `${name}/caught`,
				handler: async ({ step }) => {
					const results = await Promise.allSettled([
						step.run("good", () => 1),
						step.run("bad", () => {
							throw new errors.NonRetriableError("never");
						}),
						step.run("also good", () => 3),
					]);
					return step.run("end", () => results.map(({ status, value, reason }) => [status, value ?? reason?.message]));
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/caught` }, "Completed");
	assert.deepEqual(run.output, [["fulfilled", 1], ["rejected", "never"], ["fulfilled", 3]]);
});

each("a branch that fails for good, not caught", async ({ server, app, name, errors }) => {
	await app({
		functions: [
			{
				id: "uncaught",
				event: `${name}/uncaught`,
				retries: 0,
				handler: ({ step }) =>
					Promise.all([
						step.run("good", () => 1),
						step.run("bad", () => {
							throw new errors.NonRetriableError("never");
						}),
					]),
			},
		],
	});
	const run = await server.runOf({ name: `${name}/uncaught` }, "Failed");
	assert.equal(run.output.message, "never");
});

each("a race asks again after each of its branches", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const made = await app({
		functions: [
			{
				id: "race",
				event: `${name}/race`,
				handler: ({ step, group }) =>
					group.parallel({ mode: "race" }, () =>
						Promise.race([step.run("fast", () => "fast"), step.sleep("slow", "2s").then(() => "slow")])),
			},
		],
	});
	const run = await server.runOf({ name: `${name}/race` }, "Completed");
	assert.equal(run.output, "fast");
	const stacks = made.callsOf(run).filter((call) => call.stepId === "step").map((call) => call.body.ctx.stack.stack);
	assert.deepEqual(stacks, [[], [sha1("fast")], [sha1("fast"), sha1("slow")]]);
});

each("parallel without the SDK's optimisation", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const { calls } = await app({
		client: { optimizeParallelism: false },
		functions: [
			{
				id: "plain",
				event: `${name}/plain`,
				handler: async ({ step }) => {
					const values = await Promise.all(["a", "b", "c"].map((id) => step.run(id, () => id)));
					return step.run("end", () => values.join(""));
				},
			},
		],
	});
	assert.equal((await server.runOf({ name: `${name}/plain` }, "Completed")).output, "abc");
	assert.ok(calls.slice(1).every((call) => call.version === 1));
});
