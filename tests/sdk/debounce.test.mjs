// Debounces (spec 04 §A7, §A4, 03 §19): which event wins, when, and what is said of the others.
import assert from "node:assert/strict";

import { V3, V4, suite, until } from "./harness.mjs";
import { assertRefused, caller, fate, fates, many, numbered, numbers, post, ran, recorder, replace, sendUntil, whole } from "./gates.mjs";
import { assertEnds, ownServer, resting } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const TICK_EARLY_MS = 20; // that the reference may be early
const OLD = 1_700_000_000_000;
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const debounced = (id, event, debounce, rest = {}) => recorder(id, event, { debounce, ...rest });

// A debounced function at `${name}/go`, and what it gets in one request.
async function begin({ server, app, name }, debounce, events, rest) {
	const one = debounced("debounced", `${name}/go`, debounce, rest);
	const made = await app({ functions: [one.made] });
	const before = Date.now();
	const ids = await server.send(numbered(`${name}/go`, events).map(({ data: { ts, ...data }, ...event }) => ({ ...event, data, ts })));
	return { one, made, before, ids };
}

// Which event the others had to make room for: its number, and "run" for the one that won.
async function losses(server, ids) {
	const all = await Promise.all(ids.map((id) => fate(server, id)));
	return all.map(({ outcomes: [one] }) => {
		if (!one) return "run";
		assert.equal(one.outcome, "Debounced");
		assert.equal(one.reason, "None");
		return ids.indexOf(one.other_id);
	});
}

// Waits for the run of event `n`.
const won = (server, one, n) => until(() => numbers(one).flat().includes(n), () => `event ${n}, runs are of ${numbers(one)}\n${server.tail()}`, server.timeoutMs);

// Events of one key, sent one after the other, and the runs that they had: each run is of the last event of its window,
// which was over in time and no earlier. Nothing but its end makes the next event open another.
function assertWindows(sent, one, { periodMs, timeoutMs = Infinity }) {
	let first = 0;
	for (const { at, events } of one.runs) {
		const { n } = events[0].data;
		assert.ok(n >= first, `${n} after ${first}`);
		assert.ok(at >= Math.min(sent[n].before + periodMs, sent[first].before + timeoutMs), `${n} is early`);
		const next = sent[n + 1];
		if (next) assert.ok(next.after - sent[n].before >= periodMs || next.after - sent[first].before >= timeoutMs, `the window of ${n} was open`);
		first = n + 1;
	}
	assert.equal(first, sent.length, "the last event wins");
}

// ---- which event wins ----------------------------------------------------------------------------------------------

each("04 A7: the latest event wins, once", BOTH, async (context) => {
	const { server } = context;
	const { one, before, ids } = await begin(context, { period: "1s" }, [{}, {}, {}, {}, {}]);
	assert.deepEqual(await losses(server, ids), [1, 2, 3, 4, "run"]);
	const run = await assertEnds(server, ids[4], "Completed");
	assert.equal(run.event_id, ids[4]);
	assert.deepEqual(numbers(one), [[4]]);
	assert.ok(one.runs[0].at >= before + 1000);
});

each("04 A7: the greatest ts wins, of equal ones the later event", BOTH, async (context) => {
	const { server } = context;
	const times = [3, 5, 4, 5, 1].map((ts) => ({ ts: OLD + ts }));
	const { one, ids } = await begin(context, { period: "1s" }, times);
	assert.deepEqual(await losses(server, ids), [1, 3, 1, "run", 3]);
	await ran(server, one, 1);
	assert.deepEqual(numbers(one), [[3]]);
	assert.equal(one.runs[0].events[0].ts, OLD + 5);
});

each("04 A7: an event with an older ts is discarded, and keeps no window open", BOTH, async (context) => {
	const { server, name } = context;
	const { one, before, ids } = await begin(context, { period: "1s" }, [{ ts: OLD + 1 }, { ts: OLD }]);
	await sendUntil(server, (n) => ({ name: `${name}/go`, data: { n: n + 2 }, ts: OLD }), () => one.runs.length > 0);
	assert.deepEqual(numbers(one)[0], [0]);
	assert.ok(one.runs[0].at >= before + 1000);
	assert.deepEqual(await losses(server, ids), ["run", 0]);
});

