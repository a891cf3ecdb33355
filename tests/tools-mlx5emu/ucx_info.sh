#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ucx_info.sh MLX5EMU: what UCX thinks of the device.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
need ucx_info

# y: not even a warning where it would fall back
UCX_IB_MLX5_DEVX=y "$emu" run -- ucx_info -d >"$scratch/info" 2>&1 || { cat "$scratch/info"; fail "ucx_info failed"; }
for transport in rc_verbs rc_mlx5 ud_verbs ud_mlx5; do
	grep -A1 "Transport: $transport\$" "$scratch/info" | grep -q 'Device: mlx5_0:1' ||
		{ cat "$scratch/info"; fail "no $transport on mlx5_0:1"; }
done
if grep -E 'ERROR|< failed to open' "$scratch/info" | grep mlx5; then
	fail "UCX complained about the device"
fi
