// What is in progress in the app at each moment, held against the limits of concurrency and of singletons.
//
// A job is one thing that is done for a run. The server may ask for it again after its end, while the execution that the
// end cut off goes on: it is one job, in progress until somebody has answered to a server that lives, or nobody executes it.
import { limitsOf, singletonOf } from "./settings.mjs";

export class Limits {
	constructor({ server, ledger, checks }) {
		Object.assign(this, { server, ledger, checks });
		this.jobs = new Map(); // in progress, by run and target
		this.held = new Map(); // by what is limited together: Map from a job or a run to its limit
		this.latest = new Map(); // of the runs that replace one another: the last one
	}

	// An execution begins. Returns what leave() wants.
	enter(run, target, incarnation) {
		run.limits ??= limitsOf(run.kind, run.data);
		this.begun(run);
		for (const one of run.limits.runs) this.take(one, run.id);
		const key = `${run.id} ${target}`;
		const job = this.jobs.get(key) ?? { key, run, executions: 0 };
		this.jobs.set(key, job);
		job.executions++;
		for (const one of run.limits.calls) this.take(one, key);
		return { job, incarnation, isOver: false };
	}

	// It is over, `answered` to somebody who listens, perhaps with what `ends` the run.
	leave(execution, answered, ends) {
		const { job, incarnation } = execution;
		if (execution.isOver) return;
		execution.isOver = true;
		job.executions--;
		const heard = answered && this.server.isAlive(incarnation);
		if (heard && ends) for (const one of job.run.limits.runs) this.give(one, job.run.id);
		if ((!heard && job.executions > 0) || this.jobs.get(job.key) !== job) return;
		this.jobs.delete(job.key);
		for (const one of job.run.limits.calls) this.give(one, job.key);
	}

	// Its connection is gone. When the server itself has hung up, it does not expect anything of it any more.
	cut(execution) {
		if (this.server.isAlive(execution.incarnation)) this.leave(execution, true, false);
	}

	// Functions that share a limit may each have a number of their own: the first of n in progress came when there was room
	// for one, the next when there was for two.
	take({ check, identity, limit }, holder) {
		const held = this.held.get(identity) ?? new Map();
		this.held.set(identity, held.set(holder, limit));
		const fits = [...held.values()].sort((a, b) => a - b).every((number, n) => number > n);
		this.checks.expect(check, fits, () => `${identity}: ${held.size} in progress: ${JSON.stringify([...held])}`);
	}

	give({ identity }, holder) {
		this.held.get(identity)?.delete(holder);
	}

	// The first call of a run: those that it has taken the place of are not called again.
	begun(run) {
		if (run.hasBegun) return;
		run.hasBegun = true;
		if (run.kind.flow) this.server.moment("begin");
		const single = singletonOf(run.kind, run.data);
		if (single?.mode !== "cancel") return;
		const other = this.latest.get(single.identity);
		const [older, newer] = !other || other.id < run.id ? [other, run] : [run, other];
		this.latest.set(single.identity, newer);
		if (older) older.stop ??= this.ledger.endedElsewhere(older);
	}
}
