// Triggers with an `if`: which of many random events reach which functions (spec 03 §5, 04 part B).
import assert from "node:assert/strict";

import { conditionalFunctions, isWanted, randomEvents } from "./conditions.mjs";
import { V3, V4, suite, until } from "./harness.mjs";

// INNGEST_TEST_SEED: of a run that failed, to have the same events again.
const SEED = Number(process.env.INNGEST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const EVENTS = 1000;
const BATCH = 100;
const ENDED = ["Completed", "Failed"];

const { each } = suite();

// Maps of ids of events by the function's id: what they hold, and how much.
const pairs = (map) => [...map].flatMap(([id, events]) => events.map((event) => `${id} ${event}`));
const total = (map) => [...map.values()].reduce((sum, events) => sum + events.length, 0);

// What is in one list and not in the other, twice what is twice; a few of them.
function difference(got, wanted) {
	const count = new Map();
	for (const one of got) count.set(one, (count.get(one) ?? 0) + 1);
	for (const one of wanted) count.set(one, (count.get(one) ?? 0) - 1);
	const different = [...count].filter(([, times]) => times !== 0);
	return different.slice(0, 20).map(([one, times]) => `${one}: ${times > 0 ? `${times} too many` : "missing"}`);
}

// The functions as the SDK wants them; those that fail have an onFailure of their own.
function recording(functions) {
	const ran = new Map(functions.map(({ id }) => [id, []]));
	const failures = [];
	const made = functions.map(({ id, fails, triggers }) => ({
		id,
		retries: 0,
		triggers: triggers.map(({ event, if: condition }) => ({ event, ...(condition && { if: condition }) })),
		handler: ({ event }) => {
			ran.get(id).push(event.id);
			if (fails) throw new Error(`${id} fails`);
			return event.id;
		},
		...(fails && {
			onFailure: ({ event, runId }) => {
				failures.push({ id, functionId: event.data.function_id, sent: event.data.event.id, failed: event.data.run_id, runId });
			},
		}),
	}));
	return { ran, failures, made };
}

async function inParallel(list, width, work) {
	const iterator = list.entries();
	const worker = async () => {
		for (const [i, one] of iterator) await work(one, i);
	};
	await Promise.all(Array.from({ length: width }, worker));
}

// The runs of an event as [function, status] once all of them have ended.
async function outcomes(server, slugs, internalId) {
	const runs = await until(
		async () => {
			const found = await server.runsOf(internalId);
			return found.every((run) => ENDED.includes(run.status)) && found;
		},
		async () => `the end of ${JSON.stringify(await server.runsOf(internalId))}`,
		server.timeoutMs,
	);
	return runs.map((run) => `${slugs.get(run.function_id)} ${run.status}`).sort();
}

async function slugsById(server) {
	const { json } = await server.request("/dev");
	return new Map(json.functions.map((made) => [made.id, made.slug]));
}

// Every run of a failure handler belongs to the failure of its own function, and is the only run of that event.
async function assertFailures({ server, slugs, appId, failures, wanted }) {
	const got = () => failures.map(({ id, sent }) => `${id} ${sent}`);
	await until(
		() => failures.length >= wanted.length,
		() => `${wanted.length} failures, got ${failures.length}:\n${difference(got(), wanted).join("\n")}`,
		server.timeoutMs,
	);
	assert.deepEqual(difference(got(), wanted), []);
	for (const { id, functionId } of failures) assert.equal(functionId, `${appId}-${id}`);
	await inParallel(failures, 8, async ({ id, runId }) => {
		const run = await server.run(runId);
		assert.deepEqual(await outcomes(server, slugs, run.event_id), [`${appId}-${id}-failure Completed`]);
	});
}

async function exactlyTheEventsWanted({ server, app, name }) {
	const functions = conditionalFunctions(name);
	const events = randomEvents(name, SEED, EVENTS);
	const wantedBy = events.map((event) => functions.filter((one) => isWanted(one, event)));
	const wanted = new Map(functions.map((one) => [one.id, events.filter((_, i) => wantedBy[i].includes(one)).map(({ id }) => id)]));
	const wantedFailures = functions.filter(({ fails }) => fails).map(({ id }) => [id, wanted.get(id)]);
	const { ran, failures, made } = recording(functions);
	const { id: appId } = await app({ recorded: false, functions: made });
	const slugs = await slugsById(server);
	const internalIds = [];
	for (let i = 0; i < events.length; i += BATCH) internalIds.push(...(await server.send(events.slice(i, i + BATCH))));
	assert.equal(internalIds.length, events.length);
	await until(
		() => total(ran) >= total(wanted),
		() => `${total(wanted)} runs, got ${total(ran)}:\n${difference(pairs(ran), pairs(wanted)).join("\n")}`,
		server.timeoutMs,
	);
	assert.deepEqual(difference(pairs(ran), pairs(wanted)), []);
	// All runs of an event are there since it was accepted: none of them comes later.
	await inParallel(events, 8, async (event, i) => {
		const expected = wantedBy[i].map(({ id, fails }) => `${appId}-${id} ${fails ? "Failed" : "Completed"}`).sort();
		assert.deepEqual(await outcomes(server, slugs, internalIds[i]), expected, JSON.stringify(event));
	});
	await assertFailures({ server, slugs, appId, failures, wanted: pairs(wantedFailures) });
	assert.deepEqual(difference(pairs(ran), pairs(wanted)), []);
}

each("exactly the events that meet the conditions", [V3, V4], async (scenario) => {
	try {
		await exactlyTheEventsWanted(scenario);
	} catch (error) {
		throw new Error(`INNGEST_TEST_SEED=${SEED}: ${error.message}`, { cause: error });
	}
});

// What began the run is only in the database when the run has slept for long enough.
each("a condition on the event that began a failed run", [V3, V4], async ({ server, app, name }) => {
	const handled = [];
	const handler = ({ event }) => void handled.push([event.data.event.data.k, event.data.error.message]);
	await app({
		recorded: false,
		functions: [
			{
				id: "rests",
				event: `${name}/rest`,
				retries: 0,
				handler: async ({ event, step }) => {
					await step.sleep("a while", "2s");
					throw new Error(`no ${event.data.k}`);
				},
			},
			{ id: "second", triggers: [{ event: "inngest/function.failed", if: `event.data.event.name == "${name}/rest" && event.data.event.data.k == 2` }], handler },
			{ id: "last", triggers: [{ event: "inngest/function.failed", if: `event.data.error.message == "no 3" && event.data.event.name == "${name}/rest"` }], handler },
		],
	});
	const ids = await server.send([1, 2, 3].map((k) => ({ name: `${name}/rest`, data: { k } })));
	for (const id of ids) assert.equal((await server.runsEnded(id))[0].status, "Failed");
	await until(() => handled.length >= 2, () => `two handlers, got ${JSON.stringify(handled)}`, server.timeoutMs);
	assert.deepEqual(handled.sort(), [[2, "no 2"], [3, "no 3"]]);
});

each("a condition that cannot be evaluated is in the log", [V4], async ({ server, app, name }) => {
	const expression = `event.data.n > "${name}"`;
	await app({
		recorded: false,
		functions: [
			{ id: "broken", triggers: [{ event: `${name}/log`, if: expression }], handler: () => assert.fail("not met") },
			{ id: "sound", triggers: [{ event: `${name}/log`, if: "event.data.n > 1" }], handler: () => "ran" },
		],
	});
	for (let i = 0; i < 3; i++) {
		const [id] = await server.send({ name: `${name}/log`, data: { n: 2 } });
		const runs = await server.runsEnded(id);
		assert.deepEqual(runs.map(({ output }) => output), ["ran"]);
	}
	const lines = () => server.log().split("\n").filter((line) => line.includes(JSON.stringify(expression).slice(1, -1)));
	await until(() => lines().length > 0, () => `a line about ${expression}\n${server.tail()}`, server.timeoutMs);
	assert.equal(lines().length, 1, "said once");
	assert.match(lines()[0], /no such overload/);
});
