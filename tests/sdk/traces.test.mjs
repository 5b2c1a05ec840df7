// Traces as people see them (spec 06 §21): the trees of sequential, parallel, retried, failed, sleeping, waiting,
// invoking, batched, cancelled and checkpointed runs, in both shapes.
import assert from "node:assert/strict";

import { V3, V4, V4_PLAIN, sha1, suite, until } from "./harness.mjs";
import { latch } from "./lives.mjs";
import { ask, begun, cancel, ended, outputOf, tell, treeOf } from "./traces.mjs";

const { each } = suite({ flags: ["--no-poll", "--retry-interval", "1"] });
const PLAIN = [V3, V4_PLAIN]; // without checkpointing: the same trees (§21)
const BOTH = [V3, V4];

// One function, one event; the run that it starts, ended.
async function run({ server, app, name }, options, status = "Completed", data = { k: 1 }) {
	await app({ functions: [{ id: "fn", event: `${name}/go`, retries: 0, ...options }] });
	const [event] = await server.send({ name: `${name}/go`, data });
	return ended(server, event, status);
}

async function expectTree(server, id, expected, preview = true) {
	const wanted = expected.join("\n");
	let shown;
	await until(async () => {
		shown = tell(await treeOf(server, id, preview));
		return shown === wanted;
	}, () => `the tree of ${id}:\n${shown}\nwanted:\n${wanted}`);
}

const sequential = ({ step }) =>
	step.run("first step", () => 1).then(() => step.run("second", () => ({ n: 2 }))).then(() => ({ done: true, b: 2 }));

each("06 21: sequential", PLAIN, async (context) => {
	const { server } = context;
	const { run_id: id } = await run(context, { handler: sequential });
	await expectTree(server, id, [
		"Run COMPLETED dur out md(run inngest.usage) 200",
		"  first step COMPLETED RUN out md(req) 206",
		"  first step COMPLETED RUN dur out",
		"  second COMPLETED RUN out md(req) 206",
		"  second COMPLETED RUN dur out",
		"  Finalization COMPLETED FINALIZATION md(req) 200",
		"  executor.nonstep COMPLETED dur out",
	]);
	await expectTree(server, id, [
		`${context.name}-fn COMPLETED dur out`,
		"  first step COMPLETED RUN dur out",
		"  second COMPLETED RUN dur out",
		"  function success COMPLETED dur out",
	], false);
});

each("06 21: sequential, checkpointing", [V4], async (context) => {
	const { server } = context;
	const { run_id: id } = await run(context, { handler: sequential });
	const complete = "0737c22d3bfae812339732d14d8c7dbd6dc4e09c"; // the id that the SDK gives RunComplete
	await expectTree(server, id, [
		`${complete} COMPLETED dur out md(run inngest.usage)`,
		"  executor.nonstep COMPLETED dur out",
		"  first step COMPLETED RUN dur out md(req)",
		"  second COMPLETED RUN dur out",
	]);
});

each("06 21: groups of sequential steps", PLAIN, async (context) => {
	const { server } = context;
	const { run_id: id } = await run(context, { handler: sequential });
	const root = await treeOf(server, id);
	const [first, firstStep, second, secondStep, last, nonstep] = root.childrenSpans;
	assert.equal(first.groupID, null);
	assert.equal(second.groupID, firstStep.groupID);
	assert.equal(last.groupID, secondStep.groupID);
	assert.equal(nonstep.groupID, root.groupID);
	assert.equal(firstStep.spanID.length, 16);
	assert.equal(firstStep.stepID, sha1("first step"));
	assert.ok(new Date(secondStep.queuedAt) >= new Date(firstStep.endedAt));
});

each("06 17: outputs", PLAIN, async (context) => {
	const { server } = context;
	const { run_id: id } = await run(context, { handler: sequential });
	const root = await treeOf(server, id);
	const output = await outputOf(server, root.outputID);
	assert.deepEqual(JSON.parse(output.data), { done: true, b: 2 });
	assert.equal(JSON.parse(output.input)[0].data.k, 1);
	const second = await outputOf(server, root.childrenSpans[3].outputID);
	assert.deepEqual(JSON.parse(second.data), { n: 2 });
	assert.equal(second.error, null);
});

