// How the server and the apps find each other, and what a registration may hold (spec 01, 05 §11).
import assert from "node:assert/strict";

import { App, Server, V3, V4, freePort, suite, until } from "./harness.mjs";

const { each, once } = suite();

async function withServer(options, body) {
	const server = await Server.start(options);
	try {
		await body(server);
	} finally {
		await server.stop();
	}
}

// The functions that the server knows, by slug.
async function functionsOf(server) {
	const { json } = await server.request("/dev");
	return json.functions.map((made) => made.slug ?? made.id);
}

const hello = (id, event = `${id}/hello`) => [{ id: "hello", event, handler: () => "hello" }];

each("--sdk-url finds an app that starts later", async ({ sdk }) => {
	const port = await freePort();
	await withServer({ flags: ["--sdk-url", `localhost:${port}/api/inngest`, "--poll-interval", "1"] }, async (server) => {
		const app = await App.start({ server, sdk, id: "later", functions: hello("later"), port, sync: false });
		await until(async () => (await functionsOf(server)).length === 1, "the app to be found");
		assert.equal((await server.runOf({ name: "later/hello" }, "Completed")).output, "hello");
		await app.down();
	});
});

once("polling notices new functions", async () => {
	await withServer({ flags: ["--poll-interval", "1"] }, async (server) => {
		const app = await App.start({ server, sdk: V4, id: "grow", functions: hello("grow") });
		app.serve([...hello("grow"), { id: "more", event: "grow/more", handler: () => "more" }]);
		await until(async () => (await functionsOf(server)).length === 2, "the second function");
		assert.equal((await server.runOf({ name: "grow/more" }, "Completed")).output, "more");
		await app.down();
	});
});

once("an app is discovered at a port of the environment", async () => {
	const port = await freePort();
	await withServer({ env: { PORT: `${port}` }, discovery: true, flags: ["--poll-interval", "1"] }, async (server) => {
		const app = await App.start({ server, sdk: V4, id: "found", functions: hello("found"), port, sync: false });
		await until(async () => (await functionsOf(server)).includes("found-hello"), "the app to be discovered");
		await app.down();
	});
});

each("what /dev tells", async ({ server, app, name }) => {
	await app({ functions: hello(name) });
	const { status, headers, json } = await server.request("/dev");
	assert.equal(status, 200);
	assert.match(headers.get("content-type"), /^application\/json/);
	assert.equal(headers.get("x-inngest-server-kind"), "dev");
	assert.equal(typeof json.version, "string");
	assert.equal(json.startOpts.autodiscover, false);
	assert.ok((await functionsOf(server)).includes(`${name}-hello`));
});

once("replies to a registration", async ({ server, app, name }) => {
	const made = await app({ answer: ({ response }) => response.end() });
	const functions = [made.rawFunction("a", `${name}/a`)];
	const first = await made.register(functions);
	assert.equal(first.status, 200);
	assert.equal(first.json.ok, true);
	assert.equal(first.json.modified, true);
	const second = await made.register(functions);
	assert.equal(second.json.modified, false);
	assert.equal(second.json.app_id, first.json.app_id);
	assert.notEqual(second.json.sync_id, first.json.sync_id);
	const loopback = await made.register(functions, { url: made.url.replace("localhost", "127.0.0.1") });
	assert.equal(loopback.json.modified, false, "127.0.0.1 is localhost");
	const wrong = await server.request("/fn/register", { method: "GET" });
	assert.equal(wrong.status, 405);
	assert.equal(wrong.headers.get("allow"), "POST");
});

once("registrations that are refused", async ({ server, app, name }) => {
	const made = await app({ answer: ({ response }) => response.end() });
	const post = (body, headers = {}) => server.request("/fn/register", { method: "POST", body, headers });
	const valid = { appName: made.id, url: made.url, sdk: "js:v4.24.0", functions: [] };
	const kind = await post(valid, { "x-inngest-expected-server-kind": "cloud" });
	assert.equal(kind.status, 400);
	assert.equal(kind.json.error, "Expected server kind dev, got cloud");
	for (const body of ["", "{", "nonsense", "[]", '{"appName":1}', '{"functions":{}}', '{"functions":[{"triggers":1}]}']) {
		const { status, json } = await post(body);
		assert.equal(status, 400, body);
		assert.match(json.error, /^Invalid request: /, body);
	}
	for (const body of [{}, null, { ...valid, appName: "" }]) {
		const { status, json } = await post(JSON.stringify(body));
		assert.equal(status, 400);
		assert.deepEqual(json, { error: "App ID required", data: null, status: 400 });
	}
	for (const sdk of ["js:v3.22.0", "js:v3.53.1", "inngest-js:v3.40.0"]) {
		const { status, json } = await post({ ...valid, sdk });
		assert.equal(status, 400, sdk);
		assert.equal(json.code, "sdk_version_denied", sdk);
	}
});

once("functions that are refused", async ({ app, name }) => {
	const made = await app({ answer: ({ response }) => response.end() });
	const fn = (changes) => ({ ...made.rawFunction("f", `${name}/f`), ...changes });
	const step = (runtime) => ({ step: { id: "step", name: "step", runtime } });
	const bad = [
		fn({ name: "" }),
		fn({ triggers: [{ event: `${name}/f` }, { event: `${name}/f` }] }),
		fn({ triggers: [{}] }),
		fn({ triggers: [{ event: "" }] }),
		fn({ triggers: [{ event: "x", cron: "* * * * *" }] }),
		fn({ triggers: [{ cron: "not a cron" }] }),
		fn({ triggers: [{ event: "x".repeat(256) }] }),
		fn({ triggers: Array.from({ length: 11 }, (_, i) => ({ event: `e${i}` })) }),
		fn({ steps: {} }),
		fn({ steps: step({ type: "http" }) }),
		fn({ steps: step({ type: "http", url: "ftp://localhost/x" }) }),
		fn({ steps: step({ type: "http", url: "http://a b/c" }) }),
	];
	for (const one of bad) {
		const { status, json } = await made.register([made.rawFunction("good", `${name}/g`), one]);
		assert.equal(status, 400, JSON.stringify(one));
		assert.equal(json.error, "At least one function is invalid");
		assert.equal(json.status, 400);
	}
});

each("functions with the names people give them", [V3, V4], async ({ server, app, name }) => {
	const ids = ["a", "with space", "UPPER", "ünïcödé", "a/b", "a.b", "x".repeat(120)];
	await app({ functions: ids.map((id, i) => ({ id, name: `Name ${i} 👋`, event: `${name}/${i}`, handler: () => id })) });
	for (const [i, id] of ids.entries()) {
		assert.equal((await server.runOf({ name: `${name}/${i}` }, "Completed")).output, id);
	}
});
