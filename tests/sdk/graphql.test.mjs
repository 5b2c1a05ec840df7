// The GraphQL API of dashboards and scripts (spec 06): transport, schema, and each query and mutation.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { buildSchema, lexicographicSortSchema, printSchema, validateSchema } from "graphql";

import {
	CANCEL, CONFIGURATION, FUNCTION_RUN, ONE, PATH, RERUN, RUNS, TIME, ULID, ask, assertFails, functionId, post, query, schemaOf, since,
} from "./graphql.mjs";
import { App, SDKS, V4, V4_PLAIN, freePort, sha1, suite, until } from "./harness.mjs";

const { each, once } = suite();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNKNOWN_RUN = "01JQDAE4RQF8MBCR55T5AK4KXS";
const UNKNOWN_UUID = "01234567-89ab-4cde-8f01-23456789abcd";
const NO_ROWS = "sql: no rows in result set";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

// ---- transport -----------------------------------------------------------------------------------------------------

const TYPENAME = "{ __typename }";

once("requests and their errors", async ({ server }) => {
	for (const path of [PATH, "/graphql"]) {
		const reply = await post(server, { query: TYPENAME }, { path, type: "application/json; charset=utf-8" });
		assert.deepEqual([reply.status, reply.json], [200, { data: { __typename: "Query" } }]);
		assert.equal(reply.headers.get("content-type"), "application/json");
		assert.equal(reply.headers.get("x-inngest-server-kind"), "dev");
		assert.deepEqual((await server.request(`${path}?query=${encodeURIComponent(TYPENAME)}`)).json, reply.json);
	}
	const get = (parameters) => server.request(`${PATH}?${new URLSearchParams(parameters)}`);
	const two = "query A($yes: Boolean!) { a: __typename @include(if: $yes) } query B { b: __typename }";
	assert.deepEqual((await get({ query: two, operationName: "B" })).json, { data: { b: "Query" } });
	assert.deepEqual((await get({ query: two, operationName: "A", variables: '{"yes":true}' })).json, { data: { a: "Query" } });
	assert.equal((await get({ query: two })).status, 422);
	assert.equal((await get({ query: two, operationName: "A", variables: "{" })).status, 400);
	const mutation = await get({ query: 'mutation { deleteAppByName(name: "x") }' });
	assert.deepEqual([mutation.status, mutation.json],
		[406, { errors: [{ message: "GET requests only allow query operations" }], data: null }]);
	const preflight = await server.request(PATH, { method: "OPTIONS" });
	assert.deepEqual([preflight.status, preflight.headers.get("allow")], [200, "OPTIONS, GET, POST"]);
	const page = await server.request("/v0/");
	assert.equal(page.status, 200);
	assert.match(page.headers.get("content-type"), /^text\/html/);
	assert.doesNotMatch(page.text, /https?:\/\//);
	assert.equal((await server.request("/v0")).text, page.text);
});

once("what is no request", async ({ server }) => {
	for (const options of [{ type: "text/plain" }, { type: "multipart/form-data; boundary=x" }, { method: "PUT" }, { method: "DELETE" }]) {
		const reply = await post(server, { query: TYPENAME }, options);
		assert.deepEqual([reply.status, reply.json], [400, { errors: [{ message: "transport not supported" }], data: null }]);
		assert.match(reply.headers.get("content-type"), /^text\/plain/);
	}
	for (const body of ["", "{", "null", "[]", `[{"query":"${TYPENAME}"}]`, '{"query":1}', '{"query":"{a}","variables":[]}']) {
		const reply = await post(server, body);
		assert.equal(reply.status, 400, body);
		assert.match(reply.json.errors[0].message, /^json request body could not be decoded: /);
		assert.equal(reply.json.data, null);
	}
	const wrong = async (body) => {
		const reply = await post(server, body);
		assert.equal(reply.status, 422, reply.text);
		assert.equal(reply.json.data, null);
		return reply.json.errors[0];
	};
	assert.equal((await wrong({ query: "" })).message, "no operation provided");
	const syntax = await wrong({ query: "{ apps { " });
	assert.equal(syntax.extensions.code, "GRAPHQL_PARSE_FAILED");
	assert.equal(syntax.locations.length, 1);
	const field = await wrong({ query: "{ apps { nope } }" });
	assert.deepEqual([field.message, field.extensions.code],
		['Cannot query field "nope" on type "App". Did you mean "name"?', "GRAPHQL_VALIDATION_FAILED"]);
	const variable = await wrong({
		query: "query Q($f: RunsFilterV2!) { runs(orderBy: [], filter: $f) { totalCount } }",
		variables: { f: { status: ["RUNNING"] } },
	});
	assert.deepEqual([variable.message, variable.path, variable.extensions.code],
		["must be defined", ["variable", "f", "from"], "GRAPHQL_VALIDATION_FAILED"]);
	assert.equal((await wrong({ query: `query A ${TYPENAME} query B ${TYPENAME}`, operationName: "C" })).message, "operation C not found");
	for (const literal of ['"x"', '"2026-01-01"', "1"]) {
		await wrong({ query: `{ runs(orderBy: [], filter: { from: ${literal} }) { totalCount } }` });
	}
	await wrong({ query: '{ app(id: "x") { id } }' });
	await wrong({ query: '{ eventV2(id: "x") { id } }' });
	await wrong({ query: "{ runs(orderBy: [], filter: { from: \"2026-01-01T00:00:00Z\", status: [DONE] }) { totalCount } }" });
});

once("queries by their hash", async ({ server }) => {
	const text = "{ hashed: __typename }";
	const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(text) } };
	const unknown = await post(server, { extensions });
	assert.deepEqual([unknown.status, unknown.json], [200, {
		errors: [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }], data: null,
	}]);
	const other = await post(server, { query: TYPENAME, extensions });
	assert.deepEqual([other.status, other.json.errors[0].message], [200, "provided APQ hash does not match query"]);
	assert.deepEqual((await post(server, { query: text, extensions })).json, { data: { hashed: "Query" } });
	assert.deepEqual((await post(server, { extensions })).json, { data: { hashed: "Query" } });
	const parameters = new URLSearchParams({ extensions: JSON.stringify(extensions) });
	assert.deepEqual((await server.request(`${PATH}?${parameters}`)).json, { data: { hashed: "Query" } });
	// A hundred others, and it is forgotten.
	for (let i = 0; i < 100; i++) {
		const query = `{ q${i}: __typename }`;
		await post(server, { query, extensions: { persistedQuery: { version: 1, sha256Hash: sha256(query) } } });
	}
	assert.equal((await post(server, { extensions })).json.errors[0].message, "PersistedQueryNotFound");
});

