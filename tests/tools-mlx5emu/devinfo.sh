#!/bin/bash
# SPDX-License-Identifier: MIT
#
# devinfo.sh MLX5EMU: what ibv_devinfo -v shows of the device, read by eyes that know a ConnectX-6.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devinfo ibv_devices

"$emu" run -- ibv_devinfo -v >"$scratch/devinfo" 2>"$scratch/errors" || {
	cat "$scratch/devinfo" "$scratch/errors"
	fail "ibv_devinfo -v ended with $?"
}
[ ! -s "$scratch/errors" ] || { cat "$scratch/errors"; fail "ibv_devinfo complained"; }

shows() {
	tr -s '\t ' ' ' <"$scratch/devinfo" | grep -qxF -e " $1" -e "$1" ||
		{ cat "$scratch/devinfo"; fail "ibv_devinfo -v does not show: $1"; }
}
shows "hca_id: mlx5_0"
shows "transport: InfiniBand (0)"
shows "fw_ver: 20.35.1012"
shows "node_guid: 0242:4d03:004c:5800"
shows "vendor_id: 0x02c9"
shows "vendor_part_id: 4123"
shows "board_id: MLX5EMU"
shows "phys_port_cnt: 1"
shows "max_sge: 30"
shows "atomic_cap: ATOMIC_HCA (1)"
shows "max_srq: 4096"
shows "state: PORT_ACTIVE (4)"
shows "active_mtu: 4096 (5)"
shows "link_layer: Ethernet"
shows "phys_state: LINK_UP (5)"
shows "GID[ 0]: fe80:0000:0000:0000:0042:4dff:fe4c:5800, RoCE v1"
shows "GID[ 1]: fe80::42:4dff:fe4c:5800, RoCE v2"
shows "GID[ 2]: 0000:0000:0000:0000:0000:ffff:0a4d:0001, RoCE v1"
shows "GID[ 3]: ::ffff:10.77.0.1, RoCE v2"
grep -q 'GID\[  4\]' "$scratch/devinfo" && fail "empty GIDs are shown"

# options, and a second device
"$emu" run -n 2 --mtu=4096,1024 --guid=0c42:a103:0011:2233 --address=192.0.2.7 -- \
	ibv_devinfo -v -d mlx5_1 >"$scratch/devinfo"
shows "node_guid: 0c42:a103:0011:2234"
shows "active_mtu: 1024 (3)"
shows "GID[ 1]: fe80::e42:a1ff:fe11:2234, RoCE v2"
shows "GID[ 3]: ::ffff:192.0.2.8, RoCE v2"

expect 0 "mlx5_15" "$emu" run -n 16 -- ibv_devices
