// Runs that the API starts again, starts, or cancels: rerun, rerun from a step, invoke and cancel of REST v2
// (spec 03 §21, 05 §13.7 to §13.10).
import assert from "node:assert/strict";

import { query } from "./graphql.mjs";
import { SDKS, V3, V4, sha1, suite, until } from "./harness.mjs";
import { latch } from "./lives.mjs";

const { each, once } = suite();
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const UNKNOWN_RUN = "01JQDAE4RQF8MBCR55T5AK4KXS";

const post = (server, path, body) => server.request(path, { method: "POST", body });

// The data of a reply of v2, which has to be 200.
function dataOf(reply, status = 200) {
	assert.equal(reply.status, status, reply.text);
	assert.ok(Date.parse(reply.json.metadata.fetchedAt), reply.text);
	return reply.json.data;
}

function assertError(reply, status, code, message) {
	assert.equal(reply.status, status, reply.text);
	assert.deepEqual(reply.json, { errors: [{ code, message }] });
}

// The run once it has ended.
async function ended(server, runId, status) {
	const over = async () => {
		const run = await server.run(runId);
		return run.ended_at && run;
	};
	const run = await until(over, () => `the end of run ${runId}\n${server.tail()}`, server.timeoutMs);
	if (status) assert.equal(run.status, status, JSON.stringify(run));
	return run;
}

async function rerun(server, runId, body, status = "Completed") {
	const { runId: again } = dataOf(await post(server, `/v2/runs/${runId}/rerun`, body));
	assert.match(again, ULID);
	assert.notEqual(again, runId);
	return ended(server, again, status);
}

const fromStep = (stepId, input) => ({ fromStep: { stepId, ...(input && { input }) } });

// ---- rerun ---------------------------------------------------------------------------------------------------------

each("a completed run", async ({ server, app, name }) => {
	let count = 0;
	const handler = async ({ event, step }) => ({ n: await step.run("count", () => ++count), event });
	await app({ functions: [{ id: "again", event: `${name}/go`, handler }] });
	const [id] = await server.send({ id: `${name}-mine`, name: `${name}/go`, ts: 1700000000123, data: { k: [1, null] }, user: { u: 1 }, v: "2" });
	const [first] = await server.runsEnded(id);
	const second = await rerun(server, first.run_id);
	assert.deepEqual(second.output, { ...first.output, n: 2 });
	assert.equal(second.original_run_id, first.run_id);
	assert.equal(second.event_id, first.event_id);
	assert.equal(second.function_id, first.function_id);
	// The whole chain points to its beginning.
	const third = await rerun(server, second.run_id, {});
	assert.deepEqual(third.output, { ...first.output, n: 3 });
	assert.equal(third.original_run_id, first.run_id);
	assert.equal((await server.runsEnded(id, 3)).length, 3);
});

