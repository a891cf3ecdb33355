#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each reason why a line is not run by any test (docs/coverage.md) is that of a line which is there.

set -euo pipefail
cd "$1"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
tools/coverage-left.py --stale tools/coverage-left.txt
