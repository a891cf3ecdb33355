#!/bin/bash
# SPDX-License-Identifier: MIT
#
# cm_faults.sh MLX5EMU: what programs of librdmacm's authors say of connections on a network that does
# not work. fault_cm.c has every fault.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"

# --inside PORT "SERVER" "CLIENT": both in one run.
if [ "$emu" = --inside ]; then
	# words are wanted
	# shellcheck disable=SC2086
	timeout -k 5 20 $3 &
	started=($!)
	wait_until 10 cm_port "$2" || fail "no server"
	# shellcheck disable=SC2086
	timeout -k 5 20 $4 && echo "client: 0" || echo "client: $?"
	wait "${started[0]}" || true
	started=()
	exit 0
fi
need rping

# alone PLAN TEXT: a client that nobody need answer.
alone() {
	expect 255 "$2" timeout 20 "$emu" run --fault="$1" -- rping -c -a 10.77.0.1 -p 7174 -C 1
}

# both PLAN SERVER CLIENT TEXT...: PORT in the commands stands for the port.
both() {
	local plan=$1 port text
	command -v "${2%% *}" >/dev/null || { echo "left out: ${2%% *} is not installed"; return; }
	port=$(free_port)
	expect 0 "$4" "$emu" run --fault="$plan" -- "$0" --inside "$port" "${2//PORT/$port}" \
		"${3//PORT/$port}"
	for text in "${@:5}"; do
		grep -qF -e "$text" "$scratch/out" || { cat "$scratch/out"; fail "$plan: no '$text'"; }
	done
}

alone 'fail command=create-id error=EMFILE' 'rdma_create_id: Too many open files'
alone 'fail command=resolve-addr error=ENETUNREACH' 'rdma_resolve_addr: Network is unreachable'
alone 'cm-error type=addr-error' 'RDMA_CM_EVENT_ADDR_ERROR, error -110'
alone 'cm-error type=route-error error=EHOSTUNREACH' 'RDMA_CM_EVENT_ROUTE_ERROR, error -113'
alone 'cm-error type=unreachable' 'RDMA_CM_EVENT_UNREACHABLE, error -110'
alone 'cm-error type=rejected reason=10' 'RDMA_CM_EVENT_REJECTED, error 10'

pings=('rping -s -a 10.77.0.1 -p PORT -C 1000000' 'rping -c -a 10.77.0.1 -p PORT -C 1000000')
both 'cm-event type=disconnected slot=2 at=200ms' "${pings[@]}" 'client DISCONNECT EVENT' \
	'server DISCONNECT EVENT'
both 'cm-event type=device-removal slot=2 at=200ms' "${pings[@]}" 'cma detected device removal' \
	'client: 255' 'server DISCONNECT EVENT'
both 'fail command=accept error=ENOMEM slot=1' 'rdma_server -p PORT' 'rdma_client -s 10.77.0.1 -p PORT' \
	'rdma_accept: Cannot allocate memory' 'rdma_connect: Connection refused'
