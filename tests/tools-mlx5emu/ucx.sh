#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ucx.sh MLX5EMU TRANSPORTS TEST...: ucx_perftest over the given UCX_TLS, server and client, each test
# in turn. RUN_OPTIONS are options of `mlx5emu run`. What libuct or libucp
# complain about is shown only when a test fails.

emu=$1
if [ "$emu" != --inside ]; then
	command -v ucx_perftest >/dev/null || { echo "skipped: ucx_perftest is not installed"; exit 77; }
	# the count of words is wanted
	# shellcheck disable=SC2086
	exec "$emu" run ${RUN_OPTIONS-} -- "$0" --inside "${@:2}"
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
export UCX_TLS=$2 UCX_NET_DEVICES=mlx5_0:1
[[ ${RUN_OPTIONS-} == *link=ib* ]] || export UCX_IB_GID_INDEX=3

run() {
	local port status=0
	port=$(free_port)
	timeout -k 5 60 ucx_perftest -p "$port" >"$scratch/server" 2>&1 &
	started=($!)
	wait_until 20 tcp_port "$port" 0A || { cat "$scratch/server"; fail "no server"; }
	# the count of words is wanted: a test may have options
	# shellcheck disable=SC2086
	timeout -k 5 50 ucx_perftest -p "$port" 127.0.0.1 -n 100 -w 10 -t $1 >"$scratch/client" 2>&1 ||
		status=$?
	[ $status -eq 0 ] || kill "${started[0]}" 2>/dev/null || true
	wait "${started[0]}" || status=$?
	started=()
	[ $status -eq 0 ] && return
	sed 's/^/client: /' "$scratch/client"
	sed 's/^/server: /' "$scratch/server"
	fail "$1 over $UCX_TLS ended with $status"
}

for test in "${@:3}"; do
	echo "$test"
	run "$test"
done
