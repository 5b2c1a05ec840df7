// `inngest runs|events|functions|apps`: the real binary asks the real server. tests/unit/cli/test_remote.c has servers
// that misbehave, tests/sdk/why.test.mjs `runs why`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";

import { inngest } from "./cli.mjs";
import { post } from "./graphql.mjs";
import { App, Server, V3, V4, V4_PLAIN, freePort, suite, until } from "./harness.mjs";
import { latch } from "./lives.mjs";
import { BIN, childEnvironment } from "./server.mjs";

const { each, once } = suite();

const UNKNOWN = "01M7ZY6CWGA1JCD60V59ARPN14";
const ULID = String.raw`[0-9A-Z]{26}`;
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`;

const ask = (server, ...args) => inngest([...args, "--url", server.url]);

// What a command prints when all is well.
async function printed(server, ...args) {
	const { code, out, err } = await ask(server, ...args);
	assert.equal(code, 0, err);
	assert.match(err, args.includes("--wait") ? /^Started run .*; waiting for its end\.\n$/ : /^$/);
	assert.ok(!out.includes("\u001b"), "a pipe gets no colours");
	return out;
}

const rows = (out) => out.split("\n").slice(0, -1).map((line) => line.split("\t"));

// Refused: one line that says what to do.
async function refused(server, pattern, ...args) {
	const { code, out, err } = await ask(server, ...args);
	assert.deepEqual([code, out], [1, ""]);
	assert.match(err, pattern);
	assert.ok(err.startsWith("Error: ") && err.endsWith("\n") && err.indexOf("\n") === err.length - 1, err);
}

// The command while it runs: { out, err, ended, interrupt(), prints(pattern) }; `start` is what it says at first.
function running(server, ...args) {
	const child = spawn(BIN, [...args, "--url", server.url], { cwd: tmpdir(), env: childEnvironment({}) });
	const command = { out: "", err: "", interrupt: () => child.kill("SIGINT") };
	child.stdout.setEncoding("utf8").on("data", (text) => (command.out += text));
	child.stderr.setEncoding("utf8").on("data", (text) => (command.err += text));
	command.ended = new Promise((done) => child.once("close", (code, signal) => done(code ?? signal)));
	command.start = `Watching ${server.url}; Ctrl-C ends it.\n`;
	command.prints = (pattern) =>
		until(() => pattern.test(command.out), () => `${pattern}: ${JSON.stringify(command)}\n${server.tail()}`, server.timeoutMs);
	return command;
}

const completing = (name) => ({
	id: "completes",
	event: name,
	handler: async ({ event, step }) => {
		const first = await step.run("first", () => 1);
		return { first, got: event.data.x };
	},
});
const failing = (name, more = {}) => ({
	id: "fails",
	event: `${name}/fails`,
	retries: 1,
	handler: ({ step }) => step.run("breaks", () => { throw new TypeError("no\nway"); }),
	...more,
});

// ---- runs ------------------------------------------------------------------------------------------------------

each("runs list", [V4, V3], async ({ server, app, name }) => {
	await app({ functions: [completing(name), failing(name, { retries: 0 })] });
	const good = await server.runOf({ name, data: { x: 7 } }, "Completed");
	const bad = await server.runOf({ name: `${name}/fails` }, "Failed");
	const [second, first] = rows(await printed(server, "runs", "list", "--app", name));
	assert.deepEqual(first.slice(0, 3), [good.run_id, "COMPLETED", `${name}/completes`]);
	assert.deepEqual(second.slice(0, 3), [bad.run_id, "FAILED", `${name}/fails`]);
	assert.match(first[3], new RegExp(`^${TIME}$`));
	assert.match(first[4], /^\d+(\.\d)? m?s$/);
	const ids = async (...args) => rows(await printed(server, "runs", "list", ...args)).map(([id]) => id);
	assert.deepEqual(await ids("--function", `${name}/fails`), [bad.run_id]);
	assert.deepEqual(await ids("--app", name, "--status", "FAILED,CANCELLED"), [bad.run_id]);
	assert.deepEqual(await ids("--app", name, "--status", "QUEUED"), []);
	assert.deepEqual(await ids("--app", name, "--limit", "1"), [bad.run_id]);
	assert.deepEqual(await ids("--app", name, "--since", "1h", "--all"), [bad.run_id, good.run_id]);
	assert.deepEqual(await ids("--app", name, "--until", "1h"), []);
	assert.deepEqual(await ids("--app", `${name}/nope`), []);
	const json = JSON.parse(await printed(server, "runs", "list", "--app", name, "--json"));
	assert.deepEqual([json.data.map(({ id }) => id), json.page.limit], [[bad.run_id, good.run_id], 20]);
	await refused(server, /"NOPE" is no status of a run: there are QUEUED, /, "runs", "list", "--status", "NOPE");
});

once("runs list, page after page", async ({ name }) => {
	const server = await Server.start({ flags: ["--no-poll"] });
	const app = await App.start({ server, sdk: V4, id: name, functions: [{ id: "f", event: name, handler: () => 1 }] });
	const ids = await server.send(Array.from({ length: 230 }, (_, i) => ({ name, data: { i } })));
	for (const id of ids) await server.runsEnded(id);
	const all = rows(await printed(server, "runs", "list", "--all")).map(([id]) => id);
	assert.equal(new Set(all).size, 230);
	assert.deepEqual(JSON.parse(await printed(server, "runs", "list", "--all", "--json")).data.map(({ id }) => id), all);
	assert.deepEqual(rows(await printed(server, "runs", "list", "--limit", "150")).map(([id]) => id), all.slice(0, 150));
	assert.equal(rows(await printed(server, "events", "list", "--all")).length, 230);
	assert.equal(rows(await printed(server, "events", "list", "--limit", "60")).length, 60);
	await app.retire();
	await server.stop();
});

each("runs get", [V4, V4_PLAIN, V3], async ({ server, app, name }) => {
	await app({ functions: [completing(name), failing(name)] });
	const good = await server.runOf({ name, data: { x: 7 } }, "Completed");
	const out = await printed(server, "runs", "get", good.run_id);
	const [facts, trace, output] = out.split("\n\n");
	assert.match(facts, new RegExp(`^run\t${good.run_id}\nstatus\tCOMPLETED\nfunction\t${name}/completes\nevent\t${good.event_id}\n` +
		`queued\t${TIME}\nstarted\t${TIME}\nended\t${TIME}\nduration\t`));
	assert.match(trace, /^Run\tCOMPLETED\t[\d.]+ m?s\t\t\n {2}first\tCOMPLETED\t[\d.]+ m?s\tRUN\t(\n|$)/);
	assert.equal(trace.match(/first/g).length, 1, trace);
	assert.equal(output, '{"first":1,"got":7}\n');
	const json = JSON.parse(await printed(server, "runs", "get", good.run_id, "--json"));
	assert.deepEqual([json.data.id, json.data.output], [good.run_id, { first: 1, got: 7 }]);
	const tree = JSON.parse(await printed(server, "runs", "get", good.run_id, "--json", "--trace"));
	assert.equal(tree.data.rootSpan.status, "COMPLETED");

	const bad = await server.runOf({ name: `${name}/fails` }, "Failed");
	const failed = await printed(server, "runs", "get", bad.run_id);
	assert.match(failed, /^status\tFAILED$/m);
	assert.match(failed, /^ {2}breaks\tFAILED\t.*\tRUN\t\w*Error: no way$/m);
	assert.match(failed, /^ {4}Attempt 0\tFAILED\t.*\tRUN\t\w*Error: no way$/m);
	assert.match(failed, /\n\n\w*Error: no way\n {2}\w*Error: no\n {2}way\n/);
	await refused(server, new RegExp(`knows no run ${UNKNOWN}; .inngest runs list. lists the runs`), "runs", "get", UNKNOWN);
});

each("runs get, cancel and watch of a run under way", [V4], async ({ server, app, name }) => {
	await app({ functions: [{ id: "sleeps", event: name, handler: ({ step }) => step.sleep("long", "1h") }] });
	const [id] = await server.send({ name });
	const [{ run_id: runId }] = await server.runsStarted(id);
	const watch = running(server, "runs", "watch", runId);
	const json = running(server, "runs", "watch", runId, "--json");
	await watch.prints(/\tstate\t.*\n/);
	await json.prints(/"state"/);
	await until(async () => / {2}long\tWAITING\t\tSLEEP/.test(await printed(server, "runs", "get", runId)), "the sleep", server.timeoutMs);
	assert.equal(await printed(server, "runs", "cancel", runId), `${runId}\n`);
	assert.deepEqual([await watch.ended, await json.ended], [1, 1]);
	assert.match(watch.out, new RegExp(`^${TIME}\tstate\t${runId}\t${name}/sleeps\t\t\t(QUEUED|RUNNING)\t\n`));
	assert.match(watch.out, new RegExp(`\n${TIME}\trun\t${runId}\t${name}/sleeps\t\t\tCANCELLED\t\n$`));
	const messages = json.out.trim().split("\n").map(JSON.parse);
	assert.deepEqual([messages[0].event, messages[0].data.id], ["state", runId]);
	assert.deepEqual([messages.at(-1).event, messages.at(-1).data.status], ["run", "CANCELLED"]);
	// What has ended stays so.
	const again = await ask(server, "runs", "watch", runId);
	assert.equal(again.code, 1);
	assert.match(again.out, /\tCANCELLED\t\n$/);
	const { code, out, err } = await ask(server, "runs", "cancel", runId, UNKNOWN);
	assert.deepEqual([code, out], [1, ""]);
	assert.match(err, new RegExp(`^Error: run ${runId}: .*already cancelled\nError: run ${UNKNOWN}: .* knows no run`));
});

each("runs rerun", [V4], async ({ server, app, name }) => {
	await app({ functions: [completing(name)] });
	const run = await server.runOf({ name, data: { x: 7 } }, "Completed");
	const id = (await printed(server, "runs", "rerun", run.run_id)).trim();
	assert.match(id, new RegExp(`^${ULID}$`));
	assert.notEqual(id, run.run_id);
	assert.equal((await ask(server, "runs", "watch", id)).code, 0);
	const json = JSON.parse(await printed(server, "runs", "rerun", run.run_id, "--from-step", "first", "--json"));
	assert.equal((await ask(server, "runs", "watch", json.data.runId)).code, 0);
	await refused(server, /Step not found in original run/, "runs", "rerun", run.run_id, "--from-step", "nope");
	await refused(server, /--input requires --from-step/, "runs", "rerun", run.run_id, "--input", "[]");
	await refused(server, /knows no run/, "runs", "rerun", UNKNOWN);
});

// ---- watch -----------------------------------------------------------------------------------------------------

each("runs watch until the run completes", [V4, V4_PLAIN], async ({ server, app, name }) => {
	const { open, opened } = latch();
	const handler = async ({ step }) => {
		await step.run("wait here", () => opened);
		return step.run("then", () => 2);
	};
	await app({ functions: [{ id: "f", event: name, handler }] });
	const [id] = await server.send({ name });
	const [{ run_id: runId }] = await server.runsStarted(id);
	const watch = running(server, "runs", "watch", runId);
	await watch.prints(/\tstate\t/);
	open();
	assert.equal(await watch.ended, 0, watch.err);
	assert.equal(watch.err, watch.start);
	for (const part of [`\tstep\t${runId}\t${name}/f\twait here\t`, `\tstep\t${runId}\t${name}/f\tthen\t`, `\trun\t${runId}\t${name}/f\t\t\tCOMPLETED\t\n`])
		assert.ok(watch.out.includes(part), watch.out);
});

each("runs watch of a function, and of everything, until Ctrl-C", [V4], async ({ server, app, name }) => {
	await app({ functions: [completing(name), { id: "other", event: `${name}/other`, handler: () => 1 }] });
	const one = running(server, "runs", "watch", "--function", `${name}/completes`);
	const all = running(server, "runs", "watch");
	// Nothing tells that they listen but that they print.
	await until(async () => {
		await server.runOf({ name, data: { x: 1 } }, "Completed");
		return one.out.includes("COMPLETED") && all.out.includes(`${name}/completes\t\t\tCOMPLETED`);
	}, "the streams", server.timeoutMs);
	const [id] = await server.send({ name: `${name}/other` });
	const [other] = await server.runsEnded(id);
	await all.prints(new RegExp(`\trun\t${other.run_id}\t${name}/other\t\t\tCOMPLETED`));
	await all.prints(new RegExp(`\tevent\t${id}\t\t${name}/other\t`));
	const last = await server.runOf({ name, data: { x: 2 } }, "Completed");
	await one.prints(new RegExp(`\trun\t${last.run_id}\t.*COMPLETED`));
	assert.ok(!one.out.includes(other.run_id) && !one.out.includes("\tevent\t"), one.out);
	one.interrupt();
	all.interrupt();
	assert.deepEqual([await one.ended, await all.ended, one.err, all.err], [0, 0, one.start, all.start]);
	await refused(server, /knows no function .*nope; `inngest functions list` lists them/, "runs", "watch", "--function", `${name}/nope`);
});

once("runs watch says that the server is gone, and goes on with the next one", async ({ name }) => {
	const server = await Server.start({ flags: ["--no-poll", "--persist"] });
	const app = await App.start({ server, sdk: V4, id: name, functions: [{ id: "f", event: name, handler: ({ step }) => step.sleep("long", "1h") }] });
	const [id] = await server.send({ name });
	const [{ run_id: runId }] = await server.runsStarted(id);
	const watch = running(server, "runs", "watch", runId);
	await watch.prints(/\tstate\t/);
	await server.kill();
	await until(() => /Warning: the connection is lost: .*; connecting again\n/.test(watch.err), () => watch.err, server.timeoutMs);
	await server.spawn();
	await watch.prints(/\tstate\t[^]*\tstate\t/);
	await printed(server, "runs", "cancel", runId);
	assert.equal(await watch.ended, 1);
	assert.match(watch.out, /\trun\t.*\tCANCELLED\t\n$/);
	await app.retire();
	await server.stop();
});

// ---- events ----------------------------------------------------------------------------------------------------

each("events send and list", [V4], async ({ server, app, name }) => {
	await app({ functions: [completing(name)] });
	const id = (await printed(server, "events", "send", name, "--data", '{"x":12}', "--id", `${name}-1`)).trim();
	const [run] = await server.runsEnded(id);
	assert.deepEqual(run.output, { first: 1, got: 12 });
	const piped = await inngest(["events", "send", name, "--data", "-", "--url", server.url], { input: '{"x": "piped"}\n' });
	assert.equal(piped.code, 0, piped.err);
	await server.runsEnded(piped.out.trim());
	const events = rows(await printed(server, "events", "list", "--name", name));
	assert.deepEqual(events.map(([event, title, , data]) => [event, title, data]), [[piped.out.trim(), name, '{"x":"piped"}'], [id, name, '{"x":12}']]);
	const json = JSON.parse(await printed(server, "events", "list", "--name", name, "--limit", "1", "--json"));
	assert.equal(json.data[0].internal_id, piped.out.trim());
	assert.equal(await printed(server, "events", "list", "--name", name, "--until", "1h", "--since", "2h"), "");
	const dated = (await printed(server, "events", "send", `${name}/x`, "--ts", "2026-03-01T10:00:00Z", "--event-key", "a key")).trim();
	assert.equal((await server.data(`/v1/events/${dated}`)).ts, Date.parse("2026-03-01T10:00:00Z"));
	await refused(server, /status 400: event name is reserved/, "events", "send", "inngest/x");
});

// ---- functions and apps ----------------------------------------------------------------------------------------

each("functions list, pause, unpause", [V4], async ({ server, app, name }) => {
	await app({ functions: [completing(name), { id: "timed", triggers: [{ cron: "0 0 1 1 *" }], handler: () => 1 }] });
	const list = async () => rows(await printed(server, "functions", "list", "--app", name)).sort();
	assert.deepEqual(await list(), [[`${name}/completes`, "active", name, "completes"], [`${name}/timed`, "active", "0 0 1 1 *", "timed"]]);
	assert.equal(await printed(server, "functions", "pause", `${name}/completes`), `${name}/completes\n`);
	assert.equal((await list())[0][1], "paused");
	assert.equal(JSON.parse(await printed(server, "functions", "unpause", `${name}/completes`, "--json")).data.id, "completes");
	assert.equal((await list())[0][1], "active");
	const all = await printed(server, "functions", "list");
	assert.ok(all.includes(`${name}/timed\tactive\t`), all);
	const json = JSON.parse(await printed(server, "functions", "list", "--json"));
	assert.ok(json.data.some((one) => one.id === "timed" && one.app.id === name));
	await refused(server, /knows no function .*nope; `inngest functions list`/, "functions", "pause", `${name}/nope`);
	await refused(server, /is no name of a function: write APP\/FUNCTION/, "functions", "pause", "completes");
});

each("functions invoke", [V4, V4_PLAIN], async ({ server, app, name }) => {
	await app({
		functions: [
			completing(name),
			failing(name, { retries: 0 }),
			{ id: "answers", event: `${name}/answers`, handler: () => ({ data: [1, "two", null] }) },
		],
	});
	const id = (await printed(server, "functions", "invoke", `${name}/completes`, "--data", '{"x":5}')).trim();
	assert.equal((await ask(server, "runs", "watch", id)).code, 0);
	assert.equal((await server.run(id)).output.got, 5);
	assert.equal(await printed(server, "functions", "invoke", `${name}/answers`, "--wait"), '{"data":[1,"two",null]}\n');
	assert.equal(JSON.parse(await printed(server, "functions", "invoke", `${name}/answers`, "--wait", "--json")).data.status, "COMPLETED");
	const keyed = () => printed(server, "functions", "invoke", `${name}/completes`, "--idempotency-key", `${name}-k`);
	assert.equal(await keyed(), await keyed());
	const failed = await ask(server, "functions", "invoke", `${name}/fails`, "--wait");
	assert.deepEqual([failed.code, failed.out], [1, ""]);
	assert.match(failed.err, new RegExp(`^Started run ${ULID}; waiting for its end\\.\nError: run ${ULID}: Failed: \\w*Error: no way; .inngest runs get ${ULID}. shows more\n$`));
	await refused(server, /knows no function/, "functions", "invoke", `${name}/nope`, "--wait");
	await refused(server, /--data takes JSON/, "functions", "invoke", `${name}/completes`, "--data", "x");
});

each("apps list and sync", [V4], async ({ server, app, name }) => {
	const made = await app({ functions: [completing(name)] });
	const mine = async () => rows(await printed(server, "apps", "list")).find(([id]) => id === name);
	assert.deepEqual((await mine()).slice(0, 3), [name, "1", "SERVE"]);
	assert.equal((await mine())[4], made.url);
	made.serve([completing(name), failing(name)]);
	assert.equal(await printed(server, "apps", "sync", name), `${name}\t${made.url}\n`);
	assert.equal((await mine())[1], "2");
	made.serve([completing(name)]);
	assert.equal(JSON.parse(await printed(server, "apps", "sync", made.url, "--json")).data.createApp.name, name);
	assert.equal((await mine())[1], "1");
	await refused(server, /knows no app ".*-nope" with a URL; `inngest apps list` lists the apps/, "apps", "sync", `${name}-nope`);
	const gone = `http://localhost:${await freePort()}/api/inngest`;
	await refused(server, /the app at http:.* cannot be synced: .*\. Does it run, and serve its functions there\?/, "apps", "sync", gone);
});

