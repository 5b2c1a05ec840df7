// What the flow-control settings of a function say about a run or an event: keys as texts, limits as a list.
import { milliseconds } from "./gcra.mjs";

const PATH = /^event\.data\.(\w+)$/;

function valueOf(expression, data) {
	const path = expression.match(PATH);
	return path ? (data[path[1]] ?? false) : JSON.parse(expression); // of these expressions all others are texts
}

// The value as it tells keys apart: what is missing is `false` (04 §A4).
export const keyText = (expression, data) => (expression ? `${valueOf(expression, data)}` : "");
export const isFalse = (expression, data) => expression !== undefined && valueOf(expression, data) === false;

function entity(scope, slug) {
	return scope === "fn" ? slug : scope;
}

// What all that is limited together has in common.
function identity(what, { scope = "fn", key }, slug, data) {
	return [what, entity(scope, slug), key ?? "", keyText(key, data)].join(" ");
}

// Concurrency as it is registered, in each of its forms.
function concurrency(setting) {
	if (setting === undefined) return { step: [], fn: [] };
	if (typeof setting === "number") return { step: [{ limit: setting }], fn: [] };
	if (Array.isArray(setting)) return { step: setting, fn: [] };
	return setting.fn || setting.step ? { step: [], fn: [], ...setting } : { step: [setting], fn: [] };
}

// Limits on calls at once, and on runs at once, that a run with this first event is under: identity, limit, and whose
// promise it is.
export function limitsOf({ slug, config }, data) {
	const { step, fn } = concurrency(config?.concurrency);
	const limit = (what, check) => (one) => ({ check, limit: one.limit, identity: identity(what, one, slug, data) });
	const calls = step.map(limit("calls", "concurrency"));
	const runs = fn.map(limit("runs", "runlevel"));
	const one = singletonOf({ slug, config }, data);
	if (one?.mode === "skip") runs.push({ check: "singleton", limit: 1, identity: one.identity });
	return { calls, runs };
}

// Which runs are one with this, and what becomes of the others; undefined when none are.
export function singletonOf({ slug, config }, data) {
	const { mode = "skip", key } = config?.singleton ?? {};
	if (!config?.singleton || isFalse(key, data)) return undefined;
	return { mode, identity: identity("singleton", { key }, slug, data) };
}

// 04 §A5: idempotency is a rate limit of one a day.
export function rateLimitOf({ config }) {
	if (config?.idempotency) return { limit: 1, period: "24h", key: config.idempotency };
	return config?.rateLimit;
}

// When an event that comes now is likely to be waited for no longer; undefined when it never is.
export function gatheredFor({ config }) {
	const time = config?.debounce?.period ?? config?.batchEvents?.timeout;
	return time && milliseconds(time);
}

export function isBatched({ config, inBatches }, data) {
	return config?.batchEvents !== undefined && (inBatches?.(data) ?? true);
}
