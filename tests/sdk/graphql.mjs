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
