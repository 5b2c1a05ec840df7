// Events that are gathered before a run begins: each debounce and each batch is what it should be.
import { milliseconds } from "./gcra.mjs";
import { isBatched, keyText } from "./settings.mjs";
import { groupBy } from "./support.mjs";

// ---- debounces (04 §A7) ----------------------------------------------------------------------------------------------

export function judgeDebounces(court, kind) {
	const { facts, traffic, checks } = court;
	const { key } = kind.config.debounce;
	// An event without a time of its own has that at which it came, but of one that was sent twice only the first is known.
	const isLater = (winner, lost) => winner.ts >= lost.ts || traffic.sentTwice.has(winner.sentAs);
	const outcomes = (name) => (facts.outcomesOf.get(kind.slug) ?? []).filter(({ outcome }) => outcome === name);
	const ends = [...(facts.runsOf.get(kind.slug) ?? []), ...outcomes("Skipped"), ...outcomes("Duplicate")];
	const windows = ends.map((end) => windowOf(court, end));
	const losses = outcomes("Debounced");
	for (const loss of losses) {
		const lost = facts.events.get(loss.event);
		const window = findWindow(loss, losses, windows);
		const same = window && keyText(key, window.winner.data) === keyText(key, lost.data);
		const fine = same && isLater(window.winner, lost);
		if (fine) window.events.push(lost);
		const what = () => `${JSON.stringify(loss)}, ${JSON.stringify(lost)}: ${JSON.stringify(window)}`;
		checks.expect("debounce", fine === true, () => `${kind.slug}: ${what()}`);
	}
	judgeWindows(court, kind, windows);
}

// What begins at the end of a window: a run, one that is skipped, or none because the event has had one before.
function windowOf({ facts }, end) {
	const winner = facts.events.get(end.outcome ? end.event : end.events[0]);
	return { winner, events: [winner], fired: end.at };
}

// The window in which an event gave way to another, which perhaps gave way itself, and so on. What was sent twice may be
// in several windows: what happened to it next is meant.
function findWindow(loss, losses, windows) {
	for (let one = loss; one; ) {
		const { other, at } = one;
		const won = windows.filter(({ winner, fired }) => winner.id === other && fired >= at).sort((a, b) => a.fired - b.fired)[0];
		one = losses.find(({ event }, n) => event === other && n > losses.indexOf(one));
		if (won && !(one?.at < won.fired)) return won;
	}
	return undefined;
}

// None ends before its time, and none begins before the time of the one before it. When an event was taken is not known
// exactly: after it was received, and before its sender was told; and not at all of those that were sent twice.
function judgeWindows({ traffic, checks, slack }, kind, windows) {
	const { period, timeout, key } = kind.config.debounce;
	const takenBy = ({ id, sentAs }) => (traffic.sentTwice.has(sentAs) ? Infinity : (traffic.heardOf.get(id)?.at ?? Infinity));
	for (const window of windows) {
		const first = Math.min(...window.events.map(({ at }) => at));
		window.due = Math.min(window.winner.at + milliseconds(period), timeout ? first + milliseconds(timeout) : Infinity);
	}
	for (const [, list] of groupBy(windows, ({ winner }) => keyText(key, winner.data))) {
		list.sort((a, b) => a.fired - b.fired);
		for (const [n, { events, due, fired }] of list.entries()) {
			const what = () => `${kind.slug}: ${JSON.stringify(list.slice(Math.max(0, n - 1), n + 1))}`;
			checks.expect("debounce", fired >= due - slack, () => `too early: ${what()}`);
			const apart = n === 0 || events.every((event) => takenBy(event) >= list[n - 1].due - slack);
			checks.expect("debounce", apart, () => `two windows at a time: ${what()}`);
		}
	}
}

// ---- batches (04 §A8) ------------------------------------------------------------------------------------------------

export function judgeBatches(court, kind) {
	const { facts, ledger, checks } = court;
	const { key } = kind.config.batchEvents;
	const all = (facts.runsOf.get(kind.slug) ?? []).map((run) => ({ run, events: run.events.map((id) => facts.events.get(id)) }));
	const batches = all.filter(({ events }) => isBatched(kind, events[0].data));
	for (const { run, events } of batches) {
		const ids = events.map(({ sentAs }) => sentAs);
		const same = JSON.stringify(ids) === JSON.stringify(ledger.run(run.id)?.batch);
		checks.expect("batch", same, () => `run ${run.id} has ${ids}, its app ${ledger.run(run.id)?.batch}`);
		judgeBatch(court, kind, run, events);
	}
	const doubles = batches.flatMap(({ run }) => run.events).filter((id, n, list) => list.indexOf(id) !== n);
	checks.expect("batch", doubles.length === 0, () => `${kind.slug}: more than once in batches: ${doubles}`);
	for (const [text, list] of groupBy(batches, ({ events }) => keyText(key, events[0].data))) {
		judgeArrival(court, `${kind.slug} ${text}`, list.flatMap(({ run }) => run.events));
	}
}

function judgeBatch({ checks, slack }, kind, run, events) {
	const { maxSize, timeout, key } = kind.config.batchEvents;
	const [first] = events;
	const alike = events.every(({ data }) => isBatched(kind, data) && keyText(key, data) === keyText(key, first.data));
	const due = events.length === maxSize || run.at >= first.at + milliseconds(timeout) - slack;
	const fine = alike && events.length <= maxSize && due;
	checks.expect("batch", fine, () => `${kind.slug}: ${JSON.stringify(run)}: ${JSON.stringify(events)}`);
}

// Events of one key, in the order in which their batches have them: what was acknowledged before another was sent comes
// before it, and so does what stood before it in one request.
function judgeArrival({ traffic, checks }, where, ids) {
	let latest;
	for (const id of ids) {
		const heard = traffic.heardOf.get(id);
		if (!heard) continue;
		const isTogether = heard.posted === latest?.posted; // in one request
		const isLate = heard.acknowledged < latest?.posted || (isTogether && heard.place < latest.place);
		checks.expect("arrival", !isLate, () => `${where}: ${id} ${JSON.stringify(heard)} comes after ${JSON.stringify(latest)}`);
		if (!latest || heard.posted > latest.posted || (isTogether && heard.place > latest.place)) latest = heard;
	}
}
