// Answers that no SDK gives: an endpoint written by hand, registered by hand (spec 02 §4 to §6).
import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { suite, until } from "./harness.mjs";

const { once } = suite();
const SDK = { "x-inngest-sdk": "inngest-js:v4.24.0", "x-inngest-req-version": "2" };
const JSON_TYPE = { "content-type": "application/json" };
const NOT_SDK = "The response did not come from an Inngest SDK";
const ops = (...list) => ({ status: 206, body: JSON.stringify(list) });
const stream = (value) => ({ status: 201, body: `   \n ${JSON.stringify(value)}` });

// An app whose function `raw` answers call n of a run with script[n] (the last one again and again), and whose
// function `failed` keeps the errors of failed runs. `give` sends one event and waits for the end of its run.
async function scripted({ app, server, name }, { retries = 0 } = {}) {
	const scripts = new Map();
	const failures = new Map();
	const made = await app({
		answer: ({ response, call }) => {
			if (call.fnId.endsWith("-failed")) {
				failures.set(call.body.event.data.run_id, call.body.event.data);
				response.writeHead(200, { ...SDK, ...JSON_TYPE }).end('"seen"');
				return;
			}
			const script = scripts.get(call.body.event.data.script);
			const calls = made.calls.filter((other) => other.runId === call.runId).length;
			const step = script[Math.min(calls, script.length) - 1];
			if (typeof step === "function") return step(response);
			response.writeHead(step.status ?? 200, step.headers ?? SDK);
			response.end(step.body ?? "");
		},
	});
	const registered = await made.register([
		made.rawFunction("raw", `${name}/raw`, { retries }),
		made.rawFunction("failed", "inngest/function.failed"),
	]);
	assert.equal(registered.status, 200, registered.text);
	let number = 0;
	const give = async (...script) => {
		scripts.set(++number, script);
		const run = await server.runOf({ name: `${name}/raw`, data: { script: number } });
		if (run.status === "Failed") {
			await until(() => failures.has(run.run_id), `inngest/function.failed of ${run.run_id}`);
			run.failure = failures.get(run.run_id);
		}
		return Object.assign(run, { calls: made.callsOf(run).length });
	};
	return give;
}

// [what, answer, output of the completed run]
const RESULTS = [
	["an object", { body: '{"a":1}' }, { a: 1 }],
	["an object with data", { body: '{"data":1}' }, { data: 1 }],
	["white space around", { body: ' \n {"a":1} \n' }, { a: 1 }],
	["text", { body: '"text"' }, "text"],
	["a number", { body: "12.50" }, 12.5],
	["an array", { body: "[1,2]" }, [1, 2]],
	["null", { body: "null" }, null],
	["not JSON", { body: "plain text" }, "plain text"],
	["half JSON", { body: '{"a":' }, '{"a":'],
	["an object in a string", { body: JSON.stringify('{"a":1}') }, { a: 1 }],
	["202", { status: 202, body: '{"a":2}' }, { a: 2 }],
	["204", { status: 204 }, {}],
	["empty 200", {}, {}],
	["gzip", { headers: { ...SDK, "content-encoding": "gzip" }, body: gzipSync('{"z":1}') }, { z: 1 }],
	["br", { headers: { ...SDK, "content-encoding": "br" }, body: brotliCompressSync('{"z":2}') }, { z: 2 }],
	["GZIP", { headers: { ...SDK, "content-encoding": "GZIP" }, body: gzipSync('{"z":3}') }, { z: 3 }],
	["a stream with text", { ...stream({ status: 200, body: '{"s":1}', headers: {} }) }, { s: 1 }],
	["a stream with JSON", { ...stream({ status: 200, body: { s: 2 }, headers: null }) }, { s: 2 }],
	["a stream of opcodes", stream({ status: 206, body: [{ op: "RunComplete", id: "x", data: [1] }] }), [1]],
	["RunComplete", ops({ op: "RunComplete", id: "c", data: { r: 1 } }), { r: 1 }],
	["RunComplete without data", ops({ op: "RunComplete", id: "c" }), null],
	["RunComplete alone", { status: 206, body: '{"op":"RunComplete","id":"c","data":3}' }, 3],
	["RunComplete after a step", ops({ op: "StepRun", id: "a", data: 1 }, { op: "RunComplete", id: "c", data: 4 }), 4],
	["RunComplete before a step", ops({ op: "RunComplete", id: "c", data: 5 }, { op: "StepRun", id: "a", data: 1 }), 5],
	["letter case", { status: 206, body: '[{"OP":"RUNCOMPLETE","Id":"c","Data":6,"what":[]}]' }, 6],
	["unknown keys", ops({ op: "RunComplete", id: "c", data: 7, mode: 1, rawArgs: {}, promise: {}, timing: null }), 7],
];

