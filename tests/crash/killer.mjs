// Ends the server again and again: at any time, and in the middle of what it is just doing.
import { once } from "node:events";

import { pause } from "./support.mjs";

// How long a start lives, as [share of the starts, from, to] in ms: while it starts, while it recovers, and at work.
const LIVES = [
	[0.2, 2, 40],
	[0.4, 40, 250],
	[0.4, 250, 1000],
];
// Many kills come when something certain has just been asked of the server, or has come from it, if that is soon; often
// a moment later, when it is at work on it.
const AT_A_MOMENT = 0.7;
const MOMENT_LIMIT_MS = 500;
const LATER = 0.8;
const LATER_MS = [0, 4];
const MOMENTS = [
	...["call", "answer", "end", "heard", "send", "checkpoint", "register", "tick"],
	...["StepRun", "StepPlanned", "Sleep", "WaitForEvent", "WaitForSignal", "InvokeFunction", "RunComplete"],
	...["reply", "signal", "stop", "cancel", "bulk", "rerun"],
	...["reply", "signal", "stop", "cancel", "bulk", "rerun"], // these are rare
	...["begin", "begin", "due", "due"],
];
// Now and then it stays away for a while: ticks and timeouts pass.
const AWAY_EVERY = 10;
const AWAY_MS = [1_100, 3_000];
const OWN_ENDS_MAX = 5;
const SENDING_SHARE = 0.9; // events keep coming until this share of the kills

function lifetime(random) {
	let draw = random.next();
	for (const [share, from, to] of LIVES) {
		if (draw < share) return random.between(from, to);
		draw -= share;
	}
	return LIVES.at(-1)[2];
}

// Whether something of this name happened in time.
async function wait(server, name) {
	server.wanted = name;
	const given = new AbortController();
	const timer = setTimeout(() => given.abort(), MOMENT_LIMIT_MS);
	try {
		await once(server.moments, name, { signal: given.signal });
		return true;
	} catch {
		return false;
	} finally {
		clearTimeout(timer);
		server.wanted = null;
	}
}

// Kills `kills` times and starts again each time. Gives up when the server ends by itself too often. Returns how many
// kills there were at each kind of moment.
export async function killAgainAndAgain({ server, traffic, random, kills }) {
	const hits = Object.fromEntries(MOMENTS.map((name) => [name, 0]));
	for (let n = 1; n <= kills && server.ends.length < OWN_ENDS_MAX; n++) {
		traffic.allowed = Math.ceil((traffic.events.length * n) / (kills * SENDING_SHARE));
		await pause(lifetime(random));
		if (random.chance(AT_A_MOMENT)) {
			const name = random.pick(MOMENTS);
			if (await wait(server, name)) hits[name]++;
			if (random.chance(LATER)) await pause(random.between(...LATER_MS));
		}
		await server.kill();
		if (n % AWAY_EVERY === AWAY_EVERY / 2) await pause(random.between(...AWAY_MS));
		server.start();
		if (n % 50 === 0) console.log(`${n} kills, ${traffic.acknowledged.length} events acknowledged`);
	}
	traffic.allowed = traffic.events.length;
	return hits;
}
