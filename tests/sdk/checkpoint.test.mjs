// Async checkpointing (spec 02 §13): how the SDK uses it, and what the endpoint refuses.
import assert from "node:assert/strict";

import { V4, sha1, suite, until } from "./harness.mjs";

const { each, once } = suite();
const only = [V4];
const UNKNOWN_RUN = "01M7ZZZZZZZZZZZZZZZZZZZZZZ";

const five = (name, extra = {}) => ({
	id: "five",
	event: `${name}/five`,
	handler: async ({ step }) => {
		const values = [];
		for (const id of ["a", "b", "c", "d", "e"]) values.push(await step.run(id, () => id));
		return values.join("");
	},
	...extra,
});

each("buffered steps come in threes", only, async ({ server, app, name }) => {
	const made = await app({ client: { checkpointing: { bufferedSteps: 3 } }, functions: [five(name)] });
	const run = await server.runOf({ name: `${name}/five` }, "Completed");
	assert.equal(run.output, "abcde");
	assert.equal(made.checkpointsOf(run)[0].body.steps.length, 3);
	const [call] = made.callsOf(run);
	assert.deepEqual(JSON.parse(call.reply).map((op) => op.op).sort(), ["RunComplete", "StepRun", "StepRun"]);
});

each("switched on and off for one function", only, async ({ server, app, name }) => {
	const made = await app({ functions: [five(name, { checkpointing: false })] });
	const run = await server.runOf({ name: `${name}/five` }, "Completed");
	assert.equal(run.output, "abcde");
	assert.equal(made.callsOf(run).length, 6);
	assert.deepEqual(made.checkpointsOf(run), []);
});

