// Schedules (spec 03 §20). They have seconds here, which the reference does not take, so that nobody waits for minutes.
import assert from "node:assert/strict";

import { SDKS, V3, V4, suite, until } from "./harness.mjs";
import { ownServer } from "./lives.mjs";

const { each } = suite();
const EACH_SECOND = "* * * * * *";
const TIMER = "inngest/scheduled.timer";
const EARLY_MS = 20; // that the reference may be early
const TICK = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

// A function that keeps its runs' events: the runs of a tick by its time.
function clock(id, triggers, rest = {}) {
	const ticks = new Map();
	const handler = ({ event, runId }) => {
		const at = event.data.scheduledAt;
		if (!ticks.has(at)) ticks.set(at, new Map());
		ticks.get(at).set(runId, event);
	};
	return { ticks, made: { id, triggers: triggers.map((cron) => (typeof cron === "string" ? { cron } : cron)), handler, ...rest } };
}

const ticked = ({ ticks }, count) => until(() => ticks.size >= count, () => `${count} ticks, got ${[...ticks.keys()]}`);
const seconds = ({ ticks }) => [...ticks.keys()].map((at) => Date.parse(at) / 1000).sort((a, b) => a - b);

// One run for each tick, and a tick each second from the first to the last.
function assertWhole(one) {
	const all = seconds(one);
	assert.deepEqual(all, Array.from({ length: all.length }, (_, n) => all[0] + n), "no second is missing");
	for (const [at, runs] of one.ticks) assert.equal(runs.size, 1, `runs of ${at}`);
}

// The clock goes on until it has shown ten seconds more, whose runs may come in any order.
async function whole(one) {
	const [first] = seconds(one);
	const isThere = (n) => one.ticks.has(new Date((first + n) * 1000).toISOString().replace(".000Z", "Z"));
	await until(() => Array.from({ length: 11 }, (_, n) => n).every(isThere), () => `ten seconds of ${seconds(one)}`);
	// Later ones may still have gaps.
	for (const at of one.ticks.keys()) if (Date.parse(at) / 1000 > first + 10) one.ticks.delete(at);
	assertWhole(one);
}

each("ten seconds with a kill -9 in the middle", [V3, V4], ({ sdk }) => {
	const one = clock("one", [EACH_SECOND]);
	const stepped = clock("stepped", [EACH_SECOND]);
	const { handler } = stepped.made;
	stepped.made.handler = async (context) => {
		await context.step.sleep("a second", "1s");
		await context.step.run("note", () => handler(context));
	};
	return ownServer({ sdk, functions: [one.made, stepped.made], flags: ["--persist"] }, async ({ again }) => {
		await ticked(one, 3);
		await again(2500); // at least two ticks are missed, and made good
		await whole(one);
		await whole(stepped);
	});
});

each("the event of a tick", SDKS, async ({ app }) => {
	const one = clock("one", [EACH_SECOND]);
	const { calls } = await app({ functions: [one.made] });
	await ticked(one, 2);
	const { body } = calls[0];
	const { scheduledAt } = body.event.data;
	assert.match(scheduledAt, TICK);
	const data = { cron: EACH_SECOND, scheduledAt, fireAt: scheduledAt };
	assert.deepEqual(body.event, { name: TIMER, id: scheduledAt, ts: Date.parse(scheduledAt), data, user: {} });
	assert.deepEqual(body.events, [body.event]);
	assert.ok(calls.every((call) => call.at >= call.body.event.ts - EARLY_MS), "no run begins before its tick");
});

each("a run of a tick tells its schedule", [V3, V4], async ({ server, app }) => {
	const one = clock("one", [EACH_SECOND]);
	await app({ functions: [one.made] });
	await ticked(one, 1);
	const [runId] = [...one.ticks.values()][0].keys();
	const run = await until(async () => {
		const found = await server.run(runId);
		return found.status === "Completed" && found;
	}, "the end of the run");
	assert.equal(run.cron, EACH_SECOND);
	assert.equal((await server.runsOf(run.event_id)).some(({ run_id: id }) => id === runId), true);
});

each("several schedules in one function: one run per tick", [V3, V4], async ({ app, name }) => {
	const both = clock("both", ["*/2 * * * * *", "1-59/2 * * * * *", "* * * * * 0-6", "0 0 1 1 *", { event: `${name}/go` }]);
	await app({ functions: [both.made] });
	await ticked(both, 5);
	await whole(both);
	const crons = new Set([...both.ticks.values()].flatMap((runs) => [...runs.values()].map((event) => event.data.cron)));
	assert.ok(crons.size >= 1 && !crons.has("0 0 1 1 *"), [...crons].join());
});

each("a function with a schedule and an event", [V3, V4], async ({ server, app, name }) => {
	const one = clock("one", [EACH_SECOND, { event: `${name}/go` }]);
	await app({ functions: [one.made] });
	await ticked(one, 1);
	await server.runOf({ name: `${name}/go`, data: { scheduledAt: "by hand" } }, "Completed");
	assert.ok(one.ticks.has("by hand"));
	await ticked(one, 4);
});