once("answers that complete the run", async (context) => {
	const give = await scripted(context);
	const check = async ([what, answer, expected]) => {
		const run = await give(answer);
		assert.equal(run.status, "Completed", `${what}: ${JSON.stringify(run)}`);
		assert.deepEqual(run.output ?? null, expected, what);
		assert.equal(run.calls, 1, what);
	};
	await Promise.all(RESULTS.map(check));
});

const standard = (status, body) => ({ status, body: typeof body === "string" ? body : JSON.stringify(body) });
const UPSTREAM = "Your server returned HTTP 502 before the SDK responded.";

// [what, answer, members of data.error in inngest/function.failed (spec 02 §5.2, §5.3)]
const FAILURES = [
	["200 of no SDK", { headers: {}, body: "{}" }, { error: NOT_SDK, name: "Error", message: NOT_SDK }],
	["206 of no SDK", { ...ops({ op: "RunComplete", id: "x" }), headers: {} }, { error: NOT_SDK }],
	["500", standard(500, { name: "MyErr", message: "boom", stack: "at x" }), {
		error: "invalid status code: 500", name: "MyErr", message: "boom", stack: "at x",
	}],
	["404", standard(404, {}), { error: "invalid status code: 404" }],
	["500 with text", standard(500, "just text"), { error: "invalid status code: 500", message: "just text" }],
	["500 empty", standard(500, ""), { message: "invalid status code: 500" }],
	["500 with an array", standard(500, [1, 2]), { error: "invalid status code: 500", message: "invalid status code: 500" }],
	["an error in body", standard(500, { body: '{"name":"InnerErr","message":"deep"}' }), { name: "InnerErr", message: "deep" }],
	["an error in error", standard(500, { error: { name: "N2", message: "m2", cause: { a: 1 } } }), {
		error: "invalid status code: 500", name: "N2", message: "m2", cause: { a: 1 },
	}],
	["a text in error", standard(500, { error: "plain err", message: "mm" }), { error: "plain err", name: "Error", message: "mm" }],
	["502 of no SDK", { ...standard(502, "<html>"), headers: { "content-type": "text/html" } }, {
		error: UPSTREAM, name: "Server returned a fatal error", message: UPSTREAM,
	}],
	["200 with no-retry", { headers: { ...SDK, "x-inngest-no-retry": "true" }, body: "{}" }, { error: "NonRetriableError" }],
	["deflate", { headers: { ...SDK, "content-encoding": "deflate" }, body: "x" }, { error: /unsupported content encoding/ }],
	["broken gzip", { headers: { ...SDK, "content-encoding": "gzip" }, body: "x" }, { error: /error decoding gzip response body/ }],
	["half of a gzip", { headers: { ...SDK, "content-encoding": "gzip" }, body: gzipSync('{"a":1}').subarray(0, 20) }, {
		error: /error decoding gzip response body/,
	}],
	["broken br", { headers: { ...SDK, "content-encoding": "br" }, body: "xyz" }, { error: /error decoding br response body/ }],
	["a stream of spaces", { status: 201, body: "   " }, { error: /error parsing stream/ }],
	["a stream with an error", stream({ error: "oh no" }), { error: /error parsing stream: oh no/ }],
	["a stream without status", stream({ body: "{}" }), { error: "invalid status code: 0" }],
	["no opcodes", { status: 206, body: " " }, { error: /no response data/ }],
	["text for opcodes", { status: 206, body: "nope" }, { error: /expected JSON object or array/ }],
	["a null opcode", ops(null), { error: /error validating generator opcode 0: opcode cannot be null/ }],
	["an unknown opcode", ops({ op: "Bogus", id: "x" }), { error: /does not belong to Opcode values/ }],
	["StepNotFound", ops({ op: "StepNotFound", id: "x" }), { error: /does not belong to Opcode values/ }],
	["a number for an opcode", ops({ op: 2, id: "x" }), { error: /Opcode should be a string, got 2/ }],
	["a number for a name", ops({ op: "StepRun", id: "x", name: 1 }), { error: /./ }],
	["StepError without error", ops({ op: "StepError", id: "x" }), { error: /./ }],
	["cut JSON", { status: 206, body: '[{"op":"StepRun","id":"x"' }, { error: /./ }],
	["a sleep of years", ops({ op: "Sleep", id: "x", name: "400d" }), { error: "InngestErrTimeoutTooLong" }],
	["1,001 opcodes", ops(...Array.from({ length: 1001 }, (_, i) => ({ op: "StepRun", id: `${i}` }))), {
		error: /InngestErrFunctionOverflowed/,
	}],
	["no reply", (response) => response.socket.destroy(), { error: "Unable to reach SDK URL" }],
	["half a reply", (response) => {
		response.writeHead(200, { ...SDK, "content-length": "1000" });
		response.write("{", () => response.socket.destroy());
	}, { error: /Your server reset the connection while we were reading the reply/ }],
];

