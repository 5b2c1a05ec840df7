// A trace tree told in lines, with all that it shows, and the recorded trees that it must equal (corpus/*.txt):
//
//   NAME STATUS [op] [type] [attemptsN] [id=STEP] [sch] [st] [en] [dur] [grpX] [out=…] [in=…] [md(…)] [CODE] [what it waited for]
//
// `id=`: the step whose hashed id it has; sch, st, en, dur: it has such a time; grpA, grpB: groups as they come up, grp-:
// none; out=, in=: its output and input, cut short, out=! an error; CODE: of the app's reply. `old` trees are those without preview.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { sha1, until } from "./harness.mjs";
import { ask, treeOf } from "./traces.mjs";

const OUTPUT_SHOWN = 60;
const ULID = /\b01[0-9A-HJKMNP-TV-Z]{24}\b/g;

// ---- what holds for every tree -------------------------------------------------------------------------------------

const time = (text) => (text === null ? null : Date.parse(text));

function assertNode(span, parent, preview) {
	const what = `${span.name}: ${JSON.stringify({ ...span, childrenSpans: undefined })}`;
	const [queued, started, ended] = [span.queuedAt, span.startedAt, span.endedAt].map(time);
	assert.ok(queued > 0, what);
	if (started !== null && ended !== null) assert.ok(started <= ended, what);
	if (span.scheduledAt !== null) assert.ok(time(span.scheduledAt) >= queued, what);
	if (preview && span.duration !== null) assert.equal(span.duration, ended - started, what);
	if (!preview) assert.equal(typeof span.duration, "number", what);
	assert.equal(span.isRoot, parent === undefined, what);
	assert.equal(span.debugPaused, false, what);
	if (preview) assert.match(span.spanID, /^[0-9a-f]{16}$/, what);
	assert.match(span.traceID, /^[0-9a-f]{32}$/, what);
	if (parent) assert.equal(span.traceID, parent.traceID, what);
	assert.equal(span.parentSpanID, parent ? parent.spanID : preview ? "0000000000000000" : null, what);
	if (["QUEUED", "RUNNING", "WAITING"].includes(span.status)) assert.equal(ended, null, what);
	if (["COMPLETED", "FAILED", "CANCELLED"].includes(span.status)) assert.notEqual(ended, null, what);
	if (span.status === "QUEUED") assert.equal(started, null, what);
}

// Children come in the order in which they began: a group of attempts when it was queued.
function assertOrder(span) {
	const begin = (child) => (child.isGroup ? time(child.queuedAt) : time(child.startedAt ?? child.queuedAt));
	const times = span.childrenSpans.map(begin);
	times.forEach((at, i) => assert.ok(i === 0 || times[i - 1] <= at, `${span.childrenSpans.map(({ name }, n) => `${name} ${times[n]}`)}`));
}

function assertTree(root, preview) {
	const seen = new Set();
	const walk = (span, parent) => {
		assertNode(span, parent, preview);
		if (span.spanID !== "queued") {
			assert.ok(!seen.has(span.spanID), `two spans ${span.spanID}`);
			seen.add(span.spanID);
		}
		if (preview && span.childrenSpans) {
			for (const child of span.childrenSpans) child.isGroup = parent === undefined && child.scheduledAt === null;
			assertOrder(span);
		}
		for (const child of span.childrenSpans ?? []) walk(child, span);
	};
	walk(root);
}

// ---- telling -------------------------------------------------------------------------------------------------------

const nodesOf = (span) => [span, ...(span.childrenSpans ?? []).flatMap(nodesOf)];

// All outputs of a tree with one question: a map from output id to { out, hasInput }.
async function outputsOf(server, nodes) {
	const ids = [...new Set(nodes.map(({ outputID }) => outputID).filter(Boolean))];
	if (ids.length === 0) return new Map();
	const fields = ids.map((_, i) => `o${i}: runTraceSpanOutputByID(outputID: $o${i}) {input data error {name message}}`);
	const query = `query(${ids.map((_, i) => `$o${i}: String!`)}) {${fields.join(" ")}}`;
	const { data, errors } = await ask(server, query, Object.fromEntries(ids.map((id, i) => [`o${i}`, id])));
	assert.equal(errors, undefined, JSON.stringify(errors));
	return new Map(ids.map((id, i) => [id, tellOutput(JSON.parse(atob(id)), data[`o${i}`])]));
}

