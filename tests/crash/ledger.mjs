// What the app has seen and done for each run, and what that rules out from then on.
//
// An app sees only requests. The server's promise is checked against them: whatever a request shows was committed
// before, so no later one may show anything else, and no later start of the server may show less.
import { KINDS } from "./kinds.mjs";
import { ulidTime } from "./support.mjs";

// Clocks of two processes on one machine, read in whole milliseconds.
const CLOCK_SLACK_MS = 5;

export class Ledger {
	constructor(checks, server, events) {
		this.checks = checks;
		this.server = server;
		this.events = events; // by id, as they were sent
		this.runs = new Map(); // by run id
		this.onlyRuns = new Map(); // by function and what may have only one run
		this.runOfEvent = new Map(); // event id -> run of the function that takes it
		this.stops = new Map(); // event id -> the cancellation of its run that was acknowledged
		this.calls = 0;
		this.moves = 0; // calls of runs that no schedule has begun
		this.begun = () => {}; // called with each run
		this.context = { ledger: this, checks, timeOf: ulidTime };
	}

	run(runId) {
		return this.runs.get(runId);
	}

	only(name, key) {
		return this.onlyRuns.get(`${name} ${key}`);
	}

	// A request has come in, from the start number `incarnation` of the server. Returns the run's record.
	called(kind, body, target, incarnation) {
		const { checks } = this;
		const { ctx, steps, event } = body;
		const run = this.runs.get(ctx.run_id) ?? this.begin(kind, ctx.run_id, event.id, kind.key(body), event.data);
		const where = () => `run ${run.id} (${kind.name}), event ${event.id}, start ${incarnation}`;
		this.calls++;
		run.startedAt = Math.min(run.startedAt, ulidTime(ctx.request_id)); // when the server wrote its first request
		run.batch ??= body.events.map(({ id }) => id);
		run.parents ??= body.events.map(({ data }) => data?.parent); // who has invoked it
		if (!kind.schedule) this.moves++;
		run.calls++;
		checks.expect("shape", run.kind === kind, () => `${where()}: was a run of ${run.kind.name} before`);
		const first = this.only(kind.name, kind.key(body));
		checks.expect("one", first === run || kind.repeats, () => `${where()}: ${kind.key(body)} has run ${first.id} too`);
		this.afterStop(run.stop, incarnation, "stopped", () => `${where()}: called after its cancellation was acknowledged`);
		this.afterStop(run.end, incarnation, "done", () => `${where()}: called again after it was shown as ${run.status}`);
		const stack = ctx.stack.stack;
		const memoised = Object.keys(steps).filter((id) => !steps[id]?.input);
		const agree = stack.length === memoised.length && stack.every((id) => memoised.includes(id));
		checks.expect("shape", agree, () => `${where()}: stack ${JSON.stringify(stack)} and steps ${memoised} differ`);
		if (stack.length > run.depth) Object.assign(run, { depth: stack.length, attempt: 0, failures: 0 });
		// A call that the server's end cut off does not count against the function.
		const fair = ctx.attempt >= run.attempt && ctx.attempt <= run.failures;
		checks.expect("attempt", fair, () => `${where()}: attempt ${ctx.attempt} after ${run.attempt}, ${run.failures} failures`);
		run.attempt = Math.max(run.attempt, ctx.attempt);
		this.compareMemos(run, steps, memoised, incarnation, where);
		checks.expect("repeat", !memoised.includes(target), () => `${where()}: step ${target} is asked for though it is memoised`);
		return run;
	}

	begin(kind, runId, eventId, key, { event, events, ...data } = {}) {
		const root = this.only(kind.name, key);
		const run = { id: runId, kind, eventId, key, calls: 0, memos: new Map(), acknowledged: new Map(), strays: 0 };
		run.produced = kind.repeats && root ? root.produced : new Map(); // a rerun has results of the run that it repeats
		Object.assign(run, { startedAt: Infinity, batch: undefined });
		Object.assign(run, { answers: new Set(), answeredAt: Infinity, open: 0, openIn: 0, completed: false, slept: null });
		Object.assign(run, { attempt: 0, failures: 0, depth: 0, data: this.events.get(eventId)?.data ?? data, stop: this.stops.get(eventId) });
		Object.assign(run, { waiting: null, sent: new Set(), heard: null, got: null }); // what it waits for
		Object.assign(run, { repeats: 0, isRepeat: root !== undefined, reruns: new Map(), unheardReruns: 0 });
		this.runs.set(runId, run);
		if (root) root.repeats++;
		else this.onlyRuns.set(`${kind.name} ${key}`, run);
		if (kind.takes && key === eventId && !root) this.runOfEvent.set(eventId, run);
		this.begun(run);
		return run;
	}

	compareMemos(run, steps, memoised, incarnation, where) {
		const { checks } = this;
		for (const id of memoised) {
			const value = steps[id];
			const text = JSON.stringify(value);
			const known = run.memos.get(id);
			if (known) {
				checks.expect("memo", known.text === text, () => `${where()}: step ${id} was ${known.text}, is ${text}`);
			} else {
				checks.expect("made", this.couldBe(run, id, value), () => `${where()}: step ${id} is ${text}, which nobody returned`);
				run.memos.set(id, { text, incarnation });
			}
		}
		for (const [id, known] of run.memos) {
			const must = known.incarnation < incarnation || !run.kind.parallel;
			if (must) checks.expect("kept", id in steps, () => `${where()}: step ${id} (${known.text}) is gone`);
		}
		for (const [id, { incarnation: since }] of run.acknowledged) {
			if (since >= incarnation) continue;
			checks.expect("checkpoint", id in steps, () => `${where()}: step ${id}, acknowledged by start ${since}, is gone`);
		}
	}

