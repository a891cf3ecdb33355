#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each fault of docs/seed-faults.md is named by a test, or says that there is none yet.

set -euo pipefail
cd "$1"
rc=0
for n in $(seq 1 23); do
	row=$(grep -E "^\| B$n \|" docs/seed-faults.md) || { echo "B$n: no row in the table"; rc=1; continue; }
	[[ $row == *"none yet |" ]] && continue
	grep -rqwiE --include='*.c' --include='*.sh' --exclude-dir=policy "B$n(_[a-z0-9_]*)?" tests ||
		{ echo "B$n: no test names it"; rc=1; }
done
exit $rc