each("time zones", [V3, V4], async ({ app }) => {
	const zones = ["TZ=Europe/Berlin * * * * * *", "CRON_TZ=Asia/Kolkata * * * * * *"].map((cron) => ({ cron, ...clock(cron.split("/")[1].slice(0, 6).trim().toLowerCase(), [cron]) }));
	await app({ functions: zones.map((zone) => zone.made) });
	for (const zone of zones) {
		await ticked(zone, 2);
		for (const [at, runs] of zone.ticks) {
			assert.match(at, TICK);
			for (const event of runs.values()) assert.equal(event.data.cron, zone.cron);
		}
	}
});

each("texts that are no schedule", [V3, V4], async ({ app }) => {
	for (const cron of ["* * * *", "61 * * * *", "TZ=Nowhere/City * * * * *", "* * * * 7"]) {
		await assert.rejects(app({ functions: [clock("bad", [cron]).made] }), /400.*At least one function is invalid/, cron);
	}
});

each("jitter: a run that starts a second later", [V4], async ({ app }) => {
	const one = clock("one", [{ cron: EACH_SECOND, jitter: "1s" }]);
	const { calls } = await app({ functions: [one.made] });
	await ticked(one, 3);
	assert.ok(calls.every((call) => call.at >= call.body.event.ts - EARLY_MS));
	for (const [at, runs] of one.ticks) {
		for (const event of runs.values()) {
			assert.equal(Date.parse(event.data.fireAt) - Date.parse(at), 1000);
			assert.equal(event.ts, Date.parse(event.data.fireAt));
		}
	}
	assertWhole(one);
});

each("a function that is removed, one whose schedule changes", [V3, V4], async ({ app }) => {
	const [removed, changed, kept] = ["removed", "changed", "kept"].map((id) => clock(id, [EACH_SECOND]));
	const made = await app({ functions: [removed.made, changed.made, kept.made] });
	for (const one of [removed, changed, kept]) await ticked(one, 2);
	made.serve([{ ...changed.made, triggers: [{ cron: "0 0 1 1 *" }] }, kept.made]);
	await made.sync();
	const last = Date.now() / 1000;
	await until(() => seconds(kept).filter((at) => at > last).length >= 3, "three more ticks");
	for (const one of [removed, changed]) assert.ok(seconds(one).every((at) => at <= last), `${seconds(one)} after ${last}`);
	made.serve([removed.made, changed.made, kept.made]);
	await made.sync();
	const { size } = removed.ticks;
	await until(() => removed.ticks.size > size, "a tick of the function that came back");
});

each("registrations all the time, equal and changed ones", [V3, V4], async ({ app, name }) => {
	const one = clock("one", [EACH_SECOND]);
	const other = { id: "other", event: `${name}/never`, handler: () => 1 };
	const made = await app({ functions: [one.made] });
	await ticked(one, 1);
	let isWhole = false;
	let times = 0;
	const register = async () => {
		made.serve(times++ % 4 < 2 ? [one.made] : [one.made, other]);
		await made.sync();
		return isWhole;
	};
	await Promise.all([whole(one).finally(() => (isWhole = true)), until(register, "ten seconds")]);
});

each("a schedule with an idempotency expression goes on", [V3, V4], async ({ app }) => {
	const limited = clock("limited", [EACH_SECOND], { idempotency: "event.data.scheduledAt.endsWith('0Z') ? event.data.scheduledAt : 'else'" });
	const free = clock("free", [EACH_SECOND]);
	await app({ functions: [limited.made, free.made] });
	await ticked(free, 1);
	await whole(free);
	await until(() => [...limited.ticks.keys()].some((at) => at.endsWith("0Z")), "a run that is let through");
	assert.ok([...limited.ticks.keys()].filter((at) => !at.endsWith("0Z")).length <= 1, `${[...limited.ticks.keys()]}`);
});

each("functions that are triggered by the event of ticks", [V3, V4], async ({ sdk, app }) => {
	const own = sdk === V3 ? "0-59 * * * * *" : "* 0-59 * * * *"; // nobody else has it
	const one = clock("one", [own]);
	const all = clock("all", [{ event: TIMER, if: `event.data.cron == "${own}"` }]);
	await app({ functions: [one.made, all.made] });
	await ticked(all, 4);
	await ticked(one, 4);
	for (const { ticks } of [one, all]) for (const runs of ticks.values()) assert.equal(runs.size, 1);
	for (const runs of all.ticks.values()) for (const event of runs.values()) assert.equal(event.data.cron, own);
});

each("four times kill -9", [V4], ({ sdk }) => {
	const one = clock("one", [EACH_SECOND]);
	return ownServer({ sdk, functions: [one.made], flags: ["--persist"] }, async ({ again }) => {
		for (let times = 1; times <= 4; times++) {
			await ticked(one, 2 * times);
			await again();
		}
		await whole(one);
	});
});
