#!/bin/bash
# SPDX-License-Identifier: MIT
#
# launcher.sh MLX5EMU: exit statuses, error texts, signals, and the run directory's end.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"

no_run_directory() {
	[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] ||
		{ ls -A "$XDG_RUNTIME_DIR"; fail "$1 left a run directory"; }
}

expect 0 "mlx5emu " "$emu" --version
expect 0 "--port-state=LIST" "$emu" run --help
expect 125 "no command given" "$emu"
expect 125 "unknown command 'fly'" "$emu" fly
expect 125 "no program given" "$emu" run
expect 125 "no program given" "$emu" run -n 2 --
expect 125 "unrecognized option" "$emu" run --frobnicate true
expect 125 "use ioctl or write" "$emu" run --commands=mail true
expect 125 "a number from 1 to 16" "$emu" run -n 0 true
expect 125 "a number from 1 to 16" "$emu" run -n 17 true
expect 125 "use 256, 512" "$emu" run --mtu=1500 true
expect 125 "more elements than there are devices" "$emu" run --mtu=256,512 true
expect 125 "use active or down" "$emu" run --port-state=up true
expect 125 "16 hexadecimal digits" "$emu" run --guid=1234 true
expect 125 "an IPv4 address" "$emu" run --address=10.77.0 true
expect 125 "of one host" "$emu" run --address=239.1.1.1 true
expect 125 "none is left for device 1" "$emu" run -n 2 --address=223.255.255.255 true
expect 125 "use none, error" "$emu" run --log-level=loud true
expect 125 "No such file or directory" "$emu" run --log-file="$scratch/none/log" true
expect 125 "line 1, column 11: '2' is not a rate" "$emu" run --fault='lose rate=2' true
expect 125 "No such file or directory" "$emu" run --fault="@$scratch/none" true
expect 125 "Is a directory" "$emu" run --fault="@$scratch" true
expect 125 "cannot make the trace file $scratch/none/t: No such" "$emu" run --trace="$scratch/none/t" true
printf '# by file\nlose\n  los\n' >"$scratch/plan"
expect 125 "line 3, column 3: unknown fault 'los'" "$emu" run --fault="@$scratch/plan" true
expect 0 "fault slow by=1us" "$emu" run --fault='seed=2; lose rate=1%' --fault='slow by=1us' -- \
	sh -c 'cat "$MLX5EMU_RUN/config"'
expect 127 "no such program in PATH" "$emu" run -- no-such-program-here
expect 127 "no such program" "$emu" run -- ./no-such-program-here
expect 126 "not an executable file" "$emu" run -- /etc/passwd
printf 'not a program\n' >"$scratch/garbage"
chmod +x "$scratch/garbage"
expect 126 "cannot run" "$emu" run -- "$scratch/garbage"
no_run_directory "a refused start"

expect 0 "-n 9 --version" "$emu" run -- printf '%s ' -n 9 --version
expect 42 "" "$emu" run -- sh -c 'exit 42'
expect 143 "" "$emu" run -- sh -c 'kill -TERM $$'
expect 137 "" "$emu" run -- sh -c 'kill -KILL $$'
expect 0 "inner 1" "$emu" run -- "$emu" run -- sh -c 'echo inner $(echo "$LD_PRELOAD" | wc -w)'
no_run_directory "a finished run"

# A set-user-ID program cannot be given a device; only root can make one that is not its own.
if [ "$(id -u)" -eq 0 ] && chown 65534 "$scratch/garbage" && chmod u+s "$scratch/garbage"; then
	expect 126 "set-user-ID" "$emu" run -- "$scratch/garbage"
fi

# Descriptors that are scarce are told of, and so is who lacks them.
for n in 7 8 9 10; do
	sh -c 'ulimit -n $1 && exec "$2" run -- ibv_devinfo' - $n "$emu" >"$scratch/few" 2>&1 || true
	grep -q -e hca_id -e 'Too many open files' "$scratch/few" ||
		{ cat "$scratch/few"; fail "no reason with $n descriptors"; }
