#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv selftest on an emulated device: one host, and two "hosts" over 127.0.0.1. All tests of the suite
# with fewer repetitions, once; the rest with few tests.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

# Called through expect().
# shellcheck disable=SC2317
selftest() {
	timeout -k 5 400 "$emu" run -- "$bv" selftest "$@"
}

# All of it, with both providers.
expect 0 '^passed: [0-9]+ passed, 0 failed, [0-9]+ skipped, 0 not run' selftest --quick \
	--report "$work/report" --json "$work/report.json"
also '^bv selftest [0-9.]+ on mlx5_0 \(EMULATED DEVICE'
also '^pass +verbs +loopback +operations.operation_write: WR-3 B4 no bytes reported for a write'
also '^pass +mlx5 +process +killed.peer_killed: B7 nobody answers'
also '^skip +verbs +loopback +recovery.first_cause_is_kept:'
also '^ +a loopback fails at its responder'
also '^ +verbs loopback +mlx5 loopback +verbs process +mlx5 process'
also '^faults +- +- +29 pass +29 pass'
also "The report is in $work/report: please mail it"
json "$check" selftest "$work/report.json" 4 100

# The report: nothing that names the host.
expect 0 '^bareverbs self-test of 20[0-9-]+T[0-9:]+Z: passed$' cat "$work/report"
also 'The device is EMULATED'
also '^libibverbs +libibverbs.so.1'
also '^libmlx5 +libmlx5.so.1'
also '^kernel +Linux [0-9]'
also '^firmware +20.35.1012'
also '^device ids +vendor 0x02c9'
also '^provider mlx5 +BlueFlame'
also '^GID row +3: RoCE v2, ::ffff:<hidden>, lo'
also '^node GUID +<hidden>'
also '^locked memory '
also '^verbs    mlx5     verbs    mlx5     provider$'
also '^-        -        pass     pass     faults.wrong_rkey: '
also '^ok +loopback +mlx5_0: verbs: wrote 64 bytes'
never '10\.77\.0\.1|4d03'
never "$(uname -n)"
expect 0 '^node GUID +0242:4d03' selftest --match endpoint_forms --full --report -
also '^GID row .*::ffff:10.77.0.1'
never '^pass +verbs +process +negotiation'

# A part of it.
expect 0 '^passed: 4 passed' selftest --match B18 -p mlx5
also '^pass +mlx5 +process +negotiation.random_psn'
expect 3 "no test matches 'B99'" selftest --match B99
expect 0 '^queues.full_send_queue +QP-7 +-EAGAIN exactly' "$bv" selftest --list
also '^killed.peer_killed '
expect 0 '^negotiation.random_psn' "$bv" selftest --list --match B18
never '^queues'
expect 0 '"verdict": "passed"' selftest --match endpoint_forms -p verbs --json -
cp "$work/out" "$work/one.json"
json "$check" selftest "$work/one.json" 2 0

# What a device does wrong is a failure, with all that was said.
for provider in verbs mlx5; do
	expect 1 "^FAIL +$provider +process +operations.operation_write: " timeout -k 5 60 "$emu" run \
		--fault='nak error=access nth=3' -- "$bv" selftest --match 'operation_write' \
		-p "$provider" --report "$work/failed" --json "$work/failed.json"
	also 'expect.c:[0-9]+: completion \{work 2, remote access error, .* instead of \{work 2, success'
	also 'mlx5emu.* answered with NAK'
	also '^failed: 0 passed, 2 failed'
	json "$check" selftest "$work/failed.json" 2 0
	expect 0 '^Failures$' cat "$work/failed"
	also "^$provider, process: operations.operation_write"
	also '^  and the device, or a library, said:'
done

# A device that is too slow for a test: it is ended, with the process that is its other half.
expect 1 'did not end within 1 s \(--timeout\), and was killed' timeout -k 5 60 "$emu" run \
	--fault='slow by=60s' -- "$bv" selftest --match operation_write -p verbs --timeout 1
also '^failed: 0 passed, 2 failed, 0 skipped, 0 not run'

# What cannot be run at all.
expect 3 "no device 'mlx5_9' in this machine; there is: mlx5_0" selftest -d mlx5_9
expect 3 "no provider 'psm'; there is:" selftest -p psm --json "$work/error.json"
json "$check" error "$work/error.json"
expect 3 'mlx5_0 has no port 2' selftest --port 2
expect 3 'port 1 of mlx5_0 is DOWN, not ACTIVE' timeout -k 5 60 "$emu" run --port-state=down -- \
	"$bv" selftest
expect 3 'several devices, name one with --device' timeout -k 5 60 "$emu" run --devices=2 -- \
	"$bv" selftest
expect 3 'port 1 of mlx5_0 has no GID in row 200: .bv info mlx5_0. shows' selftest --gid-index 200
expect 3 'cannot write .*/none/report: No such file' selftest --report "$work/none/report"
expect 1 'cannot write the report to /dev/full' selftest --match endpoint_forms --report /dev/full
expect 0 'mlx5_1 \(EMULATED' timeout -k 5 60 "$emu" run --devices=2 -- "$bv" selftest -d mlx5_1 \
	--match endpoint_forms
expect 0 '^skip +verbs +process +negotiation.gid_by_index' selftest --match 'gid_*' -p verbs \
	--gid-index 1

# Ctrl-C: the report still comes, and nobody is left behind.
# shellcheck disable=SC2016
expect 0 'status 3, nobody left' timeout -k 5 60 "$emu" run -- bash -c '
	"$1" selftest --match wakes -p mlx5 >"$2" & bv=$!
	until grep -q "^pass" "$2"; do sleep 0.1; done
	children=$(cat /proc/$bv/task/$bv/children)
	kill -INT $bv
	wait $bv
	status=$?
	for child in $children; do
		grep -qs "^State:.[^Z]" "/proc/$child/status" && echo "$child is left"
	done
	echo "status $status, nobody left"' bash "$bv" "$work/interrupted"
never 'is left'
expect 0 'interrupted by a signal' cat "$work/interrupted"
finish
