#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The barriers of provider mlx5 on aarch64, where each has an instruction: which a function has, and in which order
# (docs/performance.md tells what each is for). Where a function has several ways, each has all of them.

set -euo pipefail
export LC_ALL=C
source=$1 build=$2/aarch64-barriers
skip() { echo "skipped: $1" && exit 77; }
command -v aarch64-linux-gnu-gcc >/dev/null || skip "no aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu)"

# Headers that do not depend on the architecture, without their neighbours that do.
mkdir -p "$build/include"
ln -sfn /usr/include/infiniband "$build/include/infiniband"
for file in short doorbell rq cq plain; do
	aarch64-linux-gnu-gcc -std=c11 -O2 -DNDEBUG -D_GNU_SOURCE -fPIC -I "$2/contract" -I "$2/generated" \
		-I "$source/include" -idirafter "$build/include" -c "$source/providers/mlx5/$file.c" \
		-o "$build/$file.o"
done

# check FILE BARRIERS FUNCTION...: those barriers in that order, once for each way through the function.
check() {
	local file=$1 barriers=$2
	shift 2
	aarch64-linux-gnu-objdump -d --no-show-raw-insn "$build/$file.o" |
		awk -v file="$file" -v barriers="$barriers" -v functions="$*" '
		/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); next }
		$2 == "dmb" || $2 == "dsb" || $2 == "isb" { had[name] = had[name] $2 " " $3 " " }
		$2 == "hint" && $3 == "#0x6" { had[name] = had[name] "dgh " }
		$2 ~ /^(ldx|stx|ldax|stlx|cas|swp|ldadd)/ { had[name] = had[name] "exclusive " }
		END {
			n = split(functions, want, " ")
			for (i = 1; i <= n; i++) {
				if (had[want[i]] ~ "^(" barriers " )+$")
					continue
				print file ".c: " want[i] ": " had[want[i]] "instead of " barriers
				failed = 1
			}
			exit failed
		}'
}

rc=0
check short "dmb oshst dsb st dgh" post_one post_inline8 send_one send_inline8 || rc=1
check plain "dmb oshst dsb st dgh" bvi_mlx5_list bvi_mlx5_atomic bvi_mlx5_list_imm || rc=1
check doorbell "dmb oshst dsb st" post_one post_inline8 send_one send_inline8 || rc=1
check rq "dmb oshst" bvi_mlx5_post_recv_one bvi_mlx5_post_recv_many || rc=1
check cq "dmb oshld" bvi_mlx5_poll_send_one bvi_mlx5_poll_recv_one || rc=1
exit $rc
