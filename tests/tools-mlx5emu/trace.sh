#!/bin/bash
# SPDX-License-Identifier: MIT
#
# trace.sh MLX5EMU TRAFFIC: the lines of --trace for an exchange that is known.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"

trace=$scratch/trace
run() {
	expect 0 rkey "$emu" run --log-level=none "$@"
}

# shown COUNT PATTERN: that many lines of the trace match.
shown() {
	local count
	count=$(grep -cE -e "$2" "$trace") || true
	[ "$count" -eq "$1" ] || { cat "$trace"; fail "$count lines match '$2', not $1"; }
}

# seen PATTERN: at least one line does.
seen() {
	grep -qE -e "$1" "$trace" || { cat "$trace"; fail "no line matches '$1'"; }
}

run --trace="$trace" -- "$traffic" 3 RC UC UD
# every line: time, process, device, then what
shown "$(wc -l <"$trace")" '^[0-9]+\.[0-9]{9} traffic\[[0-9]+\] mlx5_0 [A-Za-z]'
shown 1 'command ALLOC_PD: rc=0 -> pd_handle='
shown 1 'command REG_MR: rc=0 start=0x[0-9a-f]+ length=0x2000 .* access_flags=0xf -> .* lkey=0x1001 rkey=0x1001'
shown 6 'command CREATE_QP: rc=0 .* qp_type=[234] .* qpn=0x1000[1-6]$'
shown 8 'UAR [0-9]+ doorbell: offset=0x[89ab]00 qp=0x01000[1-6] wqe_index='
shown 3 'wqe: index=0 opcode=SEND_IMM .* imm=0xcafe0001'
shown 1 'QP 0x010001 wqe: index=2 opcode=READ .* length=2500 raddr=0x.* rkey=0x1001 data\[0\]=\{'
shown 3 'receive wqe: index=0 length=4096 data\[0\]=\{addr=0x[0-9a-f]+ lkey=0x1001 length=4096\}'
shown 1 'packet sent: opcode=RC_SEND_ONLY_IMM src_qp=0x010001 dst_qp=0x010002 psn=4096 payload=5 imm=0xcafe0001'
shown 1 'packet arrived: opcode=RC_WRITE_MIDDLE .* psn=4098 payload=1024'
shown 1 'packet sent: opcode=RC_READ_RESPONSE_LAST .* psn=4102 payload=452'
shown 1 'packet sent: opcode=RC_ACK .* syndrome=0x62 msn=4'
shown 1 'packet sent: opcode=UD_SEND_ONLY_IMM .* qkey=0x11223344 imm=0xcafe0001'
shown 1 'CQ 1 cqe: .* opcode=REQ_ERR qp=0x010001 .* syndrome=0x13 vendor_syndrome=0x'
shown 1 'QP 0x010002 event: type=QP_ACCESS_ERR'

# Commands by methods of their own (seen above), by write(2), and those of the connection manager.
# what the library tries and then does otherwise
seen 'command of object 0x[0-9a-f]+, method 0x[0-9a-f]+: rc=-93$'
seen 'command UAR_OBJ_ALLOC: rc=0 handle=0x[0-9a-f]+ type=0x0 -> mmap_offset=0x[0-9a-f]+ .*page_id=0x'
# What libmlx5 asks the firmware for, by its opcode: QUERY_HCA_CAP.
seen 'command DEVX_OTHER: rc=0 .* opcode=0x100 op_mod=0x[0-9a-f]+ -> .* status=0x0 syndrome=0x0$'
run --commands=write --trace="$trace" -- "$traffic" 3 RC
seen 'command ALLOC_PD: rc=0 -> pd_handle='
seen 'command GET_CONTEXT: rc=0 -> async_fd='
if command -v rping >/dev/null; then
	"$emu" run --log-level=none --trace="$trace" -- bash -c 'timeout 20 rping -s -C 3 >/dev/null &
		until timeout 20 rping -c -a 10.77.0.1 -C 3 >/dev/null 2>&1; do sleep 0.1; done; wait'
	seen 'rping\[[0-9]+\] rdma_cm command CREATE_ID: rc=0 ps=262 qp_type=2 -> id=1$'
	seen 'rdma_cm command RESOLVE_IP: rc=0 id=1 src_addr=- dst_addr=10\.77\.0\.1 port=7174 timeout_ms='
	seen 'rdma_cm command CONNECT: rc=0 id=1 conn_param\.qp_num=0x[0-9a-f]+ '
	seen 'rdma_cm command GET_EVENT: rc=0 -> id=2 status=0 event=CONNECT_REQUEST$'
	# The server's: the client ends without waiting for its own.
	seen 'rdma_cm command GET_EVENT: rc=0 -> id=2 status=0 event=DISCONNECTED$'
	seen 'mlx5_0 CQ [0-9]+ doorbell: arm sn=[0-3] '
fi

# Registers that nobody asked for, of the low-latency class first: the last four of sixteen, two in a page.
run --device uar=static --trace="$trace" -- "$traffic" 3 RC
shown 0 'command UAR_OBJ_ALLOC'
shown 1 'command GET_CONTEXT: rc=0 '
seen 'UAR [0-9]+ doorbell: offset=0x[89]00 qp=0x010001 '
seen 'wqe: index=0 opcode=SEND_IMM .* imm=0xcafe0001'

# The name decides the form; a second run starts anew; nothing is written without the option.
run --trace="$scratch/trace.pcap" -- "$traffic" 3 UC
[ "$(od -An -tx4 -N4 "$scratch/trace.pcap" | tr -d ' ')" = 0a0d0d0a ] || fail "no capture"
run --trace="$trace" -- "$traffic" 3 UD
shown 0 'RC_|UC_'
rm "$trace"
run -- "$traffic" 3 UD
[ ! -e "$trace" ] || fail "a trace that nobody asked for"

# On standard error without a name, and with what a fault does.
expect 0 'packet sent and lost: opcode=RC_SEND_ONLY_IMM' \
	"$emu" run --log-level=none --trace --fault='lose nth=1' -- "$traffic" 3 RC
expect 125 "No such file or directory" "$emu" run --trace="$scratch/none/trace" true
expect 125 "No such file or directory" "$emu" run --pcap="$scratch/none/trace" true
