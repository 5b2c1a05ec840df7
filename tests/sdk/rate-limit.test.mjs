// Rate limits (spec 04 §A6, §A4, 03 §6.2): which events start a run, and what is said of the others.
import assert from "node:assert/strict";

import { V3, V4, suite } from "./harness.mjs";
import { assertRefused, caller, fate, fates, many, numbered, numbers, post, ran, recorder, replace, sendUntil } from "./gates.mjs";
import { ownServer } from "./lives.mjs";

const { each } = suite();
const BOTH = [V3, V4];
const DAY = "24h";
const TIMER = "inngest/scheduled.timer";

const limited = (id, event, rateLimit, rest = {}) => recorder(id, event, { rateLimit, ...rest });

// A limited function at `${name}/go`, and the fates of events that it gets in one request.
async function fatesOf({ server, app, name }, rateLimit, events) {
	const one = limited("limited", `${name}/go`, rateLimit);
	await app({ functions: [one.made] });
	const ids = await server.send(numbered(`${name}/go`, events));
	return { one, ids, found: await fates(server, ids) };
}

const admissions = (found) => found.flatMap((what, n) => (what === "run" ? [n] : []));

// Sends events until so many have been admitted, and returns these: { before, after }.
async function admitted(server, name, one, count) {
	const sent = await sendUntil(server, (n) => ({ name, data: { n } }), () => one.runs.length >= count);
	return sent.filter((_, n) => numbers(one).flat().includes(n));
}

// ---- how many, and when --------------------------------------------------------------------------------------------

each("04 A6: limit 20 per period admits three at once", BOTH, async (context) => {
	const { one, found } = await fatesOf(context, { limit: 20, period: DAY }, Array.from({ length: 20 }, () => ({})));
	assert.deepEqual(found, found.map((_, n) => (n < 3 ? "run" : "RateLimited")));
	assert.deepEqual((await ran(context.server, one, 3)).map(({ events }) => events.length), [1, 1, 1]);
});

each("04 A6: limit L admits floor(L / 10) + 1 at once", BOTH, async ({ server, app, name }) => {
	const limits = [1, 2, 9, 10, 19, 20, 99];
	const all = limits.map((limit) => limited(`limit-${limit}`, `${name}/go`, { limit, period: DAY }));
	await app({ functions: all.map(({ made }) => made) });
	const ids = await server.send(many(`${name}/go`, 12));
	const found = await Promise.all(ids.map((id) => fate(server, id, limits.length)));
	for (const { outcomes } of found) for (const one of outcomes) assert.equal(one.outcome, "RateLimited");
	for (const [i, limit] of limits.entries()) {
		const count = Math.floor(limit / 10) + 1;
		await ran(server, all[i], count);
		assert.deepEqual(numbers(all[i]).flat().sort((a, b) => a - b), Array.from({ length: count }, (_, n) => n), `limit ${limit}`);
	}
});

each("04 A6: limit 20 per 10 s admits three at once, then one per 0.5 s", BOTH, async ({ server, app, name }) => {
	const one = limited("limited", `${name}/go`, { limit: 20, period: "10s" });
	await app({ functions: [one.made] });
	const all = await admitted(server, `${name}/go`, one, 7);
	// The k-th one more has to wait for the k-th slot after the first event.
	for (const [n, { after }] of all.entries()) assert.ok(after - all[0].before >= 500 * (n - 2), `${n}: ${after - all[0].before} ms`);
});

for (const [period, ms] of [["700ms", 700], ["1500ms", 1500]]) {
	each(`04 A3: a rate limit's period is exact: ${period}`, BOTH, async ({ server, app, name }) => {
		const one = limited("limited", `${name}/go`, { limit: 1, period });
		await app({ functions: [one.made] });
		const all = await admitted(server, `${name}/go`, one, 3);
		for (const [n, { after }] of all.entries()) {
			if (n > 0) assert.ok(after - all[n - 1].before >= ms, `${n}: ${after - all[n - 1].before} ms`);
		}
	});
}

// ---- keys ----------------------------------------------------------------------------------------------------------

each("04 A4: key false is not rate limited, keys apart, equal texts together", BOTH, async (context) => {
	// What the key is, undefined for missing, and whether such an event is admitted.
	const cases = [
		[undefined, true], [undefined, true], [false, true], [false, true], ["false", true], ["false", false],
		[true, true], ["true", false], [true, false],
		[1, true], ["1", false], [1.5, true],
		[null, true], [null, false], ["null", true], ["", true], ["", false],
		["a", true], ["b", true], ["a", false],
		[{ x: [1] }, true], [{ x: [1] }, false], [{ x: [2] }, true],
	];
	const { found } = await fatesOf(context, { limit: 1, period: DAY, key: "event.data.k" }, cases.map(([k]) => ({ k })));
	assert.deepEqual(found.map((what, n) => [cases[n][0], what]), cases.map(([k, isAdmitted]) => [k, isAdmitted ? "run" : "RateLimited"]));
});

