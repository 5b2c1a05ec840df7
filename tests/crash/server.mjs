// The server under test as a process: started, killed, started again over the same directory.
import { spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { exchange, freePort, pause } from "./support.mjs";

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 60_000;

export class Server {
	constructor(binary, directory) {
		this.binary = binary;
		this.directory = directory;
		this.logFile = join(directory, "server.log");
		this.incarnation = 0; // counts the starts: what came in from an earlier one is older than its end
		this.child = null;
		this.ends = []; // how it ended without being asked to
		this.lives = []; // from and to: when there was a process
		this.moments = new EventEmitter(); // see moment()
		this.wanted = null; // the moment at which it is to be ended
		this.settled = async () => {}; // waits until all that it sent before its end has come in
	}

	async choosePorts() {
		this.port = await freePort();
		this.gatewayPort = await freePort();
		this.url = `http://127.0.0.1:${this.port}`;
	}

	// Something named has just happened to it: a good time for its end (killer.mjs).
	moment(name) {
		this.moments.emit(name);
	}

	start() {
		const flags = [
			...["dev", "--no-discovery", "--no-poll", "--port", `${this.port}`, "--connect-gateway-port", `${this.gatewayPort}`],
			...["--persist", "--durability", "os", "--sqlite-dir", this.directory],
			...["--retry-interval", "1", "--log-level", "error"],
		];
		const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INNGEST_")));
		const log = openSync(this.logFile, "a");
		this.incarnation++;
		const life = { from: Date.now(), to: Infinity };
		this.lives.push(life);
		const child = spawn(this.binary, flags, { cwd: this.directory, env, stdio: ["ignore", log, log] });
		closeSync(log);
		this.child = child;
		this.asked = false;
		this.ended = new Promise((done) => {
			child.once("error", (error) => done({ error }));
			child.once("exit", (code, signal) => done({ code, signal }));
		}).then((end) => {
			this.child = null;
			life.to = Date.now();
			const how = end.error?.message ?? end.signal ?? `exit code ${end.code}`;
			if (!this.asked) this.ends.push(`start ${this.incarnation}: ${how}`);
			return end;
		});
	}

	// The last moment of a life that is not after `at`.
	lastAlive(at) {
		const life = this.lives.findLast(({ from }) => from <= at);
		return life ? Math.min(at, life.to) : -Infinity;
	}

	// The moment since which it has lived `ms` altogether when it is `at`.
	before(at, ms) {
		let left = ms;
		for (let n = this.lives.length - 1; n >= 0; n--) {
			const { from, to } = this.lives[n];
			const end = Math.min(to, at);
			if (end - from >= left) return end - left;
			left -= Math.max(0, end - from);
		}
		return -Infinity;
	}

	// Whether what has just happened to a connection of the start `incarnation` is that start's own doing.
	isAlive(incarnation) {
		return incarnation === this.incarnation && this.child !== null && !this.asked;
	}

	async kill() {
		this.asked = this.child !== null;
		this.child?.kill("SIGKILL");
		await this.ended;
		await this.settled();
	}

	// SIGTERM, and how it ended.
	async stop() {
		this.asked = this.child !== null;
		this.child?.kill("SIGTERM");
		const timer = setTimeout(() => this.child?.kill("SIGKILL"), STOP_LIMIT_MS);
		const end = await this.ended;
		clearTimeout(timer);
		return end;
	}

	destroy() {
		this.asked = true;
		this.child?.kill("SIGKILL");
	}

	async healthy() {
		const limit = Date.now() + START_LIMIT_MS;
		while (Date.now() < limit && this.child !== null) {
			const reply = await exchange(`${this.url}/health`, { timeoutMs: 5_000 });
			if (reply?.status === 200) return true;
			await pause(10);
		}
		return false;
	}

	log() {
		try {
			return readFileSync(this.logFile, "utf8").slice(-6000);
		} catch {
			return "";
		}
	}

	// The `data` of a reply; undefined when the server answered with an error, or has ended.
	async data(path) {
		for (;;) {
			const reply = await exchange(this.url + path);
			if (reply !== null) return reply.status === 200 ? reply.json?.data : undefined;
			if (this.child === null) return undefined;
			await pause(20);
		}
	}
}
