#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `man CALL` works for every call of the API, `man 1 TOOL` for every tool, and no page makes the
# programs that show pages complain.

set -euo pipefail
export LC_ALL=C.UTF-8
source=$1 build=$2
rc=0

# What a program may call, by means that share nothing with docs/man.awk.
calls() {
	sed -n 's/^[ \t]*\(bv_[a-z0-9_]*\);$/\1/p' "$source/core/bareverbs.map"
	sed -nE 's/^(static inline|BVI_INLINE|#define) (.*[ *])?(bv_[a-z0-9_]+)\(.*/\3/p' "$source"/include/bareverbs/*.h
}

cd "$build/man"
# missing WHAT: the calls that are not among the lines of the input.
missing() {
	if comm -23 <(calls | sort -u) <(sort -u) | grep .; then
		echo "  no $1 (made by the target man)"
		rc=1
	fi
}
missing "page of that name" < <(find man3 -name '*.3' -printf '%f\n' | sed 's/\.3$//')
missing "page tells what it does" < <(sed -n '/^\.SH NAME/{n;s/ \\-.*//;s/, /\n/g;p}' man3/*.3)

# Pages have no date: it would change those that nobody changed.
mapfile -t pages < <(grep -L '^\.so ' man3/* man7/*)
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "${pages[@]}" | grep -v 'missing date' && rc=1
else
	echo "no mandoc to look at the pages of calls"
fi

if ! command -v pandoc >/dev/null; then
	echo "no pandoc: no pages of the tools"
elif ! command -v groff >/dev/null; then
	echo "no groff to look at the pages of the tools"
else
	for page in "$source"/docs/*.1.md; do
		page=man1/$(basename "$page" .md)
		sed -n '/^\.SH NAME/,/^\.SH SYN/p' "$page" | grep -q . || { echo "$page: no NAME"; rc=1; }
		said=$(groff -K utf8 -T utf8 -man -ww -z "$page" 2>&1) || rc=1
		[ -z "$said" ] || { echo "$page: $said"; rc=1; }
	done
fi
exit $rc