once("the schema is that of the reference server", async ({ server }) => {
	const schema = await schemaOf(server);
	assert.deepEqual(validateSchema(schema), []);
	const known = buildSchema(readFileSync(new URL("schema.graphql", import.meta.url), "utf8"));
	const types = (one) => printSchema(lexicographicSortSchema(one)).replace(/^("""[^"]*"""\n)?directive .*\n\n/gm, "");
	assert.equal(types(schema), types(known));
	const directives = schema.getDirectives().map(({ name }) => name);
	for (const name of ["include", "skip", "deprecated", "specifiedBy", "defer"]) assert.ok(directives.includes(name), name);
});

// ---- apps and functions --------------------------------------------------------------------------------------------

const APP = `id externalID name sdkLanguage sdkVersion framework url checksum error method appVersion connected functionCount
	autodiscovered functions { slug } sdkFeatureReadiness { aiMetadataExtraction { ready reason } extendedTraces { ready reason } }`;

const appNamed = async (server, name) => (await query(server, `{ apps { ${APP} } }`)).apps.find((app) => app.name === name);

each("apps", [V4], async ({ server, app, name }) => {
	const made = await app({ functions: [{ id: "one", event: `${name}/one`, handler: () => 1 }, { id: "two", event: `${name}/two`, handler: () => 2 }] });
	const found = await appNamed(server, name);
	assert.match(found.id, UUID);
	assert.match(found.checksum, /^[0-9a-f]{64}$/);
	const { id, checksum, functions, sdkFeatureReadiness, ...rest } = found;
	assert.deepEqual(functions.map(({ slug }) => slug).sort(), [`${name}-one`, `${name}-two`]);
	assert.deepEqual(rest, {
		externalID: name, name, sdkLanguage: "js", sdkVersion: "v4.24.0", framework: "nodejs", url: made.url,
		error: null, method: "SERVE", appVersion: "", connected: true, functionCount: 2, autodiscovered: false,
	});
	assert.deepEqual(Object.keys(sdkFeatureReadiness), ["aiMetadataExtraction", "extendedTraces"]);
	assert.deepEqual((await query(server, `query ($id: UUID!) { app(id: $id) { ${APP} } }`, { id })).app, found);
	const served = await query(server, "{ apps(filter: { method: SERVE }) { id } }");
	assert.ok(served.apps.some((one) => one.id === id));
	assert.deepEqual((await query(server, "{ apps(filter: { method: CONNECT }) { id } }")).apps, []);
	const error = await assertFails(server, "query ($id: UUID!) { app(id: $id) { id } }", { id: UNKNOWN_UUID }, NO_ROWS);
	assert.deepEqual(error.path, ["app"]);
});

each("functions", [V4], async ({ server, app, name }) => {
	const handler = () => 1;
	const made = await app({
		functions: [
			{ id: "plain", triggers: [{ event: `${name}/plain`, if: "event.data.n > 1" }, { cron: "0 4 1 1 *" }], handler },
			{
				id: "full", event: `${name}/full`, retries: 2, handler,
				concurrency: [{ limit: 3 }, { limit: 5, scope: "env", key: '"k"' }], priority: { run: "event.data.p" },
				throttle: { limit: 2, period: "1m", burst: 3 }, rateLimit: { limit: 4, period: "2h", key: "event.data.k" },
				cancelOn: [{ event: `${name}/stop`, if: "async.data.k == event.data.k", timeout: "1h" }],
				singleton: { mode: "skip", key: "event.data.k" }, onFailure: handler,
			},
			{ id: "batch", event: `${name}/batch`, batchEvents: { maxSize: 10, timeout: "5s" }, handler },
			{ id: "bounce", event: `${name}/bounce`, debounce: { period: "5s", key: "event.data.k" }, handler },
		],
	});
	const fields = `id name slug config url concurrency appID app { name } triggers { type value condition } failureHandler { slug } ${CONFIGURATION}`;
	const bySlug = async (id) => (await query(server, `query ($q: FunctionQuery!) { functionBySlug(query: $q) { ${fields} } }`,
		{ q: { functionSlug: `${name}-${id}` } })).functionBySlug;
	const plain = await bySlug("plain");
	assert.match(plain.id, UUID);
	assert.equal(plain.url, `${made.url}?fnId=${name}-plain&stepId=step`);
	assert.equal(plain.app.name, name);
	assert.equal(JSON.parse(plain.config).slug, `${name}-plain`);
	assert.deepEqual(plain.triggers, [
		{ type: "EVENT", value: `${name}/plain`, condition: "event.data.n > 1" },
		{ type: "CRON", value: "0 4 1 1 *", condition: null },
	]);
	assert.equal(plain.failureHandler, null);
	assert.equal(plain.concurrency, 0);
	assert.deepEqual(plain.configuration, {
		cancellations: [], retries: { value: 4, isDefault: true }, priority: null, eventsBatch: null,
		concurrency: [{ scope: "ACCOUNT", key: null, limit: { value: -1, isPlanLimit: true } }],
		rateLimit: null, debounce: null, throttle: null, singleton: null,
	});
	const full = await bySlug("full");
	assert.equal(full.concurrency, 3);
	assert.deepEqual(full.failureHandler, { slug: `${name}-full-failure` });
	assert.deepEqual(full.configuration, {
		cancellations: [{ event: `${name}/stop`, timeout: "1h", condition: "async.data.k == event.data.k" }],
		retries: { value: 2, isDefault: false }, priority: "event.data.p", eventsBatch: null,
		concurrency: [
			{ scope: "FUNCTION", key: null, limit: { value: 3, isPlanLimit: false } },
			{ scope: "ENVIRONMENT", key: '"k"', limit: { value: 5, isPlanLimit: false } },
		],
		rateLimit: { limit: 4, period: "2h", key: "event.data.k" }, debounce: null,
		throttle: { burst: 3, key: null, limit: 2, period: "1m0s" }, singleton: { mode: "SKIP", key: "event.data.k" },
	});
	assert.deepEqual((await bySlug("batch")).configuration.eventsBatch, { maxSize: 10, timeout: "5s", key: null });
	assert.deepEqual((await bySlug("bounce")).configuration.debounce, { period: "5s", key: "event.data.k" });
	const all = (await query(server, "{ functions { slug app { id name } } }")).functions;
	assert.deepEqual(all.filter((one) => one.app.name === name).map(({ slug }) => slug).sort(),
		["batch", "bounce", "full", "full-failure", "plain"].map((id) => `${name}-${id}`));
	await assertFails(server, "{ functionBySlug(query: { functionSlug: \"nothing\" }) { id } }", undefined, NO_ROWS);
});

