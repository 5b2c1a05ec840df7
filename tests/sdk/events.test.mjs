// The event API over the wire (spec 05 §7), and what the REST API shows of events and runs (§12).
import assert from "node:assert/strict";
import { connect } from "node:net";

import { suite } from "./harness.mjs";

const { each, once } = suite();
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const UNKNOWN = "01M7ZZZZZZZZZZZZZZZZZZZZZZ";
const EVENT_MAX = 3 * 1024 * 1024;
const BATCH_MAX = 5000;

// An event of exactly `size` bytes of JSON.
function sized(name, size) {
	const text = JSON.stringify({ name, data: { x: "" } });
	return text.replace('"x":""', `"x":"${"y".repeat(size - text.length)}"`);
}

const post = (server, body, headers = {}) => server.request("/e/test", { method: "POST", body, headers });

once("one event, many, none", async ({ server, name }) => {
	const one = await post(server, { name });
	assert.equal(one.status, 200);
	assert.deepEqual(Object.keys(one.json), ["ids", "status"]);
	assert.equal(one.json.status, 200);
	assert.match(one.json.ids[0], ULID);
	const many = await post(server, [{ name }, { name }, { name }]);
	assert.equal(new Set(many.json.ids).size, 3);
	for (const body of ["[]", "", "  "]) {
		const none = await post(server, body);
		assert.equal(none.status, 200, body);
		assert.ok([0, 1].includes(none.json.ids.length));
	}
	const alias = await server.request("/api/events", { method: "POST", body: { name } });
	assert.equal(alias.status, 200);
});

once("the content type does not matter", async ({ server, name }) => {
	for (const type of ["application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded"]) {
		assert.equal((await post(server, JSON.stringify({ name }), { "content-type": type })).status, 200, type);
	}
	const form = await post(server, "name=x", { "content-type": "application/x-www-form-urlencoded" });
	assert.equal(form.status, 400);
});

// [body, error]
const REFUSED = [
	["nonsense", /./],
	["12", "Request body must contain an event object or an array of event objects"],
	['"text"', "Request body must contain an event object or an array of event objects"],
	["null", "Request body must contain an event object or an array of event objects"],
	["{", /./],
	["{}", "event name is empty"],
	['{"name":""}', "event name is empty"],
	['{"name":1}', /./],
	['{"name":["x"]}', /./],
	['{"name":"x"} trailing', /./],
	['{"name":"x","data":[]}', /./],
	['{"name":"x","data":"text"}', /./],
	['{"name":"x","data":{"a":}}', /./],
	['{"name":"x","user":1}', /./],
	['{"name":"x","id":1}', /./],
	['{"name":"x","ts":-1}', "timestamp is before Jan 1, 1980"],
	['{"name":"x","ts":315532799999}', "timestamp is before Jan 1, 1980"],
	['{"name":"x","ts":4102444800001}', "timestamp is after Jan 1, 2100"],
	['{"name":"x","ts":1.5}', /./],
	['{"name":"x","ts":"yesterday"}', /./],
	['{"name":"inngest/x"}', "event name is reserved for internal use: inngest/x"],
	['{"name":"InnGest/x"}', "event name is reserved for internal use: InnGest/x"],
	['{"name":"x","meta":{"sessions":{"k":true}}}', 'event session "k" must be a string, number, or null'],
	['{"name":"x","meta":{"sessions":{"":"v"}}}', "event session keys cannot be empty"],
	['{"name":"x","meta":{"sessions":{"k":""}}}', 'event session "k" cannot have an empty ID'],
	['{"name":"x","meta":{"sessions":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}}}', "event sessions can include at most 5 entries"],
	["[1]", /./],
	["[null]", /./],
	["[[]]", /./],
];

