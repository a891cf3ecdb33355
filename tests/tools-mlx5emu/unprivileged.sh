#!/bin/bash
# SPDX-License-Identifier: MIT
#
# unprivileged.sh MLX5EMU SANDBOX: a user without any right runs devices and traffic, also behind a
# container's filter of system calls, and in namespaces of its own. Works from a copy of the binaries,
# because the build tree may be closed to that user.

emu=$1 sandbox=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devinfo ibv_rc_pingpong setpriv unshare

as=()
if [ "$(id -u)" -eq 0 ]; then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs)
fi
chmod 755 "$scratch"
mkdir "$scratch/bin" "$scratch/lib"
cp "$emu" "$sandbox" "$scratch/bin/"
cp "$(dirname "$emu")/../lib/libmlx5emu.so" "$scratch/lib/"
cp "$(dirname "$0")/lib.sh" "$(dirname "$0")/pair.sh" "$scratch/"
chmod -R a+rX "$scratch"
chmod 1777 "$XDG_RUNTIME_DIR"
cd "$scratch"
pingpong=("$scratch/pair.sh" "$scratch/bin/mlx5emu" - - ibv_rc_pingpong -g 1 -n 200 -c)

expect 0 "hca_id:	mlx5_0" "${as[@]}" "$scratch/bin/mlx5emu" run -- ibv_devinfo
"${as[@]}" "${pingpong[@]}"
echo "behind a filter"
"${as[@]}" "$scratch/bin/$(basename "$sandbox")" "${pingpong[@]}"

# No privilege is left in these either; the loopback of a new network is down until somebody with it
# there sets it up, and the programs meet over TCP.
spaces=(unshare --user --map-root-user --mount --pid --net --ipc --fork --mount-proc)
if "${as[@]}" "${spaces[@]}" true 2>/dev/null; then
	echo "in namespaces"
	"${as[@]}" "${spaces[@]}" sh -c 'ip link set lo up && exec "$@"' - \
		"$scratch/bin/$(basename "$sandbox")" "${pingpong[@]}"
else
	echo "no namespaces for users here: that part is left out"
fi
[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "a run directory was left"
