#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The map in docs/mlx5emu.md has a row for each folder of mlx5emu and its tests, and names nothing that is
# not there; and each source begins with what it is.

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
exit $rc