once("bodies that are refused", async ({ server }) => {
	for (const [body, error] of REFUSED) {
		const reply = await post(server, body);
		assert.equal(reply.status, 400, `${body}: ${reply.text}`);
		assert.deepEqual(Object.keys(reply.json), ["ids", "status", "error"], body);
		assert.deepEqual(reply.json.ids, [""], body);
		assert.equal(reply.json.status, 400);
		if (error instanceof RegExp) assert.match(reply.json.error, error, body);
		else assert.equal(reply.json.error, error, body);
	}
});

once("times that are accepted", async ({ server, name }) => {
	for (const ts of [315532800000, 4102444800000, 0, "2025-11-21T10:00:00Z", "2025-11-21T10:00:00.123+02:00"]) {
		const reply = await post(server, { name, ts });
		assert.equal(reply.status, 200, `${ts}: ${reply.text}`);
		const stored = await server.data(`/v1/events/${reply.json.ids[0]}`);
		if (typeof ts === "string") assert.equal(stored.ts, Date.parse(ts));
		else if (ts) assert.equal(stored.ts, ts);
		else assert.ok(stored.ts > 1_700_000_000_000);
	}
});

once("a bad event ends the list, those before it stay", async ({ server, name }) => {
	const cases = [
		[{ name: `${name}-a` }, { name: `${name}-b` }, { name: "" }, { name: `${name}-c` }],
		[{ name: `${name}-d` }, { name: "inngest/no" }],
		[{ name: `${name}-e` }, 5],
	];
	for (const list of cases) {
		const good = list.findIndex((event) => !event.name || event.name.startsWith("inngest/"));
		const { status, json } = await post(server, list);
		assert.equal(status, 400);
		assert.equal(json.ids.length, good);
		for (const [i, id] of json.ids.entries()) assert.equal((await server.data(`/v1/events/${id}`)).name, list[i].name);
	}
	const never = await server.data(`/v1/events?name=${name}-c`);
	assert.deepEqual(never, []);
});

once("size and count limits", async ({ server, name }) => {
	assert.equal((await post(server, sized(name, EVENT_MAX))).status, 200);
	const over = await post(server, sized(name, EVENT_MAX + 1));
	assert.equal(over.status, 400);
	assert.equal(over.json.error, `Event is over the max size: Max ${EVENT_MAX} bytes / Size ${EVENT_MAX + 1} bytes`);
	const second = await post(server, `[${JSON.stringify({ name })},${sized(name, EVENT_MAX + 1)}]`);
	assert.equal(second.status, 400);
	assert.equal(second.json.ids.length, 1);
	assert.equal(second.json.error, over.json.error);
	const large = await post(server, `[${Array.from({ length: 7 }, () => sized(name, EVENT_MAX)).join(",")}]`);
	assert.equal(large.status, 200, "no limit on the total");
	const full = Array.from({ length: BATCH_MAX }, () => ({ name: `${name}-full` }));
	assert.equal((await post(server, full)).json.ids.length, BATCH_MAX);
	const more = await post(server, [...full, { name }]);
	assert.equal(more.status, 400);
	assert.equal(more.json.error, "Cannot have more than 5000 events in a batch");
	assert.equal(more.json.ids.length, BATCH_MAX);
});

once("routes and methods", async ({ server }) => {
	assert.equal((await server.request("/e/test")).status, 405);
	assert.equal((await server.request("/e/test", { method: "PUT" })).status, 405);
	assert.equal((await server.request("/e/a%2Fb", { method: "POST", body: { name: "x" } })).status, 200);
	for (const path of ["/v1/nothing", "/v0/nothing"]) assert.equal((await server.request(path)).status, 404, path);
	assert.equal((await server.request("/health")).status, 200);
	assert.equal((await server.request("/ready")).status, 200);
});

once("cross-origin requests", async ({ server, name }) => {
	const origin = "https://example.test";
	const reply = await post(server, { name }, { origin });
	assert.equal(reply.headers.get("access-control-allow-origin"), origin);
	assert.equal(reply.headers.get("x-inngest-server-kind"), "dev");
	const preflight = await server.request("/e/test", {
		method: "OPTIONS",
		headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
	});
	assert.equal(preflight.status, 200);
	assert.equal(preflight.text, "");
	assert.equal(preflight.headers.get("access-control-allow-origin"), origin);
	assert.equal(preflight.headers.get("access-control-allow-methods"), "POST");
	assert.equal(preflight.headers.get("access-control-allow-headers"), "Content-Type");
});