// ---- what has ended, is gone or was never there ----------------------------------------------------------------

each("functions and apps that are removed", [V4], async ({ server, app, name }) => {
	const made = await app({ functions: [completing(name), failing(name)] });
	const run = await server.runOf({ name, data: { x: 1 } }, "Completed");
	made.serve([failing(name)]);
	await made.sync();
	const gone = `${name}/completes`;
	for (const [verb, ...more] of [["pause"], ["unpause"], ["invoke", "--data", "{}"], ["invoke", "--wait"]])
		await refused(server, /knows no function .*completes; `inngest functions list`/, "functions", verb, gone, ...more);
	await refused(server, /knows no function/, "runs", "watch", "--function", gone);
	await refused(server, /no app serves the function of this run any more; `inngest functions list`/, "runs", "rerun", run.run_id);
	assert.match(await printed(server, "runs", "get", run.run_id), /\tCOMPLETED\n/);
	assert.equal(await printed(server, "runs", "list", "--function", `${name}/fails`), "");
	const { code, err } = await ask(server, "runs", "cancel", run.run_id, "x", UNKNOWN);
	assert.equal(code, 1);
	assert.equal(err.split("\n").length, 4, err);
	await refused(server, /knows no app/, "functions", "list", "--app", `${name}-nope`);
	await refused(server, /knows no function/, "functions", "pause", `${name}-nope/f`);
});

