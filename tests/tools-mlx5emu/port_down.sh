#!/bin/bash
# SPDX-License-Identifier: MIT
#
# port_down.sh MLX5EMU: a port that is down says so, and perftest believes it.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devinfo ib_write_lat

expect 0 "PORT_DOWN (1)" "$emu" run --port-state=down -- ibv_devinfo
expect 0 "PORT_ACTIVE (4)" "$emu" run -n 2 --port-state=down,active -- ibv_devinfo -d mlx5_1
expect 0 "1: DOWN" "$emu" run --port-state=down -- \
	sh -c 'read -r line <"$SYSFS_PATH/class/infiniband/mlx5_0/ports/1/state"; echo "$line"'
expect 1 "state is Down" "$emu" run --port-state=down -- timeout 20 ib_write_lat -F -d mlx5_0
