// What every test file uses: the matrix of SDKs, apps that record what the server asks of them, and `suite`, which
// gives a file its own server.
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import http from "node:http";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";

import * as v3 from "inngest-v3";
import { serve as serveV3 } from "inngest-v3/node";
import * as v4 from "inngest-v4";
import { serve as serveV4 } from "inngest-v4/node";

import { Server, TIMEOUT_MS, freePort, until } from "./server.mjs";

export { Server, freePort, until };

// Both SDKs keep their async context in one global, v3 as a promise of it and v4 as a record. In one process they
// need a value that is both.
const context = new AsyncLocalStorage();
const promise = Promise.resolve(context);
globalThis[Symbol.for("inngest:als")] = Object.assign(promise, { promise, resolved: context, isFallback: false });

const silent = { debug() {}, info() {}, warn() {}, error() {} };

const createV3 = (client, { triggers, handler, ...options }) => client.createFunction(options, triggers, handler);
const createV4 = (client, { triggers, handler, ...options }) => client.createFunction({ ...options, triggers }, handler);

// `version`: the request version that the SDK answers with (spec 02 §1). `namesErrors`: it tells the name of an error
// that a function throws (v3 calls all of them Error).
export const V3 = { name: "v3", version: 1, namesErrors: false, lib: v3, serve: serveV3, create: createV3, options: {} };
export const V4 = { name: "v4", version: 2, namesErrors: true, checkpoints: true, lib: v4, serve: serveV4, create: createV4, options: {} };
export const V4_PLAIN = { ...V4, name: "v4-plain", checkpoints: false, options: { checkpointing: false } };
export const SDKS = [V3, V4, V4_PLAIN];

export const sha1 = (text) => createHash("sha1").update(text).digest("hex");

// A file's tests: they run side by side, against one server that the file has for itself. each(title, [sdks,] body)
// writes a test once for several SDKs, once(title, body) for none. The body gets { server, sdk, app(options), name };
// `name` is unique: use it for event names and app ids. The server does not poll the apps, so that what a test
// registers by hand stays. `server: false`: there is none, the tests start their own.
//
// INNGEST_TEST_ONLY: a regular expression for the titles of the tests to run.
export function suite({ server: wanted = true, concurrency = 8, timeoutMs = TIMEOUT_MS, flags = ["--no-poll"], ...options } = {}) {
	const only = new RegExp(process.env.INNGEST_TEST_ONLY ?? "");
	const scenarios = [];
	const add = (title, sdk, body) => {
		const number = scenarios.length + 1;
		scenarios.push({ title, sdk, body, name: `t${number}-${sdk?.name ?? "raw"}` });
	};
	const each = (title, ...rest) => {
		const body = rest.pop();
		for (const sdk of rest[0] ?? SDKS) add(`${title} [${sdk.name}]`, sdk, body);
	};
	const once = (title, body) => add(title, undefined, body);
	test(basename(process.argv[1]), { concurrency }, async (t) => {
		await null; // The file goes on to add its scenarios.
		const server = wanted ? await Server.start({ flags, timeoutMs, ...options }) : undefined;
		const run = (one) => t.test(one.title, { timeout: 5 * timeoutMs }, () => perform(server, one));
		await Promise.all(scenarios.filter(({ title }) => only.test(title)).map(run));
		await server?.stop();
	});
	return { each, once };
}

async function perform(server, { sdk, body, name }) {
	const apps = [];
	const app = async (options = {}) => {
		const made = await App.start({ server, sdk: options.sdk ?? sdk, id: name, ...options });
		apps.push(made);
		return made;
	};
	try {
		await body({ server, sdk, app, name, errors: sdk?.lib });
	} finally {
		for (const made of apps) await made.retire();
	}
}

// An app: a plain node server with the SDK's handler, or with a handler written by hand (`answer`). It keeps what
// each call asked and what it got in `calls`, and what the SDK itself asks of the server in `requests`.
export class App {
	static async start(options) {
		const app = new App(options);
		await app.listen(options.port);
		if (app.handler && options.sync !== false) await app.sync();
		return app;
	}

	constructor({ server, sdk, id, functions = [], client = {}, answer, path = "/api/inngest", recorded = true }) {
		Object.assign(this, { server, sdk, id, path, recorded, calls: [], requests: [], sockets: new Set() });
		if (answer) {
			this.answer = answer;
			return;
		}
		this.client = new sdk.lib.Inngest({
			id,
			isDev: true,
			baseUrl: server.url,
			eventKey: "test",
			logger: silent,
			...(sdk === V3 ? {} : { internalLogger: silent }),
			fetch: (input, init) => this.fetch(input, init),
			...sdk.options,
			...client,
		});
		this.serve(functions);
	}

	// Replaces the app's functions: { id, event | triggers, handler, … }. Takes effect with the next sync().
	serve(functions) {
		const made = functions.map(({ event, triggers = [{ event }], ...rest }) =>
			this.sdk.create(this.client, { triggers, ...rest }));
		this.handler = this.sdk.serve({ client: this.client, functions: made });
	}

