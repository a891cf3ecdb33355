#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What posting and polling cost, for each library beside the others: instructions, data reads and
# writes and cache lines below callgrind, nanoseconds outside of it. Builds into build/, writes
# build/bench/cost.json, and prints it as a table. No NIC: the device is mlx5emu, and does nothing while
# it is counted or timed (docs/performance.md).
#
#   tools/bench.sh [--libraries NAME,...] [--count-only]

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

libraries=()
count_only=
while [ $# -gt 0 ]; do
	case $1 in
	--libraries) libraries=(--libraries "${2?}") && shift ;;
	--count-only) count_only=yes ;;
	*) die "usage: tools/bench.sh [--libraries NAME,...] [--count-only]" ;;
	esac
	shift
done

packages "${packages_build[@]}" libcmocka-dev valgrind
[ -e build/CMakeCache.txt ] || preset=(--preset release-gcc)
build_in build "${preset[@]}"
out=build/bench
mkdir -p "$out"
emulated=(build/bin/mlx5emu run --manual --)

"${emulated[@]}" valgrind -q --tool=callgrind --callgrind-out-file="$out/profile" \
	--collect-atstart=no --cache-sim=yes \
	build/bin/tests/bench count "$out/count.json" --profile "$out/profile" "${libraries[@]}"
if [ -n "$count_only" ]; then
	cp "$out/count.json" "$out/cost.json"
else
	"${emulated[@]}" build/bin/tests/bench time "$out/time.json" "${libraries[@]}"
	build/bin/tests/bench_report join "$out/count.json" "$out/time.json" >"$out/cost.json"
fi
build/bin/tests/bench_report table "$out/cost.json"
