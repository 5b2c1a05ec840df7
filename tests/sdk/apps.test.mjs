// Apps that come, go, move and change; several of them; wildcard triggers.
import assert from "node:assert/strict";
import http from "node:http";

import { SDKS, V3, V4, freePort, suite, until, watcher } from "./harness.mjs";

const { each, once } = suite();

each("an app that is down, then up again", async ({ server, app, name }) => {
	let ran = 0;
	const made = await app({
		port: await freePort(),
		functions: [
			{
				id: "survive",
				event: `${name}/survive`,
				retries: 20,
				handler: async ({ step }) => {
					const a = await step.run("a", () => (ran++, "a"));
					await step.sleep("meanwhile", "1s");
					return a + (await step.run("b", () => "b"));
				},
			},
		],
	});
	const { port } = made;
	const [before] = await server.send({ name: `${name}/survive` });
	await until(() => ran === 1, "the first step");
	await made.down();
	const [during] = await server.send({ name: `${name}/survive` });
	await server.runsStarted(during);
	await made.listen(port);
	for (const id of [before, during]) {
		const [run] = await server.runsEnded(id);
		assert.equal(run.status, "Completed", JSON.stringify(run));
		assert.equal(run.output, "ab");
	}
	assert.ok(made.calls.some((call) => call.attempt > 0), "a call was tried again");
});

each("an app that stays down", async ({ server, sdk, app, name }) => {
	const watch = watcher("inngest/function.failed");
	await app({ id: `${name}-watch`, functions: watch.functions });
	const made = await app({ functions: [{ id: "gone", event: `${name}/gone`, retries: 1, handler: () => 1 }] });
	await made.down();
	const run = await server.runOf({ name: `${name}/gone` }, "Failed");
	const { error } = (await watch.event("inngest/function.failed", run)).data;
	assert.equal(error.error, "Unable to reach SDK URL", sdk.name);
});

each("an app that moves while its runs are in flight", async ({ server, sdk, app, name }) => {
	const functions = (place) => [
		{
			id: "move",
			event: `${name}/move`,
			handler: async ({ step }) => {
				const first = await step.run("first", () => place);
				await step.sleep("packing", "2s");
				return [first, await step.run("second", () => place)];
			},
		},
	];
	const old = await app({ functions: functions("old") });
	const [id] = await server.send({ name: `${name}/move` });
	await until(() => old.calls.some((call) => call.reply?.includes("Sleep")), "the run to sleep");
	const fresh = await app({ functions: functions("new") });
	await old.down();
	const [run] = await server.runsEnded(id);
	assert.deepEqual(run.output, ["old", "new"], sdk.name);
	const next = await server.runOf({ name: `${name}/move` }, "Completed");
	assert.deepEqual(next.output, ["new", "new"]);
	assert.equal(next.function_id, run.function_id, "it is still the same function");
	assert.ok(fresh.calls.length >= 2);
});

each("functions that are removed", async ({ server, app, name }) => {
	const keep = { id: "keep", event: `${name}/both`, handler: () => "kept" };
	const drop = {
		id: "drop",
		event: `${name}/both`,
		handler: async ({ step }) => {
			await step.sleep("meanwhile", "2s");
			return "finished after its removal";
		},
	};
	const made = await app({ functions: [keep, drop] });
	const [first] = await server.send({ name: `${name}/both` });
	await until(() => made.calls.some((call) => call.reply?.includes("Sleep")), "the run to sleep");
	// The code is still there to finish what runs; only the registration no longer names it.
	const registered = await made.register([made.rawFunction("keep", `${name}/both`)]);
	assert.equal(registered.json.modified, true);
	const [second] = await server.send({ name: `${name}/both` });
	const [only] = await server.runsEnded(second);
	assert.equal(only.output, "kept");
	const outputs = (await server.runsEnded(first, 2)).map((run) => run.output).sort();
	assert.deepEqual(outputs, ["finished after its removal", "kept"]);
});

each("functions that are added, and come back", async ({ server, app, name }) => {
	const one = { id: "one", event: `${name}/one`, handler: () => "one" };
	const two = { id: "two", event: `${name}/two`, handler: () => "two" };
	const made = await app({ functions: [one] });
	const first = await server.runOf({ name: `${name}/one` }, "Completed");
	made.serve([one, two]);
	assert.equal((await made.sync()).modified, true);
	assert.equal((await made.sync()).modified, false, "nothing new the second time");
	assert.equal((await server.runOf({ name: `${name}/two` }, "Completed")).output, "two");
	made.serve([two]);
	await made.sync();
	const [nobody] = await server.send({ name: `${name}/one` });
	assert.equal((await server.runOf({ name: `${name}/two` }, "Completed")).output, "two");
	assert.deepEqual(await server.runsOf(nobody), []);
	made.serve([one, two]);
	await made.sync();
	const again = await server.runOf({ name: `${name}/one` }, "Completed");
	assert.equal(again.function_id, first.function_id);
});

