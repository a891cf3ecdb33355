#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv selftest between two "hosts": two processes over 127.0.0.1, on devices that one mlx5emu wires
# together. Then what can go wrong between them, and strangers.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

# What a process of the listener meets at the first request of a test: BV_CONFORM_SIGNAL of bv-conform.
export bv work BV_CONFORM_SIGNAL="$work/signal"

# hosts SCRIPT: runs it below one mlx5emu, with functions of its own: listen [OPTION...] starts a
# listener and sets port; host OPTION... is the other; heard prints what the listener said; stopped waits
# until a process of the listener has met the signal STOP, and prints its ID.
cat >"$work/functions" <<'END'
listen() {
	# What an earlier one said is not this one's port.
	: >"$work/heard" >"$work/tests"
	"$bv" selftest --listen --tcp-port 0 "$@" >"$work/heard" 2>&1 &
	listener=$!
	until port=$(sed -n 's/.*--tcp-port \([0-9]*\)`.*/\1/p' "$work/heard") && [ -n "$port" ]; do
		kill -0 $listener || break
		sleep 0.05
	done
}
host() {
	"$bv" selftest 127.0.0.1 --tcp-port "$port" "$@"
	echo "host: status $?"
}
stopped() {
	local process=none
	until grep -qs '^State:.T' "/proc/${process:-none}/status"; do
		kill -0 $listener || break
		sleep 0.05
		# The line has no end, which read takes for a failure.
		read -r process _ <"/proc/$listener/task/$listener/children" || true
	done
	echo "$process"
}
heard() {
	wait $listener
	echo "listener: status $?"
	cat "$work/heard"
}
END
# Called through expect().
# shellcheck disable=SC2317
hosts() {
	timeout -k 5 300 "$emu" run -- bash -c ". '$work/functions'; $1"
}

expect 0 '^host: status 0' hosts "listen; host --quick -p mlx5 --report '$work/report' --json \
	'$work/hosts.json'; heard"
also '^listener: status 0'
also '^the other host has finished: [0-9]+ passed, 0 failed'
also '^pass +mlx5 +hosts +killed.peer_killed_in_traffic'
also '^skip +mlx5 +hosts +negotiation.gid_by_index'
also 'the GID table of the other host is not known here'
json "$check" selftest "$work/hosts.json" 1 100
expect 0 '^The other host$' cat "$work/report"
also 'between two hosts'
never '127\.0\.0\.1'

# Each side has a device, a port and a GID row of its own; providers are those of both.
expect 0 '^host: status 0' hosts "listen -d mlx5_0 --gid-index 1; host -d mlx5_0 --gid-index 1 \
	--match 'operation_*' --full --report - ; heard"
also '^GID row +1: RoCE v2, fe80'
also '^pass     pass     operations'
expect 0 '^listener: status 3' hosts "listen --gid-index 200; heard"
also 'port 1 of mlx5_0 has no GID in row 200'

# The peer dies in the midst: the test fails, the rest is not run, and it does not hang.
expect 0 '^host: status 1' hosts "echo 19 >'$work/signal'; listen
	(stopped >&2; kill -9 \$listener) &
	host -p verbs"
also '^FAIL +verbs +hosts'
also '^not run +verbs +hosts'
also 'on the other host: Connection refused'
also '^failed: 0 passed, 1 failed'

# The process of one test is killed: told, and the tests go on.
expect 0 '^listener: status 1' hosts "echo 6 >'$work/signal'; listen
	host -p verbs --match 'operations' --quick; heard"
also 'on the other host: the process of a test was killed by signal 6'
also '^failed: [1-9][0-9]* passed, 1 failed, [0-9]+ skipped, 0 not run'

# This host dies: the listener ends, too.
expect 0 '^listener: status 3' hosts "echo 19 >'$work/signal'; listen
	\"\$bv\" selftest 127.0.0.1 --tcp-port \$port --match stream >'$work/tests' & p=\$!
	stopped; kill -9 \$p; heard"
also 'ended before it said what the tests came to'

# Nobody listens, or something else does.
expect 3 'cannot connect to 127.0.0.1, TCP port 1: Connection refused' \
	timeout -k 5 60 "$emu" run -- "$bv" selftest 127.0.0.1 --tcp-port 1
also 'does .bv selftest --listen. run there'
expect 3 'nowhere.invalid: ' timeout -k 5 60 "$emu" run -- "$bv" selftest nowhere.invalid

# Another version is refused by name, on both sides, and the listener waits on. The other version is this
# bv beside a suite that calls itself so.
mkdir -p "$work/other/bin" "$work/other/libexec/bareverbs"
cp "$bv" "$work/other/bin/bv"
cat >"$work/other/libexec/bareverbs/bv-conform" <<'END'
#!/bin/sh
case $* in
*--version*) echo "bareverbs 9.9.9, requests of 1 and replies of 2 bytes, little-endian" ;;
*--list*) printf 'a.b\tc\n' ;;
esac
END
chmod +x "$work/other/libexec/bareverbs/bv-conform"
expect 0 '^host: status 0' hosts "listen
	'$work/other/bin/bv' selftest 127.0.0.1 --tcp-port \$port; echo \"other: status \$?\"
	host --match endpoint_forms; heard"
also '^other: status 3'
also 'the other host refuses: both hosts need the same build'
also '^ +bareverbs 9.9.9, requests of 1'
also '^ +bareverbs [0-8].*, requests of [0-9]+ and'
also '^refused a host: both hosts need the same build'
also '^listener: status 0'

# Strangers: silence, garbage, a wrong token, too much; and a second host while one is served.
expect 0 '^host: status 0' hosts "listen
	exec 3<>/dev/tcp/127.0.0.1/\$port
	for line in 'GET / HTTP/1.0' '0123456789abcdef0123456789abcdef' '{\"version\": 1}' '{'; do
		exec 4<>/dev/tcp/127.0.0.1/\$port
		echo \"\$line\" >&4
		timeout 10 cat <&4
	done
	exec 4<>/dev/tcp/127.0.0.1/\$port
	head -c 5000 /dev/zero >&4
	host --match endpoint_forms
	heard"
also '^listener: status 0'
expect 0 'another host is being served' hosts "echo 19 >'$work/signal'; listen
	host --match operations -p verbs --quick >'$work/tests' &
	process=\$(stopped)
	host --match endpoint_forms
	kill -CONT \$process
	heard"
also '^host: status 3'
also '^listener: status 0'
expect 2 'choose' "$bv" selftest --listen somewhere
finish
