// What goes when its time is over, what stays, and that the file does not grow: --retention and --history (docs/api.md).
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inngest } from "./cli.mjs";
import { assertFails, query } from "./graphql.mjs";
import { App, Server, V4_PLAIN, suite, until } from "./harness.mjs";

const { each } = suite({ server: false, concurrency: 3 });

// A server with a file and one app, which `body` gets; all of it is cleared away behind it.
async function withServer({ sdk, name, flags, functions }, body) {
	const directory = await mkdtemp(join(tmpdir(), "inngest-retention-"));
	const server = await Server.start({ directory, flags: ["--no-poll", "--persist", ...flags] });
	const app = await App.start({ server, sdk, id: name, functions });
	const file = async () => (await stat(join(directory, ".inngest", "main.db"))).size;
	await body({ server, app, file });
	await app.retire();
	if (!server.exit) await server.stop();
	await rm(directory, { recursive: true, force: true });
}

const RUNS = `query ($filter: RunsFilterV2!) {
	runs(first: 40, orderBy: [{ field: QUEUED_AT, direction: ASC }], filter: $filter) { totalCount edges { node { id status } } } }`;
const listed = async (server) => {
	const { runs } = await query(server, RUNS, { filter: { from: "2020-01-01T00:00:00Z" } });
	assert.equal(runs.totalCount, runs.edges.length);
	return runs.edges.map(({ node }) => node.id);
};
const TRACE = `query ($id: String!) { run(runID: $id) { status trace { name status outputID childrenSpans { name status outputID } } } }`;
const RERUN = "mutation ($runID: ULID!, $fromStep: RerunFromStepInput) { rerun(runID: $runID, fromStep: $fromStep) }";
const OUTPUT = "query ($id: String!) { runTraceSpanOutputByID(outputID: $id) { data error { message } } }";

// One that ends at once, and one that waits for `release`, which comes after everything else has gone.
const quick = (name) => ({
	id: "quick",
	event: `${name}/quick`,
	handler: async ({ event, step }) => (await step.run("first", () => `${event.data.secret}!`)) + (await step.run("last", () => "?")),
});
const lasting = (name) => ({
	id: "lasting",
	event: `${name}/lasting`,
	handler: async ({ event, step }) => {
		const kept = await step.run("kept", () => "memo");
		const { data } = await step.waitForEvent("release", { event: `${name}/release`, timeout: "1h" });
		return [event.data.secret, kept, data.n];
	},
});

async function begin(server, name) {
	const [open] = await server.send({ name: `${name}/lasting`, data: { secret: "open" } });
	const [{ run_id: openRun }] = await server.runsStarted(open);
	const [closed] = await server.send({ name: `${name}/quick`, data: { secret: "closed" } });
	const [{ run_id: closedRun, output }] = await server.runsEnded(closed);
	assert.equal(output, "closed!?");
	return { open, openRun, closed, closedRun };
}

each("runs and events go with all that is stored of them; what is under way stays", [V4_PLAIN], async ({ sdk, name }) => {
	const flags = ["--retention", "5s"];
	await withServer({ sdk, name, flags, functions: [quick(name), lasting(name)] }, async ({ server }) => {
		const { open, openRun, closed, closedRun } = await begin(server, name);
		const { outputID } = (await query(server, TRACE, { id: closedRun })).run.trace;
		const [alone] = await server.send({ name: `${name}/nobody` });
		// The event that is older than those that went is still there, as its run is not over.
		await until(async () => !(await listed(server)).includes(closedRun), "the run to go");
		for (const id of [closed, alone])
			await until(async () => (await server.request(`/v1/events/${id}`)).status === 404, `event ${id} to go`);
		assert.equal((await server.request(`/v1/runs/${closedRun}`)).status, 404);
		assert.equal((await server.request(`/v2/runs/${closedRun}`)).status, 404);
		await assertFails(server, OUTPUT, { id: outputID }, /./);
		assert.deepEqual(await listed(server), [openRun]);
		assert.equal((await server.data(`/v1/events/${open}`)).data.secret, "open");
		assert.deepEqual((await query(server, TRACE, { id: openRun })).run.status, "RUNNING");
		await server.send({ name: `${name}/release`, data: { n: 3 } });
		assert.deepEqual((await server.runsEnded(open))[0].output, ["open", "memo", 3]);
		// Then it is its turn.
		await until(async () => (await listed(server)).length === 0, "the last run to go");
		await until(async () => (await server.request(`/v1/events/${open}`)).status === 404, "its event to go");
	});
});

