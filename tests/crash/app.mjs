// An app as an SDK would serve it: registers once, and answers calls as its functions say.
import http from "node:http";

import { KINDS, registration } from "./kinds.mjs";
import { exchange, parse, pause } from "./support.mjs";
import { DISCOVERY } from "./wire.mjs";

const PATH = "/api/inngest";
const SLOW_CALLS = 0.2;
const STRAYS = 0.5; // executions that go on when their call's connection is gone, as most SDKs' do

const endsRun = (answer) => answer?.status === 200 || answer?.body[0]?.op === "RunComplete";

export class App {
	constructor({ server, ledger, limits, events, checks, random, port }) {
		Object.assign(this, { server, ledger, limits, events, checks, random, port });
		this.url = `http://127.0.0.1:${port}${PATH}`;
		this.http = http.createServer((request, reply) => this.serve(request, reply));
		// The server under test ends connections; an app that did so itself would make calls fail.
		Object.assign(this.http, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 });
		this.http.on("connection", (socket) => (socket.incarnation = server.incarnation));
		server.settled = () => this.drain();
	}

	listen() {
		return new Promise((done, fail) => this.http.once("error", fail).listen(this.port, "127.0.0.1", done));
	}

	// Connections are accepted in the order in which they were made: when ours is there, so are all earlier ones.
	drain() {
		return exchange(this.url, { fresh: true });
	}

	close() {
		this.http.closeAllConnections();
		return new Promise((done) => this.http.close(done));
	}

	// `resting`: schedules do not tick any more.
	register(resting = false) {
		const functions = KINDS.map((kind) => registration(kind, this.url, resting));
		const sdk = { sdk: "js:v3.54.2", framework: "crash", v: "0.1", deployType: "ping" };
		const body = { appName: "crash", url: this.url, functions, ...sdk };
		const asked = exchange(`${this.server.url}/fn/register`, { method: "POST", body });
		this.server.moment("register");
		return asked;
	}

	serve(request, reply) {
		if (request.method === "GET") return void reply.writeHead(204).end();
		const chunks = [];
		request.on("error", () => {});
		reply.on("error", () => {});
		request.on("data", (chunk) => chunks.push(chunk));
		request.on("end", () => {
			this.call(request, reply, Buffer.concat(chunks)).catch((error) => {
				this.checks.expect("shape", false, `${error.stack}`);
				reply.destroy();
			});
		});
	}

	async call(request, reply, text) {
		this.server.moment("call");
		const body = parse(text.toString());
		const query = new URL(request.url, this.url).searchParams;
		const kind = KINDS.find(({ slug }) => slug === query.get("fnId"));
		const target = query.get("stepId");
		const { incarnation } = request.socket;
		if (!this.wellFormed(kind, target, body, request)) return void reply.writeHead(500).end();
		const run = this.ledger.called(kind, body, target, incarnation);
		this.ledger.open(run, incarnation);
		const execution = this.limits.enter(run, target, incarnation);
		reply.once("close", () => this.limits.cut(execution));
		const answer = await this.execute({ kind, run, body, target, reply });
		this.ledger.close(run, incarnation);
		this.limits.leave(execution, answer !== null && !reply.destroyed, endsRun(answer));
		if (answer === null || reply.destroyed) return void reply.destroy();
		const payload = JSON.stringify(answer.body);
		reply.writeHead(answer.status, {
			"content-type": "application/json",
			"content-length": Buffer.byteLength(payload),
			"x-inngest-sdk": "inngest-js:v3.54.2",
			"x-inngest-req-version": `${kind.version}`,
		});
		reply.end(payload);
		this.server.moment("answer");
		for (const { op } of Array.isArray(answer.body) ? answer.body : []) this.server.moment(op);
		if (answer.status !== 206) this.server.moment("end");
		if (kind.schedule) this.server.moment("tick");
	}

	async execute({ kind, run, body, target, reply }) {
		const { server, ledger, checks, random } = this;
		const survives = random.chance(STRAYS);
		const closed = () => reply.destroyed || reply.socket === null || reply.socket.destroyed;
		const abandoned = () => {
			if (!closed()) return false;
			if (survives) run.strays++;
			return !survives;
		};
		const startedAt = Date.now();
		await pause(random.chance(SLOW_CALLS) ? random.between(100, 1500) : random.between(0, 12));
		return kind.answer({ kind, run, body, target, startedAt, server, ledger, checks, random, closed, abandoned });
	}

	wasSent({ id, name, data }, { takes }) {
		const sent = this.events.get(id);
		return sent?.name === takes && name === takes && JSON.stringify(data) === JSON.stringify(sent.data);
	}

	wellFormed(kind, target, body, request) {
		const expected = () => (kind.takes ? body.events.every((event) => this.wasSent(event, kind)) : kind.expects(body, this));
		const fine =
			request.method === "POST" &&
			(target === DISCOVERY || kind?.targets?.includes(target)) &&
			expected() &&
			body.events.length >= 1 &&
			body.events.length <= (kind.config?.batchEvents?.maxSize ?? 1) &&
			JSON.stringify(body.event) === JSON.stringify(body.events[0]) &&
			body.ctx.run_id === request.headers["x-run-id"] &&
			body.ctx.step_id === DISCOVERY &&
			body.ctx.max_attempts === kind.retries + 1;
		return this.checks.expect("shape", fine, () => `${request.method} ${request.url} ${JSON.stringify(body)}`);
	}
}