// ---- runs ----------------------------------------------------------------------------------------------------------

each("a run", SDKS, async ({ server, app, name }) => {
	const handler = async ({ event, step }) => ({ done: true, n: await step.run("double", () => event.data.n * 2) });
	await app({ functions: [{ id: "run", event: `${name}/go`, handler }] });
	const { run_id: runID, event_id: eventId } = await server.runOf({ name: `${name}/go`, data: { n: 2 } }, "Completed");
	const { run } = await query(server, ONE, { runID });
	const { app: of, appID, functionID, traceID, queuedAt, startedAt, endedAt, output, ...rest } = run;
	assert.deepEqual(rest, {
		id: runID, function: { slug: `${name}-run` }, status: "COMPLETED", sourceID: null, triggerIDs: [eventId],
		eventName: `${name}/go`, isBatch: false, batchCreatedAt: null, cronSchedule: null, hasAI: false, isDeferred: false,
		defers: [], siblingDefers: [], deferredFrom: [],
	});
	assert.deepEqual(of, { id: appID, name });
	assert.match(functionID, UUID);
	assert.match(traceID, /^[0-9a-f]{32}$/);
	for (const time of [queuedAt, startedAt, endedAt]) assert.match(time, TIME);
	assert.ok(Date.parse(queuedAt) <= Date.parse(startedAt) && Date.parse(startedAt) <= Date.parse(endedAt));
	assert.deepEqual(JSON.parse(output), { done: true, n: 4 });
	for (const preview of [null, true, false]) {
		const { runs } = await query(server, RUNS, { preview, filter: { from: since(), functionIDs: [functionID] } });
		assert.equal(runs.edges.length, 1);
		assert.equal(runs.totalCount, 1);
		const [{ node, cursor }] = runs.edges;
		assert.deepEqual({ ...node, output: null }, { ...run, output: null });
		assert.equal(node.output, preview === false ? output : null);
		assert.deepEqual(runs.pageInfo, { hasNextPage: false, hasPreviousPage: false, startCursor: cursor, endCursor: cursor });
	}
	const { runTrigger } = await query(server,
		"query ($runID: String!) { runTrigger(runID: $runID) { eventName IDs payloads timestamp isBatch batchID cron } }", { runID });
	assert.deepEqual({ ...runTrigger, payloads: [], timestamp: "" },
		{ eventName: `${name}/go`, IDs: [eventId], payloads: [], timestamp: "", isBatch: false, batchID: null, cron: null });
	const [payload] = runTrigger.payloads.map(JSON.parse);
	assert.deepEqual([payload.name, payload.data, Object.keys(payload)], [`${name}/go`, { n: 2 }, ["id", "name", "data", "ts"]]);
	assert.match(runTrigger.timestamp, TIME);
});

once("runs that are not there", async ({ server }) => {
	const runID = UNKNOWN_RUN;
	for (const field of ["run { id }", "runTrigger { IDs }", "runTrace { name }"]) {
		const text = `query ($runID: String!) { ${field.replace(" {", "(runID: $runID) {")} }`;
		await assertFails(server, text, { runID: "x" }, "error parsing runID: ulid: bad data size when unmarshaling");
		await assertFails(server, text, { runID }, field.startsWith("runTrace ")
			? "error retrieving trace: no root span found for run 00000000000000000000000000"
			: `error retrieving run: ${NO_ROWS}`);
	}
	const failed = await ask(server, "query ($runID: String!) { run(runID: $runID) { id } }", { runID });
	assert.deepEqual(failed, { errors: [{ message: `error retrieving run: ${NO_ROWS}`, path: ["run"] }], data: { run: null } });
	const bubbled = await ask(server, "query ($runID: String!) { runTrigger(runID: $runID) { IDs } }", { runID });
	assert.equal(bubbled.data, null);
});

