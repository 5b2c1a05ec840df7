// The calls that the server makes, one by one: the traces T1 to T6 and T9 to T12 of spec 02 §20, and what stands in
// a call (§2).
import assert from "node:assert/strict";

import { SDKS, V3, V4, V4_PLAIN, sha1, suite } from "./harness.mjs";

const { each } = suite();
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const readable = new Map([["step", "step"]]);
const named = (...ids) => ids.forEach((id) => readable.set(sha1(id), id));
const short = (hash) => readable.get(hash) ?? hash;
named("complete");

// One call in a line, in the notation of the specification:
//   step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 no-retry=false StepRun a
function line(call) {
	const { ctx, steps } = call.body;
	const stack = `${ctx.stack.current}:[${ctx.stack.stack.map(short)}]`;
	const die = ctx.disable_immediate_execution ? 1 : 0;
	const target = `${short(call.stepId)} rv=${call.version} gen=${call.generation} ${ctx.attempt}/${ctx.max_attempts}`;
	const answer = JSON.parse(call.reply);
	const ops = call.status === 206 ? [answer].flat().map((op) => ` ${op.op} ${short(op.id)}`).sort().join("") : "";
	const noRetry = call.replyHeaders["x-inngest-no-retry"];
	return `${target} die=${die} st=${stack} steps={${Object.keys(steps).map(short).sort()}} <- ${call.status}` +
		`${noRetry ? ` no-retry=${noRetry}` : ""}${ops}`;
}

const lines = (app, run) => app.callsOf(run).map(line);
const checkpointed = (app, run) => app.checkpointsOf(run).map(({ body }) => body.steps.map((op) => short(op.id)).join("+"));

function sortedKeys(value) {
	if (Array.isArray(value)) return value.map(sortedKeys);
	if (value === null || typeof value !== "object") return value;
	return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sortedKeys(value[key])]));
}

each("T1 hello", async ({ server, sdk, app, name }) => {
	const functions = [
		{ id: "hello", event: `${name}/hello`, handler: () => ({ hi: "bob", n: 1 }) },
		{ id: "nothing", event: `${name}/nothing`, handler: () => undefined },
	];
	const made = await app({ functions });
	const answer = sdk.checkpoints ? "206 RunComplete complete" : "200";
	for (const event of ["hello", "nothing"]) {
		const run = await server.runOf({ name: `${name}/${event}` }, "Completed");
		assert.deepEqual(lines(made, run), [`step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- ${answer}`]);
	}
});

each("T2 and T3 two steps", async ({ server, sdk, app, name }) => {
	named("a", "b");
	const made = await app({
		functions: [
			{
				id: "two",
				event: `${name}/two`,
				handler: async ({ step }) => ({ a: await step.run("a", () => ({ x: 1 })), b: await step.run("b", () => 2) }),
			},
		],
	});
	const run = await server.runOf({ name: `${name}/two` }, "Completed");
	assert.deepEqual(run.output, { a: { x: 1 }, b: 2 });
	if (sdk.checkpoints) {
		assert.deepEqual(lines(made, run), ["step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 RunComplete complete"]);
		assert.deepEqual(checkpointed(made, run), ["a", "b"]);
		assert.ok(made.checkpointsOf(run).every((request) => request.status === 200));
		return;
	}
	const rv = `rv=${sdk.version}`;
	assert.deepEqual(lines(made, run), [
		"step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 StepRun a",
		`step ${rv} gen=1 0/5 die=0 st=1:[a] steps={a} <- 206 StepRun b`,
		`step ${rv} gen=1 0/5 die=0 st=2:[a,b] steps={a,b} <- 200`,
	]);
	assert.deepEqual(made.calls[2].body.steps, { [sha1("a")]: { data: { x: 1 } }, [sha1("b")]: { data: 2 } });
	assert.deepEqual(checkpointed(made, run), []);
});

const parallel = (name) => ({
	id: "parallel",
	event: `${name}/parallel`,
	handler: async ({ step }) => {
		const [p1, p2] = await Promise.all([step.run("p1", () => 1), step.run("p2", () => 2)]);
		return step.run("after", () => p1 + p2);
	},
});

