#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv lat on an emulated device: every operation through both providers, verified and counted.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

# Called through expect().
# shellcheck disable=SC2317
lat() {
	"$emu" run -- "$bv" lat "$@"
}

# 5 operations of 2 sizes, 4 of them once more inline, through 2 providers.
expect 0 'write inline +8 .* messages$' lat --provider verbs,mlx5 --iters 60 --warmup 5 \
	--json "$work/all.json"
also 'EMULATED DEVICE: functional only, not a performance figure'
json "$check" lat "$work/all.json" 28 60

for op in send send_imm write write_imm read; do
	expect 0 'data verified: [0-9]+ messages' lat --op $op --iters 40 --warmup 0 \
		--sizes 1,31,64,129,4K,100000 --inline off --signal-every 5 --depth 16 \
		--json "$work/$op.json"
	also 'mlx5/verbs'
	json "$check" lat "$work/$op.json" 12 40
done
expect 0 'send, 0 bytes' lat --op send --sizes 0 --iters 20
expect 0 'send\+imm, 0 bytes' lat --op send_imm --sizes 0 --iters 20
expect 0 'write\+imm inline, 64 bytes' lat --op write_imm --sizes 64 --inline 64 --iters 20
expect 0 'write, 64 bytes' lat --op write --sizes 64 --inline 8 --iters 20
expect 0 'data verified: not checked' lat --op write --iters 20 --no-check
expect 0 'bound to 0 and 0' lat --op send --iters 20 --cpu 0,0

# One provider, chosen by each way there is.
expect 0 '^  mlx5 ' lat --op read --iters 20 --provider mlx5
expect 0 '^  verbs ' env BV_PROVIDER=verbs "$emu" run -- "$bv" lat --op read --iters 20
never 'mlx5/verbs'

# A time alone bounds a run; the samples are what they are.
expect 0 'samples' lat --op write --time 100ms --json "$work/time.json"
json "$check" lat "$work/time.json" 2
expect 0 '"schema": 1' lat --op send --iters 10 --json -
finish
