#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The checks that read the sources and run nothing: cppcheck, shellcheck, and a compilation for
# aarch64 up to the object files. `tools/check.sh BUILD_DIRECTORY` takes the flags from that build.

set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: tools/check.sh BUILD_DIRECTORY}
rc=0

echo "-- shellcheck"
mapfile -t scripts < <(find .ci tools tests -type f \( -name '*.sh' -o -path .ci/run \) | sort)
shellcheck -x "${scripts[@]}" || rc=1

echo "-- cppcheck"
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	--inline-suppr --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -j 2 \
	-D__x86_64__ -D_GNU_SOURCE -I include -I "$build/contract" -I "$build/generated" \
	include core providers tools || rc=1

echo "-- aarch64"
# The foreign headers we use do not depend on the architecture, but their neighbours in /usr/include
# do: a folder of links offers the first without the second.
cross=$build/aarch64
mkdir -p "$cross/include"
for header in infiniband rdma jansson.h jansson_config.h; do
	ln -sfn "/usr/include/$header" "$cross/include/$header"
done
while read -r source; do
	aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wconversion -Werror \
		-c -o "$cross/object.o" -idirafter "$cross/include" \
		-I include -I "$build/contract" -I "$build/generated" "$source" || rc=1
done < <(find core providers tools -name '*.c' | sort)

exit "$rc"
