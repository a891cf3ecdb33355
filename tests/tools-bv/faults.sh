#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv lat when something is wrong: it says what, ends in time, and exits with 1.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

# Called through expect().
# shellcheck disable=SC2317
lat() {
	timeout -k 5 60 "$emu" run -- "$bv" lat "$@"
}

for provider in verbs mlx5; do
	for op in send write write_imm; do
		expect 1 'the responder process was killed by signal 9' lat --provider $provider \
			--op $op --iters 100 --fault kill@33 --json "$work/kill.json"
		json "$check" error "$work/kill.json"
	done
	expect 1 "WRONG DATA: provider $provider, write inline of 8 bytes, message [0-9]+ from the \
responder: byte 0 is 0x.., must be 0x.." lat --provider $provider --op write --iters 100 \
		--fault corrupt@70
	expect 1 '"messages_wrong": 1' lat --provider $provider --op send --iters 100 \
		--fault corrupt@70 --json -
	expect 1 "WRONG DATA: .*4096 bytes" lat --provider $provider --op send_imm --sizes 4K \
		--iters 100 --fault corrupt@1
done
# The check is what finds it.
expect 0 'not checked' lat --op send --iters 100 --fault corrupt@70 --no-check


# Called through expect(): a work that the peer refuses is told as it was posted, with causes and
# remedies.
# shellcheck disable=SC2317
refused() {
	timeout -k 5 60 "$emu" run --fault="nak error=$1 opcode=$2" -- "$bv" lat --iters 10 \
		--op "$2" --provider "$3" --inline off
}
for provider in verbs mlx5; do
	expect 1 "\($provider\): RDMA WRITE #[0-9]+ \(8 B at 0x[0-9a-f]+ lkey 0x[0-9a-f]+ -> \
0x[0-9a-f]+ rkey 0x[0-9a-f]+\) failed: remote access error \[remote\]" \
		refused access write $provider
	also '\(1\) the rkey is not, or no longer, that of a registered region'
	expect 1 'RDMA READ #[0-9]+ \(8 B at .* <- .*\) failed: remote operation error' \
		refused operation read $provider
	also '\(1\) the peer failed while it served the request'
	expect 1 'RDMA READ #[0-9]+ .* failed: remote invalid request error' \
		refused request read $provider
	also 'BV_ACCESS_REMOTE_READ'
done

expect 1 "no provider 'psm'; there is:.* verbs" lat --provider psm
expect 1 "BV_PROVIDER=psm names no provider of this library; there is:.* verbs" env BV_PROVIDER=psm "$emu" run -- "$bv" lat
expect 1 "no device 'mlx5_7' in this machine; there is: mlx5_0" lat --device mlx5_7
expect 1 'cannot make a channel: .*port' lat --port 2
expect 1 'cannot make a channel: .*gid' lat --gid-index 200
expect 1 'cannot make a channel: .*inline' lat --inline 60K
expect 1 'cannot run on CPU 1000' lat --cpu 1000,1000
expect 1 'cannot write the result to /dev/full' lat --op send --iters 10 --json /dev/full
expect 1 'without --manual' timeout -k 5 60 "$emu" run --manual -- "$bv" lat --iters 10
expect 1 'port 1 is down, not ACTIVE' timeout -k 5 60 "$emu" run --port-state=down -- "$bv" lat
expect 1 'several devices, name one with --device: mlx5_[01] mlx5_[01]' \
	timeout -k 5 60 "$emu" run --devices=2 -- "$bv" lat
expect 0 '^mlx5_1 ' timeout -k 5 60 "$emu" run --devices=2 -- "$bv" lat --device mlx5_1 \
	--op send --iters 10

# Killed, the initiator leaves nobody behind.
# shellcheck disable=SC2016
expect 0 'the responder ended, too' timeout -k 5 60 "$emu" run -- bash -c '
	"$1" lat --op send --time 50 & initiator=$!
	while responder=$(cat "/proc/$initiator/task/$initiator/children") &&
		[ -z "$responder" ]; do sleep 0.1; done
	sleep 1
	kill -9 "$initiator"
	for _ in $(seq 100); do
		# A zombie has ended: whoever adopted it may not care.
		grep -qs "^State:.[^Z]" "/proc/${responder% }/status" ||
			{ echo "the responder ended, too"; break; }
		sleep 0.1
	done' bash "$bv"
finish
