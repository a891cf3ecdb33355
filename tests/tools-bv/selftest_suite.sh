#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv selftest over a suite that misbehaves: a script in the place of bv-conform, beside a copy of bv.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

suite=$work/libexec/bareverbs/bv-conform
mkdir -p "$work/bin" "${suite%/*}"
cp "$bv" "$work/bin/bv"

# suite BODY: four tests a.one to a.four; BODY runs with $from set, and say N VERDICT for a test.
suite() {
	cat >"$suite" <<END
#!/bin/bash
case "\$*" in
*--version*) echo "bareverbs 0 of a script"; exit ;;
*--list*) printf 'a.one\tB1 first\na.two\tsecond\na.three\tthird\na.four\tfourth\n'; exit ;;
esac
from=\${*: -1}
names=(none one two three four)
begin() { echo "# begin \$1 a.\${names[\$1]}"; }
say() { begin "\$1"; echo "\$2 \$1 - a.\${names[\$1]}: x"; }
rest() { for ((i = \$1; i <= 4; i++)); do say "\$i" ok; done; }
echo "1..4"
$1
END
	chmod +x "$suite"
}

# Called through expect().
# shellcheck disable=SC2317
selftest() {
	timeout -k 5 60 "$emu" run -- "$work/bin/bv" selftest -p verbs "$@"
}

# counts PASSED FAILED SKIPPED NOT_RUN: of both topologies together.
counts() {
	also ": $1 passed, $2 failed, $3 skipped, $4 not run"
}

# shellcheck disable=SC2016
{
suite 'rest 1'
expect 0 '^pass +verbs +loopback +a.one: B1 first' selftest
counts 8 0 0 0

suite 'say 1 ok; echo "skipped: no time"; begin 2; echo "skipped: no money"
	echo "ok 2 # SKIP a.two: x"; rest 3'
expect 0 '^ +no money$' selftest
counts 6 0 2 0

# A crash, then the next start goes on behind it.
suite '[ $from -gt 2 ] && { rest $from; exit; }
	say 1 ok; begin 2; echo "# near the edge"; echo "a library said this" >&2; kill -SEGV $$'
expect 1 '^FAIL +verbs +loopback +a.two: second' selftest --json "$work/crash.json"
also '^ +near the edge'
also '^ +the test program was killed by signal 11 \(Segmentation fault\)'
also '^ +a library said this'
counts 6 2 0 0
json "$check" selftest "$work/crash.json" 2 0

# It hangs, with a child that hangs, too.
suite '[ $from -gt 2 ] && { rest $from; exit; }
	say 1 ok; begin 2; sleep 1000'
expect 1 'did not end within 0.5 s \(--timeout\), and was killed' selftest --timeout 500ms
counts 6 2 0 0
suite 'sleep 1000'
expect 3 'no test began within 0.5 s' selftest --timeout 500ms
counts 0 0 0 8

# It gives up: once for good, once for one start.
suite 'echo "Bail out! nothing there"; exit 1'
expect 3 '^ +nothing there$' selftest --report "$work/report"
counts 0 0 0 8
expect 0 '^Not run, and why$' cat "$work/report"
suite '[ $from -gt 1 ] && { rest $from; exit; }
	begin 1; echo "not ok 1 - a.one: x"; echo "Bail out! the other side of the tests is gone"; exit 1'
expect 1 '^FAIL +verbs +loopback +a.one' selftest
counts 6 2 0 0

# What belongs to no test is a failure all the same.
suite 'rest $from; echo "Bail out! after a: the other side ended badly"; exit 1'
expect 1 '^ +after a: the other side ended badly' selftest
counts 8 2 0 0
suite 'rest $from; echo "LeakSanitizer: detected memory leaks" >&2; exit 23'
expect 1 '^ +the test program ended with exit status 23' selftest --json "$work/leak.json"
also 'LeakSanitizer'
json "$check" selftest "$work/leak.json" 2 0

# Numbers and lines that nobody expects: no test of ours ends by them.
suite 'echo "ok 7 - a.seven: x"; begin 77; begin 0; echo "not ok"; head -c 40000 /dev/zero | tr "\\0" x
	echo; printf "\\377\\376 no UTF-8\n"; rest 1'
expect 0 '^passed' selftest --json "$work/odd.json"
counts 8 0 0 0
json "$check" selftest "$work/odd.json" 2 0
suite 'begin 1; printf "# \\377\\376 no UTF-8\n"; echo "not ok 1 - a.one: x"; rest 2; exit 1'
expect 1 'FAIL' selftest --json "$work/odd.json"
json "$check" selftest "$work/odd.json" 2 0

suite 'exit 0'
expect 3 'the test program ended with exit status 0' selftest
counts 0 0 0 8
}

# No suite, or none that runs.
echo '#!/bin/false' >"$suite"
expect 3 'cannot be run: it says nothing' selftest
rm "$suite"
expect 3 'libexec/bareverbs/bv-conform: No such file' selftest
also 'BV_SELFTEST=ON'
finish
