// Our own spans at an OpenTelemetry collector (spec 05 §24): they are those of the tree, each arrives, whatever happens.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Collector, attributesOf } from "./collector.mjs";
import { App, SDKS, Server, V4_PLAIN, freePort, suite, until } from "./harness.mjs";
import { ask, ended } from "./traces.mjs";

const { each, once } = suite({ server: false });
const SOON = { OTEL_BSP_SCHEDULE_DELAY: "50" };

async function tree(server, id) {
	const fields = "name status spanID parentSpanID traceID startedAt endedAt stepID attempts stepOp";
	const nested = (depth) => (depth === 0 ? fields : `${fields} childrenSpans {${nested(depth - 1)}}`);
	const { data, errors } = await ask(server, `query($id: String!) {runTrace(runID: $id) {${nested(4)}}}`, { id });
	assert.equal(errors, undefined, JSON.stringify(errors));
	const all = [];
	const walk = (span) => (all.push(span), (span.childrenSpans ?? []).forEach(walk));
	walk(data.runTrace);
	return all;
}

const ofRun = (collector, id) => collector.spans.filter((span) => attributesOf(span)["_inngest.run.id"] === id);
const rootOf = (collector, id) => ofRun(collector, id).find((span) => !span.parentSpanId);
const ns = (time) => String(BigInt(Date.parse(time)) * 1_000_000n);
const CODES = { COMPLETED: 1, FAILED: 2 };

// What is exported of a run is what its tree shows.
async function compare(server, collector, id, slug) {
	await until(() => rootOf(collector, id), () => `the root of ${id}\n${server.tail()}`);
	const spans = ofRun(collector, id);
	const byId = new Map(spans.map((span) => [span.spanId, span]));
	assert.equal(byId.size, spans.length, "a span came twice");
	for (const span of spans) {
		assert.equal(!span.parentSpanId || byId.has(span.parentSpanId), true, `${span.name} has no parent`);
		assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);
	}
	const nodes = await tree(server, id);
	for (const node of nodes) {
		const span = byId.get(node.spanID);
		assert.ok(span, `${node.name} ${node.spanID} is missing: ${spans.map((one) => one.name)}`);
		const isRoot = node === nodes[0];
		assert.equal(span.name, isRoot ? slug : node.name);
		assert.equal(span.traceId, node.traceID);
		assert.equal(span.parentSpanId || "0000000000000000", node.parentSpanID);
		assert.equal(span.status.code ?? 0, CODES[node.status] ?? 0, node.name);
		if (node.startedAt) assert.equal(span.startTimeUnixNano, ns(node.startedAt), `start of ${node.name}`);
		if (node.endedAt) assert.equal(span.endTimeUnixNano, ns(node.endedAt), `end of ${node.name}`);
		const attributes = attributesOf(span);
		if (node.stepID && attributes["_inngest.step.id"]) assert.equal(attributes["_inngest.step.id"], node.stepID);
	}
	return { spans, nodes };
}

function functionsOf(name, errors) {
	return [
		{
			id: "many",
			event: `${name}/go`,
			retries: 1,
			handler: async ({ step, attempt }) => {
				await step.run("one", () => ({ a: 1 }));
				await step.run("flaky", () => {
					if (attempt === 0) throw new Error("not yet");
					return 2;
				});
				await step.sleep("nap", "1s");
				await Promise.all(["a", "b"].map((id) => step.run(id, () => id)));
				await step.waitForEvent("never", { event: `${name}/never`, timeout: "200ms" });
				return "done";
			},
		},
		{
			id: "fails",
			event: `${name}/fail`,
			retries: 1,
			handler: () => {
				throw new errors.NonRetriableError("no");
			},
		},
	];
}