each("04 A7: each event keeps the window open, and the next one opens another", BOTH, async ({ server, app, name }) => {
	const one = debounced("debounced", `${name}/go`, { period: "2s" });
	await app({ functions: [one.made] });
	const make = (n) => ({ name: `${name}/go`, data: { n } });
	const sent = await sendUntil(server, make, (all) => all.at(-1).before - all[0].after > 2200);
	await won(server, one, sent.length - 1);
	await sendUntil(server, make, () => true, sent);
	await won(server, one, sent.length - 1);
	assertWindows(sent, one, { periodMs: 2000 });
});

each("04 A7: timeout ends the debounce", BOTH, async ({ server, app, name }) => {
	const one = debounced("debounced", `${name}/go`, { period: "1h", timeout: "1500ms" });
	await app({ functions: [one.made] });
	const make = (n) => ({ name: `${name}/go`, data: { n } });
	// They never pause, so without the timeout there would be no run.
	const sent = await sendUntil(server, make, () => one.runs.length >= 2);
	await won(server, one, sent.length - 1);
	assertWindows(sent, one, { periodMs: 3_600_000, timeoutMs: 1500 });
});

each("04 A7: a timeout after the period changes nothing", BOTH, async (context) => {
	const { one, before, ids } = await begin(context, { period: "1s", timeout: "1h" }, [{}, {}]);
	assert.deepEqual(await losses(context.server, ids), [1, "run"]);
	await ran(context.server, one, 1);
	assert.ok(one.runs[0].at >= before + 1000);
});

each("04 A1: a debounced event of the future starts at its ts", BOTH, async (context) => {
	const ts = Date.now() + 3000;
	const { one } = await begin(context, { period: "1s" }, [{}, { ts }]);
	await ran(context.server, one, 1);
	assert.deepEqual(numbers(one), [[1]]);
	assert.ok(one.runs[0].at >= ts);
});

each("03 19: the run has the event as it was sent", BOTH, async ({ server, app, name }) => {
	const one = debounced("debounced", `${name}/go`, { period: "1s", key: "event.data.n" });
	const plain = recorder("plain", `${name}/go`);
	await app({ functions: [one.made, plain.made] });
	const ids = await server.send([whole(`${name}/go`, 1), whole(`${name}/go`, 2), { name: `${name}/go` }]);
	await Promise.all(ids.map((id) => server.runsEnded(id, 2)));
	const events = ({ runs }) => runs.map((run) => run.events).sort(([a], [b]) => a.ts - b.ts);
	assert.deepEqual(events(one), events(plain));
	assert.deepEqual(events(one)[0][0].data, whole("", 1).data);
});

each("04 A21: events about runs are debounced like others", BOTH, async ({ server, app, name }) => {
	const fails = { id: "fails", event: `${name}/go`, retries: 0, handler: ({ event }) => Promise.reject(new Error(`no ${event.data.n}`)) };
	const triggers = [{ event: "inngest/function.failed", if: `event.data.function_id == "${name}-fails"` }];
	const one = debounced("debounced", undefined, { period: "1s" }, { triggers });
	await app({ functions: [fails, one.made] });
	const ids = await server.send(many(`${name}/go`, 3));
	for (const id of ids) await assertEnds(server, id, "Failed");
	const [{ events: [{ data }] }] = await ran(server, one, 1);
	assert.equal(data.error.message, `no ${data.event.data.n}`);
	assert.equal(ids[data.event.data.n], (await server.run(data.run_id)).event_id);
});

each("03 19: a rerun of a debounced function runs at once", BOTH, async (context) => {
	const { server } = context;
	const { one, ids } = await begin(context, { period: "1s" }, [{}]);
	const run = await assertEnds(server, ids[0], "Completed");
	const reply = await post(server, `/v2/runs/${run.run_id}/rerun`);
	assert.equal(reply.status, 200, reply.text);
	await ran(server, one, 2);
	assert.equal(one.runs[1].runId, reply.json.data.runId);
});

// ---- keys ----------------------------------------------------------------------------------------------------------

