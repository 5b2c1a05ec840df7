// Live updates: GET /v1/stream tells of runs, steps and events as they happen, to whom it concerns.
import assert from "node:assert/strict";

import { V3, V4, V4_PLAIN, sha1, suite, until } from "./harness.mjs";
import { ended } from "./traces.mjs";

const { each, once } = suite();

// A watcher; `seen` grows by { kind, data }.
async function watch(server, query = "") {
	const stop = new AbortController();
	let reply;
	// The test of the limit takes all places for a moment.
	await until(async () => {
		reply = await fetch(`${server.url}/v1/stream${query}`, { signal: stop.signal });
		if (reply.status === 503) await reply.text();
		return reply.status !== 503;
	}, "a place");
	assert.equal(reply.status, 200);
	assert.equal(reply.headers.get("content-type"), "text/event-stream");
	const seen = [];
	const decoder = new TextDecoder();
	const reader = reply.body.getReader();
	let text = "", greeted;
	const ready = new Promise((done) => (greeted = done));
	const reading = (async () => {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return "ended";
			text += decoder.decode(value, { stream: true });
			const messages = text.split("\n\n");
			text = messages.pop();
			greeted();
			for (const message of messages) {
				const kind = /^event: (.*)$/m.exec(message)?.[1];
				if (kind) seen.push({ kind, data: JSON.parse(/^data: (.*)$/m.exec(message)[1]) });
			}
		}
	})().catch((error) => error.name);
	await ready;
	return { seen, stop: () => stop.abort(), reading };
}

const told = (watcher, id) => watcher.seen.filter(({ data }) => data.run_id === id)
	.map(({ kind, data }) => (kind === "run" ? data.status : `${data.name} ${data.status}`));

each("a run and its steps", [V3, V4, V4_PLAIN], async ({ server, app, name }) => {
	const watcher = await watch(server);
	const handler = async ({ step }) => {
		await step.run("one", () => 1);
		await step.sleep("nap", "1s");
		return "done";
	};
	await app({ functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go` });
	const { run_id: id, function_id } = await ended(server, event);
	await until(() => told(watcher, id).includes("COMPLETED"), () => `the end of the run: ${JSON.stringify(watcher.seen)}`);
	const mine = told(watcher, id);
	assert.equal(mine[0], "RUNNING");
	assert.deepEqual(mine.filter((text) => text === "one COMPLETED"), ["one COMPLETED"]);
	assert.ok(mine.indexOf("one COMPLETED") < mine.indexOf("nap WAITING"));
	assert.equal(mine.at(-1), "COMPLETED");
	const one = watcher.seen.find(({ data }) => data.run_id === id && data.name === "one").data;
	assert.equal(one.step_id, sha1("one"));
	assert.equal(one.function_id, function_id);
	assert.ok(!Number.isNaN(Date.parse(one.at)));
	assert.ok(watcher.seen.every(({ kind }) => kind !== "event")); // not asked for
	watcher.stop();
});

each("filters", [V4], async ({ server, app, name }) => {
	await app({ functions: [
		{ id: "a", event: `${name}/a`, handler: () => "a" },
		{ id: "b", event: `${name}/b`, handler: () => "b" },
	] });
	const [first] = await server.send({ name: `${name}/a` });
	const { function_id } = await ended(server, first);
	const ofFunction = await watch(server, `?function_id=${function_id}&kinds=run`);
	const ofEvents = await watch(server, "?kinds=event");
	const [event, other] = await server.send([{ name: `${name}/a` }, { name: `${name}/b` }]);
	const { run_id: id } = await ended(server, event);
	await ended(server, other);
	await until(() => told(ofFunction, id).includes("COMPLETED"), "the run's end");
	assert.ok(ofFunction.seen.every(({ kind, data }) => kind === "run" && data.function_id === function_id));
	await until(() => ofEvents.seen.some(({ data }) => data.id === other), "the event");
	assert.ok(ofEvents.seen.every(({ kind }) => kind === "event"));
	const ofRun = await watch(server, `?run_id=${id}`);
	await server.send({ name: `${name}/a` });
	assert.deepEqual(ofRun.seen, []); // it is over
	for (const watcher of [ofFunction, ofEvents, ofRun]) watcher.stop();
});

once("what is wrong with a query is told", async ({ server }) => {
	for (const [query, text] of [
		["run_id=x", "Invalid run ID: x"],
		["function_id=x", "Invalid function ID: x"],
		["kinds=run,nope", "kinds may be run, step and event, divided by commas: run,nope"],
	]) {
		const { status, json } = await server.request(`/v1/stream?${query}`);
		assert.equal(status, 400);
		assert.equal(json.error, text);
	}
});

once("so many may watch", async ({ server }) => {
	const watchers = [];
	let refused;
	for (let i = 0; i < 80 && !refused; i++) {
		const stop = new AbortController();
		const reply = await fetch(`${server.url}/v1/stream`, { signal: stop.signal });
		if (reply.status === 200) watchers.push(stop);
		else refused = reply;
	}
	assert.equal(refused.status, 503);
	assert.equal(refused.headers.get("retry-after"), "5");
	for (const stop of watchers) stop.abort();
});
