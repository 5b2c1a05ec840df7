// What the tests of runs that end early, rest for long or outlive the server share.
import assert from "node:assert/strict";

import { App, Server, until } from "./harness.mjs";

// A promise, and what keeps it.
export function latch() {
	let open;
	const opened = new Promise((done) => (open = done));
	return { open, opened };
}

// The only run of an event, once a step of it has a job of this kind: "sleep", or "pause" for waits and invokes.
export async function resting(server, eventId, kind) {
	const [run] = await server.runsStarted(eventId);
	const jobs = async () => (await server.data(`/v1/runs/${run.run_id}/jobs`)).filter((job) => job.kind === kind && job.Raw.step);
	await until(async () => (await jobs()).length > 0, () => `a ${kind} of run ${run.run_id}\n${server.tail()}`, server.timeoutMs);
	return run;
}

// The only run of an event, once it has ended like this.
export async function assertEnds(server, eventId, status) {
	const [run] = await server.runsEnded(eventId);
	assert.equal(run.status, status, JSON.stringify(run));
	return run;
}

// A function that sleeps or waits for `${event}/on`, as its event says, and is cancelled by these rules.
export const rester = (id, event, cancelOn, rest = {}) => ({
	id,
	event,
	cancelOn,
	handler: async ({ event: { data }, step }) => {
		await step.run("before", () => "done");
		if (data.sleeps) await step.sleep("long", "1h");
		const got = await step.waitForEvent("wait", { event: `${event}/on`, timeout: "1h", match: "data.id" });
		return step.run("after", () => got.data.id);
	},
	...rest,
});

// A server for one test: `flags`; `functions` of its only app, whose id is "own". The body gets { server, app, again },
// and again(ms) is kill -9, and a new start once the clock has gone on by that much.
export async function ownServer({ sdk, flags = [], functions }, body) {
	const server = await Server.start({ flags: ["--no-poll", ...flags] });
	const app = await App.start({ server, sdk, id: "own", functions });
	const again = async (downMs = 0) => {
		const from = Date.now();
		await server.kill();
		await until(() => Date.now() >= from + downMs, "the time of the new start");
		await server.spawn();
	};
	await body({ server, app, again });
	await app.retire();
	await server.stop();
}

// An event as runs keep it: without an empty `user`.
export function stored({ user, ...event }) {
	return user && Object.keys(user).length > 0 ? { ...event, user } : event;
}