each("06 21: parallel", PLAIN, async (context) => {
	const { server } = context;
	const handler = async ({ step }) => {
		await Promise.all(["p-a", "p-b", "p-c"].map((name) => step.run(name, () => name)));
		return step.run("join", () => "joined");
	};
	const { run_id: id } = await run(context, { handler });
	const root = await until(async () => {
		const tree = await treeOf(server, id);
		return tree.status === "COMPLETED" ? tree : undefined;
	}, "the run's trace to be complete");
	const named = (name) => root.childrenSpans.filter((span) => span.name === name);
	for (const name of ["p-a", "p-b", "p-c", "join"]) {
		assert.equal(named(name).length, 2, `${name}: ${tell(root)}`);
		const [group] = named(name).filter((span) => span.duration === null);
		assert.equal(group.response.statusCode, 206);
		assert.ok(named(name).every((span) => span.status === "COMPLETED" && span.stepOp === "RUN"));
	}
	const groups = new Set(["p-a", "p-b", "p-c"].map((name) => named(name).find((span) => span.duration === null).groupID));
	assert.equal(groups.size, 1, "branches carry the group of the request that planned them");
	assert.equal(named("Finalization").length, 1);
	assert.equal(named("executor.nonstep").length, 1);
});

each("06 21: retry", PLAIN, async (context) => {
	const { server } = context;
	let tries = 0;
	const handler = ({ step }) =>
		step.run("flaky", () => {
			if (tries++ === 0) throw new Error("not yet");
			return "at last";
		});
	const { run_id: id } = await run(context, { retries: 2, handler });
	await expectTree(server, id, [
		"Run COMPLETED dur out md(run inngest.usage) 200",
		"  flaky COMPLETED RUN attempts1 out",
		"    Attempt 0 FAILED RUN dur out md(req) 206",
		"    Attempt 1 COMPLETED RUN attempts1 dur out md(req) 206",
		"  flaky FAILED RUN dur out",
		"  flaky COMPLETED RUN attempts1 dur out",
		"  Finalization COMPLETED FINALIZATION md(req) 200",
		"  executor.nonstep COMPLETED dur out",
	]);
	const [group, failed] = (await treeOf(server, id)).childrenSpans;
	assert.equal(group.childrenSpans[0].groupID, group.childrenSpans[1].groupID);
	const output = await outputOf(server, failed.outputID);
	assert.equal(output.data, null);
	assert.equal(output.error.message, "not yet");
});

each("06 21: a step fails for good", [V4_PLAIN], async (context) => {
	const { server } = context;
	const handler = ({ step }) =>
		step.run("always fails", () => {
			throw new Error("never");
		});
	const { run_id: id } = await run(context, { retries: 1, handler }, "Failed");
	const root = await until(async () => {
		const tree = await treeOf(server, id);
		return tree.status === "FAILED" ? tree : undefined;
	}, "the run's trace to be complete");
	const [group, first, second, last, nonstep] = root.childrenSpans;
	assert.equal(tell(group), [
		"always fails FAILED RUN attempts1 out",
		"  Attempt 0 FAILED RUN dur out md(req) 206",
		"  Attempt 1 FAILED attempts1 dur out md(req) 206",
	].join("\n"));
	assert.deepEqual([first, second].map((span) => [span.status, span.stepOp, span.attempts]), [["FAILED", "RUN", 0], ["FAILED", null, 1]]);
	assert.equal(last.name, "Finalization");
	assert.equal(last.outputID, null);
	assert.equal(last.childrenSpans[0].name, "Attempt 0");
	assert.equal(nonstep.status, "FAILED");
	assert.equal((await outputOf(server, root.outputID)).error.message, "never");
});

