#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Measures mlx5emu, and holds the figures against their bars: a report, no test, since it tells of the
# machine as much as of the tool. Takes the best of several tries; says what load there was.
#
#   tools/mlx5emu-speed.sh [--build DIRECTORY] [--tries N] [--docs]
#
# --docs writes the table of docs/mlx5emu-speed.md. Needs perftest; setpriv, if it runs as root.

# Measurements are called by name, which shellcheck cannot follow.
# shellcheck disable=SC2317

set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build tries=5 docs=false
while [ $# -gt 0 ]; do
	case $1 in
	--build) build=$(cd "${2:?--build needs a directory}" && pwd); shift ;;
	--tries) tries=${2:?--tries needs a number}; shift ;;
	--docs) docs=true ;;
	*) sed -n '/^#   tools/,/^# --docs/s/^# *//p' "$0"; exit 2 ;;
	esac
	shift
done

# From a copy, as the build tree may be closed to other users.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/bin" "$place/lib" "$place/run"
cp "$build/bin/mlx5emu" "$build/bin/tests/traffic" "$place/bin/"
cp "$build/lib/libmlx5emu.so" "$place/lib/"
chmod -R a+rX "$place"
chmod 1777 "$place/run"
export XDG_RUNTIME_DIR=$place/run
emu=$place/bin/mlx5emu traffic=$place/bin/traffic

# Without any right, whoever runs this.
unprivileged=(env)
[ "$(id -u)" -ne 0 ] || unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups
	--bounding-set=-all --no-new-privs)

# two SECONDS PROGRAM...: server and client of perftest in one run; prints what the client says.
two() {
	local seconds=$1 port
	shift
	port=$((10000 + ($$ * 7919 + ++used * 13) % 22000))
	timeout -k 2 "$seconds" "${as[@]}" "$emu" run -- bash -c '
		port=$1; shift
		"$@" -p $port >/dev/null 2>&1 & server=$!
		until grep -qi ":$(printf %04X $port) 00000000:0000 0A" /proc/net/tcp /proc/net/tcp6; do
			sleep 0.02
			kill -0 $server || exit 1
		done
		"$@" -p $port 127.0.0.1; wait $server' two "$port" "$@" 2>/dev/null
}
used=0

# Column N of the line of figures, which begins with the size and the count.
column() {
	awk -v n="$1" '/^ *[0-9]+ +[0-9]+ +[0-9.]+ / { print $n }'
}

latency() {
	two 40 ib_write_lat -F -x 3 -n "$1" -s 8 | column 5
}

latency_privileged() {
	as=(env)
	latency 5000
}
latency_unprivileged() {
	as=("${unprivileged[@]}")
	latency 2000
}
bandwidth() {
	as=(env)
	two 40 ib_write_bw -F -x 3 -n 500 -s 1048576 | column 4 | awk '{ printf "%.2f\n", $1 * 1048576 / 1e9 }'
}

# The part of one processor that a program with an open device takes while nothing happens.
idle() {
	local go=$place/go ready=$place/ready before after pid

	rm -f "$go" "$ready"
	mkfifo "$go"
	"$emu" run -- "$traffic" 3 RC WAIT <"$go" >"$ready" 2>&1 &
	exec 9>"$go"
	until grep -qs ready "$ready"; do
		sleep 0.05
	done
	pid=$(pgrep -P $! traffic)
	sleep 0.5
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 4
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	exec 9>&-
	wait
	awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f\n", 100 * t / hz / 4 }'
}

# Until a program that does nothing has begun and ended, in ms.
start_up() {
	local begin=$EPOCHREALTIME

	"$emu" run -- true
	awk "BEGIN { printf \"%.1f\n\", 1000 * ($EPOCHREALTIME - $begin) }"
}

processes() {
	local begin=$EPOCHREALTIME

	"$emu" run --log-level=none -- sh -c 'pids=
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
			"$0" 3 RC UC UD >/dev/null & pids="$pids $!"
		done
		for pid in $pids; do wait $pid || exit 1; done' "$traffic" || return
	awk "BEGIN { printf \"%.2f\n\", $EPOCHREALTIME - $begin }"
}

many_qps() {
	local begin=$EPOCHREALTIME

	"$emu" run --log-level=none -- "$traffic" 3 MANY >/dev/null || return
	awk "BEGIN { printf \"%.2f\n\", $EPOCHREALTIME - $begin }"
}

load() {
	cut -d ' ' -f 1 /proc/loadavg
}

rows=() missed=0
# measure WHAT UNIT "BAR" least|most FUNCTION: the best of the tries; a bar of "" is none.
measure() {
	local what=$1 unit=$2 bar=$3 sense=$4 best='' value at='' verdict=-

	for ((i = 0; i < tries; i++)); do
		value=$("$5") && [ -n "$value" ] || continue
		if [ -z "$best" ] || awk "BEGIN { exit !($value $([ "$sense" = least ] && echo '<' || echo '>') $best) }"; then
			best=$value at=$(load)
		fi
	done
	if [ -n "$bar" ]; then
		verdict=met
		if [ -z "$best" ] || awk "BEGIN { exit $best $bar }"; then
			verdict=missed missed=$((missed + 1))
		fi
	fi
	rows+=("| $what | ${best:-none} $unit | ${bar:-none} | $verdict | ${at:-$(load)} |")
	echo "${rows[-1]}"
}

measure "ib_write_lat, 8 bytes, p50, as root" us "< 60" least latency_privileged
measure "ib_write_lat, 8 bytes, p50, without any right" us "< 600" least latency_unprivileged
measure "ib_write_bw, 1 MiB" GB/s "> 2" most bandwidth
measure "CPU time of an idle device" % "< 2" least idle
measure "start-up: mlx5emu run -- true" ms "< 50" least start_up
measure "16 processes with RC, UC and UD in one run" s "" least processes
measure "4,000 queue pairs, made and used" s "" least many_qps

if $docs; then
	page=$root/docs/mlx5emu-speed.md
	{
		sed '/^<!-- figures/q' "$page"
		printf '\nWritten on %s by `tools/mlx5emu-speed.sh --docs`, best of %s tries each, on %s: %s\n\n' \
			"$(date -u +%Y-%m-%d)" "$tries" \
			"$(nproc) CPUs ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 1q))" \
			"Linux $(uname -r), commit $(git -C "$root" rev-parse --short=7 HEAD)."
		echo "| What | Best | Bar | Verdict | Load |"
		echo "|------|-----:|-----|---------|-----:|"
		printf '%s\n' "${rows[@]}"
		echo
		sed -n '/^<!-- end of figures/,$p' "$page"
	} >"$page.new"
	mv "$page.new" "$page"
fi
exit $((missed > 0))
