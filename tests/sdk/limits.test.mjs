// Many steps and many runs at once.
import assert from "node:assert/strict";

import { V3, V4, Server, suite, until } from "./harness.mjs";
import { resting } from "./lives.mjs";

const { each, once } = suite();

async function functionId(server, slug) {
	const found = (await server.data("/v1/functions")).find((one) => one.id === slug);
	return found.internal_id;
}

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

// ---- set for one function (05 11.4) ----------------------------------------------------------------------------------

async function change(server, method, path, status = 200) {
	const reply = await server.request(path, { method });
	assert.equal(reply.status, status, `${method} ${path}: ${reply.text}`);
	return reply.json?.error;
}

each("05 11.4: limits of one function", async ({ server, app, name }) => {
	const handler = async ({ event, step }) => {
		for (let i = 0; i < event.data.steps; i++) await step.run(`s${i}`, () => "x".repeat(event.data.size));
		return "done";
	};
	await app({ functions: ["a", "b"].map((id) => ({ id, event: `${name}/${id}`, retries: 0, handler })) });
	const id = await functionId(server, `${name}-a`);
	const run = (fn, steps, size = 1) => server.runOf({ name: `${name}/${fn}`, data: { steps, size } });
	const message = async (ended) => JSON.stringify((await ended).output);

	await change(server, "POST", `/fn/step-limit?functionId=${id}&limit=3`);
	assert.equal((await run("a", 3)).status, "Completed");
	assert.match(await message(run("a", 4)), /The function run exceeded the step limit of 3 steps\./);
	assert.equal((await run("b", 4)).status, "Completed");
	await change(server, "DELETE", `/fn/step-limit?functionId=${id}`);
	assert.equal(await change(server, "DELETE", `/fn/step-limit?functionId=${id}`, 404), `No step limit set for function: ${id}`);
	assert.equal((await run("a", 4)).status, "Completed");

	await change(server, "POST", `/fn/state-size-limit?functionId=${id}&limit=5000`);
	assert.equal((await run("a", 3, 1000)).status, "Completed");
	assert.equal((await run("a", 8, 1000)).status, "Failed");
	await change(server, "DELETE", `/fn/state-size-limit?functionId=${id}`);
	assert.equal(await change(server, "DELETE", `/fn/state-size-limit?functionId=${id}`, 404), `No state size limit set for function: ${id}`);
	assert.equal((await run("a", 8, 1000)).status, "Completed");
	assert.equal(await change(server, "POST", `/fn/step-limit?functionId=${id}&limit=many`, 400), "Invalid limit: many");
});

// ---- the testing API (05 16) -----------------------------------------------------------------------------------------

once("05 16: the testing API", async ({ app, name }) => {
	const server = await Server.start({ flags: ["--no-poll"], env: { TEST_MODE: "true" } });
	await app({ server, sdk: V4, functions: [{ id: "sleepy", event: `${name}/sleepy`, handler: ({ step }) => step.sleep("nap", "1h") }] });
	const fnId = await functionId(server, `${name}-sleepy`);
	const accountId = "00000000-0000-4000-a000-000000000000";
	const post = async (path, fields) => {
		const headers = { "content-type": "application/x-www-form-urlencoded" };
		const reply = await server.request(path, { method: "POST", headers, body: new URLSearchParams(fields).toString() });
		assert.equal(reply.status, 200, reply.text);
		assert.equal(reply.text, "ok");
	};
	const size = async () => (await server.request(`/test/queue/function-queue-size?accountId=${accountId}&fnId=${fnId}`)).json.count;
	assert.equal((await server.request("/test")).text, "OK");
	assert.equal(await size(), 0);
	const ids = await server.send([1, 2, 3].map(() => ({ name: `${name}/sleepy` })));
	const runs = [];
	for (const id of ids) runs.push(await resting(server, id, "sleep"));
	assert.equal(await size(), 3);
	await post("/test/function/runs/cancel", { accountId, fnId, runId: runs[0].run_id });
	assert.equal((await server.data(`/v1/runs/${runs[0].run_id}`)).status, "Cancelled");
	assert.equal(await size(), 2);
	await post("/test/function/pause", { fnId });
	const [skipped] = await server.send({ name: `${name}/sleepy` });
	await until(async () => (await server.data(`/v1/events/${skipped}/outcomes`)).length > 0, "an outcome");
	await post("/test/reset", {});
	assert.equal(await size(), 0);
	for (const { run_id: id } of runs) assert.equal((await server.data(`/v1/runs/${id}`)).status, "Cancelled");
	const [again] = await server.send({ name: `${name}/sleepy` });
	await resting(server, again, "sleep");
	await server.stop();
});