	async listen(port = 0) {
		this.isDown = false;
		this.http = http.createServer((request, response) => this.receive(request, response));
		this.http.keepAliveTimeout = 60_000;
		this.http.on("connection", (socket) => {
			this.sockets.add(socket);
			socket.unref();
			socket.on("close", () => this.sockets.delete(socket));
		});
		await new Promise((done, fail) => this.http.once("error", fail).listen(port, done));
		this.http.unref(); // A test that fails must not keep its process from ending.
		this.port = this.http.address().port;
		this.url = `http://localhost:${this.port}${this.path}`;
	}

	// Goes down hard: nothing listens any more, connections in use are cut.
	async down() {
		this.isDown = true;
		const closed = new Promise((done) => this.http.close(done));
		for (const socket of this.sockets) socket.destroy();
		await closed;
	}

	// The SDK registers itself when somebody PUTs to it.
	async sync() {
		const reply = await fetch(this.url, { method: "PUT", headers: { connection: "close" } });
		const body = await reply.json();
		if (reply.status !== 200) throw new Error(`sync of ${this.id}: ${reply.status} ${JSON.stringify(body)}`);
		return body;
	}

	// Registers functions by hand, as an SDK in another language would.
	async register(functions, { url = this.url, sdk = "js:v4.24.0", ...rest } = {}) {
		return this.server.request("/fn/register", {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: { v: "0.1", deployType: "ping", sdk, framework: "nodejs", appName: this.id, url, functions, ...rest },
		});
	}

	// A function in the registration's form, with one step at this app's URL.
	rawFunction(id, events, { retries = 0, step = {}, ...rest } = {}) {
		const url = `${this.url}?fnId=${this.id}-${id}&stepId=step`;
		return {
			id: `${this.id}-${id}`,
			name: id,
			triggers: [events].flat().map((event) => ({ event })),
			steps: { step: { id: "step", name: "step", runtime: { type: "http", url }, retries: { attempts: retries }, ...step } },
			...rest,
		};
	}

	// Takes the app out of the way of later tests: no functions any more, nothing listening.
	async retire() {
		if (!this.server.exit) await this.register([]);
		await this.down();
	}

	async receive(request, response) {
		const chunks = [];
		try {
			for await (const chunk of request) chunks.push(chunk);
		} catch (error) {
			// A run may end while another call of it is under way; the test is over then, and the app gone.
			if (this.isDown) return;
			throw error;
		}
		const bytes = Buffer.concat(chunks);
		const call = this.recorded && request.method === "POST" ? this.record(request, bytes, response) : undefined;
		if (this.answer) {
			await this.answer({ request, response, bytes, call, app: this });
			return;
		}
		// The SDK reads a stream: give it the bytes again.
		const again = Object.assign(Readable.from([bytes]), {
			method: request.method,
			url: request.url,
			headers: request.headers,
			socket: request.socket,
		});
		this.handler(again, response);
	}

	record(request, bytes, response) {
		const query = new URL(request.url, "http://app").searchParams;
		const body = JSON.parse(bytes.toString("utf8"));
		const call = {
			at: Date.now(),
			url: request.url,
			headers: request.headers,
			body,
			text: bytes.toString("utf8"),
			fnId: query.get("fnId"),
			stepId: query.get("stepId"),
			runId: body.ctx.run_id,
			version: Number(request.headers["x-inngest-req-version"]),
			generation: Number(request.headers["x-inngest-generation-id"]),
			jobId: request.headers["x-inngest-job-id"],
			attempt: body.ctx.attempt,
		};
		this.calls.push(call);
		const { writeHead, write, end } = response;
		const out = [];
		response.writeHead = function (status, headers = {}) {
			call.status = status;
			call.replyHeaders = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
			return writeHead.call(this, status, headers);
		};
		response.write = function (chunk, ...rest) {
			out.push(Buffer.from(chunk));
			return write.call(this, chunk, ...rest);
		};
		response.end = function (chunk, ...rest) {
			if (chunk !== undefined && typeof chunk !== "function") out.push(Buffer.from(chunk));
			call.reply = Buffer.concat(out).toString("utf8");
			return end.call(this, chunk, ...rest);
		};
		return call;
	}

	// What the SDK itself asks of the server: registration, checkpoints, state, events.
	async fetch(input, init) {
		const url = new URL(input instanceof Request ? input.url : input);
		const entry = { path: url.pathname, method: init?.method ?? "GET" };
		if (typeof init?.body === "string") entry.body = JSON.parse(init.body);
		this.requests.push(entry);
		const reply = await fetch(input, init);
		entry.status = reply.status;
		return reply;
	}

	callsOf(run) {
		return this.calls.filter((call) => call.runId === run.run_id);
	}

	checkpointsOf(run) {
		return this.requests.filter((request) => request.path === `/v1/checkpoint/${run.run_id}/async`);
	}
}

// Functions that catch what the server says about runs: internal events by name, to be looked up by run.
export function watcher(...names) {
	const seen = [];
	return {
		seen,
		functions: names.map((name) => ({
			id: `watch-${name.split(".").at(-1)}`,
			event: name,
			handler: ({ event }) => {
				seen.push(event);
				return "seen";
			},
		})),
		event: (name, run) =>
			until(
				() => seen.find((event) => event.name === name && event.data.run_id === run.run_id),
				`${name} of ${run.run_id}; seen: ${JSON.stringify(seen.map((event) => [event.name, event.data.run_id]))}`,
			),
	};
}
