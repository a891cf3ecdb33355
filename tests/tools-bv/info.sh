#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv info on an emulated device: text and JSON.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

expect 0 '^mlx5_0$' "$emu" run -- "$bv" info
expect 0 'EMULATED DEVICE: functional only, not a performance figure' "$emu" run -- "$bv" info
expect 0 'port 1: ACTIVE, Ethernet, MTU' "$emu" run -- "$bv" info
expect 0 '^  > GID .*RoCE v2 +::ffff:' "$emu" run -- "$bv" info mlx5_0
expect 0 'provider verbs +yes' "$emu" run -- "$bv" info
expect 0 'provider mlx5 +yes' "$emu" run -- "$bv" info
expect 1 "no device 'mlx5_9' in this machine; there is: mlx5_0" "$emu" run -- "$bv" info mlx5_9

expect 0 'port 1: DOWN' "$emu" run --port-state=down -- "$bv" info
also 'no channel can use this port until it is ACTIVE'
never '^  >'

# A wrong BV_PROVIDER hides nothing, and is told once.
expect 1 "bv info: BV_PROVIDER=foo names no provider of this library; there is:.* verbs" \
	env BV_PROVIDER=foo "$emu" run -- "$bv" info
also '^  > GID .*RoCE v2 +::ffff:'
also 'unset BV_PROVIDER, or set it to one of these'
expect 0 '^  > GID' env BV_PROVIDER=verbs "$emu" run -- "$bv" info
expect 0 '^  > GID' env BV_PROVIDER= "$emu" run -- "$bv" info

expect 0 '"schema": 1' "$emu" run -- "$bv" info --json
cp "$work/out" "$work/info.json"
json "$check" info "$work/info.json"
also '"chosen": true'
also '"kind": "emulated"'
finish
