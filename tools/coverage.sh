#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Which lines and branches of the library the tests run: docs/coverage.md. Builds with
# counters into build-coverage/, runs the tests, and fails below 90 % of the lines or 80 % of the
# branches. build-coverage/html/index.html shows each line.
#
#   tools/coverage.sh                builds, runs the tests, reports
#   tools/coverage.sh --report       reports what was counted so far
#   tools/coverage.sh --strict ...   fails, too, if something is left without a reason
#   tools/coverage.sh -- -R unit     counts what these tests run alone (arguments of ctest)

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

build="build-coverage"
lines_min=90
branches_min=80
run=true
left_args=()

while [ $# -gt 0 ]; do
	case $1 in
	--report) run=false ;;
	--strict) left_args+=(--strict) ;;
	--) shift; break ;;
	-h | --help) sed -n '/^#   /s/^# *//p' "$0"; exit 0 ;;
	*) echo "usage: tools/coverage.sh [--report] [--strict] [-- ctest arguments]" >&2; exit 2 ;;
	esac
	shift
done

# Left out: what is too long for every change, and what runs nothing of ours or all of it once more:
# the sources' form, other people's programs, and the suite under memcheck, in a chroot, in a machine.
if [ $# -eq 0 ]; then
	set -- -LE 'policy|mlx5emu|vm|slow' -E 'memcheck|fresh'
fi

packages "${packages_build[@]}" "${packages_test[@]}" gcovr
rc=0
if $run; then
	# Anew: what was counted before, and objects of sources that are gone, would be in the figures.
	rm -rf "$build"
	(build_in "$build" --preset coverage-gcc)
	ctest --test-dir "$build" --output-on-failure --no-tests=error -j 2 "$@" || rc=1
fi

mkdir -p "$build/html"
gcovr --txt "$build/lines.txt" --json "$build/coverage.json" --html-details "$build/html/index.html"
gcovr -a "$build/coverage.json" --branches -o "$build/branches.txt"
cat "$build/lines.txt" "$build/branches.txt"
tools/coverage-left.py "${left_args[@]}" "$build/coverage.json" tools/coverage-left.txt |
	tee "$build/left.txt" || rc=1
# Not into /dev/null: gcovr replaces its output, and for root that is the device.
gcovr -a "$build/coverage.json" -o "$build/total.txt" --print-summary \
	--fail-under-line "$lines_min" --fail-under-branch "$branches_min" || rc=1
exit "$rc"
