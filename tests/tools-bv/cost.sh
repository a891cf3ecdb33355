#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv cost on an emulated device that is stepped by hand.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

# Called through expect().
# shellcheck disable=SC2317
cost() {
	"$emu" run --manual -- "$bv" cost "$@"
}

expect 0 '^post write inline +[0-9]' cost --provider verbs,mlx5 --batches 30 --json "$work/cost.json"
also 'EMULATED DEVICE: functional only, not a performance figure'
also 'device stepped between batches'
json "$check" cost "$work/cost.json" 16
expect 0 '"batches": 30' cat "$work/cost.json"
expect 0 'one work in 16 completes' cost --batches 5 --signal-every 16 --size 64 --batch 256
# What is too large to go inline is posted by reference alone.
expect 0 '^post send inline +- ' cost --provider mlx5 --batches 5 --size 1K --batch 16 --depth 16 \
	--json "$work/one.json"
json "$check" cost "$work/one.json" 6

# A device that runs by itself would run in the time that is measured.
expect 1 'mlx5emu run --manual -- bv cost' "$emu" run -- "$bv" cost --json "$work/refused.json"
json "$check" error "$work/refused.json"
expect 1 "no provider 'psm'" cost --provider psm
expect 1 'cannot run on CPU 1000' cost --cpu 1000
expect 1 'cannot write the result to /dev/full' cost --batches 2 --json /dev/full
finish
