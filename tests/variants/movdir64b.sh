#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What movdir64b.c executes in the place of CPUs.
#
#   movdir64b.sh LIBRARY COMMAND...           the command, with provider mlx5 posting by MOVDIR64B
#   movdir64b.sh LIBRARY --replaced COMMAND   of a program that has another opcode in its place, which no CPU executes

set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C BV_MLX5_SIMD=movdir64b! MOVDIR64B_COUNT=$scratch/count
library=$1
shift
replaced=
if [ "$1" = --replaced ]; then
	replaced=yes
	shift
	sed 's/\x0f\x38\xf8/\x0f\x38\xff/g' "$1" >"$scratch/program"
	chmod +x "$scratch/program"
	shift
	set -- "$scratch/program" "$@"
	export MOVDIR64B_OPCODE=255
fi
rc=0
LD_PRELOAD=$library${LD_PRELOAD:+:$LD_PRELOAD} "$@" || rc=$?
n=$([ ! -e "$MOVDIR64B_COUNT" ] || awk '{ n += $1 } END { print n }' "$MOVDIR64B_COUNT")
if [ -n "$n" ]; then
	echo "# executed $n times in the CPU's place"
elif [ -n "$replaced" ]; then
	echo "nothing was executed in the CPU's place"
	rc=1
else
	echo "# executed by the CPU itself"
fi
exit "$rc"
