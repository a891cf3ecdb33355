#!/bin/bash
# SPDX-License-Identifier: MIT
#
# faults.sh MLX5EMU TRAFFIC: fault plans over every transport, met by other people's programs: where
# the device or the program recovers, all bytes arrive; where neither can, the program says so and
# ends.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_rc_pingpong

# survives PLAN PROGRAM...: server and client end well; OPTIONS are of `mlx5emu run`.
survives() {
	local plan=$1
	shift
	command -v "$1" >/dev/null || { echo "left out: $1 is not installed"; return; }
	expect 0 "" "$emu" run --log-level=none --fault="$plan" -- \
		"$(dirname "$0")/pair.sh" --inside - - "$@"
}

# A lost last acknowledge is one that nobody can send again once its program has ended.
bad='seed=7; lose opcode=request,read-response rate=2%; duplicate rate=2%; delay by=100us rate=1%; reorder rate=1%'
survives "$bad; rnr transport=rc every=50" ibv_rc_pingpong -g 3 -c -n 100
survives "$bad" ibv_srq_pingpong -g 3 -c -n 50 -q 4
survives "$bad; rnr transport=xrc every=50" ibv_xsrq_pingpong -g 3 -n 50
survives "limit every=10; $bad" ib_send_bw -F -x 3 -n 100 -q 2 --use-srq -s 3000
survives "$bad" ib_write_bw -F -x 3 -n 50 -c XRC -s 5000
survives "$bad" ib_atomic_bw -F -x 3 -n 50
# in one packet each, as what is overtaken within a message is lost
survives "delay transport=uc by=200us rate=20%; lose transport=rc" \
	ibv_uc_pingpong -g 3 -c -n 100 -s 1000
survives "delay transport=ud by=200us rate=20%" ibv_ud_pingpong -g 3 -c -n 100
# UCX resends its datagrams itself
if command -v ucx_perftest >/dev/null; then
	expect 0 "" "$emu" run --log-level=none \
		--fault='seed=3; lose transport=ud rate=3%; duplicate transport=ud rate=3%' -- \
		"$(dirname "$0")/ucx.sh" --inside ud_v tag_lat ucp_put_bw
fi

# breaks PLAN TRANSPORT TEXT: the exchange meets TEXT.
breaks() {
	timeout 20 "$emu" run --log-level=none --trace --fault="$1" -- timeout 2 "$traffic" 3 "$2" \
		>"$scratch/out" 2>&1 || true
	grep -q -e "$3" "$scratch/out" || { tail -30 "$scratch/out"; fail "'$1' over $2: no '$3'"; }
}

breaks 'nak error=operation transport=rc nth=1' RC 'opcode=REQ_ERR .* syndrome=0x14'
breaks 'revoke transport=rc opcode=write' RC 'opcode=REQ_ERR .* syndrome=0x13'
breaks 'revoke on=receive transport=uc' UC 'opcode=RESP_ERR .* syndrome=0x04'
breaks 'revoke on=wqe transport=ud' UD 'opcode=REQ_ERR .* syndrome=0x04'
breaks 'qp-error transport=uc nth=2' UC 'event: type=QP_FATAL'
breaks 'qp-error on=receive transport=ud' UD 'opcode=RESP_ERR .* syndrome=0x05'
breaks 'overflow transport=ud opcode=recv' UD 'event: type=CQ_ERR'
breaks 'lose transport=uc opcode=send' UC 'packet sent and lost: opcode=UC_SEND'
breaks 'fatal on=receive transport=uc' UC 'event: type=DEVICE_FATAL'
