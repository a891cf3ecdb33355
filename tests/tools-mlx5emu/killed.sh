#!/bin/bash
# SPDX-License-Identifier: MIT
#
# killed.sh MLX5EMU: when the server is killed in the middle, the client's requests fail and it
# ends by itself.

emu=$1
if [ "$emu" != --inside ]; then
	command -v ib_write_bw >/dev/null || { echo "skipped: ib_write_bw is not installed"; exit 77; }
	exec "$emu" run -- "$0" --inside
fi

# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
port=$(free_port)
ib_write_bw -F -D 30 -p "$port" >"$scratch/server" 2>&1 &
server=$!
started+=("$server")
wait_until 20 tcp_port "$port" 0A || { cat "$scratch/server"; fail "the server does not listen"; }
timeout -k 5 60 ib_write_bw -F -D 30 -u 10 -p "$port" 127.0.0.1 >"$scratch/client" 2>&1 &
client=$!
started+=("$client")
sleep 3
kill -0 $client || { cat "$scratch/client"; fail "the client ended early"; }
kill -KILL $server
status=0
wait $client || status=$?
started=()
cat "$scratch/client"
[ $status -ne 0 ] && [ $status -ne 124 ] && [ $status -lt 128 ] ||
	fail "the client ended with $status"
grep -q "Completion with error" "$scratch/client" || fail "the client saw no failed completion"
