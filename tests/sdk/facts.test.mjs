// Traces of what is easily lost: a conflict, steps that come with the end of the run, checkpoints that are sent again.
import assert from "node:assert/strict";

import { SDKS, V4, suite, until } from "./harness.mjs";
import { latch } from "./lives.mjs";
import { begun, ended, outputOf, treeOf } from "./traces.mjs";

const { each } = suite({ flags: ["--no-poll", "--retry-interval", "1"] });

each("06 14: a signal that another run waits for", SDKS, async ({ server, app, name }) => {
	const handler = ({ step }) => step.waitForSignal("wait", { signal: name, timeout: "1h", onConflict: "fail" });
	await app({ functions: [{ id: "fn", event: `${name}/go`, retries: 0, handler }] });
	const waits = async ({ run_id }) => (await treeOf(server, run_id)).childrenSpans.find((span) => span.stepOp === "WAIT_FOR_SIGNAL");
	const [first] = await server.send({ name: `${name}/go` });
	await until(async () => (await begun(server, first)) && waits(await begun(server, first)), "the first wait");
	const [second] = await server.send({ name: `${name}/go` });
	const failed = await waits(await ended(server, second, "Failed"));
	assert.equal(failed.status, "FAILED");
	assert.deepEqual([failed.stepInfo.signal, failed.stepInfo.timedOut], [name, null]);
	const { error } = await outputOf(server, failed.outputID);
	assert.equal(error.message, "Signal conflict; signal wait already exists for another run");
	assert.equal((await waits(await begun(server, first))).status, "WAITING");
});

each("02 13.5: the last steps come with the end of the run", [V4], async ({ server, app, name }) => {
	const handler = async ({ step }) => {
		for (const id of ["a", "b", "c", "d", "e"]) await step.run(id, () => `value of ${id}`);
		return "done";
	};
	await app({ client: { checkpointing: { bufferedSteps: 3 } }, functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go` });
	const tree = await treeOf(server, (await ended(server, event)).run_id);
	const steps = tree.childrenSpans.filter((span) => span.stepOp === "RUN");
	assert.deepEqual(steps.map((span) => [span.name, span.status]), ["a", "b", "c", "d", "e"].map((id) => [id, "COMPLETED"]));
	for (const { name: id, outputID } of steps) assert.equal((await outputOf(server, outputID)).data, `"value of ${id}"`);
});

// An SDK that got no reply sends it again; what it brings along counts once.
each("02 13: a checkpoint that comes twice", [V4], async ({ server, app, name }) => {
	const gate = latch();
	const handler = async ({ step }) => (await step.run("a", () => 1), await gate.opened, step.run("b", () => 2));
	const made = await app({ functions: [{ id: "fn", event: `${name}/go`, handler }] });
	const [event] = await server.send({ name: `${name}/go` });
	const run = await begun(server, event);
	await until(() => made.checkpointsOf(run).length > 0, "the checkpoint");
	const [{ body }] = made.checkpointsOf(run);
	const metadata = [{ kind: "userland.count", op: "add", scope: "step", values: { n: 1 } }];
	const step = { ...body.steps[0], id: "c", displayName: "c", metadata };
	for (let i = 0; i < 3; i++) {
		const again = await server.request(`/v1/checkpoint/${run.run_id}/async`, { method: "POST", body: { ...body, steps: [body.steps[0], step] } });
		assert.equal(again.status, 200, again.text);
	}
	gate.open();
	await ended(server, event);
	const tree = await treeOf(server, run.run_id);
	const told = tree.childrenSpans.filter((span) => span.stepOp === "RUN");
	assert.deepEqual(told.map((span) => span.name).sort(), ["a", "b", "c"]);
	const count = told.find((span) => span.name === "c").metadata.find(({ kind }) => kind === "userland.count");
	assert.deepEqual(count.values, { n: 1 });
});
