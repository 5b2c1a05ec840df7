// The people around the server: each does something about a run or an event, and comes back when it is done.
import { exchange, pause } from "./support.mjs";

const PATIENCE_MS = 180_000;
const ENOUGH = Symbol("enough");

export class People {
	constructor({ server, ledger, traffic, app, checks, random }) {
		Object.assign(this, { server, ledger, traffic, app, checks, random });
		this.busy = new Set(); // promises
		this.groups = new Map();
		this.isEnough = false; // they should give up
		this.unheard = 0; // requests that were not answered
		ledger.begun = (run) => run.kind.deed && this.do(run.kind.deed(this, run));
		traffic.heard = (kind, event, internalId) => kind.deedFor && this.do(kind.deedFor(this, event, internalId));
	}

	do(deed) {
		const done = deed
			.catch((error) => error === ENOUGH || this.checks.expect("alive", false, error.stack))
			.finally(() => this.busy.delete(done));
		this.busy.add(done);
	}

	async done() {
		while (this.busy.size > 0) await Promise.all(this.busy);
	}

	// How many different ones of a group have come by now.
	arrived(group, id) {
		const there = this.groups.get(group) ?? new Set();
		this.groups.set(group, there.add(id));
		return there.size;
	}

	async rest(from, to) {
		if (this.isEnough) throw ENOUGH;
		await pause(this.random.between(from, to));
	}

	// The same, but no longer than until the server is to be ended when somebody does `name`.
	async occasion(name, from, to) {
		const end = Date.now() + this.random.between(from, to);
		while (Date.now() < end && this.server.wanted !== name) await this.rest(5, 15);
	}

	// One request; null when no answer came. `name` is that of the moments around it.
	async ask(name, path, options) {
		const asked = exchange(this.server.url + path, options);
		this.server.moment(name);
		const answer = await asked;
		if (answer === null) this.unheard++;
		else this.server.moment("heard");
		return answer;
	}

	// The answer of a request that is made until there is one, which should be fine.
	async insist(name, path, options, fine = ({ status }) => status === 200, unheard = () => {}) {
		for (;;) {
			const answer = await this.ask(name, path, options);
			if (answer && answer.status !== 429 && answer.status !== 503) {
				this.checks.expect("accept", fine(answer), () => `${options.method} ${path}: ${answer.status} ${answer.text}`);
				return answer;
			}
			if (answer === null) unheard();
			await this.rest(5, 40);
		}
	}

	// `data` of what the server shows, as soon as it shows something.
	async read(path) {
		for (;;) {
			const answer = await exchange(this.server.url + path);
			if (answer) this.checks.expect("read", answer.status === 200, () => `${path}: ${answer.status} ${answer.text}`);
			if (answer) return answer.json?.data;
			await this.rest(5, 40);
		}
	}

	async until(what, condition) {
		const limit = Date.now() + PATIENCE_MS;
		for (;;) {
			const is = await condition();
			if (is) return is;
			if (!this.checks.expect("patience", Date.now() < limit, () => `nobody sees that ${what()}`)) return undefined;
			await this.rest(10, 60);
		}
	}

	// Whether the run is seen to wait for this step; false when the wait is over.
	async untilWaiting(run, stepId) {
		const seen = await this.until(
			() => `run ${run.id} waits for ${stepId}`,
			async () => {
				if (run.completed || run.memos.has(stepId)) return "over";
				const jobs = await this.read(`/v1/runs/${run.id}/jobs`);
				return jobs?.some(({ kind, Raw }) => kind === "pause" && Raw?.step === stepId) && "waits";
			},
		);
		return seen === "waits";
	}

	async untilEnded(run) {
		return await this.until(
			() => `run ${run.id} ends`,
			async () => {
				const shown = run.completed ? undefined : await this.read(`/v1/runs/${run.id}`);
				if (shown && shown.ended_at !== null) this.ledger.ended(shown);
				return run.completed;
			},
		);
	}

	// An event other than those that begin runs.
	async send(event, name) {
		await this.traffic.deliver([event], name);
	}

	// The app says again what its functions are, as long as `going()`.
	async deploy(going) {
		while (going()) {
			await pause(this.random.between(300, 2_000));
			const answer = await this.app.register();
			const fine = answer === null || answer.status === 503 || answer.json?.ok === true;
			this.checks.expect("accept", fine, () => `the app's registration: ${answer.status} ${answer.text}`);
		}
	}
}