once("the errors of mutations", async ({ server }) => {
	const graphql = async (text) => (await post(server, { query: text })).json;
	for (const [text, message] of [
		[`mutation { cancelRun(runID: "${UNKNOWN}") { id } }`, "not found"],
		[`mutation { rerun(runID: "${UNKNOWN}") }`, "sql: no rows in result set"],
		[`mutation { rerun(runID: "${UNKNOWN}", debugRunID: "x") }`, /ULID/i],
		[`mutation { cancelRun(runID: "x") { id } }`, /ULID/i],
		[`mutation { deleteApp(id: "abc") }`, /invalid UUID length: 3/],
	]) {
		const { errors } = await graphql(text);
		assert.ok(message instanceof RegExp ? message.test(errors?.[0].message) : errors?.[0].message === message, `${text}: ${JSON.stringify(errors)}`);
	}
	// An unknown function is no error: nothing runs.
	assert.deepEqual((await graphql(`mutation { invokeFunction(functionSlug: "nobody-nothing") }`)).data, { invokeFunction: true });
	for (const [path, status, text] of [
		["/v2/apps/nobody/functions/nothing/pause", 404, "Function not found"],
		["/v2/apps/nobody/functions/nothing/unpause", 404, "Function not found"],
		[`/v2/runs/${UNKNOWN}/cancel`, 404, "Run not found"],
		["/v2/runs/x/rerun", 400, "Run ID must be a valid ULID"],
	]) {
		const reply = await server.request(path, { method: "POST", body: {} });
		assert.deepEqual([reply.status, reply.json.errors[0].message], [status, text], path);
	}
});

