// /v1/cancellations: runs cancelled by the time of their scheduling and by an expression (spec 03 §16.3, 05 §12.11).
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";

const { each, once } = suite();
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PATH = "/v1/cancellations";

const post = (server, body) => server.request(PATH, { method: "POST", body });
const remove = (server, id) => server.request(`${PATH}/${id}`, { method: "DELETE" });

// Calls `one` for each of the list, some at a time, and returns the results in order.
async function forEach(list, one) {
	const results = [];
	for (let i = 0; i < list.length; i += 50) results.push(...(await Promise.all(list.slice(i, i + 50).map(one))));
	return results;
}

const sleeper = (id, event) => ({
	id,
	event,
	handler: async ({ step }) => {
		await step.sleep("long", "1h");
	},
});

// Sends the events and waits until the run of each of them sleeps; the runs, in order.
async function asleep(server, events) {
	const ids = await server.send(events);
	return forEach(ids, async (id) => {
		const [run] = await server.runsStarted(id);
		const jobs = () => server.data(`/v1/runs/${run.run_id}/jobs`);
		await until(async () => (await jobs()).some(({ kind }) => kind === "sleep"), () => `the sleep of run ${run.run_id}\n${server.tail()}`, server.timeoutMs);
		return run;
	});
}

// When the last of these runs was scheduled; the clock is past that when this is over.
async function lastOf(runs) {
	const last = Math.max(...runs.map((run) => Date.parse(run.run_started_at)));
	await until(() => Date.now() > last, "the next millisecond");
	return last;
}

const statusesOf = async (server, runs) => (await forEach(runs, ({ run_id: id }) => server.run(id))).map(({ status }) => status);
const count = (list, value) => list.filter((one) => one === value).length;

async function cancelled(server, runs) {
	const all = async () => (await statusesOf(server, runs)).every((status) => status === "Cancelled");
	await until(all, async () => `${count(await statusesOf(server, runs), "Cancelled")} of ${runs.length} are cancelled\n${server.tail()}`, server.timeoutMs);
}

each("half of 1,000 sleeping runs", [V3, V4], async ({ server, app, name, sdk }) => {
	const go = (length) => Array.from({ length }, (_, n) => ({ name: `${name}/go`, data: { n, kind: n % 2 ? "odd" : "even" } }));
	await app({ recorded: false, functions: [sleeper("sleeps", `${name}/go`), sleeper("also-sleeps", `${name}/other`)] });
	const early = await asleep(server, go(10));
	const after = (await lastOf(early)) + 1;
	const runs = await asleep(server, go(1000));
	const others = await asleep(server, [{ name: `${name}/other`, data: { kind: "even" } }]);
	const before = await lastOf([...runs, ...others]);
	const late = await asleep(server, go(10));

	const wanted = {
		app_id: name,
		function_id: sdk === V3 ? `${name}-sleeps` : "sleeps", // Both are taken.
		started_after: new Date(after).toISOString(),
		started_before: new Date(before).toISOString(),
		if: `event.data.kind == "even"`,
	};
	const reply = await post(server, wanted);
	assert.equal(reply.status, 200, reply.text);
	const { data: made, metadata } = reply.json;
	assert.ok(Date.parse(metadata.fetched_at), reply.text);
	assert.match(made.id, ULID);
	assert.match(made.app_id, UUID);
	assert.equal(made.function_internal_id, runs[0].function_id);
	assert.equal(made.function_id, `${name}-sleeps`);
	assert.equal(made.if, wanted.if);
	assert.equal(Date.parse(made.started_after), after);
	assert.equal(Date.parse(made.started_before), before);
	assert.ok(Date.parse(made.created_at) >= before, reply.text);
	assert.deepEqual([made.name, made.queue_name, "target_id" in made], [null, null, false]);

	await cancelled(server, runs.filter((_, n) => n % 2 === 0));
	const left = [...runs.filter((_, n) => n % 2), ...early, ...late, ...others];
	const statuses = await statusesOf(server, left);
	assert.equal(count(statuses, "Running"), left.length, JSON.stringify(statuses));

	const listed = (await server.data(PATH)).filter(({ id }) => id === made.id);
	assert.deepEqual(listed, [made]);
	const removed = await remove(server, made.id);
	assert.equal(removed.status, 200, removed.text);
	assert.deepEqual(removed.json.data, { ok: true });
	assert.deepEqual((await server.data(PATH)).filter(({ id }) => id === made.id), []);
	assert.equal((await remove(server, made.id)).status, 404);

	// Without bounds and condition: all that is left of the function's runs.
	const rest = await post(server, { app_id: name, function_id: "sleeps", started_before: new Date(await lastOf(late)).toISOString() });
	assert.equal(rest.status, 200, rest.text);
	assert.equal(rest.json.data.started_after, null);
	assert.ok(!("if" in rest.json.data), rest.text);
	await cancelled(server, left.filter((run) => !others.includes(run)));
	assert.deepEqual(await statusesOf(server, others), ["Running"]);
	assert.equal((await remove(server, rest.json.data.id)).status, 200);
});

each("what is refused", [V4], async ({ server, app, name }) => {
	await app({ functions: [sleeper("sleeps", `${name}/go`)] });
	const good = { app_id: name, function_id: "sleeps", started_before: new Date().toISOString() };
	const later = new Date(Date.now() + 3_600_000).toISOString();
	const cases = [
		["{", 400, /^Invalid cancellation request$/],
		[{ ...good, started_before: 1700000000000 }, 400, /^Invalid cancellation request$/],
		[{}, 400, /^app_id is required\nfunction_id is required\nstarted_before is required$/],
		[{ ...good, started_before: later }, 400, /^started_before must be in the past$/],
		[{ ...good, started_after: later }, 400, /^started_after must be before started_before$/],
		[{ ...good, if: "event.data.n ==" }, 400, /^invalid expression: .*mismatched input/],
		[{ ...good, if: "other.n == 1" }, 400, /^invalid expression: .*undeclared reference/],
		[{ ...good, function_id: "nothing" }, 404, /^function not found$/],
		[{ ...good, app_id: `${name}-other` }, 404, /^function not found$/],
	];
	for (const [body, status, error] of cases) {
		const reply = await post(server, body);
		assert.equal(reply.status, status, reply.text);
		assert.match(reply.json.error, error);
		assert.equal(reply.json.status, status);
	}
});

once("the removal of what is not there", async ({ server }) => {
	const unknown = await remove(server, "01JQDAE4RQF8MBCR55T5AK4KXS");
	assert.deepEqual(unknown.json, { error: "Cancellation not found", data: null, status: 404 });
	const bad = await remove(server, "x");
	assert.deepEqual(bad.json, { error: "Invalid cancellation ID", data: null, status: 400 });
});
