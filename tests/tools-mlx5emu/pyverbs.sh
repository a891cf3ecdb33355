#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pyverbs.sh MLX5EMU: the tests that rdma-core has of itself (Debian's python3-pyverbs), on RoCE and on
# InfiniBand. What the device does not offer they skip; all others must pass but one, whose children use the
# device of their parent, which is documented not to work.

emu=$1
# shellcheck source=tests/tools-mlx5emu/lib.sh
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3 # the one that the package is for
source=/usr/share/doc/rdma-core/tests
address=10.77.0.1
if ! $python -c 'import pyverbs' 2>/dev/null || [ ! -e $source/run_tests.py ]; then
	skip "python3-pyverbs is not installed"
fi

cp -r $source "$scratch/tests"
gunzip "$scratch"/tests/*.gz
rm "$scratch/tests/test_mlx5_rdmacm.py" # all of it for DC; waits 15 s until it sees that there is none
# They take the address for librdmacm from a network interface; here it is in the GIDs alone.
grep -q 'self.ip_addr = args\[3\]' "$scratch/tests/base.py" ||
	skip "the tests are not those of rdma-core 44"
sed -i "s/self.ip_addr = args\[3\]/self.ip_addr = '$address'/" "$scratch/tests/base.py"

# run MLX5EMU OPTION...
run() {
	local passed unexpected
	timeout -k 5 200 "$emu" run "$@" --log-file="$scratch/log" -- \
		$python "$scratch/tests/run_tests.py" -v >"$scratch/out" 2>&1 || true
	grep -q '^Ran [0-9]* tests' "$scratch/out" || { tail -50 "$scratch/out"; fail "no end: $*"; }
	# Its status is that of the one that fails, whatever was reported.
	if grep -A2 'the device interface was used wrongly' "$scratch/out"; then
		fail "$*: reports"
	fi
	unexpected=$(sed -nE 's/^(ERROR|FAIL): (\S*).*/\2/p' "$scratch/out" |
		grep -vx test_multi_process_alloc_dm || true)
	if [ -n "$unexpected" ]; then
		sed -n '/^=====/,$p' "$scratch/out"
		tail -20 "$scratch/log"
		fail "$*: $unexpected"
	fi
	passed=$(grep -cE '(^| \.\.\. |[^a-z])ok$' "$scratch/out")
	echo "$*: $passed passed"
	[ "$passed" -ge 140 ] || fail "$*: most were skipped"
}

run -n 2
run --device link=ib,address=$address
