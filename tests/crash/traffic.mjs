// The people around the server: senders of events, and readers of runs.
import { KINDS } from "./functions.mjs";
import { each, exchange, pause } from "./support.mjs";

const SENDERS = 4;
const READERS = 2;
const BATCH_MAX = 20;
const SENT_AGAIN = 0.1; // requests that are sent a second time although they were acknowledged
// Events that take long to write: what leaves the server too early is then likely to be caught by a kill.
const HEAVY = 0.1;
const HEAVY_LENGTH = [10_000, 30_000];
const READERS_AT_END = 16;
const PAGE = 51;
const STALL_LIMIT_MS = 30_000; // and the longest sleep

// Sleeps span several kills. They begin in the first third of the kills, so that all of them are under way together.
const SLEEP_MIN_MS = 2_000;
const SLEEP_MAX_MS = [6_000, 60_000];
const SLEEP_PER_KILL_MS = 250;
const SLEEPERS_SHARE = 1 / 3;

export class Traffic {
	constructor({ server, app, ledger, checks, random, runs, kills }) {
		Object.assign(this, { server, app, ledger, checks, random });
		this.startedAt = new Date(Date.now() - 1000).toISOString();
		this.events = this.makeEvents(runs, kills);
		this.next = 0; // of the events
		this.allowed = 0; // how many may have been sent by now
		this.acknowledged = []; // events with their internal ids, as replies named them
		this.repeats = 0;
	}

	makeEvents(runs, kills) {
		this.longestMs = Math.min(Math.max(SLEEP_MAX_MS[0], kills * SLEEP_PER_KILL_MS), SLEEP_MAX_MS[1]);
		const events = [];
		for (let n = 0; n < runs; n++) {
			for (const { name, event } of KINDS) {
				const heavy = this.random.chance(HEAVY);
				const text = "é\u2028\u{1f600}".repeat(heavy ? this.random.between(...HEAVY_LENGTH) : this.random.between(0, 40));
				const data = name === "sleep" ? { n, sleep_ms: this.random.between(SLEEP_MIN_MS, this.longestMs), text } : { n, text };
				events.push({ id: `${name}-${n}`, name: event, data });
			}
		}
		for (const event of events) this.app.events.set(event.id, event);
		const place = ({ data }) => data.n * (data.sleep_ms ? SLEEPERS_SHARE : 1);
		return events.sort((a, b) => place(a) - place(b));
	}

	// Sends all events, never more than are allowed.
	async send() {
		await Promise.all(Array.from({ length: SENDERS }, () => this.sender()));
	}

	async sender() {
		while (this.next < this.events.length) {
			const count = Math.min(this.random.between(1, BATCH_MAX), this.allowed - this.next, this.events.length - this.next);
			if (count <= 0) {
				await pause(10);
				continue;
			}
			const batch = this.events.slice(this.next, this.next + count);
			this.next += count;
			await this.deliver(batch);
		}
	}

	// Sends until it is acknowledged, then perhaps once more: the ids make it one and the same event.
	async deliver(batch) {
		const seeded = this.random.chance(0.5);
		const headers = seeded ? { "x-inngest-event-id-seed": `${Date.now()},${this.random.bytes(10).toString("base64")}` } : {};
		const body = batch.length === 1 ? batch[0] : batch;
		let first;
		for (let again = this.random.chance(SENT_AGAIN); ; again = false) {
			const ids = await this.post(body, headers);
			if (!ids) return;
			const fine = ids.length === batch.length && (!seeded || !first || ids.every((id, i) => id === first[i]));
			this.checks.expect("accept", fine, () => `${batch.length} events, ids ${first} and then ${ids}`);
			for (const [i, event] of batch.entries()) this.acknowledged.push({ event, internalId: ids[i] });
			first = ids;
			if (!again) return;
		}
	}

	async post(body, headers) {
		for (;;) {
			const reply = await exchange(`${this.server.url}/e/key`, { method: "POST", headers, body });
			if (reply?.status === 200) {
				this.server.moments.emit("moment");
				return reply.json.ids;
			}
			const later = reply === null || reply.status === 429 || reply.status === 503;
			if (!this.checks.expect("accept", later, () => `POST /e/key: ${reply.status} ${reply.text}`)) return null;
			this.repeats++;
			await pause(this.random.between(5, 40));
		}
	}

