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

each("the log tells once that an app cannot be synced, and when it can", async ({ sdk }) => {
	const port = await freePort();
	const url = `http://localhost:${port}/api/inngest`;
	await withServer({ flags: ["--sdk-url", url, "--poll-interval", "1"] }, async (server) => {
		const told = () => server.stderr.text.split("\n").filter((line) => line.includes("synced")).map((line) => JSON.parse(line));
		await until(() => told().length === 1, "a word about the app that is down");
		const app = await App.start({ server, sdk, id: "late", functions: hello("late"), port, sync: false });
		await until(() => told().length === 2, "a word about the app that is up");
		assert.deepEqual(told().map(({ level, msg, url: of, error }) => [level, msg, of, error]), [
			["WARN", "app cannot be synced", url, "unreachable"],
			["INFO", "app synced", url, undefined],
		]);
		await app.down();
	});
});

// The error of such an app is its registration's; the pings say something else, or nothing.
once("the log does not tell in each round of an app that stays as it is", async () => {
	await withServer({ flags: ["--poll-interval", "1"] }, async (server) => {
		const told = () => server.stderr.text.split("\n").filter((line) => line.includes("synced")).map((line) => JSON.parse(line).msg);
		const broken = [{ id: "broken", event: "broken/x", debounce: { period: "1s", key: "user == 1" }, handler: () => "" }];
		const apps = [];
		for (const functions of [[], broken]) {
			const app = await App.start({ server, sdk: V4, id: `stays${functions.length}`, functions, sync: false });
			await app.sync().catch(() => undefined);
			apps.push(app);
		}
		await until(() => apps.every((app) => app.requests.length > 4), "some rounds");
		assert.equal(told().filter((msg) => msg === "app cannot be synced").length, 1);
		assert.ok(told().length <= 2, told().join());
		for (const app of apps) await app.down();
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

once("expressions that are refused, and why", async ({ app, name }) => {
	const made = await app({ answer: ({ response }) => response.end() });
	const fn = (changes) => ({ ...made.rawFunction("f", `${name}/f`), ...changes });
	const trigger = (expression) => fn({ triggers: [{ event: `${name}/f`, expression }] });
	const batch = { maxSize: 2, timeout: "1s" };
	const at = (place, reason) => `error compiling expression: ERROR: <input>:${place}: ${reason}`;
	const policy = (count, reason) => `validation failed: ${count} occurred:\n\t* ${reason}`;
	const unfinished = at("1:11", "Syntax error: ");
	const stranger = at("1:1", "undeclared reference to 'user'");
	const bad = [
		[trigger("event.x ==\n"), `invalid trigger expression on '${name}/f': ${at("2:1", "Syntax error: ")}`],
		[trigger("event.a &&\n\tevent.b.lower()"), at("2:10", "undeclared reference to 'lower'"), "\n |  event.b.lower()\n | .........^"],
		[trigger("user.id == 1"), `invalid trigger expression on '${name}/f': ${stranger}`],
		[trigger(""), `invalid trigger expression on '${name}/f': ${at("1:1", "Syntax error: ")}`],
		[trigger(`'${"é".repeat(100_000)}'`), at("1:1", "expression code point size exceeds limit: size: 100002")],
		[trigger("(".repeat(1000)), at("1:251", "Syntax error: expression recursion limit exceeded: 250")],
		[fn({ concurrency: { limit: 1, key: "event.x ==" } }), `Invalid concurrency key 'event.x ==': ${unfinished}`],
		[fn({ concurrency: { fn: [{ limit: 1, key: "event.x ==" }] } }), `invalid function concurrency key 'event.x ==': ${unfinished}`],
		[fn({ batchEvents: { ...batch, key: "user" } }), `batch key expression is invalid: ${stranger}`, "batch_key_expression_invalid"],
		[fn({ batchEvents: { ...batch, if: "user" } }), `conditional batch expression is invalid ${stranger}`, "batch_if_expression_invalid"],
		[fn({ priority: { run: "event.x ==" } }), `Priority.Run expression is invalid: ${unfinished}`],
		[fn({ cancel: [{ event: "c", if: "user == 1" }] }), `Cancellation expression is invalid: ${stranger}`],
		[fn({ cancel: [{ event: "c", if: "has(event.a)" }] }), policy("1 error", "macros are disallowed (uses 'has')")],
		[fn({ cancel: [{ event: "c", if: "event.a - 1 < size('a')" }] }), policy("2 errors", "function calls are disallowed (uses '_-_')")],
		[fn({ debounce: { period: "1s", key: "user" } }), `Debounce expression is invalid: ${stranger}`],
		[fn({ rateLimit: { limit: 1, period: "1m", key: "user" } }), `key is invalid: ${stranger}`],
		[fn({ idempotency: "user" }), `key is invalid: ${stranger}`],
		[fn({ idempotency: "event.x || 'none'" }), `key is invalid: ${at("1:12", "expected type 'bool' but found 'string'")}`],
	];
	for (const [one, ...parts] of bad) {
		const { status, json } = await made.register([made.rawFunction("good", `${name}/g`), one]);
		assert.equal(status, 400, JSON.stringify(one));
		assert.deepEqual({ ...json, data: null }, { code: "config_invalid", error: "At least one function is invalid", data: null, status: 400 });
		assert.equal(json.data.errors.length, 1);
		const [{ code, message }] = json.data.errors;
		for (const part of parts) assert.ok(`${code} ${message}`.includes(part), `${message}\nlacks ${part}`);
		assert.ok(message.length < 2000);
	}
});

once("expressions that are taken", async ({ app, server, name }) => {
	const made = await app({ answer: ({ response }) => response.end() });
	const expression = `event.data.size in ["größe", 5] ||\n  size(event.data.l) > 1 // a comment`;
	const limits = { concurrency: [{ limit: 1, key: "customer || 'none'" }, { limit: 2, scope: "env", key: "event.data.id" }], priority: { run: "whatever" } };
	const functions = [
		made.rawFunction("if", name, { triggers: [{ event: name, expression }, { event: name, expression: "event.data.t" }, { event: name }] }),
		made.rawFunction("failure", name, { triggers: [{ event: "inngest/function.failed", expression: `event.data.function_id == '${made.id}-if'` }] }),
		made.rawFunction("keys", name, { ...limits, idempotency: "event.id + 1", debounce: { period: "1s", key: "" } }),
		made.rawFunction("free", name, { throttle: { limit: 1, period: "1s", key: "event. ==" }, singleton: { key: "" } }),
		made.rawFunction("batch", name, { batchEvents: { maxSize: 2, timeout: "1s", key: "event.data.k", if: "has(event.data.k)" } }),
		made.rawFunction("cancel", name, { cancel: [{ event: "c", if: "event.data.id == async.data.id" }] }),
	];
	const { status, text } = await made.register(functions);
	assert.equal(status, 200, text);
	const { json } = await server.request("/dev");
	const known = (id) => json.functions.find((one) => one.slug === `${made.id}-${id}`);
	assert.deepEqual(known("if").triggers.map((trigger) => trigger.expression), [expression, "event.data.t", undefined]);
	assert.equal(known("cancel").cancel[0].if, "event.data.id == async.data.id");
	// What is refused later leaves all of them as they were.
	const refused = await made.register([made.rawFunction("if", name, { triggers: [{ event: name, expression: "user" }] })]);
	assert.equal(refused.status, 400);
	const after = await server.request("/dev");
	assert.equal(after.json.functions.filter(({ slug }) => slug.startsWith(`${made.id}-`)).length, functions.length);
});

each("functions with the names people give them", [V3, V4], async ({ server, app, name }) => {
	const ids = ["a", "with space", "UPPER", "ünïcödé", "a/b", "a.b", "x".repeat(120)];
	await app({ functions: ids.map((id, i) => ({ id, name: `Name ${i} 👋`, event: `${name}/${i}`, handler: () => id })) });
	for (const [i, id] of ids.entries()) {
		assert.equal((await server.runOf({ name: `${name}/${i}` }, "Completed")).output, id);
	}
});
