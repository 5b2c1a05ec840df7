// When all is over: what flow control has made of the events, judged by what the database tells. What was in progress in
// the app at a time is watched by limits.mjs, gathered events are judged in gathered.mjs.
import { Facts } from "./facts.mjs";
import { judgeBatches, judgeDebounces } from "./gathered.mjs";
import { arrivalAfter, impossibleStart, rateRule, throttleRule } from "./gcra.mjs";
import { KINDS } from "./kinds.mjs";
import { isBatched, isFalse, keyText, rateLimitOf, singletonOf } from "./settings.mjs";
import { groupBy, ulidTime } from "./support.mjs";

const INVOKED = "inngest/function.invoked";
const CLOCK_SLACK_MS = 2; // times are written in whole milliseconds
const LATE_MS = 1_000; // a call may come to the app so long after it was decided on, not counting when no server was there

// `all`: the server, the ledger, the traffic, the checks.
export function judgeFlow(all, told) {
	const facts = new Facts(all.server.directory, all.traffic.sent);
	const court = { ...all, facts, slack: CLOCK_SLACK_MS };
	judgeEnds(court);
	judgeTold(court, told);
	for (const kind of KINDS.filter(({ flow }) => flow)) {
		const setting = kind.config;
		if (rateLimitOf(kind)) judgeRate(court, kind);
		if (setting.throttle) judgeThrottle(court, kind);
		if (setting.debounce) judgeDebounces(court, kind);
		if (setting.batchEvents) judgeBatches(court, kind);
		if (setting.singleton) judgeSingleton(court, kind);
		if (kind.factor && !setting.throttle && !setting.singleton) judgeOrder(court, kind);
	}
}

// ---- every event has one end of each function that takes it ----------------------------------------------------------

const SETTING_OF = {
	RateLimited: (kind) => rateLimitOf(kind),
	Debounced: ({ config }) => config?.debounce,
	Skipped: ({ config }, { reason }) => config?.singleton && reason === "Singleton",
	Duplicate: () => true,
};

function judgeEnds({ facts, traffic, checks }) {
	const kindsOf = groupBy(
		KINDS.filter(({ takes }) => takes),
		({ takes }) => takes,
	);
	for (const event of facts.events.values()) {
		for (const kind of kindsOf.get(event.name) ?? []) {
			const ends = facts.endsOf(event.id, kind.slug);
			const fine = hasOneEnd(ends, traffic.sentTwice.has(event.sentAs)) && ends.every((end) => isAllowed(kind, end));
			checks.expect("ends", fine, () => `event ${event.sentAs} ${event.id} of ${kind.slug}: ${JSON.stringify(ends)}`);
		}
	}
	for (const event of facts.events.values()) {
		if (event.name !== INVOKED) continue;
		const ends = KINDS.flatMap(({ slug }) => facts.endsOf(event.id, slug));
		checks.expect("ends", ends.length === 1, () => `event ${event.sentAs} ${event.id}: ${JSON.stringify(ends)}`);
	}
	judgeDuplicates(facts, checks);
}

// What came in twice under one internal id is handled twice, but has one run at most.
function hasOneEnd(ends, isSentTwice) {
	const runs = ends.filter(({ outcome }) => outcome === undefined);
	return isSentTwice ? ends.length >= 1 && runs.length <= 1 : ends.length === 1;
}

const isAllowed = (kind, end) => end.outcome === undefined || Boolean(SETTING_OF[end.outcome]?.(kind, end));

// A duplicate names the run that an event of the same id has.
function judgeDuplicates(facts, checks) {
	const runs = new Map(facts.runs.map((run) => [`${run.id} ${run.slug}`, run]));
	for (const end of facts.outcomes.filter(({ outcome }) => outcome === "Duplicate")) {
		const run = runs.get(`${end.other} ${end.slug}`) ?? skippedRun(facts, end);
		const same = run?.events.some((id) => facts.events.get(id).sentAs === facts.events.get(end.event).sentAs);
		checks.expect("duplicate", same === true, () => `${JSON.stringify(end)}: its run is ${JSON.stringify(run)}`);
	}
}

function skippedRun(facts, { other, slug }) {
	const found = facts.outcomes.find((one) => one.run === other && one.slug === slug);
	return found && { events: [found.event] };
}

// What the API told while the server was there.
function judgeTold({ facts, checks }, told) {
	const byEvent = groupBy(facts.outcomes, ({ event }) => event);
	const text = (list) => JSON.stringify(list.map(({ outcome, reason, at }) => [outcome, reason, at]));
	for (const [id, outcomes] of told) {
		const shown = outcomes.map((one) => ({ ...one, at: Date.parse(one.at) }));
		const known = byEvent.get(id) ?? [];
		checks.expect("outcomes", text(shown) === text(known), () => `event ${id}: told ${text(shown)}, is ${text(known)}`);
	}
}

// ---- rates (04 §A6, §A11) --------------------------------------------------------------------------------------------

