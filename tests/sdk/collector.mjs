// An OpenTelemetry collector for the tests: takes traces by OTLP/HTTP, as JSON or protobuf, and keeps the spans.
import http from "node:http";
import { gunzipSync } from "node:zlib";

export class Collector {
	constructor() {
		Object.assign(this, { spans: [], requests: [], refuse: () => undefined });
	}

	// `refuse(count)` may say with which status and headers a request is refused.
	static async start({ port = 0, refuse } = {}) {
		const collector = new Collector();
		if (refuse) collector.refuse = refuse;
		collector.http = http.createServer((request, response) => collector.receive(request, response));
		await new Promise((done) => collector.http.listen(port, "127.0.0.1", done));
		collector.http.unref();
		collector.port = collector.http.address().port;
		collector.url = `http://127.0.0.1:${collector.port}`;
		return collector;
	}

	stop() {
		this.http.closeAllConnections?.();
		return new Promise((done) => this.http.close(done));
	}

	async receive(request, response) {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		let bytes = Buffer.concat(chunks);
		if (request.headers["content-encoding"] === "gzip") bytes = gunzipSync(bytes);
		const kept = { url: request.url, headers: request.headers, bytes };
		this.requests.push(kept);
		const refused = this.refuse(this.requests.length);
		if (refused) {
			response.writeHead(refused.status, refused.headers ?? {}).end();
			return;
		}
		const isJson = request.headers["content-type"] === "application/json";
		kept.body = isJson ? JSON.parse(bytes.toString()) : decode(bytes);
		this.spans.push(...kept.body.resourceSpans.flatMap((one) => one.scopeSpans).flatMap((one) => one.spans));
		response.writeHead(200, { "content-type": request.headers["content-type"] }).end(isJson ? "{}" : "");
	}
}

export const attributesOf = (span) =>
	Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

// ---- protobuf, in the shape of OTLP/JSON ----

const TRACE = { 1: ["resourceSpans", { 1: ["resource", { 1: ["attributes", "pair"] }, "one"], 2: ["scopeSpans", {
	1: ["scope", { 1: ["name", "text"], 2: ["version", "text"] }, "one"],
	2: ["spans", {
		1: ["traceId", "hex"], 2: ["spanId", "hex"], 4: ["parentSpanId", "hex"], 5: ["name", "text"], 6: ["kind", "int"],
		7: ["startTimeUnixNano", "fixed"], 8: ["endTimeUnixNano", "fixed"], 9: ["attributes", "pair"],
		15: ["status", { 3: ["code", "int"] }, "one"],
	}],
}] }] };
const VALUE = { 1: ["stringValue", "text"], 2: ["boolValue", "bool"], 3: ["intValue", "long"], 4: ["doubleValue", "double"] };
const PAIR = { 1: ["key", "text"], 2: ["value", VALUE, "one"] };
const LISTS = new Set(["attributes"]);

function decode(bytes, fields = TRACE) {
	const out = {};
	let at = 0;
	const varint = () => {
		let value = 0n;
		for (let shift = 0n; ; shift += 7n) {
			const byte = bytes[at++];
			value |= BigInt(byte & 0x7f) << shift;
			if (byte < 0x80) return value;
		}
	};
	const take = (count) => bytes.subarray(at, (at += count));
	while (at < bytes.length) {
		const tag = Number(varint());
		const raw = [() => varint(), () => take(8), () => take(Number(varint()))][tag & 7]();
		const [name, type, how] = fields[tag >> 3];
		const value = convert(raw, type);
		if (how === "one" || (typeof type === "string" && !LISTS.has(name))) out[name] = value;
		else (out[name] ??= []).push(value);
	}
	return out;
}

function convert(raw, type) {
	switch (type) {
	case "text": return raw.toString();
	case "hex": return raw.toString("hex");
	case "int": return Number(raw);
	case "bool": return raw !== 0n;
	case "long": return String(BigInt.asIntN(64, raw));
	case "fixed": return String(raw.readBigUInt64LE());
	case "double": return raw.readDoubleLE();
	case "pair": return decode(raw, PAIR);
	default: return decode(raw, type);
	}
}
