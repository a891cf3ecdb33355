#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command line of bv where there is no device: exit statuses and texts.

set -uo pipefail
bv=$1
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

expect 0 '^bv [0-9]+\.[0-9]+\.[0-9]+, libbareverbs [0-9.]+$' "$bv" --version
expect 0 'info .*devices' "$bv" --help
expect 2 'Usage: bv COMMAND' "$bv"
expect 2 "unknown command 'frobnicate'; there are: info doctor lat cost selftest" "$bv" frobnicate
for command in info doctor lat cost selftest; do
	expect 0 "Usage: bv $command" "$bv" $command --help
	expect 0 '^bv [0-9.]+$' "$bv" $command --version
	expect 2 'unrecognized option' "$bv" $command --frobnicate
done
expect 2 'one device at most' "$bv" info a b
expect 2 'one device at most' "$bv" doctor a b
expect 2 "'4096' is too large|'4096' is not a number" "$bv" doctor --cpu 4096
expect 2 "unexpected argument 'extra'" "$bv" lat extra
expect 2 "unexpected argument 'extra'" "$bv" cost extra

expect 2 "there are send, send_imm, write, write_imm, read and all" "$bv" lat --op fly
expect 2 "a write of 0 bytes" "$bv" lat --op write --sizes 0
expect 2 "a read of 0 bytes" "$bv" lat --op read --sizes 8,0
expect 2 "'65M' is too large" "$bv" lat --sizes 65M
expect 2 "'x' is not a size" "$bv" lat --sizes 8,x
expect 2 "'0' is not a number from 1" "$bv" lat --iters 0
expect 2 "'soon' is not a time" "$bv" lat --time soon
expect 2 "in the list twice" "$bv" lat --provider verbs,verbs
expect 2 "two CPUs" "$bv" lat --cpu 1
expect 2 "must be below --depth 16" "$bv" lat --depth 16 --signal-every 16
expect 2 "kill@N or corrupt@N" "$bv" lat --fault fire@1
expect 2 "--batch 128 must not be above --depth 32" "$bv" cost --depth 32
expect 2 "1 byte at least" "$bv" cost --size 0
expect 2 "'-1' is not a number" "$bv" cost --cpu -1

expect 2 'one host at most' "$bv" selftest a b
expect 2 "--listen waits for a host, and 'a' names one" "$bv" selftest --listen a
expect 2 'with --listen the other host chooses' "$bv" selftest --listen --match B1
expect 2 '--tcp-port 0 has a meaning with --listen only' "$bv" selftest a --tcp-port 0
expect 2 "not both" "$bv" selftest --json - --report -
expect 2 "'0' is not a number from 1" "$bv" selftest --port 0
expect 2 "'never' is not a time" "$bv" selftest --timeout never

# No device: libibverbs finds none in an empty tree.
mkdir "$work/sys"
export SYSFS_PATH=$work/sys
if [ -e /sys/class/infiniband_verbs ]; then
	echo "not run here: what bv says without a device, because there is one"
	finish
fi
for command in info lat cost; do
	expect 1 'no RDMA device in this machine' "$bv" $command
	expect 1 'mlx5emu run -- bv' "$bv" $command
done
expect 3 'no RDMA device in this machine|BV_SELFTEST=ON' "$bv" selftest
expect 1 "cannot write $work/none/file: No such file" "$bv" lat --json "$work/none/file"
expect 1 "cannot write $work/none/file: No such file" "$bv" cost --json "$work/none/file"
expect 1 "cannot write the result to /dev/full" "$bv" lat --json /dev/full
expect 1 '"error": "no RDMA device' "$bv" lat --json -
expect 1 'cannot write to standard output' bash -c "'$bv' --help >/dev/full"
finish
