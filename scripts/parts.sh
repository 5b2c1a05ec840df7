# Sourced by scripts/test, scripts/torture and scripts/coverage: runs one part of the tests after another, keeps what it
# prints in build/logs/PART.log, counts what passed, and shows one line per part.
# shellcheck shell=bash

logs=build/logs
results=build/logs/results

parts_begin() {
	parts_started=$SECONDS
	rm -rf "$results"
	mkdir -p "$results" "$logs"
}

# What a part's own output says of passed and failed tests: "PASSED FAILED".
count_cmocka() { # one or many test programs
	awk '/^\[  PASSED  \] [0-9]+ test/ { p += $4 } /^\[  FAILED  \] [0-9]+ test/ { f += $4 } END { print p + 0, f + 0 }'
}
count_tap() { # node's test runner
	awk '/^# pass [0-9]+/ { p += $3 } /^# (fail|cancelled) [0-9]+/ { f += $3 } END { print p + 0, f + 0 }'
}
count_line() { # "N passed, N failed"; the last one counts
	awk '/[0-9]+ passed, [0-9]+ failed/ {
		match($0, /[0-9]+ passed, [0-9]+ failed/); split(substr($0, RSTART, RLENGTH), n, " "); p = n[1]; f = n[3]
	} END { print p + 0, f + 0 }'
}
count_exit() { echo 1 0; } # the exit code says it all

# What to show of a failed part's output.
excerpt_cmocka() { grep -aE -B 6 -A 12 '^\[  (FAILED|ERROR) |ERROR: .*Sanitizer|runtime error:'; }
excerpt_tap() { grep -aE -A 12 '^ *not ok' | grep -avE '^ *(---|\.\.\.)$'; }
excerpt_line() { grep -aE -A 12 'FAILED|NOT caught|ERROR: |check failed|replay|Sanitizer|failed$' || tail -n 40; }
excerpt_exit() { tail -n 40; }

# part NAME COUNTER SECONDS COMMAND…: a part that runs longer than SECONDS has failed. Always succeeds.
part() {
	local name=$1 counter=$2 limit=$3 started=$SECONDS code=0 passed failed verdict=ok
	shift 3
	local log=$logs/$name.log
	timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
	read -r passed failed < <("count_$counter" <"$log")
	[ $code -ne 124 ] || echo "took longer than $limit s" >>"$log"
	if [ $code -ne 0 ] && [ "$failed" = 0 ]; then
		failed=1
		[ "$counter" != exit ] || passed=0
	fi
	if [ $code -eq 0 ] && [ $((passed + failed)) = 0 ]; then
		failed=1
		echo "no test ran" >>"$log"
	fi
	[ "$failed" = 0 ] || verdict=FAILED
	echo "$passed $failed" >"$results/$name"
	{
		printf '%-6s %-18s %6d passed %4d failed %5d s\n' $verdict "$name" "$passed" "$failed" $((SECONDS - started))
		if [ "$failed" != 0 ]; then
			printf '       from %s:\n' "$log"
			"excerpt_$counter" <"$log" | head -n 60 | sed 's/^/       | /'
		fi
	} >"$results/$name.report"
	cat "$results/$name.report"
}

part_passed() { [ "$(cut -d' ' -f2 "$results/$1" 2>/dev/null)" = 0 ]; }

# The sum of all parts as the last line of all; fails when something failed.
parts_end() {
	local passed=0 failed=0 p f
	for file in "$results"/*; do
		case $file in *.report) continue ;; esac
		read -r p f <"$file"
		passed=$((passed + p)) failed=$((failed + f))
	done
	printf '\nin %d s; all output is in %s/\n' $((SECONDS - parts_started)) "$logs"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}

# Programs of unit tests and fuzz targets by their sources, so that leftovers of older builds do not count.
unit_programs() {
	local file layer
	for file in tests/unit/*/test_*.c; do
		[ -e "$file" ] || continue
		layer=$(basename "$(dirname "$file")")
		file=$(basename "$file" .c)
		echo "unit_${layer}_${file#test_}"
	done
}
fuzz_targets() {
	local file
	for file in tests/fuzz/fuzz_*.c; do
		[ -e "$file" ] || continue
		file=$(basename "$file" .c)
		echo "${file#fuzz_}"
	done
}
has_files() { [ -n "$(find "$1" -name node_modules -prune -o -type f "${@:2}" -print -quit 2>/dev/null)" ]; }
