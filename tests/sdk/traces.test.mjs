// Traces as people see them (spec 06 §15, §16, §21): the trees of all kinds of runs, in both shapes, equal those that are
// recorded in corpus/ (trees.mjs says how to read them).
import assert from "node:assert/strict";

import { SDKS, V3, V4, V4_PLAIN, suite, until } from "./harness.mjs";
import { latch, resting } from "./lives.mjs";
import { ask, begun, cancel, ended, outputOf, treeOf } from "./traces.mjs";
import { assertTrees } from "./trees.mjs";

const { each } = suite({ flags: ["--no-poll", "--retry-interval", "1"], concurrency: 16 });
const PLAIN = [V3, V4_PLAIN]; // without checkpointing
const BOTH = [V3, V4];

// A scenario: `handler`, or `functions` (of the scenario's context), the first of which is the one that is looked at;
// `act` starts a run and gives it once it is as it is to be looked at (default: it has ended with `status`); `after`
// cleans up. `unordered`: what comes first is not known.
function corpus(title, { sdks = SDKS, handler, functions, options = {}, act, status = "Completed", after, unordered }) {
	each(title, sdks, async (context) => {
		const { server, app, name, sdk } = context;
		const event = `${name}/go`;
		const made = functions?.(context) ?? [{ id: "fn", handler: (input) => handler(input, context) }];
		const [first, ...rest] = made;
		await app({ functions: [{ event, retries: 0, ...options, ...first }, ...rest] });
		const send = async (data = { k: 1 }) => (await server.send({ name: event, data }))[0];
		Object.assign(context, { event, send });
		const run = act ? await act(context) : await ended(server, await send(), status);
		await assertTrees(server, run.run_id, { title, sdk, name, unordered });
		await after?.(context, run);
	});
}

const failing = (message, Type = Error) => () => {
	throw new Type(message);
};
const reference = (sdk, appId, functionId) => sdk.lib.referenceFunction({ appId, functionId });
const rested = (kind) => async ({ server, send }) => resting(server, await send(), kind);
const cancelled = ({ server }, run) => cancel(server, run);
const named = (root, name) => root.childrenSpans.filter((span) => span.name === name);

// ---- steps ---------------------------------------------------------------------------------------------------------

corpus("sequential", {
	handler: async ({ step }) => {
		await step.run("first step", () => 1);
		await step.run("second", () => ({ n: 2 }));
		return { done: true, b: 2 };
	},
});

corpus("no step", { handler: () => "nothing to do" });

corpus("parallel", {
	unordered: true,
	handler: async ({ step }) => {
		await Promise.all(["p-a", "p-b", "p-c"].map((name) => step.run(name, () => name)));
		return step.run("join", () => "joined");
	},
	after: async ({ server }, { run_id: id }) => {
		const root = await treeOf(server, id);
		const groups = ["p-a", "p-b", "p-c"].map((name) => named(root, name).find(({ response }) => response).groupID);
		assert.equal(new Set(groups).size, 1, "branches carry the group of the request that planned them");
	},
});

corpus("nested parallel", {
	unordered: true,
	handler: async ({ step }) => {
		const branch = async (name) => {
			await step.run(name, () => name);
			return Promise.all([1, 2].map((n) => step.run(`${name}-${n}`, () => n)));
		};
		return Promise.all([branch("left"), branch("right")]);
	},
});

corpus("a loop of the same step", {
	handler: async ({ step }) => {
		let sum = 0;
		for (let i = 1; i <= 3; i++) sum += await step.run("again", () => i);
		return sum;
	},
});

corpus("sendEvent", {
	handler: async ({ step }, { name }) => {
		await step.sendEvent("tell", { name: `${name}/told` });
		return "sent";
	},
});

corpus("ai wrap", {
	handler: ({ step }) => step.ai.wrap("ask", async (model, text) => ({ model, text }), "gpt-4o", "hello"),
});

// What the Vercel AI SDK gives tells how many tokens it took: the server knows their price.
corpus("ai usage", {
	handler: ({ step }) =>
		step.ai.wrap("ask", async () => ({
			text: "hi",
			finishReason: "stop",
			totalUsage: { inputTokens: 1000, outputTokens: 500, totalTokens: 1500 },
			steps: [{ response: { modelId: "gpt-4o-2024-08-06", id: "r1" } }],
		})).then(({ text }) => text),
	after: async ({ server }, { run_id: id }) => {
		const records = (await treeOf(server, id)).childrenSpans.flatMap(({ metadata }) => metadata);
		const { scope, values } = records.find(({ kind }) => kind === "inngest.ai");
		assert.equal(scope, "step_attempt");
		assert.deepEqual(values, {
			estimated_cost: 0.0075,
			finish_reasons: ["stop"],
			input_tokens: 1000,
			operation_name: "",
			output_tokens: 500,
			provider: "vercel-ai",
			request_model: "",
			response_id: "r1",
			response_model: "gpt-4o-2024-08-06",
			total_tokens: 1500,
		});
	},
});