each("an event without data", async ({ server, app, name }) => {
	await app({ functions: [{ id: "bare", event: `${name}/go`, handler: ({ event }) => event }] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	const second = await rerun(server, first.run_id);
	assert.deepEqual(second.output, first.output);
});

// They are no part of what the API tells of an event, but the app gets them.
each("an event with sessions", [V4], async ({ server, app, name }) => {
	const { calls } = await app({ functions: [{ id: "sessions", event: `${name}/go`, handler: () => 1 }] });
	const [id] = await server.send({ name: `${name}/go`, data: {}, meta: { sessions: { chat: "c1" } } });
	const [first] = await server.runsEnded(id);
	const second = await rerun(server, first.run_id);
	const given = (run) => calls.find(({ runId }) => runId === run.run_id).body.event.meta;
	assert.deepEqual([given(first), given(second)], Array(2).fill({ sessions: { chat: "c1" } }));
	assert.equal((await server.data(`/v1/events/${id}`)).meta, undefined);
});

each("a failed run", async ({ server, app, name }) => {
	let isBroken = true;
	const work = () => {
		if (isBroken) throw new Error("out of order");
		return "works";
	};
	await app({ functions: [{ id: "fails", event: `${name}/go`, retries: 0, handler: async ({ step }) => [await step.run("first", () => 1), work()] }] });
	const first = await server.runOf({ name: `${name}/go` }, "Failed");
	await rerun(server, first.run_id, {}, "Failed");
	isBroken = false;
	const run = await rerun(server, first.run_id, {});
	assert.deepEqual(run.output, [1, "works"]);
	assert.equal((await server.run(first.run_id)).status, "Failed");
});

// The new run is of a batch of its own; a rerun from a step has all events, too.
each("a run of a batch", async ({ server, app, name }) => {
	const handler = async ({ event, events, step }) => [event.data.n, events.map(({ data, user }) => [data.n, user]), await step.run("last", () => events.length)];
	await app({ functions: [{ id: "batch", event: `${name}/go`, batchEvents: { maxSize: 3, timeout: "1h" }, handler }] });
	const ids = await server.send([0, 1, 2].map((n) => ({ name: `${name}/go`, data: { n }, ...(n === 1 && { user: { u: n } }) })));
	const [first] = await server.runsEnded(ids[0]);
	assert.equal(first.output[2], 3);
	const second = await rerun(server, first.run_id);
	assert.deepEqual(second.output, first.output);
	assert.equal(second.original_run_id, first.run_id);
	const third = await rerun(server, second.run_id, fromStep("last"));
	assert.deepEqual(third.output, first.output);
	for (const id of ids)
		assert.deepEqual((await server.runsEnded(id, 3)).map(({ run_id }) => run_id).sort(), [first, second, third].map(({ run_id }) => run_id));
	const { run } = await query(server, `query ($id: String!) { run(runID: $id) { isBatch batchCreatedAt triggerIDs eventName } }`, { id: third.run_id });
	assert.deepEqual([run.isBatch, run.triggerIDs, run.eventName], [true, ids, null]);
	assert.ok(Date.parse(run.batchCreatedAt) > 0);
});

each("a run of a batch of a paused function", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "batch", event: `${name}/go`, batchEvents: { maxSize: 2, timeout: "1h" }, handler: () => 1 }] });
	const ids = await server.send([0, 1].map((n) => ({ name: `${name}/go`, data: { n } })));
	const [first] = await server.runsEnded(ids[0]);
	dataOf(await post(server, `/v2/apps/${name}/functions/batch/pause`));
	assert.equal((await post(server, `/v2/runs/${first.run_id}/rerun`)).status, 422);
	for (const id of ids)
		assert.deepEqual((await server.data(`/v1/events/${id}/outcomes`)).map(({ outcome, reason }) => [outcome, reason]), [["Skipped", "FunctionPaused"]]);
});

