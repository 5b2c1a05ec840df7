// Each field that GraphQL has, asked for at once from runs of every kind, is of the type that the schema gives it: so
// resolvers meet objects that stand in many places of one response, and several at the same place.
import assert from "node:assert/strict";

import { getNamedType, isAbstractType, isEnumType, isLeafType, isListType, isNonNullType, isObjectType } from "graphql";

import { TIME, ULID, query, schemaOf, since } from "./graphql.mjs";
import { V4, V4_PLAIN, suite } from "./harness.mjs";

const { each } = suite();

const KINDS = { String: "string", ID: "string", Time: "string", ULID: "string", UUID: "string", Bytes: "string", Int: "number", Int64: "number", Uint: "number", Boolean: "boolean" };
const PATTERNS = { ULID, Time: TIME };

// All fields below `type` that want no argument, `depth` levels of them. Members of a union bear their type in the name,
// as those of another type may have the same one.
function selection(schema, type, depth, prefixed = false) {
	const named = getNamedType(type);
	if (isLeafType(named)) return "";
	if (isAbstractType(named))
		return `{ __typename ${schema.getPossibleTypes(named).map((one) => `... on ${one.name} ${selection(schema, one, depth, true)}`).join(" ")} }`;
	const fields = Object.values(named.getFields()).filter(({ type: of, args }) =>
		(depth > 0 || isLeafType(getNamedType(of))) && !args.some((argument) => isNonNullType(argument.type) && argument.defaultValue === undefined));
	const texts = fields.map(({ name, type: of }) => `${prefixed ? `${named.name}__${name}: ` : ""}${name} ${selection(schema, of, depth - 1)}`);
	return `{ __typename ${texts.join(" ")} }`;
}

function assertLeaf(value, type, where) {
	if (isEnumType(type)) assert.ok(type.getValue(value), `${where} is ${value}`);
	else if (KINDS[type.name]) assert.equal(typeof value, KINDS[type.name], where);
	if (PATTERNS[type.name]) assert.match(value, PATTERNS[type.name], where);
	assert.ok(type.name !== "Time" || !value.startsWith("0001"), `${where} is no time: ${value}`);
}

// How many objects there are.
function count(schema, value, type, where) {
	if (isNonNullType(type)) {
		assert.ok(value !== null && value !== undefined, `${where} is null`);
		return count(schema, value, type.ofType, where);
	}
	if (value === null || value === undefined) return 0;
	if (isListType(type)) return value.reduce((sum, one) => sum + count(schema, one, type.ofType, where), 0);
	if (isLeafType(type)) {
		assertLeaf(value, type, where);
		return 0;
	}
	const of = isObjectType(type) ? type : schema.getType(value.__typename);
	assert.equal(value.__typename, of.name, where);
	const fields = Object.entries(value).filter(([name]) => name !== "__typename");
	return fields.reduce((sum, [name, member]) => {
		const field = of.getFields()[name.replace(`${of.name}__`, "")];
		return sum + count(schema, member, field.type, `${where}.${field.name}`);
	}, 1);
}

each("every field is of its type, wherever its object stands", [V4, V4_PLAIN], async ({ server, sdk, app, name }) => {
	const child = sdk.lib.referenceFunction({ appId: name, functionId: "child" });
	await app({
		functions: [
			{
				id: "parent", event: `${name}/go`, retries: 0,
				handler: async ({ event, step }) => {
					await step.run("one", () => 1);
					await step.sleep("nap", "1s");
					await step.waitForEvent("wait", { event: `${name}/never`, timeout: "1s" });
					await step.invoke("call", { function: child, data: {} });
					if (event.data.fails) throw new Error("no");
				},
			},
			{ id: "child", event: `${name}/child`, handler: ({ step }) => Promise.all([step.run("a", () => 1), step.run("b", () => 2)]) },
			{ id: "other", event: `${name}/go`, handler: () => "the second run of the event" },
			{ id: "batched", event: `${name}/item`, batchEvents: { maxSize: 2, timeout: "60s" }, handler: ({ events }) => events.length },
		],
	});
	const [failed, completed, first] = await server.send([
		{ name: `${name}/go`, data: { fails: true } }, { name: `${name}/go`, data: {} }, { name: `${name}/item` }, { name: `${name}/item` },
	]);
	const ids = [];
	for (const [event, runs] of [[failed, 2], [completed, 2], [first, 1]])
		ids.push(...(await server.runsEnded(event, runs)).map((run) => run.run_id));

	const schema = await schemaOf(server), root = schema.getQueryType().getFields();
	const ask = async (field, args, depth) => {
		const data = await query(server, `{ ${field}${args} ${selection(schema, root[field].type, depth)} }`);
		return count(schema, data[field], root[field].type, field);
	};
	const from = since();
	for (const id of ids) {
		assert.ok((await ask("run", `(runID: "${id}")`, 4)) > 20);
		assert.ok((await ask("runTrace", `(runID: "${id}")`, 4)) > 4);
		assert.ok((await ask("runTrigger", `(runID: "${id}")`, 1)) > 0);
		assert.ok((await ask("functionRun", `(query: { functionRunId: "${id}" })`, 4)) > 20);
	}
	assert.ok((await ask("runs", `(first: 20, filter: { from: "${from}" }, orderBy: [])`, 4)) > 50);
	assert.ok((await ask("eventsV2", `(first: 20, filter: { from: "${from}", includeInternalEvents: true })`, 4)) > 50);
	assert.ok((await ask("stream", "(query: { limit: 20, includeInternalEvents: true })", 3)) > 20);
	assert.ok((await ask("events", "(query: {})", 3)) > 20);
	assert.ok((await ask("functions", "", 2)) > 4);
	assert.ok((await ask("apps", "", 2)) > 4);
});