once("ids from a seed", async ({ server, name }) => {
	const seed = { "x-inngest-event-id-seed": "1743130137367,eii2YKXRVTJPuA==" };
	const expected = ["01JQDAE4RQF8MBCR55T5AK4KXS", "01JQDAE4RQF8MBCR55T5AK4KXT"];
	for (let times = 0; times < 2; times++) {
		const { status, json } = await post(server, [{ name }, { name }], seed);
		assert.equal(status, 200);
		assert.deepEqual(json.ids, expected);
	}
	for (const bad of ["", "x", "1743130137367", "0,eii2YKXRVTJPuA==", "1743130137367,eii2", "1,2,3", "-5,eii2YKXRVTJPuA=="]) {
		const { status, json } = await post(server, { name }, { "x-inngest-event-id-seed": bad });
		assert.equal(status, 200, bad);
		assert.notEqual(json.ids[0], expected[0], bad);
	}
});

each("the same event id starts one run", async ({ server, app, name }) => {
	let ran = 0;
	await app({ functions: [{ id: "once", event: `${name}/once`, handler: () => ++ran }] });
	const event = { name: `${name}/once`, id: `${name}-order-1` };
	const ids = [...(await server.send(event)), ...(await server.send([event, event]))];
	assert.equal(new Set(ids).size, 3, "each is an event of its own");
	await server.runOf({ name: `${name}/once`, id: `${name}-order-2` }, "Completed");
	const runs = (await Promise.all(ids.map((id) => server.runsOf(id)))).flat();
	assert.equal(runs.length, 1);
	assert.equal((await server.runsEnded(runs[0].event_id))[0].status, "Completed");
	assert.equal(ran, 2);
});

each("the same request sent twice starts its runs once", async ({ server, app, name }) => {
	await app({ functions: [{ id: "seeded", event: `${name}/seeded`, handler: () => "once" }] });
	const bytes = Buffer.from(name.padEnd(10, "-").slice(0, 10)).toString("base64");
	const headers = { "x-inngest-event-id-seed": `1743130137999,${bytes}` };
	const first = await server.send({ name: `${name}/seeded` }, { headers });
	const second = await server.send({ name: `${name}/seeded` }, { headers });
	assert.deepEqual(second, first);
	assert.equal((await server.runsEnded(first[0])).length, 1);
});

each("reserved data and letter case", async ({ server, app, name }) => {
	await app({ functions: [{ id: "see", event: `${name}/see`, handler: ({ event }) => event }] });
	const body = `{"NAME":"${name}/see","Data":{"_inngest":{"fn_id":"x"},"a":1},"other":true}`;
	const { status, json } = await post(server, body);
	assert.equal(status, 200);
	const [run] = await server.runsEnded(json.ids[0]);
	assert.deepEqual(run.output.data, { a: 1 });
	assert.ok(!("other" in run.output));
});

once("reading events", async ({ server, name }) => {
	const sent = await server.send(Array.from({ length: 25 }, (_, n) => ({ name, data: { n }, user: { u: 1 }, v: "2" })));
	const ids = [...sent].sort().reverse();
	const page = await server.data(`/v1/events?name=${name}`);
	assert.deepEqual(page.map((event) => event.internal_id), ids.slice(0, 20));
	const next = await server.data(`/v1/events?name=${name}&cursor=${page.at(-1).internal_id}`);
	assert.equal(next.length, 5);
	const all = await server.data(`/v1/events?name=${name}&limit=1000`);
	assert.equal(all.length, 25);
	const [event] = await server.data(`/v1/events?name=${name}&limit=1`);
	assert.equal(event.id, event.internal_id);
	assert.deepEqual(event.data, { n: sent.indexOf(ids[0]) });
	assert.deepEqual(event.user, { u: 1 });
	assert.equal(event.v, "2");
	assert.ok(Date.parse(event.received_at) > 1_700_000_000_000);
	assert.deepEqual(await server.data(`/v1/events?name=${name}&received_before=2020-01-01`), []);
	assert.equal((await server.data(`/v1/events?name=${name}&received_after=2020-01-01T00:00:00Z&limit=51`)).length, 25);
});