each("the longest time to run at a stretch", only, async ({ server, app, name }) => {
	const made = await app({
		client: { checkpointing: { maxRuntime: "100ms" } },
		functions: [
			{
				id: "slow",
				event: `${name}/slow`,
				handler: async ({ step }) => {
					let sum = 0;
					for (let i = 0; i < 6; i++) {
						sum += await step.run(`${i}`, async () => {
							await new Promise((done) => setTimeout(done, 60));
							return i;
						});
					}
					return sum;
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/slow` }, "Completed");
	assert.equal(run.output, 15);
	assert.ok(made.callsOf(run).length > 1, "the run came back for more");
});

each("when checkpoints fail, the answer carries the steps", only, async ({ server, app, name }) => {
	const made = await app({ functions: [five(name)] });
	const { fetch } = made;
	made.fetch = function (input, init) {
		if (`${input}`.includes("/checkpoint/")) return Promise.resolve(new Response("{}", { status: 500 }));
		return fetch.call(this, input, init);
	};
	const run = await server.runOf({ name: `${name}/five` }, "Completed");
	assert.equal(run.output, "abcde");
	assert.equal(made.callsOf(run).length, 6);
});

each("when the reply to a checkpoint is lost, the answer repeats the steps", only, async ({ server, app, name }) => {
	const made = await app({ functions: [five(name)] });
	const { fetch } = made;
	made.fetch = async function (input, init) {
		const reply = await fetch.call(this, input, init);
		return `${input}`.includes("/checkpoint/") ? new Response("{}", { status: 500 }) : reply;
	};
	const run = await server.runOf({ name: `${name}/five` }, "Completed");
	assert.equal(run.output, "abcde");
	const ran = made.callsOf(run).flatMap((call) => (call.status === 206 ? JSON.parse(call.reply) : [])).map((op) => op.id);
	assert.equal(new Set(ran).size, ran.length, "no step ran again");
});

// A run that hangs in its only call, to checkpoint against by hand.
async function hanging({ server, app, name }) {
	let release;
	const made = await app({
		answer: ({ response }) => {
			release = (body) => response.writeHead(206, { "x-inngest-sdk": "inngest-js:v4.24.0", "x-inngest-req-version": "2" }).end(body);
		},
	});
	await made.register([made.rawFunction("hang", `${name}/hang`)]);
	const [id] = await server.send({ name: `${name}/hang` });
	const call = await until(() => made.calls[0], "the call");
	const { ctx } = call.body;
	const steps = (list, changes = {}) =>
		server.request(`/v1/checkpoint/${ctx.run_id}/async`, {
			method: "POST",
			body: {
				run_id: ctx.run_id,
				fn_id: ctx.fn_id,
				qi_id: ctx.qi_id,
				request_id: ctx.request_id,
				generation_id: ctx.generation_id,
				request_started_at: Date.now(),
				ts: Date.now(),
				steps: list,
				...changes,
			},
		});
	const end = async (body = JSON.stringify([{ op: "RunComplete", id: "c", data: "end" }])) => {
		release(body);
		return (await server.runsEnded(id))[0];
	};
	return { ctx, steps, end };
}

const stepRun = (id, data) => ({ id: sha1(id), op: "StepRun", name: id, displayName: id, data });

once("what a checkpoint answers when all is well", async (context) => {
	const { server } = context;
	const { ctx, steps, end } = await hanging(context);
	const good = await steps([stepRun("a", 1)]);
	assert.equal(good.status, 200, good.text);
	assert.match(good.headers.get("content-type"), /^application\/json/);
	assert.equal(good.text, "");
	assert.equal((await steps([stepRun("a", "another value")])).status, 200, "a duplicate is no error");
	assert.equal((await steps([])).status, 200);
	assert.equal((await steps([{ id: sha1("p"), op: "StepPlanned", name: "p" }])).status, 200);
	const actions = await server.request(`/v0/runs/${ctx.run_id}/actions`);
	assert.equal(actions.status, 200);
	assert.deepEqual(actions.json, { [sha1("a")]: { data: 1 } }, "the first value stays");
	const alias = await server.request(`/v1/http/runs/${ctx.run_id}/async`, {
		method: "POST",
		body: { run_id: ctx.run_id, fn_id: ctx.fn_id, qi_id: ctx.qi_id, steps: [stepRun("b", 2)] },
	});
	assert.equal(alias.status, 200);
	assert.equal((await end()).output, "end");
});

once("what a checkpoint refuses", async (context) => {
	const { server } = context;
	const { ctx, steps, end } = await hanging(context);
	const refused = async (list, status, message, changes) => {
		const reply = await steps(list, changes);
		assert.equal(reply.status, status, `${message}: ${reply.text}`);
		assert.match(reply.json.error, message);
		assert.equal(reply.json.status, status);
	};
	const unknown = await steps([stepRun("a", 1)], { run_id: UNKNOWN_RUN });
	assert.equal(unknown.status, 400);
	assert.equal(unknown.json.error, "run not found in state store");
	assert.deepEqual(unknown.json.data, { run_id: UNKNOWN_RUN });
	for (const op of ["Sleep", "WaitForEvent", "InvokeFunction", "StepError", "WaitForSignal", "Gateway", "DiscoveryRequest"]) {
		await refused([stepRun("x", 1), { id: "y", op, name: "1s", error: { message: "m" } }], 400, /cannot checkpoint async steps/);
	}
	for (const op of ["RunComplete", "SyncRunComplete", "StepFailed"]) {
		const list = [{ id: "y", op, error: { name: "E", message: "m" } }];
		await refused(list, 400, new RegExp(`cannot checkpoint opcode: ${op}`));
	}
	const big = "x".repeat(4 * 1024 * 1024);
	await refused([stepRun("kept", 1), stepRun("big", big)], 413, /output too large: step output size is greater than the limit/);
	const actions = (await server.request(`/v0/runs/${ctx.run_id}/actions`)).json;
	assert.deepEqual(actions, { [sha1("kept")]: { data: 1 } }, "what came before the refused one is saved");
	assert.equal((await end()).output, "end");
});

once("bodies that are no checkpoint", async (context) => {
	const { server } = context;
	const { ctx, steps, end } = await hanging(context);
	const post = (body) => server.request(`/v1/checkpoint/${ctx.run_id}/async`, { method: "POST", body });
	for (const body of ["", "{", "nonsense", "[]", '"x"', '{"run_id":1}', '{"run_id":"short"}', '{"steps":{}}', '{"steps":[{"op":"Bogus"}]}']) {
		const { status, json } = await post(body);
		assert.equal(status, 400, body);
		assert.match(json.error, /^(invalid request body: |run not found)/, `${body}: ${json.error}`);
		assert.equal(json.status, 400);
	}
	assert.equal((await steps([stepRun("a", 1)], { qi_id: "not base64 !" })).status, 200, "a queue id that means nothing");
	assert.equal((await end()).output, "end");
	assert.equal((await steps([stepRun("late", 1)])).status, 400, "the run has ended");
});

once("the state API", async (context) => {
	const { server } = context;
	const { ctx, steps, end } = await hanging(context);
	await steps([stepRun("z", { b: 1, a: [null] }), stepRun("y", null)]);
	const actions = await server.request(`/v0/runs/${ctx.run_id}/actions`);
	assert.deepEqual(actions.json, { [sha1("z")]: { data: { b: 1, a: [null] } }, [sha1("y")]: { data: null } });
	const batch = await server.request(`/v0/runs/${ctx.run_id}/batch`);
	assert.equal(batch.json.length, 1);
	assert.equal(batch.headers.get("x-inngest-server-kind"), "dev");
	await end();
	for (const what of ["actions", "batch"]) {
		const gone = await server.request(`/v0/runs/${UNKNOWN_RUN}/${what}`);
		const error = `runtime state is no longer available for runID: ${UNKNOWN_RUN}`;
		assert.equal(gone.status, 410);
		assert.deepEqual(gone.json, { error, data: null, status: 410 });
		const invalid = await server.request(`/v0/runs/nonsense/${what}`);
		assert.equal(invalid.status, 400);
		assert.deepEqual(invalid.json, { error: "The run ID specified is invalid", data: null, status: 400 });
	}
});