	couldBe(run, id, value) {
		const rule = run.kind.memos[id];
		if (rule) return rule(run, value, this.context);
		return Object.keys(value ?? {}).join() === "data" && run.produced.get(id)?.has(value.data) === true;
	}

	// An execution of a step: its value is like no other.
	produce(run, id, name) {
		const values = run.produced.get(id) ?? new Set();
		run.produced.set(id, values);
		const value = `${name} #${values.size + 1} of ${run.eventId} é\u2028\u{1f600}`;
		values.add(value);
		return value;
	}

	answered(run, value) {
		run.answers.add(JSON.stringify(value));
		run.answeredAt = Math.min(run.answeredAt, Date.now());
	}

	fails(run, attempt) {
		run.failures = Math.max(run.failures, attempt + 1);
	}

	// The app has asked for a wait, perhaps for the first time.
	waits(run, ms) {
		run.waiting ??= { at: Date.now(), ms };
	}

	// The server has said 200 to a checkpoint.
	acknowledge(run, id, value, incarnation) {
		const known = run.acknowledged.get(id);
		if (!known) run.acknowledged.set(id, { value, incarnation });
	}

	// What is to come of a run that somebody else ends: a call can be on its way to us, if none is here.
	endedElsewhere(run) {
		const { incarnation } = this.server;
		const isHere = run !== undefined && run.openIn === incarnation && run.open > 0;
		return { at: Date.now(), incarnation, allowed: isHere ? 0 : 1 };
	}

	// A cancellation of the event's run was acknowledged; it `lags` when it may take effect somewhat later.
	stopped(eventId, lags = false) {
		const run = this.runOfEvent.get(eventId);
		const stop = { ...this.endedElsewhere(run), lags };
		this.checks.expect("stopped", true); // every call from now on is looked at
		if (!this.stops.has(eventId)) this.stops.set(eventId, stop);
		if (run) run.stop ??= stop;
	}

	afterStop(stop, incarnation, check, what) {
		if (!stop || stop.lags) return;
		const fine = incarnation < stop.incarnation || (incarnation === stop.incarnation && stop.allowed-- > 0);
		this.checks.expect(check, fine, what);
	}

	// A call begins and ends. Only a parallel function is called for more than one thing at a time.
	open(run, incarnation) {
		if (incarnation < run.openIn) return; // read late: its caller is dead
		if (incarnation > run.openIn) Object.assign(run, { openIn: incarnation, open: 0 });
		run.open++;
		const fine = run.kind.parallel || run.open === 1;
		const where = () => `run ${run.id} (${run.kind.name}), start ${incarnation}`;
		this.checks.expect("single", fine, () => `${where()}: ${run.open} calls at a time`);
	}

	close(run, incarnation) {
		if (run.openIn === incarnation && run.open > 0) run.open--;
	}

	fallAsleep(run, ms) {
		run.slept ??= { at: Date.now(), ms };
	}

	wake(run) {
		const { at, ms } = run.slept ?? {};
		const slept = Date.now() - at;
		this.checks.expect("sleep", slept >= ms - CLOCK_SLACK_MS, () => `run ${run.id}: woke after ${slept} of ${ms} ms`);
	}

	// A run that has ended though it was never called.
	uncalled(runId, event) {
		const kind = KINDS.find(({ takes, uncalled }) => uncalled && takes === event?.name);
		return kind && this.begin(kind, runId, event.id, event.id);
	}

	// The API shows a run of this event as ended.
	ended(shown, event) {
		const run = this.runs.get(shown.run_id) ?? this.uncalled(shown.run_id, event);
		const name = () => `run ${shown.run_id} (${run?.kind.name}, ${run?.eventId}): ${JSON.stringify(shown)}`;
		if (!this.checks.expect("shape", run !== undefined, () => `${name()} was never called`)) return;
		const output = JSON.stringify(shown.output);
		if (run.completed) {
			const same = run.output === output && run.status === shown.status;
			this.checks.expect("output", same, () => `${name()}: it was ${run.status}, the output ${run.output}`);
			return;
		}
		Object.assign(run, { completed: true, output, status: shown.status, end: this.endedElsewhere(run) });
		if (run.status !== "Cancelled") run.end.allowed = 0;
		this.checks.expect("done", true); // every call from now on is looked at
		const status = run.kind.ends(run, shown, this.context);
		this.checks.expect("finish", shown.status === status, () => `${name()}: should be ${status}`);
		if (shown.status !== "Completed") return;
		this.checks.expect("output", run.answers.has(output), () => `${name()} is none of ${[...run.answers].join(" ")}`);
		if (run.strays > 0) return; // executions that outlived their call may have memoised first
		for (const [id, { value }] of run.acknowledged) {
			const same = Object.values(shown.output?.values ?? {}).includes(value);
			this.checks.expect("checkpoint", same, () => `${name()}: step ${id} was acknowledged as ${value}`);
		}
	}
}
