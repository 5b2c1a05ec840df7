// One function, one run: results, steps in a row, sleeps, retries, and what the API shows of them.
import assert from "node:assert/strict";

import { suite, until, watcher } from "./harness.mjs";

const { each } = suite();
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

each("hello", async ({ server, app, name }) => {
	const { calls } = await app({
		functions: [{ id: "hello", event: `${name}/hello`, handler: ({ event }) => ({ hi: event.data.name, n: 1 }) }],
	});
	const [id] = await server.send({ name: `${name}/hello`, data: { name: "bob" } });
	assert.match(id, ULID);
	const [run] = await server.runsEnded(id);
	assert.equal(run.status, "Completed");
	assert.deepEqual(run.output, { hi: "bob", n: 1 });
	assert.equal(run.event_id, id);
	assert.match(run.run_id, ULID);
	assert.match(run.function_id, UUID);
	assert.ok(Date.parse(run.ended_at) >= Date.parse(run.run_started_at));
	assert.equal(calls.length, 1);
	const stored = await server.data(`/v1/events/${id}`);
	assert.equal(stored.internal_id, id);
	assert.deepEqual(stored.data, { name: "bob" });
	assert.deepEqual(await server.data(`/v1/runs/${run.run_id}/jobs`), []);
});

each("the function sees its event", async ({ server, app, name }) => {
	await app({ functions: [{ id: "see", event: `${name}/see`, handler: ({ event, events }) => ({ event, events }) }] });
	const sent = { name: `${name}/see`, id: `${name}-id`, data: { a: [1, { b: null }] }, ts: 1700000000123, v: "2025-1" };
	const { output } = await server.runOf({ ...sent, user: { u: 1 } }, "Completed");
	for (const event of [output.event, ...output.events]) {
		assert.deepEqual({ ...event }, { ...sent, user: { u: 1 } });
	}
	assert.equal(output.events.length, 1);
	const bare = await server.runOf({ name: `${name}/see` }, "Completed");
	assert.match(bare.output.event.id, ULID);
	assert.ok(Math.abs(bare.output.event.ts - Date.now()) < 600_000);
});

each("20 steps in a row", async ({ server, app, name }) => {
	const ran = [];
	const { calls } = await app({
		functions: [
			{
				id: "row",
				event: `${name}/row`,
				handler: async ({ step }) => {
					const values = [];
					for (let i = 0; i < 20; i++) {
						values.push(await step.run(`step ${i}`, () => (ran.push(i), { i, square: i * i })));
					}
					return values;
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/row` }, "Completed");
	assert.deepEqual(run.output, Array.from({ length: 20 }, (_, i) => ({ i, square: i * i })));
	assert.deepEqual(ran, Array.from({ length: 20 }, (_, i) => i), "each step ran once, in order");
	assert.ok(calls.every((call) => call.attempt === 0));
});

each("the same step id many times", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "same",
				event: `${name}/same`,
				handler: async ({ step }) => {
					const values = [];
					for (let i = 0; i < 5; i++) values.push(await step.run("again", () => i));
					return values;
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/same` }, "Completed");
	assert.deepEqual(run.output, [0, 1, 2, 3, 4]);
});

each("sleep and sleepUntil never wake early", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "nap",
				event: `${name}/nap`,
				handler: async ({ step }) => {
					const start = await step.run("start", () => Date.now());
					await step.sleep("nap", "1s");
					const woken = await step.run("woken", () => Date.now());
					const until = await step.run("until", () => Date.now() + 1300);
					await step.sleepUntil("until then", new Date(until));
					const end = await step.run("end", () => Date.now());
					return { start, woken, until, end };
				},
			},
		],
	});
	const { output } = await server.runOf({ name: `${name}/nap` }, "Completed");
	assert.ok(output.woken - output.start >= 1000, `slept ${output.woken - output.start} ms`);
	assert.ok(output.end >= output.until, `${output.until - output.end} ms early`);
});

each("sleeping until a time gone by", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "past",
				event: `${name}/past`,
				handler: async ({ step }) => {
					await step.sleepUntil("past", new Date("2020-01-01T00:00:00Z"));
					return "awake";
				},
			},
		],
	});
	assert.equal((await server.runOf({ name: `${name}/past` }, "Completed")).output, "awake");
});

