#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Renews what README.md shows of the project: the examples, cut from docs/examples/, and the table of
# `bv lat`, measured now with the binaries in build/. So no figure in it is typed by hand.
#
#   tools/readme.sh              both
#   tools/readme.sh --examples   the examples alone
#   tools/readme.sh --check      changes nothing; fails if an example is not that of its file

set -euo pipefail
cd "$(dirname "$0")/.."

examples="loopback exchange_tcp exchange_cm"

# example NAME: what README.md shows of docs/examples/NAME.c.
example() {
	echo '```c'
	sed -n '/README: begin/,/README: end/{/README:/d;p}' "docs/examples/$1.c"
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

rc=0
for name in $examples; do
	example "$name" >"$text"
	if [ "${1-}" != --check ]; then
		replace "$name" "$text"
	elif ! sed -n "/<!-- $name: begin/,/<!-- $name: end/{/<!-- $name:/d;p}" README.md |
		diff - "$text"; then
		echo "README.md shows another example than docs/examples/$name.c: run tools/readme.sh"
		rc=1
	fi
done
if [ $# -eq 0 ]; then
	table >"$text"
	replace demo "$text"
fi
exit $rc