	// Reads runs of random events as long as `going()`: the ledger then knows which have ended.
	async read(going) {
		const reader = async () => {
			while (going()) {
				await pause(this.random.between(5, 20));
				if (this.acknowledged.length === 0) continue;
				const { internalId } = this.acknowledged[this.random.between(0, this.acknowledged.length - 1)];
				const reply = await exchange(`${this.server.url}/v1/events/${internalId}/runs`);
				if (reply === null) continue;
				this.checks.expect("read", reply.status === 200, () => `runs of ${internalId}: ${reply.status} ${reply.text}`);
				for (const run of reply.json?.data ?? []) if (run.ended_at !== null) this.ledger.ended(run);
			}
		};
		await Promise.all(Array.from({ length: READERS }, reader));
	}

	// All events that the server lists, by our ids: every internal id that it has given to each.
	async listed() {
		const byEvent = new Map(this.events.map(({ id }) => [id, new Set()]));
		for (const { event } of KINDS) {
			let cursor = {};
			for (;;) {
				const query = new URLSearchParams({ limit: PAGE, name: event, received_after: this.startedAt, ...cursor });
				const page = await this.server.data(`/v1/events?${query}`);
				if (!this.checks.expect("read", Array.isArray(page), `GET /v1/events?${query} failed`)) break;
				for (const { id, internal_id: internalId } of page) {
					const fresh = byEvent.has(id) && !byEvent.get(id).has(internalId);
					this.checks.expect("listed", fresh, () => `event ${id} ${internalId} is unknown or there twice`);
					byEvent.get(id)?.add(internalId);
				}
				if (page.length === 0) break;
				cursor = { cursor: page.at(-1).internal_id };
			}
		}
		for (const { event, internalId } of this.acknowledged) {
			const there = byEvent.get(event.id).has(internalId);
			this.checks.expect("listed", there, () => `event ${event.id} ${internalId} was acknowledged and is not there`);
		}
		return byEvent;
	}

	// Waits until every event has a run that has ended, as long as something moves. Returns run ids by event.
	async settle() {
		const internalIds = await this.listed();
		const runs = new Map();
		let waiting = this.events;
		let moved = Date.now();
		let before = "";
		while (waiting.length > 0) {
			const left = [];
			await each(waiting, READERS_AT_END, async (event) => {
				const found = await this.runsOf([...internalIds.get(event.id)]);
				if (found.length === 0 || found.some((run) => run.ended_at === null)) left.push(event);
				else runs.set(event.id, found);
			});
			waiting = left;
			const now = `${left.length} ${this.ledger.calls}`;
			if (now !== before) moved = Date.now();
			before = now;
			if (Date.now() - moved > STALL_LIMIT_MS + this.longestMs || this.server.child === null) break;
			await pause(50);
		}
		await this.judge(runs, internalIds);
		return runs;
	}

	async runsOf(internalIds) {
		const found = [];
		for (const id of internalIds) found.push(...((await this.server.data(`/v1/events/${id}/runs`)) ?? []));
		return found;
	}

	async judge(runs, internalIds) {
		const { checks } = this;
		for (const { id } of this.events) {
			const found = runs.get(id) ?? (await this.runsOf([...internalIds.get(id)]));
			checks.expect("one", found.length === 1, () => `event ${id}: ${found.length} runs: ${JSON.stringify(found)}`);
			for (const run of found) {
				const ended = run.ended_at !== null;
				checks.expect("finish", ended, () => `event ${id}: run ${run.run_id} has not ended: ${JSON.stringify(run)}`);
				if (!ended) continue;
				this.ledger.ended(run);
				const alone = await this.server.data(`/v1/runs/${run.run_id}`);
				const same = alone?.status === run.status && JSON.stringify(alone.output) === JSON.stringify(run.output);
				checks.expect("read", same, () => `run ${run.run_id}: ${JSON.stringify(run)} or ${JSON.stringify(alone)}`);
			}
		}
	}
}
