// Starts, talks to and stops the binary under test. Nothing in here knows the SDKs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { assertDescribed } from "./openapi.mjs";

const here = dirname(fileURLToPath(import.meta.url));

// INNGEST_BIN              the binary; default ../../build/inngest
// INNGEST_EXTRA_FLAGS      flags for every server, separated by spaces
// INNGEST_EXTRA_ENV        its environment, NAME=VALUE separated by spaces (ASAN_OPTIONS=… TSAN_OPTIONS=…)
// INNGEST_TEST_TIMEOUT_MS  how long a condition may take to come true; default 60000
export const BIN = process.env.INNGEST_BIN ? resolve(process.env.INNGEST_BIN) : resolve(here, "../../build/inngest");
export const TIMEOUT_MS = Number(process.env.INNGEST_TEST_TIMEOUT_MS ?? 60_000);

const FINAL = new Set(["Completed", "Failed", "Cancelled", "Skipped", "Overflowed"]);
const SANITIZER = /(Address|Leak|Thread|UndefinedBehavior|Memory)Sanitizer|runtime error:/;
const OUTPUT_KEPT = 256 * 1024;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

// Waits until `condition` gives something truthy, and returns that.
export async function until(condition, what, timeoutMs = TIMEOUT_MS) {
	const end = Date.now() + timeoutMs;
	for (;;) {
		const value = await condition();
		if (value) return value;
		if (Date.now() > end) {
			throw new Error(`timed out after ${timeoutMs} ms: ${typeof what === "function" ? await what() : what}`);
		}
		await pause(25);
	}
}

// Ports below the range that the kernel hands out to clients, so that a port stays free between two uses; each
// test process has a window of its own.
const FORBIDDEN_PORT = 10_080; // fetch refuses to use it
let nextPort = 10_000 + (process.pid % 1000) * 20;
export async function freePort() {
	for (let tries = 0; tries < 2000; tries++) {
		const port = nextPort++;
		if (nextPort > 32_000) nextPort = 10_000;
		if (port !== FORBIDDEN_PORT && (await canBind(port))) return port;
	}
	throw new Error("no free port");
}

function canBind(port) {
	return new Promise((done) => {
		const probe = createServer();
		probe.once("error", () => done(false));
		probe.listen(port, () => probe.close(() => done(true)));
	});
}

export function childEnvironment(extra) {
	const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INNGEST_")));
	for (const pair of (process.env.INNGEST_EXTRA_ENV ?? "").split(/\s+/).filter(Boolean)) {
		const at = pair.indexOf("=");
		env[pair.slice(0, at)] = pair.slice(at + 1);
	}
	return { ...env, ...extra };
}

// A tail of what a stream says, in bounded memory.
function collect(stream) {
	const kept = { text: "", report: "" };
	stream.setEncoding("utf8");
	stream.on("data", (chunk) => {
		kept.text = (kept.text + chunk).slice(-OUTPUT_KEPT);
		if (!kept.report && SANITIZER.test(kept.text)) kept.report = kept.text.slice(-8192);
	});
	return kept;
}

export class Server {
	static async start({ flags = [], env = {}, discovery = false, timeoutMs = TIMEOUT_MS, ...places } = {}) {
		const server = new Server();
		server.timeoutMs = timeoutMs;
		server.ownsDirectory = !places.directory;
		server.directory = places.directory ?? (await mkdtemp(join(tmpdir(), "inngest-sdk-")));
		server.port = places.port ?? (await freePort());
		server.gatewayPort = places.gatewayPort ?? (await freePort());
		server.url = `http://127.0.0.1:${server.port}`;
		server.flags = [
			...["dev", "--port", `${server.port}`, "--connect-gateway-port", `${server.gatewayPort}`],
			...(discovery ? [] : ["--no-discovery"]),
			...["--retry-interval", "1", ...flags],
			...(process.env.INNGEST_EXTRA_FLAGS ?? "").split(/\s+/).filter(Boolean),
		];
		server.env = env;
		await server.spawn();
		return server;
	}

	async spawn() {
		this.child = spawn(BIN, this.flags, {
			cwd: this.directory,
			env: childEnvironment(this.env),
			stdio: ["ignore", "pipe", "pipe"],
		});
		this.stdout = collect(this.child.stdout);
		this.stderr = collect(this.child.stderr);
		this.exit = null;
		this.exited = new Promise((done) => {
			this.child.once("error", (error) => done((this.exit ??= { error })));
			this.child.once("close", (code, signal) => done((this.exit ??= { code, signal })));
		});
		const { child } = this;
		children.add(child);
		this.exited.then(() => children.delete(child));
		for (const handle of [child, child.stdout, child.stderr]) handle.unref();
		await until(() => this.isHealthy(), () => `${BIN} is not healthy\n${this.tail()}`);
	}