corpus("experiment", {
	sdks: [V4, V4_PLAIN],
	handler: async ({ group, step }, { errors }) => {
		const variants = { old: () => step.run("old way", () => 1), new: () => step.run("new way", () => 2) };
		return group.experiment("checkout", { variants, select: errors.experiment.fixed("new") });
	},
	after: async ({ server }, { run_id: id }) => {
		const root = await treeOf(server, id);
		const valuesOf = (name) => named(root, name).flatMap(({ metadata }) => metadata).find(({ kind }) => kind === "inngest.experiment").values;
		const values = { name: "checkout", variant: "new", selection_strategy: "fixed" };
		assert.deepEqual(valuesOf("checkout"), { ...values, available_variants: ["old", "new"] });
		assert.deepEqual(valuesOf("new way"), values);
	},
});

corpus("step without value", { handler: ({ step }) => step.run("void", () => {}).then(() => null) });

// ---- failures ------------------------------------------------------------------------------------------------------

const flaky = (make) => () => {
	const tries = new Map();
	return ({ runId, step, ...rest }) =>
		step.run("flaky", () => {
			tries.set(runId, (tries.get(runId) ?? 0) + 1);
			if (tries.get(runId) === 1) throw make(rest);
			return "at last";
		});
};

corpus("retry", {
	options: { retries: 2 },
	functions: () => [{ id: "fn", handler: flaky(() => new Error("not yet"))() }],
});

corpus("RetryAfter", {
	options: { retries: 2 },
	functions: ({ errors }) => [{ id: "fn", handler: flaky(() => new errors.RetryAfterError("in a moment", 1000))() }],
});

corpus("a step fails for good", {
	status: "Failed",
	options: { retries: 1 },
	handler: ({ step }) => step.run("always fails", failing("never")),
});

corpus("NonRetriable step", {
	status: "Failed",
	options: { retries: 3 },
	handler: ({ step }, { errors }) => step.run("fatal", failing("no use", errors.NonRetriableError)),
});

corpus("caught step error", {
	handler: ({ step }) => step.run("fatal", failing("no")).catch((error) => `caught ${error.message}`),
});

corpus("function throws", { status: "Failed", options: { retries: 1 }, handler: failing("no step") });

corpus("function throws NonRetriable", {
	status: "Failed",
	options: { retries: 3 },
	handler: (_, { errors }) => failing("no use", errors.NonRetriableError)(),
});

corpus("function throws after a step", {
	status: "Failed",
	handler: async ({ step }) => {
		await step.run("fine", () => 1);
		throw new Error("afterwards");
	},
});

corpus("function is retried", {
	options: { retries: 1 },
	handler: ({ attempt }) => {
		if (attempt === 0) throw new Error("first");
		return "second";
	},
});

// The run that onFailure starts is one of its own.
corpus("onFailure", {
	functions: () => [{ id: "fn", handler: failing("no"), onFailure: ({ step }) => step.run("mourn", () => "sad") }],
	act: async ({ server, send }) => {
		const failed = await ended(server, await send(), "Failed");
		const query = `query($from: Time!) {runs(orderBy: [{field: QUEUED_AT, direction: DESC}], filter: {from: $from}) {
			edges {node {id status trigger: eventName function {slug}}}}}`;
		const own = await server.run(failed.run_id);
		const isOurs = async ({ node }) => {
			if (node.trigger !== "inngest/function.failed" || node.status !== "COMPLETED") return false;
			const { data } = await ask(server, "query($id: String!) {runTrigger(runID: $id) {payloads}}", { id: node.id });
			return JSON.parse(data.runTrigger.payloads[0]).data.run_id === own.run_id;
		};
		const { node } = await until(async () => {
			const { data } = await ask(server, query, { from: failed.run_started_at });
			for (const edge of data.runs.edges) if (await isOurs(edge)) return edge;
			return undefined;
		}, "the run of onFailure");
		return { run_id: node.id };
	},
});

// ---- sleeps, waits, signals, invokes -------------------------------------------------------------------------------

corpus("sleep", {
	handler: async ({ step }) => {
		await step.run("pre", () => 1);
		await step.sleep("nap", "1s");
		return step.run("post", () => 2);
	},
});

corpus("sleep at first", { handler: ({ step }) => step.sleep("nap", "1s").then(() => "awake") });

corpus("asleep", {
	handler: async ({ step }) => {
		await step.run("pre", () => 1);
		await step.sleep("nap", "1h");
	},
	act: rested("sleep"),
	after: cancelled,
});