each("pages of runs", [V4], async ({ server, app, name }) => {
	const handler = ({ event }) => {
		if (event.data.fails) throw new Error("no luck");
		return event.data.n;
	};
	await app({ functions: [{ id: "many", event: `${name}/go`, retries: 0, handler }] });
	const made = [];
	for (let n = 0; n < 7; n++) made.push((await server.runOf({ name: `${name}/go`, data: { n, fails: n === 3 } })).run_id);
	const functionIDs = [await functionId(server, `${name}-many`)];
	const orders = ["QUEUED_AT", "STARTED_AT", "ENDED_AT"].flatMap((field) => ["ASC", "DESC"].map((direction) => ({ field, direction })));
	for (const preview of [true, false]) {
		for (const order of [[], ...orders.map((one) => [one]), orders.slice(0, 4)]) {
			const seen = [];
			let after = null;
			for (let page = 0; page < 4; page++) {
				const { runs } = await query(server, RUNS, { first: 3, after, order, preview, filter: { from: since(), functionIDs } });
				assert.equal(runs.totalCount, 7);
				assert.equal(runs.edges.at(-1)?.cursor ?? null, runs.pageInfo.endCursor);
				seen.push(...runs.edges.map(({ node }) => node.id));
				after = runs.pageInfo.endCursor;
				if (!runs.pageInfo.hasNextPage) break;
			}
			const ascending = (order[0]?.direction ?? (preview ? "DESC" : "ASC")) === "ASC";
			assert.deepEqual(seen, ascending ? made : [...made].reverse(), JSON.stringify({ preview, order }));
		}
	}
	const list = async (filter, rest) => (await query(server, RUNS, { filter: { from: since(), functionIDs, ...filter }, ...rest })).runs;
	assert.deepEqual((await list({ status: ["FAILED"] })).edges.map(({ node }) => node.id), [made[3]]);
	assert.equal((await list({ status: ["COMPLETED"] })).totalCount, 6);
	assert.equal((await list({ status: ["SKIPPED"] })).totalCount, 7);
	assert.equal((await list({ status: ["RUNNING", "QUEUED", "CANCELLED"] })).totalCount, 0);
	assert.equal((await list({ isDeferred: false })).totalCount, 7);
	assert.equal((await list({ isDeferred: true })).totalCount, 0);
	assert.equal((await list({ from: new Date(Date.now() + 60_000).toISOString() })).totalCount, 0);
	assert.equal((await list({ until: since() })).totalCount, 0);
	assert.equal((await list({ timeField: null })).totalCount, 7);
	assert.equal((await list({ functionIDs: [UNKNOWN_UUID] })).totalCount, 0);
	assert.equal((await list({ functionIDs: [], appIDs: [UNKNOWN_UUID] })).totalCount, 0);
	const { app: of } = (await list({})).edges[0].node;
	assert.equal((await list({ functionIDs: null, appIDs: [of.id] })).totalCount, 7);
	assert.equal((await list({}, { after: "nonsense" })).edges.length, 7);
	assert.deepEqual((await list({}, { first: 0 })).edges.length, 7);
	// Search.
	assert.deepEqual((await list({ query: "event.data.n == 5\n\n" })).edges.map(({ node }) => node.id), [made[5]]);
	assert.deepEqual((await list({ query: 'error.message == "no luck"' })).edges.map(({ node }) => node.id), [made[3]]);
	assert.equal((await list({ query: `event.name == "${name}/go" && event.data.n < 2` })).totalCount, 2);
	await assertFails(server, RUNS, { filter: { from: since(), query: "size(event.data) == 1" } }, "error retrieving runs: invalid syntax detected");
	await assertFails(server, RUNS, { filter: { from: since(), query: "event.data.k" } }, "error retrieving runs: macros are currently not supported");
});

each("a failed run", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const handler = () => {
		throw new TypeError("no way");
	};
	await app({ functions: [{ id: "fails", event: `${name}/go`, retries: 0, handler }] });
	const { run_id: runID } = await server.runOf({ name: `${name}/go` }, "Failed");
	const { run } = await query(server, ONE, { runID });
	assert.equal(run.status, "FAILED");
	assert.equal(JSON.parse(run.output).message, "no way");
	assert.match(run.endedAt, TIME);
});

// ---- traces --------------------------------------------------------------------------------------------------------

const SPAN = `appID functionID runID spanID traceID groupID name status attempts duration outputID queuedAt scheduledAt startedAt
	endedAt stepOp stepID stepType isRoot parentSpanID isUserland userlandSpan { spanName } debugRunID debugPaused skipReason
	metadata { scope kind values updatedAt } response { statusCode headers }
	stepInfo { __typename ... on SleepStepInfo { sleepUntil } ... on RunStepInfo { type }
		... on WaitForEventStepInfo { eventName expression timeout foundEventID timedOut }
		... on InvokeStepInfo { triggeringEventID functionID timeout returnEventID runID timedOut }
		... on WaitForSignalStepInfo { signal timeout timedOut } }`;
const TREE = `${SPAN} childrenSpans { ${SPAN} childrenSpans { ${SPAN} childrenSpans { name } } }`;
const OUTPUT = `query ($id: String!) { runTraceSpanOutputByID(outputID: $id) { input data error { message name stack cause } } }`;
const outputOf = async (server, id) => (await query(server, OUTPUT, { id })).runTraceSpanOutputByID;

each("the trace of a run", SDKS, async ({ server, sdk, app, name }) => {
	const handler = async ({ step }) => {
		const one = await step.run("one", () => ({ b: 2, a: 1 }));
		await step.sleep("nap", "10ms");
		const event = await step.waitForEvent("wait", { event: `${name}/never`, timeout: "1ms" });
		return { one, event };
	};
	await app({ functions: [{ id: "traced", event: `${name}/go`, handler }] });
	const { run_id: runID } = await server.runOf({ name: `${name}/go`, data: { k: 1 } }, "Completed");
	const { runTrace } = await query(server, `query ($runID: String!) { runTrace(runID: $runID) { ${TREE} } }`, { runID });
	const { run } = await query(server, `query ($runID: String!) { run(runID: $runID) { traceID trace(preview: true) { ${TREE} } } }`, { runID });
	assert.deepEqual(run.trace, runTrace);
	assert.deepEqual([runTrace.isRoot, runTrace.status, runTrace.runID, runTrace.traceID], [true, "COMPLETED", runID, run.traceID]);
	const steps = runTrace.childrenSpans.filter(({ stepID }) => stepID === sha1("one"));
	assert.equal(steps.length, sdk.checkpoints ? 1 : 2);
	const step = steps.at(-1);
	assert.deepEqual([step.name, step.status, step.stepOp, step.attempts], ["one", "COMPLETED", "RUN", 0]);
	assert.deepEqual(JSON.parse((await outputOf(server, step.outputID)).data), { a: 1, b: 2 });
	const nap = runTrace.childrenSpans.find(({ stepOp }) => stepOp === "SLEEP");
	assert.deepEqual([nap.name, nap.status, nap.stepInfo.__typename], ["nap", "COMPLETED", "SleepStepInfo"]);
	const wait = runTrace.childrenSpans.find(({ stepOp }) => stepOp === "WAIT_FOR_EVENT");
	assert.deepEqual([wait.stepInfo.eventName, wait.stepInfo.timedOut, wait.stepInfo.foundEventID], [`${name}/never`, true, null]);
	const { input, data } = await outputOf(server, runTrace.outputID);
	assert.deepEqual(JSON.parse(input)[0].data, { k: 1 });
	assert.deepEqual(JSON.parse(data).one, { a: 1, b: 2 });
	// The older tree, which is what `trace` gives when nothing is said.
	const older = (await query(server, `query ($runID: String!) { run(runID: $runID) { trace { ${TREE} } } }`, { runID })).run.trace;
	assert.deepEqual([older.name, older.status, older.parentSpanID, older.isRoot], [`${name}-traced`, "COMPLETED", null, true]);
	const named = older.childrenSpans.find((span) => span.name === "one");
	assert.deepEqual(JSON.parse((await outputOf(server, named.outputID)).data), { a: 1, b: 2 });
	const spanRun = await query(server, "query ($runID: String!) { runTrace(runID: $runID) { run { id status } } }", { runID });
	assert.deepEqual(spanRun.runTrace.run, { id: runID, status: "COMPLETED" });
});

