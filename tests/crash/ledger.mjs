// What the app has seen and done for each run, and what that rules out from then on.
//
// An app sees only requests. The server's promise is checked against them: whatever a request shows was committed
// before, so no later one may show anything else, and no later start of the server may show less.

// Clocks of two processes on one machine, read in whole milliseconds.
const CLOCK_SLACK_MS = 5;

export class Ledger {
	constructor(checks, server) {
		this.checks = checks;
		this.server = server;
		this.runs = new Map(); // by run id
		this.runOfEvent = new Map(); // event id -> run id
		this.calls = 0;
	}

	run(runId) {
		return this.runs.get(runId);
	}

	// A request has come in, from the start number `incarnation` of the server. Returns the run's record.
	called(kind, body, target, incarnation) {
		const { checks } = this;
		const { ctx, steps, event } = body;
		const run = this.runs.get(ctx.run_id) ?? this.begin(kind, ctx.run_id, event.id);
		const where = () => `run ${run.id} (${kind.name}), event ${event.id}, start ${incarnation}`;
		this.calls++;
		run.calls++;
		checks.expect("shape", run.kind === kind, () => `${where()}: was a run of ${run.kind.name} before`);
		const first = this.runOfEvent.get(event.id);
		checks.expect("one", first === run.id, () => `${where()}: the event has run ${first} too`);
		checks.expect("done", !run.completed, () => `${where()}: called again after it was shown as Completed`);
		const stack = ctx.stack.stack;
		const agree = stack.length === Object.keys(steps).length && stack.every((id) => id in steps);
		checks.expect("shape", agree, () => `${where()}: stack ${JSON.stringify(stack)} and steps ${Object.keys(steps)} differ`);
		this.compareMemos(run, steps, incarnation, where);
		checks.expect("repeat", !(target in steps), () => `${where()}: step ${target} is asked for though it is memoised`);
		return run;
	}

	begin(kind, runId, eventId) {
		const run = { id: runId, kind, eventId, calls: 0, memos: new Map(), produced: new Map(), acknowledged: new Map() };
		Object.assign(run, { answers: new Set(), open: 0, openIn: 0, completed: false, slept: null, strays: 0 });
		this.runs.set(runId, run);
		if (!this.runOfEvent.has(eventId)) this.runOfEvent.set(eventId, runId);
		return run;
	}

	compareMemos(run, steps, incarnation, where) {
		const { checks } = this;
		for (const [id, value] of Object.entries(steps)) {
			const text = JSON.stringify(value);
			const known = run.memos.get(id);
			if (known) {
				checks.expect("memo", known.text === text, () => `${where()}: step ${id} was ${known.text}, is ${text}`);
			} else {
				checks.expect("made", this.couldBe(run, id, value), () => `${where()}: step ${id} is ${text}, which nobody returned`);
				run.memos.set(id, { text, value, incarnation });
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
		if (run.kind.sleepId === id) return value === null;
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

	// The server has said 200 to a checkpoint.
	acknowledge(run, id, value, incarnation) {
		const known = run.acknowledged.get(id);
		if (!known) run.acknowledged.set(id, { value, incarnation });
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

	// The API shows a run as ended.
	ended(shown) {
		const run = this.runs.get(shown.run_id);
		const name = () => `run ${shown.run_id}: ${JSON.stringify(shown)}`;
		if (!this.checks.expect("shape", run !== undefined, () => `${name()} was never called`)) return;
		const output = JSON.stringify(shown.output);
		if (run.completed) {
			this.checks.expect("output", run.output === output, () => `${name()}: the output was ${run.output}`);
			return;
		}
		Object.assign(run, { completed: true, output });
		this.checks.expect("finish", shown.status === "Completed", name);
		this.checks.expect("output", run.answers.has(output), () => `${name()} is none of ${[...run.answers].join(" ")}`);
		if (run.strays > 0) return; // executions that outlived their call may have memoised first
		for (const [id, { value }] of run.acknowledged) {
			const same = Object.values(shown.output?.values ?? {}).includes(value);
			this.checks.expect("checkpoint", same, () => `${name()}: step ${id} was acknowledged as ${value}`);
		}
	}
}
