// Functions that wait for something from outside: an event, a signal, the run of another function.
import { REPLY, sendReplies, sendSignals } from "./senders.mjs";
import { execute, failure, firstMissing, opcode, ops, output, result, step, steps, valuesOf } from "./wire.mjs";

const CLOCK_SLACK_MS = 5;
const NEVER_MS = 3_600_000; // longer than any test
const SHORT_MS = [500, 2_500];
const CHILD = "crash-child";

const BEFORE = step("before");
const AFTER = step("after");
const WAIT = step("wait");
const SIGNAL = step("signal");
const INVOKE = step("invoke");
const TWO = steps("one", "two");

// A step, what is waited for, and a step.
export function between(call, middle, wait) {
	const next = firstMissing(call, [BEFORE, middle, AFTER]);
	if (next === middle) return wait(call);
	if (next) return ops(execute(call, next));
	return result(output(call, valuesOf(call, [BEFORE, middle, AFTER])));
}

// A wait that nothing ended: right when its time is over, and nothing that was acknowledged before should have.
function timedOut(run, checks) {
	const { at, ms } = run.waiting ?? {};
	const waited = Date.now() - at;
	run.got = "null";
	const why = () => `run ${run.id} (${run.eventId}): timed out after ${waited} of ${ms} ms; heard ${JSON.stringify(run.heard)}`;
	return checks.expect("wait", waited >= ms - CLOCK_SLACK_MS && !run.heard, why);
}

// What somebody has sent. What was acknowledged while the wait was there is it, and nothing else.
function wasSent(run, value, checks) {
	const text = JSON.stringify(value);
	run.got = text;
	const fine = run.sent.has(text) && (!run.heard || run.heard === text);
	return checks.expect("wait", fine, () => `run ${run.id} (${run.eventId}): got ${text}, heard ${run.heard}, sent ${[...run.sent]}`);
}

// ---- an event ------------------------------------------------------------------------------------------------------

function waiting(call) {
	return between(call, WAIT, ({ run, body, ledger }) => {
		const { timeout_ms: ms } = body.event.data;
		ledger.waits(run, ms, "wait");
		const opts = { event: REPLY, timeout: `${ms}ms`, if: "event.data.key == async.data.key" };
		return ops(opcode("WaitForEvent", WAIT, opts, REPLY));
	});
}

function gotEvent(run, value, { checks }) {
	if (value === null) return timedOut(run, checks);
	const { id, name, data } = value;
	return wasSent(run, { id, name, data }, checks);
}

// sure: sent when the wait is there; eager: sent again and again; late: about when it ends; never.
const MANNERS = ["sure", "sure", "eager", "late", "late", "never"];

function waitData(random) {
	const manner = random.pick(MANNERS);
	const short = manner === "late" || manner === "never";
	return { manner, timeout_ms: short ? random.between(...SHORT_MS) : NEVER_MS };
}

// ---- a signal ------------------------------------------------------------------------------------------------------

function signalled(call) {
	return between(call, SIGNAL, ({ run, body, ledger }) => {
		const { timeout_ms: ms, key } = body.event.data;
		ledger.waits(run, ms, "wait");
		return ops(opcode("WaitForSignal", SIGNAL, { signal: `signal ${key}`, timeout: `${ms}ms` }));
	});
}

function gotSignal(run, value, { checks }) {
	return value === null ? timedOut(run, checks) : wasSent(run, value, checks);
}

// ---- another function ----------------------------------------------------------------------------------------------

function invoking(call) {
	return between(call, INVOKE, ({ run, body, ledger }) => {
		const { key, ends } = body.event.data;
		ledger.waits(run, NEVER_MS, "invoke");
		return ops(opcode("InvokeFunction", INVOKE, { function_id: CHILD, payload: { data: { parent: run.id, key, ends } } }));
	});
}

function gotResult(run, value, { ledger, checks }) {
	const child = ledger.only("child", run.id);
	const text = JSON.stringify(value);
	const fails = run.data.ends === "fails";
	const fine = fails ? value?.error?.message === refusal(run.data.key) : child?.answers.has(JSON.stringify(value?.data));
	return checks.expect("invoke", fine === true, () => `run ${run.id}: its child ${child?.id} returned ${text}`);
}

const refusal = (key) => `no luck with ${key}`;

// Works, fails at the first attempt, or at all.
function child(call) {
	const { body, run, ledger } = call;
	const next = firstMissing(call, TWO);
	if (next) return ops(execute(call, next));
	const { ends, key } = body.event.data;
	if (ends === "fails" || (ends === "stumbles" && body.ctx.attempt === 0)) {
		ledger.fails(run, body.ctx.attempt);
		return failure(refusal(key));
	}
	return result(output(call, valuesOf(call, TWO)));
}

const CHILD_ENDS = ["works", "works", "stumbles", "fails"];

export const WAITING = [
	{
		name: "wait",
		version: 1,
		share: 0.5,
		answer: waiting,
		data: waitData,
		memos: { [WAIT.id]: gotEvent },
		deed: (people, run) => sendReplies(people, run, WAIT.id),
	},
	{
		name: "signal",
		version: 1,
		share: 0.3,
		answer: signalled,
		data: waitData,
		memos: { [SIGNAL.id]: gotSignal },
		deed: (people, run) => sendSignals(people, run, SIGNAL.id),
	},
	{
		name: "invoke",
		version: 1,
		share: 0.4,
		answer: invoking,
		data: (random) => ({ ends: random.pick(CHILD_ENDS) }),
		memos: { [INVOKE.id]: gotResult },
	},
	{
		name: "child",
		version: 1,
		share: 0,
		answer: child,
		triggers: [{ event: "crash/child" }],
		retries: 1,
		key: (body) => body.event.data.parent,
		expects: ({ event }, { ledger }) => event.name === "inngest/function.invoked" && ledger.run(event.data.parent)?.waiting,
		ends: (run) => (run.data.ends === "fails" && run.failures === 2 ? "Failed" : "Completed"),
	},
];