// Events that were admitted are all those that no limit held back; an id that was admitted once is always (04 §A5).
function judgeRate(court, kind) {
	const { facts, traffic, checks, slack } = court;
	const limit = rateLimitOf(kind);
	const rule = rateRule(limit);
	const limited = (data) => !isBatched(kind, data) && !isFalse(limit.key, data);
	const events = [...facts.events.values()].filter(({ id, data }) => facts.endsOf(id, kind.slug).length > 0 && limited(data));
	for (const [key, list] of groupBy(events, ({ data }) => keyText(limit.key, data))) {
		const admitted = admissions(court, kind, list);
		const sure = admitted.filter(({ sentAs }) => !traffic.sentTwice.has(sentAs));
		const where = (at) => `${kind.slug} ${key} at ${at}: ${JSON.stringify(admitted.filter((one) => one.seen <= at).slice(-9))}`;
		const place = impossibleStart(sure, rule, (at) => at, slack);
		checks.expect("rate", place < 0, () => `admitted too early: ${where(sure[place].seen)}`);
		for (const { outcome, event, at } of list.flatMap(({ id }) => facts.endsOf(id, kind.slug))) {
			if (outcome !== "RateLimited") continue;
			const before = admitted.filter(({ earliest }) => earliest <= at + slack).map(({ seen }) => Math.min(seen, at));
			const due = arrivalAfter(before, rule) - at > rule.burst * rule.spacing - slack;
			checks.expect("rate", due, () => `event ${event} was held back for nothing: ${where(at)}`);
		}
	}
	const free = (facts.outcomesOf.get(kind.slug) ?? []).filter(({ outcome, event }) => {
		return outcome === "RateLimited" && !limited(facts.events.get(event).data);
	});
	checks.expect("rate", free.length === 0, () => `events that are not limited: ${JSON.stringify(free)}`);
}

// When which events were admitted, ascending: with their run, unless a debounce comes between; then after they were
// received, and before the sender was told.
function admissions({ facts, traffic }, kind, events) {
	const known = new Set();
	const all = [];
	for (const event of events) {
		const ends = facts.endsOf(event.id, kind.slug).filter(({ outcome }) => outcome !== "RateLimited" && outcome !== "Duplicate");
		if (ends.length === 0 || known.has(event.sentAs)) continue;
		known.add(event.sentAs);
		const { at: earliest } = kind.config.debounce ? event : ends[0];
		const seen = kind.config.debounce ? (traffic.heardOf.get(event.id)?.at ?? earliest + LATE_MS) : earliest;
		all.push({ sentAs: event.sentAs, earliest, seen });
	}
	const byTime = all.map(({ earliest }) => earliest).sort((a, b) => a - b);
	all.sort((a, b) => a.seen - b.seen);
	return all.map((one, n) => ({ ...one, earliest: byTime[n] }));
}

// Starts are seen by the app when the first call of a run comes in.
function judgeThrottle({ ledger, server, checks, slack }, kind) {
	const { throttle } = kind.config;
	const rule = throttleRule(throttle);
	const runs = [...ledger.runs.values()].filter((run) => run.kind === kind && run.calls > 0);
	for (const [key, list] of groupBy(runs, ({ data }) => keyText(throttle.key, data))) {
		list.sort((a, b) => a.startedAt - b.startedAt);
		const created = list.map(({ id }) => ulidTime(id)).sort((a, b) => a - b);
		const starts = list.map(({ startedAt }, n) => {
			return { seen: startedAt, earliest: Math.max(server.before(startedAt, LATE_MS), created[n]) };
		});
		const place = impossibleStart(starts, rule, (at) => server.lastAlive(at), slack);
		const around = () => list.slice(Math.max(0, place - 3), place + 9).map(({ id, startedAt }) => [id, startedAt]);
		checks.expect("throttle", place < 0, () => `${kind.slug} ${key}, ${place} of ${list.length}: ${JSON.stringify(around())}`);
	}
}

// ---- singletons (04 §A10) --------------------------------------------------------------------------------------------

function judgeSingleton({ facts, checks, slack }, kind) {
	const { slug } = kind;
	const one = (run) => singletonOf(kind, facts.firstEvent(run).data);
	const runs = (facts.runsOf.get(slug) ?? []).filter(one);
	const cancels = kind.config.singleton.mode === "cancel";
	for (const [key, list] of groupBy(runs, (run) => one(run).identity)) {
		for (const [n, run] of list.entries()) {
			const next = list[n + 1];
			const alone = next === undefined || run.ended <= next.at + slack;
			checks.expect("singleton", alone, () => `${key}: ${JSON.stringify(run)} and ${JSON.stringify(next)}`);
			if (run.status !== "Cancelled") continue;
			const replaced = cancels && next !== undefined && Math.abs(next.at - run.ended) <= slack;
			checks.expect("singleton", replaced, () => `${key}: nothing takes the place of ${JSON.stringify(run)}, ${JSON.stringify(next)}`);
		}
	}
	for (const end of facts.outcomesOf.get(slug) ?? []) {
		if (end.outcome !== "Skipped") continue;
		const holder = runs.find(({ id }) => id === end.other);
		const same = holder && one(holder).identity === singletonOf(kind, facts.events.get(end.event).data)?.identity;
		const fine = same && !cancels && holder.at <= end.at + slack && holder.ended >= end.at - slack;
		checks.expect("singleton", fine === true, () => `${JSON.stringify(end)} because of ${JSON.stringify(holder)}`);
	}
}

// ---- order (04 §A9, §A15) --------------------------------------------------------------------------------------------

// A run that had waited for long goes before those that come after it in the order.
function judgeOrder({ ledger, server, checks, slack }, kind) {
	const [limit] = [kind.config.concurrency].flat();
	const runs = [...ledger.runs.values()].filter((run) => run.kind === kind && run.calls > 0);
	for (const [key, list] of groupBy(runs, ({ data }) => keyText(limit.key, data))) {
		const all = list.map(({ id, data, startedAt }) => {
			const created = ulidTime(id);
			return { id, created, startedAt, score: created - kind.factor(data) * 1_000, since: server.before(startedAt, LATE_MS) };
		});
		for (const run of all) {
			const passed = all.find((one) => one.score < run.score - slack && one.created < run.since && one.startedAt > run.startedAt);
			checks.expect("order", !passed, () => `${kind.slug} ${key}: ${JSON.stringify(run)} before ${JSON.stringify(passed)}`);
		}
	}
}
