#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Both sides of the example: exchange_cm.sh PROGRAM. The first IPv4 address of an RDMA device is the host.

set -euo pipefail
program=$1

host=$( (cat /sys/class/infiniband/*/ports/1/gids/* 2>/dev/null || true) |
	sed -n 's/^0000:0000:0000:0000:0000:ffff:\(..\)\(..\):\(..\)\(..\)$/0x\1 0x\2 0x\3 0x\4/p' | head -n 1)
# shellcheck disable=SC2086
[ -z "$host" ] || host=$(printf '%d.%d.%d.%d' $host)
address=${host:-127.0.0.1}:$((10000 + $$ % 20000))

"$program" listen "$address" &
listener=$!
status=0
"$program" connect "$address" || status=$?
wait $listener || status=$?
[ $status -ne 77 ] || echo "skipped: no connection manager here"
exit $status