once("answers that fail the run", async (context) => {
	const give = await scripted(context);
	const check = async ([what, answer, expected]) => {
		const run = await give(answer);
		assert.equal(run.status, "Failed", `${what}: ${JSON.stringify(run)}`);
		assert.equal(run.calls, 1, what);
		const { error } = run.failure;
		for (const [member, value] of Object.entries(expected)) {
			if (value instanceof RegExp) assert.match(error[member], value, `${what}: ${member}`);
			else assert.deepEqual(error[member], value, `${what}: ${member} of ${JSON.stringify(error)}`);
		}
	};
	await Promise.all(FAILURES.map(check));
});

once("each of them is only an attempt", async (context) => {
	const give = await scripted(context, { retries: 1 });
	const retried = FAILURES.filter(([what]) => !["200 with no-retry", "a sleep of years", "1,001 opcodes"].includes(what));
	const check = async ([what, answer]) => {
		const run = await give(answer, { body: '"recovered"' });
		assert.equal(run.output, "recovered", `${what}: ${JSON.stringify(run)}`);
		assert.equal(run.calls, 2, what);
	};
	await Promise.all(retried.map(check));
});

once("Retry-After makes an error of a 200", async (context) => {
	const give = await scripted(context, { retries: 1 });
	const run = await give({ headers: { ...SDK, "retry-after": "1" }, body: '"early"' }, { body: '"late"' });
	assert.equal(run.status, "Completed");
	assert.equal(run.output, "late");
	assert.equal(run.calls, 2);
});

once("old SDKs are not retried after a 4xx", async (context) => {
	const give = await scripted(context, { retries: 1 });
	const old = await give({ status: 404, headers: { "x-inngest-sdk": "inngest-js:v1.9.0" }, body: "{}" });
	assert.equal(old.calls, 1);
	const told = await give({ status: 404, headers: { ...SDK, "x-inngest-no-retry": "false" }, body: "{}" });
	assert.equal(told.calls, 2);
});

once("opcodes of every class in turn", async (context) => {
	const give = await scripted(context);
	const run = await give(
		ops({ op: "steprun", id: "a", data: { x: 1 } }),
		ops({ op: "Step", id: "b", data: { data: "legacy" } }),
		ops({ op: "Sleep", id: "c", opts: { duration: "10ms" } }),
		ops({ op: "StepFailed", id: "d", error: { name: "E", message: "m" } }),
		ops({ op: "StepPlanned", id: "e" }),
		ops({ op: "StepRun", id: "e" }),
		ops({ op: "DiscoveryRequest", id: "f" }),
		{ body: '"end"' },
	);
	assert.equal(run.output, "end", JSON.stringify(run));
	assert.equal(run.calls, 8);
});

// Opcodes that this server does not know how to handle end the run with an error that names them.
for (const op of ["InvokeFunction", "WaitForSignal", "Gateway", "AIGateway"]) {
	once(`${op} is not passed over in silence`, async (context) => {
		const give = await scripted(context);
		const opts = { event: "x", timeout: "1s", signal: "s", function_id: "none", payload: {}, url: "http://127.0.0.1:1" };
		const run = await give(ops({ op, id: "x", opts }), { body: '"handled"' });
		if (run.status === "Failed") assert.match(JSON.stringify(run.failure.error), new RegExp(op));
		else assert.equal(run.output, "handled");
	});
}

once("the wrong answer again and again does not stall a run", async (context) => {
	const give = await scripted(context);
	const none = await give(ops(), ops(), { body: '"end"' });
	assert.equal(none.output, "end", "an empty array at the start is asked again");
	const twice = await give(ops({ op: "StepRun", id: "a", data: 1 }), ops({ op: "StepFailed", id: "a", error: { message: "x" } }),
		{ body: '"end"' });
	assert.equal(twice.output, "end", "a second, different value for a step");
	const nap = await give(ops({ op: "Sleep", id: "a", name: "soon" }));
	assert.equal(nap.status, "Failed", "a duration that is none");
});

once("an app that never answers holds nobody up", async (context) => {
	const { server, name, app } = context;
	const waiting = [];
	let muted = true;
	const answer = (response) => response.writeHead(200, SDK).end('"at last"');
	const mute = await app({ id: `${name}-mute`, answer: ({ response }) => (muted ? waiting.push(response) : answer(response)) });
	await mute.register([mute.rawFunction("mute", `${name}/mute`)]);
	// Far more than the 100 calls that one app may have in flight (--queue-workers).
	const ids = await server.send(Array.from({ length: 250 }, () => ({ name: `${name}/mute` })));
	await until(() => waiting.length === 100, () => `100 calls in flight; there are ${waiting.length}`);
	const give = await scripted(context);
	assert.equal((await give({ body: '"quick"' })).output, "quick");
	assert.equal(waiting.length, 100);
	muted = false;
	for (const response of waiting) answer(response);
	for (const id of ids) assert.equal((await server.runsEnded(id))[0].output, "at last");
});
