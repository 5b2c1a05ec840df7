// `inngest expr`: the specification's cases and the examples of docs/expressions.md through the real binary, and what
// the command makes of its arguments and files.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

import { inngest as run } from "./cli.mjs";
import { TIMEOUT_MS } from "./server.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (path) => readFileSync(join(root, path), "utf8");
const directory = mkdtempSync(join(tmpdir(), "inngest-expr-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const PROCESSES = 2;

function file(name, content) {
	const path = join(directory, name);
	writeFileSync(path, content);
	return path;
}

const inngest = (args, input) => run(args, { input, cwd: directory });

// The one line that `--json` prints, and the exit code.
async function evaluate(expression, args = [], input) {
	const { code, out, err } = await inngest(["expr", "--json", ...args, "--", expression], input);
	assert.equal(err, "", expression);
	assert.match(out, /^[^\n]+\n$/, expression);
	return { code, ...JSON.parse(out) };
}

// Runs `body` for each item, PROCESSES at a time.
async function each(items, body) {
	const rest = items[Symbol.iterator]();
	const work = async () => {
		for (const item of rest) await body(item);
	};
	await Promise.all(Array.from({ length: PROCESSES }, work));
}

// As JSON: there is no negative zero, and the order of members does not count.
const same = (a, b) => isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));

function exitCode({ error, type, result }) {
	if (error) return 2;
	const falsy = result === null || result === false || result === "" || (["int", "uint", "double"].includes(type) && result === 0);
	return falsy ? 1 : 0;
}

// Where a case's note says so, another outcome is as good.
function isRight(wanted, outcome) {
	const note = wanted.note ?? "";
	if (note.includes("plain CEL result or compile error") || note.includes("ordinary error is acceptable")) return true;
	if (note.includes("an error instead") && outcome.error) return true;
	if (wanted.error || outcome.error) return Boolean(wanted.error && outcome.error);
	return wanted.type === outcome.type && wanted.str === outcome.str && same(wanted.result, outcome.result);
}

