// What the tests of limits share: work that stands still until the test lets it go on, and what runs wait for.
import assert from "node:assert/strict";

import { until } from "./harness.mjs";
import { latch } from "./lives.mjs";

// Work stops at gates, each of which has a name and is opened once. `begun`: the names of all work that has come to a
// gate, in that order. `peaks`: how many names stood at a gate at once at most, in all ("all") and of each group.
export class Gates {
	begun = [];
	times = []; // when each of `begun` came
	peaks = { all: 0 };
	opened = new Set();
	#standing = new Map(); // name → { groups, latch }; work that is done a second time stands at the same gate

	async pass(name, ...groups) {
		this.begun.push(name);
		this.times.push(Date.now());
		if (this.opened.has(name)) return;
		if (!this.#standing.has(name)) this.#standing.set(name, { groups, latch: latch() });
		for (const group of ["all", ...groups]) this.peaks[group] = Math.max(this.peaks[group] ?? 0, this.standing(group).length);
		await this.#standing.get(name).latch.opened;
	}

	// The names that stand at their gates.
	standing(group = "all") {
		return [...this.#standing].filter(([, { groups }]) => group === "all" || groups.includes(group)).map(([name]) => name);
	}

	open(...names) {
		for (const name of names) {
			assert.ok(this.#standing.has(name), `${name} stands at its gate; those who do: ${this.standing()}`);
			this.opened.add(name);
			this.#standing.get(name).latch.open();
			this.#standing.delete(name);
		}
	}

	async reach(...names) {
		const isReached = () => names.every((name) => this.#standing.has(name));
		await until(isReached, () => `${names} at their gates; begun: ${this.begun}; standing: ${this.standing()}`);
	}

	async began(count) {
		await until(() => this.begun.length >= count, () => `${count} to begin; begun: ${this.begun}`);
	}

	// Opens one gate after the other until `total` have been opened.
	async drain(total) {
		while (this.opened.size < total) {
			await until(() => this.#standing.size > 0, () => `${total} gates; opened: ${[...this.opened]}`);
			this.open(this.standing()[0]);
		}
	}

	// A function whose runs are one call that stands at the gate `data.n`, in the group `data.group`.
	fn(id, event, rest = {}) {
		const handler = async ({ event: { data } }) => {
			await this.pass(data.n, data.group);
			return data.n;
		};
		return { id, event, retries: 0, handler, ...rest };
	}
}

// Events of one name, one for each of the given data.
export const eventsOf = (name, list) => list.map((data) => ({ name, data: typeof data === "object" ? data : { n: data } }));
export const upTo = (count) => Array.from({ length: count }, (_, n) => n);

// Sends events that bring one run each, and returns these runs.
export async function start(server, events) {
	const ids = await server.send(events);
	return (await Promise.all(ids.map((id) => server.runsStarted(id)))).flat();
}

// The run once it has ended, which is how it has to.
export async function ended(server, { run_id: runId }, status = "Completed") {
	const over = async () => {
		const run = await server.run(runId);
		return run.ended_at && run;
	};
	const run = await until(over, () => `the end of run ${runId}\n${server.tail()}`, server.timeoutMs);
	assert.equal(run.status, status, JSON.stringify(run));
	return run;
}

export const allEnded = (server, runs, status) => Promise.all(runs.map((run) => ended(server, run, status)));

export async function cancel(server, run) {
	const reply = await server.request(`/v1/runs/${run.run_id}`, { method: "DELETE" });
	assert.ok(reply.status < 300, reply.text);
	await ended(server, run, "Cancelled");
}

// A function without any limit. Once a run of it has ended, all has begun that could when its event was sent.
export const probe = (name) => ({ id: "probe", event: `${name}/probe`, handler: () => "done" });
export const settle = (server, name) => server.runOf({ name: `${name}/probe` }, "Completed");

export const jobsOf = (server, run) => server.data(`/v1/runs/${run.run_id}/jobs`);

// What the run waits for, as its jobs tell, once it waits for that.
export async function waitsFor(server, run, on) {
	const found = async () => (await jobsOf(server, run)).map(({ Raw }) => Raw.waiting).find((waiting) => waiting?.on === on);
	const tell = async () => `run ${run.run_id} to wait for ${on}: ${JSON.stringify(await jobsOf(server, run))}\n${server.tail()}`;
	return until(found, tell, server.timeoutMs);
}

// Why an event started nothing.
export async function outcomeOf(server, eventId) {
	const found = async () => (await server.data(`/v1/events/${eventId}/outcomes`))[0];
	return until(found, () => `an outcome of event ${eventId}\n${server.tail()}`, server.timeoutMs);
}
