// A client of the GraphQL API that checks each operation against the server's own schema before it sends it.
import assert from "node:assert/strict";

import { buildClientSchema, getIntrospectionQuery, parse, validate } from "graphql";

export const PATH = "/v0/gql";

export const post = (server, body, { path = PATH, type = "application/json", method = "POST" } = {}) =>
	server.request(path, { method, headers: { "content-type": type }, body });

const schemas = new WeakMap();

// The schema that the server tells when it is asked.
export async function schemaOf(server) {
	if (!schemas.has(server)) {
		const { json } = await post(server, { query: getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }) });
		assert.equal(json.errors, undefined, JSON.stringify(json.errors));
		schemas.set(server, buildClientSchema(json.data));
	}
	return schemas.get(server);
}

// Sends an operation, which has to be a valid one, and returns { data, errors }.
export async function ask(server, query, variables) {
	const problems = validate(await schemaOf(server), parse(query));
	assert.deepEqual(problems.map(({ message }) => message), []);
	const reply = await post(server, { query, variables });
	assert.equal(reply.status, 200, `${query}\n${reply.text}`);
	return reply.json;
}

// The same where nothing may go wrong: the data.
export async function query(server, text, variables) {
	const { data, errors } = await ask(server, text, variables);
	assert.equal(errors, undefined, `${text}\n${JSON.stringify(errors)}`);
	return data;
}

// The same where the first root field fails with this message.
export async function assertFails(server, text, variables, message) {
	const { errors } = await ask(server, text, variables);
	assert.ok(errors, `${text} did not fail`);
	if (message instanceof RegExp) assert.match(errors[0].message, message);
	else assert.equal(errors[0].message, message);
	assert.equal(errors[0].extensions, undefined);
	return errors[0];
}

export const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/;
export const since = () => new Date(Date.now() - 3_600_000).toISOString();

// ---- what is asked of functions and runs ---------------------------------------------------------------------------

export const CONFIGURATION = `configuration {
	cancellations { event timeout condition } retries { value isDefault } priority eventsBatch { maxSize timeout key }
	concurrency { scope key limit { value isPlanLimit } } rateLimit { limit period key } debounce { period key }
	throttle { burst key limit period } singleton { mode key }
}`;

export const RUN = `id appID app { id name } functionID function { slug } traceID queuedAt startedAt endedAt status sourceID triggerIDs
	eventName isBatch batchCreatedAt cronSchedule hasAI isDeferred defers { runID } siblingDefers { runID } deferredFrom { runID }`;
export const RUNS = `query ($first: Int! = 10, $after: String, $order: [RunsV2OrderBy!]! = [], $filter: RunsFilterV2!, $preview: Boolean) {
	runs(first: $first, after: $after, orderBy: $order, filter: $filter, preview: $preview) {
		edges { node { ${RUN} output } cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
	}
}`;
export const ONE = `query ($runID: String!) { run(runID: $runID) { ${RUN} output } }`;

export const functionId = async (server, slug) =>
	(await query(server, "query ($s: String!) { functionBySlug(query: { functionSlug: $s }) { id } }", { s: slug })).functionBySlug.id;

export const HISTORY = `id type attempt createdAt functionVersion groupID stepName stepType url cancel { eventID expression userID }
	result { durationMS errorCode framework platform sdkLanguage sdkVersion sizeBytes } sleep { until }
	waitForEvent { eventName expression timeout } waitResult { eventID timeout }
	invokeFunction { eventID functionID correlationID timeout } invokeFunctionResult { eventID timeout runID }`;
export const FUNCTION_RUN = `query ($q: FunctionRunQuery!) { functionRun(query: $q) {
	id functionID function { slug } workspace { id } event { id createdAt } events { id } batchID batchCreatedAt status
	waitingFor { eventName } pendingSteps startedAt finishedAt output eventID cron history { ${HISTORY} } } }`;
export const CANCEL = "mutation ($runID: ULID!) { cancelRun(runID: $runID) { id status } }";
export const RERUN = "mutation ($runID: ULID!, $fromStep: RerunFromStepInput) { rerun(runID: $runID, fromStep: $fromStep) }";