test(basename(process.argv[1]), { concurrency: 1 }, async (t) => {
	await t.test("every case of the specification", { timeout: 10 * TIMEOUT_MS }, async () => {
		const cases = JSON.parse(read("tests/cel/cases.json"));
		const wrong = [];
		assert.ok(cases.length > 700);
		await each(cases, async (one) => {
			const outcome = await evaluate(one.expr, ["--vars", "-"], JSON.stringify(one.vars ?? {}));
			if (!isRight(one, outcome) || outcome.code !== exitCode(outcome)) wrong.push({ one, outcome });
		});
		assert.deepEqual(wrong, []);
	});

	const guide = read("docs/expressions.md");
	const event = file("order.json", onlyFence(guide, "json"));

	await t.test("every example of the guide", { timeout: 10 * TIMEOUT_MS }, async () => {
		const examples = tableRows(guide).filter(({ heads }) => heads.includes("example"));
		const wrong = [];
		assert.ok(examples.length > 150, `${examples.length} examples`);
		await each(examples, async ({ line, heads, cells }) => {
			const code = (head) => /^`(.+)`$/.exec(cells[heads.indexOf(head)] ?? "")?.[1];
			const asText = heads.includes("text");
			const [expression, wanted] = [code("example"), code(asText ? "text" : "result")];
			assert.ok(expression && wanted, `not an example: ${line}`);
			const { error, type, result, str } = await evaluate(expression, ["--event", event]);
			const is = error ? `error ${error}` : asText ? str : type === "null" ? "null" : `${type} ${JSON.stringify(result)}`;
			if (is !== wanted) wrong.push(`${expression}: ${is}, not ${wanted}`);
		});
		assert.deepEqual(wrong, []);
	});

	await t.test("the guide names every operator, macro and function, and the limits", () => {
		const sources = ["operators", "conversions", "functions_text", "functions_time"].map((name) => read(`src/cel/${name}.c`)).join("");
		const names = (pattern, source) => [...source.matchAll(pattern)].map(([, name]) => name);
		const called = names(/^\t\{"([^"]+)", OPERATOR_/gm, sources).map((name) => (/^\w*[a-z]$/i.test(name) ? name : name.replaceAll(/[@_]/g, "")));
		const macros = ["has", ...names(/\{"(\w+)", MACRO_/g, read("src/cel/parser.c"))];
		assert.ok(called.length > 45 && macros.length === 7, `${called} ${macros}`);
		const firsts = new Set(tableRows(guide).map(({ cells }) => cells[0].replaceAll("`", "")));
		for (const name of [...called, ...macros]) assert.ok(firsts.has(name), name);
		for (const limit of ["CEL_TEXT_MAX", "CEL_NESTING_MAX", "CEL_COST_MAX"]) {
			const [, value] = new RegExp(`#define ${limit} (\\d+)`).exec(read("src/cel/cel.h"));
			assert.ok(guide.includes(Number(value).toLocaleString("en-US")), `${limit} ${value}`);
		}
	});

	await t.test("the guide's session", async () => {
		const [, args, output] = /^\$ inngest expr '(.*)' --event order\.json\n([^]*?)^```$/m.exec(guide);
		assert.deepEqual(await inngest(["expr", args, "--event", event]), { code: 1, out: output, err: "" });
	});

	await t.test("exit codes", async () => {
		for (const [expression, code] of [["true", 0], ["'x'", 0], ["[]", 0], ["false", 1], ["null", 1], ["0.0", 1], ["''", 1],
			["event.data.x", 1], ["1 / 0", 2], ["1 +", 2]]) {
			assert.equal((await inngest(["expr", expression])).code, code, expression);
			assert.equal((await evaluate(expression)).code, code, expression);
		}
	});

	await t.test("where data comes from", async () => {
		const [one, two] = [file("one.json", '{"n": 1}'), file("two.json", '{"n": 2}')];
		const vars = file("vars.json", '{"event": {"n": 3}, "other": {"n": 4}}');
		const sum = "[event.n, async.n, other.n].map(n, n)";
		assert.deepEqual((await evaluate(sum, ["--event", one, "--async", two, "--vars", vars])).result, [1, 2, 4]);
		assert.deepEqual((await evaluate("event.n", ["--vars", vars])).result, 3);
		assert.deepEqual((await evaluate("event.n", ["--event=-", "--vars", vars], '{"n": 5}')).result, 5);
		assert.deepEqual((await evaluate("async.n", ["--async", "-"], '{"n": 6}')).result, 6);
		assert.deepEqual((await evaluate("event == null", ["--event", "-"], "null")).result, true);
		assert.deepEqual((await evaluate("event.n", ["--event", "-"], '{"n": 1, "n": 2}')).result, 2, "the last member counts, as in the server");
		assert.equal((await evaluate("event == null")).error, "no_such_attribute");
	});

	await t.test("files that cannot be read, and JSON that is none", async () => {
		const cases = [
			[["--event", join(directory, "nothing")], "", /^cannot read --event from .*nothing: No such file or directory$/],
			[["--async", directory], "", /^cannot read --async from .*: Is a directory$/],
			[["--event", "-"], "", /^cannot read --event from standard input: unexpected end of JSON input$/],
			[["--event", "-"], '{"a": }', /^cannot read --event from standard input: /],
			[["--vars", "-"], "[1]", /^cannot read --vars from standard input: the JSON is no object; write \{"event": …, "async": …\}$/],
			[["--event", "-"], `"${"x".repeat(64 << 20)}"`, /^cannot read --event from standard input: larger than 67108864 bytes$/],
		];
		for (const [args, input, message] of cases) {
			const json = await evaluate("true", args, input);
			assert.deepEqual([json.code, json.error, json.line, json.column], [2, "input", null, null]);
			assert.match(json.message, message);
			const plain = await inngest(["expr", "true", ...args], input);
			assert.deepEqual([plain.code, plain.out], [2, ""]);
			assert.match(plain.err.replace(/^Error: (.*)\n$/, "$1"), message);
		}
	});

	await t.test("wrong usage", async () => {
		const cases = [
			[["expr"], "no expression was given; write inngest expr 'EXPRESSION'"],
			[["expr", "1", "+", "1"], 'unexpected argument "+"; put what holds spaces in quotes, or run \'inngest expr --help\' to see what it takes'],
			[["expr", "true", "--event"], "flag needs an argument: -event; write --event=VALUE"],
			[["expr", "true", "--port", "1"], "flag provided but not defined: -port; run 'inngest expr --help' to see the flags"],
			[["expr", "true", "--event", "-", "--async", "-"],
				"standard input can be read once; write - for one of --event, --async and --vars"],
		];
		for (const [args, message] of cases)
			assert.deepEqual(await inngest(args), { code: 2, out: "", err: `Incorrect Usage: ${message}\n` });
	});

	await t.test("an expression that begins with a minus, and flags on either side", async () => {
		assert.equal((await inngest(["expr", "--json", "--", "-5 < 1"])).out, '{"type":"bool","result":true,"str":"true"}\n');
		assert.equal((await inngest(["--json", "expr", "1u"])).out, '{"type":"uint","result":1,"str":"1"}\n');
		assert.equal((await inngest(["expr", "1u", "--json"])).out, '{"type":"uint","result":1,"str":"1"}\n');
	});

	await t.test("compile errors show the place, in characters", async () => {
		const cases = [
			["event.data.id ==", 1, 17, ["event.data.id ==", "                ^"]],
			["'é' == é", 1, 8, ["'é' == é", "       ^"]],
			["'日本' == 'x' &&\n\t'é' == @\n|| true", 2, 9, ["\t'é' == @", "\t       ^"]],
			["", 1, 1, ["", "^"]],
		];
		for (const [expression, line, column, lines] of cases) {
			const json = await evaluate(expression);
			assert.deepEqual([json.code, json.error, json.line, json.column], [2, "compile", line, column]);
			const plain = await inngest(["expr", expression]);
			assert.deepEqual([plain.code, plain.out], [2, ""]);
			assert.deepEqual(plain.err.split("\n"), [`Error: ${line}:${column}: ${json.message}`, ...lines.map((text) => `  ${text}`), ""]);
		}
		assert.match((await evaluate("x".repeat(100_001))).message, /size exceeds limit/);
	});

	await t.test("explanations", async () => {
		const explain = async (expression) => (await inngest(["expr", expression, "--event", event])).out;
		assert.equal(
			await explain("event.data.paid && (event.data.customer.vip || !event.data.nope)"),
			"false (bool)\n\nBecause\n" +
				"  event.data.customer.vip || !event.data.nope is false\n" +
				"    event.data.customer.vip is missing\n" +
				"    !event.data.nope is false\n" +
				"      event.data.nope is missing\n" +
				'\nMissing\n  event.data.customer.vip: there is no "vip"\n  event.data.nope: there is no "nope"\n',
		);
		assert.match(await explain("async.data.id == event.data.id"), /async\.data\.id: there is no "async"; give it with --async FILE\n/);
		assert.match(
			await explain("event.data.customer != null && event.data.customer.x == null"),
			/event\.data\.customer is missing: it is there, but event\.data\.customer\.x is not\n/,
		);
		assert.match(await explain("event.data.nick || 'nobody'"), /\nRefused at registration where types are checked: .*\n  1:20: expected type 'bool' but found 'string'\n$/);
		assert.match(await explain("event.data.id == 'a\\q'"), /\nRefused at registration\n  1:18: Syntax error: .*\n$/);
		assert.match(
			await explain("has(event.data.x) && event.data.count + 1.0 + 1.0 == 5.0"),
			/\nRefused in a cancelOn\n  \* macros are disallowed \(uses 'has'\)\n  \* function calls are disallowed \(uses '_\+_'\)\n$/,
		);
		assert.doesNotMatch(await explain("event.data.id == 'x'"), /Refused|Missing/);
		const failed = await inngest(["expr", "event.data.count - 1", "--event", event]);
		assert.deepEqual([failed.code, failed.out], [2, ""]);
		assert.match(failed.err, /^Error: no such overload: _-_\n\nBecause\n  event\.data\.count is 3 \(double\)\n/);
	});

	await t.test("long data is cut in explanations, not in results", async () => {
		const long = file("long.json", JSON.stringify({ text: "é".repeat(5000), list: Array(1000).fill(1), map: { a: Array(100).fill({}) } }));
		const { out } = await inngest(["expr", "[event.text, event.list, event.map] == 1", "--event", long]);
		assert.match(out, /\n    event\.text is "é+"… \(10000 bytes\)\n    event\.list is a list of 1000\n    event\.map is an object with 1 members\n/);
		assert.ok(out.length < 2000);
		assert.equal((await evaluate("event.text", ["--event", long])).result.length, 5000);
	});

	await t.test("bytes that are no UTF-8 are printed as UTF-8", async () => {
		assert.deepEqual((await evaluate("b64decode('gICA')")).result, "\ufffd\ufffd\ufffd");
		assert.equal((await inngest(["expr", "b64decode('gA==')"])).out.split("\n")[0], '"\ufffd" (string)');
	});

	await t.test("help", async () => {
		assert.match((await inngest(["help"])).out, /\n   expr +Evaluate an expression and explain the result\n/);
		for (const args of [["expr", "--help"], ["help", "expr"], ["expr", "-h"]]) {
			const { code, out } = await inngest(args);
			assert.equal(code, 0);
			assert.match(out, /inngest expr 'EXPRESSION' \[options\]/);
			for (const flag of ["--event file", "--async file", "--vars file"]) assert.ok(out.includes(`   ${flag} `), flag);
			assert.equal(out.split("\n").filter((line) => line.startsWith("   --json")).length, 1);
			assert.match(out, /exit code is 0 when the result is truthy, 1 when it is not, 2 after an error/);
		}
	});
});

function onlyFence(text, language) {
	const fences = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))];
	assert.equal(fences.length, 1);
	return fences[0][1];
}

// The rows of all tables: { line, heads, cells }.
function tableRows(text) {
	const rows = [];
	let heads;
	for (const line of text.split("\n")) {
		if (!line.startsWith("|")) {
			heads = undefined;
			continue;
		}
		const cells = line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|"));
		if (!heads) heads = cells;
		else if (!/^\|(-+\|)+$/.test(line)) {
			assert.equal(cells.length, heads.length, line);
			rows.push({ line, heads, cells });
		}
	}
	return rows;
}