const waitFor = (timeout) => ({ step }, { name }) =>
	step.waitForEvent("wait-it", { event: `${name}/reply`, match: "data.k", timeout }).then((event) => event?.data.k ?? "none");

corpus("waitForEvent", {
	handler: waitFor("1h"),
	act: async ({ server, send, name }) => {
		const id = await send();
		await resting(server, id, "pause");
		await server.send({ name: `${name}/reply`, data: { k: 1 } });
		return ended(server, id);
	},
});

corpus("waitForEvent times out", { handler: waitFor("1s") });

corpus("waiting for an event", { handler: waitFor("1h"), act: rested("pause"), after: cancelled });

const signalled = (timeout) => ({ step }, { name }) =>
	step.waitForSignal("wait-it", { signal: `${name}/signal`, timeout, onConflict: "fail" }).then((got) => got?.data ?? "none");

corpus("waitForSignal", {
	handler: signalled("1h"),
	act: async ({ server, send, name }) => {
		const id = await send();
		await resting(server, id, "pause");
		await server.request("/v1/signals", { method: "POST", body: { signal: `${name}/signal`, data: 7 } });
		return ended(server, id);
	},
});

corpus("waitForSignal times out", { handler: signalled("1s") });

corpus("waiting for a signal", { handler: signalled("1h"), act: rested("pause"), after: cancelled });

corpus("signal conflict", {
	functions: () => [
		{
			id: "fn",
			handler: async ({ step, event }) => {
				const wait = { signal: `${event.name}/signal`, timeout: "1h", onConflict: "fail" };
				return step.waitForSignal("wait-it", wait).then(() => "got it");
			},
		},
	],
	act: async (context) => {
		const { server, send } = context;
		context.first = await resting(server, await send(), "pause");
		return ended(server, await send(), "Failed");
	},
	after: ({ server, first }) => cancel(server, first),
});

corpus("sendSignal", {
	handler: ({ step }, { name }) => step.sendSignal("hit", { signal: `${name}/nobody`, data: 1 }).then(() => "sent"),
});

const invoking = (child, options = {}) => ({ sdk, name }) => [
	{
		id: "fn",
		handler: ({ step }) => step.invoke("call-child", { function: reference(sdk, name, "child"), data: { n: 7 }, ...options }),
	},
	{ id: "child", event: `${name}/never`, retries: 0, handler: child },
];

corpus("invoke", { functions: invoking(({ event }) => ({ child: event.data.n })) });

corpus("invoke fails", { status: "Failed", functions: invoking(failing("the child failed")) });

corpus("invoke times out", { status: "Failed", functions: invoking(({ step }) => step.sleep("long", "1h"), { timeout: "1s" }) });

corpus("an invoke goes on", {
	functions: invoking(({ step }) => step.sleep("long", "1h")),
	act: async ({ server, send }) => {
		const run = await resting(server, await send(), "pause");
		const invoke = async () => named(await treeOf(server, run.run_id), "call-child")[0];
		await until(async () => (await invoke())?.stepInfo.runID, "the child's id");
		return run;
	},
	after: cancelled,
});

// ---- not ended -----------------------------------------------------------------------------------------------------

let gates = new Map();
const gateOf = (name) => gates.get(name) ?? gates.set(name, latch()).get(name);
const inCall = async ({ server, send, name }) => {
	const run = await begun(server, await send());
	const calls = async () => (await treeOf(server, run.run_id)).childrenSpans.length > 0;
	await until(calls, `a call of ${name}`);
	return run;
};

corpus("in flight", {
	handler: (_, { name }) => gateOf(name).opened,
	act: inCall,
	after: async ({ server, name }, run) => {
		gateOf(name).open();
		await until(async () => (await server.run(run.run_id)).status === "Completed", "its end");
	},
});

corpus("a retry waits", {
	options: { retries: 1 },
	handler: ({ step }, { errors }) =>
		step.run("flaky", () => {
			throw new errors.RetryAfterError("later", "1h");
		}),
	act: async ({ server, send }) => {
		const run = await begun(server, await send());
		await until(async () => (await treeOf(server, run.run_id)).childrenSpans.some(({ status }) => status === "FAILED"), "the failed attempt");
		return run;
	},
	after: cancelled,
});

corpus("a retry of the function waits", {
	options: { retries: 1 },
	handler: (_, { errors }) => {
		throw new errors.RetryAfterError("later", "1h");
	},
	act: async ({ server, send }) => {
		const run = await begun(server, await send());
		await until(async () => (await treeOf(server, run.run_id)).childrenSpans.some(({ status }) => status === "FAILED"), "the failed attempt");
		return run;
	},
	after: cancelled,
});

