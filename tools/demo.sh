#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The same operations through both providers, side by side, on a software mlx5 device: no NIC, nothing
# to start by hand. Installs missing Debian packages when it may (root or sudo), builds into build/.
# Exit status 0 says that every byte of both providers was verified.

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

show() {
	echo
	echo "\$ $*"
	"$@"
}

packages "${packages_build[@]}"
echo "building into build/ ..."
# A build directory that already has the tests keeps them.
fresh=()
[ -e build/CMakeCache.txt ] || fresh=(-DBUILD_TESTING=OFF)
build_in build --preset release-gcc "${fresh[@]}"

emulated=(build/bin/mlx5emu run --)
show "${emulated[@]}" build/bin/bv info
show build/bin/mlx5emu run --manual -- build/bin/bv cost --provider verbs,mlx5
show "${emulated[@]}" build/bin/bv lat --provider verbs,mlx5
