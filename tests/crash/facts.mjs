// What the database says at the end about events, runs, and what events have instead of runs.
import { rows } from "./database.mjs";
import { groupBy, ulidText, ulidTime } from "./support.mjs";

const EVENTS = "SELECT hex(internal_id) AS id, event_id AS sentAs, event_name AS name, received_at AS at, event_ts AS ts FROM events";
const RUNS = `SELECT hex(r.run_id) AS id, f.slug, hex(r.event_id) AS event, e.created_at AS ended, e.status
	FROM function_runs r JOIN functions f ON f.id = r.function_id LEFT JOIN function_finishes e ON e.run_id = r.run_id
	WHERE hex(coalesce(r.original_run_id, '')) IN ('', '${"0".repeat(32)}') ORDER BY r.rowid`;
const BATCHES = "SELECT hex(run_id) AS run, CAST(event_ids AS TEXT) AS events FROM event_batches";
const OUTCOMES = `SELECT hex(o.event_id) AS event, f.slug, o.outcome, o.reason, hex(o.run_id) AS run, hex(o.other_id) AS other, o.at
	FROM engine_event_outcomes o JOIN functions f ON f.id = o.function_id ORDER BY o.rowid`;

const ulid = (hex) => (hex ? ulidText(hex) : undefined);
const time = (text) => Date.parse(`${text}`.replace(" +0000 UTC", "Z").replace(" ", "T"));

export class Facts {
	// `sent`: events by the ids under which they were sent.
	constructor(directory, sent) {
		this.events = new Map(); // by internal id, with what was sent
		for (const { id, sentAs, name, at, ts } of rows(directory, EVENTS)) {
			const data = { ...sent.get(sentAs)?.data, text: undefined };
			this.events.set(ulid(id), { id: ulid(id), sentAs, name, data, at: time(at), ts: time(ts) });
		}
		const batches = new Map(rows(directory, BATCHES).map(({ run, events }) => [ulid(run), events.split(",")]));
		this.runs = rows(directory, RUNS).map(({ id, slug, event, ended, status }) => {
			const run = ulid(id);
			return { id: run, slug, at: ulidTime(run), ended: time(ended), status, events: batches.get(run) ?? [ulid(event)] };
		});
		this.outcomes = rows(directory, OUTCOMES).map(({ event, slug, outcome, reason, run, other, at }) => {
			return { event: ulid(event), slug, outcome, reason, run: ulid(run), other: ulid(other), at: time(at) };
		});
		this.runsOf = groupBy(this.runs, ({ slug }) => slug); // in the order of their rows
		this.outcomesOf = groupBy(this.outcomes, ({ slug }) => slug);
		this.ends = new Map(); // of each event of each function, by both: runs and outcomes
		for (const run of this.runs) for (const event of run.events) this.end(event, run);
		for (const outcome of this.outcomes) this.end(outcome.event, outcome);
	}

	end(event, one) {
		const key = `${event} ${one.slug}`;
		if (!this.ends.has(key)) this.ends.set(key, []);
		this.ends.get(key).push(one);
	}

	endsOf(event, slug) {
		return this.ends.get(`${event} ${slug}`) ?? [];
	}

	firstEvent({ events }) {
		return this.events.get(events[0]);
	}
}
