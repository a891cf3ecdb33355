#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The checks that read the sources and run nothing: cppcheck, shellcheck, and a compilation for
# aarch64 with the commands of the build in BUILD_DIRECTORY.
#
#   tools/check.sh BUILD_DIRECTORY

set -euo pipefail
shopt -s extglob
cd "$(dirname "$0")/.."
build=${1:?usage: tools/check.sh BUILD_DIRECTORY}
rc=0

echo "-- shellcheck"
mapfile -t scripts < <(find .ci tools tests -type f \( -name '*.sh' -o -path .ci/run \) | sort)
shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning "${scripts[@]}" || rc=1

echo "-- cppcheck"
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	--inline-suppr --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -j 2 \
	-D__x86_64__ -D__SIZEOF_POINTER__=8 -D_GNU_SOURCE -I include -I "$build/contract" -I "$build/generated" \
	include core providers tools || rc=1

echo "-- aarch64"
# The foreign headers we use do not depend on the architecture, but their neighbours in /usr/include
# do: a folder of links offers the first without the second.
cross=$build/aarch64
mkdir -p "$cross/include"
for header in infiniband rdma jansson.h jansson_config.h; do
	ln -sfn "/usr/include/$header" "$cross/include/$header"
done
# Not into /dev/null: a compiler that fails removes its output, and for root that is the device.
while read -r command; do
	command=${command/#*([^ ])/aarch64-linux-gnu-gcc -idirafter "$cross/include"}
	printf '%s\0' "${command/ -o * -c / -o "$cross/object.\$\$.o" -c } && rm $cross/object.\$\$.o"
done < <(sed -n 's/^ *"command": "\(.*\)",$/\1/p' "$build/compile_commands.json" |
	grep -E -- "-c $PWD/(core|providers|tools)/" | sed 's/\\\(.\)/\1/g') |
	xargs -0 -n 1 -P "$(nproc)" bash -c || rc=1

exit "$rc"
