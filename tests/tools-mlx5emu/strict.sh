#!/bin/bash
# SPDX-License-Identifier: MIT
#
# strict.sh MLX5EMU STRICT [--write]: deliberate faults at each level of strictness, what the run's exit
# status makes of them, and whether docs/mlx5emu-strict.md shows the table of these faults; --write
# renews it.

emu=$1 strict=$2
page=$(dirname "$0")/../../docs/mlx5emu-strict.md
begin='<!-- faults: tests/tools-mlx5emu/strict -->' end='<!-- end of faults -->'

# The page with the table that the tests have now.
renewed() {
	sed "\\|^$begin\$|q" "$page"
	"$strict" --table
	echo
	sed -n "\\|^$end\$|,\$p" "$page"
}

if [ "${3-}" = --write ]; then
	renewed >"$page.new" && mv "$page.new" "$page"
	exit
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"

for level in error pedantic warn; do
	expect 123 "faults at level $level, 0 not as they should be" \
		"$emu" run --manual --strict=$level --log-file="$scratch/log" -- "$strict" $level
	grep -q '^mlx5emu: the device interface was used wrongly, [0-9]* reports; the first' \
		"$scratch/out" || fail "level $level: the launcher says nothing"
done
expect 0 "faults at level off, 0 not as they should be" \
	"$emu" run --manual --strict=off --log-level=none -- "$strict" off

# A report shows the request, decoded, and the program's own status goes before the launcher's.
grep -q '^    +00 ctrl   ' "$scratch/log" ||
	fail "no decoded request in the log"
expect 1 "" "$emu" run --manual --log-level=none -- sh -c "'$strict' error; exit 1"

renewed | diff -u "$page" - || fail "docs/mlx5emu-strict.md: renew its table by $0 MLX5EMU STRICT --write"
