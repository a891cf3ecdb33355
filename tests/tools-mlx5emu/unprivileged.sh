#!/bin/bash
# SPDX-License-Identifier: MIT
#
# unprivileged.sh MLX5EMU: a user without any right runs devices and traffic. Works from a copy of
# the two binaries, because the build tree may be closed to that user.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ibv_devinfo ibv_rc_pingpong setpriv

as=()
if [ "$(id -u)" -eq 0 ]; then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs)
fi
chmod 755 "$scratch"
mkdir "$scratch/bin" "$scratch/lib"
cp "$emu" "$scratch/bin/"
cp "$(dirname "$emu")/../lib/libmlx5emu.so" "$scratch/lib/"
cp "$(dirname "$0")/lib.sh" "$(dirname "$0")/pair.sh" "$scratch/"
chmod -R a+rX "$scratch"
chmod 1777 "$XDG_RUNTIME_DIR"
cd "$scratch"

expect 0 "hca_id:	mlx5_0" "${as[@]}" "$scratch/bin/mlx5emu" run -- ibv_devinfo
"${as[@]}" "$scratch/pair.sh" "$scratch/bin/mlx5emu" - - ibv_rc_pingpong -g 1 -n 200
[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "a run directory was left"
