#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs in the guest of rxe.sh: emulated devices beside rxe0, a real one. Both are listed and work below
# `mlx5emu run`, until the real one is hidden.
#
#   beside.sh BUILD_DIRECTORY

set -euo pipefail
emu=$1/bin/mlx5emu
pair=$(cd "$(dirname "$0")/../tools-mlx5emu" && pwd)/pair.sh
command -v ibv_rc_pingpong >/dev/null || { echo "skipped: ibv_rc_pingpong is not installed"; exit 77; }
unset MLX5EMU_HIDE_REAL
said=$(mktemp)

list=$("$emu" run -- ibv_devices 2>"$said")
echo "$list"
cat "$said"
grep -qw rxe0 <<<"$list"
grep -qw mlx5_0 <<<"$list"
grep -q "of its own: rxe0; programs see them beside the emulated ones: mlx5_0\\." "$said"

"$emu" run -- ibv_devinfo -v -d rxe0 | grep -q "hca_id:.rxe0"
"$emu" run -- "$pair" --inside "-d rxe0 -g 1" "-d rxe0 -g 1" ibv_rc_pingpong -n 20
"$emu" run -n 2 -- "$pair" --inside "-d mlx5_0 -g 3" "-d mlx5_1 -g 3" ibv_rc_pingpong -c -n 20

list=$("$emu" run --hide-real -- ibv_devices)
grep -qw mlx5_0 <<<"$list"
! grep -w rxe0 <<<"$list"
