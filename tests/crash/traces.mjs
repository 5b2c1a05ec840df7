// What people see of a run that has ended: its trace, the columns that lists are made of, and the facts behind it.
import { rows } from "./database.mjs";
import { exchange, groupBy } from "./support.mjs";

const SPAN = "name status stepID attempts isRoot startedAt endedAt";
const QUERY = `query ($id: String!) { run(runID: $id) { status startedAt endedAt trace(preview: true) {
	${SPAN} childrenSpans { ${SPAN} childrenSpans { ${SPAN} childrenSpans { ${SPAN} } } } } } }`;
const OVER = ["COMPLETED", "FAILED"];

// By GraphQL. `shown`: the run as REST shows it.
export async function judgeTrace(run, shown, { server, checks }) {
	const body = { query: QUERY, variables: { id: run.id } };
	const reply = await exchange(`${server.url}/v0/gql`, { method: "POST", body });
	const found = reply?.json?.data?.run;
	const problem = found?.trace ? problemOf(run, shown, found) : "there is none";
	const what = () => `run ${run.id} (${run.kind.name}): ${problem}: ${reply?.text}`;
	checks.expect("trace", problem === undefined, what);
}

function problemOf(run, shown, { status, startedAt, endedAt, trace }) {
	const right = shown.status.toUpperCase();
	if (status !== right || trace.status !== right) return `the status should be ${right}`;
	if (Date.parse(endedAt) !== Date.parse(trace.endedAt)) return "run and trace end at different times";
	if (Date.parse(trace.endedAt) < Date.parse(startedAt)) return "it ends before it starts";
	const all = flat(trace);
	if (all.some((span) => OVER.includes(span.status) && span.startedAt && !span.endedAt)) return "a span has no end";
	if (right === "CANCELLED") return undefined; // before a call, in one, or while it waits
	if (all.some((span) => span.status === "RUNNING" || span.status === "WAITING")) return "something is still under way";
	if (right === "COMPLETED" && !all.some((span) => /^(executor\.nonstep|Finalization)$/.test(span.name))) return "nothing tells of its result";
	if (run.isRepeat) return undefined; // what it takes over is told by the first
	const told = new Set(trace.childrenSpans.filter((span) => OVER.includes(span.status)).map(({ stepID }) => stepID));
	const lost = [...run.memos.keys()].find((id) => !told.has(id));
	return lost && `the step ${lost} is not in it`;
}

const flat = (span) => [span, ...(span.childrenSpans ?? []).flatMap(flat)];

// ---- in the database -----------------------------------------------------------------------------------------------

const CODES = { Completed: 300, Failed: 400, Cancelled: 500 };
const RUNS = `SELECT hex(r.run_id) AS id, r.engine_status AS code, r.engine_started_at AS started, r.engine_ended_at AS ended,
	f.status, f.created_at AS told FROM function_runs r LEFT JOIN function_finishes f ON f.run_id = r.run_id`;
const FACTS = "SELECT hex(run_id) AS id, hex(data) AS data FROM engine_trace ORDER BY id";
const FACT_CALL = 1;

const time = (text) => Date.parse(`${text}`.replace(" +0000 UTC", "Z").replace(" ", "T"));

// `directory`: the database of a server that has ended.
export function judgeColumns(directory, checks) {
	const facts = groupBy(rows(directory, FACTS), ({ id }) => id);
	for (const run of rows(directory, RUNS)) {
		const fine =
			run.code === CODES[run.status] &&
			run.ended === time(run.told) &&
			(run.started === null ? run.status === "Cancelled" : run.started <= run.ended);
		checks.expect("columns", fine, () => `a run's row: ${JSON.stringify(run)}`);
		const calls = (facts.get(run.id) ?? []).map(({ data }) => read(Buffer.from(data, "hex"))).filter(({ kind }) => kind === FACT_CALL);
		const attempts = new Set(calls.map(({ job, attempt }) => `${job} ${attempt}`));
		const what = () => `run ${run.id}, ${run.status}: ${JSON.stringify(calls)}`;
		// One that was cancelled may have none: the only call was cut off by a kill.
		checks.expect("facts", attempts.size === calls.length && (calls.length > 0 || run.status === "Cancelled"), what);
	}
}

// The beginning of a fact (src/model/trace_fact.c).
function read(data) {
	let at = 1; // behind the version
	const byte = () => data[at++];
	const varint = () => {
		let value = 0;
		for (let shift = 1, more = true; more; shift *= 128) {
			const next = byte();
			value += (next & 127) * shift;
			more = next >= 128;
		}
		return value;
	};
	const number = () => data.subarray(at, (at += 8)).toString("hex");
	const text = () => {
		const length = varint();
		at += length;
	};
	const kind = byte();
	varint(); // when
	if (kind !== FACT_CALL) return { kind };
	const job = number();
	number(); // of the call that led to it
	text(); // step that it was to run
	text(); // sleep that it came after
	return { kind, job, attempt: varint() };
}
