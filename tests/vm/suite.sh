#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs in the guest of rxe.sh, where rxe0 is: what provider verbs is held to there. Prints what was
# said by what fails, then a table of everything, which goes into /share/page, too. Exit status 1 if
# anything failed.
#
#   suite.sh BUILD_DIRECTORY SECONDS [--reduced]
#
# SECONDS is the limit of each run; --reduced repeats less in each test, and leaves out none.

# Functions are called by other shells, which shellcheck cannot follow.
# shellcheck disable=SC2317

set -uo pipefail
limit=$2
rows=()
reasons=()
failed=0
scratch=$(mktemp -d)
log=$scratch/log
beside=$(cd "$(dirname "$0")" && pwd)/beside.sh
examples=$(cd "$(dirname "$0")/../../docs/examples" && pwd)
export bin=$1/bin reduced=${3:-} device=rxe0 scratch log examples CMOCKA_MESSAGE_OUTPUT=TAP

# What a test said when it was skipped, and which it was.
skipped() {
	awk '/^skipped: / { why = substr($0, 10) }
		/^(not )?ok [0-9]+ # SKIP / {
			sub(/.*# SKIP /, "")
			sub(/:.*/, "")
			gsub(/descriptor [0-9]+/, "a descriptor", why)
			print (why ? why : "it does not tell why") ": `" $0 "`"
			why = ""
		}' "$log"
}

# check NAME COMMAND...: one row. A program that does not count its tests is one test. (cmocka says
# "not ok" of tests that were skipped.)
check() {
	local name=$1 begin=$EPOCHREALTIME rc=0 verdict=passed passed skips wrong reason
	shift

	timeout -k 5 "$limit" bash -c '"$@"' bash "$@" >"$log" 2>&1 || rc=$?
	skips=$(grep -cE '^(not )?ok [0-9]+ # SKIP ' "$log")
	passed=$(grep -cE '^ok [0-9]+ - ' "$log")
	wrong=$(grep -cE '^not ok [0-9]+ - ' "$log")
	case $rc in
	0) [ $((passed + skips)) -gt 0 ] || passed=1 ;;
	77) verdict=skipped skips=1 reasons+=("$(sed -n 's/^skipped: //p' "$log"): \`$name\`") ;;
	124 | 137) verdict="timed out" ;;
	*) verdict=failed ;;
	esac
	if [ "$rc" -ne 0 ] && [ "$rc" -ne 77 ]; then
		failed=1
		echo "== $name: exit status $rc"
		cat "$log"
	fi
	rows+=("$(awk -v t="$begin $EPOCHREALTIME" -v name="$name" -v verdict="$verdict" \
		-v counts="$passed $skips $wrong" 'BEGIN {
			split(t, time, " ")
			split(counts, n, " ")
			printf "| %-36s | %-9s | %6d | %7d | %6d | %5.1f |", name, verdict, n[1],
				n[2], n[3], time[2] - time[1] }')")
	while read -r reason; do
		reasons+=("$reason")
	done < <(skipped)
}

conform() {
	"$bin/../libexec/bareverbs/bv-conform" --device "$device" --provider verbs --topology "$1" \
		${reduced:+"$reduced"}
}

info() {
	"$bin/bv" info "$device"
	"$bin/bv" info --json "$device" | grep -q "\"$device\""
}

# The kernel's own view of a port that is down.
port_down() {
	local rc=0

	ip link set dummy0 down
	"$bin/tests/opening" down || rc=$?
	ip link set dummy0 up
	return "$rc"
}

# As docs/examples/CMakeLists.txt has it: by itself, or by <name>.sh.
example() {
	local rc=0 script=$examples/${1##*/example-}.sh

	cd "$scratch" || return
	if [ -e "$script" ]; then
		set -- bash "$script" "$1"
	fi
	BV_PROVIDER=verbs "$@" >"$log.example" 2>&1 || rc=$?
	cat "$log.example"
	if [ "$rc" -ne 0 ] && grep -q "not an mlx5 device" "$log.example"; then
		echo "skipped: it asks for provider mlx5 by name"
		rc=77
	fi
	return "$rc"
}

report() {
	echo
	echo "$(date -u +%Y-%m-%d), Linux $(uname -r) ($(uname -v)), rdma-core $(rdma_core):"
	echo
	echo "| What                                 | Result    | Passed | Skipped | Failed |     s |"
	echo "|--------------------------------------|-----------|-------:|--------:|-------:|------:|"
	printf '%s\n' "${rows[@]}"
	if [ ${#reasons[@]} -gt 0 ]; then
		echo
		echo "Skipped:"
		echo
		printf '%s\n' "${reasons[@]}" | sort -u | awk '
			{ test = $0; sub(/.*: /, "", test); sub(/: `[^`]*`$/, "") }
			$0 != why { if (NR > 1) print line; why = $0; line = "- " why ": " test; next }
			{ line = line ", " test }
			END { print line }'
	fi
	echo
}

rdma_core() {
	dpkg-query -W -f '${Version}' libibverbs1 2>/dev/null || echo "of unknown version"
}

export -f conform info port_down example
for topology in loopback pair process; do
	check "conform, $topology" conform "$topology"
done
check "opening, one device" "$bin/tests/opening" one
check "opening, port down" port_down
check "exchanges over TCP" "$bin/tests/exchange_friends" verbs
check "exchanges over rdma_cm" "$bin/tests/exchange_cm" verbs
barriers=60 deaths=6
[ -z "$reduced" ] || barriers=10 deaths=1
for kind in threads processes; do
	check "group, barriers of $kind" "$bin/tests/group_barriers" verbs "$kind" "$barriers"
done
check "group, failures" "$bin/tests/group_failures" verbs
check "group, joining" "$bin/tests/group_joining" verbs
check "group, a rank is killed" "$bin/tests/group_kill" verbs "$deaths"
check "bv info" info
check "bv lat, all operations" "$bin/bv" lat --device "$device" --provider verbs --iters 200
check "mlx5emu beside rxe0" "$beside" "$(dirname "$bin")"
for program in "$bin"/example-*; do
	[ -x "$program" ] && check "$(basename "$program")" example "$program"
done
report | tee /share/page
exit "$failed"
