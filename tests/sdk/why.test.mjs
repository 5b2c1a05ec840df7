// `inngest runs why`: the real binary asks the real server, and servers that are none.
import assert from "node:assert/strict";
import http from "node:http";

import { inngest } from "./cli.mjs";
import { App, Server, V4, V4_PLAIN, freePort, suite, until } from "./harness.mjs";
import { latch, resting } from "./lives.mjs";

const { each, once } = suite();

const UNKNOWN = "01M7ZY6CWGA1JCD60V59ARPN14";
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`;

const why = (server, runId, args = [], options) => inngest(["runs", "why", runId, "--url", server.url, ...args], options);

// The answer about a run, once it matches.
async function answered(server, runId, pattern) {
	let last;
	await until(
		async () => pattern.test((last = await why(server, runId)).out),
		() => `${pattern}: ${JSON.stringify(last)}\n${server.tail()}`,
		server.timeoutMs,
	);
	assert.deepEqual([last.code, last.err], [0, ""], last.out);
	assert.ok(!last.out.includes("\u001b"), "a pipe gets no colours");
	return last.out;
}

// The id of the only run of a new event.
async function started(server, name, data = {}) {
	const [id] = await server.send({ name, data });
	const [run] = await server.runsStarted(id);
	return run.run_id;
}

// A function whose runs stay in a call until they are let go, and one more call after it.
function holding(id, event, options = {}) {
	const { open, opened } = latch();
	const held = [];
	const handler = async ({ step, runId }) => {
		await step.run("hold", () => {
			held.push(runId);
			return opened;
		});
		await step.sleep("nap", 1);
		return step.run("after", () => "done");
	};
	return { function: { id, event, handler, ...options }, open: () => open("let go"), held };
}

// ---- runs that wait for nothing but time -----------------------------------------------------------------------

each("a sleeping run", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "long", event: name, handler: ({ step }) => step.sleep("for long", "1h") }] });
	const [id] = await server.send({ name });
	const { run_id: runId } = await resting(server, id, "sleep");
	const out = await answered(server, runId, /sleeps until/);
	assert.match(out, new RegExp(String.raw`^Run ${runId}, scheduled at ${TIME} \([^)]+ ago\), has 1 job:\n\n` +
		String.raw`sleep "for long": scheduled, attempt 0\n  sleeps until ${TIME} \(in (1 h|59 min( \d+ s)?)\)\n$`));
});

each("--json prints the reply as it is", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "long", event: name, handler: ({ step }) => step.sleep("for long", "1h") }] });
	const [id] = await server.send({ name });
	const { run_id: runId } = await resting(server, id, "sleep");
	const wanted = (await server.request(`/v1/runs/${runId}/jobs`)).text;
	const withoutTimes = (text) => text.replace(/"metadata":.*/s, "");
	for (const args of [["runs", "why", runId, "--json"], ["--json", "runs", "why", runId]]) {
		const { code, out, err } = await inngest([...args, "--url", server.url]);
		assert.deepEqual([code, err], [0, ""]);
		assert.equal(withoutTimes(out), withoutTimes(wanted));
		assert.ok(JSON.parse(out).metadata.fetched_at);
	}
	// INNGEST_JSON is about the log.
	assert.match((await why(server, runId, [], { env: { INNGEST_JSON: "true" } })).out, /^Run /);
});

each("a wait for an event", [V4], async ({ server, app, name }) => {
	const handler = ({ step }) => step.waitForEvent("answer", { event: `${name}/on`, timeout: "2h" });
	await app({ functions: [{ id: "waits", event: name, handler }] });
	const [id] = await server.send({ name });
	const { run_id: runId } = await resting(server, id, "pause");
	await answered(server, runId, new RegExp(String.raw`^wait "answer": scheduled, attempt 0\n  waits for an event, .*until ${TIME} \(in`, "m"));
});

each("a call under way, and a run that has ended", [V4], async ({ server, app, name }) => {
	const one = holding("one", name);
	await app({ functions: [one.function] });
	const [id] = await server.send({ name });
	const [{ run_id: runId }] = await server.runsStarted(id);
	await until(() => one.held.length > 0, "the call");
	await answered(server, runId, /running, attempt 0\n {2}is being called now\n$/);
	one.open();
	await server.runsEnded(id);
	const { code, out, err } = await why(server, runId);
	assert.deepEqual([code, err], [1, ""]);
	assert.match(out, new RegExp(String.raw`^Run ${runId} has ended and waits for nothing: Completed at ${TIME} \(.* ago\)\.\n\n`));
	for (const hint of [`inngest runs get ${runId} --url ${server.url}\n`, `inngest runs rerun ${runId} --url ${server.url}\n`])
		assert.ok(out.includes(hint), out);
	const json = await why(server, runId, ["--json"]);
	assert.deepEqual([json.code, JSON.parse(json.out).data, json.err], [1, [], ""]);
});

// ---- no run, no server -----------------------------------------------------------------------------------------

once("a run that the server does not know", async ({ server }) => {
	for (const args of [[], ["--json"]]) {
		const { code, out, err } = await why(server, UNKNOWN, args);
		assert.deepEqual([code, out], [1, ""]);
		assert.ok(err.startsWith(`Error: the server at ${server.url} knows no run ${UNKNOWN}. `), err);
		assert.ok(err.endsWith(" and /v1/events/EVENT_ID/outcomes tells why it started none\n"), err);
	}
});

once("no server there", async () => {
	const url = `http://localhost:${await freePort()}`;
	const wanted = new RegExp(`^Error: no server can be reached at ${url}: .*; start one with \`inngest dev\`, or name another with --url or INNGEST_URL\n$`);
	for (const [args, env] of [[["--url", url], {}], [[], { INNGEST_URL: url }], [[], { INNGEST_API_PORT: url.split(":").pop() }]]) {
		const { code, out, err } = await inngest(["runs", "why", UNKNOWN, ...args], { env });
		assert.deepEqual([code, out], [1, ""]);
		assert.match(err, wanted);
	}
});

