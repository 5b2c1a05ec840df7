// Functions with conditional triggers, what each condition means in JavaScript, and random events for them. The meaning
// of missing data, null and mixed types is the one of spec 04 §B5, written down a second time here and by hand.
import { isDeepStrictEqual } from "node:util";

// ---- the rules -----------------------------------------------------------------------------------------------------

// What is missing is undefined here.
const ERROR = Symbol("error");
const absent = (value) => value === undefined || value === ERROR;
const truthy = (value) => !absent(value) && ![null, false, "", 0].includes(value);
const and = (a, b) => (truthy(a) ? b : a);
const or = (a, b) => (truthy(a) ? a : b);
const not = (a) => (absent(a) ? false : typeof a === "boolean" ? !a : ERROR);

function equal(a, b) {
	if (absent(a)) return b === null;
	return absent(b) ? a === null : isDeepStrictEqual(a, b);
}

const OPERATORS = { "<": (n) => n < 0, "<=": (n) => n <= 0, ">": (n) => n > 0, ">=": (n) => n >= 0 };
const zeroOf = (value) => ({ number: 0, string: "" })[typeof value] ?? null;

function order(a, operator, b) {
	if (absent(a) || absent(b)) return operator.startsWith("<") ? absent(a) : !absent(a);
	const [left, right] = [a ?? zeroOf(b), b ?? zeroOf(a)];
	if (typeof left !== typeof right || typeof left === "object") return ERROR;
	const sign = typeof left === "string" ? Buffer.compare(Buffer.from(left), Buffer.from(right)) : left - right;
	return OPERATORS[operator](sign);
}

function size(value) {
	if (absent(value)) return 0;
	if (typeof value === "string") return [...value].length;
	return typeof value === "object" && value !== null ? Object.keys(value).length : ERROR;
}

// A method of strings.
const text = (value, method) => (absent(value) ? false : typeof value === "string" ? method(value) : ERROR);

function isIn(value, list) {
	if (absent(value) || absent(list)) return false;
	if (Array.isArray(list)) return list.some((one) => equal(one, value));
	return typeof list === "object" && list !== null ? Object.hasOwn(list, value) : ERROR;
}

function exists(list, predicate) {
	if (absent(list)) return undefined;
	if (!Array.isArray(list)) return ERROR;
	for (const one of list) {
		const value = predicate(one);
		if (value !== false) return value;
	}
	return false;
}

