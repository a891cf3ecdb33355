#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pair.sh MLX5EMU SERVER-OPTIONS CLIENT-OPTIONS PROGRAM [ARGUMENT...]
#
# Options in one word each, "-" for none; RUN_OPTIONS in the environment are of `mlx5emu run`.
# Server and client of a third party's program, two processes of one run, both must end with 0. The
# port is chosen here and given as -p; the client gets 127.0.0.1 behind its arguments.

emu=$1
if [ "$emu" != --inside ]; then
	command -v "$4" >/dev/null || { echo "skipped: $4 is not installed"; exit 77; }
	# the count of words is wanted
	# shellcheck disable=SC2086
	exec "$emu" run -n 2 ${RUN_OPTIONS-} -- "$0" --inside "${@:2}"
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
server_options=() client_options=()
[ "$2" = - ] || read -ra server_options <<<"$2"
[ "$3" = - ] || read -ra client_options <<<"$3"
shift 3
program=$1
port=$(free_port)

timeout -k 5 110 "$@" "${server_options[@]}" -p "$port" >"$scratch/server" 2>&1 &
server=$!
started+=("$server")
wait_until 20 tcp_port "$port" 0A || { cat "$scratch/server"; fail "$program does not listen"; }

client_status=0 server_status=0
timeout -k 5 100 "$@" "${client_options[@]}" -p "$port" 127.0.0.1 >"$scratch/client" 2>&1 ||
	client_status=$?
[ $client_status -eq 0 ] || sleep 1
[ $client_status -eq 0 ] || kill $server 2>/dev/null || true
wait $server || server_status=$?
started=()

sed 's/^/client: /' "$scratch/client"
sed 's/^/server: /' "$scratch/server"
! grep "invalid data" "$scratch/client" "$scratch/server" || fail "$program: wrong bytes"
[ $client_status -eq 0 ] && [ $server_status -eq 0 ] ||
	fail "$program: client ended with $client_status, server with $server_status"
