#!/bin/bash
# SPDX-License-Identifier: MIT
#
# cm.sh MLX5EMU: connections by librdmacm that programs.list has not: to the loopback, and refused ones.

emu=$1
if [ "$emu" != --inside ]; then
	command -v rping >/dev/null || { echo "skipped: rping is not installed"; exit 77; }
	exec "$emu" run -n 2 -- "$0" --inside "${@:2}"
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
address=10.77.0.1

# both NAME "SERVER COMMAND" "CLIENT COMMAND": PORT in them stands for the port.
both() {
	local name=$1 status=0 port
	command -v "${2%% *}" >/dev/null || { echo "left out: ${2%% *} is not installed"; return; }
	port=$(free_port)
	# words are wanted
	# shellcheck disable=SC2086
	timeout -k 5 60 ${2//PORT/$port} >"$scratch/server" 2>&1 &
	started=($!)
	wait_until 20 cm_port "$port" || { cat "$scratch/server"; fail "$name: no server"; }
	# shellcheck disable=SC2086
	timeout -k 5 50 ${3//PORT/$port} >"$scratch/client" 2>&1 || status=$?
	[ $status -eq 0 ] || kill "${started[0]}" 2>/dev/null || true
	wait "${started[0]}" || status=$?
	started=()
	if [ $status -ne 0 ]; then
		sed 's/^/client: /' "$scratch/client"
		sed 's/^/server: /' "$scratch/server"
		fail "$name ended with $status"
	fi
	echo "$name"
}

both "rping by loopback" "rping -s -a 127.0.0.1 -p PORT -C 5" "rping -c -a 127.0.0.1 -p PORT -C 5"
expect 1 "RDMA_CM_EVENT_UNREACHABLE, error: 1" timeout 20 udaddy -s $address

# nobody listens; nobody has that address
expect 255 "RDMA_CM_EVENT_REJECTED, error 8" timeout 20 rping -c -a $address -p "$(free_port)" -C 1
expect 255 "RDMA_CM_EVENT_ADDR_ERROR" timeout 20 rping -c -a 10.77.0.99 -p 7174 -C 1