each("the function as it is now", [V3, V4], async ({ server, app, name }) => {
	const made = await app({ functions: [{ id: "changes", event: `${name}/go`, handler: () => "old" }] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	made.serve([{ id: "changes", event: `${name}/go`, handler: () => "new" }]);
	await made.sync();
	assert.equal((await rerun(server, first.run_id)).output, "new");
	made.serve([{ id: "another", event: `${name}/go`, handler: () => "another" }]);
	await made.sync();
	assertError(await post(server, `/v2/runs/${first.run_id}/rerun`), 404, "not_found", "Function not found");
});

once("what cannot be run again", async ({ server }) => {
	assertError(await post(server, `/v2/runs/${UNKNOWN_RUN}/rerun`), 404, "not_found", "Run not found");
	assertError(await post(server, `/api/v2/runs/${UNKNOWN_RUN}/rerun`, { fromStep: {} }), 400, "missing_field", "Step ID is required");
	const reply = await post(server, `/v2/runs/${UNKNOWN_RUN}/rerun`, { fromStep: { stepId: "a", input: "[]" } });
	assert.equal(reply.status, 400);
	assert.equal(reply.json.errors[0].code, "api_error");
});

// ---- from a step ---------------------------------------------------------------------------------------------------

// A function of many kinds of steps that notes what it really does in each run: a, nap, greet(…), twice, twice, last.
function stepper(id, event) {
	const done = [];
	const handler = async ({ step, runId }) => {
		const note = (what, value) => (done.push({ runId, what }), value);
		const a = await step.run("a", () => note("a", Math.random()));
		await step.sleep("nap", "100ms");
		const greeting = await step.run({ id: "greet", name: "Say hello" }, (word, times) => note("greet", [word, times]), "hello", 1);
		const one = await step.run("twice", () => note("twice", null));
		const two = await step.run("twice", () => note("twice", { x: null }));
		return { a, greeting, one, two, last: await step.run("last", () => note("last", "end")) };
	};
	const of = ({ run_id: runId }) => done.filter((one) => one.runId === runId).map(({ what }) => what);
	return { fn: { id, event, handler }, of };
}

const ALL = ["a", "greet", "twice", "twice", "last"];

each("from a step", async ({ server, app, name }) => {
	const { fn, of } = stepper("steps", `${name}/go`);
	await app({ functions: [fn] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	assert.deepEqual(of(first), ALL);
	const cases = [
		[sha1("a"), ALL],
		["a", ALL],
		["nap", ALL.slice(1)],
		[sha1("greet"), ALL.slice(1)],
		["Say hello", ALL.slice(1)],
		[sha1("twice"), ALL.slice(2)],
		[sha1("twice:1"), ALL.slice(3)],
		["last", ALL.slice(4)],
	];
	for (const [stepId, expected] of cases) {
		const run = await rerun(server, first.run_id, fromStep(stepId));
		assert.deepEqual(of(run), expected, stepId);
		assert.deepEqual(run.output, { ...first.output, ...(expected === ALL && { a: run.output.a }) }, stepId);
		assert.equal(run.original_run_id, first.run_id);
	}
	// Of a rerun, too, the steps are those of the first run.
	const second = await rerun(server, first.run_id);
	assert.notEqual(second.output.a, first.output.a);
	assert.equal((await rerun(server, second.run_id, fromStep("last"))).output.a, first.output.a);
});

each("from a step with new input", async ({ server, app, name }) => {
	const { fn, of } = stepper("input", `${name}/go`);
	await app({ functions: [fn] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	assert.deepEqual(first.output.greeting, ["hello", 1]);
	const input = ["good evening", { times: [2, null] }];
	const run = await rerun(server, first.run_id, fromStep("Say hello", input));
	assert.deepEqual(run.output, { ...first.output, greeting: input });
	assert.deepEqual(of(run), ALL.slice(1));
	const names = await rerun(server, first.run_id, { from_step: { step_id: sha1("greet"), input: ["snake", 3] } });
	assert.deepEqual(names.output.greeting, ["snake", 3]);
});

each("from a step that is none, or two", [V3, V4], async ({ server, app, name }) => {
	const { fn } = stepper("unknown", `${name}/go`);
	const made = await app({ functions: [fn] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	const path = `/v2/runs/${first.run_id}/rerun`;
	const calls = made.calls.length;
	assertError(await post(server, path, fromStep("nothing")), 400, "invalid_request", "Step not found in original run");
	assertError(await post(server, path, fromStep("twice")), 400, "invalid_request", "Step name matches multiple steps in original run");
	assert.equal((await server.runsOf(first.event_id)).length, 1);
	assert.equal(made.calls.length, calls);
});

each("from a step that failed", async ({ server, app, name }) => {
	let isBroken = true;
	let before = 0;
	const risky = (what) => {
		if (isBroken) throw new Error("out of order");
		return what;
	};
	const handler = async ({ step }) => [await step.run("before", () => ++before), await step.run("risky", risky, "works"), await step.run("after", () => "done")];
	await app({ functions: [{ id: "risky", event: `${name}/go`, retries: 0, handler }] });
	const first = await server.runOf({ name: `${name}/go` }, "Failed");
	await rerun(server, first.run_id, fromStep("risky"), "Failed");
	isBroken = false;
	assert.deepEqual((await rerun(server, first.run_id, fromStep("risky"))).output, [1, "works", "done"]);
	assert.deepEqual((await rerun(server, first.run_id, fromStep("risky", ["otherwise"]))).output, [1, "otherwise", "done"]);
	assert.equal(before, 1);
});

// It has no result, but its trace is there.
each("from a step that a cancelled run was waiting in, or retrying", async ({ server, app, name }) => {
	let isBroken = true;
	const risky = (word) => {
		if (isBroken) throw new Error("out of order");
		return word;
	};
	let before = 0;
	const handler = async ({ event, step }) => {
		await step.run("before", () => ++before);
		const got = event.data.waits
			? await step.waitForEvent("answer", { event: `${name}/answer`, timeout: isBroken ? "1h" : "1ms" })
			: await step.run("risky", risky, "works");
		return [got, await step.run("after", () => "done")];
	};
	await app({ functions: [{ id: "cut", event: `${name}/go`, retries: 5, handler }] });
	const cut = async (data, isThere) => {
		const [id] = await server.send({ name: `${name}/go`, data });
		const [{ run_id: runId }] = await server.runsStarted(id);
		await until(async () => (await server.data(`/v1/runs/${runId}/jobs`)).some(isThere), () => `the job\n${server.tail()}`, server.timeoutMs);
		dataOf(await post(server, `/v2/runs/${runId}/cancel`));
		return runId;
	};
	const waiting = await cut({ waits: true }, ({ kind }) => kind === "pause");
	const retrying = await cut({ waits: false }, ({ attempt }) => attempt > 0);
	isBroken = false;
	assert.deepEqual((await rerun(server, waiting, fromStep("answer"))).output, [null, "done"]);
	assert.deepEqual((await rerun(server, retrying, fromStep("risky"))).output, ["works", "done"]);
	assert.deepEqual((await rerun(server, retrying, fromStep(sha1("risky"), ["otherwise"]))).output, ["otherwise", "done"]);
	assert.equal(before, 2);
	assertError(await post(server, `/v2/runs/${waiting}/rerun`, fromStep("after")), 400, "invalid_request", "Step not found in original run");
});

each("from a step after others side by side", async ({ server, app, name }) => {
	const ran = [];
	const handler = async ({ step, runId }) => {
		const run = (id) => step.run(id, () => (ran.push([runId, id]), `${id} done`));
		const both = await Promise.all([run("left"), run("right"), step.sleep("nap", "200ms")]);
		return [both.slice(0, 2), await run("join"), await run("end")];
	};
	await app({ functions: [{ id: "side", event: `${name}/go`, handler }] });
	const first = await server.runOf({ name: `${name}/go` }, "Completed");
	const run = await rerun(server, first.run_id, fromStep("join"));
	assert.deepEqual(run.output, first.output);
	assert.deepEqual(ran.filter(([runId]) => runId === run.run_id).map(([, id]) => id), ["join", "end"]);
});

// ---- invoke --------------------------------------------------------------------------------------------------------

// A function that notes the runs that it is called for.
function invoked(id, event) {
	const runs = new Map();
	const handler = async ({ event: { data, name, ts }, runId, step }) => {
		runs.set(runId, data);
		return { name, isRecent: Math.abs(ts - Date.now()) < 600_000, n: await step.run("n", () => data.n) };
	};
	return { fn: { id, event, handler }, runs };
}

each("invoke", async ({ server, app, name }) => {
	const { fn, runs } = invoked("target", `${name}/never`);
	await app({ functions: [fn] });
	for (const id of ["target", `${name}-target`]) {
		const { runId } = dataOf(await post(server, `/v2/apps/${name}/functions/${id}/invoke`, { data: { n: 7, _inngest: { fn_id: "mine" } } }));
		const run = await ended(server, runId, "Completed");
		assert.deepEqual(run.output, { name: "inngest/function.invoked", isRecent: true, n: 7 });
		assert.equal(run.original_run_id, undefined);
		const event = await server.data(`/v1/events/${run.event_id}`);
		assert.equal(event.name, "inngest/function.invoked");
		assert.equal(event.data.n, 7);
		assert.equal(event.data._inngest.type, "api");
		assert.equal(event.data._inngest.fn_id, run.function_id);
		assert.equal(event.data._inngest.invoke_idempotency, undefined);
		assert.equal((await server.runsOf(run.event_id)).length, 1);
	}
	assert.equal(runs.size, 2);
});

each("invoke with a key", async ({ server, app, name }) => {
	const { fn, runs } = invoked("keyed", `${name}/never`);
	const other = invoked("other", `${name}/never`);
	await app({ functions: [fn, other.fn] });
	const invoke = (id, body) => post(server, `/api/v2/apps/${name}/functions/${id}/invoke`, body);
	const replies = await Promise.all([1, 2, 3, 4].map((n) => invoke("keyed", { data: { n }, idempotencyKey: "order-1" })));
	assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409, 409, 409]);
	const { runId } = dataOf(replies.find(({ status }) => status === 200));
	for (const reply of replies) assert.equal(dataOf(reply, reply.status).runId, runId);
	const run = await ended(server, runId, "Completed");
	assert.match((await server.data(`/v1/events/${run.event_id}`)).data._inngest.invoke_idempotency, /^[0-9a-z]{1,13}$/);
	// A run that has ended keeps its key; other keys, and other functions, have runs of their own.
	assert.equal(dataOf(await invoke("keyed", { data: { n: 5 }, idempotency_key: "order-1" }), 409).runId, runId);
	const second = dataOf(await invoke("keyed", { data: { n: 6 }, idempotencyKey: "order-2" }));
	const third = dataOf(await invoke("other", { data: { n: 7 }, idempotencyKey: "order-1" }));
	assert.equal((await ended(server, second.runId, "Completed")).output.n, 6);
	assert.equal((await ended(server, third.runId, "Completed")).output.n, 7);
	assert.deepEqual([...runs.keys()].sort(), [runId, second.runId].sort());
	assert.deepEqual([...other.runs.keys()], [third.runId]);
});

each("an invocation can be run again", [V3, V4], async ({ server, app, name }) => {
	const { fn } = invoked("again", `${name}/never`);
	await app({ functions: [fn] });
	const { runId } = dataOf(await post(server, `/v2/apps/${name}/functions/again/invoke`, { data: { n: 1 }, idempotencyKey: "k" }));
	const first = await ended(server, runId, "Completed");
	assert.deepEqual((await rerun(server, runId)).output, first.output);
});

once("what cannot be invoked", async ({ server }) => {
	assertError(await post(server, "/v2/apps/nobody/functions/nothing/invoke", { data: {} }), 404, "not_found", "Function not found");
	assertError(await post(server, "/v2/apps/nobody/functions/nothing/invoke"), 400, "missing_field", "Input data is required");
});

// ---- cancel --------------------------------------------------------------------------------------------------------

each("cancel", SDKS, async ({ server, app, name }) => {
	const handler = async ({ event, step }) => {
		await step.run("before", () => 1);
		if (event.data.sleeps) await step.sleep("long", "1h");
		return "done";
	};
	await app({ functions: [{ id: "sleeper", event: `${name}/go`, handler }] });
	const [id] = await server.send({ name: `${name}/go`, data: { sleeps: true } });
	const [{ run_id: runId }] = await server.runsStarted(id);
	const isSleeping = async () => (await server.data(`/v1/runs/${runId}/jobs`)).some(({ kind }) => kind === "sleep");
	await until(isSleeping, () => `the sleep of run ${runId}\n${server.tail()}`, server.timeoutMs);
	assert.equal(dataOf(await post(server, `/v2/runs/${runId}/cancel`)).runId, runId);
	await ended(server, runId, "Cancelled");
	assertError(await post(server, `/api/v2/runs/${runId}/cancel`, {}), 409, "run_already_cancelled", "Run is already cancelled");
	const over = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	assertError(await post(server, `/v2/runs/${over.run_id}/cancel`), 409, "run_already_ended", "Cannot cancel an ended run");
	// A cancelled run can be run again, and cancelled again.
	const { runId: again } = dataOf(await post(server, `/v2/runs/${runId}/rerun`));
	dataOf(await post(server, `/v2/runs/${again}/cancel`));
	await ended(server, again, "Cancelled");
});

once("cancel of an unknown run", async ({ server }) => {
	assertError(await post(server, `/v2/runs/${UNKNOWN_RUN}/cancel`), 404, "not_found", "Run not found");
	assertError(await post(server, "/v2/runs/x/cancel"), 400, "invalid_field_format", "Run ID must be a valid ULID");
});

// ---- pause ---------------------------------------------------------------------------------------------------------

each("a paused function", [V3, V4], async ({ server, app, name }) => {
	const gate = latch();
	const handler = async ({ step }) => {
		await step.run("held", () => gate.opened);
		await step.sleep("a moment", "1ms");
		return step.run("after", () => "went on");
	};
	const { calls } = await app({ functions: [{ id: "pauses", event: `${name}/go`, handler }] });
	const path = `/v2/apps/${name}/functions/pauses`;
	const [id] = await server.send({ name: `${name}/go` });
	await until(() => calls.length === 1, "the first call");
	assert.deepEqual(dataOf(await post(server, `${path}/pause`)), { id: "pauses", isPaused: true });
	gate.open();
	const [skipped] = await server.send({ name: `${name}/go` });
	const [{ run_id: runId }] = await server.runsStarted(id);
	// The sleep is over, and only the pause holds up what comes after it.
	const isHeldUp = async () => (await server.data(`/v1/runs/${runId}/jobs`)).some(({ Raw }) => Raw.waiting?.on === "paused");
	await until(isHeldUp, () => `run ${runId} held up\n${server.tail()}`, server.timeoutMs);
	assert.deepEqual(await server.data(`/v1/events/${skipped}/runs`), []);
	assertError(await post(server, `${path}/invoke`, { data: {} }), 422, "function_skipped",
		"Function invocation was skipped because the function is paused or draining.");
	assert.deepEqual(dataOf(await post(server, `${path}/unpause`)), { id: "pauses" });
	const run = await ended(server, runId, "Completed");
	assert.equal(run.output, "went on");
	assert.deepEqual(await server.data(`/v1/events/${skipped}/runs`), []);
});

// ---- events --------------------------------------------------------------------------------------------------------

each("an event by way of v2", [V3, V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "sees", event: `${name}/go`, handler: ({ event: { data, id, ts } }) => ({ data, id, ts }) }] });
	const body = { name: `${name}/go`, id: `${name}-mine`, ts: "1700000000123", data: { k: null } };
	const { eventId } = dataOf(await post(server, "/v2/events", body));
	assert.match(eventId, ULID);
	const [run] = await server.runsEnded(eventId);
	assert.deepEqual(run.output, { data: { k: null }, id: `${name}-mine`, ts: 1700000000123 });
	assert.deepEqual(dataOf(await server.request("/v2/health")), { status: "ok" });
});
