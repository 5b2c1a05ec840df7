// REST v2 and the lists of v1 over runs of a real app: what is listed, shown and traced is what has happened.
import assert from "node:assert/strict";

import { suite } from "./harness.mjs";

const { each } = suite();

async function get(server, path, status = 200) {
	const reply = await server.request(path);
	assert.equal(reply.status, status, `${path}: ${reply.text}`);
	return reply.json;
}

const idsOf = (runs) => (runs ?? []).map((run) => run.id);

each("05 13.8, 13.10: apps, functions and runs", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "two",
				event: `${name}/two`,
				handler: async ({ step }) => {
					const n = await step.run("one", () => 1);
					await step.sleep("nap", "10ms");
					return step.run("last", () => n + 1);
				},
			},
			{
				id: "bad",
				event: `${name}/bad`,
				retries: 0,
				handler: () => {
					throw new Error("no");
				},
			},
		],
	});
	const good = await server.runOf({ name: `${name}/two` }, "Completed");
	const bad = await server.runOf({ name: `${name}/bad` }, "Failed");

	const shown = (await get(server, `/v2/apps/${name}`)).data;
	assert.equal(shown.id, name);
	assert.equal(shown.functionCount, 2);
	const { data: functions } = await get(server, `/api/v2/apps/${name}/functions`);
	assert.deepEqual(functions.map((fn) => fn.id).sort(), ["bad", "two"]);
	const fn = (await get(server, `/v2/apps/${name}/functions/bad`)).data;
	assert.deepEqual(fn.configuration.retries, { isDefault: false });
	assert.deepEqual(fn.triggers, [{ type: "EVENT", value: `${name}/bad` }]);

	const listed = await get(server, `/v2/runs?appId=${name}&includeOutput=true`);
	assert.deepEqual(idsOf(listed.data), [bad.run_id, good.run_id]);
	assert.deepEqual(listed.data[1].output, { data: 2 });
	assert.equal(listed.data[0].output.error.message, "no");
	assert.deepEqual(idsOf((await get(server, `/v2/runs?appId=${name}&status=FAILED`)).data), [bad.run_id]);
	assert.deepEqual(idsOf((await get(server, `/v2/apps/${name}/functions/two/runs`)).data), [good.run_id]);
	assert.deepEqual(idsOf((await get(server, `/v2/events/${bad.event_id}/runs`)).data), [bad.run_id]);
	const item = (await get(server, `/v2/runs/${good.run_id}`)).data;
	assert.equal(item.status, "COMPLETED");
	assert.deepEqual(item.function, { id: "two", name: "two" });
	assert.ok(Date.parse(item.queuedAt) <= Date.parse(item.startedAt));
	assert.ok(Date.parse(item.startedAt) <= Date.parse(item.endedAt));
	assert.equal((await get(server, "/v2/runs?functionId=two", 400)).errors[0].code, "invalid_field_format");

	const v1 = (await get(server, `/api/v1/runs?appId=${name}&limit=1`)).data;
	assert.deepEqual(v1.map((run) => run.run_id), [bad.run_id]);
	const next = (await get(server, `/v1/runs?appId=${name}&cursor=${bad.run_id}`)).data;
	assert.deepEqual(next.map((run) => run.run_id), [good.run_id]);
	assert.equal((await get(server, "/api/v1/functions")).data.filter((one) => one.id.startsWith(`${name}-`)).length, 2);
});

each("05 13.10: pages of runs meet each run once", async ({ server, app, name }) => {
	await app({ functions: [{ id: "many", event: `${name}/many`, handler: () => null }] });
	const ids = await server.send(Array.from({ length: 25 }, () => ({ name: `${name}/many` })));
	const runs = [];
	for (const id of ids) runs.push((await server.runsEnded(id))[0].run_id);
	for (const query of ["", "&order=ASC", "&timeField=endedAt"]) {
		const met = [];
		let cursor = "";
		do {
			const page = await get(server, `/v2/runs?appId=${name}&limit=10${query}${cursor && `&cursor=${cursor}`}`);
			met.push(...idsOf(page.data));
			cursor = page.page.hasMore ? encodeURIComponent(page.page.cursor) : "";
		} while (cursor);
		assert.deepEqual(met.sort(), [...runs].sort(), query);
	}
});

each("05 13.10: a trace", async ({ server, app, name }) => {
	await app({
		functions: [{ id: "traced", event: `${name}/traced`, handler: ({ step }) => step.run("work", () => ({ done: true })) }],
	});
	const run = await server.runOf({ name: `${name}/traced`, data: { a: 1 } }, "Completed");
	const { runId, rootSpan } = (await get(server, `/v2/runs/${run.run_id}/trace?includeOutput=true`)).data;
	assert.equal(runId, run.run_id);
	assert.equal(rootSpan.status, "COMPLETED");
	assert.deepEqual(rootSpan.output, { done: true });
	assert.equal(rootSpan.input.data[0].data.a, 1);
	const step = rootSpan.children.find((span) => span.name === "work" && span.output);
	assert.equal(step.stepOp, "RUN");
	assert.deepEqual(step.output, { done: true });
	const bare = (await get(server, `/v2/runs/${run.run_id}/trace`)).data.rootSpan;
	assert.equal(bare.output, undefined);
	await get(server, "/v2/runs/01JQDAE4RQF8MBCR55T5AK4KXS/trace", 404);
});
