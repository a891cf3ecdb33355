#!/bin/bash
# SPDX-License-Identifier: MIT
#
# real.sh MLX5EMU: a host that has RDMA devices of its own, as a tree of files: they stay visible beside
# the emulated ones, nothing clashes, a warning tells, and --hide-real hides. (tests/vm has a real one.)

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devices ibv_devinfo

unset MLX5EMU_HIDE_REAL
host=$scratch/host
# device NAME NUMBER: as the kernel shows a virtual one.
device() {
	local ib=$host/sys/devices/virtual/infiniband/$1
	local uverbs=$host/sys/devices/virtual/infiniband_verbs/uverbs$2

	mkdir -p "$ib/ports/1" "$uverbs" "$host"/sys/class/infiniband{,_verbs,_mad} "$host/dev/infiniband"
	echo "1: CA" >"$ib/node_type"
	echo 0250:56ff:fe00:000$2 >"$ib/node_guid"
	echo "$1" >"$uverbs/ibdev"
	echo 1 >"$uverbs/abi_version"
	echo 231:$((192 + $2)) >"$uverbs/dev"
	ln -s "../../devices/virtual/infiniband/$1" "$host/sys/class/infiniband/$1"
	ln -s "../../devices/virtual/infiniband_verbs/uverbs$2" "$host/sys/class/infiniband_verbs/uverbs$2"
	: >"$host/dev/infiniband/uverbs$2"
}
device rxe0 0
device mlx5_0 3
echo 6 >"$host/sys/class/infiniband_verbs/abi_version"
: >"$host/dev/infiniband/umad0"
: >"$host/dev/infiniband/rdma_cm"

run() {
	"$emu" run --host="$host" "$@"
}

# is TEXT...: each is in what the last command printed.
is() {
	local text
	for text in "$@"; do
		grep -qF -e "$text" "$scratch/out" || { cat "$scratch/out"; fail "no '$text'"; }
	done
}
is_not() {
	! grep -F -e "$1" "$scratch/out" || fail "there is '$1'"
}

# All are seen; the emulated one has the next name and number.
expect 0 "mlx5_1" run -- ibv_devices
is rxe0 025056fffe000000 "mlx5emu: this host has RDMA devices of its own: " \
	"beside the emulated ones: mlx5_1. " --hide-real
[ "$(grep -c 'of its own' "$scratch/out")" -eq 1 ] || fail "warned more than once"
expect 0 "hca_id:	mlx5_1" run -- ibv_devinfo -d mlx5_1
expect 0 "board_id:			MLX5EMU" run -- ibv_devinfo -d mlx5_1
expect 0 uverbs4 run -- sh -c 'ls "$SYSFS_PATH/class/infiniband_verbs"; ls "$MLX5EMU_RUN/dev/infiniband"'
is uverbs0 uverbs3 umad0 rdma_cm
expect 0 "the host's" run -- sh -c "echo \"the host's\" >'$host/dev/infiniband/umad0'
	cat \"\$MLX5EMU_RUN/dev/infiniband/umad0\""
expect 0 "mlx5_2" run -n 2 -- ibv_devices
if command -v ibv_rc_pingpong >/dev/null; then
	expect 0 "" run -n 2 -- "$(dirname "$0")/pair.sh" --inside "-d mlx5_1" "-d mlx5_2" \
		ibv_rc_pingpong -g 3 -c -n 50
fi

# The names of the host's are not given twice.
expect 125 "the host has a device named rxe0" run --device name=rxe0 -- true
expect 0 "mine" run --device name=mine -- ibv_devices

expect 0 "mlx5_0" env MLX5EMU_HIDE_REAL=1 "$emu" run --host="$host" -- ibv_devices
is_not rxe0

# Hidden, when that is asked for; the level of the log silences the warning.
expect 0 "mlx5_0" run --hide-real -- ibv_devices
is_not rxe0
is_not "of its own"
expect 0 "rxe0" run --log-level=error -- ibv_devices
is_not "of its own"

# A run within a run has the host's devices, not those of the outer one.
expect 0 "mlx5_1" run -- "$emu" run --host="$host" -- ibv_devices
is rxe0
[ "$(grep -c 02424d03004c5800 "$scratch/out")" -eq 1 ] || fail "nested"
[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "a run directory was left"
