#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Three ranks of the example on one host: group.sh PROGRAM. Other ports if one is taken.

set -euo pipefail
program=$1

for try in 1 2 3; do
	port=$((10000 + ($$ + 7919 * try) % 20000))
	ranks=()
	for rank in 0 1 2; do
		"$program" $rank $port 127.0.0.1 127.0.0.1 127.0.0.1 >rank.$$.$rank &
		ranks+=($!)
	done
	well=true
	for pid in "${ranks[@]}"; do
		wait "$pid" || well=false
	done
	cat rank.$$.?
	lines=$(cat rank.$$.? | grep -c "^rank [012] of 3: 100 steps$" || true)
	rm rank.$$.?
	$well && [ "$lines" = 3 ] && exit 0
done
exit 1
