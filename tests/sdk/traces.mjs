// Asking for runs and their traces.
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

const FIELDS = `name status attempts duration spanID parentSpanID traceID groupID isRoot queuedAt scheduledAt startedAt endedAt
	outputID stepID stepOp stepType isUserland debugPaused skipReason skipExistingRunID response {statusCode headers}
	metadata {scope kind values}
	stepInfo {
		__typename
		... on SleepStepInfo {sleepUntil}
		... on WaitForEventStepInfo {eventName expression timeout foundEventID timedOut}
		... on WaitForSignalStepInfo {signal timeout timedOut}
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