done

# A base with no room for the run's files is left for the next.
mkdir "$scratch/small"
if unshare -m mount -t tmpfs none "$scratch/small" 2>/dev/null; then
	expect 0 "mlx5_0" env XDG_RUNTIME_DIR="$scratch/small" unshare -m sh -c '
		mount -t tmpfs -o size=64k none "$XDG_RUNTIME_DIR" && "$0" run -- ibv_devices' "$emu"
	expect 125 "proc/self/exe" unshare -m sh -c 'mount -t tmpfs none /proc && "$0" run -- true' "$emu"
fi

# The library is found beside the launcher wherever both are, also below a name that LD_PRELOAD
# cannot carry.
mkdir -p "$scratch/a place:/bin" "$scratch/a place:/lib"
cp "$emu" "$scratch/a place:/bin/"
expect 125 "libmlx5emu.so is not in" "$scratch/a place:/bin/mlx5emu" run -- true
cp "$(dirname "$emu")/../lib/libmlx5emu.so" "$scratch/a place:/lib/"
expect 0 "mlx5_0" "$scratch/a place:/bin/mlx5emu" run -- ibv_devices

# start COMMAND...: in the background under the launcher, until its run directory is there. (A shell
# starts background commands with SIGINT ignored.)
start() {
	env --default-signal=INT "$emu" run -- "$@" &
	launcher=$!
	started=("$launcher")
	wait_until 10 eval '[ -e "$XDG_RUNTIME_DIR"/mlx5emu-*/config ]' || fail "no run directory"
}

# The launcher's program, once it has become one.
program=
program_runs() {
	# the line has no end, which read takes for a failure
	read -r program _ <"/proc/$launcher/task/$launcher/children" || true
	[ -n "$program" ] && [ "$(cat "/proc/$program/comm" 2>/dev/null)" = sleep ]
}

# Not there any more, or dead and not yet waited for by whoever inherited it.
gone() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

ended() {
	local status=0
	wait $launcher || status=$?
	started=()
	[ $status -eq "$1" ] || fail "$2: ended with $status, not $1"
}

for signal in TERM INT HUP; do
	start sh -c "trap 'exit 3' $signal; : >'$scratch/trapped'; while :; do sleep 0.05; done"
	wait_until 20 [ -e "$scratch/trapped" ] || fail "the program does not begin"
	rm "$scratch/trapped"
	kill -$signal $launcher
	ended 3 "SIG$signal"
	no_run_directory "SIG$signal"
done

# What only begins like a run directory is somebody else's, however old it is.
mkdir "$XDG_RUNTIME_DIR/mlx5emu-other.abc" "$XDG_RUNTIME_DIR/mlx5emu-stale1"
touch -d '1 hour ago' "$XDG_RUNTIME_DIR"/mlx5emu-*
"$emu" run -- true
[ "$(ls "$XDG_RUNTIME_DIR")" = mlx5emu-other.abc ] || fail "swept wrongly: $(ls "$XDG_RUNTIME_DIR")"
rmdir "$XDG_RUNTIME_DIR/mlx5emu-other.abc"

# A launcher that is killed outright takes the program along; the next one sweeps.
start sleep 60
wait_until 20 program_runs || fail "no program below the launcher"
kill -KILL $launcher
wait $launcher 2>/dev/null || true
started=("$program")
wait_until 5 gone "$program" || fail "the program outlived its launcher"
started=()
[ -n "$(ls -A "$XDG_RUNTIME_DIR")" ] || fail "SIGKILL cannot be cleaned up after, and yet it was"
start sleep 60
[ "$(ls "$XDG_RUNTIME_DIR" | wc -l)" -eq 1 ] || fail "the stale run directory was not swept"
"$emu" run -- true
[ "$(ls "$XDG_RUNTIME_DIR" | wc -l)" -eq 1 ] || fail "a live run directory was swept"
kill -TERM $launcher
ended 143 "the last one"
no_run_directory "SIGTERM"
