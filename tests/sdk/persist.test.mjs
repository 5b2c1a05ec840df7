// Runs that outlive the server: --persist, a clean stop or a kill, and a new start.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { App, Server, suite, until } from "./harness.mjs";

const { each, once } = suite({ server: false });

for (const how of ["SIGTERM", "SIGKILL"]) {
	each(`runs go on after ${how} and a new start`, async ({ sdk }) => {
		const directory = await mkdtemp(join(tmpdir(), "inngest-persist-"));
		const server = await Server.start({ directory, flags: ["--persist", "--no-poll"] });
		const ran = [];
		let release;
		const held = new Promise((done) => (release = done));
		const app = await App.start({
			server,
			sdk,
			id: "lasting",
			functions: [
				{
					id: "sleeper",
					event: "lasting/sleep",
					handler: async ({ step }) => {
						const a = await step.run("a", () => (ran.push("a"), "a"));
						await step.sleep("over the stop", "3s");
						return a + (await step.run("b", () => (ran.push("b"), "b")));
					},
				},
				{
					id: "caller",
					event: "lasting/call",
					handler: async ({ step }) => {
						const c = await step.run("c", () => (ran.push("c"), "c"));
						return c + (await step.run("d", async () => (ran.push("d"), await held, "d")));
					},
				},
			],
		});
		const [asleep] = await server.send({ name: "lasting/sleep" });
		const [calling] = await server.send({ name: "lasting/call" });
		await until(() => app.calls.some((call) => call.reply?.includes("Sleep")), "the sleep");
		await until(() => ran.includes("d"), "the call in flight");
		if (how === "SIGTERM") {
			await server.stop();
		} else {
			await server.kill();
		}
		await server.spawn();
		release();
		assert.deepEqual((await server.runsEnded(asleep))[0].output, "ab");
		assert.deepEqual((await server.runsEnded(calling))[0].output, "cd");
		assert.equal(ran.filter((id) => id === "a").length, 1);
		assert.equal(ran.filter((id) => id === "c").length, 1);
		assert.equal((await server.data(`/v1/events/${asleep}`)).name, "lasting/sleep");
		await app.retire();
		await server.stop();
		await rm(directory, { recursive: true, force: true });
	});
}

for (const cut of [false, true]) {
	once(`a stop while 120 calls wait for ${cut ? "an app that went away" : "their answer"}`, async () => {
		const server = await Server.start({ flags: ["--no-poll"] });
		let waiting = 0;
		const app = await App.start({ server, id: "mute", answer: () => waiting++ });
		await app.register([app.rawFunction("mute", "mute/mute", { retries: 4 })]);
		await server.send(Array.from({ length: 120 }, () => ({ name: "mute/mute" })));
		await until(() => waiting >= 100, "100 calls in flight");
		if (cut) await app.down();
		await server.stop();
		await app.down();
	});
}
