#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Files of at most 600 lines, and outside tests functions of at most 60.

set -euo pipefail
cd "$1"
rc=0
while read -r lines file; do
	if [ "$file" != total ] && [ "$lines" -gt 600 ]; then
		echo "$file: $lines lines, more than 600"
		rc=1
	fi
done < <(find include core providers tools tests -name '*.[ch]' -print0 | xargs -0 wc -l)

if ! ctags --version 2>/dev/null | grep -q Universal; then
	[ $rc -ne 0 ] || { echo "skipped: no universal-ctags to measure functions"; exit 77; }
	exit $rc
fi
while read -r begin end file name; do
	if [ $((end - begin + 1)) -gt 60 ]; then
		echo "$file:$begin: $name() has $((end - begin + 1)) lines, more than 60"
		rc=1
	fi
done < <(find include core providers tools -name '*.[ch]' -print0 | xargs -0 \
	ctags -x --kinds-C=f --fields=+ne --language-force=C --_xformat='%n %{end} %F %N')
exit $rc
