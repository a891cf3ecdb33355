#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The example of the README is the one that the tests build and run, and it leads to every page and
# example there is.

set -euo pipefail
cd "$1"
rc=0
tools/readme.sh --check || rc=1
for page in docs/*.md docs/examples/*.c; do
	name=$page
	[[ $page == *.c ]] && name=$(basename "$page")
	grep -qF "\`$name\`" README.md || { echo "README.md does not name $page"; rc=1; }
done
exit $rc
