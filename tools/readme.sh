#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Renews what README.md shows of the project: the example, cut from docs/examples/loopback.c, and the
# table of `bv lat`, measured now with the binaries in build/. So no figure in it is typed by hand.
#
#   tools/readme.sh            both
#   tools/readme.sh --check    changes nothing; fails if the example is not that of the file

set -euo pipefail
cd "$(dirname "$0")/.."

example() {
	echo '```c'
	sed -n '/README: begin/,/README: end/{/README:/d;p}' docs/examples/loopback.c
	echo '```'
}

table() {
	echo '```'
	build/bin/mlx5emu run -- build/bin/bv lat --provider verbs,mlx5
	echo '```'
}

# replace PART FILE: the lines between the marks of PART become those of FILE.
replace() {
	sed -i -e "/<!-- $1: begin/,/<!-- $1: end/{/<!-- $1: begin/!{/<!-- $1: end/!d}}" \
		-e "/<!-- $1: begin/r $2" README.md
}

text=$(mktemp)
trap 'rm -f "$text"' EXIT

if [ "${1-}" = --check ]; then
	example >"$text"
	sed -n '/<!-- example: begin/,/<!-- example: end/{/<!-- example:/d;p}' README.md |
		diff - "$text" || {
		echo "README.md shows another example than docs/examples/loopback.c: run tools/readme.sh"
		exit 1
	}
	exit 0
fi
example >"$text"
replace example "$text"
table >"$text"
replace demo "$text"
