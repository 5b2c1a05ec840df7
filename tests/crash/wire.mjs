// What the SDKs answer to a call, without the SDKs: the pieces of which the functions of the app are made.
import { createHash } from "node:crypto";

export const DISCOVERY = "step";

function hash(id) {
	return createHash("sha1").update(id).digest("hex");
}

export function step(name) {
	return { name, id: hash(name) };
}

export const steps = (...names) => names.map(step);

export const ops = (...list) => ({ status: 206, body: list });
export const result = (value) => ({ status: 200, body: value });
export const complete = (value) => ops({ op: "RunComplete", id: hash("complete"), data: value });
export const failure = (message) => ({ status: 500, body: { name: "Error", message, stack: `Error: ${message}` } });

// An opcode of a step that the server takes over. `name` is what the SDKs put there: an event, a duration.
export function opcode(op, { id, name: displayName }, opts = {}, name = displayName) {
	return { op, id, name, displayName, opts, data: null };
}

// Runs a step now; `data` is unlike that of any other execution of it.
export function execute({ run, ledger }, { id, name }) {
	return { op: "StepRun", id, name, displayName: name, opts: {}, data: ledger.produce(run, id, name) };
}

export function firstMissing({ body }, list) {
	return list.find(({ id }) => !(id in body.steps) || body.steps[id]?.input);
}

export function valuesOf({ body }, list) {
	return list.map(({ id }) => body.steps[id]?.data ?? body.steps[id]);
}

// What the run returns; the ledger knows then that it may be Completed, with this output.
export function output({ run, kind, ledger }, values) {
	const value = { event: run.eventId, function: kind.name, values };
	ledger.answered(run, value);
	return value;
}
