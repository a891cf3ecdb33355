# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Common to the shell tests of mlx5emu; sourced with the launcher's path in $emu. Each test works in
# a directory of its own, which is also the base of its run directories, and ends whatever it
# started, by process id.

set -euo pipefail

scratch=$(mktemp -d "${TMPDIR:-/tmp}/bv-mlx5emu.XXXXXX")
export XDG_RUNTIME_DIR=$scratch/run
mkdir "$XDG_RUNTIME_DIR"
started=()
# perftest and ibv_xsrq_pingpong leave files in /tmp to the next user, who may not open them. Whoever
# removes them must be the last: processes that find another file do not share a domain.
exec 8</tmp
flock --shared --timeout 60 8 || true

# TERM first, which timeout(1) hands on to what it runs.
end_started() {
	kill "${started[@]}" 2>/dev/null || return 0
	for _ in {1..20}; do
		kill -0 "${started[@]}" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "${started[@]}" 2>/dev/null || true
}

finish() {
	local status=$? file
	[ ${#started[@]} -eq 0 ] || end_started
	exec 8<&-
	if exec 8</tmp && flock --nonblock 8; then
		for file in /tmp/xrc_domain{,_client,_server}; do
			[ ! -O "$file" ] || rm -f "$file"
		done
	fi
	rm -rf "$scratch"
	exit $status
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "failed: $*"
	exit 1
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# expect STATUS TEXT COMMAND...: the command ends with STATUS and TEXT is in what it prints.
expect() {
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" >"$scratch/out" 2>&1 </dev/null || status=$?
	if [ "$status" -ne "$wanted" ] ||
		{ [ -n "$text" ] && ! grep -qF -e "$text" "$scratch/out"; }; then
		cat "$scratch/out"
		fail "$* ended with $status; wanted: $wanted and '$text'"
	fi
}

# Is the TCP port in use here, or (second argument 0A) listened on?
tcp_port() {
	local hex
	hex=$(printf '%04X' "$1")
	{ cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } |
		awk -v port=":$hex\$" -v state="${2-}" \
			'$2 ~ port && (state == "" || $4 == state) { found = 1 } END { exit !found }'
}

# Does a program of this host listen there by the connection manager of mlx5emu? In any run: ports of
# tests are to differ.
cm_port() {
	awk -v name="^@mlx5emu[.].*[.]cmu?[.]$1[.]" \
		'$4 == "00010000" && $8 ~ name { found = 1 } END { exit !found }' /proc/net/unix
}

# Below those that the kernel gives away; others for each process that asks at the same time.
free_port() {
	local port=$((10000 + $$ * 7919 % 22000))
	while tcp_port $port; do
		port=$((port + 1))
	done
	echo $port
}

# wait_until SECONDS COMMAND...: polls; false when the time is over.
wait_until() {
	local tries=$(($1 * 50))
	shift
	until "$@"; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.02
	done
}
