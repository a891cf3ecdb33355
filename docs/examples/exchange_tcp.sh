#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Both sides of the example: exchange_tcp.sh PROGRAM. Another port if one is taken.

set -euo pipefail
program=$1

for try in 1 2 3; do
	address=127.0.0.1:$((10000 + ($$ + 7919 * try) % 20000))
	"$program" listen "$address" >listener.$$ &
	listener=$!
	if "$program" connect "$address" && wait $listener; then
		cat listener.$$
		grep -qx "the peer says: hello" listener.$$ && rm listener.$$ && exit 0
	fi
	kill $listener 2>/dev/null || true
done
rm -f listener.$$
exit 1
