#!/bin/bash
# SPDX-License-Identifier: MIT
#
# cm.sh MLX5EMU: programs that connect by librdmacm, server and client in two processes of one run.

emu=$1
if [ "$emu" != --inside ]; then
	command -v rping >/dev/null || { echo "skipped: rping is not installed"; exit 77; }
	exec "$emu" run -n 2 -- "$0" --inside "${@:2}"
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
address=10.77.0.1

listens() {
	awk -v name="^@mlx5emu[.].*[.]cm[.]$1[.]" \
		'$4 == "00010000" && $8 ~ name { found = 1 } END { exit !found }' /proc/net/unix
}

# both NAME "SERVER COMMAND" "CLIENT COMMAND": PORT in them stands for the port.
both() {
	local name=$1 status=0 port
	command -v "${2%% *}" >/dev/null || { echo "left out: ${2%% *} is not installed"; return; }
	port=$(free_port)
	# words are wanted
	# shellcheck disable=SC2086
	timeout -k 5 60 ${2//PORT/$port} >"$scratch/server" 2>&1 &
	started=($!)
	wait_until 20 listens "$port" || { cat "$scratch/server"; fail "$name: no server"; }
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

both rping "rping -s -p PORT -C 20 -V" "rping -c -a $address -p PORT -C 20 -V"
both "rping to the second device" "rping -s -a 10.77.0.2 -p PORT -C 20 -V" \
	"rping -c -a 10.77.0.2 -I 10.77.0.1 -p PORT -C 20 -V"
both "rping by loopback" "rping -s -a 127.0.0.1 -p PORT -C 5" "rping -c -a 127.0.0.1 -p PORT -C 5"
both rdma_server "rdma_server -p PORT" "rdma_client -s $address -p PORT"
both ucmatose "ucmatose -p PORT -c 5 -C 20 -S 1000" "ucmatose -s $address -p PORT -c 5 -C 20 -S 1000"
both "ucmatose with migration" "ucmatose -m -p PORT" "ucmatose -m -s $address -p PORT"
both "ib_write_lat -R" "ib_write_lat -F -R -n 100 -p PORT" "ib_write_lat -F -R -n 100 -p PORT $address"
both "ib_send_bw -R" "ib_send_bw -F -R -q 2 -n 100 -p PORT" \
	"ib_send_bw -F -R -q 2 -n 100 -p PORT $address"

# nobody listens; nobody has that address
expect 255 "RDMA_CM_EVENT_REJECTED, error 8" timeout 20 rping -c -a $address -p "$(free_port)" -C 1
expect 255 "RDMA_CM_EVENT_ADDR_ERROR" timeout 20 rping -c -a 10.77.0.99 -p 7174 -C 1