// ---- more than fits ----------------------------------------------------------------------------------------------

// Together they are more than the command takes in one reply.
each("events and traces that are large", [V4], async ({ server, app, name }) => {
	const big = "x".repeat(2_900_000);
	await app({ functions: [{ id: "large", event: `${name}/go`, handler: async ({ step }) => {
		for (let i = 0; i < 9; i++) await step.run(`step ${i}`, () => big);
		return "end";
	} }] });
	const ids = [];
	for (let i = 0; i < 10; i++) ids.unshift(...(await server.send({ name, data: { big } })));
	const json = JSON.parse(await printed(server, "events", "list", "--name", name, "--json"));
	assert.deepEqual(json.data.map(({ internal_id: id, data }) => [id, data.big.length]), ids.map((id) => [id, big.length]));
	assert.deepEqual(rows(await printed(server, "events", "list", "--name", name, "--limit", "7")).map(([id]) => id), ids.slice(0, 7));
	const run = await server.runOf({ name: `${name}/go` }, "Completed");
	const { code, out, err } = await ask(server, "runs", "get", run.run_id);
	assert.equal(code, 0, err);
	assert.match(out, / {2}step 8\tCOMPLETED\t[^]*\n"end"\n$/);
});

const piped = (server, script, ...args) =>
	new Promise((done) => {
		const child = spawn("bash", ["-c", script, BIN, ...args, "--url", server.url], { cwd: tmpdir(), env: childEnvironment({}) });
		let err = "";
		child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
		child.once("close", (code) => done({ code, err }));
	});