function tellOutput({ sid, in_sid: inSid }, { input, data, error }) {
	assert.equal(Boolean(inSid), input !== null, JSON.stringify({ inSid, input }));
	const words = [];
	if (sid) words.push(error ? `out=!${error.name}:${error.message}`.slice(0, OUTPUT_SHOWN) : `out=${shortened(data)}`);
	else assert.deepEqual([data, error], ["", null]);
	if (inSid) words.push(`in=${shortened(input)}`);
	return words;
}

function shortened(text) {
	let value;
	try {
		value = JSON.parse(text);
	} catch {
		return text;
	}
	if (value?.name && value.ts) return `event:${value.name}`;
	if (value?.[0]?.ts) return value.map(({ name }) => `event:${name}`).join();
	return JSON.stringify(value).slice(0, OUTPUT_SHOWN);
}

// A run that its only wait has ended shows that wait in its root, which was queued a while before: to the minute.
function lasts(span) {
	const seconds = (time(span.stepInfo.timeout) - time(span.queuedAt)) / 1000;
	return span.isRoot ? 60 * Math.round(seconds / 60) : seconds;
}

const INFOS = {
	SleepStepInfo: (span) => `sleeps${(time(span.stepInfo.sleepUntil) - time(span.queuedAt)) / 1000}s`,
	WaitForEventStepInfo: (span) =>
		`waits(${span.stepInfo.eventName} if ${span.stepInfo.expression} ${lasts(span)}s found:${Boolean(span.stepInfo.foundEventID)} timedOut:${span.stepInfo.timedOut})`,
	WaitForSignalStepInfo: (span) => `waits(${span.stepInfo.signal} ${lasts(span)}s timedOut:${span.stepInfo.timedOut})`,
	InvokeStepInfo: ({ stepInfo, ...span }) =>
		`invokes(${stepInfo.functionID} ${lasts({ stepInfo, ...span })}s event:${Boolean(stepInfo.triggeringEventID)}` +
		` returned:${Boolean(stepInfo.returnEventID)} run:${Boolean(stepInfo.runID)} timedOut:${stepInfo.timedOut})`,
	RunStepInfo: (span) => (span.stepInfo.type ? `runs(${span.stepInfo.type})` : ""),
};

function metadata(span) {
	const requests = span.metadata.filter(({ scope }) => scope === "request").map(({ kind }) => kind);
	// A step may have those of several requests that are not shown themselves.
	const count = requests.length / 2;
	assert.deepEqual(requests, Array(count).fill(["inngest.http.timing", "inngest.timing"]).flat());
	const rest = span.metadata.filter(({ scope }) => scope !== "request").map(({ scope, kind }) => `md(${scope} ${kind})`);
	return [...(count > 0 ? [`md(req${count > 1 ? `*${count}` : ""})`] : []), ...rest];
}

function stepNames(nodes) {
	const names = new Map();
	for (const { name } of nodes) {
		names.set(sha1(name), name);
		for (let i = 1; i < 5; i++) names.set(sha1(`${name}:${i}`), `${name}:${i}`);
	}
	return names;
}

// Of branches side by side each may lead to a call. Those under way when one of them ends the run are ended with it: how
// many there are is not known.
const isOvertaken = (parent, child) => parent.isRoot && parent.status === "COMPLETED" && child.status === "CANCELLED";

class Teller {
	constructor(nodes, outputs, { preview, unordered }) {
		Object.assign(this, { outputs, preview, unordered, names: stepNames(nodes), groups: new Map() });
	}

	group(id) {
		if (!this.preview) return [];
		if (id === null) return ["grp-"];
		if (this.unordered) return [];
		if (!this.groups.has(id)) this.groups.set(id, `grp${String.fromCharCode(65 + this.groups.size)}`);
		return [this.groups.get(id)];
	}

	// Ids of the old tree tell what kind of node it is.
	kind({ spanID }) {
		const kind = /^(steprun|exec)-|^queued$/.exec(spanID)?.[0];
		return kind ? [kind] : [];
	}