each("06 21: a function throws", BOTH, async (context) => {
	const { server } = context;
	const handler = () => {
		throw new Error("no step");
	};
	const { run_id: id } = await run(context, { retries: 1, handler }, "Failed");
	const root = await until(async () => {
		const tree = await treeOf(server, id);
		return tree.status === "FAILED" ? tree : undefined;
	}, "the run's trace to be complete");
	assert.deepEqual(root.childrenSpans.map((span) => span.name), ["Finalization", "executor.nonstep", "executor.nonstep"]);
	const [last] = root.childrenSpans;
	assert.equal(last.attempts, 1);
	assert.deepEqual(last.childrenSpans.map((span) => [span.name, span.status]), [["Attempt 0", "FAILED"], ["Attempt 1", "FAILED"]]);
	assert.deepEqual(last.childrenSpans.map((span) => span.response.statusCode).slice(0, 1), [500]);
});

each("06 21: sleep", PLAIN, async (context) => {
	const { server } = context;
	const handler = async ({ step }) => {
		await step.run("pre", () => 1);
		await step.sleep("nap", "1s");
		return step.run("post", () => 2);
	};
	const { run_id: id } = await run(context, { handler });
	const root = await until(async () => {
		const tree = await treeOf(server, id);
		return tree.status === "COMPLETED" ? tree : undefined;
	}, "the run's trace to be complete");
	const nap = root.childrenSpans.find((span) => span.name === "nap");
	assert.equal(nap.stepOp, "SLEEP");
	assert.equal(nap.status, "COMPLETED");
	assert.equal(nap.outputID, null);
	assert.equal(nap.duration, new Date(nap.endedAt) - new Date(nap.startedAt));
	assert.equal(nap.stepInfo.__typename, "SleepStepInfo");
	assert.equal(new Date(nap.stepInfo.sleepUntil) - new Date(nap.queuedAt), 1000);
	assert.equal(root.childrenSpans.filter((span) => span.name === "post").length, 2);
	assert.equal(root.childrenSpans.filter((span) => span.name === "pre").length, 2);
});

each("06 21: asleep", BOTH, async (context) => {
	const { server, app, name } = context;
	await app({ functions: [{ id: "fn", event: `${name}/go`, handler: ({ step }) => step.sleep("nap", "1h") }] });
	const [event] = await server.send({ name: `${name}/go` });
	const one = await begun(server, event);
	const nap = await until(async () => {
		const { childrenSpans } = await treeOf(server, one.run_id);
		return childrenSpans.find((span) => span.name === "nap");
	}, "the sleep in the trace");
	assert.deepEqual([nap.status, nap.endedAt, nap.duration], ["WAITING", null, null]);
	await cancel(server, one);
});

