#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What takes too long for every change, each stage with its time and verdict; goes on after a
# failure. The output of each stage is in BUILD_DIRECTORY/nightly/.
#
#   tools/nightly.sh                      builds into build/, runs all stages
#   tools/nightly.sh soak-mlx5 vm         runs these
#   tools/nightly.sh --list               tells which there are
#   tools/nightly.sh --build DIRECTORY    runs what is built there, and builds nothing
#   tools/nightly.sh --docs               writes the results into docs/; stages that were not run
#                                         keep their rows
#
# Exit status 1 if a stage failed. A skipped one says why, and is no failure.

# Stages are called by name, which shellcheck cannot follow.
# shellcheck disable=SC2317

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

mark="<!-- results: nightly -->"
stages=(soak-verbs soak-mlx5 soak-emu kill-verbs kill-mlx5 race-verbs race-mlx5
	fuzz fuzz-plan fuzz-wqe fuzz-wire fuzz-uverbs vm vm-6.12 fresh coverage aarch64 variants)
declare -A what=(
	[soak-verbs]="10 minutes on 64 channels, provider verbs"
	[soak-mlx5]="the same, provider mlx5"
	[soak-emu]="500 runs of two processes on mlx5emu's worst wire"
	[kill-verbs]="the peer killed at 2000 points, provider verbs"
	[kill-mlx5]="the same, provider mlx5"
	[race-verbs]="a million arms against completions, provider verbs"
	[race-mlx5]="the same, provider mlx5"
	[fuzz]="each decoder fuzzed for a minute, ASan and UBSan"
	[fuzz-plan]="ten million fault plans for mlx5emu, ASan and UBSan"
	[fuzz-wqe]="ten million work requests for mlx5emu, the same"
	[fuzz-wire]="ten million datagrams between processes of mlx5emu, the same"
	[fuzz-uverbs]="ten million programs of commands to mlx5emu, the same"
	[vm]="the whole suite on soft-RoCE, Debian's kernel"
	[vm-6.12]="the same, on Linux 6.12"
	[fresh]="from sources to tests in a bare Debian"
	[coverage]="lines and branches that the tests run"
	[aarch64]="the unit tests, built for aarch64, below qemu"
	[variants]="provider mlx5 by each of its variants: conformance, what libmlx5 writes, faults"
)

usage() {
	sed -n '/^#   tools/,/^#$/s/^#   //p' "$0"
}

build=
page=
chosen=()
while [ $# -gt 0 ]; do
	case $1 in
	--build) build=${2:?--build needs a directory}; shift ;;
	--docs)
		page=$root/docs/nightly.md
		export BV_VM_PAGE=$root/docs/soft-roce.md
		;;
	--list)
		for name in "${stages[@]}"; do
			printf '%-12s %s\n' "$name" "${what[$name]}"
		done
		exit 0
		;;
	-h | --help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) [ -n "${what[$1]:-}" ] || die "no stage $1: --list tells which there are"
		chosen+=("$1") ;;
	esac
	shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${stages[@]}")

# run_test DIRECTORY REGEX: the tests of that name, with all that they print.
run_test() {
	ctest --test-dir "$1" -C Nightly -V --no-tests=error -R "^$2\$"
}

soak() { run_test "$build" "faults\\.soak_long\\.$1"; }
kills() { run_test "$build" "faults\\.kill_long\\.$1"; }
race() { run_test "$build" "conform\\.$1\\.race"; }

# libFuzzer comes with clang, and finds more with the sanitizers.
# fuzz REGEX: the tests of that name.
fuzz() {
	local directory=build-fuzz

	packages clang
	cmake --preset asan-ubsan-clang -B "$directory" -DBV_WERROR=OFF >/dev/null || return 1
	cmake --build "$directory" -j "$jobs" --target fuzz_programs || return 1
	run_test "$directory" "$1"
}

run_stage() {
	case $1 in
	soak-emu) run_test "$build" mlx5emu_soak_long ;;
	soak-* | race-*) "${1%-*}" "${1#*-}" ;;
	kill-*) kills "${1#*-}" ;;
	fuzz) fuzz 'fuzz_long_.*' ;;
	fuzz-plan) fuzz fuzz_many_fault_plan ;;
	fuzz-*) fuzz "fuzz_many_${1#*-}" ;;
	vm) run_test "$build" 'vm\.rxe\.full' ;;
	vm-6.12) run_test "$build" 'vm\.rxe\.linux_6_12' ;;
	fresh) run_test "$build" fresh ;;
	coverage) tools/coverage.sh ;;
	aarch64) run_test "$build" aarch64.unit ;;
	variants) run_test "$build" '(variants\..*|(oracle|noalloc\.mlx5|faults\..*\.mlx5)\.(doorbell|pinned|completions|base|avx512|movdir64b))' ;;
	esac
}