each("T4 parallel, every completion discovers", [V3], async ({ server, app, name }) => {
	named("p1", "p2", "after");
	const made = await app({ functions: [parallel(name)] });
	const run = await server.runOf({ name: `${name}/parallel` }, "Completed");
	assert.equal(run.output, 3);
	const all = lines(made, run);
	assert.equal(all[0], "step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 StepPlanned p1 StepPlanned p2");
	assert.ok(all.slice(1).every((text) => text.includes("rv=1 gen=1 0/5 die=1")), all.join("\n"));
	for (const target of ["p1", "p2"]) {
		const calls = all.filter((text) => text.startsWith(`${target} `));
		assert.equal(calls.length, 1, all.join("\n"));
		assert.match(calls[0], /st=0:/);
		assert.match(calls[0], new RegExp(`<- 206 StepRun ${target}$`));
	}
	assert.equal(all.filter((text) => text.startsWith("after ")).length, 1, "planned twice, run once");
	const discoveries = made.callsOf(run).filter((call) => call.stepId === "step");
	assert.ok(discoveries.length >= 3, all.join("\n"));
	assert.equal(new Set(discoveries.map((call) => call.jobId)).size, discoveries.length);
});

each("T5 parallel, one joined discovery", [V4, V4_PLAIN], async ({ server, sdk, app, name }) => {
	named("p1", "p2", "after");
	const made = await app({ functions: [parallel(name)] });
	const run = await server.runOf({ name: `${name}/parallel` }, "Completed");
	assert.equal(run.output, 3);
	const all = lines(made, run);
	assert.equal(all[0], "step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 StepPlanned p1 StepPlanned p2");
	for (const text of all.slice(1, 3)) {
		assert.match(text, /^(p1|p2) rv=2 gen=1 0\/5 die=1 st=0:\[(p1|p2)?\] steps=\{(p1|p2)?\} <- 206 StepRun \1$/);
	}
	assert.deepEqual(all.slice(1, 3).map((text) => text.slice(0, 2)).sort(), ["p1", "p2"]);
	assert.match(all[3], /^step rv=2 gen=1 0\/5 die=0 st=2:\[(p1,p2|p2,p1)\] steps=\{p1,p2\}/);
	if (sdk.checkpoints) {
		assert.equal(all.length, 4);
		assert.match(all[3], /<- 206 RunComplete complete$/);
		assert.deepEqual(checkpointed(made, run), ["after"]);
	} else {
		assert.match(all[3], /<- 206 StepRun after$/);
		assert.match(all[4], /^step rv=2 gen=1 0\/5 die=0 st=3:.* <- 200$/);
		assert.equal(all.length, 5);
	}
});

