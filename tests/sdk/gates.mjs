// What the tests of rate limits, debounces and batches share: functions that keep what they are called with, what became
// of events, and events one after the other.
import assert from "node:assert/strict";

import { until } from "./harness.mjs";

// A function that keeps its runs in the order of their first calls: { runId, at, events }. `handler`, if any, goes on.
export function recorder(id, event, { handler = () => "done", ...rest } = {}) {
	const runs = [];
	const record = (context) => {
		const { runId, events } = context;
		if (!runs.some((run) => run.runId === runId)) runs.push({ runId, at: Date.now(), events });
		return handler(context);
	};
	return { runs, made: { id, ...(event && { event }), handler: record, ...rest } };
}

// The numbers of the events of each run.
export const numbers = ({ runs }) => runs.map(({ events }) => events.map(({ data }) => data.n));

// Events with these data and their numbers.
export const numbered = (name, list) => list.map((data, n) => ({ name, data: { ...data, n } }));
export const many = (name, count) => numbered(name, Array.from({ length: count }, () => ({})));

export const ran = (server, { runs }, count) =>
	until(() => runs.length >= count && runs, () => `${count} runs, there are ${JSON.stringify(runs).slice(0, 4000)}\n${server.tail()}`, server.timeoutMs);

// The runs of an event and why it started no others, once these are `count`.
export async function fate(server, eventId, count = 1) {
	const both = async () => {
		const [runs, outcomes] = await Promise.all([server.runsOf(eventId), server.data(`/v1/events/${eventId}/outcomes`)]);
		return { runs, outcomes };
	};
	const found = await until(
		async () => {
			const now = await both();
			return now.runs.length + now.outcomes.length >= count && now;
		},
		async () => `event ${eventId}: ${JSON.stringify(await both())}\n${server.tail()}`,
		server.timeoutMs,
	);
	assert.equal(found.runs.length + found.outcomes.length, count, JSON.stringify(found));
	return found;
}

// The fates of events for one function: "run", or the outcome and its reason.
export async function fates(server, ids) {
	const all = await Promise.all(ids.map((id) => fate(server, id)));
	return all.map(({ outcomes: [one] }) => (one ? (one.reason === "None" ? one.outcome : `${one.outcome} ${one.reason}`) : "run"));
}

// Sends events one by one until `isEnough`: { id, before, after }, where the server got the event between the two times.
export async function sendUntil(server, make, isEnough, sent = []) {
	const next = async () => {
		const before = Date.now();
		const [id] = await server.send(make(sent.length));
		sent.push({ id, before, after: Date.now() });
		return isEnough(sent);
	};
	await until(next, () => `enough of ${sent.length} events\n${server.tail()}`, server.timeoutMs);
	return sent;
}

// A function that invokes another one of its app, and returns its value or why there is none.
export const caller = (sdk, id, event, appId, functionId) => ({
	id,
	event,
	retries: 0,
	handler: ({ event: { data }, step }) =>
		step
			.invoke("call", { function: sdk.lib.referenceFunction({ appId, functionId }), data })
			.then((value) => ({ value }), (error) => ({ error: error.message })),
});

// What the first call of an event's only run waits for.
export async function waitingOn(server, eventId) {
	const [{ run_id: runId }] = await server.runsStarted(eventId);
	const waiting = async () => (await server.data(`/v1/runs/${runId}/jobs`)).map(({ Raw }) => Raw.waiting).find(Boolean);
	return (await until(waiting, () => `run ${runId} waits\n${server.tail()}`, server.timeoutMs)).on;
}

// An event with all that one can have.
export const whole = (name, n) => ({
	id: `${name}-whole-${n}`,
	name,
	ts: 1_700_000_000_123 + n,
	data: { n, k: [1, null, { x: "é😀\n\u0000" }], big: 12345678901234, small: 1e-7, "": {} },
	user: { u: n },
	v: "2",
});

export const post = (server, path, body = {}) => server.request(path, { method: "POST", body });

export function assertRefused(reply, code, message) {
	assert.equal(reply.status, 422, reply.text);
	assert.deepEqual(reply.json, { errors: [{ code, message }] });
}

// Registers the app anew, with these functions.
export function replace(app, functions) {
	app.serve(functions);
	return app.sync();
}
