// When the killing is over: waits until every run has come to its end, and looks at all of them.
import { openRecords } from "./database.mjs";
import { KINDS, SENT_KINDS } from "./kinds.mjs";
import { judgeReruns } from "./reruns.mjs";
import { each, pause } from "./support.mjs";
import { judgeTrace } from "./traces.mjs";

const READERS = 16;
const STALL_LIMIT_MS = 30_000; // and the longest sleep
const TICK_MS = 1_000;

const KIND_OF = new Map(SENT_KINDS.map((kind) => [kind.event, kind]));

export class Judge {
	constructor({ server, ledger, traffic, people, app, checks }) {
		Object.assign(this, { server, ledger, traffic, people, app, checks });
		this.outcomes = new Map(); // by internal id: what is told about events under flow control
		this.schedules = KINDS.filter(({ schedule }) => schedule);
	}

	async judge() {
		const internalIds = await this.traffic.listed();
		await this.settle(internalIds);
		await this.people.done();
		await this.restSchedules();
		await this.idle();
		const listed = await this.traffic.listed(); // once more, with what people have sent meanwhile
		this.traffic.compare(listed);
		await this.judgeEvents(listed);
		await this.judgeRuns();
		for (const run of this.ledger.runs.values()) if (run.kind.repeats && !run.isRepeat) judgeReruns(run, this.ledger, this.checks);
		for (const kind of this.schedules) this.judgeTicks(kind);
		this.judgeOthers();
	}

	// Waits until every event has a run that has ended, or is told to have none, as long as something moves.
	async settle(internalIds) {
		let waiting = this.traffic.events;
		let moved = Date.now();
		let before = "";
		while (waiting.length > 0) {
			const left = [];
			await each(waiting, READERS, async (event) => {
				const ids = [...internalIds.get(event.id)];
				const found = await this.runsOf(ids);
				if (found.length === 0 && KIND_OF.get(event.name).flow) found.push(...(await this.outcomesOf(ids)));
				if (found.length === 0 || found.some((one) => one.ended_at === null)) left.push(event);
			});
			waiting = left;
			const now = `${left.length} ${this.ledger.moves}`;
			if (now !== before) moved = Date.now();
			before = now;
			if (Date.now() - moved > STALL_LIMIT_MS + this.traffic.longestMs || this.server.child === null) break;
			await pause(50);
		}
		if (waiting.length > 0) this.people.isEnough = true;
	}

	// What the events of these ids have instead of runs.
	async outcomesOf(internalIds) {
		const found = [];
		for (const id of internalIds) {
			const outcomes = (await this.server.data(`/v1/events/${id}/outcomes`)) ?? [];
			this.outcomes.set(id, outcomes);
			found.push(...outcomes);
		}
		return found;
	}

	async runsOf(internalIds) {
		const found = [];
		for (const id of internalIds) found.push(...((await this.server.data(`/v1/events/${id}/runs`)) ?? []));
		return found;
	}

	ticksOf({ name }) {
		return [...this.ledger.runs.values()].filter(({ kind }) => kind.name === name).map(({ key }) => Date.parse(key));
	}

	// Schedules tick until now, and then no more, as the app gives them another time.
	async restSchedules() {
		const now = Date.now();
		for (const kind of this.people.isEnough ? [] : this.schedules) {
			const what = () => `${kind.schedule} still ticks at ${new Date(now).toISOString()}`;
			await this.people.until(what, () => this.ticksOf(kind).some((tick) => tick >= now));
		}
		const answer = await this.app.register(true);
		this.checks.expect("accept", answer?.json?.ok === true, () => `the app's last registration: ${answer?.text}`);
	}

	// Runs that no event of ours has begun come to their end, too.
	async idle() {
		let moved = Date.now();
		for (let before = ""; Date.now() - moved < STALL_LIMIT_MS; await pause(200)) {
			const now = openRecords(this.server.directory);
			if (now === "0" || this.server.child === null) return;
			if (now !== before) moved = Date.now();
			before = now;
		}
	}

	async judgeEvents(internalIds) {
		const { checks, ledger } = this;
		await each(this.traffic.events, READERS, async (event) => {
			const found = await this.runsOf([...internalIds.get(event.id)]);
			const kind = KIND_OF.get(event.name);
			if (kind.flow) await this.outcomesOf(internalIds.get(event.id));
			const own = ledger.runOfEvent.get(event.id);
			const reruns = (own?.reruns.size ?? 0) + (own?.unheardReruns ?? 0);
			const most = 1 + (kind.mayStart ?? 0) + reruns;
			const fine = found.length >= 1 + (own?.reruns.size ?? 0) && found.length <= most;
			checks.expect("one", fine || kind.flow, () => `event ${event.id}: ${found.length} runs: ${JSON.stringify(found)}`);
			for (const run of found) {
				const ended = run.ended_at !== null;
				checks.expect("finish", ended, () => `event ${event.id}: run ${run.run_id} has not ended: ${JSON.stringify(run)}`);
				if (ended) ledger.ended(run, event);
			}
		});
	}

	// All runs, one by one, are shown as they were shown before.
	async judgeRuns() {
		await each(this.ledger.runs.values(), READERS, async (run) => {
			const shown = await this.server.data(`/v1/runs/${run.id}`);
			const ended = shown !== undefined && shown.ended_at !== null;
			this.checks.expect("finish", ended, () => `run ${run.id} (${run.kind.name}, ${run.eventId}): ${JSON.stringify(shown)}`);
			if (!ended) return;
			this.ledger.ended(shown, this.traffic.sent.get(run.eventId));
			await judgeTrace(run, shown, this);
		});
	}

	judgeTicks(kind) {
		const ticks = this.ticksOf(kind).sort((a, b) => a - b);
		for (const [i, tick] of ticks.entries()) {
			const fine = tick % TICK_MS === 0 && (i === 0 || tick === ticks[i - 1] + TICK_MS);
			const what = () => `${kind.schedule}: after ${new Date(ticks[i - 1]).toISOString()} comes ${new Date(tick).toISOString()}`;
			this.checks.expect("tick", fine, what);
		}
	}

	// What other events and runs should have begun, once each: more is seen at the first call.
	judgeOthers() {
		const { ledger, checks } = this;
		for (const { name, data } of this.traffic.events) {
			if (name !== "crash/each") continue;
			checks.expect("once", ledger.only("once", data.key) !== undefined, () => `no event with ${data.key} has begun a run`);
		}
		for (const run of ledger.runs.values()) {
			if (run.status === "Completed" || !run.completed) continue;
			const event = `inngest/function.${run.status.toLowerCase()}`;
			const told = ledger.only("told", `${event} ${run.id}`);
			checks.expect("told", told !== undefined, () => `run ${run.id} (${run.kind.name}): nobody was told that it is ${run.status}`);
		}
	}
}
