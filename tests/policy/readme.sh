#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The example of the README is the one that the tests build and run.
set -euo pipefail
exec "$1/tools/readme.sh" --check