each("04 A4: a rate limit key that cannot be evaluated starts no run of this function", BOTH, async ({ server, app, name }) => {
	const one = limited("limited", `${name}/go`, { limit: 1, period: DAY, key: "event.data.s > 1" });
	const other = recorder("other", `${name}/go`);
	await app({ functions: [one.made, other.made] });
	const ids = await server.send(numbered(`${name}/go`, [{ s: "a" }, { s: 5 }, { s: "b" }, { s: 6 }, { s: 0 }]));
	const found = await Promise.all(ids.map((id) => fate(server, id, 2)));
	const texts = found.map(({ outcomes: [outcome] }) => outcome && `${outcome.outcome} ${outcome.reason}`);
	assert.deepEqual(texts, ["Dropped ExpressionFailed", undefined, "Dropped ExpressionFailed", "RateLimited None", undefined]);
	await ran(server, other, 5);
});

each("04 A4: another limit or period keeps the state, another text of the key has its own", BOTH, async ({ server, app, name }) => {
	const made = await app({ functions: [{ id: "limited", event: `${name}/go`, handler: () => 1 }] });
	const key = "event.data.k";
	const settings = [
		[{ limit: 2, period: DAY, key }, "run"],
		[{ limit: 2, period: "23h", key }, "RateLimited"],
		[{ limit: 9, period: DAY, key }, "RateLimited"],
		[{ limit: 2, period: DAY, key: `event.data["k"]` }, "run"],
		[{ limit: 2, period: DAY, key }, "RateLimited"],
		[{ limit: 2, period: DAY }, "run"],
		[undefined, "run"],
		[{ limit: 2, period: DAY, key }, "RateLimited"],
	];
	for (const [rateLimit, expected] of settings) {
		await replace(made, [{ id: "limited", event: `${name}/go`, handler: () => 1, rateLimit }]);
		assert.deepEqual(await fates(server, await server.send({ name: `${name}/go`, data: { k: "x" } })), [expected], JSON.stringify(rateLimit));
	}
});

each("04 A2: idempotency takes the place of rateLimit, and is one run a day for each value", BOTH, async ({ server, app, name }) => {
	const one = limited("once", `${name}/go`, { limit: 100, period: "1s" }, { idempotency: "event.data.k" });
	await app({ functions: [one.made] });
	const ids = await server.send(numbered(`${name}/go`, ["a", "b", "a", "a", "b"].map((k) => ({ k }))));
	assert.deepEqual(admissions(await fates(server, ids)), [0, 1]);
});

// ---- who is limited ------------------------------------------------------------------------------------------------

each("04 A6: a rate limited invoke fails the caller's step at once", BOTH, async ({ server, app, name, sdk }) => {
	const inner = limited("inner", `${name}/never`, { limit: 2, period: DAY, key: "event.data.k" });
	await app({ functions: [caller(sdk, "outer", `${name}/go`, name, "inner"), inner.made] });
	const outputs = [];
	for (const k of ["a", "a", "b"]) outputs.push((await server.runOf({ name: `${name}/go`, data: { k } }, "Completed")).output);
	assert.deepEqual(outputs, [{ value: "done" }, { error: "invoked function is rate limited" }, { value: "done" }]);
	assert.equal(inner.runs.length, 2);
});

each("v2 invoke of a rate limited function answers 422", BOTH, async ({ server, app, name }) => {
	const one = limited("limited", `${name}/never`, { limit: 1, period: DAY });
	await app({ functions: [one.made] });
	const invoke = (n) => post(server, `/v2/apps/${name}/functions/limited/invoke`, { data: { n } });
	const first = await invoke(0);
	assert.equal(first.status, 200, first.text);
	for (const n of [1, 2]) assertRefused(await invoke(n), "rate_limited", "Function execution rate limit exceeded. Please try again later.");
	await ran(server, one, 1);
	assert.deepEqual(numbers(one), [[0]]);
});

each("04 A21: a rerun is not rate limited, and uses nothing up", BOTH, async ({ server, app, name }) => {
	const one = limited("limited", `${name}/go`, { limit: 10, period: DAY });
	await app({ functions: [one.made] });
	const first = await server.runOf({ name: `${name}/go`, data: { n: 0 } }, "Completed");
	for (let times = 0; times < 2; times++) {
		const reply = await post(server, `/v2/runs/${first.run_id}/rerun`);
		assert.equal(reply.status, 200, reply.text);
	}
	await ran(server, one, 3);
	assert.deepEqual(await fates(server, await server.send(many(`${name}/go`, 2))), ["run", "RateLimited"]);
});

