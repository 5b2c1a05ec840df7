// Torture: kill -9 the server again and again while runs are under way, start it again over the same directory, and
// check that no promise was broken.
//
//	KILLS        how often (default 20)
//	RUNS         runs of each of the four functions (default: 10 per kill, or 1000 and 3 per kill from 100 kills on)
//	SEED         of all decisions (default: the clock); the timing is the machine's
//	INNGEST_BIN  the server (default ../../build/inngest)
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { App } from "./app.mjs";
import { checkDatabase } from "./database.mjs";
import { Ledger } from "./ledger.mjs";
import { Server } from "./server.mjs";
import { Checks, Random, freePort, pause } from "./support.mjs";
import { Traffic } from "./traffic.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const KILLS = number("KILLS", 20);
const RUNS = number("RUNS", KILLS >= 100 ? Math.max(1000, KILLS * 3) : Math.max(50, KILLS * 10));
const SEED = number("SEED", Date.now() % 2 ** 31);
const BIN = resolve(process.env.INNGEST_BIN || join(here, "../../build/inngest"));

// Events keep coming until this share of the kills.
const SENDING_SHARE = 0.9;
// How long a start lives, as [share of the starts, from, to] in ms: while it starts, while it recovers, and at work.
const LIVES = [
	[0.2, 2, 40],
	[0.4, 40, 250],
	[0.4, 250, 1000],
];
// Some kills come at the very moment at which the server has answered or called, if it does so soon.
const AT_A_MOMENT = 0.4;
const MOMENT_LIMIT_MS = 200;
const OWN_ENDS_MAX = 5;

const CHECKS = {
	alive: "no start ends by itself",
	accept: "events are accepted, and the same seed gives the same internal ids",
	listed: "every acknowledged event is listed, once",
	one: "every event has exactly one run",
	finish: "every run is Completed",
	output: "with the output that the app returned",
	memo: "a memoised step never changes",
	made: "a memoised step is what an execution of it returned",
	kept: "a memoised step is never lost",
	checkpoint: "an acknowledged checkpoint is never lost",
	repeat: "a memoised step is not asked for again",
	join: "branches are joined after the last",
	sleep: "no sleep ends early",
	single: "one call at a time",
	attempt: "a kill costs no attempt",
	done: "no call after the end of a run",
	shape: "calls are what an app expects",
	read: "the API answers, and always the same",
	exit: "SIGTERM ends it with 0",
	integrity: "PRAGMA integrity_check says ok",
	finishes: "one row in function_finishes per run",
	runs: "one row in function_runs per event and function",
	told: "one inngest/function.finished per run",
	records: "runs leave no records behind",
	quarantine: "no record went to the quarantine",
};

function number(name, fallback) {
	const text = process.env[name];
	if (!text) return fallback;
	if (!/^\d+$/.test(text)) {
		console.error(`${name} must be a number, not "${text}"`);
		process.exit(1);
	}
	return Number(text);
}

function lifetime(random) {
	let draw = random.next();
	for (const [share, from, to] of LIVES) {
		if (draw < share) return random.between(from, to);
		draw -= share;
	}
	return LIVES.at(-1)[2];
}

// Kills the server KILLS times and starts it again each time. Gives up when it ends by itself too often.
async function killAgainAndAgain(server, traffic, random) {
	for (let kills = 0; kills < KILLS && server.ends.length < OWN_ENDS_MAX; kills++) {
		traffic.allowed = Math.ceil((traffic.events.length * (kills + 1)) / (KILLS * SENDING_SHARE));
		await pause(lifetime(random));
		if (random.chance(AT_A_MOMENT)) await Promise.race([once(server.moments, "moment"), pause(MOMENT_LIMIT_MS)]);
		await server.kill();
		server.start();
		if ((kills + 1) % 50 === 0) console.log(`${kills + 1} kills, ${traffic.acknowledged.length} events acknowledged`);
	}
	traffic.allowed = traffic.events.length;
}

async function torture(directory, checks) {
	const random = new Random(SEED);
	// A copy, so that a build meanwhile changes nothing.
	const binary = join(directory, "inngest");
	copyFileSync(BIN, binary);
	const server = new Server(binary, directory);
	process.once("exit", () => server.destroy());
	await server.choosePorts();
	const ledger = new Ledger(checks, server);
	const app = new App({ server, ledger, checks, random: new Random(SEED + 1), port: await freePort() });
	const traffic = new Traffic({ server, app, ledger, checks, random: new Random(SEED + 2), runs: RUNS, kills: KILLS });
	await app.listen();
	server.start();
	try {
		if (!(await server.healthy())) throw new Error("the server does not start");
		const registered = await app.register();
		if (registered?.json?.ok !== true) throw new Error(`the server does not register the app: ${registered?.text}`);
		await play(server, ledger, traffic, random, checks);
	} catch (error) {
		checks.expect("alive", false, error.stack);
	}
	for (let n = 0; n < server.incarnation; n++) checks.expect("alive", n >= server.ends.length, server.ends[n]);
	server.destroy();
	await app.close();
	return server;
}

async function play(server, ledger, traffic, random, checks) {
	const started = Date.now();
	let going = true;
	const reading = traffic.read(() => going);
	const sending = traffic.send();
	await killAgainAndAgain(server, traffic, random);
	if (!(await server.healthy())) throw new Error("the server does not start after the last kill");
	await sending;
	going = false;
	await reading;
	const tortured = Date.now() - started;
	await traffic.settle();
	const end = await server.stop();
	checks.expect("exit", end.code === 0, () => `ended with ${end.error?.message ?? end.signal ?? end.code}`);
	checkDatabase(server.directory, traffic.events.length, checks);
	console.log(
		`${KILLS} kills in ${tortured} ms, ${Date.now() - started} ms in all; ${traffic.events.length} events, ` +
			`${traffic.repeats} requests sent again; ${ledger.runs.size} runs, ${ledger.calls} calls, ` +
			`${[...ledger.runs.values()].filter((run) => run.strays > 0).length} runs with executions that outlived their call`,
	);
}

async function main() {
	if (!existsSync(BIN)) {
		console.error(`${BIN} is not there: build it first, or say where it is with INNGEST_BIN`);
		return 1;
	}
	const checks = new Checks(CHECKS);
	const directory = mkdtempSync(join(tmpdir(), "inngest-crash-"));
	console.log(`KILLS=${KILLS} RUNS=${RUNS} SEED=${SEED}`);
	const server = await torture(directory, checks);
	checks.report(console.log);
	const { failed } = checks;
	if (failed > 0) {
		console.log(`the server said at last:\n${server.log()}`);
		console.log(`its database is in ${directory}`);
		console.log(`again with: KILLS=${KILLS} RUNS=${RUNS} SEED=${SEED} node tests/crash/crash.mjs`);
	} else {
		rmSync(directory, { recursive: true, force: true });
	}
	console.log(`${checks.kinds.size - failed} passed, ${failed} failed`);
	return failed > 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.exit(await main());
