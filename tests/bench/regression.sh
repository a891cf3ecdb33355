#!/bin/bash
# SPDX-License-Identifier: MIT
#
# regression.sh BUILD COMMITTED LIBRARIES: counts the instructions of our libraries, and fails if a
# figure has grown over the committed one.

set -euo pipefail
bin=$1/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$bin/mlx5emu" run --manual -- valgrind -q --tool=callgrind \
	--callgrind-out-file="$scratch/profile" --collect-atstart=no \
	"$bin/tests/bench" count "$scratch/count.json" --profile "$scratch/profile" \
	--libraries "$3" --instructions
"$bin/tests/bench_report" compare "$2" "$scratch/count.json"