const toInt = (value) => (typeof value === "number" ? Math.trunc(value) : typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : NaN);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
// The value at a path; undefined when something on the way is no object or has no such member.
const at = (value, ...path) => path.reduce((inner, key) => (isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);

// ---- functions -----------------------------------------------------------------------------------------------------

// [id, condition, its meaning], all of them for orders. `d` is the event's data.
const ORDER_CONDITIONS = [
	["string", `event.data.s == "alpha"`, ({ d }) => equal(d.s, "alpha")],
	["not-string", `event.data.s != 'alpha' && event.data.n == 42`, ({ d }) => and(!equal(d.s, "alpha"), equal(d.n, 42))],
	["raw-string", `event.data.s == "line\\nbreak"`, ({ d }) => equal(d.s, "line\\nbreak")],
	["unicode", `event.data.s in ["é", "größe"] && size(event.data.s) < 3`, ({ d }) => and(isIn(d.s, ["é", "größe"]), order(size(d.s), "<", 3))],
	["number", `event.data.n == 10.5 || 42 == event.data.n`, ({ d }) => or(equal(d.n, 10.5), equal(42, d.n))],
	["bool", `event.data.b == true`, ({ d }) => equal(d.b, true)],
	["bare", `event.data.b`, ({ d }) => d.b],
	["negated", `!event.data.b && !(event.data.n > 10)`, ({ d }) => and(not(d.b), not(order(d.n, ">", 10)))],
	["is-null", `event.data.s == null && event.data.n != null`, ({ d }) => and(equal(d.s, null), !equal(d.n, null))],
	["range", `event.data.n > 1 && event.data.n <= 42.0`, ({ d }) => and(order(d.n, ">", 1), order(d.n, "<=", 42))],
	["missing-is-less", `event.data.n < -5`, ({ d }) => order(d.n, "<", -5)],
	["string-order", `event.data.s >= "beta" && event.data.b != false`, ({ d }) => and(order(d.s, ">=", "beta"), !equal(d.b, false))],
	["nested", `event.data.customer.address.city == "Paris"`, ({ d }) => equal(at(d, "customer", "address", "city"), "Paris")],
	// A missing member makes what it would be a member of missing as well.
	[
		"guarded",
		`event.data.customer != null && event.data.customer.tier == null`,
		({ d }) => at(d, "customer", "tier") === null,
	],
	["index", `event.data["customer"]["tier"] == null && event.data.tags[0] == "red"`, ({ d }) => and(equal(at(d, "customer", "tier"), null), Array.isArray(d.tags) && d.tags[0] === "red")],
	["has", `has(event.data.customer.tier) && event.data.customer.tier != "gold"`, ({ d }) => and(at(d, "customer", "tier") !== undefined, !equal(at(d, "customer", "tier"), "gold"))],
	["never", `!has(event.data.customer)`, () => false],
	["in-list", `"red" in event.data.tags || event.data.n in [-1, 5]`, ({ d }) => or(isIn("red", d.tags), isIn(d.n, [-1, 5]))],
	["in-map", `"tier" in event.data.customer`, ({ d }) => isIn("tier", d.customer)],
	["size", `size(event.data.tags) > 2`, ({ d }) => order(size(d.tags), ">", 2)],
	["methods", `event.data.s.startsWith("al") && !event.data.s.contains("bet")`, ({ d }) => and(text(d.s, (s) => s.startsWith("al")), not(text(d.s, (s) => s.includes("bet"))))],
	["not-method", `!event.data.s.endsWith("a")`, ({ d }) => not(text(d.s, (s) => s.endsWith("a")))],
	["pattern", `event.data.s.matches("^[a-c].*a$")`, ({ d }) => text(d.s, (s) => /^[a-c].*a$/.test(s))],
	["lowercase", `lowercase(event.data.s) == "alpha"`, ({ d }) => typeof d.s === "string" && d.s.toLowerCase() === "alpha"],
	["ternary", `event.data.b ? event.data.n > 5 : event.data.s == "beta"`, ({ d }) => (truthy(d.b) ? order(d.n, ">", 5) : equal(d.s, "beta"))],
	[
		"ternary-guarded",
		`event.data.customer ? event.data.customer.tier == "gold" : event.data.n == 5`,
		({ d }) => (at(d, "customer", "tier") === undefined ? equal(d.n, 5) : equal(d.customer.tier, "gold")),
	],
	["errors", `event.data.s > 1 || event.data.b`, ({ d }) => or(order(d.s, ">", 1), d.b)],
	["error-last", `event.data.b || event.data.s > 1`, ({ d }) => or(d.b, order(d.s, ">", 1))],
	["arithmetic", `event.data.n * 2.0 > 20.0`, ({ d }) => typeof d.n === "number" && d.n * 2 > 20],
	["modulo", `int(event.data.n) % 5 == 2`, ({ d }) => toInt(d.n) % 5 === 2],
	["joined", `event.data.s + "-" + event.data.n == "alpha-42"`, ({ d }) => d.s === "alpha" && ["42", 42].includes(d.n)],
	["two-paths", `event.data.n == event.data.m`, ({ d }) => equal(d.n, d.m)],
	["exists", `event.data.items.exists(i, i.price > 100)`, ({ d }) => exists(d.items, (item) => order(item.price, ">", 100))],
	["all", `event.data.items.all(i, i.ok == true) && event.data.n > 0`, ({ d }) => and(Array.isArray(d.items) && d.items.every((item) => item.ok === true), order(d.n, ">", 0))],
	["long", `event.data.n > 5 // the big ones\n\t&& (event.data.b ||\n\tevent.data.s == "beta")`, ({ d }) => and(order(d.n, ">", 5), or(d.b, equal(d.s, "beta")))],
	["user", `event.user.plan == "pro" && event.user.id != null`, ({ user }) => and(equal(at(user, "plan"), "pro"), !equal(at(user, "id"), null))],
	["time", `event.ts >= 1700000000000 && event.ts < 1.71e12`, ({ ts }) => ts >= 1_700_000_000_000 && ts < 1_710_000_000_000],
	["date", `date(int(event.ts)) > date("2024-03-01")`, ({ ts }) => ts > Date.UTC(2024, 2, 1)],
	["id", `event.id.endsWith("7") && async.data.x == null`, ({ id }) => id.endsWith("7")],
	["version", `event.v == null || event.v == "2"`, ({ v }) => or(equal(v, null), equal(v, "2"))],
];

const trigger = (event, condition, meaning) => ({ event, if: condition, meaning });

// Several triggers at a function, other names, wildcards, functions that fail.
function otherFunctions(name) {
	const [order_, created, deleted] = ["order", "user.created", "user.deleted"].map((one) => `${name}/${one}`);
	const gold = [`event.data.customer.tier == "gold"`, ({ d }) => equal(at(d, "customer", "tier"), "gold")];
	const big = [`event.data.n >= 42`, ({ d }) => order(d.n, ">=", 42)];
	const alpha = [`event.data.s == "alpha"`, ({ d }) => equal(d.s, "alpha")];
	return [
		{ id: "two-names", triggers: [trigger(order_, ...gold), trigger(created, ...big)] },
		{ id: "three-conditions", triggers: [trigger(order_, ...alpha), trigger(order_, ...big), trigger(order_, `!event.data.b`, ({ d }) => not(d.b))] },
		{ id: "one-without", triggers: [trigger(order_, ...alpha), trigger(deleted)] },
		{ id: "wildcard", triggers: [trigger(`${name}/*`, `event.data.n == 5 && event.name != "${order_}"`, ({ d, name: own }) => and(equal(d.n, 5), own !== order_))] },
		{ id: "dot-wildcard", triggers: [trigger(`${name}/user.*`, ...alpha), trigger(deleted, ...big)] },
		{ id: "by-name", triggers: [trigger(`${name}/user.*`, `event.name.endsWith(".deleted") || event.user.plan == "pro"`, ({ name: own, user }) => or(own === deleted, equal(at(user, "plan"), "pro")))] },
		{ id: "not-a-wildcard", triggers: [trigger(`${name}/user*`), trigger(`${name}*`, "true", () => true)] },
		{ id: "fails-alpha", fails: true, triggers: [trigger(order_, `event.data.s == "alpha" && event.data.b`, ({ d }) => and(equal(d.s, "alpha"), d.b))] },
		{ id: "fails-big", fails: true, triggers: [trigger(`${name}/*`, `event.data.n == 1000000`, ({ d }) => equal(d.n, 1_000_000))] },
	];
}

// { id, triggers: [{ event, if, meaning }], fails }: without a condition, a trigger takes every event of its name.
export const conditionalFunctions = (name) => [
	...ORDER_CONDITIONS.map(([id, condition, meaning]) => ({ id, triggers: [trigger(`${name}/order`, condition, meaning)] })),
	...otherFunctions(name),
];

const hasName = (pattern, name) => pattern === name || (/[/.]\*$/.test(pattern) && name.startsWith(pattern.slice(0, -1)));

export const isMet = (meaning, event) => meaning({ ...event, d: event.data ?? {}, user: event.user ?? {} }) === true;

export const isWanted = ({ triggers }, event) =>
	triggers.some(({ event: pattern, meaning }) => hasName(pattern, event.name) && (!meaning || isMet(meaning, event)));

// ---- events --------------------------------------------------------------------------------------------------------

// mulberry32: numbers from 0 to 1, the same ones for the same seed.
function generator(seed) {
	let state = seed | 0;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

const STRINGS = ["alpha", "Alpha", "beta", "alphabet", "", "é", "größe", "line\nbreak", "line\\nbreak", "😀😀"];
const NUMBERS = [-10, -1, 0, 1, 2, 5, 7, 10, 10.5, 42, 43.25, 1_000_000];

// Events that have all members, some or none, and now and then one of another type than people mean.
export function randomEvents(name, seed, count) {
	const next = generator(seed);
	const chance = (probability) => next() < probability;
	const one = (list) => list[Math.floor(next() * list.length)];
	const some = (make, max) => Array.from({ length: Math.floor(next() * (max + 1)) }, make);
	// Members whose value is undefined are left out.
	const object = (members) => Object.fromEntries(Object.entries(members).flatMap(([key, make]) => {
		const value = chance(0.8) ? make() : chance(0.3) ? null : undefined;
		return value === undefined ? [] : [[key, value]];
	}));
	const odd = () => one(["odd", "42", 42, true, { a: 1 }, [1]]);
	const mostly = (make) => () => (chance(0.95) ? make() : odd());
	const string = () => one(STRINGS);
	const number = () => one(NUMBERS);
	const address = () => object({ city: () => one(["Paris", "Lyon"]), zip: number });
	const customer = () => (chance(0.9) ? object({ tier: () => one(["gold", "silver"]), address }) : one(["gold", 7, true]));
	const item = () => object({ price: () => (chance(0.97) ? one([1, 50, 99.5, 100.5, 500]) : "free"), ok: () => chance(0.8) });
	const data = () =>
		object({
			s: mostly(string),
			n: mostly(number),
			m: mostly(number),
			b: mostly(() => chance(0.5)),
			customer,
			tags: mostly(() => some(() => one(["red", "green", "blue"]), 4)),
			items: () => (chance(0.95) ? some(item, 3) : "none"),
		});
	return Array.from({ length: count }, (_, i) => ({
		id: `${name}-${i}`,
		name: `${name}/${chance(0.4) ? "order" : one(["user.created", "user.deleted", "user", "usher.created"])}`,
		ts: 1_690_000_000_000 + Math.floor(next() * 30_000_000_000),
		...(chance(0.95) && { data: data() }),
		...(chance(0.7) && { user: object({ plan: () => one(["pro", "free"]), id: number }) }),
		...(chance(0.5) && { v: one(["1", "2"]) }),
	}));
}