each("04 A4: keys apart, equal texts together, missing is false", BOTH, async (context) => {
	const keys = ["a", "b", "a", undefined, false, "false", 1, "1", null, true, "true"];
	const { one, ids } = await begin(context, { period: "1s", key: "event.data.k" }, keys.map((k) => ({ k })));
	assert.deepEqual(await losses(context.server, ids), [2, "run", "run", 4, 5, "run", 7, "run", "run", 10, "run"]);
	await ran(context.server, one, 6);
	assert.deepEqual(numbers(one).flat().sort((x, y) => x - y), [1, 2, 5, 7, 8, 10]);
});

each("04 A4: debounce keys that cannot be evaluated are one key", BOTH, async (context) => {
	const events = [{ s: "x" }, { s: 5 }, { s: "y" }, { s: 0 }, { s: "z" }, { s: 6 }];
	const { ids } = await begin(context, { period: "1s", key: "event.data.s > 1" }, events);
	assert.deepEqual(await losses(context.server, ids), [2, 5, 4, "run", "run", "run"]);
});

each("04 A2: an empty key is none", BOTH, async (context) => {
	const { ids } = await begin(context, { period: "1s", key: "" }, [{}, {}]);
	assert.deepEqual(await losses(context.server, ids), [1, "run"]);
});

// ---- invokes -------------------------------------------------------------------------------------------------------

each("an invoke whose event was replaced fails at once", BOTH, async ({ server, app, name, sdk }) => {
	const inner = debounced("inner", `${name}/never`, { period: "1h" });
	await app({ functions: [caller(sdk, "outer", `${name}/go`, name, "inner"), inner.made] });
	const [first] = await server.send({ name: `${name}/go`, data: { n: 0 } });
	await resting(server, first, "pause");
	const [second] = await server.send({ name: `${name}/go`, data: { n: 1 } });
	const run = await assertEnds(server, first, "Completed");
	assert.match(run.output.error, /debounce/i);
	await resting(server, second, "pause");
	assert.equal(inner.runs.length, 0);
});

each("04 A7: the caller of the latest event gets the result", BOTH, async ({ server, app, name, sdk }) => {
	const inner = debounced("inner", `${name}/never`, { period: "1s", key: "event.data.k" }, { handler: ({ event: { data } }) => `ran ${data.n}` });
	await app({ functions: [caller(sdk, "outer", `${name}/go`, name, "inner"), inner.made] });
	const ids = await server.send(numbered(`${name}/go`, ["a", "b", "a"].map((k) => ({ k }))));
	const outputs = await Promise.all(ids.map(async (id) => (await assertEnds(server, id, "Completed")).output));
	for (const [n, { value, error }] of outputs.entries()) assert.ok(value === `ran ${n}` || /debounce/i.test(error), error ?? value);
	assert.ok(outputs[1].value);
	assert.equal(outputs.filter(({ value }) => value).length, 2, "one for each key");
	assert.equal(inner.runs.length, 2);
});

each("v2 invoke of a debounced function answers 422 and runs later", BOTH, async ({ server, app, name }) => {
	const one = debounced("debounced", `${name}/never`, { period: "2s" });
	const made = await app({ functions: [one.made] });
	const sent = [];
	for (const n of [0, 1]) {
		const before = Date.now();
		const reply = await post(server, `/v2/apps/${name}/functions/debounced/invoke`, { data: { n } });
		assertRefused(reply, "function_debounced", "Function invocation was debounced.");
		sent.push({ before, after: Date.now() });
	}
	await won(server, one, 1);
	assertWindows(sent, one, { periodMs: 2000 });
	for (const { events } of one.runs) assert.equal(events[0].name, "inngest/function.invoked");
	assert.equal(made.calls.length, one.runs.length);
});

// ---- changes and restarts ------------------------------------------------------------------------------------------

each("03 19: the run is of the function as it is when the window ends", BOTH, async ({ server, app, name }) => {
	const event = `${name}/go`;
	const made = await app({ functions: [{ id: "debounced", event, debounce: { period: "2s" }, handler: () => "old" }] });
	const [first, second] = await server.send(many(event, 2));
	await replace(made, [{ id: "debounced", event, handler: () => "new" }]);
	const third = await server.runOf({ name: event }, "Completed");
	assert.equal(third.output, "new");
	assert.deepEqual(await losses(server, [first, second]), [1, "run"]);
	assert.equal((await assertEnds(server, second, "Completed")).output, "new");
});