	async isHealthy() {
		this.assertAlive();
		return fetch(`${this.url}/health`).then((reply) => reply.arrayBuffer().then(() => reply.ok), () => false);
	}

	assertAlive() {
		if (!this.exit) return;
		const { error, code, signal } = this.exit;
		throw new Error(`the server ended (${error?.message ?? signal ?? code})\n${this.tail()}`);
	}

	tail() {
		return `--- stdout\n${this.stdout.text.slice(-4000)}\n--- stderr\n${this.stderr.text.slice(-8000)}`;
	}

	log() {
		return this.stdout.text + this.stderr.text;
	}

	// Ends the server as a user would and checks that it ends well.
	async stop(signal = "SIGTERM") {
		if (!this.exit) this.child.kill(signal);
		const { error, code, signal: by } = await this.ended();
		if (this.ownsDirectory) await rm(this.directory, { recursive: true, force: true });
		assert.equal(error, undefined);
		assert.equal(this.stderr.report || this.stdout.report, "", "a sanitizer complained");
		assert.equal(by ?? code, 0, `exit status after ${signal}\n${this.tail()}`);
	}

	async kill() {
		this.child.kill("SIGKILL");
		await this.ended();
	}

	async ended() {
		const timer = setTimeout(() => this.child.kill("SIGKILL"), TIMEOUT_MS);
		const exit = await this.exited;
		clearTimeout(timer);
		return exit;
	}

	// One HTTP exchange: { status, headers, text, json } (json undefined when the body is not JSON).
	async request(path, { method = "GET", headers = {}, body } = {}) {
		this.assertAlive();
		const payload = body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
		const reply = await fetch(this.url + path, { method, headers, body: payload, redirect: "manual" }).catch((error) => {
			this.assertAlive();
			throw new Error(`${method} ${path}: ${error.cause?.message ?? error.message}`);
		});
		const text = await reply.text();
		let json;
		try {
			json = JSON.parse(text);
		} catch {
			// Not every reply is JSON.
		}
		const answer = { status: reply.status, headers: reply.headers, text, json };
		if (/^(\/api)?\/v[12]\//.test(path)) assertDescribed(await this.document(), { method, path, ...answer });
		return answer;
	}

	// The server's description of its REST API.
	async document() {
		this.openapi ??= fetch(`${this.url}/openapi.json`)
			.then((reply) => reply.json())
			.catch((error) => {
				this.openapi = undefined; // it may have been killed
				throw error;
			});
		return this.openapi;
	}

	// Sends one event or an array, and returns the internal ids.
	async send(events, { key = "test", headers = {} } = {}) {
		const reply = await this.request(`/e/${key}`, { method: "POST", headers, body: events });
		assert.equal(reply.status, 200, reply.text);
		return reply.json.ids;
	}

	async data(path) {
		const reply = await this.request(path);
		assert.equal(reply.status, 200, `${path}: ${reply.text}`);
		assert.ok(reply.json?.metadata?.fetched_at, `${path}: ${reply.text}`);
		return reply.json.data;
	}

	runsOf(eventId) {
		return this.data(`/v1/events/${eventId}/runs`);
	}

	run(runId) {
		return this.data(`/v1/runs/${runId}`);
	}

	// Waits until the event has `count` runs, and returns them.
	async runsStarted(eventId, count = 1) {
		return until(
			async () => {
				const runs = await this.runsOf(eventId);
				return runs.length >= count && runs;
			},
			async () => `event ${eventId}: ${JSON.stringify(await this.runsOf(eventId))}\n${this.tail()}`,
			this.timeoutMs,
		);
	}

	// Waits until the event has exactly `count` runs, all of them ended, and returns them as /v1/runs/{id} shows them.
	async runsEnded(eventId, count = 1) {
		const ended = await until(
			async () => {
				const runs = await this.runsOf(eventId);
				return runs.length >= count && runs.every((run) => FINAL.has(run.status)) && runs;
			},
			async () => `event ${eventId}: ${JSON.stringify(await this.runsOf(eventId))}\n${this.tail()}`,
			this.timeoutMs,
		);
		assert.equal(ended.length, count, JSON.stringify(ended));
		return Promise.all(ended.map((run) => this.run(run.run_id)));
	}

	// Sends one event and returns its only run once that has ended.
	async runOf(event, expected) {
		const [id] = await this.send(event);
		const [run] = await this.runsEnded(id);
		if (expected) assert.equal(run.status, expected, JSON.stringify(run));
		return run;
	}
}