each("output that nobody takes", [V4], async ({ server, app, name }) => {
	await app({ functions: [completing(name)] });
	const run = await server.runOf({ name, data: { x: 1 } }, "Completed");
	for (const args of [["runs", "list"], ["runs", "list", "--json"], ["runs", "list", "--all"], ["runs", "get", run.run_id], ["functions", "list", "--json"], ["events", "send", name], ["help"]]) {
		const { code, err } = await piped(server, 'exec "$0" "$@" > /dev/full', ...args);
		assert.equal(code, 1, `${args}`);
		assert.match(err, /Error: the output cannot be written: No space left on device\n$/, `${args}`);
	}
	// Whoever has seen enough is told nothing, and the command ends.
	const watched = piped(server, 'trap "" PIPE; { echo; "$0" "$@"; echo "ended with $?" >&2; } | head -1', "runs", "watch");
	const sent = until(async () => {
		await server.send({ name, data: { x: 2 } });
		return Promise.race([watched, new Promise((done) => setTimeout(() => done(false), 100))]);
	}, "the end of the watch", server.timeoutMs);
	assert.equal((await sent).err, `Watching ${server.url}; Ctrl-C ends it.\nended with 1\n`);
});

// ---- no server -------------------------------------------------------------------------------------------------

once("no server there", async () => {
	const url = `http://localhost:${await freePort()}`;
	const commands = [["runs", "list"], ["runs", "watch"], ["runs", "watch", UNKNOWN], ["events", "send", "x"], ["functions", "list"], ["apps", "list"]];
	for (const command of commands)
		await refused({ url }, /^Error: no server can be reached at .*; start one with `inngest dev`, or name another with --url or INNGEST_URL/, ...command);
});
