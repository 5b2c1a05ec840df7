// People who send what runs wait for.
import { pause } from "./support.mjs";

const SOME_TIME_MS = [0, 2_500]; // so that kills fall into it
const EAGER_PAUSE_MS = [10, 300];
const LATE_MS = [-400, 200]; // around the end of the wait
export const REPLY = "crash/reply";

const over = (run, stepId) => run.memos.has(stepId) || run.completed;

// One event that the run waits for, under a fresh id.
async function reply(people, run, number) {
	const { key } = run.data;
	const event = { id: `reply-${key}-${number}`, name: REPLY, data: { key, number } };
	const text = JSON.stringify(event);
	run.sent.add(text);
	await people.send(event, "reply");
	return text;
}

export async function sendReplies(people, run, stepId) {
	const { manner } = run.data;
	if (manner === "never") return;
	if (manner !== "late" && people.random.chance(0.6)) await people.occasion("reply", ...SOME_TIME_MS);
	if (manner === "eager") {
		for (let number = 1; !over(run, stepId); number++) {
			await reply(people, run, number);
			await people.rest(...EAGER_PAUSE_MS);
		}
		return;
	}
	if (!(await people.untilWaiting(run, stepId))) return;
	const end = run.waiting.at + run.waiting.ms;
	if (manner === "late") await pause(Math.max(0, end - Date.now() + people.random.between(...LATE_MS)));
	else if (people.random.chance(0.5)) await people.occasion("reply", ...SOME_TIME_MS);
	const text = await reply(people, run, 1);
	if (Date.now() < end) heard(people, run, text); // it was handled while the wait was there
}

// From now on the run can have got nothing else.
function heard(people, run, text) {
	run.heard = text;
	const same = run.got === null || run.got === text;
	people.checks.expect("wait", same, () => `run ${run.id}: got ${run.got}, but ${text} was acknowledged`);
}

// Signals are not kept: who comes too early hears 404, and tries again. All tries differ.
export async function sendSignals(people, run, stepId) {
	const { manner, key } = run.data;
	if (manner === "never") return;
	if (manner !== "late" && people.random.chance(0.6)) await people.occasion("signal", ...SOME_TIME_MS);
	const early = manner === "eager" || people.random.chance(0.5);
	if (!early && !(await people.untilWaiting(run, stepId))) return;
	const end = run.waiting ? run.waiting.at + run.waiting.ms : 0;
	if (manner === "late") await pause(Math.max(0, end - Date.now() + people.random.between(...LATE_MS)));
	for (let number = 1; !over(run, stepId); number++) {
		const body = { signal: `signal ${key}`, data: { key, number } };
		run.sent.add(JSON.stringify({ data: { data: body.data, signal: body.signal } }));
		const answer = await people.ask("signal", "/v1/signals", { method: "POST", body });
		if (answer?.status === 200) return takeNote(people, run, body, answer);
		const later = answer === null || answer.status === 404 || answer.status === 503;
		people.checks.expect("accept", later, () => `POST /v1/signals: ${answer.status} ${answer.text}`);
		await people.rest(5, 60);
	}
}

function takeNote(people, run, { signal, data }, answer) {
	const meant = answer.json?.data?.run_id === run.id;
	people.checks.expect("accept", meant, () => `run ${run.id}: its signal was answered with ${answer.text}`);
	heard(people, run, JSON.stringify({ data: { data, signal } }));
}
