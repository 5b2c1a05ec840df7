// Replies of REST v1 and v2 against the server's own OpenAPI document: the status must be described, and the body must
// have its shape, without any member that is not described. Of JSON Schema this knows what the document uses.
import assert from "node:assert/strict";

const TYPES = {
	string: (value) => typeof value === "string",
	integer: (value) => Number.isInteger(value),
	boolean: (value) => typeof value === "boolean",
	object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
	array: Array.isArray,
	null: (value) => value === null,
};
const FORMATS = {
	"date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/,
	uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
	int64: /^-?\d+$/,
};
const KEYWORDS = new Set(["type", "format", "enum", "anyOf", "$ref", "items", "properties", "required", "additionalProperties", "minLength", "maxLength", "description"]);

// What is wrong with a value, as texts "where: what".
function* faults(document, schema, value, where) {
	for (const keyword of Object.keys(schema)) assert.ok(KEYWORDS.has(keyword), `${where}: unknown keyword ${keyword}`);
	if (schema.$ref) {
		const target = schema.$ref.slice(2).split("/").reduce((at, name) => at?.[name], document);
		assert.ok(target, `${where}: no ${schema.$ref}`);
		yield* faults(document, target, value, where);
		return;
	}
	if (schema.anyOf && !schema.anyOf.some((one) => faults(document, one, value, where).next().done)) {
		yield `${where}: none of the alternatives: ${JSON.stringify(value)}`;
	}
	if (schema.enum && !schema.enum.includes(value)) yield `${where}: ${JSON.stringify(value)} is none of ${schema.enum}`;
	if (!schema.type) return;
	if (!TYPES[schema.type](value)) {
		yield `${where}: ${JSON.stringify(value)} is no ${schema.type}`;
		return;
	}
	if (schema.format && !FORMATS[schema.format].test(value)) yield `${where}: ${value} is no ${schema.format}`;
	if (schema.type === "string" && (value.length < schema.minLength || value.length > schema.maxLength)) yield `${where}: length of ${value}`;
	if (schema.type === "array") for (const [i, item] of value.entries()) yield* faults(document, schema.items, item, `${where}[${i}]`);
	if (schema.type === "object") yield* faultsOfObject(document, schema, value, where);
}

function* faultsOfObject(document, { properties, required = [], additionalProperties }, value, where) {
	for (const name of required) if (!(name in value)) yield `${where}.${name} is missing`;
	if (!properties && !additionalProperties) return; // any
	for (const [name, member] of Object.entries(value)) {
		const schema = properties?.[name] ?? additionalProperties;
		if (schema) yield* faults(document, schema, member, `${where}.${name}`);
		else yield `${where}.${name} is not described`;
	}
}

// The path of the document that a request's path is an example of.
function describedPath(document, path) {
	const parts = path.split("/");
	const matches = (template) => {
		const wanted = template.split("/");
		return wanted.length === parts.length && wanted.every((part, i) => (part.startsWith("{") ? parts[i] !== "" : part === parts[i]));
	};
	const fixed = (template) => template.split("/").filter((part) => !part.startsWith("{")).length;
	return Object.keys(document.paths).filter(matches).sort((a, b) => fixed(b) - fixed(a))[0];
}

const ERRORS = { 1: { $ref: "#/components/schemas/V1Error" }, 2: { $ref: "#/components/schemas/Errors" } };
const OF_SDKS = /^\/v1\/(checkpoint|http)\//; // spec 02: not for people

export function assertDescribed(document, { method, path, status, headers, text, json }) {
	const bare = path.replace(/\?.*$/s, "").replace(/^\/api(?=\/)/, "");
	const version = /^\/v([12])\//.exec(bare)?.[1];
	if (!version || OF_SDKS.test(bare) || method === "OPTIONS" || method === "HEAD") return;
	const what = `${method} ${path}: ${status} ${text.slice(0, 2000)}`;
	const operation = document.paths[describedPath(document, bare)]?.[method.toLowerCase()];
	assert.ok(operation || status >= 400, `${what}: not in the document`);
	const reply = operation?.responses[status] ?? (status >= 400 ? operation?.responses.default : undefined);
	assert.ok(reply || !operation, `${what}: this status is not described`);
	const type = headers.get("content-type")?.split(";")[0];
	if (!operation && (status === 405 || type === "text/plain")) {
		assert.equal(text, status === 405 ? "" : "404 page not found\n", what);
		return;
	}
	const content = operation ? reply.content : { "application/json": { schema: ERRORS[version] } };
	if (content === undefined) {
		assert.equal(text, "", what);
		return;
	}
	assert.ok(content[type], `${what}: ${type} is not described`);
	const { schema } = content[type];
	if (schema === undefined) return;
	if (type === "text/plain") {
		assert.equal(schema.type, "string", what);
		return;
	}
	assert.notEqual(json, undefined, what);
	assert.deepEqual([...faults(document, schema, json, "$")], [], what);
}