corpus("queued", {
	sdks: BOTH,
	options: { concurrency: 1 },
	handler: ({ step }, { name }) => gateOf(name).opened.then(() => step.run("one", () => 1)),
	act: async (context) => {
		const { server, send } = context;
		context.first = await inCall(context);
		const event = await send();
		return begun(server, event);
	},
	after: async ({ server, name, first }, run) => {
		gateOf(name).open();
		for (const one of [first, run]) await until(async () => (await server.run(one.run_id)).status === "Completed", "its end");
	},
});

corpus("a branch waits for capacity", {
	sdks: PLAIN,
	unordered: true,
	options: { concurrency: 1 },
	handler: async ({ step }, { name }) => Promise.all(["qa", "qb"].map((id) => step.run(id, () => gateOf(name).opened))),
	act: async ({ server, send }) => {
		const run = await begun(server, await send());
		const both = async () => {
			const { childrenSpans } = await treeOf(server, run.run_id);
			return childrenSpans.some(({ name }) => name === "Execution" || name === "Discovery step") && childrenSpans.filter(({ status }) => status === "QUEUED").length > 0;
		};
		await until(both, async () => JSON.stringify(await treeOf(server, run.run_id)));
		return run;
	},
	after: async ({ server, name }, run) => {
		gateOf(name).open();
		await until(async () => (await server.run(run.run_id)).status === "Completed", "its end");
	},
});

// ---- cancelled, skipped, batched -----------------------------------------------------------------------------------

const cancelledAfter = (kind) => async ({ server, send }) => {
	const run = await resting(server, await send(), kind);
	await cancel(server, run);
	return run;
};

corpus("cancelled while sleeping", {
	handler: async ({ step }) => {
		await step.run("one", () => 1);
		await step.sleep("long", "1h");
	},
	act: cancelledAfter("sleep"),
});

corpus("cancelled while waiting", { handler: waitFor("1h"), act: cancelledAfter("pause") });

corpus("cancelled in a call", {
	handler: (_, { name }) => gateOf(name).opened,
	act: async (context) => {
		const run = await inCall(context);
		await cancel(context.server, run);
		return run;
	},
	after: ({ name }) => gateOf(name).open(),
});

corpus("cancelled before a retry", {
	options: { retries: 1 },
	handler: ({ step }, { errors }) =>
		step.run("flaky", () => {
			throw new errors.RetryAfterError("later", "1h");
		}),
	act: async ({ server, send }) => {
		const run = await begun(server, await send());
		await until(async () => (await treeOf(server, run.run_id)).childrenSpans.some(({ status }) => status === "FAILED"), "the failed attempt");
		await cancel(server, run);
		return run;
	},
});

corpus("singleton skips", {
	options: { singleton: { mode: "skip" } },
	handler: ({ step }) => step.sleep("long", "1h"),
	act: async (context) => {
		const { server, send } = context;
		context.first = await resting(server, await send(), "sleep");
		const event = await send();
		const skipped = async () => (await ask(server, "query($id: ULID!) {eventV2(id: $id) {runs {id status}}}", { id: event })).data.eventV2.runs[0];
		const { id, status } = await until(skipped, "the skipped run");
		assert.equal(status, "SKIPPED");
		return { run_id: id };
	},
	after: ({ server, first }) => cancel(server, first),
});

corpus("batch", {
	options: { batchEvents: { maxSize: 3, timeout: "1h" } },
	handler: ({ events }) => events.length,
	act: async ({ server, event }) => {
		const ids = await server.send([1, 2, 3].map((n) => ({ name: event, data: { n } })));
		const run = await ended(server, ids[1]);
		const { data } = await ask(server, `query($id: String!) {
			run(runID: $id) {isBatch trace(preview: true) {outputID}}
			runTrigger(runID: $id) {isBatch IDs payloads}
		}`, { id: run.run_id });
		assert.equal(data.run.isBatch, true);
		assert.deepEqual(data.runTrigger.IDs, ids);
		assert.deepEqual(data.runTrigger.payloads.map((text) => JSON.parse(text).data.n), [1, 2, 3]);
		const output = await outputOf(server, data.run.trace.outputID);
		assert.deepEqual(JSON.parse(output.input).map(({ data }) => data.n), [1, 2, 3]);
		return run;
	},
});

each("a rate limited event has no run", BOTH, async ({ server, app, name }) => {
	const fn = { id: "fn", event: `${name}/go`, rateLimit: { limit: 1, period: "1h" }, handler: () => 1 };
	await app({ functions: [fn] });
	const [first] = await server.send({ name: `${name}/go` });
	await ended(server, first);
	const [limited] = await server.send({ name: `${name}/go` });
	await until(async () => (await server.data(`/v1/events/${limited}/outcomes`)).length > 0, "its outcome");
	const { data } = await ask(server, "query($id: ULID!) {eventV2(id: $id) {runs {id}}}", { id: limited });
	assert.deepEqual(data.eventV2.runs, []);
});