each("the trace of a failed step", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const handler = ({ step }) => step.run("bad", () => {
		throw new RangeError("too far", { cause: "a cause" });
	});
	await app({ functions: [{ id: "bad", event: `${name}/go`, retries: 0, handler }] });
	const { run_id: runID } = await server.runOf({ name: `${name}/go` }, "Failed");
	const { runTrace } = await query(server, `query ($runID: String!) { runTrace(runID: $runID) { ${TREE} } }`, { runID });
	assert.equal(runTrace.status, "FAILED");
	const bad = runTrace.childrenSpans.find((span) => span.name === "bad");
	assert.equal(bad.status, "FAILED");
	const { data, error } = await outputOf(server, bad.outputID);
	assert.equal(data, null);
	assert.deepEqual([error.message, error.name], ["too far", "RangeError"]);
	assert.match(error.stack, /RangeError/);
});

each("the trace of a run under way", [V4_PLAIN], async ({ server, app, name }) => {
	const handler = async ({ step }) => {
		await step.run("first", () => 1);
		await step.sleep("long", "1h");
	};
	await app({ functions: [{ id: "sleeps", event: `${name}/go`, handler }] });
	const [id] = await server.send({ name: `${name}/go` });
	const [{ run_id: runID }] = await server.runsStarted(id);
	const text = `query ($runID: String!) { runTrace(runID: $runID) { ${TREE} } }`;
	const sleeping = async () => {
		const { runTrace } = await query(server, text, { runID });
		return runTrace.childrenSpans.some((span) => span.status === "WAITING") && runTrace;
	};
	const trace = await until(sleeping, "a sleep under way", server.timeoutMs);
	assert.deepEqual([trace.status, trace.endedAt], ["RUNNING", null]);
	const nap = trace.childrenSpans.find((span) => span.stepOp === "SLEEP");
	assert.deepEqual([nap.name, nap.endedAt, nap.duration], ["long", null, null]);
	const { run } = await query(server, ONE, { runID });
	assert.deepEqual([run.status, run.endedAt, run.output], ["RUNNING", null, null]);
	const { cancelRun } = await query(server, "mutation ($runID: ULID!) { cancelRun(runID: $runID) { id status finishedAt output } }", { runID });
	assert.deepEqual([cancelRun.id, cancelRun.status, cancelRun.output], [runID, "CANCELLED", "{}"]);
	assert.match(cancelRun.finishedAt, TIME);
	assert.equal((await query(server, text, { runID })).runTrace.status, "CANCELLED");
	assert.equal((await query(server, ONE, { runID })).run.output, null);
});

const id64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64");

once("output ids that are none", async ({ server }) => {
	await assertFails(server, OUTPUT, { id: "!" }, "error parsing span identifier: illegal base64 data at input byte 0");
	await assertFails(server, OUTPUT, { id: id64({ preview: true, rid: UNKNOWN_RUN }) }, "span ID or input span ID is required to retrieve output");
	await assertFails(server, OUTPUT, { id: id64({ preview: true, sid: "a" }) }, "run ID is required to retrieve span output");
	await assertFails(server, OUTPUT, { id: id64({ sid: "a" }) }, "traceID is required to retrieve output");
	await assertFails(server, OUTPUT, { id: id64({ tid: "a" }) }, "spanID is required to retrieve output");
	await assertFails(server, OUTPUT, { id: id64({ tid: "a", sid: "b" }) }, "no output found");
});

// ---- events --------------------------------------------------------------------------------------------------------

const EVENT = "envID id idempotencyKey name occurredAt raw receivedAt source { id } version runs { id status output }";
const EVENTS = `query ($first: Int! = 40, $after: String, $filter: EventsFilter!) { eventsV2(first: $first, after: $after, filter: $filter) {
	edges { node { ${EVENT} } cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`;

each("events", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "sees", event: `${name}/0`, handler: () => "seen" }] });
	const ids = [];
	for (let n = 0; n < 5; n++) {
		const [id] = await server.send({ name: `${name}/${n}`, data: { n }, ...(n === 1 && { id: `${name}-mine`, ts: 1700000000123, user: { u: 1 }, v: "2" }) });
		ids.push(id);
	}
	const [run] = await server.runsEnded(ids[0]);
	const eventNames = ids.map((_, n) => `${name}/${n}`);
	const list = async (filter, rest) => (await query(server, EVENTS, { filter: { from: since(), eventNames, ...filter }, ...rest })).eventsV2;
	const { edges, totalCount } = await list();
	assert.equal(totalCount, 5);
	assert.deepEqual(edges.map(({ node }) => node.id), [...ids].reverse());
	const [last] = edges.slice(-1);
	assert.deepEqual({ ...last.node, occurredAt: "", receivedAt: "", raw: "" }, {
		envID: "00000000-0000-0000-0000-000000000000", id: ids[0], idempotencyKey: ids[0], name: `${name}/0`, occurredAt: "", raw: "",
		receivedAt: "", source: null, version: "", runs: [{ id: run.run_id, status: "COMPLETED", output: '"seen"' }],
	});
	const raw = JSON.parse(last.node.raw);
	assert.deepEqual(Object.keys(raw), ["data", "id", "name", "ts", "v"]);
	assert.deepEqual([raw.data, raw.id, raw.v], [{ n: 0 }, ids[0], null]);
	assert.equal(Date.parse(last.node.occurredAt), raw.ts);
	const own = edges[3].node;
	assert.deepEqual([own.idempotencyKey, own.occurredAt, own.version], [`${name}-mine`, "2023-11-14T22:13:20.123Z", "2"]);
	assert.deepEqual(JSON.parse(own.raw).user, { u: 1 });
	assert.deepEqual((await query(server, `query ($id: ULID!) { eventV2(id: $id) { ${EVENT} } }`, { id: ids[1] })).eventV2, own);
	// Pages.
	const first = await list({}, { first: 3 });
	assert.deepEqual([first.pageInfo.hasNextPage, first.pageInfo.hasPreviousPage, first.totalCount], [true, false, 5]);
	const second = await list({}, { first: 3, after: first.pageInfo.endCursor });
	assert.deepEqual([second.pageInfo.hasNextPage, second.pageInfo.hasPreviousPage], [false, true]);
	assert.deepEqual([...first.edges, ...second.edges].map(({ node }) => node.id), [...ids].reverse());
	assert.equal((await list({}, { after: "" })).edges.length, 5);
	assert.equal((await list({ eventNames: [`${name}/2`] })).totalCount, 1);
	assert.equal((await list({ until: since() })).totalCount, 0);
	assert.equal((await list({ query: "event.data.n > 2" })).totalCount, 2);
	await assertFails(server, EVENTS, { after: "!", filter: { from: since() } }, /^error decoding eventsv2 cursor: /);
	await assertFails(server, EVENTS, { after: id64({ ID: "x" }), filter: { from: since() } }, /^error parsing eventsv2 cursor: /);
	await assertFails(server, "query ($id: ULID!) { eventV2(id: $id) { id } }", { id: UNKNOWN_RUN }, `event not found: ${UNKNOWN_RUN}`);
	const internal = async (includeInternalEvents) => (await query(server, EVENTS, { filter: { from: since(), includeInternalEvents } }))
		.eventsV2.edges.some(({ node }) => node.name.startsWith("inngest/"));
	assert.deepEqual([await internal(false), await internal(true)], [false, true]);
});

