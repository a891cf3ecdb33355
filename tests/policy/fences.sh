#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the compiler made of the paths of provider mlx5, called and inline: no locked instruction, no lfence and
# no mfence, and as many sfences as the order of stores needs: one for a doorbell by BlueFlame, two for one
# of eight bytes, none for all that rings nothing.

set -euo pipefail
export LC_ALL=C
build=$2
cache() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
skip() { echo "skipped: $1" && exit 77; }

[ "$(uname -m)" = x86_64 ] || skip "these are instructions of x86-64"
[ -z "$(cache BV_SANITIZER)" ] || skip "a sanitizer adds instructions of its own"
case $(cache CMAKE_BUILD_TYPE) in
RelWithDebInfo | Release) ;;
*) skip "only the code of a release build is what is promised" ;;
esac
command -v objdump >/dev/null || skip "no objdump (Debian: binutils)"

objects=()
for file in providers/mlx5/CMakeFiles/bv_provider_mlx5.dir/{sq,rq,cq,arm}.c.o \
	tests/policy/CMakeFiles/policy_pinned.dir/pinned.c.o; do
	[ -e "$build/$file" ] || skip "the build has no $file"
	objects+=("$build/$file")
done

objdump -d --no-show-raw-insn "${objects[@]}" | awk '
BEGIN {
	n = split("send_one send_inline8 post_one post_inline8 pinned_write_inline8 pinned_write_one " \
		"pinned_send_inline8 pinned_send_one pinned_read", names)
	while (n)
		want[names[n--]] = 1
	want["end_one"] = want["end_inline8"] = want["bvi_mlx5_flush"] = 2
	n = split("write_one_more write_inline8_more send_one_more send_inline8_more " \
		"pinned_write_inline8_more pinned_write_one_more pinned_send_inline8_more " \
		"pinned_send_one_more pinned_read_more pinned_recv pinned_poll_send pinned_poll_recv " \
		"bvi_mlx5_post_recv_one bvi_mlx5_post_recv_many bvi_mlx5_poll_send_one " \
		"bvi_mlx5_poll_recv_one bvi_mlx5_poll_send bvi_mlx5_poll_recv", names)
	while (n)
		want[names[n--]] = 0
}
/^[0-9a-f]+ <.*>:$/ {
	name = substr($2, 2, length($2) - 3)
	seen[name] = 1
	next
}
$2 == "sfence" { fences[name]++ }
$2 == "lock" || $2 == "lfence" || $2 == "mfence" || ($2 ~ /^xchg/ && /\(/) {
	print name ": " $0
	failed = 1
}
END {
	for (name in want) {
		if (!(name in seen)) {
			print name ": no such function: this test names the paths as they are"
			failed = 1
		} else if (fences[name] + 0 != want[name]) {
			print name ": " fences[name] + 0 " sfence, not " want[name]
			failed = 1
		}
	}
	exit failed
}'