# The one line of a stage's output that tells how much it did.
figures() {
	sed 's/^[0-9]*: //' "$1" | awk -v name="$2" '
		name ~ /^soak/ && / works and arrivals checked/ { sub(/^[^:]*: /, ""); out = $0 }
		name == "soak-emu" && / runs of two processes, / { sub(/, [0-9]+ s$/, ""); out = $0 }
		name ~ /^kill/ && / deaths$/ { out = $0 }
		name ~ /^race/ && / arms, slept / { sub(/^# /, ""); out = $0 }
		/^stat::number_of_executed_units/ { units += $2 }
		/^ +Start +[0-9]+: fuzz_/ { targets++ }
		/^[0-9]+% tests passed/ { tests = $0 }
		/ unit tests on aarch64$/ { out = $0 }
		name ~ /^vm/ && /, Linux [0-9]/ { kernel = $3 }
		name ~ /^vm/ && /^\|.*\|.*\| +[0-9]+ \| +[0-9]+ \| +[0-9]+ \|/ {
			split($0, cell, "|")
			passed += cell[4]; skipped += cell[5]; failed += cell[6]
		}
		name ~ /^coverage/ && /^(lines|branches): / { out = out (out ? ", " : "") $1 " " $2 }
		END {
			if (targets)
				out = sprintf("%d decoder%s, %d inputs", targets, targets > 1 ? "s" : "", units)
			else if (kernel)
				out = sprintf("Linux %s: %d passed, %d skipped, %d failed", kernel,
					passed, skipped, failed)
			print out ? out : tests
		}'
}

# ctest takes a skip for a success. Tests inside a stage may be skipped: those of coverage, and what stands
# behind a number and a colon.
verdict_of() {
	if [ "$1" -ne 0 ]; then
		echo FAILED
	elif [ "$3" != coverage ] && grep -v '^[0-9]*: ' "$2" | grep -q '\*\*\*Skipped'; then
		echo skipped
	else
		echo passed
	fi
}

load() {
	local one

	read -r one _ </proc/loadavg
	echo "$one"
}

rows=()
failed=0
stage() {
	local name=$1 log=$build/nightly/$1.log start=$SECONDS before rc=0 verdict seconds
	before=$(load)

	echo "== $name: ${what[$name]}"
	(run_stage "$name") >"$log" 2>&1 </dev/null || rc=$?
	verdict=$(verdict_of "$rc" "$log" "$name")
	seconds=$((SECONDS - start))
	if [ "$verdict" = FAILED ]; then
		failed=1
		tail -n 60 "$log"
	elif [ "$verdict" = skipped ]; then
		grep -m 1 'skipped: ' "$log" || true
	fi
	rows+=("$(printf '| %-10s | %s %s | %-7s | %4d | %5s..%-5s | %s |' "$name" \
		"$(date -u +%Y-%m-%d)" "$commit" "$verdict" "$seconds" "$before" "$(load)" \
		"$(figures "$log" "$name")")")
	echo "${rows[-1]}"
}

# New rows take the places of the old ones; the order is that of the stages.
write_page() {
	local file=$1 new=$1.new name row old

	grep -qxF "$mark" "$file" || die "$file has no line '$mark'"
	old=$(awk -v mark="$mark" '$0 == mark { inside = 1 } /^<!-- end of results -->/ { inside = 0 }
		inside && /^\| [a-z]/' "$file")
	{
		sed "/^${mark}\$/q" "$file"
		printf '\n%s\n%s\n' "$header" "$rule"
		for name in "${stages[@]}"; do
			row=$(printf '%s\n' "${rows[@]}" | grep "^| $name " ||
				grep "^| $name " <<<"$old" || true)
			[ -z "$row" ] || echo "$row"
		done
		echo
		sed -n "/^${mark}\$/,\$p" "$file" | sed -n '/^<!-- end of results -->/,$p'
	} >"$new"
	mv "$new" "$file"
}

header="| Stage      | Date, commit       | Verdict |    s | Load         | Figures |"
rule="|------------|--------------------|---------|-----:|--------------|---------|"
commit=$(git rev-parse --short=7 HEAD 2>/dev/null || echo unknown)
if [ -z "$build" ]; then
	build=build
	packages "${packages_build[@]}" "${packages_test[@]}"
	(build_in "$build" --preset release-gcc -DBUILD_TESTING=ON)
fi
build=$(cd "$build" && pwd)
mkdir -p "$build/nightly"
for name in "${chosen[@]}"; do
	stage "$name"
	# At once: a night that is ended early keeps what it has.
	[ -z "$page" ] || write_page "$page"
done

echo
printf '%s\n' "$(nproc) CPUs, Linux $(uname -r), $SECONDS s" "$header" "$rule" "${rows[@]}"
exit "$failed"