each("06 21: waitForEvent", BOTH, async (context) => {
	const { server, app, name } = context;
	const handler = ({ step }) => step.waitForEvent("wait-it", { event: `${name}/reply`, match: "data.k", timeout: "1h" });
	await app({ functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go`, data: { k: 1 } });
	const { run_id: id } = await begun(server, event);
	const waiting = await until(async () => {
		const tree = await treeOf(server, id);
		return tree.childrenSpans.find((span) => span.name === "wait-it");
	}, "the wait in the trace");
	assert.equal(waiting.status, "WAITING");
	assert.equal(waiting.stepInfo.eventName, `${name}/reply`);
	assert.equal(waiting.stepInfo.expression, "1.0 == async.data.k"); // the run's own value is in it
	assert.deepEqual([waiting.stepInfo.foundEventID, waiting.stepInfo.timedOut], [null, null]);
	const [reply] = await server.send({ name: `${name}/reply`, data: { k: 1 } });
	await ended(server, event);
	const done = (await treeOf(server, id)).childrenSpans.find((span) => span.name === "wait-it");
	assert.equal(done.status, "COMPLETED");
	assert.deepEqual([done.stepInfo.foundEventID, done.stepInfo.timedOut], [reply, false]);
	assert.equal(JSON.parse((await outputOf(server, done.outputID)).data).name, `${name}/reply`);
});

each("06 21: waitForEvent times out", BOTH, async (context) => {
	const { server, name } = context;
	const handler = ({ step }) => step.waitForEvent("wait-it", { event: `${name}/reply`, timeout: "1s" });
	const { run_id: id } = await run(context, { handler });
	const done = (await treeOf(server, id)).childrenSpans.find((span) => span.name === "wait-it");
	assert.deepEqual([done.status, done.outputID, done.stepInfo.foundEventID, done.stepInfo.timedOut], ["COMPLETED", null, null, true]);
});

each("06 21: invoke", BOTH, async (context) => {
	const { server, app, name } = context;
	const made = await app({ functions: [
		{ id: "child", event: `${name}/never`, handler: ({ event }) => ({ child: event.data.n }) },
	] });
	const child = made.sdk.lib.referenceFunction({ appId: name, functionId: "child" });
	made.serve([
		{ id: "child", event: `${name}/never`, handler: ({ event }) => ({ child: event.data.n }) },
		{ id: "fn", event: `${name}/go`, handler: ({ step }) => step.invoke("call-child", { function: child, data: { n: 7 } }) },
	]);
	await made.sync();
	const [event] = await server.send({ name: `${name}/go` });
	const { run_id: id } = await ended(server, event);
	const done = (await treeOf(server, id)).childrenSpans.find((span) => span.name === "call-child");
	assert.equal(done.status, "COMPLETED");
	assert.equal(done.stepOp, "INVOKE");
	assert.equal(done.stepInfo.functionID, `${name}-child`);
	assert.equal(done.stepInfo.timedOut, false);
	const { data } = await ask(server, "query($id: String!) {run(runID: $id) {status function {slug}}}", { id: done.stepInfo.runID });
	assert.deepEqual(data.run, { status: "COMPLETED", function: { slug: `${name}-child` } });
	assert.deepEqual(JSON.parse((await outputOf(server, done.outputID)).data), { child: 7 });
});

each("06 21: cancelled while sleeping", PLAIN, async (context) => {
	const { server, app, name } = context;
	const handler = async ({ step }) => {
		await step.run("one", () => 1);
		await step.sleep("long", "1h");
	};
	await app({ functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go` });
	const one = await begun(server, event);
	await until(async () => (await treeOf(server, one.run_id)).childrenSpans.some((span) => span.name === "long"), "the sleep");
	await cancel(server, one);
	const root = await treeOf(server, one.run_id);
	assert.equal(root.status, "CANCELLED");
	assert.deepEqual(root.childrenSpans.map((span) => [span.name, span.status]), [["one", "COMPLETED"], ["one", "COMPLETED"], ["long", "CANCELLED"]]);
	assert.equal(root.duration, new Date(root.endedAt) - new Date(root.startedAt));
});

each("06 21: in flight", BOTH, async (context) => {
	const { server, app, name } = context;
	const gate = latch();
	await app({ functions: [{ id: "fn", event: `${name}/go`, handler: () => gate.opened }] });
	const [event] = await server.send({ name: `${name}/go` });
	const { run_id: id } = await begun(server, event);
	await expectTree(server, id, [
		"Run RUNNING out", // its input: the events
		"  Execution RUNNING",
		"    Attempt 0 RUNNING",
	]);
	gate.open();
	await ended(server, event);
});

each("06 21: batch", BOTH, async (context) => {
	const { server, app, name } = context;
	await app({ functions: [{ id: "fn", event: `${name}/go`, batchEvents: { maxSize: 3, timeout: "1h" }, handler: ({ events }) => events.length }] });
	const ids = await server.send([1, 2, 3].map((n) => ({ name: `${name}/go`, data: { n } })));
	const { run_id: id } = await ended(server, ids[1]);
	const { data } = await ask(server, `query($id: String!) {
		run(runID: $id) {isBatch trace(preview: true) {outputID}}
		runTrigger(runID: $id) {isBatch IDs payloads}
	}`, { id });
	assert.equal(data.run.isBatch, true);
	assert.deepEqual(data.runTrigger.IDs, ids);
	assert.deepEqual(data.runTrigger.payloads.map((text) => JSON.parse(text).data.n), [1, 2, 3]);
	const output = await outputOf(server, data.run.trace.outputID);
	assert.equal(JSON.parse(output.input).length, 3);
});
