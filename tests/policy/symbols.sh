#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The headers, the version script and the library name the same symbols: each BV_API declaration of
# include/ is listed in core/bareverbs.map, each listed one is declared and exported, and no more.

set -euo pipefail
export LC_ALL=C
source=$1 build=$2
cd "$source"

# Declarations span lines: one line per statement, comments gone, then the name before the "(".
declared() {
	cat include/bareverbs/*.h | grep -v '^#' | tr '\n' ' ' | sed 's@/\*@\n&@g' |
		sed 's@/\*.*\*/@@' | tr -d '\n' | tr ';{}' '\n' |
		sed -n 's/.*BV_API.*[ *]\(bvi\?_[a-z0-9_]*\)\( *(.*\|\[.*\| *\)$/\1/p' | sort -u
}
listed() {
	sed -n 's/^[ \t]*\(bvi\?_[a-z0-9_]*\);$/\1/p' core/bareverbs.map | sort
}
exported() {
	nm -D --defined-only "$build/lib/libbareverbs.so" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort
}

if ! grep -q '^BV_SANITIZER:STRING=$' "$build/CMakeCache.txt"; then
	echo "skipped: a sanitizer adds symbols of its own"
	exit 77
fi
rc=0
diff <(declared) <(listed) || { echo "< declared BV_API, > listed in core/bareverbs.map"; rc=1; }
diff <(listed) <(exported) || { echo "< listed in core/bareverbs.map, > exported"; rc=1; }
exit $rc
