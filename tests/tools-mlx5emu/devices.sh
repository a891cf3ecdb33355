#!/bin/bash
# SPDX-License-Identifier: MIT
#
# devices.sh MLX5EMU TRAFFIC: devices as --device describes them: what programs see, and that traffic
# and connections go between different ones.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devinfo

# shows TEXT...: each is in what the last command printed.
shows() {
	local text
	for text in "$@"; do
		grep -qF -e "$text" "$scratch/out" || { cat "$scratch/out"; fail "'$text' is not shown"; }
	done
}

# refused TEXT SETTINGS...
refused() {
	local text=$1 options=() settings
	shift
	for settings in "$@"; do
		options+=("--device=$settings")
	done
	expect 125 "$text" "$emu" run "${options[@]}" -- true
}

refused "'x' is no setting=value" x
refused "unknown setting 'speed'" speed=5
refused "name=a/b: letters" name=a/b
refused "model=connectx-3 is none of: connectx-4" model=connectx-3
refused "mtu=1500: use 256" mtu=1500
refused "link=fc: use eth or ib" link=fc
refused "cqe=2: use 1 or 0" cqe=2
refused "gids=10.1.2 is no list" gids=10.1.2.3+10.1.2
refused "more than 8 addresses" gids=::1+::2+::3+::4+::5+::6+::7+::8+::9
refused "16 hexadecimal digits" guid=12
refused "lid=0 is no number" link=ib,lid=0
refused "lid= is of link=ib" lid=3
refused "pkeys= is of link=ib" pkeys=8001
for keys in 8000 10000 ffff+ x 1+2+3+4+5+6+7+8+9; do
	refused "is no list of up to 8 partition keys" link=ib,pkeys=$keys
done
refused "state=up: use active or down" state=up
for setting in name=a model=connectx-5 mtu=256 gids=10.0.0.1 link=ib guid=0242:4d03:004c:5801 lid=5 \
	pkeys=ffff address=10.0.0.1 state=down uar=static cqe=0; do
	refused "--device=link=eth,$setting,state=active,$setting: ${setting%=*}= is given twice" \
		"link=eth,$setting,state=active,$setting"
done
refused "two devices are named a" name=a name=a
refused "two devices are named mlx5_1" name=mlx5_1 mtu=256
refused "have the same GUID" guid=0242:4d03:004c:5801 mtu=256
refused "have an address in common" gids=10.0.0.1+10.0.0.2 gids=10.0.0.2
expect 125 "given 2 times, and there are 1" "$emu" run -n 1 --device mtu=256 --device mtu=512 -- true

expect 0 "hca_id:	rocep1s0" "$emu" run \
	--device name=rocep1s0,model=connectx-7,mtu=1024,gids=10.1.2.3+2001:db8::5 \
	--device state=down --device guid=0000:0000:1234:5678 -- ibv_devinfo -v
shows "fw_ver:				28.35.1012" "vendor_part_id:			4129" "active_mtu:		1024 (3)" \
	"GID[  1]:		::ffff:10.1.2.3, RoCE v2" "GID[  3]:		2001:db8::5, RoCE v2" \
	"hca_id:	mlx5_1" "PORT_DOWN (1)" "hca_id:	mlx5_2" "node_guid:			0000:0000:1234:5678"
for model in connectx-4:4115 connectx-4lx:4117 connectx-5:4119 connectx-5ex:4121 connectx-6:4123 \
	connectx-6dx:4125 connectx-6lx:4127 connectx-7:4129; do
	expect 0 "vendor_part_id:			${model#*:}" "$emu" run "--device=model=${model%:*}" -- ibv_devinfo
done
expect 0 rkey "$emu" run --device name=x.1,mtu=256,gids=fe80::9 -- "$traffic" 1 RC UC UD

if command -v ibv_rc_pingpong >/dev/null; then
	expect 0 "1000 iters" "$emu" run -n 2 --device name=first,gids=192.168.5.1 -- \
		"$(dirname "$0")/pair.sh" --inside "-d first -g 1" "-d mlx5_1 -g 3" ibv_rc_pingpong
fi

# Completions without user indices: libmlx5 finds each kind of queue by its number.
for test in "ibv_rc_pingpong -e" ibv_ud_pingpong "ibv_srq_pingpong -q 4" ibv_xsrq_pingpong; do
	command -v "${test%% *}" >/dev/null || continue
	# words are wanted
	# shellcheck disable=SC2086
	expect 0 "" "$emu" run --device cqe=0 --device cqe=0 -- \
		"$(dirname "$0")/pair.sh" --inside "-g 3" "-g 3" $test -n 100
done
# A server that listens is seen by its name (lib.sh), inside of the run only.
if command -v rping >/dev/null; then
	port=$(free_port)
	expect 0 "" "$emu" run --device gids=192.168.5.1+fd00::1 -- bash -c "
		. '$(dirname "$0")/lib.sh'
		timeout -k 5 60 rping -s -a fd00::1 -p $port -C 2 &
		started=(\$!)
		wait_until 20 cm_port $port || fail 'rping does not listen'
		timeout -k 5 50 rping -c -a fd00::1 -p $port -C 2
		wait \"\${started[0]}\"
		started=()"
fi

# InfiniBand: ports have LIDs, which are enough to connect by; GIDs may be used, too.
ib=(--device link=ib --device "link=ib,lid=0x40")
expect 0 "link_layer:		InfiniBand" "$emu" run "${ib[@]}" -- ibv_devinfo -v
shows "port_lid:		1" "port_lid:		64" "sm_lid:			1" \
	"GID[  0]:		fe80:0000:0000:0000:0242:4d03:004c:5800"
# pair PROGRAM...: server on the first, client on the second device.
pair() {
	command -v "$1" >/dev/null || return 0
	expect 0 "" "$emu" run "${ib[@]}" --pcap="$scratch/capture.pcap" -- \
		"$(dirname "$0")/pair.sh" --inside "-d mlx5_0" "-d mlx5_1" "$@"
}
pair ibv_rc_pingpong -n 50
pair ib_send_bw -F -n 50 -c XRC
pair ib_send_lat -F -n 50 -c UD
pair ibv_ud_pingpong -n 5
if command -v tshark >/dev/null; then
	expect 0 "LID: 64" tshark -r "$scratch/capture.pcap" -Y 'infiniband.bth.opcode == 100'
	expect 0 "" tshark -r "$scratch/capture.pcap" -Y _ws.malformed
	! grep "Send Only" "$scratch/out" || fail "malformed InfiniBand frames"
fi
if command -v python3 >/dev/null; then
	"$(dirname "$0")/icrc.py" "$scratch/capture.pcap" || fail "a bad ICRC on InfiniBand"
fi
