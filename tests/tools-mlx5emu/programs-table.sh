#!/bin/bash
# SPDX-License-Identifier: MIT
#
# programs-table.sh RECORDS     writes the table of docs/mlx5emu-programs.md from what the tests of
#                               programs.list left in BUILD_DIRECTORY/programs
# programs-table.sh --check     the table names exactly the runs of programs.list, and all passed

set -euo pipefail
here=$(dirname "$0")
page=$here/../../docs/mlx5emu-programs.md
begin='<!-- runs: tests/tools-mlx5emu/programs.list -->' end='<!-- end of runs -->'

# "OPTIONS OF mlx5emu|OPTIONS|OF THE SERVER|OF THE CLIENT" of each run, in the order of the list.
listed() {
	awk '/^#/ || /^$/ { next }
		/^\[/ { sub(/^[^ ]* ?/, ""); run = $0; next }
		{ gsub(/ *\| */, "|"); print run "|" $0 }' "$here/programs.list"
}

# The same of the table.
shown() {
	sed -n "\\|^$begin\$|,\\|^$end\$|p" "$page" | awk -F '|' '
		/^\| `/ {
			both = $3; sides = $4; run = $5
			gsub(/^ +| +$|`/, "", both); gsub(/^ +| +$|`/, "", sides)
			gsub(/^ +| +$|`/, "", run)
			if (sides != "")
				sub(/; /, "|", sides)
			print run "|" both (sides == "" ? "" : "|" sides)
		}'
}

check() {
	local rc=0

	diff <(listed | sort) <(shown | sort) || {
		echo "docs/mlx5emu-programs.md: run the tests mlx5emu_programs_*, then the target programs-table"
		rc=1
	}
	! shown_verdicts | grep -v passed || rc=1
	return $rc
}

shown_verdicts() {
	sed -n "\\|^$begin\$|,\\|^$end\$|p" "$page" | awk -F '|' '/^\| `/ { print $3 $6 }'
}

# All records, in the order of the list.
recorded() {
	local group

	sed -n 's/^\[\([a-z0-9_]*\).*/\1/p' "$here/programs.list" | while read -r group; do
		cat "$1/$group"
	done
}

packages() {
	recorded "$1" | awk -F '\t' '!seen[$2]++ { order[++n] = $2 }
		{ version[$2] = $3; runs[$2]++
		  if (!($2 SUBSEP $1 in known)) { known[$2 SUBSEP $1]; programs[$2] = programs[$2] " " $1 } }
		END {
			print "| Package | Version | Runs | Programs |"
			print "|---------|---------|-----:|----------|"
			for (i = 1; i <= n; i++)
				printf "| %s | %s | %d |%s |\n", order[i], version[order[i]],
					runs[order[i]], programs[order[i]]
		}'
}

table() {
	recorded "$1" | awk -F '\t' '
		BEGIN {
			print "| Program | Options | Server; client | mlx5emu run | Verdict | s |"
			print "|---------|---------|----------------|-------------|---------|--:|"
		}
		{
			split($5, side, / *\| */)
			sides = side[2] side[3] == "" ? "" : "`" side[2] "; " side[3] "`"
			if (side[3] == "" && side[2] != "")
				sides = "`" side[2] "`"
			printf "| `%s` | `%s` | %s | `%s` | %s | %s |\n", $1, side[1], sides, $4, $6, $7
		}'
}

if [ "$1" = --check ]; then
	check
	exit
fi
{
	sed "\\|^$begin\$|q" "$page"
	printf '\nWritten on %s, %s, %s.\n\n' "$(date -u +%Y-%m-%d)" \
		"$(. /etc/os-release && echo "$PRETTY_NAME")" "Linux $(uname -r), $(nproc) CPUs"
	packages "$1"
	echo
	table "$1"
	echo
	sed -n "\\|^$end\$|,\$p" "$page"
} >"$page.new"
mv "$page.new" "$page"
check
