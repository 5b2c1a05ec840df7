// Senders of the events that begin runs, and readers of runs.
import { EVENT_NAMES, KINDS, SENT_KINDS } from "./kinds.mjs";
import { gatheredFor } from "./settings.mjs";
import { exchange, pause } from "./support.mjs";

const SENDERS = 4;
const READERS = 2;
const BATCH_MAX = 20;
const SENT_AGAIN = 0.2; // requests that are sent a second time although they were acknowledged
const SENT_LATE = 0.1; // and those that are long after
// Events that take long to write: what leaves the server too early is then likely to be caught by a kill.
const HEAVY = 0.1;
const HEAVY_LENGTH = [10_000, 30_000];
const PAGE = 51;

// Sleeps span several kills.
const SLEEP_MIN_MS = 2_000;
const SLEEP_MAX_MS = [6_000, 60_000];
const SLEEP_PER_KILL_MS = 250;

export class Traffic {
	constructor({ server, events, ledger, checks, random, runs, kills }) {
		Object.assign(this, { server, ledger, checks, random });
		this.startedAt = new Date(Date.now() - 1000).toISOString();
		this.sent = events; // all, by id
		this.shortestMs = SLEEP_MIN_MS;
		this.longestMs = Math.min(Math.max(SLEEP_MAX_MS[0], kills * SLEEP_PER_KILL_MS), SLEEP_MAX_MS[1]);
		this.events = SENT_KINDS.flatMap((kind) => this.eventsOf(kind, Math.ceil(runs * kind.share))); // that begin runs
		this.events.sort((a, b) => a.place - b.place);
		this.events = this.events.map(({ event }) => event);
		this.next = 0; // of the events
		this.allowed = 0; // how many may have been sent by now
		this.acknowledged = []; // events with their internal ids, as replies named them
		this.heardOf = new Map(); // by internal id: when it was posted and acknowledged, and its place in the request
		this.sentTwice = new Set(); // ids of events that were perhaps sent more than once under one internal id
		this.clock = 0; // counts what happens to requests
		this.acknowledgedIds = new Set();
		this.repeats = 0;
		this.heard = () => {}; // called with each event that begins runs, when it is acknowledged for the first time
	}

	eventsOf({ name, event, data, more = () => ({}), early = 1, burst = 1 }, count) {
		const { random } = this;
		return Array.from({ length: count }, (_, n) => {
			const text = "é\u2028\u{1f600}".repeat(random.chance(HEAVY) ? random.between(...HEAVY_LENGTH) : random.between(0, 40));
			const key = `${name}-${n}`;
			const members = Object.entries({ key, n, text, ...data(random, { n, ...this }) }).sort(([a], [b]) => (a < b ? -1 : 1));
			const made = { id: key, name: event, data: Object.fromEntries(members), ...more(random) }; // as the server writes it
			this.sent.set(key, made);
			return { event: made, place: ((n - (n % burst)) / count) * early };
		});
	}

	// Sends all events, never more than are allowed.
	async send() {
		await Promise.all(Array.from({ length: SENDERS }, () => this.sender()));
	}

