#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What posting and polling cost, for each library beside the others: instructions, data reads and
# writes and cache lines below callgrind (AVX-512 by single steps, instructions alone), nanoseconds outside of it. Builds into build/, writes
# build/bench/cost.json, and prints it as a table. No NIC: the device is mlx5emu, and does nothing while
# it is counted or timed (docs/performance.md).
#
#   tools/bench.sh [--libraries NAME,...] [--count-only]
#   tools/bench.sh --commit     also renews docs/cost.json, and its tables and charts in docs/
#   tools/bench.sh --commit --count-only    the same, but for nanoseconds, which stay what they were
#   tools/bench.sh --check      changes nothing; fails if docs/performance.md has other tables

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

report=build/bin/tests/bench_report

# What is between the marks of docs/performance.md.
shown() {
	sed -n '/<!-- tables: begin/,/<!-- tables: end/{/<!-- tables:/d;p}' docs/performance.md
}

libraries=()
count_only=
commit=
while [ $# -gt 0 ]; do
	case $1 in
	--libraries) libraries=(--libraries "${2?}") && shift ;;
	--count-only) count_only=yes ;;
	--commit) commit=yes ;;
	--check)
		shown | diff - <("${2-$report}" markdown docs/cost.json) && exit 0
		die "docs/performance.md has other tables than docs/cost.json: run tools/bench.sh --commit"
		;;
	*) die "usage: tools/bench.sh [--libraries NAME,...] [--count-only] | --commit [--count-only] | --check" ;;
	esac
	shift
done
[ -z "$commit" ] || [ ${#libraries[@]} -eq 0 ] || die "--commit takes all libraries"

packages "${packages_build[@]}" libcmocka-dev valgrind ${commit:+gnuplot-nox}
preset=()
[ -e build/CMakeCache.txt ] || preset=(--preset release-gcc)
build_in build "${preset[@]}"
out=build/bench
mkdir -p "$out"
emulated=(build/bin/mlx5emu run --manual --)

"${emulated[@]}" valgrind -q --tool=callgrind --callgrind-out-file="$out/profile" \
	--collect-atstart=no --cache-sim=yes \
	build/bin/tests/bench count "$out/callgrind.json" --profile "$out/profile" "${libraries[@]}"
# What callgrind cannot run.
stepped=("${libraries[@]}")
[ ${#stepped[@]} -gt 0 ] || stepped=(--libraries mlx5-avx512)
"${emulated[@]}" build/bin/tests/bench steps "$out/steps.json" "${stepped[@]}"
"$report" join "$out/callgrind.json" "$out/steps.json" >"$out/count.json"
if [ -n "$count_only" ] && [ -n "$commit" ]; then
	"$report" join "$out/count.json" docs/cost.json >"$out/cost.json"
elif [ -n "$count_only" ]; then
	cp "$out/count.json" "$out/cost.json"
else
	"${emulated[@]}" build/bin/tests/bench time "$out/time.json" "${libraries[@]}"
	build/bin/mlx5emu run -- build/bin/tests/bench time "$out/other-core.json" "${libraries[@]}"
	build/bin/tests/bench doorbell >"$out/doorbell.txt"
	"$report" join "$out/count.json" "$out/time.json" >"$out/cost.json"
fi
"$report" table "$out/cost.json"
if [ -z "$count_only" ]; then
	printf '\nWith the device on another core:\n'
	"$report" table "$out/other-core.json" | sed -n '/^Nanoseconds/,$p'
	echo
	cat "$out/doorbell.txt"
fi
[ -n "$commit" ] || exit 0

cp "$out/cost.json" docs/cost.json
# between PART FILE: the lines between the marks of PART become those of FILE.
between() {
	sed -i -e "/<!-- $1: begin/,/<!-- $1: end/{/<!-- $1:/!d}" -e "/<!-- $1: begin/r $2" \
		docs/performance.md
}
"$report" markdown docs/cost.json >"$out/tables.md"
between tables "$out/tables.md"
if [ -z "$count_only" ]; then
	"$report" markdown "$out/other-core.json" | sed -n '/^Nanoseconds/,$p' >"$out/other-core.md"
	{ echo '```' && cat "$out/doorbell.txt" && echo '```'; } >"$out/doorbell.md"
	between other-core "$out/other-core.md"
	between doorbell "$out/doorbell.md"
fi
"$report" plot docs/cost.json >"$out/plot.tsv"
chart() {
	gnuplot -e "data='$out/plot.tsv'; index=$1; out='docs/cost-$2.svg'; label='$3'" \
		tests/bench/chart.gp
}
chart 0 instructions "instructions"
chart 1 ns "ns, 5th percentile"