each("04 A5: an event that has begun a run is a duplicate, and uses nothing up", BOTH, async ({ server, app, name }) => {
	const one = limited("limited", `${name}/go`, { limit: 10, period: DAY });
	await app({ functions: [one.made] });
	const known = { name: `${name}/go`, id: `${name}-known` };
	const ids = await server.send([known, known, known, { name: `${name}/go` }, known, { name: `${name}/go` }]);
	assert.deepEqual(await fates(server, ids), ["run", "Duplicate", "Duplicate", "run", "Duplicate", "RateLimited"]);
	const [run] = await server.runsOf(ids[0]);
	assert.equal((await fate(server, ids[1])).outcomes[0].other_id, run.run_id);
});

each("03 20.3: rate limited cron ticks are done with", BOTH, async ({ server, app, sdk }) => {
	const cron = sdk === V3 ? "0-59 * * * * *" : "* 0-59 * * * *"; // nobody else has it
	const one = recorder("limited", undefined, { triggers: [{ cron }], rateLimit: { limit: 1, period: DAY } });
	const ticks = recorder("ticks", undefined, { triggers: [{ event: TIMER, if: `event.data.cron == "${cron}"` }] });
	const made = await app({ functions: [one.made, ticks.made] });
	await ran(server, ticks, 4);
	const found = [];
	for (const { runId } of ticks.runs.slice(0, 4)) found.push(await fate(server, (await server.run(runId)).event_id, 2));
	const outcomes = found.flatMap((tick) => tick.outcomes.map(({ outcome }) => outcome));
	assert.deepEqual(outcomes, ["RateLimited", "RateLimited", "RateLimited"]);
	assert.equal(made.calls.filter((call) => call.fnId.endsWith("limited")).length, 1);
	const times = ticks.runs.map(({ events }) => events[0].data.scheduledAt);
	assert.equal(new Set(times).size, times.length, "no tick is tried again");
});

// ---- what remains --------------------------------------------------------------------------------------------------

each("rate limited events say so in /v1/events/{id}/outcomes", BOTH, async ({ server, app, name }) => {
	const a = limited("a", `${name}/go`, { limit: 1, period: DAY });
	const b = limited("b", `${name}/go`, { limit: 1, period: DAY, key: "event.data.k" });
	const free = recorder("free", `${name}/go`);
	await app({ functions: [a.made, b.made, free.made] });
	const from = Date.now();
	const ids = await server.send(numbered(`${name}/go`, ["x", "y", "x"].map((k) => ({ k }))));
	const [first, second, third] = await Promise.all(ids.map((id) => fate(server, id, 3)));
	assert.deepEqual(first.outcomes, []);
	assert.equal(second.runs.length, 2);
	assert.equal(third.runs.length, 1);
	const [freeId] = third.runs.map((run) => run.function_id);
	const [bId] = second.runs.map((run) => run.function_id).filter((id) => id !== freeId);
	const [aId] = first.runs.map((run) => run.function_id).filter((id) => id !== freeId && id !== bId);
	const expected = (id) => ({ function_id: id, outcome: "RateLimited", reason: "None", run_id: null, other_id: null });
	const byFunction = (x, y) => (x.function_id < y.function_id ? -1 : 1);
	for (const [{ outcomes }, functions] of [[second, [aId]], [third, [aId, bId]]]) {
		for (const { at } of outcomes) assert.ok(Date.parse(at) >= from, at);
		assert.deepEqual(outcomes.map(({ at, ...rest }) => rest).sort(byFunction), functions.map(expected).sort(byFunction));
	}
	assert.deepEqual(await server.data("/v1/events/01JQDAE4RQF8MBCR55T5AK4KXS/outcomes"), []);
});

each("rate limits survive kill -9", BOTH, ({ sdk }) => {
	const one = limited("one", "k/go", { limit: 20, period: DAY });
	const keyed = limited("keyed", "k/keyed", { limit: 1, period: DAY, key: "event.data.k" });
	return ownServer({ sdk, functions: [one.made, keyed.made], flags: ["--persist"] }, async ({ server, again }) => {
		const send = async (events) => fates(server, await server.send(events));
		const ofKeys = (...keys) => numbered("k/keyed", keys.map((k) => ({ k })));
		assert.deepEqual(await send([...many("k/go", 2), ...ofKeys("a", "b", "a")]), ["run", "run", "run", "run", "RateLimited"]);
		await again();
		assert.deepEqual(await send([...many("k/go", 2), ...ofKeys("b", "c")]), ["run", "RateLimited", "RateLimited", "run"]);
		await again();
		assert.deepEqual(await send([...many("k/go", 1), ...ofKeys("c", "d")]), ["RateLimited", "RateLimited", "run"]);
	});
});
