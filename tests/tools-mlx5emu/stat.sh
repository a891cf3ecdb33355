#!/bin/bash
# SPDX-License-Identifier: MIT
#
# stat.sh MLX5EMU TRAFFIC: what `mlx5emu stat` shows of two processes that have done a known exchange
# and wait, of one that was killed, and of none.

emu=$1 traffic=$2
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
chmod 755 "$scratch"

# shows TEXT: it is in what the last command printed.
shows() {
	grep -qF -e "$1" "$scratch/out" || { cat "$scratch/out"; fail "'$1' is not shown"; }
}

none() {
	expect 0 "no program with an emulated device is running" "$emu" stat --once --run "$1"
	expect 0 '{"runs":[]}' "$emu" stat --once --json --run "$1"
}

expect 0 "--interval=SECONDS" "$emu" stat --help
expect 125 "a number from 0.1 to 3600" "$emu" stat --interval=0 --once
expect 125 "no argument is expected" "$emu" stat once
expect 125 "No such file or directory" "$emu" stat --once --run "$scratch/none"

mkfifo "$scratch/go"
"$emu" run -n 2 --log-level=none --fault='rnr opcode=send nth=1' -- sh -c '
	"$0" 3 RC UC UD WAIT <"$1" & first=$!
	"$0" 3 RC WAIT <"$1" & echo $first $! ; wait' "$traffic" "$scratch/go" >"$scratch/programs" &
started=($!)
exec 3>"$scratch/go"
ready() {
	[ "$(grep -c ready "$scratch/programs")" -eq 2 ]
}
wait_until 20 ready || { cat "$scratch/programs"; fail "the programs do not get ready"; }
run=$(echo "$XDG_RUNTIME_DIR"/mlx5emu-*)
read -r first second <"$scratch/programs"

# found by itself, and by name
expect 0 "$run" "$emu" stat --once
shows "traffic[$first] slot"
shows "traffic[$second] slot"
expect 0 "\"directory\":\"$run\"" "$emu" stat --once --json
shows '"type":"RC","state":"ERR","peer":'
shows '"rnr_naks_sent":1,"rnr_naks_received":0,'
shows '"doorbells":5,"wqes":5,"receives":0,"packets_sent":8,"packets_received":8,"retransmissions":1,"timeouts":0,"rnr_naks_sent":0,"rnr_naks_received":1,"cqes":5,"error_cqes":1}'
shows '"name":"mlx5_0","doorbells":8,"wqes":8,"receives":3,"packets_sent":21,"packets_received":21,'
shows '"type":"UC","state":"RTS"'
shows '"type":"UD","state":"RTS","peer":0,"doorbells":1,"wqes":1,"receives":0,"packets_sent":1,'
shows '"faults":1,'
! command -v python3 >/dev/null || python3 -m json.tool "$scratch/out" >/dev/null || fail "no JSON"

# whoever may read the directory may look
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$XDG_RUNTIME_DIR"
	mkdir "$scratch/bin"
	chmod 755 "$scratch/bin"
	cp "$emu" "$scratch/bin/"
	expect 0 "traffic[$first] slot" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --no-new-privs "$scratch/bin/mlx5emu" stat --once --run "$run"
fi

# what is killed is not shown any more, what goes on is
kill -KILL "$first"
gone() {
	! "$emu" stat --once --run "$run" | grep -q "traffic\[$first\]"
}
wait_until 5 gone || fail "a dead process is shown"
expect 0 "traffic[$second] slot" "$emu" stat --once --run "$run"

# live: again and again, with rates
status=0
timeout 1 "$emu" stat --interval=0.2 --run "$run" >"$scratch/out" || status=$?
[ $status -eq 124 ] || fail "stat ended with $status by itself"
shows "wqes/s"
[ "$(grep -c doorbells "$scratch/out")" -ge 2 ] || fail "shown once only"

# in a terminal, where one can be made (a bare chroot has no /dev/pts): screen after screen, of programs that come and
# go (of any run: that of others, too)
if script -qec true "$scratch/try" >/dev/null 2>&1 </dev/null; then
	script -qfec "exec timeout 60 '$emu' stat --interval=0.1" "$scratch/screens" >/dev/null 2>&1 </dev/null &
	started+=($!)
	on_screen() {
		grep -qF -e "$1" "$scratch/screens"
	}
	last_screen_lacks() {
		! tail -c 65536 "$scratch/screens" | tr -d '\n' | sed 's/.*\x1b\[H\x1b\[J//' | grep -qF -e "$1"
	}
	mkfifo "$scratch/leave"
	for round in 1 2; do
		"$emu" run --log-level=none -- sh -c 'echo $$ >"$0"; exec "$1" 3 RC WAIT' "$scratch/pid" "$traffic" \
			>/dev/null <"$scratch/leave" &
		come=$!
		started[2]=$come
		exec 4>"$scratch/leave"
		wait_until 10 test -s "$scratch/pid" || fail "round $round: no program"
		name="traffic[$(cat "$scratch/pid")] slot"
		wait_until 10 on_screen "$name" || fail "round $round: $name is not on any screen"
		exec 4>&-
		wait "$come" || true
		unset 'started[2]'
		wait_until 10 last_screen_lacks "$name" || fail "round $round: $name stays on the screen"
		rm "$scratch/pid"
	done
	# lines longer than the terminal is wide are cut, which is over with each screen
	if ! on_screen $'\e[?7l\e[H\e[J' || ! on_screen $'\e[?7h'; then
		fail "lines wrap"
	fi
	kill "${started[1]}"
	wait "${started[1]}" 2>/dev/null || true
	unset 'started[1]'
fi

mkdir "$scratch/empty" "$scratch/empty/stat"
echo nonsense >"$scratch/empty/stat/$$"
none "$scratch/empty"
exec 3>&-
wait "${started[0]}" || true
started=()
[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "a run directory was left"
