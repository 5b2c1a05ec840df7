// REST v2 and the lists of v1 over runs of a real app: what is listed, shown and traced is what has happened.
import assert from "node:assert/strict";

import { V4_PLAIN, suite, until } from "./harness.mjs";
import { resting } from "./lives.mjs";

const { each, once } = suite();

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

// ---- the description -----------------------------------------------------------------------------------------------

// server.request() compares every reply of v1 and v2 with the server's OpenAPI document: here each operation is met, once
// as it works and with everything wrong that can be.
once("05 12, 13: every operation answers as it is described", async ({ server, app, name }) => {
	const { paths } = await server.document();
	const made = await app({
		sdk: V4_PLAIN,
		functions: [
			{
				id: "all",
				event: `${name}/all`,
				idempotency: "event.data.key",
				concurrency: [{ limit: 5, key: "event.data.k", scope: "env" }, { limit: 3 }],
				throttle: { limit: 1000, period: "1m", burst: 2, key: "event.data.k" },
				priority: { run: "event.data.n" },
				cancelOn: [{ event: `${name}/stop`, match: "data.k", timeout: "1h" }],
				retries: 2,
				handler: async ({ step }) => step.run("work", () => ({ done: true })),
			},
			{ id: "sleepy", event: `${name}/sleepy`, singleton: { mode: "skip" }, handler: ({ step }) => step.sleep("long", "1h") },
			{ id: "waiting", event: `${name}/wait`, handler: ({ step }) => step.waitForSignal("w", { signal: name, timeout: "1h", onConflict: "fail" }) },
			{ id: "batch", event: `${name}/batch`, batchEvents: { maxSize: 2, timeout: "1h", key: "event.data.k" }, handler: () => [1] },
			{ id: "calm", triggers: [{ event: `${name}/calm`, if: "event.data.a == 1" }, { cron: "0 0 1 1 *" }], debounce: { period: "1h", key: "event.data.k" }, rateLimit: { limit: 1, period: "1h" }, handler: () => 1 },
		],
	});
	assert.ok(made);
	const run = await server.runOf({ name: `${name}/all`, data: { n: 1, k: "a" }, user: { id: 1 }, v: "2" }, "Completed");
	const [asleep] = await server.send({ name: `${name}/sleepy` });
	const sleeper = await resting(server, asleep, "sleep");
	const [skipped] = await server.send({ name: `${name}/sleepy` });
	await until(async () => (await server.data(`/v1/events/${skipped}/outcomes`)).length > 0, "an outcome");
	const batch = await server.send([1, 2].map((n) => ({ name: `${name}/batch`, data: { n } })));
	const [batched] = await server.runsEnded(batch[1]);
	const [waits] = await server.send({ name: `${name}/wait` });
	await resting(server, waits, "pause");

	const fn = `/v2/apps/${name}/functions`;
	const cancellation = { app_id: name, function_id: `${name}-all`, started_before: new Date().toISOString() };
	const json = { "content-type": "application/json" };
	// Of an operation: requests that work, [path, body].
	const works = {
		"GET /v1/events": [["/v1/events"], [`/api/v1/events?name=${name}/all&limit=1`]],
		"GET /v1/events/{eventId}": [[`/v1/events/${run.event_id}`]],
		"GET /v1/events/{eventId}/outcomes": [[`/v1/events/${run.event_id}/outcomes`], [`/v1/events/${skipped}/outcomes`]],
		"GET /v1/events/{eventId}/runs": [[`/v1/events/${run.event_id}/runs`], [`/v1/events/${batch[1]}/runs`]],
		"GET /v1/runs": [["/v1/runs?limit=100"]],
		"GET /v1/runs/{runId}": [run, sleeper, batched].map((one) => [`/v1/runs/${one.run_id}`]),
		"GET /v1/runs/{runId}/jobs": [[`/v1/runs/${sleeper.run_id}/jobs`], [`/v1/runs/${run.run_id}/jobs`]],
		"POST /v1/signals": [["/v1/signals", { signal: name, data: { a: 1 } }]],
		"POST /v1/runs/{runId}/metadata": [[`/v1/runs/${run.run_id}/metadata`, { target: { step_id: "work" }, metadata: [{ kind: "userland.a", op: "merge", values: { a: [1] } }] }]],
		"POST /v1/traces/userland": [["/v1/traces/userland", { resourceSpans: [] }], ["/v1/traces/userland", { resourceSpans: [{ scopeSpans: [{ spans: [{ name: "x" }] }] }] }]],
		"GET /v1/functions": [["/v1/functions"]],
		"GET /v1/apps/{appName}/functions": [[`/v1/apps/${name}/functions`]],
		"POST /v1/cancellations": [["/v1/cancellations", cancellation], ["/v1/cancellations", { ...cancellation, started_after: "2020-01-01T00:00:00Z", if: "event.data.k == 'b'" }]],
		"GET /v1/cancellations": [["/v1/cancellations"]],
		"GET /v1/prom/{env}": [["/v1/prom/dev"]],
		"GET /v2/operations": [["/v2/operations"]],
		"GET /v2/health": [["/v2/health"]],
		"GET /v2/account": [["/v2/account"]],
		"GET /v2/envs": [["/v2/envs"], ["/v2/envs?limit=1"]],
		"GET /v2/keys/events": [["/v2/keys/events"]],
		"GET /v2/keys/signing": [["/v2/keys/signing"]],
		"POST /v2/events": [["/v2/events", { name: `${name}/nobody`, data: {} }]],
		"GET /v2/events/{eventId}/runs": [[`/v2/events/${run.event_id}/runs?includeOutput=true`], [`/v2/events/${batch[0]}/runs`]],
		"GET /v2/apps": [["/v2/apps?limit=1"], ["/v2/apps?archived=true"]],
		"GET /v2/apps/{appId}": [[`/v2/apps/${name}`]],
		"GET /v2/apps/{appId}/functions": [[fn], ["/v2/apps/nobody/functions"]],
		"GET /v2/apps/{appId}/functions/{functionId}": ["all", "sleepy", "batch", "calm"].map((id) => [`${fn}/${id}`]),
		"POST /v2/apps/{appId}/functions/{functionId}/invoke": [[`${fn}/all/invoke`, { data: { n: 1 }, idempotencyKey: name }]],
		"POST /v2/apps/{appId}/functions/{functionId}/pause": [[`${fn}/sleepy/pause`, {}]],
		"POST /v2/apps/{appId}/functions/{functionId}/unpause": [[`${fn}/sleepy/unpause`, {}]],
		"GET /v2/apps/{appId}/functions/{functionId}/runs": [[`${fn}/all/runs?includeOutput=true`]],
		"GET /v2/runs": [["/v2/runs?includeOutput=true"], [`/v2/runs?appId=${name}&status=RUNNING`], ["/v2/runs?status=CANCELLED&limit=1"]],
		"GET /v2/runs/{runId}": [run, sleeper, batched].map((one) => [`/v2/runs/${one.run_id}?includeOutput=true`]),
		"GET /v2/runs/{runId}/trace": [run, sleeper, batched].map((one) => [`/v2/runs/${one.run_id}/trace?includeOutput=true`]),
		"POST /v2/runs/{runId}/rerun": [[`/v2/runs/${run.run_id}/rerun`, {}]],
		"POST /v2/runs/{runId}/scores": [[`/v2/runs/${run.run_id}/scores`, [{ name: "s", value: 1 }, { name: "t", value: true, stepId: "work" }, { name: "u", value: 0.5, experiment: { id: "e", variant: "v" } }]]],
		"POST /v2/runs/{runId}/cancel": [[`/v2/runs/${sleeper.run_id}/cancel`, {}]],
	};
	const perform = (method, path, body) => server.request(path, { method, body, headers: body === undefined ? {} : json });
	for (const [operation, requests] of Object.entries(works)) {
		const [method] = operation.split(" ");
		for (const [path, body] of requests) {
			const reply = await perform(method, path, body);
			assert.equal(reply.status, 200, `${method} ${path}: ${reply.text}`);
		}
	}
	// What takes something away, and what conflicts.
	const [{ id }] = (await server.data("/v1/cancellations")).filter((one) => one.function_id === `${name}-all`);
	assert.equal((await perform("DELETE", `/v1/cancellations/${id}`)).status, 200);
	const [last] = await server.send({ name: `${name}/sleepy` });
	const { run_id: lastId } = await resting(server, last, "sleep");
	assert.ok((await perform("DELETE", `/v1/runs/${lastId}`)).status < 300);
	for (const [path, body, status] of [
		[`${fn}/all/invoke`, { data: { n: 1 }, idempotencyKey: name }, 409],
		[`/v2/runs/${run.run_id}/cancel`, {}, 409],
		[`/v2/runs/${sleeper.run_id}/cancel`, {}, 409],
		[`${fn}/calm/invoke`, { data: {} }, 422],
		["/v1/signals", { signal: "nobody waits" }, 404],
	]) {
		const reply = await perform("POST", path, body);
		assert.equal(reply.status, status, `${path}: ${reply.text}`);
	}

	const met = new Set([...Object.keys(works), "DELETE /v1/cancellations/{cancellationId}", "DELETE /v1/runs/{runId}", "GET /v1/stream"]);
	const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
	assert.deepEqual(described.filter((operation) => !met.has(operation)), []);
	// Unknown ids, ids that are none, bodies that are none, and queries that make no sense.
	const wrong = ["x", "01JQDAE4RQF8MBCR55T5AK4KXS", "00000000-0000-4000-8000-000000000000"];
	for (const operation of described) {
		const [method, template] = operation.split(" ");
		if (template === "/v1/stream") continue;
		const replies = wrong.flatMap((text) => {
			const path = template.replaceAll(/\{\w+\}/g, text);
			return (method === "POST" ? ["", "{", "[]", "{}", "null"] : [undefined]).flatMap((body) => [
				perform(method, path, body),
				perform(method, `${path}?limit=x&cursor=%00&status=x&from=x&order=x&timeField=x&received_after=x`, body),
			]);
		});
		for (const reply of await Promise.all(replies)) assert.ok(reply.status < 500 || reply.status === 501, `${operation}: ${reply.status} ${reply.text}`);
	}
});
