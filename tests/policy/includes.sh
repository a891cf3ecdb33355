#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Dependencies point one way. The include directories see to most of it; this sees to what they
# cannot: paths that climb out of a folder, and foreign headers outside their one home.

set -euo pipefail
cd "$1"
rc=0

# none PATTERN MESSAGE FOLDER...: no file of the folders includes PATTERN.
none() {
	local pattern=$1 message=$2
	shift 2
	if grep -rnE --include='*.[ch]' "^#[ \t]*include[ \t]+$pattern" "$@"; then
		echo "  $message"
		rc=1
	fi
}

none '"(.*/)?\.\./' "climbs out of its folder" include core providers tools/bv
none '[<"](infiniband|rdma)/' "the installed API must not need libibverbs headers" include
none '<infiniband/mlx5dv' "mlx5dv.h belongs to providers/mlx5" include core providers/verbs tools
none '"' "public headers include each other as <bareverbs/...>" include
none '<bareverbs/' "the device knows nothing of the library above it" tools/mlx5emu
none '"(.*/)?(engine|uverbs)/' "the fabric knows no layer above it" tools/mlx5emu/fabric
none '"(.*/)?uverbs/' "the engine knows no ABI" tools/mlx5emu/engine
none '"(.*/)?uverbs/|<rdma/' "commands reach the device whatever the ABI" tools/mlx5emu/firmware
none '"(.*/)?firmware/' "the engine knows no mailboxes" tools/mlx5emu/engine tools/mlx5emu/fabric
none '"(core|providers)/' "tools use the installed API" tools
exit $rc
