// People who stop runs: by an event, one by one, or many at a time.
const SOME_TIME_MS = [0, 2_500]; // so that kills fall into it
export const STOP = "crash/halt";

// The event that the runs' function names in cancelOn; the run was there when its own event was acknowledged.
export async function sendStop(people, { id: key }) {
	await people.occasion("stop", ...SOME_TIME_MS);
	await people.send({ id: `stop-${key}`, name: STOP, data: { key } }, "stop");
	people.ledger.stopped(key);
}

// The acknowledged event may be a repetition, and have no run: then the app sees the run of the first.
async function runOf(people, event, internalId) {
	const [shown] = (await people.read(`/v1/events/${internalId}/runs`)) ?? [];
	if (shown) return shown.run_id;
	const what = () => `event ${event.id} has a run`;
	const called = await people.until(what, () => people.ledger.runOfEvent.get(event.id));
	return called?.id;
}

export async function deleteRun(people, event, internalId) {
	await people.occasion("cancel", ...SOME_TIME_MS);
	const id = await runOf(people, event, internalId);
	if (id === undefined) return;
	if (people.random.chance(0.5)) await people.insist("cancel", `/v1/runs/${id}`, { method: "DELETE" });
	else await cancelV2(people, id);
	people.ledger.stopped(event.id);
}

// 409 says that it is over, which it may be by an earlier request whose answer was lost.
async function cancelV2(people, id) {
	const fine = ({ status, json }) => status === 200 || (status === 409 && /^run_already_/.test(json?.errors?.[0]?.code));
	await people.insist("cancel", `/api/v2/runs/${id}/cancel`, { method: "POST", body: {} }, fine);
}

// The last of a group to be acknowledged has all of it cancelled. What is left of it is cancelled bit by bit.
export async function bulkOfMany(people, event) {
	const { group } = event.data;
	const whole = people.traffic.events.filter(({ name, data }) => name === event.name && data.group === group);
	const there = people.arrived(`group ${group}`, event.id);
	if (there < whole.length) return;
	await people.occasion("bulk", ...SOME_TIME_MS);
	const condition = `event.data.group == ${group}`;
	const body = { app_id: "crash", function_id: "crash-bulk", started_before: new Date().toISOString(), if: condition };
	await people.insist("bulk", "/v1/cancellations", { method: "POST", body });
	for (const { id } of whole) people.ledger.stopped(id, true);
}
