// Asking for traces, and telling them in lines: name, status, step op or type, attempts, whether there is a duration, an
// output, metadata, and the status of the app's reply.
import assert from "node:assert/strict";

// The only run of an event: begun, ended, cancelled.
export const begun = async (server, event) => (await server.runsStarted(event))[0];

export async function ended(server, event, status = "Completed") {
	const [run] = await server.runsEnded(event);
	assert.equal(run.status, status, JSON.stringify(run));
	return run;
}

export async function cancel(server, run) {
	const { status } = await server.request(`/v1/runs/${run.run_id}`, { method: "DELETE" });
	assert.equal(status, 200);
}

export async function ask(server, query, variables = {}) {
	const { status, text, json } = await server.request("/v0/gql", {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: { query, variables },
	});
	assert.equal(status, 200, text);
	return json;
}

const FIELDS = `name status attempts duration spanID groupID isRoot queuedAt scheduledAt startedAt endedAt outputID stepID
	stepOp stepType response {statusCode headers} metadata {scope kind values}
	stepInfo {
		__typename
		... on SleepStepInfo {sleepUntil}
		... on WaitForEventStepInfo {eventName expression timeout foundEventID timedOut}
		... on WaitForSignalStepInfo {signal timedOut}
		... on InvokeStepInfo {triggeringEventID functionID timeout returnEventID runID timedOut}
		... on RunStepInfo {type}
	}`;
const DEPTH = 4;
const nested = (depth) => (depth === 0 ? FIELDS : `${FIELDS} childrenSpans {${nested(depth - 1)}}`);

export async function treeOf(server, id, preview = true) {
	const query = `query($id: String!, $preview: Boolean) {run(runID: $id) {trace(preview: $preview) {${nested(DEPTH)}}}}`;
	const { data, errors } = await ask(server, query, { id, preview });
	assert.equal(errors, undefined, JSON.stringify(errors));
	return data.run.trace;
}

export async function outputOf(server, id) {
	const { data, errors } = await ask(server, `query($id: String!) {
		runTraceSpanOutputByID(outputID: $id) {input data error {message name stack cause}}
	}`, { id });
	assert.equal(errors, undefined, JSON.stringify(errors));
	return data.runTraceSpanOutputByID;
}

function metadata(span) {
	const requests = span.metadata.filter(({ scope }) => scope === "request").map(({ kind }) => kind);
	const rest = span.metadata.filter(({ scope }) => scope !== "request").map(({ scope, kind }) => `${scope} ${kind}`);
	// A step may have those of several requests that are not shown themselves.
	assert.deepEqual(requests, Array(requests.length / 2).fill(["inngest.http.timing", "inngest.timing"]).flat());
	return [...(requests.length > 0 ? ["md(req)"] : []), ...rest.map((text) => `md(${text})`)];
}

export function tell(span, indent = "") {
	const words = [
		span.name,
		span.status,
		...(span.stepOp ? [span.stepOp] : []),
		...(span.stepType && span.stepType !== span.stepOp ? [span.stepType] : []),
		...(span.attempts > 0 ? [`attempts${span.attempts}`] : []),
		...(span.duration !== null ? ["dur"] : []),
		...(span.outputID ? ["out"] : []),
		...metadata(span),
		...(span.response ? [String(span.response.statusCode)] : []),
	];
	return [`${indent}${words.join(" ")}`, ...(span.childrenSpans ?? []).map((child) => tell(child, `${indent}  `))].join("\n");
}
