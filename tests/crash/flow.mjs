// Functions under flow control: each setting, each kind of key, and as many together as may be (04 §A2). Members besides
// those that kinds.mjs explains:
//	flow      its events may have no run of their own: what they have is judged in flow-judge.mjs
//	inBatches (data) → whether an event of a function with batches goes into one (all)
//	factor    (data) → its priority, which with its limits alone tells the order in which runs of a key begin
//	more      (random) → members of its events beside name and data
import { FUNCTIONS } from "./functions.mjs";
import { execute, failure, firstMissing, opcode, ops, output, result, step, steps, valuesOf } from "./wire.mjs";

const KEYS = ["a", "b", "c"];
const KEY = "event.data.k";
const ALL = '"crash"'; // the same for every run
const NO_KEY = 0.1; // events without the member that is the key
const STUMBLES = 0.15; // runs whose first call fails once
const EARLY_TS = 0.15; // events of debounced functions that say that they are old
const EARLY_MS = [60_000, 120_000];
const NAP_MS = [20, 500];
const LONG_NAP_MS = [300, 3_000];
const KEY_OF = 3; // events that have an idempotency key in common
const BURST = 12; // events that come together
export const SHARE = 0.12;

const NAP = step("nap");
const WORK = steps("one", "two");
const PARALLEL = FUNCTIONS.find(({ name }) => name === "parallel");

// One step, a nap if its event asks for one, and another; first of all perhaps a failure.
export function work(call) {
	const { body, run, ledger } = call;
	const { stumbles, nap_ms: nap } = body.event.data;
	if (stumbles && body.ctx.attempt === 0 && body.ctx.stack.stack.length === 0) {
		ledger.fails(run, body.ctx.attempt);
		return failure(`run ${run.id} stumbles`);
	}
	const [first, second] = WORK;
	const next = firstMissing(call, nap > 0 ? [first, NAP, second] : WORK);
	if (next === NAP) return ops(opcode("Sleep", NAP, {}, `${nap}ms`));
	if (next) return ops(execute(call, next));
	return result(output(call, valuesOf(call, WORK)));
}

const keyed = (random) => ({
	k: random.chance(NO_KEY) ? undefined : random.pick(KEYS),
	stumbles: random.chance(STUMBLES) || undefined,
});
const napping = (random) => ({ ...keyed(random), nap_ms: random.between(...NAP_MS) });
const ranked = (random) => ({ ...keyed(random), rank: random.pick(["first", "last", "any"]) });
const FACTORS = { first: 300, last: -300 };
const PRIORITY = { run: "event.data.rank == 'first' ? 300 : (event.data.rank == 'last' ? -300 : 0)" };
const factor = ({ rank }) => FACTORS[rank] ?? 0;
const oneRun = (body) => body.ctx.run_id; // an event may have several, or be in several
const oldNowAndThen = (random) => (random.chance(EARLY_TS) ? { ts: Date.now() - random.between(...EARLY_MS) } : {});

const common = {
	version: 1,
	flow: true,
	share: SHARE,
	burst: BURST,
	answer: work,
	data: keyed,
	memos: { [NAP.id]: (_run, value) => value === null },
};

// 04 §A12, §A13
const CONCURRENCY = [
	{ ...common, name: "some", config: { concurrency: 2 } },
	{ ...common, ...PARALLEL, name: "keyed", data: keyed, config: { concurrency: [{ limit: 1, key: KEY }, { limit: 3 }] } },
	{ ...common, name: "env", config: { concurrency: { limit: 2, scope: "env", key: KEY } } },
	{
		...common,
		name: "both",
		config: {
			concurrency: [
				{ limit: 1, scope: "env", key: KEY },
				{ limit: 3, scope: "account", key: ALL },
			],
		},
	},
	{ ...common, name: "account", config: { concurrency: [{ limit: 2, scope: "account", key: ALL }] } },
	{ ...common, name: "held", data: napping, config: { concurrency: { fn: [{ limit: 2, key: KEY }], step: [{ limit: 2 }] } } },
	{
		...common,
		name: "ranked",
		data: ranked,
		factor,
		config: { concurrency: { limit: 1, key: KEY }, priority: PRIORITY },
	},
];

// 04 §A6, §A11
const RATES = [
	{ ...common, name: "paced", config: { throttle: { limit: 2, period: "2s", burst: 1, key: KEY } } },
	{
		...common,
		name: "slow",
		config: { throttle: { limit: 3, period: "1500ms" }, concurrency: { limit: 1, key: KEY } },
	},
	{ ...common, name: "rate", config: { rateLimit: { limit: 20, period: "10s", key: KEY } } },
];

// 04 §A7, §A8
const GATHERED = [
	{ ...common, name: "quiet", key: oneRun, more: oldNowAndThen, config: { debounce: { period: "1s", key: KEY } } },
	{
		...common,
		name: "patient",
		key: oneRun,
		more: oldNowAndThen,
		config: {
			debounce: { period: "1200ms", timeout: "3s", key: KEY },
			rateLimit: { limit: 30, period: "3s" },
			concurrency: 1,
		},
	},
	{ ...common, name: "batch", key: oneRun, config: { batchEvents: { maxSize: 5, timeout: "1s", key: KEY } } },
	{
		...common,
		name: "choosy",
		key: oneRun,
		data: (random) => ({ ...keyed(random), batched: random.chance(0.7) }),
		inBatches: ({ batched }) => batched,
		config: {
			batchEvents: { maxSize: 3, timeout: "1500ms", key: KEY, if: "event.data.batched == true" },
			rateLimit: { limit: 10, period: "5s", key: KEY },
			throttle: { limit: 2, period: "1s" },
			concurrency: [{ limit: 1, key: KEY }],
		},
	},
];

// 04 §A5, §A10
const SINGLE = [
	{ ...common, name: "skip", data: napping, config: { singleton: { mode: "skip", key: KEY } } },
	{
		...common,
		name: "swap",
		data: (random) => ({ ...ranked(random), nap_ms: random.between(...LONG_NAP_MS) }),
		uncalled: true,
		ends: (_run, shown) => (shown.status === "Cancelled" ? "Cancelled" : "Completed"),
		config: { singleton: { mode: "cancel", key: KEY }, priority: PRIORITY },
	},
	{
		...common,
		name: "sole",
		key: ({ event }) => event.data.key,
		data: (random, { n }) => ({ ...ranked(random), key: `sole ${Math.floor(n / KEY_OF)}` }),
		config: {
			idempotency: "event.data.key",
			concurrency: [{ limit: 1, key: KEY }, { limit: 2 }],
			throttle: { limit: 4, period: "1s" },
			priority: PRIORITY,
		},
	},
];

// All that may be together.
const ALL_OF_THEM = {
	...common,
	name: "all",
	key: oneRun,
	data: (random) => ({ ...napping(random), ...ranked(random) }),
	more: oldNowAndThen,
	config: {
		concurrency: {
			fn: [{ limit: 1, key: KEY }],
			step: [
				{ limit: 2, scope: "env", key: KEY },
				{ limit: 3, scope: "account", key: ALL },
			],
		},
		throttle: { limit: 2, period: "1s", burst: 1, key: KEY },
		rateLimit: { limit: 20, period: "4s", key: KEY },
		debounce: { period: "1s", timeout: "2500ms", key: KEY },
		singleton: { mode: "skip", key: KEY },
		priority: PRIORITY,
	},
};

export const FLOW = [...CONCURRENCY, ...RATES, ...GATHERED, ...SINGLE, ALL_OF_THEM];
