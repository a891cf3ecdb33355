#!/bin/bash
# SPDX-License-Identifier: MIT
#
# manners.sh MLX5EMU TRAFFIC: many processes, many queue pairs, and what a killed program leaves.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"

expect 0 "16 ended well" "$emu" run --log-level=none -- sh -c '
	n=0; pids=; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		"$0" 3 RC UC UD >/dev/null & pids="$pids $!"
	done
	for pid in $pids; do wait $pid && n=$((n + 1)); done
	echo $n ended well' "$traffic"
expect 0 rkey "$emu" run --log-level=none -- "$traffic" 3 MANY

# A program that dies in the middle leaves nothing.

expect 137 "" "$emu" run --log-level=none --fault='kill nth=3' -- "$traffic" 3 RC
expect 137 "" "$emu" run --log-level=none --trace="$scratch/trace" --fault='kill on=completion' -- \
	"$traffic" 3 RC
[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "left behind: $(ls -A "$XDG_RUNTIME_DIR")"
