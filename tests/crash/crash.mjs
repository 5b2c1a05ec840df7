// Torture: kill -9 the server again and again while runs are under way, start it again over the same directory, and
// check that no promise was broken.
//
//	KILLS        how often (default 20)
//	RUNS         runs of each of the main functions (default: 10 per kill, or 1000 and 6 per kill from 100 kills on)
//	SEED         of all decisions (default: the clock); the timing is the machine's
//	INNGEST_BIN  the server (default ../../build/inngest)
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { App } from "./app.mjs";
import { checkDatabase } from "./database.mjs";
import { judgeFlow } from "./flow-judge.mjs";
import { Judge } from "./judge.mjs";
import { killAgainAndAgain } from "./killer.mjs";
import { Ledger } from "./ledger.mjs";
import { Limits } from "./limits.mjs";
import { People } from "./people.mjs";
import { PROMISES } from "./promises.mjs";
import { Server } from "./server.mjs";
import { Checks, Random, freePort } from "./support.mjs";
import { judgeColumns } from "./traces.mjs";
import { Traffic } from "./traffic.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const KILLS = number("KILLS", 20);
const RUNS = number("RUNS", KILLS >= 100 ? Math.max(1000, KILLS * 6) : Math.max(50, KILLS * 10));
const SEED = number("SEED", Date.now() % 2 ** 31);
const BIN = resolve(process.env.INNGEST_BIN || join(here, "../../build/inngest"));

function number(name, fallback) {
	const text = process.env[name];
	if (!text) return fallback;
	if (!/^\d+$/.test(text)) {
		console.error(`${name} must be a number, not "${text}"`);
		process.exit(1);
	}
	return Number(text);
}

async function torture(directory, checks) {
	// A copy, so that a build meanwhile changes nothing.
	const binary = join(directory, "inngest");
	copyFileSync(BIN, binary);
	const server = new Server(binary, directory);
	process.once("exit", () => server.destroy());
	await server.choosePorts();
	const events = new Map(); // all that are sent, by id
	const ledger = new Ledger(checks, server, events);
	const limits = new Limits({ server, ledger, checks });
	const all = { server, ledger, limits, events, checks };
	all.app = new App({ ...all, random: new Random(SEED + 1), port: await freePort() });
	all.traffic = new Traffic({ ...all, random: new Random(SEED + 2), runs: RUNS, kills: KILLS });
	all.people = new People({ ...all, random: new Random(SEED + 3) });
	await all.app.listen();
	server.start();
	try {
		if (!(await server.healthy())) throw new Error("the server does not start");
		const registered = await all.app.register();
		if (registered?.json?.ok !== true) throw new Error(`the server does not register the app: ${registered?.text}`);
		await play(all);
	} catch (error) {
		checks.expect("alive", false, error.stack);
	}
	for (let n = 0; n < server.incarnation; n++) checks.expect("alive", n >= server.ends.length, server.ends[n]);
	server.destroy();
	await all.app.close();
	return server;
}

async function play(all) {
	const { server, ledger, traffic, people, checks } = all;
	const started = Date.now();
	let going = true;
	const background = [traffic.read(() => going), people.deploy(() => going)];
	const sending = traffic.send();
	const hits = await killAgainAndAgain({ ...all, random: new Random(SEED), kills: KILLS });
	if (!(await server.healthy())) throw new Error("the server does not start after the last kill");
	await sending;
	going = false;
	await Promise.all(background);
	const tortured = Date.now() - started;
	const judge = new Judge(all);
	await judge.judge();
	const end = await server.stop();
	checks.expect("exit", end.code === 0, () => `ended with ${end.error?.message ?? end.signal ?? end.code}`);
	const runs = [...ledger.runs.values()];
	checkDatabase(server.directory, runs, [...traffic.sent.values()], checks);
	judgeColumns(server.directory, checks);
	judgeFlow(all, judge.outcomes);
	console.log(
		`${KILLS} kills in ${tortured} ms, ${Date.now() - started} ms in all; ${traffic.sent.size} events, ` +
			`${traffic.repeats + people.unheard} requests sent again; ${runs.length} runs, ${ledger.calls} calls, ` +
			`${runs.filter((run) => run.strays > 0).length} runs with executions that outlived their call`,
	);
	console.log(`kills at moments: ${Object.entries(hits).map(([name, count]) => `${name} ${count}`).join(", ")}`);
}

async function main() {
	if (!existsSync(BIN)) {
		console.error(`${BIN} is not there: build it first, or say where it is with INNGEST_BIN`);
		return 1;
	}
	const checks = new Checks(PROMISES);
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
