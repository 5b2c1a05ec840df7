// All functions of the app. A function has
//	name, version   and its `answer` to a call
//	share           of RUNS: how many events are sent for it (1)
//	data            (random, context) → more members of its events' data
//	triggers        if not `crash/NAME`; `triggersAt(resting)` for schedules
//	config, retries as they are registered
//	targets         steps that may be called by themselves
//	parallel        more than one call of a run at a time is right
//	memos           by step id: (run, value, ledger) → whether a value memoised for a step of the server is right
//	key             (body) → what may have only one run of it: the event's id
//	takes           the events that it takes, of our own: `crash/NAME`
//	expects         (body, app) → whether the event is right, when it is none of ours
//	schedule        it is begun by this schedule
//	repeats         people may have runs of it repeated
//	mayStart        how many runs of other functions its events may begin
//	ends            (run, shown, ledger) → the status that is right (Completed)
//	uncalled        it is right when a run of it ends before its first call
//	burst           its events come so many at a time
//	flow            and more, about functions under flow control: flow.mjs
//	deed            (people, run): what people do about a run that has begun
//	deedFor         (people, event, internalId): what people do when its event is acknowledged
import { ASKING } from "./asked.mjs";
import { FLOW } from "./flow.mjs";
import { FUNCTIONS } from "./functions.mjs";
import { REPLY } from "./senders.mjs";
import { STARTED } from "./started.mjs";
import { STOPPED } from "./stopped.mjs";
import { STOP } from "./stoppers.mjs";
import { WAITING } from "./waiting.mjs";

export const KINDS = [...FUNCTIONS, ...WAITING, ...STOPPED, ...STARTED, ...FLOW, ...ASKING].map((kind) => ({
	share: 1,
	retries: 4,
	memos: {},
	data: () => ({}),
	key: ({ event }) => event.id,
	ends: () => "Completed",
	event: `crash/${kind.name}`,
	takes: kind.expects ? undefined : `crash/${kind.name}`,
	slug: `crash-${kind.name}`,
	...kind,
}));

export const SENT_KINDS = KINDS.filter(({ share }) => share > 0);
export const EVENT_NAMES = [...SENT_KINDS.map(({ event }) => event), REPLY, STOP];

// As the app registers it. `resting`: schedules do not tick any more.
export function registration({ slug, name, event, triggers, triggersAt, retries, config }, url, resting) {
	const runtime = { type: "http", url: `${url}?fnId=${slug}&stepId=step` };
	return {
		id: slug,
		name,
		triggers: triggersAt?.(resting) ?? triggers ?? [{ event }],
		steps: { step: { id: "step", name: "step", runtime, retries: { attempts: retries } } },
		...config,
	};
}
