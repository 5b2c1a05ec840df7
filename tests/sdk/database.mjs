// The database file of a stopped server, by the sqlite3 command.
import { execFileSync } from "node:child_process";

const MAX_BYTES = 256 << 20;

export const execute = (file, sql) =>
	execFileSync("sqlite3", ["-bail", file], { input: sql, encoding: "utf8", maxBuffer: MAX_BYTES }).trim();

// The rows of an answer, as objects.
export function rows(file, sql) {
	const text = execFileSync("sqlite3", ["-readonly", "-json", file, sql], { encoding: "utf8", maxBuffer: MAX_BYTES });
	return text.trim() === "" ? [] : JSON.parse(text);
}
