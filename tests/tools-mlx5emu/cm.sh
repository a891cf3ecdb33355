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
	awk -v name="^@mlx5emu[.].*[.]cmu?[.]$1[.]" \
		'$4 == "00010000" && $8 ~ name { found = 1 } END { exit !found }' /proc/net/unix
}

# both NAME "SERVER COMMAND" "CLIENT COMMAND" [PORT]: PORT in them stands for the port.
both() {
	local name=$1 status=0 port
	command -v "${2%% *}" >/dev/null || { echo "left out: ${2%% *} is not installed"; return; }
	port=${4-$(free_port)}
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

both rping "rping -s -p PORT -C 100 -V" "rping -c -a $address -p PORT -C 100 -V"
both "rping to the second device" "rping -s -a 10.77.0.2 -p PORT -C 20 -V" \
	"rping -c -a 10.77.0.2 -I 10.77.0.1 -p PORT -C 20 -V"
both "rping by loopback" "rping -s -a 127.0.0.1 -p PORT -C 5" "rping -c -a 127.0.0.1 -p PORT -C 5"
both rdma_server "rdma_server -p PORT" "rdma_client -s $address -p PORT"
both ucmatose "ucmatose -p PORT -c 5 -C 20 -S 1000" "ucmatose -s $address -p PORT -c 5 -C 20 -S 1000"
both "ucmatose with migration" "ucmatose -m -p PORT" "ucmatose -m -s $address -p PORT"
both "ib_write_lat -R" "ib_write_lat -F -R -n 100 -p PORT" "ib_write_lat -F -R -n 100 -p PORT $address"
both "ib_send_bw -R" "ib_send_bw -F -R -q 2 -n 100 -p PORT" \
	"ib_send_bw -F -R -q 2 -n 100 -p PORT $address"
# it has one port, of its own
both udaddy "udaddy -C 20 -S 1000" "udaddy -s $address -C 20 -S 1000" 7174
both "udaddy with several" "udaddy -c 3" "udaddy -s $address -c 3" 7174

# no connection: a member of a group hears what the other sends to it, when it has joined
group() {
	command -v mckey >/dev/null || { echo "left out: mckey is not installed"; return; }
	timeout -k 5 60 stdbuf -oL mckey -m "$1" -b "$2" -C 6 >"$scratch/member" 2>&1 &
	started=($!)
	wait_until 20 grep -q joined "$scratch/member" || { cat "$scratch/member"; fail "no member of $1"; }
	timeout -k 5 50 mckey -m "$1" -b 10.77.0.2 -s -C 6 >"$scratch/sender" 2>&1 ||
		{ cat "$scratch/sender"; fail "sender to $1"; }
	wait "${started[0]}" || { cat "$scratch/member"; fail "member of $1"; }
	started=()
	echo "mckey to $1"
}
group 239.1.1.1 $address
expect 1 "RDMA_CM_EVENT_UNREACHABLE, error: 1" timeout 20 udaddy -s $address

# nobody listens; nobody has that address
expect 255 "RDMA_CM_EVENT_REJECTED, error 8" timeout 20 rping -c -a $address -p "$(free_port)" -C 1
expect 255 "RDMA_CM_EVENT_ADDR_ERROR" timeout 20 rping -c -a 10.77.0.99 -p 7174 -C 1