	line(span) {
		const has = (name, value) => (value === null ? [] : [name]);
		return [
			span.name,
			span.status,
			...(span.stepOp ? [span.stepOp] : []),
			...(span.stepType && span.stepType !== span.stepOp ? [span.stepType] : []),
			...(span.attempts > 0 ? [`attempts${span.attempts}`] : []),
			...(span.stepID ? [`id=${this.names.get(span.stepID) ?? span.stepID.slice(0, 8)}`] : []),
			...this.kind(span),
			...has("sch", span.scheduledAt),
			...has("st", span.startedAt),
			...has("en", span.endedAt),
			...(this.preview ? has("dur", span.duration) : []),
			...this.group(span.groupID),
			...(span.outputID ? this.outputs.get(span.outputID) : []),
			...(this.unordered ? [] : metadata(span)),
			...(span.response ? [String(span.response.statusCode)] : []),
			...(span.skipReason ? [`skip:${span.skipReason}`] : []),
			...(span.skipExistingRunID ? ["for:another"] : []),
			...(span.stepInfo ? [INFOS[span.stepInfo.__typename](span)].filter(Boolean) : []),
		].join(" ");
	}

	lines(span, indent = "") {
		const children = (span.childrenSpans ?? []).filter((child) => !this.unordered || !isOvertaken(span, child));
		const blocks = children.map((child) => this.lines(child, `${indent}\t`));
		if (this.unordered) blocks.sort();
		return [`${indent}${this.line(span)}`, ...blocks].join("\n");
	}
}

export async function describe(server, id, { preview, unordered, name }) {
	const root = await treeOf(server, id, preview);
	const nodes = nodesOf(root);
	assertTree(root, preview);
	const outputs = await outputsOf(server, nodes);
	const text = new Teller(nodes, outputs, { preview, unordered }).lines(root);
	return text.replaceAll(name, "app").replaceAll(ULID, "ULID");
}

// ---- the corpus ----------------------------------------------------------------------------------------------------

const fileOf = (title) => fileURLToPath(new URL(`corpus/${title.replaceAll(/[^\w]+/g, "-")}.txt`, import.meta.url));
const RECORDS = Boolean(process.env.INNGEST_TEST_RECORD); // write down what is, to be read and compared with the spec

// Sections of a file: "== preview v3 v4-plain", and a tree.
function read(file) {
	const sections = new Map();
	if (!existsSync(file)) return sections;
	for (const part of readFileSync(file, "utf8").split(/^== /m).slice(1)) {
		const [head, ...lines] = part.trimEnd().split("\n");
		const [shape, ...sdks] = head.split(" ");
		for (const sdk of sdks) sections.set(`${shape} ${sdk}`, lines.join("\n"));
	}
	return sections;
}

function write(file, sections) {
	const merged = new Map();
	for (const [key, tree] of [...sections].sort(([a], [b]) => (a < b ? -1 : 1))) {
		const [shape, sdk] = key.split(" ");
		const known = `${shape}\n${tree}`;
		merged.set(known, [...(merged.get(known) ?? []), sdk]);
	}
	const parts = [...merged].map(([known, sdks]) => {
		const [shape, ...lines] = known.split("\n");
		return `== ${[shape, ...sdks].join(" ")}\n${lines.join("\n")}\n`;
	});
	writeFileSync(file, parts.sort((a, b) => (a.split(" ")[1] > b.split(" ")[1] ? -1 : 1)).join("\n"));
}

async function settled(server, id, options) {
	let last;
	return until(async () => {
		const now = await describe(server, id, options);
		const same = now === last;
		last = now;
		await new Promise((done) => setTimeout(done, same ? 0 : 400));
		return same && now;
	}, "a tree that stays");
}

// The run's trees, both shapes, are those of the corpus.
export async function assertTrees(server, id, { title, sdk, name, unordered }) {
	const file = fileOf(title);
	for (const [shape, preview] of [["preview", true], ["old", false]]) {
		const options = { preview, unordered, name };
		const key = `${shape} ${sdk.name}`;
		if (RECORDS) {
			const now = await settled(server, id, options);
			write(file, read(file).set(key, now));
			continue;
		}
		const wanted = read(file).get(key);
		assert.ok(wanted, `${file} has no ${key}`);
		let shown;
		const equal = async () => {
			shown = await describe(server, id, options);
			return shown === wanted;
		};
		await until(equal, () => `${title}, ${key}: the tree of ${id}:\n${shown}\nwanted:\n${wanted}`);
	}
}
