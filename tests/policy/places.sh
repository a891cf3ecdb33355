#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The map in docs/mlx5emu.md has a row for each folder of mlx5emu and its tests, and names nothing that is
# not there; nor do the rules that it models: each has its source and its tests.

set -euo pipefail
cd "$1"
rc=0
rows=$(sed -n '/^## Where its sources are/,/^## [^W]/s/^| `\([^`]*\)`.*/\1/p' docs/mlx5emu.md)

while read -r folder; do
	grep -qxF "$folder/" <<<"$rows" || { echo "docs/mlx5emu.md, sources: no row for $folder/"; rc=1; }
done < <({ find tools/mlx5emu tests/tools-mlx5emu -mindepth 2 -name '*.[ch]' -printf '%h\n'
	echo tests/tools-mlx5emu; } | grep -v '^tools/mlx5emu$' | sort -u)
while read -r file; do
	grep -qxF "$file" <<<"$rows" || { echo "docs/mlx5emu.md, sources: no row for $file"; rc=1; }
done < <(find tools/mlx5emu -maxdepth 1 -name '*.[ch]')
while read -r place; do
	[ -e "$place" ] || { echo "docs/mlx5emu.md, sources: there is no $place"; rc=1; }
done <<<"$rows"

rules=$(sed -n '/^## What it models/,/^## What it cannot/p' docs/mlx5emu.md | grep '^| ' | grep -v '^| Rule')
[ "$(wc -l <<<"$rules")" -ge 20 ] || { echo "docs/mlx5emu.md: no table of what is modelled"; rc=1; }
while IFS='|' read -r _ rule _ source tests _; do
	source=${source//[\` ]/}
	[ -f "tools/mlx5emu/$source" ] || { echo "docs/mlx5emu.md, $rule: there is no $source"; rc=1; }
	for test in ${tests//[\`,]/ }; do
		folder=unit/mlx5emu
		[ "$test" = "${test#/}" ] || folder=tools-mlx5emu
		grep -qE "^static void ${test#/}\(void \*\*" tests/$folder/*.c ||
			{ echo "docs/mlx5emu.md, $rule: no test $test in tests/$folder"; rc=1; }
	done
done <<<"$rules"
exit $rc
