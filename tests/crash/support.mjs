// Small things that all parts of the crash test use.
import http from "node:http";
import { createServer } from "node:net";

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Random numbers from a seed: the decisions of a run can be had again, its timing cannot.
export class Random {
	constructor(seed) {
		this.state = seed >>> 0;
	}

	next() {
		this.state = (this.state + 0x9e3779b9) >>> 0;
		let x = this.state;
		x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
		x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
		return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
	}

	// A whole number from..to, both included.
	between(from, to) {
		return from + Math.floor(this.next() * (to - from + 1));
	}

	chance(share) {
		return this.next() < share;
	}

	pick(list) {
		return list[this.between(0, list.length - 1)];
	}

	bytes(count) {
		return Buffer.from(Array.from({ length: count }, () => this.between(0, 255)));
	}
}

// Everything that is checked, by kind. Each kind counts as one test; a violation is remembered with an example.
export class Checks {
	static EXAMPLES = 5;
	static EXAMPLE_LENGTH = 1000;

	constructor(kinds) {
		this.kinds = new Map(Object.entries(kinds).map(([name, says]) => [name, { says, seen: 0, failures: 0, examples: [] }]));
	}

	// Remembers a failure of `name` unless `fine`. `example` may be a function, called on failure only.
	expect(name, fine, example) {
		const kind = this.kinds.get(name);
		kind.seen++;
		if (fine) return true;
		kind.failures++;
		if (kind.examples.length < Checks.EXAMPLES) {
			kind.examples.push(`${typeof example === "function" ? example() : example}`.slice(0, Checks.EXAMPLE_LENGTH));
		}
		return false;
	}

	get failed() {
		return [...this.kinds.values()].filter((kind) => kind.failures > 0 || kind.seen === 0).length;
	}

	report(print) {
		for (const { says, seen, failures, examples } of this.kinds.values()) {
			const verdict = failures > 0 ? "FAILED" : seen === 0 ? "MISSED" : "ok";
			print(`${verdict.padEnd(6)} ${says} (${failures > 0 ? `${failures} of ` : ""}${seen} looked at)`);
			for (const example of examples) print(`         ${example}`);
		}
	}
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

// One HTTP exchange, over a connection of its own if `fresh`: { status, headers, text, json }, or null when the server
// did not answer it to the end.
export function exchange(url, { method = "GET", headers = {}, body, timeoutMs = 60_000, fresh = false } = {}) {
	return new Promise((done) => {
		const payload = body === undefined ? undefined : JSON.stringify(body);
		const length = payload === undefined ? {} : { "content-length": Buffer.byteLength(payload) };
		const all = { "content-type": "application/json", ...length, ...headers };
		const request = http.request(url, { method, headers: all, agent: fresh ? false : agent, timeout: timeoutMs }, (reply) => {
			const chunks = [];
			reply.on("data", (chunk) => chunks.push(chunk));
			reply.once("error", () => done(null));
			reply.once("close", () => done(null)); // too late when "end" came before
			reply.once("end", () => {
				const text = Buffer.concat(chunks).toString();
				done({ status: reply.statusCode, headers: reply.headers, text, json: parse(text) });
			});
		});
		request.once("timeout", () => request.destroy());
		request.once("error", () => done(null));
		request.end(payload);
	});
}

export function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID_LENGTH = 26;

// The time in a ULID's first ten digits.
export function ulidTime(id) {
	return [...id.slice(0, 10)].reduce((time, digit) => time * 32 + ULID_DIGITS.indexOf(digit), 0);
}

// A ULID as text, from its bytes in hexadecimal.
export function ulidText(hex) {
	let text = "";
	for (let rest = BigInt(`0x${hex}`); text.length < ULID_LENGTH; rest >>= 5n) text = ULID_DIGITS[Number(rest & 31n)] + text;
	return text;
}

// A list of what `keyOf` gives the same key, by key.
export function groupBy(list, keyOf) {
	const groups = new Map();
	for (const one of list) {
		const key = keyOf(one);
		if (!groups.has(key)) groups.set(key, []);
		groups.get(key).push(one);
	}
	return groups;
}

// Calls `work` for each item, at most `width` at a time.
export async function each(items, width, work) {
	const queue = [...items];
	let next = 0;
	const worker = async () => {
		while (next < queue.length) await work(queue[next++]);
	};
	await Promise.all(Array.from({ length: width }, worker));
}

// Ports below the range that the kernel hands out to clients: nobody takes one while the server is down.
let candidate = 10_000 + (process.pid % 1000) * 20;
export async function freePort() {
	for (let tries = 0; tries < 2000; tries++) {
		const port = candidate++;
		if (candidate > 32_000) candidate = 10_000;
		const free = await new Promise((done) => {
			const probe = createServer();
			probe.once("error", () => done(false));
			probe.listen(port, () => probe.close(() => done(true)));
		});
		if (free) return port;
	}
	throw new Error("no free port");
}