each("T6 a sleep between steps", async ({ server, sdk, app, name }) => {
	named("one", "nap", "two");
	const made = await app({
		functions: [
			{
				id: "nap",
				event: `${name}/nap`,
				handler: async ({ step }) => {
					await step.run("one", () => 1);
					await step.sleep("nap", "2s");
					await step.run("two", () => 2);
					return "ok";
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/nap` }, "Completed");
	const rv = `rv=${sdk.version}`;
	if (sdk.checkpoints) {
		assert.deepEqual(lines(made, run), [
			"step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 Sleep nap",
			`step ${rv} gen=1 0/5 die=0 st=2:[one,nap] steps={nap,one} <- 206 RunComplete complete`,
		]);
		assert.deepEqual(checkpointed(made, run), ["one", "two"]);
	} else {
		assert.deepEqual(lines(made, run), [
			"step rv=-1 gen=1 0/5 die=0 st=0:[] steps={} <- 206 StepRun one",
			`step ${rv} gen=1 0/5 die=0 st=1:[one] steps={one} <- 206 Sleep nap`,
			`step ${rv} gen=1 0/5 die=0 st=2:[one,nap] steps={nap,one} <- 206 StepRun two`,
			`step ${rv} gen=1 0/5 die=0 st=3:[one,nap,two] steps={nap,one,two} <- 200`,
		]);
	}
	const woken = made.callsOf(run).find((call) => call.body.ctx.stack.current === 2);
	assert.deepEqual(woken.body.steps, { [sha1("one")]: { data: 1 }, [sha1("nap")]: null });
});

each("T9 a step throws, is retried, then caught", async ({ server, sdk, app, name }) => {
	named("bad", "then");
	const made = await app({
		functions: [
			{
				id: "caught",
				event: `${name}/caught`,
				retries: 1,
				handler: async ({ step }) => {
					const text = await step.run("bad", () => {
						throw new TypeError("bad one");
					}).catch((error) => `${error.name}:${error.message}`);
					return step.run("then", () => text);
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/caught` }, "Completed");
	assert.equal(run.output, "TypeError:bad one");
	const all = lines(made, run);
	const rv = `rv=${sdk.version}`;
	assert.equal(all[0], "step rv=-1 gen=1 0/2 die=0 st=0:[] steps={} <- 206 no-retry=false StepError bad");
	const last = new RegExp(`^step ${rv} gen=2 1/2 die=0 st=0:\\[\\] steps=\\{\\} <- 206 no-retry=(true|false) StepFailed bad$`);
	assert.match(all[1], last);
	assert.match(all[2], new RegExp(`^step ${rv} gen=1 0/2 die=0 st=1:\\[bad\\] steps=\\{bad\\} <- 206`));
	assert.equal(all.length, sdk.checkpoints ? 3 : 4);
	const [first, second, third] = made.callsOf(run);
	assert.equal(first.jobId, second.jobId);
	assert.notEqual(second.jobId, third.jobId);
	const { error } = third.body.steps[sha1("bad")];
	assert.deepEqual(Object.keys(error).sort(), ["message", "name", "stack"]);
});

each("T10 NonRetriableError", async ({ server, sdk, app, name, errors }) => {
	named("stop");
	const made = await app({
		functions: [
			{
				id: "in-step",
				event: `${name}/in-step`,
				retries: 3,
				handler: ({ step }) =>
					step.run("stop", () => {
						throw new errors.NonRetriableError("stop", { cause: new Error("why") });
					}),
			},
			{
				id: "in-body",
				event: `${name}/in-body`,
				retries: 3,
				handler: () => {
					throw new errors.NonRetriableError("stop");
				},
			},
		],
	});
	const step = await server.runOf({ name: `${name}/in-step` }, "Failed");
	assert.deepEqual(lines(made, step), [
		"step rv=-1 gen=1 0/4 die=0 st=0:[] steps={} <- 206 no-retry=true StepFailed stop",
		`step rv=${sdk.version} gen=1 0/4 die=0 st=1:[stop] steps={stop} <- 400 no-retry=true`,
	]);
	const { error } = made.callsOf(step)[1].body.steps[sha1("stop")];
	assert.equal(error.message, "stop");
	assert.equal(error.cause.message, "why");
	const body = await server.runOf({ name: `${name}/in-body` }, "Failed");
	assert.deepEqual(lines(made, body), ["step rv=-1 gen=1 0/4 die=0 st=0:[] steps={} <- 400 no-retry=true"]);
});

each("T11 RetryAfterError", async ({ server, sdk, app, name, errors }) => {
	named("later");
	let ran = 0;
	const made = await app({
		functions: [
			{
				id: "in-body",
				event: `${name}/in-body`,
				retries: 2,
				handler: ({ attempt }) => {
					if (attempt === 0) throw new errors.RetryAfterError("later", "3s");
					return `done ${attempt}`;
				},
			},
			{
				id: "in-step",
				event: `${name}/in-step`,
				retries: 2,
				handler: ({ step }) =>
					step.run("later", () => {
						if (ran++ === 0) throw new errors.RetryAfterError("later", "2s");
						return "ok";
					}),
			},
		],
	});
	const done = sdk.checkpoints ? "206 RunComplete complete" : "200";
	const body = await server.runOf({ name: `${name}/in-body` }, "Completed");
	assert.deepEqual(lines(made, body), [
		"step rv=-1 gen=1 0/3 die=0 st=0:[] steps={} <- 500 no-retry=false",
		`step rv=-1 gen=2 1/3 die=0 st=0:[] steps={} <- ${done}`,
	]);
	assert.equal(made.callsOf(body)[0].replyHeaders["retry-after"], "3");
	const step = await server.runOf({ name: `${name}/in-step` }, "Completed");
	const rv = `rv=${sdk.version}`;
	assert.deepEqual(lines(made, step), [
		"step rv=-1 gen=1 0/3 die=0 st=0:[] steps={} <- 206 no-retry=false StepError later",
		`step ${rv} gen=2 1/3 die=0 st=0:[] steps={} <- 206 StepRun later`,
		`step ${rv} gen=1 0/3 die=0 st=1:[later] steps={later} <- ${done}`,
	]);
});

each("T12 checkpointed steps and one with retries", [V4], async ({ server, app, name }) => {
	named("a", "b", "c");
	let ran = 0;
	const made = await app({
		functions: [
			{
				id: "mixed",
				event: `${name}/mixed`,
				retries: 2,
				handler: async ({ step }) => {
					await step.run("a", () => "a");
					await step.run("b", () => {
						if (ran++ < 2) throw new Error("not yet");
						return "b";
					});
					return step.run("c", () => "c");
				},
			},
		],
	});
	const run = await server.runOf({ name: `${name}/mixed` }, "Completed");
	assert.deepEqual(lines(made, run), [
		"step rv=-1 gen=1 0/3 die=0 st=0:[] steps={} <- 206 no-retry=false StepError b",
		"step rv=2 gen=2 1/3 die=0 st=0:[a] steps={a} <- 206 no-retry=false StepError b",
		"step rv=2 gen=3 2/3 die=0 st=0:[a] steps={a} <- 206 StepRun b",
		"step rv=2 gen=1 0/3 die=0 st=2:[a,b] steps={a,b} <- 206 RunComplete complete",
	]);
	assert.deepEqual(checkpointed(made, run), ["a", "c"]);
});

each("what stands in a call", SDKS, async ({ server, app, name }) => {
	const made = await app({
		functions: [
			{
				id: "call",
				event: `${name}/call`,
				handler: async ({ step }) => {
					await step.run("z step", () => ({ b: 1.5, a: "é\u2028<>&" }));
					await step.sleep("come back", "1s");
					return "ok";
				},
			},
		],
	});
	const data = { z: 1e21, a: "<>&\u2028é😀", m: { y: 1, x: [1.1, 1e-7, 123456789012345680000] }, "": null, "€": 1, "😀": 2 };
	const run = await server.runOf({ name: `${name}/call`, id: `${name}-id`, ts: 1700000000000, data }, "Completed");
	for (const { headers, body, text, url, fnId, stepId, version } of made.callsOf(run)) {
		assert.equal(text, JSON.stringify(sortedKeys(body)), "the body is canonical JSON");
		assert.equal(url, `/api/inngest?fnId=${made.id}-call&stepId=step`);
		assert.equal(fnId, `${made.id}-call`);
		const { ctx } = body;
		assert.equal(headers["content-type"], "application/json");
		assert.equal(headers["user-agent"], "Inngest");
		assert.equal(headers["content-length"], `${Buffer.byteLength(text)}`);
		assert.equal(headers["account-id"], "00000000-0000-4000-a000-000000000000");
		assert.match(headers["accept-encoding"], /gzip/);
		assert.match(headers["traceparent"], /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
		assert.match(headers["tracestate"], /^inngest@traceref=[^,]+,inngest@fn=[0-9a-f-]{36},inngest@app=[0-9a-f-]{36}$/);
		assert.equal(headers["x-inngest-signature"], undefined);
		assert.equal(headers["x-inngest-step-id"], stepId);
		assert.equal(headers["x-run-id"], ctx.run_id);
		assert.match(headers["x-request-id"], ULID);
		assert.equal(headers["x-request-id"], ctx.request_id);
		assert.equal(headers["x-inngest-generation-id"], `${ctx.generation_id}`);
		assert.equal(headers["x-inngest-job-id"], ctx.job_id);
		assert.match(ctx.job_id, /^[0-9a-z]{8,13}$/);
		assert.equal(Buffer.from(ctx.qi_id, "base64").toString(), `${ctx.job_id}::default`);
		assert.equal(body.version, version);
		assert.equal(ctx.run_id, run.run_id);
		assert.equal(ctx.fn_id, run.function_id);
		assert.match(ctx.fn_id, UUID);
		assert.equal(ctx.env, "");
		assert.equal(ctx.step_id, "step");
		assert.deepEqual(Object.keys(ctx).sort(), [
			...["attempt", "disable_immediate_execution", "env", "fn_id", "generation_id", "job_id", "max_attempts"],
			...["qi_id", "request_id", "run_id", "stack", "step_id", "use_api"],
		]);
		assert.deepEqual(Object.keys(body).sort(), ["ctx", "defers", "event", "events", "steps", "use_api", "version"]);
		assert.deepEqual(body.defers, {});
		assert.deepEqual(body.event, { name: `${name}/call`, id: `${name}-id`, ts: 1700000000000, data, user: {} });
		assert.deepEqual(body.events, [body.event]);
	}
});
