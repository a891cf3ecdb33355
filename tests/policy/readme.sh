#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The examples of the README are those that the tests build and run, those of an exchange have at most 20
# lines of code, and it leads to every page and example there is.

set -euo pipefail
cd "$1"
rc=0
tools/readme.sh --check || rc=1
for page in docs/*.md docs/examples/*.c; do
	name=$page
	[[ $page == *.c ]] && name=$(basename "$page")
	grep -qF "\`$name\`" README.md || { echo "README.md does not name $page"; rc=1; }
done
# All of the file but comments, empty lines and its include.
for example in docs/examples/exchange_*.c; do
	lines=$(sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$example" | grep -cvE '^\s*(#include .*)?$')
	if [ "$lines" -gt 20 ]; then
		echo "$example: $lines lines of code, more than 20"
		rc=1
	fi
done
exit $rc
