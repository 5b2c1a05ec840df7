// Functions that do not come to their end by themselves, or not soon: people, events and timeouts end their runs.
import { STOP, bulkOfMany, deleteRun, sendStop } from "./stoppers.mjs";
import { execute, firstMissing, opcode, ops, output, result, step, steps, valuesOf } from "./wire.mjs";

const FOREVER = "1h";
const ROUNDS = 8;
const ROUND_MS = [20, 400];
const LIMIT_MS = 1_500;
const GROUPS = 8; // runs that one bulk cancellation takes, about

const BEFORE = step("before");
const SLEEP = step("sleep");
const ROUND = Array.from({ length: ROUNDS }, (_, n) => steps(`work ${n}`, `nap ${n}`)).flat();
const WORKS = ROUND.filter(({ name }) => name.startsWith("work"));
const NAPS = Object.fromEntries(
	[SLEEP, ...ROUND.filter(({ name }) => name.startsWith("nap"))].map(({ id }) => [id, (_run, value) => value === null]),
);

// Either at rest for ever, or always on the move.
function unending(call) {
	const { nap_ms: nap } = call.body.event.data;
	const next = firstMissing(call, nap > 0 ? ROUND : [BEFORE, SLEEP]);
	if (next === SLEEP) return ops(opcode("Sleep", SLEEP, {}, FOREVER));
	if (NAPS[next?.id]) return ops(opcode("Sleep", next, {}, `${nap}ms`));
	if (next) return ops(execute(call, next));
	return result(output(call, valuesOf(call, WORKS)));
}

// It may have come to its end before somebody stopped it.
function cancelled(run, shown, { checks }) {
	if (shown.status === "Cancelled") return "Cancelled";
	const early = run.data.nap_ms > 0 && (!run.stop || run.answeredAt <= run.stop.at || run.stop.lags);
	checks.expect("cancel", early, () => `run ${run.id} (${run.kind.name}): ${shown.status} in spite of its cancellation`);
	return "Completed";
}

// Nobody else stops it, and its timeout not too early: a run's id begins with the time at which it was scheduled.
function outOfTime(run, shown, { checks, timeOf }) {
	const passed = Date.now() - timeOf(shown.run_id);
	checks.expect("cancel", passed >= LIMIT_MS, () => `run ${shown.run_id}: cancelled after ${passed} of ${LIMIT_MS} ms`);
	return "Cancelled";
}

const restOrMove = (random, share) => ({ nap_ms: random.chance(share) ? random.between(...ROUND_MS) : 0 });
const common = { version: 1, answer: unending, memos: NAPS, ends: cancelled, uncalled: true };

export const STOPPED = [
	{
		...common,
		name: "stop",
		share: 0.4,
		config: { cancel: [{ event: STOP, if: "event.data.key == async.data.key" }] },
		data: (random) => restOrMove(random, 0.6),
		deedFor: sendStop,
	},
	{ ...common, name: "delete", share: 0.4, data: (random) => restOrMove(random, 0.6), deedFor: deleteRun },
	{
		...common,
		name: "bulk",
		share: 0.4,
		data: (random, { n }) => ({ ...restOrMove(random, 0.3), group: Math.floor(n / GROUPS) }),
		deedFor: bulkOfMany,
	},
	{
		...common,
		name: "timeout",
		share: 0.3,
		config: { timeouts: { finish: `${LIMIT_MS}ms` } },
		data: () => ({ nap_ms: 0 }),
		ends: outOfTime,
	},
];
