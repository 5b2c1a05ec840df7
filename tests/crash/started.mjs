// Functions whose runs begin in special ways: by schedule, again and from the middle, once for many events, and by what
// became of other runs.
import { rerunIt } from "./reruns.mjs";
import { execute, firstMissing, ops, output, result, step, steps, valuesOf } from "./wire.mjs";

const TIMER = "inngest/scheduled.timer";
const FAILED = "inngest/function.failed";
const CANCELLED = "inngest/function.cancelled";
const AT_REST = "0 0 1 1 *"; // the schedule of crons when the test ends
const KEY_OF = 3; // events that have a key in common

const FIVE = steps("one", "two", "three", "four", "five");
const ONLY = [step("only")];

function listed(list) {
	return (call) => {
		const { body, target } = call;
		const direct = list.find(({ id }) => id === target && !("data" in (body.steps[id] ?? {})));
		const next = direct ?? firstMissing(call, list);
		if (next) return ops(execute(call, next));
		return result(output(call, valuesOf(call, list)));
	};
}

function cron(name, schedule) {
	return {
		name,
		version: 1,
		share: 0,
		answer: listed(ONLY),
		schedule,
		triggersAt: (resting) => [{ cron: resting ? AT_REST : schedule }],
		key: ({ event }) => event.id,
		expects: ({ event: { id, name: type, data } }) => type === TIMER && data.cron === schedule && data.scheduledAt === id,
	};
}

export const STARTED = [
	cron("every", "@every 1s"),
	cron("second", "* * * * * *"),
	{
		name: "again",
		version: 1,
		share: 0.25,
		answer: listed(FIVE),
		targets: FIVE.map(({ id }) => id),
		repeats: true, // its event may have several runs
		deed: (people, run) => rerunIt(people, run, FIVE),
	},
	{
		name: "once",
		version: 1,
		share: 0,
		answer: listed(ONLY),
		config: { idempotency: "event.data.key" },
		triggers: [{ event: "crash/each" }],
		takes: "crash/each",
		key: ({ event }) => event.data.key,
	},
	{
		name: "each",
		version: 1,
		share: 0.4,
		answer: listed(ONLY),
		data: (_random, { n }) => ({ key: `key ${Math.floor(n / KEY_OF)}` }),
		mayStart: 1, // besides its own run: that of `once`
	},
	{
		name: "told",
		version: 1,
		share: 0,
		answer: listed(ONLY),
		triggers: [{ event: FAILED, expression: "event.data.function_id == 'crash-child'" }, { event: CANCELLED }],
		key: ({ event }) => `${event.name} ${event.data.run_id}`,
		expects: ({ event: { id, name, data } }) => (name === FAILED || name === CANCELLED) && id === data.run_id,
	},
];