each("payloads alone go: times, names and states stay, and nothing is run again without its data", [V4_PLAIN], async ({ sdk, name }) => {
	const flags = ["--retention-payloads", "4s"];
	await withServer({ sdk, name, flags, functions: [quick(name), lasting(name)] }, async ({ server }) => {
		const { open, openRun, closed, closedRun } = await begin(server, name);
		const before = (await query(server, TRACE, { id: closedRun })).run;
		const shape = ({ name: of, status, childrenSpans }) => [of, status, ...(childrenSpans ?? []).map(shape)];
		const event = await until(async () => {
			const now = await server.data(`/v1/events/${closed}`);
			return now.data_removed && now;
		}, "the event's data to go");
		assert.equal(event.data, null);
		assert.equal(event.name, `${name}/quick`);
		const run = await server.run(closedRun);
		assert.equal(run.status, "Completed");
		assert.equal(run.output, null);
		assert.ok(run.ended_at);
		const after = (await query(server, TRACE, { id: closedRun })).run;
		assert.equal(after.status, "COMPLETED");
		assert.deepEqual(shape(after.trace), shape(before.trace));
		assert.doesNotMatch(JSON.stringify(await server.request(`/v2/runs/${closedRun}/trace?includeOutput=true`)), /closed!/);
		// Neither way of running it again makes up what is missing.
		const reply = await server.request(`/v2/runs/${closedRun}/rerun`, { method: "POST", body: {} });
		assert.equal(reply.status, 410, reply.text);
		assert.equal(reply.json.errors[0].code, "payload_removed");
		const refusal = /removed by retention; it cannot be run again/;
		await assertFails(server, RERUN, { runID: closedRun }, refusal);
		await assertFails(server, RERUN, { runID: closedRun, fromStep: { stepID: "last" } }, refusal);
		const { code, err } = await inngest(["runs", "rerun", closedRun, "--api-host", server.url]);
		assert.equal(code, 1);
		assert.match(err, refusal);
		// Older, but needed.
		const kept = await server.data(`/v1/events/${open}`);
		assert.equal(kept.data.secret, "open");
		assert.equal(kept.data_removed, undefined);
		await server.kill();
		await server.spawn();
		await server.send({ name: `${name}/release`, data: { n: 4 } });
		await until(async () => (await server.run(openRun)).status === "Completed", "the open run to end");
		await until(async () => (await server.data(`/v1/events/${open}`)).data_removed, "its event's data to go");
		assert.deepEqual(new Set(await listed(server)), new Set([openRun, closedRun]));
	});
});

each("the file does not grow", [V4_PLAIN], async ({ sdk, name }) => {
	const flags = ["--retention", "2s"];
	const functions = [{ id: "large", event: `${name}/large`, handler: ({ step }) => step.run("a", () => "o".repeat(100_000)) }];
	await withServer({ sdk, name, flags, functions }, async ({ server, file }) => {
		const data = { text: "x".repeat(100_000) };
		let first;
		for (let wave = 0; wave < 4; wave++) {
			const ids = await server.send(Array.from({ length: 20 }, () => ({ name: `${name}/large`, data })));
			for (const id of ids)
				await until(async () => (await server.request(`/v1/events/${id}`)).status === 404, `event ${id} to go`);
			assert.deepEqual(await listed(server), []);
			first ??= await file();
		}
		assert.ok((await file()) < 2 * first + 4_000_000, `${first} at first, then ${await file()}`);
		// Free pages are given back until few are left, and when the server ends the file is cut behind the last one.
		await until(async () => {
			await server.stop();
			if ((await file()) < 4_000_000) return true;
			await server.spawn();
			const [id] = await server.send({ name: `${name}/nobody` });
			return until(async () => (await server.request(`/v1/events/${id}`)).status === 404, `event ${id} to go`).then(() => false);
		}, async () => `a small file, not ${await file()} bytes`);
	});
});

each("without history nothing of ended runs stays", [V4_PLAIN], async ({ sdk, name }) => {
	const flags = ["--history", "none"];
	let ended = 0;
	const functions = [{
		id: "large",
		event: `${name}/large`,
		handler: async ({ step }) => {
			const text = await step.run("a", () => "o".repeat(200_000));
			await step.run("b", () => "o".repeat(200_000));
			ended++;
			return text.length;
		},
	}];
	await withServer({ sdk, name, flags, functions }, async ({ server, app, file }) => {
		for (let wave = 1; wave <= 6; wave++) {
			await server.send(Array.from({ length: 8 }, () => ({ name: `${name}/large` })));
			await until(() => ended === 8 * wave, `wave ${wave}`);
		}
		assert.deepEqual(await listed(server), []);
		assert.equal(app.calls.length > 0, true);
		await server.stop();
		assert.ok((await file()) < 8_000_000, `${await file()} bytes`); // 19 MB of results went through it
	});
});

each("without history a run under way can still be cancelled", [V4_PLAIN], async ({ sdk, name }) => {
	const flags = ["--history", "none"];
	const functions = [{ id: "long", event: `${name}/long`, handler: async ({ step }) => step.sleep("nap", "1h") }];
	await withServer({ sdk, name, flags, functions }, async ({ server }) => {
		const post = (path) => server.request(path, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
		const invoke = await server.request(`/v2/apps/${name}/functions/long/invoke`, { method: "POST", body: JSON.stringify({ data: {} }) });
		const { runId } = invoke.json.data;
		assert.equal((await post(`/v2/runs/${runId}/cancel`)).status, 200);
		assert.equal((await post(`/v2/runs/${runId}/cancel`)).status, 404);
		assert.deepEqual((await server.request(`/v1/runs/${runId}/jobs`)).json.data ?? [], []);
	});
});
