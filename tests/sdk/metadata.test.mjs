// What others say of runs (spec 05 §12.9, §12.13, §13.11; 06 §18, §19): metadata, scores, and spans of users' code hang
// on the trace, and change nothing else of the run.
import assert from "node:assert/strict";
import http from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";

import { V4_PLAIN, sha1, suite } from "./harness.mjs";
import { ended } from "./traces.mjs";

const { each, once } = suite();
const ONE = [V4_PLAIN];

async function oneRun({ server, app, name }, handler = ({ step }) => step.run("one", () => 1)) {
	const made = await app({ functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go` });
	return { run: await ended(server, event), made, event };
}

const post = (server, path, body, headers = {}) =>
	server.request(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });

async function trace(server, id) {
	const { status, text, json } = await server.request(`/v2/runs/${id}/trace`);
	assert.equal(status, 200, text);
	return json.data.rootSpan;
}

const metadataOf = (span, kind) => (span.metadata ?? []).find((one) => one.kind === kind);
const values = (one) => Object.fromEntries(Object.entries(one.values).map(([key, text]) => [key, JSON.parse(text)]));

each("05 12.9: metadata of a run and of a step", ONE, async (context) => {
	const { server } = context;
	const { run: { run_id: id } } = await oneRun(context);
	const before = await trace(server, id);
	const reply = await post(server, `/v1/runs/${id}/metadata`, { metadata: [{ kind: "userland.note", op: "merge", values: { a: 1, b: "x" } }] });
	assert.equal(reply.status, 200);
	await post(server, `/v1/runs/${id}/metadata`, { metadata: [{ kind: "userland.note", op: "Add", values: { a: 2 } }] });
	await post(server, `/v1/runs/${id}/metadata`, { target: { step_id: "one" }, metadata: [{ kind: "userland.step", op: "set", values: { c: [1] } }] });
	await post(server, `/v1/runs/${id}/metadata`, { target: { step_id: "one", step_attempt: 0 }, metadata: [{ kind: "userland.attempt", op: "set", values: { d: 4 } }] });
	const root = await trace(server, id);
	assert.deepEqual(values(metadataOf(root, "userland.note")), { a: 3, b: "x" });
	const step = root.children.find((span) => span.stepId === sha1("one") && metadataOf(span, "userland.step"));
	assert.deepEqual(values(metadataOf(step, "userland.step")), { c: [1] });
	assert.deepEqual(values(metadataOf(step, "userland.attempt")), { d: 4 });
	// Nothing else has changed.
	assert.deepEqual([root.status, root.endedAt, root.children.length], [before.status, before.endedAt, before.children.length]);
	const { json } = await server.request(`/v2/runs/${id}`);
	assert.equal(json.data.status, "COMPLETED");
});

each("05 12.9: what is refused", ONE, async (context) => {
	const { server } = context;
	const { run: { run_id: id } } = await oneRun(context);
	const bad = async (path, body, status, error) => {
		const reply = await post(server, path, body);
		assert.deepEqual([reply.status, reply.json.error], [status, error]);
	};
	await bad("/v1/runs/x/metadata", { metadata: [] }, 400, "Invalid run ID: x");
	const path = `/v1/runs/${id}/metadata`;
	await bad(path, "{", 400, "Invalid metadata target");
	await bad(path, { target: { step_attempt: 1 }, metadata: [] }, 400, "Invalid metadata target");
	await bad(path, { metadata: [{ kind: "inngest.own", op: "merge", values: {} }] }, 400, "Invalid metadata");
	await bad(path, { metadata: [{ kind: "userland.x", op: "merge", values: { a: "x".repeat(70_000) } }] }, 413, "Metadata span exceeds maximum size of 64KB");
	for (let i = 0; i < 17; i++) {
		const reply = await post(server, path, { metadata: [{ kind: `userland.x${i}`, op: "merge", values: { a: "x".repeat(65_000) } }] });
		if (reply.status === 413) {
			assert.equal(reply.json.error, "Cumulative metadata size exceeds limit");
			return;
		}
		assert.equal(reply.status, 200);
	}
	assert.fail("a run may have a MiB of metadata");
});

each("05 13.11: scores", ONE, async (context) => {
	const { server } = context;
	const { run: { run_id: id } } = await oneRun(context);
	const reply = await post(server, `/v2/runs/${id}/scores`, [{ name: "good", value: true }, { name: "n", value: 0.5, stepId: "one" }]);
	assert.equal(reply.status, 200);
	assert.deepEqual(reply.json.data, [{ name: "good", runId: id, value: true }, { name: "n", runId: id, stepId: "one", value: 0.5 }]);
	const root = await trace(server, id);
	assert.deepEqual(values(metadataOf(root, "inngest.score")), { good: { value: true } });
	const refused = await post(server, `/v2/runs/${id}/scores`, []);
	assert.equal(refused.status, 400);
	assert.equal(refused.json.errors[0].message, "At least one score is required");
});

// The attributes that the SDK's exporter puts on its spans.
function span(run, traceref, name, { id, parent, attributes = {} }) {
	const text = (key, value) => ({ key, value: { stringValue: value } });
	return {
		traceId: "0".repeat(31) + "1",
		spanId: id,
		parentSpanId: parent,
		name,
		kind: 1,
		startTimeUnixNano: `${Date.now()}000000`,
		endTimeUnixNano: `${Date.now() + 5}000000`,
		attributes: [
			text("inngest.traceref", traceref),
			text("sdk.run.id", run.run_id),
			text("sys.function.id", run.function_id),
			...Object.entries(attributes).map(([key, value]) => text(key, value)),
		],
		status: { code: 1 },
	};
}
const exported = (spans) => ({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: "mine", version: "1" }, spans }] }] });

each("05 12.13: spans of users' code", ONE, async (context) => {
	const { server } = context;
	const { run, made } = await oneRun(context);
	const state = made.calls[0].headers.tracestate;
	const traceref = /inngest@traceref=([^,]+)/.exec(state)[1];
	const reply = await post(server, "/v1/traces/userland", exported([
		span(run, traceref, "outer", { id: "00000000000000a1", attributes: { colour: "red" } }),
		span(run, traceref, "inner", { id: "00000000000000a2", parent: "00000000000000a1" }),
		span({ ...run, run_id: "nope" }, traceref, "lost", { id: "00000000000000a3" }),
	]));
	assert.equal(reply.status, 200);
	assert.deepEqual(reply.json, { partialSuccess: { rejectedSpans: "1" } });
	const root = await trace(server, run.run_id);
	const find = (node, name) => (node.name === name ? node : (node.children ?? []).map((child) => find(child, name)).find(Boolean));
	assert.equal(find(root, "outer").children[0].name, "inner");
	assert.equal(find(root, "outer").status, "COMPLETED");
	assert.equal(find(root, "lost"), undefined);
});

// The status for a body that is announced and not sent: the server need not read it.
const announced = (server, length) => new Promise((done, fail) => {
	const request = http.request(`${server.url}/v1/traces/userland`, { method: "POST", headers: { "content-length": length, "content-type": "application/json" } });
	request.on("response", (response) => {
		done(response.statusCode);
		request.destroy();
	});
	request.on("error", fail);
	request.flushHeaders();
});

once("05 12.13: what is no export", async ({ server }) => {
	const json = await post(server, "/v1/traces/userland", "{");
	assert.deepEqual([json.status, json.json], [400, { message: "Invalid payload" }]);
	const binary = await fetch(`${server.url}/v1/traces/userland`, { method: "POST", headers: { "content-type": "application/x-protobuf" }, body: Buffer.from([0xff, 0xff]) });
	assert.equal(binary.status, 400);
	assert.ok(Buffer.from(await binary.arrayBuffer()).includes("Invalid payload"));
	assert.equal(await announced(server, 9 << 20), 413);
});

// A request without anything that fetch adds, and its reply as it is on the wire.
const raw = (server, body, headers) => new Promise((done, fail) => {
	const request = http.request(`${server.url}/v1/traces/userland`, { method: "POST", headers: { "content-type": "application/json", ...headers } });
	request.on("response", async (response) => {
		const chunks = [];
		for await (const chunk of response) chunks.push(chunk);
		done({ status: response.statusCode, encoding: response.headers["content-encoding"], bytes: Buffer.concat(chunks) });
	});
	request.on("error", fail);
	request.end(body);
});

each("05 12.13: gzip there and back", ONE, async (context) => {
	const { server } = context;
	const { run, made } = await oneRun(context);
	const traceref = /inngest@traceref=([^,]+)/.exec(made.calls[0].headers.tracestate)[1];
	const body = gzipSync(JSON.stringify(exported([span(run, traceref, "packed", { id: "00000000000000aa" })])));
	const packed = await raw(server, body, { "content-encoding": "gzip", "accept-encoding": "br, gzip" });
	assert.deepEqual([packed.status, packed.encoding, gunzipSync(packed.bytes).toString()], [200, "gzip", "{}"]);
	const find = (node, name) => (node.name === name ? node : (node.children ?? []).map((child) => find(child, name)).find(Boolean));
	assert.ok(find(await trace(server, run.run_id), "packed"));
	const plain = await raw(server, body, { "content-encoding": "gzip" });
	assert.deepEqual([plain.status, plain.encoding, plain.bytes.toString()], [200, undefined, "{}"]);
});

once("05 12.13: gzip that is broken, or a bomb", async ({ server }) => {
	const packed = { "content-encoding": "gzip" };
	const text = ({ status, bytes }) => [status, JSON.parse(bytes).message];
	assert.deepEqual(text(await raw(server, gzipSync("{}").subarray(0, 10), packed)), [400, "Error reading body"]);
	assert.deepEqual(text(await raw(server, "{}", packed)), [400, "Error reading body"]);
	assert.deepEqual(text(await raw(server, gzipSync(Buffer.alloc((8 << 20) + 1, " ")), packed)), [413, "Request body too large"]);
	assert.deepEqual(text(await raw(server, gzipSync(Buffer.alloc(8 << 20, " ")), packed)), [400, "Invalid payload"]);
});