once("help", async () => {
	const group = await inngest(["runs"]);
	assert.deepEqual([group.code, group.err], [0, ""]);
	assert.match(group.out, /^ {3}why +Tell what a run waits for$/m);
	for (const args of [["runs", "why", "--help"], ["help", "runs", "why"]]) {
		const { code, out } = await inngest(args);
		assert.equal(code, 0);
		for (const flag of ["--url url", "--signing-key key", "--json", "--help, -h"]) assert.ok(out.includes(`   ${flag}`), flag);
	}
});

// What the command says about a server that replies like this to everything; `requests` are its headers.
async function against(handler, args = [], env = {}) {
	const requests = [];
	const server = http.createServer((request, response) => {
		requests.push({ url: request.url, ...request.headers });
		handler(response);
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const url = `http://127.0.0.1:${server.address().port}`;
	const result = await inngest(["runs", "why", UNKNOWN, "--url", url, ...args], { env });
	await new Promise((done) => server.close(done));
	return { ...result, url, requests };
}

const replying = (status, body, headers = {}) => (response) => response.writeHead(status, headers).end(body);

once("a signing key goes with every request", async () => {
	const jobs = '{"data":[]}';
	const { requests } = await against(replying(200, jobs), ["--signing-key", "signkey-prod-abcd"], { INNGEST_SIGNING_KEY: "other" });
	assert.deepEqual(requests.map(({ url, authorization, accept }) => [url, authorization, accept]), [
		[`/v1/runs/${UNKNOWN}/jobs`, "Bearer signkey-prod-abcd", "application/json"],
		[`/v1/runs/${UNKNOWN}`, "Bearer signkey-prod-abcd", "application/json"],
	]);
	assert.match(requests[0]["user-agent"], /^inngest-cli\/\d/);
	const other = await against(replying(401, "Authentication failed\n"), [], { INNGEST_SIGNING_KEY: "abcd" });
	assert.equal(other.requests[0].authorization, "Bearer abcd");
	assert.deepEqual([other.code, other.out], [1, ""]);
	assert.equal(other.err, "Error: the server refuses this signing key; give its key with --signing-key or INNGEST_SIGNING_KEY\n");
	const without = await against(replying(401, "Authentication failed\n"));
	assert.equal(without.requests[0].authorization, undefined);
	assert.match(without.err, /^Error: the server wants a signing key; give its key/);
});

once("replies of other servers", async () => {
	const cases = [
		[replying(502, "<h1>Bad\nGateway\u001b[2J</h1>"), /^Error: the server answered with status 502: <h1>Bad Gateway \[2J<\/h1>\n$/],
		[replying(500, '{"error":"no such table","status":500}'), /^Error: the server answered with status 500: no such table\n$/],
		[replying(301, "", { location: "http://127.0.0.1:1/" }), /^Error: the server answered with status 301: \n$/],
		[replying(200, "<html>"), /^Error: the reply of http:\/\/127\.0\.0\.1:\d+ cannot be read, so it may be no Inngest server: /],
		[replying(200, ""), /it may be no Inngest server: unexpected end of JSON input\n$/],
		[replying(200, '{"data":{}}'), /it may be no Inngest server: there is no list of jobs in it\n$/],
		[replying(200, `{"data":"${"x".repeat(26_214_400)}"}`), /^Error: response body exceeded 26214400 bytes\n$/],
		[(response) => response.socket.destroy(), /^Error: no server can be reached at /],
	];
	for (const [handler, pattern] of cases) {
		for (const args of [[], ["--json"]]) {
			const { code, out, err } = await against(handler, args);
			assert.deepEqual([code, out], [1, ""], err);
			assert.match(err, pattern);
		}
	}
});

// ---- flow control ----------------------------------------------------------------------------------------------

each("blocked by concurrency", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const one = holding("one", name, { concurrency: [{ limit: 1, key: "event.data.user" }] });
	await app({ functions: [one.function] });
	const ids = [];
	for (const user of ["u1", "u1", "u1"]) {
		ids.push(await started(server, name, { user }));
		await until(() => one.held.length > 0, "the first call");
	}
	const limit = String.raw`waits for the concurrency of the function: key event\.data\.user = "u1", 1 of 1 calls in use`;
	await answered(server, ids[0], /is being called now/);
	await answered(server, ids[1], new RegExp(String.raw`: waiting, attempt 0\n  ${limit}, it is the next one\n$`));
	await answered(server, ids[2], new RegExp(String.raw`: waiting, attempt 0\n  ${limit}, 1 ahead of it\n$`));
	one.open();
	await until(async () => (await why(server, ids[2])).code === 1, "the end of the last run");
});

once("blocked by run-level concurrency", async ({ server, app, name }) => {
	const sleep = JSON.stringify([{ op: "Sleep", id: "s", name: "1h", displayName: "for long", opts: {} }]);
	const headers = { "x-inngest-sdk": "inngest-js:v4.24.0", "x-inngest-req-version": "2" };
	const made = await app({ answer: ({ response }) => response.writeHead(206, headers).end(sleep) });
	const registered = await made.register([made.rawFunction("runs", name, { concurrency: { fn: [{ limit: 1 }] } })]);
	assert.equal(registered.status, 200, registered.text);
	const first = await started(server, name);
	await answered(server, first, /sleeps until/);
	const second = await started(server, name);
	await answered(server, second, /: waiting, attempt 0\n {2}waits for the end of a run of the function: 1 of 1 runs under way, it is the next one\n$/);
	await server.request(`/v1/runs/${first}`, { method: "DELETE" });
	await answered(server, second, /sleeps until/);
});

each("blocked by a throttle", [V4], async ({ server, app, name }) => {
	const throttle = { limit: 1, period: "1h", key: "event.data.user" };
	await app({ functions: [{ id: "slow", event: name, throttle, handler: () => "done" }] });
	const ids = [];
	for (let i = 0; i < 4; i++) ids.push(await started(server, name, { user: "u1" }));
	const out = await answered(server, ids[3], /the throttle/);
	assert.match(out, new RegExp(String.raw`: waiting, attempt 0\n  waits for the throttle of the function: ` +
		String.raw`key event\.data\.user = "u1", 1 per 1h(0m0s)?( and a burst of 1)?, next start at ${TIME} \(in [^)]+\), [12] ahead of it\n$`));
});

each("a paused function", [V4], async ({ server, app, name }) => {
	const one = holding("one", name);
	await app({ functions: [one.function] });
	const runId = await started(server, name);
	await until(() => one.held.length > 0, "the call");
	const path = `/v2/apps/${name}/functions/one`;
	assert.equal((await server.request(`${path}/pause`, { method: "POST" })).status, 200);
	one.open();
	await answered(server, runId, /\n {2}the function is paused; the run goes on once it is unpaused\n$/);
	assert.equal((await server.request(`${path}/unpause`, { method: "POST" })).status, 200);
	await until(async () => (await why(server, runId)).code === 1, "the end of the run");
});

once("no worker is free", async ({ name }) => {
	const server = await Server.start({ flags: ["--no-poll", "--queue-workers", "1"] });
	const one = holding("one", name);
	const made = await App.start({ server, sdk: V4, id: name, functions: [one.function] });
	const first = await started(server, name);
	await until(() => one.held.length > 0, "the call");
	const second = await started(server, name);
	await answered(server, first, /is being called now/);
	await answered(server, second, /: waiting, attempt 0\n {2}no worker is free: 1 of 1 calls to the app under way, it is the next one\n$/);
	one.open();
	await until(async () => (await why(server, second)).code === 1, "the end of the run");
	await made.retire();
	await server.stop();
});