	async sender() {
		while (this.next < this.events.length) {
			if (this.acknowledged.length > 0 && this.random.chance(SENT_LATE)) {
				await this.deliver([this.random.pick(this.acknowledged).event]);
			}
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
	async deliver(batch, name = "send") {
		for (const event of batch) this.sent.set(event.id, event);
		const seeded = this.random.chance(0.5);
		const headers = seeded ? { "x-inngest-event-id-seed": `${Date.now()},${this.random.bytes(10).toString("base64")}` } : {};
		const body = batch.length === 1 ? batch[0] : batch;
		let first, posted;
		for (let again = this.random.chance(SENT_AGAIN); ; again = false) {
			if (!first || !seeded) posted = ++this.clock;
			else this.markSentTwice(batch);
			const ids = await this.post(body, headers, name, () => seeded && this.markSentTwice(batch));
			if (!ids) return;
			const heard = { posted, acknowledged: ++this.clock, at: Date.now() };
			const fine = ids.length === batch.length && (!seeded || !first || ids.every((id, i) => id === first[i]));
			this.checks.expect("accept", fine, () => `${batch.length} events, ids ${first} and then ${ids}`);
			for (const [i, event] of batch.entries()) this.acknowledge(event, ids[i], { ...heard, place: i });
			first = ids;
			if (!again) return;
		}
	}

	markSentTwice(batch) {
		for (const { id } of batch) this.sentTwice.add(id);
	}

	acknowledge(event, internalId, heard) {
		this.acknowledged.push({ event, internalId });
		if (!this.heardOf.has(internalId)) this.heardOf.set(internalId, heard);
		if (this.acknowledgedIds.has(event.id)) return;
		this.acknowledgedIds.add(event.id);
		const kind = KINDS.find((one) => one.event === event.name);
		if (kind) this.heard(kind, event, internalId);
		const ms = kind && gatheredFor(kind);
		if (ms) setTimeout(() => this.server.moment("due"), ms).unref();
	}

	// `again` is called before each request but the first.
	async post(body, headers, name, again) {
		for (;;) {
			const posted = exchange(`${this.server.url}/e/key`, { method: "POST", headers, body });
			this.server.moment(name);
			const reply = await posted;
			if (reply?.status === 200) {
				this.server.moment("heard");
				return reply.json.ids;
			}
			const later = reply === null || reply.status === 429 || reply.status === 503;
			if (!this.checks.expect("accept", later, () => `POST /e/key: ${reply.status} ${reply.text}`)) return null;
			this.repeats++;
			again();
			await pause(this.random.between(5, 40));
		}
	}

	// Reads runs of random events as long as `going()`: the ledger then knows which have ended.
	async read(going) {
		const reader = async () => {
			while (going()) {
				await pause(this.random.between(5, 20));
				if (this.acknowledged.length === 0) continue;
				const { event, internalId } = this.random.pick(this.acknowledged);
				const reply = await exchange(`${this.server.url}/v1/events/${internalId}/runs`);
				if (reply === null) continue;
				this.checks.expect("read", reply.status === 200, () => `runs of ${internalId}: ${reply.status} ${reply.text}`);
				for (const run of reply.json?.data ?? []) if (run.ended_at !== null) this.ledger.ended(run, event);
			}
		};
		await Promise.all(Array.from({ length: READERS }, reader));
	}

	// All events that the server lists, by our ids: every internal id that it has given to each. People may still send.
	async listed() {
		const byEvent = new Map([...this.sent.keys()].map((id) => [id, new Set()]));
		for (const event of EVENT_NAMES) {
			let cursor = {};
			for (;;) {
				const query = new URLSearchParams({ limit: PAGE, name: event, received_after: this.startedAt, ...cursor });
				const page = await this.server.data(`/v1/events?${query}`);
				if (!this.checks.expect("read", Array.isArray(page), `GET /v1/events?${query} failed`)) break;
				for (const { id, internal_id: internalId } of page) {
					const known = byEvent.get(id) ?? new Set();
					const fresh = this.sent.has(id) && !known.has(internalId);
					this.checks.expect("listed", fresh, () => `event ${id} ${internalId} is unknown or there twice`);
					byEvent.set(id, known.add(internalId));
				}
				if (page.length === 0) break;
				cursor = { cursor: page.at(-1).internal_id };
			}
		}
		return byEvent;
	}

	// Checks that everything that was acknowledged is among what is listed.
	compare(byEvent) {
		for (const { event, internalId } of this.acknowledged) {
			const there = byEvent.get(event.id).has(internalId);
			this.checks.expect("listed", there, () => `event ${event.id} ${internalId} was acknowledged and is not there`);
		}
	}
}
