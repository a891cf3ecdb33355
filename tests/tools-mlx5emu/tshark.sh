#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tshark.sh MLX5EMU TRAFFIC: what Wireshark's dissectors read in the frames of a known exchange, over
# RoCE v1 and v2, IPv4 and IPv6.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need tshark

capture=$scratch/capture.pcap
# RoCE v2 has no UDP checksum, over IPv6 either (annex A17.3.2): that is no error.
ask() {
	tshark -o udp.ignore_ipv6_zero_checksum:TRUE -r "$capture" "$@" 2>"$scratch/tshark" || { cat "$scratch/tshark"; fail "tshark $*"; }
}

# fields NAME...: a line per frame, values by commas, an empty one for a field that is not there.
fields() {
	local name options=()
	for name in "$@"; do
		options+=(-e "infiniband.$name")
	done
	ask -T fields -E separator=, -E occurrence=f "${options[@]}"
}

same() {
	diff -u "$scratch/wanted" "$scratch/found" || fail "$1"
}

# opcode, PSN, A, padding, immediate, RETH length, AETH syndrome, MSN. Opcodes of table 38: 5 SEND
# Only Immediate, 6..8 WRITE, 12 READ Request, 13..15 its response, 17 ACK, 18 and 19 atomic; 0x20 UC,
# 0x60 UD. The write to the key that nobody has is refused: 98 is NAK "remote access error".
cat >"$scratch/exchange" <<'END'
5,4096,1,3,cafe0001,,,
17,4096,0,0,,,31,1
6,4097,0,0,,2500,,
7,4098,0,0,,,,
8,4099,1,0,,,,
17,4099,0,0,,,31,2
12,4100,1,0,,2500,,
13,4100,0,0,,,31,3
14,4101,0,0,,,,
15,4102,0,0,,,31,3
19,4103,1,0,,,,
18,4103,0,0,,,31,4
10,4104,1,0,,8,,
17,4104,0,0,,,98,4
37,4096,0,3,cafe0001,,,
38,4097,0,0,,2500,,
39,4098,0,0,,,,
40,4099,0,0,,,,
101,4096,0,1,cafe0001,,,
END

exchange() {
	expect 0 rkey "$emu" run -n 2 --log-level=none --pcap="$capture" -- "$traffic" "$1" RC UC UD
	rkey=$(sed -n 's/^rkey 0x\([0-9a-f]*\) .*/\1/p' "$scratch/out")
	address=$(sed -n 's/.* address 0x\([0-9a-f]*\)$/\1/p' "$scratch/out")
	cp "$scratch/exchange" "$scratch/wanted"
	fields bth.opcode bth.psn bth.a bth.padcnt immdt reth.dmalen aeth.syndrome aeth.msn \
		>"$scratch/found"
	same "the exchange, GID index $1"
	fields reth.va reth.r_key | sort -u >"$scratch/found"
	printf ',\n0x%016x,0x%08x\n0x%016x,0x%08x\n' "0x$address" "0x$rkey" "0x$address" \
		$((0x$rkey + 0x100)) | sort -u >"$scratch/wanted"
	same "where reads and writes go, GID index $1"
	ask -Y '_ws.malformed || _ws.expert.severity >= 8388608' >"$scratch/found"
	[ ! -s "$scratch/found" ] || { cat "$scratch/found"; fail "malformed, GID index $1"; }
	ask -T fields -e frame.protocols >"$scratch/found"
	[ "$(grep -c "^eth:ethertype:$2infiniband" "$scratch/found")" -eq 19 ] ||
		{ cat "$scratch/found"; fail "not all frames are infiniband in $2, GID index $1"; }
	if command -v python3 >/dev/null; then
		"$(dirname "$0")/icrc.py" "$capture" || fail "a bad ICRC, GID index $1"
	fi
}

exchange 0 ""
exchange 1 ipv6:udp:
exchange 3 ip:udp:

# The fields that only one kind of packet has, and where frames come from.
fields deth.q_key deth.srcqp atomiceth.swapdt atomiceth.cmpdt atomicacketh.origremdt |
	sort -u >"$scratch/found"
sort -u >"$scratch/wanted" <<'END'
,,,,
,,,,72340172838076673
,,144680345676153346,72340172838076673,
0x0000000011223344,0x00010005,,,
END
same "DETH and atomics"
ask -T fields -e ip.src -e ip.dst -e udp.dstport -e eth.src -e frame.interface_name | sort -u \
	>"$scratch/found"
printf '10.77.0.1\t10.77.0.1\t4791\t02:42:4d:4c:58:00\tmlx5_0\n' >"$scratch/wanted"
same "addresses"

# Lost and sent again, seen twice; the comment tells which one did not arrive.
expect 0 rkey "$emu" run --log-level=none --pcap="$capture" --fault='lose nth=1' -- "$traffic" 3 RC
ask -Y 'infiniband.bth.psn == 4096 && infiniband.bth.opcode == 5' -T fields -e frame.comment |
	sed 's/.*, //' >"$scratch/found"
printf 'sent and lost\nsent\n' >"$scratch/wanted"
same "a lost packet"