for (const [protocol, compression] of [["http/json", "none"], ["http/protobuf", "gzip"]]) {
	each(`the spans of the tree, ${protocol}`, SDKS, async ({ sdk, errors, name }) => {
		const collector = await Collector.start();
		const server = await Server.start({
			flags: ["--no-poll"],
			env: {
				...SOON,
				OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/base/`,
				OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
				OTEL_EXPORTER_OTLP_COMPRESSION: compression,
				OTEL_EXPORTER_OTLP_HEADERS: "x-team=a%20b,authorization=Bearer%20t",
				OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test,service.name=other",
				OTEL_SERVICE_NAME: "jobs",
			},
		});
		const app = await App.start({ server, sdk, id: name, functions: functionsOf(name, errors) });
		const sent = await server.send([{ name: `${name}/go` }, { name: `${name}/fail` }]);
		const many = await ended(server, sent[0]), fails = await ended(server, sent[1], "Failed");
		const { spans } = await compare(server, collector, many.run_id, `${name}-many`);
		await compare(server, collector, fails.run_id, `${name}-fails`);
		const root = attributesOf(rootOf(collector, many.run_id));
		assert.equal(root["_inngest.event.trigger.name"], `${name}/go`);
		assert.equal(root["_inngest.function.slug"], `${name}-many`);
		assert.equal(root["_inngest.span.type"], "executor.run");
		const nap = spans.find((span) => span.name === "nap");
		assert.equal(attributesOf(nap)["_inngest.step.sleep.duration"], "1000");
		// The app's own traces go on where ours end: under the attempt.
		const attempts = spans.filter((span) => attributesOf(span)["_inngest.span.type"] === "executor.execution");
		const parents = app.calls.map((call) => call.headers.traceparent.split("-")[2]);
		for (const span of attempts) assert.ok(parents.includes(span.spanId), "a call's traceparent");
		const [request] = collector.requests;
		assert.equal(request.url, "/base/v1/traces");
		assert.equal(request.headers["x-team"], "a b");
		assert.equal(request.headers.authorization, "Bearer t");
		const resource = attributesOf(request.body.resourceSpans[0].resource);
		assert.deepEqual([resource["service.name"], resource["deployment.environment"]], ["jobs", "test"]);
		await app.retire();
		await server.stop();
		await collector.stop();
	});
}

each("a cancelled run, and a child that is waited for", [V4_PLAIN], async ({ sdk, name }) => {
	const collector = await Collector.start();
	const server = await Server.start({
		flags: ["--no-poll"],
		env: { ...SOON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/here`, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
	});
	const functions = [
		{ id: "child", event: `${name}/child`, handler: () => 7 },
		{
			id: "parent",
			event: `${name}/go`,
			handler: async ({ step }) => {
				await step.invoke("call", { function: { id: () => `${name}-child`, opts: {} }, timeout: "1h" }).catch(() => undefined);
				await step.sleep("long", "1h");
			},
		},
	];
	const app = await App.start({ server, sdk, id: name, functions });
	const [event] = await server.send({ name: `${name}/go` });
	const [run] = await server.runsStarted(event);
	await until(() => app.calls.some((call) => call.reply?.includes("Sleep")), "the sleep");
	assert.equal(collector.requests.every((one) => one.url === "/here"), true);
	assert.equal(rootOf(collector, run.run_id), undefined);
	await server.request(`/v1/runs/${run.run_id}`, { method: "DELETE" });
	await compare(server, collector, run.run_id, `${name}-parent`);
	const long = ofRun(collector, run.run_id).find((span) => span.name === "long");
	assert.equal(attributesOf(long)["_inngest.dynamic.status"], "Cancelled");
	await app.retire();
	await server.stop();
	await collector.stop();
});

each("kill -9 loses no span, and the collector may come late", [V4_PLAIN], async ({ sdk, name, errors }) => {
	const directory = await mkdtemp(join(tmpdir(), "inngest-export-"));
	const port = await freePort();
	const server = await Server.start({
		directory,
		flags: ["--persist", "--no-poll"],
		env: { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
	});
	const app = await App.start({ server, sdk, id: name, functions: functionsOf(name, errors) });
	const [event] = await server.send({ name: `${name}/go` });
	const run = await ended(server, event);
	await until(() => server.log().includes("spans cannot be exported"), "the complaint");
	await server.kill();
	let refusals = 0;
	// The first requests are refused, and told when to come again.
	const collector = await Collector.start({ port, refuse: () => (refusals++ < 2 ? { status: 503, headers: { "retry-after": "1" } } : undefined) });
	await server.spawn();
	await compare(server, collector, run.run_id, `${name}-many`);
	assert.ok(refusals > 2);
	// What has arrived does not come again.
	const before = collector.spans.length;
	await server.stop();
	await server.spawn();
	const [next] = await server.send({ name: `${name}/go` });
	const second = await ended(server, next);
	await compare(server, collector, second.run_id, `${name}-many`);
	assert.equal(collector.spans.slice(before).every((span) => attributesOf(span)["_inngest.run.id"] === second.run_id), true);
	await app.retire();
	await server.stop();
	await collector.stop();
	await rm(directory, { recursive: true, force: true });
});

once("what is under way goes out with the server", async ({ name }) => {
	const collector = await Collector.start();
	const server = await Server.start({
		flags: ["--no-poll"],
		env: { OTEL_BSP_SCHEDULE_DELAY: "600000", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
	});
	const app = await App.start({ server, sdk: V4_PLAIN, id: name, functions: [{ id: "fn", event: `${name}/go`, handler: () => 1 }] });
	const [event] = await server.send({ name: `${name}/go` });
	const run = await ended(server, event);
	assert.equal(collector.requests.length, 0);
	await server.stop();
	assert.ok(rootOf(collector, run.run_id));
	await app.down();
	await collector.stop();
});

once("nothing is exported by default, nor by a protocol that is not known", async () => {
	const collector = await Collector.start();
	for (const env of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, { OTEL_TRACES_EXPORTER: "none" }]) {
		const server = await Server.start({ flags: ["--no-poll"], env: { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env } });
		assert.equal(server.log().includes("exporting spans"), false);
		assert.equal(server.log().includes("grpc"), env.OTEL_EXPORTER_OTLP_PROTOCOL === "grpc");
		await server.stop();
	}
	await collector.stop();
});
