// People who have a run that is over repeated: all of it, from a step on, or from a step with new input.
const TIMES_MAX = 2;
const SOME_TIME_MS = [0, 1_500]; // so that kills fall into it

export async function rerunIt(people, run, list) {
	if (run.isRepeat) return; // ours
	if (!(await people.untilEnded(run))) return;
	for (let times = people.random.between(0, TIMES_MAX); times > 0; times--) {
		await people.occasion("rerun", ...SOME_TIME_MS);
		await rerun(people, run, list);
	}
}

async function rerun(people, root, list) {
	const { random, checks } = people;
	const from = random.chance(0.6) ? random.between(1, list.length - 1) : 0;
	const fromStep = { stepId: random.chance(0.5) ? list[from].id : list[from].name };
	if (from > 0 && random.chance(0.5)) fromStep.input = [{ given: `${root.eventId} ${from}` }];
	const body = from > 0 ? { fromStep } : {};
	// A request that was not answered may have begun a run.
	const answer = await people.insist("rerun", `/api/v2/runs/${root.id}/rerun`, { method: "POST", body }, undefined, () => {
		root.unheardReruns++;
	});
	const id = answer?.json?.data?.runId;
	if (!checks.expect("rerun", typeof id === "string", () => `rerun of ${root.id}: ${answer?.status} ${answer?.text}`)) return;
	checks.expect("rerun", !root.reruns.has(id) && id !== root.id, () => `rerun of ${root.id}: ${id} once more`);
	root.reruns.set(id, { kept: list.slice(0, from), made: list.slice(from) });
}

// When all is over: each has run, has kept what came before its first step, and made the rest anew.
export function judgeReruns(root, ledger, checks) {
	for (const [id, { kept, made }] of root.reruns) {
		const run = ledger.run(id);
		const same = (step) => run.memos.get(step.id)?.text === root.memos.get(step.id).text;
		const fine = run?.completed && kept.every(same) && !made.some(same);
		checks.expect("rerun", fine === true, () => `rerun ${id} of ${root.id}: ${run ? "not what it should be" : "never called"}`);
	}
	const most = root.reruns.size + root.unheardReruns;
	const enough = root.repeats >= root.reruns.size && root.repeats <= most;
	checks.expect("rerun", enough, () => `run ${root.id} was repeated ${root.repeats} times, not ${root.reruns.size} to ${most}`);
}
