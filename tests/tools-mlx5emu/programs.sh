#!/bin/bash
# SPDX-License-Identifier: MIT
#
# programs.sh MLX5EMU GROUP RECORDS: the runs of one group of programs.list, unmodified programs of
# other people inside one `mlx5emu run`. Goes on after a failure. Each run leaves a line in RECORDS/GROUP:
# program, package, its version, options of `mlx5emu run`, those of the program, verdict, seconds; by tabs.

emu=$1 group=$2 records=$3
here=$(dirname "$0")
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$here/lib.sh"

read -ra run_options < <(sed -n "s/^\\[$group\\]//p" "$here/programs.list")
if [ -z "${MLX5EMU_RUN-}" ]; then
	"$emu" run "${run_options[@]}" -- "$0" "$@"
	exit
fi

address=10.77.0.1
log=$scratch/log
export UCX_NET_DEVICES=mlx5_0:1
[[ ${run_options[*]} == *link=ib* ]] || export UCX_IB_GID_INDEX=3

joined() {
	grep -q joined "$log.server"
}

listens_or_left() {
	! kill -0 "${started[0]}" 2>/dev/null || "$@"
}

# As many more of the client as the server waits for ($clients), each with a log of its own.
more_clients() {
	local i
	for ((i = 2; i <= clients; i++)); do
		timeout -k 5 200 "$@" >"$log.client$i" 2>&1 &
		started+=($!)
	done
}

# both "READY" SERVER -- CLIENT: the client once READY holds; all must end with 0.
both() {
	local ready=$1 server=() rc=0 pid
	shift
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	timeout -k 5 220 "${server[@]}" >"$log.server" 2>&1 &
	started=($!)
	# words are wanted
	# shellcheck disable=SC2086
	wait_until 20 listens_or_left $ready
	if $ready; then
		more_clients "$@"
		timeout -k 5 200 "$@" >"$log.client" 2>&1 || rc=$?
	else
		echo "the server is not ready"
		rc=1
	fi
	# by TERM, which timeout hands on
	[ $rc -eq 0 ] || { sleep 1; kill "${started[@]}" 2>/dev/null || true; }
	for pid in "${started[@]}"; do
		wait "$pid" || rc=$?
	done
	started=()
	return $rc
}

# How many clients the server waits for: ibv_xsrq_pingpong alone has an option for it.
count_clients() {
	clients=1
	[[ $name != ibv_xsrq_pingpong || " ${server[*]} " != *" -c "* ]] ||
		clients=$(sed 's/.* -c \([0-9]*\) .*/\1/' <<<" ${server[*]} ")
}

# What one line of the list asks for: $name with the words; server and client have the options of one side.
one_run() {
	local port clients

	port=$(free_port)
	count_clients
	case $name in
	ibv_devices | ibv_devinfo | ucx_info) "${words[@]}" >"$log.client" 2>&1 ;;
	ucx_perftest)
		both "tcp_port $port 0A" env "${words[@]}" -p "$port" -- \
			env "${words[@]}" -p "$port" 127.0.0.1
		;;
	rping)
		both "cm_port $port" rping -s "${words[@]:1}" -p "$port" "${server[@]}" -- \
			rping -c "${words[@]:1}" -p "$port" -a $address "${client[@]}"
		;;
	rdma_server)
		both "cm_port $port" rdma_server -p "$port" -- rdma_client -s $address -p "$port"
		;;
	ucmatose)
		both "cm_port $port" "${words[@]}" -p "$port" -- "${words[@]}" -p "$port" -s $address
		;;
	udaddy) # has one port
		both "cm_port 7174" "${words[@]}" -- "${words[@]}" -s $address
		;;
	mckey)
		both joined stdbuf -oL "${words[@]}" -b $address -- "${words[@]}" -b 10.77.0.2 -s
		;;
	ib_*)
		if [[ " ${words[*]} " == *" -R "* ]]; then
			both "cm_port $port" "${words[@]}" -p "$port" -- \
				"${words[@]}" -p "$port" $address
		else
			# on a busy host a peer stands still for longer than perftest waits by itself
			both "tcp_port $port 0A" "${words[@]}" -u 20 -p "$port" "${server[@]}" -- \
				"${words[@]}" -u 20 -p "$port" "${client[@]}" 127.0.0.1
		fi
		;;
	ibv_*)
		both "tcp_port $port 0A" env "${words[@]}" -p "$port" "${server[@]}" -- \
			env "${words[@]}" -p "$port" "${client[@]}" 127.0.0.1
		;;
	*) fail "no way to run $name" ;;
	esac
}

# perftest -R connects twice, and its server listens anew in between: a client that is faster than that is
# rejected (of datagrams: finds no service), and gives up.
too_early() {
	[[ " ${words[*]} " == *" -R "* ]] &&
		grep -q 'EVENT_REJECTED; error: 8\|EVENT_UNREACHABLE; error: 1' "$log.client"
}

# Some tell of wrong bytes and end with 0.
good() {
	local tries=5

	until one_run; do
		((--tries)) && too_early || return 1
	done
	! grep -i 'invalid data\|data mismatch\|data verification failed' "$log".*
}

# The package of a program, and its version.
package() {
	local name path

	path=$(readlink -f "$(command -v "$1")")
	name=$(dpkg-query -S "$path" "${path#/usr}" 2>/dev/null | sed -n '1s/:.*//p') || true
	printf '%s\t%s' "${name:--}" \
		"$([ -z "$name" ] || dpkg-query -W -f '${Version}' "$name" 2>/dev/null || echo -)"
}

# One line of the list: "OPTIONS OF BOTH | OF THE SERVER | OF THE CLIENT".
failed=0 ran=0
run_line() {
	local line=$1 both_words server_words client_words name verdict=passed begin=$EPOCHREALTIME
	local words server client

	IFS='|' read -r both_words server_words client_words <<<"$line"
	read -ra words <<<"$both_words"
	read -ra server <<<"$server_words"
	read -ra client <<<"$client_words"
	for name in "${words[@]}"; do
		[[ $name == *=* ]] || break
	done
	rm -f "$log".*
	if ! command -v "$name" >/dev/null; then
		verdict="not installed"
	elif good; then
		ran=$((ran + 1))
	else
		verdict=failed failed=1
		echo "failed: $line"
		for side in "$log".*; do
			sed "s/^/${side##*.}: /" "$side"
		done
	fi
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$(package "$name")" "${run_options[*]}" "$line" \
		"$verdict" "$(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }")" >>"$record"
}

mkdir -p "$records"
record=$records/$group
: >"$record"
while IFS= read -r line <&3; do
	run_line "$line"
done 3< <(awk -v group="[$group]" '/^\[/ { inside = $1 == group; next } inside && /^[^#]/' "$here/programs.list")
cat "$record"
[ $failed -eq 0 ] || fail "$group"
[ $ran -gt 0 ] || skip "none of the programs is installed"
