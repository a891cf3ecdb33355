#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the compiler made of the paths of provider mlx5, called and inline: no locked instruction, no lfence and
# no mfence; on every path through every function at most one sfence, and one where a doorbell rings. Two
# exceptions have functions of their own: what rings with a WQE longer than BlueFlame (bf.h) has the second
# fence alone, and arming has two for each queue, for its register may be write-combining (arm.c).

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

library=$build/lib/libbareverbs.so
pinned=$build/lib/libpolicy_pinned.so
for file in "$library" "$pinned"; do
	[ -e "$file" ] || skip "the build has no $file"
done

# check RINGING SILENT FILE: functions with a doorbell, and those of the data path without any.
check() {
	objdump -d --no-show-raw-insn "$3" | awk -v ringing="$1" -v silent="$2" '
	# Fences on the path from @at that has most of them. Jumps are followed, calls counted.
	function most(start,    at, stack, seen, top, best, n, to) {
		if (start in memo)
			return memo[start]
		memo[start] = 0
		stack[top = 1] = start " 0"
		while (top) {
			split(stack[top--], to, " ")
			at = to[1]
			n = to[2]
			while ((at in op) && !((at, n) in seen)) {
				seen[at, n]
				if (op[at] == "sfence")
					n++
				else if (op[at] == "call" && target[at] != exception)
					n += most(target[at])
				best = n > best ? n : best
				if (n > 2 || op[at] == "ret")
					break
				if (op[at] ~ /^j/ && target[at] != exception)
					stack[++top] = target[at] " " n
				if (op[at] == "jmp")
					break
				at = following[at]
			}
		}
		return memo[start] = best + 0
	}
	/^[0-9a-f]+ <.*>:$/ {
		name = substr($2, 2, length($2) - 3)
		sub("^0+", "", $1)
		entry[$1] = name
		if (name == "bf_ring_word")
			exception = $1
		before = ""
		next
	}
	/^ *[0-9a-f]+:\t/ {
		at = $1
		sub(":", "", at)
		op[at] = $2
		target[at] = $3
		following[before] = at
		before = at
		if (own(name) && ($2 == "lock" || $2 == "lfence" || $2 == "mfence" ||
				  ($2 ~ /^xchg/ && /\(/))) {
			print name ": " $0
			failed = 1
		}
	}
	function own(name) {
		return name in want || name ~ /^(bvi_mlx5_|bf_|plain_|any_)/
	}
	BEGIN {
		n = split(ringing, names)
		while (n)
			want[names[n--]] = 1
		n = split(silent, names)
		while (n)
			want[names[n--]] = 0
	}
	END {
		for (at in entry) {
			name = entry[at]
			if (at == exception || name ~ /^(bvi_mlx5_)?arm$/)
				continue
			n = most(at)
			found[name] = 1
			if (n > 1 || ((name in want) && n != want[name])) {
				print name ": " n " sfence on a path, not " want[name]
				failed = 1
			}
		}
		for (name in want) {
			if (!(name in found)) {
				print name ": no such function: this test names the paths as they are"
				failed = 1
			}
		}
		if (exception && most(exception) != 1) {
			print "bf_ring_word: not one sfence"
			failed = 1
		}
		exit failed
	}'
}

rc=0
check "post_one post_inline8 send_one send_inline8 bvi_mlx5_other bvi_mlx5_list send_list_plain bvi_mlx5_atomic
	send_inline_plain write_inline_short write_inline_two send_inline_two inline_straight bvi_mlx5_list_imm
	bvi_mlx5_inline_imm bvi_mlx5_list_any bvi_mlx5_inline_any bvi_mlx5_atomic_any bvi_mlx5_flush" "bvi_mlx5_post_recv_one bvi_mlx5_post_recv_list bvi_mlx5_post_recv_many" "$library" || rc=1
check "pinned_write_inline8 pinned_write_one pinned_send_inline8 pinned_send_one pinned_read" \
	"pinned_write_inline8_more pinned_write_one_more pinned_send_inline8_more pinned_send_one_more
	pinned_read_more pinned_recv pinned_poll_send pinned_poll_recv" "$pinned" || rc=1
# Of each level, four functions ring: by one store of 64 bytes each, behind which is no part of another.
for line in movdir64b 'vmovdqa64 %zmm[0-9]*,\(%r'; do
	n=$(objdump -d --no-show-raw-insn "$library" | grep -Ec "$line" || true)
	[ "$n" -ge 4 ] || { echo "$n times $line in the library" && rc=1; }
done
exit $rc