each("a registration that fails leaves the app as it was", async ({ server, app, name }) => {
	const made = await app({ functions: [{ id: "fine", event: `${name}/fine`, handler: () => "fine" }] });
	const bad = await made.register([made.rawFunction("fine", `${name}/fine`, { name: "" })]);
	assert.equal(bad.status, 400);
	assert.equal(bad.json.error, "At least one function is invalid");
	assert.equal(bad.json.status, 400);
	assert.equal((await server.runOf({ name: `${name}/fine` }, "Completed")).output, "fine");
});

once("two apps at once, of different SDKs", async ({ server, app, name }) => {
	const made = await Promise.all(
		SDKS.map((sdk) =>
			app({
				sdk,
				id: `${name}-${sdk.name}`,
				functions: [
					{
						id: "shared",
						event: `${name}/shared`,
						handler: async ({ step }) => `${sdk.name} ${await step.run("who", () => sdk.name)}`,
					},
					{ id: "own", event: `${name}/${sdk.name}`, handler: () => sdk.name },
				],
			}),
		),
	);
	const [id] = await server.send({ name: `${name}/shared` });
	const runs = await server.runsEnded(id, SDKS.length);
	assert.deepEqual(runs.map((run) => run.output).sort(), SDKS.map((sdk) => `${sdk.name} ${sdk.name}`).sort());
	for (const sdk of SDKS) assert.equal((await server.runOf({ name: `${name}/${sdk.name}` }, "Completed")).output, sdk.name);
	assert.equal(new Set(made.map((one) => one.url)).size, SDKS.length);
});

each("one function with several triggers", async ({ server, app, name }) => {
	await app({
		functions: [
			{
				id: "many",
				triggers: [{ event: `${name}/a` }, { event: `${name}/b` }, { event: `${name}/*` }],
				handler: ({ event }) => event.name,
			},
		],
	});
	for (const event of ["a", "b", "c"]) {
		assert.equal((await server.runOf({ name: `${name}/${event}` }, "Completed")).output, `${name}/${event}`);
	}
});

each("wildcard triggers", async ({ server, app, name }) => {
	const functions = ["app/*", "app/user.*", "app/user.created", "app/user.created.*", "app*", "*", "app/u*"].map((pattern, i) => ({
		id: `pattern-${i}`,
		event: pattern === "*" ? pattern : `${name}-${pattern}`,
		handler: () => pattern,
	}));
	await app({ functions });
	const matches = {
		"app/user.created": ["app/*", "app/user.*", "app/user.created"],
		"app/user.created.twice": ["app/*", "app/user.*", "app/user.created.*"],
		"app/user": ["app/*"],
		"app/user.": ["app/*", "app/user.*"],
		"app/a/b": ["app/*"],
		"app/": ["app/*"],
		"app": [],
		"apple": [],
		"App/user.created": [],
	};
	for (const [event, patterns] of Object.entries(matches)) {
		const [id] = await server.send({ name: `${name}-${event}` });
		const runs = patterns.length ? await server.runsEnded(id, patterns.length) : await server.runsOf(id);
		assert.deepEqual(runs.map((run) => run.output).sort(), [...patterns].sort(), event);
	}
});

each("an app behind a redirect", [V3, V4], async ({ server, app, name }) => {
	const made = await app({
		functions: [
			{
				id: "far",
				event: `${name}/far`,
				handler: async ({ step }) => {
					await step.sleep("on the way", "1s");
					return step.run("there", () => "arrived");
				},
			},
		],
	});
	for (const status of [307, 308]) {
		const gate = http.createServer((request, response) => {
			request.resume();
			response.writeHead(status, { location: `http://localhost:${made.port}/api/inngest?extra=1` }).end();
		});
		await new Promise((done) => gate.listen(0, done));
		const far = made.rawFunction("far", `${name}/far`);
		const url = `http://localhost:${gate.address().port}/gate`;
		far.steps.step.runtime.url = `${url}?fnId=${far.id}&stepId=step`;
		assert.equal((await made.register([far], { url })).status, 200);
		const run = await server.runOf({ name: `${name}/far` }, "Completed");
		assert.equal(run.output, "arrived");
		const calls = made.callsOf(run);
		assert.ok(calls.every((call) => call.url.includes("extra=1") && call.fnId === far.id && call.headers["x-run-id"]));
		gate.closeAllConnections();
		await new Promise((done) => gate.close(done));
	}
});

once("an app that redirects for ever", async ({ server, app, name }) => {
	let hops = 0;
	const made = await app({
		answer: ({ response }) => {
			hops++;
			response.writeHead(307, { location: made.url }).end();
		},
	});
	await made.register([made.rawFunction("loop", `${name}/loop`)]);
	const run = await server.runOf({ name: `${name}/loop` }, "Failed");
	assert.equal(hops, 61);
	assert.match(JSON.stringify(run.output), /60 redirects/);
});