each("events and streams of older tools", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "a", event: `${name}/go`, handler: () => 1 }, {
		id: "b", event: `${name}/go`, retries: 0, handler: () => {
			throw new Error("b");
		},
	}] });
	const [eventId] = await server.send({ name: `${name}/go`, data: { k: 1 } });
	await server.runsEnded(eventId, 2);
	const [alone] = await server.send({ name: `${name}/alone` });
	const fields = "id externalID workspace { id } name createdAt payload schema status pendingRuns totalRuns raw functionRuns { id status output }";
	const one = async (id) => (await query(server, `query ($q: EventQuery!) { event(query: $q) { ${fields} } }`, { q: { eventId: id } })).event;
	const event = await one(eventId);
	assert.deepEqual([event.status, event.pendingRuns, event.totalRuns, event.externalID, event.schema], ["PARTIALLY_FAILED", 0, 2, eventId, null]);
	assert.deepEqual(JSON.parse(event.payload), { k: 1 });
	assert.equal(JSON.parse(event.raw).name, `${name}/go`);
	assert.deepEqual(event.functionRuns.map(({ status }) => status).sort(), ["COMPLETED", "FAILED"]);
	assert.deepEqual([(await one(alone)).status, (await one(alone)).functionRuns], ["NO_FUNCTIONS", null]);
	const { events } = await query(server, "{ events(query: {}) { id name } }");
	assert.ok(events.some(({ id }) => id === eventId));
	assert.ok(events.every((each) => !each.name.startsWith("inngest/")));
	for (const id of ["x", UNKNOWN_RUN]) await assertFails(server, "query ($q: EventQuery!) { event(query: $q) { id } }", { q: { eventId: id } }, NO_ROWS);
	const stream = async (q) => (await query(server,
		"query ($q: StreamQuery!) { stream(query: $q) { id trigger type createdAt inBatch runs { id functionID } } }", { q })).stream;
	const items = await stream({ limit: 400 });
	const item = items.find(({ id }) => id === eventId);
	assert.deepEqual([item.trigger, item.type, item.inBatch, item.runs.length], [`${name}/go`, "EVENT", false, 2]);
	assert.deepEqual(items.find(({ id }) => id === alone).runs, []);
	assert.ok(!items.some(({ trigger }) => trigger === "inngest/function.finished"));
	assert.equal((await stream({ limit: 1 })).length, 1);
	assert.ok(!(await stream({ before: eventId, limit: 400 })).some(({ id }) => id === eventId));
	assert.ok(!(await stream({ after: eventId, limit: 400 })).some(({ id }) => id === eventId));
	assert.ok((await stream({ includeInternalEvents: true, limit: 400 })).some(({ trigger }) => trigger === "inngest/function.finished"));
	await assertFails(server, "{ stream(query: { after: \"x\" }) { id } }", undefined, /ulid/);
});

// ---- the older form of runs ----------------------------------------------------------------------------------------

each("the history of a run", [V4_PLAIN], async ({ server, app, name }) => {
	const handler = async ({ step }) => {
		await step.run("one", () => 1);
		await step.sleep("nap", "10ms");
		await step.waitForEvent("wait", { event: `${name}/never`, timeout: "1ms" });
		await step.sendEvent("send", { name: `${name}/sent` });
		return "done";
	};
	const made = await app({ functions: [{ id: "old", event: `${name}/go`, handler }] });
	const { run_id: functionRunId, event_id: eventId } = await server.runOf({ name: `${name}/go` }, "Completed");
	const { functionRun: run } = await query(server, FUNCTION_RUN, { q: { functionRunId } });
	assert.deepEqual([run.id, run.function.slug, run.status, run.output, run.eventID], [functionRunId, `${name}-old`, "COMPLETED", '"done"', eventId]);
	assert.deepEqual([run.event.id, run.events, run.batchID, run.cron, run.pendingSteps, run.waitingFor], [eventId, [{ id: eventId }], null, null, 0, null]);
	const types = run.history.map(({ type }) => type);
	assert.deepEqual(types.slice(0, 2), ["FunctionScheduled", "FunctionStarted"]);
	assert.equal(types.at(-1), "FunctionCompleted");
	for (const type of ["StepScheduled", "StepStarted", "StepCompleted", "StepSleeping", "StepWaiting"]) assert.ok(types.includes(type), `${type}: ${types}`);
	for (const item of run.history) {
		assert.match(item.id, ULID);
		assert.equal(item.url, made.url);
		assert.equal(item.functionVersion, 1);
	}
	assert.equal(new Set(run.history.map(({ id }) => id)).size, types.length);
	const one = run.history.find((item) => item.type === "StepCompleted" && item.stepName === "one");
	assert.deepEqual([one.stepType, one.result.sdkLanguage, one.result.sdkVersion, one.attempt], ["Run", "js", "v4.24.0", 0]);
	assert.match(one.groupID, UUID);
	assert.ok(one.result.sizeBytes > 10 && one.result.sizeBytes < 1000, JSON.stringify(one.result)); // of the reply
	assert.ok(run.history.at(-1).result.sizeBytes >= '"done"'.length);
	assert.ok(run.history.find(({ type }) => type === "StepSleeping").sleep.until);
	assert.equal(run.history.find(({ type }) => type === "StepWaiting").waitForEvent.eventName, `${name}/never`);
	assert.deepEqual(run.history.find((item) => item.waitResult)?.waitResult, { eventID: null, timeout: true });
	const output = async (id) => (await query(server,
		"query ($q: FunctionRunQuery!, $id: ULID!) { functionRun(query: $q) { historyItemOutput(id: $id) } }", { q: { functionRunId }, id }))
		.functionRun.historyItemOutput;
	assert.match(await output(one.id), /1/);
	assert.match(await output(run.history.at(-1).id), /done/);
	assert.equal(await output(UNKNOWN_RUN), null);
});

