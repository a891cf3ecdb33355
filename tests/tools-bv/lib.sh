# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the scripts here: says what a command must do, and what it did if it did not.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

failed() {
	echo "FAILED: $1"
	sed 's/^/	/' "$work/out"
	failures=$((failures + 1))
}

# expect STATUS PATTERN COMMAND...: the exit status, and a regular expression in what it prints.
expect() {
	local status=$1 pattern=$2 got=0
	shift 2
	"$@" >"$work/out" 2>&1 || got=$?
	if [ "$got" -ne "$status" ]; then
		failed "exit status $got, not $status: $*"
	elif ! grep -Eq -- "$pattern" "$work/out"; then
		failed "prints nothing like '$pattern': $*"
	fi
}

# also PATTERN: in what the last command printed, too; never PATTERN: not in it.
also() {
	grep -Eq -- "$1" "$work/out" || failed "prints nothing like '$1'"
}
never() {
	! grep -Eq -- "$1" "$work/out" || failed "prints '$1'"
}

# json COMMAND...: a check that prints only when something is wrong.
json() {
	"$@" >"$work/check" 2>&1 && return
	echo "FAILED: $*"
	sed 's/^/	/' "$work/check"
	failures=$((failures + 1))
}

# finish: the exit status of the script.
finish() {
	[ "$failures" -eq 0 ] || echo "$failures failed"
	exit $((failures > 0))
}
