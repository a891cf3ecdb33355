#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each word of fault plans is in the manual page's section about them, and in the fuzzer's dictionary.

set -euo pipefail
cd "$1"
rc=0
words=$(sed -n '/^static const char \*const setting_names/,/^const char \*emu_fault_action_name/p' \
	tools/mlx5emu/fault/plan.c | grep -oE '"[A-Za-z][A-Za-z-]*"' | tr -d '"' | sort -u)
[ "$(wc -l <<<"$words")" -ge 100 ] || { echo "tools/mlx5emu/fault/plan.c: where are its words?"; rc=1; }
section=$(sed -n '/^# FAULT PLANS/,/^# TRACES/p' docs/mlx5emu.1.md)
for word in $words; do
	grep -qE -e "(^|[^a-zA-Z-])$word([^a-zA-Z-]|\$)" <<<"$section" ||
		{ echo "docs/mlx5emu.1.md, FAULT PLANS: nothing about $word"; rc=1; }
	grep -qxE -e "\"$word=?\"" tests/fuzz/fault_plan.dict ||
		{ echo "tests/fuzz/fault_plan.dict: no $word"; rc=1; }
done
exit $rc