each("a sleeping run shows its job, and can be cancelled", async ({ server, app, name }) => {
	const watch = watcher("inngest/function.cancelled");
	await app({
		functions: [
			{ id: "long", event: `${name}/long`, handler: ({ step }) => step.sleep("for long", "1h") },
			...watch.functions,
		],
	});
	const [id] = await server.send({ name: `${name}/long` });
	const [{ run_id: runId }] = await server.runsStarted(id);
	const [job] = await until(async () => {
		const jobs = await server.data(`/v1/runs/${runId}/jobs`);
		return jobs.some((item) => item.kind === "sleep") && jobs;
	}, "a sleep job");
	assert.ok(Date.parse(job.at) > Date.now() + 3_000_000, job.at);
	const run = await server.run(runId);
	assert.equal(run.status, "Running");
	assert.equal(run.ended_at, null);
	assert.ok(!("output" in run));
	assert.equal((await server.request(`/v1/runs/${runId}`, { method: "DELETE" })).status, 200);
	const [ended] = await server.runsEnded(id);
	assert.equal(ended.status, "Cancelled");
	const event = await watch.event("inngest/function.cancelled", run);
	assert.equal(event.id, runId);
	assert.equal(event.data._inngest.status, "Cancelled");
	assert.ok(!("result" in event.data) && !("error" in event.data));
	assert.deepEqual(await server.data(`/v1/runs/${runId}/jobs`), []);
});

each("a step that fails twice and then passes", async ({ server, app, name }) => {
	const attempts = [];
	const { calls } = await app({
		functions: [
			{
				id: "flaky",
				event: `${name}/flaky`,
				handler: async ({ step, attempt }) => {
					const before = await step.run("before", () => "b");
					const value = await step.run("flaky", () => {
						attempts.push(attempt);
						if (attempts.length < 3) throw new Error(`failure ${attempts.length}`);
						return "third time lucky";
					});
					return { before, value, after: await step.run("after", () => "a") };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/flaky` }, "Completed");
	assert.deepEqual(run.output, { before: "b", value: "third time lucky", after: "a" });
	assert.deepEqual(attempts, [0, 1, 2]);
	const retries = calls.filter((call) => call.attempt > 0);
	assert.deepEqual(retries.map((call) => call.generation), [2, 3], "a retry is the same job, one generation on");
	assert.equal(new Set(retries.map((call) => call.jobId)).size, 1);
});

each("a function that fails twice outside of its steps", async ({ server, app, name }) => {
	let count = 0;
	await app({
		functions: [
			{
				id: "body",
				event: `${name}/body`,
				handler: ({ attempt }) => {
					if (count++ < 2) throw new Error("not yet");
					return { attempt };
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/body` }, "Completed");
	assert.deepEqual(run.output, { attempt: 2 });
});

each("events that the app itself sends", async ({ server, sdk, app, name }) => {
	const { client } = await app({
		functions: [
			{
				id: "parent",
				event: `${name}/parent`,
				handler: ({ step }) => step.sendEvent("tell", [{ name: `${name}/child`, data: { n: 1 } }, { name: `${name}/child` }]),
			},
			{ id: "child", event: `${name}/child`, handler: ({ event }) => event.data?.n ?? "none" },
		],
	});
	const { ids: [id] } = await client.send({ name: `${name}/parent`, data: {} });
	const [run] = await server.runsEnded(id);
	assert.equal(run.status, "Completed", sdk.name);
	assert.equal(run.output.ids.length, 2);
	const outputs = await Promise.all(run.output.ids.map(async (child) => (await server.runsEnded(child))[0].output));
	assert.deepEqual(outputs, [1, "none"]);
});

each("inngest/function.finished tells the result", async ({ server, app, name }) => {
	const watch = watcher("inngest/function.finished");
	const { id } = await app({
		functions: [{ id: "done", event: `${name}/done`, handler: () => ({ a: [null, "é"] }) }, ...watch.functions],
	});
	const run = await server.runOf({ name: `${name}/done`, data: { x: 1 } }, "Completed");
	const { data } = await watch.event("inngest/function.finished", run);
	assert.equal(data.function_id, `${id}-done`);
	assert.deepEqual(data.result, { a: [null, "é"] });
	assert.deepEqual(data.event.data, { x: 1 });
	assert.equal(data.events.length, 1);
	assert.equal(data._inngest.status, "Completed");
	assert.ok(!("error" in data));
});
