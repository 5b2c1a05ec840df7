// Runs the binary under test as a command that ends by itself.
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";

import { BIN, TIMEOUT_MS, childEnvironment } from "./server.mjs";

// { code, out, err } of `inngest ARGUMENTS…`; `input` is its standard input.
export function inngest(args, { input = "", env = {}, cwd = tmpdir() } = {}) {
	return new Promise((done, fail) => {
		const child = spawn(BIN, args, { cwd, env: childEnvironment(env), timeout: TIMEOUT_MS });
		const result = { out: "", err: "" };
		child.stdout.setEncoding("utf8").on("data", (text) => (result.out += text));
		child.stderr.setEncoding("utf8").on("data", (text) => (result.err += text));
		child.stdin.on("error", () => {}); // It may end without reading.
		child.once("error", fail);
		child.once("close", (code, signal) => done({ code: code ?? signal, ...result }));
		child.stdin.end(input);
	});
}
