#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds into build/ and runs every test. Installs missing Debian packages when it may (root or sudo);
# works for anybody once they are there.
#
#   tools/test.sh          gcc, optimised, ctest
#   tools/test.sh --all    what CI runs: also clang, sanitizers, one-provider builds, static checks

# stage() calls functions by name, which shellcheck cannot follow.
# shellcheck disable=SC2317

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

usage() {
	echo "usage: tools/test.sh [--all] [-- ctest arguments]"
}

all=false
while [ $# -gt 0 ]; do
	case $1 in
	--all) all=true ;;
	--) shift; break ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
ctest_args=("$@")

summary=()
failed=0

# stage NAME COMMAND...: runs it, notes its time, and remembers a failure.
stage() {
	local name=$1 start=$SECONDS verdict=ok
	shift
	echo
	echo "== $name"
	"$@" || { verdict=FAILED; failed=1; }
	summary+=("$(printf '%-34s %6s %5d s' "$name" "$verdict" $((SECONDS - start)))")
}

# beside COMMAND...: goes on while others run, in a process group of its own; joined is its stage, with
# what it said.
beside=
beside() {
	beside_log=$(mktemp)
	set -m
	"$@" >"$beside_log" 2>&1 </dev/null &
	beside=$!
	set +m
}

joined() {
	local rc=0

	wait "$beside" || rc=$?
	beside=
	cat "$beside_log"
	rm -f "$beside_log"
	return "$rc"
}

leave() {
	[ -z "$beside" ] || kill -- "-$beside" 2>/dev/null || true
}
trap leave EXIT

run_ctest() {
	local directory=$1
	shift
	# Twice the CPUs: many tests wait for time-outs, or for processes that wait.
	ctest --test-dir "$directory" --output-on-failure --no-tests=error -j $((2 * jobs)) \
		"${ctest_args[@]}" "$@"
}

# build_and_test PRESET DIRECTORY [CTEST ARGUMENT]...
build_and_test() {
	local preset=$1 directory=$2
	shift 2
	(build_in "$directory" --preset "$preset" -DBUILD_TESTING=ON -DBV_WERROR="$werror") || return 1
	run_ctest "$directory" "$@"
}

build_only() {
	local preset=$1 directory=$2
	shift 2
	(build_in "$directory" --preset "$preset" -DBV_WERROR="$werror" "$@")
}

# Without packages or network there can be no machine, and the script has said so.
soft_roce() {
	local rc=0

	tests/vm/rxe.sh -q "$1" || rc=$?
	[ "$rc" -eq 0 ] || [ "$rc" -eq 77 ]
}

every_stage() {
	local o3="-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O3 -g -DNDEBUG"

	stage "gcc, optimised" build_and_test release-gcc build
	# The machine is one core's work for minutes: beside it, what has no clock.
	beside soft_roce build
	stage "static checks" tools/check.sh build
	# The tests' own sources are built with gcc for debugging below, with TSan.
	stage "gcc, debug, builds" build_only dev-gcc build-dev-gcc -DBUILD_TESTING=OFF
	stage "gcc, verbs alone, LTO, builds" build_only release-gcc build-verbs-only \
		-DBV_PROVIDER_MLX5=OFF -DBUILD_TESTING=OFF \
		-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
	# Distributions optimise as they like, and each level finds other things to warn of.
	stage "gcc, -O3, builds" build_only release-gcc build-o3 -DBUILD_TESTING=OFF "$o3"
	stage "clang, mlx5 alone, -O3, builds" build_only release-clang build-mlx5-only \
		-DBV_PROVIDER_VERBS=OFF -DBUILD_TESTING=OFF "$o3"
	stage "soft-RoCE in a VM, the rest" joined
	# Once is enough for what does not depend on the build: the sources' form, the long soak,
	# memcheck, and other people's programs on the emulated device, which no sanitizer looks into.
	stage "clang, debug" build_and_test dev-clang build-dev-clang -LE "policy|mlx5emu" \
		-E "soak|memcheck"
	stage "clang, ASan and UBSan" build_and_test asan-ubsan-clang build-asan-ubsan-clang \
		-LE "policy|mlx5emu"
	stage "gcc, TSan" build_and_test tsan-gcc build-tsan-gcc -LE "policy|mlx5emu" -E soak

	echo
	printf '%s\n' "${summary[@]}"
	printf '%-34s %6s %5d s\n' total "" "$SECONDS"
}

if $all; then
	werror=ON
	packages "${packages_build[@]}" "${packages_test[@]}" "${packages_all[@]}"
	every_stage
else
	werror=OFF
	packages "${packages_build[@]}" "${packages_test[@]}"
	build_and_test release-gcc build || failed=1
fi
exit "$failed"
