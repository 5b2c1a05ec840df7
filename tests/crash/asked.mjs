// Functions under flow control that others invoke: each caller gets an answer, though some are refused.
import { SHARE, work } from "./flow.mjs";
import { between } from "./waiting.mjs";
import { opcode, ops, step } from "./wire.mjs";

const INVOKED = "inngest/function.invoked";
const NEVER_MS = 3_600_000; // longer than any test
const INVOKE = step("invoke");

// With what may refuse a caller, and what it then says.
const ASKED = [
	{ name: "asked-batch", config: { batchEvents: { maxSize: 3, timeout: "1s" } } },
	{ name: "asked-held", config: { concurrency: { fn: [{ limit: 1 }] } } },
	{ name: "asked-slow", config: { throttle: { limit: 2, period: "1s" } } },
	{ name: "asked-quiet", config: { debounce: { period: "1s" } }, refuses: /debounce/i },
	{ name: "asked-rate", config: { rateLimit: { limit: 10, period: "5s" } }, refuses: /rate limited/ },
	{ name: "asked-sole", config: { singleton: { mode: "skip" } }, refuses: /singleton/i },
].map((kind) => ({
	...kind,
	version: 1,
	flow: true,
	share: 0,
	answer: work,
	triggers: [{ event: `crash/${kind.name}` }],
	key: (body) => body.ctx.run_id,
	expects: ({ events }, { ledger }) => events.every(({ name, data }) => name === INVOKED && ledger.run(data.parent)?.waiting),
}));

function asking(call) {
	return between(call, INVOKE, ({ run, body, ledger }) => {
		ledger.waits(run, NEVER_MS);
		const { whom } = body.event.data;
		return ops(opcode("InvokeFunction", INVOKE, { function_id: `crash-${whom}`, payload: { data: { parent: run.id } } }));
	});
}

// What a run for it returned; or nobody has run for it.
function gotAnswer(run, value, { ledger, checks }) {
	const asked = ASKED.find(({ name }) => name === run.data.whom);
	const ofIt = [...ledger.runs.values()].filter(({ kind, parents }) => kind.name === asked.name && parents.includes(run.id));
	const answered = ofIt.length === 1 && ofIt[0].answers.has(JSON.stringify(value?.data));
	const refused = ofIt.length === 0 && asked.refuses?.test(value?.error?.message) === true;
	const what = () => `run ${run.id}: ${asked.name} answered ${JSON.stringify(value)}; its runs are ${ofIt.map(({ id }) => id)}`;
	return checks.expect("invoke", answered || refused, what);
}

export const ASKING = [
	{
		name: "asks",
		version: 1,
		share: 2 * SHARE,
		burst: 6,
		answer: asking,
		data: (random) => ({ whom: random.pick(ASKED).name }),
		memos: { [INVOKE.id]: gotAnswer },
	},
	...ASKED,
];