each("03 22: a debounced event of a removed function is dropped, and says so", BOTH, async (context) => {
	const { one, made, ids } = await begin(context, { period: "3s" }, [{}, {}]);
	await replace(made, [recorder("other", `${context.name}/other`).made]);
	assert.deepEqual(await fates(context.server, ids), ["Debounced", "Dropped FunctionRemoved"]);
	assert.deepEqual(one.runs, []);
});

each("03 22: the caller of a removed function that was debounced fails", BOTH, async ({ server, app, name, sdk }) => {
	const inner = debounced("inner", `${name}/never`, { period: "3s" });
	const outer = caller(sdk, "outer", `${name}/go`, name, "inner");
	const made = await app({ functions: [outer, inner.made] });
	const [id] = await server.send({ name: `${name}/go`, data: { n: 0 } });
	await resting(server, id, "pause");
	await replace(made, [outer]);
	assert.match((await assertEnds(server, id, "Completed")).output.error, /removed/);
});

each("04 A1: a debounce that ends while its function is paused is skipped", BOTH, async (context) => {
	const { server, name } = context;
	const { one, ids } = await begin(context, { period: "2s" }, [{}]);
	const path = `/v2/apps/${name}/functions/debounced`;
	assert.equal((await post(server, `${path}/pause`)).status, 200);
	const { outcomes: [outcome] } = await fate(server, ids[0]);
	assert.equal(outcome.outcome, "Skipped");
	assert.equal(outcome.reason, "FunctionPaused");
	assert.match(outcome.run_id, ULID);
	assert.equal((await post(server, `${path}/unpause`)).status, 200);
	const [later] = await server.send({ name: `${name}/go`, data: { n: 1 } });
	await assertEnds(server, later, "Completed");
	assert.deepEqual(numbers(one), [[1]]);
});

each("debounce survives kill -9", BOTH, ({ sdk }) => {
	const due = debounced("due", "k/go", { period: "1s" });
	const open = debounced("open", "k/go", { period: "4s", key: "event.data.k" });
	return ownServer({ sdk, functions: [due.made, open.made], flags: ["--persist"] }, async ({ server, again }) => {
		const sent = [];
		const send = () => sendUntil(server, (n) => ({ name: "k/go", data: { n } }), () => true, sent);
		for (let times = 0; times < 3; times++) await send();
		await again(1000); // the window of `due` ends while there is no server
		await ran(server, due, 1);
		await send();
		await again();
		for (const one of [due, open]) await won(server, one, 3);
		assertWindows(sent, due, { periodMs: 1000 });
		assertWindows(sent, open, { periodMs: 4000 });
	});
});

// ---- schedules -----------------------------------------------------------------------------------------------------

each("03 20.3: debounced cron ticks are done with", BOTH, async ({ server, app, sdk }) => {
	const cron = sdk === V3 ? "0-59 * * * * *" : "* 0-59 * * * *"; // nobody else has it
	const triggers = [{ cron }];
	const own = debounced("own", undefined, { period: "1s", key: "event.data.scheduledAt" }, { triggers });
	const shared = debounced("shared", undefined, { period: "1h", timeout: "2s" }, { triggers });
	await app({ functions: [own.made, shared.made] });
	await ran(server, shared, 2);
	const times = ({ runs }) => runs.map(({ events }) => Date.parse(events[0].data.scheduledAt));
	const seconds = () => times(own).sort((a, b) => a - b);
	const isWhole = () => own.runs.length >= 4 && seconds().every((at, n, [first]) => at === first + 1000 * n);
	await until(isWhole, () => `a run for each tick, there are ${seconds()}`, server.timeoutMs);
	for (const one of [own, shared]) assert.equal(new Set(times(one)).size, one.runs.length, "no tick is tried again");
	const isLate = (waitMs) => ({ at, events }) => at >= Date.parse(events[0].data.scheduledAt) + waitMs - TICK_EARLY_MS;
	assert.ok(own.runs.every(isLate(1000)));
	assert.ok(shared.runs.every(isLate(0)));
});