once("older runs that are not there", async ({ server }) => {
	const text = "query ($id: ID!) { functionRun(query: { functionRunId: $id }) { id } }";
	await assertFails(server, text, { id: "" }, "function run id is required");
	await assertFails(server, text, { id: "x" }, /^invalid run ID: /);
	await assertFails(server, text, { id: UNKNOWN_RUN }, "not found");
});

// ---- workers, debugging --------------------------------------------------------------------------------------------

once("workers and debugging", async ({ server }) => {
	const { workerConnections } = await query(server, `query ($filter: ConnectV1WorkerConnectionsFilter!) {
		workerConnections(orderBy: [{ field: CONNECTED_AT, direction: DESC }], filter: $filter) {
			edges { node { id instanceId status app { name } } cursor } pageInfo { hasNextPage endCursor } totalCount } }`,
	{ filter: { from: since(), status: ["READY"], timeField: "LAST_HEARTBEAT_AT" } });
	assert.deepEqual(workerConnections, { edges: [], pageInfo: { hasNextPage: false, endCursor: null }, totalCount: 0 });
	await assertFails(server, "query ($id: ULID!) { workerConnection(connectionId: $id) { id } }", { id: UNKNOWN_RUN },
		`error retrieving worker connection: ${NO_ROWS}`);
	const { createDebugSession: session } = await query(server,
		'mutation { createDebugSession(input: { functionSlug: "x" }) { debugSessionID debugRunID } }');
	assert.match(session.debugSessionID, ULID);
	assert.match(session.debugRunID, ULID);
	const run = (id) => `{ debugRun(query: { functionSlug: "x"${id} }) { debugTraces { name } } }`;
	assert.equal((await query(server, run(""))).debugRun, null);
	assert.deepEqual((await query(server, run(`, debugRunID: "${session.debugRunID}"`))).debugRun, { debugTraces: [] });
	await assertFails(server, run(', debugRunID: "x"'), undefined, /^invalid debugRunID: /);
	const ofSession = (id) => `{ debugSession(query: { functionSlug: "x"${id} }) { debugRuns { status } } }`;
	assert.deepEqual((await query(server, ofSession(`, debugSessionID: "${session.debugSessionID}"`))).debugSession, { debugRuns: null });
	await assertFails(server, ofSession(""), undefined, "debug session not found");
});

// ---- mutations -----------------------------------------------------------------------------------------------------

const CREATE = "mutation ($url: String!) { createApp(input: { url: $url }) { id name url error } }";
const UPDATE = "mutation ($input: UpdateAppInput!) { updateApp(input: $input) { id name url } }";
const DELETE = "mutation ($id: String!) { deleteApp(id: $id) }";

each("apps by hand", [V4], async ({ server, app, name }) => {
	const made = await app({ functions: [{ id: "f", event: `${name}/go`, handler: () => 1 }], sync: false });
	const { createApp } = await query(server, CREATE, { url: made.url.replace("http://localhost", "127.0.0.1") });
	assert.deepEqual([createApp.name, createApp.url, createApp.error], [name, made.url, null]);
	await server.runOf({ name: `${name}/go` }, "Completed");
	const moved = (await query(server, UPDATE, { input: { id: createApp.id, url: "example.test:1/api" } })).updateApp;
	assert.deepEqual(moved, { id: createApp.id, name, url: "http://example.test:1/api" });
	await assertFails(server, UPDATE, { input: { id: UNKNOWN_UUID, url: "x" } }, NO_ROWS);
	await assertFails(server, UPDATE, { input: { id: "abc", url: "x" } }, "invalid UUID length: 3");
	assert.equal((await query(server, DELETE, { id: createApp.id })).deleteApp, createApp.id);
	assert.equal(await appNamed(server, name), undefined);
	const kept = await query(server, "query ($id: UUID!) { app(id: $id) { name } }", { id: createApp.id });
	assert.equal(kept.app.name, name);
	// Its function is not in the list of functions, and is found by its slug all the same.
	const bySlug = "query ($q: FunctionQuery!) { functionBySlug(query: $q) { slug app { name } } functions { slug } }";
	const { functionBySlug, functions } = await query(server, bySlug, { q: { functionSlug: `${name}-f` } });
	assert.deepEqual(functionBySlug, { slug: `${name}-f`, app: { name } });
	assert.equal(functions.some(({ slug }) => slug === `${name}-f`), false);
	assert.equal((await query(server, DELETE, { id: UNKNOWN_UUID })).deleteApp, UNKNOWN_UUID);
	await assertFails(server, DELETE, { id: "abc" }, "invalid UUID length: 3");
	// Its runs are still of a function and an app; and it comes back.
	const { runs } = await query(server, RUNS, { filter: { from: since(), appIDs: [createApp.id] } });
	assert.deepEqual([runs.edges[0].node.app.name, runs.edges[0].node.function.slug], [name, `${name}-f`]);
	await made.sync();
	assert.equal((await appNamed(server, name)).functionCount, 1);
	const byName = (of) => query(server, "mutation ($name: String!) { deleteAppByName(name: $name) }", { name: of });
	assert.deepEqual(await byName(name), { deleteAppByName: true });
	assert.deepEqual(await byName(name), { deleteAppByName: false });
});

