// The functions that need nobody but the server: steps one after the other, checkpointed, side by side, and a sleep.
import { exchange, pause } from "./support.mjs";
import { DISCOVERY, complete, execute, firstMissing, opcode, ops, output, result, step, steps, valuesOf } from "./wire.mjs";

const CHECKPOINT_TRIES = 5;
const CHECKPOINT_BACKOFF_MS = 100;

const FIVE = steps("one", "two", "three", "four", "five");
const BRANCHES = steps("left", "middle", "right");
const JOIN = step("join");
const BEFORE = step("before");
const AFTER = step("after");
const SLEEP = step("sleep");

// TypeScript v3: each call runs the first step that is not memoised.
function sequential(call) {
	const next = firstMissing(call, FIVE);
	if (next) return ops(execute(call, next));
	return result(output(call, valuesOf(call, FIVE)));
}

// TypeScript v4: one call runs all steps and reports each while it goes on. Returns the steps that it could not report.
async function checkpointed(call) {
	const values = [];
	const unreported = [];
	for (const one of FIVE) {
		if (one.id in call.body.steps) {
			values.push(call.body.steps[one.id].data);
			continue;
		}
		const op = execute(call, one);
		values.push(op.data);
		unreported.push(op);
		const reported = await report(call, unreported);
		if (reported === "stop") return null;
		if (reported !== "ok") return ops(...unreported);
		unreported.length = 0;
		await pause(call.random.between(0, 4));
	}
	return complete(output(call, values));
}

// "ok"; "fallback": the steps have to travel in the answer; "stop": this execution is of no use any more.
async function report(call, unreported) {
	const { ctx } = call.body;
	const { run_id, fn_id, qi_id, request_id, generation_id } = ctx;
	const dispatch = { run_id, fn_id, qi_id, request_id, generation_id, request_started_at: call.startedAt };
	const body = { ...dispatch, ts: Date.now(), steps: unreported };
	for (let tries = 1; ; tries++) {
		if (call.abandoned()) return "stop";
		const asked = exchange(`${call.server.url}/v1/checkpoint/${ctx.run_id}/async`, { method: "POST", body });
		call.server.moment("checkpoint");
		const reply = await asked;
		if (reply?.status === 200) {
			for (const { id, data } of unreported) call.ledger.acknowledge(call.run, id, data, call.server.incarnation);
			return "ok";
		}
		if (reply && reply.status !== 429 && reply.status !== 503) {
			// Refused: right only when another call has taken this one's place.
			const lost = call.closed();
			call.ledger.checks.expect("shape", lost, () => `run ${call.run.id}: checkpoint refused: ${reply.status} ${reply.text}`);
			return "stop";
		}
		if (tries === CHECKPOINT_TRIES) return "fallback";
		await pause(CHECKPOINT_BACKOFF_MS * 2 ** (tries - 1));
	}
}

// Request version 2: three branches side by side, one discovery when the last has ended, and a step behind them.
function parallel(call) {
	const { body, target, checks } = call;
	if (target !== DISCOVERY) return ops(execute(call, BRANCHES.find(({ id }) => id === target)));
	const done = BRANCHES.filter(({ id }) => id in body.steps);
	const whole = done.length === 0 || done.length === BRANCHES.length;
	checks.expect("join", whole, () => `run ${call.run.id}: discovery after ${done.length} of ${BRANCHES.length} branches`);
	if (done.length < BRANCHES.length) {
		const planned = BRANCHES.filter(({ id }) => !(id in body.steps));
		return ops(...planned.map((one) => opcode("StepPlanned", one)));
	}
	if (!(JOIN.id in body.steps)) return ops(execute(call, JOIN));
	return complete(output(call, valuesOf(call, [...BRANCHES, JOIN])));
}

// A step, seconds of sleep that servers come and go in, a step.
function sleeping(call) {
	const { body, run, ledger } = call;
	if (!(BEFORE.id in body.steps)) return ops(execute(call, BEFORE));
	if (!(SLEEP.id in body.steps)) {
		const ms = body.event.data.sleep_ms;
		ledger.fallAsleep(run, ms);
		return ops(opcode("Sleep", SLEEP, {}, `${ms}ms`));
	}
	ledger.wake(run);
	if (!(AFTER.id in body.steps)) return ops(execute(call, AFTER));
	return result(output(call, valuesOf(call, [BEFORE, AFTER])));
}

// `version`: what the SDK says in X-Inngest-Req-Version. The other members are explained in kinds.mjs.
export const FUNCTIONS = [
	{ name: "five", version: 1, answer: sequential },
	{
		name: "sleep",
		version: 1,
		answer: sleeping,
		memos: { [SLEEP.id]: (run, value) => value === null },
		data: (random, { longestMs, shortestMs }) => ({ sleep_ms: random.between(shortestMs, longestMs) }),
		early: 1 / 3, // sleeps begin in the first third of the kills, so that all of them are under way together
	},
	{ name: "checkpoint", version: 2, answer: checkpointed },
	{ name: "parallel", version: 2, answer: parallel, parallel: true, targets: BRANCHES.map(({ id }) => id) },
];
