#!/bin/bash
# SPDX-License-Identifier: MIT
#
# soak.sh MLX5EMU SOAK BV RUNS [FIRST]: so many runs of two processes each, on a wire that loses, repeats,
# delays and reorders packets; run number FIRST (default 1) and those behind it. The number is the seed:
# it chooses the programs, what they do, and the faults, so `soak.sh MLX5EMU SOAK BV 1 NUMBER` repeats a
# run. Two at a time.
#
# soak/ checks each byte, completion and count by itself; bv lat and the pingpongs with -c look at their
# data; perftest has its end.

emu=$1 soak=$2 bv=$3 runs=$4 first=${5-1}
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
pair="$(dirname "$0")/pair.sh"

# choose WORD...: one of them into $chance, by the seed.
choose() {
	chosen=$(((chosen * 1103515245 + 12345) % 2147483648))
	chance=${*:1+(chosen >> 16) % $#:1}
}

# What RC recovers from, of the packets that the words select. The two sides of soak wait for each other; of
# other programs acknowledges arrive in time: the last one cannot be sent again once its program has
# ended, and perftest takes an answer for the acknowledge of what it answers.
disorder() {
	choose "rate=1%" "rate=2%" "rate=4%"
	plan="seed=$seed; lose $1$chance; duplicate rate=2%"
	choose "by=50us rate=2%" "by=300us rate=2%" "by=1ms rate=1%"
	plan+="; delay $1$chance; reorder $1rate=1%"
}

# The words of one run, and its plan.
describe() {
	chosen=$((seed * 40503))
	case $((seed % 10)) in
	0 | 1 | 2 | 3 | 4)
		disorder ""
		command=("$soak" "$seed" RC)
		;;
	5)
		choose "rate=1%" "rate=5%" "rate=20%"
		plan="seed=$seed; lose $chance"
		choose UC UD
		command=("$soak" "$seed" "$chance")
		;;
	6)
		disorder ""
		choose UC UD
		command=("$soak" "$seed" "$chance" disorder)
		;;
	7)
		disorder "opcode=request,read-response "
		choose send send_imm write write_imm read
		command=("$bv" lat -d mlx5_0 --op "$chance" --iters 40 --warmup 0 --depth 16)
		choose 1,700,30K 8,4K 64,100000
		command+=(--sizes "$chance")
		choose 1 5
		command+=(--signal-every "$chance")
		;;
	8)
		disorder "opcode=request,read-response "
		choose "rc_pingpong -c -N" "rc_pingpong -c -e" "rc_pingpong -c -s 20000" \
			"srq_pingpong -c -q 3" "xsrq_pingpong -e"
		command=("$pair" --inside "-d mlx5_0" "-d mlx5_1" "ibv_${chance%% *}" -g 3 -n 40)
		[[ $chance != *" "* ]] || read -ra more <<<"${chance#* }"
		command+=("${more[@]}")
		;;
	9)
		disorder "opcode=request,read-response "
		choose "send_bw -q 4 -b" "send_bw --use-srq -q 2" "write_bw -q 2" "read_bw -b" \
			"atomic_bw -b" "send_bw -c XRC" "send_lat -e"
		read -ra more <<<"$chance"
		command=("$pair" --inside "-d mlx5_0" "-d mlx5_1" "ib_${more[0]}" -F -x 3 -u 15 -n 40
			"${more[@]:1}")
		;;
	esac
}

# In a process of its own: one run, and a line about it.
one_run() {
	local seed=$1 rc=0 begin=$EPOCHREALTIME out=$scratch/run.$1 name plan chance chosen command=() more=()

	describe
	name=${command[*]}
	name=${name#"$pair --inside -d mlx5_0 -d mlx5_1 "}
	name=${name#"$(dirname "$soak")/"}
	name=${name#"$(dirname "$bv")/"}
	timeout -k 5 110 "$emu" run -n 2 --log-level=error --fault="$plan" -- "${command[@]}" \
		>"$out" 2>&1 </dev/null || rc=$?
	printf 'run %s: %s; --fault "%s": %s, %.1f s\n' "$seed" "$name" "$plan" \
		"$([ $rc -eq 0 ] && echo right || echo "WRONG, status $rc")" \
		"$(awk "BEGIN { print $EPOCHREALTIME - $begin }")"
	[ $rc -eq 0 ] || tail -n 40 "$out"
	rm -f "$out"
	return $rc
}

failed=0 running=0
join() {
	wait -n || failed=$((failed + 1))
	running=$((running - 1))
}
for ((number = first; number < first + runs; number++)); do
	[ $running -lt 2 ] || join
	(trap - EXIT; one_run $number) &
	running=$((running + 1))
done
while [ $running -gt 0 ]; do
	join
done
echo "$runs runs of two processes, $failed wrong, first seed $first, $SECONDS s"
[ $failed -eq 0 ] || fail "$failed of $runs runs"