once("an app where nobody is", async ({ server }) => {
	const url = `http://localhost:${await freePort()}/api/inngest`;
	const failed = await ask(server, CREATE, { url });
	assert.deepEqual([failed.errors[0].message, failed.data], ["unreachable", null]);
	const { apps } = await query(server, "{ apps { id name url error connected } }");
	const placeholder = apps.find((app) => app.url === url);
	assert.deepEqual([placeholder.name, placeholder.error, placeholder.connected], ["", "unreachable", false]);
	await query(server, DELETE, { id: placeholder.id });
	const app = await App.start({ server, answer: ({ response }) => response.writeHead(404).end() });
	await assertFails(server, CREATE, { url: app.url }, "url_not_found");
	await app.down();
});

const INVOKE = "mutation ($slug: String!, $data: Map, $user: Map, $meta: Map) { invokeFunction(functionSlug: $slug, data: $data, user: $user, meta: $meta) }";

each("invocations", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "target", event: `${name}/never`, handler: ({ event }) => ({ data: event.data, user: event.user, meta: event.meta }) }] });
	const slug = `${name}-target`;
	assert.deepEqual(await query(server, INVOKE, { slug, data: { n: 1 }, user: { u: 2 }, meta: { sessions: { conv: "c", n: 5 } } }), { invokeFunction: true });
	const functionIDs = [await functionId(server, slug)];
	const over = async () => (await query(server, RUNS, { preview: false, filter: { from: since(), functionIDs, status: ["COMPLETED"] } })).runs.edges[0]?.node;
	const run = await until(over, "the invoked run", server.timeoutMs);
	const output = JSON.parse(run.output);
	assert.equal(output.data.n, 1);
	assert.deepEqual(output.user, { u: 2 });
	assert.deepEqual(output.meta?.sessions ?? { conv: "c", n: "5" }, { conv: "c", n: "5" });
	assert.deepEqual(await query(server, INVOKE, { slug: "nobody-nothing", data: {} }), { invokeFunction: true });
	const fails = (meta, message) => assertFails(server, INVOKE, { slug, meta }, message);
	await fails({ foo: 1 }, 'event meta "foo" is not supported');
	await fails({ sessions: [] }, "event meta sessions must be an object");
	await fails({ sessions: { conv: true } }, 'session "conv" must be a string or number');
	await fails({ sessions: Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`k${n}`, "x"])) }, /^invalid sessions: /);
	await fails({ sessions: { ["k".repeat(129)]: "x" } }, /^invalid sessions: /);
	await fails({ sessions: { k: "x".repeat(513) } }, /^invalid sessions: /);
});

each("cancels and reruns", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const handler = async ({ event, step }) => {
		const a = await step.run("a", () => Math.random());
		const b = await step.run("b", (word) => word, "hello");
		await step.run("twice", () => 1);
		await step.run("twice", () => 2);
		if (event.data.sleeps) await step.sleep("long", "1h");
		return { a, b };
	};
	await app({ functions: [{ id: "again", event: `${name}/go`, handler }] });
	const first = await server.runOf({ name: `${name}/go`, data: {} }, "Completed");
	const rerun = async (fromStep) => {
		const runID = (await query(server, RERUN, { runID: first.run_id, fromStep })).rerun;
		assert.match(runID, ULID);
		const over = async () => {
			const { run } = await query(server, ONE, { runID });
			return run.status === "COMPLETED" && JSON.parse(run.output);
		};
		return until(over, `the rerun ${runID}`, server.timeoutMs);
	};
	assert.notEqual((await rerun()).a, first.output.a);
	assert.deepEqual(await rerun({ stepID: sha1("b") }), first.output);
	assert.deepEqual(await rerun({ stepID: "b", input: '["good evening"]' }), { a: first.output.a, b: "good evening" });
	const fails = (variables, message) => assertFails(server, RERUN, { runID: first.run_id, ...variables }, message);
	for (const input of ["", "{}", "[", "x"]) await fails({ fromStep: { stepID: "b", input } }, "input is not a valid JSON array");
	await fails({ fromStep: { stepID: "nothing" } }, "error reconstructing input state: rerun step not found");
	await fails({ fromStep: { stepID: "twice" } }, "error reconstructing input state: rerun step name is ambiguous");
	await fails({ runID: UNKNOWN_RUN }, NO_ROWS);
	await assertFails(server, CANCEL, { runID: first.run_id }, "cannot cancel an ended run");
	await assertFails(server, CANCEL, { runID: UNKNOWN_RUN }, "not found");
	const [id] = await server.send({ name: `${name}/go`, data: { sleeps: true } });
	const [{ run_id: runID }] = await server.runsStarted(id);
	for (let i = 0; i < 2; i++) assert.deepEqual((await query(server, CANCEL, { runID })).cancelRun, { id: runID, status: "CANCELLED" });
});

each("a run of a batch", [V4], async ({ server, app, name }) => {
	const handler = ({ events }) => events.map(({ data }) => data.n);
	await app({ functions: [{ id: "batch", event: `${name}/go`, batchEvents: { maxSize: 2, timeout: "60s" }, handler }] });
	const ids = await server.send([{ name: `${name}/go`, data: { n: 1 } }, { name: `${name}/go`, data: { n: 2 } }]);
	const [{ run_id: runID }] = await server.runsEnded(ids[0]);
	const { run } = await query(server, ONE, { runID });
	assert.deepEqual([run.isBatch, run.eventName, [...run.triggerIDs].sort()], [true, null, [...ids].sort()]);
	assert.match(run.batchCreatedAt, TIME);
	const { runTrigger } = await query(server, "query ($runID: String!) { runTrigger(runID: $runID) { eventName IDs payloads isBatch batchID } }", { runID });
	assert.deepEqual([runTrigger.eventName, runTrigger.isBatch, runTrigger.IDs], [`${name}/go`, true, run.triggerIDs]);
	assert.deepEqual(runTrigger.payloads.map((text) => JSON.parse(text).data.n), [1, 2]);
	assert.match(runTrigger.batchID, ULID);
	for (const id of ids) {
		const { eventV2, event } = await query(server,
			"query ($id: ULID!, $q: EventQuery!) { eventV2(id: $id) { runs { id } } event(query: $q) { totalRuns status } }", { id, q: { eventId: id } });
		assert.deepEqual([eventV2.runs, event], [[{ id: runID }], { totalRuns: 1, status: "COMPLETED" }]);
	}
});
