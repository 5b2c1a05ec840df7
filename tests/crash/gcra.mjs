// The generic cell rate algorithm (04 §A6, §A11): `burst` + 1 at once, then one per `spacing` ms. Times conform to it when
// any two of them, n apart in the list, are (n - burst) * spacing apart.

// What a setting of so many per period comes to.
export const rateRule = ({ limit, period }) => ({ spacing: milliseconds(period) / limit, burst: Math.floor(limit / 10) });
export const throttleRule = ({ limit, period, burst = 0 }) => ({ spacing: milliseconds(period) / limit, burst: limit + burst - 1 });

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

// Durations as the functions of this test have them: one number, one unit.
export function milliseconds(text) {
	const [, number, unit] = text.match(/^([\d.]+)([a-z]+)$/);
	return number * UNITS[unit];
}

// The theoretical arrival time after these, ascending.
export function arrivalAfter(times, { spacing }) {
	return times.reduce((arrival, time) => Math.max(arrival, time) + spacing, -Infinity);
}

// Starts of which each was made when it was `seen`, or earlier, but not before its `earliest`: the latest conforming times
// at which they can have been made; ends with the first, going back, that cannot. `settle` puts a time back to one that
// can be. Exact when they were seen in the order in which they were made: what it finds is never earlier than the truth.
export function impossibleStart(starts, { spacing, burst }, settle, slackMs) {
	const made = [];
	for (let i = starts.length - 1; i >= 0; i--) {
		const bounds = made.map((later, n) => later - Math.max(0, n + 1 - burst) * spacing);
		const time = settle(Math.min(starts[i].seen, ...bounds));
		if (time < starts[i].earliest - slackMs) return i;
		made.unshift(time);
	}
	return -1;
}