// Errors of GETs may come as 200 with the status in the body, as the reference sends them (§12.1), or as they are.
const status = (reply) => reply.json?.status ?? reply.status;

once("questions that have no answer", async ({ server }) => {
	const cases = [
		["/v1/events/nonsense", [400], "Invalid event ID: nonsense"],
		["/v1/events/nonsense/runs", [400], "Invalid event ID: nonsense"],
		[`/v1/events/${UNKNOWN}`, [404], "Event not found"],
		["/v1/events?cursor=nonsense", [400], "Invalid cursor query parameter"],
		["/v1/events?received_after=soon", [400], "Invalid received_after query parameter"],
		["/v1/events?received_before=12345", [400], "Invalid received_after query parameter"],
		["/v1/runs/nonsense", [400], "Invalid run ID: nonsense"],
		["/v1/runs/nonsense/jobs", [400], "Invalid run ID: nonsense"],
		[`/v1/runs/${UNKNOWN}`, [404, 500], `Unable to load function run: ${UNKNOWN}`],
	];
	for (const [path, codes, error] of cases) {
		const reply = await server.request(path);
		assert.ok(codes.includes(status(reply)), `${path}: ${reply.status} ${reply.text}`);
		assert.equal(reply.json.error, error, path);
		assert.equal(reply.json.data, null, path);
	}
	assert.deepEqual(await server.data(`/v1/events/${UNKNOWN}/runs`), []);
	const gone = await server.request(`/v1/runs/${UNKNOWN}`, { method: "DELETE" });
	assert.equal(gone.status, 404);
	assert.equal((await server.request("/v1/runs/nonsense", { method: "DELETE" })).status, 400);
});

// Bytes that fetch would not send: the reply's status line and headers, or "" when the connection is just closed.
function raw(server, bytes) {
	return new Promise((done, fail) => {
		const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
		let text = "";
		socket.setEncoding("latin1");
		socket.on("data", (chunk) => (text += chunk));
		socket.on("error", () => done(text));
		socket.on("close", () => done(text));
		socket.setTimeout(20_000, () => fail(new Error(`no end of: ${text}`)));
	});
}

once("requests that are broken", async ({ server, name }) => {
	const close = "Host: x\r\nConnection: close\r\n";
	const bodies = [
		[`GET /health HTTP/1.1\r\n${close}X: ${"y".repeat(2 << 20)}\r\n\r\n`, /^$|^HTTP\/1\.1 (431|400|413|414) /],
		["nonsense\r\n\r\n", /^$|^HTTP\/1\.[01] 400 /],
		[`POST /e/test HTTP/1.1\r\n${close}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, /^$|^HTTP\/1\.1 400 /],
		[`POST /e/test HTTP/1.1\r\n${close}Content-Length: -1\r\n\r\n`, /^$|^HTTP\/1\.1 400 /],
		[`POST /e/test HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^$|^HTTP\/1\.1 400 /],
		[`GET /${"x".repeat(200_000)} HTTP/1.1\r\n${close}\r\n`, /^$|^HTTP\/1\.1 4\d\d /],
	];
	for (const [bytes, expected] of bodies) assert.match(await raw(server, bytes), expected, bytes.slice(0, 60));
	const chunked = await raw(server, `POST /e/test HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n` +
		`${(name.length + 11).toString(16)}\r\n{"name":"${name}"}\r\n0\r\n\r\n`);
	assert.match(chunked, /^HTTP\/1\.1 200 /);
	assert.equal((await server.request("/health")).status, 200, "and the server lives on");
});
